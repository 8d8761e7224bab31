//! `standstill bench`.

use crate::args::BenchCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::progress::Progress;
use std::path::Path;

pub(super) fn run(command: &BenchCommand) -> CliResult {
    match command {
        BenchCommand::Meter { devices, dir, json } => meter(*devices, dir, *json),
        BenchCommand::Seal { devices, group, json } => seal(*devices, *group, *json),
        BenchCommand::Verify { parties, days, groups, json } => verify(*parties, *days, *groups, *json),
    }
}

/// Machine and version, so that figures can be compared.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown CPU", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("standstill {}, {cores} cores, {model}, load {load}", env!("CARGO_PKG_VERSION"))
}

fn meter(devices: u32, dir: &Path, json: bool) -> CliResult {
    let progress = Progress::start("Preparing", 0, "");
    let options =
        standstill_meter::bench::Options { folder: dir.to_owned(), devices, hours: 24, threads: 0, repeats: 3 };
    let report = standstill_meter::bench::run(&options, &|text| progress.say(text)).map_err(CliError::unreadable)?;
    drop(progress);
    let rows = report.rows as f64;
    if json {
        let engines: Vec<_> = report
            .engines
            .iter()
            .map(|engine| {
                let (best, median) = engine.wall_seconds();
                serde_json::json!({
                    "engine": engine.name, "wall_seconds_best": best, "wall_seconds_median": median, "cpu_seconds_best": engine.cpu_seconds(),
                    "rows_per_second_best": rows / best, "peak_bytes": engine.peak_bytes(),
                })
            })
            .collect();
        let value = serde_json::json!({
            "machine": machine(), "rows": report.rows, "bytes": report.bytes, "groups": report.groups, "engines": engines,
            "meter_against_decode": report.speed_against("decode"), "meter_against_duckdb": report.speed_against("duckdb"),
            "totals_agree_with_duckdb": report.agrees_with_duckdb, "note": report.note,
        });
        println!("{value:#}");
        return Ok(Exit::Ok);
    }
    println!(
        "{}\n{} rows of 6 metrics in {} MB of Parquet, {} groups (job x hour x chip)\n",
        machine(),
        report.rows,
        report.bytes / 1_000_000,
        report.groups
    );
    println!(
        "{:10} {:>10} {:>10} {:>10} {:>12} {:>14} {:>9}",
        "engine", "best s", "median s", "CPU s", "M rows/s", "M rows/CPU-s", "peak MB"
    );
    for engine in &report.engines {
        let ((best, median), cpu) = (engine.wall_seconds(), engine.cpu_seconds());
        let peak = engine.peak_bytes() / 1_000_000;
        println!(
            "{:10} {best:>10.2} {median:>10.2} {cpu:>10.2} {:>12.1} {:>14.1} {peak:>9}",
            engine.name,
            rows / best / 1e6,
            rows / cpu / 1e6
        );
    }
    println!();
    for (peer, wanted) in [("decode", "0.80"), ("duckdb", "1.20")] {
        if let (Some(wall), Some(cpu)) = (report.speed_against(peer), report.cpu_speed_against(peer)) {
            println!("meter / {peer}: {wall:.2} by wall time, {cpu:.2} by CPU time (aim: at least {wanted})");
        }
    }
    match report.agrees_with_duckdb {
        Some(true) => println!("Every group's totals equal DuckDB's, exactly."),
        Some(false) => println!("TOTALS DIFFER FROM DUCKDB'S."),
        None => {}
    }
    if let Some(note) = &report.note {
        println!("{note}");
    }
    Ok(if report.agrees_with_duckdb == Some(false) { Exit::Bug } else { Exit::Ok })
}

fn seal(devices: u32, group: u32, json: bool) -> CliResult {
    let progress = Progress::start("Sealing", 0, "");
    let group = u16::try_from(group).map_err(|_| CliError::usage("--group: at most 128"))?;
    let cost = standstill_seal::bench::run(devices, group).map_err(CliError::usage)?;
    drop(progress);
    if json {
        let value = serde_json::json!({
            "machine": machine(), "devices": cost.devices, "groups": cost.groups, "lanes": cost.lanes, "range_proofs_cpu_ms": cost.range_proofs_cpu_ms,
            "seal_cpu_ms": cost.seal_cpu_ms, "verify_cpu_ms": cost.verify_cpu_ms, "fleet_seal_cpu_ms": cost.fleet_seal_cpu_ms,
            "fleet_verify_cpu_ms": cost.fleet_verify_cpu_ms, "report_bytes": cost.report_bytes, "fleet_bytes": cost.fleet_bytes,
        });
        println!("{value:#}");
    } else {
        println!("{}\n{cost}", machine());
    }
    Ok(Exit::Ok)
}

fn verify(parties: u32, days: u32, groups: u32, json: bool) -> CliResult {
    let progress = Progress::start("Building", 0, "");
    let parties = u8::try_from(parties).map_err(|_| CliError::usage("--parties: at most 255"))?;
    let plan = standstill_verify::bench::BenchPlan { parties, days: u64::from(days), groups };
    let result = standstill_verify::bench::run(&plan, &mut |text| progress.say(text)).map_err(CliError::bug)?;
    drop(progress);
    if json {
        let value = serde_json::json!({
            "machine": machine(), "reports": result.reports, "bundle_bytes": result.bundle_bytes, "build_ms": result.build_milliseconds,
            "cold_ms": result.cold_milliseconds, "warm_ms": result.warm_milliseconds, "new_day_ms": result.new_day_milliseconds,
            "page_ms": result.page_milliseconds, "page_bytes": result.page_bytes, "peak_rss_kib": result.peak_rss_kib,
        });
        println!("{value:#}");
        return Ok(Exit::Ok);
    }
    println!(
        "{}\n{} reports of {parties} parties over {days} days, {groups} groups each, {} MB of bundle\n",
        machine(),
        result.reports,
        result.bundle_bytes / 1_000_000
    );
    println!("first verification (every proof)          {:>9} ms", result.cold_milliseconds);
    println!("again (proofs remembered): verdict logic  {:>9} ms   (aim: at most 2,000)", result.warm_milliseconds);
    println!("one more day for every party              {:>9} ms", result.new_day_milliseconds);
    println!(
        "report page                               {:>9} ms   {} bytes",
        result.page_milliseconds, result.page_bytes
    );
    println!("peak memory                               {:>9} MB", result.peak_rss_kib / 1000);
    Ok(Exit::Ok)
}
