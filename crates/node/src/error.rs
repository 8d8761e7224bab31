//! What can go wrong in a node, and what to do about it.

use crate::store::StoreError;
use standstill_gate::GateError;
use standstill_statement::StatementError;
use standstill_tlog::TlogError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A node cannot start or go on. Messages end with what to do next where the reader can do something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A configuration file cannot be used.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A file or socket operation failed.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// File, directory or address.
        place: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The rules of the log refuse.
    #[error(transparent)]
    Tlog(#[from] TlogError),
    /// A statement or key is refused.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The storage refuses or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gate's terms or journal are refused.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The node ended in a way that it should not.
    #[error("{0}")]
    Broken(String),
}

impl NodeError {
    /// Wraps a system error with the attempted action and the place.
    pub(crate) fn io(action: &'static str, place: impl ToString) -> impl FnOnce(std::io::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Io { action, place, source }
    }

    /// A problem in a configuration file.
    pub(crate) fn config(path: &Path, problem: impl ToString) -> Self {
        Self::Config { path: path.to_owned(), problem: problem.to_string() }
    }
}
