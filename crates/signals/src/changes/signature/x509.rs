//! Certificates (RFC 5280), as far as a signature by one needs them: the key, who issued it, when it is valid, which addresses it names.

use super::Refused;
use super::asn1::{self, Element, Reader};
use super::key::{Hash, PublicKey};
use sha2::{Digest, Sha256};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC: &[u8] = &[0x55, 0x1d, 0x13];
/// Most certificates in one signature.
pub(super) const MAX_CERTIFICATES: usize = 16;

/// A certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    signed: &'a [u8],
    algorithm: Element<'a>,
    signature: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) key_info: &'a [u8],
    pub(super) key_id: Option<&'a [u8]>,
    /// Addresses in the alternative name.
    pub(super) emails: Vec<&'a str>,
    valid: (i64, i64),
    authority: bool,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refused> {
        let mut top = Reader::new(bytes);
        let mut outer = top.take(asn1::SEQUENCE)?.inside();
        top.end()?;
        let body = outer.take(asn1::SEQUENCE)?;
        let (algorithm, signature) = (outer.take(asn1::SEQUENCE)?, outer.take(asn1::BIT_STRING)?.bits()?);
        outer.end()?;
        let mut fields = body.inside();
        fields.optional(0xa0)?;
        let serial = fields.take(asn1::INTEGER)?.content;
        fields.take(asn1::SEQUENCE)?;
        let issuer = fields.take(asn1::SEQUENCE)?.whole;
        let mut validity = fields.take(asn1::SEQUENCE)?.inside();
        let valid = (validity.next()?.time()?, validity.next()?.time()?);
        let subject = fields.take(asn1::SEQUENCE)?.whole;
        let key_info = fields.take(asn1::SEQUENCE)?.whole;
        let mut out = Self {
            signed: body.whole,
            algorithm,
            signature,
            serial,
            issuer,
            subject,
            key_info,
            key_id: None,
            emails: Vec::new(),
            valid,
            authority: false,
        };
        while !fields.is_empty() {
            let field = fields.next()?;
            if field.tag == 0xa3 {
                let mut list = field.inside().take(asn1::SEQUENCE)?.inside();
                while !list.is_empty() {
                    out.extension(list.take(asn1::SEQUENCE)?)?;
                }
            }
        }
        Ok(out)
    }

    fn extension(&mut self, extension: Element<'a>) -> Result<(), Refused> {
        let mut parts = extension.inside();
        let kind = parts.take(asn1::OID)?.content;
        parts.optional(0x01)?;
        let value = parts.take(asn1::OCTET_STRING)?.content;
        let mut value = Reader::new(value);
        match kind {
            SUBJECT_KEY_ID => self.key_id = Some(value.take(asn1::OCTET_STRING)?.content),
            ALT_NAME => {
                let mut names = value.take(asn1::SEQUENCE)?.inside();
                while !names.is_empty() {
                    // rfc822Name
                    let name = names.next()?;
                    self.emails.extend(std::str::from_utf8(name.content).ok().filter(|_| name.tag == 0x81));
                }
            }
            BASIC => {
                let authority = value.take(asn1::SEQUENCE)?.inside().optional(0x01)?;
                self.authority = authority.is_some_and(|flag| flag.content == [0xff]);
            }
            _ => {}
        }
        Ok(())
    }

    /// SHA-256 over the whole SubjectPublicKeyInfo, the usual pin (RFC 7469, section 2.4).
    pub(super) fn pin(&self) -> [u8; 32] {
        Sha256::digest(self.key_info).into()
    }

    pub(super) fn key(&self) -> Result<PublicKey, Refused> {
        key_info(self.key_info)
    }

    /// Whether the certificate was valid at a time.
    pub(super) fn valid_at(&self, time: i64) -> Result<(), Refused> {
        if (self.valid.0..=self.valid.1).contains(&time) {
            return Ok(());
        }
        Err(Refused::KeyNotValid(format!(
            "a certificate is valid from {} to {}, not at {time}",
            self.valid.0, self.valid.1
        )))
    }

    /// Whether another certificate issued this one: its name, its right to do so, its signature.
    pub(super) fn issued_by(&self, issuer: &Certificate<'_>) -> Result<(), Refused> {
        if self.issuer != issuer.subject || !issuer.authority {
            return Err(Refused::bad("the certificate names another issuer, or one that may not issue"));
        }
        holds(&issuer.key()?, self.algorithm, None, self.signed, self.signature)
    }
}

/// A key as a SubjectPublicKeyInfo.
pub(super) fn key_info(bytes: &[u8]) -> Result<PublicKey, Refused> {
    let mut top = Reader::new(bytes);
    let mut parts = top.take(asn1::SEQUENCE)?.inside();
    top.end()?;
    let mut algorithm = parts.take(asn1::SEQUENCE)?.inside();
    let bits = parts.take(asn1::BIT_STRING)?.bits()?;
    match algorithm.take(asn1::OID)?.content {
        RSA => {
            let mut numbers = Reader::new(bits).take(asn1::SEQUENCE)?.inside();
            let modulus = numbers.take(asn1::INTEGER)?.content;
            Ok(PublicKey::rsa(modulus, numbers.take(asn1::INTEGER)?.content))
        }
        EC => match algorithm.take(asn1::OID)?.content {
            P256 => PublicKey::p256(bits),
            P384 => PublicKey::p384(bits),
            _ => Err(Refused::unread("a key on another curve than P-256 and P-384")),
        },
        ED25519 => PublicKey::ed25519(bits),
        _ => Err(Refused::unread("a key of another kind than RSA, P-256, P-384 and Ed25519")),
    }
}

/// The hash that an identifier of SHA-2 names.
pub(super) fn hash(oid: &[u8]) -> Result<Hash, Refused> {
    match oid {
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Ok(Hash::Sha256),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Ok(Hash::Sha384),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Ok(Hash::Sha512),
        [0x2b, 0x0e, 3, 2, 0x1a] => Err(Refused::Weak("SHA-1".to_owned())),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5] => Err(Refused::Weak("MD5".to_owned())),
        _ => Err(Refused::unread("another hash than SHA-256, SHA-384 and SHA-512")),
    }
}

/// A signature under an AlgorithmIdentifier; `digest` is the hash that a CMS signer names apart, which must be the same.
pub(super) fn holds(
    key: &PublicKey,
    algorithm: Element<'_>,
    digest: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Refused> {
    let oid = algorithm.inside().take(asn1::OID)?.content;
    let same = |hash: Hash| match digest {
        Some(named) if named != hash => {
            Err(Refused::bad("the signature is over another hash than the one that is named"))
        }
        _ => Ok(hash),
    };
    match oid {
        RSA => key.verify_rsa(digest.ok_or_else(|| Refused::bad("no hash is named"))?, message, signature),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5] => Err(Refused::Weak("RSA with MD5 or SHA-1".to_owned())),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, which @ 11..=13] => {
            let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512][usize::from(which - 11)];
            key.verify_rsa(same(hash)?, message, signature)
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Err(Refused::Weak("ECDSA with SHA-1".to_owned())),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, which @ 2..=4] => {
            let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512][usize::from(which - 2)];
            key.verify_ecdsa_der(same(hash)?, message, signature)
        }
        ED25519 => key.verify_ed25519(message, signature),
        _ => Err(Refused::unread("a signature of another kind than RSA (PKCS #1 v1.5), ECDSA and Ed25519")),
    }
}
