//! The wire formats of C2SP tlog-mirror: the add-entries request, package by package, and the mirror-info answer.
//!
//! ```text
//! u16 length ‖ origin ‖ u64 upload_start ‖ u64 upload_end ‖ u16 length ‖ ticket ‖ packages
//! package: (u16 length ‖ entry)* ‖ u8 hashes ‖ hash*
//! ```
//! Package `i` holds the entries of one 256-aligned range; how many follows from start and end, so nothing in a package says it.

use crate::TlogError;
use crate::merkle::{Hash, MAX_PROOF_HASHES, Tree, leaf_hash, verify_subtree_consistency};
use crate::note::parse_decimal;
use crate::tile::{MAX_ENTRY_BYTES, TILE_WIDTH, split_entry};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;
use std::ops::Range;

/// Packages that a client puts into one request at most; the mirror answers 202 and the client goes on.
pub const PACKAGES_PER_REQUEST: usize = 32;

/// Longest package, in bytes.
pub const MAX_PACKAGE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES) + 1 + 32 * MAX_PROOF_HASHES;

/// Content type of the mirror-info answer.
pub const MIRROR_INFO_TYPE: &str = "text/x.tlog.mirror-info";

/// What comes before the packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddEntries {
    /// Origin of the log.
    pub origin: String,
    /// First entry that is uploaded.
    pub start: u64,
    /// One past the last: the size of a checkpoint that the mirror holds as pending.
    pub end: u64,
    /// Opaque bytes from the mirror, or none.
    pub ticket: Vec<u8>,
}

impl AddEntries {
    /// Reads the head of a request: it and its length in bytes, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`TlogError::Request`] when the origin is not UTF-8, the start is above the end, or the end is beyond 2^63-1.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, TlogError> {
        let Some((origin, rest)) = split_entry(bytes) else { return Ok(None) };
        let Some((numbers, rest)) = rest.split_first_chunk::<16>() else { return Ok(None) };
        let Some((ticket, rest)) = split_entry(rest) else { return Ok(None) };
        let number = |at: usize| numbers[at..at + 8].iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        let (start, end) = (number(0), number(8));
        if start > end || end > i64::MAX as u64 {
            return Err(TlogError::Request("upload_start is above upload_end, or upload_end is beyond 2^63-1"));
        }
        let origin = std::str::from_utf8(origin).map_err(|_| TlogError::Request("the origin is not UTF-8"))?.to_owned();
        Ok(Some((Self { origin, start, end, ticket: ticket.to_vec() }, bytes.len() - rest.len())))
    }

    /// The head of a request.
    ///
    /// # Errors
    /// [`TlogError::TooLarge`] when origin or ticket exceed 65,535 bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TlogError> {
        let mut bytes = crate::tile::encode_bundle(&[self.origin.as_bytes()])?;
        bytes.extend(self.start.to_be_bytes());
        bytes.extend(self.end.to_be_bytes());
        bytes.extend(crate::tile::encode_bundle(&[&self.ticket])?);
        Ok(bytes)
    }

    /// The ranges of all packages, in order.
    pub fn packages(&self) -> impl Iterator<Item = PackageRange> + use<> {
        let (start, end) = (self.start, self.end);
        let bundles = if start == end { 0..0 } else { start / TILE_WIDTH..end.div_ceil(TILE_WIDTH) };
        bundles.map(move |bundle| {
            let base = bundle * TILE_WIDTH;
            PackageRange { base, entries: start.max(base)..end.min(base + TILE_WIDTH) }
        })
    }
}

/// One package's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRange {
    /// First entry of the bundle; the subtree of the proof starts here.
    pub base: u64,
    /// Entries that the package carries.
    pub entries: Range<u64>,
}

/// Entries with the proof that they belong to the checkpoint of `upload_end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The entries.
    pub entries: Vec<Vec<u8>>,
    /// Subtree consistency proof.
    pub proof: Vec<Hash>,
}

