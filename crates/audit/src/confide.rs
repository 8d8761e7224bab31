//! Openings go to the inspector only: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
//!
//! The `info` binds agreement, challenge and group, so that a ciphertext for one group cannot answer for another. The plaintext is
//! padded to a power of two, because its length would tell how many devices a group has.

use crate::AuditError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use standstill_statement::Hash32;
use zeroize::Zeroizing;

/// Longest opening that is encrypted or accepted, in bytes.
pub const MAX_OPENING_BYTES: usize = 8 << 20;

/// Smallest padded plaintext; a full group of 64 devices fits.
pub const MIN_PADDED_BYTES: usize = 16 << 10;

/// Bytes that encryption adds to the padded plaintext: encapsulated key and authentication tag.
pub const OVERHEAD_BYTES: usize = KEY_BYTES + TAG_BYTES;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;
const INFO_DOMAIN: &[u8] = b"standstill/1/opening\0";
const KEY_FILE_HEADER: &str = "standstill-inspector-key-1";
const MAX_KEY_FILE_BYTES: usize = 1024;

type Suite = X25519HkdfSha256;

/// What an encrypted opening is an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Agreement id.
    pub agreement: Hash32,
    /// Statement hash of the challenge; it fixes party, report and window.
    pub challenge: Hash32,
    /// Drawn group.
    pub group: u32,
}

impl Purpose {
    /// `"standstill/1/opening\0" ‖ agreement ‖ challenge ‖ u32 group`, big-endian.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        [INFO_DOMAIN, &self.agreement.0, &self.challenge.0, &self.group.to_be_bytes()].concat()
    }

    fn refuse(&self, why: &'static str) -> AuditError {
        AuditError::Confide { challenge: self.challenge, group: self.group, why }
    }
}

/// An inspector's secret key. Erased when dropped; has no `Debug`.
pub struct InspectorKey {
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

impl InspectorKey {
    /// A key from 32 random bytes of the caller's generator.
    #[must_use]
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Self {
        let mut secret = Zeroizing::new([0u8; KEY_BYTES]);
        rng.fill_bytes(secret.as_mut_slice());
        Self { secret }
    }

    /// The key with exactly these secret bytes (RFC 7748 scalar, clamped on use).
    #[must_use]
    pub fn from_seed(seed: &[u8; KEY_BYTES]) -> Self {
        Self { secret: Zeroizing::new(*seed) }
    }

    /// The public key that challenges carry as `inspector_key`.
    ///
    /// # Errors
    /// [`AuditError::Key`] never in practice: every 32-byte string is a scalar.
    pub fn public(&self) -> Result<Hash32, AuditError> {
        let public = <Suite as Kem>::sk_to_pk(&self.private()?);
        let mut bytes = [0u8; KEY_BYTES];
        bytes.copy_from_slice(&public.to_bytes());
        Ok(Hash32(bytes))
    }

    fn private(&self) -> Result<<Suite as Kem>::PrivateKey, AuditError> {
        <Suite as Kem>::PrivateKey::from_bytes(self.secret.as_slice())
            .map_err(|_| AuditError::Key { why: "is no X25519 key" })
    }

    /// The key file: a header line and the secret in base64.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(STANDARD.encode(self.secret.as_slice()));
        Zeroizing::new(format!("{KEY_FILE_HEADER}\n{}\n", secret.as_str()))
    }

