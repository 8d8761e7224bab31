//! C2SP tlog-cosignature: Ed25519 (type 0x04) and ML-DSA-44 (type 0x06).
//!
//! A cosignature by witness `w` at time `t` says: as of `t`, the largest consistent tree that `w` has seen for this origin is this one.
//! Bytes: `u64 big-endian time ‖ signature`. Ed25519 signs `cosignature/v1\n`, `time <t>\n` and the whole note text; ML-DSA-44 signs
//! [`Subtree`], which names the cosigner, leaves extension lines out, and can be about a part of the tree.

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::key::{KeyType, NoteSigner, VerifierKey};
use crate::merkle::Hash;
use crate::mldsa;
use crate::note::NoteSignature;

/// Latest time that fits the format, Unix seconds.
pub const MAX_TIME_UNIX_SECONDS: u64 = i64::MAX as u64;

/// Longest cosigner name and origin that an ML-DSA-44 message can hold, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

const ED25519_BYTES: usize = 64;

const LENGTH_RULE: &str = "it is not 8 bytes of time and a signature of 64 (Ed25519) or 2420 bytes (ML-DSA-44)";

/// First bytes of every ML-DSA-44 message.
const LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// What an ML-DSA-44 cosignature is about: the tree hash of the leaves `start..end` of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// Origin of the log.
    pub origin: String,
    /// First leaf; 0 for a checkpoint.
    pub start: u64,
    /// One past the last leaf; the size for a checkpoint.
    pub end: u64,
    /// Tree hash of those leaves.
    pub hash: Hash,
}

impl Subtree {
    /// The whole tree of a checkpoint.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        Self { origin: checkpoint.origin.clone(), start: 0, end: checkpoint.size, hash: checkpoint.root }
    }

    /// The signed message.
    fn message(&self, cosigner: &str, time_unix_seconds: u64) -> Result<Vec<u8>, TlogError> {
        let mut message = LABEL.to_vec();
        let text = |text: &str, message: &mut Vec<u8>| match u8::try_from(text.len()) {
            Ok(length) if length > 0 => {
                message.push(length);
                message.extend(text.as_bytes());
                Ok(())
            }
            _ => Err(TlogError::Cosignature("the cosigner's name or the origin does not have 1 to 255 bytes")),
        };
        text(cosigner, &mut message)?;
        message.extend(time_unix_seconds.to_be_bytes());
        text(&self.origin, &mut message)?;
        message.extend(self.start.to_be_bytes());
        message.extend(self.end.to_be_bytes());
        message.extend(self.hash);
        Ok(message)
    }
}

fn ed25519_message(time_unix_seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_unix_seconds}\n{text}").into_bytes()
}

/// Cosigns a checkpoint's note text.
///
/// # Errors
/// [`TlogError::KeyType`] when the key is a log's plain one; [`TlogError::Cosignature`] when the time is 0 or above 2^63-1, or a name is
/// too long for ML-DSA-44; [`TlogError::Checkpoint`] when an ML-DSA-44 key is to sign what is no checkpoint.
pub fn sign(signer: &NoteSigner, time_unix_seconds: u64, text: &str) -> Result<NoteSignature, TlogError> {
    let key = signer.verifier();
    check_time(time_unix_seconds)?;
    let message = match key.key_type() {
        KeyType::Ed25519 => return Err(wrong_type(key)),
        KeyType::CosignatureV1 => ed25519_message(time_unix_seconds, text),
        KeyType::MlDsa44 => Subtree::of(&Checkpoint::parse(text)?).message(key.name(), time_unix_seconds)?,
    };
    Ok(timestamped(signer, time_unix_seconds, &message))
}

/// Cosigns a part of a tree (tlog-witness, sign-subtree), with time 0: nothing is said about when, or that it is the largest.
///
/// # Errors
/// [`TlogError::KeyType`] when the key is not of type 0x06; [`TlogError::Cosignature`] when a name is too long.
pub fn sign_subtree(signer: &NoteSigner, subtree: &Subtree) -> Result<NoteSignature, TlogError> {
    signer.require(KeyType::MlDsa44)?;
    Ok(timestamped(signer, 0, &subtree.message(signer.verifier().name(), 0)?))
}

