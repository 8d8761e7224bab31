//! A statement: header and body, before and after the envelope.

use crate::body::{Body, Header};
use crate::canonical;
use crate::error::StatementError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is signed: who says it, where in the issuer's chain, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Agreement, issuer, place in the chain, heads seen.
    pub header: Header,
    /// The kind and its fields.
    pub body: Body,
}

impl Statement {
    /// The kind of the body.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The payload bytes: deterministic CBOR of the map `{"body": …, "header": …}`.
    ///
    /// # Errors
    /// [`StatementError::Payload`] when a value has no encoding; no statement built from this crate's types does that.
    pub fn payload(&self) -> Result<Vec<u8>, StatementError> {
        canonical::to_vec(self).map_err(StatementError::Payload)
    }
}

/// The closed list of statement kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Fleet declaration.
    Fleet,
    /// Report on a window.
    Report,
    /// Run declaration.
    Run,
    /// Challenge.
    Challenge,
    /// Response.
    Response,
    /// Finding.
    Finding,
    /// Heartbeat.
    Heartbeat,
    /// Alarm.
    Alarm,
    /// Freeze.
    Freeze,
    /// Rotation of statement keys.
    Rotation,
    /// Succession to a frozen log.
    Succession,
    /// Ratification of the terms.
    Ratification,
    /// Sealed commitment.
    Commitment,
    /// Opened commitment.
    Opening,
    /// Measurement.
    Signal,
    /// Trigger raised.
    Raise,
    /// Lift asked for.
    Lift,
    /// Vote.
    Vote,
    /// Phase acknowledged.
    Acknowledgement,
    /// Question.
    Question,
    /// Answer.
    Answer,
    /// Discrepancy case opened.
    Dispute,
    /// Adjudicator's decision.
    Ruling,
    /// Inspection asked for.
    Inspection,
    /// Objection to an inspection.
    Objection,
    /// Result of an inspection.
    Conclusion,
    /// Notice of withdrawal.
    Withdrawal,
    /// Self-declared suspension.
    Suspension,
    /// Explanation.
    Clarification,
    /// Decision of a gate.
    Decision,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 30] = [
        Self::Fleet,
        Self::Report,
        Self::Run,
        Self::Challenge,
        Self::Response,
        Self::Finding,
        Self::Heartbeat,
        Self::Alarm,
        Self::Freeze,
        Self::Rotation,
        Self::Succession,
        Self::Ratification,
        Self::Commitment,
        Self::Opening,
        Self::Signal,
        Self::Raise,
        Self::Lift,
        Self::Vote,
        Self::Acknowledgement,
        Self::Question,
        Self::Answer,
        Self::Dispute,
        Self::Ruling,
        Self::Inspection,
        Self::Objection,
        Self::Conclusion,
        Self::Withdrawal,
        Self::Suspension,
        Self::Clarification,
        Self::Decision,
    ];

    /// The lower-case word used in content types, subjects and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Report => "report",
            Self::Run => "run",
            Self::Challenge => "challenge",
            Self::Response => "response",
            Self::Finding => "finding",
            Self::Heartbeat => "heartbeat",
            Self::Alarm => "alarm",
            Self::Freeze => "freeze",
            Self::Rotation => "rotation",
            Self::Succession => "succession",
            Self::Ratification => "ratification",
            Self::Commitment => "commitment",
            Self::Opening => "opening",
            Self::Signal => "signal",
            Self::Raise => "raise",
            Self::Lift => "lift",
            Self::Vote => "vote",
            Self::Acknowledgement => "acknowledgement",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Dispute => "dispute",
            Self::Ruling => "ruling",
            Self::Inspection => "inspection",
            Self::Objection => "objection",
            Self::Conclusion => "conclusion",
            Self::Withdrawal => "withdrawal",
            Self::Suspension => "suspension",
            Self::Clarification => "clarification",
            Self::Decision => "decision",
        }
    }

    /// The envelope's content type.
    #[must_use]
    pub fn content_type(self) -> String {
        format!("application/vnd.standstill.{}+cbor", self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
