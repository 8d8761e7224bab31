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

/// Most meters whose invalid readings (-1 W each) may have been added up by a logger.
const MOST_METERS: i128 = 16;

/// True for what power meters and loggers write when they have no valid reading: -1 W, or the sum of several meters' -1 W. Real tables hold
/// thousands of -1 and some -2. They are gaps; billed as zero they would hide energy, billed as they are they would reduce it.
fn is_invalid_marker(milliwatts: i128) -> bool {
    (-1000 * MOST_METERS..0).contains(&milliwatts) && milliwatts % 1000 == 0
}

#[cfg(test)]
mod tests {
    use super::is_invalid_marker;

    #[test]
    fn invalid_markers() {
        assert!(is_invalid_marker(-1000) && is_invalid_marker(-2000));
        assert!(!is_invalid_marker(0) && !is_invalid_marker(-1500) && !is_invalid_marker(-50_000));
    }
}
