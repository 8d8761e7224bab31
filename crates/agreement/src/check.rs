//! Rules across sections. Each looks only at what could be read, so that one typing error does not hide the other problems.

use crate::amount;
use crate::coordination::{Clocks, Inspection};
use crate::known;
use crate::parse::{Draft, line_within};
use crate::problem::Rule;
use crate::read::Report;
use crate::terms::{Audit, Baseline, Bound, Limit, Measure, Per, Phase, WindowTerms};
use standstill_statement::{Class, Name, PublicKey, time};
use std::collections::{BTreeMap, BTreeSet};

/// Operations are accounted in units of 1e15, so a limit in between would be rounded by somebody.
const PETA: u128 = 1_000_000_000_000_000;
const DAY: u64 = 86_400;

/// Checks everything that spans more than one field.
pub(crate) fn check(draft: &Draft, text: &str, report: &mut Report) {
    sources(draft, report);
    if let Some(window) = &draft.window {
        window_fits(window, report);
    }
    term(draft, report);
    holders(draft, report);
    quorum(draft, text, report);
    schedule(draft, report);
    limit_ids(draft, report);
    for limit in &draft.limits {
        limit_fits(&limit.path, &limit.value, draft, report);
    }
    deadlines(draft, report);
    crate::coordination::check::check(draft, report);
}

fn sources(draft: &Draft, report: &mut Report) {
    if let Some(rulebook) = draft.rulebook.as_ref().filter(|name| !known::rulebooks().contains(&name.as_str())) {
        let remedy = format!("use one of {}", known::rulebooks().join(", "));
        report.at("agreement.rulebook", Rule::UnknownRulebook, format!("no rulebook is called '{rulebook}'"), remedy);
    }
    let tables = known::chip_tables();
    if let Some(table) = draft.chip_table.filter(|id| !tables.contains(id)) {
        let list = tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let problem = format!("this version has no chip table {table}");
        report.at("agreement.chip_table", Rule::UnknownChipTable, problem, format!("use {list}, or another version"));
    }
}

fn window_fits(window: &WindowTerms, report: &mut Report) {
    let slot = window.slot_seconds;
    let shown = amount::duration(slot);
    if !window.window_seconds.is_multiple_of(slot) {
        let problem = format!("slots of {shown} do not divide a window of {}", amount::duration(window.window_seconds));
        report.at("window.slot", Rule::BadWindow, problem, "choose a slot that fits a whole number of times");
    } else if window.window_seconds / slot > 1_024 {
        let problem = format!("a window has {} slots, at most 1024 are allowed", window.window_seconds / slot);
        report.at("window.slot", Rule::BadWindow, problem, "choose longer slots or shorter windows");
    }
    if window.report_within_seconds < slot {
        let problem = format!(
            "reports are due {} after the window, sooner than a slot",
            amount::duration(window.report_within_seconds)
        );
        report.at("window.report_within", Rule::BadWindow, problem, format!("allow at least {shown}"));
    }
}

fn term(draft: &Draft, report: &mut Report) {
    let (Some(start), Some(windows), Some(window)) = (draft.start_unix_seconds, draft.term_windows, &draft.window)
    else {
        return;
    };
    let end = windows.checked_mul(window.window_seconds).and_then(|length| length.checked_add(start));
    if end.is_none_or(|end| end > time::MAX_UNIX_SECONDS) {
        let problem = "the agreement ends after the year 9999";
        report.at(
            "agreement.term_windows",
            Rule::BadTerm,
            problem,
            "choose a shorter term; it can be renewed by a new agreement",
        );
    }
}

