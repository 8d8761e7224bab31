//! Ed25519 keys (RFC 8032) in text form. Verification is strict and there is no other acceptance rule.

use crate::error::StatementError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

const PUBLIC_PREFIX: &str = "ed25519:";
const SECRET_PREFIX: &str = "standstill-secret-key-1:";
const KEY_ID_DOMAIN: &[u8] = b"standstill/1/key-id\0";
/// Longest key file that is looked at, in bytes.
const MAX_KEY_FILE_BYTES: usize = 4096;

/// An Ed25519 public key, as its 32 bytes. Text form `ed25519:<base64>` (RFC 4648 section 4, with padding).
///
/// A value of this type need not be a point on the curve; verification refuses those that are not, and all small-order points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// First eight bytes of SHA-256(`standstill/1/key-id\0` ‖ key); the `kid` of envelopes. A hint for finding the key, not an identity.
    #[must_use]
    pub fn key_id(&self) -> [u8; 8] {
        let digest = Sha256::new().chain_update(KEY_ID_DOMAIN).chain_update(self.0).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        id
    }

    /// True when the bytes are a point of the curve and not one of the small-order points, for which everybody can sign.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        ed25519_dalek::VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }

    /// Strict verification: `S` reduced, `A` and `R` not of small order, `R` equal byte by byte to the encoding of `S·B − k·A`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.point().is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// The key as a point of the curve. The last one is kept for each thread: finding a point from its bytes takes a tenth of the time of a
    /// verification, and whoever checks many statements checks them under few keys.
    fn point(self) -> Option<ed25519_dalek::VerifyingKey> {
        thread_local! {
            static LAST: std::cell::Cell<Option<ed25519_dalek::VerifyingKey>> = const { std::cell::Cell::new(None) };
        }
        if let Some(last) = LAST.get().filter(|last| *last.as_bytes() == self.0) {
            return Some(last);
        }
        let point = ed25519_dalek::VerifyingKey::from_bytes(&self.0).ok()?;
        LAST.set(Some(point));
        Some(point)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = StatementError;
    fn from_str(text: &str) -> Result<Self, StatementError> {
        let refuse = |problem| StatementError::Key { what: "public key", problem };
        let encoded = text.strip_prefix(PUBLIC_PREFIX).ok_or(refuse("it must start with 'ed25519:'"))?;
        let mut bytes = [0; 32];
        decode_32(encoded, &mut bytes).ok_or(refuse("after 'ed25519:' come 44 base64 characters for 32 bytes"))?;
        Ok(Self(bytes))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Decodes exactly 44 base64 characters into 32 bytes; no other spelling of the same bytes is accepted.
fn decode_32(text: &str, out: &mut [u8; 32]) -> Option<()> {
    if text.len() != 44 {
        return None;
    }
    let mut buffer = Zeroizing::new([0u8; 33]);
    let length = STANDARD.decode_slice(text, buffer.as_mut_slice()).ok()?;
    out.copy_from_slice(buffer.get(..length).filter(|bytes| bytes.len() == 32)?);
    Some(())
}

/// An Ed25519 signature, as its 64 bytes. In text 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

struct SignatureVisitor;

impl de::Visitor<'_> for SignatureVisitor {
    type Value = Signature;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an Ed25519 signature (64 bytes, or 128 hexadecimal digits)")
    }
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Signature, E> {
        bytes.try_into().map(Signature).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Signature, E> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(Signature(bytes))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(SignatureVisitor)
        } else {
            deserializer.deserialize_bytes(SignatureVisitor)
        }
    }
}

/// An Ed25519 secret key. Its memory is overwritten when it is dropped, and it has no `Debug`, `Display` or serde form.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key from the operating system's random source.
    ///
    /// # Errors
    /// [`StatementError::Randomness`] when that source fails.
    pub fn generate() -> Result<Self, StatementError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|error| StatementError::Randomness(error.to_string()))?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The key of an RFC 8032 seed. For vectors and simulations; a seed must come from a good random source.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&Zeroizing::new(seed)))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs (RFC 8032, deterministic). Callers outside this crate sign statements with [`crate::Statement::sign`].
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.0.sign(message).to_bytes()
    }

    /// Contents of a key file. Whoever writes it must create it readable by its owner only (mode 0600).
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(STANDARD.encode(self.0.as_bytes()));
        Zeroizing::new(format!(
            "# Standstill secret key. Whoever reads this file can sign for its owner.\n# public key: {}\n{SECRET_PREFIX}{}\n",
            self.public(),
            seed.as_str(),
        ))
    }

    /// Reads a key file: lines that start with `#` and empty lines are skipped, one line holds the secret.
    ///
    /// # Errors
    /// [`StatementError::Key`] when there is no such line, more than one, or it is damaged. The text is never repeated in the error.
    pub fn from_file_text(text: &str) -> Result<Self, StatementError> {
        let refuse = |problem| StatementError::Key { what: "secret key file", problem };
        if text.len() > MAX_KEY_FILE_BYTES {
            return Err(refuse("it is longer than 4096 bytes"));
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(refuse("it has no key line; make one with 'standstill key new'"))?;
        if lines.next().is_some() {
            return Err(refuse("it has more than one key line; keep one key in a file"));
        }
        let encoded = line
            .strip_prefix(SECRET_PREFIX)
            .ok_or(refuse("the key line must start with 'standstill-secret-key-1:'"))?;
        let mut seed = Zeroizing::new([0; 32]);
        decode_32(encoded, &mut seed)
            .ok_or(refuse("the key line is damaged: 44 base64 characters for 32 bytes are expected"))?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
