//! The one place where time comes in, so that tests can step it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a node takes the time from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Seconds since 1970, UTC; 0 when the system's clock is before that.
    fn unix_seconds(&self) -> u64;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// A clock that stands where it is put: for tests and rehearsals in compressed time.
#[derive(Debug, Default)]
pub struct SetClock(AtomicU64);

impl SetClock {
    /// A clock at this time (Unix seconds).
    #[must_use]
    pub const fn at(unix_seconds: u64) -> Self {
        Self(AtomicU64::new(unix_seconds))
    }

    /// Puts the clock to this time, also backwards.
    pub fn set(&self, unix_seconds: u64) {
        self.0.store(unix_seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A clock read from a file that holds Unix seconds in decimal: for rehearsals, where several processes share a compressed time. While the
/// file cannot be read, the last time that was read stands.
#[derive(Debug)]
pub struct FileClock {
    path: std::path::PathBuf,
    last: AtomicU64,
}

impl FileClock {
    /// A clock that follows this file.
    #[must_use]
    pub fn new(path: &std::path::Path) -> Self {
        Self { path: path.to_owned(), last: AtomicU64::new(0) }
    }
}

impl Clock for FileClock {
    fn unix_seconds(&self) -> u64 {
        let read = std::fs::read_to_string(&self.path).ok().and_then(|text| text.trim().parse().ok());
        if let Some(time) = read {
            self.last.store(time, Ordering::SeqCst);
        }
        self.last.load(Ordering::SeqCst)
    }
}