/// Ids are unique among parties and roles, and no key has two holders or two uses.
fn holders(draft: &Draft, report: &mut Report) {
    if draft.parties.is_empty() && !report.has("party") {
        report.add(0, Rule::MissingField, "the agreement binds nobody", "add a [[party]] section for each party");
    }
    let parties = draft.parties.iter().map(|p| (&p.path, &p.value.0.id, &p.value.1, &p.value.0.statement_keys));
    let roles = draft.roles.iter().map(|r| (&r.path, &r.value.0.id, &r.value.1, &r.value.0.statement_keys));
    let mut ids: BTreeMap<&Name, &str> = BTreeMap::new();
    let mut origins: BTreeSet<&str> = BTreeSet::new();
    let mut keys: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for (path, id, log, statement_keys) in parties.chain(roles) {
        if let Some(other) = ids.insert(id, path) {
            let problem = format!("[{path}] and [{other}] are both called '{id}'");
            report.at(&format!("{path}.id"), Rule::DuplicateId, problem, "give each party and role a name of its own");
        }
        if !origins.insert(&log.name) {
            let problem = format!("two logs have the origin '{}'", log.name);
            report.at(&format!("{path}.log"), Rule::DuplicateId, problem, "each party and role has a log of its own");
        }
        let holder = format!("'{id}'");
        let with_field = statement_keys.iter().map(|key| ("statement_keys", &key.0[..])).chain([("log", &log.key[..])]);
        for (field, key) in with_field {
            share(&mut keys, key, &holder, &format!("{path}.{field}"), report);
        }
    }
    for (_, name, key) in draft.witnesses.iter().flat_map(|policy| &policy.witnesses) {
        share(&mut keys, &key.key, &format!("witness '{name}'"), "witnesses.policy", report);
    }
}

fn share(keys: &mut BTreeMap<Vec<u8>, String>, key: &[u8], holder: &str, path: &str, report: &mut Report) {
    let Some(other) = keys.insert(key.to_vec(), holder.to_owned()) else { return };
    let problem = if other == holder {
        format!("{holder} uses one key for two things")
    } else {
        // Witness keys may be post-quantum ones, which are too long to print.
        let key = <[u8; 32]>::try_from(key).map_or_else(|_| String::new(), |key| format!(" {}", PublicKey(key)));
        format!("{other} and {holder} have the same key{key}")
    };
    report.at(path, Rule::SharedKey, problem, "make a key of its own with 'standstill key new'");
}

fn quorum(draft: &Draft, text: &str, report: &mut Report) {
    let Some(policy) = draft.witnesses.as_ref().filter(|policy| !policy.quorum.safe) else { return };
    let offset = line_within(text, report.place("witnesses.policy"), policy.quorum.line);
    let problem = format!(
        "a quorum of {} can be reached twice without a common witness, so a log could show two histories",
        policy.quorum.words
    );
    report.add(
        offset,
        Rule::UnsafeQuorum,
        problem,
        "ask for more than half of each group, or for all of several groups one of which does",
    );
}

/// Phases start at window 0, ascend, stay within the term, and leave the baseline alone.
fn schedule(draft: &Draft, report: &mut Report) {
    if draft.phases.is_empty() && !report.has("phase") {
        let remedy = "add [[phase]] with name = \"normal\" and from_window = 0";
        report.add(0, Rule::MissingField, "there is no [[phase]] section", remedy);
    }
    phase_order(draft, report);
    for step in &draft.phases {
        let (path, phase, from) = (format!("{}.from_window", step.path), step.value.phase, step.value.from_window);
        if let Some(windows) = draft.term_windows.filter(|windows| from >= *windows) {
            let problem = format!("phase '{phase}' starts at window {from}, after the end");
            report.at(&path, Rule::BadSchedule, problem, format!("the last window is {}", windows - 1));
        }
        baseline_is_normal(&path, phase, from, draft.baseline, report);
    }
    if let (Some(baseline), Some(windows)) = (draft.baseline, draft.term_windows)
        && baseline.windows > windows
    {
        let problem = format!("a baseline of {} windows in a term of {windows}", baseline.windows);
        report.at("baseline.windows", Rule::BadBaseline, problem, "make the baseline shorter or the term longer");
    }
}

fn phase_order(draft: &Draft, report: &mut Report) {
    if let Some(first) = draft.phases.first().filter(|first| first.value.from_window != 0) {
        let path = format!("{}.from_window", first.path);
        let problem = "the first phase does not start at window 0";
        report.at(&path, Rule::BadSchedule, problem, "write from_window = 0");
    }
    for pair in draft.phases.windows(2) {
        let (before, after) = (pair[0].value, pair[1].value);
        let path = format!("{}.from_window", pair[1].path);
        if after.from_window <= before.from_window {
            let problem = format!("phase '{}' does not start after '{}'", after.phase, before.phase);
            let remedy = "order the phases by from_window, each later than the one before";
            report.at(&path, Rule::BadSchedule, problem, remedy);
        } else if after.phase == before.phase {
            let problem = format!("phase '{}' follows itself", after.phase);
            report.at(&path, Rule::BadSchedule, problem, "remove the second one");
        }
    }
}

