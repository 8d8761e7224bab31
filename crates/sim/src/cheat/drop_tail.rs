//! Tail-drop: the last rows of the day of the devices that trained in secret never reach the export.

use super::is_excess;
use crate::day::DeviceDay;
use crate::jobs::Job;

pub(super) fn apply(day: &mut DeviceDay, jobs: &[Job]) {
    for index in 0..day.samples.len() {
        if is_excess(day, jobs, index) {
            day.samples[index].exported = false;
        }
    }
}
