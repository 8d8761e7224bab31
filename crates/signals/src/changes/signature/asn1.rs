//! Elements of ASN.1 in BER (ITU-T X.690), as far as CMS and certificates need them. Indefinite lengths are read, because S/MIME programs write
//! them around DER. What a signature is over is always taken as the bytes that stand there.

use super::Refused;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// Deepest nesting of indefinite lengths.
const MAX_DEPTH: usize = 16;

/// An element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
    /// The length was written, not marked by an end.
    pub(super) definite: bool,
}

fn cut() -> Refused {
    Refused::bad("an ASN.1 element is cut off")
}

/// Elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&mut self) -> Result<Element<'a>, Refused> {
        let (element, rest) = element(self.0, MAX_DEPTH)?;
        self.0 = rest;
        Ok(element)
    }

    /// The next element, which must have a tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Element<'a>, Refused> {
        let element = self.next()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(Refused::bad(format!("an ASN.1 element has the tag {:#04x}, {tag:#04x} was expected", element.tag)))
        }
    }

    /// The next element if it has a tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Refused> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// Nothing follows.
    pub(super) fn end(&self) -> Result<(), Refused> {
        if self.is_empty() { Ok(()) } else { Err(Refused::bad("something stands after an ASN.1 structure")) }
    }
}

impl<'a> Element<'a> {
    /// What is inside.
    pub(super) const fn inside(&self) -> Reader<'a> {
        Reader(self.content)
    }

    /// Bytes of a bit string with whole bytes.
    pub(super) fn bits(&self) -> Result<&'a [u8], Refused> {
        match self.content {
            [0, rest @ ..] if self.tag == BIT_STRING => Ok(rest),
            _ => Err(Refused::bad("a bit string without whole bytes")),
        }
    }

    /// Seconds since the Unix epoch of a UTCTime or GeneralizedTime in the form of RFC 5280, section 4.1.2.5.
    pub(super) fn time(&self) -> Result<i64, Refused> {
        let text = std::str::from_utf8(self.content).ok().and_then(|text| text.strip_suffix('Z'));
        let digits = text.filter(|text| text.is_ascii() && text.bytes().all(|byte| byte.is_ascii_digit()));
        let parsed = digits.and_then(|text| {
            let (year, rest) = match (self.tag, text.len()) {
                (UTC_TIME, 12) => {
                    (text[..2].parse().map(|year: i64| year + if year < 50 { 2_000 } else { 1_900 }), &text[2..])
                }
                (GENERALIZED_TIME, 14) => (text[..4].parse(), &text[4..]),
                _ => return None,
            };
            let part = |at: usize| rest[at..at + 2].parse::<i64>().ok();
            let (month, day) = (part(0)?, part(2)?);
            let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
            let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
            fits.then_some(days(year.ok()?, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
        });
        parsed.ok_or_else(|| Refused::bad("a time is not in the form of RFC 5280"))
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn element(bytes: &[u8], depth: usize) -> Result<(Element<'_>, &[u8]), Refused> {
    let (&tag, rest) = bytes.split_first().ok_or_else(cut)?;
    if tag & 0x1f == 0x1f {
        return Err(Refused::bad("an ASN.1 tag of several bytes"));
    }
    let (&first, rest) = rest.split_first().ok_or_else(cut)?;
    if first == 0x80 {
        return indefinite(bytes, tag, rest, depth);
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = rest.split_at_checked(count).filter(|_| count <= 4).ok_or_else(cut)?;
        (digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length).ok_or_else(cut)?;
    let whole = &bytes[..bytes.len() - after.len()];
    Ok((Element { tag, content, whole, definite: true }, after))
}

/// Content up to two zero bytes.
fn indefinite<'a>(
    bytes: &'a [u8],
    tag: u8,
    content: &'a [u8],
    depth: usize,
) -> Result<(Element<'a>, &'a [u8]), Refused> {
    if depth == 0 || tag & 0x20 == 0 {
        return Err(Refused::bad("ASN.1 is nested too deeply"));
    }
    let mut rest = content;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            let content = &content[..content.len() - rest.len()];
            let whole = &bytes[..bytes.len() - after.len()];
            return Ok((Element { tag, content, whole, definite: false }, after));
        }
        rest = element(rest, depth - 1)?.1;
    }
}
