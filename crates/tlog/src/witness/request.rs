//! The body of an add-checkpoint request, and the status that each refusal has on the wire.

use crate::TlogError;
use crate::merkle::{Hash, MAX_PROOF_HASHES};
use crate::note::{MAX_NOTE_BYTES, check_limit, format_hash, parse_decimal, parse_hash};

/// `old <size>`, proof lines, a blank line, and the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size that the proof starts from.
    pub old_size: u64,
    /// Consistency proof, at most 63 hashes.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, not yet parsed.
    pub checkpoint: Vec<u8>,
}

impl AddCheckpoint {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`TlogError::Request`] for a breach of the format, [`TlogError::TooLarge`] beyond a limit. The checkpoint is not looked into.
    pub fn parse(body: &[u8]) -> Result<Self, TlogError> {
        check_limit("request bytes", body.len(), MAX_NOTE_BYTES + 64 * 64)?;
        let text = std::str::from_utf8(body).map_err(|_| TlogError::Request("it is not UTF-8"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(TlogError::Request("there is no blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| parse_decimal(line.strip_prefix("old ")?));
        let old_size = old_size.ok_or(TlogError::Request("the first line is not `old <decimal>`"))?;
        let proof: Option<Vec<Hash>> = lines.take(MAX_PROOF_HASHES + 1).map(parse_hash).collect();
        let proof = proof.ok_or(TlogError::Request("a proof line is not a base64 hash"))?;
        check_limit("proof hashes", proof.len(), MAX_PROOF_HASHES)?;
        Ok(Self { old_size, proof, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The request body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            body += &format_hash(hash);
            body.push('\n');
        }
        body.push('\n');
        [body.as_bytes(), &self.checkpoint].concat()
    }
}

/// HTTP status of tlog-witness for a refusal of [`super::FileWitness::cosign`]. An origin that is not configured is 404, which only the
/// server can know.
#[must_use]
pub fn http_status(error: &TlogError) -> u16 {
    match error {
        TlogError::NoKnownSignature { .. } | TlogError::BadSignature { .. } => 403,
        TlogError::Conflict { .. } | TlogError::Fork(_) => 409,
        TlogError::Proof(_) => 422,
        TlogError::WrongOrigin { .. } => 404,
        TlogError::TooLarge { .. } => 413,
        TlogError::Io { .. }
        | TlogError::ClockWentBack { .. }
        | TlogError::Locked { .. }
        | TlogError::OwnCosignatureAhead { .. } => 503,
        _ => 400,
    }
}
