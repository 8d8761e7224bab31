//! Deterministic CBOR (RFC 8949, section 4.2.1), so that one value has exactly one encoding.
//!
//! Reading is strict: bytes are first walked by [`check`], which knows nothing of types and refuses every second way to write a
//! thing, then decoded, then encoded again and compared. The comparison closes what a type-blind walk cannot see (an optional
//! field left out instead of `null`). Allowed items: integers of 64 bits, byte and text strings, arrays, maps, `true`, `false`,
//! `null`. Map keys are text or integers. No floats, no tags, no indefinite lengths.

mod walk;
pub mod wide;

pub(crate) use walk::check_tagged;
pub use walk::{Rule, check};

use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bounds on foreign bytes; each is checked before anything is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest input, in bytes.
    pub max_bytes: usize,
    /// Deepest nesting of arrays and maps; a bare integer has depth 0.
    pub max_depth: usize,
    /// Most data items in all, map keys included.
    pub max_items: usize,
}

impl Limits {
    /// What [`from_slice`] uses: 64 MiB, depth 16, 4,000,000 items.
    pub const DEFAULT: Self = Self { max_bytes: 64 << 20, max_depth: 16, max_items: 4_000_000 };

    /// The default with another size limit, in bytes.
    #[must_use]
    pub const fn with_max_bytes(max_bytes: usize) -> Self {
        Self { max_bytes, ..Self::DEFAULT }
    }
}

/// Why bytes are not the canonical encoding of a value, or a value has none. Offsets count bytes from the start of the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// Longer than the limit.
    #[error("{length} bytes of CBOR, and at most {limit} are read here")]
    TooLong {
        /// Length of the input in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Nested too deep.
    #[error("CBOR nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Where the item starts.
        offset: usize,
        /// Deepest nesting allowed.
        limit: usize,
    },
    /// Too many items.
    #[error("more than {limit} CBOR items at byte {offset}")]
    TooMany {
        /// Where the item starts.
        offset: usize,
        /// Most items allowed.
        limit: usize,
    },
    /// The input ends inside an item.
    #[error("CBOR ends too early: the item at byte {offset} is incomplete; fetch the file again")]
    Truncated {
        /// Where the item starts.
        offset: usize,
    },
    /// Bytes after the item.
    #[error("extra bytes after the CBOR item, from byte {offset} on")]
    Trailing {
        /// First byte that does not belong to the item.
        offset: usize,
    },
    /// A rule of the deterministic encoding is broken.
    #[error("not deterministic CBOR at byte {offset}: {rule}; the writer must follow RFC 8949 section 4.2.1")]
    Rule {
        /// Where the item starts.
        offset: usize,
        /// Which rule.
        rule: Rule,
    },
    /// Well-formed, but not a value of the expected type: unknown or missing field, wrong item type, value out of range.
    #[error("CBOR does not have the expected fields: {0}")]
    Shape(String),
    /// Decodes, but the value is written differently, for example with an optional field left out instead of `null`.
    #[error("the value has another encoding, which differs from byte {offset} on; only that one is accepted")]
    SecondEncoding {
        /// First byte that differs.
        offset: usize,
    },
    /// The value cannot be written under these rules.
    #[error("this value has no encoding under the rules: {0}")]
    Unwritable(String),
}

/// Encodes a value. Struct fields become text keys in bytewise order of their encoded form.
///
/// # Errors
/// [`CanonicalError::Unwritable`] for floats, tags, integers of more than 64 bits (see [`wide`]), and equal map keys.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = Value::serialized(value).map_err(|error| CanonicalError::Unwritable(error.to_string()))?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    Ok(out)
}

/// Decodes the one encoding of a value, within [`Limits::DEFAULT`].
///
/// # Errors
/// Any [`CanonicalError`]; the first one in reading order.
pub fn from_slice<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, CanonicalError> {
    from_slice_limited(bytes, Limits::DEFAULT)
}

/// As [`from_slice`], within the caller's limits.
///
/// # Errors
/// Any [`CanonicalError`]; the first one in reading order.
pub fn from_slice_limited<T: DeserializeOwned + Serialize>(bytes: &[u8], limits: Limits) -> Result<T, CanonicalError> {
    check(bytes, limits)?;
    let value: T = ciborium::from_reader(bytes).map_err(|error| CanonicalError::Shape(describe(error)))?;
    let again = to_vec(&value)?;
    if again == bytes {
        Ok(value)
    } else {
        Err(CanonicalError::SecondEncoding { offset: first_difference(&again, bytes) })
    }
}

/// The decoder's reason in words; a foreign text in it is shortened so that a hostile file cannot flood a screen.
fn describe(error: ciborium::de::Error<std::io::Error>) -> String {
    let text = match error {
        ciborium::de::Error::Semantic(_, text) => text,
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn first_difference(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).position(|(a, b)| a != b).unwrap_or(left.len().min(right.len()))
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Integer(integer) => write_integer(i128::from(*integer), out),
        Value::Bytes(bytes) => {
            write_head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
            Ok(())
        }
        Value::Text(text) => {
            write_head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Value::Array(items) => {
            write_head(4, items.len() as u64, out);
            items.iter().try_for_each(|item| write(item, out))
        }
        Value::Map(entries) => write_map(entries, out),
        Value::Bool(flag) => {
            out.push(if *flag { 0xf5 } else { 0xf4 });
            Ok(())
        }
        Value::Null => {
            out.push(0xf6);
            Ok(())
        }
        Value::Tag(2 | 3, _) => Err(unwritable("an integer of more than 64 bits; use canonical::wide")),
        Value::Float(_) => Err(unwritable("a floating-point number")),
        _ => Err(unwritable("a tag or an unknown simple value")),
    }
}

fn unwritable(what: &str) -> CanonicalError {
    CanonicalError::Unwritable(what.to_owned())
}

fn write_integer(integer: i128, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let (major, magnitude) = if integer < 0 { (1, -1 - integer) } else { (0, integer) };
    let magnitude = u64::try_from(magnitude).map_err(|_| unwritable("an integer of more than 64 bits"))?;
    write_head(major, magnitude, out);
    Ok(())
}

/// Initial byte and argument in their shortest form (RFC 8949, section 4.2.1, first rule).
fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | bytes[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

fn write_map(entries: &[(Value, Value)], out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let mut encoded = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if !matches!(key, Value::Text(_) | Value::Integer(_)) {
            return Err(unwritable("a map key that is neither text nor an integer"));
        }
        let mut key_bytes = Vec::new();
        write(key, &mut key_bytes)?;
        encoded.push((key_bytes, value));
    }
    encoded.sort_by(|left, right| left.0.cmp(&right.0));
    if encoded.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(unwritable("a map with two equal keys"));
    }
    write_head(5, encoded.len() as u64, out);
    for (key, value) in encoded {
        out.extend_from_slice(&key);
        write(value, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
