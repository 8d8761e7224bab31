//! The payload of every statement kind. Field order here is for readers; on the wire keys are sorted (RFC 8949, section 4.2.1).

use crate::gate::GateDecision;
use crate::ids::{BlobRef, Hash32, Name};
use crate::vocabulary::Class;
use serde::{Deserialize, Serialize};

/// What every statement carries besides its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Id of the agreement under which the statement is made.
    pub agreement: Hash32,
    /// Party or role that makes the statement; the same as the envelope's `iss` claim.
    pub issuer: Name,
    /// 0 for the issuer's first statement, then one more each time; the same as its index in the issuer's log.
    pub sequence: u64,
    /// SHA-256 of the issuer's previous statement (whole envelope); `None` only at sequence 0.
    pub previous: Option<Hash32>,
    /// The issuer's own claim of the time, in seconds since the Unix epoch. Witness cosignatures decide; this never does.
    pub issued_unix_seconds: u64,
    /// Cosigned heads of other logs that the issuer had seen: "not made before these" (happens-before).
    pub heads: Vec<LogHead>,
}

/// A tree head of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// C2SP origin line.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root.
    pub root: Hash32,
}

/// The closed list of statement kinds of this format version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// Registered accelerators, valid from a window on.
    Fleet(FleetDeclaration),
    /// Sealed account of one window.
    Report(Report),
    /// Declaration of a training run before it starts.
    Run(RunDeclaration),
    /// A drawn check.
    Challenge(Challenge),
    /// Answer to a challenge.
    Response(Response),
    /// Signed result of a check.
    Finding(Finding),
    /// "I am here, and these are the heads I see".
    Heartbeat(Heartbeat),
    /// A log that shows two histories, with the evidence.
    Alarm(Alarm),
    /// The last entry of a log.
    Freeze(Freeze),
    /// A gate's answer to "may this job start?".
    Decision(GateDecision),
}

impl Body {
    /// Blobs that the statement refers to: whoever holds the statement without them does not hold all that it says.
    #[must_use]
    pub fn blobs(&self) -> Vec<BlobRef> {
        match self {
            Self::Fleet(fleet) => vec![fleet.blob],
            Self::Report(report) => vec![report.seal],
            Self::Response(response) => response.items.iter().map(|item| item.opening).collect(),
            Self::Alarm(alarm) => vec![alarm.evidence],
            Self::Run(_)
            | Self::Challenge(_)
            | Self::Finding(_)
            | Self::Heartbeat(_)
            | Self::Freeze(_)
            | Self::Decision(_) => Vec::new(),
        }
    }
}

/// Registered accelerators. The groups themselves are in the blob (`docs/formats/seal.md`, "Fleet blob").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetDeclaration {
    /// 0 for the first declaration, then one more for each change.
    pub revision: u32,
    /// First window for which the declaration holds.
    pub from_window: u64,
    /// Number of group records in the blob, padding included.
    pub groups: u32,
    /// RFC 6962 root over the group records; called the fleet root.
    pub root: Hash32,
    /// Group records, count commitments and their proofs.
    pub blob: BlobRef,
}

/// How much of a report is in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Totals of the window are published, with openings that bind them to the commitments.
    Open,
    /// Only proofs are published.
    Sealed,
}

/// A party's sealed account of one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Index of the window in the agreement; window 0 starts at the agreement's start.
    pub window: u64,
    /// 0, then one more for each corrected report of the same window. The highest revision that was published in time counts; all stay in the log.
    pub revision: u32,
    /// Whether totals are in clear.
    pub mode: Mode,
    /// Statement hash of the fleet declaration that the report is drawn up against.
    pub fleet: Hash32,
    /// Number of group records, equal to the fleet's.
    pub groups: u32,
    /// RFC 6962 root over the report's group records.
    pub root: Hash32,
    /// Group records, range proofs, conservation proof, limit proofs, run commitments, openings.
    pub seal: BlobRef,
    /// Declared runs with a commitment in the seal, sorted.
    pub runs: Vec<Name>,
    /// Kinds of telemetry that the figures rest on, for example `dcgm-counters`, `power-only`; sorted.
    pub sources: Vec<String>,
}

