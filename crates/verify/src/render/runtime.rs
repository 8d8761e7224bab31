//! The run-time of an agreement in a verdict, for a terminal and for the page.

use super::words;
use crate::verdict::{OpenCase, PartyPhase, RunTime};
use maud::{Markup, html};

/// Writes lines with their indentation.
pub(super) fn text(runtime: &RunTime, line: &mut dyn FnMut(usize, &str)) {
    line(0, &format!("phase {} {}; {}", runtime.phase, since(runtime.phase_since_unix_seconds), bound(runtime)));
    for party in &runtime.parties {
        line(2, &format!("{}: {}", party.party, party_words(party)));
    }
    for case in &runtime.cases {
        line(2, &case_words(case));
    }
    for missing in &runtime.missing {
        line(2, &format!("missing: {missing}"));
    }
    if !runtime.at_fault.is_empty() {
        line(2, &format!("broke a rule for statements: {}", names(runtime.at_fault.iter())));
    }
    line(
        2,
        &format!(
            "timeline {} ({}), {}",
            runtime.timeline,
            words::counted(runtime.transitions, "transition"),
            settled(runtime)
        ),
    );
}

/// The section of the page.
pub(super) fn section(runtime: &RunTime) -> Markup {
    html! {
        h2 { "Phase " (runtime.phase) " " (since(runtime.phase_since_unix_seconds)) }
        p.sub { (bound(runtime)) ". What parties and roles decided by the rules of the terms; it binds limits and reports, and is no outcome by itself." }
        div.scroll { table {
            thead { tr { th { "Party" } th { "Phase" } th { "Bound" } th { "Verified for the others" } } }
            tbody {
                @for party in &runtime.parties {
                    tr { td { (party.party) } td { (party.phase) " " (since(party.since_unix_seconds)) } td { (yes(party.bound)) } td { (yes(party.verified)) } }
                }
            }
        } }
        @if !runtime.cases.is_empty() || !runtime.missing.is_empty() {
            ul {
                @for case in &runtime.cases { li { (case_words(case)) } }
                @for missing in &runtime.missing { li { "Missing: " (missing) } }
            }
        }
        p.sub { "Timeline " code { (runtime.timeline) } ", " (words::counted(runtime.transitions, "transition")) ", " (settled(runtime)) }
    }
}

fn since(unix_seconds: u64) -> String {
    if unix_seconds == 0 { "from the start".to_owned() } else { format!("since {}", words::moment(unix_seconds)) }
}

fn names<'a>(names: impl Iterator<Item = &'a standstill_statement::Name>) -> String {
    words::and(&names.map(ToString::to_string).collect::<Vec<_>>())
}

fn bound(runtime: &RunTime) -> String {
    let bound: Vec<_> = runtime.parties.iter().filter(|party| party.bound).collect();
    if bound.is_empty() {
        return "nobody is bound".to_owned();
    }
    format!("bound: {}", names(bound.into_iter().map(|party| &party.party)))
}

fn party_words(party: &PartyPhase) -> String {
    let doubt = if party.bound && !party.verified { ", does not count as verified" } else { "" };
    format!("{} {}{doubt}", party.phase, since(party.since_unix_seconds))
}

fn case_words(case: &OpenCase) -> String {
    let due = case.due_unix_seconds.map_or_else(String::new, |due| format!(", due {}", words::moment(due)));
    format!("case {}: {} against {}, {}{due}", case.case.short(), case.accuser, case.respondent, case.stage)
}

fn settled(runtime: &RunTime) -> String {
    let until = format!("settled until {}", words::moment(runtime.settled_until_unix_seconds));
    runtime.unsettled.first().map_or(until.clone(), |why| format!("{until}: {why}"))
}

const fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
