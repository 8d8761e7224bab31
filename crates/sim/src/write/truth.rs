//! What really happened, per device and hour. Tests compare metering with it.

use crate::day::{DeviceDay, Sample};
use crate::error::SimError;
use crate::world::Lab;
use standstill_statement::Class;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

const HOUR_MS: i64 = 3_600_000;

#[derive(Default)]
struct Cell {
    milliseconds: u64,
    tensor_micro_ms: u128,
    microjoules: u128,
}

pub(super) struct Truth {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Truth {
    pub(super) fn create(path: &Path) -> Result<Self, SimError> {
        let file = File::create(path).map_err(|source| SimError::Write { path: path.to_owned(), source })?;
        let mut truth = Self { path: path.to_owned(), out: BufWriter::new(file) };
        truth.line("device,hour_start_ms,class,run,milliseconds,tensor_micro_ms,energy_mj\n")?;
        Ok(truth)
    }

    fn line(&mut self, line: &str) -> Result<(), SimError> {
        let path = &self.path;
        self.out.write_all(line.as_bytes()).map_err(|source| SimError::Write { path: path.clone(), source })
    }

    pub(super) fn device(&mut self, lab: &Lab, device: usize, day: &DeviceDay) -> Result<(), SimError> {
        let Some(origin) = day.samples.first().map(|sample| sample.time_ms) else { return Ok(()) };
        let mut cells: BTreeMap<(i64, Class, &str), Cell> = BTreeMap::new();
        for pair in day.samples.windows(2) {
            let job = pair[1].job.map(|job| &lab.jobs[job]);
            let run = job.and_then(|job| job.run.as_ref()).map_or("", |run| run.as_str());
            let hour = origin + (pair[1].time_ms - 1 - origin) / HOUR_MS * HOUR_MS;
            let class = job.map_or(Class::Idle, |job| job.class);
            cells.entry((hour, class, run)).or_default().add(&pair[0], &pair[1]);
        }
        let key = lab.devices[device].key.clone();
        for ((hour, class, run), cell) in cells {
            let Cell { milliseconds, tensor_micro_ms, microjoules } = cell;
            self.line(&format!(
                "{key},{hour},{class},{run},{milliseconds},{tensor_micro_ms},{}\n",
                microjoules / 1000
            ))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), SimError> {
        self.out.flush().map_err(|source| SimError::Write { path: self.path, source })
    }
}

impl Cell {
    fn add(&mut self, before: &Sample, sample: &Sample) {
        let elapsed_ms = sample.time_ms.abs_diff(before.time_ms);
        self.milliseconds += elapsed_ms;
        self.tensor_micro_ms += u128::from(sample.true_tensor_micro) * u128::from(elapsed_ms);
        self.microjoules += u128::from(sample.milliwatts) * u128::from(elapsed_ms);
    }
}
