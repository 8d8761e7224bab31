//! The verdict on a party: every check, each sub-goal, each window.

use super::Phases;
use super::account::{Account, Footing, Refusal, ReportFacts, UNSETTLED, WindowFacts, judged_windows};
use super::audits::Audits;
use super::tally::Tally;
use super::{assurance, audit_checks, fleets, limits, record_checks};
use crate::bundle::Bundle;
use crate::check::{CheckKind, EvidenceLevel, Outcome, SubGoal};
use crate::record::{ByDeadline, Entry, IssuerLog};
use crate::render::words;
use crate::verdict::{AuditStatus, Basis, Check, PartyVerdict, ReportStatus, SubGoalVerdict, WindowRow};
use standstill_agreement::Limit;
use standstill_ledger::lineage::{implied_ops, plans_too_little};
use standstill_seal::{CheckId, Outcome as Proof};
use standstill_statement::{Mode, Name, RunDeclaration};
use std::collections::{BTreeMap, BTreeSet};

/// All that is known about one party.
pub(crate) struct Case<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) log: &'a IssuerLog,
    pub(crate) in_force: &'a Phases,
    pub(crate) account: &'a Account<'a>,
    pub(crate) audits: &'a Audits,
    pub(crate) as_of: u64,
}

impl<'a> Case<'a> {
    /// Reports that count, by window.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (u64, &ReportFacts<'a>)> {
        self.account
            .windows
            .iter()
            .filter_map(|(window, facts)| facts.counted.as_ref().map(|counted| (*window, counted)))
    }

    /// Reports that count for sure; the others are entered as gaps.
    pub(crate) fn settled(&self, tally: &mut Tally) -> Vec<(u64, &ReportFacts<'a>)> {
        let (settled, open): (Vec<_>, Vec<_>) = self.reports().partition(|(_, facts)| facts.settled);
        for (window, facts) in open {
            tally.gap(format!("window {window}: {UNSETTLED}"), vec![self.log.reference(facts.entry)]);
        }
        settled
    }

    /// Whether totals are in clear in all, some or none of the reports.
    fn basis(&self) -> Basis {
        let modes: BTreeSet<bool> = self.reports().map(|(_, facts)| facts.report.mode == Mode::Open).collect();
        match (modes.contains(&true), modes.contains(&false)) {
            (true, true) => Basis::Mixed,
            (true, false) => Basis::InClear,
            _ => Basis::ByProof,
        }
    }
}

/// Judges one party.
pub(crate) fn judge(case: &Case<'_>) -> PartyVerdict {
    let mut checks = record_checks::all(case.log);
    checks.push(proof_check(case, CheckKind::Ranges, &[CheckId::Layout, CheckId::Range]));
    checks.push(proof_check(case, CheckKind::PhysicalBound, &[CheckId::PhysicalBound]));
    checks.push(proof_check(case, CheckKind::RunTotals, &[CheckId::Runs]));
    checks.push(open_totals(case));
    checks.extend(audit_checks::declared_uses(case));
    checks.push(runs_declared(case));
    checks.extend(case.bundle.agreement.limits.iter().map(|limit| limit_check(case, limit)));
    checks.push(fleets::check(case, case.basis()));
    checks.push(reports_in_time(case));
    checks.push(proof_check(case, CheckKind::Conservation, &[CheckId::Conservation]));
    checks.push(audit_checks::made(case));
    checks.push(outside_evidence());
    checks.sort_by_key(|check| check.sub_goal);
    let (outcome, evidence) = weakest(checks.iter().filter(|check| check.sub_goal != SubGoal::UndeclaredChips));
    PartyVerdict {
        party: case.log.issuer.clone(),
        outcome,
        evidence,
        sentence: sentence(case, outcome, evidence, &checks),
        sub_goals: SubGoal::ALL.into_iter().map(|goal| sub_goal(goal, &checks)).collect(),
        windows: rows(case),
        assurance: assurance::of(case),
        sources: sources(case),
        log: case.log.summary(),
        checks,
    }
}

