//! Arguments of witnesses, auditors and bundles.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `standstill witness`.
#[derive(Debug, Subcommand)]
pub enum WitnessCommand {
    /// Set up a witness's folder and key
    Init {
        /// Folder to make
        dir: PathBuf,
        /// Name of the witness
        #[arg(long)]
        name: String,
    },
    /// Cosign a log's latest checkpoint, if it is consistent with everything seen before
    Cosign {
        /// The witness's folder
        dir: PathBuf,
        /// Log folder; the cosignature is added to its checkpoint
        #[arg(long)]
        log: PathBuf,
        /// Verifier key (vkey) of the log
        #[arg(long)]
        vkey: String,
    },
}

/// `standstill audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Set up an auditor's folder: statement key, log, inspector key
    Init {
        /// Folder to make
        dir: PathBuf,
        /// Name of the auditor in the agreement
        #[arg(long)]
        name: String,
    },
    /// Bind the auditor to an agreement that names its keys
    Join {
        /// The auditor's folder
        dir: PathBuf,
        /// Terms file
        #[arg(long)]
        agreement: PathBuf,
    },
    /// Draw groups of a report from a beacon round, and publish the challenge; without --round, say which round it must be
    Challenge {
        /// The auditor's folder
        dir: PathBuf,
        /// The lab's folder as published (log and blobs)
        #[arg(long)]
        lab: PathBuf,
        /// Window whose report is drawn from
        #[arg(long)]
        window: u64,
        /// Beacon round file (JSON with `round` and `signature`)
        #[arg(long)]
        round: Option<PathBuf>,
    },
    /// Read the lab's answers, check them, and publish the finding
    Examine {
        /// The auditor's folder
        dir: PathBuf,
        /// The lab's folder as published (log and blobs)
        #[arg(long)]
        lab: PathBuf,
        /// Independent power readings (CSV: area,time_ms,watts); without it the finding says that there was none
        #[arg(long)]
        power: Option<PathBuf>,
        /// Power of hosts, fans and switches on the metered feed per registered accelerator (watts), from your own survey; the default
        /// is what published measurements of 8-GPU servers leave beside the accelerators
        #[arg(long, default_value_t = 220)]
        base_watts_per_device: u32,
        /// The lab's own energy figures are those of whole nodes (power-only telemetry)
        #[arg(long)]
        whole_node: bool,
        /// Losses on the feed that grow with the accelerators' energy (per mille)
        #[arg(long, default_value_t = 0)]
        overhead_per_mille: u16,
        /// Uncertainty of reading, base and losses together (per mille)
        #[arg(long, default_value_t = 30)]
        tolerance_per_mille: u16,
    },
    /// Say what a clean audit shows, with the formula
    Bound {
        /// Groups in the report
        #[arg(long)]
        groups: u64,
        /// Groups opened
        #[arg(long)]
        opened: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a beacon round against drand's pinned quicknet key, offline
    Beacon {
        /// Round file (JSON with `round` and `signature`)
        round: PathBuf,
    },
}

/// Arguments of `standstill bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// Terms file
    #[arg(long)]
    pub agreement: PathBuf,
    /// Folder of each lab and auditor
    #[arg(long = "from", required = true)]
    pub from: Vec<PathBuf>,
    /// Beacon round files
    #[arg(long = "round")]
    pub rounds: Vec<PathBuf>,
    /// Bundle folder to make
    #[arg(long, short)]
    pub out: PathBuf,
}
