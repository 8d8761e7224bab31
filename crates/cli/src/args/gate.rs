//! Arguments of the gate's own commands.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What a gate goes by, as files.
#[derive(Debug, Args)]
pub struct GateKnowledge {
    /// The gate's terms (TOML; see docs/formats/gate.md)
    #[arg(long, value_name = "FILE")]
    pub terms: PathBuf,
    /// The situation (JSON); without it the gate knows no phase, and covered work is refused
    #[arg(long, value_name = "FILE")]
    pub situation: Option<PathBuf>,
    /// Decide as of this time (Unix seconds) instead of now
    #[arg(long, value_name = "SECONDS")]
    pub now: Option<u64>,
}

/// `standstill gate ...`.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Make a gate's folder: keys, and the journal of its decisions
    Init {
        /// Folder to make
        home: PathBuf,
        /// Issuer of the decisions, for example north-gate
        #[arg(long)]
        id: String,
    },
    /// Answer whether one job may start now; exit code 0 allowed, 1 refused
    Decide {
        /// Terms and situation
        #[command(flatten)]
        known: GateKnowledge,
        /// Journal that records the decision; no other gate may have it open. Without it nothing is signed or recorded
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// Read an AdmissionReview instead of a job
        #[arg(long, conflicts_with = "slurm")]
        review: bool,
        /// Read a request of the Slurm plugin instead of a job
        #[arg(long)]
        slurm: bool,
        /// Name of the cluster, for --review and --slurm
        #[arg(long, default_value = "cluster")]
        cluster: String,
        /// Job (JSON); '-' reads standard input
        #[arg(default_value = "-")]
        job: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// For PrologSlurmctld: ask the gate whether the job in SLURM_JOB_ID may start; exit code 0 yes, 1 no
    SlurmStart {
        /// Configuration of the hooks, the same as the plugin's
        #[arg(long, value_name = "FILE", default_value = "/etc/standstill/slurm-gate.toml")]
        config: PathBuf,
        /// Job id; default: SLURM_JOB_ID
        #[arg(long)]
        job: Option<u32>,
        /// Program that lists jobs
        #[arg(long, default_value = "squeue")]
        squeue: PathBuf,
        /// Program that notes the decision in the job
        #[arg(long, default_value = "scontrol")]
        scontrol: PathBuf,
    },
    /// Join Slurm's accounting with the decisions of the gates; exit code 1 when a job went around them
    Reconcile {
        /// The gate's terms
        #[arg(long, value_name = "FILE")]
        terms: PathBuf,
        /// Folder of a gate's journal; may be given more than once
        #[arg(long = "journal", value_name = "DIR", required = true)]
        journals: Vec<PathBuf>,
        /// Output of sacct (see --print-command); '-' reads standard input
        #[arg(long, value_name = "FILE", required_unless_present = "print_command")]
        accounting: Option<PathBuf>,
        /// Print the sacct command whose output is read, and end
        #[arg(long)]
        print_command: bool,
        /// Seconds by which clocks of gate and scheduler may differ
        #[arg(long, default_value_t = 5)]
        clock_seconds: u64,
        /// Seconds that a job may take to end after its time limit
        #[arg(long, default_value_t = 120)]
        end_seconds: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell running jobs that could not start now to save their state and end
    WindDown {
        /// Terms and situation
        #[command(flatten)]
        known: GateKnowledge,
        /// Deadline and commands (TOML); without it seven days, scontrol notify and scancel --signal=USR1
        #[arg(long, value_name = "FILE")]
        orders: Option<PathBuf>,
        /// Output of squeue (see --print-command); '-' reads standard input. Without it squeue is run
        #[arg(long, value_name = "FILE")]
        jobs: Option<PathBuf>,
        /// Print the squeue command whose output is read, and end
        #[arg(long)]
        print_command: bool,
        /// Run the commands; without it they are only printed
        #[arg(long)]
        run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the clauses that decide, with what each cites
    Clauses {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print them as Cedar policies
        #[arg(long, conflicts_with = "json")]
        cedar: bool,
    },
}