/// Declaration of a training run, made before it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDeclaration {
    /// Name of the run, unique for the party. May be opaque.
    pub run: Name,
    /// Runs, checkpoints, imported models and data generators that it builds on. Each must have been declared before.
    pub parents: Vec<Name>,
    /// Class under which the run's time is accounted; one that changes weights, or `experiment`.
    pub class: Class,
    /// Planned operations in units of 1e15.
    pub planned_petaops: u64,
    /// Parameters of the model; 0 when the party does not say.
    pub parameters: u64,
    /// Parameters active per token (mixture of experts); equal to `parameters` for dense models; 0 when not said.
    pub active_parameters: u64,
    /// Tokens of training data planned; 0 when not said.
    pub dataset_tokens: u64,
    /// First window in which the run may appear.
    pub from_window: u64,
}

/// A drawn check of one report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Party that is checked.
    pub party: Name,
    /// Statement hash of the report that is checked.
    pub report: Hash32,
    /// A head of the party's log that covers the report; nothing is drawn from it.
    pub head: LogHead,
    /// Beacon round; the first after the window's last deadline (grace) and the agreement's delay.
    pub round: u64,
    /// Drawn groups, in the order of the draw.
    pub groups: Vec<u32>,
    /// X25519 key (RFC 9180) to which the opening is to be encrypted.
    pub inspector_key: Hash32,
    /// The answer must be in the party's log by then.
    pub respond_by_unix_seconds: u64,
}

/// Answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Statement hash of the challenge.
    pub challenge: Hash32,
    /// One item per drawn group that the party opens.
    pub items: Vec<ResponseItem>,
}

/// The opening of one drawn group, readable by the inspector only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseItem {
    /// Group number.
    pub group: u32,
    /// HPKE ciphertext of the opening (`docs/formats/audit.md`).
    pub opening: BlobRef,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Party that was checked.
    pub party: Name,
    /// Statement hash of the challenge.
    pub challenge: Hash32,
    /// One item per drawn group.
    pub items: Vec<FindingItem>,
}

/// Outcome for one drawn group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The opening agrees with commitment, fleet, capacity, counters and outside evidence.
    Match,
    /// It does not; the reason code says where.
    Mismatch,
    /// It was not opened by the deadline, or could not be read.
    NotOpened,
    /// A tripwire: the profile is unusual for the declared class. Never a violation by itself.
    Flagged,
}

/// One drawn group and what the inspector found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingItem {
    /// Group number.
    pub group: u32,
    /// Outcome.
    pub outcome: Outcome,
    /// Closed list of reason codes in `docs/formats/audit.md`; empty for a match.
    pub reason: String,
    /// Whether an independent power reading was at hand.
    pub power_reading: bool,
}

/// Sign of life with the heads that the issuer sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Window during which it is made.
    pub window: u64,
}

/// A log signed two checkpoints of one size with different roots. The two signatures are the proof; the statement says who found them,
/// and puts them where they cannot be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// C2SP origin line of the log.
    pub origin: String,
    /// Tree size of both checkpoints.
    pub size: u64,
    /// Root that the issuer saw first.
    pub first: Hash32,
    /// The other root.
    pub second: Hash32,
    /// Evidence file with both signed checkpoints (`docs/formats/tlog.md`).
    pub evidence: BlobRef,
}

/// The last entry of a log: nothing may follow it. Its own log signs one more checkpoint that covers it and is then only served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Why, in words.
    pub reason: String,
    /// Verifier key of the log that goes on in its place (C2SP signed-note text form), when there is one. It counts once the agreement
    /// names it.
    pub successor: Option<String>,
}
