//! What can go wrong between a reader and the network.

use super::Alarm;
use standstill_tlog::TlogError;
use std::path::PathBuf;
use thiserror::Error;

/// Every failure of the client. Messages name the address and end with what to do where the reader can do something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No answer.
    #[error("{url} does not answer: {problem}; is it running, and is the address right?")]
    Unreachable {
        /// The address.
        url: String,
        /// The reason, as the system or the HTTP library gives it.
        problem: String,
    },
    /// An answer, but a refusal.
    #[error("{url} refuses with status {status}: {message}")]
    Refused {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
        /// Its sentence, shortened.
        message: String,
    },
    /// The answer is longer than what belongs there.
    #[error("{url} sends more than {limit} bytes; nothing of it was kept")]
    TooLong {
        /// The address.
        url: String,
        /// The limit, bytes.
        limit: u64,
    },
    /// What should be there is not.
    #[error("{url} has no {what}; ask the operator, or fetch from a mirror")]
    NotThere {
        /// The address.
        url: String,
        /// What was asked for.
        what: String,
    },
    /// The answer cannot be understood.
    #[error("{url} answers with something else than {wanted}")]
    Unexpected {
        /// The address.
        url: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// Something that proves, or may hide, misbehaviour. The evidence is kept.
    #[error("{0}")]
    Alarm(Box<Alarm>),
    /// Something has not happened in time.
    #[error("{what} within {seconds} s")]
    Late {
        /// What did not happen.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The rules of logs refuse.
    #[error(transparent)]
    Tlog(#[from] TlogError),
    /// A question about statements cannot be read.
    #[error("question '{question}': {problem}")]
    Question {
        /// The question.
        question: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The copy on disk is not of this log or is damaged.
    #[error("the copy in {} cannot be used: {problem}; remove that folder and fetch the log again", path.display())]
    Copy {
        /// Its folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl ClientError {
    /// Whether the network, rather than what came over it, is the trouble.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Refused { .. }
                | Self::TooLong { .. }
                | Self::NotThere { .. }
                | Self::Unexpected { .. }
                | Self::Late { .. }
        )
    }

    /// The alarm that this is, if it is one.
    #[must_use]
    pub fn alarm(&self) -> Option<&Alarm> {
        match self {
            Self::Alarm(alarm) => Some(alarm),
            _ => None,
        }
    }
}

impl From<Alarm> for ClientError {
    fn from(alarm: Alarm) -> Self {
        Self::Alarm(Box::new(alarm))
    }
}
