//! Facts about the telemetry itself. An alarm never drops time: the time it concerns is in the ledger, usually as
//! `unaccounted`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What was wrong with the telemetry. Closed list; the order is part of the ledger encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// Samples of a device that is not in the fleet.
    UnknownDevice,
    /// A job label without a class in the job map; its time is `unaccounted`.
    UnknownJob,
    /// A monotonic counter went down.
    CounterReset,
    /// The source's clock jumped, backwards or by more than the gap limit.
    ClockStep,
    /// No sample for longer than the gap limit.
    Gap,
    /// The same device and time twice with the same values.
    Duplicate,
    /// A sample earlier than the one before it, or the same time with other values.
    OutOfOrder,
    /// A value or sum left its range.
    Overflow,
    /// A value that its unit does not allow (a percentage where a ratio belongs, joules for millijoules).
    UnitMismatch,
    /// Two exclusive jobs claim the same device at the same time.
    OverlappingJobs,
}

impl AlarmKind {
    /// All kinds in wire order.
    pub const ALL: [Self; 10] = [
        Self::UnknownDevice,
        Self::UnknownJob,
        Self::CounterReset,
        Self::ClockStep,
        Self::Gap,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::Overflow,
        Self::UnitMismatch,
        Self::OverlappingJobs,
    ];

    /// The word used in files and on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownDevice => "unknown-device",
            Self::UnknownJob => "unknown-job",
            Self::CounterReset => "counter-reset",
            Self::ClockStep => "clock-step",
            Self::Gap => "gap",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out-of-order",
            Self::Overflow => "overflow",
            Self::UnitMismatch => "unit-mismatch",
            Self::OverlappingJobs => "overlapping-jobs",
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One kind of trouble with one device in one window, with how often and when. Sorted by kind, then device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// What happened.
    pub kind: AlarmKind,
    /// Device key as the telemetry wrote it; for [`AlarmKind::UnknownJob`] the device that ran the job.
    pub device: String,
    /// First time it happened, Unix milliseconds.
    pub first_ms: i64,
    /// Last time it happened, Unix milliseconds; not before `first_ms`.
    pub last_ms: i64,
    /// How often; at least 1.
    pub count: u64,
    /// Device time that it made unknown, milliseconds; 0 when none was lost.
    pub lost_milliseconds: u64,
    /// What else a reader should know (the job label, the two readings); at most 200 bytes.
    pub detail: String,
}