impl Package {
    /// Reads one package of `count` entries: it and its length in bytes, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`TlogError::Request`] when it says more than 63 hashes.
    pub fn parse(bytes: &[u8], count: usize) -> Result<Option<(Self, usize)>, TlogError> {
        let mut rest = bytes;
        let mut entries = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            let Some((entry, after)) = split_entry(rest) else { return Ok(None) };
            entries.push(entry);
            rest = after;
        }
        let Some((hashes, rest)) = rest.split_first() else { return Ok(None) };
        let hashes = usize::from(*hashes);
        if hashes > MAX_PROOF_HASHES {
            return Err(TlogError::Request("a package has more than 63 hashes"));
        }
        let Some((proof, rest)) = rest.split_at_checked(32 * hashes) else { return Ok(None) };
        let entries = entries.into_iter().map(<[u8]>::to_vec).collect();
        let package = Self { entries, proof: proof.as_chunks::<32>().0.to_vec() };
        Ok(Some((package, bytes.len() - rest.len())))
    }

    /// The bytes of the package.
    ///
    /// # Errors
    /// [`TlogError::TooLarge`] for an entry above 65,535 bytes or more than 63 hashes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TlogError> {
        crate::note::check_limit("proof hashes", self.proof.len(), MAX_PROOF_HASHES)?;
        let mut bytes = crate::tile::encode_bundle(&self.entries)?;
        bytes.push(u8::try_from(self.proof.len()).unwrap_or(u8::MAX));
        bytes.extend(self.proof.concat());
        Ok(bytes)
    }

    /// Checks the entries against the checkpoint of size `size`: `before` are the leaf hashes of the bundle's earlier entries, which the
    /// mirror holds. Gives the leaf hashes of the package's entries.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when they do not belong to that tree.
    pub fn verify(
        &self,
        range: &PackageRange,
        before: &[Hash],
        size: u64,
        root: &Hash,
    ) -> Result<Vec<Hash>, TlogError> {
        let leaves: Vec<Hash> = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
        let known = range.entries.start - range.base;
        if before.len() as u64 != known || leaves.len() as u64 != range.entries.end - range.entries.start {
            return Err(TlogError::Proof("the package does not have the entries of its range"));
        }
        let subtree = crate::merkle::root(&[before, &leaves].concat());
        verify_subtree_consistency(range.base, range.entries.end, size, &self.proof, &subtree, root)?;
        Ok(leaves)
    }
}

/// Builds a package from the entries of its range; `tree` holds at least `size` leaves.
///
/// # Errors
/// [`TlogError::Proof`] when the tree is too small.
pub fn build_package(
    tree: &Tree,
    range: &PackageRange,
    size: u64,
    entries: Vec<Vec<u8>>,
) -> Result<Package, TlogError> {
    Ok(Package { entries, proof: tree.subtree_consistency_proof(range.base, range.entries.end, size)? })
}

/// What a mirror says with 202 and 409: from where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorInfo {
    /// Size of a pending checkpoint.
    pub pending_size: u64,
    /// First entry that the mirror does not hold.
    pub next_entry: u64,
    /// Opaque bytes to send back, or none.
    pub ticket: Vec<u8>,
}

impl MirrorInfo {
    /// Reads the three lines.
    ///
    /// # Errors
    /// [`TlogError::Request`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        let refused = || TlogError::Request("the answer is not the three lines of mirror-info");
        let body = text.strip_suffix('\n').ok_or_else(refused)?;
        let [size, next, ticket] = body.split('\n').collect::<Vec<_>>()[..] else { return Err(refused()) };
        let number = |text| parse_decimal(text).ok_or_else(refused);
        let ticket = STANDARD.decode(ticket).map_err(|_| refused())?;
        if ticket.len() > usize::from(u16::MAX) {
            return Err(refused());
        }
        Ok(Self { pending_size: number(size)?, next_entry: number(next)?, ticket })
    }
}

