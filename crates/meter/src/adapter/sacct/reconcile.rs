//! Two owners, two records: what the scheduler says against what the counters saw.

use std::collections::BTreeMap;

use super::Accounting;
use crate::Partials;
use crate::sample::NO_JOB;
use crate::unit::GAP_JOB;

/// Where accounting and telemetry do not meet. All times in device-milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Jobs that held accelerators and of which no reading was seen: time held.
    pub jobs_without_telemetry: BTreeMap<String, u128>,
    /// Job ids in telemetry that accounting does not know: time seen.
    pub telemetry_without_job: BTreeMap<String, u128>,
    /// Jobs seen on accelerators for more than they held: (time seen, time held).
    pub seen_longer_than_held: BTreeMap<String, (u128, u128)>,
    /// Active device time under no job at all.
    pub active_without_job_ms: u128,
}

impl Reconciliation {
    /// True when the two records agree.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Reconciliation::default()
    }
}

/// Compares accounting with metered partial sums. `slack_ms` per device is allowed for the readings at a job's two ends (one sampling
/// period); running jobs count up to `as_of_ms`.
#[must_use]
pub fn reconcile(accounting: &Accounting, partials: &Partials, as_of_ms: i64, slack_ms: u64) -> Reconciliation {
    let mut seen: BTreeMap<&str, (u128, u128)> = BTreeMap::new();
    let mut found = Reconciliation::default();
    for (_, units) in partials.devices() {
        let mut here: BTreeMap<u32, u128> = BTreeMap::new();
        for (job, sums) in units.iter().flat_map(|(_, unit)| &unit.cells) {
            match *job {
                GAP_JOB => {}
                NO_JOB => found.active_without_job_ms += u128::from(sums.active_ms),
                job => *here.entry(job).or_default() += u128::from(sums.covered_ms),
            }
        }
        for (job, milliseconds) in here {
            let entry = seen.entry(partials.jobs().name(job)).or_default();
            entry.0 += milliseconds;
            entry.1 += u128::from(slack_ms);
        }
    }
    compare(accounting, &seen, as_of_ms, &mut found);
    found
}

fn compare(accounting: &Accounting, seen: &BTreeMap<&str, (u128, u128)>, as_of_ms: i64, found: &mut Reconciliation) {
    let mut held: BTreeMap<&str, u128> = BTreeMap::new();
    let mut shown: BTreeMap<&str, &str> = BTreeMap::new();
    for job in &accounting.jobs {
        *held.entry(&job.id).or_default() += job.accelerator_ms(as_of_ms);
        shown.insert(&job.shown_id, &job.id);
    }
    let mut seen_by_id: BTreeMap<&str, (u128, u128)> = BTreeMap::new();
    for (name, (milliseconds, slack)) in seen {
        let id = if held.contains_key(name) { Some(*name) } else { shown.get(name).copied() };
        match id {
            None => {
                found.telemetry_without_job.insert((*name).to_owned(), *milliseconds);
            }
            Some(id) => {
                let entry = seen_by_id.entry(id).or_default();
                *entry = (entry.0 + milliseconds, entry.1 + slack);
            }
        }
    }
    for (id, held_ms) in held {
        match seen_by_id.get(id) {
            None if held_ms > 0 => {
                found.jobs_without_telemetry.insert(id.to_owned(), held_ms);
            }
            Some((seen_ms, slack)) if *seen_ms > held_ms + slack => {
                found.seen_longer_than_held.insert(id.to_owned(), (*seen_ms, held_ms));
            }
            _ => {}
        }
    }
}