    /// Reads [`InspectorKey::to_file_text`]'s form, with nothing before, between or after.
    ///
    /// # Errors
    /// [`AuditError::Key`] when it is anything else.
    pub fn from_file_text(text: &str) -> Result<Self, AuditError> {
        if text.len() > MAX_KEY_FILE_BYTES {
            return Err(AuditError::Key { why: "the file is too large to be a key file" });
        }
        let mut lines = text.lines();
        if lines.next() != Some(KEY_FILE_HEADER) {
            return Err(AuditError::Key { why: "the first line must be 'standstill-inspector-key-1'" });
        }
        let encoded = lines.next().ok_or(AuditError::Key { why: "the second line with the key is missing" })?;
        let decoded = STANDARD.decode(encoded).map(Zeroizing::new);
        let bytes = decoded.map_err(|_| AuditError::Key { why: "the second line is not base64" })?;
        if lines.next().is_some() {
            return Err(AuditError::Key { why: "there is text after the key" });
        }
        let mut secret = Zeroizing::new([0u8; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(AuditError::Key { why: "the key is not 32 bytes long" });
        }
        secret.copy_from_slice(&bytes);
        Ok(Self { secret })
    }
}

/// Encrypts an opening to the inspector's key from the challenge.
///
/// # Errors
/// [`AuditError::Confide`] when the opening is larger than [`MAX_OPENING_BYTES`] or the key is not usable (low order).
pub fn encrypt<R: CryptoRng>(
    inspector: &Hash32,
    purpose: &Purpose,
    opening: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, AuditError> {
    let padded = pad(purpose, opening)?;
    let recipient = <Suite as Kem>::PublicKey::from_bytes(&inspector.0)
        .map_err(|_| purpose.refuse("the inspector key is no X25519 key"))?;
    let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeS::Base,
        &recipient,
        &purpose.info(),
        &padded,
        &[],
        rng,
    )
    .map_err(|_| purpose.refuse("the inspector key is not usable; ask the inspector for another"))?;
    Ok([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
}

/// Decrypts an opening. The plaintext is erased when dropped.
///
/// # Errors
/// [`AuditError::Confide`] when the bytes are too short or long, were encrypted to another key or for another purpose, were
/// changed, or are not padded as specified.
pub fn decrypt(key: &InspectorKey, purpose: &Purpose, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, AuditError> {
    if bytes.len() < OVERHEAD_BYTES + MIN_PADDED_BYTES {
        return Err(purpose.refuse("it is cut short"));
    }
    if bytes.len() > OVERHEAD_BYTES + MAX_OPENING_BYTES {
        return Err(purpose.refuse("it is larger than 8 MiB"));
    }
    let (encapsulated, ciphertext) = bytes.split_at(KEY_BYTES);
    let encapsulated = <Suite as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| purpose.refuse("it has no encapsulated key"))?;
    let padded = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &key.private()?,
        &encapsulated,
        &purpose.info(),
        ciphertext,
        &[],
    )
    .map_err(|_| purpose.refuse("it does not decrypt: another key, another challenge or group, or changed bytes"))?;
    unpad(purpose, &Zeroizing::new(padded))
}

/// `u32 length ‖ opening ‖ zeros`, to the next power of two, at least [`MIN_PADDED_BYTES`].
fn pad(purpose: &Purpose, opening: &[u8]) -> Result<Zeroizing<Vec<u8>>, AuditError> {
    let total = padded_length(opening.len()).ok_or_else(|| purpose.refuse("it is larger than 8 MiB"))?;
    let length = u32::try_from(opening.len()).map_err(|_| purpose.refuse("it is larger than 8 MiB"))?;
    let mut padded = Zeroizing::new(Vec::with_capacity(total));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(opening);
    padded.resize(total, 0);
    Ok(padded)
}

fn padded_length(opening_bytes: usize) -> Option<usize> {
    let total = opening_bytes.checked_add(LENGTH_BYTES)?.max(MIN_PADDED_BYTES).checked_next_power_of_two()?;
    (total <= MAX_OPENING_BYTES).then_some(total)
}

fn unpad(purpose: &Purpose, padded: &[u8]) -> Result<Zeroizing<Vec<u8>>, AuditError> {
    let (length, rest) =
        padded.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| purpose.refuse("its padding is malformed"))?;
    let length =
        usize::try_from(u32::from_be_bytes(*length)).map_err(|_| purpose.refuse("its padding is malformed"))?;
    let opening = rest.get(..length).ok_or_else(|| purpose.refuse("its padding is malformed"))?;
    let zeros = rest[length..].iter().all(|byte| *byte == 0);
    // One encoding per opening: otherwise the padding would be a channel.
    if !zeros || padded_length(length) != Some(padded.len()) {
        return Err(purpose.refuse("its padding is malformed"));
    }
    Ok(Zeroizing::new(opening.to_vec()))
}

#[cfg(test)]
mod tests;
