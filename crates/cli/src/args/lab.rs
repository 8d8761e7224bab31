//! Arguments of the lab's own commands: keys, agreement, fleet, lab, log.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// What a key is for. One key has one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// Signs statements
    Statement,
    /// Signs a log's checkpoints (C2SP signed-note, type 0x01)
    Log,
    /// Cosigns other logs' checkpoints (C2SP cosignature, type 0x04)
    Witness,
    /// Master secret of a lab's commitments
    Seal,
    /// Opens what a challenged lab shows an inspector (X25519)
    Inspector,
}

/// `standstill key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; the file is readable by its owner only and never overwritten
    New {
        /// What the key is for
        #[arg(long, value_enum)]
        kind: KeyKind,
        /// Name in the key (log origin or witness name); needed for log and witness keys
        #[arg(long)]
        name: Option<String>,
        /// File to write
        #[arg(long, short)]
        out: PathBuf,
    },
    /// Print the public half of a key file, in the form that the agreement takes
    Show {
        /// Key file
        file: PathBuf,
    },
}

/// `standstill agreement`.
#[derive(Debug, Subcommand)]
pub enum AgreementCommand {
    /// Print a commented terms file to fill in: the short one, or a scenario
    New {
        /// Scenario to start from: full-pause, halve-baseline, rl-only-pause, per-run-cap, capability-gate, unaccounted-share or
        /// staged-resumption. Its own parties, roles and witnesses stay; keys of others than those it names are refused
        #[arg(long, value_name = "NAME")]
        template: Option<String>,
        /// Folders of roles whose public keys go in (made by lab, auditor and witness `init`); only their public.toml is read
        #[arg(long = "from")]
        from: Vec<PathBuf>,
        /// Title
        #[arg(long, default_value = "Frontier training slowdown", conflicts_with = "template")]
        title: String,
        /// Start of window 0 (seconds since 1970); default: next midnight UTC
        #[arg(long, value_name = "UNIX_SECONDS")]
        start: Option<u64>,
        /// Windows of one day each; the first 30 are the baseline
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(31..=3650), conflicts_with = "template")]
        windows: u64,
        /// File to write; standard output when missing
        #[arg(long, short)]
        out: Option<PathBuf>,
        /// Print JSON: the file's text, and what is still to fill in
        #[arg(long)]
        json: bool,
    },
    /// Refuse terms that cannot work, each with its line and a remedy; say what the others imply: audits a day, corrupt witnesses, days from a
    /// breach to the decision
    Check {
        /// Terms file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print in plain words what the terms bind
    Show {
        /// Terms file
        file: PathBuf,
        /// Print the canonical JSON whose hash is the agreement id
        #[arg(long, conflicts_with = "json")]
        canonical: bool,
        /// Print JSON: id, terms and what they imply
        #[arg(long)]
        json: bool,
    },
    /// Compare two terms files by their meaning: each change, whom it concerns, and whether it binds more or less
    Diff {
        /// Earlier terms
        old: PathBuf,
        /// Later terms
        new: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say from a bundle, offline, which phase holds, who is bound, what is due when and what is missing
    Status {
        /// Folder of the bundle
        bundle: PathBuf,
        /// As of this time: Unix seconds, or UTC as 2026-11-05T18:00:00Z; default: the latest witnessed time in the bundle
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print every transition from a bundle, offline, with the statements that caused it
    Timeline {
        /// Folder of the bundle
        bundle: PathBuf,
        /// Up to this time: Unix seconds, or UTC as 2026-11-05T18:00:00Z; default: the latest witnessed time in the bundle
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a party's gate goes by (`standstill gate decide --situation`), from a bundle: phase, caps, runs
    Situation {
        /// Folder of the bundle
        bundle: PathBuf,
        /// The party
        #[arg(long)]
        party: String,
        /// As of this time: Unix seconds, or UTC as 2026-11-05T18:00:00Z; default: the latest witnessed time in the bundle
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Print the agreement id
    Id {
        /// Terms file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `standstill fleet`.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Check a fleet file and print its groups and capacity
    Check {
        /// Fleet file (TOML or CSV)
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `standstill lab`.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Set up a lab's folder: keys, log, terms
    Init {
        /// Folder to make
        dir: PathBuf,
        /// Name of the party in the agreement
        #[arg(long)]
        party: String,
    },
    /// Bind the folder to an agreement that names its keys
    Join {
        /// The lab's folder
        dir: PathBuf,
        /// Terms file
        #[arg(long)]
        agreement: PathBuf,
        /// Publish totals in clear (`open`) or proofs only (`sealed`)
        #[arg(long, default_value = "sealed")]
        mode: String,
    },
    /// Declare the registered accelerators
    DeclareFleet {
        /// The lab's folder
        dir: PathBuf,
        /// Fleet file (TOML or CSV)
        fleet: PathBuf,
        /// First window for which it holds
        #[arg(long, default_value_t = 0)]
        from_window: u64,
    },
    /// Declare a training run before it starts
    DeclareRun {
        /// The lab's folder
        dir: PathBuf,
        /// Name of the run
        #[arg(long)]
        run: String,
        /// Runs, checkpoints or imported models that it builds on
        #[arg(long)]
        parent: Vec<String>,
        /// Class of its work
        #[arg(long, default_value = "pretraining")]
        class: String,
        /// Planned operations, for example 3e23
        #[arg(long)]
        planned_flop: String,
        /// Parameters
        #[arg(long, default_value_t = 0)]
        parameters: u64,
        /// Parameters active per token; default: all
        #[arg(long)]
        active_parameters: Option<u64>,
        /// Training tokens
        #[arg(long, default_value_t = 0)]
        tokens: u64,
        /// First window in which it may appear
        #[arg(long, default_value_t = 0)]
        from_window: u64,
    },
    /// Seal a window's ledger and publish the report in the lab's log
    Report {
        /// The lab's folder
        dir: PathBuf,
        /// Ledger made by `standstill meter run`
        ledger: PathBuf,
        /// Kind of telemetry that the figures rest on, for the report (for example `dcgm-parquet`); may be given more than once
        #[arg(long)]
        source: Vec<String>,
        /// Bundle that says which phase held, when the agreement runs itself; collect it after the window's end
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
    },
    /// Publish a sign of life
    Heartbeat {
        /// The lab's folder
        dir: PathBuf,
        /// Window during which it is made
        #[arg(long)]
        window: u64,
    },
    /// Answer a challenge: open the drawn groups to the inspector and to nobody else
    Respond {
        /// The lab's folder
        dir: PathBuf,
        /// The auditor's log folder
        #[arg(long)]
        auditor_log: PathBuf,
        /// Verifier key (vkey) of the auditor's log
        #[arg(long)]
        auditor_vkey: String,
    },
    /// Say what is declared, reported, due and missing
    Status {
        /// The lab's folder
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `standstill log`.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// List a log's entries
    Show {
        /// Log folder
        dir: PathBuf,
        /// Verifier key (vkey) of the log
        #[arg(long)]
        vkey: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a whole log from its tiles up to its checkpoints and cosignatures
    Fsck {
        /// Log folder, or the address of a log or mirror that serves it (https://…), whatever it is stored in
        #[arg(value_name = "DIR_OR_URL")]
        log: String,
        /// Verifier key (vkey) of the log
        #[arg(long)]
        vkey: String,
        /// Terms file: also check every cosignature by its witnesses, and that times fit together
        #[arg(long)]
        agreement: Option<PathBuf>,
    },
    /// Write an offline proof that an entry is in the log (C2SP tlog-proof)
    Prove {
        /// Log folder
        dir: PathBuf,
        /// Verifier key (vkey) of the log
        #[arg(long)]
        vkey: String,
        /// Index of the entry
        #[arg(long)]
        index: u64,
    },
    /// Over the network
    #[command(flatten)]
    Network(super::LogNetworkCommand),
}
