//! Telemetry: every adapter of the meter, and partial sums.

use standstill_meter::adapter::civil_time::{UtcOffset, iso_milliseconds, month_first_milliseconds};
use standstill_meter::adapter::columns::Overrides;
use standstill_meter::adapter::csv::CsvInput;
use standstill_meter::adapter::fault::TextLimits;
use standstill_meter::adapter::parquet::ParquetInput;
use standstill_meter::adapter::remote_write::{self as remote, Body};
use standstill_meter::adapter::rows::Collector;
use standstill_meter::adapter::rows::batches::RowRules;
use standstill_meter::adapter::sacct::{self, ParsableOptions, Placement};
use standstill_meter::adapter::{decimal, power, prometheus_text as text_scrape, range_api, requests as traces};
use standstill_meter::engine::{Input, Rules};
use standstill_meter::{Grid, JobMap, Meter, MeterError, Partials, SourceContract};
use std::path::PathBuf;

/// Small enough that a mutated number cannot ask for much.
fn limits() -> TextLimits {
    TextLimits { file_bytes: 1 << 20, line_bytes: 1 << 16, rows: 10_000 }
}

fn rules() -> Rules {
    Rules { contract: SourceContract::dcgm(30_000), grid: Grid { origin_ms: 1_700_000_000_000, slot_ms: 3_600_000 } }
}

/// Rows as far as partial sums.
fn summed(collector: Collector) {
    let rules = rules();
    let mut meter = Meter::new("fuzz", rules.contract, rules.grid);
    let rules_of_rows = RowRules { max_gap_ms: 120_000, drop_stale: true };
    let batches = collector.into_batches("fuzz", &rules_of_rows, &mut meter.devices, &mut meter.jobs);
    let Ok((batches, _)) = batches else { return };
    for batch in &batches {
        meter.push(batch).expect("what an adapter made is a consistent batch");
    }
    let _ = meter.finish();
}

/// A text scrape.
pub fn prometheus_text(bytes: &[u8]) -> bool {
    let mut collector = Collector::new();
    let accepted = text_scrape::collect(bytes, Some(1_700_000_030_000), &limits(), &mut collector).is_ok();
    summed(collector);
    accepted
}

/// A range-API answer.
pub fn range_json(bytes: &[u8]) -> bool {
    let mut collector = Collector::new();
    let accepted = range_api::collect(bytes, &limits(), &mut collector).is_ok();
    summed(collector);
    accepted
}

/// A remote-write or remote-read body, packed or not.
pub fn remote_write(bytes: &[u8]) -> bool {
    let mut accepted = false;
    for kind in [Body::WriteRequest, Body::ReadResponse] {
        let mut collector = Collector::new();
        accepted |= remote::collect(bytes, kind, &mut collector).is_ok();
        accepted |= remote::decode(bytes, kind).is_ok();
        summed(collector);
    }
    accepted
}

fn used(accounting: Result<sacct::Accounting, impl std::fmt::Display>) -> bool {
    let Ok(accounting) = accounting else { return false };
    let _ = accounting.job_map();
    let _ = accounting.accelerator_ms(1_900_000_000_000);
    true
}

/// `sacct -P` and lists of jobs.
pub fn sacct_parsable(bytes: &[u8]) -> bool {
    let options = ParsableOptions { limits: limits(), ..ParsableOptions::default() };
    let parsable = used(sacct::parse_parsable(bytes, &options));
    let eagle = used(sacct::parse_eagle(bytes, UtcOffset::UTC, &limits()));
    parsable | eagle | sacct::parse_sreport(bytes, &limits()).is_ok()
}

/// `sacct --json`.
pub fn sacct_json(bytes: &[u8]) -> bool {
    used(sacct::parse_json(bytes, &limits()))
}

/// The small languages inside accounting and telemetry: node lists, resources, comments, times, decimals.
pub fn slurm_words(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let nodes = sacct::expand_nodelist(text, 1);
    if let Ok(nodes) = &nodes {
        assert!(nodes.len() <= sacct::MOST_NODES);
    }
    let _ = sacct::accelerators(text, 1, 1);
    let _ = sacct::declared_in(text, 1, 1);
    let _ = sacct::submit_line_comment(text);
    let _ = Placement::parse_csv(text);
    let _ = iso_milliseconds(text, UtcOffset::UTC);
    let _ = month_first_milliseconds(text, UtcOffset::UTC);
    let _ = UtcOffset::parse(text);
    for scale in [0, 3, 6] {
        let _ = decimal::scaled(text, scale);
    }
    nodes.is_ok()
}

/// Power logs and tables.
pub fn power_logs(bytes: &[u8]) -> bool {
    let log = power::parse_mllog(bytes, "node", &limits()).is_ok();
    let _ = power::mllog_marks(bytes, &limits());
    let analyser = power::parse_spl(bytes, "node", UtcOffset::UTC, &limits()).is_ok();
    let mut rows = 0_u64;
    let table = power::parse_csv(bytes, &limits(), |_| rows += 1).is_ok();
    log | analyser | table
}

/// Traces of inference requests.
pub fn requests(bytes: &[u8]) -> bool {
    let azure = traces::parse_azure(bytes, UtcOffset::UTC, &limits());
    let mooncake = traces::parse_mooncake(bytes, 0, &limits());
    for requests in [&azure, &mooncake].into_iter().flatten() {
        let _ = traces::tokens_by_slot(requests, &rules().grid);
    }
    azure.is_ok() | mooncake.is_ok()
}

/// Job files.
pub fn jobs(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| JobMap::from_toml(text, "fuzz").is_ok())
}

/// Partial sums; the closing hash is put right, so that the body is reached.
pub fn partials(bytes: &[u8]) -> bool {
    use sha2::Digest;
    let body = &bytes[..bytes.len().saturating_sub(32)];
    let whole = [body, &sha2::Sha256::digest(body)[..]].concat();
    let _ = Partials::decode(bytes, "fuzz");
    let Ok(partials) = Partials::decode(&whole, "fuzz") else { return false };
    assert_eq!(partials.encode(), whole);
    true
}

/// Runs a reader of files on bytes.
fn on_file<I: Input>(bytes: &[u8], name: &str, open: impl Fn(&[PathBuf], Overrides) -> Result<I, MeterError>) -> bool {
    let folder = tempfile::tempdir().expect("a folder for one file");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a small file");
    let Ok(input) = open(&[path], Overrides::default()) else { return false };
    (0..input.pieces().min(4)).all(|piece| input.meter(piece, &rules()).is_ok())
}

/// Tables of samples.
pub fn csv(bytes: &[u8]) -> bool {
    on_file(bytes, "samples.csv", CsvInput::open)
}

/// Parquet files of samples.
pub fn parquet(bytes: &[u8]) -> bool {
    on_file(bytes, "samples.parquet", ParquetInput::open)
}
