//! The side-by-side measurement behind `standstill bench meter`: pure Parquet decode, this meter and DuckDB on the same files, interleaved
//! in one run, with the totals compared exactly.

mod duckdb;
mod generate;
mod process;

use crate::adapter::columns::Overrides;
use crate::adapter::parquet::ParquetInput;
use crate::engine::{Input, Rules, RunOptions, run as meter_run};
use crate::seam::Rollup;
use crate::{Grid, MeterError, SourceContract};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use generate::{START_MS, device_key, generate, model_of};
pub use process::Cost;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for the generated files; files of the right size that are there are used again.
    pub folder: PathBuf,
    /// Devices, 10,000 for the full size.
    pub devices: u32,
    /// Hours, one file each; 24 for a day.
    pub hours: u32,
    /// Threads per engine; 0 for one per core.
    pub threads: usize,
    /// Repetitions of each engine.
    pub repeats: usize,
}

/// One engine's figures.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Name.
    pub name: &'static str,
    /// One cost per repetition.
    pub costs: Vec<Cost>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// Rows metered.
    pub rows: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Groups (job × hour × chip).
    pub groups: usize,
    /// Decode, meter, and DuckDB when it is there.
    pub engines: Vec<Engine>,
    /// Totals of the meter.
    pub totals: Rollup,
    /// `Some(true)` when every group of DuckDB's exact integer rollup equals ours; `None` without DuckDB.
    pub agrees_with_duckdb: Option<bool>,
    /// Why DuckDB is absent and how to get it.
    pub note: Option<String>,
}

impl Engine {
    /// Smallest and median wall time, seconds.
    #[must_use]
    pub fn wall_seconds(&self) -> (f64, f64) {
        let mut walls: Vec<f64> = self.costs.iter().map(|cost| cost.wall_seconds).collect();
        walls.sort_by(f64::total_cmp);
        (walls.first().copied().unwrap_or(f64::NAN), walls.get(walls.len() / 2).copied().unwrap_or(f64::NAN))
    }

    /// Smallest CPU time, seconds.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.costs.iter().map(|cost| cost.cpu_seconds).fold(f64::INFINITY, f64::min)
    }

    /// Largest resident size of any repetition, bytes.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.costs.iter().map(|cost| cost.peak_bytes).max().unwrap_or(0)
    }
}

impl Report {
    /// An engine by name.
    #[must_use]
    pub fn engine(&self, name: &str) -> Option<&Engine> {
        self.engines.iter().find(|engine| engine.name == name)
    }

    /// Best wall time of `other` over the meter's: above 1 when the meter is faster.
    #[must_use]
    pub fn speed_against(&self, other: &str) -> Option<f64> {
        Some(self.engine(other)?.wall_seconds().0 / self.engine("meter")?.wall_seconds().0)
    }

    /// The same with CPU time, which a busy machine disturbs less.
    #[must_use]
    pub fn cpu_speed_against(&self, other: &str) -> Option<f64> {
        Some(self.engine(other)?.cpu_seconds() / self.engine("meter")?.cpu_seconds())
    }
}

/// Generates the files if needed and measures.
///
/// # Errors
/// [`MeterError`] of generating, decoding or metering; a failing DuckDB is a note, not an error.
pub fn run(options: &Options, progress: &(dyn Fn(&str) + Sync)) -> Result<Report, MeterError> {
    let paths = generate(&options.folder, options.devices, options.hours, progress)?;
    let bytes = paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum();
    let threads =
        if options.threads > 0 { options.threads } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let input = ParquetInput::open(&paths, Overrides::new())?;
    let rules =
        Rules { contract: SourceContract::dcgm(10_000), grid: Grid { origin_ms: START_MS, slot_ms: 3_600_000 } };
    let mut decode = Engine { name: "decode", costs: Vec::new() };
    let mut meter = Engine { name: "meter", costs: Vec::new() };
    let mut duck = Engine { name: "duckdb", costs: Vec::new() };
    let (mut rows, mut groups, mut totals, mut note) = (0, 0, Rollup::default(), duckdb::absent());
    for repeat in 0..options.repeats.max(1) {
        progress(&format!("repetition {} of {}", repeat + 1, options.repeats.max(1)));
        let (outcome, cost) = process::measure(|| decode_all(&input, threads));
        rows = outcome?;
        decode.costs.push(cost);
        let (outcome, cost) = process::measure(|| meter_all(&input, &rules, threads));
        (groups, totals) = outcome?;
        meter.costs.push(cost);
        if note.is_none() {
            match duckdb::time(&options.folder, threads) {
                Ok(cost) => duck.costs.push(cost),
                Err(what) => note = Some(what),
            }
        }
    }
    let agrees = if note.is_none() { Some(agrees(&input, &rules, options, threads)?) } else { None };
    let engines = [decode, meter, duck].into_iter().filter(|engine| !engine.costs.is_empty()).collect();
    Ok(Report { rows, bytes, groups, engines, totals, agrees_with_duckdb: agrees, note })
}

fn meter_all(input: &ParquetInput, rules: &Rules, threads: usize) -> Result<(usize, Rollup), MeterError> {
    let partials = meter_run(input, rules, &RunOptions { threads, ..RunOptions::default() })?;
    let groups = partials.rollup(model_of)?;
    Ok((groups.len(), groups.into_values().fold(Rollup::default(), Rollup::plus)))
}

/// Decodes all pieces on as many threads as the meter uses.
fn decode_all(input: &ParquetInput, threads: usize) -> Result<u64, MeterError> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut rows = 0;
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= input.pieces() {
                return Ok(rows);
            }
            rows += input.decode_only(piece)?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut rows = worker()?;
        for other in others {
            let lost = |_| MeterError::Batch { place: "decode".to_owned(), what: "a thread was lost".to_owned() };
            rows += other.join().map_err(lost)??;
        }
        Ok(rows)
    })
}

/// Compares every group of the exact integer rollup.
fn agrees(input: &ParquetInput, rules: &Rules, options: &Options, threads: usize) -> Result<bool, MeterError> {
    let partials = meter_run(input, rules, &RunOptions { threads, ..RunOptions::default() })?;
    let ours = partials.rollup(model_of)?;
    let lines = ours.iter().filter(|(_, sums)| sums.covered_ms > 0).map(|((job, slot, model), sums)| {
        format!("{job},{slot},{model},{},{},{}", sums.tensor_micro_ms, sums.dram_micro_ms, sums.power_microjoules)
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    Ok(duckdb::exact_lines(&options.folder, threads).is_ok_and(|theirs| theirs == lines))
}
