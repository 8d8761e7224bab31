//! Arguments of the commands that look: demo, verify, explain, show.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `standstill demo`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DemoArgs {
    /// Another demonstration
    #[command(subcommand)]
    pub command: Option<DemoCommand>,
    /// How the third lab cheats
    #[arg(long, value_enum, default_value_t = Cheat::UnderReport)]
    pub cheat: Cheat,
    /// Folder for everything that the demo makes; it must be empty or missing
    #[arg(long, default_value = "demo-out")]
    pub out: PathBuf,
    /// Replace an earlier demo's folder
    #[arg(long)]
    pub force: bool,
    /// Days to run, 6 to 60; the first five are the baseline
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u64).range(6..=60))]
    pub days: u64,
    /// Seed of the world; the same seed gives the same telemetry
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the verdict as JSON
    #[arg(long)]
    pub json: bool,
}

/// `standstill demo ...`.
#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Run four logs, five witnesses of which one lies, and a monitor, as processes of this machine; kill some, fork one, silence one
    Network {
        /// Folder for everything that the demo makes; it must be empty or missing
        #[arg(long, default_value = "demo-network-out")]
        out: PathBuf,
        /// Replace an earlier demo's folder
        #[arg(long)]
        force: bool,
    },
    /// Run a pause among four labs from sealed offers to open gates, with five witnesses, two auditors, a liar and a silent lab
    Pause {
        /// Folder for everything that the demo makes; it must be empty or missing
        #[arg(long, default_value = "demo-pause-out")]
        out: PathBuf,
        /// Replace an earlier demo's folder
        #[arg(long)]
        force: bool,
        /// Delay messages, hand them over twice and in another order, by this seed
        #[arg(long)]
        seed: Option<u64>,
        /// Witnesses that are down the whole time, at most 1: four of five make a quorum
        #[arg(long, default_value_t = 0, value_name = "COUNT")]
        witnesses_down: usize,
        /// Without processes: the same decisions over simulated witnesses, one play per seed
        #[arg(long, conflicts_with = "out")]
        simulate: bool,
        /// How many seeds, beginning with --seed
        #[arg(long, default_value_t = 20, requires = "simulate")]
        seeds: u64,
    },
    /// The lying witness of the network demonstration: cosigns anything, dated back
    #[command(hide = true)]
    Liar {
        /// Witness key file
        #[arg(long)]
        key: PathBuf,
        /// Address and port
        #[arg(long)]
        listen: std::net::SocketAddr,
        /// File with the demonstration's time (Unix seconds)
        #[arg(long)]
        clock: PathBuf,
    },
}

/// The evasions that the demo can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cheat {
    /// The last hours of each slowed day are left out of the ledger
    TailDrop,
    /// Training is accounted as inference
    Relabel,
    /// Unregistered chips run in a registered rack
    GhostChip,
    /// One run is split into two names, each below the cap
    SplitRun,
    /// Training hours are reported as idle
    UnderReport,
    /// Witnesses and auditor are shown two histories
    Fork,
    /// Quiet days' telemetry is reported again
    ReplayedTelemetry,
    /// Nobody cheats
    None,
}

/// Arguments of `standstill verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder of the bundle
    pub bundle: PathBuf,
    /// Judge as of this time (seconds since 1970); default: the latest witnessed time in the bundle
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub as_of: Option<u64>,
    /// Print JSON (schema: docs/formats/verdict.schema.json)
    #[arg(long)]
    pub json: bool,
    /// Also write the report as one self-contained HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print only the one sentence for the whole
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
    /// Folder that remembers which proofs were already checked, by content hash; default: the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Check every proof again and remember nothing
    #[arg(long, conflicts_with = "cache")]
    pub no_cache: bool,
    /// Threads for proof checking; the verdict does not depend on it
    #[arg(long)]
    pub threads: Option<usize>,
}

/// Arguments of `standstill explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Folder of the bundle
    pub bundle: PathBuf,
    /// Check as printed by `verify`, for example `south/limit-train`
    pub check: String,
    /// Judge as of this time (seconds since 1970)
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub as_of: Option<u64>,
}

/// Arguments of `standstill show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A statement (.cose), ledger (.ledger), terms (.toml), or a log folder with `#INDEX`
    pub what: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
