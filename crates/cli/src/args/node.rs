//! Arguments of the network: nodes, and logs that are reached over HTTP.

use clap::{Args, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NodeRole {
    /// A party's log: takes its statements, publishes them, has them cosigned
    Log,
    /// Cosigns checkpoints that extend everything it has seen
    Witness,
    /// Cosigns checkpoints only when it holds every entry and blob
    Mirror,
    /// Follows every log of an agreement, keeps evidence, writes bundles
    Monitor,
    /// Answers schedulers whether a job may start
    Gate,
}

/// Arguments of `standstill node`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct NodeArgs {
    /// What to do; may be given more than once, each with a --config of its own
    #[arg(long = "role", value_enum, required = true)]
    pub roles: Vec<NodeRole>,
    /// Configuration file of the role before it (see `standstill node init`)
    #[arg(long = "config", value_name = "FILE", required = true)]
    pub configs: Vec<PathBuf>,
    /// Monitor only: one round over all logs, then end; exit code 6 when a log forked, 5 when one could not be reached
    #[arg(long)]
    pub once: bool,
    /// Write log messages as JSON lines
    #[arg(long)]
    pub json_logs: bool,
    /// Take the time from this file (Unix seconds), for rehearsals in compressed time; never use it for a real agreement
    #[arg(long, value_name = "FILE", hide = true)]
    pub clock: Option<PathBuf>,
    /// Prepare a node instead of running one
    #[command(subcommand)]
    pub command: Option<NodeCommand>,
}

/// `standstill node ...`.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Write a commented configuration file for a role
    Init(NodeInitArgs),
}

/// Arguments of `standstill node init`.
#[derive(Debug, Args)]
pub struct NodeInitArgs {
    /// What the node is to do
    #[arg(long, value_enum)]
    pub role: NodeRole,
    /// Folder made by `standstill lab init`, `auditor init`, `witness init` or `gate init`; for a monitor, a folder of its own
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Terms file; default: the one in the folder
    #[arg(long)]
    pub agreement: Option<PathBuf>,
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:7380")]
    pub listen: SocketAddr,
    /// Where a party's log is, for a monitor or mirror: PARTY=URL; may be given more than once
    #[arg(long = "log", value_name = "PARTY=URL")]
    pub logs: Vec<String>,
    /// File to write; default: <ROLE>.toml in the folder
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// A log on the network, and whose it is.
#[derive(Debug, Args)]
pub struct NetworkLog {
    /// Terms file: it names the log's key, the statement keys and the witnesses
    #[arg(long)]
    pub agreement: PathBuf,
    /// Party or role whose log it is
    #[arg(long)]
    pub party: String,
    /// Address of the log, or of a mirror's copy of it
    #[arg(long)]
    pub url: Option<String>,
    /// Folder of the verified copy; default: a folder in the user's cache
    #[arg(long, value_name = "DIR")]
    pub copy: Option<PathBuf>,
}

/// `standstill log ...` over the network.
#[derive(Debug, Subcommand)]
pub enum LogNetworkCommand {
    /// Publish what a role's folder holds in its log on the network, and take the cosignatures back
    Submit {
        /// The role's folder
        home: PathBuf,
        /// Address of the log
        #[arg(long)]
        url: String,
        /// Longest wait for the witnesses, in seconds; 0 does not wait
        #[arg(long, default_value_t = 60)]
        wait: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a log's statements, each after it was checked, and go on as new ones come
    Tail {
        /// Which log
        #[command(flatten)]
        log: NetworkLog,
        /// First entry to print
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Pause between two looks, in seconds
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
        every: u64,
        /// Print what is there and end
        #[arg(long)]
        once: bool,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Bring the verified copy up to date and say what it shows
    Fetch {
        /// Which log
        #[command(flatten)]
        log: NetworkLog,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a certificate that a party had not published something by a deadline; the witnesses are asked again, the log is not needed
    Absence {
        /// Which log
        #[command(flatten)]
        log: NetworkLog,
        /// Deadline: Unix seconds, or UTC as 2026-11-05T18:00:00Z
        #[arg(long, value_name = "TIME")]
        by: String,
        /// What was not there, for example 'kind=report window=5'; without it: nothing beyond the last checkpoint
        #[arg(long)]
        question: Option<String>,
        /// Certificate to write
        #[arg(long, short)]
        out: PathBuf,
    },
    /// Make a certificate that an entry was public by a deadline
    Published {
        /// Which log
        #[command(flatten)]
        log: NetworkLog,
        /// Deadline: Unix seconds, or UTC as 2026-11-05T18:00:00Z
        #[arg(long, value_name = "TIME")]
        by: String,
        /// Index of the entry
        #[arg(long)]
        index: u64,
        /// Certificate to write
        #[arg(long, short)]
        out: PathBuf,
    },
    /// Check a certificate offline
    Certificate {
        /// Certificate file, of either kind
        file: PathBuf,
        /// Terms file
        #[arg(long)]
        agreement: PathBuf,
        /// Party or role whose log it is about
        #[arg(long)]
        party: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a log: state that nothing follows, and which log goes on in its place; publish it with `log submit`
    Freeze {
        /// The role's folder
        home: PathBuf,
        /// Why, in words
        #[arg(long)]
        reason: String,
        /// Verifier key (vkey) of the log that goes on; it counts once the agreement names it
        #[arg(long)]
        successor: Option<String>,
        /// Do it: a frozen log takes nothing more, ever
        #[arg(long)]
        for_ever: bool,
    },
    /// Make a new statement key and state that it takes the old one's place; publish it with `log submit`
    Rotate {
        /// The role's folder
        home: PathBuf,
    },
    /// Begin a log that goes on for a frozen one: state in its first entry where that one ended
    Succeed {
        /// The role's folder, bound to terms that name its new log; its log is empty
        home: PathBuf,
        /// Folder of the role whose log is frozen
        #[arg(long)]
        predecessor: PathBuf,
        /// Check what the log's first entry says against the frozen log, and state nothing
        #[arg(long)]
        check: bool,
    },
    /// Measure a log on this machine: appends, reads, witnesses, and the physical limits beside them
    Bench {
        /// Folder on the disk that a log would use; a folder is made in it and removed
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// Statements to append
        #[arg(long, default_value_t = 100_000)]
        statements: usize,
        /// Connections that append at the same time
        #[arg(long, default_value_t = 512)]
        connections: usize,
        /// Address of another log that is sent the same statements before; scripts/peer.sh starts one
        #[arg(long, value_name = "ADDRESS", requires = "peer_process")]
        peer: Option<std::net::SocketAddr>,
        /// Process of that log, for its processor time
        #[arg(long, value_name = "PID", requires = "peer")]
        peer_process: Option<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
