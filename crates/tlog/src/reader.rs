//! Reads a copy of a log, believing nothing but the log's key: every entry is read, hashed, and the root compared.

use crate::TlogError;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::durable::read_limited;
use crate::file_log::storage;
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{MAX_NOTE_BYTES, VerifierKey, parse_decimal};
use crate::tile::{self, Kind, MAX_BUNDLE_BYTES, TILE_WIDTH, TileId};
use std::fs;
use std::path::Path;

/// What a reader is willing to hold in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most entries. Default 1,000,000.
    pub max_entries: u64,
    /// Most bytes of all entries together. Default 1 GiB.
    pub max_bytes: u64,
    /// Most files in `checkpoints/`. Default 100,000.
    pub max_checkpoints: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_entries: 1_000_000, max_bytes: 1 << 30, max_checkpoints: 100_000 }
    }
}

/// A log that was read whole and hashes to its signed root.
#[derive(Clone, Debug)]
pub struct LogContents {
    /// The newest checkpoint, with whatever cosignatures it carries; those are for a policy to judge.
    pub checkpoint: SignedCheckpoint,
    /// All entries in order; exactly as many as the checkpoint says.
    pub entries: Vec<Vec<u8>>,
    tree: Tree,
}

impl LogContents {
    /// Root when the log held `size` entries; `None` when it never was that large. Costs O(log n).
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.tree.root_at(size)
    }

    /// The tree over all entries, for proofs.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Checks that a checkpoint signed by the log is of the same history as the entries.
    ///
    /// # Errors
    /// [`TlogError::HistoryMismatch`] when the log shows two histories, [`TlogError::HistoryAhead`] when it has signed more than is shown.
    pub fn check_history(&self, signed: &SignedCheckpoint) -> Result<(), TlogError> {
        let (origin, size) = (signed.checkpoint().origin.clone(), signed.checkpoint().size);
        match self.root_at(size) {
            None => Err(TlogError::HistoryAhead { origin, size, newest: self.checkpoint.checkpoint().size }),
            Some(root) if root != signed.checkpoint().root => Err(TlogError::HistoryMismatch { origin, size }),
            Some(_) => Ok(()),
        }
    }
}

/// Reads `<directory>/checkpoint` and every entry bundle under it, and checks the root. Hash tiles are not needed.
///
/// # Errors
/// [`TlogError::Missing`] for a missing file, [`TlogError::TooLarge`] beyond a limit (sizes are checked before anything is read),
/// [`TlogError::RootMismatch`], and those of [`SignedCheckpoint::parse`].
pub fn read_log(directory: &Path, log: &VerifierKey, limits: &Limits) -> Result<LogContents, TlogError> {
    let path = directory.join("checkpoint");
    let Some(bytes) = read_limited(&path, "checkpoint bytes", MAX_NOTE_BYTES as u64)? else {
        return Err(TlogError::Missing {
            path,
            remedy: "a log has its newest checkpoint there; is this the log's directory?",
        });
    };
    read_log_at(directory, SignedCheckpoint::parse(&bytes, log)?, limits)
}

/// As [`read_log`], for a checkpoint that was obtained elsewhere; the directory may hold more entries than it covers.
///
/// # Errors
/// As [`read_log`].
pub fn read_log_at(directory: &Path, checkpoint: SignedCheckpoint, limits: &Limits) -> Result<LogContents, TlogError> {
    read_log_from(&mut fetch_from(directory), checkpoint, limits)
}

/// As [`read_log_at`], from wherever `fetch` finds the log's files.
///
/// # Errors
/// As [`read_log`], and whatever `fetch` reports.
pub fn read_log_from(
    fetch: &mut Fetch<'_>,
    checkpoint: SignedCheckpoint,
    limits: &Limits,
) -> Result<LogContents, TlogError> {
    let Checkpoint { size, root, .. } = checkpoint.checkpoint();
    let entries = read_entries(*size, fetch, limits)?;
    let mut tree = Tree::new();
    for entry in &entries {
        tree.push(leaf_hash(entry));
    }
    if tree.root() != *root {
        return Err(TlogError::RootMismatch { origin: checkpoint.checkpoint().origin.clone(), size: *size });
    }
    Ok(LogContents { checkpoint, entries, tree })
}

