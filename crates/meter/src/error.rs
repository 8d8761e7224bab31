//! What can go wrong while metering, each with the place and what to do next.

use std::path::PathBuf;

/// A telemetry input could not be metered.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// The operating system refused a file.
    #[error("cannot read or write {path}: {source}; check the path and its permissions")]
    Io {
        /// File meant.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{place} is not readable as {format}: {what}; {remedy}")]
    Malformed {
        /// File, address or row.
        place: String,
        /// Format that was expected.
        format: &'static str,
        /// What is wrong.
        what: String,
        /// What to try.
        remedy: String,
    },
    /// A column that the meter needs is absent.
    #[error("{place} has no column for {wanted}; found: {found}; name it with --column {wanted}=<column>")]
    MissingColumn {
        /// File meant.
        place: String,
        /// The meaning that no column has.
        wanted: &'static str,
        /// The columns found, comma-separated.
        found: String,
    },
    /// A column has a type that cannot hold the reading.
    #[error("{place}: column '{column}' has type {found}, but {wanted} is needed; cast it in the export")]
    ColumnType {
        /// File meant.
        place: String,
        /// Column meant.
        column: String,
        /// Type found.
        found: String,
        /// Types accepted.
        wanted: &'static str,
    },
    /// An activity lies outside 0..1.
    #[error(
        "{place}: activity {value} of device {device} is outside 0..1; if the export is in percent, say --activity-unit percent"
    )]
    ActivityUnit {
        /// File or source.
        place: String,
        /// Device meant.
        device: String,
        /// The value read.
        value: f64,
    },
    /// Power outside what the source's contract allows.
    #[error(
        "{place}: power {value} W of device {device} is outside 0..{limit} W; if the export is in milliwatts, say --power-unit milliwatt; \
         if one row stands for a node or a rack, choose a power contract"
    )]
    PowerUnit {
        /// File or source.
        place: String,
        /// Device meant.
        device: String,
        /// The value read, in watts as declared.
        value: f64,
        /// Limit of the contract, in watts.
        limit: u64,
    },
    /// The energy counter and the power gauge disagree by about a power of 1,000.
    #[error(
        "{place}: the energy counter rose by {counter_millijoules} mJ while the power gauge says {gauge_millijoules} mJ; \
         the counter looks like {looks_like}: say --energy-unit {looks_like}"
    )]
    EnergyUnit {
        /// File or source.
        place: String,
        /// Counter difference, as declared.
        counter_millijoules: u128,
        /// Integral of the gauge over the same readings.
        gauge_millijoules: u128,
        /// The unit that would make them agree.
        looks_like: &'static str,
    },
    /// A column that cannot serve the purpose that it was named for.
    #[error("{place}: column '{column}' is {is}, so it cannot be read as {wanted}; {remedy}")]
    WrongMetric {
        /// File meant.
        place: String,
        /// Column meant.
        column: String,
        /// What the column holds.
        is: &'static str,
        /// What it was to be read as.
        wanted: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A batch whose columns differ in length, or whose indices point nowhere.
    #[error("{place}: a batch of readings is inconsistent: {what}; this is a fault of the adapter, please report it")]
    Batch {
        /// File or source.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// A size that would break the memory bound.
    #[error("{place}: {what} is {found}, over the limit of {limit}; {remedy}")]
    Limit {
        /// File or source.
        place: String,
        /// What was counted.
        what: &'static str,
        /// Count found.
        found: u64,
        /// Limit.
        limit: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// Two partial results were made under different rules.
    #[error("these partial results cannot be merged: {what}; meter both shards with the same {what} and try again")]
    DifferentRules {
        /// The rule that differs.
        what: &'static str,
    },
    /// Two partial results claim the same device and slot.
    #[error(
        "device {device} has readings from two shards in the slot that starts at {slot_start_ms} ms; \
         give each (device, slot) to one shard, or meter both files in one run"
    )]
    OverlappingShards {
        /// Device meant.
        device: String,
        /// Start of the slot, Unix milliseconds.
        slot_start_ms: i64,
    },
    /// A partial file or a checkpoint that does not decode, or does not match its own hash.
    #[error("{place} is not an intact partial result: {what}; meter that shard again")]
    Partial {
        /// File meant.
        place: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A checkpoint that belongs to other inputs.
    #[error(
        "{place} belongs to other inputs or settings; remove it to start over, or repeat the command that wrote it"
    )]
    ForeignCheckpoint {
        /// Checkpoint file.
        place: PathBuf,
    },
    /// The run was asked to stop; its checkpoint is complete.
    #[error("interrupted after {done} of {total} pieces; run the same command again to go on from there")]
    Interrupted {
        /// Pieces finished.
        done: usize,
        /// Pieces in all.
        total: usize,
    },
    /// A server that telemetry is read from did not answer as it should.
    #[error(
        "{address} did not answer as expected: {what}; check that the address is a Prometheus server and try again"
    )]
    Server {
        /// Address asked.
        address: String,
        /// What happened.
        what: String,
    },
    /// Job records that cannot be read.
    #[error("{place}: {what}; {remedy}")]
    Jobs {
        /// File and line.
        place: String,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The ledger that came out breaks an invariant of the ledger.
    #[error("the metered window breaks the ledger's rules: {what}; please report it with the input")]
    Ledger {
        /// The ledger's words.
        what: String,
    },
}
