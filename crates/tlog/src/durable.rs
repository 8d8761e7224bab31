//! Files that are whole or absent after a crash, and on the disk before anyone is told.
//!
//! A write is: create the temporary file, write, fsync it, rename over the target, fsync the directory. Anything less can leave an
//! empty or old file under the new name after power loss.

use crate::TlogError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Replaces a file atomically and durably. The directory must exist.
///
/// # Errors
/// [`TlogError::Io`]; the old file is then still there, or the new one whole.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), TlogError> {
    let temporary = temporary_name(path);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(TlogError::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(TlogError::io("rename into place", path))?;
    sync_parent(path)
}

/// A name beside the target that no reader takes for a file of the log.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

/// Makes the names in the file's directory durable.
///
/// # Errors
/// [`TlogError::Io`].
pub fn sync_parent(path: &Path) -> Result<(), TlogError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(TlogError::io("sync directory", parent))
}

/// Creates a directory with its parents; each new name is durable.
///
/// # Errors
/// [`TlogError::Io`].
pub fn create_directory(path: &Path) -> Result<(), TlogError> {
    if path.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    for directory in missing.into_iter().rev() {
        match fs::create_dir(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(TlogError::io("create directory", directory)(error));
            }
            _ => sync_parent(directory)?,
        }
    }
    Ok(())
}

/// Reads a regular file of at most `limit` bytes; `None` when there is none. Links, pipes and devices are refused: they may be part of
/// a hostile copy of a log.
///
/// # Errors
/// [`TlogError::Io`]; [`TlogError::TooLarge`] above the limit, with `what` in the message.
pub fn read_limited(path: &Path, what: &'static str, limit: u64) -> Result<Option<Vec<u8>>, TlogError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TlogError::io("look at", path)(error)),
        Ok(metadata) if !metadata.is_file() => {
            return Err(TlogError::io("read", path)(std::io::Error::other("it is not a regular file")));
        }
        Ok(_) => {}
    }
    let file = File::open(path).map_err(TlogError::io("open", path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(TlogError::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(TlogError::TooLarge { what, found: bytes.len() as u64, limit });
    }
    Ok(Some(bytes))
}

/// The exclusive lock of a directory, held until it is dropped or the process dies.
///
/// A lock of `flock(2)` belongs to the open file, which a program started by another thread shares until its `exec`. Closing our
/// descriptor would then not release it, so it is released by name.
#[derive(Debug)]
pub struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing the file releases it too, when nobody else shares it.
        let _ = self.0.unlock();
    }
}

/// Takes the exclusive lock of a directory.
///
/// # Errors
/// [`TlogError::Locked`] when another process (or handle) has it, [`TlogError::Io`].
pub fn lock(path: &Path) -> Result<DirectoryLock, TlogError> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(TlogError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock(file)),
        Err(TryLockError::WouldBlock) => Err(TlogError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(TlogError::io("lock", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_replace_and_reads_are_limited() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/c");
        create_directory(path.parent().unwrap()).unwrap();
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read_limited(&path, "bytes", 3).unwrap().unwrap(), b"two");
        assert!(matches!(read_limited(&path, "bytes", 2), Err(TlogError::TooLarge { .. })));
        assert!(read_limited(&path.with_file_name("none"), "bytes", 2).unwrap().is_none());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_is_exclusive_until_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = lock(&path).unwrap();
        assert!(matches!(lock(&path), Err(TlogError::Locked { .. })));
        drop(held);
        lock(&path).unwrap();
    }
    #[test]
    fn a_dropped_lock_is_free_while_other_threads_start_programs() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::process::Command::new("true").status().unwrap();
                }
            });
            let failed = (0..20_000).find_map(|_| lock(&path).err());
            done.store(true, Ordering::Relaxed);
            assert!(failed.is_none(), "{failed:?}");
        });
    }
}
