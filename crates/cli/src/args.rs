//! The command line as data: one table from which parsing, `--help`, the man pages and shell completions come.

mod act;
mod audit;
mod gate;
mod lab;
mod look;
mod measure;
mod node;
mod signal;

pub use act::{ActArgs, ActVerb, Choose, Conclude, Matter, RoleOf, RulingWord};
pub use audit::{AuditCommand, BundleArgs, WitnessCommand};
pub use gate::{GateCommand, GateKnowledge};
pub use lab::{AgreementCommand, FleetCommand, KeyCommand, KeyKind, LabCommand, LogCommand};
pub use look::{Cheat, DemoArgs, DemoCommand, ExplainArgs, ShowArgs, VerifyArgs};
pub use measure::{BenchCommand, MeterCommand, MeterFinishArgs, MeterQueryArgs, MeterRunArgs, RehearseArgs, TableArgs};
pub use node::{LogNetworkCommand, NetworkLog, NodeArgs, NodeCommand, NodeInitArgs, NodeRole};
pub use signal::{HorizonArgs, SignalCommand};

use clap::{Parser, Subcommand};

/// Exit codes and where to read on; shown at the end of `standstill --help`.
const AFTER_HELP: &str = "\
Exit codes: 0 verified or done, 1 violated, 2 usage, 3 cannot conclude, 4 unreadable input, 5 network, 6 fork seen, 70 bug.

A verdict covers declared chips only. No bundle can show that undeclared chips do not exist; see docs/limits.md.";

/// Prove that a lab slowed down, and check that others did.
#[derive(Debug, Parser)]
#[command(name = "standstill", version, about, after_help = AFTER_HELP, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command of the product.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run three labs, three witnesses and an auditor for 14 days, then verify what they published
    Demo(DemoArgs),
    /// Check a bundle offline and say, per party, whether the agreement was kept
    Verify(VerifyArgs),
    /// Show the chain from one check of a verdict to the log entries it rests on
    Explain(ExplainArgs),
    /// Print a statement, ledger, agreement or log entry for people
    Show(ShowArgs),
    /// Make and show keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Write, check, show and compare the terms that parties bind themselves to
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Act under an agreement: ratify, commit, raise, vote, object, ask, answer, dispute, rule, inspect, withdraw
    Act(ActArgs),
    /// Check and group the list of registered accelerators
    #[command(subcommand)]
    Fleet(FleetCommand),
    /// Turn telemetry into a conserved chip-time ledger
    #[command(subcommand)]
    Meter(MeterCommand),
    /// A lab's side: declare, report, answer audits
    #[command(subcommand)]
    Lab(LabCommand),
    /// Inspect, check, publish and prove transparency logs, on disk and on the network
    #[command(subcommand)]
    Log(LogCommand),
    /// Run a log, witness, mirror, monitor or gate on the network
    Node(NodeArgs),
    /// Decide whether jobs may start, join accounting with decisions, wind down running jobs
    #[command(subcommand)]
    Gate(GateCommand),
    /// Cosign checkpoints that are consistent with everything seen before
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// An auditor's side: draw, challenge, examine, find
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Measure how far capability has come and how much AI builds AI
    #[command(subcommand)]
    Signal(SignalCommand),
    /// Collect everything a verifier needs into one folder
    Bundle(BundleArgs),
    /// Meter one telemetry set under a throw-away one-party agreement: telemetry to verdict in one command
    Rehearse(RehearseArgs),
    /// Measure this machine, side by side with named peers
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print the table of accelerators with the source of each figure
    Chips {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Print the rulebooks that turn operation records into FLOP, with citations
    Rulebooks {
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Write man pages into a folder
    Man {
        /// Folder to write to; it is created when missing
        dir: std::path::PathBuf,
    },
    /// Print shell completions
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}
