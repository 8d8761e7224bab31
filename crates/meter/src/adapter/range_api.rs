//! Saved answers of Prometheus' HTTP API: `query_range` (matrix), `query` with a range selector (matrix) and plain `query` (vector).
//!
//! The trap of this source: `query_range` **resamples**. It evaluates the metric at every step and, where no reading is newer, repeats the
//! last one for up to five minutes. So an answer shows telemetry where there was none. Rows that repeat every value of the row before are
//! therefore dropped and counted ([`super::rows::Notes::stale`]); the hole is then judged by the gap rule like any other. Raw readings come
//! from an instant query with a range selector (`metric[1h]`) or from remote-read; prefer those for anything that is audited.

mod answer;

pub use answer::{Answer, Series, parse};

use super::dcgm_series::{Quantity, identity};
use super::decimal;
use super::fault::{Fault, TextLimits};
use super::rows::Collector;

/// Longest time for which Prometheus repeats a value (`--query.lookback-delta`), milliseconds.
pub const LOOKBACK_MS: i64 = 300_000;

/// Adds one answer's GPU readings to a collector. Returns the number of readings that the meter uses.
///
/// # Errors
/// A [`Fault`] when the answer is an error of the server, is not the API's JSON, or a series that the meter uses names no device.
pub fn collect(bytes: &[u8], limits: &TextLimits, into: &mut Collector) -> Result<u64, Fault> {
    let answer = parse(bytes, limits)?;
    into.notes.remarks.extend(answer.warnings.iter().map(|w| format!("the server warned: {w}")));
    let mut used = 0;
    for series in &answer.series {
        let Some(quantity) = Quantity::of_metric(series.name()) else {
            into.notes.unused += series.values.len() as u64;
            continue;
        };
        remark_on_step(series, into);
        let labels: Vec<(&String, &String)> = series.labels.iter().collect();
        let who = identity(&labels).map_err(|what| {
            Fault::whole(format!("{}: {what}", series.name()), "query without `sum by` so that the labels stay")
        })?;
        let index = into.series(who)?;
        for (time_ms, text) in &series.values {
            into.push_text(index, quantity, *time_ms, text, 0)?;
            used += 1;
        }
    }
    Ok(used)
}

/// Says when a series stands on an exact step and repeats values, which raw readings of a gauge do not.
fn remark_on_step(series: &Series, into: &mut Collector) {
    let Some(step_ms) = constant_step(&series.values) else { return };
    let repeats = flat_repeats(&series.values);
    if repeats.count > 0 {
        into.notes.remarks.insert(format!(
            "{} stands on an exact step of {step_ms} ms and repeats a value {} times, at longest for {} ms: the server resampled it; \
             query {}[1h] for raw readings",
            series.name(),
            repeats.count,
            repeats.longest_ms,
            series.name(),
        ));
    }
}

/// The step when all neighbours are equally far apart (at least three readings).
pub fn constant_step(values: &[(i64, String)]) -> Option<i64> {
    let step = values.get(1)?.0 - values.first()?.0;
    (values.len() >= 3 && step > 0 && values.windows(2).all(|pair| pair[1].0 - pair[0].0 == step)).then_some(step)
}

/// Readings equal to the one before, other than 0 and 1, where a gauge can stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlatRepeats {
    /// How many readings repeat the one before.
    pub count: u64,
    /// Longest stretch over which one value was repeated, milliseconds.
    pub longest_ms: i64,
}

/// Counts repeats in a series.
pub fn flat_repeats(values: &[(i64, String)]) -> FlatRepeats {
    let mut found = FlatRepeats::default();
    let mut start: Option<&(i64, String)> = None;
    for value in values {
        match start {
            Some(first) if first.1 == value.1 && !is_still(&value.1) => {
                found.count += 1;
                found.longest_ms = found.longest_ms.max(value.0 - first.0);
            }
            _ => start = Some(value),
        }
    }
    found
}

fn is_still(text: &str) -> bool {
    matches!(decimal::scaled(text, 9), Ok(decimal::Reading::Scaled(0 | 1_000_000_000) | decimal::Reading::Blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: i64, values: &[&str]) -> Vec<(i64, String)> {
        values.iter().zip(0..).map(|(v, i)| (i * step, (*v).to_owned())).collect()
    }

    #[test]
    fn repeats_of_a_gauge_are_seen() {
        let values = at(10_000, &["0.605", "0.605", "0.605", "0.7", "0", "0", "0"]);
        assert_eq!(constant_step(&values), Some(10_000));
        assert_eq!(flat_repeats(&values), FlatRepeats { count: 2, longest_ms: 20_000 });
    }

    #[test]
    fn raw_readings_have_no_exact_step() {
        let mut values = at(10_000, &["0.6", "0.7", "0.8"]);
        values[1].0 += 3;
        assert_eq!(constant_step(&values), None);
    }

    #[test]
    fn resampled_answers_are_said_so_and_not_billed() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE","UUID":"GPU-1"},
            "values":[[0,"0.5"],[30,"0.5"],[60,"0.5"],[90,"0.5"],[120,"0.9"]]}]}}"#;
        let mut collector = Collector::new();
        assert_eq!(collect(body, &TextLimits::default(), &mut collector), Ok(5));
        assert!(collector.notes.remarks.iter().any(|r| r.contains("resampled")));
        let rules = super::super::rows::batches::RowRules { max_gap_ms: 45_000, drop_stale: true };
        let (mut devices, mut jobs) = (crate::Dictionary::devices(), crate::Dictionary::jobs());
        let (batches, notes) = collector.into_batches("answer", &rules, &mut devices, &mut jobs).expect("rows");
        assert_eq!(batches[0].time_ms, [0, 120_000], "the copies speak for nothing");
        assert_eq!(notes.stale, 3);
    }

    #[test]
    fn aggregated_series_are_refused() {
        let body = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"DCGM_FI_DEV_POWER_USAGE"},"value":[1,"3"]}]}}"#;
        let fault = collect(body, &TextLimits::default(), &mut Collector::new()).expect_err("no device");
        assert!(fault.to_string().contains("sum by"), "{fault}");
    }
}
