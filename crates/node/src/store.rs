//! Where a log's bytes live: files with SQLite, an S3-compatible object store, PostgreSQL.
//!
//! One contract for all, and one suite of tests that all of them pass (`tests/stores.rs`). What a store keeps:
//!
//! | thing | written | rule |
//! |---|---|---|
//! | staged batches | before an entry is acknowledged | one batch follows the other without a gap; two writers cannot both stage at one index |
//! | head cell | when a checkpoint is signed, before anybody sees it | replaced by compare-and-swap only, never goes back |
//! | tiles and entry bundles | after staging, before the head cell | may be lost in a crash until [`Store::trim`]: the staged batches hold them |
//! | public checkpoints | when cosigned | replaced as a whole |
//! | blobs | before a statement that refers to them | named by SHA-256, never change |

mod files;
mod head_cell;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "postgres")]
mod postgres;

pub use files::{FileStore, FileStoreOptions};
#[cfg(feature = "object-store")]
pub use object::{ObjectLog, ObjectLogOptions};
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;

use standstill_statement::Hash32;
use standstill_tlog::TlogError;
use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;
use thiserror::Error;

/// The answer of a store, later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store refuses or fails. The variants say what the caller may rely on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing was changed; the same call may succeed later.
    #[error("cannot {action} ({place}): {problem}; nothing was changed, it will be tried again")]
    Unchanged {
        /// What was attempted.
        action: &'static str,
        /// Where.
        place: String,
        /// The reason.
        problem: String,
    },
    /// It is not known whether the change was made.
    #[error(
        "cannot tell whether it was possible to {action} ({place}): {problem}; restart the log, which reads back what is stored"
    )]
    Unknown {
        /// What was attempted.
        action: &'static str,
        /// Where.
        place: String,
        /// The reason.
        problem: String,
    },
    /// Another writer changed what only this one may change.
    #[error(
        "{place} was changed by another writer; a log has one writer: stop both, find out who started the other, then start one"
    )]
    SecondWriter {
        /// The cell, object or row.
        place: String,
    },
    /// What is stored cannot be what was written.
    #[error("{place} is damaged: {problem}")]
    Damaged {
        /// File, object or row.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A rule of the log's formats refuses.
    #[error(transparent)]
    Tlog(#[from] TlogError),
}

impl StoreError {
    /// Whether the same call may simply be made again.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged { .. })
    }
}

/// The last signed checkpoint, as the head cell holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    /// The signed note, without cosignatures.
    pub checkpoint: Vec<u8>,
    /// The signer's clock when it signed, Unix seconds.
    pub signed_unix_seconds: u64,
}

/// What a store holds when it is opened.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The head cell; `None` when nothing was ever signed here.
    pub head: Option<StoredHead>,
    /// All entries below this index are in durable entry bundles.
    pub base: u64,
    /// Staged entries from `base` on.
    pub staged: Vec<Vec<u8>>,
}

/// Size of the checkpoint in a head.
fn size_of(head: &StoredHead) -> Result<u64, StoreError> {
    let note = standstill_tlog::note::Note::parse(&head.checkpoint)?;
    Ok(standstill_tlog::checkpoint::Checkpoint::parse(note.text())?.size)
}

/// Takes apart a batch of exactly `count` entries, each behind its length as in an entry bundle.
#[cfg(any(feature = "object-store", feature = "postgres"))]
fn split_entries(bytes: &[u8], count: u64) -> Option<Vec<Vec<u8>>> {
    let (mut rest, mut entries) = (bytes, Vec::new());
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(entries)
}

/// Storage of one log. Exactly one writer may use it at a time.
pub trait Store: Send + Sync + Debug {
    /// What this is, for messages and `/health`: kind and place.
    fn describe(&self) -> String;

    /// Reads back what is stored, after dropping what was written in part and never acknowledged.
    fn recover(&self) -> Later<'_, Recovered>;

    /// Keeps a batch of entries, the first of which has index `first`. When this succeeds, they survive any crash.
    ///
    /// Fails with [`StoreError::SecondWriter`] when somebody else staged at this index.
    fn stage<'a>(&'a self, first: u64, entries: &'a [Vec<u8>]) -> Later<'a, ()>;

    /// Replaces the head cell, durably, if it still holds `expected`; otherwise [`StoreError::SecondWriter`].
    fn swap_head<'a>(&'a self, expected: Option<&'a StoredHead>, next: &'a StoredHead) -> Later<'a, ()>;

    /// Writes tiles or bundles; each becomes visible as a whole. Their content is decided by their name and what is signed.
    fn write_tiles(&self, tiles: Vec<(String, Vec<u8>)>) -> Later<'_, ()>;

    /// Every entry below `size` is in written bundles and covered by the head cell: makes tiles durable, in its own time, and then
    /// drops the staged batches that are no longer needed.
    fn trim(&self, size: u64) -> Later<'_, ()>;

    /// Replaces a public checkpoint file (`checkpoint`, `uncosigned-checkpoint`, `checkpoints/<size>`), durably and as a whole.
    fn publish<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Later<'a, ()>;

    /// Reads a tile, bundle or public checkpoint; `None` when it is not there.
    fn read<'a>(&'a self, name: &'a str) -> Later<'a, Option<Vec<u8>>>;

    /// Length of a blob in bytes; `None` when it is not held.
    fn blob_length(&self, sha256: Hash32) -> Later<'_, Option<u64>>;

    /// Takes over a finished upload, whose hash and length were checked. The file is gone, or may be removed, afterwards.
    fn put_blob<'a>(&'a self, sha256: Hash32, upload: &'a Path) -> Later<'a, ()>;

    /// Reads a part of a blob; shorter at its end.
    fn read_blob(&self, sha256: Hash32, offset: u64, length: u64) -> Later<'_, Vec<u8>>;
}
