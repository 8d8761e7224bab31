//! The ledger of one window: for every registered device and slot, what it did, to the millisecond.

mod check;
mod encoding;
mod totals;

pub use encoding::MAX_LEDGER_BYTES;
pub use totals::{ClassTotals, Totals};

use crate::alarm::Alarm;
use crate::interval::OpsInterval;
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Hash32, Name, NumericFormat};

/// Most entries in one slot.
pub const MAX_SLOT_ENTRIES: usize = 256;
/// Most slots in one window.
pub const MAX_SLOTS: usize = 1024;
/// Most alarms in one window; the meter merges alarms of the same kind and device.
pub const MAX_ALARMS: usize = 1_000_000;

/// A window and its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Index in the agreement; window 0 starts at the agreement's start.
    pub index: u64,
    /// Start, Unix milliseconds.
    pub start_ms: i64,
    /// Length, milliseconds; a whole number of slots and of seconds.
    pub length_ms: u64,
    /// Slot length, milliseconds; at most `u32::MAX`.
    pub slot_ms: u64,
}

impl WindowSpec {
    /// End (exclusive), Unix milliseconds.
    #[must_use]
    pub const fn end_ms(&self) -> i64 {
        self.start_ms.saturating_add_unsigned(self.length_ms)
    }

    /// Number of slots; 0 when the slot length is 0.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.length_ms.checked_div(self.slot_ms).and_then(|slots| usize::try_from(slots).ok()).unwrap_or(0)
    }

    /// Whole seconds of the window.
    #[must_use]
    pub const fn seconds(&self) -> u64 {
        self.length_ms / 1000
    }
}

/// What a device did during part of a slot. Entries of a slot are sorted by (class, run, format) and each occurs once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotEntry {
    /// What it did.
    pub class: Class,
    /// Declared run; needed in classes that change weights, allowed in every working class, never otherwise.
    pub run: Option<Name>,
    /// Numeric format that evidence shows; `None` when nothing shows one, and the highest peak then bounds the operations.
    pub format: Option<NumericFormat>,
    /// Time of the entry, 1 to the slot's length.
    pub milliseconds: u32,
    /// Time in which operations are possible, at most `milliseconds`: tensor-active time rounded up when counters show it,
    /// else all of it; 0 in `idle` and `down`.
    pub active_milliseconds: u32,
    /// Operations, as an interval.
    pub operations: OpsInterval,
    /// Energy of the device during the entry.
    pub energy_millijoules: u64,
}

/// One device in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceWindow {
    /// Device key, as in the fleet.
    pub device: String,
    /// Entries per slot; one inner list per slot of the window.
    pub slots: Vec<Vec<SlotEntry>>,
    /// Energy counter at the start of the window (last reading at or before it); `None` when there is no counter.
    pub counter_start_millijoules: Option<u64>,
    /// Energy counter at the end of the window, which is the start of the next one.
    pub counter_end_millijoules: Option<u64>,
    /// Hash of the raw telemetry and partial sums from which the row was made.
    pub evidence_hash: Hash32,
}

/// All devices in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowLedger {
    /// The window.
    pub spec: WindowSpec,
    /// One row per registered device, sorted by key.
    pub devices: Vec<DeviceWindow>,
    /// Trouble with the telemetry, sorted.
    pub alarms: Vec<Alarm>,
}

impl SlotEntry {
    /// Order of entries in a slot.
    #[must_use]
    pub fn sort_key(&self) -> (Class, Option<&Name>, Option<NumericFormat>) {
        (self.class, self.run.as_ref(), self.format)
    }

    /// An entry of a class without operations (`idle`, `down`).
    #[must_use]
    pub const fn still(class: Class, milliseconds: u32, energy_millijoules: u64) -> Self {
        Self {
            class,
            run: None,
            format: None,
            milliseconds,
            active_milliseconds: 0,
            operations: OpsInterval::ZERO,
            energy_millijoules,
        }
    }

    /// Unaccounted time, charged at the highest dense peak of the chip.
    #[must_use]
    pub fn unaccounted(chip: &crate::chips::ChipModel, milliseconds: u32, energy_millijoules: u64) -> Self {
        Self {
            active_milliseconds: milliseconds,
            operations: chip.unaccounted(u64::from(milliseconds)),
            ..Self::still(Class::Unaccounted, milliseconds, energy_millijoules)
        }
    }
}

#[cfg(test)]
mod tests;
