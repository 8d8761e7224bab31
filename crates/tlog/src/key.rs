//! Keys of logs and witnesses, with one acceptance rule for each algorithm, and the C2SP text forms.
//!
//! Ed25519 verification is *strict* (cofactorless, small-order keys and points refused, canonical encodings only): on the published
//! edge vectors the usual verifiers disagree on a third, and two readers that disagree on one signature would disagree on a verdict.

use crate::TlogError;
use crate::cosignature;
use crate::mldsa;
use crate::note::NoteSignature;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// What a key signs (C2SP signed-note, signature types). Other types exist; this crate neither makes nor checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum KeyType {
    /// 0x01: plain Ed25519 over the note text; what a log signs its checkpoints with.
    Ed25519 = 0x01,
    /// 0x04: timestamped Ed25519 cosignature; what a witness signs with.
    CosignatureV1 = 0x04,
    /// 0x06: timestamped ML-DSA-44 cosignature; what witnesses, and logs in second place, sign with against quantum computers.
    MlDsa44 = 0x06,
}

impl KeyType {
    fn from_byte(byte: u8) -> Result<Self, TlogError> {
        match byte {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::CosignatureV1),
            0x06 => Ok(Self::MlDsa44),
            _ => Err(TlogError::Key(
                "signature type is not 0x01 (Ed25519), 0x04 (Ed25519 cosignature) or 0x06 (ML-DSA-44 cosignature)",
            )),
        }
    }

    /// Whether a log may sign its checkpoints with such a key (tlog-checkpoint, "Signatures").
    #[must_use]
    pub fn may_sign_logs(self) -> bool {
        matches!(self, Self::Ed25519 | Self::MlDsa44)
    }

    /// Whether witnesses and mirrors may cosign with such a key.
    #[must_use]
    pub fn may_cosign(self) -> bool {
        self != Self::Ed25519
    }

    /// What this key type is for, in words for messages.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Ed25519 => "a log key (type 0x01)",
            Self::CosignatureV1 => "a witness key (type 0x04)",
            Self::MlDsa44 => "a post-quantum key (type 0x06)",
        }
    }
}

/// Key name rules of C2SP signed-note: not empty, no Unicode space, no `+`. Control characters are refused too, because no note
/// may contain them.
pub(crate) fn check_name(name: &str) -> Result<(), TlogError> {
    if name.is_empty() {
        return Err(TlogError::Key("the key name is empty"));
    }
    if name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
        return Err(TlogError::Key("the key name contains a space, a plus sign or a control character"));
    }
    Ok(())
}

/// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`, the key id on signature lines.
fn key_id(name: &str, key_type: KeyType, public: &[u8]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', key_type as u8]);
    hasher.update(public);
    let hash: [u8; 32] = hasher.finalize().into();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A named public key (C2SP vkey: `name+hex(key id)+base64(type ‖ public key)`).
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key_type: KeyType,
    id: [u8; 4],
    public: Public,
}

/// The public half of either algorithm.
#[derive(Clone, PartialEq, Eq)]
enum Public {
    Ed25519(VerifyingKey),
    MlDsa44(mldsa::Public),
}

impl Public {
    fn parse(key_type: KeyType, bytes: &[u8]) -> Result<Self, TlogError> {
        if key_type == KeyType::MlDsa44 {
            let key = mldsa::Public::from_bytes(bytes);
            return key.map(Self::MlDsa44).ok_or(TlogError::Key("an ML-DSA-44 public key has 1312 bytes"));
        }
        let bytes = bytes.try_into().map_err(|_| TlogError::Key("an Ed25519 key has 32 bytes"))?;
        let point =
            VerifyingKey::from_bytes(bytes).map_err(|_| TlogError::Key("the public key is not a curve point"))?;
        if point.is_weak() {
            return Err(TlogError::Key("the public key has small order; anyone could sign for it"));
        }
        Ok(Self::Ed25519(point))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(point) => point.as_bytes(),
            Self::MlDsa44(key) => key.bytes(),
        }
    }
}

impl VerifierKey {
    /// Builds a key from its parts. `public` has 32 bytes for Ed25519 and 1312 for ML-DSA-44.
    ///
    /// # Errors
    /// [`TlogError::Key`] when the name breaks the note rules, the length is another, or the bytes are no curve point or one of small
    /// order; for ML-DSA-44 also when the name has more than 255 bytes, which its signed message cannot hold.
    pub fn new(name: &str, key_type: KeyType, public: &[u8]) -> Result<Self, TlogError> {
        check_name(name)?;
        if key_type == KeyType::MlDsa44 && name.len() > cosignature::MAX_NAME_BYTES {
            return Err(TlogError::Key("the name of an ML-DSA-44 key has more than 255 bytes"));
        }
        let key = Public::parse(key_type, public)?;
        Ok(Self { name: name.to_owned(), key_type, id: key_id(name, key_type, public), public: key })
    }

