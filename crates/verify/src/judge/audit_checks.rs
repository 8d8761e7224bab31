//! Checks that rest on audits.

use super::account::ReportFacts;
use super::audits::{Answer, reason_words};
use super::party::Case;
use super::tally::Tally;
use crate::check::{CheckKind, EvidenceLevel};
use crate::render::words;
use crate::verdict::{AuditStatus, Basis, Check, EntryRef, ReportStatus};
use standstill_statement::Outcome;

/// Words when the terms ask for no audits.
const NOT_ASKED: &str = "the terms ask for no audits, so this rests on the party's word";

/// The four checks of sub-goal 1A that rest on audits.
pub(crate) fn declared_uses(case: &Case<'_>) -> Vec<Check> {
    vec![answered(case), found(case), reading(case), tripwire(case)]
}

/// True when the terms ask for audits.
fn asked(case: &Case<'_>) -> bool {
    case.bundle.agreement.audit.groups_per_report > 0
}

/// Evidence and basis of a check on audits.
fn strength(case: &Case<'_>) -> (EvidenceLevel, Basis) {
    if asked(case) { (EvidenceLevel::Verified, Basis::ByDraw) } else { (EvidenceLevel::Assumed, Basis::None) }
}

fn finish(case: &Case<'_>, tally: Tally, holds: String) -> Check {
    let (evidence, basis) = strength(case);
    if asked(case) {
        tally.check(evidence, basis, holds)
    } else {
        tally.check_even_if_empty(evidence, basis, NOT_ASKED)
    }
}

fn answered(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::AuditsAnswered);
    for audit in &case.audits.valid {
        let entries = vec![audit.report.clone(), audit.challenge.clone()];
        let groups = |wanted: Answer| -> Vec<String> {
            audit.drawn.iter().filter(|drawn| drawn.answer == wanted).map(|drawn| drawn.group.to_string()).collect()
        };
        let (missing, unknown) = (groups(Answer::Missing), groups(Answer::Unknown));
        if !missing.is_empty() {
            let deadline = words::moment(audit.deadline_unix_seconds);
            tally.breach(
                format!("window {}: group {} was not opened by {deadline}", audit.window, words::and(&missing)),
                entries,
            );
        } else if !unknown.is_empty() {
            let words = format!(
                "window {}: the bundle does not show whether group {} was opened in time",
                audit.window,
                words::and(&unknown)
            );
            tally.gap(words, entries);
        } else if audit.drawn.iter().all(|drawn| drawn.answer == Answer::InTime) {
            tally.holds(Some(audit.challenge.clone()));
        }
    }
    let holds = format!("{} answered in full and in time", words::counted(tally.examined(), "challenge"));
    finish(case, tally, holds)
}

fn found(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::AuditFindings);
    for audit in &case.audits.valid {
        for drawn in &audit.drawn {
            let place = format!("window {}, group {}", audit.window, drawn.group);
            match &drawn.finding {
                Some((Outcome::Mismatch, reason, _, entry)) => {
                    tally.breach(format!("{place}: {}", reason_words(reason)), proof(audit, entry));
                }
                Some((Outcome::NotOpened, reason, _, entry)) => {
                    tally.breach(format!("{place} was not opened: {}", reason_words(reason)), proof(audit, entry));
                }
                Some((Outcome::Match | Outcome::Flagged, _, _, entry)) => tally.holds(Some(entry.clone())),
                None if case.as_of > due(case, audit.deadline_unix_seconds) => {
                    tally.gap(format!("{place}: no finding; ask the auditor"), vec![audit.challenge.clone()]);
                }
                None => {}
            }
        }
    }
    let holds = format!("{} agree with their records", words::counted(tally.examined(), "opened group"));
    finish(case, tally, holds)
}

fn proof(audit: &super::audits::Audit, finding: &EntryRef) -> Vec<EntryRef> {
    vec![audit.report.clone(), audit.challenge.clone(), finding.clone()]
}

/// The terms set no time for findings or challenges; after one more window they are held missing.
fn due(case: &Case<'_>, after_unix_seconds: u64) -> u64 {
    after_unix_seconds.saturating_add(case.bundle.agreement.window.window_seconds)
}

