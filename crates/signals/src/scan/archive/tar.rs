//! Tar: POSIX ustar and pax headers, GNU's long names.

use super::{About, Entry, Kind, Names, Refused, Source, refuse};
use std::io::Read;

/// Size of a block.
const BLOCK: usize = 512;
/// Longest extended header or long name, in bytes.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// What an extended header says about the next entry.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

/// A field that ends with a zero byte or with its room.
fn text(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|byte| *byte == 0).unwrap_or(field.len())]
}

/// A number: octal digits between spaces and zero bytes, or base 256 with the first bit set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let first = u64::from(field[0] & 0x7f);
        return field[1..].iter().try_fold(first, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| !matches!(byte, b' ' | 0));
    let mut sum = 0u64;
    for digit in digits {
        if !(b'0'..=b'7').contains(digit) {
            return None;
        }
        sum = sum.checked_mul(8)?.checked_add(u64::from(digit - b'0'))?;
    }
    Some(sum)
}

/// The header's sum: of all bytes, with its own field as spaces.
fn sum_is_right(header: &[u8; BLOCK]) -> bool {
    let sum: u64 =
        header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    number(&header[148..156]) == Some(sum)
}

/// Records of an extended header: length, space, key, `=`, value, line feed; the length counts all of it.
fn records(mut bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    let wrong = || Refused("an extended header is damaged".to_owned());
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().take(20).position(|byte| *byte == b' ').ok_or_else(wrong)?;
        let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse::<usize>().ok());
        let length = length.filter(|length| *length > space + 1 && *length <= bytes.len()).ok_or_else(wrong)?;
        let (record, rest) = bytes.split_at(length);
        let body = record[space + 1..].strip_suffix(b"\n").ok_or_else(wrong)?;
        let equals = body.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
        out.push((String::from_utf8_lossy(&body[..equals]).into_owned(), body[equals + 1..].to_vec()));
        bytes = rest;
    }
    Ok(out)
}

impl Extended {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        for (key, value) in records(bytes)? {
            match key.as_str() {
                "path" => self.path = Some(value),
                "linkpath" => self.link = Some(value),
                "size" => {
                    let size = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(|| Refused("an extended header has no right size".to_owned()))?);
                }
                key if key.starts_with("GNU.sparse") => return refuse("sparse files are not read"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Contents and the zero bytes after them.
fn contents<R: Read>(source: &mut Source<R>, size: u64, name: &str) -> Result<Vec<u8>, Refused> {
    let bytes = source.take(size, name)?;
    let padding = (BLOCK - bytes.len() % BLOCK) % BLOCK;
    source.take(padding as u64, name)?;
    Ok(bytes)
}

/// Name and prefix of a header.
fn header_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = text(&header[..100]);
    let prefix = text(&header[345..500]);
    // GNU's old format keeps other things where ustar has the prefix.
    if &header[257..263] == b"ustar\0" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Reads all entries.
pub(super) fn read<R: Read>(
    source: &mut Source<R>,
    names: &mut Names<'_>,
    visit: &mut dyn FnMut(Entry),
) -> Result<About, Refused> {
    let mut about = About::default();
    let mut next = Extended::default();
    let mut header = [0; BLOCK];
    let mut is_first = true;
    loop {
        let filled = source.fill(&mut header)?;
        if filled < BLOCK && (filled > 0 || is_first) {
            return refuse("it is no tar, tar.gz, tar.xz or zip, or it is cut short");
        }
        if filled == 0 || header.iter().all(|byte| *byte == 0) {
            break;
        }
        if !sum_is_right(&header) {
            let what = if is_first { "it is no tar, tar.gz, tar.xz or zip" } else { "a header is damaged" };
            return refuse(what);
        }
        is_first = false;
        names.count()?;
        let Some(size) = number(&header[124..136]) else { return refuse("a header has no right size") };
        match header[156] {
            kind @ (b'x' | b'g' | b'L' | b'K') => {
                if size > MAX_EXTENSION_BYTES {
                    return refuse(format!("an extended header has {size} bytes"));
                }
                let bytes = contents(source, size, "an extended header")?;
                match kind {
                    b'x' => next.add(&bytes)?,
                    b'L' => next.path = Some(text(&bytes).to_vec()),
                    b'K' => next.link = Some(text(&bytes).to_vec()),
                    _ => global(&bytes, &mut about)?,
                }
            }
            _ => {
                let extended = std::mem::take(&mut next);
                entry(source, &header, extended, size, names, visit)?;
            }
        }
    }
    about.trailing_bytes = trailing(source)?;
    Ok(about)
}

/// A global header. What it says about names and sizes would hold for every entry; nobody writes that.
fn global(bytes: &[u8], about: &mut About) -> Result<(), Refused> {
    for (key, value) in records(bytes)? {
        match key.as_str() {
            "comment" => about.comment = Some(String::from_utf8_lossy(&value).into_owned()),
            "path" | "linkpath" | "size" => return refuse("a global header sets the name or size of all entries"),
            _ => {}
        }
    }
    Ok(())
}

fn entry<R: Read>(
    source: &mut Source<R>,
    header: &[u8; BLOCK],
    extended: Extended,
    size: u64,
    names: &mut Names<'_>,
    visit: &mut dyn FnMut(Entry),
) -> Result<(), Refused> {
    let size = extended.size.unwrap_or(size);
    let name = extended.path.unwrap_or_else(|| header_name(header));
    let link = extended.link.unwrap_or_else(|| text(&header[157..257]).to_vec());
    let shown = super::super::hidden::escape(&String::from_utf8_lossy(&name));
    let folder = header[156] == b'5' || (matches!(header[156], 0 | b'0') && name.ends_with(b"/"));
    if folder {
        names.clean(&name)?;
        contents(source, size, &shown)?;
        return Ok(());
    }
    let kind = match header[156] {
        0 | b'0' | b'7' => Kind::File { executable: number(&header[100..108]).is_some_and(|mode| mode & 0o111 != 0) },
        b'1' => Kind::HardLink { to: names.clean(&link)? },
        b'2' => Kind::Link,
        // A label of GNU tar's volumes.
        b'V' => return contents(source, size, &shown).map(drop),
        kind => return refuse(format!("'{shown}' is of kind {kind}: a device, or a file in parts")),
    };
    names.check_size(size, &shown)?;
    let path = names.enter(&name)?;
    let bytes = contents(source, size, &shown)?;
    let bytes = match kind {
        Kind::File { .. } => bytes,
        Kind::Link | Kind::HardLink { .. } if size > 0 => return refuse(format!("the link '{shown}' has contents")),
        Kind::Link => link,
        Kind::HardLink { .. } => Vec::new(),
    };
    visit(Entry { path, kind, bytes });
    Ok(())
}

/// Bytes other than zero after the end.
fn trailing<R: Read>(source: &mut Source<R>) -> Result<u64, Refused> {
    let mut buffer = [0; 1 << 13];
    let mut found = 0;
    loop {
        let filled = source.fill(&mut buffer)?;
        if filled == 0 {
            return Ok(found);
        }
        found += buffer[..filled].iter().filter(|byte| **byte != 0).count() as u64;
    }
}
