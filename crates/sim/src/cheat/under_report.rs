//! Under-report: a shim between device and exporter shrinks what training looks like. The area power meter is not fooled.

use crate::day::DeviceDay;
use crate::jobs::{Job, Role};

/// Share that is reported: two fifths.
const NUMERATOR: u32 = 2;
const DENOMINATOR: u32 = 5;

pub(super) fn apply(day: &mut DeviceDay, jobs: &[Job], idle_milliwatts: u32) {
    let shrink = |value: u32| value * NUMERATOR / DENOMINATOR;
    for sample in &mut day.samples {
        let trains = sample.job.is_some_and(|job| matches!(jobs[job].role, Role::Training | Role::Excess));
        if trains {
            sample.tensor_micro = shrink(sample.tensor_micro);
            sample.dram_micro = shrink(sample.dram_micro);
            let above = sample.reported_milliwatts.saturating_sub(idle_milliwatts);
            sample.reported_milliwatts = idle_milliwatts.min(sample.reported_milliwatts) + shrink(above);
        }
    }
}