fn reading(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::IndependentReading);
    let findings =
        || case.audits.valid.iter().flat_map(|audit| &audit.drawn).filter_map(|drawn| drawn.finding.as_ref());
    let with = findings().filter(|finding| finding.2).count() as u64;
    let all = findings().count() as u64;
    for finding in findings() {
        tally.holds(Some(finding.3.clone()));
    }
    if !asked(case) {
        return finish(case, tally, String::new());
    }
    let words =
        format!("{with} of {} were confirmed by an independent power reading", words::counted(all, "opened group"));
    if with == all {
        return tally.check(EvidenceLevel::Verified, Basis::ByDraw, words);
    }
    tally.check(
        EvidenceLevel::Assumed,
        Basis::ByDraw,
        format!("{words}; where there was none, the telemetry itself is the party's word"),
    )
}

fn tripwire(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::Tripwire);
    for audit in &case.audits.valid {
        for drawn in &audit.drawn {
            match &drawn.finding {
                Some((Outcome::Flagged, reason, _, entry)) => {
                    let words = format!(
                        "window {}, group {}: {}; this is a question to clarify, not a violation",
                        audit.window,
                        drawn.group,
                        reason_words(reason)
                    );
                    tally.gap(words, proof(audit, entry));
                }
                Some((_, _, _, entry)) => tally.holds(Some(entry.clone())),
                None => {}
            }
        }
    }
    let flagged = !tally.is_clean();
    let holds = format!("{} without an unusual profile", words::counted(tally.examined(), "opened group"));
    let mut check = finish(case, tally, holds);
    if flagged {
        check.evidence = EvidenceLevel::DetectedOnly;
    }
    check
}

/// Whether the report that counts was drawn from, for every window whose draw is due.
pub(crate) fn made(case: &Case<'_>) -> Check {
    let mut tally = Tally::new(CheckKind::AuditsMade);
    for (window, facts) in case.reports() {
        match status(case, facts) {
            AuditStatus::NotAsked | AuditStatus::Pending => {}
            AuditStatus::NotMade => {
                let words = format!(
                    "window {window}: audit missing: no challenge that follows from the report that counts and the beacon; ask the auditor"
                );
                tally.gap(words, vec![case.log.reference(facts.entry)]);
            }
            AuditStatus::Open | AuditStatus::Clean | AuditStatus::Flagged | AuditStatus::Failed => {
                case.audits
                    .of_report(&facts.entry.signed.hash)
                    .for_each(|audit| tally.rests_on(audit.challenge.clone()));
                tally.holds(None);
            }
        }
    }
    for (window, _) in undecided(case) {
        tally.gap(
            format!("window {window}: the bundle does not show which report counts, so that none was audited"),
            vec![],
        );
    }
    let holds = format!("{} drawn from by lot", words::counted(tally.examined(), "report"));
    finish(case, tally, holds)
}

/// Windows that should have been drawn from, of which the bundle does not show whether and which report counts.
fn undecided<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (u64, ReportStatus)> + 'a {
    let all = case.account.windows.iter().map(|(window, facts)| (*window, facts.status));
    all.filter(|(window, status)| asked(case) && *status == ReportStatus::Unknown && is_due(case, *window))
}

/// How the audit of one report stands.
pub(crate) fn status(case: &Case<'_>, facts: &ReportFacts<'_>) -> AuditStatus {
    if !asked(case) {
        return AuditStatus::NotAsked;
    }
    if let Some(status) = case.audits.of_report(&facts.entry.signed.hash).map(super::audits::Audit::status).max() {
        return status;
    }
    if is_due(case, facts.report.window) { AuditStatus::NotMade } else { AuditStatus::Pending }
}

/// Whether a window's draw, and the answer to it, are long past: times of the terms alone, which no cosignature moves.
fn is_due(case: &Case<'_>, window: u64) -> bool {
    let terms = &case.bundle.agreement;
    let drawn = terms.grace_deadline(window).saturating_add(terms.audit.delay_seconds);
    case.as_of > due(case, drawn.saturating_add(terms.audit.respond_within_seconds))
}
