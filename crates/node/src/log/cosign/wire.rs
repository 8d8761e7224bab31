//! The client's side of C2SP tlog-witness.

use crate::NodeError;
use reqwest::{Client, Response, StatusCode};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::merkle::Hash;
use standstill_tlog::note::MAX_NOTE_BYTES;
use standstill_tlog::witness::AddCheckpoint;
use std::time::Duration;

/// What a witness says to a checkpoint.
#[derive(Debug)]
pub(super) enum Answer {
    /// Signature lines, not verified.
    Cosigned(String),
    /// It last cosigned this size; the request started elsewhere (status 409).
    Stands(u64),
}

/// Connection to one witness.
#[derive(Debug)]
pub(in crate::log) struct WitnessClient {
    client: Client,
    url: String,
}

impl WitnessClient {
    /// A client for the witness with this submission prefix.
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, NodeError> {
        crate::tls::prepare();
        let client = Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| NodeError::Broken(format!("cannot set up an HTTP client: {error}")))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned() })
    }

    /// `POST add-checkpoint`. Errors are sentences.
    pub(super) async fn add_checkpoint(
        &self,
        old_size: u64,
        proof: Vec<Hash>,
        signed: &SignedCheckpoint,
    ) -> Result<Answer, String> {
        let body = AddCheckpoint { old_size, proof, checkpoint: signed.to_bytes() }.to_bytes();
        let response = self.client.post(format!("{}/add-checkpoint", self.url)).body(body).send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let is_size =
            response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/x.tlog.size"));
        let text = self.text(response).await?;
        match status {
            StatusCode::OK => Ok(Answer::Cosigned(text)),
            StatusCode::CONFLICT if is_size => {
                let size = text.strip_suffix('\n').and_then(|text| text.parse().ok());
                size.map(Answer::Stands).ok_or_else(|| "answers 409 without a size".to_owned())
            }
            _ => Err(format!("answers {}: {}", status.as_u16(), first_line(&text))),
        }
    }

    /// The last checkpoint that the witness cosigned for an origin; `None` when it says that it knows none.
    pub(super) async fn last_cosigned(&self, origin_hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        let url = format!("{}/{}/checkpoint", self.url, hex::encode(origin_hash));
        let response = self.client.get(url).send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = self.text(response).await?;
        match status {
            StatusCode::OK => Ok(Some(text.into_bytes())),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(format!("answers {} when asked what it last cosigned: {}", status.as_u16(), first_line(&text))),
        }
    }

    async fn text(&self, mut response: Response) -> Result<String, String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_NOTE_BYTES {
                return Err("sends an answer that is too long".to_owned());
            }
        }
        String::from_utf8(bytes).map_err(|_| "sends an answer that is not text".to_owned())
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        // The library's message ends in the cause; the URL in it is ours.
        let mut text = String::from("cannot be reached");
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        if error.is_timeout() {
            format!("does not answer in time ({})", self.url)
        } else {
            format!("{text} ({})", self.url)
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect()
}
