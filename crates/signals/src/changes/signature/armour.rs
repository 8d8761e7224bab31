//! Text armour: PEM (RFC 7468) and OpenPGP (RFC 9580, section 6.2). Headers and the checksum of OpenPGP are passed over; signatures protect
//! what is inside.

use super::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest armour of a signature, in bytes.
pub(super) const MAX_SIGNATURE_BYTES: usize = 1 << 16;
/// Longest armour of a key, in bytes: certificates with many signatures of others.
pub(super) const MAX_KEY_BYTES: usize = 4 << 20;

/// The bytes in the first block of one of these labels, and the text after it.
pub(super) fn decode<'a>(text: &'a str, labels: &[&str], most: usize) -> Result<(Vec<u8>, &'a str), Refused> {
    if text.len() > most {
        return Err(Refused::bad(format!("the armour is longer than {most} bytes")));
    }
    let text = text.trim_start();
    let label = labels.iter().find(|label| text.starts_with(&format!("-----BEGIN {label}-----")));
    let label = label.ok_or_else(|| Refused::bad(format!("it does not begin with -----BEGIN {}-----", labels[0])))?;
    let body = &text[format!("-----BEGIN {label}-----").len()..];
    let end = format!("-----END {label}-----");
    let (body, rest) = body.split_once(&end).ok_or_else(|| Refused::bad(format!("no {end}")))?;
    let mut joined = String::with_capacity(body.len());
    for line in body.lines().map(str::trim) {
        // `Version: …` and other headers carry a colon, the checksum begins with `=`; neither is in the alphabet of base64 there.
        if line.contains(':') || line.starts_with('=') {
            continue;
        }
        joined.extend(line.split_whitespace());
    }
    Ok((STANDARD.decode(joined).map_err(Refused::bad)?, rest))
}

/// As [`decode`], of bytes with nothing but white space after the block.
pub(super) fn only(armour: &[u8], labels: &[&str]) -> Result<Vec<u8>, Refused> {
    if armour.len() > MAX_SIGNATURE_BYTES {
        return Err(Refused::bad("the armour is too long"));
    }
    let text = std::str::from_utf8(armour).map_err(Refused::bad)?;
    let (bytes, rest) = decode(text, labels, MAX_SIGNATURE_BYTES)?;
    if rest.trim().is_empty() { Ok(bytes) } else { Err(Refused::bad("something stands after the armour")) }
}
