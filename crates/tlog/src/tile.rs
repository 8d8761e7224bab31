//! C2SP tlog-tiles: how a log lies on disk or behind HTTP.
//!
//! A hash tile at level `l` and index `n` holds up to 256 tree hashes, each over `256^l` entries; an entry bundle holds up to 256
//! entries, each with a 16-bit big-endian length. Full tiles never change; the rightmost ones are partial and carry `.p/<width>`.

use crate::TlogError;
use crate::merkle::Hash;
use std::fmt;

/// Hashes or entries in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// Longest entry, in bytes: what a 16-bit length can say.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Longest entry bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Highest tile level that a path may name.
pub const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Tree hashes of the given level, `0..=63`; level 0 holds leaf hashes.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// Name of one tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// Hashes or entries.
    pub kind: Kind,
    /// Index of the tile within its level.
    pub index: u64,
    /// Hashes or entries in it, `1..=256`; 256 is a full tile.
    pub width: u16,
}

impl TileId {
    /// The tile of `kind` and `index` in a tree of `size` leaves: full, partial, or `None` when it would be empty.
    #[must_use]
    pub fn in_tree(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let count = level_count(kind, size);
        let start = index.checked_mul(TILE_WIDTH)?;
        let width = u16::try_from(count.saturating_sub(start).min(TILE_WIDTH)).ok()?;
        (width > 0).then_some(Self { kind, index, width })
    }

    /// Whether the tile is partial.
    #[must_use]
    pub fn is_partial(self) -> bool {
        u64::from(self.width) < TILE_WIDTH
    }

    /// The full tile at the same place.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// Reads a path such as `tile/0/x001/x234/067.p/5` or `tile/entries/000`.
    ///
    /// # Errors
    /// [`TlogError::Tile`] for anything that is not the one canonical spelling.
    pub fn parse(path: &str) -> Result<Self, TlogError> {
        let refused = || TlogError::Tile("the path is not tile/<level>/<index>[.p/<width>]");
        let rest = path.strip_prefix("tile/").ok_or_else(refused)?;
        let (level, rest) = rest.split_once('/').ok_or_else(refused)?;
        let kind = if level == "entries" {
            Kind::Entries
        } else {
            Kind::Hashes(level.parse().ok().filter(|level| *level <= MAX_LEVEL).ok_or_else(refused)?)
        };
        let (index_text, width) = match rest.split_once(".p/") {
            None => (rest, 256),
            Some((index, width)) => (index, width.parse().ok().filter(|w| (1..256).contains(w)).ok_or_else(refused)?),
        };
        let id = Self { kind, index: parse_index(index_text).ok_or_else(refused)?, width };
        // One spelling per tile: whatever numbers parse, the path must print the same.
        if id.to_string() == path { Ok(id) } else { Err(refused()) }
    }
}

impl fmt::Display for TileId {
    /// The path relative to the log's prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => write!(f, "tile/entries/")?,
        }
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        write!(f, "{}", groups.join("/"))?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

fn parse_index(text: &str) -> Option<u64> {
    let mut groups = text.split('/').rev();
    let last = groups.next()?;
    let mut index = parse_group(last)?;
    let mut scale = 1_u64;
    for group in groups {
        scale = scale.checked_mul(1000)?;
        index = index.checked_add(parse_group(group.strip_prefix('x')?)?.checked_mul(scale)?)?;
    }
    Some(index)
}

fn parse_group(text: &str) -> Option<u64> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Hashes (or entries) that a tree of `size` leaves has at the level of `kind`.
fn level_count(kind: Kind, size: u64) -> u64 {
    match kind {
        Kind::Entries => size,
        Kind::Hashes(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
    }
}

/// Tiles that a tree of `new` leaves has and one of `old` leaves had not (or had narrower), hash tiles of all levels and entry bundles.
/// With `old == 0`, all tiles of the tree.
pub fn new_tiles(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    let kinds = (0..8).map(Kind::Hashes).chain([Kind::Entries]);
    kinds.flat_map(move |kind| {
        let (from, to) = (level_count(kind, old), level_count(kind, new));
        let tiles = if from >= to { 0..0 } else { from / TILE_WIDTH..to.div_ceil(TILE_WIDTH) };
        tiles.filter_map(move |index| TileId::in_tree(kind, index, new))
    })
}

/// Bytes of a hash tile.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Reads a hash tile of exactly `width` hashes.
///
/// # Errors
/// [`TlogError::Tile`] when the length is not `32 * width`, or the width is not in `1..=256`.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TlogError> {
    check_width(width)?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != usize::from(width) {
        return Err(TlogError::Tile("the hash tile has the wrong length for its width"));
    }
    Ok(hashes.to_vec())
}

/// Bytes of an entry bundle.
///
/// # Errors
/// [`TlogError::TooLarge`] when an entry exceeds [`MAX_ENTRY_BYTES`].
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, TlogError> {
    let mut bytes = Vec::new();
    encode_bundle_into(entries, &mut bytes)?;
    Ok(bytes)
}

