//! MLPerf logs: `:::MLLOG {json}` lines. Power logs carry `power_reading` in watts, result logs the start and stop of the run.

use serde_json::Value;

use super::{MOST_MILLIWATTS, NodeReading, NodeSeries, is_invalid_marker};
use crate::adapter::decimal::{self, Reading};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

const MARKER: &str = ":::MLLOG ";

/// Reads a node's power log. Lines of other programs and other keys are left; a direct-current reading is converted with the log's own
/// `conversion_eff` (watts at the wall = watts / efficiency), an alternating-current one is taken as it is.
///
/// # Errors
/// A [`Fault`] with line for a reading that is no power, a log without any reading, or a time that is no time.
pub fn parse(bytes: &[u8], node: &str, limits: &TextLimits) -> Result<NodeSeries, Fault> {
    let mut series = NodeSeries { node: node.to_owned(), ..NodeSeries::default() };
    let mut efficiency = None;
    for_each_event(bytes, limits, |line, event| {
        match event["key"].as_str() {
            Some("conversion_eff") if event["metadata"]["measurement_type"] == "DC" => {
                efficiency = Some(efficiency_millionths(&event["value"], line)?);
            }
            Some("power_reading") => {
                if let Some(host) =
                    event["metadata"]["host"].as_str().filter(|h| series.node.is_empty() && !h.is_empty())
                {
                    series.node = host.to_owned();
                }
                let milliwatts = milliwatts(&event["value"], efficiency, line)?;
                match milliwatts {
                    Some(milliwatts) => series.readings.push(NodeReading { time_ms: time(event, line)?, milliwatts }),
                    None => series.blanks += 1,
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    if series.readings.is_empty() {
        return Err(Fault::whole(
            "no power_reading in the log",
            "give the node's power log (node_<n>.txt), not the result log",
        ));
    }
    Ok(series)
}

/// When a run began and ended, and what it trained on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunMarks {
    /// `submission_benchmark`, such as `gpt3`.
    pub benchmark: String,
    /// `run_start`, Unix milliseconds.
    pub start_ms: Option<i64>,
    /// `run_stop`, Unix milliseconds.
    pub stop_ms: Option<i64>,
    /// `train_samples`: tokens or samples, as the benchmark counts them.
    pub train_samples: Option<u64>,
    /// `max_sequence_length` in tokens.
    pub sequence_length: Option<u64>,
}

/// Reads the marks of a result log. Several processes write the same line; the earliest start and the latest stop count.
///
/// # Errors
/// A [`Fault`] when a marker line is no JSON or a time is no time.
pub fn marks(bytes: &[u8], limits: &TextLimits) -> Result<RunMarks, Fault> {
    let mut marks = RunMarks::default();
    for_each_event(bytes, limits, |line, event| {
        match event["key"].as_str() {
            Some("submission_benchmark") => marks.benchmark = event["value"].as_str().unwrap_or("").to_owned(),
            Some("run_start") => {
                let at = time(event, line)?;
                marks.start_ms = Some(marks.start_ms.map_or(at, |known| known.min(at)));
            }
            Some("run_stop") => {
                let at = time(event, line)?;
                marks.stop_ms = Some(marks.stop_ms.map_or(at, |known| known.max(at)));
            }
            Some("train_samples") => marks.train_samples = event["value"].as_u64(),
            Some("max_sequence_length") => marks.sequence_length = event["value"].as_u64(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(marks)
}

fn for_each_event(
    bytes: &[u8],
    limits: &TextLimits,
    mut event: impl FnMut(u64, &Value) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let text = limits.text(bytes)?;
    for (number, line) in (1..).zip(text.lines()) {
        limits.line(number, line)?;
        let Some((_, json)) = line.split_once(MARKER) else { continue };
        let value: Value = serde_json::from_str(json).map_err(|e| {
            Fault::at(number, e.column() as u64, format!("not JSON after the marker: {e}"), "give the log unchanged")
        })?;
        event(number, &value)?;
    }
    Ok(())
}

fn time(event: &Value, line: u64) -> Result<i64, Fault> {
    event["time_ms"].as_i64().ok_or_else(|| Fault::at(line, 0, "no time_ms", "give the log unchanged"))
}

fn milliwatts(value: &Value, efficiency: Option<u64>, line: u64) -> Result<Option<u64>, Fault> {
    let bad = || {
        let what = format!("a power of `{}` W", excerpt(&value.to_string()));
        Fault::at(line, 0, what, "power_reading is the node's watts, 0 to 1,000,000")
    };
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_number().ok_or_else(bad)?;
    match decimal::scaled(&number.to_string(), 3) {
        Ok(Reading::Blank) => Ok(None),
        Ok(Reading::Scaled(raw)) if is_invalid_marker(raw) => Ok(None),
        Ok(Reading::Scaled(raw)) if (0..=MOST_MILLIWATTS).contains(&raw) => {
            let wall = efficiency
                .map_or(raw, |millionths| (raw * 1_000_000 + i128::from(millionths) - 1) / i128::from(millionths));
            u64::try_from(wall).map(Some).map_err(|_| bad())
        }
        _ => Err(bad()),
    }
}

fn efficiency_millionths(value: &Value, line: u64) -> Result<u64, Fault> {
    let read = value.as_number().and_then(|n| decimal::scaled(&n.to_string(), 6).ok());
    match read {
        Some(Reading::Scaled(e)) if (500_000..=1_000_000).contains(&e) => Ok(u64::try_from(e).unwrap_or(1_000_000)),
        _ => Err(Fault::at(
            line,
            0,
            "conversion_eff is outside 0.5..1",
            "correct the power supply's efficiency in the log",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, time_ms: i64, value: &str, metadata: &str) -> String {
        format!(
            "0: :::MLLOG {{\"time_ms\": {time_ms}, \"key\": \"{key}\", \"value\": {value}, \"metadata\": {metadata}}}\n"
        )
    }

    #[test]
    fn readings_blanks_and_other_lines() {
        let text = format!(
            "starting\n{}{}{}",
            line("power_reading", 1_000, "8244.0", "{\"host\":\"node_0\"}"),
            line("power_reading", 2_000, "null", "\"\""),
            line("power_reading", 3_000, "8000", "\"\"")
        );
        let series = parse(text.as_bytes(), "", &TextLimits::default()).expect("log");
        assert_eq!((series.node.as_str(), series.readings.len(), series.blanks), ("node_0", 2, 1));
        assert_eq!(series.readings[0], NodeReading { time_ms: 1_000, milliwatts: 8_244_000 });
    }

    #[test]
    fn only_direct_current_is_converted() {
        for (kind, expected) in [("AC", 940_000), ("DC", 1_000_000)] {
            let text = line("conversion_eff", 0, "0.94", &format!("{{\"measurement_type\": \"{kind}\"}}"))
                + &line("power_reading", 1_000, "940.0", "\"\"");
            assert_eq!(
                parse(text.as_bytes(), "n", &TextLimits::default()).expect("log").readings[0].milliwatts,
                expected
            );
        }
    }

    #[test]
    fn bad_lines_are_named() {
        let text = line("power_reading", 1_000, "5", "\"\"") + ":::MLLOG {broken\n";
        assert_eq!(parse(text.as_bytes(), "n", &TextLimits::default()).expect_err("json").line, 2);
        let negative = line("power_reading", 1_000, "-50", "\"\"");
        assert!(parse(negative.as_bytes(), "n", &TextLimits::default()).is_err());
        assert!(parse(line("epoch_stop", 1, "1", "{}").as_bytes(), "n", &TextLimits::default()).is_err());
    }
}
