//! C2SP tlog-cosignature, the Ed25519 form (type 0x04).
//!
//! A cosignature by witness `w` at time `t` says: as of `t`, the largest consistent tree that `w` has seen for this origin is this one.
//! Bytes: `u64 big-endian time ‖ 64-byte Ed25519 signature`, signed over `cosignature/v1\ntime <t>\n` and the whole note text.

use crate::TlogError;
use crate::key::{KeyType, NoteSigner, VerifierKey};
use crate::note::NoteSignature;

/// Latest time that fits the format, Unix seconds.
pub const MAX_TIME_UNIX_SECONDS: u64 = i64::MAX as u64;

fn message(time_unix_seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_unix_seconds}\n{text}").into_bytes()
}

/// Cosigns a checkpoint's note text.
///
/// # Errors
/// [`TlogError::KeyType`] when the key is not of type 0x04; [`TlogError::Cosignature`] when the time is 0 or above 2^63-1.
pub fn sign(signer: &NoteSigner, time_unix_seconds: u64, text: &str) -> Result<NoteSignature, TlogError> {
    signer.require(KeyType::CosignatureV1)?;
    check_time(time_unix_seconds)?;
    let mut bytes = time_unix_seconds.to_be_bytes().to_vec();
    bytes.extend(signer.sign_raw(&message(time_unix_seconds, text)));
    Ok(signer.signature(bytes))
}

/// Checks cosignature bytes (after the key id) over a note text and gives the time in Unix seconds.
///
/// # Errors
/// [`TlogError::Cosignature`] for a wrong length or time, [`TlogError::BadSignature`] when it does not verify,
/// [`TlogError::KeyType`] when the key is not a witness key.
pub fn verify(key: &VerifierKey, text: &str, bytes: &[u8]) -> Result<u64, TlogError> {
    if key.key_type() != KeyType::CosignatureV1 {
        let (name, found) = (key.name().to_owned(), key.key_type() as u8);
        return Err(TlogError::KeyType { name, found, wanted: KeyType::CosignatureV1.purpose() });
    }
    let time = time_of(bytes)?;
    key.verify_raw(&message(time, text), &bytes[8..])?;
    Ok(time)
}

/// The time that cosignature bytes claim, not verified.
pub(crate) fn time_of(bytes: &[u8]) -> Result<u64, TlogError> {
    match bytes.split_first_chunk::<8>() {
        Some((time, signature)) if signature.len() == 64 => {
            let time = u64::from_be_bytes(*time);
            check_time(time)?;
            Ok(time)
        }
        _ => Err(TlogError::Cosignature("it is not 8 bytes of time and 64 bytes of signature")),
    }
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
}
