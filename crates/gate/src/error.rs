//! Why a gate cannot read or write something. A decision itself never fails: what cannot be established is a reason to refuse.

use standstill_statement::StatementError;
use standstill_tlog::TlogError;
use std::path::PathBuf;

/// Something that the gate needs cannot be used. Each message says what to do next where the reader can do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The gate's terms are refused.
    #[error("the gate's terms: {0}; see docs/formats/gate.md, \"Terms\"")]
    Terms(String),
    /// A situation is refused.
    #[error("the situation: {0}; see docs/formats/gate.md, \"Situation\"")]
    Situation(String),
    /// A job's description is refused.
    #[error("the job: {0}; see docs/formats/gate.md, \"Job\"")]
    Job(String),
    /// A request of a scheduler cannot be read.
    #[error("the request: {0}")]
    Request(String),
    /// An accounting export cannot be read.
    #[error("accounting, line {line}: {problem}")]
    Accounting {
        /// Line, from 1.
        line: usize,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// A value has no deterministic encoding.
    #[error("a value cannot be encoded: {0}")]
    Encoding(String),
    /// The Cedar policies or their schema are refused.
    #[error("the policies: {0}; they are part of the program, so this build cannot be used as a gate")]
    Policies(String),
    /// The journal holds something that it should not.
    #[error("the decision journal {}: {problem}", path.display())]
    Journal {
        /// Its folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The log under the journal refuses or fails.
    #[error(transparent)]
    Tlog(#[from] TlogError),
    /// A statement or key is refused.
    #[error(transparent)]
    Statement(#[from] StatementError),
}
