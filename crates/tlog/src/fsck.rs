//! Checks a whole log directory: checkpoint, entries, every hash tile, every published checkpoint. Needs no secret and no lock.

use crate::TlogError;
use crate::durable::read_limited;
use crate::file_log::storage::tile_hashes;
use crate::note::VerifierKey;
use crate::reader::{Limits, read_history, read_log};
use crate::tile::{self, Kind, TileId};
use std::path::Path;

/// What was checked and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsckReport {
    /// Entries, all hashed to the signed root.
    pub entries: u64,
    /// Hash tiles compared with the entries.
    pub hash_tiles: u64,
    /// Published checkpoints compared with the entries.
    pub checkpoints: u64,
    /// One sentence for each fault; empty for a sound log.
    pub problems: Vec<String>,
}

/// Checks a log. Faults of tiles and of old checkpoints are listed in the report; only a log whose newest checkpoint or entries
/// cannot be read or do not fit each other is an error.
///
/// # Errors
/// Those of [`read_log`] and [`read_history`].
pub fn fsck(directory: &Path, log: &VerifierKey, limits: &Limits) -> Result<FsckReport, TlogError> {
    let contents = read_log(directory, log, limits)?;
    let size = contents.checkpoint.checkpoint().size;
    let mut report = FsckReport { entries: size, hash_tiles: 0, checkpoints: 0, problems: Vec::new() };
    for id in tile::new_tiles(0, size).filter(|id| id.kind != Kind::Entries) {
        report.hash_tiles += 1;
        let wanted = tile_hashes(contents.tree(), id).map(|hashes| tile::encode_hashes(&hashes));
        match read_hash_tile(directory, id)? {
            None => report.problems.push(format!("{id} is missing; open the log to have it written again")),
            Some(found) if wanted.as_ref() != Some(&found) => {
                report.problems.push(format!("{id} does not match the entries; open the log to have it written again"));
            }
            Some(_) => {}
        }
    }
    for signed in read_history(directory, log, limits)? {
        report.checkpoints += 1;
        if let Err(error) = contents.check_history(&signed) {
            report.problems.push(error.to_string());
        }
    }
    Ok(report)
}

/// Bytes of a hash tile, cut from the full one when only that is there.
fn read_hash_tile(directory: &Path, id: TileId) -> Result<Option<Vec<u8>>, TlogError> {
    for candidate in [id, id.full()] {
        let path = directory.join(candidate.to_string());
        if let Some(mut bytes) = read_limited(&path, "hash tile bytes", 8192)? {
            if candidate != id {
                bytes.truncate(32 * usize::from(id.width));
            }
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
