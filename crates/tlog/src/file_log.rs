//! The writer of one party's log, on plain files, safe against `kill -9` and power loss.
//!
//! Order of writes, which is what safety rests on:
//! 1. [`FileLog::append`] writes the entries to the write-ahead file and syncs it, and only then answers.
//! 2. [`FileLog::publish`] writes entry bundles and hash tiles (each whole or absent), then replaces the *head cell* with the newly
//!    signed checkpoint, and only then makes that checkpoint public. The head cell is compare-and-swap and never goes back.
//! 3. After a crash everything public is rebuilt from the head cell, the bundles and the write-ahead file. If the entries on disk do
//!    not hash to the root in the head cell, nothing is signed again.
//!
//! A restored older copy of the *whole* directory, head cell included, looks like a healthy log from inside. Two things catch it: a head
//! cell kept elsewhere ([`Options::head_directory`], not in the same backup), and checkpoints that others have seen
//! ([`Options::seen`], from witnesses), which the log must extend before it opens.

mod head;
pub(crate) mod storage;
#[cfg(test)]
mod tests;
pub mod wal;

use crate::TlogError;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::durable::{DirectoryLock, create_directory, lock};
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{NoteSigner, VerifierKey, check_limit};
use crate::tile::{MAX_ENTRY_BYTES, TILE_WIDTH};
use head::HeadCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use storage::Present;
use wal::Wal;

/// Most entries in one call of [`FileLog::append`].
pub const MAX_BATCH_ENTRIES: usize = 65_536;

/// Most bytes of entries in one call of [`FileLog::append`].
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory of the head cell; `None` keeps it in `<log>/.state`. Put it on storage that is not restored together with the log.
    pub head_directory: Option<PathBuf>,
    /// Signed checkpoints of this log that others hold (for instance the latest from each witness). The log refuses to open unless it
    /// extends every one of them.
    pub seen: Vec<Vec<u8>>,
    /// Size of the write-ahead file, in bytes, beyond which a publication starts a new one. Default 8 MiB.
    pub wal_reset_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { head_directory: None, seen: Vec::new(), wal_reset_bytes: 8 * 1024 * 1024 }
    }
}

/// An open log. At most one exists for a directory at any time.
#[derive(Debug)]
pub struct FileLog {
    directory: PathBuf,
    signer: NoteSigner,
    head_cell: HeadCell,
    head: SignedCheckpoint,
    wal: Wal,
    wal_reset_bytes: u64,
    tree: Tree,
    /// Entries from `tail_start` (a multiple of 256) to the end: what the next bundles are made of.
    tail: Vec<Vec<u8>>,
    tail_start: u64,
    poisoned: bool,
    _locks: Vec<DirectoryLock>,
}

impl FileLog {
    /// Creates an empty log and publishes its checkpoint of size 0. The origin is the signer's key name.
    ///
    /// # Errors
    /// [`TlogError::AlreadyExists`] when the directory (or the head directory) holds a log, [`TlogError::Locked`], [`TlogError::Io`].
    pub fn create(directory: &Path, signer: &NoteSigner) -> Result<Self, TlogError> {
        Self::create_with(directory, signer, &Options::default())
    }

    /// As [`FileLog::create`], with options.
    ///
    /// # Errors
    /// As [`FileLog::create`].
    pub fn create_with(directory: &Path, signer: &NoteSigner, options: &Options) -> Result<Self, TlogError> {
        let (head_directory, locks) = prepare(directory, options)?;
        let head_cell = HeadCell::new(&head_directory, signer.verifier().name());
        let traces = ["checkpoint", "checkpoints", "tile"].map(|name| directory.join(name));
        if traces.iter().any(|trace| trace.exists())
            || head_cell.path().exists()
            || head::any_in(&directory.join(".state"))?
        {
            return Err(TlogError::AlreadyExists { path: directory.to_owned() });
        }
        // The head cell comes last: until it exists nothing has been signed, and a crash before it leaves an empty directory to us.
        let wal = Wal::create(&wal_path(directory), 0)?;
        let head = Checkpoint::new(signer.verifier().name(), 0, Tree::new().root()).sign(signer)?;
        head_cell.create(&head)?;
        storage::publish_checkpoint(directory, &head)?;
        Ok(Self {
            directory: directory.to_owned(),
            signer: signer.clone(),
            head_cell,
            head,
            wal,
            wal_reset_bytes: options.wal_reset_bytes,
            tree: Tree::new(),
            tail: Vec::new(),
            tail_start: 0,
            poisoned: false,
            _locks: locks,
        })
    }

    /// Opens a log and repairs what a crash left: a torn last batch is dropped (nobody was told of it), missing tiles and public
    /// checkpoints are written again from the entries.
    ///
    /// # Errors
    /// [`TlogError::Missing`] when there is no log; [`TlogError::WrongKey`]; [`TlogError::Locked`]; [`TlogError::RolledBack`] when storage holds
    /// less than, or something other than, what was signed; [`TlogError::DamagedWal`].
    pub fn open(directory: &Path, signer: &NoteSigner) -> Result<Self, TlogError> {
        Self::open_with(directory, signer, &Options::default())
    }

