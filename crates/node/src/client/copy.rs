//! A log's verified copy on disk: what was once fetched and checked is never fetched again.
//!
//! ```text
//! <dir>/key                      the log's verifier key
//! <dir>/checkpoint               newest head followed, with the latest cosignature of each witness
//! <dir>/checkpoints/<size>       every head seen, with the earliest
//! <dir>/tile/entries/...         entry bundles
//! <dir>/alarms/*.note            evidence
//! <dir>/fork/...                 the entries of a second history, when they were to be had
//! ```
//!
//! It is a log folder like any other: `standstill log fsck`, `show` and `prove` read it, and a bundle takes it as it is.

use super::ClientError;
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::file_log;
use standstill_tlog::merkle::{Hash, Tree, leaf_hash};
use standstill_tlog::note::VerifierKey;
use standstill_tlog::reader::{self, Limits};
use standstill_tlog::tile::{self, Kind, TILE_WIDTH, TileId};
use standstill_tlog::{durable, merkle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The copy of one log. At most one is open for a folder at any time.
#[derive(Debug)]
pub struct LogCopy {
    directory: PathBuf,
    key: VerifierKey,
    tree: Tree,
    head: Option<SignedCheckpoint>,
    /// Heads seen, by size; their roots are those of the tree.
    seen: BTreeMap<u64, Hash>,
    /// Entries of the last, incomplete bundle.
    tail: Vec<Vec<u8>>,
    limits: Limits,
    _lock: durable::DirectoryLock,
}

impl LogCopy {
    /// Opens the copy in a folder, or starts one. Every entry is hashed again and compared with the signed head.
    ///
    /// # Errors
    /// [`ClientError::Copy`] when it is of another log or damaged, [`ClientError::Tlog`] when another process has it open.
    pub fn open(directory: &Path, key: &VerifierKey, limits: Limits) -> Result<Self, ClientError> {
        durable::create_directory(directory)?;
        let lock = durable::lock(&directory.join("lock"))?;
        let refused = |problem: String| ClientError::Copy { path: directory.to_owned(), problem };
        check_key(directory, key)?;
        let mut copy = Self {
            directory: directory.to_owned(),
            key: key.clone(),
            tree: Tree::new(),
            head: None,
            seen: BTreeMap::new(),
            tail: Vec::new(),
            limits,
            _lock: lock,
        };
        if directory.join("checkpoint").exists() {
            let contents = reader::read_log(directory, key, &limits).map_err(|error| refused(error.to_string()))?;
            let complete = contents.entries.len() / 256 * 256;
            copy.tail = contents.entries[complete..].to_vec();
            copy.tree = contents.tree().clone();
            copy.head = Some(contents.checkpoint);
        }
        for signed in reader::read_history(directory, key, &limits).map_err(|error| refused(error.to_string()))? {
            let checkpoint = signed.checkpoint();
            if copy.tree.root_at(checkpoint.size) == Some(checkpoint.root) {
                copy.seen.insert(checkpoint.size, checkpoint.root);
            }
        }
        // A crash between the two files of a new head leaves the newest without its lasting copy.
        if let Some(head) = copy.head.clone() {
            copy.remember(&head)?;
        }
        Ok(copy)
    }

    /// Folder of the copy.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Key of the log.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Newest head whose entries are all here.
    #[must_use]
    pub fn head(&self) -> Option<&SignedCheckpoint> {
        self.head.as_ref()
    }

    /// Entries here.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The tree over all entries.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What this copy may grow to.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sizes of the heads that are kept, ascending.
    #[must_use]
    pub fn seen_sizes(&self) -> Vec<u64> {
        self.seen.keys().copied().collect()
    }

    /// Whether a head of this size is kept.
    #[must_use]
    pub fn has_seen(&self, size: u64) -> bool {
        self.seen.contains_key(&size)
    }

    /// A kept head with the earliest cosignatures known.
    ///
    /// # Errors
    /// [`ClientError::Tlog`] when the file cannot be read.
    pub fn seen(&self, size: u64) -> Result<Option<SignedCheckpoint>, ClientError> {
        let path = self.directory.join("checkpoints").join(size.to_string());
        let bytes = durable::read_limited(&path, "checkpoint bytes", standstill_tlog::note::MAX_NOTE_BYTES as u64)?;
        Ok(bytes.map(|bytes| SignedCheckpoint::parse(&bytes, &self.key)).transpose()?)
    }

    /// All entries from `from` on.
    ///
    /// # Errors
    /// [`ClientError::Tlog`] when a file cannot be read.
    pub fn entries(&self, from: u64) -> Result<Vec<Vec<u8>>, ClientError> {
        let mut entries = Vec::new();
        for index in from / TILE_WIDTH..self.size().div_ceil(TILE_WIDTH) {
            let bundle = self.bundle(index)?;
            let skip = usize::try_from(from.saturating_sub(index * TILE_WIDTH)).unwrap_or(usize::MAX);
            entries.extend(bundle.into_iter().skip(skip));
        }
        Ok(entries)
    }

    fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, ClientError> {
        let Some(id) = TileId::in_tree(Kind::Entries, index, self.size()) else { return Ok(Vec::new()) };
        let path = self.directory.join(id.to_string());
        let bytes = durable::read_limited(&path, "entry bundle bytes", tile::MAX_BUNDLE_BYTES as u64)?;
        let missing = || ClientError::Copy { path: self.directory.clone(), problem: format!("{id} is missing") };
        let bytes = bytes.ok_or_else(missing)?;
        Ok(tile::decode_bundle(&bytes, id.width)?.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Root after the present entries and these; nothing changes.
    #[must_use]
    pub fn root_with(&self, entries: &[Vec<u8>]) -> Hash {
        let mut edge = Edge::of(&self.tree);
        entries.iter().for_each(|entry| edge.push(leaf_hash(entry)));
        edge.root()
    }

    /// Takes over a newer head with the entries that lead to it, durably: bundles first, then the head.
    ///
    /// # Errors
    /// [`TlogError::RootMismatch`] when the entries do not lead there; nothing changes then.
    pub fn extend(&mut self, next: &SignedCheckpoint, entries: Vec<Vec<u8>>) -> Result<(), ClientError> {
        let wanted = next.checkpoint();
        let size = self.size() + entries.len() as u64;
        if wanted.size != size || self.root_with(&entries) != wanted.root {
            return Err(TlogError::RootMismatch { origin: wanted.origin.clone(), size: wanted.size }.into());
        }
        let start = self.size() / TILE_WIDTH * TILE_WIDTH;
        let mut pending = std::mem::take(&mut self.tail);
        pending.extend(entries.iter().cloned());
        let written = self.write_bundles(start, size, &pending);
        if let Err(error) = written {
            pending.truncate(usize::try_from(self.size() - start).unwrap_or(0));
            self.tail = pending;
            return Err(error);
        }
        let before = TileId::in_tree(Kind::Entries, self.size() / TILE_WIDTH, self.size());
        entries.iter().for_each(|entry| self.tree.push(leaf_hash(entry)));
        let complete = pending.len() / 256 * 256;
        self.tail = pending.split_off(complete);
        // The newest first: a copy that keeps a larger head than its newest would accuse the log of withholding entries.
        self.put("checkpoint", &next.to_bytes())?;
        self.head = Some(next.clone());
        self.remember(next)?;
        // The narrower last bundle is no longer needed; one that stays after a crash does no harm.
        if let Some(before) = before.filter(|_| !entries.is_empty()) {
            let _ = std::fs::remove_file(self.directory.join(before.to_string()));
        }
        Ok(())
    }

    fn write_bundles(&self, start: u64, size: u64, entries: &[Vec<u8>]) -> Result<(), ClientError> {
        for (index, bundle) in (start / TILE_WIDTH..).zip(entries.chunks(256)) {
            if let Some(id) = TileId::in_tree(Kind::Entries, index, size) {
                self.put(&id.to_string(), &tile::encode_bundle(bundle)?)?;
            }
        }
        Ok(())
    }

    /// Keeps a head of the present history under its size, without touching the newest.
    ///
    /// # Errors
    /// [`TlogError::HistoryMismatch`] when it is not of this history; [`ClientError::Tlog`] when it cannot be written.
    pub fn remember(&mut self, signed: &SignedCheckpoint) -> Result<(), ClientError> {
        let checkpoint = signed.checkpoint();
        if self.tree.root_at(checkpoint.size) != Some(checkpoint.root) {
            return Err(TlogError::HistoryMismatch { origin: checkpoint.origin.clone(), size: checkpoint.size }.into());
        }
        if self.seen.insert(checkpoint.size, checkpoint.root).is_none() {
            self.put(&format!("checkpoints/{}", checkpoint.size), &signed.to_bytes())?;
        }
        Ok(())
    }

    /// Adds verified witness lines of a note to what is kept under its size, and to the newest head when it is that.
    ///
    /// # Errors
    /// [`ClientError::Tlog`] when no head of that size is kept, or a file cannot be written.
    pub fn add_cosignatures(&mut self, size: u64, lines: &str, witnesses: &[VerifierKey]) -> Result<(), ClientError> {
        file_log::add_cosignatures(&self.directory, &self.key, size, lines, witnesses)?;
        if self.head.as_ref().is_some_and(|head| head.checkpoint().size == size) {
            let path = self.directory.join("checkpoint");
            let bytes = durable::read_limited(&path, "checkpoint bytes", standstill_tlog::note::MAX_NOTE_BYTES as u64)?;
            self.head = bytes.map(|bytes| SignedCheckpoint::parse(&bytes, &self.key)).transpose()?;
        }
        Ok(())
    }

    /// Keeps the whole second history of a log beside the first: `fork/` holds its bundles and head.
    ///
    /// # Errors
    /// [`ClientError::Tlog`] when a file cannot be written.
    pub fn keep_fork(&self, head: &SignedCheckpoint, entries: &[Vec<u8>]) -> Result<PathBuf, ClientError> {
        for (index, bundle) in (0..).zip(entries.chunks(256)) {
            if let Some(id) = TileId::in_tree(Kind::Entries, index, entries.len() as u64) {
                self.put(&format!("fork/{id}"), &tile::encode_bundle(bundle)?)?;
            }
        }
        self.put("fork/checkpoint", &head.to_bytes())?;
        Ok(self.directory.join("fork"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let path = self.directory.join(name);
        if let Some(parent) = path.parent() {
            durable::create_directory(parent)?;
        }
        Ok(durable::write_atomic(&path, bytes)?)
    }
}

/// The folder belongs to one log for good.
fn check_key(directory: &Path, key: &VerifierKey) -> Result<(), ClientError> {
    let path = directory.join("key");
    let text = format!("{key}\n");
    match durable::read_limited(&path, "key bytes", 8192)? {
        None => Ok(durable::write_atomic(&path, text.as_bytes())?),
        Some(found) if found == text.as_bytes() => Ok(()),
        Some(_) => {
            let problem = format!("it is the copy of another log than {}", key.name());
            Err(ClientError::Copy { path: directory.to_owned(), problem })
        }
    }
}

/// The right edge of a tree: enough to compute roots of what may follow, without copying the tree.
struct Edge(Vec<(u32, Hash)>);

impl Edge {
    fn of(tree: &Tree) -> Self {
        let (size, mut start, mut nodes) = (tree.size(), 0_u64, Vec::new());
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            let node = usize::try_from(level).ok().and_then(|at| tree.node(at, start >> level));
            nodes.extend(node.map(|hash| (level, *hash)));
            start += 1 << level;
        }
        Self(nodes)
    }

    fn push(&mut self, leaf: Hash) {
        let mut node = (0, leaf);
        while let Some((_, left)) = self.0.pop_if(|(level, _)| *level == node.0) {
            node = (node.0 + 1, merkle::node_hash(&left, &node.1));
        }
        self.0.push(node);
    }

    fn root(&self) -> Hash {
        let mut nodes = self.0.iter().rev().map(|(_, hash)| *hash);
        nodes.next().map_or(merkle::EMPTY_ROOT, |last| nodes.fold(last, |right, left| merkle::node_hash(&left, &right)))
    }
}

#[cfg(test)]
mod tests;
