//! The `COSE_Sign1` envelope (RFC 9052 section 4.2) in the header profile of RFC 9943.
//!
//! A verifier rebuilds the protected header from the payload and compares bytes, so an envelope has one form only.

use crate::canonical::{self, Limits};
use crate::error::StatementError;
use crate::ids::{Hash32, Name};
use crate::keys::{PublicKey, SigningKey};
use crate::statement::{Kind, Statement};
use ciborium::Value;
use coset::{
    CborSerializable as _, CoseSign1, CoseSign1Builder, Header, HeaderBuilder, Label, TaggedCborSerializable as _, iana,
};
use profile::Parts;

mod profile;

/// Longest statement, envelope included, in bytes (DESIGN.md section 5): fits a C2SP entry bundle, whose entries are below 64 KiB.
pub const MAX_STATEMENT_BYTES: usize = 60 * 1024;

const LIMITS: Limits = Limits { max_bytes: MAX_STATEMENT_BYTES, max_depth: 16, max_items: 65_536 };
/// CBOR tag of `COSE_Sign1`.
const TAG: u8 = 18;
/// Header label of the CWT claims (RFC 9597).
const CWT_CLAIMS: i64 = 15;

/// A statement whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was signed.
    pub statement: Statement,
    /// SHA-256 of the whole envelope; the name by which other statements refer to this one.
    pub hash: Hash32,
    /// The key that signed it.
    pub key: PublicKey,
    /// Length of the envelope in bytes.
    pub bytes_len: usize,
}

impl Signed {
    /// Checks that the statement was made under this agreement and by this issuer, so that it cannot be replayed elsewhere.
    ///
    /// # Errors
    /// [`StatementError::Unexpected`] naming both values.
    pub fn expect(&self, agreement: &Hash32, issuer: &Name) -> Result<(), StatementError> {
        let header = &self.statement.header;
        let refuse = |what, found: String, expected: String| Err(StatementError::Unexpected { what, found, expected });
        if header.agreement != *agreement {
            return refuse("the agreement", header.agreement.to_string(), agreement.to_string());
        }
        if header.issuer != *issuer {
            return refuse("the issuer", header.issuer.to_string(), issuer.to_string());
        }
        Ok(())
    }

    /// Checks the kind.
    ///
    /// # Errors
    /// [`StatementError::Unexpected`] naming both kinds.
    pub fn expect_kind(&self, kind: Kind) -> Result<(), StatementError> {
        let found = self.statement.kind();
        if found == kind {
            return Ok(());
        }
        Err(StatementError::Unexpected { what: "the kind", found: found.to_string(), expected: kind.to_string() })
    }
}

impl Statement {
    /// Signs the statement and gives the envelope's bytes.
    ///
    /// # Errors
    /// [`StatementError::Field`] when a field is not allowed, [`StatementError::TooLong`] above [`MAX_STATEMENT_BYTES`].
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, StatementError> {
        self.validate()?;
        let protected = protected_header(self, &key.public());
        let bytes = seal(protected, self.payload()?, key)?;
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(StatementError::TooLong { length: bytes.len(), limit: MAX_STATEMENT_BYTES });
        }
        Ok(bytes)
    }

    /// The `sub` claim: `<agreement id in hexadecimal>/<kind>`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}/{}", self.header.agreement, self.kind())
    }
}

/// Verifies an envelope against the keys that may have signed it.
///
/// The rule has no options: size, deterministic CBOR, exact header profile, claims equal to the payload's header, field rules of the
/// kind, and a strict Ed25519 signature by one of `keys`. It does not say that the statement belongs here: see [`Signed::expect`].
///
/// # Errors
/// The first [`StatementError`] in that order.
pub fn verify(bytes: &[u8], keys: &[PublicKey]) -> Result<Signed, StatementError> {
    let opened = open(bytes)?;
    let key_id = opened.key_id;
    let mut candidates = keys.iter().filter(|key| key.key_id() == key_id).peekable();
    if candidates.peek().is_none() {
        return Err(StatementError::UnknownKey { key_id: hex::encode(key_id), known: keys.len() });
    }
    let key = candidates.find(|key| key.verifies(&opened.to_be_signed, &opened.signature));
    let key = *key.ok_or_else(|| StatementError::Signature { key_id: hex::encode(key_id) })?;
    Ok(Signed { statement: opened.statement, hash: Hash32::of(bytes), key, bytes_len: bytes.len() })
}

/// Reads an envelope without looking at its signature. For showing a statement to people, never for deciding.
///
/// # Errors
/// As [`verify`], except those about keys and signatures.
pub fn decode_unverified(bytes: &[u8]) -> Result<Statement, StatementError> {
    open(bytes).map(|opened| opened.statement)
}

#[derive(Debug, PartialEq)]
struct Opened {
    statement: Statement,
    key_id: [u8; 8],
    to_be_signed: Vec<u8>,
    signature: [u8; 64],
}