fn weakest<'b>(checks: impl Iterator<Item = &'b Check>) -> (Outcome, EvidenceLevel) {
    checks.fold((Outcome::Verified, EvidenceLevel::Verified), |(outcome, evidence), check| {
        (outcome.min(check.outcome), evidence.min(check.evidence))
    })
}

fn sub_goal(goal: SubGoal, checks: &[Check]) -> SubGoalVerdict {
    let own = || checks.iter().filter(|check| check.sub_goal == goal);
    let (outcome, evidence) = weakest(own());
    let decided_by = own().min_by_key(|check| (check.outcome, check.evidence)).map(|check| check.id.clone());
    SubGoalVerdict { sub_goal: goal, outcome, evidence, decided_by: decided_by.unwrap_or_default() }
}

/// Telemetry behind the counted reports.
fn sources(case: &Case<'_>) -> Vec<String> {
    let all: BTreeSet<&String> = case.reports().flat_map(|(_, facts)| &facts.report.sources).collect();
    all.into_iter().take(16).cloned().collect()
}

/// One kind of proof over all counted reports.
fn proof_check(case: &Case<'_>, kind: CheckKind, ids: &[CheckId]) -> Check {
    let mut tally = Tally::new(kind);
    for (window, facts) in case.reports() {
        tally_proofs(case, &mut tally, window, facts, ids);
    }
    let words = format!("{} proved", words::counted(tally.examined(), "report"));
    tally.check(EvidenceLevel::Verified, case.basis(), words)
}

fn tally_proofs(case: &Case<'_>, tally: &mut Tally, window: u64, facts: &ReportFacts<'_>, ids: &[CheckId]) {
    let here = || vec![case.log.reference(facts.entry)];
    match &facts.proofs {
        Err(Refusal::Breach(why)) => return tally.breach(format!("window {window}: {why}"), here()),
        Err(Refusal::Gap(why)) => return tally.gap(format!("window {window}: {why}"), here()),
        Ok(_) => {}
    }
    for id in ids {
        match facts.outcome(id) {
            Some(Proof::Fail(why)) => return tally.breach(format!("window {window}: {why}"), here()),
            Some(Proof::Absent(why)) => return tally.gap(format!("window {window}: {why}"), here()),
            Some(Proof::Pass) => {}
            None => return tally.gap(format!("window {window}: the proofs hold no such check"), here()),
        }
    }
    tally.holds(Some(case.log.reference(facts.entry)));
}

fn open_totals(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::OpenTotals);
    for (window, facts) in case.reports().filter(|(_, facts)| facts.report.mode == Mode::Open) {
        tally_proofs(case, &mut tally, window, facts, &[CheckId::OpenTotals]);
    }
    let words = match tally.examined() {
        0 => "no report is in clear; its figures stay sealed".to_owned(),
        count => format!("{} in clear, each figure opens its commitment", words::counted(count, "report")),
    };
    tally.check_even_if_empty(EvidenceLevel::Verified, case.basis(), words)
}

fn limit_check(case: &Case<'_>, limit: &Limit) -> Check {
    let mut tally = Tally::limit(limit.id.as_str(), limits::sub_goal(limit));
    for (window, facts) in case.reports() {
        let here = || vec![case.log.reference(facts.entry)];
        match &facts.proofs {
            Err(Refusal::Breach(why)) => tally.breach(format!("window {window}: {why}"), here()),
            Err(Refusal::Gap(why)) => tally.gap(format!("window {window}: {why}"), here()),
            Ok(_) => rules(case, &mut tally, limit, window, facts),
        }
    }
    let phase_words: BTreeMap<&str, String> = case
        .account
        .windows
        .keys()
        .map(|window| {
            (
                case.in_force.terms.phase_at(*window),
                limits::bound_words(limit, case.in_force.terms.bound_at(limit, *window)),
            )
        })
        .collect();
    let bounds: Vec<String> = phase_words.iter().map(|(phase, words)| format!("{words} ({phase})")).collect();
    let words = format!("{} under the limit: {}", words::counted(tally.examined(), "report"), bounds.join(", "));
    let caveats = limits::assumed(&case.in_force.terms, limit, case.account);
    if caveats.is_empty() {
        return tally.check(EvidenceLevel::Verified, case.basis(), words);
    }
    tally.check(EvidenceLevel::Assumed, case.basis(), format!("{words}; {}", caveats.join("; ")))
}