    /// Reads the text form `name+hex+base64`.
    ///
    /// # Errors
    /// [`TlogError::Key`] when a part is malformed, the key id does not match, or the type is not 0x01, 0x04 or 0x06.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TlogError::Key("a verifier key is written name+hex+base64"));
        };
        let (key_type, public) = decode_typed_key(key)?;
        let parsed = Self::new(name, key_type, &public)?;
        if id != hex::encode(parsed.id) {
            return Err(TlogError::Key("the key id does not match the name and the key"));
        }
        Ok(parsed)
    }

    /// Name of the key; for a log key the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key signs.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Key id as on signature lines.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The public key: 32 bytes for Ed25519, 1312 for ML-DSA-44.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8] {
        self.public.bytes()
    }

    /// Whether a signature line names this key: same name and same id.
    #[must_use]
    pub fn matches(&self, signature: &NoteSignature) -> bool {
        signature.key_id == self.id && signature.name == self.name
    }

    /// Checks one signature line over a note text. Gives the time of a cosignature (Unix seconds), or 0 for a plain signature.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`] when it does not verify under the strict rule, [`TlogError::Cosignature`] when its form is wrong.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<u64, TlogError> {
        match self.key_type {
            KeyType::Ed25519 => self.verify_raw(text.as_bytes(), &signature.bytes).map(|()| 0),
            KeyType::CosignatureV1 | KeyType::MlDsa44 => cosignature::verify(self, text, &signature.bytes),
        }
    }

    /// Verification of signature bytes over a message: strict for Ed25519, with the empty context for ML-DSA-44.
    pub(crate) fn verify_raw(&self, message: &[u8], signature: &[u8]) -> Result<(), TlogError> {
        let verified = match &self.public {
            Public::Ed25519(point) => {
                Signature::from_slice(signature).is_ok_and(|signature| point.verify_strict(message, &signature).is_ok())
            }
            Public::MlDsa44(key) => key.verifies(message, signature),
        };
        if verified { Ok(()) } else { Err(TlogError::BadSignature { name: self.name.clone() }) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.key_type as u8];
        key.extend(self.public.bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = TlogError;

    fn from_str(text: &str) -> Result<Self, TlogError> {
        Self::parse(text)
    }
}

/// `base64(type ‖ key bytes)`.
fn decode_typed_key(text: &str) -> Result<(KeyType, Zeroizing<Vec<u8>>), TlogError> {
    if text.len() > 4 * (1 + mldsa::PUBLIC_BYTES).div_ceil(3) {
        return Err(TlogError::Key("the key is longer than any that is known"));
    }
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| TlogError::Key("the key is not standard base64"))?);
    let (first, rest) = bytes.split_first().ok_or(TlogError::Key("the key is empty"))?;
    Ok((KeyType::from_byte(*first)?, Zeroizing::new(rest.to_vec())))
}

/// A named secret key. The secret is wiped when dropped and never printed; a clone holds its own copy.
#[derive(Clone)]
pub struct NoteSigner {
    verifier: VerifierKey,
    secret: Secret,
}

/// The secret half of either algorithm.
#[derive(Clone)]
enum Secret {
    Ed25519(Box<SigningKey>),
    MlDsa44(mldsa::Secret),
}

