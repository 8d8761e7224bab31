//! Work on several threads, each with its own tools.

use crate::changes::ChangesError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does so many units of work; gives the results in their order, or the first error that was seen.
pub(super) fn work<Tools, T: Send>(
    threads: usize,
    units: usize,
    tools: impl Fn() -> Tools + Sync,
    task: impl Fn(&mut Tools, usize) -> Result<T, ChangesError> + Sync,
) -> Result<Vec<T>, ChangesError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let all: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(units));
    let failed: Mutex<Option<ChangesError>> = Mutex::new(None);
    let run = || {
        let mut own = None;
        while !stop.load(Ordering::Relaxed) {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                break;
            }
            match task(own.get_or_insert_with(&tools), unit) {
                Ok(done) => all.lock().unwrap_or_else(PoisonError::into_inner).push((unit, done)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    if threads <= 1 || units <= 1 {
        run();
    } else {
        std::thread::scope(|scope| (0..threads.min(units)).for_each(|_| drop(scope.spawn(run))));
    }
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => {
            let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
            all.sort_by_key(|(unit, _)| *unit);
            Ok(all.into_iter().map(|(_, done)| done).collect())
        }
    }
}
