//! The readings of one group, in the meter's integers, until the group is closed.

use crate::engine::Rules;
use crate::sample::{MISSING, MISSING_COUNTER};
use crate::stream::Meter;
use crate::{Batch, Dictionary, MeterError, Partials};
use std::cmp::Ordering;

/// Rows handed to the kernel at a time; it gives the same bits for any number.
const KERNEL_ROWS: usize = 65_536;

/// Rough cost of a name in a dictionary besides its text, bytes.
const NAME_BYTES: usize = 48;

/// Readings in any order.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) devices: Dictionary,
    pub(super) jobs: Dictionary,
    pub(super) batch: Batch,
    name_bytes: usize,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { devices: Dictionary::devices(), jobs: Dictionary::jobs(), batch: Batch::default(), name_bytes: 0 }
    }

    pub(super) fn device(&mut self, name: &str) -> Result<u32, MeterError> {
        let before = self.devices.len();
        let index = self.devices.intern(name)?;
        self.name_bytes += (self.devices.len() - before) * (name.len() + NAME_BYTES);
        Ok(index)
    }

    pub(super) fn job(&mut self, name: &str) -> Result<u32, MeterError> {
        let before = self.jobs.len();
        let index = self.jobs.intern(name)?;
        self.name_bytes += (self.jobs.len() - before) * (name.len() + NAME_BYTES);
        Ok(index)
    }

    /// Memory held, bytes.
    pub(super) fn bytes(&self) -> usize {
        let Batch { device, time_ms, job, tensor_active, dram_active, power_milliwatts, .. } = &self.batch;
        let Batch { energy_millijoules, cycles_active, cycles_elapsed, .. } = &self.batch;
        let narrow = [job, tensor_active, dram_active, power_milliwatts];
        let wide = [energy_millijoules, cycles_active, cycles_elapsed];
        let narrow: usize = narrow.into_iter().flatten().map(Vec::capacity).sum::<usize>() + device.capacity();
        let wide: usize = wide.into_iter().flatten().map(Vec::capacity).sum::<usize>() + time_ms.capacity();
        size_of::<Self>() + narrow * 4 + wide * 8 + self.name_bytes
    }

    /// Meters the rows, sorted by device and time.
    ///
    /// Of several rows of one device and time the smallest by (job, readings, counters) counts, so that the order in which partitions
    /// delivered them does not.
    pub(super) fn meter(&self, rules: &Rules, place: &str) -> Result<Partials, MeterError> {
        let mut meter = Meter::new(place, rules.contract.clone(), rules.grid);
        meter.devices = self.devices.clone();
        meter.jobs = self.jobs.clone();
        let count = self.batch.len();
        if u32::try_from(count).is_err() {
            return Err(MeterError::Limit {
                place: place.to_owned(),
                what: "the number of readings in one group",
                found: count as u64,
                limit: u32::MAX.into(),
                remedy: "group by device",
            });
        }
        let sorted = self.sorted();
        let mut order = Vec::with_capacity(KERNEL_ROWS.min(count));
        let mut start = 0;
        while start < count {
            let end = (start + KERNEL_ROWS).min(count);
            order.clear();
            match &sorted {
                Some(sorted) => order.extend(sorted[start..end].iter().map(|&at| at as usize)),
                None => order.extend(start..end),
            }
            meter.push(&self.gather(&order))?;
            start = end;
        }
        meter.finish()
    }

    /// The order by device and time; none when the rows stand in it.
    fn sorted(&self) -> Option<Vec<u32>> {
        let in_order = (1..self.batch.len()).all(|at| self.compare(at - 1, at) != Ordering::Greater);
        if in_order {
            return None;
        }
        let mut order: Vec<u32> = (0..u32::try_from(self.batch.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by(|&a, &b| self.compare(a as usize, b as usize));
        Some(order)
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let batch = &self.batch;
        let first = (batch.device[a], batch.time_ms[a]).cmp(&(batch.device[b], batch.time_ms[b]));
        first.then_with(|| self.rest(a).cmp(&self.rest(b)))
    }

    /// What tells rows of one device and time apart. Jobs by name: their numbers depend on the order of partitions.
    fn rest(&self, at: usize) -> (&str, [u32; 3], [u64; 3]) {
        let narrow = |column: &Option<Vec<u32>>| column.as_ref().map_or(MISSING, |values| values[at]);
        let wide = |column: &Option<Vec<u64>>| column.as_ref().map_or(MISSING_COUNTER, |values| values[at]);
        let Batch { job, tensor_active, dram_active, power_milliwatts, .. } = &self.batch;
        let Batch { energy_millijoules, cycles_active, cycles_elapsed, .. } = &self.batch;
        let job = job.as_ref().map_or("", |values| self.jobs.name(values[at]));
        let gauges = [narrow(tensor_active), narrow(dram_active), narrow(power_milliwatts)];
        (job, gauges, [wide(energy_millijoules), wide(cycles_active), wide(cycles_elapsed)])
    }

    fn gather(&self, order: &[usize]) -> Batch {
        fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|&at| values[at]).collect()
        }
        let narrow = |column: &Option<Vec<u32>>| column.as_ref().map(|values| pick(values, order));
        let wide = |column: &Option<Vec<u64>>| column.as_ref().map(|values| pick(values, order));
        Batch {
            device: pick(&self.batch.device, order),
            time_ms: pick(&self.batch.time_ms, order),
            job: narrow(&self.batch.job),
            tensor_active: narrow(&self.batch.tensor_active),
            dram_active: narrow(&self.batch.dram_active),
            power_milliwatts: narrow(&self.batch.power_milliwatts),
            energy_millijoules: wide(&self.batch.energy_millijoules),
            cycles_active: wide(&self.batch.cycles_active),
            cycles_elapsed: wide(&self.batch.cycles_elapsed),
        }
    }
}
