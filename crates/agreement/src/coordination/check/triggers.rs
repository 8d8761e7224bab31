//! Rules of triggers and of the way back.

use super::super::predicate::{Compare, Predicate, Reading, Unit};
use super::super::{Raiser, Trigger};
use super::{majority, roles_of, term_seconds};
use crate::amount::duration;
use crate::parse::Draft;
use crate::problem::Rule;
use crate::read::Report;
use crate::terms::{Phase, RoleKind};
use standstill_statement::Name;

pub(super) fn check(draft: &Draft, report: &mut Report) {
    for trigger in &draft.coordination.triggers {
        trigger_fits(&trigger.path, &trigger.value, draft, report);
    }
    resumption(draft, report);
}

fn trigger_fits(path: &str, trigger: &Trigger, draft: &Draft, report: &mut Report) {
    let id = &trigger.id;
    if trigger.phase == Phase::Normal {
        let problem = format!("trigger '{id}' calls for phase 'normal', which slows nobody");
        report.at(&format!("{path}.for"), Rule::BadTrigger, problem, "write for = \"slowed\" or for = \"paused\"");
    }
    readings_fit(&format!("{path}.raise"), &format!("trigger '{id}'"), &trigger.raise, draft, report);
    raisers(path, trigger, draft, report);
    adjudicator(path, trigger, draft, report);
    lift(path, trigger, draft, report);
    if let Some(term) = term_seconds(draft).filter(|term| trigger.expires_seconds > *term) {
        let problem = format!(
            "trigger '{id}' lapses after {}, and the agreement lasts {}",
            duration(trigger.expires_seconds),
            duration(term)
        );
        report.at(
            &format!("{path}.expires"),
            Rule::BadExpiry,
            problem,
            format!("write at most \"{}\"", duration(term)),
        );
    }
}

/// Readings have enough signers that are not the accused, and thresholds that can be crossed.
pub(super) fn readings_fit(path: &str, what: &str, predicate: &Predicate, draft: &Draft, report: &mut Report) {
    for reading in predicate.readings() {
        let offset = place(path, reading, report);
        signers(offset, what, reading, draft, report);
        let always = match reading.compare {
            Compare::AtLeast => reading.threshold == 0,
            Compare::AtMost => reading.signal.unit() == Unit::Share && reading.threshold == 1_000_000,
        };
        if always {
            let problem = format!("in {what}, '{}' always is on that side of the threshold", reading.signal);
            report.add(offset, Rule::BadTrigger, problem, "choose a threshold that evidence can cross");
        }
    }
}

/// Where a reading stands in the file.
fn place(path: &str, reading: &Reading, report: &Report) -> usize {
    let found = report.readings.iter().find(|(place, _, known)| place.starts_with(path) && known == reading);
    found.map_or_else(|| report.place(path), |(_, offset, _)| *offset)
}

fn signers(offset: usize, what: &str, reading: &Reading, draft: &Draft, report: &mut Report) {
    let quorum = reading.quorum;
    let Some(kind) = reading.signers else {
        let others = draft.parties.len().saturating_sub(1);
        if quorum as usize > others && draft.parties_known {
            let problem = format!(
                "in {what}, '{}' needs {quorum} parties, and without the accused, who never counts, there are {others}",
                reading.signal
            );
            let remedy = "ask for fewer parties, or for signers that are not parties: evaluators, auditors";
            report.add(offset, Rule::AccusedOnly, problem, remedy);
        }
        return;
    };
    let there = roles_of(draft, kind);
    if quorum > there && draft.roles_known {
        let (signal, kind) = (&reading.signal, kind.name());
        let problem =
            format!("in {what}, '{signal}' needs {quorum} signers of kind '{kind}', and the agreement has {there}");
        report.add(offset, Rule::UnknownRole, problem, format!("add a [[role]] of kind \"{kind}\", or ask for fewer"));
    }
}

fn raisers(path: &str, trigger: &Trigger, draft: &Draft, report: &mut Report) {
    if !draft.parties_known || !draft.roles_known {
        return;
    }
    let place = format!("{path}.who_may_raise");
    let is_party = |name: &Name| draft.parties.iter().any(|party| party.value.0.id == *name);
    let is_role = |name: &Name| draft.roles.iter().any(|role| role.value.0.id == *name);
    let mut parties = std::collections::BTreeSet::new();
    let mut roles = 0;
    for raiser in &trigger.who_may_raise {
        let unknown = match raiser {
            Raiser::Parties => {
                parties.extend(draft.parties.iter().map(|party| &party.value.0.id));
                continue;
            }
            Raiser::Role(kind) if roles_of(draft, *kind) > 0 => None,
            Raiser::Role(kind) => Some(format!("a role of kind '{}'", kind.name())),
            Raiser::Named(name) if is_party(name) => {
                parties.insert(name);
                continue;
            }
            Raiser::Named(name) if is_role(name) => None,
            Raiser::Named(name) => Some(format!("'{name}'")),
        };
        match unknown {
            None => roles += 1,
            Some(unknown) => {
                let problem =
                    format!("trigger '{}' may be raised by {unknown}, which the agreement does not have", trigger.id);
                report.at(
                    &place,
                    Rule::UnknownRole,
                    problem,
                    "name a party or a role of this file, or \"party\" for any",
                );
                return;
            }
        }
    }
    if let (0, Some(only), 1) = (roles, parties.first(), parties.len()) {
        let problem =
            format!("only '{only}' may raise trigger '{}', so nobody could when '{only}' is the accused", trigger.id);
        report.at(&place, Rule::AccusedOnly, problem, "add \"evaluator\", \"auditor\" or other parties");
    }
}

