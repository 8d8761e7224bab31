//! Arguments of metering, rehearsal and benchmarks.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `standstill meter`.
#[derive(Debug, Subcommand)]
pub enum MeterCommand {
    /// Meter telemetry of one window into a ledger
    Run(Box<MeterRunArgs>),
    /// Join partial results of many machines; the same bits as a single run
    Merge {
        /// Partial files written by `meter run --partials`
        #[arg(required = true)]
        partials: Vec<PathBuf>,
        /// Joined partial file to write
        #[arg(long, short)]
        out: PathBuf,
    },
    /// Turn partial sums into the ledger of a window
    Finish(MeterFinishArgs),
    /// Ask questions of telemetry files in SQL, with the meter's kernel as an aggregate (needs a build with `--features query`)
    Query(Box<MeterQueryArgs>),
    /// List the telemetry sources with their contracts: units, counter or gauge, period, what a gap means
    Sources {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `standstill meter run`.
#[derive(Debug, Args)]
pub struct MeterRunArgs {
    /// Telemetry files or folders, in any order
    #[arg(required_unless_present = "address")]
    pub input: Vec<PathBuf>,
    /// Kind of source; see `standstill meter sources`
    #[arg(long)]
    pub source: String,
    /// Fleet file (TOML or CSV)
    #[arg(long)]
    pub fleet: PathBuf,
    /// Start of the window (seconds since 1970)
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub start: u64,
    /// Index of the window in the agreement
    #[arg(long, default_value_t = 0)]
    pub window: u64,
    /// Length of the window in seconds
    #[arg(long, default_value_t = 86_400)]
    pub window_seconds: u64,
    /// Length of a slot in seconds
    #[arg(long, default_value_t = 3_600)]
    pub slot_seconds: u64,
    /// What jobs did: a Slurm accounting export (.json, .csv, else `sacct -P`) or a TOML map (.toml)
    #[arg(long)]
    pub jobs: Option<PathBuf>,
    /// Devices of each node, for sources that name nodes only (CSV: node,device); default: fleet keys of the form node/index
    #[arg(long)]
    pub placement: Option<PathBuf>,
    /// Usual distance of two readings in seconds; three missed ones make a gap
    #[arg(long, default_value_t = 30)]
    pub period_seconds: u64,
    /// Offset of calendar times without a zone, for example +02:00; default UTC
    #[arg(long)]
    pub utc_offset: Option<String>,
    /// Time of a scrape whose file name does not say it (milliseconds since 1970)
    #[arg(long, value_name = "UNIX_MILLISECONDS")]
    pub at: Option<i64>,
    /// Column separator of `sacct -P --delimiter`
    #[arg(long, default_value_t = '|')]
    pub delimiter: char,
    /// Job that held every device, for telemetry without job labels (its class and run come from --jobs)
    #[arg(long)]
    pub job: Option<String>,
    /// The one run to read of a table that holds several (for example a `run_id`)
    #[arg(long)]
    pub select: Option<String>,
    /// Start of a trace whose times count from 0 (seconds since 1970)
    #[arg(long, default_value_t = 0)]
    pub trace_start: u64,
    /// Active parameters of the served model, for request traces
    #[arg(long)]
    pub active_parameters: Option<u64>,
    /// Address of a live Prometheus server, for `--source prometheus-live`
    #[arg(long)]
    pub address: Option<String>,
    /// Names and units of a table's columns
    #[command(flatten)]
    pub table: TableArgs,
    /// What may lower the upper bound of operations: `chip-time` (only evidence of the numeric format) or `active-time` (activity counters too)
    #[arg(long, default_value = "chip-time")]
    pub upper: String,
    /// Ledger to write
    #[arg(long, short)]
    pub out: PathBuf,
    /// Also write the mergeable partial sums
    #[arg(long)]
    pub partials: Option<PathBuf>,
    /// Print the totals as JSON
    #[arg(long)]
    pub json: bool,
}

/// Names and units of a table's columns, where they differ from the source's contract.
#[derive(Clone, Debug, Default, Args)]
pub struct TableArgs {
    /// Column of a meaning, for example tensor-active=sm_util; may be given more than once. Meanings: device, time, job, tensor-active,
    /// dram-active, power, energy, cycles-active, cycles-elapsed
    #[arg(long = "column", value_name = "MEANING=COLUMN")]
    pub columns: Vec<String>,
    /// Unit of activity columns: ratio (0..1, the default) or percent
    #[arg(long, value_name = "UNIT", value_parser = ["ratio", "percent"])]
    pub activity_unit: Option<String>,
    /// Unit of the power column: watt (the default) or milliwatt
    #[arg(long, value_name = "UNIT", value_parser = ["watt", "milliwatt"])]
    pub power_unit: Option<String>,
    /// Unit of the energy counter: millijoule (the default) or joule
    #[arg(long, value_name = "UNIT", value_parser = ["millijoule", "joule"])]
    pub energy_unit: Option<String>,
}

/// Arguments of `standstill meter finish`.
#[derive(Debug, Args)]
pub struct MeterFinishArgs {
    /// Partial file written by `meter run --partials` or `meter merge`
    pub partials: PathBuf,
    /// Fleet file (TOML or CSV)
    #[arg(long)]
    pub fleet: PathBuf,
    /// Start of the window (seconds since 1970)
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub start: u64,
    /// Index of the window in the agreement
    #[arg(long, default_value_t = 0)]
    pub window: u64,
    /// Length of the window in seconds
    #[arg(long, default_value_t = 86_400)]
    pub window_seconds: u64,
    /// Length of a slot in seconds
    #[arg(long, default_value_t = 3_600)]
    pub slot_seconds: u64,
    /// What jobs did: a Slurm accounting export or a TOML map (job = class, run)
    #[arg(long)]
    pub jobs: Option<PathBuf>,
    /// What may lower the upper bound of operations: `chip-time` or `active-time`
    #[arg(long, default_value = "chip-time")]
    pub upper: String,
    /// Ledger to write
    #[arg(long, short)]
    pub out: PathBuf,
    /// Print the totals as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `standstill meter query`.
#[derive(Debug, Args)]
pub struct MeterQueryArgs {
    /// The question, one SELECT; `-` reads it from standard input
    pub sql: String,
    /// Tables: FILE or FOLDER (.parquet, .csv, .tsv), or NAME=FILE; equal names make one table
    #[arg(value_name = "[NAME=]FILE")]
    pub tables: Vec<String>,
    /// Fleet file (TOML or CSV): table `fleet`
    #[arg(long)]
    pub fleet: Option<PathBuf>,
    /// Slurm accounting export (.json, .csv, else `sacct -P`): table `jobs`, one row per allocation and node
    #[arg(long)]
    pub jobs: Option<PathBuf>,
    /// Start of the time grid of the aggregates: the window's start in `meter run` (seconds since 1970)
    #[arg(long, value_name = "UNIX_SECONDS", default_value_t = 0)]
    pub start: u64,
    /// Index of the window whose custody state the table `fleet` shows
    #[arg(long, default_value_t = 0)]
    pub window: u64,
    /// Length of a slot in seconds
    #[arg(long, default_value_t = 3_600)]
    pub slot_seconds: u64,
    /// Usual distance of two readings in seconds; three missed ones make a gap
    #[arg(long, default_value_t = 30)]
    pub period_seconds: u64,
    /// The readings are of nodes, racks or circuits: power up to 4 MW instead of 3 kW
    #[arg(long)]
    pub node_power: bool,
    /// Memory of the operators in MB; past it they write to disk
    #[arg(long, default_value_t = 1_024)]
    pub memory_mb: u64,
    /// Folder for what does not fit into memory; default: the system's temporary folder
    #[arg(long)]
    pub spill_dir: Option<PathBuf>,
    /// Most disk space for it in MB
    #[arg(long, default_value_t = 16_384)]
    pub spill_mb: u64,
    /// Partitions that work at the same time; 0 for one per core
    #[arg(long, default_value_t = 0)]
    pub partitions: usize,
    /// Ballista scheduler that answers instead of this process, df://host:port (needs a build with `--features ballista`)
    #[arg(long, value_name = "ADDRESS")]
    pub scheduler: Option<String>,
    /// Most rows of the answer
    #[arg(long, default_value_t = 1_000)]
    pub rows: usize,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `standstill rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Telemetry files
    #[arg(required = true)]
    pub input: Vec<PathBuf>,
    /// Kind of source; see `standstill meter sources`
    #[arg(long)]
    pub source: String,
    /// Chip model, when the telemetry does not name it; see `standstill chips`
    #[arg(long)]
    pub chip: Option<String>,
    /// Number of accelerators behind each metered node, when the telemetry is by node; default 8
    #[arg(long)]
    pub per_node: Option<u32>,
    /// Usual distance of two readings in seconds; three missed ones make a gap
    #[arg(long, default_value_t = 30)]
    pub period_seconds: u64,
    /// Start of a trace whose times count from 0 (seconds since 1970)
    #[arg(long, default_value_t = 0)]
    pub trace_start: u64,
    /// Names and units of a table's columns
    #[command(flatten)]
    pub table: TableArgs,
    /// What the metered time was, for telemetry without job labels; default: pretraining, the strictest
    #[arg(long)]
    pub class: Option<String>,
    /// Name of the training run
    #[arg(long)]
    pub run: Option<String>,
    /// Select one run of a set that holds several (for example a `run_id`)
    #[arg(long)]
    pub select: Option<String>,
    /// Classes and runs by job (TOML)
    #[arg(long)]
    pub jobs: Option<PathBuf>,
    /// Publish totals in clear
    #[arg(long)]
    pub open: bool,
    /// Replace an earlier rehearsal's folder
    #[arg(long)]
    pub force: bool,
    /// Folder for everything that is made
    #[arg(long, short)]
    pub out: PathBuf,
    /// Print the verdict as JSON
    #[arg(long)]
    pub json: bool,
}

/// `standstill bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Meter against pure Parquet decode and DuckDB on the same files
    Meter {
        /// Number of GPUs; a day at one sample per 10 s each
        #[arg(long, default_value_t = 10_000)]
        devices: u32,
        /// Folder for the generated files; kept, and used again when present
        #[arg(long, default_value = "/tmp/standstill-bench-meter")]
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Seal and verify a window against the cost of its range proofs alone
    Seal {
        /// Number of devices
        #[arg(long, default_value_t = 65_536)]
        devices: u32,
        /// Devices per group
        #[arg(long, default_value_t = 64)]
        group: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Verify 10 parties' reports: cold, remembered, one more day, and the verdict logic alone
    Verify {
        /// Parties
        #[arg(long, default_value_t = 10)]
        parties: u32,
        /// Days
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// Groups per party
        #[arg(long, default_value_t = 2)]
        groups: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
