//! Checks a whole log directory: checkpoint, entries, every hash tile, every published checkpoint. Needs no secret and no lock.

use crate::TlogError;
use crate::checkpoint::SignedCheckpoint;
use crate::file_log::storage::tile_hashes;
use crate::note::{MAX_NOTE_BYTES, VerifierKey};
use crate::reader::{Fetch, Limits, LogContents, fetch_from, read_history, read_log, read_log_from};
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
    check(&contents, &mut fetch_from(directory), &read_history(directory, log, limits)?)
}

/// As [`fsck`], for a log that somebody serves: `fetch` gives its public files, so it does not matter how they are stored. There is no
/// list of old checkpoints to be had that way; the newest one without cosignatures is compared in their place.
///
/// # Errors
/// [`TlogError::Missing`] when there is no checkpoint, those of [`read_log_from`], and whatever `fetch` reports.
pub fn fsck_served(fetch: &mut Fetch<'_>, log: &VerifierKey, limits: &Limits) -> Result<FsckReport, TlogError> {
    let read = |fetch: &mut Fetch<'_>, name: &str| {
        let bytes = fetch(name, MAX_NOTE_BYTES as u64)?;
        bytes.map(|bytes| SignedCheckpoint::parse(&bytes, log)).transpose()
    };
    let newest = read(fetch, "checkpoint")?.ok_or_else(|| TlogError::Missing {
        path: "checkpoint".into(),
        remedy: "a log shows its newest cosigned checkpoint there; is this the log's address, and has it a quorum?",
    })?;
    let contents = read_log_from(fetch, newest, limits)?;
    // The log may have signed more meanwhile, which is no fault.
    let size = contents.checkpoint.checkpoint().size;
    let signed = read(fetch, "uncosigned-checkpoint")?.filter(|signed| signed.checkpoint().size <= size);
    check(&contents, fetch, signed.as_slice())
}

fn check(contents: &LogContents, fetch: &mut Fetch<'_>, history: &[SignedCheckpoint]) -> Result<FsckReport, TlogError> {
    let size = contents.checkpoint.checkpoint().size;
    let mut report = FsckReport { entries: size, hash_tiles: 0, checkpoints: 0, problems: Vec::new() };
    for id in tile::new_tiles(0, size).filter(|id| id.kind != Kind::Entries) {
        report.hash_tiles += 1;
        let wanted = tile_hashes(contents.tree(), id).map(|hashes| tile::encode_hashes(&hashes));
        match read_hash_tile(fetch, id)? {
            None => report.problems.push(format!("{id} is missing; open the log to have it written again")),
            Some(found) if wanted.as_ref() != Some(&found) => {
                report.problems.push(format!("{id} does not match the entries; open the log to have it written again"));
            }
            Some(_) => {}
        }
    }
    for signed in history {
        report.checkpoints += 1;
        if let Err(error) = contents.check_history(signed) {
            report.problems.push(error.to_string());
        }
    }
    Ok(report)
}

/// Bytes of a hash tile, cut from the full one when only that is there.
fn read_hash_tile(fetch: &mut Fetch<'_>, id: TileId) -> Result<Option<Vec<u8>>, TlogError> {
    for candidate in [id, id.full()] {
        if let Some(mut bytes) = fetch(&candidate.to_string(), 8192)? {
            if candidate != id {
                bytes.truncate(32 * usize::from(id.width));
            }
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
