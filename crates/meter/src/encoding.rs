//! Canonical bytes of a partial result (`docs/formats/meter.md`): one encoding per result, closed by a SHA-256 over everything before it.

mod reader;
mod writer;

use crate::{MeterError, Partials};
use sha2::{Digest, Sha256};
use standstill_statement::Hash32;
use std::ops::Range;

/// First bytes of every partial file; also the domain of its hash.
pub const MAGIC: &[u8] = b"standstill/1/partials\0";

/// Bytes of the closing hash.
pub(crate) const HASH_BYTES: usize = 32;

impl Partials {
    /// Largest partial file that is read, 4 GiB.
    pub const MAX_BYTES: u64 = 4 << 30;

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = writer::body(self);
        let hash = Sha256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        bytes
    }

    /// SHA-256 over the encoding without its closing hash, which is that hash.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32(Sha256::digest(writer::body(self)).into())
    }

    /// [`Partials::hash`] of the result restricted to one device and a range of slots: what a ledger row rests on.
    #[must_use]
    pub fn device_hash(&self, device: &str, slots: &Range<i64>) -> Hash32 {
        let units = self.devices.get(device).map_or(&[][..], Vec::as_slice);
        let units: Vec<_> = units.iter().filter(|(slot, _)| slots.contains(slot)).cloned().collect();
        Hash32(Sha256::digest(writer::restricted(self, device, &units)).into())
    }

    /// Reads canonical bytes; `place` names the file in errors.
    ///
    /// # Errors
    /// [`MeterError::Partial`] when the bytes are truncated, changed, not canonical or impossible (more time than the slot has).
    pub fn decode(bytes: &[u8], place: &str) -> Result<Self, MeterError> {
        let fail = |what| MeterError::Partial { place: place.to_owned(), what };
        let (body, hash) =
            bytes.split_at_checked(bytes.len().saturating_sub(HASH_BYTES)).ok_or(fail("it is truncated"))?;
        if Sha256::digest(body).as_slice() != hash {
            return Err(fail("its closing hash does not match its content"));
        }
        let partials = reader::body(body).map_err(fail)?;
        // One encoding per result: whatever else decodes is refused.
        if writer::body(&partials) == body { Ok(partials) } else { Err(fail("it is not in canonical form")) }
    }
}
