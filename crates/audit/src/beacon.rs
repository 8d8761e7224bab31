//! Public randomness: drand rounds, verified offline against a pinned key.
//!
//! Scheme `bls-unchained-g1-rfc9380` (drand "quicknet"): round `n` is the BLS signature on G1 over `SHA-256(n as u64, big-endian)`,
//! under a public key on G2; the randomness is the SHA-256 of the signature. Each round is valid by itself, so that a verifier
//! needs 48 bytes and no history.

use crate::AuditError;
use blst::BLST_ERROR;
use blst::min_sig::{PublicKey, Signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use standstill_statement::Hash32;

mod demo;
pub use demo::DemoBeacon;

/// Domain separation tag of RFC 9380 suite `BLS12381G1_XMD:SHA-256_SSWU_RO_` as drand uses it.
pub const SIGNATURE_DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Bytes of a compressed G1 point.
pub const SIGNATURE_BYTES: usize = 48;

/// Bytes of a compressed G2 point.
pub const PUBLIC_KEY_BYTES: usize = 96;

/// Longest accepted beacon name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Longest accepted round file, in bytes. Real ones are under 300 bytes.
const MAX_ROUND_FILE_BYTES: usize = 4096;

/// Name of the drand network that agreements use by default.
pub const QUICKNET: &str = "quicknet";

/// quicknet's group public key, from its chain information (`/info` of chain [`QUICKNET_CHAIN_HASH`]).
pub const QUICKNET_PUBLIC_KEY: &str = concat!(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451",
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
);

/// quicknet's chain hash, by which drand addresses the network.
pub const QUICKNET_CHAIN_HASH: &str = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";

/// Time of quicknet's round 1, in seconds since the Unix epoch (2023-08-23).
pub const QUICKNET_GENESIS_UNIX_SECONDS: u64 = 1_692_803_367;

/// Seconds between quicknet's rounds.
pub const QUICKNET_PERIOD_SECONDS: u32 = 3;

/// A beacon with its pinned parameters. They come from the agreement, never from the bundle that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    name: String,
    key: PublicKey,
    genesis_unix_seconds: u64,
    period_seconds: u32,
}

/// One round as published: a number and a signature. Nothing is known about it before [`Beacon::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Round number; 1 is the first.
    pub round: u64,
    /// Compressed G1 point.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// The verified output of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randomness {
    /// Round number.
    pub round: u64,
    /// SHA-256 of the signature.
    pub bytes: [u8; 32],
}

