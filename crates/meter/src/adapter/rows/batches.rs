//! Joined readings to batches.

use super::{Collector, Holder, Joint, Point};
use crate::adapter::dcgm_series::{Quantity, SLICES_PER_DEVICE};
use crate::sample::{MISSING, MISSING_COUNTER, NO_JOB};
use crate::{Batch, Dictionary, MeterError};

/// Rows of one batch from this module.
const ROWS_PER_BATCH: usize = 1 << 16;

/// What the rows are made for.
#[derive(Debug, Clone, Copy)]
pub struct RowRules {
    /// A stretch longer than this is a gap; it is never divided among workloads, because dividing it would hide it. Milliseconds.
    pub max_gap_ms: u64,
    /// Drop rows that repeat every value of the row before them: for answers that a server resampled.
    pub drop_stale: bool,
}

impl Collector {
    /// Turns everything collected into batches, sorted by device name and time, with the given dictionaries.
    ///
    /// # Errors
    /// A conflict between two readings of the same device and time, or a dictionary over its limit, each named with `place`.
    pub fn into_batches(
        mut self,
        place: &str,
        rules: &RowRules,
        devices: &mut Dictionary,
        jobs: &mut Dictionary,
    ) -> Result<(Vec<Batch>, super::Notes), MeterError> {
        let mut points = std::mem::take(&mut self.points);
        points.sort_unstable();
        let mut order = vec![0_u32; self.devices.len()];
        for (name, old) in &self.devices {
            order[*old as usize] = devices.intern(name)?;
        }
        let mut writer = Writer { batches: Vec::new(), open: empty_batch(), previous: None };
        for group in points.chunk_by(|a, b| a.device == b.device && a.time_ms == b.time_ms) {
            let joint = self.joint(group).map_err(|fault| fault.in_file(place, "labelled GPU readings"))?;
            let stale = writer.row(&order, group[0], &joint, rules, jobs)?;
            self.notes.stale += u64::from(stale);
        }
        Ok((writer.finish(), self.notes))
    }
}

fn empty_batch() -> Batch {
    Batch {
        job: Some(Vec::new()),
        tensor_active: Some(Vec::new()),
        dram_active: Some(Vec::new()),
        power_milliwatts: Some(Vec::new()),
        energy_millijoules: Some(Vec::new()),
        cycles_active: Some(Vec::new()),
        cycles_elapsed: Some(Vec::new()),
        ..Batch::default()
    }
}

struct Writer {
    batches: Vec<Batch>,
    open: Batch,
    previous: Option<(u32, i64, Joint)>,
}

/// One row in the columns of a batch.
struct Row {
    device: u32,
    time_ms: i64,
    job: u32,
    tensor: u32,
    dram: u32,
    power: u32,
    energy: u64,
    active: u64,
    elapsed: u64,
}

impl Writer {
    /// Writes one joint reading; true when it was dropped as stale.
    fn row(
        &mut self,
        order: &[u32],
        at: Point,
        joint: &Joint,
        rules: &RowRules,
        jobs: &mut Dictionary,
    ) -> Result<bool, MeterError> {
        let device = order[at.device as usize];
        let before = self.previous.take().filter(|(d, ..)| *d == device);
        if rules.drop_stale && before.as_ref().is_some_and(|(.., last)| is_stale(last, joint)) {
            self.previous = before;
            return Ok(true);
        }
        let span = before.as_ref().map(|(_, start, _)| at.time_ms - start);
        let divisible = span.is_some_and(|s| s > 0 && s.unsigned_abs() <= rules.max_gap_ms) && joint.holders.len() > 1;
        if let (true, Some((_, start, last))) = (divisible, &before) {
            self.divided(device, *start, at.time_ms, last, joint, jobs)?;
        } else {
            let job = match joint.holders.iter().max_by_key(|h| h.weight).and_then(|h| h.workload.as_deref()) {
                Some(name) => jobs.intern(name)?,
                None => NO_JOB,
            };
            self.push(whole_row(device, at.time_ms, job, joint));
        }
        self.previous = Some((device, at.time_ms, joint.clone()));
        Ok(false)
    }

    /// Divides the stretch `(start, end]` among the holders, each for its weight; counters are interpolated so that they telescope.
    fn divided(
        &mut self,
        device: u32,
        start: i64,
        end: i64,
        last: &Joint,
        joint: &Joint,
        jobs: &mut Dictionary,
    ) -> Result<(), MeterError> {
        let total = i64::from(joint.weight_total.max(1));
        let mut weight = 0;
        let mut written = start;
        for holder in &joint.holders {
            weight += i64::from(holder.weight);
            let time_ms = if weight >= total { end } else { start + (end - start) * weight / total };
            if time_ms == written {
                continue;
            }
            written = time_ms;
            let job = match holder.workload.as_deref() {
                Some(name) => jobs.intern(name)?,
                None => NO_JOB,
            };
            let mut row = whole_row(device, time_ms, job, joint);
            if joint.from_instances {
                row.tensor = narrow(holder.tensor);
                row.dram = narrow(holder.dram);
            }
            let share = (u64::try_from(weight.min(total)).unwrap_or(0), u64::try_from(total).unwrap_or(1));
            row.energy = between(last, joint, Quantity::Energy, share);
            row.active = between(last, joint, Quantity::TensorCycles, share);
            row.elapsed = between(last, joint, Quantity::CyclesElapsed, share);
            self.push(row);
        }
        Ok(())
    }

