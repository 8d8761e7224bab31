//! Files named by a command line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::MeterError;

/// Files that one run may name, so that a folder of a million scrapes is refused early and split by day.
const MOST_FILES: usize = 200_000;

/// Every file: those named, and those in named folders in the order of their names (sub-folders and dot files are left).
///
/// # Errors
/// [`MeterError::Io`] for a path that cannot be read, [`MeterError::Limit`] for too many files.
pub fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, MeterError> {
    let mut files = Vec::new();
    for path in paths {
        let io = |source| MeterError::Io { path: path.clone(), source };
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?.path();
            let hidden = entry.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if entry.is_file() && !hidden {
                inside.push(entry);
            }
            if inside.len() > MOST_FILES {
                return Err(MeterError::Limit {
                    place: path.display().to_string(),
                    what: "the number of files",
                    found: inside.len() as u64,
                    limit: MOST_FILES as u64,
                    remedy: "meter one day at a time and join with `standstill meter merge`",
                });
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// The bytes of a file, up to a limit.
///
/// # Errors
/// [`MeterError::Io`], or [`MeterError::Limit`] when the file is longer.
pub fn read(path: &Path, most_bytes: usize) -> Result<Vec<u8>, MeterError> {
    let io = |source| MeterError::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(most_bytes as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > most_bytes {
        return Err(MeterError::Limit {
            place: path.display().to_string(),
            what: "its size in bytes",
            found: bytes.len() as u64,
            limit: most_bytes as u64,
            remedy: "split the export by hour",
        });
    }
    Ok(bytes)
}
