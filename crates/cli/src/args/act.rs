//! Arguments of `standstill act`: what a party or role does under an agreement that runs itself.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `standstill act`.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: ActVerb,
    /// Publish at once in the role's log on the network, and wait for the witnesses; without it, publish with `standstill log submit`
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Bundle against which the statement is tried first: one that would have no effect is refused, with the reason
    #[arg(long, global = true, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Time that the statement gives as its own (Unix seconds); it proves nothing, witnesses say when it was public
    #[arg(long, global = true, hide = true, value_name = "SECONDS")]
    pub issued: Option<u64>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Kinds of roles that only speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleOf {
    /// Inspects on site
    Inspector,
    /// Measures capability
    Evaluator,
    /// Decides cases and disputes
    Adjudicator,
}

/// What is voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Matter {
    /// Lift a trigger; the subject is the raise that put it into force
    Lift,
    /// A case ends in a violation; the subject is the case
    Violation,
    /// Expel a party; the subject is the case that ended in a violation
    Expulsion,
    /// A further term; the subject is the agreement id
    Renewal,
}

/// For or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choose {
    /// For it
    Yes,
    /// Against it
    No,
}

/// Decisions of an adjudicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulingWord {
    /// The case has merit; the respondent is asked
    Reviewed,
    /// No merit; it costs the accuser a token
    Dismissed,
    /// The answer explains it
    Clarified,
    /// Nothing was found
    Cleared,
    /// The agreement was broken; the others vote on it
    Violation,
}

/// Results of an inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Conclude {
    /// No indication of a breach at what was shown
    NoIndication,
    /// It cannot be said
    Inconclusive,
    /// Access was refused or not given in time
    Refused,
    /// Indication of a breach
    Indication,
}

