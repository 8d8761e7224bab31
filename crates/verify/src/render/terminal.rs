//! The verdict for a terminal.

use super::words;
use crate::check::{Outcome, SubGoal};
use crate::verdict::{Check, PartyVerdict, Verdict};
use std::fmt::Write as _;

/// Longest line before it is broken.
const WIDTH: usize = 110;

pub(super) fn text(verdict: &Verdict) -> String {
    let mut out = String::new();
    let terms = &verdict.terms;
    line(&mut out, 0, &terms.title);
    line(&mut out, 0, &format!("agreement {}…; {}", terms.agreement.short(), words::period(terms)));
    line(
        &mut out,
        0,
        &format!("judged as of {} ({})", words::moment(verdict.as_of_unix_seconds), verdict.as_of_source),
    );
    if let Some(runtime) = &verdict.runtime {
        super::runtime::text(runtime, &mut |indent, words| line(&mut out, indent, words));
    }
    for party in &verdict.parties {
        party_text(&mut out, party);
    }
    for role in &verdict.roles {
        let _ = writeln!(out, "\n{} ({})", role.role, role.kind);
        role.checks.iter().for_each(|check| check_text(&mut out, check));
        line(&mut out, 0, &format!("=> {}", role.sentence));
    }
    list(&mut out, "Forks", verdict.forks.iter().map(|fork| fork.sentence.clone()));
    list(&mut out, "Missing", verdict.missing.iter().map(|missing| format!("{}: {}", missing.issuer, missing.what)));
    list(&mut out, "Taken for granted", verdict.assumptions.iter().cloned());
    list(&mut out, "What no bundle can show", verdict.cannot_see.iter().cloned());
    list(&mut out, "Ignored files", verdict.ignored.iter().take(20).cloned());
    let _ = writeln!(out);
    line(&mut out, 0, &format!("VERDICT: {}. {}", verdict.outcome.words(), verdict.sentence));
    out
}

fn party_text(out: &mut String, party: &PartyVerdict) {
    let _ = writeln!(out, "\n{}", party.party);
    for goal in SubGoal::ALL {
        for check in party.checks.iter().filter(|check| check.sub_goal == goal) {
            check_text(out, check);
        }
    }
    line(out, 2, &format!("audits: {}", party.assurance.sentence));
    line(out, 0, &format!("=> {}", party.sentence));
}

fn check_text(out: &mut String, check: &Check) {
    let head = format!("  {:4} {:6} {:20} ", mark(check), check.sub_goal.label(), check.id);
    let mut tail = check.reason.clone();
    if matches!(check.outcome, Outcome::Violated | Outcome::ForkSeen) {
        tail = format!("{tail} [{}]", words::entries(&check.entries));
    }
    wrapped(out, &head, &tail);
}

fn mark(check: &Check) -> &'static str {
    match check.outcome {
        Outcome::Verified if check.evidence == crate::EvidenceLevel::Assumed => "word",
        Outcome::Verified => "ok",
        Outcome::CannotConclude => "?",
        Outcome::Violated | Outcome::ForkSeen => "FAIL",
    }
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    for (place, item) in items.enumerate() {
        if place == 0 {
            let _ = writeln!(out, "\n{title}");
        }
        wrapped(out, "  - ", &item);
    }
}

fn line(out: &mut String, indent: usize, text: &str) {
    wrapped(out, &" ".repeat(indent), text);
}

/// Writes `head`, then `tail` broken at spaces and indented to the width of `head`.
fn wrapped(out: &mut String, head: &str, tail: &str) {
    let indent = head.chars().count();
    out.push_str(head);
    let mut column = indent;
    for (place, word) in tail.split_whitespace().enumerate() {
        let length = word.chars().count();
        if place > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
        } else if place > 0 {
            out.push(' ');
            column += 1;
        }
        // Control characters from foreign text must not reach a terminal.
        out.extend(word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        column += length;
    }
    out.push('\n');
}
