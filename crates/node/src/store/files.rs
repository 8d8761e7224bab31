//! The embedded store: a write-ahead file and SQLite, everything public as plain files that any web server can serve.
//!
//! ```text
//! <log>/checkpoint  uncosigned-checkpoint  checkpoints/<size>  tile/...  blob/<sha256>     public
//! <log>/.state/wal-<first index>     staged batches (docs/formats/tlog.md, "The writer")
//! <log>/.state/lock, incoming/       one writer; uploads that are not finished
//! <head>/head.sqlite                 last signed checkpoint; <head> is .state unless configured
//! ```
//! Tiles are written without a sync, so that an acknowledgement never waits for one. A thread of its own syncs them when the
//! write-ahead file has grown, and only then removes the part of it that they cover.

mod settler;
mod staging;

use super::head_cell::HeadCell;
use super::{Later, Recovered, Store, StoreError, StoredHead};
use settler::Settler;
use staging::Staging;
use standstill_statement::Hash32;
use standstill_tlog::durable::{DirectoryLock, create_directory, lock, read_limited, sync_parent, write_atomic};
use standstill_tlog::tile::MAX_BUNDLE_BYTES;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How the files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStoreOptions {
    /// Directory of the head cell; `None` keeps it in `<log>/.state`. Put it on storage that is not restored together with the log.
    pub head_directory: Option<PathBuf>,
    /// Size of one write-ahead file, in bytes, beyond which the next one is begun.
    pub wal_bytes: u64,
}

impl Default for FileStoreOptions {
    fn default() -> Self {
        Self { head_directory: None, wal_bytes: 64 * 1024 * 1024 }
    }
}

/// The embedded store of one log. Holds the log's lock until it is dropped.
#[derive(Debug)]
pub struct FileStore {
    directory: PathBuf,
    head_cell: Mutex<HeadCell>,
    staging: Mutex<Staging>,
    settler: Settler,
    _locks: Vec<DirectoryLock>,
}

impl FileStore {
    /// Opens or creates the store of the log with this origin, and takes its lock.
    ///
    /// # Errors
    /// [`TlogError::Locked`] while another process writes here, [`TlogError::Io`], [`StoreError::Damaged`].
    pub fn open(directory: &Path, origin: &str, options: &FileStoreOptions) -> Result<Self, StoreError> {
        let state = directory.join(".state");
        create_directory(&state.join("incoming"))?;
        create_directory(&directory.join("blob"))?;
        create_directory(&directory.join("checkpoints"))?;
        let mut locks = vec![lock(&state.join("lock"))?];
        let head_directory = options.head_directory.as_ref().unwrap_or(&state);
        if *head_directory != state {
            create_directory(head_directory)?;
            locks.push(lock(&head_directory.join("lock"))?);
        }
        let head_cell = HeadCell::open(&head_directory.join("head.sqlite"), origin)?;
        adopt(directory, head_directory, origin, &head_cell)?;
        clear_uploads(&state.join("incoming"));
        Ok(Self {
            directory: directory.to_owned(),
            head_cell: Mutex::new(head_cell),
            staging: Mutex::new(Staging::new(&state, options.wal_bytes)),
            settler: Settler::start()?,
            _locks: locks,
        })
    }

    /// Where unfinished uploads lie; on the same file system as the blobs.
    #[must_use]
    pub fn upload_directory(&self) -> PathBuf {
        self.directory.join(".state").join("incoming")
    }

    fn blob_path(&self, sha256: Hash32) -> PathBuf {
        self.directory.join("blob").join(sha256.to_string())
    }

    fn swap_head_now(&self, expected: Option<&StoredHead>, next: &StoredHead) -> Result<(), StoreError> {
        guard(&self.head_cell).swap(expected, next, super::size_of(next)?)
    }

    fn write_tile(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.directory.join(name);
        let written = write_unsynced(&path, bytes).or_else(|error| match (error.kind(), path.parent()) {
            (ErrorKind::NotFound, Some(parent)) => {
                fs::create_dir_all(parent)?;
                write_unsynced(&path, bytes)
            }
            _ => Err(error),
        });
        written.map_err(|error| unchanged("write a tile", &path, &error))?;
        self.settler.wrote(path);
        Ok(())
    }

    fn read_now(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(read_limited(&self.directory.join(name), "file bytes", MAX_BUNDLE_BYTES as u64)?)
    }
}

impl Store for FileStore {
    fn describe(&self) -> String {
        format!("files in {}", self.directory.display())
    }

