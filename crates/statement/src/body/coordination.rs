//! Statements by which an agreement runs: commitments, triggers, votes, cases, leaving. What follows from them is
//! `docs/formats/runtime.md`; nothing here decides anything.

use crate::canonical::{self, CanonicalError};
use crate::ids::{BlobRef, Hash32, Name};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;

/// Domain of commitment seals.
const SEAL_DOMAIN: &[u8] = b"standstill/1/commitment-seal\0";

/// "These are the terms that I mean": without it a party's other statements about joining do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratification {
    /// SHA-256 of the witness policy in the form of the canonical terms, so that a party cannot later claim to have meant other witnesses.
    pub witnesses: Hash32,
}

/// A monotone formula over the other parties. There is no negation, so a further member never makes one false.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// At least so many other parties.
    AtLeast(u32),
    /// All of these parties; sorted, each once.
    Includes(Vec<Name>),
    /// Others that hold at least this share of the compute that the terms give to all listed parties, in millionths. The denominator
    /// is fixed, because a share of those who joined is not monotone.
    ShareMillionths(u32),
    /// Every one of these.
    All(Vec<Formula>),
    /// At least one of these.
    Any(Vec<Formula>),
}

/// What a party offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Under which condition; `None` for the one in the terms.
    pub condition: Option<Formula>,
    /// The offer holds until then, in seconds since the Unix epoch. Nobody is bound by a stale signature.
    pub valid_until_unix_seconds: u64,
}

impl Commitment {
    /// The seal: SHA-256 over domain, agreement, length and bytes of the issuer's name, salt, and the canonical encoding. Agreement and
    /// issuer are inside so that nobody can copy another party's seal and later its opening.
    ///
    /// # Errors
    /// [`CanonicalError::Unwritable`] when the commitment has no encoding; none built from this crate's types lacks one.
    pub fn seal(&self, agreement: &Hash32, issuer: &Name, salt: &Hash32) -> Result<Hash32, CanonicalError> {
        let encoded = canonical::to_vec(self)?;
        let mut hasher = Sha256::new();
        hasher.update(SEAL_DOMAIN);
        hasher.update(agreement.as_bytes());
        hasher.update((issuer.as_str().len() as u64).to_be_bytes());
        hasher.update(issuer.as_str().as_bytes());
        hasher.update(salt.as_bytes());
        hasher.update(&encoded);
        Ok(Hash32(hasher.finalize().into()))
    }
}

/// A commitment under seal. Its content is fixed from the time at which witnesses have cosigned it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentSeal {
    /// Entry round of the agreement, counted from 0; seals of one entry round close together.
    pub entry_round: u32,
    /// [`Commitment::seal`].
    pub seal: Hash32,
}

/// The content of a seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentOpening {
    /// Statement hash of the seal.
    pub commitment: Hash32,
    /// The offer.
    pub offer: Commitment,
    /// 32 random bytes.
    pub salt: Hash32,
    /// Beacon round that closed the seals.
    pub beacon_round: u64,
    /// The beacon's randomness of that round. It was unknown before, so the opening was made after the seals were closed.
    pub randomness: Hash32,
}

/// Who or what measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// Capability horizon.
    Horizon,
    /// Ledger of changes led by AI systems.
    Changes,
    /// Scan for self-modification.
    Scan,
    /// A named evaluation; the metric is its name.
    Evaluation,
    /// Anything else that the terms name.
    Other,
}

/// An exact value: `digits` times ten to the power of `power`, in the metric's unit. One value has one form: `digits` is no multiple
/// of ten, except that zero is `0` with power 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decimal {
    /// Significant digits.
    pub digits: u64,
    /// Power of ten, -18 to 30.
    pub power: i8,
}

impl Decimal {
    /// The one form of `digits` times ten to the power of `power`.
    #[must_use]
    pub const fn new(mut digits: u64, mut power: i8) -> Self {
        if digits == 0 {
            return Self { digits: 0, power: 0 };
        }
        while digits.is_multiple_of(10) && power < i8::MAX {
            digits /= 10;
            power += 1;
        }
        Self { digits, power }
    }

    /// A value in millionths.
    #[must_use]
    pub const fn millionths(count: u64) -> Self {
        Self::new(count, -6)
    }

    /// Compares with `steps` times ten to the power of `step_power`, exactly.
    #[must_use]
    pub fn compare(self, steps: u128, step_power: i8) -> Ordering {
        let shift = i32::from(self.power) - i32::from(step_power);
        let (left, right) = if shift >= 0 {
            (scaled(u128::from(self.digits), shift), Some(steps))
        } else {
            (Some(u128::from(self.digits)), scaled(steps, -shift))
        };
        // What does not fit into 128 bits is larger than what does; two that do not fit cannot occur, because one side is not scaled.
        match (left, right) {
            (Some(left), Some(right)) => left.cmp(&right),
            (None, _) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        }
    }
}

/// `value * 10^power`, or `None` when that has more than 128 bits. Zero stays zero.
fn scaled(value: u128, power: i32) -> Option<u128> {
    if value == 0 {
        return Some(0);
    }
    10u128.checked_pow(power.unsigned_abs()).and_then(|factor| value.checked_mul(factor))
}

/// An interval that holds the true value with a stated confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Lower end.
    pub low: Decimal,
    /// Upper end, not below `low`.
    pub high: Decimal,
    /// Confidence in parts per million.
    pub confidence_ppm: u32,
}

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Best estimate.
    pub estimate: Decimal,
    /// Its interval, when the method gives one.
    pub interval: Option<Interval>,
}

