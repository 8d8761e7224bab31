//! C2SP tlog-checkpoint: a log's tree head as a signed note.

use crate::TlogError;
use crate::cosignature;
use crate::key::{KeyType, NoteSigner, VerifierKey};
use crate::merkle::Hash;
use crate::note::{Note, Verified, format_hash, parse_decimal, parse_hash};
use std::fmt;

/// A log's claim: at this size, the tree has this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log; the same as the name of its key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Tree hash of the first `size` entries.
    pub root: Hash,
    /// Extension lines; opaque, usually none. Witness cosignatures cover them but vouch for nothing in them.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    #[must_use]
    pub fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self { origin: origin.to_owned(), size, root, extensions: Vec::new() }
    }

    /// Reads a checkpoint from a note's text (the lines before the signatures, with the final newline).
    ///
    /// # Errors
    /// [`TlogError::Checkpoint`] for an empty line, a size that is not a canonical decimal below 2^63, or a root that is not
    /// base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        let body = text.strip_suffix('\n').ok_or(TlogError::Checkpoint("it does not end in a newline"))?;
        let mut lines = body.split('\n');
        let origin =
            lines.next().filter(|line| !line.is_empty()).ok_or(TlogError::Checkpoint("the origin line is empty"))?;
        let size = lines.next().and_then(parse_decimal);
        let size = size.ok_or(TlogError::Checkpoint("the second line is not a tree size in decimal"))?;
        let root = lines.next().and_then(parse_hash);
        let root = root.ok_or(TlogError::Checkpoint("the third line is not a root hash in base64"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(TlogError::Checkpoint("an extension line is empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Signs with the log's key, whose name must be the origin.
    ///
    /// # Errors
    /// [`TlogError::WrongOrigin`] when the key has another name, [`TlogError::KeyType`] when it is not a log key.
    pub fn sign(&self, signer: &NoteSigner) -> Result<SignedCheckpoint, TlogError> {
        let expected = signer.verifier().name().to_owned();
        if expected != self.origin {
            return Err(TlogError::WrongOrigin { expected, found: self.origin.clone() });
        }
        let log = vec![(expected, signer.verifier().id())];
        Ok(SignedCheckpoint { checkpoint: self.clone(), note: Note::sign(&self.to_string(), signer)?, log })
    }
}

impl fmt::Display for Checkpoint {
    /// The note text, with the final newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, format_hash(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A checkpoint whose log signature has been verified, with the note that carries it (and perhaps cosignatures).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
    /// Name and key id of each of the log's keys, to tell its lines from others.
    log: Vec<(String, [u8; 4])>,
}

impl SignedCheckpoint {
    /// Reads and verifies a checkpoint of the log whose key this is. The origin must be the key's name.
    ///
    /// # Errors
    /// Those of [`Note::parse`], [`Note::verify`] and [`Checkpoint::parse`]; [`TlogError::WrongOrigin`] for another log's checkpoint.
    pub fn parse(bytes: &[u8], log: &VerifierKey) -> Result<Self, TlogError> {
        Self::parse_for_origin(bytes, log.name(), log)
    }

    /// As [`SignedCheckpoint::parse`], for logs whose key name differs from their origin (the Go checksum database, for one).
    ///
    /// # Errors
    /// As [`SignedCheckpoint::parse`], and [`TlogError::KeyType`] when the key is a witness key.
    pub fn parse_for_origin(bytes: &[u8], origin: &str, log: &VerifierKey) -> Result<Self, TlogError> {
        Self::parse_for_keys(bytes, origin, std::slice::from_ref(log))
    }

    /// As [`SignedCheckpoint::parse_for_origin`], for a log with several keys (a second, post-quantum signature, or a change of keys).
    /// One of them must have signed, and every line by one of them must verify. When any of them is an Ed25519 key, one of those must have
    /// signed: a post-quantum line stands beside it, never in its place.
    ///
    /// # Errors
    /// As [`SignedCheckpoint::parse_for_origin`].
    pub fn parse_for_keys(bytes: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, TlogError> {
        if let Some(key) = keys.iter().find(|key| !key.key_type().may_sign_logs()) {
            let (name, found) = (key.name().to_owned(), key.key_type() as u8);
            return Err(TlogError::KeyType { name, found, wanted: KeyType::Ed25519.purpose() });
        }
        let note = Note::parse(bytes)?;
        let verified = note.verify(keys)?;
        let plain = |key: &VerifierKey| key.key_type() == KeyType::Ed25519;
        if keys.iter().any(plain) && !verified.iter().any(|line| plain(&keys[line.key])) {
            return Err(unsigned_by(keys.iter().filter(|key| plain(key))));
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != origin {
            return Err(TlogError::WrongOrigin { expected: origin.to_owned(), found: checkpoint.origin });
        }
        let log = keys.iter().map(|key| (key.name().to_owned(), key.id())).collect();
        Ok(Self { checkpoint, note, log })
    }

    /// As [`SignedCheckpoint::parse_for_keys`], for readers who want every one of these keys to have signed: a log's Ed25519 key and its
    /// post-quantum one.
    ///
    /// # Errors
    /// As [`SignedCheckpoint::parse_for_keys`]; [`TlogError::NoKnownSignature`] naming the keys whose lines are missing.
    pub fn parse_for_all_keys(bytes: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, TlogError> {
        let signed = Self::parse_for_keys(bytes, origin, keys)?;
        let is_missing = |key: &&VerifierKey| !signed.note.signatures().iter().any(|line| key.matches(line));
        let missing: Vec<_> = keys.iter().filter(is_missing).collect();
        if missing.is_empty() { Ok(signed) } else { Err(unsigned_by(missing.into_iter())) }
    }

    /// Adds the log's second signature, by its post-quantum key: an ML-DSA-44 line of the log's own name (tlog-checkpoint, "Signatures"),
    /// with the time of the signature.
    ///
    /// # Errors
    /// [`TlogError::WrongOrigin`] when the key has another name, [`TlogError::KeyType`] when it is not of type 0x06, and those of
    /// [`cosignature::sign`].
    pub fn sign_also(&self, signer: &NoteSigner, time_unix_seconds: u64) -> Result<Self, TlogError> {
        signer.require(KeyType::MlDsa44)?;
        let (found, expected) = (signer.verifier().name(), &self.checkpoint.origin);
        if found != expected {
            return Err(TlogError::WrongOrigin { expected: expected.clone(), found: found.to_owned() });
        }
        let mut signed = self.clone();
        signed.note.add(cosignature::sign(signer, time_unix_seconds, self.note.text())?);
        signed.log.push((found.to_owned(), signer.verifier().id()));
        Ok(signed)
    }

    /// The tree head.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with all its signature lines.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The note's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// Verified cosignatures by the given witness keys, as (key index, time). Lines by others are ignored.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`] or [`TlogError::Cosignature`] when a known witness's line fails.
    pub fn cosignatures(&self, witnesses: &[VerifierKey]) -> Result<Vec<Verified>, TlogError> {
        match self.note.verify(witnesses) {
            Err(TlogError::NoKnownSignature { .. }) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Drops every line that is not by the log: lines of others are not verified, and would let anyone make a stored checkpoint grow.
    pub fn retain_log_lines(&mut self) {
        let Self { note, log, .. } = self;
        note.retain(|line| log.iter().any(|(name, id)| line.name == *name && line.key_id == *id));
    }

    /// The same checkpoint with more signature lines; they are verified when read, not here.
    ///
    /// # Errors
    /// [`TlogError::Note`] when a line is malformed.
    pub fn with_lines(&self, lines: &str) -> Result<Self, TlogError> {
        let mut joined = self.clone();
        for line in lines.lines() {
            joined.note.add(crate::note::NoteSignature::parse(line)?);
        }
        Ok(joined)
    }
}

fn unsigned_by<'a>(keys: impl Iterator<Item = &'a VerifierKey>) -> TlogError {
    let known: Vec<String> = keys.map(|key| format!("{}+{}", key.name(), hex::encode(key.id()))).collect();
    TlogError::NoKnownSignature { known: known.join(", ") }
}

/// Two checkpoints that one log signed and that cannot both be true: same origin and size, different roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkEvidence {
    first: SignedCheckpoint,
    second: SignedCheckpoint,
}

/// The line between the two notes of an evidence file.
const SEPARATOR: &str = "---\n";

impl ForkEvidence {
    /// Pairs two verified checkpoints; `None` when they do not contradict each other by themselves.
    #[must_use]
    pub fn new(first: SignedCheckpoint, second: SignedCheckpoint) -> Option<Self> {
        let (a, b) = (&first.checkpoint, &second.checkpoint);
        (a.origin == b.origin && a.size == b.size && a.root != b.root).then_some(Self { first, second })
    }

    /// Reads an evidence file: two notes with a line `---` between, both signed by `log`, contradicting each other.
    ///
    /// # Errors
    /// [`TlogError::Checkpoint`] when it is no such pair, and the errors of [`SignedCheckpoint::parse`].
    pub fn parse(bytes: &[u8], log: &VerifierKey) -> Result<Self, TlogError> {
        let text = std::str::from_utf8(bytes).map_err(|_| TlogError::Note("it is not UTF-8"))?;
        let missing = || TlogError::Checkpoint("there is no line --- between two notes");
        // A checkpoint's note has exactly one blank line, so the separator is the first one after it: an extension line `---`,
        // which a forking log might add to make the evidence unreadable, comes before.
        let blank = text.find("\n\n").ok_or_else(missing)?;
        let at = blank + text[blank..].find("\n---\n").ok_or_else(missing)?;
        let (first, second) = (&text[..=at], &text[at + 1 + SEPARATOR.len()..]);
        let first = SignedCheckpoint::parse(first.as_bytes(), log)?;
        let second = SignedCheckpoint::parse(second.as_bytes(), log)?;
        Self::new(first, second).ok_or(TlogError::Checkpoint("the two checkpoints do not contradict each other"))
    }

    /// The evidence file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{}{SEPARATOR}{}", self.first.note, self.second.note).into_bytes()
    }

    /// Origin of the log that forked.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.first.checkpoint.origin
    }

    /// The checkpoint seen first.
    #[must_use]
    pub fn first(&self) -> &SignedCheckpoint {
        &self.first
    }

    /// The checkpoint that contradicts it.
    #[must_use]
    pub fn second(&self) -> &SignedCheckpoint {
        &self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::EMPTY_ROOT;

    fn signer() -> NoteSigner {
        NoteSigner::from_seed("example.com/log", KeyType::Ed25519, &[1; 32]).unwrap()
    }

    #[test]
    fn checkpoints_round_trip() {
        let mut checkpoint = Checkpoint::new("example.com/log", 7, [3; 32]);
        checkpoint.extensions.push("extra".into());
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()).unwrap(), checkpoint);
        let signed = checkpoint.sign(&signer()).unwrap();
        let again = SignedCheckpoint::parse(&signed.to_bytes(), signer().verifier()).unwrap();
        assert_eq!(again, signed);
    }

    #[test]
    fn malformed_texts_are_refused() {
        let root = format_hash(&EMPTY_ROOT);
        let texts = [
            String::new(),
            "\n".into(),
            "o\n".into(),
            "o\n1\n".into(),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n9223372036854775808\n{root}\n"),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            format!("o\n1\n{}\n", &root[4..]),
            format!("o\n1\n{root}"),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{root}\nx\n\ny\n"),
        ];
        for text in texts {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn another_logs_checkpoint_is_refused() {
        let note = Note::sign("other\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", &signer()).unwrap();
        let read = SignedCheckpoint::parse(&note.to_bytes(), signer().verifier());
        assert!(matches!(read, Err(TlogError::WrongOrigin { .. })));
        assert!(matches!(Checkpoint::new("other", 0, EMPTY_ROOT).sign(&signer()), Err(TlogError::WrongOrigin { .. })));
    }

    #[test]
    fn a_post_quantum_line_stands_beside_the_first_and_never_in_its_place() {
        let second = NoteSigner::from_seed("example.com/log", KeyType::MlDsa44, &[2; 32]).unwrap();
        let keys = [signer().verifier().clone(), second.verifier().clone()];
        let plain = Checkpoint::new("example.com/log", 7, [3; 32]).sign(&signer()).unwrap();
        let both = plain.sign_also(&second, 1_800_000_000).unwrap();
        let parse = |bytes: &[u8]| SignedCheckpoint::parse_for_keys(bytes, "example.com/log", &keys);
        let parse_all = |bytes: &[u8]| SignedCheckpoint::parse_for_all_keys(bytes, "example.com/log", &keys);
        let missing =
            |found: Result<SignedCheckpoint, TlogError>| matches!(found, Err(TlogError::NoKnownSignature { .. }));
        assert_eq!(parse_all(&both.to_bytes()).unwrap(), both);
        // Who knows the first key only goes on as before; who wants both is told which line is missing.
        assert!(SignedCheckpoint::parse(&both.to_bytes(), signer().verifier()).is_ok());
        assert!(parse(&plain.to_bytes()).is_ok());
        assert!(missing(parse_all(&plain.to_bytes())));
        let alone = Note::new(plain.note().text(), vec![both.note().signatures()[1].clone()]).unwrap();
        assert!(missing(parse(&alone.to_bytes())));
        // The line of another checkpoint does not fit.
        let other = Checkpoint::new("example.com/log", 8, [3; 32]).sign(&signer()).unwrap();
        let mut mixed = other.note().clone();
        mixed.add(both.note().signatures()[1].clone());
        assert!(matches!(parse(&mixed.to_bytes()), Err(TlogError::BadSignature { .. })));
        // What the log keeps of a note has both of its lines.
        let mut kept = parse(&both.to_bytes()).unwrap();
        kept.retain_log_lines();
        assert_eq!(kept.note().signatures().len(), 2);
        let stranger = NoteSigner::from_seed("example.com/other", KeyType::MlDsa44, &[2; 32]).unwrap();
        assert!(matches!(plain.sign_also(&stranger, 1), Err(TlogError::WrongOrigin { .. })));
        assert!(matches!(plain.sign_also(&signer(), 1), Err(TlogError::KeyType { .. })));
    }

    #[test]
    fn fork_evidence_needs_a_contradiction() {
        let sign = |size, root| Checkpoint::new("example.com/log", size, root).sign(&signer()).unwrap();
        let evidence = ForkEvidence::new(sign(5, [1; 32]), sign(5, [2; 32])).unwrap();
        assert_eq!(ForkEvidence::parse(&evidence.to_bytes(), signer().verifier()).unwrap(), evidence);
        let mut tricky = Checkpoint::new("example.com/log", 5, [2; 32]);
        tricky.extensions.push("---".into());
        let tricky = ForkEvidence::new(tricky.sign(&signer()).unwrap(), sign(5, [1; 32])).unwrap();
        assert_eq!(ForkEvidence::parse(&tricky.to_bytes(), signer().verifier()).unwrap(), tricky);
        assert!(ForkEvidence::new(sign(5, [1; 32]), sign(5, [1; 32])).is_none());
        assert!(ForkEvidence::new(sign(5, [1; 32]), sign(6, [2; 32])).is_none());
        let other = NoteSigner::from_seed("example.com/log", KeyType::Ed25519, &[2; 32]).unwrap();
        assert!(ForkEvidence::parse(&evidence.to_bytes(), other.verifier()).is_err());
    }
}
