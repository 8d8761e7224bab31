//! An issuer's statements form a chain: sequence numbers without gaps, each with the hash of the one before.

use crate::envelope::Signed;
use crate::ids::{Hash32, Name};

/// The chain is broken. Positions count from 0 in the list that was checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A statement of another issuer.
    #[error(
        "entry {position} is from '{found}', and this chain is '{expected}'s; an issuer's log holds its own statements only"
    )]
    Issuer {
        /// Position in the list.
        position: usize,
        /// Its issuer.
        found: Name,
        /// The first statement's issuer.
        expected: Name,
    },
    /// A statement under another agreement.
    #[error(
        "entry {position} from '{issuer}' is under agreement {found}, and the chain is under {expected}; use one log per agreement"
    )]
    Agreement {
        /// Position in the list.
        position: usize,
        /// Who made it.
        issuer: Name,
        /// Its agreement.
        found: Hash32,
        /// The first statement's agreement.
        expected: Hash32,
    },
    /// A gap, a repetition, or a start elsewhere than at 0.
    #[error(
        "entry {position} from '{issuer}' has sequence {found}, expected {expected}; a statement is missing or was put in twice"
    )]
    Sequence {
        /// Position in the list.
        position: usize,
        /// Who made it.
        issuer: Name,
        /// Its sequence number.
        found: u64,
        /// The number due.
        expected: u64,
    },
    /// The hash of the previous statement is another.
    #[error(
        "entry {position} from '{issuer}' follows {found:?}, but the statement before it is {expected:?}; the issuer has two histories"
    )]
    Previous {
        /// Position in the list.
        position: usize,
        /// Who made it.
        issuer: Name,
        /// What the statement names.
        found: Option<Hash32>,
        /// Hash of the statement before.
        expected: Option<Hash32>,
    },
}

/// Checks an issuer's whole chain, from its first statement on: one issuer, one agreement, sequence 0, 1, 2, …, each with the hash of
/// the one before. An empty list is a chain.
///
/// # Errors
/// The first break.
pub fn check(items: &[Signed]) -> Result<(), ChainError> {
    let Some(first) = items.first() else { return Ok(()) };
    let start = &first.statement.header;
    let mut previous = None;
    for (position, item) in items.iter().enumerate() {
        let header = &item.statement.header;
        let issuer = || header.issuer.clone();
        if header.issuer != start.issuer {
            return Err(ChainError::Issuer { position, found: issuer(), expected: start.issuer.clone() });
        }
        if header.agreement != start.agreement {
            let (found, expected) = (header.agreement, start.agreement);
            return Err(ChainError::Agreement { position, issuer: issuer(), found, expected });
        }
        if header.sequence != position as u64 {
            let expected = position as u64;
            return Err(ChainError::Sequence { position, issuer: issuer(), found: header.sequence, expected });
        }
        if header.previous != previous {
            return Err(ChainError::Previous {
                position,
                issuer: issuer(),
                found: header.previous,
                expected: previous,
            });
        }
        previous = Some(item.hash);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