/// Every rule that a limit gives in one window; a window in which it gives none holds.
fn rules(case: &Case<'_>, tally: &mut Tally, limit: &Limit, window: u64, facts: &ReportFacts<'_>) {
    let entry = || case.log.reference(facts.entry);
    let bound = limits::bound_words(limit, case.in_force.terms.bound_at(limit, window));
    if let Some(Proof::Fail(why)) = facts.outcome(&CheckId::Layout) {
        return tally.gap(format!("window {window}: {why}"), vec![entry()]);
    }
    for rule in facts.rules_of(&limit.id) {
        let subject = rule.run.as_ref().map_or_else(String::new, |run| format!(", run {run}"));
        match facts.outcome(&CheckId::Rule(rule.id.clone())) {
            Some(Proof::Pass) => {}
            // An honest correction of an earlier window takes the ground from under a proof that was right when it was made.
            Some(Proof::Fail(_) | Proof::Absent(_)) if let Footing::Corrected(earlier) = rule.footing => {
                let words = format!(
                    "window {window}{subject}: the earlier report was corrected afterwards; publish this one again (window {earlier})"
                );
                return tally.gap(words, vec![entry()]);
            }
            Some(Proof::Fail(why)) => {
                return tally
                    .breach(format!("window {window}{subject}: not shown to be {bound}: {why}"), vec![entry()]);
            }
            Some(Proof::Absent(why)) if rule.footing == Footing::Absent => {
                return tally.gap(format!("window {window}{subject}: {why}"), vec![entry()]);
            }
            // Everything that the proof needs is on record, so leaving it out is the party's own act.
            Some(Proof::Absent(_)) => {
                return tally.breach(
                    format!("window {window}{subject}: the report carries no proof of {bound}"),
                    vec![entry()],
                );
            }
            None => {
                return tally.gap(format!("window {window}{subject}: the limit could not be checked"), vec![entry()]);
            }
        }
    }
    tally.holds(Some(entry()));
}

fn reports_in_time(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::ReportsInTime);
    let mut late = Vec::new();
    for (window, facts) in &case.account.windows {
        let end = case.bundle.agreement.window_bounds(*window).1;
        if let Some(open) = facts.counted.as_ref().filter(|counted| !counted.settled) {
            tally.gap(format!("window {window}: {UNSETTLED}"), vec![case.log.reference(open.entry)]);
            continue;
        }
        let early = facts
            .counted
            .as_ref()
            .filter(|counted| case.log.published(counted.entry.index).is_some_and(|time| time < end));
        if let Some(counted) = early {
            let words = format!("window {window}: the report was public before the window was over");
            tally.breach(words, vec![case.log.reference(counted.entry)]);
            continue;
        }
        match (facts.status, &facts.counted) {
            (ReportStatus::OnTime, Some(counted)) => tally.holds(Some(case.log.reference(counted.entry))),
            (ReportStatus::Late, Some(counted)) => {
                late.push(*window);
                tally.holds(Some(case.log.reference(counted.entry)));
            }
            (ReportStatus::Missing, _) => missing(case, &mut tally, *window, facts),
            (ReportStatus::NotDue, _) => {}
            _ => tally.gap(
                format!("window {window}: no cosigned head in the bundle shows whether a report was in time"),
                Vec::new(),
            ),
        }
    }
    for (first, second) in &case.account.doubles {
        let entries = vec![case.log.reference(first), case.log.reference(second)];
        tally.breach(
            format!("entries {} and {} report one window with one revision number", first.index, second.index),
            entries,
        );
    }
    let words = match late.as_slice() {
        [] => format!("{} on time", words::counted(tally.examined(), "report")),
        some => format!(
            "{} in time, of which late within the grace period: {}",
            words::counted(tally.examined(), "report"),
            words::windows(some)
        ),
    };
    tally.check(EvidenceLevel::Verified, Basis::PublicRecord, words)
}

