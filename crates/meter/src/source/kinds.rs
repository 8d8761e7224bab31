//! Each kind of source, from files to partial sums.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Metered, SourceKind, SourceOptions, accounting, list, read};
use crate::adapter::csv::CsvInput;
use crate::adapter::live::{self, LiveQuery};
use crate::adapter::parquet::ParquetInput;
use crate::adapter::power::{
    NodeReading, NodeSeries, mllog_marks, node_batch, parse_csv, parse_mllog, parse_spl, read_parquet,
};
use crate::adapter::prometheus_text::{self, file_time};
use crate::adapter::remote_write::{self, Body};
use crate::adapter::requests::{parse_azure, parse_mooncake, tokens_by_slot};
use crate::adapter::rows::Collector;
use crate::adapter::rows::batches::RowRules;
use crate::adapter::sacct::{allocation_batch, assign};
use crate::adapter::{fault::Fault, range_api};
use crate::engine::{self, Input, Progress, Rules, RunOptions};
use crate::jobs::{Assignment, Assignments, JobMap};
use crate::{Meter, MeterError, Partials};

fn empty(partials: Partials) -> Metered {
    Metered {
        partials,
        notes: Default::default(),
        jobs: JobMap::new(),
        assignments: Assignments::new(),
        tokens: BTreeMap::new(),
        models: BTreeMap::new(),
    }
}

fn place_of(paths: &[PathBuf], options: &SourceOptions) -> String {
    paths.first().map_or_else(|| options.address.clone(), |path| path.display().to_string())
}

pub(super) fn parquet(paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let input = ParquetInput::open(&list(paths)?, options.columns.clone())?;
    tables(&input, SourceKind::DcgmParquet, options)
}

pub(super) fn csv(paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let input = CsvInput::open(&list(paths)?, options.columns.clone())?;
    tables(&input, SourceKind::DcgmCsv, options)
}

fn tables(input: &dyn Input, kind: SourceKind, options: &SourceOptions) -> Result<Metered, MeterError> {
    let rules = Rules { contract: options.contract_of(kind), grid: options.grid };
    let told = options.progress.as_ref().map(|hook| move |progress: Progress| (hook.0)(progress.rows));
    let run = RunOptions {
        threads: options.threads,
        checkpoint: options.checkpoint.as_deref(),
        checkpoint_every: engine::CHECKPOINT_EVERY,
        progress: told.as_ref().map(|hook| hook as &(dyn Fn(Progress) + Sync)),
        ..RunOptions::default()
    };
    engine::run(input, &rules, &run).map(empty)
}

pub(super) fn prometheus(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let mut collector = Collector::new();
    if kind == SourceKind::PrometheusLive {
        let (start_ms, end_ms) = options.range_ms.ok_or_else(|| MeterError::Server {
            address: options.address.clone(),
            what: "no time range was given".to_owned(),
        })?;
        let query =
            LiveQuery { matchers: options.matchers.clone(), ..LiveQuery::new(&options.address, start_ms, end_ms) };
        live::collect(&query, &mut collector)?;
    }
    for path in list(paths)? {
        let bytes = read(&path, options.limits.file_bytes)?;
        collect(kind, &path, &bytes, options, &mut collector)
            .map_err(|fault| fault.in_file(&path.display().to_string(), kind.format()))?;
    }
    let contract = options.contract_of(kind);
    // Only an answer of `query_range` can hold a server's copies; a live server is asked for raw readings.
    let rules = RowRules { max_gap_ms: contract.max_gap_ms, drop_stale: kind == SourceKind::PrometheusRange };
    let place = place_of(paths, options);
    let mut meter = Meter::new(&place, contract, options.grid);
    let models = collector.models().clone();
    let (batches, notes) = collector.into_batches(&place, &rules, &mut meter.devices, &mut meter.jobs)?;
    for mut batch in batches {
        options.assignments.fill(&mut batch, &meter.devices, &mut meter.jobs)?;
        meter.push(&batch)?;
    }
    Ok(Metered { notes, models, assignments: options.assignments.clone(), ..empty(meter.finish()?) })
}

fn collect(
    kind: SourceKind,
    path: &Path,
    bytes: &[u8],
    options: &SourceOptions,
    into: &mut Collector,
) -> Result<u64, Fault> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match kind {
        SourceKind::PrometheusText => {
            prometheus_text::collect(bytes, options.at_ms.or_else(|| file_time(&name)), &options.limits, into)
        }
        SourceKind::PrometheusRemoteWrite if name.contains("remote_read") => {
            remote_write::collect(bytes, Body::ReadResponse, into)
        }
        SourceKind::PrometheusRemoteWrite => remote_write::collect(bytes, Body::WriteRequest, into),
        _ => range_api::collect(bytes, &options.limits, into),
    }
}

pub(super) fn slurm(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let place = place_of(paths, options);
    let accounting = accounting(kind, paths, options)?;
    let in_file = |fault: Fault| fault.in_file(&place, kind.format());
    let times = || accounting.jobs.iter().flat_map(|job| [job.start_ms, job.end_ms]).flatten();
    let seen = times().min().zip(times().max());
    let Some(range) = options.range_ms.or(seen) else {
        return Err(in_file(Fault::whole("no job ever started", "export the window that the report covers")));
    };
    let assignments = assign(&accounting, &options.placement, range.1).map_err(in_file)?;
    let mut meter = Meter::new(&place, options.contract_of(kind), options.grid);
    let batch = allocation_batch(&assignments, &options.placement, range, &mut meter.devices, &mut meter.jobs)?;
    meter.push(&batch)?;
    let mut metered = empty(meter.finish()?);
    metered.notes.remarks = accounting.notes.remarks.clone();
    metered.jobs = accounting.job_map().map_err(in_file)?;
    metered.assignments = assignments;
    Ok(metered)
}

