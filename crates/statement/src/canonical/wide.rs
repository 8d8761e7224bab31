//! `#[serde(with = "standstill_statement::canonical::wide")]` for `u128`: a big-endian byte string without leading zeros in CBOR
//! (zero is the empty string), a decimal string in JSON. CBOR's own form for such integers is a tag, and tags are not allowed.

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use std::fmt;

/// Writes the integer.
///
/// # Errors
/// Whatever the serializer reports.
pub fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return serializer.collect_str(value);
    }
    let bytes = value.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    serializer.serialize_bytes(&bytes[start..])
}

/// Reads the integer.
///
/// # Errors
/// When there are more than 16 bytes, a leading zero byte, or (JSON) no plain decimal digits.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(WideVisitor)
    } else {
        deserializer.deserialize_bytes(WideVisitor)
    }
}

struct WideVisitor;

impl Visitor<'_> for WideVisitor {
    type Value = u128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer of at most 128 bits (bytes without leading zeros, or decimal digits)")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<u128, E> {
        if bytes.len() > 16 || bytes.first() == Some(&0) {
            return Err(E::invalid_value(de::Unexpected::Bytes(bytes), &self));
        }
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u128, E> {
        let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
        let value = if plain { text.parse().ok() } else { None };
        value.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