impl Beacon {
    /// A beacon from an agreement's terms.
    ///
    /// `public_key_hex` is 192 hexadecimal digits; `genesis_unix_seconds` is the time of round 1; `period_seconds` is positive.
    ///
    /// # Errors
    /// [`AuditError::BeaconKey`] when the key is not a point of the prime-order subgroup of G2 or is the identity;
    /// [`AuditError::BeaconTime`] when the period is zero; [`AuditError::BeaconName`] when the name is a public beacon's and
    /// the parameters are not.
    pub fn new(
        name: &str,
        public_key_hex: &str,
        genesis_unix_seconds: u64,
        period_seconds: u32,
    ) -> Result<Self, AuditError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            let beacon = name.chars().take(MAX_NAME_BYTES).collect();
            return Err(AuditError::BeaconTime { beacon, why: "the name must be 1 to 64 visible ASCII characters" });
        }
        if period_seconds == 0 {
            return Err(AuditError::BeaconTime {
                beacon: name.to_owned(),
                why: "the period must be at least one second",
            });
        }
        let key = parse_key(name, public_key_hex)?;
        let beacon = Self { name: name.to_owned(), key, genesis_unix_seconds, period_seconds };
        beacon.refuse_borrowed_name(public_key_hex)?;
        Ok(beacon)
    }

    /// drand's quicknet with its pinned key.
    ///
    /// # Errors
    /// Never in practice: the pinned key is checked by a test.
    pub fn quicknet() -> Result<Self, AuditError> {
        Self::new(QUICKNET, QUICKNET_PUBLIC_KEY, QUICKNET_GENESIS_UNIX_SECONDS, QUICKNET_PERIOD_SECONDS)
    }

    /// An agreement that says "quicknet" and pins another key would look public while one person controls the draw.
    fn refuse_borrowed_name(&self, public_key_hex: &str) -> Result<(), AuditError> {
        let plain = self.name.to_ascii_lowercase();
        if !plain.contains(QUICKNET) && !plain.starts_with("drand") {
            return Ok(());
        }
        let pinned = public_key_hex.eq_ignore_ascii_case(QUICKNET_PUBLIC_KEY)
            && self.genesis_unix_seconds == QUICKNET_GENESIS_UNIX_SECONDS
            && self.period_seconds == QUICKNET_PERIOD_SECONDS;
        if pinned { Ok(()) } else { Err(AuditError::BeaconName { beacon: self.name.clone() }) }
    }

    /// Name used in the agreement.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True for drand's quicknet, false for any other beacon, above all a demonstration beacon.
    #[must_use]
    pub fn is_public(&self) -> bool {
        hex::encode(self.key.compress()) == QUICKNET_PUBLIC_KEY
    }

    /// The public key, compressed.
    #[must_use]
    pub fn public_key_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.key.compress()
    }

    /// Verifies one round and gives its randomness.
    ///
    /// # Errors
    /// [`AuditError::Round`] when the signature is no canonical point of the prime-order subgroup of G1, is the identity, or does
    /// not sign this round under this key.
    pub fn verify(&self, round: &Round) -> Result<Randomness, AuditError> {
        let refuse = |why| AuditError::Round { beacon: self.name.clone(), round: round.round, why };
        if round.round == 0 {
            return Err(refuse("rounds start at 1"));
        }
        let signature =
            Signature::uncompress(&round.signature).map_err(|_| refuse("the signature is no point of G1"))?;
        if signature.compress() != round.signature {
            return Err(refuse("the signature is not in its canonical encoding"));
        }
        signature
            .validate(true)
            .map_err(|_| refuse("the signature is outside the prime-order subgroup or the identity"))?;
        let message = Sha256::digest(round.round.to_be_bytes());
        match signature.verify(true, &message, SIGNATURE_DOMAIN, &[], &self.key, false) {
            BLST_ERROR::BLST_SUCCESS => {
                Ok(Randomness { round: round.round, bytes: Sha256::digest(round.signature).into() })
            }
            _ => Err(refuse("the signature does not belong to this round and key")),
        }
    }

    /// Time at which a round is published, in seconds since the Unix epoch; `None` for round 0 or beyond `u64`.
    #[must_use]
    pub fn time_of_round(&self, round: u64) -> Option<u64> {
        let after_first = round.checked_sub(1)?.checked_mul(u64::from(self.period_seconds))?;
        self.genesis_unix_seconds.checked_add(after_first)
    }

    /// The first round whose time is strictly later than `unix_seconds + delay_seconds`: the only round that may draw from
    /// reports that had to be public by `unix_seconds`. Strictly, because a round published in the same second as a cosignature may
    /// have been seen before it.
    ///
    /// `None` when the sum exceeds `u64`.
    #[must_use]
    pub fn first_round_after(&self, unix_seconds: u64, delay_seconds: u64) -> Option<u64> {
        let instant = unix_seconds.checked_add(delay_seconds)?;
        match instant.checked_sub(self.genesis_unix_seconds) {
            None => Some(1),
            Some(elapsed) => (elapsed / u64::from(self.period_seconds)).checked_add(2),
        }
    }
}

fn parse_key(beacon: &str, public_key_hex: &str) -> Result<PublicKey, AuditError> {
    let refuse = |why| AuditError::BeaconKey { beacon: beacon.to_owned(), why };
    let mut bytes = [0u8; PUBLIC_KEY_BYTES];
    hex::decode_to_slice(public_key_hex, &mut bytes).map_err(|_| refuse("is not 192 hexadecimal digits"))?;
    let key = PublicKey::uncompress(&bytes).map_err(|_| refuse("is no point of G2"))?;
    key.validate().map_err(|_| refuse("is outside the prime-order subgroup of G2 or the identity"))?;
    if key.compress() == bytes { Ok(key) } else { Err(refuse("is not in its canonical encoding")) }
}

/// The file form, the fields of drand's own HTTP answer. `randomness` may be present and is then checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundFile {
    round: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    randomness: Option<String>,
    signature: String,
}

impl Round {
    /// Reads `{"round":1000,"signature":"…"}`, with drand's `"randomness"` allowed. At most 4 KiB; unknown fields are refused.
    ///
    /// # Errors
    /// [`AuditError::RoundFile`] when the file is too large, no such JSON object, or its randomness is not the signature's hash.
    pub fn parse_json(bytes: &[u8]) -> Result<Self, AuditError> {
        let refuse = |why: String| AuditError::RoundFile { why };
        if bytes.len() > MAX_ROUND_FILE_BYTES {
            return Err(refuse(format!("{} bytes are more than {MAX_ROUND_FILE_BYTES}", bytes.len())));
        }
        let file: RoundFile = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        let mut signature = [0u8; SIGNATURE_BYTES];
        hex::decode_to_slice(&file.signature, &mut signature)
            .map_err(|_| refuse("the signature is not 96 hexadecimal digits".to_owned()))?;
        let randomness = hex::encode(Sha256::digest(signature));
        if file.randomness.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(&randomness)) {
            return Err(refuse("the randomness is not the SHA-256 of the signature".to_owned()));
        }
        Ok(Self { round: file.round, signature })
    }

    /// The file form, one line without `randomness`, as bundles carry it.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{{\"round\":{},\"signature\":\"{}\"}}\n", self.round, hex::encode(self.signature))
    }
}

impl Randomness {
    /// The bytes as a hash value, for showing and for vectors.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32(self.bytes)
    }
}

#[cfg(test)]
mod tests;
