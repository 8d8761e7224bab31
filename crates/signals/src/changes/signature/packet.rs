//! OpenPGP packets (RFC 9580, section 4), keys and signatures of version 4 (sections 5.2.3 and 5.5.2). Other versions are not read.

use super::Refused;
use super::key::{Hash, PublicKey, padded};

/// Most packets in one block.
const MAX_PACKETS: usize = 20_000;
/// Tags of packets.
pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const USER_ATTRIBUTE: u8 = 17;
/// Object identifiers of curves, without tag and length.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const ED25519: &[u8] = &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];

/// A packet.
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refused> {
    let (head, rest) = bytes.split_at_checked(length).ok_or_else(|| Refused::bad("an OpenPGP packet is cut off"))?;
    *bytes = rest;
    Ok(head)
}

fn number(bytes: &mut &[u8], length: usize) -> Result<usize, Refused> {
    Ok(take(bytes, length)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// A length of one, two or five octets, as packets of the new format and subpackets have it.
fn length(bytes: &mut &[u8], partial: bool) -> Result<usize, Refused> {
    Ok(match number(bytes, 1)? {
        first @ 0..192 => first,
        255 => number(bytes, 4)?,
        224.. if partial => return Err(Refused::bad("a packet in parts")),
        first => ((first - 192) << 8) + number(bytes, 1)? + 192,
    })
}

/// All packets of a block.
pub(super) fn packets(mut bytes: &[u8]) -> Result<Vec<Packet<'_>>, Refused> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let head = take(&mut bytes, 1)?[0];
        if head & 0x80 == 0 || out.len() >= MAX_PACKETS {
            return Err(Refused::bad("no OpenPGP packets"));
        }
        let (tag, length) = if head & 0x40 != 0 {
            (head & 0x3f, length(&mut bytes, true)?)
        } else {
            let octets = match head & 3 {
                3 => return Err(Refused::bad("a packet without a length")),
                kind => 1 << kind,
            };
            (head >> 2 & 0xf, number(&mut bytes, octets)?)
        };
        out.push(Packet { tag, body: take(&mut bytes, length)? });
    }
    Ok(out)
}

/// A multiprecision integer.
fn integer<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Refused> {
    let bits = number(bytes, 2)?;
    take(bytes, bits.div_ceil(8))
}

/// A key of version 4.
pub(super) struct Key<'a> {
    body: &'a [u8],
    pub(super) created: i64,
    pub(super) id: u64,
    pub(super) key: Result<PublicKey, Refused>,
}

impl<'a> Key<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Refused> {
        let mut rest = body;
        if take(&mut rest, 1)? != [4] {
            return Err(Refused::unread("OpenPGP keys of another version than 4"));
        }
        let created = i64::try_from(number(&mut rest, 4)?).map_err(Refused::bad)?;
        let algorithm = take(&mut rest, 1)?[0];
        let mut out = Self { body, created, id: 0, key: material(algorithm, rest) };
        // The fingerprint is SHA-1 and serves to find the key only; nothing is accepted for it.
        let print = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &out.hashed());
        out.id = print.as_ref().iter().skip(12).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(out)
    }

    /// As signatures take a key in.
    pub(super) fn hashed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX);
        [&[0x99], length.to_be_bytes().as_slice(), self.body].concat()
    }
}

fn material(algorithm: u8, mut rest: &[u8]) -> Result<PublicKey, Refused> {
    match algorithm {
        1 | 3 => {
            let modulus = integer(&mut rest)?;
            Ok(PublicKey::rsa(modulus, integer(&mut rest)?))
        }
        19 | 22 => {
            let length = number(&mut rest, 1)?;
            let curve = take(&mut rest, length)?;
            let point = integer(&mut rest)?;
            match (algorithm, curve, point) {
                (19, P256, point) => PublicKey::p256(point),
                (19, P384, point) => PublicKey::p384(point),
                (22, ED25519, [0x40, point @ ..]) => PublicKey::ed25519(point),
                _ => Err(Refused::unread("OpenPGP keys on this curve")),
            }
        }
        27 => PublicKey::ed25519(rest),
        number => Err(Refused::unread(format!("OpenPGP keys of algorithm {number}"))),
    }
}

/// A signature of version 4.
pub(super) struct Signature<'a> {
    pub(super) kind: u8,
    algorithm: u8,
    hash: Result<Hash, Refused>,
    /// From the version to the end of the hashed subpackets.
    hashed: &'a [u8],
    /// Seconds since the Unix epoch, from the hashed part.
    pub(super) created: i64,
    /// Hashed subpackets: kind and value.
    subpackets: Vec<(u8, &'a [u8])>,
    /// Key ids of the issuer; hints, from both parts.
    pub(super) issuers: Vec<u64>,
    /// Signature inside the signature, by which a subkey claims its primary key. It proves itself, and gpg writes it into the part without hash.
    pub(super) embedded: Option<&'a [u8]>,
    left: [u8; 2],
    value: &'a [u8],
}

