//! Watts to energy, and a node's energy to its devices, in integers.

use super::NodeSeries;
use crate::sample::{MISSING, NO_JOB};
use crate::{Batch, Dictionary, MeterError};

/// What a reading says about the stretch between it and the reading before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PowerRule {
    /// A momentary value (BMC, IPMI): the mean of the two ends speaks for the stretch.
    #[default]
    Trapezoid,
    /// The meter's own mean since its last reading (a power analyser in averaging mode): it speaks for the stretch alone.
    Step,
}

/// Energy of a series between two moments, millijoules, rounded up: each stretch is cut to `[from_ms, to_ms)`, and stretches longer than
/// `max_gap_ms` do not count (they are gaps, judged elsewhere).
#[must_use]
pub fn energy_millijoules(series: &NodeSeries, rule: PowerRule, from_ms: i64, to_ms: i64, max_gap_ms: u64) -> u128 {
    let mut half_microjoules = 0_u128;
    for pair in series.readings.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let span = after.time_ms.saturating_sub(before.time_ms);
        let inside = after.time_ms.min(to_ms).saturating_sub(before.time_ms.max(from_ms));
        if span <= 0 || inside <= 0 || span.unsigned_abs() > max_gap_ms {
            continue;
        }
        let doubled = match rule {
            PowerRule::Trapezoid => u128::from(before.milliwatts) + u128::from(after.milliwatts),
            PowerRule::Step => 2 * u128::from(after.milliwatts),
        };
        half_microjoules += doubled * u128::from(inside.unsigned_abs());
    }
    half_microjoules.div_ceil(2000)
}

/// Divides a whole into `parts` equal shares; the first shares take one unit more until nothing is left, so the sum is exact.
pub fn divide(whole: u64, parts: u64) -> impl Iterator<Item = u64> {
    let parts = parts.max(1);
    let (share, left) = (whole / parts, whole % parts);
    (0..parts).map(move |index| share + u64::from(index < left))
}

/// Rows for the meter: each of the node's devices (in the order of their keys) with its share of the node's power.
///
/// `job` is the job that held the whole node, if one did.
///
/// # Errors
/// [`MeterError::Limit`] when a dictionary overflows, [`MeterError::Batch`] when the node has no device.
pub fn node_batch(
    series: &NodeSeries,
    node_devices: &[String],
    rule: PowerRule,
    job: Option<&str>,
    devices: &mut Dictionary,
    jobs: &mut Dictionary,
) -> Result<Vec<Batch>, MeterError> {
    if node_devices.is_empty() {
        return Err(MeterError::Batch {
            place: series.node.clone(),
            what: "the node has no registered device to charge its power to; give --placement node,device".to_owned(),
        });
    }
    let parts = node_devices.len() as u64;
    let job = job.map_or(Ok(NO_JOB), |name| jobs.intern(name))?;
    let mut batches = Vec::new();
    for (name, position) in node_devices.iter().zip(0..) {
        let device = devices.intern(name)?;
        let mut previous: Option<u64> = None;
        for chunk in series.readings.chunks(Batch::MAX_ROWS) {
            let mut power = Vec::with_capacity(chunk.len());
            for reading in chunk {
                let node_power = match (rule, previous) {
                    (PowerRule::Trapezoid, Some(before)) => (reading.milliwatts + before).div_ceil(2),
                    _ => reading.milliwatts,
                };
                previous = Some(reading.milliwatts);
                let share = divide(node_power, parts).nth(position).unwrap_or(0);
                power.push(u32::try_from(share).unwrap_or(MISSING));
            }
            batches.push(Batch {
                device: vec![device; chunk.len()],
                time_ms: chunk.iter().map(|reading| reading.time_ms).collect(),
                job: (job != NO_JOB).then(|| vec![job; chunk.len()]),
                power_milliwatts: Some(power),
                ..Batch::default()
            });
        }
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::super::NodeReading;
    use super::*;
    use proptest::prelude::*;

    fn series(points: &[(i64, u64)]) -> NodeSeries {
        let readings = points.iter().map(|(time_ms, w)| NodeReading { time_ms: *time_ms, milliwatts: *w }).collect();
        NodeSeries { node: "n".into(), readings, blanks: 0 }
    }

    #[test]
    fn by_hand() {
        // 1 kW for 2 s, then a ramp to 3 kW over 2 s: 2 kJ + 4 kJ.
        let ramp = series(&[(0, 1_000_000), (2_000, 1_000_000), (4_000, 3_000_000)]);
        assert_eq!(energy_millijoules(&ramp, PowerRule::Trapezoid, 0, 4_000, 10_000), 6_000_000);
        assert_eq!(energy_millijoules(&ramp, PowerRule::Step, 0, 4_000, 10_000), 8_000_000);
        assert_eq!(energy_millijoules(&ramp, PowerRule::Trapezoid, 1_000, 3_000, 10_000), 3_000_000);
    }

    #[test]
    fn gaps_and_backward_steps_are_not_billed() {
        let gap = series(&[(0, 1_000), (60_000, 1_000), (59_000, 1_000), (60_000, 1_000)]);
        assert_eq!(energy_millijoules(&gap, PowerRule::Trapezoid, 0, i64::MAX, 10_000), 1_000);
    }

    #[test]
    fn a_node_without_devices_is_refused() {
        let (mut devices, mut jobs) = (Dictionary::devices(), Dictionary::jobs());
        assert!(node_batch(&series(&[(0, 1)]), &[], PowerRule::Step, None, &mut devices, &mut jobs).is_err());
    }

    proptest! {
        #[test]
        fn shares_add_up(whole in any::<u64>(), parts in 1_u64..200) {
            let shares: Vec<u64> = divide(whole, parts).collect();
            prop_assert_eq!(shares.iter().map(|s| u128::from(*s)).sum::<u128>(), u128::from(whole));
            prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
        }

        #[test]
        fn cutting_a_series_conserves_energy(powers in proptest::collection::vec(0_u64..10_000_000, 2..50), cut in 0_i64..50_000) {
            let points: Vec<(i64, u64)> = powers.iter().zip(0..).map(|(w, i)| (i * 1_000, *w)).collect();
            let s = series(&points);
            let end = points.len() as i64 * 1_000;
            // A step rule is constant inside a stretch, so cutting it anywhere conserves energy up to the rounding of each part.
            let whole = energy_millijoules(&s, PowerRule::Step, 0, end, 5_000);
            let parts = energy_millijoules(&s, PowerRule::Step, 0, cut, 5_000) + energy_millijoules(&s, PowerRule::Step, cut, end, 5_000);
            prop_assert!(parts >= whole && parts <= whole + 1);
        }
    }
}
