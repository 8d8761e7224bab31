//! Processor time of this process's threads, by name, from the kernel.

use crate::error::NodeError;
use std::fs;
use std::time::Duration;

/// Processor time used until now by all living threads whose name starts with `prefix`.
pub(super) fn of_threads(prefix: &str) -> Result<Duration, NodeError> {
    let mut total = Duration::ZERO;
    let threads = fs::read_dir("/proc/self/task").map_err(NodeError::io("list", "/proc/self/task"))?;
    for thread in threads.flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        if read("comm").starts_with(prefix) {
            // schedstat: nanoseconds on a processor, nanoseconds waiting for one, time slices (kernel documentation, sched-stats).
            let nanoseconds = read("schedstat").split_whitespace().next().and_then(|text| text.parse().ok());
            total += Duration::from_nanos(nanoseconds.unwrap_or(0));
        }
    }
    Ok(total)
}
