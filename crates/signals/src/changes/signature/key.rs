//! Public keys and what holds by them: Ed25519 (RFC 8032, strict), ECDSA on P-256 and P-384 (FIPS 186-5), RSA (RFC 8017) of 2,048 bits and more.

use super::Refused;
use ed25519_dalek::{Signature, VerifyingKey};
use ring::signature::{self as r, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A hash that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum PublicKey {
    Ed25519([u8; 32]),
    /// Uncompressed point, 65 bytes.
    P256(Vec<u8>),
    /// Uncompressed point, 97 bytes.
    P384(Vec<u8>),
    /// Modulus and exponent, big endian, without leading zeros.
    Rsa(Vec<u8>, Vec<u8>),
}

fn trimmed(number: &[u8]) -> &[u8] {
    &number[number.iter().position(|byte| *byte != 0).unwrap_or(number.len())..]
}

/// A number on so many bytes.
pub(super) fn padded(number: &[u8], length: usize) -> Result<Vec<u8>, Refused> {
    let number = trimmed(number);
    let zeros =
        length.checked_sub(number.len()).ok_or_else(|| Refused::bad("a number of the signature is too long"))?;
    Ok([vec![0; zeros].as_slice(), number].concat())
}

fn holds<E>(result: Result<(), E>) -> Result<(), Refused> {
    result.map_err(|_| Refused::bad("the signature does not hold"))
}

impl PublicKey {
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, Refused> {
        bytes.try_into().map(Self::Ed25519).map_err(|_| Refused::bad("an Ed25519 key has 32 bytes"))
    }

    pub(super) fn p256(point: &[u8]) -> Result<Self, Refused> {
        match point {
            [4, rest @ ..] if rest.len() == 64 => Ok(Self::P256(point.to_vec())),
            _ => Err(Refused::bad("a P-256 key is an uncompressed point of 65 bytes")),
        }
    }

    pub(super) fn p384(point: &[u8]) -> Result<Self, Refused> {
        match point {
            [4, rest @ ..] if rest.len() == 96 => Ok(Self::P384(point.to_vec())),
            _ => Err(Refused::bad("a P-384 key is an uncompressed point of 97 bytes")),
        }
    }

    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa(trimmed(modulus).to_vec(), trimmed(exponent).to_vec())
    }

    /// Refuses RSA below 2,048 bits.
    pub(super) fn strong(&self) -> Result<(), Refused> {
        let Self::Rsa(modulus, _) = self else { return Ok(()) };
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if bits < 2_048 { Err(Refused::Weak(format!("an RSA key of {bits} bits"))) } else { Ok(()) }
    }

    /// Ed25519 over the message itself.
    pub(super) fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let Self::Ed25519(key) = self else { return Err(Refused::bad("key and signature differ in kind")) };
        let raw: [u8; 64] = signature.try_into().map_err(|_| Refused::bad("an Ed25519 signature has 64 bytes"))?;
        let key = VerifyingKey::from_bytes(key).map_err(Refused::bad)?;
        holds(key.verify_strict(message, &Signature::from_bytes(&raw)))
    }

    /// ECDSA with the two numbers apart. P-256 goes with SHA-256, P-384 with SHA-384, as programs that sign choose them.
    pub(super) fn verify_ecdsa(&self, hash: Hash, message: &[u8], (a, b): (&[u8], &[u8])) -> Result<(), Refused> {
        let (algorithm, point, length) = match (self, hash) {
            (Self::P256(point), Hash::Sha256) => (&r::ECDSA_P256_SHA256_FIXED, point, 32),
            (Self::P384(point), Hash::Sha384) => (&r::ECDSA_P384_SHA384_FIXED, point, 48),
            (Self::P256(_) | Self::P384(_), _) => return Err(Refused::unread("ECDSA with a hash of another size")),
            _ => return Err(Refused::bad("key and signature differ in kind")),
        };
        let fixed = [padded(a, length)?, padded(b, length)?].concat();
        holds(UnparsedPublicKey::new(algorithm, point).verify(message, &fixed))
    }

    /// ECDSA as a DER sequence.
    pub(super) fn verify_ecdsa_der(&self, hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let (algorithm, point) = match (self, hash) {
            (Self::P256(point), Hash::Sha256) => (&r::ECDSA_P256_SHA256_ASN1, point),
            (Self::P256(point), Hash::Sha384) => (&r::ECDSA_P256_SHA384_ASN1, point),
            (Self::P384(point), Hash::Sha256) => (&r::ECDSA_P384_SHA256_ASN1, point),
            (Self::P384(point), Hash::Sha384) => (&r::ECDSA_P384_SHA384_ASN1, point),
            (Self::P256(_) | Self::P384(_), Hash::Sha512) => return Err(Refused::unread("ECDSA with SHA-512")),
            _ => return Err(Refused::bad("key and signature differ in kind")),
        };
        holds(UnparsedPublicKey::new(algorithm, point).verify(message, signature))
    }

    fn verify_ecdsa_either(&self, hash: Hash, message: &[u8], signature: &[u8], half: usize) -> Result<(), Refused> {
        let as_der = self.verify_ecdsa_der(hash, message, signature);
        match signature.split_at_checked(half) {
            Some(numbers) if as_der.is_err() && numbers.1.len() == half => self.verify_ecdsa(hash, message, numbers),
            _ => as_der,
        }
    }

    /// RSASSA-PKCS1-v1_5.
    pub(super) fn verify_rsa(&self, hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let parameters = match hash {
            Hash::Sha256 => &r::RSA_PKCS1_2048_8192_SHA256,
            Hash::Sha384 => &r::RSA_PKCS1_2048_8192_SHA384,
            Hash::Sha512 => &r::RSA_PKCS1_2048_8192_SHA512,
        };
        self.verify_rsa_with(parameters, message, signature)
    }

    fn verify_rsa_with(&self, how: &RsaParameters, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let Self::Rsa(n, e) = self else { return Err(Refused::bad("key and signature differ in kind")) };
        self.strong()?;
        let signature = padded(signature, n.len())?;
        holds(RsaPublicKeyComponents { n, e }.verify(how, message, &signature))
    }

    /// Whether a bare signature has the length that this key's signatures have, so that others are not tried.
    pub(super) fn may_have_made(&self, signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(_) => signature.len() == 64,
            Self::P256(_) => signature.len() == 64 || signature.first() == Some(&0x30) && signature.len() <= 72,
            Self::P384(_) => signature.len() == 96 || signature.first() == Some(&0x30) && signature.len() <= 104,
            Self::Rsa(modulus, _) => signature.len() == modulus.len(),
        }
    }

    /// A signature without any frame around it, as DSSE carries it: Ed25519; ECDSA with the hash of the curve's size, as DER or as two numbers of
    /// full length (both are in use); RSASSA-PSS with SHA-256.
    pub(super) fn verify_bare(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        match self {
            Self::Ed25519(_) => self.verify_ed25519(message, signature),
            Self::P256(_) => self.verify_ecdsa_either(Hash::Sha256, message, signature, 32),
            Self::P384(_) => self.verify_ecdsa_either(Hash::Sha384, message, signature, 48),
            Self::Rsa(..) => self.verify_rsa_with(&r::RSA_PSS_2048_8192_SHA256, message, signature),
        }
    }
}