/// Gives the file of a log at a path such as `tile/entries/x001/234.p/7`, reading at most the given number of bytes; `None` when there is
/// no such file.
pub type Fetch<'a> = dyn FnMut(&str, u64) -> Result<Option<Vec<u8>>, TlogError> + 'a;

/// Fetches from a log's directory.
pub(crate) fn fetch_from(directory: &Path) -> impl FnMut(&str, u64) -> Result<Option<Vec<u8>>, TlogError> {
    move |path, limit| read_limited(&directory.join(path), "file bytes", limit)
}

/// Reads the `size` entries of a log from wherever `fetch` finds its bundles. The entries are *not* checked: the caller compares the
/// root of their leaf hashes with a signed checkpoint.
///
/// # Errors
/// [`TlogError::TooLarge`] beyond a limit (the size is checked before anything is fetched), [`TlogError::Missing`] for an absent bundle,
/// [`TlogError::Tile`] for a malformed one, and whatever `fetch` reports.
pub fn read_entries(size: u64, fetch: &mut Fetch<'_>, limits: &Limits) -> Result<Vec<Vec<u8>>, TlogError> {
    if size > limits.max_entries {
        return Err(TlogError::TooLarge { what: "entries of the log", found: size, limit: limits.max_entries });
    }
    let (mut entries, mut bytes) = (Vec::new(), 0_u64);
    for index in 0..size.div_ceil(TILE_WIDTH) {
        let bundle = read_bundle(index, size, fetch)?;
        bytes += bundle.iter().map(|entry| entry.len() as u64).sum::<u64>();
        if bytes > limits.max_bytes {
            return Err(TlogError::TooLarge {
                what: "bytes of the log's entries",
                found: bytes,
                limit: limits.max_bytes,
            });
        }
        entries.extend(bundle);
    }
    Ok(entries)
}

/// Entries of bundle `index` that belong to a tree of `size`; takes the full bundle when the partial one is gone.
pub(crate) fn read_bundle(index: u64, size: u64, fetch: &mut Fetch<'_>) -> Result<Vec<Vec<u8>>, TlogError> {
    let wanted = TileId::in_tree(Kind::Entries, index, size)
        .ok_or(TlogError::Tile("the bundle lies beyond the end of the log"))?;
    for candidate in [wanted, wanted.full()] {
        if let Some(bytes) = fetch(&candidate.to_string(), MAX_BUNDLE_BYTES as u64)? {
            let entries = tile::decode_bundle(&bytes, candidate.width)?;
            return Ok(entries.into_iter().take(usize::from(wanted.width)).map(<[u8]>::to_vec).collect());
        }
    }
    Err(TlogError::Missing {
        path: wanted.to_string().into(),
        remedy: "entries of the log are not there; fetch this file from a mirror, its content is checked against the signed root",
    })
}

/// Reads every `<directory>/checkpoints/<size>`, by ascending size, and verifies the log's signature on each. None is an empty list.
///
/// # Errors
/// [`TlogError::TooLarge`] beyond the limit, [`TlogError::Checkpoint`] when a file's name is not its size, and those of
/// [`SignedCheckpoint::parse`]. Whether they fit the entries is for [`LogContents::check_history`].
pub fn read_history(directory: &Path, log: &VerifierKey, limits: &Limits) -> Result<Vec<SignedCheckpoint>, TlogError> {
    let folder = directory.join("checkpoints");
    let names = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(TlogError::io("list", &folder))?,
    };
    let mut sizes = Vec::new();
    for name in names {
        let name = name.map_err(TlogError::io("list", &folder))?.file_name();
        sizes.extend(name.to_str().and_then(parse_decimal));
        if sizes.len() as u64 > limits.max_checkpoints {
            return Err(TlogError::TooLarge {
                what: "checkpoint files",
                found: sizes.len() as u64,
                limit: limits.max_checkpoints,
            });
        }
    }
    sizes.sort_unstable();
    let mut history = Vec::with_capacity(sizes.len());
    for size in sizes {
        let Some(signed) = storage::read_checkpoint(&storage::checkpoint_path(directory, size), log)? else { continue };
        if signed.checkpoint().size != size {
            return Err(TlogError::Checkpoint("a file in checkpoints/ is not named after the size in it"));
        }
        history.push(signed);
    }
    Ok(history)
}
