//! Proof of knowledge of `x` with `D = x·H`: a commitment that opens to 0 (Schnorr, made non-interactive with a merlin transcript).

use crate::commitment::{PointBytes, blind, canonical_scalar};
use curve25519_dalek::{RistrettoPoint, Scalar};
use rand_core::CryptoRng;
use standstill_statement::Hash32;
use tari_merlin::Transcript;
use zeroize::Zeroizing;

/// Bytes of a proof: the announcement `A` (32), then the response `s` (32).
pub const PROOF_BYTES: usize = 64;

/// Proves that `point = secret·H`. The nonce is synthetic: it depends on transcript, secret and `rng`, so a broken generator alone
/// does not repeat it for two statements.
pub fn prove<R: CryptoRng>(
    mut transcript: Transcript,
    point: &RistrettoPoint,
    secret: &Scalar,
    rng: &mut R,
) -> [u8; PROOF_BYTES] {
    transcript.append_message(b"D", PointBytes::of(point).as_bytes());
    let mut nonce_rng = transcript.build_rng().rekey_with_witness_bytes(b"secret", secret.as_bytes()).finalize(rng);
    let nonce = Zeroizing::new(Scalar::random(&mut nonce_rng));
    let announcement = PointBytes::of(&blind(&nonce));
    let challenge = challenge(&mut transcript, &announcement);
    let response = *nonce + challenge * secret;
    let mut proof = [0; PROOF_BYTES];
    proof[..32].copy_from_slice(announcement.as_bytes());
    proof[32..].copy_from_slice(response.as_bytes());
    proof
}

/// Checks `s·H = A + e·D`. Refuses a response that is not canonical, and an announcement that is no point or the identity.
#[must_use]
pub fn verify(mut transcript: Transcript, point: &RistrettoPoint, proof: &[u8]) -> bool {
    let Some((announcement, response)) = parse(proof) else { return false };
    let Some(announced) = announcement.commitment() else { return false };
    transcript.append_message(b"D", PointBytes::of(point).as_bytes());
    let challenge = challenge(&mut transcript, &announcement);
    blind(&response) == announced + challenge * point
}

fn parse(proof: &[u8]) -> Option<(PointBytes, Scalar)> {
    let proof: &[u8; PROOF_BYTES] = proof.try_into().ok()?;
    let (announcement, response) = proof.split_at(32);
    let response = canonical_scalar(response.try_into().ok()?)?;
    Some((PointBytes(Hash32(announcement.try_into().ok()?)), response))
}

fn challenge(transcript: &mut Transcript, announcement: &PointBytes) -> Scalar {
    transcript.append_message(b"A", announcement.as_bytes());
    let mut wide = [0; 64];
    transcript.challenge_bytes(b"e", &mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}
