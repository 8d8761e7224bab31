//! The head cell: the last checkpoint that this log has signed. It is replaced only by compare-and-swap and never goes back.

use crate::TlogError;
use crate::checkpoint::SignedCheckpoint;
use crate::durable::{read_limited, write_atomic};
use crate::note::{MAX_NOTE_BYTES, VerifierKey};
use std::path::{Path, PathBuf};

/// One file holding the last signed checkpoint; named after the log, so that several logs may share a head directory.
#[derive(Debug)]
pub(super) struct HeadCell {
    path: PathBuf,
}

/// Whether a directory holds the head cell of any log.
pub(super) fn any_in(directory: &Path) -> Result<bool, TlogError> {
    let mut names = std::fs::read_dir(directory).map_err(TlogError::io("list", directory))?;
    Ok(names.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("head-"))))
}

impl HeadCell {
    pub(super) fn new(directory: &Path, origin: &str) -> Self {
        let name = hex::encode(&crate::witness::origin_hash(origin)[..8]);
        Self { path: directory.join(format!("head-{name}")) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the first checkpoint.
    pub(super) fn create(&self, first: &SignedCheckpoint) -> Result<(), TlogError> {
        write_atomic(&self.path, &first.to_bytes())
    }

    /// Reads the cell; only the key that signed it may go on.
    pub(super) fn read(&self, log: &Path, key: &VerifierKey) -> Result<SignedCheckpoint, TlogError> {
        let Some(bytes) = self.bytes()? else {
            return Err(TlogError::Missing {
                path: self.path.clone(),
                remedy: "the last signed checkpoint of this key is unknown, so nothing may be signed: give the head directory and the \
                         key that this log was created with, or remove an unfinished creation (no `checkpoint` file) and create again",
            });
        };
        SignedCheckpoint::parse(&bytes, key).map_err(|error| match error {
            TlogError::NoKnownSignature { .. } | TlogError::WrongOrigin { .. } => {
                TlogError::WrongKey { path: log.to_owned(), name: key.name().to_owned() }
            }
            other => other,
        })
    }

    /// Replaces `old` by `new`; refuses when the cell holds anything else, or when `new` is smaller.
    pub(super) fn swap(&self, old: &SignedCheckpoint, new: &SignedCheckpoint) -> Result<(), TlogError> {
        let unchanged = self.bytes()?.is_some_and(|bytes| bytes == old.to_bytes());
        if !unchanged || new.checkpoint().size <= old.checkpoint().size {
            return Err(TlogError::HeadMoved { path: self.path.clone() });
        }
        write_atomic(&self.path, &new.to_bytes())
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, TlogError> {
        read_limited(&self.path, "head cell bytes", MAX_NOTE_BYTES as u64)
    }
}
