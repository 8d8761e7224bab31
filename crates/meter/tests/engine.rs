//! Files, threads, interruption: the result has the same bits however a run went.
#![allow(clippy::unwrap_used)] // helpers outside #[test] functions

use standstill_meter::adapter::columns::Overrides;
use standstill_meter::adapter::csv::CsvInput;
use standstill_meter::adapter::parquet::ParquetInput;
use standstill_meter::bench::{START_MS, generate};
use standstill_meter::engine::{
    Input, Progress, Rules, RunOptions, checkpoint_path, merge_files, read_partials, run, run_to_file,
};
use standstill_meter::{Grid, MeterError, Partials, SourceContract};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn rules() -> Rules {
    Rules { contract: SourceContract::dcgm(10_000), grid: Grid { origin_ms: START_MS, slot_ms: 3_600_000 } }
}

fn files(folder: &Path, devices: u32, hours: u32) -> Vec<PathBuf> {
    generate(folder, devices, hours, &|_| ()).unwrap()
}

fn parquet(paths: &[PathBuf]) -> ParquetInput {
    ParquetInput::open(paths, Overrides::new()).unwrap()
}

fn metered(input: &dyn Input, threads: usize) -> Partials {
    run(input, &rules(), &RunOptions { threads, ..RunOptions::default() }).unwrap()
}

#[test]
fn threads_and_file_order_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = files(folder.path(), 40, 6);
    let one = metered(&parquet(&paths), 1);
    assert_eq!(one.tally().rows, 40 * 6 * 360);
    assert_eq!(metered(&parquet(&paths), 4).encode(), one.encode());
    paths.reverse();
    assert_eq!(metered(&parquet(&paths), 3).encode(), one.encode());
    // The same hour given twice: every row of it is refused and counted, none is billed twice.
    paths.push(paths[0].clone());
    let twice = metered(&parquet(&paths), 2);
    assert_eq!(twice.tally().refused, 40 * 360);
    assert_eq!(twice.rollup(|_| ()).unwrap(), one.rollup(|_| ()).unwrap());
}

#[test]
fn csv_and_parquet_of_the_same_readings_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let readings: Vec<(i64, u32, f32)> =
        (0..2_000).map(|at| (START_MS + at * 10_000, (at % 7) as u32, (at % 1_000) as f32 / 1_000.0)).collect();
    let path = folder.path().join("day.csv");
    let mut text = std::fs::File::create(&path).unwrap();
    writeln!(text, "timestamp,UUID,hpc_job,DCGM_FI_PROF_PIPE_TENSOR_ACTIVE,DCGM_FI_DEV_POWER_USAGE").unwrap();
    for device in ["GPU-a", "GPU-b"] {
        for (time, job, value) in &readings {
            writeln!(text, "{time},{device},{job},{value},{}", value * 700.0).unwrap();
        }
    }
    drop(text);
    let csv = metered(&CsvInput::open(std::slice::from_ref(&path), Overrides::new()).unwrap(), 2);
    assert_eq!(csv.tally().rows, 4_000);
    let script = "import sys,duckdb;duckdb.sql(f\"COPY (SELECT timestamp, UUID, hpc_job::VARCHAR AS hpc_job, \
        DCGM_FI_PROF_PIPE_TENSOR_ACTIVE::FLOAT AS DCGM_FI_PROF_PIPE_TENSOR_ACTIVE, DCGM_FI_DEV_POWER_USAGE \
        FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet)\")";
    let out = folder.path().join("day.parquet");
    match Command::new("python3").args(["-c", script]).arg(&path).arg(&out).status() {
        Ok(status) if status.success() => {
            // A file of another writer: plain text columns, doubles, other row groups.
            assert_eq!(metered(&parquet(&[out]), 2).encode(), csv.encode());
        }
        _ => eprintln!("skipped: python3 with the module 'duckdb' is not here (pip install duckdb)"),
    }
}