    fn recover(&self) -> Later<'_, Recovered> {
        Box::pin(async {
            let (base, staged) = guard(&self.staging).recover()?;
            let head = guard(&self.head_cell).read()?;
            Ok(Recovered { head, base, staged })
        })
    }

    fn stage<'a>(&'a self, first: u64, entries: &'a [Vec<u8>]) -> Later<'a, ()> {
        Box::pin(async move { guard(&self.staging).append(first, entries) })
    }

    fn swap_head<'a>(&'a self, expected: Option<&'a StoredHead>, next: &'a StoredHead) -> Later<'a, ()> {
        Box::pin(async move { self.swap_head_now(expected, next) })
    }

    fn write_tiles(&self, tiles: Vec<(String, Vec<u8>)>) -> Later<'_, ()> {
        Box::pin(async move { tiles.iter().try_for_each(|(name, bytes)| self.write_tile(name, bytes)) })
    }

    fn trim(&self, size: u64) -> Later<'_, ()> {
        Box::pin(async move {
            let covered = guard(&self.staging).close_if_large(size)?;
            if !covered.is_empty() {
                self.settler.settle(covered);
            }
            Ok(())
        })
    }

    fn publish<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Later<'a, ()> {
        let (path, bytes) = (self.directory.join(name), bytes.to_vec());
        aside(move || Ok(write_atomic(&path, &bytes)?))
    }

    fn read<'a>(&'a self, name: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.read_now(name) })
    }

    fn blob_length(&self, sha256: Hash32) -> Later<'_, Option<u64>> {
        let found = fs::metadata(self.blob_path(sha256)).ok().filter(fs::Metadata::is_file).map(|data| data.len());
        Box::pin(async move { Ok(found) })
    }

    fn put_blob<'a>(&'a self, sha256: Hash32, upload: &'a Path) -> Later<'a, ()> {
        let (from, to) = (upload.to_owned(), self.blob_path(sha256));
        aside(move || {
            let moved = File::open(&from).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&from, &to));
            moved.map_err(|error| unchanged("keep the blob", &to, &error))?;
            Ok(sync_parent(&to)?)
        })
    }

    fn read_blob(&self, sha256: Hash32, offset: u64, length: u64) -> Later<'_, Vec<u8>> {
        let path = self.blob_path(sha256);
        aside(move || {
            let read = File::open(&path).and_then(|mut file| {
                let mut bytes = Vec::new();
                file.seek(SeekFrom::Start(offset))?;
                file.take(length).read_to_end(&mut bytes)?;
                Ok(bytes)
            });
            read.map_err(|error| unchanged("read the blob", &path, &error))
        })
    }
}

/// Runs slow file work where it does not hold up other connections.
fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Later<'static, T> {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| {
            let (action, place) = ("work on files", "a helper thread".to_owned());
            Err(StoreError::Unknown { action, place, problem: error.to_string() })
        })
    })
}

/// A file that is whole or absent for every reader, but not yet durable.
fn write_unsynced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)
}

/// Removes uploads that a crash left unfinished.
fn clear_uploads(incoming: &Path) {
    for entry in fs::read_dir(incoming).into_iter().flatten().flatten() {
        let _ = fs::remove_file(entry.path());
    }
}

/// Takes over a log that was written by `standstill_tlog::file_log`: its head cell moves into the database, its write-ahead file gets
/// the name it has here. Each step can be repeated after a crash. Afterwards only this store can open the log.
fn adopt(directory: &Path, head_directory: &Path, origin: &str, cell: &HeadCell) -> Result<(), StoreError> {
    let name = hex::encode(&standstill_tlog::witness::origin_hash(origin)[..8]);
    let old_head = head_directory.join(format!("head-{name}"));
    if let Some(checkpoint) = read_limited(&old_head, "head cell bytes", MAX_BUNDLE_BYTES as u64)? {
        let stored = StoredHead { checkpoint, signed_unix_seconds: 0 };
        let size = super::size_of(&stored)?;
        match cell.read()? {
            None => cell.swap(None, &stored, size)?,
            Some(present) if present == stored => {}
            Some(_) => return Err(StoreError::SecondWriter { place: old_head.display().to_string() }),
        }
        rename(&old_head, &old_head.with_extension("moved"))?;
    }
    let old_wal = directory.join(".state").join("wal");
    if old_wal.exists() {
        let (_, base, _) = standstill_tlog::file_log::wal::Wal::open(&old_wal)?;
        rename(&old_wal, &staging::segment_path(&directory.join(".state"), base))?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|error| unchanged("take over", from, &error))?;
    Ok(sync_parent(to)?)
}

fn unchanged(action: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unchanged { action, place: path.display().to_string(), problem: error.to_string() }
}

/// A lock is only poisoned by a panic; the data behind these stays whole in any case, because every write is checked when read back.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
