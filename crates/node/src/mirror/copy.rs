//! One log's copy on disk: entry bundles as soon as they are proved, hash tiles and the mirror checkpoint when a size is committed.
//!
//! ```text
//! <dir>/logs/<sha256hex(origin)>/checkpoint, checkpoints/<size>, tile/…, blob/<sha256hex>
//! ```
//! Every file is written whole or not at all and is on the disk before the next step, so what a crash leaves is a shorter copy, never a
//! wrong one. Opening hashes every entry again.

use super::error::MirrorError;
use standstill_statement::{BlobRef, Hash32, decode_unverified};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::durable::{create_directory, read_limited, write_atomic};
use standstill_tlog::merkle::{Hash, Tree, leaf_hash};
use standstill_tlog::mirror::PackageRange;
use standstill_tlog::note::{MAX_NOTE_BYTES, VerifierKey};
use standstill_tlog::tile::{
    Kind, MAX_BUNDLE_BYTES, TILE_WIDTH, TileId, decode_bundle, encode_bundle, encode_hashes, new_tiles,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The mirror checkpoint: everything below its size is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorHead {
    /// The checkpoint with the log's lines and the mirror's own.
    pub signed: SignedCheckpoint,
    /// Time of the mirror's newest cosignature, Unix seconds.
    pub time_unix_seconds: u64,
}

/// A copy, with the tree over all entries that it holds.
#[derive(Debug)]
pub struct Copy {
    directory: PathBuf,
    origin: String,
    tree: Tree,
    head: Option<MirrorHead>,
    /// Blobs that held entries name and that are not here, by the entry's index.
    missing: BTreeMap<u64, Vec<BlobRef>>,
}

/// Longest blob path segment check: 64 hexadecimal digits.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Copy {
    /// Opens the copy, or starts an empty one. The mirror checkpoint must be there as it was signed, and the entries must lead to it.
    ///
    /// # Errors
    /// [`MirrorError::Damaged`], and those of the file system.
    pub fn open(directory: &Path, origin: &str, log: &[VerifierKey], own: &[VerifierKey]) -> Result<Self, MirrorError> {
        create_directory(directory)?;
        let mut copy = Self {
            directory: directory.to_owned(),
            origin: origin.to_owned(),
            tree: Tree::new(),
            head: None,
            missing: BTreeMap::new(),
        };
        copy.read_entries()?;
        if let Some(bytes) = read_limited(&directory.join("checkpoint"), "checkpoint bytes", MAX_NOTE_BYTES as u64)? {
            let signed = SignedCheckpoint::parse_for_keys(&bytes, origin, log)?;
            let lines = signed.cosignatures(own)?;
            let time = lines.iter().map(|line| line.time_unix_seconds).max();
            let time_unix_seconds =
                time.ok_or_else(|| copy.damaged("the checkpoint was cosigned by another key than the configured one"))?;
            let checkpoint = signed.checkpoint();
            if copy.tree.root_at(checkpoint.size) != Some(checkpoint.root) {
                return Err(copy.damaged("the entries do not lead to the cosigned root"));
            }
            // A crash between the two files of a commit leaves the newest without its lasting copy.
            copy.keep_checkpoint(checkpoint.size, &bytes)?;
            copy.head = Some(MirrorHead { signed, time_unix_seconds });
        }
        Ok(copy)
    }

    /// Keeps a mirror checkpoint under its size, with the first cosignature that it had.
    fn keep_checkpoint(&self, size: u64, bytes: &[u8]) -> Result<(), TlogError> {
        let path = self.directory.join("checkpoints").join(size.to_string());
        if path.exists() { Ok(()) } else { self.write(&path, bytes) }
    }

    fn damaged(&self, what: impl Into<String>) -> MirrorError {
        MirrorError::Damaged { origin: self.origin.clone(), path: self.directory.clone(), what: what.into() }
    }

    fn read_entries(&mut self) -> Result<(), MirrorError> {
        for index in 0.. {
            let Some(entries) = self.widest_bundle(index)? else { return Ok(()) };
            let full = entries.len() as u64 == TILE_WIDTH;
            for entry in entries {
                self.take(&entry);
            }
            if !full {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The entries of bundle `index` that are here, from its full or widest partial file.
    fn widest_bundle(&self, index: u64) -> Result<Option<Vec<Vec<u8>>>, MirrorError> {
        let id = TileId { kind: Kind::Entries, index, width: 256 };
        if let Some(entries) = self.bundle(id)? {
            return Ok(Some(entries));
        }
        let partials = self.directory.join(format!("{id}.p"));
        let Ok(names) = std::fs::read_dir(partials) else { return Ok(None) };
        let widths = names.filter_map(|name| name.ok()?.file_name().to_str()?.parse::<u16>().ok());
        let Some(width) = widths.filter(|width| (1..256).contains(width)).max() else { return Ok(None) };
        self.bundle(TileId { width, ..id })
    }

    fn bundle(&self, id: TileId) -> Result<Option<Vec<Vec<u8>>>, MirrorError> {
        let Some(bytes) = read_limited(&self.path(id), "bundle bytes", MAX_BUNDLE_BYTES as u64)? else {
            return Ok(None);
        };
        let entries = decode_bundle(&bytes, id.width).map_err(|error| self.damaged(format!("{id}: {error}")))?;
        Ok(Some(entries.into_iter().map(<[u8]>::to_vec).collect()))
    }

    fn path(&self, id: TileId) -> PathBuf {
        self.directory.join(id.to_string())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), TlogError> {
        path.parent().map_or(Ok(()), create_directory)?;
        write_atomic(path, bytes)
    }

    /// Adds a held entry to the tree, and its blobs that are not here to the missing ones.
    fn take(&mut self, entry: &[u8]) {
        let index = self.tree.size();
        self.tree.push(leaf_hash(entry));
        // Entries that are no statements (of other kinds of logs) name no blobs.
        let blobs = decode_unverified(entry).map(|decoded| decoded.body.blobs()).unwrap_or_default();
        let missing: Vec<_> = blobs.into_iter().filter(|blob| !self.holds(blob)).collect();
        if !missing.is_empty() {
            self.missing.insert(index, missing);
        }
    }

    /// First entry that is not here.
    #[must_use]
    pub fn next_entry(&self) -> u64 {
        self.tree.size()
    }

    /// The mirror checkpoint.
    #[must_use]
    pub fn head(&self) -> Option<&MirrorHead> {
        self.head.as_ref()
    }

    /// Size of the mirror checkpoint, 0 for none.
    #[must_use]
    pub fn head_size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.signed.checkpoint().size)
    }

    /// Leaf hashes of a range; `None` when some are not here.
    #[must_use]
    pub fn leaves(&self, range: std::ops::Range<u64>) -> Option<Vec<Hash>> {
        range.map(|index| self.tree.leaf(index).copied()).collect()
    }

    /// Tries leaf hashes that would follow: the root of `size`, and the consistency proof from `old` to it. Nothing changes.
    pub(crate) fn trial(&mut self, leaves: &[Hash], old: u64, size: u64) -> Option<(Hash, Vec<Hash>)> {
        let held = self.tree.size();
        for leaf in leaves {
            self.tree.push(*leaf);
        }
        let found = self.tree.root_at(size).zip(self.tree.consistency_proof(old, size).ok());
        self.tree.truncate(held);
        found
    }

    /// Saves proved entries of one bundle. Those that are here already are left as they are.
    ///
    /// # Errors
    /// [`MirrorError::Tlog`]; a range that leaves a gap is refused.
    pub fn save(&mut self, range: &PackageRange, entries: &[Vec<u8>]) -> Result<(), MirrorError> {
        let held = self.tree.size();
        if range.entries.start > held {
            return Err(TlogError::Request("the entries leave a gap behind those that are here").into());
        }
        if range.entries.end <= held {
            return Ok(());
        }
        let skip = usize::try_from(held - range.entries.start).unwrap_or(usize::MAX);
        let new = entries.get(skip..).unwrap_or_default();
        let mut whole = if held > range.base {
            self.widest_bundle(range.base / TILE_WIDTH)?.unwrap_or_default()
        } else {
            Vec::new()
        };
        if whole.len() as u64 != held - range.base.min(held) {
            return Err(self.damaged(format!("the bundle of entry {} is not what was saved", range.base)));
        }
        whole.extend_from_slice(new);
        let width = u16::try_from(whole.len()).unwrap_or(u16::MAX);
        let id = TileId { kind: Kind::Entries, index: range.base / TILE_WIDTH, width };
        self.write(&self.path(id), &encode_bundle(&whole)?)?;
        for entry in new {
            self.take(entry);
        }
        Ok(())
    }

    /// Blobs that a commit of `size` waits for, with the first entry that names each.
    #[must_use]
    pub fn missing_below(&self, size: u64) -> Vec<(u64, BlobRef)> {
        self.missing.range(..size).flat_map(|(index, blobs)| blobs.iter().map(|blob| (*index, *blob))).collect()
    }

    fn blob_path(&self, hash: &Hash32) -> PathBuf {
        self.directory.join("blob").join(hex::encode(hash.0))
    }

    fn holds(&self, blob: &BlobRef) -> bool {
        // The content was checked when it was written; bit rot is for a scrub to find.
        std::fs::metadata(self.blob_path(&blob.sha256))
            .is_ok_and(|file| file.is_file() && file.len() == blob.length_bytes)
    }

    /// Stores a blob that some held entry names.
    ///
    /// # Errors
    /// [`MirrorError::Damaged`] when the bytes are not the blob's; [`MirrorError::Tlog`].
    pub fn put_blob(&mut self, blob: &BlobRef, bytes: &[u8]) -> Result<(), MirrorError> {
        if !blob.matches(bytes) {
            return Err(self.damaged(format!("bytes that are not blob {} were handed in", blob.sha256)));
        }
        self.write(&self.blob_path(&blob.sha256), bytes)?;
        self.missing.retain(|_, blobs| {
            blobs.retain(|other| other != blob);
            !blobs.is_empty()
        });
        Ok(())
    }

    /// Makes a size the mirror checkpoint: writes what is served for it, then the checkpoint with the cosignature that `cosign` makes.
    /// Gives the cosignature lines. A smaller size than the mirror checkpoint's changes nothing and gives `None`.
    ///
    /// # Errors
    /// [`MirrorError::Damaged`] when the entries do not lead to the root, [`MirrorError::MissingBlob`] when one is not here: nothing is
    /// signed then.
    pub fn commit(
        &mut self,
        signed: &SignedCheckpoint,
        time_unix_seconds: u64,
        cosign: impl FnOnce(&SignedCheckpoint) -> Result<String, TlogError>,
    ) -> Result<Option<String>, MirrorError> {
        let checkpoint = signed.checkpoint();
        let size = checkpoint.size;
        if size < self.head_size() {
            return Ok(None);
        }
        if self.tree.root_at(size) != Some(checkpoint.root) {
            return Err(self.damaged(format!("the entries do not lead to the root of size {size}")));
        }
        if let Some((index, blob)) = self.missing_below(size).first() {
            let (origin, sha256, what) = (self.origin.clone(), blob.sha256.to_string(), "is not here".to_owned());
            return Err(MirrorError::MissingBlob { origin, index: *index, sha256, what, size });
        }
        let last = self.head.as_ref().map_or(0, |head| head.time_unix_seconds);
        if time_unix_seconds < last {
            let origin = self.origin.clone();
            return Err(TlogError::ClockWentBack { origin, last, now: time_unix_seconds }.into());
        }
        self.write_tiles(size)?;
        let lines = cosign(signed)?;
        let whole = signed.with_lines(&lines)?;
        let bytes = whole.to_bytes();
        // The newest first: a copy that keeps a larger checkpoint than its newest reads as one whose entries are withheld.
        self.write(&self.directory.join("checkpoint"), &bytes)?;
        self.head = Some(MirrorHead { signed: whole, time_unix_seconds });
        self.keep_checkpoint(size, &bytes)?;
        Ok(Some(lines))
    }

    /// Hash tiles that are new since the mirror checkpoint, and the partial bundle of exactly this size.
    fn write_tiles(&self, size: u64) -> Result<(), MirrorError> {
        for id in new_tiles(self.head_size(), size) {
            if self.path(id).exists() {
                continue;
            }
            match id.kind {
                Kind::Hashes(level) => {
                    let first = id.index * TILE_WIDTH;
                    let nodes = (first..first + u64::from(id.width))
                        .map(|at| self.tree.node(8 * usize::from(level), at).copied());
                    let hashes: Option<Vec<Hash>> = nodes.collect();
                    let hashes = hashes.ok_or_else(|| self.damaged(format!("{id} cannot be made")))?;
                    self.write(&self.path(id), &encode_hashes(&hashes))?;
                }
                Kind::Entries => {
                    let mut entries = self.widest_bundle(id.index)?.unwrap_or_default();
                    if entries.len() < usize::from(id.width) {
                        return Err(self.damaged(format!("{id} is shorter than it was")));
                    }
                    entries.truncate(usize::from(id.width));
                    self.write(&self.path(id), &encode_bundle(&entries)?)?;
                }
            }
        }
        Ok(())
    }

    /// Path of a file that may be served, for a request path below the log's prefix.
    #[must_use]
    pub fn served(&self, path: &str) -> Option<PathBuf> {
        let known = match path.split_once('/') {
            None => path == "checkpoint",
            Some(("checkpoints", size)) => size.parse::<u64>().is_ok_and(|value| value.to_string() == size),
            Some(("blob", hash)) => is_hash(hash),
            Some(("tile", _)) => TileId::parse(path).is_ok(),
            Some(_) => false,
        };
        known.then(|| self.directory.join(path))
    }
}
