//! Arguments of `standstill signal`: facts about capability and about AI that builds AI, on which triggers rest.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Exit codes of `signal horizon`; shown at the end of its `--help`.
const HORIZON_EXITS: &str = "\
Exit codes: 0 computed, and no trigger of the method fired; 1 a trigger fired; 3 no trigger fired, but at least one is indeterminate; \
2 usage; 4 unreadable input.";

/// `standstill signal`.
#[derive(Debug, Subcommand)]
pub enum SignalCommand {
    /// How long the tasks are that models complete, how fast that grows, and whether a trigger has fired (METR's method)
    Horizon(Box<HorizonArgs>),
}

/// Arguments of `standstill signal horizon`.
#[derive(Debug, Args)]
#[command(after_help = HORIZON_EXITS)]
pub struct HorizonArgs {
    /// Run-level results (JSON Lines, one run per line); may be given more than once
    #[arg(long, value_name = "FILE", required_unless_present_any = ["tasks", "published", "index", "print_method"])]
    pub runs: Vec<PathBuf>,
    /// Per-task results (YAML: agent → tasks with n_runs and n_successes); may be given more than once
    #[arg(long, value_name = "FILE")]
    pub tasks: Vec<PathBuf>,
    /// Published horizons (METR's benchmark_results YAML) for the doubling time alone; the first names the suite, later ones are stitched
    #[arg(long, value_name = "FILE")]
    pub published: Vec<PathBuf>,
    /// Release dates (YAML: date → alias → YYYY-MM-DD)
    #[arg(long, value_name = "FILE")]
    pub dates: Option<PathBuf>,
    /// A linear capability index (CSV with columns `ECI Score`, `Release date`, `Model version`): slope per year and slope break
    #[arg(long, value_name = "FILE")]
    pub index: Option<PathBuf>,
    /// Method file (TOML): every choice that moves the result, and the triggers; default: METR's method since 2026-03-05
    #[arg(long, value_name = "FILE")]
    pub method: Option<PathBuf>,
    /// Round of drand's quicknet (JSON), for a method with `generator = "beacon"`; its signature is checked
    #[arg(long, value_name = "FILE")]
    pub beacon_round: Option<PathBuf>,
    /// Print the method in force as TOML, with its hash, and stop
    #[arg(long)]
    pub print_method: bool,
    /// Write the plots (SVG) into this folder; it is created when missing
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Write the result record (canonical JSON) to this file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Threads for the resamples; 0 for one per core. The result is the same for any number
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Print the result record as JSON
    #[arg(long)]
    pub json: bool,
}
