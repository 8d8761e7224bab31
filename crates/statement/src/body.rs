//! The payload of every statement kind. Field order here is for readers; on the wire keys are sorted (RFC 8949, section 4.2.1).

use crate::gate::GateDecision;
use crate::ids::{BlobRef, Hash32, Name};
use crate::keys::{PublicKey, Signature};
use crate::statement::Kind;
use crate::vocabulary::Class;
pub use coordination::*;
use serde::{Deserialize, Serialize};

mod coordination;

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
    /// Another set of statement keys from here on.
    Rotation(Rotation),
    /// The first entry of a log that goes on for a frozen one.
    Succession(Succession),
    /// Acceptance of the terms.
    Ratification(Ratification),
    /// A commitment under seal.
    Commitment(CommitmentSeal),
    /// What a seal held, shown after the beacon round.
    Opening(CommitmentOpening),
    /// A measurement that triggers refer to.
    Signal(Signal),
    /// A trigger is said to have fired.
    Raise(TriggerRaise),
    /// A raised trigger is asked to be lifted.
    Lift(LiftRequest),
    /// A vote.
    Vote(Vote),
    /// The issuer has seen a transition and acts on it.
    Acknowledgement(Acknowledgement),
    /// A question to a party.
    Question(Question),
    /// The answer to a question.
    Answer(Answer),
    /// A discrepancy case is opened.
    Dispute(Dispute),
    /// An adjudicator's decision on a case.
    Ruling(Ruling),
    /// An inspection of a party is asked for.
    Inspection(InspectionRequest),
    /// A red light against an inspection.
    Objection(Objection),
    /// What an inspection found.
    Conclusion(Conclusion),
    /// Notice of withdrawal.
    Withdrawal(Withdrawal),
    /// The issuer says that it no longer keeps the agreement, or that it does again.
    Suspension(Suspension),
    /// An explanation that nobody asked for.
    Clarification(Clarification),
    /// A gate's answer to "may this job start?".
    Decision(GateDecision),
}

impl Body {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Fleet(_) => Kind::Fleet,
            Self::Report(_) => Kind::Report,
            Self::Run(_) => Kind::Run,
            Self::Challenge(_) => Kind::Challenge,
            Self::Response(_) => Kind::Response,
            Self::Finding(_) => Kind::Finding,
            Self::Heartbeat(_) => Kind::Heartbeat,
            Self::Alarm(_) => Kind::Alarm,
            Self::Freeze(_) => Kind::Freeze,
            Self::Rotation(_) => Kind::Rotation,
            Self::Succession(_) => Kind::Succession,
            Self::Ratification(_) => Kind::Ratification,
            Self::Commitment(_) => Kind::Commitment,
            Self::Opening(_) => Kind::Opening,
            Self::Signal(_) => Kind::Signal,
            Self::Raise(_) => Kind::Raise,
            Self::Lift(_) => Kind::Lift,
            Self::Vote(_) => Kind::Vote,
            Self::Acknowledgement(_) => Kind::Acknowledgement,
            Self::Question(_) => Kind::Question,
            Self::Answer(_) => Kind::Answer,
            Self::Dispute(_) => Kind::Dispute,
            Self::Ruling(_) => Kind::Ruling,
            Self::Inspection(_) => Kind::Inspection,
            Self::Objection(_) => Kind::Objection,
            Self::Conclusion(_) => Kind::Conclusion,
            Self::Withdrawal(_) => Kind::Withdrawal,
            Self::Suspension(_) => Kind::Suspension,
            Self::Clarification(_) => Kind::Clarification,
            Self::Decision(_) => Kind::Decision,
        }
    }

    /// Blobs that the statement refers to: whoever holds the statement without them does not hold all that it says.
    #[must_use]
    pub fn blobs(&self) -> Vec<BlobRef> {
        match self {
            Self::Fleet(fleet) => vec![fleet.blob],
            Self::Report(report) => vec![report.seal],
            Self::Response(response) => response.items.iter().map(|item| item.opening).collect(),
            Self::Alarm(alarm) => vec![alarm.evidence],
            Self::Signal(signal) => signal.inputs.iter().copied().chain([signal.result]).collect(),
            Self::Answer(answer) => answer.attachment.into_iter().collect(),
            Self::Clarification(clarification) => clarification.attachment.into_iter().collect(),
            Self::Conclusion(conclusion) => vec![conclusion.report],
            Self::Run(_)
            | Self::Challenge(_)
            | Self::Finding(_)
            | Self::Heartbeat(_)
            | Self::Freeze(_)
            | Self::Rotation(_)
            | Self::Succession(_)
            | Self::Ratification(_)
            | Self::Commitment(_)
            | Self::Opening(_)
            | Self::Raise(_)
            | Self::Lift(_)
            | Self::Vote(_)
            | Self::Acknowledgement(_)
            | Self::Question(_)
            | Self::Dispute(_)
            | Self::Ruling(_)
            | Self::Inspection(_)
            | Self::Objection(_)
            | Self::Withdrawal(_)
            | Self::Suspension(_)
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

/// Adds a statement key, retires one, or both. It is signed by a key that is in force; what it says holds from the next statement on
/// ([`crate::Keyring`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The key that may sign from the next statement on.
    pub add: Option<AddedKey>,
    /// The key that may not sign any more after this statement.
    pub retire: Option<PublicKey>,
}

/// A key and the proof that the issuer has its secret half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedKey {
    /// The new key.
    pub key: PublicKey,
    /// Signature by the new key over [`possession_message`](crate::keyring::possession_message): nobody can take over another's key.
    pub possession: Signature,
}

/// The first entry of a log that goes on for a frozen one: where that one ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// Verifier key of the frozen log (C2SP signed-note text form).
    pub predecessor: String,
    /// Agreement of the frozen log's statements.
    pub agreement: Hash32,
    /// Number of its entries, the freeze included.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash32,
    /// Hash of its last statement, which is the freeze.
    pub last: Hash32,
}
