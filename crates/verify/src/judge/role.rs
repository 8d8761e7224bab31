//! The verdict on a role: its record, and for an auditor its draws.

use super::account::Refusal;
use super::audits::Audits;
use super::record_checks;
use super::tally::Tally;
use crate::check::{CheckKind, EvidenceLevel, Outcome};
use crate::record::IssuerLog;
use crate::verdict::{Basis, RoleVerdict};
use standstill_agreement::{Role, RoleKind};
use standstill_statement::Name;

/// Judges one role. `audits` are those of all parties.
pub(crate) fn judge(role: &Role, log: &IssuerLog, audits: &[(Name, Audits)]) -> RoleVerdict {
    let mut checks = record_checks::all(log);
    if role.kind == RoleKind::Auditor {
        checks.push(draws(log, audits));
    }
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

fn draws(log: &IssuerLog, audits: &[(Name, Audits)]) -> crate::verdict::Check {
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
    let words = format!("{} recomputed from head and beacon", crate::render::words::counted(tally.examined(), "draw"));
    tally.check(EvidenceLevel::Verified, Basis::PublicRecord, words)
}
