//! What can go wrong while generating.

use std::path::PathBuf;

/// A world cannot be made or written.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The specification makes no sense.
    #[error("world specification, lab {lab}: {what}")]
    Spec {
        /// Lab.
        lab: String,
        /// What is wrong and what to write.
        what: String,
    },
    /// A lab or day that the world does not have.
    #[error("the world has no lab {lab} on day {day}")]
    Outside {
        /// Lab index.
        lab: usize,
        /// Day index.
        day: u32,
    },
    /// A file could not be written.
    #[error("{path}: {source}; check that the directory exists and has room")]
    Write {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The Parquet writer refused.
    #[error("{path}: {what}")]
    Parquet {
        /// File.
        path: PathBuf,
        /// What the writer says.
        what: String,
    },
}
