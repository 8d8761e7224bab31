//! Statements: envelope, canonical CBOR, key files.

use standstill_statement::{PublicKey, SigningKey, Statement, canonical, decode_unverified, show, verify};

/// A COSE envelope. What is shown unverified and what is verified must both survive hostile bytes.
pub fn envelope(bytes: &[u8]) -> bool {
    let shown = decode_unverified(bytes);
    if let Ok(statement) = &shown {
        let _ = show::text(statement);
    }
    let signed = verify(bytes, &[SigningKey::from_seed([3; 32]).public()]);
    assert!(signed.is_err() || shown.is_ok(), "a verified statement can be shown");
    shown.is_ok()
}

/// The payload alone: canonical CBOR has one encoding per value.
pub fn body(bytes: &[u8]) -> bool {
    let Ok(statement) = canonical::from_slice::<Statement>(bytes) else { return false };
    assert_eq!(canonical::to_vec(&statement).ok().as_deref(), Some(bytes), "a second encoding was accepted");
    true
}

/// Key texts.
pub fn key_file(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let public =
        text.trim().parse::<PublicKey>().map(|key| assert_eq!(key.to_string().parse::<PublicKey>().ok(), Some(key)));
    SigningKey::from_file_text(text).is_ok() || public.is_ok()
}
