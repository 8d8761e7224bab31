//! From a check back to the log entries.

use crate::Verdict;
use crate::render::words;
use crate::verdict::Check;
use standstill_statement::Name;
use std::fmt::Write as _;

/// Explains one check, named `<issuer>/<check id>`: what was asked, how it was checked, what came out, and on which entries of which
/// log it rests. A name that does not exist gives the list of those that do.
#[must_use]
pub fn explain(verdict: &Verdict, check: &str) -> String {
    let found = verdict.checks().find(|(issuer, candidate)| {
        check.split_once('/').is_some_and(|(name, id)| name == issuer.as_str() && id == candidate.id)
    });
    match found {
        Some((issuer, found)) => explained(verdict, issuer, found),
        None => unknown(verdict, check),
    }
}

fn unknown(verdict: &Verdict, check: &str) -> String {
    let shown: String = check.chars().filter(|c| !c.is_control()).take(100).collect();
    let mut out = format!("There is no check '{shown}'. These exist:\n");
    for (issuer, candidate) in verdict.checks() {
        let _ = writeln!(out, "  {issuer}/{}", candidate.id);
    }
    out
}

fn explained(verdict: &Verdict, issuer: &Name, check: &Check) -> String {
    let mut out = format!("{issuer}/{}: {}\n\n", check.id, check.outcome.words());
    let rows = [
        ("question", check.sub_goal.question().to_owned()),
        ("holds when", check.kind.title().to_owned()),
        ("method", check.kind.method().to_owned()),
        ("result", check.reason.clone()),
        ("evidence", format!("{}, {}", check.evidence.words(), check.basis.words())),
        ("examined", format!("{} ({} failed)", words::grouped(u128::from(check.examined)), check.failed)),
        ("terms", format!("agreement {}", verdict.terms.agreement)),
    ];
    for (name, value) in rows {
        let _ = writeln!(out, "{name:11} {value}");
    }
    if let Some(limit) = verdict.terms.limits.iter().find(|limit| check.id == format!("limit-{}", limit.id)) {
        let _ = writeln!(out, "{:11} {}", "limit", limit.words);
    }
    entries(&mut out, verdict, issuer, check);
    out
}

fn entries(out: &mut String, verdict: &Verdict, issuer: &Name, check: &Check) {
    if check.entries.is_empty() {
        out.push_str("\nIt rests on no single entry, but on what is and is not under this tree head:\n");
        heads(out, verdict, |candidate| candidate == issuer);
        return;
    }
    out.push_str("\nIt rests on these entries (issuer, index in the log, SHA-256 of the statement):\n");
    for entry in &check.entries {
        let _ = writeln!(out, "  {:16} #{:<6} {}", entry.issuer.as_str(), entry.index, entry.statement);
    }
    out.push_str("\nunder these tree heads:\n");
    heads(out, verdict, |candidate| check.entries.iter().any(|entry| entry.issuer == *candidate));
    out.push_str("\nRead one with: standstill show 'BUNDLE/logs/ISSUER#INDEX'\n");
}

fn heads(out: &mut String, verdict: &Verdict, wanted: impl Fn(&Name) -> bool) {
    let parties = verdict.parties.iter().map(|party| (&party.party, &party.log));
    let roles = verdict.roles.iter().map(|role| (&role.role, &role.log));
    for (issuer, log) in parties.chain(roles).filter(|(issuer, _)| wanted(issuer)) {
        let _ = writeln!(out, "  {:16} {} size {} root {}", issuer.as_str(), log.origin, log.size, log.root);
    }
}