/// Appends the bytes of an entry bundle; after an error `bytes` holds a part of them.
pub(crate) fn encode_bundle_into<E: AsRef<[u8]>>(entries: &[E], bytes: &mut Vec<u8>) -> Result<(), TlogError> {
    bytes.reserve(entries.iter().map(|entry| 2 + entry.as_ref().len()).sum());
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| TlogError::TooLarge {
            what: "entry bytes",
            found: entry.len() as u64,
            limit: MAX_ENTRY_BYTES as u64,
        })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(())
}

/// Reads an entry bundle of exactly `width` entries.
///
/// # Errors
/// [`TlogError::Tile`] when it ends early, holds more or fewer entries, or the width is not in `1..=256`.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TlogError> {
    check_width(width)?;
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for _ in 0..width {
        let (entry, after) = split_entry(rest).ok_or(TlogError::Tile("the entry bundle ends before its last entry"))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TlogError::Tile("the entry bundle goes on after its last entry")) }
}

/// Splits one length-prefixed entry off.
pub(crate) fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn check_width(width: u16) -> Result<(), TlogError> {
    if (1..=256).contains(&width) { Ok(()) } else { Err(TlogError::Tile("a tile is 1 to 256 wide")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let id = |kind, index, width| TileId { kind, index, width };
        let cases = [
            (id(Kind::Hashes(0), 0, 256), "tile/0/000"),
            (id(Kind::Hashes(0), 999, 256), "tile/0/999"),
            (id(Kind::Hashes(0), 1000, 256), "tile/0/x001/000"),
            (id(Kind::Hashes(1), 1_234_067, 256), "tile/1/x001/x234/067"),
            (id(Kind::Hashes(15), 0, 99), "tile/15/000.p/99"),
            (id(Kind::Entries, 273, 112), "tile/entries/273.p/112"),
            (id(Kind::Hashes(63), u64::MAX, 1), "tile/63/x018/x446/x744/x073/x709/x551/615.p/1"),
        ];
        for (id, path) in cases {
            assert_eq!(id.to_string(), path);
            assert_eq!(TileId::parse(path).unwrap(), id);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let paths = [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/64/000",
            "tile/00/000",
            "tile/-1/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x01/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p/+1",
            "tile/entries/000/",
            "tile/Entries/000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "/tile/0/000",
            "tile/8/0/000",
        ];
        for path in paths {
            assert!(TileId::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_lists() {
        let all: Vec<_> = new_tiles(0, 70_000).collect();
        let count = |kind, full: bool| all.iter().filter(|id| id.kind == kind && id.is_partial() != full).count();
        let partial = |kind| all.iter().find(|id| id.kind == kind && id.is_partial()).map(|id| id.width);
        assert_eq!((count(Kind::Hashes(0), true), partial(Kind::Hashes(0))), (273, Some(112)));
        assert_eq!((count(Kind::Hashes(1), true), partial(Kind::Hashes(1))), (1, Some(17)));
        assert_eq!((count(Kind::Hashes(2), true), partial(Kind::Hashes(2))), (0, Some(1)));
        assert_eq!(partial(Kind::Entries), Some(112));
        assert_eq!(
            new_tiles(0, 256).map(|id| id.to_string()).collect::<Vec<_>>(),
            ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
        );
        assert_eq!(new_tiles(256, 256).count(), 0);
        assert_eq!(new_tiles(0, 0).count(), 0);
    }

    #[test]
    fn bundles_and_tiles_have_exact_lengths() {
        let bundle = encode_bundle(&[&b"a"[..], b"", b"ccc"]).unwrap();
        assert_eq!(bundle, b"\0\x01a\0\0\0\x03ccc");
        assert_eq!(decode_bundle(&bundle, 3).unwrap(), [&b"a"[..], b"", b"ccc"]);
        for width in [0, 1, 2, 4, 257] {
            assert!(decode_bundle(&bundle, width).is_err());
        }
        assert!(decode_bundle(&bundle[..bundle.len() - 1], 3).is_err());
        assert!(encode_bundle(&[vec![0; MAX_ENTRY_BYTES]]).is_ok());
        assert!(encode_bundle(&[vec![0; MAX_ENTRY_BYTES + 1]]).is_err());
        let tile = encode_hashes(&[[1; 32], [2; 32]]);
        assert_eq!(decode_hashes(&tile, 2).unwrap(), [[1; 32], [2; 32]]);
        assert!(
            decode_hashes(&tile, 1).is_err()
                && decode_hashes(&tile, 3).is_err()
                && decode_hashes(&tile[1..], 2).is_err()
        );
    }

    proptest! {
        #[test]
        fn every_tile_name_round_trips(level in 0_u8..64, index: u64, width in 1_u16..=256, entries: bool) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let id = TileId { kind, index, width };
            prop_assert_eq!(TileId::parse(&id.to_string()).unwrap(), id);
        }

        #[test]
        fn growing_in_steps_writes_the_same_full_tiles(steps in proptest::collection::vec(0_u64..700, 1..12)) {
            let mut seen = std::collections::BTreeSet::new();
            let mut size = 0;
            for step in steps {
                seen.extend(new_tiles(size, size + step));
                size += step;
            }
            let wanted: Vec<_> = new_tiles(0, size).collect();
            prop_assert!(wanted.iter().all(|id| seen.contains(id)));
        }
    }
}
