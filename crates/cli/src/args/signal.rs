//! Arguments of `standstill signal`: facts about capability and about AI that builds AI, on which triggers rest.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Exit codes of `signal horizon`; shown at the end of its `--help`.
const HORIZON_EXITS: &str = "\
Exit codes: 0 computed, and no trigger of the method fired; 1 a trigger fired; 3 no trigger fired, but at least one is indeterminate; \
2 usage; 4 unreadable input.";

/// Exit codes of `signal scan`; shown at the end of its `--help`.
const SCAN_EXITS: &str = "\
Exit codes: 0 scanned, nothing as heavy as --fail-on; 1 a finding as heavy as --fail-on; 2 usage; 3 no such finding, but something could \
not be read; 4 unreadable input. A scan finds known forms of attack. It cannot show that code is harmless.";

/// Exit codes of `signal changes`; shown at the end of its `--help`.
const CHANGES_EXITS: &str = "\
Exit codes: 0 computed from a complete history; 1 the repository differs from the table given with --against; 3 objects are missing or the \
clone is shallow, so that the shares cannot be said; 2 usage; 4 unreadable input.";

/// `standstill signal`.
#[derive(Debug, Subcommand)]
pub enum SignalCommand {
    /// How long the tasks are that models complete, how fast that grows, and whether a trigger has fired (METR's method)
    Horizon(Box<HorizonArgs>),
    /// Hidden text, instructions to agents, weakened checks, opaque files, swapped dependencies, forged provenance: in files or in a change
    Scan(Box<ScanArgs>),
    /// How much of a git repository AI systems wrote, at least and at most, who reviewed it, and which runs used it
    Changes(Box<ChangesArgs>),
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
    /// With --party: alias of an agent of that party; may be given more than once
    #[arg(long, value_name = "ALIAS", requires = "party")]
    pub agent: Vec<String>,
    /// How to sign it.
    #[command(flatten)]
    pub sign: SignArgs,
}

/// Options that turn a measurement into a signed statement.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// Sign the result as a `signal` statement in the log of this role's folder, with inputs and result as blobs
    #[arg(long, value_name = "DIR", requires = "metric")]
    pub sign: Option<PathBuf>,
    /// Metric that the statement reads from the result: horizon_p50, horizon_p80, horizon_doubling; ai_authored_share, ai_led_share; scan_block, scan_high, scan_warn
    #[arg(long, value_name = "NAME", requires = "sign")]
    pub metric: Option<String>,
    /// Party whose system or repository was measured; without it the statement is about the field
    #[arg(long, value_name = "NAME", requires = "sign")]
    pub party: Option<String>,
    /// Write the input blobs into this folder instead of the published one; verdicts then cannot conclude without them
    #[arg(long, value_name = "DIR", requires = "sign")]
    pub inputs_to: Option<PathBuf>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Weight {
    /// Worth knowing; ordinary code has it
    Note,
    /// A person should look
    Warn,
    /// Probably wrong
    High,
    /// The change must not go in as it is
    Block,
}