fn baseline_is_normal(path: &str, phase: Phase, from_window: u64, baseline: Option<Baseline>, report: &mut Report) {
    let windows = baseline.map_or(0, |baseline| baseline.windows);
    if phase != Phase::Normal && from_window < windows {
        let problem =
            format!("phase '{phase}' starts at window {from_window}, within the baseline of {windows} windows");
        report.at(
            path,
            Rule::BadBaseline,
            problem,
            format!("start it at window {windows} or later, or shorten the baseline"),
        );
    }
}

fn limit_ids(draft: &Draft, report: &mut Report) {
    if draft.limits.is_empty() && !report.has("limit") {
        report.add(0, Rule::MissingField, "the agreement limits nothing", "add a [[limit]] section");
    }
    let mut seen: BTreeMap<&Name, &str> = BTreeMap::new();
    for limit in &draft.limits {
        if let Some(other) = seen.insert(&limit.value.id, &limit.path) {
            let problem = format!("[{}] and [{other}] are both called '{}'", limit.path, limit.value.id);
            report.at(&format!("{}.id", limit.path), Rule::DuplicateId, problem, "give each limit a name of its own");
        }
    }
}

fn limit_fits(path: &str, limit: &Limit, draft: &Draft, report: &mut Report) {
    limit_classes_fit(path, limit, draft, report);
    if limit.charge_unaccounted && (limit.per == Per::Lineage || limit.classes.contains(&Class::Unaccounted)) {
        let problem = if limit.per == Per::Lineage {
            format!("limit '{}' charges unaccounted time to a run, and nobody knows to which", limit.id)
        } else {
            format!("limit '{}' would count unaccounted time twice", limit.id)
        };
        let remedy = "remove charge_unaccounted; a limit per window or term can charge it";
        report.at(&format!("{path}.charge_unaccounted"), Rule::BadBound, problem, remedy);
    }
    for phase in draft.named_phases().into_iter().filter(|phase| !limit.bounds.contains_key(phase)) {
        let problem = format!("limit '{}' says nothing about phase '{phase}', which can occur", limit.id);
        report.at(&format!("{path}.phase"), Rule::MissingBound, problem, format!("add {phase} = \"none\" or a bound"));
    }
    for (phase, bound) in &limit.bounds {
        let place =
            if report.has(&format!("{path}.max")) { format!("{path}.max") } else { format!("{path}.phase.{phase}") };
        bound_fits(&place, limit, *phase, bound, draft, report);
    }
}

fn limit_classes_fit(path: &str, limit: &Limit, draft: &Draft, report: &mut Report) {
    let place = format!("{path}.class");
    let allowed = |class: &Class| match (limit.measure, limit.per) {
        (_, Per::Lineage) => class.changes_weights() || *class == Class::Experiment,
        (Measure::Flop, _) => class.can_operate(),
        (Measure::ChipSeconds, _) => true,
    };
    for class in limit.classes.iter().filter(|class| !allowed(class)) {
        let problem = match limit.per {
            Per::Lineage => format!("limit '{}' is on runs, and '{class}' is no class of runs", limit.id),
            _ => format!("limit '{}' counts operations, and '{class}' has none", limit.id),
        };
        let remedy = "remove the class; unaccounted time enters with charge_unaccounted = true";
        report.at(&place, Rule::BadClass, problem, remedy);
    }
    if limit.per == Per::Lineage && limit.measure != Measure::Flop {
        let problem = format!("limit '{}' is on runs, which are measured in operations", limit.id);
        report.at(&format!("{path}.measure"), Rule::BadBound, problem, "write measure = \"flop\"");
    }
    let exempt = draft.scope.as_ref().map(|scope| scope.exempt.as_slice()).unwrap_or_default();
    for class in limit.classes.iter().filter(|class| exempt.contains(class)) {
        let problem = format!("limit '{}' binds '{class}', which scope.exempt says no limit may bind", limit.id);
        report.at(&place, Rule::ExemptClass, problem, "remove the class here or there");
    }
}

