//! The verdict on a role: its record, and for an auditor its draws.

use super::account::Refusal;
use super::audits::Audits;
use super::record_checks;
use super::tally::Tally;
use crate::check::{CheckKind, EvidenceLevel, Outcome};
use crate::record::IssuerLog;
use crate::verdict::{Basis, Check, RoleVerdict};
use standstill_agreement::{Role, RoleKind};
use standstill_statement::Name;

/// What was due from auditors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duty {
    /// Some report should have been drawn from and was not, by any auditor.
    pub(crate) draws_missing: bool,
    /// End of the last grace period before the as-of time: an empty log says something only when it is shown up to here.
    pub(crate) last_deadline_unix_seconds: u64,
}

/// Judges one role. `audits` are those of all parties, `signals` is the check of those that the role signed.
pub(crate) fn judge(
    role: &Role,
    log: &IssuerLog,
    audits: &[(Name, Audits)],
    duty: Duty,
    signals: Option<Check>,
) -> RoleVerdict {
    let idle = !duty.draws_missing && log.shown_after(duty.last_deadline_unix_seconds);
    let mut checks = if idle { record_checks::of_idle(log) } else { record_checks::all(log) };
    if role.kind == RoleKind::Auditor {
        checks.push(draws(log, audits, duty));
    }
    checks.extend(signals);
    let outcome = checks.iter().map(|check| check.outcome).min().unwrap_or(Outcome::CannotConclude);
    let worst = checks.iter().min_by_key(|check| check.outcome);
    let sentence = match (outcome, worst) {
        (Outcome::Verified, _) => format!("{}: its record is whole and every draw follows from the beacon.", role.id),
        (_, Some(check)) => format!("{}: {}: {}.", role.id, outcome.words(), check.reason),
        (_, None) => format!("{}: nothing to judge.", role.id),
    };
    RoleVerdict {
        role: role.id.clone(),
        kind: role.kind.name().to_owned(),
        outcome,
        sentence,
        checks,
        log: log.summary(),
    }
}

fn draws(log: &IssuerLog, audits: &[(Name, Audits)], duty: Duty) -> Check {
    let mut tally = Tally::new(CheckKind::DrawsHonest);
    for (party, audits) in audits {
        for audit in audits.valid.iter().filter(|audit| audit.challenge.issuer == log.issuer) {
            tally.holds(Some(audit.challenge.clone()));
        }
        for refused in audits.refused.iter().filter(|refused| refused.entry.issuer == log.issuer) {
            let entries = vec![refused.entry.clone()];
            let name = format!("challenge of {party} in entry {}", refused.entry.index);
            match &refused.refusal {
                Refusal::Breach(why) => tally.breach(format!("{name}: {why}"), entries),
                Refusal::Gap(why) => tally.gap(format!("{name} cannot be checked: {why}"), entries),
            }
        }
    }
    if tally.examined() == 0 && duty.draws_missing {
        tally.gap("draws were due and it made none", Vec::new());
    }
    if tally.examined() == 0 {
        let words = "it made no draw, and none was due from it";
        return tally.check_even_if_empty(EvidenceLevel::Verified, Basis::PublicRecord, words);
    }
    let words =
        format!("{} recomputed from report and beacon", crate::render::words::counted(tally.examined(), "draw"));
    tally.check(EvidenceLevel::Verified, Basis::PublicRecord, words)
}
