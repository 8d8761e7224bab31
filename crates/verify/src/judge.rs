//! From a bundle to a verdict.

mod account;
mod assurance;
mod audit_checks;
mod audits;
mod fleets;
mod limits;
mod party;
mod proofs;
mod record_checks;
mod role;
mod signals;
mod tally;
mod whole;

use crate::bundle::Bundle;
use crate::memory::ProofMemory;
use crate::record::{IssuerLog, Record};
use crate::verdict::{AuditStatus, PartyVerdict, RoleVerdict, Verdict};
use account::Account;
use audits::Audits;
use rayon::prelude::*;
use standstill_statement::Name;

/// What the caller may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Judge as of this time; default: the latest quorum of cosignatures in the bundle. There is no clock in this crate.
    pub as_of_unix_seconds: Option<u64>,
}

/// Judges a bundle. Never fails: what cannot be read, checked or found is part of the verdict. The result depends on the bundle and the
/// options only, not on the number of threads, and not on what `memory` holds, provided that it holds what this program put there.
#[must_use]
pub fn judge(bundle: &Bundle, options: &Options, memory: &dyn ProofMemory) -> Verdict {
    let record = Record::read(bundle);
    let witnessed = record.latest_quorum_time();
    let as_of = options.as_of_unix_seconds.or(witnessed).unwrap_or(bundle.agreement.start_unix_seconds);
    let logs: Vec<&IssuerLog> = bundle.agreement.parties.iter().filter_map(|party| record.log(&party.id)).collect();
    // Parties are independent of each other; one party's windows build on each other, and each proof check spreads over the cores itself.
    let accounts: Vec<Account<'_>> = logs.par_iter().map(|log| Account::read(bundle, log, as_of, memory)).collect();
    let audits: Vec<(Name, Audits)> = logs
        .par_iter()
        .zip(&accounts)
        .map(|(log, account)| (log.issuer.clone(), Audits::follow(bundle, &record, log, account, as_of)))
        .collect();
    let parties: Vec<PartyVerdict> = logs
        .par_iter()
        .zip(&accounts)
        .zip(&audits)
        .map(|((log, account), (_, audits))| {
            let signals = signals::check(bundle, log, memory);
            party::judge(&party::Case { bundle, log, account, audits, as_of, signals })
        })
        .collect();
    let missing = |party: &PartyVerdict| party.windows.iter().any(|row| row.audit == AuditStatus::NotMade);
    let judged = account::judged_windows(&bundle.agreement, as_of);
    let duty = role::Duty {
        draws_missing: parties.iter().any(missing),
        last_deadline_unix_seconds: judged.checked_sub(1).map_or(0, |last| bundle.agreement.grace_deadline(last)),
    };
    let roles: Vec<RoleVerdict> = bundle
        .agreement
        .roles
        .iter()
        .filter_map(|role| {
            let log = record.log(&role.id)?;
            Some(role::judge(role, log, &audits, duty, signals::check(bundle, log, memory)))
        })
        .collect();
    whole::verdict(bundle, record, as_of, options.as_of_unix_seconds.is_some(), parties, roles)
}
