//! Seals: blobs, records, proofs, openings, secrets.

use standstill_seal::blob::{FleetBlob, WindowBlob};
use standstill_seal::commitment::PointBytes;
use standstill_seal::range::{LANE, SLACK, Sequence};
use standstill_seal::record::{WindowRecord, decode_fleet_all};
use standstill_seal::{MasterSecret, Opening, PrivateWindow};
use standstill_statement::Hash32;

/// Fleet and report blobs. The first byte says how many groups the statement claims.
pub fn blobs(bytes: &[u8]) -> bool {
    let Some((groups, rest)) = bytes.split_first() else { return false };
    let groups = u32::from(*groups % 8) + 1;
    let fleet = FleetBlob::decode(rest, groups);
    let window = WindowBlob::decode(rest, groups, 2, 4);
    if let Ok(blob) = &fleet {
        let _ = decode_fleet_all(groups, &blob.records.0);
    }
    let _ = WindowRecord::decode_all(groups, rest);
    let _ = WindowRecord::decode(0, rest);
    fleet.is_ok() | window.is_ok()
}

/// What the proof seeds are about.
pub fn sequence() -> Sequence<'static> {
    Sequence { shape: SLACK, context: Hash32([5; 32]), statement: "rule", about: b"fuzz" }
}

/// One commitment and a proof of its range. Whoever does not know the opening can make no other proof than the one that was published.
pub fn proofs(bytes: &[u8]) -> bool {
    let Some((point, proof)) = bytes.split_first_chunk::<32>() else { return false };
    let encoded = PointBytes(Hash32(*point));
    let Some(commitment) = encoded.commitment() else { return false };
    let accepted = sequence().verify(&[(commitment, encoded)], proof).is_ok();
    assert!(!accepted || crate::seeds::seal_proofs().iter().any(|seed| seed == bytes), "a second proof was accepted");
    let other = Sequence { shape: LANE, ..sequence() };
    assert!(other.verify(&[(commitment, encoded)], proof).is_err(), "a proof of another shape was accepted");
    accepted
}

/// What a lab shows an inspector, and what it keeps for itself.
pub fn openings(bytes: &[u8]) -> bool {
    let opening = Opening::from_bytes(bytes);
    if let Ok(opening) = &opening {
        assert_eq!(opening.to_bytes().ok().as_deref(), Some(bytes));
    }
    let secret = std::str::from_utf8(bytes).is_ok_and(|text| MasterSecret::from_file_text(text).is_ok());
    opening.is_ok() | PrivateWindow::from_bytes(bytes).is_ok() | secret
}
