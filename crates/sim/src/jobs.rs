//! The job mix of a lab over all days: four pools of whole nodes, each with a chain of jobs per lane.

mod plan;

pub(crate) use plan::plan;

use standstill_statement::{Class, Name};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// By itself.
    Completed,
    /// By its owner.
    Cancelled,
    /// By an error.
    Failed,
}

impl JobState {
    /// Slurm's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED by 1000",
            Self::Failed => "FAILED",
        }
    }
}

/// Part that a job plays; evaders look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Allowed training on the pretraining pool.
    Training,
    /// Training beyond the allowed level.
    Excess,
    /// Everything else.
    Plain,
}

/// One job on a contiguous range of a lab's devices. Times are milliseconds since the world's start and fall on samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Slurm job id, unique in the lab.
    pub id: u64,
    /// Job name.
    pub name: String,
    /// What it does.
    pub class: Class,
    /// Declared run, if it belongs to one.
    pub run: Option<Name>,
    /// First device of the lab.
    pub first_device: u32,
    /// Number of devices (the gang).
    pub devices: u32,
    /// Start.
    pub start_ms: u64,
    /// End (exclusive).
    pub end_ms: u64,
    /// How it ended.
    pub state: JobState,
    pub(crate) role: Role,
}
