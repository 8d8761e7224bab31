//! The public files of a log: tiles, bundles and checkpoints, written whole and synced, and read back when the log opens.

use crate::TlogError;
use crate::checkpoint::SignedCheckpoint;
use crate::cosignature;
use crate::durable::{create_directory, read_limited, sync_parent, write_atomic};
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{MAX_NOTE_BYTES, Note, NoteSignature, VerifierKey};
use crate::reader;
use crate::tile::{self, Kind, TILE_WIDTH, TileId};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What was read back from disk.
pub(super) struct Stored {
    pub(super) tree: Tree,
    pub(super) tail: Vec<Vec<u8>>,
    pub(super) tail_start: u64,
}

impl Stored {
    pub(super) fn push(&mut self, entry: Vec<u8>) {
        self.tree.push(leaf_hash(&entry));
        self.tail.push(entry);
    }
}

/// Reads entries `0..count` from the bundles and hashes them all: the tree is believed from entries only, never from hash tiles.
pub(super) fn load(directory: &Path, count: u64) -> Result<Stored, TlogError> {
    let mut stored = Stored { tree: Tree::new(), tail: Vec::new(), tail_start: 0 };
    for index in 0..count.div_ceil(TILE_WIDTH) {
        stored.tail_start = index * TILE_WIDTH;
        stored.tail.clear();
        for entry in reader::read_bundle(index, count, &mut reader::fetch_from(directory))? {
            stored.push(entry);
        }
    }
    if count.is_multiple_of(TILE_WIDTH) {
        stored.tail.clear();
        stored.tail_start = count;
    }
    Ok(stored)
}

/// Hashes that the tile must hold.
pub(crate) fn tile_hashes(tree: &Tree, id: TileId) -> Option<Vec<Hash>> {
    let Kind::Hashes(level) = id.kind else { return None };
    let start = id.index.checked_mul(TILE_WIDTH)?;
    (start..start + u64::from(id.width)).map(|index| tree.node(8 * usize::from(level), index).copied()).collect()
}

/// What to do with a file that already holds the right bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    /// It belongs to the signed head, so it was synced before that was signed.
    IsDurable,
    /// An earlier process may have died before it could sync it.
    MustSync,
}

/// Writes the hash tiles that a growth from `old` to `new` entries brings.
pub(super) fn write_tiles(
    directory: &Path,
    tree: &Tree,
    old: u64,
    new: u64,
    present: Present,
) -> Result<(), TlogError> {
    for id in tile::new_tiles(old, new).filter(|id| id.kind != Kind::Entries) {
        let hashes = tile_hashes(tree, id).ok_or(TlogError::Tile("the tree is smaller than its tiles"))?;
        write_immutable(&directory.join(id.to_string()), &tile::encode_hashes(&hashes), present)?;
    }
    Ok(())
}

/// Writes the entry bundles that a growth from `old` to `new` entries brings; `tail` holds the entries from `tail_start` on.
pub(super) fn write_bundles(
    directory: &Path,
    (tail, tail_start): (&[Vec<u8>], u64),
    old: u64,
    new: u64,
    present: Present,
) -> Result<(), TlogError> {
    for id in tile::new_tiles(old, new).filter(|id| id.kind == Kind::Entries) {
        let start = (id.index * TILE_WIDTH).checked_sub(tail_start).and_then(|start| usize::try_from(start).ok());
        let entries = start.and_then(|start| tail.get(start..start + usize::from(id.width)));
        let entries = entries.ok_or(TlogError::Tile("the entries of a bundle are no longer in memory"))?;
        write_immutable(&directory.join(id.to_string()), &tile::encode_bundle(entries)?, present)?;
    }
    Ok(())
}

/// Writes a file whose content is decided by its name. One that holds other bytes is replaced: what is signed decides, and that was
/// checked against the entries.
fn write_immutable(path: &Path, bytes: &[u8], present: Present) -> Result<(), TlogError> {
    if fs::read(path).is_ok_and(|stored| stored == bytes) {
        if present == Present::IsDurable {
            return Ok(());
        }
        File::open(path).and_then(|file| file.sync_all()).map_err(TlogError::io("sync", path))?;
        return sync_parent(path);
    }
    if let Some(parent) = path.parent() {
        create_directory(parent)?;
    }
    write_atomic(path, bytes)
}

/// Removes partial tiles whose full tile is now durable, as the specification allows. What cannot be removed does no harm.
pub(super) fn remove_partials(directory: &Path, old: u64, new: u64) {
    for id in tile::new_tiles(old, new).filter(|id| !id.is_partial()) {
        let mut name = directory.join(id.to_string()).into_os_string();
        name.push(".p");
        let _ = fs::remove_dir_all(name);
    }
}

