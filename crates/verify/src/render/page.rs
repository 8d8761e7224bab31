//! The page as a whole: sentence first, then what it cannot see, the grid, each party, what is missing, and how to check it.

use super::{checks, party, strip, words};
use crate::check::{CheckKind, EvidenceLevel, Outcome, SubGoal};
use crate::verdict::{Check, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Fixed text of this crate, never of a bundle.
const STYLE: &str = include_str!("style.css");

pub(super) fn page(verdict: &Verdict) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing may be loaded from anywhere, whatever a bundle holds.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="referrer" content="no-referrer";
                title { "Verdict: " (verdict.outcome.words()) " – " (verdict.terms.title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body(verdict)) } }
        }
    }
}

fn body(verdict: &Verdict) -> Markup {
    html! {
        header {
            p.kicker { "Standstill verdict · " (verdict.terms.title) }
            h1 { (verdict.sentence) }
            p { (tag(verdict.outcome, verdict.evidence)) " " span.sub { (words::period(&verdict.terms)) ". Judged as of " (words::moment(verdict.as_of_unix_seconds)) ", the " (as_of(verdict)) "." } }
        }
        section.box {
            h3 { "What this verdict cannot see" }
            ul { @for item in &verdict.cannot_see { li { (item) } } }
        }
        (forks(verdict))
        h2 { (grid_title(verdict)) }
        p.sub { "Each check by party. The worst cell of a column decides the party; 2B is shown and never decides, because no bundle can supply it." }
        (grid(verdict))
        @if let Some(runtime) = &verdict.runtime { (super::runtime::section(runtime)) }
        (timeline(verdict))
        @for item in &verdict.parties { (party::section(verdict, item)) }
        @for role in &verdict.roles {
            h2 id={ "p-" (role.role) } { (role.sentence) }
            p.sub { (role.kind) " · log " code { (role.log.origin) } }
            (checks::table(&role.role, &role.checks))
        }
        (missing(verdict))
        (ground(verdict))
        (yourself(verdict))
        footer { "Made offline from public bytes; the same bundle gives this same page on every machine. Format " (verdict.format) "." }
    }
}

fn as_of(verdict: &Verdict) -> &str {
    if verdict.as_of_source.starts_with("chosen") { "time chosen by the caller" } else { &verdict.as_of_source }
}

/// A word with a mark, so that colour is never alone.
pub(super) fn tag(outcome: Outcome, evidence: EvidenceLevel) -> Markup {
    html! { span.tag.(class(outcome, evidence)) { (symbol(outcome, evidence)) " " (label(outcome, evidence)) } }
}

pub(super) fn label(outcome: Outcome, evidence: EvidenceLevel) -> &'static str {
    match (outcome, evidence) {
        (Outcome::Verified, EvidenceLevel::Assumed) => "assumed",
        (Outcome::CannotConclude, EvidenceLevel::DetectedOnly) => "flagged",
        _ => outcome.words(),
    }
}

pub(super) fn class(outcome: Outcome, evidence: EvidenceLevel) -> &'static str {
    match (outcome, evidence) {
        (Outcome::Verified, EvidenceLevel::Verified) => "verified",
        (Outcome::Verified, _) => "none",
        (Outcome::CannotConclude, _) => "open",
        (Outcome::Violated, _) => "violated",
        (Outcome::ForkSeen, _) => "fork",
    }
}

pub(super) fn symbol(outcome: Outcome, evidence: EvidenceLevel) -> &'static str {
    match (outcome, evidence) {
        (Outcome::Verified, EvidenceLevel::Verified) => "✓",
        (Outcome::Verified, _) => "~",
        (Outcome::CannotConclude, _) => "?",
        (Outcome::Violated, _) => "✕",
        (Outcome::ForkSeen, _) => "⑂",
    }
}

fn grid_title(verdict: &Verdict) -> String {
    let count = |wanted: Outcome| verdict.parties.iter().filter(|party| party.outcome == wanted).count();
    format!(
        "{} of {} verified, {} violated, {} without a conclusion",
        count(Outcome::Verified),
        words::counted(verdict.parties.len() as u64, "party").replace("partys", "parties"),
        count(Outcome::Violated) + count(Outcome::ForkSeen),
        count(Outcome::CannotConclude)
    )
}

