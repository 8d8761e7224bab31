//! A beacon for demonstrations and tests: the same scheme, one key holder.

use super::{Beacon, PUBLIC_KEY_BYTES, Round, SIGNATURE_DOMAIN};
use crate::AuditError;
use blst::min_sig::SecretKey;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// A one-person beacon. Whoever holds its seed knows every round in advance, so it draws nothing that anybody should believe;
/// it exists so that a demonstration runs offline and with times of its own. Verdicts that rest on it say so.
pub struct DemoBeacon {
    /// Big-endian scalar; the library's own key type is rebuilt for each signature and erased after it.
    scalar: Zeroizing<[u8; 32]>,
}

impl DemoBeacon {
    /// The name under which agreements list it.
    pub const NAME: &'static str = "demo-beacon";

    /// The key of this seed (BLS KeyGen, draft-irtf-cfrg-bls-signature section 2.3, with `key_info` = the name).
    ///
    /// # Errors
    /// [`AuditError::BeaconKey`] when the library refuses the seed, which a 32-byte seed never causes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, AuditError> {
        let refuse =
            |_| AuditError::BeaconKey { beacon: Self::NAME.to_owned(), why: "could not be derived from the seed" };
        let mut key = SecretKey::key_gen(seed, Self::NAME.as_bytes()).map_err(refuse)?;
        let scalar = Zeroizing::new(key.to_bytes());
        key.zeroize();
        Ok(Self { scalar })
    }

    fn key(&self) -> Result<SecretKey, AuditError> {
        SecretKey::from_bytes(self.scalar.as_slice())
            .map_err(|_| AuditError::BeaconKey { beacon: Self::NAME.to_owned(), why: "is no scalar" })
    }

    /// The public key, for the agreement.
    ///
    /// # Errors
    /// As [`DemoBeacon::from_seed`].
    pub fn public_key_bytes(&self) -> Result<[u8; PUBLIC_KEY_BYTES], AuditError> {
        let mut key = self.key()?;
        let public = key.sk_to_pk().compress();
        key.zeroize();
        Ok(public)
    }

    /// The verifying side with these times.
    ///
    /// # Errors
    /// As [`Beacon::new`].
    pub fn beacon(&self, genesis_unix_seconds: u64, period_seconds: u32) -> Result<Beacon, AuditError> {
        let public = hex::encode(self.public_key_bytes()?);
        Beacon::new(Self::NAME, &public, genesis_unix_seconds, period_seconds)
    }

    /// Signs one round.
    ///
    /// # Errors
    /// As [`DemoBeacon::from_seed`].
    pub fn sign(&self, round: u64) -> Result<Round, AuditError> {
        let mut key = self.key()?;
        let signature = key.sign(&Sha256::digest(round.to_be_bytes()), SIGNATURE_DOMAIN, &[]).compress();
        key.zeroize();
        Ok(Round { round, signature })
    }
}
