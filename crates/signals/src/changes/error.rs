//! Why a change ledger cannot be made, read or computed again.

/// An error of the change ledger.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangesError {
    /// A file that describes the method, the classes or the identities is refused.
    #[error("{file}: {reason}")]
    Table {
        /// Which file.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A foreign record (trailer, note, trace, attestation, object) is refused.
    #[error("{what}: {reason}")]
    Foreign {
        /// Which record.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The table of commits contradicts itself.
    #[error("the table of commits is refused: {0}")]
    Broken(String),
    /// The repository cannot be walked.
    #[error("{path}: {reason}")]
    Repository {
        /// Folder.
        path: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Two records or tables differ.
    #[error("{0}")]
    Differs(String),
}

impl ChangesError {
    pub(crate) fn table(file: &str, reason: impl std::fmt::Display) -> Self {
        Self::Table { file: file.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn foreign(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Foreign { what: what.into(), reason: reason.to_string() }
    }
}
