//! `standstill meter`.

use super::show::ledger_text;
use crate::args::{MeterCommand, MeterRunArgs};
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use crate::table_columns;
use standstill_ledger::{ChipTable, WindowSpec};
use standstill_meter::adapter::civil_time::UtcOffset;
use standstill_meter::adapter::requests::{Tokens, declared_operations};
use standstill_meter::adapter::sacct::{Accounting, Placement};
use standstill_meter::source::{self, Metered, ProgressHook, SourceKind, SourceOptions};
use standstill_meter::{FinishOptions, Grid, JobMap, UpperRule, engine};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn run(command: MeterCommand) -> CliResult {
    match command {
        MeterCommand::Run(args) => meter(&args),
        MeterCommand::Merge { partials, out } => merge(&partials, &out),
        MeterCommand::Finish(args) => finish_file(&args),
        MeterCommand::Query(args) => super::query::run(&args),
        MeterCommand::Sources { json } => sources(json),
    }
}

fn meter(args: &MeterRunArgs) -> CliResult {
    let kind = kind(&args.source)?;
    let fleet = super::fleet::read(&args.fleet)?;
    let spec = spec(args.window, args.start, args.window_seconds, args.slot_seconds)?;
    let grid = Grid { origin_ms: spec.start_ms, slot_ms: spec.slot_ms };
    let placement = match &args.placement {
        Some(path) => {
            Placement::parse_csv(&folder::read_text(path)?).map_err(|fault| CliError::about(path.display(), fault))?
        }
        None => Placement::of_keys(fleet.devices().iter().map(|device| device.key.as_str())),
    };
    let (declared, assignments) = jobs(args.jobs.as_deref(), &placement, spec.end_ms(), grid)?;
    let progress = Arc::new(Progress::start("Metering", 0, "rows"));
    let shown = Arc::clone(&progress);
    let mut options = SourceOptions {
        progress: Some(ProgressHook(Arc::new(move |rows| shown.at(rows)))),
        period_ms: args.period_seconds.saturating_mul(1000),
        placement,
        job: args.job.clone(),
        run: args.select.clone(),
        range_ms: Some((spec.start_ms, spec.end_ms())),
        assignments,
        address: args.address.clone().unwrap_or_default(),
        trace_start_ms: i64::try_from(args.trace_start.saturating_mul(1000)).map_err(CliError::usage)?,
        checkpoint: Some(engine::checkpoint_path(&args.out)),
        utc_offset: utc_offset(args.utc_offset.as_deref())?,
        at_ms: args.at,
        delimiter: args.delimiter,
        ..SourceOptions::new(grid)
    };
    table_columns::apply(&args.table, kind, &mut options)?;
    let metered = source::open(kind, &args.input, &options).map_err(CliError::unreadable)?;
    for remark in &metered.notes.remarks {
        eprintln!("note: {remark}");
    }
    if !metered.tokens.is_empty() {
        return token_table(args, &metered);
    }
    if let Some(path) = &args.partials {
        let bytes = metered.partials.encode();
        folder::write(path, &bytes)?;
    }
    let mut jobs = metered.jobs;
    for (job, facts) in declared.jobs {
        jobs.insert(job, facts);
    }
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    let finish = FinishOptions { upper: upper(&args.upper)? };
    let ledger = metered.partials.finish(&fleet, &table, &spec, &jobs, finish).map_err(CliError::unreadable)?;
    drop((options, progress));
    folder::write(&args.out, &ledger.encode().map_err(CliError::unreadable)?)?;
    print!("{}", ledger_text(&ledger, args.json));
    eprintln!("{} rows metered into {}.", metered.partials.tally().rows, args.out.display());
    // The run is complete: what it would have resumed from is of no use any more.
    _ = std::fs::remove_file(engine::checkpoint_path(&args.out));
    Ok(Exit::Ok)
}

fn merge(paths: &[PathBuf], out: &Path) -> CliResult {
    let Some(joined) = engine::merge_files(paths).map_err(CliError::unreadable)? else {
        return Err(CliError::usage("no partial files were given"));
    };
    let bytes = joined.encode();
    folder::write(out, &bytes)?;
    println!(
        "Joined {} files into {} (sha256 {}).",
        paths.len(),
        out.display(),
        standstill_statement::Hash32::of(&bytes)
    );
    Ok(Exit::Ok)
}

fn finish_file(args: &crate::args::MeterFinishArgs) -> CliResult {
    let partials = engine::read_partials(&args.partials).map_err(CliError::unreadable)?;
    let fleet = super::fleet::read(&args.fleet)?;
    let spec = spec(args.window, args.start, args.window_seconds, args.slot_seconds)?;
    let placement = Placement::of_keys(fleet.devices().iter().map(|device| device.key.as_str()));
    let (jobs, _) = jobs(args.jobs.as_deref(), &placement, spec.end_ms(), partials.grid())?;
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    let ledger = partials.finish(&fleet, &table, &spec, &jobs, FinishOptions { upper: upper(&args.upper)? });
    let ledger = ledger.map_err(CliError::unreadable)?;
    folder::write(&args.out, &ledger.encode().map_err(CliError::unreadable)?)?;
    print!("{}", ledger_text(&ledger, args.json));
    Ok(Exit::Ok)
}

