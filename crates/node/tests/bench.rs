//! The bench runs and its figures are plausible; `STANDSTILL_BENCH=1` (with `--release`) runs it in full and prints the table.
#![allow(clippy::unwrap_used, reason = "test code")]

use standstill_node::log::bench::{BenchOptions, run};

#[test]
fn the_bench_runs_and_prints_a_table() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let full = std::env::var_os("STANDSTILL_BENCH").is_some();
    let small = BenchOptions {
        statements: 2000,
        connections: 64,
        reads: 2000,
        readers: 16,
        checkpoints: 100,
        threads: 2,
        peer: None,
    };
    let report = run(directory.path(), &if full { BenchOptions::default() } else { small }).unwrap();
    println!("{report}");
    // The part beside the check is a difference of two measurements, and zero when the machine was busy during the second.
    assert!(report.rows.iter().all(|row| row.value > 0.0 || row.what.starts_with("of it")), "{report}");
}