/// Rows in the order of the first party's checks; all parties have the same list.
fn grid(verdict: &Verdict) -> Markup {
    let Some(first) = verdict.parties.first() else { return html! { p { "The terms name no party." } } };
    html! {
        div.scroll { table {
            thead { tr { th { "Check" } @for party in &verdict.parties { th { a href={ "#p-" (party.party) } { (party.party) } } } } }
            @for goal in SubGoal::ALL {
                tbody {
                    tr { th.goal colspan=(verdict.parties.len() + 1) { (goal.label()) " – " (goal.question()) } }
                    @for check in first.checks.iter().filter(|check| check.sub_goal == goal) {
                        tr {
                            td { (title(verdict, check)) }
                            @for party in &verdict.parties { td { (cell(party.checks.iter().find(|other| other.id == check.id), party.party.as_str())) } }
                        }
                    }
                }
            }
        } }
    }
}

fn title(verdict: &Verdict, check: &Check) -> Markup {
    let limit = verdict
        .terms
        .limits
        .iter()
        .find(|limit| check.kind == CheckKind::Limit && check.id == format!("limit-{}", limit.id));
    html! { @match limit { Some(limit) => { "stays under limit " code { (limit.id) } }, None => { (check.kind.title()) } } }
}

fn cell(check: Option<&Check>, party: &str) -> Markup {
    html! {
        @if let Some(check) = check {
            a.(if check.sub_goal == SubGoal::UndeclaredChips { "none" } else { class(check.outcome, check.evidence) }) href={ "#c-" (party) "-" (check.id) } title=(check.reason) {
                @if check.sub_goal == SubGoal::UndeclaredChips { "– no evidence" } @else { (symbol(check.outcome, check.evidence)) " " (label(check.outcome, check.evidence)) }
            }
        }
    }
}

fn timeline(verdict: &Verdict) -> Markup {
    let phases: Vec<String> = verdict.terms.phases.iter().map(|span| span.phase.clone()).collect();
    html! {
        h2 { "The terms schedule " (words::counted(phases.len() as u64, "phase")) ": " (words::and(&phases)) }
        p.sub { "Phases over the term of " (words::counted(verdict.terms.term_windows, "window")) " of " (words::duration(verdict.terms.window_seconds)) "; the bar below shows how far it was judged." @if verdict.runtime.is_some() { " Triggers and votes changed the phases of bound parties beyond this schedule; the lines of the limits below follow what held." } }
        (strip::timeline(&verdict.terms))
        ul { @for limit in &verdict.terms.limits { li { b { (limit.id) } ": " (limit.words) } } }
    }
}

fn forks(verdict: &Verdict) -> Markup {
    html! {
        @for fork in &verdict.forks {
            section.box {
                h3.fork { "⑂ " (fork.sentence) }
                p { "Both notes bear the signature of " (fork.issuer) "'s log. They cannot both be true; together they are the proof." }
                pre { (fork.first) }
                pre { (fork.second) }
            }
        }
    }
}

fn missing(verdict: &Verdict) -> Markup {
    html! {
        h2 id="missing" { @if verdict.missing.is_empty() { "Nothing that was due is missing" } @else { (words::counted(verdict.missing.len() as u64, "thing")) " missing or open" } }
        @if !verdict.missing.is_empty() { ul { @for item in &verdict.missing { li { b { (item.issuer) } ": " (item.what) } } } }
        @if !verdict.ignored.is_empty() {
            p.sub { "Files that were left aside:" }
            ul { @for item in &verdict.ignored { li { (item) } } }
        }
    }
}

fn ground(verdict: &Verdict) -> Markup {
    html! {
        h2 { "What this verdict takes for granted" }
        ul { @for item in &verdict.assumptions { li { (item) } } }
    }
}

fn yourself(verdict: &Verdict) -> Markup {
    let parties = verdict.parties.iter().map(|party| (&party.party, &party.log));
    let roles = verdict.roles.iter().map(|role| (&role.role, &role.log));
    html! {
        h2 id="verify" { "Verify this yourself" }
        p { "Get the bundle from anyone, compare the agreement id and the tree heads with a source that you trust, and run:" }
        pre { "standstill verify BUNDLE --as-of " (verdict.as_of_unix_seconds) " --html verdict.html" }
        p.sub { "agreement " code { (verdict.terms.agreement) } }
        div.scroll { table {
            thead { tr { th { "Log" } th { "Size" } th { "Root of the tree" } th { "Cosigned by a quorum by" } th { "Still so at" } } }
            tbody { @for (issuer, log) in parties.chain(roles) { tr {
                td { (issuer) br; code { (log.origin) } }
                td { (log.size) }
                td { code { (log.root) } }
                td { (log.quorum_unix_seconds.map(words::moment).unwrap_or_else(|| "–".to_owned())) }
                td { (log.last_seen_unix_seconds.map(words::moment).unwrap_or_else(|| "–".to_owned())) }
            } } }
        } }
    }
}
