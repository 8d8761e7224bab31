//! Remembering which proofs were already checked, so that a new day costs a day.
//!
//! The key is a hash over everything that the result depends on (`docs/formats/bundle.md`, "Remembered proofs"), so an entry never
//! goes stale. What is remembered is trusted as much as the program itself: keep it where only you can write.

use standstill_statement::Hash32;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A store of proof results by content hash. Implementations must be safe to call from many threads.
pub trait ProofMemory: Sync {
    /// The value remembered under `key`, or `None`. An implementation that fails to read answers `None`: the proof is checked again.
    fn recall(&self, key: &Hash32) -> Option<Vec<u8>>;
    /// Remembers `value`. Failing to do so only costs time later, so there is no error.
    fn remember(&self, key: &Hash32, value: &[u8]);
}

/// Remembers nothing: every proof is checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl ProofMemory for Forgetful {
    fn recall(&self, _key: &Hash32) -> Option<Vec<u8>> {
        None
    }
    fn remember(&self, _key: &Hash32, _value: &[u8]) {}
}

/// Remembers for the life of the process.
#[derive(Debug, Default)]
pub struct InMemory {
    results: Mutex<BTreeMap<Hash32, Vec<u8>>>,
}

impl InMemory {
    /// Number of remembered results.
    #[must_use]
    pub fn len(&self) -> usize {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True when nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ProofMemory for InMemory {
    fn recall(&self, key: &Hash32) -> Option<Vec<u8>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
    fn remember(&self, key: &Hash32, value: &[u8]) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, value.to_vec());
    }
}