fn missing(case: &Case<'_>, tally: &mut Tally, window: u64, facts: &WindowFacts<'_>) {
    let deadline = words::moment(case.bundle.agreement.grace_deadline(window));
    match facts.too_late {
        Some(entry) => {
            let words = format!("window {window}: the report (entry {}) was not public by {deadline}", entry.index);
            tally.breach(words, vec![case.log.reference(entry)]);
        }
        None => tally.breach(
            format!("window {window}: no report by {deadline}; witnesses cosigned the log without it after that"),
            Vec::new(),
        ),
    }
}

/// First window in which each run appears.
fn first_use<'b>(case: &'b Case<'_>, tally: &mut Tally) -> BTreeMap<&'b Name, u64> {
    let mut first = BTreeMap::new();
    for (window, facts) in case.settled(tally) {
        for run in &facts.report.runs {
            first.entry(run).or_insert(window);
        }
    }
    first
}

/// Declared runs by name.
type Declared<'a> = BTreeMap<&'a Name, (&'a Entry, &'a RunDeclaration)>;

fn runs_declared(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::RunsDeclared);
    for (entry, why) in &case.account.lineage_faults {
        tally.breach(format!("declaration in entry {}: {why}", entry.index), vec![case.log.reference(entry)]);
    }
    // The first declaration of a name is the one that counts.
    let declared: Declared<'_> =
        case.account.runs.iter().rev().map(|(entry, run)| (&run.run, (*entry, *run))).collect();
    for (run, window) in first_use(case, &mut tally) {
        run_declared(case, &mut tally, &declared, run, window);
    }
    let words = match tally.examined() {
        0 => "no run appears in any report".to_owned(),
        count => format!("{} declared and cosigned before the first window of use", words::counted(count, "run")),
    };
    let doubtful: Vec<String> = declared.values().filter_map(|(entry, run)| doubt(entry, run)).collect();
    if doubtful.is_empty() {
        return tally.check_even_if_empty(EvidenceLevel::Verified, Basis::PublicRecord, words);
    }
    let words = format!("{words}; {}", doubtful.join("; "));
    tally.check_even_if_empty(EvidenceLevel::Assumed, Basis::PublicRecord, words)
}

/// What a declaration says against itself, if anything. A question to the party: no breach, but what it plans is then its word only.
fn doubt(entry: &Entry, run: &RunDeclaration) -> Option<String> {
    plans_too_little(run).then(|| {
        format!(
            "run {} (entry {}) plans {} petaops, and its own parameters and tokens take {} (6 x active parameters x tokens): ask the party",
            run.run,
            entry.index,
            words::grouped(u128::from(run.planned_petaops)),
            words::grouped(implied_ops(run).div_ceil(1_000_000_000_000_000))
        )
    })
}

fn run_declared(case: &Case<'_>, tally: &mut Tally, declared: &Declared<'_>, run: &Name, window: u64) {
    let user = case.account.windows.get(&window).and_then(|facts| facts.counted.as_ref());
    let report: Vec<_> = user.map(|facts| case.log.reference(facts.entry)).into_iter().collect();
    let Some((entry, declaration)) = declared.get(run) else {
        return tally.breach(format!("run {run} appears in window {window} and was never declared"), report);
    };
    let both: Vec<_> = report.into_iter().chain([case.log.reference(entry)]).collect();
    if declaration.from_window > window {
        let words =
            format!("run {run} appears in window {window} and was declared from window {} on", declaration.from_window);
        return tally.breach(words, both);
    }
    match case.log.public_by(entry.index, case.bundle.agreement.window_bounds(window).0) {
        ByDeadline::Yes => tally.holds(Some(case.log.reference(entry))),
        ByDeadline::No => tally
            .breach(format!("run {run} was declared after the start of window {window}, in which it appears"), both),
        ByDeadline::Unknown => {
            tally.gap(format!("no cosigned head shows that run {run} was declared before window {window} began"), both)
        }
    }
}

fn outside_evidence() -> Check {
    let kind = CheckKind::OutsideEvidence;
    Check {
        id: kind.id().to_owned(),
        kind,
        sub_goal: kind.sub_goal(),
        outcome: Outcome::CannotConclude,
        evidence: EvidenceLevel::NoEvidence,
        basis: Basis::None,
        reason: "no bundle can show that there are no undeclared chips; this takes evidence from outside".to_owned(),
        examined: 0,
        failed: 0,
        entries: Vec::new(),
    }
}

