//! The type-blind walk over foreign CBOR. It allocates nothing, and every length is compared with what is left before it is used.

use super::{CanonicalError, Limits};
use std::fmt;

/// Rule of the deterministic encoding that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// An integer, length or count is written in more bytes than needed.
    ShortestForm,
    /// Indefinite length.
    DefiniteLength,
    /// Initial byte with a reserved argument (28 to 30).
    Reserved,
    /// Map keys are not in bytewise order of their encoded form.
    KeyOrder,
    /// A map has the same key twice.
    DuplicateKey,
    /// A map key is neither text nor an integer.
    KeyType,
    /// A tag where none is allowed.
    Tag,
    /// No tag, or another one, where a certain tag must stand.
    OtherTag,
    /// A floating-point number.
    Float,
    /// A simple value other than `true`, `false` and `null`.
    Simple,
    /// A text string that is not UTF-8.
    Utf8,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShortestForm => "a number, length or count is not in its shortest form",
            Self::DefiniteLength => "indefinite lengths are not allowed",
            Self::Reserved => "reserved initial byte",
            Self::KeyOrder => "map keys are not sorted",
            Self::DuplicateKey => "a map key appears twice",
            Self::KeyType => "a map key must be text or an integer",
            Self::Tag => "tags are not allowed here",
            Self::OtherTag => "the item must start with the tag of its type, in one byte",
            Self::Float => "floating-point numbers are not allowed",
            Self::Simple => "only true, false and null are allowed",
            Self::Utf8 => "a text string is not UTF-8",
        })
    }
}

/// Checks that `bytes` are exactly one deterministic CBOR item within the limits, whatever its type.
///
/// # Errors
/// Any [`CanonicalError`] except the three that need a type.
pub fn check(bytes: &[u8], limits: Limits) -> Result<(), CanonicalError> {
    let mut walk = Walk::new(bytes, limits)?;
    walk.item(0)?;
    walk.finish()
}

/// As [`check`], for an item that must carry exactly this one-byte tag head (`0xc0 | tag`, tag below 24) at its very start.
pub(crate) fn check_tagged(bytes: &[u8], tag: u8, limits: Limits) -> Result<(), CanonicalError> {
    let mut walk = Walk::new(bytes, limits)?;
    if bytes.first() != Some(&(0xc0 | tag)) {
        return Err(CanonicalError::Rule { offset: 0, rule: Rule::OtherTag });
    }
    walk.position = 1;
    walk.item(0)?;
    walk.finish()
}

struct Walk<'a> {
    bytes: &'a [u8],
    position: usize,
    items: usize,
    limits: Limits,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, CanonicalError> {
        if bytes.len() > limits.max_bytes {
            return Err(CanonicalError::TooLong { length: bytes.len(), limit: limits.max_bytes });
        }
        Ok(Self { bytes, position: 0, items: 0, limits })
    }

    fn finish(&self) -> Result<(), CanonicalError> {
        if self.position == self.bytes.len() { Ok(()) } else { Err(CanonicalError::Trailing { offset: self.position }) }
    }

    fn take(&mut self, count: u64, item_offset: usize) -> Result<&'a [u8], CanonicalError> {
        let rest = &self.bytes[self.position..];
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let taken = taken.ok_or(CanonicalError::Truncated { offset: item_offset })?;
        self.position += taken.len();
        Ok(taken)
    }

    /// Reads the initial byte and its argument: (major type, additional information, argument).
    fn head(&mut self) -> Result<(u8, u8, u64), CanonicalError> {
        let offset = self.position;
        let refuse = |rule| Err(CanonicalError::Rule { offset, rule });
        let initial = self.take(1, offset)?[0];
        let (major, info) = (initial >> 5, initial & 0x1f);
        let width = match info {
            0..=23 => return Ok((major, info, u64::from(info))),
            24..=27 => 1u64 << (info - 24),
            31 => return refuse(Rule::DefiniteLength),
            _ => return refuse(Rule::Reserved),
        };
        let argument = self.take(width, offset)?.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        // Major type 7 uses these widths for floats, which are refused by their own rule.
        let smallest = [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(info - 24)];
        if major != 7 && argument < smallest { refuse(Rule::ShortestForm) } else { Ok((major, info, argument)) }
    }

    fn item(&mut self, depth: usize) -> Result<(), CanonicalError> {
        let offset = self.position;
        self.items += 1;
        if self.items > self.limits.max_items {
            return Err(CanonicalError::TooMany { offset, limit: self.limits.max_items });
        }
        let (major, info, argument) = self.head()?;
        match major {
            0 | 1 => Ok(()),
            2 => self.take(argument, offset).map(|_| ()),
            3 => {
                let text = self.take(argument, offset)?;
                let valid = std::str::from_utf8(text).is_ok();
                if valid { Ok(()) } else { Err(CanonicalError::Rule { offset, rule: Rule::Utf8 }) }
            }
            4 | 5 => self.container(major, argument, offset, depth),
            6 => Err(CanonicalError::Rule { offset, rule: Rule::Tag }),
            _ => match info {
                20..=22 => Ok(()),
                25..=27 => Err(CanonicalError::Rule { offset, rule: Rule::Float }),
                _ => Err(CanonicalError::Rule { offset, rule: Rule::Simple }),
            },
        }
    }

    fn container(&mut self, major: u8, count: u64, offset: usize, depth: usize) -> Result<(), CanonicalError> {
        if depth >= self.limits.max_depth {
            return Err(CanonicalError::TooDeep { offset, limit: self.limits.max_depth });
        }
        // Every element takes at least one byte, so an absurd count ends here and not after a long loop.
        let least = if major == 4 { count } else { count.saturating_mul(2) };
        if least > (self.bytes.len() - self.position) as u64 {
            return Err(CanonicalError::Truncated { offset });
        }
        let mut previous: &[u8] = &[];
        for _ in 0..count {
            if major == 5 {
                previous = self.key(previous, depth)?;
            }
            self.item(depth + 1)?;
        }
        Ok(())
    }

    /// Walks a map key and compares it with the one before; an empty `previous` means that there was none.
    fn key(&mut self, previous: &[u8], depth: usize) -> Result<&'a [u8], CanonicalError> {
        let offset = self.position;
        let refuse = |rule| Err(CanonicalError::Rule { offset, rule });
        if !matches!(self.bytes.get(offset).map(|byte| byte >> 5), None | Some(0 | 1 | 3)) {
            return refuse(Rule::KeyType);
        }
        self.item(depth + 1)?;
        let key = &self.bytes[offset..self.position];
        match previous.cmp(key) {
            std::cmp::Ordering::Less => Ok(key),
            std::cmp::Ordering::Equal => refuse(Rule::DuplicateKey),
            std::cmp::Ordering::Greater => refuse(Rule::KeyOrder),
        }
    }
}
