//! Speed of the scanner on one core, in megabytes (10⁶ bytes) per second, on files that are already in memory.
//!
//! `cargo bench -p standstill-signals --bench scan`; `STANDSTILL_SCAN_CORPUS=FOLDER` names the files, by default this workspace's crates and book.
//! Each file is scanned as it stands, and once more as a change in which a line was added.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and stops where something is wrong")]

use standstill_signals::scan::walk::{WalkOptions, read_folder};
use standstill_signals::scan::{FileChange, Scanner, Severity};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Most bytes that are taken into memory.
const MAX_BYTES: u64 = 4 << 30;
/// Passes; the fastest counts, because other programs only make a pass slower.
const PASSES: usize = 5;

fn corpus() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("STANDSTILL_SCAN_CORPUS") {
        return vec![folder.into()];
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    vec![root.join("crates"), root.join("docs")]
}

/// Time that this thread has run on a core (Linux), so that a busy machine does not count; elsewhere wall time.
fn now(start: Instant) -> Duration {
    let running = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = running.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn fastest(mut pass: impl FnMut() -> usize) -> (Duration, usize) {
    let start = Instant::now();
    let timed = (0..PASSES).map(|_| {
        let before = now(start);
        let found = pass();
        (now(start) - before, found)
    });
    timed.min().unwrap()
}

fn main() {
    let options = WalkOptions { threads: 1, all: true };
    let mut files = Vec::new();
    for folder in corpus() {
        files.extend(read_folder(&folder, options, MAX_BYTES).unwrap().0);
    }
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let scanner = Scanner::builtin().unwrap();
    let report = |what: &str, bytes: usize, (time, found): (Duration, usize)| {
        let megabytes = bytes as f64 / 1e6;
        println!(
            "{what}: {} files, {megabytes:.1} MB in {:.3} s: {:.0} MB/s on one core, {found} findings",
            files.len(),
            time.as_secs_f64(),
            megabytes / time.as_secs_f64()
        );
    };
    let whole = fastest(|| files.iter().map(|(path, bytes)| scanner.scan_file(path, bytes).len()).sum());
    report("as they stand", bytes, whole);
    let blocking = files
        .iter()
        .flat_map(|(path, bytes)| scanner.scan_file(path, bytes))
        .filter(|finding| finding.severity == Severity::Block)
        .count();
    println!("findings that block: {blocking}");
    let changed: Vec<Vec<u8>> = files.iter().map(|(_, bytes)| [bytes.as_slice(), b"\nend\n"].concat()).collect();
    let change = fastest(|| {
        files
            .iter()
            .zip(&changed)
            .map(|((path, old), new)| {
                scanner.scan_change(&[FileChange { path, old: Some(old), new: Some(new) }], 0).len()
            })
            .sum()
    });
    report("as changes (new bytes counted)", bytes, change);
}
