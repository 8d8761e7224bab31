//! The unit of metering: everything known about one device in one slot, and how two parts of it join.
//!
//! A unit holds sums over the stretches *between its own readings*, plus its first and last readings. The stretch between two units is
//! folded in only when a window is finished, so units of different slots never depend on each other: shards that are disjoint in
//! (device, slot) merge by union, in any order, to the same bits.

use crate::contract::SourceContract;
use crate::sample::{MISSING, NO_JOB};

/// Pseudo-job of energy and cycles counted over a gap, whose job is not known.
pub const GAP_JOB: u32 = u32::MAX;

/// One row, as far as the next row needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index.
    pub job: u32,
    /// Tensor activity in millionths or [`MISSING`].
    pub tensor: u32,
    /// DRAM activity in millionths or [`MISSING`].
    pub dram: u32,
    /// Power in milliwatts or [`MISSING`].
    pub power: u32,
}

/// A reading of the energy counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnergyPoint {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index at that row.
    pub job: u32,
    /// Counter, millijoules.
    pub millijoules: u64,
}

/// A reading of the two cycle counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CyclePoint {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index at that row.
    pub job: u32,
    /// Cycles with a tensor pipe active.
    pub active: u64,
    /// Cycles elapsed.
    pub elapsed: u64,
}

/// Sums of one job on one device in one slot. Times are milliseconds and never exceed the slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Time between consecutive readings no further apart than the contract allows.
    pub covered_ms: u32,
    /// Part of it with activity (tensor or memory above zero; without activity readings: with a job).
    pub active_ms: u32,
    /// Part of it that a tensor activity speaks for.
    pub tensor_ms: u32,
    /// Part of it that a DRAM activity speaks for.
    pub dram_ms: u32,
    /// Part of it that a power reading speaks for.
    pub power_ms: u32,
    /// Time between two readings of the energy counter.
    pub energy_ms: u32,
    /// Time between two readings of the cycle counters.
    pub cycles_ms: u32,
    /// Time in which a counter went backwards: taken from `covered_ms` and unaccounted when the window is finished.
    pub reset_ms: u32,
    /// Tensor activity integrated over time, millionths · ms.
    pub tensor_micro_ms: u64,
    /// DRAM activity integrated over time, millionths · ms.
    pub dram_micro_ms: u64,
    /// Power integrated over time, mW · ms = microjoules.
    pub power_microjoules: u64,
    /// Energy counter differences, millijoules.
    pub energy_millijoules: u64,
    /// Active-cycle differences.
    pub cycles_active: u64,
    /// Elapsed-cycle differences.
    pub cycles_elapsed: u64,
}

/// What happened to the rows of a unit besides being summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read, all of them.
    pub rows: u32,
    /// Rows equal to an earlier row of the same time.
    pub duplicates: u32,
    /// Rows that give another value for the same time. The first one counts.
    pub conflicts: u32,
    /// Rows that came late and were sorted.
    pub disordered: u32,
    /// Rows that came too late and were refused.
    pub refused: u32,
    /// Times that the energy counter went backwards.
    pub energy_resets: u32,
    /// Times that a cycle counter went backwards.
    pub cycle_resets: u32,
    /// Rows whose activity is blank although the source has the column.
    pub blanks: u32,
}

/// Everything known about one device in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// First reading.
    pub first: Reading,
    /// Last reading.
    pub last: Reading,
    /// First and last energy reading.
    pub energy: Option<(EnergyPoint, EnergyPoint)>,
    /// First and last cycle reading.
    pub cycles: Option<Box<(CyclePoint, CyclePoint)>>,
    /// True when rows after `last` were refused, so that the next stretch is unaccounted.
    pub broken: bool,
    /// Sums by job, sorted by job.
    pub cells: Vec<(u32, Sums)>,
    /// Row counts.
    pub tally: Tally,
}
