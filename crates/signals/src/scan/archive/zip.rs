//! Zip: the central directory, with every entry's own header compared with it.

use super::{About, Entry, Kind, Names, Refused, Source, refuse};
use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Longest end record: 22 bytes and a comment.
const MAX_END: usize = 22 + 0xffff;

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn cut() -> Refused {
    Refused("the zip is cut short or damaged".to_owned())
}

/// An entry of the central directory.
struct Listed<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Unix mode; 0 when another system made the entry.
    mode: u32,
    start: usize,
}

/// The end record: number of entries, place and length of the directory, comment.
fn end(archive: &[u8]) -> Option<(usize, usize, usize, &[u8])> {
    let from = archive.len().saturating_sub(MAX_END);
    // The last record whose comment reaches the end of the file.
    let at = (from..archive.len().saturating_sub(21)).rev().find(|at| {
        archive[*at..].starts_with(b"PK\x05\x06")
            && short(archive, at + 20).is_some_and(|length| at + 22 + usize::from(length) == archive.len())
    })?;
    let place = usize::try_from(long(archive, at + 16)?).ok()?;
    let length = usize::try_from(long(archive, at + 12)?).ok()?;
    // Nothing lies between the directory and its end record: zip64, signatures and hidden bytes do.
    (place.checked_add(length)? == at).then_some((
        usize::from(short(archive, at + 10)?),
        place,
        length,
        archive.get(at + 22..)?,
    ))
}

/// The next entry of the directory.
fn listed<'a>(rest: &mut &'a [u8]) -> Option<Listed<'a>> {
    let bytes = *rest;
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let (name, extra, comment) = (short(bytes, 28)?, short(bytes, 30)?, short(bytes, 32)?);
    let name_end = 46 + usize::from(name);
    *rest = bytes.get(name_end + usize::from(extra) + usize::from(comment)..)?;
    let made_by = short(bytes, 4)? >> 8;
    Some(Listed {
        name: bytes.get(46..name_end)?,
        flags: short(bytes, 8)?,
        method: short(bytes, 10)?,
        crc: long(bytes, 16)?,
        packed: u64::from(long(bytes, 20)?),
        size: u64::from(long(bytes, 24)?),
        mode: if made_by == 3 { long(bytes, 38)? >> 16 } else { 0 },
        start: usize::try_from(long(bytes, 42)?).ok()?,
    })
}

/// Reads all entries; `most` bytes may come out.
pub(super) fn read(
    archive: &[u8],
    most: u64,
    names: &mut Names<'_>,
    visit: &mut dyn FnMut(Entry),
) -> Result<About, Refused> {
    let Some((count, place, length, comment)) = end(archive) else {
        return refuse("the zip has no end record that fits; zip64 and signed zips are not read");
    };
    let mut rest = archive.get(place..place + length).ok_or_else(cut)?;
    let mut left = most;
    // Where entries lie, so that none lies in another one.
    let mut places: Vec<(usize, usize)> = Vec::new();
    for _ in 0..count {
        names.count()?;
        let item = listed(&mut rest).ok_or_else(cut)?;
        let shown = super::super::hidden::escape(&String::from_utf8_lossy(item.name));
        if item.packed == u64::from(u32::MAX) || item.size == u64::from(u32::MAX) {
            return refuse(format!("'{shown}' is a zip64 entry; they are not read"));
        }
        names.check_size(item.size, &shown)?;
        let (data, end) = own(&archive[..place], &item, &shown)?;
        places.push((item.start, end));
        if item.name.ends_with(b"/") {
            names.clean(item.name)?;
            if item.size > 0 {
                return refuse(format!("the folder '{shown}' has contents"));
            }
            continue;
        }
        let path = names.enter(item.name)?;
        left = left.checked_sub(item.size).ok_or_else(|| {
            Refused("it unpacks to more bytes than its length allows; it may be made to fill memory".to_owned())
        })?;
        let bytes = unpack(data, &item, &shown)?;
        let kind = match item.mode & 0o170_000 {
            0o120_000 => Kind::Link,
            0 | 0o100_000 => Kind::File { executable: item.mode & 0o111 != 0 },
            _ => return refuse(format!("'{shown}' is a device or another special file")),
        };
        visit(Entry { path, kind, bytes });
    }
    if !rest.is_empty() {
        return refuse("the zip's directory has more entries than its end record says");
    }
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return refuse("two entries of the zip lie over each other");
    }
    let comment = (!comment.is_empty()).then(|| String::from_utf8_lossy(comment).into_owned());
    Ok(About { comment, trailing_bytes: 0 })
}

/// The packed bytes of an entry after its own header, and where they end.
fn own<'a>(before: &'a [u8], item: &Listed<'_>, shown: &str) -> Result<(&'a [u8], usize), Refused> {
    let header = before.get(item.start..).filter(|bytes| bytes.starts_with(b"PK\x03\x04")).ok_or_else(cut)?;
    let (flags, method) = (short(header, 6).ok_or_else(cut)?, short(header, 8).ok_or_else(cut)?);
    let name = usize::from(short(header, 26).ok_or_else(cut)?);
    let extra = usize::from(short(header, 28).ok_or_else(cut)?);
    // Encrypted, patched, or with a hidden directory.
    if (flags | item.flags) & 0x2061 != 0 {
        return refuse(format!("'{shown}' is encrypted"));
    }
    let same = header.get(30..30 + name) == Some(item.name) && method == item.method;
    // With bit 3 sizes and sum stand after the data, and the header has zeros.
    let sizes = (long(header, 14), long(header, 18), long(header, 22));
    let later = flags & 8 != 0 && sizes == (Some(0), Some(0), Some(0));
    let wide = |value: Option<u32>| value.map(u64::from);
    let agree = sizes.0 == Some(item.crc) && wide(sizes.1) == Some(item.packed) && wide(sizes.2) == Some(item.size);
    if !same || !(later || agree) {
        return refuse(format!("the two headers of '{shown}' disagree"));
    }
    let start = item.start + 30 + name + extra;
    let end = usize::try_from(item.packed).ok().and_then(|packed| start.checked_add(packed)).ok_or_else(cut)?;
    Ok((before.get(start..end).ok_or_else(cut)?, end))
}

fn unpack(data: &[u8], item: &Listed<'_>, shown: &str) -> Result<Vec<u8>, Refused> {
    let bytes = match item.method {
        0 if item.size == item.packed => data.to_vec(),
        8 => {
            let mut source = Source::new(DeflateDecoder::new(data), item.size + 1);
            let bytes = source.take(item.size, shown)?;
            if source.fill(&mut [0])? > 0 {
                return refuse(format!("'{shown}' has more bytes than it says"));
            }
            bytes
        }
        _ => return refuse(format!("'{shown}' is packed by method {}; stored and deflated are read", item.method)),
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    if crc.sum() != item.crc {
        return refuse(format!("'{shown}' is damaged: its sum is wrong"));
    }
    Ok(bytes)
}