fn rows(case: &Case<'_>) -> Vec<WindowRow> {
    case.account.windows.iter().map(|(window, facts)| row(case, *window, facts)).collect()
}

fn row(case: &Case<'_>, window: u64, facts: &WindowFacts<'_>) -> WindowRow {
    let terms = &case.in_force.terms;
    let counted = facts.counted.as_ref();
    let opened = counted.and_then(|_| case.account.history.get(window)).and_then(|public| public.opened());
    let totals =
        |range: std::ops::Range<usize>| opened.and_then(|totals| totals.totals.get(range)).map(<[u64]>::to_vec);
    WindowRow {
        window,
        phase: terms.phase_at(window).to_owned(),
        report: facts.status,
        entry: counted.map(|report| report.entry).or(facts.too_late).map(|entry| case.log.reference(entry)),
        published_unix_seconds: counted.and_then(|report| case.log.published(report.entry.index)),
        deadline_unix_seconds: terms.report_deadline(window),
        in_clear: counted.is_some_and(|report| report.report.mode == Mode::Open),
        audit: counted.map_or(AuditStatus::NotAsked, |report| audit_checks::status(case, report)),
        proofs_hold: counted.and_then(proofs_hold),
        seconds: totals(0..9),
        petaops: totals(9..15),
        energy_kilojoules: opened.and_then(|totals| totals.totals.get(15)).copied(),
        limits: terms
            .limits
            .iter()
            .map(|limit| limits::in_window(terms, limit, window, counted, &case.account.history))
            .collect(),
    }
}

/// Whether every proof of the account holds; limits are shown by themselves.
fn proofs_hold(facts: &ReportFacts<'_>) -> Option<bool> {
    let verdict = match &facts.proofs {
        Ok(verdict) => verdict,
        Err(Refusal::Breach(_)) => return Some(false),
        Err(Refusal::Gap(_)) => return None,
    };
    let accounts = verdict.checks.iter().filter(|check| !matches!(check.id, CheckId::Rule(_)));
    Some(accounts.into_iter().all(|check| check.outcome == Proof::Pass))
}

fn sentence(case: &Case<'_>, outcome: Outcome, evidence: EvidenceLevel, checks: &[Check]) -> String {
    let party = &case.log.issuer;
    let judged = judged_windows(&case.bundle.agreement, case.as_of);
    let chips = "whether it has undeclared chips, no bundle can show";
    if outcome == Outcome::Verified {
        let weak = on_its_word(evidence, checks);
        return format!(
            "{party} kept the terms on its declared chips in {}: its uses add up to its registered capacity and stay under every limit{weak}; {chips}.",
            words::counted(judged, "window")
        );
    }
    let decisive: Vec<&Check> =
        checks.iter().filter(|check| check.outcome == outcome && check.sub_goal != SubGoal::UndeclaredChips).collect();
    let named: Vec<String> = decisive.iter().take(3).map(|check| check.id.clone()).collect();
    let first = decisive.first().map(|check| check.reason.clone()).unwrap_or_default();
    match outcome {
        Outcome::ForkSeen => format!("{party} has shown two histories: {first}."),
        Outcome::Violated => format!("{party} violated the terms ({}): {first}; {chips}.", words::and(&named)),
        _ => format!("For {party} nothing can be concluded ({}): {first}; {chips}.", words::and(&named)),
    }
}

/// Which checks hold on the party's word only; empty when none does.
fn on_its_word(evidence: EvidenceLevel, checks: &[Check]) -> String {
    if evidence == EvidenceLevel::Verified {
        return String::new();
    }
    let weak = checks.iter().filter(|check| check.evidence < EvidenceLevel::Verified);
    let weak = weak.filter(|check| check.sub_goal != SubGoal::UndeclaredChips);
    let named: Vec<String> = weak.take(4).map(|check| check.id.clone()).collect();
    format!("; part of this rests on its word ({})", words::and(&named))
}
