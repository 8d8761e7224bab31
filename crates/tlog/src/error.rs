//! What can go wrong in a log, and what to do about it.

use thiserror::Error;

/// Every failure of this crate.
#[derive(Debug, Error)]
pub enum TlogError {
    /// A Merkle proof does not hold.
    #[error("Merkle proof refused: {0}; ask the log for the proof again, and keep both copies if it persists")]
    Proof(&'static str),
}
