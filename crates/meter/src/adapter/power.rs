//! Power meters of whole nodes: MLPerf power logs, the power analyser's `spl.txt`, and tables of watts.
//!
//! A power meter knows nothing of devices, classes or operations. What it supports: the energy of a node over time (an owner other than the
//! scheduler and the GPU driver), and through [`crate::energy_evidence`] a ceiling on operations where a chip family was calibrated.
//! The whole node's energy (processors, fans and power supplies included) is charged to its registered devices, so a device's figure is
//! an upper bound of its own consumption.

mod integral;
mod mllog;
mod spl;
mod table;

pub use integral::{PowerRule, divide, energy_millijoules, node_batch};
pub use mllog::{RunMarks, marks as mllog_marks, parse as parse_mllog};
pub use spl::parse as parse_spl;
pub use table::{PowerRow, parse_csv, read_parquet};

/// One reading of one node's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeReading {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Power of the whole node, milliwatts.
    pub milliwatts: u64,
}

/// All readings of one node, in the order of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSeries {
    /// Node as the source names it; empty when it does not.
    pub node: String,
    /// Readings.
    pub readings: Vec<NodeReading>,
    /// Readings that the meter itself marked invalid (-1): gaps, not zeros.
    pub blanks: u64,
}

/// Largest plausible power of one node, milliwatts (1 MW); above it the unit is wrong.
pub const MOST_MILLIWATTS: i128 = 1_000_000_000;
