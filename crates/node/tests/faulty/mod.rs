//! A store that fails or waits when told to.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use standstill_node::store::{Later, Recovered, Store, StoreError, StoredHead};
use standstill_statement::Hash32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Store>,
    pub fail_stage: AtomicBool,
    pub fail_tiles: AtomicBool,
    pub fail_head: AtomicBool,
    pub slow_stage_milliseconds: AtomicU64,
}

impl Faulty {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            fail_stage: AtomicBool::new(false),
            fail_tiles: AtomicBool::new(false),
            fail_head: AtomicBool::new(false),
            slow_stage_milliseconds: AtomicU64::new(0),
        }
    }
}

fn check(fail: &AtomicBool) -> Result<(), StoreError> {
    if fail.load(Ordering::SeqCst) {
        let (place, problem) = ("the test's disk".to_owned(), "no space left".to_owned());
        return Err(StoreError::Unchanged { action: "write", place, problem });
    }
    Ok(())
}

impl Store for Faulty {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn recover(&self) -> Later<'_, Recovered> {
        self.inner.recover()
    }

    fn stage<'a>(&'a self, first: u64, entries: &'a [Vec<u8>]) -> Later<'a, ()> {
        Box::pin(async move {
            check(&self.fail_stage)?;
            tokio::time::sleep(Duration::from_millis(self.slow_stage_milliseconds.load(Ordering::SeqCst))).await;
            self.inner.stage(first, entries).await
        })
    }

    fn swap_head<'a>(&'a self, expected: Option<&'a StoredHead>, next: &'a StoredHead) -> Later<'a, ()> {
        Box::pin(async move {
            check(&self.fail_head)?;
            self.inner.swap_head(expected, next).await
        })
    }

    fn write_tiles(&self, tiles: Vec<(String, Vec<u8>)>) -> Later<'_, ()> {
        Box::pin(async move {
            check(&self.fail_tiles)?;
            self.inner.write_tiles(tiles).await
        })
    }

    fn trim(&self, size: u64) -> Later<'_, ()> {
        self.inner.trim(size)
    }

    fn publish<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Later<'a, ()> {
        self.inner.publish(name, bytes)
    }

    fn read<'a>(&'a self, name: &'a str) -> Later<'a, Option<Vec<u8>>> {
        self.inner.read(name)
    }

    fn blob_length(&self, sha256: Hash32) -> Later<'_, Option<u64>> {
        self.inner.blob_length(sha256)
    }

    fn put_blob<'a>(&'a self, sha256: Hash32, upload: &'a Path) -> Later<'a, ()> {
        self.inner.put_blob(sha256, upload)
    }

    fn read_blob(&self, sha256: Hash32, offset: u64, length: u64) -> Later<'_, Vec<u8>> {
        self.inner.read_blob(sha256, offset, length)
    }
}