fn timestamped(signer: &NoteSigner, time_unix_seconds: u64, message: &[u8]) -> NoteSignature {
    let mut bytes = time_unix_seconds.to_be_bytes().to_vec();
    bytes.extend(signer.sign_raw(message));
    signer.signature(bytes)
}

/// Checks cosignature bytes (after the key id) over a note text and gives the time in Unix seconds.
///
/// An ML-DSA-44 time may be 0: the cosigner then says nothing about when. A policy counts such a line for no time.
///
/// # Errors
/// [`TlogError::Cosignature`] for a wrong length or time, [`TlogError::BadSignature`] when it does not verify,
/// [`TlogError::KeyType`] when the key is not a witness key, [`TlogError::Checkpoint`] when an ML-DSA-44 line is over no checkpoint.
pub fn verify(key: &VerifierKey, text: &str, bytes: &[u8]) -> Result<u64, TlogError> {
    let time = time_of(bytes)?;
    let message = match key.key_type() {
        KeyType::Ed25519 => return Err(wrong_type(key)),
        KeyType::CosignatureV1 => ed25519_message(time, text),
        KeyType::MlDsa44 => Subtree::of(&Checkpoint::parse(text)?).message(key.name(), time)?,
    };
    key.verify_raw(&message, &bytes[8..])?;
    Ok(time)
}

/// Checks a subtree cosignature: type 0x06, time 0.
///
/// # Errors
/// As [`verify`]; also [`TlogError::Cosignature`] when the time is not 0.
pub fn verify_subtree(key: &VerifierKey, subtree: &Subtree, bytes: &[u8]) -> Result<(), TlogError> {
    if key.key_type() != KeyType::MlDsa44 {
        return Err(wrong_type(key));
    }
    if time_of(bytes)? != 0 {
        return Err(TlogError::Cosignature("a subtree cosignature has a time"));
    }
    key.verify_raw(&subtree.message(key.name(), 0)?, &bytes[8..])
}

fn wrong_type(key: &VerifierKey) -> TlogError {
    let (name, found) = (key.name().to_owned(), key.key_type() as u8);
    TlogError::KeyType { name, found, wanted: KeyType::CosignatureV1.purpose() }
}

/// The time that cosignature bytes claim, not verified. The length says which of the two forms it is; Ed25519 has no time 0.
pub(crate) fn time_of(bytes: &[u8]) -> Result<u64, TlogError> {
    let (time, signature) = bytes.split_first_chunk::<8>().ok_or(TlogError::Cosignature(LENGTH_RULE))?;
    let least = match signature.len() {
        ED25519_BYTES => 1,
        mldsa::SIGNATURE_BYTES => 0,
        _ => return Err(TlogError::Cosignature(LENGTH_RULE)),
    };
    let time = u64::from_be_bytes(*time);
    if time < least || time > MAX_TIME_UNIX_SECONDS {
        return Err(TlogError::Cosignature("its time is zero or beyond 2^63-1"));
    }
    Ok(time)
}

