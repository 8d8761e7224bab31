//! The checkpoint of a run: which pieces are joined, and their result. Written whole or not at all.

use super::{Input, Rules};
use crate::{MeterError, Partials};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"standstill/1/meter-checkpoint\0";

/// Header: magic, identity, next piece.
const HEADER_BYTES: usize = MAGIC.len() + 32 + 8;

fn identity(input: &dyn Input, rules: &Rules) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(MAGIC);
    hasher.update(input.identity().as_bytes());
    hasher.update(Partials::new(rules.contract.clone(), rules.grid).encode());
    hasher.finalize().into()
}

pub(super) fn save(
    path: &Path,
    next: usize,
    result: &Partials,
    input: &dyn Input,
    rules: &Rules,
) -> Result<(), MeterError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&identity(input, rules));
    bytes.extend_from_slice(&(next as u64).to_be_bytes());
    bytes.extend_from_slice(&result.encode());
    write_whole(path, &bytes)
}

/// The next piece and the result so far; `None` without a checkpoint.
pub(super) fn load(path: &Path, input: &dyn Input, rules: &Rules) -> Result<Option<(usize, Partials)>, MeterError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read_whole(path, Partials::MAX_BYTES)?;
    let foreign = || MeterError::ForeignCheckpoint { place: path.to_owned() };
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or_else(foreign)?;
    let (own, number) = header.split_at(MAGIC.len() + 32);
    let (magic, known) = own.split_at(MAGIC.len());
    if magic != MAGIC || known != identity(input, rules) {
        return Err(foreign());
    }
    let next = number.try_into().map(u64::from_be_bytes).ok().and_then(|next| usize::try_from(next).ok());
    let next = next.filter(|next| *next <= input.pieces()).ok_or_else(foreign)?;
    Ok(Some((next, Partials::decode(rest, &path.display().to_string())?)))
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> MeterError + '_ {
    move |source| MeterError::Io { path: path.to_owned(), source }
}

/// Reads a file of at most `most` bytes.
pub(super) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, MeterError> {
    let file = File::open(path).map_err(io(path))?;
    let length = file.metadata().map_err(io(path))?.len();
    if length > most {
        return Err(MeterError::Limit {
            place: path.display().to_string(),
            what: "its size in bytes",
            found: length,
            limit: most,
            remedy: "meter fewer devices or days per shard",
        });
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(io(path))?;
    Ok(bytes)
}

/// Writes beside, syncs, renames, syncs the directory: after a crash the path holds the old bytes or the new ones, never a mixture.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MeterError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(io(path))?;
    beside.write_all(bytes).map_err(io(path))?;
    beside.as_file().sync_all().map_err(io(path))?;
    beside.persist(path).map_err(|error| io(path)(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(path))
}

pub(super) fn remove(path: &Path) -> Result<(), MeterError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path)(error)),
        _ => Ok(()),
    }
}
