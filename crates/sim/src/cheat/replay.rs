//! Replayed telemetry: one quiet hour of serving, exported again and again in place of the truth. The counter keeps rising, by
//! the replayed power, so the export agrees with itself; it does not agree with the area power meter, nor does real noise repeat.

use super::is_excess;
use crate::day::DeviceDay;
use crate::jobs::Job;

/// Length of the recording, samples.
const RECORDED: usize = 60;

pub(super) fn apply(day: &mut DeviceDay, jobs: &[Job], idle_milliwatts: u32) {
    for index in 0..day.samples.len() {
        if is_excess(day, jobs, index) {
            // The recording is arithmetic, not a stored file: a small fixed wobble with the recording's period.
            let wobble = u32::try_from(index % RECORDED * 7919 % 97).unwrap_or(0);
            let sample = &mut day.samples[index];
            sample.tensor_micro = 60_000 + wobble * 400;
            sample.dram_micro = 350_000 + wobble * 900;
            sample.reported_milliwatts = idle_milliwatts * 2 + wobble * 300;
        }
    }
}
