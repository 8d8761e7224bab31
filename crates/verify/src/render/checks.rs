//! Every check of one issuer with its reason and the log entries that it rests on.

use super::page::tag;
use super::words;
use crate::check::{Outcome, SubGoal};
use crate::verdict::Check;
use maud::{Markup, html};
use standstill_statement::Name;

pub(super) fn table(issuer: &Name, checks: &[Check]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Check" } th { "Result" } th { "Why" } th { "Rests on" } } }
            tbody { @for check in checks { tr id={ "c-" (issuer) "-" (check.id) } {
                td { span.sub { (check.sub_goal.label()) } " " code { (check.id) } }
                td { @if check.sub_goal == SubGoal::UndeclaredChips { span.tag.none { "– no evidence" } } @else { (tag(check.outcome, check.evidence)) } }
                td.why { (check.reason) " " span.sub { "(" (check.basis.words()) ")" } }
                td { (entries(check)) }
            } } }
        } }
    }
}

/// A violation names each entry in full; everything else is a summary, and the JSON has the rest.
fn entries(check: &Check) -> Markup {
    html! {
        @if matches!(check.outcome, Outcome::Violated | Outcome::ForkSeen) {
            @for entry in check.entries.iter().take(12) { div { (entry.issuer) " #" (entry.index) br; code { (entry.statement) } } }
            @if check.entries.len() > 12 { (words::entries(&check.entries[12..])) }
        } @else { (words::entries(&check.entries)) }
    }
}
