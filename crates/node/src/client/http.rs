//! HTTP requests with limits on size and time. Reads, and submissions whose repetition changes nothing, are tried again.

use super::ClientError;
use std::time::Duration;

/// Longest sentence of a refusal that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 400;

/// Limits of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for a whole answer.
    pub request: Duration,
    /// How often a request is made at most.
    pub attempts: u32,
    /// Wait before the second attempt; it doubles each time.
    pub pause: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            attempts: 4,
            pause: Duration::from_millis(200),
        }
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type; empty when none is given.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The refusal that this is.
    pub(crate) fn refusal(&self, url: &str) -> ClientError {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(MAX_MESSAGE_BYTES)]);
        let message = text.trim().chars().filter(|c| !c.is_control()).collect();
        ClientError::Refused { url: url.to_owned(), status: self.status, message }
    }
}

/// A client. Clones share connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    limits: HttpLimits,
}

impl Http {
    /// A client with these limits.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the HTTP library cannot start.
    pub fn new(limits: HttpLimits) -> Result<Self, ClientError> {
        crate::tls::prepare();
        let builder = reqwest::Client::builder().connect_timeout(limits.connect).timeout(limits.request);
        // A log that answers with a redirection sends readers to bytes that its operator does not serve: not followed.
        let client = builder.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| unreachable("this machine's HTTP client", &error))?;
        Ok(Self { client, limits })
    }

    /// The same client with other limits.
    #[must_use]
    pub fn with_attempts(&self, attempts: u32) -> Self {
        Self { client: self.client.clone(), limits: HttpLimits { attempts, ..self.limits } }
    }

    /// Fetches at most `limit` bytes; `None` when the answer is 404. Tried again when there is no answer or the server is in trouble.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Refused`], [`ClientError::TooLong`].
    pub async fn get(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, ClientError> {
        let answer = self.repeat(url, limit, || self.client.get(url)).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            _ => Err(answer.refusal(url)),
        }
    }

    /// Fetches at most `limit` bytes, whatever the status: for pages that say by their status how things are.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::TooLong`].
    pub async fn look(&self, url: &str, limit: u64) -> Result<Answer, ClientError> {
        self.once(url, limit, self.client.get(url)).await
    }

    /// Posts a body whose repetition changes nothing, and gives whatever is answered. Tried again as [`Http::get`].
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::TooLong`].
    pub async fn post(&self, url: &str, body: &[u8], limit: u64) -> Result<Answer, ClientError> {
        self.repeat(url, limit, || self.client.post(url).body(body.to_vec())).await
    }

    /// As [`Http::post`], with `PUT` and an `Authorization` header.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub async fn put(&self, url: &str, authorization: &str, body: &[u8], limit: u64) -> Result<Answer, ClientError> {
        self.repeat(url, limit, || self.client.put(url).header("authorization", authorization).body(body.to_vec()))
            .await
    }

    async fn repeat(
        &self,
        url: &str,
        limit: u64,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, ClientError> {
        let mut pause = self.limits.pause;
        let mut attempt = 1;
        loop {
            let answer = self.once(url, limit, request()).await;
            let again = match &answer {
                Err(ClientError::Unreachable { .. }) => true,
                Ok(answer) => matches!(answer.status, 429 | 500..=599),
                Err(_) => false,
            };
            if !again || attempt >= self.limits.attempts {
                return answer;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn once(&self, url: &str, limit: u64, request: reqwest::RequestBuilder) -> Result<Answer, ClientError> {
        let mut response = request.send().await.map_err(|error| unreachable(url, &error))?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(ClientError::TooLong { url: url.to_owned(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, content_type, body })
    }
}

/// The innermost reason is what helps: "connection refused" rather than "error sending request".
fn unreachable(url: &str, error: &reqwest::Error) -> ClientError {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    ClientError::Unreachable { url: url.to_owned(), problem: reason.to_string() }
}

/// Joins a prefix and a path.
#[must_use]
pub fn join(prefix: &str, path: &str) -> String {
    format!("{}/{path}", prefix.trim_end_matches('/'))
}
