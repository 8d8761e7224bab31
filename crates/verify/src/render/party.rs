//! One party: its sentence, its data, its compute, its checks.

use super::page::tag;
use super::{checks, compute, conservation, strip, words};
use crate::check::SubGoal;
use crate::verdict::{PartyVerdict, ReportStatus, Verdict};
use maud::{Markup, html};

pub(super) fn section(verdict: &Verdict, party: &PartyVerdict) -> Markup {
    html! {
        h2 id={ "p-" (party.party) } { (party.sentence) }
        p { (tag(party.outcome, party.evidence)) " " span.sub { "weakest evidence: " (party.evidence.words()) } }
        div.scroll { table { tbody { @for goal in &party.sub_goals { tr {
            td { b { (goal.sub_goal.label()) } " " (goal.sub_goal.question()) }
            td { @if goal.sub_goal == SubGoal::UndeclaredChips { span.tag.none { "– no evidence" } } @else { (tag(goal.outcome, goal.evidence)) } }
            td.sub { "decided by " code { (goal.decided_by) } }
        } } } } }
        h3 { (availability(party)) }
        p.sub { "One column per window of " (words::duration(verdict.terms.window_seconds)) ", from window 0." }
        (strip::availability(party))
        (compute::charts(verdict, party))
        (conservation::chart(party))
        h3 { "Audits: " (party.assurance.sentence) }
        p.sub { "Bound: " (party.assurance.formula) ". " (words::grouped(u128::from(party.assurance.with_power_reading))) " of " (words::grouped(u128::from(party.assurance.opened))) " clean openings had an independent power reading." }
        h3 { "Every check of " (party.party) }
        (checks::table(&party.party, &party.checks))
    }
}

fn availability(party: &PartyVerdict) -> String {
    let count = |wanted: ReportStatus| party.windows.iter().filter(|row| row.report == wanted).count() as u64;
    let in_time = count(ReportStatus::OnTime) + count(ReportStatus::Late);
    let missing = count(ReportStatus::Missing) + count(ReportStatus::Unknown);
    match missing {
        0 => format!("A report is there for every window that was due: {in_time}"),
        _ => format!("{} without a report that counts, {in_time} with one", words::counted(missing, "window")),
    }
}
