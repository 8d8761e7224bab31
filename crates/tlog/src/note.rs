//! C2SP signed-note: text signed by one or more named keys.
//!
//! A note is UTF-8 text ending in a newline, a blank line, and signature lines `— <name> base64(key id ‖ signature)`. Signatures by
//! unknown keys are ignored; a known key's signature that fails refuses the whole note; no known signature refuses it too.

pub use crate::key::{KeyType, NoteSigner, VerifierKey};

use crate::TlogError;
use crate::key::check_name;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// Longest note that is read, in bytes: room for 64 post-quantum signature lines.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;

/// Most signature lines that are read. The specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Key name.
    pub name: String,
    /// Key id.
    pub key_id: [u8; 4],
    /// Signature bytes after the key id; what they are depends on the key's type.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads one signature line, without its newline.
    ///
    /// # Errors
    /// [`TlogError::Note`] when the line is not `— name base64` with a valid name and at least one signature byte.
    pub fn parse(line: &str) -> Result<Self, TlogError> {
        let rest =
            line.strip_prefix("— ").ok_or(TlogError::Note("a signature line starts with an em dash and a space"))?;
        let (name, encoded) =
            rest.split_once(' ').ok_or(TlogError::Note("a signature line has a name and a signature"))?;
        check_name(name).map_err(|_| TlogError::Note("the key name on a signature line is malformed"))?;
        let decoded = STANDARD.decode(encoded).map_err(|_| TlogError::Note("a signature is not standard base64"))?;
        let (id, bytes) =
            decoded.split_first_chunk::<4>().ok_or(TlogError::Note("a signature is shorter than a key id"))?;
        if bytes.is_empty() {
            return Err(TlogError::Note("a signature is empty"));
        }
        Ok(Self { name: name.to_owned(), key_id: *id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    /// The signature line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_vec();
        bytes.extend(&self.bytes);
        write!(f, "— {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A parsed note. Nothing in it may be believed before [`Note::verify`] succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Index of the key in the slice given to [`Note::verify`].
    pub key: usize,
    /// Time of a cosignature in Unix seconds; 0 for a plain signature.
    pub time_unix_seconds: u64,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`TlogError::TooLarge`] beyond [`MAX_NOTE_BYTES`] or [`MAX_SIGNATURES`]; [`TlogError::Note`] for any breach of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogError> {
        check_limit("note bytes", bytes.len(), MAX_NOTE_BYTES)?;
        let all = std::str::from_utf8(bytes).map_err(|_| TlogError::Note("it is not UTF-8"))?;
        check_characters(all)?;
        let end = all.rfind("\n\n").ok_or(TlogError::Note("there is no blank line before the signatures"))?;
        let (text, lines) = (&all[..=end], &all[end + 2..]);
        let lines = lines
            .strip_suffix('\n')
            .ok_or(TlogError::Note("there is no signature line, or the last one has no newline"))?;
        check_limit("signature lines", lines.split('\n').count(), MAX_SIGNATURES)?;
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Makes a note from a text and signature lines over it. The signatures are not checked.
    ///
    /// # Errors
    /// [`TlogError::Note`] when the text does not end in a newline or has control characters, or there is no signature.
    pub fn new(text: &str, signatures: Vec<NoteSignature>) -> Result<Self, TlogError> {
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(TlogError::Note("the text does not end in a newline"));
        }
        if signatures.is_empty() {
            return Err(TlogError::Note("it has no signature"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Signs a text with one plain key.
    ///
    /// # Errors
    /// As [`Note::new`] and [`NoteSigner::sign`].
    pub fn sign(text: &str, signer: &NoteSigner) -> Result<Self, TlogError> {
        Self::new(text, vec![signer.sign(text)?])
    }

    /// The signed text, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, known or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line; an identical line is not repeated.
    pub fn add(&mut self, signature: NoteSignature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
    }

    /// Keeps the signature lines for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&NoteSignature) -> bool) {
        self.signatures.retain(keep);
    }

    /// Checks every line that names one of `keys`. Lines of other keys are ignored.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`] or [`TlogError::Cosignature`] when a known key's line fails; [`TlogError::NoKnownSignature`] when no
    /// line names a known key.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, TlogError> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            for (index, key) in keys.iter().enumerate().filter(|(_, key)| key.matches(signature)) {
                verified.push(Verified { key: index, time_unix_seconds: key.verify(&self.text, signature)? });
            }
        }
        if verified.is_empty() {
            let known = keys.iter().map(VerifierKey::name).collect::<Vec<_>>().join(", ");
            return Err(TlogError::NoKnownSignature { known });
        }
        Ok(verified)
    }

    /// The note's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_characters(text: &str) -> Result<(), TlogError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(TlogError::Note("it contains a control character"));
    }
    Ok(())
}

/// Refuses a count above a limit.
pub(crate) fn check_limit(what: &'static str, found: usize, limit: usize) -> Result<(), TlogError> {
    if found > limit {
        return Err(TlogError::TooLarge { what, found: found as u64, limit: limit as u64 });
    }
    Ok(())
}

/// A decimal number without sign, leading zeros or anything else, below 2^63 as all sizes, indices and times of C2SP here are.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok().filter(|value| *value <= i64::MAX as u64) } else { None }
}

/// One base64 SHA-256 value.
pub(crate) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    // A canonical line has exactly 44 characters; checking first bounds the work on hostile lines.
    if text.len() == 44 { STANDARD.decode(text).ok()?.try_into().ok() } else { None }
}

/// Base64 of a hash, as in checkpoints and proofs.
pub(crate) fn format_hash(hash: &[u8; 32]) -> String {
    STANDARD.encode(hash)
}

#[cfg(test)]
mod tests;
