//! Where a bundle's bytes come from: a folder, or memory. Every read has a limit, and nothing outside the bundle is ever opened.

use crate::VerifyError;
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Limits on what is read. The defaults admit 64 parties of 1,048,576 devices over a year, and refuse more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of `agreement.toml`.
    pub agreement_bytes: u64,
    /// Bytes of one checkpoint note, alarm file or beacon file.
    pub note_bytes: u64,
    /// Bytes of one blob.
    pub blob_bytes: u64,
    /// Names in one folder (`checkpoints/`, `beacon/`, `alarms/`).
    pub folder_names: usize,
    /// Statements in one log; entries beyond are refused before they are read.
    pub log_entries: u64,
    /// Bytes of all entries of one log together.
    pub log_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            agreement_bytes: 1 << 20,
            note_bytes: 64 << 10,
            blob_bytes: 64 << 20,
            folder_names: 20_000,
            log_entries: 100_000,
            log_bytes: 256 << 20,
        }
    }
}

/// Read access to a bundle. Paths are relative, with `/`, as in `docs/formats/bundle.md`; callers pass only paths that they built
/// from checked names, never text from inside the bundle.
pub trait BundleSource: Send + Sync {
    /// The bytes of a file; `None` when there is none.
    ///
    /// # Errors
    /// [`VerifyError`] when it is larger than `max_bytes`, is no plain file, or cannot be read.
    fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, VerifyError>;

    /// Names of the plain files in a folder, sorted; empty when there is no such folder.
    ///
    /// # Errors
    /// [`VerifyError`] when there are more than `max_names` or the folder cannot be read.
    fn names(&self, folder: &str, max_names: usize) -> Result<Vec<String>, VerifyError>;
}

/// A bundle in a folder.
#[derive(Clone, Debug)]
pub struct FolderSource {
    root: PathBuf,
}

impl FolderSource {
    /// A source over `root`; nothing is read yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file behind `path`, after checking that no step of the way is a link. `None` when a step does not exist.
    fn resolve(&self, path: &str) -> Result<Option<(PathBuf, fs::Metadata)>, VerifyError> {
        let mut full = self.root.clone();
        let mut last = None;
        for step in path.split('/') {
            full.push(step);
            match fs::symlink_metadata(&full) {
                Ok(metadata) if metadata.is_symlink() => return Err(VerifyError::NotPlain { path: path.to_owned() }),
                Ok(metadata) => last = Some(metadata),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(None);
                }
                Err(error) => return Err(file_error(path, &error)),
            }
        }
        Ok(last.map(|metadata| (full, metadata)))
    }
}

fn file_error(path: &str, error: &std::io::Error) -> VerifyError {
    VerifyError::File { path: path.to_owned(), why: error.to_string() }
}

fn too_large(path: &str, found: u64, limit: u64) -> VerifyError {
    VerifyError::TooLarge { path: path.to_owned(), found, limit, unit: "bytes" }
}

impl BundleSource for FolderSource {
    fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, VerifyError> {
        let Some((full, metadata)) = self.resolve(path)? else { return Ok(None) };
        if !metadata.is_file() {
            return Err(VerifyError::NotPlain { path: path.to_owned() });
        }
        if metadata.len() > max_bytes {
            return Err(too_large(path, metadata.len(), max_bytes));
        }
        let file = fs::File::open(&full).map_err(|error| file_error(path, &error))?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        // The file may have grown since its length was read, so the read is bounded too.
        file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|error| file_error(path, &error))?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(path, bytes.len() as u64, max_bytes));
        }
        Ok(Some(bytes))
    }

    fn names(&self, folder: &str, max_names: usize) -> Result<Vec<String>, VerifyError> {
        let Some((full, _)) = self.resolve(folder)? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in fs::read_dir(&full).map_err(|error| file_error(folder, &error))? {
            let entry = entry.map_err(|error| file_error(folder, &error))?;
            // Names that are no text cannot be names of the format; folders and links are skipped, they are never followed.
            if let (Ok(name), true) =
                (entry.file_name().into_string(), entry.file_type().is_ok_and(|kind| kind.is_file()))
            {
                names.push(name);
            }
            if names.len() > max_names {
                return Err(too_many(folder, max_names));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn too_many(folder: &str, max_names: usize) -> VerifyError {
    let limit = max_names as u64;
    VerifyError::TooLarge { path: folder.to_owned(), found: limit + 1, limit, unit: "files" }
}

/// A bundle in memory: path to bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemorySource {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl BundleSource for MemorySource {
    fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, VerifyError> {
        match self.files.get(path) {
            Some(bytes) if bytes.len() as u64 > max_bytes => Err(too_large(path, bytes.len() as u64, max_bytes)),
            found => Ok(found.cloned()),
        }
    }

    fn names(&self, folder: &str, max_names: usize) -> Result<Vec<String>, VerifyError> {
        let prefix = format!("{folder}/");
        let inside = self.files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let names: Vec<String> = inside
            .filter_map(|(path, _)| path.strip_prefix(&prefix))
            .filter(|name| !name.contains('/'))
            .take(max_names + 1)
            .map(str::to_owned)
            .collect();
        if names.len() > max_names { Err(too_many(folder, max_names)) } else { Ok(names) }
    }
}