fn bound_fits(place: &str, limit: &Limit, phase: Phase, bound: &Bound, draft: &Draft, report: &mut Report) {
    let id = &limit.id;
    let fraction = matches!(bound, Bound::OfBaseline { .. } | Bound::OfCapacity { .. });
    if fraction && limit.per != Per::Window {
        let problem = format!("limit '{id}' adds up per {}, and a fraction needs one window", limit.per.name());
        report.at(place, Rule::BadBound, problem, "write an amount, or per = \"window\"");
        return;
    }
    match *bound {
        Bound::AtMost(amount) if limit.measure == Measure::Flop && !amount.is_multiple_of(PETA) => {
            let problem = format!("limit '{id}' allows {amount} operations, which is no multiple of 1e15");
            report.at(place, Rule::BadBound, problem, "round it; operations are accounted in units of 1e15");
        }
        Bound::AtMost(amount) if limit.measure == Measure::ChipSeconds && amount > 10u128.pow(18) => {
            report.at(
                place,
                Rule::OutOfRange,
                format!("limit '{id}' allows {amount} chip-seconds"),
                "write at most 1e18, or \"none\"",
            );
        }
        Bound::OfBaseline { .. } => baseline_exists(place, id, phase, draft, report),
        Bound::OfCapacity { .. } if limit.measure == Measure::Flop => {
            let problem = format!("limit '{id}' counts operations, and capacity is chip-seconds");
            report.at(place, Rule::BadBound, problem, "write measure = \"chip_seconds\", or an amount");
        }
        Bound::OfCapacity { numerator, denominator } if numerator > denominator => {
            report.at(
                place,
                Rule::OutOfRange,
                format!("limit '{id}' allows more than the capacity"),
                "write at most 100%, or \"none\"",
            );
        }
        _ => {}
    }
}

fn baseline_exists(place: &str, id: &Name, phase: Phase, draft: &Draft, report: &mut Report) {
    if draft.baseline.is_some_and(|baseline| baseline.windows == 0) {
        let problem = format!("limit '{id}' refers to a baseline, and baseline.windows is 0");
        report.at(place, Rule::BadBaseline, problem, "add [baseline] with windows = 30, or write an amount");
    } else if phase == Phase::Normal {
        let problem =
            format!("limit '{id}' compares the baseline windows with themselves, because they are in phase 'normal'");
        report.at(place, Rule::BadBaseline, problem, "write normal = \"none\" or an amount");
    }
}

/// Answers must be possible in time, and evidence must live until the last moment at which it can be asked for.
fn deadlines(draft: &Draft, report: &mut Report) {
    let (Some(window), Some(audit)) = (&draft.window, &draft.audit) else { return };
    if audit.respond_within_seconds < window.slot_seconds {
        let problem = format!(
            "challenges are to be answered within {}, sooner than a slot",
            amount::duration(audit.respond_within_seconds)
        );
        let remedy = format!("allow at least {}", amount::duration(window.slot_seconds));
        report.at("audit.respond_within", Rule::BadWindow, problem, remedy);
    }
    let steps: Vec<(&str, u64)> =
        evidence_seconds(window, audit).into_iter().chain(case_seconds(&draft.coordination)).collect();
    let days = steps.iter().map(|(_, seconds)| seconds).sum::<u64>().div_ceil(DAY);
    if audit.retention_days < days {
        let problem = format!("evidence is kept for {} days, and a check may need it for {days}", audit.retention_days);
        let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
        let remedy = format!("write at least {days}: {} together", names.join(", "));
        report.at("audit.retention_days", Rule::ShortRetention, problem, remedy);
    }
}

/// From the start of a window to the last answer about it: each step with its longest time in seconds.
pub(crate) const fn evidence_seconds(window: &WindowTerms, audit: &Audit) -> [(&'static str, u64); 6] {
    [
        ("window", window.window_seconds),
        ("report", window.report_within_seconds),
        ("grace", window.grace_seconds),
        ("delay of the draw", audit.delay_seconds),
        ("beacon round", audit.beacon.period_seconds),
        ("answer", audit.respond_within_seconds),
    ]
}

/// From the last answer to the adjudicator's decision, and the longest outage in between; nothing without the sections for it.
fn case_seconds(draft: &crate::coordination::parse::Draft) -> Vec<(&'static str, u64)> {
    let (Some(clocks), Some(inspection)) = (&draft.clocks, &draft.inspection) else { return Vec::new() };
    let outage = ("outage", clocks.freeze_on_outage_seconds);
    case_steps(clocks, inspection).into_iter().chain([outage]).collect()
}

/// From the last answer to the adjudicator's decision: each step with its longest time in seconds. Objections are counted while access is
/// prepared, so they add nothing.
pub(crate) const fn case_steps(clocks: &Clocks, inspection: &Inspection) -> [(&'static str, u64); 4] {
    [
        ("clarification", clocks.clarification_seconds),
        ("access", inspection.access_seconds),
        ("finding", clocks.finding_seconds),
        ("adjudication", clocks.adjudication_seconds),
    ]
}