/// `standstill act ...`. Hashes are those that `agreement status` and `agreement timeline` print.
#[derive(Debug, Subcommand)]
pub enum ActVerb {
    /// Make the folder of an inspector, evaluator or adjudicator: keys and log
    Init {
        /// Folder to make
        dir: PathBuf,
        /// Name in the agreement
        #[arg(long)]
        id: String,
        /// Kind of role
        #[arg(long, value_enum)]
        kind: RoleOf,
    },
    /// Bind such a folder to an agreement that names its keys
    Join {
        /// The role's folder
        dir: PathBuf,
        /// Terms file
        #[arg(long)]
        agreement: PathBuf,
    },
    /// Say that these are the terms that the party means
    Ratify {
        /// The party's folder
        dir: PathBuf,
    },
    /// Seal an offer to be bound; its salt stays in the folder until it is opened
    Seal {
        /// The party's folder
        dir: PathBuf,
        /// Entry round: its seals close at the end of the window of this number
        #[arg(long)]
        entry_round: u32,
        /// The offer holds until then: Unix seconds, or UTC
        #[arg(long, value_name = "TIME")]
        valid_until: String,
        /// Condition on the others (JSON, for example {"all":[{"at_least":2},{"includes":["south"]}]}); default: that of the terms
        #[arg(long, value_name = "JSON")]
        condition: Option<String>,
    },
    /// Open the sealed offer once the beacon round that closes the seals is out
    Open {
        /// The party's folder
        dir: PathBuf,
        /// Entry round
        #[arg(long)]
        entry_round: u32,
        /// Beacon round file, {"round":…,"signature":"…"}; without it, the round that is needed is printed
        #[arg(long, value_name = "FILE")]
        beacon: Option<PathBuf>,
    },
    /// Publish a measurement (evaluators)
    Measure {
        /// The evaluator's folder
        dir: PathBuf,
        /// Metric as the terms call it, for example horizon_p50 (in seconds) or ai_led_share (a fraction)
        #[arg(long)]
        metric: String,
        /// Best estimate, a decimal number; or 'indeterminate:REASON'
        #[arg(long)]
        value: String,
        /// Interval as LOW..HIGH
        #[arg(long)]
        interval: Option<String>,
        /// Confidence of the interval in parts per million
        #[arg(long, default_value_t = 900_000)]
        confidence_ppm: u32,
        /// Hash of the method, as in the terms
        #[arg(long)]
        method: String,
        /// Party whose system was measured; none for public data about the field
        #[arg(long)]
        party: Option<String>,
        /// The full result
        #[arg(long, value_name = "FILE")]
        result: PathBuf,
    },
    /// Say that a trigger has fired, with the evidence
    Raise {
        /// The role's folder
        dir: PathBuf,
        /// Name of the trigger in the terms
        trigger: String,
        /// Statement hash of a measurement or finding; may be given more than once
        #[arg(long, required = true)]
        evidence: Vec<String>,
    },
    /// Ask that a trigger be lifted
    Lift {
        /// The role's folder
        dir: PathBuf,
        /// Name of the trigger in the terms
        trigger: String,
        /// Statement hash of the raise that put it into force
        #[arg(long)]
        raise: String,
        /// Statement hashes that speak for it
        #[arg(long)]
        evidence: Vec<String>,
    },
    /// Vote
    Vote {
        /// The party's folder
        dir: PathBuf,
        /// On what
        #[arg(value_enum)]
        matter: Matter,
        /// For or against
        #[arg(value_enum)]
        choice: Choose,
        /// Hash of what is voted on
        #[arg(long)]
        subject: String,
        /// Voting period that is open, from `agreement status`
        #[arg(long, default_value_t = 0)]
        epoch: u32,
    },
    /// Say that a transition was seen and is acted on
    Acknowledge {
        /// The party's folder
        dir: PathBuf,
        /// Phase from now on, as `agreement status` calls it
        phase: String,
        /// Statement hash of the transition's last cause
        #[arg(long)]
        cause: String,
    },
    /// Ask a party
    Question {
        /// The role's folder
        dir: PathBuf,
        /// Who is asked
        #[arg(long)]
        party: String,
        /// Case that it belongs to
        #[arg(long)]
        case: Option<String>,
        /// The question
        #[arg(long)]
        text: String,
    },
    /// Answer a question or a case
    Answer {
        /// The party's folder
        dir: PathBuf,
        /// Statement hash of the question or of the case
        #[arg(long)]
        to: String,
        /// The answer
        #[arg(long)]
        text: String,
        /// Statement hashes that speak for it
        #[arg(long)]
        evidence: Vec<String>,
        /// A file that goes with it; it becomes public
        #[arg(long, value_name = "FILE")]
        attachment: Option<PathBuf>,
    },
    /// Explain something that nobody asked about, for example an own mistake
    Clarify {
        /// The role's folder
        dir: PathBuf,
        /// Statement hash of what is explained
        #[arg(long)]
        subject: String,
        /// The explanation
        #[arg(long)]
        text: String,
        /// A file that goes with it; it becomes public
        #[arg(long, value_name = "FILE")]
        attachment: Option<PathBuf>,
    },
    /// Open a discrepancy case against a party
    Dispute {
        /// The role's folder
        dir: PathBuf,
        /// Who is to answer
        #[arg(long)]
        respondent: String,
        /// Reason code, for example balance-alarm
        #[arg(long)]
        reason: String,
        /// Statement hash; may be given more than once
        #[arg(long, required = true)]
        evidence: Vec<String>,
        /// In words
        #[arg(long)]
        text: String,
    },
    /// Decide a case, or dismiss a raise that does not act yet (adjudicators)
    Rule {
        /// The adjudicator's folder
        dir: PathBuf,
        /// The decision
        #[arg(value_enum)]
        outcome: RulingWord,
        /// Statement hash of the dispute or raise
        #[arg(long)]
        case: String,
        /// Why
        #[arg(long)]
        text: String,
    },
    /// Ask for an inspection
    Inspect {
        /// The role's folder
        dir: PathBuf,
        /// Who is to be inspected
        #[arg(long)]
        party: String,
        /// Case that it belongs to
        #[arg(long)]
        case: Option<String>,
        /// What is to be looked at
        #[arg(long)]
        text: String,
    },
    /// Object to an inspection
    Object {
        /// The party's folder
        dir: PathBuf,
        /// Statement hash of the request
        #[arg(long)]
        request: String,
        /// Why
        #[arg(long)]
        text: String,
    },
    /// Conclude an inspection (inspectors)
    Conclude {
        /// The inspector's folder
        dir: PathBuf,
        /// The result
        #[arg(value_enum)]
        outcome: Conclude,
        /// Statement hash of the request
        #[arg(long)]
        request: String,
        /// The report; it becomes public
        #[arg(long, value_name = "FILE")]
        report: PathBuf,
    },
    /// Give notice of withdrawal
    Withdraw {
        /// The party's folder
        dir: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Say openly that the party does not keep the agreement at present
    Suspend {
        /// The party's folder
        dir: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take a suspension back
    Resume {
        /// The party's folder
        dir: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
    },
}
