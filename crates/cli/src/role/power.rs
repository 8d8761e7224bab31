//! The auditor's own meter: readings of the power feed of balance areas, as CSV `area,time_ms,watts`.

use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::auditor::Power;
use standstill_agreement::Agreement;
use standstill_statement::Name;
use std::collections::BTreeMap;
use std::path::Path;

/// What the auditor knows about a site's power feeds from its own survey, besides the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteFacts {
    /// Power of hosts, fans and switches on the feed, per registered accelerator, whatever the accelerators do. Watts.
    pub base_watts_per_device: u32,
    /// Whether the lab's own energy figures are those of whole nodes (power-only telemetry), hosts included.
    pub whole_node: bool,
    /// Losses and cooling on the feed that grow with the accelerators' energy, per mille of it.
    pub overhead_per_mille: u16,
    /// Uncertainty of reading, base load and overhead together, per mille of the expected reading.
    pub tolerance_per_mille: u16,
}

/// Longest stretch between two readings that is bridged, milliseconds; longer ones make the window's reading unusable.
const MAX_GAP_MS: i64 = 15 * 60 * 1000;

/// Reads a power file and integrates it per area and window. Areas with a gap of more than 15 minutes in a window have no reading there.
///
/// # Errors
/// When the file cannot be read or a line is malformed.
pub fn read_csv(path: &Path, agreement: &Agreement) -> CliResult<Power> {
    let text = folder::read_text(path)?;
    let mut samples: BTreeMap<Name, Vec<(i64, u64)>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let (area, sample) = parse_line(line).ok_or_else(|| {
            CliError::unreadable(format!(
                "{} line {}: write area,time_ms,watts, for example rack-1,1793491200000,45120.5",
                path.display(),
                number + 1
            ))
        })?;
        samples.entry(area).or_default().push(sample);
    }
    let mut power = Power::new();
    for (area, mut samples) in samples {
        samples.sort_unstable();
        samples.dedup_by_key(|sample| sample.0);
        for window in 0..agreement.term_windows {
            if let Some(energy_kilojoules) = window_energy(&samples, agreement, window) {
                power.insert((area.clone(), window), energy_kilojoules);
            }
        }
    }
    Ok(power)
}

/// Area, time and milliwatts.
fn parse_line(line: &str) -> Option<(Name, (i64, u64))> {
    let mut fields = line.split(',');
    let area = Name::new(fields.next()?.trim()).ok()?;
    let time_ms = fields.next()?.trim().parse().ok()?;
    let (whole, fraction) = fields.next()?.trim().split_once('.').unwrap_or(("", ""));
    let watts = if whole.is_empty() && fraction.is_empty() { line.rsplit(',').next()?.trim() } else { whole };
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let milliwatts = watts.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths.parse().ok()?)?;
    fields.next().is_none().then_some((area, (time_ms, milliwatts)))
}

/// Energy by the trapezoid rule over the samples of a window, kilojoules rounded up; `None` when readings are missing.
fn window_energy(samples: &[(i64, u64)], agreement: &Agreement, window: u64) -> Option<u64> {
    let (start, end) = agreement.window_bounds(window);
    let (start_ms, end_ms) = (i64::try_from(start).ok()? * 1000, i64::try_from(end).ok()? * 1000);
    let first = samples.partition_point(|sample| sample.0 < start_ms);
    let last = samples.partition_point(|sample| sample.0 <= end_ms);
    let inside = samples.get(first..last)?;
    let (head, tail) = (inside.first()?, inside.last()?);
    if head.0 - start_ms > MAX_GAP_MS || end_ms - tail.0 > MAX_GAP_MS {
        return None;
    }
    // The stretches before the first and after the last sample are billed at those samples.
    let edge = u128::from(head.1) * u128::try_from(head.0 - start_ms).ok()?
        + u128::from(tail.1) * u128::try_from(end_ms - tail.0).ok()?;
    let mut doubled_microjoules = 2 * edge;
    for pair in inside.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        if gap > MAX_GAP_MS {
            return None;
        }
        doubled_microjoules += (u128::from(pair[0].1) + u128::from(pair[1].1)) * u128::try_from(gap).ok()?;
    }
    u64::try_from(doubled_microjoules.div_ceil(2_000_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_exactly() {
        let (area, sample) = parse_line("rack-1,1000,45120.5").unwrap();
        assert_eq!((area.as_str(), sample), ("rack-1", (1000, 45_120_500)));
        assert_eq!(parse_line("rack-1,1000,45120").unwrap().1, (1000, 45_120_000));
        for bad in ["", "rack-1", "rack-1,x,5", "rack-1,1,-5", "rack-1,1,5,6", "Rack 1,1,5"] {
            assert!(parse_line(bad).is_none(), "{bad}");
        }
    }
}
