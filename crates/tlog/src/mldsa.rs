//! ML-DSA-44 (FIPS 204) as C2SP tlog-cosignature uses it: empty context, deterministic signing, keys kept as 32-byte seeds.
//!
//! The arithmetic is the crate `ml-dsa`, which passes the Wycheproof vectors but **was never audited**. It stands beside Ed25519, not in its
//! place: a policy decides which keys count.

use ml_dsa::signature::{Signer, Verifier};
use ml_dsa::{B32, EncodedSignature, EncodedVerifyingKey, MlDsa44, Signature, SigningKey, VerifyingKey};
use std::fmt;
use std::sync::Arc;

/// Length of a public key, in bytes.
pub(crate) const PUBLIC_BYTES: usize = 1312;

/// Length of a signature, in bytes.
pub(crate) const SIGNATURE_BYTES: usize = 2420;

/// A public key. Any 1312 bytes are one (FIPS 204, algorithm 23), so reading cannot fail on content.
#[derive(Clone)]
pub(crate) struct Public {
    bytes: Arc<[u8]>,
    /// The matrix that the key stands for, expanded once.
    key: Arc<VerifyingKey<MlDsa44>>,
}

impl Public {
    /// `None` when the length is another.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let encoded = EncodedVerifyingKey::<MlDsa44>::try_from(bytes).ok()?;
        Some(Self { bytes: bytes.into(), key: Arc::new(VerifyingKey::decode(&encoded)) })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Algorithm 3 of FIPS 204 with the empty context.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let decoded = EncodedSignature::<MlDsa44>::try_from(signature).ok().and_then(|s| Signature::decode(&s));
        decoded.is_some_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

impl PartialEq for Public {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Public {}

/// A secret key; its memory is overwritten when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Secret(Arc<SigningKey<MlDsa44>>);

impl Secret {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_seed(&B32::from(*seed))))
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.0.to_seed().into()
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        use ml_dsa::Keypair;
        self.0.verifying_key().encode().to_vec()
    }

    /// Algorithm 2 of FIPS 204 with the empty context, the deterministic variant: one message has one signature, so a cosigner that
    /// signs again after a restart gives the same bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).encode().to_vec()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}