pub(super) fn power(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let (nodes, marks) = node_series(kind, paths, options)?;
    let mut assignments = options.assignments.clone();
    // A result log's marks and the wanted range both bound the job.
    let all = (i64::MIN, i64::MAX);
    let (range, marks) = (options.range_ms.unwrap_or(all), marks.unwrap_or(all));
    let (start_ms, end_ms) = (range.0.max(marks.0), range.1.min(marks.1));
    if let Some(job) = &options.job {
        for device in nodes.iter().flat_map(|series| options.placement.devices(&series.node)) {
            assignments.insert(device.as_str(), Assignment { start_ms, end_ms, job: job.clone() });
        }
    }
    let mut meter = Meter::new(place_of(paths, options), options.contract_of(kind), options.grid);
    let mut blanks = 0;
    for series in &nodes {
        blanks += series.blanks;
        let here = options.placement.devices(&series.node);
        let batches = node_batch(series, here, options.power_rule, None, &mut meter.devices, &mut meter.jobs)?;
        for mut batch in batches {
            assignments.fill(&mut batch, &meter.devices, &mut meter.jobs)?;
            meter.push(&batch)?;
        }
    }
    let mut metered = Metered { assignments, ..empty(meter.finish()?) };
    metered.notes.blanks = blanks;
    Ok(metered)
}

pub(super) type Marks = Option<(i64, i64)>;

pub(super) fn node_series(
    kind: SourceKind,
    paths: &[PathBuf],
    options: &SourceOptions,
) -> Result<(Vec<NodeSeries>, Marks), MeterError> {
    let mut nodes = Vec::new();
    let mut marks = None;
    let mut table = Table { run: options.run.clone(), runs: None, nodes: BTreeMap::new() };
    for path in list(paths)? {
        if kind == SourceKind::PowerParquet {
            read_parquet(&path, |row| table.row(&row))?;
            continue;
        }
        let bytes = read(&path, options.limits.file_bytes)?;
        let stem = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let in_file = |fault: Fault| fault.in_file(&path.display().to_string(), kind.format());
        match kind {
            SourceKind::PowerCsv => parse_csv(&bytes, &options.limits, |row| table.row(&row)).map_err(in_file)?,
            SourceKind::PowerSpl => {
                nodes.push(parse_spl(&bytes, &stem, options.utc_offset, &options.limits).map_err(in_file)?);
            }
            _ => {
                let found = mllog_marks(&bytes, &options.limits).map_err(in_file)?;
                match found.start_ms.zip(found.stop_ms) {
                    Some(span) => marks = Some(span),
                    None => nodes.push(parse_mllog(&bytes, &stem, &options.limits).map_err(in_file)?),
                }
            }
        }
    }
    nodes.extend(table.finish(&place_of(paths, options))?);
    Ok((nodes, marks))
}

/// Rows of a power table, gathered by node.
struct Table {
    run: Option<String>,
    /// The run read, and whether there was another.
    runs: Option<(String, bool)>,
    nodes: BTreeMap<String, NodeSeries>,
}

impl Table {
    fn row(&mut self, row: &crate::adapter::power::PowerRow<'_>) {
        if self.run.as_deref().is_some_and(|wanted| wanted != row.run) {
            return;
        }
        match &mut self.runs {
            Some((known, several)) => *several |= known != row.run,
            None => self.runs = Some((row.run.to_owned(), false)),
        }
        if !self.nodes.contains_key(row.node) {
            self.nodes.insert(row.node.to_owned(), NodeSeries { node: row.node.to_owned(), ..NodeSeries::default() });
        }
        let Some(series) = self.nodes.get_mut(row.node) else { return };
        match row.milliwatts {
            Some(milliwatts) => series.readings.push(NodeReading { time_ms: row.time_ms, milliwatts }),
            None => series.blanks += 1,
        }
    }

    fn finish(self, place: &str) -> Result<Vec<NodeSeries>, MeterError> {
        let fail = |what: &str, remedy: &str| {
            let (what, remedy) = (what.to_owned(), remedy.to_owned());
            Err(MeterError::Malformed { place: place.to_owned(), format: "a table of node power", what, remedy })
        };
        if self.runs.as_ref().is_some_and(|(_, several)| *several) {
            return fail("the table holds several runs, whose nodes may share names", "choose one with --run <run_id>");
        }
        if self.nodes.is_empty() && self.run.is_some() {
            return fail("the table does not hold the chosen run", "list its run_id values and choose one of them");
        }
        let mut nodes: Vec<NodeSeries> = self.nodes.into_values().collect();
        for series in &mut nodes {
            series.readings.sort_by_key(|reading| reading.time_ms);
        }
        Ok(nodes)
    }
}

pub(super) fn requests(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    let mut all = Vec::new();
    for path in list(paths)? {
        let bytes = read(&path, options.limits.file_bytes)?;
        let parsed = if kind == SourceKind::RequestsAzure {
            parse_azure(&bytes, options.utc_offset, &options.limits)
        } else {
            parse_mooncake(&bytes, options.trace_start_ms, &options.limits)
        };
        all.extend(parsed.map_err(|fault| fault.in_file(&path.display().to_string(), kind.format()))?);
    }
    let mut metered = empty(Partials::new(options.contract_of(kind), options.grid));
    metered.tokens = tokens_by_slot(&all, &options.grid);
    metered.notes.remarks.insert(
        "a request trace names no device: it supports token reconciliation only, no chip time and no operations of its own".to_owned(),
    );
    Ok(metered)
}
