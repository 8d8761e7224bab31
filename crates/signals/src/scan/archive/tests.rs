//! Archives made here byte by byte, as honest and as hostile programs make them.
#![allow(clippy::unwrap_used)]

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;
use std::io::Write;

/// A tar with one file `p/a.txt` of three bytes, packed by another program (liblzma).
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a3e007ff00425d00380bc8230df163f76937eecb377f197215a98d923dcd27107c0addbf13d7b1fe0c3bd5c4d501ed2f1ea25a52b623077dd861f7f2b75e8ca9f88eeccd67d705b90000000000f349c851bdb76ce800015e8010000000575a2e14b1c467fb020000000004595a";

fn header(name: &str, kind: u8, size: usize, mode: u32, link: &str) -> Vec<u8> {
    let mut out = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(124, format!("{size:011o}").as_bytes());
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    sum(&mut out);
    out
}

fn sum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn put(tar: &mut Vec<u8>, name: &str, kind: u8, bytes: &[u8], link: &str) {
    tar.extend(header(name, kind, bytes.len(), 0o644, link));
    tar.extend(bytes);
    tar.resize(tar.len().div_ceil(512) * 512, 0);
}

fn tar(list: &[(&str, u8, &[u8], &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, bytes, link) in list {
        put(&mut out, name, *kind, bytes, link);
    }
    out.resize(out.len() + 1_024, 0);
    out
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A zip: name, contents, packed or not, Unix mode.
fn zip(list: &[(&str, &[u8], bool, u32)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes, packed, mode) in list {
        let data = if *packed {
            let mut data = DeflateEncoder::new(Vec::new(), Compression::best());
            data.write_all(bytes).unwrap();
            data.finish().unwrap()
        } else {
            bytes.to_vec()
        };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut both = Vec::new();
        both.extend([20, 0, 0, 0, if *packed { 8 } else { 0 }, 0, 0, 0, 0, 0]);
        both.extend(crc.sum().to_le_bytes());
        both.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        both.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        both.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        both.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&both);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(u32::try_from(out.len()).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(both);
        out.extend(name.as_bytes());
        out.extend(data);
    }
    let (place, count) = (u32::try_from(out.len()).unwrap(), u16::try_from(list.len()).unwrap());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(place.to_le_bytes());
    out.extend([0, 0]);
    out
}

const SMALL: Limits =
    Limits { entries: 20, total_bytes: 1 << 20, file_bytes: 5_000, ratio: 200, name_bytes: 300, depth: 5 };

fn all(archive: &[u8]) -> Result<(Vec<Entry>, About), String> {
    let mut out = Vec::new();
    let about = read(archive, &SMALL, &mut |entry| out.push(entry)).map_err(|error| error.to_string())?;
    Ok((out, about))
}

fn names(archive: &[u8]) -> Vec<String> {
    all(archive).unwrap().0.into_iter().map(|entry| entry.path).collect()
}

#[track_caller]
fn refused(archive: &[u8], words: &str) {
    let error = all(archive).unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[test]
fn every_kind_is_read() {
    let plain = tar(&[
        ("p/", b'5', b"", ""),
        ("./p/a.txt", b'0', b"abc", ""),
        ("p/link", b'2', b"", "../p/a.txt"),
        ("p/b.txt", b'1', b"", "p/a.txt"),
    ]);
    for archive in [plain.clone(), gz(&plain)] {
        let (entries, about) = all(&archive).unwrap();
        assert_eq!(about, About::default());
        assert_eq!(
            entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(),
            ["p/a.txt", "p/link", "p/b.txt"]
        );
        assert_eq!((&entries[0].kind, entries[0].bytes.as_slice()), (&Kind::File { executable: false }, &b"abc"[..]));
        assert_eq!((&entries[1].kind, entries[1].bytes.as_slice()), (&Kind::Link, &b"../p/a.txt"[..]));
        assert_eq!(entries[2].kind, Kind::HardLink { to: "p/a.txt".to_owned() });
    }
    assert_eq!(names(&hex::decode(XZ).unwrap()), ["p/a.txt"]);
    let packed = zip(&[
        ("p/", b"", false, 0),
        ("p/a.txt", b"abc", false, 0o100_755),
        ("p/l", b"a.txt", false, 0o120_777),
        ("p/b", &[b'x'; 4_000], true, 0),
    ]);
    let (entries, _) = all(&packed).unwrap();
    assert_eq!(entries[0].kind, Kind::File { executable: true });
    assert_eq!((&entries[1].kind, entries[1].bytes.as_slice()), (&Kind::Link, &b"a.txt"[..]));
    assert_eq!(entries[2].bytes, [b'x'; 4_000]);
}

#[test]
fn long_names_and_comments_are_read() {
    let record = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let mut length = rest.len() + 2;
        while format!("{length}{rest}").len() != length {
            length += 1;
        }
        format!("{length}{rest}")
    };
    let long = "p/".to_owned() + &"n".repeat(150);
    let (path, comment) = (record("path", &long), record("comment", &"a".repeat(40)));
    let archive = tar(&[
        ("pax_global_header", b'g', comment.as_bytes(), ""),
        ("x", b'x', path.as_bytes(), ""),
        ("cut", b'0', b"1", ""),
        ("././@LongLink", b'L', format!("{long}2\0").as_bytes(), ""),
        ("cut", b'0', b"2", ""),
    ]);
    assert_eq!(names(&archive), [long.clone(), format!("{long}2")]);
    assert_eq!(all(&archive).unwrap().1.comment, Some("a".repeat(40)));
    let mut prefixed = header("name", b'0', 0, 0o644, "");
    prefixed[345..351].copy_from_slice(b"folder");
    sum(&mut prefixed);
    assert_eq!(names(&prefixed), ["folder/name"]);
}

#[test]
fn names_that_lead_out_are_refused() {
    for (name, words) in [
        ("/etc/passwd", "absolute"),
        ("p/../../x", "leads out"),
        ("p\\..\\x", "leads out"),
        ("C:\\x", "absolute"),
        ("\\x", "absolute"),
        ("a/b/c/d/e/f", "more than 5 folders"),
    ] {
        refused(&tar(&[(name, b'0', b"", "")]), words);
        refused(&zip(&[(name, b"", false, 0)]), words);
    }
    refused(&tar(&[("../x/", b'5', b"", "")]), "leads out");
    refused(&tar(&[("a", b'1', b"", "../x")]), "leads out");
    refused(&tar(&[("a", b'0', b"1", ""), ("./a", b'0', b"2", "")]), "two entries are named 'a'");
    refused(&zip(&[("a", b"1", false, 0), ("a", b"2", false, 0)]), "two entries are named 'a'");
    refused(&tar(&[("a", b'3', b"", "")]), "a device");
    refused(&tar(&[("a", b'S', b"", "")]), "file in parts");
    refused(&zip(&[("a", b"", false, 0o020_000)]), "a device");
    refused(&tar(&[("a", b'2', b"hidden", "b")]), "has contents");
}

#[test]
fn limits_hold_before_memory_is_asked_for() {
    refused(&tar(&[("a", b'0', &[1; 6_000], "")]), "at most 5000");
    refused(&zip(&[("a", &[1; 6_000], true, 0)]), "at most 5000");
    let many: Vec<String> = (0..21).map(|at| format!("f{at}")).collect();
    let list: Vec<(&str, u8, &[u8], &str)> = many.iter().map(|name| (name.as_str(), b'0', &b""[..], "")).collect();
    refused(&tar(&list), "more than 20 entries");
    // A tar of eight exabytes, in base 256.
    let mut huge = header("a", b'0', 0, 0o644, "");
    huge[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0]);
    sum(&mut huge);
    refused(&huge, "at most 5000");
    let zeros = gz(&vec![0; 4 << 20]);
    refused(&zeros, "made to fill memory");
    let mut bomb = header("f/", b'5', 4 << 20, 0o755, "");
    bomb.resize(4 << 20, 7);
    refused(&gz(&bomb), "more than the archive may have");
}

#[test]
fn damage_and_disagreement_are_refused() {
    let good = tar(&[("p/a", b'0', b"abc", "")]);
    for end in (1..1_024).filter(|end| *end != 512) {
        assert!(all(&good[..end]).is_err(), "cut at {end}");
    }
    let mut wrong = good.clone();
    wrong[0] = b'q';
    refused(&wrong, "no tar");
    let mut late = tar(&[("a", b'0', b"", ""), ("b", b'0', b"", "")]);
    late[512] = b'q';
    refused(&late, "a header is damaged");
    let mut more = good.clone();
    more.extend(b"hidden payload");
    assert_eq!(all(&more).unwrap().1.trailing_bytes, 14);
    refused(b"hello", "no tar");
    refused(b"", "no tar");
    refused(b"BZh9", "bzip2");
    let packed = zip(&[("abc", b"abc", false, 0), ("d", b"ddd", true, 0)]);
    // Name in the entry's own header, contents, and the entry count.
    for (at, byte, words) in [(30, b'x', "disagree"), (33, b'x', "its sum is wrong"), (6, 1, "encrypted")] {
        let mut bad = packed.clone();
        bad[at] = byte;
        refused(&bad, words);
    }
    for end in 1..packed.len() {
        assert!(all(&packed[..end]).is_err(), "cut at {end}");
    }
    let mut between = packed.clone();
    let place = between.len() - 22;
    between.splice(place..place, *b"hidden");
    refused(&between, "no end record that fits");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..2_000, byte in any::<u8>()) {
        let _ = all(&bytes);
        for mut archive in [
            tar(&[("p/a", b'0', b"abc", ""), ("p/l", b'2', b"", "a")]),
            zip(&[("abc", b"abc", false, 0), ("d", b"ddd", true, 0)]),
            hex::decode(XZ).unwrap(),
        ] {
            let at = at % archive.len();
            archive[at] = byte;
            let _ = all(&archive);
        }
    }
}
