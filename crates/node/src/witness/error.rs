//! Why a witness (or a mirror's record) does not start or does not go on.

use standstill_tlog::TlogError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Failures of the role itself. What a request can get wrong is a [`TlogError`] in [`super::Answer`].
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The configuration cannot be used.
    #[error("configuration {}: {what}", path.display())]
    Config {
        /// The file, or the folder it names.
        path: PathBuf,
        /// What is wrong and what to write instead.
        what: String,
    },
    /// There is no record where one must be.
    #[error(
        "there is no witness record at {}: create it once; if it was there before, its state is lost and this key must not sign again: \
         take a new key under a new name",
        path.display()
    )]
    NoRecord {
        /// The record's file.
        path: PathBuf,
    },
    /// There is a record already.
    #[error("{} already exists; open it instead of creating it", path.display())]
    RecordExists {
        /// The record's file.
        path: PathBuf,
    },
    /// A key file was used for another state.
    #[error(
        "{} says that this key is in use by: {by}. A key has one state: if that one is lost, or belongs to another role, make a new key under a new name",
        path.display()
    )]
    KeyUsed {
        /// The mark beside the key file.
        path: PathBuf,
        /// Role and folder.
        by: String,
    },
    /// The record belongs to other keys.
    #[error("the record at {} was made for other keys ({found}); give the key files that it was created with", path.display())]
    OtherKeys {
        /// The record's file.
        path: PathBuf,
        /// Keys in the record.
        found: String,
    },
    /// The record is behind what this witness has signed.
    #[error("the record at {} is older than a cosignature that this witness gave: {what}. Nothing is signed any more under this key", path.display())]
    RolledBack {
        /// The record's file.
        path: PathBuf,
        /// Origin, size and time of the cosignature.
        what: String,
    },
    /// The record's database failed.
    #[error("cannot {action} in {}: {source}", path.display())]
    Database {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The record's file.
        path: PathBuf,
        /// The database's reason.
        source: rusqlite::Error,
    },
    /// A failure of files or formats below.
    #[error(transparent)]
    Tlog(#[from] TlogError),
    /// A statement could not be made.
    #[error("cannot sign the alarm statement: {0}")]
    Statement(String),
    /// A thread or socket could not be started.
    #[error("cannot {action}: {source}")]
    System {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl WitnessError {
    pub(crate) fn database(action: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Database { action, path, source }
    }
}
