//! A request body as it streams in, plain or gzip, read piece by piece so that an upload of any length takes bounded memory.

use crate::serve::body::{discard, next_part};
use axum::body::Body;
use flate2::write::GzDecoder;
use std::io::Write;

/// Compressed bytes that are expanded at once. Gzip expands at most about a thousandfold, so this bounds what one step can add.
const STEP: usize = 1024;

/// Why no more bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The body is over.
    Whole,
    /// The connection broke, or the compressed stream is damaged.
    Broken,
}

/// Bytes that arrived and were not taken yet.
#[derive(Debug)]
pub struct BodyReader {
    body: Body,
    gzip: Option<GzDecoder<Vec<u8>>>,
    /// A part of the body that was received and not expanded yet.
    waiting: Vec<u8>,
    buffer: Vec<u8>,
    ended: Option<Ended>,
}

impl BodyReader {
    /// Reads a body; `gzip` as its content encoding says.
    #[must_use]
    pub fn new(body: Body, gzip: bool) -> Self {
        let gzip = gzip.then(|| GzDecoder::new(Vec::new()));
        Self { body, gzip, waiting: Vec::new(), buffer: Vec::new(), ended: None }
    }

    /// What is there.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes bytes off the front.
    pub fn take(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// [`Ended`] when none come.
    pub async fn more(&mut self) -> Result<(), Ended> {
        let before = self.buffer.len();
        while self.buffer.len() == before {
            if let Some(ended) = self.ended {
                return Err(ended);
            }
            if self.waiting.is_empty() {
                self.receive().await;
            } else {
                self.expand();
            }
        }
        Ok(())
    }

    async fn receive(&mut self) {
        match next_part(&mut self.body).await {
            Some(Ok(data)) if self.gzip.is_some() => self.waiting.extend_from_slice(&data),
            Some(Ok(data)) => self.buffer.extend_from_slice(&data),
            Some(Err(_)) => self.ended = Some(Ended::Broken),
            None => self.finish(),
        }
    }

    /// Reads what is left, so that the sender gets to read the answer.
    pub async fn discard(&mut self) {
        discard(&mut self.body).await;
    }

    fn expand(&mut self) {
        let Some(gzip) = &mut self.gzip else { return };
        let step: Vec<u8> = self.waiting.drain(..self.waiting.len().min(STEP)).collect();
        if gzip.write_all(&step).and_then(|()| gzip.flush()).is_err() {
            self.ended = Some(Ended::Broken);
        }
        self.buffer.append(gzip.get_mut());
    }

    fn finish(&mut self) {
        self.ended = Some(Ended::Whole);
        if let Some(gzip) = &mut self.gzip {
            if gzip.try_finish().is_err() {
                self.ended = Some(Ended::Broken);
            }
            self.buffer.append(gzip.get_mut());
        }
    }
}
