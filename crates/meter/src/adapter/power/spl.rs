//! The power analyser's log of MLPerf inference (`spl.txt`, written by PTDaemon): name-value pairs in one comma-separated line a second.
//!
//! Its times are the local times of the machine that ran the daemon, without a zone: the offset must be stated, or the log lands in another
//! slot (hours off, by the analyser's own clock and not the server's). With several channels the first `Watts` is their sum.

use super::{MOST_MILLIWATTS, NodeReading, NodeSeries, is_invalid_marker};
use crate::adapter::civil_time::{UtcOffset, month_first_milliseconds};
use crate::adapter::decimal::{self, Reading};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// Channels may differ from their sum by this much (each is printed to 0.1 mW at best, 0.1 W at worst), milliwatts per channel.
const ROUNDING_MILLIWATTS: i128 = 100;

/// Reads a log.
///
/// # Errors
/// A [`Fault`] with line and field when a line does not begin with `Time`, a value is no number, or the channels do not add up to the total.
pub fn parse(bytes: &[u8], node: &str, offset: UtcOffset, limits: &TextLimits) -> Result<NodeSeries, Fault> {
    let text = limits.text(bytes)?;
    let mut series = NodeSeries { node: node.to_owned(), ..NodeSeries::default() };
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        limits.line(number, line)?;
        limits.row(number, series.readings.len())?;
        match reading(line, number, offset)? {
            Some(reading) => series.readings.push(reading),
            None => series.blanks += 1,
        }
    }
    if series.readings.is_empty() {
        return Err(Fault::whole("no reading in the log", "give the run's spl.txt"));
    }
    Ok(series)
}

fn reading(line: &str, number: u64, offset: UtcOffset) -> Result<Option<NodeReading>, Fault> {
    const REMEDY: &str = "give PTDaemon's spl.txt unchanged";
    let fields: Vec<&str> = line.trim_end().split(',').collect();
    let (Some(&"Time"), Some(text)) = (fields.first(), fields.get(1)) else {
        return Err(Fault::at(number, 1, "the line does not begin with Time", REMEDY));
    };
    let time_ms = month_first_milliseconds(text, offset)
        .ok_or_else(|| Fault::at(number, 2, format!("`{}` is no time", excerpt(text)), REMEDY))?;
    let mut watts: Vec<Option<i128>> = Vec::new();
    for (index, name) in fields.iter().enumerate() {
        if *name != "Watts" {
            continue;
        }
        let value = fields.get(index + 1).copied().unwrap_or("");
        match decimal::scaled(value, 3) {
            // The daemon writes -1 when the analyser gave no valid value.
            Ok(Reading::Blank) => watts.push(None),
            Ok(Reading::Scaled(raw)) if is_invalid_marker(raw) => watts.push(None),
            Ok(Reading::Scaled(raw)) if (0..=MOST_MILLIWATTS).contains(&raw) => watts.push(Some(raw)),
            _ => return Err(Fault::at(number, index as u64 + 2, format!("`{}` is no power", excerpt(value)), REMEDY)),
        }
    }
    let Some((total, channels)) = watts.split_first() else {
        return Err(Fault::at(number, 0, "no Watts in the line", REMEDY));
    };
    let Some(total) = *total else { return Ok(None) };
    if let Some(sum) = channels.iter().copied().sum::<Option<i128>>().filter(|_| !channels.is_empty()) {
        let allowed = ROUNDING_MILLIWATTS * channels.len() as i128;
        if (sum - total).abs() > allowed {
            let what = format!("the channels add up to {sum} mW, the total says {total} mW");
            return Err(Fault::at(number, 0, what, "check the analyser's wiring: one feed is not in the sum"));
        }
    }
    Ok(u64::try_from(total).ok().map(|milliwatts| NodeReading { time_ms, milliwatts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = "Time,07-17-2024 20:49:56.945,Watts,2511.100000,Volts,239.1,Amps,3.6,PF,0.96,Mark,m,Ch1,Watts,849.200000,Volts,239,Ch2,Watts,862.100000,Ch3,Watts,799.800000";

    fn read(text: &str) -> Result<NodeSeries, Fault> {
        parse(text.as_bytes(), "n", UtcOffset::UTC, &TextLimits::default())
    }

    #[test]
    fn channels_are_not_added_to_their_sum() {
        assert_eq!(
            read(LINE).expect("line").readings,
            [NodeReading { time_ms: 1_721_249_396_945, milliwatts: 2_511_100 }]
        );
    }

    #[test]
    fn a_missing_channel_is_seen() {
        let fault = read(&LINE.replace("849.2", "149.2")).expect_err("sum");
        assert!(fault.to_string().contains("add up"), "{fault}");
    }

    #[test]
    fn invalid_readings_are_gaps() {
        let text = format!("{LINE}\n{}", LINE.replace("2511.100000", "-1"));
        assert_eq!(read(&text).expect("lines").blanks, 1);
    }

    #[test]
    fn other_lines_are_refused() {
        for text in [
            "",
            "a,b",
            "Time,later,Watts,1",
            "Time,07-17-2024 20:49:56.945,Volts,1",
            "Time,07-17-2024 20:49:56.945,Watts",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[TimeWats,0-9. :-]{0,80}") {
            let _ = read(&text);
            let _ = read(&format!("Time,07-17-2024 20:49:56.945,{text}"));
        }
    }
}