/// What a measurement gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// A value.
    Value(Measured),
    /// The method gives no answer, for this reason (a code in the form of a name), for example `outside-task-support`.
    Indeterminate(Name),
}

/// A measurement by an evaluator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Who or what measured.
    pub kind: SignalKind,
    /// Name of the metric in the terms, which fixes its unit: horizons count in seconds, shares and multiples as plain numbers.
    pub metric: Name,
    /// Party whose system was measured; `None` for public data about the field.
    pub party: Option<Name>,
    /// What came out.
    pub reading: Reading,
    /// Hash of the method.
    pub method: Hash32,
    /// Inputs, in the order of the method.
    pub inputs: Vec<BlobRef>,
    /// The full result.
    pub result: BlobRef,
}

/// "This trigger has fired". Whether it has follows from the evidence, not from the claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRaise {
    /// Name of the trigger in the terms.
    pub trigger: Name,
    /// Statement hashes of the signals and findings; sorted, each once.
    pub evidence: Vec<Hash32>,
}

/// Asks that a trigger be lifted, or lets the vote on it begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// Name of the trigger in the terms.
    pub trigger: Name,
    /// Statement hash of the raise that put it into force.
    pub raise: Hash32,
    /// Statement hashes that speak for it; sorted, each once.
    pub evidence: Vec<Hash32>,
}

/// What is voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matter {
    /// A trigger is lifted; the subject is the raise.
    Lift,
    /// A case ends in a violation; the subject is the case.
    Violation,
    /// A party is expelled; the subject is the case that ended in a violation.
    Expulsion,
    /// The term is renewed; the subject is the agreement id.
    Renewal,
}

/// A choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// For it.
    Yes,
    /// Against it.
    No,
}

/// A vote. One per issuer, subject and epoch counts: the one with the lowest index in the issuer's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// What is voted on.
    pub matter: Matter,
    /// Hash of what is voted on, see [`Matter`].
    pub subject: Hash32,
    /// Voting period, counted from 0 for each subject.
    pub epoch: u32,
    /// For or against.
    pub choice: Choice,
}

/// "I have seen this transition and act on it." Obligations do not wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The phase that the issuer is in from now on, as the word of the run-time.
    pub phase: Name,
    /// Statement hash of the transition's last cause.
    pub cause: Hash32,
}

/// A question to a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Who is asked.
    pub party: Name,
    /// Statement hash of the case it belongs to; `None` when it opens nothing.
    pub case: Option<Hash32>,
    /// In words.
    pub text: String,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Statement hash of the question, or of the case when the case itself asks.
    pub question: Hash32,
    /// In words.
    pub text: String,
    /// Statement hashes that speak for it; sorted, each once.
    pub evidence: Vec<Hash32>,
    /// A file, when words are not enough.
    pub attachment: Option<BlobRef>,
}

/// Opens a discrepancy case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// Who is to answer.
    pub respondent: Name,
    /// Reason code in the form of a name, for example `balance-alarm`.
    pub reason: Name,
    /// Statement hashes; sorted, each once, at least one.
    pub evidence: Vec<Hash32>,
    /// In words.
    pub text: String,
}

/// An adjudicator's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RulingOutcome {
    /// The case has merit; the respondent's time to clarify begins.
    Reviewed,
    /// The case has no merit; it costs the accuser a token.
    Dismissed,
    /// The answer explains the discrepancy; the case ends.
    Clarified,
    /// After inspection: nothing was found; the case ends.
    Cleared,
    /// The agreement was broken. It takes force with the votes that the terms ask for.
    Violation,
}

/// A decision on a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// Statement hash of the dispute.
    pub case: Hash32,
    /// What is decided.
    pub outcome: RulingOutcome,
    /// Why, in words.
    pub text: String,
}

/// Asks for an inspection. It goes ahead unless enough others object in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InspectionRequest {
    /// Who is to be inspected.
    pub party: Name,
    /// Statement hash of the case it belongs to; `None` for one without a case.
    pub case: Option<Hash32>,
    /// What is to be looked at, in words.
    pub text: String,
}

/// A red light against an inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// Statement hash of the inspection request.
    pub request: Hash32,
    /// Why, in words.
    pub text: String,
}

/// What an inspector concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inspected {
    /// No indication of a breach at what was shown.
    NoIndication,
    /// It cannot be said.
    Inconclusive,
    /// Access was refused or not given in time.
    Refused,
    /// Indication of a breach.
    Indication,
}

/// Result of an inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    /// Statement hash of the inspection request.
    pub request: Hash32,
    /// What was concluded.
    pub outcome: Inspected,
    /// The report.
    pub report: BlobRef,
}

/// Notice of withdrawal. Limits and reports bind until the notice has run out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Why, in words.
    pub reason: String,
}

/// The issuer says openly that it does not keep the agreement. No act of the agreement allows it, but it has happened to treaties
/// that knew no such act, and others must be able to count on what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// True from this statement on, false when it is taken back.
    pub suspended: bool,
    /// Why, in words.
    pub reason: String,
}

/// An explanation that nobody asked for, for example of an own mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clarification {
    /// Statement hash of what is explained.
    pub subject: Hash32,
    /// In words.
    pub text: String,
    /// A file, when words are not enough.
    pub attachment: Option<BlobRef>,
}
