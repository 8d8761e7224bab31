//! What a gate states: whether a job might start, under which clauses, and what it knew when it said so.
//!
//! The job itself is not in the statement. It is committed to by a hash over its description and 16 random bytes, which the party keeps
//! and opens to an inspector, so that a public log does not show how many accelerators which job asked for.

use crate::ids::{Hash32, Name};
use serde::{Deserialize, Serialize};

/// Most clauses that one decision cites.
pub const MAX_CLAUSES: usize = 32;

/// When in the life of a job a gate was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatePoint {
    /// The job is handed in.
    Submit,
    /// The job is about to start, perhaps long after it was handed in.
    Start,
    /// A job that was handed in before is changed.
    Modify,
}

impl GatePoint {
    /// The lower-case word used in files and statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Start => "start",
            Self::Modify => "modify",
        }
    }
}

/// What a gate answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateVerdict {
    /// The job may start until the decision expires.
    Allow,
    /// It may not.
    Deny,
}

impl GateVerdict {
    /// The lower-case word used in files and statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Whether the agreement's rules bind a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// Too small to be covered, or without accelerators.
    Uncovered,
    /// Listed in the terms as work that goes on in every phase: safety, inference, evaluation, shutting down.
    Exempt,
    /// Everything else.
    Covered,
}

impl Coverage {
    /// The lower-case word used in files and statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uncovered => "uncovered",
            Self::Exempt => "exempt",
            Self::Covered => "covered",
        }
    }
}

/// The decision of a gate on one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateDecision {
    /// Instance of the gate; a party may run several under one issuer.
    pub gate: Name,
    /// Party for whose machines the gate decides.
    pub party: Name,
    /// When in the job's life it was asked.
    pub point: GatePoint,
    /// Its answer.
    pub verdict: GateVerdict,
    /// Whether the agreement's rules bind the job.
    pub coverage: Coverage,
    /// Clauses that decided, sorted: a rule's id (`docs/formats/gate.md`), after a full stop the item it is about (`cap-exceeded.train`).
    pub clauses: Vec<Name>,
    /// Phase that the gate went by (`active`, `slowed.2`, …), or `unknown`.
    pub phase: Name,
    /// Hash of the gate's terms.
    pub terms: Hash32,
    /// Hash of the situation that the gate went by; `None` when it had none.
    pub situation: Option<Hash32>,
    /// Time for which that situation was established, in seconds since the Unix epoch; 0 without one.
    pub as_of_unix_seconds: u64,
    /// Commitment to the job's description.
    pub job: Hash32,
    /// Statement hash of an earlier decision on the same job that this one takes the place of.
    pub earlier: Option<Hash32>,
    /// The job must have started by then, in seconds since the Unix epoch; 0 for a refusal.
    pub expires_unix_seconds: u64,
}

/// Field and problem.
type Problem = (&'static str, String);

/// Rules beyond what the types say.
pub(crate) fn check(decision: &GateDecision, issued_unix_seconds: u64) -> Result<(), Problem> {
    let refuse = |field, problem: &str| Err((field, problem.to_owned()));
    if decision.clauses.is_empty() || decision.clauses.len() > MAX_CLAUSES {
        return refuse("body.decision.clauses", "must have 1 to 32 entries");
    }
    if !decision.clauses.windows(2).all(|pair| pair[0] < pair[1]) {
        return refuse("body.decision.clauses", "must be sorted, each clause once");
    }
    if decision.situation.is_none() && decision.as_of_unix_seconds != 0 {
        return refuse("body.decision.as_of_unix_seconds", "must be 0 without a situation");
    }
    if decision.as_of_unix_seconds > crate::time::MAX_UNIX_SECONDS {
        return refuse("body.decision.as_of_unix_seconds", "is after the year 9999");
    }
    match decision.verdict {
        GateVerdict::Deny if decision.expires_unix_seconds != 0 => {
            refuse("body.decision.expires_unix_seconds", "must be 0 for a refusal")
        }
        GateVerdict::Allow if decision.expires_unix_seconds < issued_unix_seconds => {
            refuse("body.decision.expires_unix_seconds", "is before the decision was made")
        }
        GateVerdict::Allow if decision.expires_unix_seconds > crate::time::MAX_UNIX_SECONDS => {
            refuse("body.decision.expires_unix_seconds", "is after the year 9999")
        }
        _ => Ok(()),
    }
}