fn adjudicator(path: &str, trigger: &Trigger, draft: &Draft, report: &mut Report) {
    if !draft.parties_known || !draft.roles_known {
        return;
    }
    let (id, named) = (&trigger.id, &trigger.adjudicate);
    let role = draft.roles.iter().find(|role| role.value.0.id == *named).map(|role| role.value.0.kind);
    let problem = match role {
        Some(RoleKind::Adjudicator) => return,
        Some(kind) => format!("trigger '{id}' is adjudicated by '{named}', which is an {}", kind.name()),
        None if draft.parties.iter().any(|party| party.value.0.id == *named) => {
            format!("trigger '{id}' is adjudicated by '{named}', a party, which would judge itself")
        }
        None => format!("trigger '{id}' is adjudicated by '{named}', which the agreement does not name"),
    };
    let remedy = "name a [[role]] of kind \"adjudicator\"";
    report.at(&format!("{path}.adjudicate"), Rule::UnknownRole, problem, remedy);
}

fn lift(path: &str, trigger: &Trigger, draft: &Draft, report: &mut Report) {
    let (id, lift) = (&trigger.id, &trigger.lift);
    majority(&format!("{path}.lift.vote"), lift.vote, &format!("lift trigger '{id}'"), report);
    if lift.after_seconds >= trigger.expires_seconds {
        let problem = format!(
            "trigger '{id}' may be lifted after {}, and lapses after {}",
            duration(lift.after_seconds),
            duration(trigger.expires_seconds)
        );
        report.at(
            &format!("{path}.lift.after"),
            Rule::MissingLift,
            problem,
            "let it lapse later, or let it be lifted sooner",
        );
    }
    let Some(when) = &lift.when else { return };
    let place = format!("{path}.lift.when");
    readings_fit(&place, &format!("the lift of trigger '{id}'"), when, draft, report);
    for reading in when.readings() {
        let offset = self::place(&place, reading, report);
        let same = trigger.raise.readings().into_iter().filter(|raised| raised.signal == reading.signal);
        for raised in same.filter(|raised| !apart(raised, reading)) {
            let problem = format!(
                "trigger '{id}' is raised by '{}' {} {} and lifted by the same signal {} {}, so it could be raised and lifted at once",
                raised.signal,
                raised.compare.name(),
                raised.threshold_text().trim_matches('"'),
                reading.compare.name(),
                reading.threshold_text().trim_matches('"'),
            );
            report.add(
                offset,
                Rule::MissingLift,
                problem,
                "lift on the other side of the threshold, with a gap between them",
            );
        }
    }
}

/// True when no value is on both sides: the gap that keeps a phase from flapping.
fn apart(raised: &Reading, lifted: &Reading) -> bool {
    match (raised.compare, lifted.compare) {
        (Compare::AtLeast, Compare::AtMost) => lifted.threshold < raised.threshold,
        (Compare::AtMost, Compare::AtLeast) => lifted.threshold > raised.threshold,
        _ => false,
    }
}

/// From a pause the way back goes through slowed levels, each milder than the one before.
fn resumption(draft: &Draft, report: &mut Report) {
    let steps = &draft.coordination.resumption;
    let paused = draft.coordination.triggers.iter().find(|trigger| trigger.value.phase == Phase::Paused);
    if let (Some(trigger), false) = (paused, report.has("resumption")) {
        let problem = format!("trigger '{}' pauses, and there is no step on the way back", trigger.value.id);
        let remedy = "add [[resumption]] with phase = \"slowed\" and hold = \"7d\"";
        report.at(&trigger.path, Rule::BadResumption, problem, remedy);
    }
    for step in steps.iter().filter(|step| step.value.phase.level().is_none()) {
        let problem =
            format!("a step of resumption is '{}', and only slowed levels are on the way back", step.value.phase);
        report.at(
            &format!("{}.phase", step.path),
            Rule::BadResumption,
            problem,
            "write \"slowed\" or a level such as \"slowed-2\"",
        );
    }
    for pair in steps.windows(2) {
        if pair[1].value.phase >= pair[0].value.phase {
            let problem =
                format!("the step '{}' follows '{}', which is not severer", pair[1].value.phase, pair[0].value.phase);
            report.at(
                &format!("{}.phase", pair[1].path),
                Rule::BadResumption,
                problem,
                "order the steps from the severest level to the mildest",
            );
        }
    }
    let whole: u64 = steps.iter().map(|step| step.value.hold_seconds).fold(0, u64::saturating_add);
    if let Some(term) = term_seconds(draft).filter(|term| whole > *term) {
        let problem =
            format!("the steps of resumption take {}, and the agreement lasts {}", duration(whole), duration(term));
        report.at("resumption", Rule::BadResumption, problem, "shorten the steps or choose a longer term");
    }
}