fn subpackets(mut bytes: &[u8]) -> Result<Vec<(u8, &[u8])>, Refused> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let length = length(&mut bytes, false)?;
        let mut body = take(&mut bytes, length)?;
        out.push((take(&mut body, 1)?[0], body));
    }
    Ok(out)
}

fn last_eight(bytes: &[u8]) -> u64 {
    bytes.iter().skip(bytes.len().saturating_sub(8)).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

impl<'a> Signature<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Refused> {
        let mut rest = body;
        let &[version, kind, algorithm, hash] = take(&mut rest, 4)? else { return Err(Refused::bad("cut off")) };
        if version != 4 {
            return Err(Refused::unread("OpenPGP signatures of another version than 4"));
        }
        let length = number(&mut rest, 2)?;
        let hashed = subpackets(take(&mut rest, length)?)?;
        let length_hashed = 6 + length;
        let length = number(&mut rest, 2)?;
        let unhashed = subpackets(take(&mut rest, length)?)?;
        let left = take(&mut rest, 2)?;
        let created = hashed.iter().find(|(kind, _)| kind & 0x7f == 2).map(|(_, value)| value);
        let created = created.filter(|value| value.len() == 4).ok_or_else(|| Refused::bad("no time of creation"))?;
        let issuers = hashed.iter().chain(&unhashed).filter_map(|(kind, value)| match kind & 0x7f {
            16 if value.len() == 8 => Some(last_eight(value)),
            33 if value.len() == 21 && value[0] == 4 => Some(last_eight(value)),
            _ => None,
        });
        Ok(Self {
            kind,
            algorithm,
            hash: hash_of(hash),
            hashed: &body[..length_hashed],
            created: created.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte)),
            issuers: issuers.collect(),
            embedded: hashed.iter().chain(&unhashed).find(|(kind, _)| kind & 0x7f == 32).map(|(_, value)| *value),
            subpackets: hashed,
            left: [left[0], left[1]],
            value: rest,
        })
    }

    /// The value of a hashed subpacket.
    pub(super) fn sub(&self, wanted: u8) -> Option<&'a [u8]> {
        self.subpackets.iter().find(|(kind, _)| kind & 0x7f == wanted).map(|(_, value)| *value)
    }

    /// Seconds in a hashed subpacket.
    pub(super) fn seconds(&self, wanted: u8) -> Option<i64> {
        let value = self.sub(wanted).filter(|value| value.len() == 4)?;
        Some(value.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte)))
    }

    /// Whether the hash is one that is accepted, and nothing critical is unknown.
    pub(super) fn acceptable(&self) -> Result<Hash, Refused> {
        // RFC 9580, section 5.2.3.7: what is marked critical and not understood makes the signature invalid. Notations are not understood.
        let known = |kind: u8| matches!(kind & 0x7f, 2..=7 | 9 | 11 | 12 | 16 | 21..=35 | 39);
        if let Some((kind, _)) = self.subpackets.iter().find(|(kind, _)| kind & 0x80 != 0 && !known(*kind)) {
            return Err(Refused::bad(format!("a critical subpacket of the unknown kind {}", kind & 0x7f)));
        }
        self.hash.clone()
    }

    /// Whether the signature holds over what stands before its own hashed part.
    pub(super) fn holds(&self, key: &PublicKey, data: &[u8]) -> Result<(), Refused> {
        let hash = self.acceptable()?;
        let length = u32::try_from(self.hashed.len()).map_err(Refused::bad)?;
        let message = [data, self.hashed, &[4, 0xff], &length.to_be_bytes()].concat();
        let digest = hash.of(&message);
        if digest[..2] != self.left {
            return Err(Refused::bad("the signature is over something else"));
        }
        let mut rest = self.value;
        match (self.algorithm, key) {
            (1 | 3, PublicKey::Rsa(..)) => key.verify_rsa(hash, &message, integer(&mut rest)?),
            (19, PublicKey::P256(_) | PublicKey::P384(_)) => {
                let first = integer(&mut rest)?;
                key.verify_ecdsa(hash, &message, (first, integer(&mut rest)?))
            }
            (22, PublicKey::Ed25519(_)) => {
                let (first, second) = (integer(&mut rest)?, integer(&mut rest)?);
                let raw = [padded(first, 32)?, padded(second, 32)?].concat();
                key.verify_ed25519(&digest, &raw)
            }
            (27, PublicKey::Ed25519(_)) => key.verify_ed25519(&digest, rest),
            _ => Err(Refused::bad("key and signature differ in kind")),
        }
    }
}

fn hash_of(number: u8) -> Result<Hash, Refused> {
    match number {
        8 => Ok(Hash::Sha256),
        9 => Ok(Hash::Sha384),
        10 => Ok(Hash::Sha512),
        1 => Err(Refused::Weak("MD5".to_owned())),
        2 => Err(Refused::Weak("SHA-1".to_owned())),
        3 => Err(Refused::Weak("RIPEMD-160".to_owned())),
        number => Err(Refused::unread(format!("OpenPGP hash {number}"))),
    }
}
