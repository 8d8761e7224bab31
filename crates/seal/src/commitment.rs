//! Pedersen commitments `v·G + r·H` on Ristretto255 (RFC 9496), and strict decoding of points and scalars.
//!
//! `G` is the Ristretto base point; `H` is the first blinding generator of `tari_bulletproofs_plus`
//! (`RISTRETTO_MASKING_BASEPOINT_1` hashed with SHA3-512), whose discrete logarithm to base `G` nobody knows.

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::traits::{Identity, IsIdentity};
use serde::{Deserialize, Serialize};
use standstill_statement::Hash32;
use std::sync::OnceLock;
use tari_bulletproofs_plus::generators::pedersen_gens::ExtensionDegree;
use tari_bulletproofs_plus::ristretto::create_pedersen_gens_with_extension_degree;

/// Encoding of a point: 32 bytes, lower-case hexadecimal in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointBytes(pub Hash32);

impl PointBytes {
    /// Encodes a point (RFC 9496, section 4.3.2).
    #[must_use]
    pub fn of(point: &RistrettoPoint) -> Self {
        Self(Hash32(point.compress().to_bytes()))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Decodes the one valid encoding of a point; `None` for any other bytes.
    #[must_use]
    pub fn point(&self) -> Option<RistrettoPoint> {
        CompressedRistretto(*self.as_bytes()).decompress()
    }

    /// As [`PointBytes::point`], and refuses the identity, which would be a commitment that hides nothing.
    #[must_use]
    pub fn commitment(&self) -> Option<RistrettoPoint> {
        self.point().filter(|point| !point.is_identity())
    }
}

/// The blinding generator `H`.
#[must_use]
pub fn blinding_generator() -> &'static RistrettoPoint {
    static H: OnceLock<RistrettoPoint> = OnceLock::new();
    H.get_or_init(|| {
        let generators = create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
        generators.g_base_vec.first().copied().unwrap_or_else(RistrettoPoint::identity)
    })
}

fn blinding_table() -> &'static RistrettoBasepointTable {
    static TABLE: OnceLock<RistrettoBasepointTable> = OnceLock::new();
    TABLE.get_or_init(|| RistrettoBasepointTable::create(blinding_generator()))
}

/// `v·G + r·H` in constant time.
#[must_use]
pub fn commit(value: &Scalar, blinding: &Scalar) -> RistrettoPoint {
    value * RISTRETTO_BASEPOINT_TABLE + blinding * blinding_table()
}

/// `r·H` in constant time.
#[must_use]
pub fn blind(blinding: &Scalar) -> RistrettoPoint {
    blinding * blinding_table()
}

/// The scalar of 32 canonical little-endian bytes; `None` when they are not below the group order.
#[must_use]
pub fn canonical_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(*bytes).into()
}

/// `factor · point` by double-and-add, in variable time: for public points only.
#[must_use]
pub fn small_multiple(point: &RistrettoPoint, factor: u64) -> RistrettoPoint {
    let mut sum = RistrettoPoint::identity();
    for bit in (0..64 - factor.leading_zeros()).rev() {
        sum += sum;
        if factor >> bit & 1 == 1 {
            sum += point;
        }
    }
    sum
}

#[cfg(test)]
mod tests;
