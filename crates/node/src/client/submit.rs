//! Handing statements and blobs to a log. A lost answer does no harm: the same statement sent again gets the index that it got first.

use super::ClientError;
use super::http::{Http, join};
use crate::log::upload_authorization;
use serde::Deserialize;
use standstill_statement::{Hash32, SigningKey};

/// Longest answer to a submission, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A statement's place in the log, as the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// Index of the entry, from 0.
    pub index: u64,
    /// Whether the log held it already.
    pub duplicate: bool,
}

/// A party's way to its own log.
#[derive(Clone, Debug)]
pub struct Submitter {
    http: Http,
    base: String,
}

impl Submitter {
    /// Submits to the log at a prefix.
    #[must_use]
    pub fn new(http: Http, base: &str) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned() }
    }

    /// Submits a signed statement. When this succeeds the log has made it durable; it is public with the next cosigned checkpoint.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the log's reason, [`ClientError::Unreachable`] when it did not answer after several attempts. The
    /// statement may be in the log then; submitting it again is safe.
    pub async fn statement(&self, statement: &[u8]) -> Result<Accepted, ClientError> {
        let url = join(&self.base, "add");
        let answer = self.http.post(&url, statement, MAX_ANSWER_BYTES).await?;
        if answer.status != 200 {
            return Err(answer.refusal(&url));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| ClientError::Unexpected { url, wanted: "the index of the entry" })
    }

    /// Uploads a blob, before the statement that refers to it. One that the log holds is not sent again.
    ///
    /// # Errors
    /// As [`Submitter::statement`].
    pub async fn blob(&self, key: &SigningKey, agreement: &Hash32, bytes: &[u8]) -> Result<Hash32, ClientError> {
        let hash = Hash32::of(bytes);
        let url = join(&self.base, &format!("blob/{hash}"));
        let authorization = upload_authorization(key, agreement, &hash, bytes.len() as u64);
        let answer = self.http.put(&url, &authorization, bytes, MAX_ANSWER_BYTES).await?;
        if matches!(answer.status, 200 | 201 | 204 | 208) { Ok(hash) } else { Err(answer.refusal(&url)) }
    }
}
