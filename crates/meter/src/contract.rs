//! The contract of a telemetry source, as data: units, periods, what a gap means.

use serde::{Deserialize, Serialize};

/// Unit in which a source exports activities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityUnit {
    /// 0..1, as dcgm-exporter writes it (its older HELP texts say "in %", its values are ratios).
    #[default]
    Ratio,
    /// 0..100, as NVML GPM and `nvidia-smi` write it.
    Percent,
}

/// Unit in which a source exports power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerUnit {
    /// Watts (DCGM, BMC, PDU).
    #[default]
    Watt,
    /// Milliwatts (raw NVML).
    Milliwatt,
}

/// Unit in which a source exports its energy counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnergyUnit {
    /// Millijoules (`DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION`).
    #[default]
    Millijoule,
    /// Joules.
    Joule,
}

/// What one source promises. Two partial results merge only when their contracts are equal.
///
/// A gauge reading at time `t` speaks for the stretch since the previous reading of that device (DCGM's profiling gauges are the mean
/// of the period that just ended). A stretch longer than [`max_gap_ms`](Self::max_gap_ms) is a gap: its time is unaccounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceContract {
    /// Name for people and for the encoding of partial results, such as `dcgm`.
    pub name: String,
    /// Usual distance of two readings of one device, milliseconds.
    pub period_ms: u64,
    /// Longest stretch that one gauge reading may speak for, milliseconds.
    pub max_gap_ms: u64,
    /// Longest stretch that a pair of cycle-counter readings of the same job may bridge, milliseconds. Counters are exact over a gap, but
    /// the job between two far readings is not known.
    pub max_bridge_ms: u64,
    /// Rows that arrive late by at most this are sorted within their batch; later ones are refused with an alarm. Milliseconds.
    pub max_disorder_ms: u64,
    /// Power above this is taken as a unit error, watts.
    pub max_watts: u64,
    /// Unit of the activity columns.
    pub activity_unit: ActivityUnit,
    /// Unit of the power column.
    pub power_unit: PowerUnit,
    /// Unit of the energy counter.
    pub energy_unit: EnergyUnit,
    /// True when the source itself states that no job means no work (scheduler records). Elsewhere, time without a job *and* without an
    /// activity reading is unaccounted: else blanked counters and a dropped label would buy idle time.
    #[serde(default)]
    pub silence_is_idle: bool,
}

impl SourceContract {
    /// dcgm-exporter scraped every `period_ms` (its own collection interval is 30,000 ms unless set). Three missed readings make a gap.
    #[must_use]
    pub fn dcgm(period_ms: u64) -> Self {
        Self {
            name: "dcgm".to_owned(),
            period_ms,
            max_gap_ms: period_ms.saturating_mul(3),
            max_bridge_ms: 3_600_000,
            max_disorder_ms: period_ms.saturating_mul(3),
            max_watts: 3_000,
            activity_unit: ActivityUnit::Ratio,
            power_unit: PowerUnit::Watt,
            energy_unit: EnergyUnit::Millijoule,
            silence_is_idle: false,
        }
    }

    /// A power meter of a node, rack or circuit read every `period_ms`; one "device" is what the meter stands before.
    #[must_use]
    pub fn power(period_ms: u64) -> Self {
        Self { name: "power".to_owned(), max_watts: 4_000_000, ..Self::dcgm(period_ms) }
    }

    /// Scheduler records only: a reading says which job held the device since the previous reading, however long ago.
    #[must_use]
    pub fn allocation() -> Self {
        Self {
            name: "allocation".to_owned(),
            max_gap_ms: u64::MAX >> 2,
            max_bridge_ms: u64::MAX >> 2,
            max_disorder_ms: 0,
            silence_is_idle: true,
            ..Self::dcgm(1_000)
        }
    }
}

/// The time grid of a metering run: slots of equal length counted from an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Start of slot 0, Unix milliseconds: the agreement's start, so that every window of the agreement starts on the grid.
    pub origin_ms: i64,
    /// Length of a slot, 1 ms to 24 h.
    pub slot_ms: u64,
}

impl Grid {
    /// Longest slot, milliseconds.
    pub const MAX_SLOT_MS: u64 = 86_400_000;

    /// The slot that owns a reading at `time_ms`: slot `s` owns `[start(s), start(s + 1))`.
    #[must_use]
    pub fn slot_of(&self, time_ms: i64) -> i64 {
        time_ms.saturating_sub(self.origin_ms).div_euclid(self.slot_length())
    }

    /// Start of a slot, Unix milliseconds.
    #[must_use]
    pub fn start_of(&self, slot: i64) -> i64 {
        self.origin_ms.saturating_add(slot.saturating_mul(self.slot_length()))
    }

    /// Length of a slot as a signed number, never below 1.
    #[must_use]
    pub fn slot_length(&self) -> i64 {
        i64::try_from(self.slot_ms.clamp(1, Self::MAX_SLOT_MS)).unwrap_or(1)
    }
}
