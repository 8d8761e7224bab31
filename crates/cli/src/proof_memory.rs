//! Remembers checked proofs on disk, by content hash, so that a new day costs a day.

use crate::folder;
use standstill_statement::Hash32;
use standstill_verify::ProofMemory;
use std::path::{Path, PathBuf};

/// Longest remembered value, bytes.
const MAX_BYTES: u64 = 16 << 20;

/// A folder of remembered results, one file each. Whoever can write there can make this program believe that a proof was checked, so the
/// folder belongs to the user alone.
#[derive(Debug)]
pub(crate) struct FolderMemory {
    folder: PathBuf,
}

impl FolderMemory {
    /// Uses a folder, made on the first write.
    #[must_use]
    pub(crate) fn new(folder: &Path) -> Self {
        // The version is part of the place: another version of the checks must not believe this one's results.
        Self { folder: folder.join(concat!("proofs-", env!("CARGO_PKG_VERSION"))) }
    }

    /// The user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`), or `None` when there is no home.
    #[must_use]
    pub(crate) fn user() -> Option<Self> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
        Some(Self::new(&cache.join("standstill")))
    }

    fn path(&self, key: &Hash32) -> PathBuf {
        let name = key.to_string();
        self.folder.join(&name[..2]).join(&name)
    }
}

impl ProofMemory for FolderMemory {
    fn recall(&self, key: &Hash32) -> Option<Vec<u8>> {
        let bytes = folder::read(&self.path(key), MAX_BYTES).ok()?;
        // First 32 bytes: hash of key and value, so that a torn or damaged file is checked again instead of believed.
        let (check, value) = bytes.split_at_checked(32)?;
        (check == guard(key, value).as_bytes()).then(|| value.to_vec())
    }

    fn remember(&self, key: &Hash32, value: &[u8]) {
        let bytes = [guard(key, value).as_bytes().as_slice(), value].concat();
        // Failing to remember only costs time later.
        _ = folder::write(&self.path(key), &bytes);
    }
}

fn guard(key: &Hash32, value: &[u8]) -> Hash32 {
    Hash32::of(&[b"standstill/1/proof-memory\0".as_slice(), key.as_bytes(), value].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_and_refuses_damage() {
        let dir = tempfile::tempdir().unwrap();
        let memory = FolderMemory::new(dir.path());
        let key = Hash32::of(b"key");
        assert!(memory.recall(&key).is_none());
        memory.remember(&key, b"value");
        assert_eq!(memory.recall(&key).as_deref(), Some(b"value".as_slice()));
        std::fs::write(memory.path(&key), b"short").unwrap();
        assert!(memory.recall(&key).is_none());
    }
}
