//! Everything that the ledger refuses.

use crate::chips::ChipError;
use crate::fleet::FleetError;
use crate::lineage::LineageError;
use crate::rulebook::RulebookError;
use standstill_statement::Class;
use std::fmt;

/// Where in a window something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the window in the agreement.
    pub window: u64,
    /// Device key.
    pub device: String,
    /// Slot of the window, from 0.
    pub slot: usize,
    /// Entry of the slot, from 0.
    pub entry: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "window {}, device {}, slot {}, entry {}", self.window, self.device, self.slot, self.entry)
    }
}

/// A ledger, or a file that it rests on, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The chip table is refused.
    #[error(transparent)]
    Chips(#[from] ChipError),
    /// The fleet file is refused.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The declared runs are refused.
    #[error(transparent)]
    Lineage(#[from] LineageError),
    /// A rulebook is refused.
    #[error(transparent)]
    Rulebook(#[from] RulebookError),
    /// The window's own numbers make no sense.
    #[error("window {window}: {what}; take start, length and slot from the agreement")]
    Spec {
        /// Window index.
        window: u64,
        /// Which rule is broken.
        what: String,
    },
    /// A registered device has no row.
    #[error(
        "window {window}: device {device} is registered but missing; account its whole window as 'unaccounted' if nothing is known"
    )]
    DeviceMissing {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
    },
    /// A device has two rows, or rows are not sorted by key.
    #[error("window {window}: device {device} appears twice or out of order; sort by key and merge the rows")]
    DeviceRepeated {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
    },
    /// A row for a device that the fleet does not have.
    #[error(
        "window {window}: device {device} is not in the fleet; register it, or report it as an alarm, not as a row"
    )]
    DeviceUnknown {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
    },
    /// Wrong number of slots.
    #[error(
        "window {window}, device {device}: {found} slots instead of {expected}; every slot of the window needs an account"
    )]
    SlotCount {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
        /// Slots in the row.
        found: usize,
        /// Slots in the window.
        expected: usize,
    },
    /// A slot's entries do not tile it.
    #[error(
        "window {window}, device {device}, slot {slot}: entries sum to {found_ms} ms instead of {expected_ms} ms; put the rest in 'unaccounted'"
    )]
    SlotSum {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
        /// Slot.
        slot: usize,
        /// Sum of the entries.
        found_ms: u64,
        /// Length of the slot.
        expected_ms: u64,
    },
    /// Entries of a slot are empty, repeated or unsorted.
    #[error("{place}: {what}; write each (class, run, format) once, sorted, with at least 1 ms")]
    EntryOrder {
        /// Where.
        place: Place,
        /// What is wrong.
        what: &'static str,
    },
    /// More active time than time.
    #[error("{place}: {active_ms} ms active in {total_ms} ms; active time is part of the entry's time")]
    ActiveTime {
        /// Where.
        place: Place,
        /// Active time.
        active_ms: u32,
        /// Time of the entry.
        total_ms: u32,
    },
    /// Bounds are not ordered.
    #[error("{place}: lower, best and upper bound are not in order; rebuild the figure with an interval constructor")]
    IntervalOrder {
        /// Where.
        place: Place,
    },
    /// More operations than the chip can do.
    #[error(
        "{place}: {found} operations, but {model} can do at most {most} in its active time; check unit and chip model"
    )]
    AbovePeak {
        /// Where.
        place: Place,
        /// Upper bound in the ledger.
        found: u128,
        /// Peak times active time.
        most: u128,
        /// Chip model.
        model: String,
    },
    /// Evidence of a format that the chip model does not have.
    #[error(
        "{place}: format {format} has no dense peak for {model} in the chip table; drop the format evidence or add a sourced cell"
    )]
    FormatUnknown {
        /// Where.
        place: Place,
        /// Format.
        format: &'static str,
        /// Chip model.
        model: String,
    },
    /// Operations where none are possible.
    #[error("{place}: operations or active time in '{class}'; a chip that works is neither idle nor down")]
    OperationsWhileStill {
        /// Where.
        place: Place,
        /// Idle or down.
        class: Class,
    },
    /// Weight-changing time without a run.
    #[error(
        "{place}: '{class}' changes weights and needs a declared run; name it, or account the time as 'unaccounted'"
    )]
    RunMissing {
        /// Where.
        place: Place,
        /// Class.
        class: Class,
    },
    /// A run where none can be.
    #[error("{place}: class '{class}' cannot belong to run '{run}'")]
    RunNotAllowed {
        /// Where.
        place: Place,
        /// Class.
        class: Class,
        /// Run.
        run: String,
    },
    /// A run that was not declared, or not under this class or window.
    #[error("{place}: run '{run}' {what}; declare it before it starts")]
    RunUndeclared {
        /// Where.
        place: Place,
        /// Run.
        run: String,
        /// What is wrong with the declaration.
        what: &'static str,
    },
    /// Unaccounted time that is not charged at peak.
    #[error("{place}: unaccounted time must be charged {expected} operations (highest dense peak), not {found}")]
    UnaccountedCharge {
        /// Where.
        place: Place,
        /// Upper bound in the ledger.
        found: u128,
        /// Peak times time.
        expected: u128,
    },
    /// A device that is not in service works.
    #[error(
        "{place}: device is {state} in this window and can only be 'down' or 'unaccounted'; correct its custody or the row"
    )]
    NotInService {
        /// Where.
        place: Place,
        /// Custody state.
        state: &'static str,
    },
    /// The energy counter contradicts itself or the entries.
    #[error("window {window}, device {device}: {what}; a counter that fell is a reset and belongs in an alarm")]
    Counter {
        /// Window index.
        window: u64,
        /// Device key.
        device: String,
        /// What is wrong.
        what: String,
    },
    /// A model that the chip table does not have.
    #[error(
        "device {device}: chip model '{model}' is not in the chip table; use an id of the table or add a sourced row"
    )]
    ModelUnknown {
        /// Device key.
        device: String,
        /// Model.
        model: String,
    },
    /// Bytes that are not a ledger.
    #[error("ledger bytes at offset {offset}: {what}")]
    Encoding {
        /// Byte offset of the record.
        offset: usize,
        /// What is wrong and what to do.
        what: String,
    },
}
