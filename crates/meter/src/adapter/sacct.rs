//! Slurm accounting: who held how many accelerators, where, when, and what they declared the work to be.
//!
//! Accounting is the scheduler's word, not a measurement: `slurmdbd` can be edited by its administrator, and a held accelerator may do
//! anything. So these records give (1) the class and run of a job, (2) allocation-at-peak evidence where there is no telemetry, and (3) the
//! other side of a reconciliation with counters ([`reconcile`]). They never give operations.
//!
//! Traps of the real files, each with a test (see `docs/sources/traps.md`): `AllocTRES` holds `gres/gpu:h100=16` **and** `gres/gpu=16`;
//! `.batch`, `.extern` and step rows repeat the job's resources; `ReqTRES` is a wish; a cancelled job never started; `Comment` is empty
//! unless `AccountingStoreFlags=job_comment`; requeued jobs appear again with the same id; times are local unless asked for as epochs.

mod allocation;
mod comment;
mod eagle;
mod json;
mod nodelist;
mod parsable;
mod reconcile;
mod sreport;
mod tres;

pub use allocation::{Placement, allocation_batch, assign};
pub use comment::{Declared, declared_in, submit_line_comment};
pub use eagle::parse as parse_eagle;
pub use json::parse as parse_json;
pub use nodelist::{MOST_NODES, expand as expand_nodelist};
pub use parsable::{ParsableOptions, parse as parse_parsable};
pub use reconcile::{Reconciliation, reconcile};
pub use sreport::{SreportTotal, parse as parse_sreport};
pub use tres::{Accelerators, accelerators};

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Fault, excerpt};
use crate::jobs::{JobFacts, JobMap};

/// One allocation of a job: a requeued job has several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlurmJob {
    /// `JobIDRaw`: unique in the cluster; the value of `SLURM_JOB_ID` and of the exporter's `hpc_job` label.
    pub id: String,
    /// `JobID` as people see it: `6_3` for an array task, `12+1` for a part of a heterogeneous job.
    pub shown_id: String,
    /// Accelerators held.
    pub accelerators: Accelerators,
    /// First moment, Unix milliseconds; `None` when the job never started.
    pub start_ms: Option<i64>,
    /// Last moment, Unix milliseconds; `None` while it runs.
    pub end_ms: Option<i64>,
    /// `ElapsedRaw`, seconds, when given.
    pub elapsed_seconds: Option<u64>,
    /// Nodes by name.
    pub nodes: Vec<String>,
    /// State word (`COMPLETED`, `CANCELLED by 0`).
    pub state: String,
    /// What the lab declared in a comment.
    pub declared: Option<Declared>,
    /// Line (or index) of the record, from 1.
    pub line: u64,
}

impl SlurmJob {
    /// Milliseconds held, counting a running job up to `as_of_ms`; 0 when it never started.
    #[must_use]
    pub fn held_ms(&self, as_of_ms: i64) -> u64 {
        let Some(start) = self.start_ms else { return 0 };
        let end = self.end_ms.unwrap_or(as_of_ms);
        u64::try_from(end.saturating_sub(start)).unwrap_or(0)
    }

    /// Accelerator-milliseconds held.
    #[must_use]
    pub fn accelerator_ms(&self, as_of_ms: i64) -> u128 {
        u128::from(self.accelerators.count) * u128::from(self.held_ms(as_of_ms))
    }
}

/// What was seen besides the jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountingNotes {
    /// Step rows (`.batch`, `.extern`, `.0`) left out.
    pub steps: u64,
    /// Jobs that never started.
    pub never_started: u64,
    /// Jobs without accelerators.
    pub without_accelerators: u64,
    /// Jobs with accelerators whose class nobody declared: their time is unaccounted.
    pub undeclared: u64,
    /// Records given twice, word for word.
    pub duplicates: u64,
    /// Sentences for people.
    pub remarks: BTreeSet<String>,
}

/// All jobs of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Allocations, sorted by start, then id.
    pub jobs: Vec<SlurmJob>,
    /// What was seen besides.
    pub notes: AccountingNotes,
}

