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
        match self.body {
            Body::Fleet(_) => Kind::Fleet,
            Body::Report(_) => Kind::Report,
            Body::Run(_) => Kind::Run,
            Body::Challenge(_) => Kind::Challenge,
            Body::Response(_) => Kind::Response,
            Body::Finding(_) => Kind::Finding,
            Body::Heartbeat(_) => Kind::Heartbeat,
            Body::Alarm(_) => Kind::Alarm,
            Body::Freeze(_) => Kind::Freeze,
            Body::Decision(_) => Kind::Decision,
        }
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
    /// Decision of a gate.
    Decision,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Fleet,
        Self::Report,
        Self::Run,
        Self::Challenge,
        Self::Response,
        Self::Finding,
        Self::Heartbeat,
        Self::Alarm,
        Self::Freeze,
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
