//! In which state a party and the whole agreement are, as one closed list.

use crate::terms::Phase;
use std::fmt;

/// State of a party or of the agreement as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunPhase {
    /// The terms are known; nobody, or not this party, has ratified them.
    #[default]
    Draft,
    /// Ratified; no valid commitment yet.
    Open,
    /// A valid commitment is open, and its condition does not hold yet.
    Armed,
    /// Bound; duties begin when the notice has run out.
    Notice,
    /// In force, in this phase of the terms. `Phase::Normal` is called active.
    In(Phase),
    /// On the way back, in the step of this number (from 1), with the bounds of this phase.
    Resuming {
        /// Number of the step, from 1.
        step: u8,
        /// Phase whose bounds hold.
        phase: Phase,
    },
    /// Leaving in steps because its stay condition failed for the whole grace period.
    Releasing {
        /// Number of the step, from 1.
        step: u8,
        /// Phase whose bounds hold.
        phase: Phase,
    },
    /// Bound, and says itself that it no longer keeps the agreement.
    Suspended,
    /// Left by notice, release or expulsion.
    Withdrawn,
    /// The term is over.
    Ended,
}

impl RunPhase {
    /// The word used in statements, JSON and on screen: `armed`, `slowed-2`, `resuming-1`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Draft => "draft".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Armed => "armed".to_owned(),
            Self::Notice => "notice".to_owned(),
            Self::In(Phase::Normal) => "active".to_owned(),
            Self::In(phase) => phase.name().to_owned(),
            Self::Resuming { step, .. } => format!("resuming-{step}"),
            Self::Releasing { step, .. } => format!("releasing-{step}"),
            Self::Suspended => "suspended".to_owned(),
            Self::Withdrawn => "withdrawn".to_owned(),
            Self::Ended => "ended".to_owned(),
        }
    }

    /// The phase of the terms whose bounds hold; `None` when none of them does. A suspended party has none of its own: the bounds of the
    /// agreement's phase go on to bind it.
    #[must_use]
    pub const fn bounds(self) -> Option<Phase> {
        match self {
            Self::In(phase) | Self::Resuming { phase, .. } | Self::Releasing { phase, .. } => Some(phase),
            Self::Draft | Self::Open | Self::Armed | Self::Notice | Self::Suspended | Self::Withdrawn | Self::Ended => {
                None
            }
        }
    }
}

impl fmt::Display for RunPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

impl serde::Serialize for RunPhase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word())
    }
}
