//! The self-modification scanner: hidden text, instructions to agents, weakened checks, opaque files, swapped dependencies and forged
//! provenance, in files and in changes.
//!
//! The attack classes and their sources are in the rule table (`data/scan-rules.toml`); paths and phrases are data too. The engine is pure:
//! it sees names and bytes, or the facts of a commit, and gives findings. Nothing is executed, no network is asked.
//!
//! Failure conditions, all reported as findings or errors: a file over [`MAX_FILE_BYTES`] is not read further; a workflow that is not YAML is
//! `ci-unreadable`. Non-conditions: bytes that are not UTF-8 are skipped over, never an error; a scan cannot show that code is harmless.

pub mod agent;
pub mod allow;
#[cfg(feature = "files")]
pub mod archive;
pub mod dependency;
pub mod engine;
pub mod finding;
pub mod flatten;
pub mod gate;
pub mod hidden;
pub mod history;
pub mod opaque;
#[cfg(feature = "git")]
pub mod origin;
pub mod output;
pub mod paths;
pub mod phrase;
pub mod release;
pub mod rules;
pub mod sarif;
pub mod strength;
pub mod text;
pub mod trailer;
#[cfg(feature = "files")]
pub mod walk;
pub mod workflow;
pub mod yaml;

pub use allow::AllowList;
pub use engine::{FileChange, Scanner};
pub use finding::{Finding, Severity};
pub use output::Report;
pub use paths::{PathClass, PathTable};
pub use rules::{Rule, RuleTable};

/// Longest file that is read, in bytes. Longer ones are reported as skipped.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// Scanning cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A table of rules, paths or phrases, or an allow-list, is refused.
    #[error("{file}: {reason}")]
    Table {
        /// Which file.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file or folder could not be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// Path.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl ScanError {
    pub(crate) fn table(file: &str, reason: impl std::fmt::Display) -> Self {
        Self::Table { file: file.to_owned(), reason: reason.to_string() }
    }
}
