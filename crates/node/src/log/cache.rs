//! Tiles that are asked for often, in memory. They never change, so nothing is ever stale.

use axum::body::Bytes;
use standstill_tlog::tile::TileId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Two generations: when the young one is full it becomes the old one, and what was not asked for in a whole generation is forgotten.
#[derive(Debug)]
pub(super) struct TileCache {
    limit_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<TileId, Bytes>,
    young_bytes: usize,
    old: HashMap<TileId, Bytes>,
}

impl TileCache {
    /// A cache of at most this many bytes.
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, generations: Mutex::default() }
    }

    pub(super) fn get(&self, id: TileId) -> Option<Bytes> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = generations.young.get(&id) {
            return Some(found.clone());
        }
        let found = generations.old.remove(&id)?;
        generations.keep(id, &found, self.limit_bytes);
        Some(found)
    }

    pub(super) fn put(&self, id: TileId, bytes: &Bytes) {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).keep(id, bytes, self.limit_bytes);
    }
}

impl Generations {
    fn keep(&mut self, id: TileId, bytes: &Bytes, limit_bytes: usize) {
        if self.young_bytes + bytes.len() > limit_bytes / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if bytes.len() <= limit_bytes / 2 && self.young.insert(id, bytes.clone()).is_none() {
            self.young_bytes += bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use standstill_tlog::tile::Kind;

    #[test]
    fn what_is_asked_for_stays_and_the_limit_holds() {
        let cache = TileCache::new(100);
        let id = |index| TileId { kind: Kind::Hashes(0), index, width: 256 };
        let bytes = |index: u64| Bytes::from(vec![u8::try_from(index).unwrap(); 10]);
        for index in 0..50 {
            cache.put(id(index), &bytes(index));
            assert_eq!(cache.get(id(0)), Some(bytes(0)), "after {index}");
            let generations = cache.generations.lock().unwrap();
            assert!((generations.young.len() + generations.old.len()) * 10 <= 100);
        }
        assert_eq!(cache.get(id(10)), None);
        cache.put(id(99), &Bytes::from(vec![0; 1000]));
        assert_eq!(cache.get(id(99)), None);
    }
}
