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
mod tally;
mod whole;

use crate::bundle::Bundle;
use crate::memory::ProofMemory;
use crate::record::{IssuerLog, Record};
use crate::runtime::{self, Replayed};
use crate::verdict::{AuditStatus, PartyVerdict, ReportStatus, RoleVerdict, Verdict};
use account::Account;
use audits::Audits;
use rayon::prelude::*;
use standstill_agreement::Agreement;
use standstill_statement::Name;
use std::collections::BTreeSet;

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
    let replayed = runtime::of(bundle, &record, as_of);
    let in_force: Vec<Phases> = logs.iter().map(|log| Phases::new(bundle, replayed.as_ref(), log)).collect();
    // Parties are independent of each other; one party's windows build on each other, and each proof check spreads over the cores itself.
    let accounts: Vec<Account<'_>> = logs
        .par_iter()
        .zip(&in_force)
        .map(|(log, in_force)| Account::read(bundle, log, in_force, as_of, memory))
        .collect();
    let audits: Vec<(Name, Audits)> = logs
        .par_iter()
        .zip(&accounts)
        .map(|(log, account)| (log.issuer.clone(), Audits::follow(bundle, &record, log, account, as_of)))
        .collect();
    let parties: Vec<PartyVerdict> = logs
        .par_iter()
        .zip(&accounts)
        .zip(&audits)
        .zip(&in_force)
        .map(|(((log, account), (_, audits)), in_force)| {
            party::judge(&party::Case { bundle, log, in_force, account, audits, as_of })
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
        .filter_map(|role| record.log(&role.id).map(|log| role::judge(role, log, &audits, duty)))
        .collect();
    let summary = replayed.as_ref().map(runtime::summary);
    whole::verdict(bundle, record, as_of, options.as_of_unix_seconds.is_some(), summary, parties, roles)
}

/// The terms with the phases that hold for one party's windows: those of the schedule, or those that the agreement's run-time gave.
pub(crate) struct Phases {
    pub(crate) terms: Agreement,
    /// Windows that owe no report: their party was not bound, or its duties had not begun. None under a schedule.
    free: BTreeSet<u64>,
    /// Windows that end by then have phases that nothing can change any more; `None` when a schedule says so of all.
    settled_until_unix_seconds: Option<u64>,
}

impl Phases {
    fn new(bundle: &Bundle, replayed: Option<&Replayed>, log: &IssuerLog) -> Self {
        let terms = replayed.map_or_else(
            || bundle.agreement.clone(),
            |replayed| replayed.timeline.terms_for(&bundle.agreement, &log.issuer),
        );
        let settled_until_unix_seconds = replayed.map(|replayed| replayed.timeline.settled_until_unix_seconds);
        let windows =
            0..account::judged_windows(&bundle.agreement, replayed.map_or(0, |r| r.timeline.as_of_unix_seconds));
        let owes =
            |window: &u64| replayed.is_none_or(|r| r.timeline.owes_report(&bundle.agreement, &log.issuer, *window));
        Self { terms, free: windows.filter(|window| !owes(window)).collect(), settled_until_unix_seconds }
    }

    /// What the absence of a report on a window means.
    pub(crate) fn unreported(&self, window: u64) -> ReportStatus {
        if !self.is_settled(window) {
            ReportStatus::Unknown
        } else if self.free.contains(&window) {
            ReportStatus::NotDue
        } else {
            ReportStatus::Missing
        }
    }

    /// Whether the phase of a window is settled. A statement that somebody left out of the bundle could have lifted it otherwise, and
    /// nobody is accused by omission.
    pub(crate) fn is_settled(&self, window: u64) -> bool {
        self.settled_until_unix_seconds.is_none_or(|until| self.terms.window_bounds(window).1 <= until)
    }
}