#[test]
fn csv_errors_name_place_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        CsvInput::open(&[path], Overrides::new()).and_then(|input| run(&input, &rules(), &RunOptions::default()))
    };
    let error = |text: &str| write(text).unwrap_err().to_string();
    assert!(error("uuid,timestamp,tensor_active\nGPU-a,1780272000000,45.5\n").contains("--activity-unit percent"));
    assert!(error("uuid,timestamp,power\nGPU-a,1780272000000,450000\n").contains("--power-unit milliwatt"));
    assert!(error("uuid,timestamp,tensor_active\nGPU-a,1780272000,0.5\n").contains("1780272000"));
    assert!(error("uuid,timestamp,tensor_active\nGPU-a,1780272000000\n").contains("byte"));
    assert!(error("uuid,tensor_active\n").contains("no column for time"));
    assert!(error("").contains("no header"));
    let blank = write("uuid,timestamp,tensor_active\nGPU-a,1780272000.000,0.5\nGPU-a,2026-06-01T00:00:10Z,\n").unwrap();
    assert_eq!((blank.tally().rows, blank.tally().blanks), (2, 1));
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let paths = files(folder.path(), 20, 8);
    let (input, output) = (parquet(&paths), folder.path().join("all.partials"));
    let reference = metered(&input, 1).encode();
    let stop = AtomicBool::new(false);
    let progress = |state: Progress| stop.store(state.done >= 3, Ordering::Relaxed);
    let options = RunOptions { threads: 1, progress: Some(&progress), stop: Some(&stop), ..RunOptions::default() };
    let error = run_to_file(&input, &rules(), &output, &options).unwrap_err();
    assert!(matches!(error, MeterError::Interrupted { done: 3, total: 8 }), "{error}");
    assert!(checkpoint_path(&output).exists() && !output.exists());
    // A checkpoint of other inputs is refused, not mixed in.
    let other = run_to_file(&parquet(&paths[..7]), &rules(), &output, &RunOptions::default());
    assert!(matches!(other, Err(MeterError::ForeignCheckpoint { .. })));
    run_to_file(&input, &rules(), &output, &RunOptions::default()).unwrap();
    assert_eq!(std::fs::read(&output).unwrap(), reference);
    assert!(!checkpoint_path(&output).exists());
}

/// Not a test of its own: the process that `a_killed_run_…` kills.
#[test]
fn child_meters_until_killed() {
    let (Ok(folder), Ok(output)) = (std::env::var("METER_CHILD_INPUT"), std::env::var("METER_CHILD_OUTPUT")) else {
        return;
    };
    let paths = files(Path::new(&folder), 20, 12);
    let slowly = |_: Progress| std::thread::sleep(Duration::from_millis(8));
    let options = RunOptions { threads: 2, progress: Some(&slowly), ..RunOptions::default() };
    run_to_file(&parquet(&paths), &rules(), Path::new(&output), &options).unwrap();
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let paths = files(folder.path(), 20, 12);
    let reference = metered(&parquet(&paths), 2).encode();
    let output = folder.path().join("killed.partials");
    let mut seed = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut kills = 0;
    loop {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child_meters_until_killed", "--exact", "--test-threads=1"]);
        command.env("METER_CHILD_INPUT", folder.path()).env("METER_CHILD_OUTPUT", &output);
        let mut child = command.spawn().unwrap();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        std::thread::sleep(Duration::from_millis(20 + seed % 120));
        if kills >= 12 || child.try_wait().unwrap().is_some() {
            assert!(child.wait().unwrap().success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    eprintln!("killed {kills} times");
    assert_eq!(std::fs::read(&output).unwrap(), reference);
    assert!(!checkpoint_path(&output).exists());
}

#[test]
fn shard_files_merge_to_the_bits_of_the_single_run() {
    let folder = tempfile::tempdir().unwrap();
    let paths = files(folder.path(), 16, 4);
    let whole = metered(&parquet(&paths), 2);
    let mut shards: Vec<PathBuf> = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let output = folder.path().join(format!("{index}.partials"));
        run_to_file(&parquet(std::slice::from_ref(path)), &rules(), &output, &RunOptions::default()).unwrap();
        shards.push(output);
    }
    shards.reverse();
    assert_eq!(merge_files(&shards).unwrap().unwrap().encode(), whole.encode());
    std::fs::write(&shards[0], b"standstill/1/partials\0 and nothing else").unwrap();
    assert!(matches!(read_partials(&shards[0]), Err(MeterError::Partial { .. })));
}

#[test]
fn duckdb_as_second_engine_finds_the_same_integers() {
    let folder = tempfile::tempdir().unwrap();
    let options = standstill_meter::bench::Options {
        folder: folder.path().to_owned(),
        devices: 60,
        hours: 3,
        threads: 2,
        repeats: 1,
    };
    let report = standstill_meter::bench::run(&options, &|_| ()).unwrap();
    match report.agrees_with_duckdb {
        None => eprintln!("skipped: {}", report.note.unwrap_or_default()),
        Some(agrees) => assert!(agrees, "the totals differ from DuckDB's"),
    }
}