fn open(bytes: &[u8]) -> Result<Opened, StatementError> {
    if bytes.len() > MAX_STATEMENT_BYTES {
        return Err(StatementError::TooLong { length: bytes.len(), limit: MAX_STATEMENT_BYTES });
    }
    open_profile(bytes).map_or_else(|| open_any(bytes), Ok)
}

/// Reads an envelope that is in order; `None` for any other.
fn open_profile(bytes: &[u8]) -> Option<Opened> {
    let parts = Parts::split(bytes)?;
    let statement: Statement = canonical::from_slice_limited(parts.payload, LIMITS).ok()?;
    let key_id = parts.key_id(&statement)?;
    statement.validate().ok()?;
    Some(Opened { statement, key_id, to_be_signed: parts.to_be_signed(), signature: parts.signature })
}

/// Reads any COSE envelope, to say what is wrong with it. Accepts the same as [`open_profile`], which is tested.
fn open_any(bytes: &[u8]) -> Result<Opened, StatementError> {
    canonical::check_tagged(bytes, TAG, LIMITS).map_err(StatementError::Envelope)?;
    let profile = StatementError::Profile;
    let envelope = CoseSign1::from_tagged_slice(bytes)
        .map_err(|_| profile("not an array of protected header, unprotected header, payload and signature"))?;
    if !envelope.unprotected.is_empty() {
        return Err(profile("the unprotected header must be empty"));
    }
    let payload = envelope.payload.as_deref().ok_or(profile("the payload must be embedded"))?;
    let signature =
        envelope.signature.as_slice().try_into().map_err(|_| profile("the signature must have 64 bytes"))?;
    let protected = envelope.protected.original_data.as_deref().unwrap_or_default();
    canonical::check(protected, LIMITS).map_err(StatementError::Envelope)?;
    let key_id =
        envelope.protected.header.key_id.as_slice().try_into().map_err(|_| profile("kid must have 8 bytes"))?;
    let statement: Statement = canonical::from_slice_limited(payload, LIMITS).map_err(StatementError::Payload)?;
    agree(&envelope.protected.header, &statement)?;
    let expected = header_with(&statement, &key_id).to_vec().map_err(|_| profile("protected header"))?;
    if expected != protected {
        return Err(profile("the protected header has other fields than alg, content type, kid and CWT claims"));
    }
    statement.validate()?;
    Ok(Opened { statement, key_id, to_be_signed: envelope.tbs_data(b""), signature })
}

/// Compares the header's labels with the payload, each with its own message.
fn agree(header: &Header, statement: &Statement) -> Result<(), StatementError> {
    if header.alg != Some(coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) {
        return Err(StatementError::Profile("the algorithm must be EdDSA (-8)"));
    }
    let kind = statement.kind();
    match &header.content_type {
        Some(coset::RegisteredLabel::Text(text)) if *text == kind.content_type() => {}
        Some(coset::RegisteredLabel::Text(text)) => {
            return Err(StatementError::Kind { content_type: shorten(text), kind: kind.name() });
        }
        _ => return Err(StatementError::Profile("the content type must be text")),
    }
    let (issuer, subject) =
        claims(header).ok_or(StatementError::Profile("CWT claims must be {1: issuer, 2: subject}"))?;
    if issuer != statement.header.issuer.as_str() {
        return Err(StatementError::Issuer { claimed: shorten(issuer), issuer: statement.header.issuer.clone() });
    }
    if subject != statement.subject() {
        return Err(StatementError::Subject { claimed: shorten(subject), expected: statement.subject() });
    }
    Ok(())
}

/// The `iss` and `sub` claims when there are exactly these two, as text.
fn claims(header: &Header) -> Option<(&str, &str)> {
    let (_, value) = header.rest.iter().find(|(label, _)| *label == Label::Int(CWT_CLAIMS))?;
    match value.as_map()?.as_slice() {
        [(first, Value::Text(issuer)), (second, Value::Text(subject))]
            if *first == Value::from(1) && *second == Value::from(2) =>
        {
            Some((issuer, subject))
        }
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

fn protected_header(statement: &Statement, key: &PublicKey) -> Header {
    header_with(statement, &key.key_id())
}

fn header_with(statement: &Statement, key_id: &[u8; 8]) -> Header {
    let claims = Value::Map(vec![
        (Value::from(1), Value::from(statement.header.issuer.as_str())),
        (Value::from(2), Value::from(statement.subject())),
    ]);
    HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .content_type(statement.kind().content_type())
        .key_id(key_id.to_vec())
        .value(CWT_CLAIMS, claims)
        .build()
}

/// Puts any protected header and payload into an envelope; the attack tests use it to build what [`Statement::sign`] refuses.
fn seal(protected: Header, payload: Vec<u8>, key: &SigningKey) -> Result<Vec<u8>, StatementError> {
    CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .create_signature(b"", |to_be_signed| key.sign(to_be_signed).to_vec())
        .build()
        .to_tagged_vec()
        .map_err(|_| StatementError::Profile("the envelope cannot be encoded"))
}

#[cfg(test)]
mod tests;
