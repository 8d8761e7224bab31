//! The bodies of add-checkpoint and sign-subtree requests, and the status that each refusal has on the wire.

use crate::TlogError;
use crate::merkle::{Hash, MAX_PROOF_HASHES};
use crate::note::{MAX_NOTE_BYTES, NoteSignature, check_limit, format_hash, parse_decimal, parse_hash};

/// Most cosignature lines, and most checkpoint signatures, of a sign-subtree request.
const MAX_SUBTREE_SIGNATURES: usize = 8;

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

/// A request for a cosignature over a part of a tree (tlog-witness, sign-subtree).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignSubtree {
    /// First leaf.
    pub start: u64,
    /// One past the last leaf.
    pub end: u64,
    /// Tree hash of those leaves.
    pub hash: Hash,
    /// Cosignatures over the subtree by others; a protection against floods that this crate does not ask for.
    pub cosignatures: Vec<NoteSignature>,
    /// Subtree consistency proof, at most 63 hashes.
    pub proof: Vec<Hash>,
    /// The reference checkpoint's text.
    pub text: String,
    /// Its signature lines; there may be none.
    pub signatures: Vec<NoteSignature>,
}

impl SignSubtree {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`TlogError::Request`] for a breach of the format, [`TlogError::TooLarge`] beyond a limit.
    pub fn parse(body: &[u8]) -> Result<Self, TlogError> {
        check_limit("request bytes", body.len(), MAX_NOTE_BYTES)?;
        let text = std::str::from_utf8(body).map_err(|_| TlogError::Request("it is not UTF-8"))?;
        let (head, rest) =
            text.split_once("\n\n").ok_or(TlogError::Request("there is no blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let range = lines.next().and_then(|line| line.strip_prefix("subtree ")?.split_once(' '));
        let range = range.and_then(|(start, end)| Some((parse_decimal(start)?, parse_decimal(end)?)));
        let (start, end) = range.ok_or(TlogError::Request("the first line is not `subtree <start> <end>`"))?;
        let hash =
            lines.next().and_then(parse_hash).ok_or(TlogError::Request("the second line is not a base64 hash"))?;
        let mut lines = lines.peekable();
        let mut cosignatures = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('—')) {
            cosignatures.push(NoteSignature::parse(line)?);
            check_limit("subtree cosignatures", cosignatures.len(), MAX_SUBTREE_SIGNATURES)?;
        }
        let proof: Option<Vec<Hash>> = lines.take(MAX_PROOF_HASHES + 1).map(parse_hash).collect();
        let proof = proof.ok_or(TlogError::Request("a proof line is not a base64 hash"))?;
        check_limit("proof hashes", proof.len(), MAX_PROOF_HASHES)?;
        let (text, signatures) = split_checkpoint(rest)?;
        Ok(Self { start, end, hash, cosignatures, proof, text, signatures })
    }

    /// The request body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!("subtree {} {}\n{}\n", self.start, self.end, format_hash(&self.hash));
        for line in &self.cosignatures {
            body += &format!("{line}\n");
        }
        for hash in &self.proof {
            body += &format!("{}\n", format_hash(hash));
        }
        body += &format!("\n{}", self.text);
        if !self.signatures.is_empty() {
            body.push('\n');
        }
        for line in &self.signatures {
            body += &format!("{line}\n");
        }
        body.into_bytes()
    }
}

/// A checkpoint's text and its signature lines, of which there may be none.
fn split_checkpoint(rest: &str) -> Result<(String, Vec<NoteSignature>), TlogError> {
    let Some((text, lines)) = rest.split_once("\n\n") else {
        let whole = rest.ends_with('\n').then(|| (rest.to_owned(), Vec::new()));
        return whole.ok_or(TlogError::Request("the checkpoint does not end in a newline"));
    };
    let lines = lines.strip_suffix('\n').ok_or(TlogError::Request("the last signature line has no newline"))?;
    check_limit("checkpoint signatures", lines.split('\n').count(), MAX_SUBTREE_SIGNATURES)?;
    let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
    Ok((format!("{text}\n"), signatures))
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
