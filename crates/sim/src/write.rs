//! Writing one lab's day.

mod parquet;
mod slurm;
mod truth;

use crate::day::DeviceDay;
use crate::error::SimError;
use crate::fitted;
use crate::random::Stream;
use crate::world::{DayFiles, Lab, World};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(crate) fn day(world: &World, lab: &Lab, day: u32, dir: &Path) -> Result<DayFiles, SimError> {
    std::fs::create_dir_all(dir).map_err(|source| SimError::Write { path: dir.to_owned(), source })?;
    let path = |name: &str| dir.join(format!("{}-day-{day:03}-{name}", lab.spec.id));
    let files = DayFiles {
        telemetry: path("telemetry.parquet"),
        accounting: path("sacct.txt"),
        mapping: path("prolog.json"),
        power: path("area-power.csv"),
        truth: path("truth.csv"),
    };
    let mut telemetry = parquet::Export::create(&files.telemetry, lab)?;
    let mut truth = truth::Truth::create(&files.truth)?;
    let mut areas = Areas::default();
    let mut counters = world.counters(lab, day);
    for device in lab.by_key() {
        let (drawn, end) = world.device_day(lab, device, day, counters[device]);
        counters[device] = end;
        areas.add(lab, device, &drawn);
        truth.device(lab, device, &drawn)?;
        if !lab.is_ghost(device) {
            telemetry.device(device, &drawn)?;
        }
    }
    world.remember(lab, day + 1, counters);
    telemetry.finish()?;
    truth.finish()?;
    text(&files.power, &areas.csv(world, lab, day))?;
    text(&files.accounting, &slurm::accounting(world, lab, day))?;
    text(&files.mapping, &slurm::mapping(lab, day))?;
    Ok(files)
}

fn text(path: &PathBuf, content: &str) -> Result<(), SimError> {
    std::fs::write(path, content).map_err(|source| SimError::Write { path: path.clone(), source })
}

impl Lab {
    /// Devices in the order of their keys: the order of every export.
    pub(crate) fn by_key(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.devices.len()).collect();
        order.sort_by(|a, b| self.devices[*a].key.cmp(&self.devices[*b].key));
        order
    }
}

/// True power per area and step: what a meter in the feed sees, whatever the exporter says.
#[derive(Default)]
struct Areas {
    milliwatts: BTreeMap<String, Vec<u64>>,
}

impl Areas {
    fn add(&mut self, lab: &Lab, device: usize, day: &DeviceDay) {
        let area = lab.devices[device].area.to_string();
        let sums = self.milliwatts.entry(area).or_insert_with(|| vec![0; day.samples.len()]);
        for (sum, sample) in sums.iter_mut().zip(&day.samples) {
            *sum += u64::from(sample.milliwatts) + fitted::NODE_OVERHEAD_MILLIWATTS;
        }
    }

    /// `area,time_ms,watts`: mean over the stretch that ends at the time. The first reading of a day is that of midnight.
    fn csv(&self, world: &World, lab: &Lab, day: u32) -> String {
        let mut random = Stream::new(world.seed(), &format!("meter/{}/{day}", lab.spec.id));
        let start_ms = (world.spec().start_unix_seconds + u64::from(day) * 86_400) * 1000;
        let mut text = String::from("area,time_ms,watts\n");
        for (area, sums) in &self.milliwatts {
            for (step, sum) in sums.iter().enumerate() {
                let time_ms = start_ms + step as u64 * u64::from(world.spec().period_ms);
                let factor = 1_000_000 + random.normal_millis() * fitted::METER_NOISE_PER_MILLE;
                let deciwatts = u128::from(*sum) * u128::from(factor.unsigned_abs()) / 1_000_000 / 100;
                let _ = writeln!(text, "{area},{time_ms},{}.{}", deciwatts / 10, deciwatts % 10);
            }
        }
        text
    }
}