fn sources(json: bool) -> CliResult {
    let grid = Grid { origin_ms: 0, slot_ms: 3_600_000 };
    let options = SourceOptions::new(grid);
    let rows: Vec<_> = SourceKind::ALL.into_iter().map(|kind| (kind, options.contract_of(kind))).collect();
    if json {
        let list: Vec<_> = rows
            .iter()
            .map(|(kind, contract)| {
                serde_json::json!({
                    "source": kind.name(), "format": kind.format(), "contract": contract.name, "period_ms": contract.period_ms, "max_gap_ms": contract.max_gap_ms
                })
            })
            .collect();
        println!("{:#}", serde_json::Value::from(list));
        return Ok(Exit::Ok);
    }
    println!("{:24} {:36} {:14} {:>10} {:>12}", "source", "bytes", "contract", "period s", "longest gap s");
    for (kind, contract) in rows {
        println!(
            "{:24} {:36} {:14} {:>10} {:>12}",
            kind.name(),
            kind.format(),
            contract.name,
            contract.period_ms / 1000,
            contract.max_gap_ms / 1000
        );
    }
    println!("Units, counters and gauges, and the exact export command of each: docs/sources/");
    Ok(Exit::Ok)
}

/// The source kind of a word on the command line.
pub(super) fn kind(word: &str) -> CliResult<SourceKind> {
    SourceKind::from_name(word).ok_or_else(|| {
        let words: Vec<&str> = SourceKind::ALL.into_iter().map(SourceKind::name).collect();
        CliError::usage(format!("--source {word}: write one of {}", words.join(", ")))
    })
}

fn utc_offset(text: Option<&str>) -> CliResult<UtcOffset> {
    let Some(text) = text else { return Ok(UtcOffset::UTC) };
    UtcOffset::parse(text).ok_or_else(|| CliError::usage(format!("--utc-offset {text}: write UTC, +02:00 or -0530")))
}

/// Request traces name no device: what they support is a comparison of tokens with metered operations, not a ledger.
fn token_table(args: &MeterRunArgs, metered: &Metered) -> CliResult {
    let mut total = Tokens::default();
    for tokens in metered.tokens.values() {
        total.requests += tokens.requests;
        total.input += tokens.input;
        total.repeated += tokens.repeated;
        total.output += tokens.output;
    }
    let operations = args.active_parameters.map(|parameters| declared_operations(&total, parameters));
    if args.json {
        let operations = operations.map(|interval| {
            serde_json::json!({ "lower": interval.lower_ops.to_string(), "best": interval.best_ops.to_string(), "upper": interval.upper_ops.to_string() })
        });
        let value = serde_json::json!({
            "requests": total.requests, "input_tokens": total.input.to_string(), "repeated_tokens": total.repeated.to_string(),
            "output_tokens": total.output.to_string(), "operations": operations,
        });
        println!("{value:#}");
    } else {
        println!(
            "{} requests, {} tokens read ({} of them seen before), {} tokens written.",
            total.requests, total.input, total.repeated, total.output
        );
        match operations {
            Some(interval) => println!(
                "At 2 operations per active parameter and token the serving needed {:.3e} operations (best estimate; {:.3e} to {:.3e}).",
                interval.best_ops as f64, interval.lower_ops as f64, interval.upper_ops as f64
            ),
            None => println!("Give --active-parameters to turn tokens into operations."),
        }
        println!(
            "No device is named, so this is no ledger: compare it with metered inference. What is metered beyond it is not explained by serving."
        );
    }
    Ok(Exit::Ok)
}

fn upper(word: &str) -> CliResult<UpperRule> {
    match word {
        "chip-time" => Ok(UpperRule::ChipTime),
        "active-time" => Ok(UpperRule::ActiveTime),
        other => Err(CliError::usage(format!("--upper {other}: write chip-time or active-time"))),
    }
}

fn spec(index: u64, start: u64, window_seconds: u64, slot_seconds: u64) -> CliResult<WindowSpec> {
    let refuse = || CliError::usage("--start, --window-seconds or --slot-seconds is out of range");
    let milliseconds = |seconds: u64| seconds.checked_mul(1000).ok_or_else(refuse);
    let spec = WindowSpec {
        index,
        start_ms: i64::try_from(milliseconds(start)?).map_err(|_| refuse())?,
        length_ms: milliseconds(window_seconds)?,
        slot_ms: milliseconds(slot_seconds)?,
    };
    spec.check().map_err(CliError::usage)?;
    Ok(spec)
}

/// Jobs from a Slurm export or a TOML map, and which devices they held, when the export says so.
fn jobs(
    path: Option<&Path>,
    placement: &Placement,
    end_ms: i64,
    grid: Grid,
) -> CliResult<(JobMap, standstill_meter::Assignments)> {
    let Some(path) = path else { return Ok((JobMap::new(), standstill_meter::Assignments::new())) };
    if path.extension().is_some_and(|extension| extension == "toml") {
        let map =
            JobMap::from_toml(&folder::read_text(path)?, &path.display().to_string()).map_err(CliError::unreadable)?;
        return Ok((map, standstill_meter::Assignments::new()));
    }
    let in_file = |fault: standstill_meter::adapter::fault::Fault| CliError::about(path.display(), fault);
    let accounting = accounting(path, grid)?;
    let assignments = standstill_meter::adapter::sacct::assign(&accounting, placement, end_ms).unwrap_or_default();
    Ok((accounting.job_map().map_err(in_file)?, assignments))
}

/// A Slurm accounting export, its format told from the file's name.
pub(super) fn accounting(path: &Path, grid: Grid) -> CliResult<Accounting> {
    let kind = match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "json" => SourceKind::SacctJson,
        "csv" => SourceKind::SacctCsv,
        _ => SourceKind::SacctParsable,
    };
    source::accounting(kind, &[path.to_owned()], &SourceOptions::new(grid)).map_err(CliError::unreadable)
}