fn check_time(time_unix_seconds: u64) -> Result<(), TlogError> {
    if time_unix_seconds == 0 || time_unix_seconds > MAX_TIME_UNIX_SECONDS {
        return Err(TlogError::Cosignature("its time is zero or beyond 2^63-1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness() -> NoteSigner {
        NoteSigner::from_seed("w", KeyType::CosignatureV1, &[4; 32]).unwrap()
    }

    #[test]
    fn it_gives_back_the_time_and_binds_it() {
        let line = sign(&witness(), 1_679_315_147, "text\n").unwrap();
        assert_eq!(verify(witness().verifier(), "text\n", &line.bytes).unwrap(), 1_679_315_147);
        let mut later = line.bytes.clone();
        later[7] ^= 1;
        assert!(matches!(verify(witness().verifier(), "text\n", &later), Err(TlogError::BadSignature { .. })));
        assert!(verify(witness().verifier(), "Text\n", &line.bytes).is_err());
        assert!(verify(witness().verifier(), "text\n", &line.bytes[..71]).is_err());
        assert!(verify(witness().verifier(), "text\n", &[]).is_err());
    }

    #[test]
    fn times_out_of_range_and_log_keys_are_refused() {
        for time in [0, MAX_TIME_UNIX_SECONDS + 1, u64::MAX] {
            assert!(matches!(sign(&witness(), time, "text\n"), Err(TlogError::Cosignature(_))));
        }
        sign(&witness(), MAX_TIME_UNIX_SECONDS, "text\n").unwrap();
        let log = NoteSigner::from_seed("w", KeyType::Ed25519, &[4; 32]).unwrap();
        assert!(matches!(sign(&log, 1, "text\n"), Err(TlogError::KeyType { .. })));
    }

    fn post_quantum() -> NoteSigner {
        NoteSigner::from_seed("w.example/pq", KeyType::MlDsa44, &[6; 32]).unwrap()
    }

    #[test]
    fn ml_dsa_binds_name_time_origin_size_and_root_but_no_extension() {
        let text = Checkpoint::new("log.example", 7, [3; 32]).to_string();
        let line = sign(&post_quantum(), 1_679_315_147, &text).unwrap();
        assert_eq!(line.bytes.len(), 8 + 2420);
        assert_eq!(line, sign(&post_quantum(), 1_679_315_147, &text).unwrap(), "signing is deterministic");
        let key = post_quantum().verifier().clone();
        assert_eq!(verify(&key, &text, &line.bytes).unwrap(), 1_679_315_147);
        assert_eq!(verify(&key, &format!("{text}extension\n"), &line.bytes).unwrap(), 1_679_315_147);
        for other in [
            Checkpoint::new("log.example2", 7, [3; 32]),
            Checkpoint::new("log.example", 8, [3; 32]),
            Checkpoint::new("log.example", 7, [4; 32]),
        ] {
            let refused = verify(&key, &other.to_string(), &line.bytes);
            assert!(matches!(refused, Err(TlogError::BadSignature { .. })), "{other}");
        }
        let renamed = VerifierKey::new("w.example/qp", KeyType::MlDsa44, key.public_bytes()).unwrap();
        assert!(matches!(verify(&renamed, &text, &line.bytes), Err(TlogError::BadSignature { .. })));
        let mut later = line.bytes.clone();
        later[7] ^= 1;
        assert!(matches!(verify(&key, &text, &later), Err(TlogError::BadSignature { .. })));
        assert!(verify(&key, &text, &line.bytes[..72]).is_err() && verify(&key, &text, &line.bytes[..100]).is_err());
        assert!(matches!(verify(&key, "no checkpoint\n", &line.bytes), Err(TlogError::Checkpoint(_))));
        assert!(sign(&post_quantum(), 1, &text.replace("log.example", &"x".repeat(256))).is_err());
    }

    #[test]
    fn subtrees_have_no_time() {
        let subtree = Subtree { origin: "log.example".into(), start: 8, end: 13, hash: [7; 32] };
        let line = sign_subtree(&post_quantum(), &subtree).unwrap();
        verify_subtree(post_quantum().verifier(), &subtree, &line.bytes).unwrap();
        let whole = Checkpoint::new("log.example", 13, [7; 32]);
        assert!(verify_subtree(post_quantum().verifier(), &Subtree::of(&whole), &line.bytes).is_err());
        let timed = sign(&post_quantum(), 5, &whole.to_string()).unwrap();
        let refused = verify_subtree(post_quantum().verifier(), &Subtree::of(&whole), &timed.bytes);
        assert!(matches!(refused, Err(TlogError::Cosignature(_))));
        assert!(matches!(sign_subtree(&witness(), &subtree), Err(TlogError::KeyType { .. })));
        // Time 0 over a checkpoint verifies, and says no time.
        let untimed = sign_subtree(&post_quantum(), &Subtree::of(&whole)).unwrap();
        assert_eq!(verify(post_quantum().verifier(), &whole.to_string(), &untimed.bytes).unwrap(), 0);
    }
}