    /// As [`FileLog::open`], with options.
    ///
    /// # Errors
    /// As [`FileLog::open`].
    pub fn open_with(directory: &Path, signer: &NoteSigner, options: &Options) -> Result<Self, TlogError> {
        if !wal_path(directory).exists() {
            return Err(TlogError::Missing {
                path: wal_path(directory),
                remedy: "there is no log here; create it, or restore the write-ahead file if there was one",
            });
        }
        let (head_directory, locks) = prepare(directory, options)?;
        let head_cell = HeadCell::new(&head_directory, signer.verifier().name());
        let head = head_cell.read(directory, signer.verifier())?;
        let (wal, base, logged) = Wal::open(&wal_path(directory))?;
        let mut stored = storage::load(directory, base)?;
        for entry in logged {
            stored.push(entry);
        }
        let mut log = Self {
            directory: directory.to_owned(),
            signer: signer.clone(),
            head_cell,
            head,
            wal,
            wal_reset_bytes: options.wal_reset_bytes,
            tree: stored.tree,
            tail: stored.tail,
            tail_start: stored.tail_start,
            poisoned: false,
            _locks: locks,
        };
        log.check_not_rolled_back(&options.seen)?;
        log.repair(base)?;
        Ok(log)
    }

    /// Refuses to go on when storage does not extend everything that is known to have been signed.
    fn check_not_rolled_back(&self, seen: &[Vec<u8>]) -> Result<(), TlogError> {
        self.check_extends(&self.head, "head cell")?;
        for checkpoint in storage::public_checkpoints(&self.directory, self.key())? {
            self.check_signed_before(&checkpoint, "a public checkpoint file")?;
        }
        for bytes in seen {
            self.check_signed_before(&SignedCheckpoint::parse(bytes, self.key())?, "a checkpoint that others hold")?;
        }
        Ok(())
    }

    /// A checkpoint with our signature must be one that this head cell knows of: not larger than the head, and of the same history.
    fn check_signed_before(&self, signed: &SignedCheckpoint, source: &str) -> Result<(), TlogError> {
        let size = signed.checkpoint().size;
        if size > self.head.checkpoint().size {
            let what = format!("the head cell stands at {} ({source} is newer)", self.head.checkpoint().size);
            return Err(self.rolled_back(size, what));
        }
        self.check_extends(signed, source)
    }

    fn check_extends(&self, signed: &SignedCheckpoint, source: &str) -> Result<(), TlogError> {
        let Checkpoint { size, root, .. } = signed.checkpoint();
        match self.tree.root_at(*size) {
            None => Err(self.rolled_back(*size, format!("only {} entries are on disk ({source})", self.tree.size()))),
            Some(found) if found != *root => {
                Err(self.rolled_back(*size, format!("the entries on disk are others ({source})")))
            }
            Some(_) => Ok(()),
        }
    }

    fn rolled_back(&self, signed_size: u64, what: String) -> TlogError {
        TlogError::RolledBack { origin: self.origin().to_owned(), path: self.directory.clone(), signed_size, what }
    }

    /// Writes again what should be public for the head; `base` is the first entry that the write-ahead file still holds.
    fn repair(&mut self, base: u64) -> Result<(), TlogError> {
        let head_size = self.head.checkpoint().size;
        storage::write_tiles(&self.directory, &self.tree, 0, head_size, Present::IsDurable)?;
        let tail = (self.tail.as_slice(), self.tail_start);
        storage::write_bundles(&self.directory, tail, base.min(head_size), head_size, Present::IsDurable)?;
        storage::publish_checkpoint(&self.directory, &self.head)?;
        self.trim_tail();
        Ok(())
    }

    /// Adds entries and gives their indices. When this returns, they survive any crash; they become public with the next
    /// [`FileLog::publish`]. Either all entries of the call are added or none.
    ///
    /// # Errors
    /// [`TlogError::TooLarge`] for an entry above 65,535 bytes or a batch above the limits (nothing changed);
    /// [`TlogError::Io`] or [`TlogError::Poisoned`] when the disk fails: open the log again to learn what it kept.
    pub fn append<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> Result<Range<u64>, TlogError> {
        self.check_usable()?;
        check_limit("entries in one batch", entries.len(), MAX_BATCH_ENTRIES)?;
        for entry in entries {
            check_limit("entry bytes", entry.as_ref().len(), MAX_ENTRY_BYTES)?;
        }
        check_limit("bytes in one batch", entries.iter().map(|entry| entry.as_ref().len()).sum(), MAX_BATCH_BYTES)?;
        let first = self.tree.size();
        if entries.is_empty() {
            return Ok(first..first);
        }
        let written = self.wal.append(first, entries);
        self.guard(written)?;
        for entry in entries {
            self.tree.push(leaf_hash(entry.as_ref()));
            self.tail.push(entry.as_ref().to_vec());
        }
        Ok(first..self.tree.size())
    }

