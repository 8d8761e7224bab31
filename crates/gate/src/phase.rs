//! The states of an agreement, as a gate sees them (DESIGN.md section 2).

use serde::{Deserialize, Serialize};
use standstill_statement::Name;
use std::fmt;

/// State of the agreement for one party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Phase {
    /// Terms are being written.
    Draft,
    /// Open for commitments.
    Open,
    /// Commitments are in; the conditions do not hold yet.
    Armed,
    /// In force, no slowdown.
    Active,
    /// In force at a stated level of slowdown.
    Slowed {
        /// Level of the terms, from 1; the bounds of that level are in the caps.
        level: u8,
    },
    /// Covered work stands still.
    Paused,
    /// On the way back, step by step.
    Resuming {
        /// Step of the terms, from 1; the bounds of that step are in the caps.
        step: u8,
    },
    /// The party says itself that it does not keep the terms at present.
    Suspended,
    /// The term is over.
    Ended,
}

impl Phase {
    /// The word without level or step.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Armed => "armed",
            Self::Active => "active",
            Self::Slowed { .. } => "slowed",
            Self::Paused => "paused",
            Self::Resuming { .. } => "resuming",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }

    /// Every phase once, level and step 1.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::Open,
        Self::Armed,
        Self::Active,
        Self::Slowed { level: 1 },
        Self::Paused,
        Self::Resuming { step: 1 },
        Self::Suspended,
        Self::Ended,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slowed { level } => write!(f, "slowed.{level}"),
            Self::Resuming { step } => write!(f, "resuming.{step}"),
            other => f.write_str(other.word()),
        }
    }
}

/// The phase as statements carry it; `unknown` when the gate knew none.
#[must_use]
pub fn phase_name(phase: Option<Phase>) -> Name {
    let text = phase.map_or_else(|| "unknown".to_owned(), |phase| phase.to_string());
    crate::clause::name(&text)
}
