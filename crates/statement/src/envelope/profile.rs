//! The one form that an envelope of a given statement and key id can have, written and compared byte by byte.
//!
//! An envelope outside this form is never accepted, so reading needs no general COSE parser. The general one is used for the others, to say
//! what is wrong with them.

use crate::statement::Statement;

/// Tag 18 and an array of four.
const START: [u8; 2] = [0xd2, 0x84];
/// An empty unprotected header.
const NO_UNPROTECTED: u8 = 0xa0;
/// A byte string of 64.
const SIGNATURE_HEAD: [u8; 2] = [0x58, 64];

/// The parts of an envelope that has the outer form.
pub(super) struct Parts<'a> {
    protected: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) signature: [u8; 64],
}

impl<'a> Parts<'a> {
    /// Splits the bytes; `None` when they have another form.
    pub(super) fn split(bytes: &'a [u8]) -> Option<Self> {
        let (protected, rest) = byte_string(bytes.strip_prefix(&START)?)?;
        let (payload, rest) = byte_string(rest.strip_prefix(&[NO_UNPROTECTED])?)?;
        let signature = rest.strip_prefix(&SIGNATURE_HEAD)?.try_into().ok()?;
        Some(Self { protected, payload, signature })
    }

    /// The key id, when the protected header is exactly the one of this statement.
    pub(super) fn key_id(&self, statement: &Statement) -> Option<[u8; 8]> {
        let (mut expected, place) = protected(statement, [0; 8]);
        let key_id: [u8; 8] = self.protected.get(place..place + 8)?.try_into().ok()?;
        expected[place..place + 8].copy_from_slice(&key_id);
        (expected == self.protected).then_some(key_id)
    }

    /// `Sig_structure` of RFC 9052, section 4.4, without external data.
    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.protected.len() + self.payload.len() + 24);
        out.push(0x84);
        text("Signature1", &mut out);
        head(2, self.protected.len(), &mut out);
        out.extend_from_slice(self.protected);
        head(2, 0, &mut out);
        head(2, self.payload.len(), &mut out);
        out.extend_from_slice(self.payload);
        out
    }
}

/// The protected header, and where the key id is in it.
fn protected(statement: &Statement, key_id: [u8; 8]) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(192);
    // Algorithm (1): EdDSA (-8); content type (3).
    out.extend_from_slice(&[0xa4, 0x01, 0x27, 0x03]);
    text(&statement.kind().content_type(), &mut out);
    // Key id (4).
    out.extend_from_slice(&[0x04, 0x48]);
    let place = out.len();
    out.extend_from_slice(&key_id);
    // CWT claims (15): issuer (1), subject (2).
    out.extend_from_slice(&[0x0f, 0xa2, 0x01]);
    text(statement.header.issuer.as_str(), &mut out);
    out.push(0x02);
    text(&statement.subject(), &mut out);
    (out, place)
}

fn text(text: &str, out: &mut Vec<u8>) {
    head(3, text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Initial byte and length in the shortest form (RFC 8949, section 4.2.1); envelopes are shorter than 64 KiB.
fn head(major: u8, length: usize, out: &mut Vec<u8>) {
    match u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes() {
        [0, low @ 0..=23] => out.push(major << 5 | low),
        [0, low] => out.extend_from_slice(&[major << 5 | 24, low]),
        [high, low] => out.extend_from_slice(&[major << 5 | 25, high, low]),
    }
}

/// A byte string of less than 64 KiB with its length in the shortest form, and what follows it.
fn byte_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *bytes {
        [initial @ 0x40..=0x57, ref rest @ ..] => (usize::from(initial - 0x40), rest),
        [0x58, length @ 24..=255, ref rest @ ..] => (usize::from(length), rest),
        [0x59, high @ 1..=255, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}
