//! The key schedule: HKDF-SHA256 (RFC 5869) from one master secret by agreement, party, period, revision, group, lane and value.
//!
//! The value is part of the derivation, so a blinding is never used with two values, even after a restored backup. Opening a
//! group reveals that group's key only; the other groups' keys are independent outputs of the same HKDF.

use crate::error::SealError;
use curve25519_dalek::Scalar;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use standstill_statement::{Hash32, Name};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// First characters of the key line of a secret file.
pub const SECRET_PREFIX: &str = "standstill-seal-secret-1:";
/// Longest secret file, bytes.
const MAX_FILE_BYTES: usize = 4096;

/// The party's long-term seal secret. Wiped when dropped; no `Debug`, no serde.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterSecret([u8; 32]);

impl MasterSecret {
    /// Takes 32 bytes from a good random source.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Contents of a secret file. Whoever writes it must make it readable by its owner only.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode(self.0));
        let warning = "# Standstill seal secret. Whoever reads this file can open every sealed figure of its owner.\n";
        Zeroizing::new(format!("{warning}{SECRET_PREFIX}{}\n", digits.as_str()))
    }

    /// Reads a secret file: empty lines and lines that start with `#` are skipped, one line holds the secret.
    ///
    /// # Errors
    /// [`SealError::Secret`]; the text is never repeated in it.
    pub fn from_file_text(text: &str) -> Result<Self, SealError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(SealError::Secret("the file is longer than 4096 bytes"));
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line =
            lines.next().ok_or(SealError::Secret("the file has no key line; make one with 'standstill key new'"))?;
        if lines.next().is_some() {
            return Err(SealError::Secret("the file has more than one key line; keep one key in a file"));
        }
        let digits = line
            .strip_prefix(SECRET_PREFIX)
            .ok_or(SealError::Secret("the key line must start with 'standstill-seal-secret-1:'"))?;
        let mut bytes = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(digits, bytes.as_mut_slice())
            .map_err(|_| SealError::Secret("the key line is damaged: 64 hexadecimal digits are expected"))?;
        Ok(Self(*bytes))
    }

    /// The key of one period of one party under one agreement.
    #[must_use]
    pub fn period(&self, agreement: Hash32, party: &Name, period: PeriodId) -> PeriodKey {
        let salt = Sha256::new()
            .chain_update(b"standstill/1/seal-key\0")
            .chain_update(agreement.as_bytes())
            .chain_update([u8::try_from(party.as_str().len()).unwrap_or(u8::MAX)])
            .chain_update(party.as_str())
            .finalize();
        let (mut prk, extracted) = Hkdf::<Sha256>::extract(Some(&salt), &self.0);
        let key = expand32(&extracted, &[b"standstill/1/seal-period\0", period.0.as_bytes()]);
        prk.zeroize();
        PeriodKey(key)
    }
}

/// Which account a key belongs to: a hash over agreement, party, kind, window and revision. Also part of every leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeriodId(pub Hash32);

impl PeriodId {
    fn new(agreement: Hash32, party: &Name, kind: u8, window: u64, revision: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(b"standstill/1/seal-period-id\0")
            .chain_update(agreement.as_bytes())
            .chain_update([u8::try_from(party.as_str().len()).unwrap_or(u8::MAX)])
            .chain_update(party.as_str())
            .chain_update([kind])
            .chain_update(window.to_be_bytes())
            .chain_update(revision.to_be_bytes())
            .finalize();
        Self(Hash32(digest.into()))
    }

    /// The period of a fleet declaration (kind 0, and the first window for which it holds). The root over its records cannot be
    /// part of it: that root is made with the period's keys.
    #[must_use]
    pub fn fleet(agreement: Hash32, party: &Name, from_window: u64, revision: u32) -> Self {
        Self::new(agreement, party, 0, from_window, revision)
    }

    /// The period of a report (kind 1).
    #[must_use]
    pub fn window(agreement: Hash32, party: &Name, window: u64, revision: u32) -> Self {
        Self::new(agreement, party, 1, window, revision)
    }
}

/// The key of one fleet declaration or one report.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PeriodKey([u8; 32]);

impl PeriodKey {
    /// The key of one group; what an opening reveals.
    #[must_use]
    pub fn group(&self, group: u32) -> GroupKey {
        GroupKey(expand32(&hkdf(&self.0), &[b"standstill/1/seal-group\0", &group.to_be_bytes()]))
    }

    /// Blinding of a run's commitment.
    #[must_use]
    pub fn run_blinding(&self, run: &Name, petaops: u64) -> Scalar {
        let length = [u8::try_from(run.as_str().len()).unwrap_or(u8::MAX)];
        let info: [&[u8]; 4] = [b"standstill/1/seal-run\0", &length, run.as_str().as_bytes(), &petaops.to_be_bytes()];
        wide_scalar(&hkdf(&self.0), &info)
    }
}

/// The key of one group in one period: every blinding and salt of the group follows from it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct GroupKey([u8; 32]);

impl GroupKey {
    /// A key from an opening.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for an opening.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Blinding of a lane that holds `value`.
    #[must_use]
    pub fn blinding(&self, lane: u8, value: u64) -> Scalar {
        wide_scalar(&hkdf(&self.0), &[b"standstill/1/seal-blind\0", &[lane], &value.to_be_bytes()])
    }

    /// Salt of leaf `index`.
    #[must_use]
    pub fn salt(&self, index: u16) -> [u8; 32] {
        expand32(&hkdf(&self.0), &[b"standstill/1/seal-salt\0", &index.to_be_bytes()])
    }
}

fn hkdf(key: &[u8; 32]) -> Hkdf<Sha256> {
    // 32 bytes are a valid pseudorandom key for SHA-256; the other arm cannot be reached and still derives from the same key.
    Hkdf::from_prk(key).unwrap_or_else(|_| Hkdf::new(None, key))
}

fn expand32(key: &Hkdf<Sha256>, info: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    // Fails only beyond 8,160 bytes of output.
    let _ = key.expand_multi_info(info, &mut out);
    out
}

/// 64 bytes reduced modulo the group order: distance from uniform below 2^-250.
fn wide_scalar(key: &Hkdf<Sha256>, info: &[&[u8]]) -> Scalar {
    let mut wide = Zeroizing::new([0; 64]);
    let _ = key.expand_multi_info(info, wide.as_mut_slice());
    Scalar::from_bytes_mod_order_wide(&wide)
}