    /// Makes all appended entries public under a newly signed checkpoint, and gives that checkpoint. Without new entries it gives the
    /// present one; nothing is signed then.
    ///
    /// # Errors
    /// [`TlogError::HeadMoved`] when another writer was here, [`TlogError::Io`], [`TlogError::Poisoned`].
    pub fn publish(&mut self) -> Result<SignedCheckpoint, TlogError> {
        self.check_usable()?;
        if self.tree.size() > self.head.checkpoint().size {
            let published = self.publish_growth();
            self.guard(published)?;
        }
        Ok(self.head.clone())
    }

    fn publish_growth(&mut self) -> Result<(), TlogError> {
        let (old, new) = (self.head.checkpoint().size, self.tree.size());
        storage::write_tiles(&self.directory, &self.tree, old, new, Present::MustSync)?;
        storage::write_bundles(&self.directory, (&self.tail, self.tail_start), old, new, Present::MustSync)?;
        let next = Checkpoint::new(self.key().name(), new, self.tree.root()).sign(&self.signer)?;
        self.head_cell.swap(&self.head, &next)?;
        self.head = next;
        storage::publish_checkpoint(&self.directory, &self.head)?;
        storage::remove_partials(&self.directory, old, new);
        self.trim_tail();
        if self.wal.length_bytes() > self.wal_reset_bytes {
            self.wal = Wal::create(&wal_path(&self.directory), new)?;
        }
        Ok(())
    }

    /// Drops entries whose full bundles are public.
    fn trim_tail(&mut self) {
        let keep_from = self.head.checkpoint().size / TILE_WIDTH * TILE_WIDTH;
        let drop =
            usize::try_from(keep_from.saturating_sub(self.tail_start)).unwrap_or(usize::MAX).min(self.tail.len());
        self.tail.drain(..drop);
        self.tail_start += drop as u64;
    }

    fn check_usable(&self) -> Result<(), TlogError> {
        if self.poisoned { Err(TlogError::Poisoned { path: self.directory.clone() }) } else { Ok(()) }
    }

    /// After a failed write it is unknown what the disk holds: nothing more happens until the log is opened again.
    fn guard<T>(&mut self, result: Result<T, TlogError>) -> Result<T, TlogError> {
        self.poisoned |= result.is_err();
        result
    }

    /// Stores witness signature lines beside a published checkpoint: `checkpoints/<size>` keeps the *earliest* cosignature of each
    /// witness (what proves publication by a deadline), `checkpoint` the *latest* (what proves that nothing newer exists).
    ///
    /// # Errors
    /// [`TlogError::Missing`] when no checkpoint of that size was published, [`TlogError::NoKnownSignature`] when a line is by none of
    /// the given witnesses, [`TlogError::BadSignature`] when it does not verify.
    pub fn add_cosignatures(&mut self, size: u64, lines: &str, witnesses: &[VerifierKey]) -> Result<(), TlogError> {
        self.check_usable()?;
        storage::merge_cosignatures(&self.directory, self.key(), size, lines, witnesses)
    }

    /// Public key of the log.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        self.signer.verifier()
    }

    /// Identity of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.key().name()
    }

    /// Directory of the log; everything in it but `.state` is public.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Number of entries, published or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The last signed checkpoint, without cosignatures.
    #[must_use]
    pub fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    /// Consistency proof between two sizes, for witnesses.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when the sizes are beyond the log.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, TlogError> {
        self.tree.consistency_proof(old, new)
    }

    /// Inclusion proof of an entry in the tree of the given size.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when the index or size is beyond the log.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TlogError> {
        self.tree.inclusion_proof(index, size)
    }
}

/// As [`FileLog::add_cosignatures`], for somebody who has no log key, such as a witness beside the log. Takes the log's lock while it
/// works; a plain copy of a log (without `.state`) has no writer and no lock.
///
/// # Errors
/// As [`FileLog::add_cosignatures`], and [`TlogError::Locked`] while the log is open elsewhere.
pub fn add_cosignatures(
    directory: &Path,
    log: &VerifierKey,
    size: u64,
    lines: &str,
    witnesses: &[VerifierKey],
) -> Result<(), TlogError> {
    let state = directory.join(".state");
    let _lock = if state.is_dir() { Some(lock(&state.join("lock"))?) } else { None };
    storage::merge_cosignatures(directory, log, size, lines, witnesses)
}

/// Creates the directories and takes the locks: of the log, and of the head directory when that is elsewhere, so that two copies of
/// one log cannot run at once.
fn prepare(directory: &Path, options: &Options) -> Result<(PathBuf, Vec<DirectoryLock>), TlogError> {
    let state = directory.join(".state");
    create_directory(&state)?;
    let mut locks = vec![lock(&state.join("lock"))?];
    let Some(head) = &options.head_directory else {
        return Ok((state, locks));
    };
    create_directory(head)?;
    locks.push(lock(&head.join("lock"))?);
    Ok((head.clone(), locks))
}

fn wal_path(directory: &Path) -> PathBuf {
    directory.join(".state").join("wal")
}