    fn push(&mut self, row: Row) {
        let b = &mut self.open;
        b.device.push(row.device);
        b.time_ms.push(row.time_ms);
        let narrow_columns = [&mut b.job, &mut b.tensor_active, &mut b.dram_active, &mut b.power_milliwatts];
        for (column, value) in narrow_columns.into_iter().zip([row.job, row.tensor, row.dram, row.power]) {
            column.get_or_insert_default().push(value);
        }
        let wide_columns = [&mut b.energy_millijoules, &mut b.cycles_active, &mut b.cycles_elapsed];
        for (column, value) in wide_columns.into_iter().zip([row.energy, row.active, row.elapsed]) {
            column.get_or_insert_default().push(value);
        }
        if self.open.len() >= ROWS_PER_BATCH {
            self.batches.push(std::mem::replace(&mut self.open, empty_batch()));
        }
    }

    fn finish(mut self) -> Vec<Batch> {
        if !self.open.is_empty() {
            self.batches.push(self.open);
        }
        for batch in &mut self.batches {
            drop_blank_columns(batch);
        }
        self.batches
    }
}

/// A column without a single reading is no column.
fn drop_blank_columns(batch: &mut Batch) {
    for column in [&mut batch.tensor_active, &mut batch.dram_active, &mut batch.power_milliwatts] {
        if column.as_ref().is_some_and(|values| values.iter().all(|v| *v == MISSING)) {
            *column = None;
        }
    }
    for column in [&mut batch.energy_millijoules, &mut batch.cycles_active, &mut batch.cycles_elapsed] {
        if column.as_ref().is_some_and(|values| values.iter().all(|v| *v == MISSING_COUNTER)) {
            *column = None;
        }
    }
    if batch.job.as_ref().is_some_and(|values| values.iter().all(|v| *v == NO_JOB)) {
        batch.job = None;
    }
}

fn whole_row(device: u32, time_ms: i64, job: u32, joint: &Joint) -> Row {
    let wide = |quantity| joint.values.get(&quantity).copied().unwrap_or(MISSING_COUNTER);
    let (tensor, dram) = if joint.from_instances {
        (weighted(&joint.holders, |h| h.tensor), weighted(&joint.holders, |h| h.dram))
    } else {
        (joint.values.get(&Quantity::TensorActive).copied(), joint.values.get(&Quantity::DramActive).copied())
    };
    Row {
        device,
        time_ms,
        job,
        tensor: narrow(tensor),
        dram: narrow(dram),
        power: narrow(joint.values.get(&Quantity::Power).copied()),
        energy: wide(Quantity::Energy),
        active: wide(Quantity::TensorCycles),
        elapsed: wide(Quantity::CyclesElapsed),
    }
}

/// The device's ratio from its slices, rounded up: a slice without a reading makes the whole blank.
fn weighted(holders: &[Holder], of: impl Fn(&Holder) -> Option<u64>) -> Option<u64> {
    let sum = holders.iter().try_fold(0_u64, |sum, holder| Some(sum + of(holder)? * u64::from(holder.weight)))?;
    Some(sum.div_ceil(u64::from(SLICES_PER_DEVICE)))
}

fn narrow(value: Option<u64>) -> u32 {
    value.and_then(|v| u32::try_from(v).ok()).unwrap_or(MISSING)
}

/// A counter's value at a share of the stretch; missing when it is missing at an end or went backwards (then only the end is given).
fn between(last: &Joint, joint: &Joint, quantity: Quantity, (weight, total): (u64, u64)) -> u64 {
    let Some(end) = joint.values.get(&quantity).copied() else { return MISSING_COUNTER };
    if weight == total {
        return end;
    }
    match last.values.get(&quantity).copied() {
        Some(start) if start <= end => {
            let part = u128::from(end - start) * u128::from(weight) / u128::from(total);
            start + u64::try_from(part).unwrap_or(0)
        }
        _ => MISSING_COUNTER,
    }
}

/// A row that repeats every value of the one before although at least one of them cannot stand still: a positive gauge reading repeats to
/// its last digit only when a server copied it. Rows of zeros are real (an idle device without power readings).
fn is_stale(last: &Joint, now: &Joint) -> bool {
    last.values == now.values
        && last.holders == now.holders
        && now.values.iter().any(|(quantity, value)| *value > 0 && *value < now_cap(*quantity))
}

/// Fully busy (1.0) may stand still for hours.
fn now_cap(quantity: Quantity) -> u64 {
    match quantity {
        Quantity::TensorActive | Quantity::DramActive => 1_000_000,
        _ => u64::MAX,
    }
}