impl fmt::Display for MirrorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.pending_size, self.next_entry, STANDARD.encode(&self.ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(index: u64) -> Vec<u8> {
        format!("entry {index}").into_bytes()
    }

    fn tree(size: u64) -> Tree {
        Tree::from_leaves(&(0..size).map(|index| leaf_hash(&entry(index))).collect::<Vec<_>>())
    }

    fn head(start: u64, end: u64) -> AddEntries {
        AddEntries { origin: "log.example".into(), start, end, ticket: b"ticket".to_vec() }
    }

    #[test]
    fn packages_are_aligned_like_bundles() {
        let ranges = |start, end| {
            head(start, end).packages().map(|p| (p.base, p.entries.start, p.entries.end)).collect::<Vec<_>>()
        };
        assert_eq!(ranges(0, 0), []);
        assert_eq!(ranges(300, 300), []);
        assert_eq!(ranges(0, 256), [(0, 0, 256)]);
        assert_eq!(ranges(10, 600), [(0, 10, 256), (256, 256, 512), (512, 512, 600)]);
        assert_eq!(ranges(255, 257), [(0, 255, 256), (256, 256, 257)]);
    }

    #[test]
    fn a_request_reads_back_whole_and_cut_anywhere_asks_for_more() {
        let tree = tree(600);
        let request = head(10, 600);
        let mut bytes = request.to_bytes().unwrap();
        let head_bytes = bytes.len();
        for range in request.packages() {
            let entries = range.entries.clone().map(entry).collect();
            bytes.extend(build_package(&tree, &range, 600, entries).unwrap().to_bytes().unwrap());
        }
        let (again, length) = AddEntries::parse(&bytes).unwrap().unwrap();
        assert_eq!((&again, length), (&request, head_bytes));
        for cut in 0..head_bytes {
            assert_eq!(AddEntries::parse(&bytes[..cut]).unwrap(), None);
        }
        let mut rest = &bytes[length..];
        for range in again.packages() {
            let count = usize::try_from(range.entries.end - range.entries.start).unwrap();
            let (package, length) = Package::parse(rest, count).unwrap().unwrap();
            assert_eq!(Package::parse(&rest[..length - 1], count).unwrap(), None);
            let before: Vec<Hash> = (range.base..range.entries.start).map(|i| *tree.leaf(i).unwrap()).collect();
            let leaves = package.verify(&range, &before, 600, &tree.root()).unwrap();
            assert_eq!(leaves.len(), count);
            let mut changed = package.clone();
            changed.entries[0].push(0);
            assert!(matches!(changed.verify(&range, &before, 600, &tree.root()), Err(TlogError::Proof(_))));
            assert!(package.verify(&range, &before, 599, &tree.root_at(599).unwrap()).is_err());
            if !before.is_empty() {
                assert!(package.verify(&range, &before[1..], 600, &tree.root()).is_err());
            }
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn heads_and_answers_outside_the_format_are_refused() {
        assert!(AddEntries::parse(&head(5, 4).to_bytes().unwrap()).is_err());
        assert!(AddEntries::parse(&head(0, u64::MAX).to_bytes().unwrap()).is_err());
        assert!(Package::parse(&[64], 0).is_err());
        let info = MirrorInfo { pending_size: 20, next_entry: 7, ticket: vec![1, 2, 3] };
        assert_eq!(info.to_string(), "20\n7\nAQID\n");
        assert_eq!(MirrorInfo::parse(&info.to_string()).unwrap(), info);
        assert_eq!(MirrorInfo::parse("0\n0\n\n").unwrap().ticket, []);
        for text in ["", "1\n2\n3", "1\n2\n\n\n", "01\n2\n\n", "1\n2\n!\n", "1\n2\n"] {
            assert!(MirrorInfo::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_fail_without_panic(bytes: Vec<u8>, count in 0_usize..300) {
            let _ = AddEntries::parse(&bytes);
            let _ = Package::parse(&bytes, count);
            let _ = MirrorInfo::parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
