//! Processor time of this process's threads, by name, from the kernel.

use crate::error::NodeError;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Processor time used until now by the calling thread.
pub(super) fn of_this_thread() -> Duration {
    on_processor(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

/// schedstat: nanoseconds on a processor, nanoseconds waiting for one, time slices (kernel documentation, sched-stats).
fn on_processor(schedstat: &str) -> Duration {
    Duration::from_nanos(schedstat.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Processor time used until now by all living threads whose name starts with `prefix`.
pub(super) fn of_threads(prefix: &str) -> Result<Duration, NodeError> {
    sum(Path::new("/proc/self/task"), |name| name.starts_with(prefix))
}

/// Processor time used until now by all living threads of a process.
pub(super) fn of_process(process: u32) -> Result<Duration, NodeError> {
    sum(&Path::new("/proc").join(process.to_string()).join("task"), |_| true)
}

fn sum(tasks: &Path, counts: impl Fn(&str) -> bool) -> Result<Duration, NodeError> {
    let mut total = Duration::ZERO;
    let threads = fs::read_dir(tasks).map_err(NodeError::io("list", tasks.display()))?;
    for thread in threads.flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        if counts(&read("comm")) {
            total += on_processor(&read("schedstat"));
        }
    }
    Ok(total)
}
