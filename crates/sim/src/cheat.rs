//! Evaders: functions from what a device really did to what its telemetry says. (Forking a log is done where logs are.)
//!
//! All but [`Cheat::UnderReport`] use the *excess*: nodes of the training pool beyond the level that the agreement allows. An
//! honest lab leaves them idle; an evader trains on them.

mod drop_tail;
mod replay;
mod under_report;

use crate::day::DeviceDay;
use crate::jobs::{Job, Role};

/// How a lab cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cheat {
    /// Trains on the excess from 18:00 on and drops those rows and jobs.
    TailDrop,
    /// Trains on the excess and declares it as inference.
    Relabel,
    /// Trains on the excess, which is neither registered nor exported.
    GhostChip,
    /// Trains on the excess under a new run name each day, each declared without parents.
    SplitRun,
    /// Trains on the excess and reports two fifths of activity and of power above idle, for all training.
    UnderReport,
    /// Trains on the excess and exports a quiet hour of inference again and again in its place.
    ReplayedTelemetry,
}

impl Cheat {
    /// All evaders.
    pub const ALL: [Self; 6] =
        [Self::TailDrop, Self::Relabel, Self::GhostChip, Self::SplitRun, Self::UnderReport, Self::ReplayedTelemetry];

    /// The word used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TailDrop => "tail-drop",
            Self::Relabel => "relabel",
            Self::GhostChip => "ghost-chip",
            Self::SplitRun => "split-run",
            Self::UnderReport => "under-report",
            Self::ReplayedTelemetry => "replayed-telemetry",
        }
    }

    /// The evader of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cheat| cheat.name() == name)
    }

    /// First minute of a day in which the excess works.
    pub(crate) const fn first_minute(self) -> u32 {
        match self {
            Self::TailDrop => 18 * 60,
            _ => 0,
        }
    }

    /// What the accounting says about a job of the excess: its name, class and run, or `None` when it is left out.
    pub(crate) fn declared(self, job: &Job) -> Option<Job> {
        use standstill_statement::{Class, Name};
        let relabelled = |name: &str| Job { name: name.to_owned(), class: Class::Inference, run: None, ..job.clone() };
        match self {
            Self::TailDrop | Self::GhostChip => None,
            Self::Relabel => Some(relabelled("serve-chat")),
            Self::ReplayedTelemetry => Some(relabelled("serve-code")),
            Self::SplitRun => {
                let name = format!("side-{}", job.start_ms / 86_400_000);
                let run = Name::new(&name).ok();
                Some(Job { name, run, ..job.clone() })
            }
            Self::UnderReport => Some(job.clone()),
        }
    }

    /// Changes what the telemetry of one device says.
    pub(crate) fn apply(self, day: &mut DeviceDay, jobs: &[Job], idle_milliwatts: u32) {
        match self {
            Self::TailDrop => drop_tail::apply(day, jobs),
            Self::UnderReport => under_report::apply(day, jobs, idle_milliwatts),
            Self::ReplayedTelemetry => replay::apply(day, jobs, idle_milliwatts),
            // These lie in the accounting or in the fleet; their telemetry is true.
            Self::Relabel | Self::GhostChip | Self::SplitRun => {}
        }
    }
}

/// True when sample `index` of the day belongs to a job of the excess.
fn is_excess(day: &DeviceDay, jobs: &[Job], index: usize) -> bool {
    day.samples[index].job.is_some_and(|job| jobs[job].role == Role::Excess)
}
