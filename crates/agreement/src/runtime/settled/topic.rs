//! Which statements commute: the declared table of `docs/formats/runtime.md`, section 8. `tests.rs` compares it with the machine.

use standstill_statement::{Body, Hash32, Matter};

/// What a statement reads and writes, as far as that tells which others it commutes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Cases, questions and requests for inspections. They write neither who is bound, suspended or leaving, nor triggers, ballots or offers.
    Cases,
    /// Triggers, signals, offers, and a party's own standing. They read and write no case, question or inspection.
    Apart,
    /// Votes of one ballot.
    Ballot(Matter, Hash32, u32),
    /// Objections to one inspection.
    Objections(Hash32),
    /// A report.
    Report,
    /// Anything else.
    Other,
}

impl Topic {
    pub(super) const fn of(body: &Body) -> Self {
        match body {
            Body::Question(_) | Body::Answer(_) | Body::Clarification(_) | Body::Dispute(_) | Body::Inspection(_) => {
                Self::Cases
            }
            Body::Signal(_)
            | Body::Raise(_)
            | Body::Ratification(_)
            | Body::Commitment(_)
            | Body::Opening(_)
            | Body::Suspension(_)
            | Body::Withdrawal(_) => Self::Apart,
            Body::Vote(vote) => Self::Ballot(vote.matter, vote.subject, vote.epoch),
            Body::Objection(objection) => Self::Objections(objection.request),
            Body::Report(_) => Self::Report,
            _ => Self::Other,
        }
    }

    /// Whether a quiet statement and a later one give the same in either order, in every state. Of two votes of one ballot, or objections to
    /// one request, the second decides with the first one counted, whichever it is.
    pub(super) fn commutes(self, later: Self) -> bool {
        let apart = |topic| matches!(topic, Self::Apart | Self::Ballot(Matter::Lift | Matter::Renewal, ..));
        let renewal = |topic| matches!(topic, Self::Ballot(Matter::Renewal, ..));
        match (self, later) {
            (Self::Ballot(..), Self::Ballot(..)) | (Self::Objections(_), Self::Objections(_)) => self == later,
            (Self::Cases, other) | (other, Self::Cases) if apart(other) => true,
            // Only a renewal lengthens the term that reports are for.
            (Self::Report, other) | (other, Self::Report) => !renewal(other),
            _ => false,
        }
    }
}
