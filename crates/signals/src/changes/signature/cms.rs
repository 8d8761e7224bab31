//! Detached CMS SignedData (RFC 5652) over a commit, as `gpgsm`, `openssl cms` and gitsign write it.
//!
//! Proved: the one signer's attributes name the message's digest and are signed by the key of a certificate that comes along; the certificate was
//! valid at the signing time among these attributes (without one, at the time that the caller gives, the committer's); and either its key is
//! pinned for a person, or a pinned issuer signed it and was valid then, and its alternative name holds an address of a person.
//!
//! Not looked at: longer paths, uses of the key, revocation lists, time stamps, and for gitsign inclusion in Rekor and the certificate's
//! transparency: whoever has a short-lived key may write a signing time inside its minutes later on.

use super::Refused;
use super::armour;
use super::asn1::{self, Element, Reader};
use super::x509::{self, Certificate, MAX_CERTIFICATES};
use std::collections::BTreeMap;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];

/// Whose certificates count.
pub(super) trait Pins<T> {
    /// The owner of a pinned key.
    fn owner(&self, pin: &[u8; 32]) -> Option<T>;
    /// Whether a key issues for persons.
    fn issues(&self, pin: &[u8; 32]) -> bool;
    /// Certificates of issuers that the map gives in full.
    fn issuers(&self) -> &[Vec<u8>];
}

/// A signature that holds.
pub(super) enum Holds<T> {
    /// By a pinned key.
    Pinned(T),
    /// By a certificate of a pinned issuer, with these addresses.
    Issued(Vec<String>),
    /// By a key that nothing in the map vouches for.
    Unknown,
}

struct Parsed<'a> {
    certificates: Vec<Certificate<'a>>,
    signer: Reader<'a>,
}

fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Refused> {
    let mut top = Reader::new(bytes);
    let mut info = top.take(asn1::SEQUENCE)?.inside();
    top.end()?;
    if info.take(asn1::OID)?.content != SIGNED_DATA {
        return Err(Refused::bad("no CMS SignedData"));
    }
    let mut data = info.take(0xa0)?.inside().take(asn1::SEQUENCE)?.inside();
    data.take(asn1::INTEGER)?;
    data.take(asn1::SET)?;
    let mut content = data.take(asn1::SEQUENCE)?.inside();
    if content.take(asn1::OID)?.content != DATA || !content.is_empty() {
        return Err(Refused::bad("the CMS signature is not detached from plain data"));
    }
    let mut certificates = Vec::new();
    let mut list = data.optional(0xa0)?.map_or(Reader::new(&[]), |set| set.inside());
    while !list.is_empty() {
        let element = list.next()?;
        if certificates.len() >= MAX_CERTIFICATES {
            return Err(Refused::bad(format!("more than {MAX_CERTIFICATES} certificates")));
        }
        if element.tag == asn1::SEQUENCE {
            certificates.push(Certificate::parse(element.whole)?);
        }
    }
    data.optional(0xa1)?;
    let mut signers = data.take(asn1::SET)?.inside();
    let signer = signers.take(asn1::SEQUENCE)?.inside();
    signers.end()?;
    Ok(Parsed { certificates, signer })
}

/// Attributes with one value each, by kind.
fn attributes<'a>(set: Element<'a>) -> Result<BTreeMap<&'a [u8], Element<'a>>, Refused> {
    let (mut out, mut list) = (BTreeMap::new(), set.inside());
    while !list.is_empty() {
        let mut parts = list.take(asn1::SEQUENCE)?.inside();
        let kind = parts.take(asn1::OID)?.content;
        let mut values = parts.take(asn1::SET)?.inside();
        let value = values.next()?;
        if out.insert(kind, value).is_some()
            || [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME].contains(&kind) && !values.is_empty()
        {
            return Err(Refused::bad("a signed attribute stands twice"));
        }
    }
    Ok(out)
}

/// Whether an armoured signature over a message holds, and by whom. `otherwise` is the time without a signing time.
pub(super) fn verify<T>(
    armoured: &[u8],
    message: &[u8],
    otherwise: i64,
    pins: &impl Pins<T>,
) -> Result<Holds<T>, Refused> {
    let bytes = armour::only(armoured, &["SIGNED MESSAGE", "CMS", "PKCS7"])?;
    let Parsed { certificates, mut signer } = parse(&bytes)?;
    signer.take(asn1::INTEGER)?;
    let named = signer.next()?;
    let digest = x509::hash(signer.take(asn1::SEQUENCE)?.inside().take(asn1::OID)?.content)?;
    let Some(set) = signer.optional(0xa0)?.filter(|set| set.definite) else {
        return Err(Refused::bad("no signed attributes with a length"));
    };
    let (algorithm, signature) = (signer.take(asn1::SEQUENCE)?, signer.take(asn1::OCTET_STRING)?.content);
    let leaf = leaf(&certificates, named)?;
    let found = attributes(set)?;
    let is = |kind: &[u8], tag: u8, content: &[u8]| {
        found.get(kind).is_some_and(|value| value.tag == tag && value.content == content)
    };
    if !is(CONTENT_TYPE, asn1::OID, DATA) || !is(MESSAGE_DIGEST, asn1::OCTET_STRING, &digest.of(message)) {
        return Err(Refused::bad("the signed attributes are about another message"));
    }
    // RFC 5652, section 5.4: signed is the set with its own tag, in place of the implicit one.
    let signed = [&[asn1::SET], &set.whole[1..]].concat();
    x509::holds(&leaf.key()?, algorithm, Some(digest), &signed, signature)?;
    let time = found.get(SIGNING_TIME).map_or(Ok(otherwise), Element::time)?;
    vouched(leaf, &certificates, time, pins)
}

/// The signer's certificate, by issuer and serial number or by the id of the key.
fn leaf<'c, 'a>(certificates: &'c [Certificate<'a>], named: Element<'_>) -> Result<&'c Certificate<'a>, Refused> {
    let found = match named.tag {
        asn1::SEQUENCE => {
            let mut parts = named.inside();
            let (issuer, serial) = (parts.take(asn1::SEQUENCE)?.whole, parts.take(asn1::INTEGER)?.content);
            certificates.iter().find(|one| one.issuer == issuer && one.serial == serial)
        }
        0x80 => certificates.iter().find(|one| one.key_id == Some(named.content)),
        _ => None,
    };
    found.ok_or_else(|| Refused::unread("the signer's certificate does not come with the signature"))
}

fn vouched<T>(
    leaf: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    time: i64,
    pins: &impl Pins<T>,
) -> Result<Holds<T>, Refused> {
    if let Some(owner) = pins.owner(&leaf.pin()) {
        leaf.valid_at(time)?;
        return Ok(Holds::Pinned(owner));
    }
    let given = pins.issuers().iter().filter_map(|bytes| Certificate::parse(bytes).ok());
    for issuer in given.chain(certificates.iter().cloned()).filter(|issuer| pins.issues(&issuer.pin())) {
        if leaf.issued_by(&issuer).is_ok() {
            leaf.valid_at(time)?;
            issuer.valid_at(time)?;
            return Ok(Holds::Issued(leaf.emails.iter().map(|email| (*email).to_owned()).collect()));
        }
    }
    Ok(Holds::Unknown)
}
