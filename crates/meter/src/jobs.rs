//! What a job did: class, run, numeric format and declared operations, and which job held which device when.

use crate::{Batch, Dictionary, MeterError, sample::NO_JOB};
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Name, NumericFormat};
use std::collections::{BTreeMap, HashMap};

/// What is declared about one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFacts {
    /// Class of the job's chip time.
    pub class: Class,
    /// Run that the job belongs to; needed when the class changes weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Name>,
    /// Highest numeric format that there is *evidence* for (attested image, profiler trace). Lowers the upper bound; leave it out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<NumericFormat>,
    /// Operations of the whole job from the declared model (operations per token times tokens), if declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<u64>,
    /// Power of ten that [`JobFacts::operations`] is multiplied with, 0 to 24; TOML has no larger integers.
    #[serde(default)]
    pub operations_exponent: u32,
}

impl JobFacts {
    /// Facts with a class and nothing else.
    #[must_use]
    pub const fn of_class(class: Class) -> Self {
        Self { class, run: None, format: None, operations: None, operations_exponent: 0 }
    }

    /// The declared operations of the whole job as one number; `None` when not declared or over `u128`.
    #[must_use]
    pub fn declared_operations(&self) -> Option<u128> {
        let factor = 10u128.checked_pow(self.operations_exponent.min(24))?;
        self.operations.and_then(|value| u128::from(value).checked_mul(factor))
    }
}

/// Declared facts by job id, as found in telemetry labels or scheduler records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobMap {
    /// Facts by job id.
    #[serde(default, rename = "job")]
    pub jobs: BTreeMap<String, JobFacts>,
}

impl JobMap {
    /// Most bytes of a job file.
    pub const MAX_BYTES: usize = 256 << 20;

    /// An empty map: every job is undeclared, so its time is unaccounted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `[job."<id>"]` tables with `class`, `run`, `format`, `operations` and `operations_exponent`.
    ///
    /// # Errors
    /// [`MeterError::Jobs`] with the parser's place.
    pub fn from_toml(text: &str, place: &str) -> Result<Self, MeterError> {
        let fail = |what: String| MeterError::Jobs {
            place: place.to_owned(),
            what,
            remedy: "write [job.\"<id>\"] tables with class = \"…\" and, for training, run = \"…\"",
        };
        if text.len() > Self::MAX_BYTES {
            return Err(fail(format!("{} bytes are over the limit of {}", text.len(), Self::MAX_BYTES)));
        }
        toml::from_str(text).map_err(|error| fail(error.to_string()))
    }

    /// Adds or replaces the facts of a job.
    pub fn insert(&mut self, job: impl Into<String>, facts: JobFacts) {
        self.jobs.insert(job.into(), facts);
    }

    /// Facts of a job, `None` when it is undeclared.
    #[must_use]
    pub fn get(&self, job: &str) -> Option<&JobFacts> {
        self.jobs.get(job)
    }
}

/// Which job held a device when, from scheduler records; for telemetry without a job label.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    by_device: BTreeMap<String, Vec<Assignment>>,
}

/// One job on one device, from `start_ms` to `end_ms`, Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// First moment of the job.
    pub start_ms: i64,
    /// Last moment of the job.
    pub end_ms: i64,
    /// Job id.
    pub job: String,
}

impl Assignments {
    /// No assignment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn insert(&mut self, device: impl Into<String>, assignment: Assignment) {
        let list = self.by_device.entry(device.into()).or_default();
        let at = list.partition_point(|known| *known <= assignment);
        list.insert(at, assignment);
    }

    /// All assignments by device, sorted by start.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Assignment])> {
        self.by_device.iter().map(|(device, list)| (device.as_str(), list.as_slice()))
    }

    /// Job that held `device` at the end of the stretch ending at `time_ms` (`start < time <= end`); the latest start wins when jobs share.
    #[must_use]
    pub fn job_at(&self, device: &str, time_ms: i64) -> Option<&str> {
        let list = self.by_device.get(device)?;
        let before = list.partition_point(|known| known.start_ms < time_ms);
        list[..before].iter().rev().find(|known| time_ms <= known.end_ms).map(|known| known.job.as_str())
    }

    /// Fills the job column of a batch that has none.
    ///
    /// # Errors
    /// [`MeterError::Limit`] when the job dictionary overflows.
    pub fn fill(&self, batch: &mut Batch, devices: &Dictionary, jobs: &mut Dictionary) -> Result<(), MeterError> {
        if batch.job.is_some() {
            return Ok(());
        }
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut column = Vec::with_capacity(batch.len());
        for (&device, &time_ms) in batch.device.iter().zip(&batch.time_ms) {
            let index = match self.job_at(devices.name(device), time_ms) {
                None => NO_JOB,
                Some(job) => match known.get(job) {
                    Some(&index) => index,
                    None => *known.entry(job).or_insert(jobs.intern(job)?),
                },
            };
            column.push(index);
        }
        batch.job = Some(column);
        Ok(())
    }
}