/// Arguments of `standstill signal scan`.
#[derive(Debug, Args)]
#[command(after_help = SCAN_EXITS)]
pub struct ScanArgs {
    /// File or folder to scan as it stands; with a RANGE, a git repository
    #[arg(required_unless_present = "rules")]
    pub path: Option<PathBuf>,
    /// Scan what a range of commits changes: A..B, A...B, or one commit against its parent
    pub range: Option<String>,
    /// With a RANGE: also scan every commit by itself, for what came and went in between
    #[arg(long, requires = "range", conflicts_with = "sign")]
    pub commits: bool,
    /// With a RANGE: people other than the author who approved the change
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "range", conflicts_with = "sign")]
    pub approvals: u32,
    /// With a RANGE: table of a ledger of changes (`signal changes --table`), for the rules on agents' notes and on rewritten history
    #[arg(long, value_name = "TABLE", requires = "range", conflicts_with = "sign")]
    pub ledger: Option<PathBuf>,
    /// With a RANGE: code of runs (JSON, as for `signal changes`), for the rule on training code that a run has used
    #[arg(long, value_name = "FILE", requires = "range", conflicts_with = "sign")]
    pub runs: Option<PathBuf>,
    /// Compare this release archive (tar, tar.gz, tar.xz, zip) with the tree of one commit, given in place of a RANGE; default: HEAD
    #[arg(long, value_name = "ARCHIVE", conflicts_with_all = ["commits", "ledger", "runs", "all", "sign"])]
    pub release: Option<PathBuf>,
    /// Allow-list (TOML); every entry has a reason, which is reported with the finding
    #[arg(long, value_name = "FILE")]
    pub allow: Option<PathBuf>,
    /// Own table of path classes and tiers (TOML) in place of the built-in one
    #[arg(long, value_name = "FILE")]
    pub paths: Option<PathBuf>,
    /// Also write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Lightest findings to list as text; JSON and SARIF have all
    #[arg(long, value_enum, default_value_t = Weight::Warn)]
    pub from: Weight,
    /// Lightest findings for which the exit code is 1
    #[arg(long, value_enum, default_value_t = Weight::Block)]
    pub fail_on: Weight,
    /// Also scan files that .gitignore leaves out
    #[arg(long, conflicts_with = "range")]
    pub all: bool,
    /// Threads; 0 for one per core. The report is the same for any number
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// List the rules with severity, action and source, and stop
    #[arg(long)]
    pub rules: bool,
    /// How to sign it.
    #[command(flatten)]
    pub sign: SignArgs,
}

/// Arguments of `standstill signal changes`.
#[derive(Debug, Args)]
#[command(after_help = CHANGES_EXITS)]
pub struct ChangesArgs {
    /// Git repository: a working tree or a bare one
    #[arg(required_unless_present_any = ["print_method", "recompute"])]
    pub repository: Option<PathBuf>,
    /// Commit, tag, branch or full reference to start from; default: the repository's HEAD
    #[arg(long, value_name = "NAME")]
    pub head: Option<String>,
    /// Method file (TOML): every choice that moves the result
    #[arg(long, value_name = "FILE")]
    pub method: Option<PathBuf>,
    /// Print the method in force as TOML, with its hash, and stop
    #[arg(long)]
    pub print_method: bool,
    /// Identity map (TOML): aliases, keys, AI systems and the salt of pseudonyms. It stays with you; only its hash is published
    #[arg(long, value_name = "FILE")]
    pub identities: Option<PathBuf>,
    /// Table of AI systems, services, trailers and marker phrases (TOML) in place of the built-in one
    #[arg(long, value_name = "FILE")]
    pub marks: Option<PathBuf>,
    /// Path classes of this repository (TOML) in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// First month that counts, YYYY-MM; goes before the method file's
    #[arg(long, value_name = "MONTH")]
    pub since: Option<String>,
    /// Last month that counts, YYYY-MM; goes before the method file's
    #[arg(long, value_name = "MONTH")]
    pub until: Option<String>,
    /// Agent Trace records (JSON Lines)
    #[arg(long, value_name = "FILE")]
    pub traces: Option<PathBuf>,
    /// DSSE envelopes with SLSA source summaries or gittuf approvals (JSON Lines); may be given more than once. Signatures are verified with the keys of the identity map; unverified ones are claims
    #[arg(long, value_name = "FILE")]
    pub envelopes: Vec<PathBuf>,
    /// Which code the declared runs ran (JSON), for the chains from change to checkpoint
    #[arg(long, value_name = "FILE")]
    pub runs: Option<PathBuf>,
    /// Folder for rows of earlier walks, so that the next one reads only new commits
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// A table published earlier: every row of it must still be in the history, unchanged
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Write the table of commits (JSON Lines) to this file: the input of the record
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Write the result record (canonical JSON) to this file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Compute this record again from --table (and --runs) and compare; no repository is read
    #[arg(long, value_name = "FILE", requires = "table", conflicts_with_all = ["repository", "record", "against", "cache", "sign"])]
    pub recompute: Option<PathBuf>,
    /// Threads for the diffs; 0 for one per core. The result is the same for any number
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Print the result record as JSON
    #[arg(long)]
    pub json: bool,
    /// How to sign it.
    #[command(flatten)]
    pub sign: SignArgs,
}
