//! The Prometheus text format 0.0.4 and OpenMetrics 1.0, as saved `/metrics` bodies.
//!
//! Real files come without `HELP` and `TYPE`, with blocks repeated because two scrapes were pasted together, and shortened by hand with
//! `...` in place of labels. The first two are read (repeats are counted); the last is refused with its line, because a reading whose
//! device is elided cannot be charged to anybody. A scrape carries no time of its own: see [`file_time`].
//!
//! Left out: summaries, histograms and exemplars are skipped, names in quotes (UTF-8 names) are refused.

mod exposition;
mod file_time;

pub use exposition::{Scrape, TextSample, parse};
pub use file_time::file_time;

use super::dcgm_series::{Quantity, identity};
use super::fault::{Fault, TextLimits};
use super::rows::Collector;

/// Adds one scrape's GPU readings to a collector. Returns the number of readings that the meter uses.
///
/// `scrape_time_ms` is used for every sample that has no timestamp of its own.
///
/// # Errors
/// A [`Fault`] with line and column when the body is not exposition text, repeats a series with another value, names no device for a metric
/// that the meter uses, or gives no time at all.
pub fn collect(
    bytes: &[u8],
    scrape_time_ms: Option<i64>,
    limits: &TextLimits,
    into: &mut Collector,
) -> Result<u64, Fault> {
    let scrape = parse(bytes, limits)?;
    into.notes.repeated_headers += scrape.repeated_headers;
    into.notes.duplicates += scrape.duplicates;
    let mut used = 0;
    for sample in &scrape.samples {
        let Some(quantity) = Quantity::of_metric(sample.name) else {
            into.notes.unused += 1;
            continue;
        };
        let who = identity(&sample.labels)
            .map_err(|what| Fault::at(sample.line, 1, what, "export with dcgm-exporter's default labels"))?;
        let Some(time_ms) = sample.timestamp_ms.or(scrape_time_ms) else {
            return Err(Fault::at(
                sample.line,
                0,
                "a scrape without a time",
                "name the file <unix seconds>.prom, <unix milliseconds>.prom or 20261120T182913Z.prom, or pass --at",
            ));
        };
        let series = into.series(who)?;
        into.push_text(series, quantity, time_ms, sample.value, sample.line)?;
        used += 1;
    }
    Ok(used)
}