/// Place of the published checkpoint of a size.
pub(crate) fn checkpoint_path(directory: &Path, size: u64) -> PathBuf {
    directory.join("checkpoints").join(size.to_string())
}

/// Makes a signed checkpoint public, unless files with the same text (and perhaps cosignatures) are there.
pub(super) fn publish_checkpoint(directory: &Path, signed: &SignedCheckpoint) -> Result<(), TlogError> {
    create_directory(&directory.join("checkpoints"))?;
    // The newest first: a folder with a larger lasting checkpoint than its newest reads as one whose entries are withheld.
    for path in [directory.join("checkpoint"), checkpoint_path(directory, signed.checkpoint().size)] {
        let present = read_limited(&path, "checkpoint bytes", MAX_NOTE_BYTES as u64)?;
        let same =
            present.and_then(|bytes| Note::parse(&bytes).ok()).is_some_and(|note| note.text() == signed.note().text());
        if !same {
            write_atomic(&path, &signed.to_bytes())?;
        }
    }
    Ok(())
}

/// Reads and verifies one public checkpoint of this log, if it is there.
pub(crate) fn read_checkpoint(path: &Path, key: &VerifierKey) -> Result<Option<SignedCheckpoint>, TlogError> {
    let bytes = read_limited(path, "checkpoint bytes", MAX_NOTE_BYTES as u64)?;
    bytes.map(|bytes| SignedCheckpoint::parse(&bytes, key)).transpose()
}

/// The public checkpoint and the published one of the largest size. A file that is not ours does not count here; fsck reports it.
pub(super) fn public_checkpoints(directory: &Path, key: &VerifierKey) -> Result<Vec<SignedCheckpoint>, TlogError> {
    let names = match fs::read_dir(directory.join("checkpoints")) {
        Ok(names) => names.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok()).max(),
        Err(_) => None,
    };
    let paths = names.map(|size| checkpoint_path(directory, size)).into_iter().chain([directory.join("checkpoint")]);
    let mut found = Vec::new();
    for path in paths {
        found.extend(read_checkpoint(&path, key)?);
    }
    Ok(found)
}

/// Verifies witness lines and stores them: the earliest of each witness in `checkpoints/<size>`, and the latest in `checkpoint` when that
/// is of this size. The latest of a head that was cosigned more than once are also in `checkpoints/<size>.last`, which stays when a larger
/// head comes: they show until when the log held nothing more.
pub(super) fn merge_cosignatures(
    directory: &Path,
    log: &VerifierKey,
    size: u64,
    lines: &str,
    witnesses: &[VerifierKey],
) -> Result<(), TlogError> {
    let path = checkpoint_path(directory, size);
    let Some(stored) = read_checkpoint(&path, log)? else {
        return Err(TlogError::Missing {
            path,
            remedy: "this log has published no checkpoint of that size; publish first",
        });
    };
    let new: Vec<NoteSignature> = lines.lines().map(NoteSignature::parse).collect::<Result<_, _>>()?;
    for line in &new {
        Note::new(stored.note().text(), vec![line.clone()])?.verify(witnesses)?;
    }
    let known = |line: &NoteSignature| {
        stored.note().signatures().iter().any(|other| other.name == line.name && other.key_id == line.key_id)
    };
    if new.iter().any(known) {
        let last_path = directory.join("checkpoints").join(format!("{size}.last"));
        let last = read_checkpoint(&last_path, log)?.unwrap_or_else(|| stored.clone());
        write_cosigned(&last_path, last.note(), &new, false)?;
    }
    write_cosigned(&path, stored.note(), &new, true)?;
    let latest_path = directory.join("checkpoint");
    match read_checkpoint(&latest_path, log)? {
        Some(latest) if latest.note().text() == stored.note().text() => {
            write_cosigned(&latest_path, latest.note(), &new, false)
        }
        _ => Ok(()),
    }
}

/// Adds verified witness lines to a stored checkpoint. One line per witness key is kept: the earliest, or the latest.
fn write_cosigned(path: &Path, stored: &Note, lines: &[NoteSignature], earliest: bool) -> Result<(), TlogError> {
    let mut note = stored.clone();
    for line in lines {
        let time = cosignature::time_of(&line.bytes)?;
        let same_key = |other: &NoteSignature| other.name == line.name && other.key_id == line.key_id;
        let better = |other: &NoteSignature| {
            cosignature::time_of(&other.bytes)
                .is_ok_and(|present| if earliest { present <= time } else { present >= time })
        };
        if !note.signatures().iter().any(|other| same_key(other) && better(other)) {
            note.retain(|other| !same_key(other));
            note.add(line.clone());
        }
    }
    if note == *stored { Ok(()) } else { write_atomic(path, &note.to_bytes()) }
}
