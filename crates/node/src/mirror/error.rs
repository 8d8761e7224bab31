//! Why a mirror does not start, does not accept, or does not sign.

use crate::client::ClientError;
use crate::witness::WitnessError;
use standstill_tlog::TlogError;
use std::path::PathBuf;
use thiserror::Error;

/// Failures of the mirror role.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// The record of pending checkpoints, or the configuration.
    #[error(transparent)]
    Record(#[from] WitnessError),
    /// Formats, proofs and files.
    #[error(transparent)]
    Tlog(#[from] TlogError),
    /// A log could not be read.
    #[error(transparent)]
    Fetch(#[from] ClientError),
    /// The copy on disk is not what was cosigned.
    #[error("the copy of {origin} at {} is damaged: {what}. Nothing is cosigned; restore the files, or move the folder away and mirror again under a new key", path.display())]
    Damaged {
        /// Origin of the log.
        origin: String,
        /// The copy's folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An entry names a blob that the log does not serve.
    #[error("{origin}: entry {index} names blob {sha256}, which {what}; size {size} is not cosigned")]
    MissingBlob {
        /// Origin of the log.
        origin: String,
        /// Entry that names it.
        index: u64,
        /// Its hash, hexadecimal.
        sha256: String,
        /// Why it is not here.
        what: String,
        /// Size that waits for it.
        size: u64,
    },
    /// The log serves tiles that do not belong to its signed checkpoint.
    #[error("{origin}: the {what} that the log serves do not lead to the root that it signed at size {size}")]
    NotTheSignedTree {
        /// Origin of the log.
        origin: String,
        /// Hash tiles or entries.
        what: &'static str,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The log refused, or two histories were found, while a checkpoint was taken over.
    #[error("{origin}: the checkpoint was not taken over: {what}")]
    NotAccepted {
        /// Origin of the log.
        origin: String,
        /// The record's reason.
        what: String,
    },
    /// The entries for an upload could not be read.
    #[error("entries for the mirror cannot be read: {0}")]
    Source(String),
    /// A log is not configured here, or has no address.
    #[error("{0} is not configured here, or has no url to fetch from")]
    NoSource(String),
    /// A thread or socket failed.
    #[error("cannot {action}: {source}")]
    System {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}