impl NoteSigner {
    /// A fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// [`TlogError::Key`] for a bad name, [`TlogError::Randomness`] when the system gives none.
    pub fn generate(name: &str, key_type: KeyType) -> Result<Self, TlogError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| TlogError::Randomness)?;
        Self::from_seed(name, key_type, &seed)
    }

    /// The key of a 32-byte seed (RFC 8032; FIPS 204, algorithm 1); the same seed gives the same key.
    ///
    /// # Errors
    /// [`TlogError::Key`] for a bad name.
    pub fn from_seed(name: &str, key_type: KeyType, seed: &[u8; 32]) -> Result<Self, TlogError> {
        let (secret, public) = if key_type == KeyType::MlDsa44 {
            let secret = mldsa::Secret::from_seed(seed);
            let public = secret.public();
            (Secret::MlDsa44(secret), public)
        } else {
            let secret = SigningKey::from_bytes(seed);
            let public = secret.verifying_key().to_bytes().to_vec();
            (Secret::Ed25519(Box::new(secret)), public)
        };
        Ok(Self { verifier: VerifierKey::new(name, key_type, &public)?, secret })
    }

    /// Reads the text form `PRIVATE+KEY+name+hex+base64(type ‖ seed)`, as other signed-note tools write it. Surrounding whitespace is ignored.
    ///
    /// # Errors
    /// [`TlogError::Key`] when a part is malformed or the key id does not match.
    pub fn from_file_text(text: &str) -> Result<Self, TlogError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+");
        let rest = rest.ok_or(TlogError::Key("a signer key file starts with PRIVATE+KEY+"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TlogError::Key("a signer key is written PRIVATE+KEY+name+hex+base64"));
        };
        let (key_type, bytes) = decode_typed_key(key)?;
        let mut seed = Zeroizing::new([0_u8; 32]);
        if bytes.len() != seed.len() {
            return Err(TlogError::Key("a signer key has a seed of 32 bytes"));
        }
        seed.copy_from_slice(&bytes);
        let signer = Self::from_seed(name, key_type, &seed)?;
        if id != hex::encode(signer.verifier.id) {
            return Err(TlogError::Key("the key id does not match the name and the key"));
        }
        Ok(signer)
    }

    /// The text form for a key file, with a final newline. Write it with owner-only permissions.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let mut key = Zeroizing::new(vec![self.verifier.key_type as u8]);
        let mut seed = match &self.secret {
            Secret::Ed25519(secret) => secret.to_bytes(),
            Secret::MlDsa44(secret) => secret.seed(),
        };
        key.extend(seed);
        seed.zeroize();
        let encoded = Zeroizing::new(STANDARD.encode(&*key));
        Zeroizing::new(format!("PRIVATE+KEY+{}+{}+{}\n", self.verifier.name, hex::encode(self.verifier.id), *encoded))
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a note text with a plain signature.
    ///
    /// # Errors
    /// [`TlogError::KeyType`] for a cosignature key, which needs a time: use [`cosignature::sign`].
    pub fn sign(&self, text: &str) -> Result<NoteSignature, TlogError> {
        self.require(KeyType::Ed25519)?;
        Ok(self.signature(self.sign_raw(text.as_bytes())))
    }

    pub(crate) fn require(&self, wanted: KeyType) -> Result<(), TlogError> {
        let found = self.verifier.key_type;
        if found == wanted {
            return Ok(());
        }
        Err(TlogError::KeyType { name: self.verifier.name.clone(), found: found as u8, wanted: wanted.purpose() })
    }

    pub(crate) fn sign_raw(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(secret) => secret.sign(message).to_bytes().to_vec(),
            Secret::MlDsa44(secret) => secret.sign(message),
        }
    }

    pub(crate) fn signature(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.verifier.name.clone(), key_id: self.verifier.id, bytes }
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({}, secret not shown)", self.verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_texts_round_trip_for_all_types() {
        for key_type in [KeyType::Ed25519, KeyType::CosignatureV1, KeyType::MlDsa44] {
            let signer = NoteSigner::generate("example.com/log", key_type).unwrap();
            let text = signer.verifier().to_string();
            assert_eq!(VerifierKey::parse(&text).unwrap(), *signer.verifier());
            let again = NoteSigner::from_file_text(&signer.to_file_text()).unwrap();
            assert_eq!(again.verifier(), signer.verifier());
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        let good = NoteSigner::from_seed("n", KeyType::Ed25519, &[7; 32]).unwrap().verifier().to_string();
        let other_name = good.replacen("n+", "m+", 1);
        let upper = good.replacen(&good[2..10], &good[2..10].to_uppercase(), 1);
        let truncated = &good[..good.len() - 4];
        let weak = format!("n+00000000+{}", STANDARD.encode([&[1_u8][..], &[0; 32]].concat()));
        let short_6 = format!("n+00000000+{}", STANDARD.encode([&[6_u8][..], &[9; 32]].concat()));
        let type_2 = format!("n+00000000+{}", STANDARD.encode([&[2_u8][..], &[9; 32]].concat()));
        for bad in [
            "",
            "n",
            "n+00",
            "n+00000000+",
            "+00000000+AQ==",
            &other_name,
            truncated,
            &weak,
            &type_2,
            &short_6,
            "a b+00000000+AQ==",
        ] {
            assert!(VerifierKey::parse(bad).is_err(), "{bad}");
        }
        if upper != good {
            assert!(VerifierKey::parse(&upper).is_err());
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let signer = NoteSigner::from_seed("n", KeyType::Ed25519, &[7; 32]).unwrap();
        let secret = STANDARD.encode([7; 32]);
        assert!(!format!("{signer:?}").contains(&secret[..20]));
    }

    #[test]
    fn a_witness_key_does_not_sign_plain_notes() {
        let signer = NoteSigner::from_seed("n", KeyType::CosignatureV1, &[7; 32]).unwrap();
        assert!(matches!(signer.sign("text\n"), Err(TlogError::KeyType { .. })));
    }
}
