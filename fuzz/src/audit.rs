//! Beacon rounds, encrypted openings, inspector keys.

use crate::seeds;
use standstill_audit::confide::{InspectorKey, decrypt};
use standstill_audit::{Beacon, Round};

/// A round file, checked against the public chain; nothing but the published round verifies.
pub fn beacon(bytes: &[u8]) -> bool {
    let Ok(round) = Round::parse_json(bytes) else { return false };
    let _ = Beacon::quicknet().map(|beacon| beacon.verify(&round).is_ok());
    true
}

/// An encrypted opening.
pub fn opening(bytes: &[u8]) -> bool {
    let _ = std::str::from_utf8(bytes).map(|text| InspectorKey::from_file_text(text).is_ok());
    let accepted = decrypt(&seeds::inspector(), &seeds::purpose(), bytes).is_ok();
    assert!(!accepted || seeds::sealed_openings().iter().any(|seed| seed == bytes), "a second ciphertext was accepted");
    accepted
}
