//! What a piece of work costs this process, from `/proc` (zeros where there is none).

use std::fs;
use std::time::Instant;

/// Cost of one repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Wall time, seconds.
    pub wall_seconds: f64,
    /// CPU time of all threads, seconds (resolution 0.01 s).
    pub cpu_seconds: f64,
    /// Peak resident size, bytes.
    pub peak_bytes: u64,
}

/// Runs `work` and measures it.
pub(super) fn measure<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    // Resets the peak (proc(5)); where it is not allowed the peak is that of the whole process so far.
    drop(fs::write("/proc/self/clear_refs", "5"));
    let (start, before) = (Instant::now(), cpu_seconds());
    let out = work();
    let cost = Cost {
        wall_seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - before,
        peak_bytes: peak_bytes(),
    };
    (out, cost)
}

/// User and system time so far. Linux counts them in ticks of 1/100 s for user programs.
#[allow(clippy::cast_precision_loss)]
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses and may hold spaces.
    let fields = text.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
}

fn peak_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1_024
}
