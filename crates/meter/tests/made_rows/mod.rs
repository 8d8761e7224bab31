//! Rows for tests, and a slow meter written from the rules alone.
#![allow(dead_code, unreachable_pub)]

use standstill_meter::sample::{MISSING, MISSING_COUNTER};
use standstill_meter::{Batch, Grid, Meter, Partials, SourceContract};
use std::collections::BTreeMap;

pub const START_MS: i64 = 1_780_272_000_000;
pub const GRID: Grid = Grid { origin_ms: START_MS, slot_ms: 3_600_000 };

/// A row in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub device: usize,
    pub time_ms: i64,
    pub job: String,
    pub tensor: u32,
    pub dram: u32,
    pub power: u32,
    pub energy: u64,
    pub active: u64,
    pub elapsed: u64,
}

impl Row {
    /// A row of device 0 with half activity at 500 W, `seconds` after the start.
    pub fn at(seconds: i64) -> Self {
        let (active, elapsed) = (MISSING_COUNTER, MISSING_COUNTER);
        let (tensor, dram, power, energy) = (500_000, 250_000, 500_000, MISSING_COUNTER);
        Self {
            device: 0,
            time_ms: START_MS + seconds * 1_000,
            job: "7".into(),
            tensor,
            dram,
            power,
            energy,
            active,
            elapsed,
        }
    }

    pub fn energy(mut self, millijoules: u64) -> Self {
        self.energy = millijoules;
        self
    }

    pub fn cycles(mut self, active: u64, elapsed: u64) -> Self {
        (self.active, self.elapsed) = (active, elapsed);
        self
    }

    pub fn job(mut self, job: &str) -> Self {
        self.job = job.to_owned();
        self
    }

    pub fn idle(mut self) -> Self {
        (self.tensor, self.dram, self.power) = (0, 0, 70_000);
        self.job("")
    }
}

pub fn device_name(device: usize) -> String {
    format!("GPU-{device}")
}

/// Columns that a batch carries.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub energy: bool,
    pub cycles: bool,
}

pub const GAUGES: Columns = Columns { energy: false, cycles: false };
pub const ALL: Columns = Columns { energy: true, cycles: true };
pub const ENERGY: Columns = Columns { energy: true, cycles: false };

pub fn batch(meter: &mut Meter, rows: &[Row], columns: Columns) -> Batch {
    let mut batch = Batch::default();
    for row in rows {
        batch.device.push(meter.devices.intern(&device_name(row.device)).unwrap());
        batch.time_ms.push(row.time_ms);
        batch.job.get_or_insert_default().push(meter.jobs.intern(&row.job).unwrap());
        batch.tensor_active.get_or_insert_default().push(row.tensor);
        batch.dram_active.get_or_insert_default().push(row.dram);
        batch.power_milliwatts.get_or_insert_default().push(row.power);
        if columns.energy {
            batch.energy_millijoules.get_or_insert_default().push(row.energy);
        }
        if columns.cycles {
            batch.cycles_active.get_or_insert_default().push(row.active);
            batch.cycles_elapsed.get_or_insert_default().push(row.elapsed);
        }
    }
    batch
}

/// Meters rows in batches of the given lengths (the last length repeats).
pub fn metered(rows: &[Row], columns: Columns, lengths: &[usize]) -> Partials {
    let mut meter = Meter::new("test", SourceContract::dcgm(10_000), GRID);
    let mut rest = rows;
    let mut lengths = lengths.iter().copied().chain(std::iter::repeat(lengths.last().copied().unwrap_or(1_000).max(1)));
    while !rest.is_empty() {
        let (now, later) = rest.split_at(lengths.next().unwrap().clamp(1, rest.len()));
        let batch = batch(&mut meter, now, columns);
        meter.push(&batch).unwrap();
        rest = later;
    }
    meter.finish().unwrap()
}

/// What the slow meter finds per (device, slot, job).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub covered_ms: u128,
    pub tensor_micro_ms: u128,
    pub dram_micro_ms: u128,
    pub power_microjoules: u128,
}

/// The gauge rules, millisecond piece by millisecond piece: no fast path, no units, no carried state but the previous row.
pub fn slow_meter(rows: &[Row]) -> BTreeMap<(String, i64, String), Expected> {
    let contract = SourceContract::dcgm(10_000);
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    let mut sums: BTreeMap<(String, i64, String), Expected> = BTreeMap::new();
    for row in rows {
        let before = last.insert(row.device, row.time_ms);
        let Some(mut from) = before else { continue };
        if row.time_ms <= from || (row.time_ms - from).unsigned_abs() > contract.max_gap_ms {
            continue;
        }
        while from < row.time_ms {
            let slot = (from - START_MS).div_euclid(3_600_000);
            let until = row.time_ms.min(START_MS + (slot + 1) * 3_600_000);
            let ms = (until - from).unsigned_abs() as u128;
            let sum = sums.entry((device_name(row.device), slot, row.job.clone())).or_default();
            sum.covered_ms += ms;
            for (value, integral) in [
                (row.tensor, &mut sum.tensor_micro_ms),
                (row.dram, &mut sum.dram_micro_ms),
                (row.power, &mut sum.power_microjoules),
            ] {
                if value != MISSING {
                    *integral += u128::from(value) * ms;
                }
            }
            from = until;
        }
    }
    sums
}

/// The meter's own figures in the same shape.
pub fn found(partials: &Partials) -> BTreeMap<(String, i64, String), Expected> {
    let all = partials.rollup(str::to_owned).unwrap();
    let named = all.into_iter().map(|((job, slot, device), sums)| {
        let expected = Expected {
            covered_ms: sums.covered_ms,
            tensor_micro_ms: sums.tensor_micro_ms,
            dram_micro_ms: sums.dram_micro_ms,
            power_microjoules: sums.power_microjoules,
        };
        ((device, slot, job.to_owned()), expected)
    });
    named.filter(|(_, expected)| *expected != Expected::default()).collect()
}