impl Accounting {
    /// Sorts records, drops repeats, and counts what they lack.
    ///
    /// # Errors
    /// When two allocations of one id overlap in time, or one ends before it starts.
    fn of(mut jobs: Vec<SlurmJob>, mut notes: AccountingNotes) -> Result<Self, Fault> {
        jobs.sort_by(|a, b| (a.start_ms, &a.id, a.line).cmp(&(b.start_ms, &b.id, b.line)));
        let mut last_of: BTreeMap<String, SlurmJob> = BTreeMap::new();
        let mut kept: Vec<SlurmJob> = Vec::with_capacity(jobs.len());
        for job in jobs {
            if job.end_ms.zip(job.start_ms).is_some_and(|(end, start)| end < start) {
                let what = format!("job {} ends before it starts", excerpt(&job.id));
                return Err(Fault::at(job.line, 0, what, "run `sacctmgr show runawayjobs` and export again"));
            }
            if let Some(before) = last_of.get(&job.id) {
                if same_record(before, &job) {
                    notes.duplicates += 1;
                    continue;
                }
                overlap(before, &job)?;
            }
            last_of.insert(job.id.clone(), job.clone());
            kept.push(job);
        }
        for job in &kept {
            count(job, &mut notes);
        }
        Ok(Accounting { jobs: kept, notes })
    }

    /// Joins two exports (of two days, say); the same record in both counts once.
    ///
    /// # Errors
    /// As for one export: overlapping allocations of one id.
    pub fn join(self, other: Accounting) -> Result<Self, Fault> {
        let mut notes = AccountingNotes {
            steps: self.notes.steps + other.notes.steps,
            duplicates: self.notes.duplicates + other.notes.duplicates,
            ..AccountingNotes::default()
        };
        notes.remarks.extend(self.notes.remarks);
        notes.remarks.extend(other.notes.remarks);
        Accounting::of(self.jobs.into_iter().chain(other.jobs).collect(), notes)
    }

    /// Class and run by job id, under the raw id and under the shown id (array tasks), for jobs that declare them.
    ///
    /// # Errors
    /// When two records of one id declare different things.
    pub fn job_map(&self) -> Result<JobMap, Fault> {
        let mut map = JobMap::new();
        for job in &self.jobs {
            let Some(declared) = &job.declared else { continue };
            let facts = JobFacts { run: declared.run.clone(), ..JobFacts::of_class(declared.class) };
            for id in [&job.id, &job.shown_id] {
                if map.get(id).is_some_and(|known| *known != facts) {
                    let what = format!("job {} declares two different classes or runs", excerpt(id));
                    return Err(Fault::at(job.line, 0, what, "correct the comment with `sacctmgr modify job`"));
                }
                if !id.is_empty() {
                    map.insert(id.clone(), facts.clone());
                }
            }
        }
        Ok(map)
    }

    /// Accelerator-milliseconds of all jobs, running ones up to `as_of_ms`.
    #[must_use]
    pub fn accelerator_ms(&self, as_of_ms: i64) -> u128 {
        self.jobs.iter().map(|job| job.accelerator_ms(as_of_ms)).sum()
    }
}

fn same_record(a: &SlurmJob, b: &SlurmJob) -> bool {
    SlurmJob { line: 0, ..a.clone() } == SlurmJob { line: 0, ..b.clone() }
}

fn overlap(before: &SlurmJob, job: &SlurmJob) -> Result<(), Fault> {
    let (Some(_), Some(start)) = (before.start_ms, job.start_ms) else { return Ok(()) };
    if before.end_ms.is_some_and(|end| end <= start) {
        return Ok(());
    }
    let what = format!(
        "job {} has two allocations at the same time (lines {} and {})",
        excerpt(&job.id),
        before.line,
        job.line
    );
    Err(Fault::at(job.line, 0, what, "export one cluster per file: ids repeat between clusters"))
}

fn count(job: &SlurmJob, notes: &mut AccountingNotes) {
    notes.never_started += u64::from(job.start_ms.is_none());
    notes.without_accelerators += u64::from(job.accelerators.count == 0);
    let held = job.accelerators.count > 0 && job.start_ms.is_some();
    notes.undeclared += u64::from(held && job.declared.is_none());
    let (Some(elapsed), Some(_), Some(_)) = (job.elapsed_seconds, job.start_ms, job.end_ms) else { return };
    let span = job.held_ms(0) / 1000;
    if span != elapsed {
        notes.remarks.insert(format!(
            "job {}: end minus start is {span} s but ElapsedRaw says {elapsed} s: it was suspended, or its times are local and the clocks \
             changed; the longer figure counts (export with SLURM_TIME_FORMAT=%s)",
            excerpt(&job.id)
        ));
    }
}

#[cfg(test)]
mod tests;
