//! The streaming pass: batches of rows to units of (device, slot), in integer arithmetic.
//!
//! Rows arrive in runs of one device. A run whose times ascend by at most the contract's longest gap, within one slot and job, is summed
//! column by column in loops that the compiler vectorises; everything else goes row by row through [`Unit::append`], so that there is one
//! rule and a short cut that is tested against it.

use crate::accumulator::{Accumulator, Piece};
use crate::contract::{Grid, SourceContract};
use crate::order;
use crate::sample::{MISSING, MISSING_COUNTER, NO_JOB};
use crate::unit::{Reading, Row, Unit};
use crate::wide::widest;
use crate::{Batch, Dictionary, MeterError, Partials};
use std::ops::Range;

/// Meters one stream of batches.
#[derive(Debug)]
pub struct Meter {
    contract: SourceContract,
    grid: Grid,
    place: String,
    /// Devices of the stream; an adapter interns here and writes the indices into its batches.
    pub devices: Dictionary,
    /// Jobs of the stream.
    pub jobs: Dictionary,
    open: Vec<Option<OpenUnit>>,
    closed: Vec<(u32, i64, Unit)>,
    steps_ms: Vec<u32>,
}

#[derive(Debug)]
struct OpenUnit {
    slot: i64,
    end_ms: i64,
    unit: Unit,
}

impl Meter {
    /// A meter for one stream; `place` names the source in errors.
    #[must_use]
    pub fn new(place: impl Into<String>, contract: SourceContract, grid: Grid) -> Self {
        Self {
            contract,
            grid,
            place: place.into(),
            devices: Dictionary::devices(),
            jobs: Dictionary::jobs(),
            open: Vec::new(),
            closed: Vec::new(),
            steps_ms: Vec::new(),
        }
    }

    /// The source's contract.
    #[must_use]
    pub const fn contract(&self) -> &SourceContract {
        &self.contract
    }

    /// Meters a batch.
    ///
    /// # Errors
    /// [`MeterError::Batch`] for an inconsistent batch.
    pub fn push(&mut self, batch: &Batch) -> Result<(), MeterError> {
        batch.check(&self.place, self.devices.len(), self.jobs.len())?;
        self.push_checked(batch);
        Ok(())
    }

    /// Meters a batch whose adapter guarantees what [`Batch::check`] checks.
    pub(crate) fn push_checked(&mut self, batch: &Batch) {
        if self.open.len() < self.devices.len() {
            self.open.resize_with(self.devices.len(), || None);
            // One unit per device is the rule in an hourly row group; growing step by step would copy each unit again and again.
            self.closed.reserve(self.devices.len().saturating_sub(self.closed.len()));
        }
        if order::alternates(&batch.device) {
            let grouped = order::group(batch);
            self.push_runs(&grouped);
        } else {
            self.push_runs(batch);
        }
    }

    fn push_runs(&mut self, batch: &Batch) {
        let mut start = 0;
        while start < batch.len() {
            let end = start + equal_prefix(&batch.device[start..]);
            self.push_run(batch, start..end, batch.device[start]);
            start = end;
        }
    }

    /// One run of rows of one device.
    fn push_run(&mut self, batch: &Batch, run: Range<usize>, device: u32) {
        let longest = u32::try_from(self.contract.max_gap_ms).unwrap_or(u32::MAX);
        let times = &batch.time_ms[run.clone()];
        let mut steps = std::mem::take(&mut self.steps_ms);
        let pace = pace(times, longest, &mut steps);
        if pace == Pace::Irregular && times.windows(2).any(|pair| pair[1] < pair[0]) {
            self.push_disordered(batch, run, device);
        } else {
            self.push_ascending(batch, &run, device, pace, &steps);
        }
        self.steps_ms = steps;
    }

    /// Rows whose times do not decrease.
    fn push_ascending(&mut self, batch: &Batch, run: &Range<usize>, device: u32, pace: Pace, steps_ms: &[u32]) {
        let mut start = run.start;
        while start < run.end {
            self.push_row(device, &row_at(batch, start));
            let end = if pace == Pace::Irregular { start + 1 } else { self.plain_end(batch, start..run.end, device) };
            if end > start + 1 {
                let steps_ms = &steps_ms[start - run.start..end - 1 - run.start];
                self.push_plain(batch, start..end, device, pace, steps_ms);
            }
            start = end.max(start + 1);
        }
    }

    fn push_disordered(&mut self, batch: &Batch, run: Range<usize>, device: u32) {
        let last_ms = self.open[device as usize].as_ref().map(|open| open.unit.last.time_ms);
        for (at, flag) in order::sort(&batch.time_ms, run, self.contract.max_disorder_ms, last_ms) {
            let row = row_at(batch, at);
            if flag == order::Flag::Refused {
                self.refuse_row(device, &row);
                continue;
            }
            self.push_row(device, &row);
            if let Some(open) = self.open[device as usize].as_mut().filter(|_| flag == order::Flag::Late) {
                open.unit.tally.disordered = open.unit.tally.disordered.saturating_add(1);
            }
        }
    }

    /// End of the rows after `rows.start` that the short cut may sum: same job, same slot, counters rising.
    fn plain_end(&self, batch: &Batch, rows: Range<usize>, device: u32) -> usize {
        let start = rows.start;
        let Some(open) = &self.open[device as usize] else { return start };
        let times = &batch.time_ms[rows.clone()];
        if open.unit.last.time_ms != times[0] || open.unit.broken || !continues(&open.unit, batch, start) {
            return start;
        }
        let inside = times[times.len() - 1] < open.end_ms;
        let mut length = if inside { times.len() } else { times.partition_point(|&time_ms| time_ms < open.end_ms) };
        if let Some(jobs) = &batch.job {
            length = equal_prefix(&jobs[start..start + length]);
        }
        for counter in [&batch.energy_millijoules, &batch.cycles_active, &batch.cycles_elapsed].into_iter().flatten() {
            length = rising(&counter[start..start + length]);
        }
        if batch.cycles_active.is_some() || batch.cycles_elapsed.is_some() {
            length = length.min(possible_cycles(batch, start..start + length));
        }
        start + length
    }

    /// Sums rows `rows.start + 1 ..`; the first row of the range is already in the unit.
    fn push_plain(&mut self, batch: &Batch, rows: Range<usize>, device: u32, pace: Pace, steps_ms: &[u32]) {
        let Some(open) = &mut self.open[device as usize] else { return };
        let (first, last) = (rows.start, rows.end - 1);
        let rest = first + 1..rows.end;
        let unit = &mut open.unit;
        let added_ms = u32::try_from(batch.time_ms[last] - batch.time_ms[first]).unwrap_or(u32::MAX);
        let job = job_at(batch, first);
        let column = |column: &Option<Vec<u32>>| {
            column.as_ref().map(|values| Summed::of(&values[rest.clone()], pace, steps_ms, added_ms))
        };
        let tensor = column(&batch.tensor_active);
        let dram = column(&batch.dram_active);
        let power = column(&batch.power_milliwatts);
        let active_ms = active_time(batch, &rest, pace, steps_ms, if job == NO_JOB { 0 } else { added_ms });
        let cell = unit.cell_mut(job);
        cell.covered_ms += added_ms;
        cell.active_ms += active_ms;
        for (summed, time_ms, integral) in [
            (&tensor, &mut cell.tensor_ms, &mut cell.tensor_micro_ms),
            (&dram, &mut cell.dram_ms, &mut cell.dram_micro_ms),
            (&power, &mut cell.power_ms, &mut cell.power_microjoules),
        ] {
            if let Some(summed) = summed {
                *time_ms += summed.time_ms;
                *integral += summed.integral;
            }
        }
        let end = row_at(batch, last);
        push_counters(unit, batch, first, &end, u64::from(added_ms));
        unit.tally.rows = unit.tally.rows.saturating_add(u32::try_from(rest.len()).unwrap_or(u32::MAX));
        unit.tally.blanks = unit.tally.blanks.saturating_add(tensor.map_or(0, |summed| summed.missing));
        unit.last = end.reading;
    }

    /// One row by the general rule.
    fn push_row(&mut self, device: u32, row: &Row) {
        let slot = self.grid.slot_of(row.reading.time_ms);
        let place = &mut self.open[device as usize];
        match place {
            Some(open) if row.reading.time_ms < open.unit.last.time_ms => open.unit.refuse(1),
            Some(open) if open.slot == slot => open.unit.append(&Unit::open(row), &self.contract),
            _ => {
                let fresh =
                    OpenUnit { slot, end_ms: self.grid.start_of(slot.saturating_add(1)), unit: Unit::open(row) };
                if let Some(done) = place.replace(fresh) {
                    self.closed.push((device, done.slot, done.unit));
                }
            }
        }
    }

    fn refuse_row(&mut self, device: u32, row: &Row) {
        match &mut self.open[device as usize] {
            Some(open) => open.unit.refuse(1),
            None => self.push_row(device, row),
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`MeterError::EnergyUnit`] when the energy counter and the power gauge of a device disagree by a factor of about 1,000.
    pub fn finish(self) -> Result<Partials, MeterError> {
        let (place, contract, grid) = (self.place.clone(), self.contract.clone(), self.grid);
        let mut sum = Accumulator::new(contract, grid);
        sum.add(self.into_piece())?;
        let partials = sum.into_partials();
        partials.check_energy_unit(&place)?;
        Ok(partials)
    }

    /// Ends the stream without judging units; the engine does that once over all pieces.
    #[must_use]
    pub fn into_piece(mut self) -> Piece {
        for (device, open) in self.open.into_iter().enumerate() {
            if let (Ok(device), Some(open)) = (u32::try_from(device), open) {
                self.closed.push((device, open.slot, open.unit));
            }
        }
        Piece { devices: self.devices, jobs: self.jobs, units: self.closed }
    }
}

/// True when the unit's counters stand at this row, so that a difference from it is a difference from them.
fn continues(unit: &Unit, batch: &Batch, at: usize) -> bool {
    let row = row_at(batch, at);
    let energy = unit.energy.is_none_or(|own| row.energy == own.1.millijoules && own.1.time_ms == row.reading.time_ms);
    let cycles = unit.cycles.as_ref().is_none_or(|own| {
        let same = row.cycles_active == own.1.active && row.cycles_elapsed == own.1.elapsed;
        same && own.1.time_ms == row.reading.time_ms
    });
    energy && cycles
}

fn job_at(batch: &Batch, at: usize) -> u32 {
    batch.job.as_ref().map_or(NO_JOB, |column| column[at])
}

/// The row at an index, with sentinels for absent columns.
fn row_at(batch: &Batch, at: usize) -> Row {
    let narrow = |column: &Option<Vec<u32>>| column.as_ref().map_or(MISSING, |values| values[at]);
    let wide = |column: &Option<Vec<u64>>| column.as_ref().map_or(MISSING_COUNTER, |values| values[at]);
    let tensor = narrow(&batch.tensor_active);
    Row {
        reading: Reading {
            time_ms: batch.time_ms[at],
            job: job_at(batch, at),
            tensor,
            dram: narrow(&batch.dram_active),
            power: narrow(&batch.power_milliwatts),
        },
        energy: wide(&batch.energy_millijoules),
        cycles_active: wide(&batch.cycles_active),
        cycles_elapsed: wide(&batch.cycles_elapsed),
        blank: batch.tensor_active.is_some() && tensor == MISSING,
    }
}

/// How the times of a run advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Every step is this long and allowed.
    Even(u32),
    /// Every step is allowed.
    Allowed,
    /// Some step is zero, negative or a gap.
    Irregular,
}

/// Fills `out` with the time steps between the rows and judges them against `1..=longest`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn pace(times: &[i64], longest: u32, out: &mut Vec<u32>) -> Pace {
    out.clear();
    // Bits above the lowest 32 show a negative or huge step; the rest is judged in 32 bits, four lanes at a time.
    let mut high = 0u64;
    widest(|| {
        out.extend(times.iter().zip(times.iter().skip(1)).map(|(&earlier, &later)| {
            let step = later.wrapping_sub(earlier) as u64;
            high |= step >> 32;
            step as u32
        }));
    });
    let Some(&first) = out.first() else { return Pace::Allowed };
    let differ = widest(|| out.iter().fold(0, |differ, &step| differ | (step ^ first)));
    let allowed = |step: u32| step.wrapping_sub(1) < longest;
    if high != 0 || !allowed(first) {
        return Pace::Irregular;
    }
    if differ == 0 {
        return Pace::Even(first);
    }
    if out.iter().fold(true, |all, &step| all & allowed(step)) { Pace::Allowed } else { Pace::Irregular }
}

/// Number of leading values equal to the first.
pub(crate) fn equal_prefix<T: Copy + PartialEq>(values: &[T]) -> usize {
    let Some(&first) = values.first() else { return 0 };
    // Whole blocks without a branch per value, then the block that differs value by value.
    let blocks = widest(|| {
        let mut end = 0;
        while let Some(block) = values.get(end..end + BLOCK) {
            let mut same = true;
            for value in block {
                same &= *value == first;
            }
            if !same {
                break;
            }
            end += BLOCK;
        }
        end
    });
    let rest = &values[blocks..];
    blocks + rest.iter().position(|value| *value != first).unwrap_or(rest.len())
}

const BLOCK: usize = 32;

/// Number of leading counter readings that are present and do not fall.
fn rising(values: &[u64]) -> usize {
    match values.first() {
        None => return 0,
        Some(&MISSING_COUNTER) => return 1,
        Some(_) => {}
    }
    // Whole blocks without a branch per value, then the block that breaks value by value.
    let rises = |(earlier, later): (&u64, &u64)| (later >= earlier) & (*later != MISSING_COUNTER);
    let pairs = values.len() - 1;
    let whole = |block: &usize| {
        let pairs = values[*block..*block + BLOCK].iter().zip(&values[*block + 1..=*block + BLOCK]);
        pairs.fold(true, |all, pair| all & rises(pair))
    };
    let blocks = widest(|| (0..pairs / BLOCK).map(|block| block * BLOCK).take_while(whole).count()) * BLOCK;
    let rest = values[blocks..].windows(2).position(|pair| !rises((&pair[0], &pair[1])));
    rest.map_or(values.len(), |at| blocks + at + 1)
}

/// Number of leading rows over which active cycles never outrun elapsed ones; 1 when one of the two columns is absent.
fn possible_cycles(batch: &Batch, rows: Range<usize>) -> usize {
    let (Some(active), Some(elapsed)) = (&batch.cycles_active, &batch.cycles_elapsed) else { return 1 };
    let (active, elapsed) = (&active[rows.clone()], &elapsed[rows]);
    let mut pairs = active.windows(2).zip(elapsed.windows(2));
    pairs.position(|(a, e)| a[1] - a[0] > e[1] - e[0]).map_or(active.len(), |at| at + 1)
}

/// A gauge integrated over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summed {
    /// Time that present readings speak for.
    time_ms: u32,
    /// `Σ value · step`.
    integral: u64,
    /// Blank readings.
    missing: u32,
}

/// Values below 2^20 (every activity, and power up to 1,048 W) can be added 4,096 at a time in 32 bits.
const SMALL: u32 = 1 << 20;

impl Summed {
    fn of(values: &[u32], pace: Pace, steps_ms: &[u32], all_ms: u32) -> Self {
        if let Pace::Even(step) = pace {
            let mut sum = 0u64;
            let mut small = true;
            for block in values.chunks(4_096) {
                let one = |(seen, part): (u32, u32), &value: &u32| (seen | value, part.wrapping_add(value));
                let (seen, part) = widest(|| block.iter().fold((0, 0), one));
                small &= seen < SMALL;
                sum += u64::from(part);
            }
            if small {
                return Self { time_ms: all_ms, integral: sum * u64::from(step), missing: 0 };
            }
        }
        let product = |(&value, &step): (&u32, &u32)| u64::from(value) * u64::from(step);
        if !has_missing(values) {
            return Self { time_ms: all_ms, integral: values.iter().zip(steps_ms).map(product).sum(), missing: 0 };
        }
        let present = || values.iter().zip(steps_ms).filter(|(value, _)| **value != MISSING);
        Self {
            time_ms: present().map(|(_, step)| step).sum(),
            integral: present().map(product).sum(),
            missing: values.iter().map(|&value| u32::from(value == MISSING)).sum(),
        }
    }
}

/// Time with activity: tensor or memory above zero; `otherwise_ms` when neither column has a reading.
fn active_time(batch: &Batch, rows: &Range<usize>, pace: Pace, steps_ms: &[u32], otherwise_ms: u32) -> u32 {
    if batch.tensor_active.is_none() && batch.dram_active.is_none() {
        return otherwise_ms;
    }
    let tensor = batch.tensor_active.as_ref().map(|values| &values[rows.clone()]);
    let dram = batch.dram_active.as_ref().map(|values| &values[rows.clone()]);
    if let (Some(tensor), Some(dram), Pace::Even(step)) = (tensor, dram, pace) {
        let one = |(seen, busy): (u32, u32), (&t, &d): (&u32, &u32)| (seen | t | d, busy + u32::from(t | d != 0));
        let (seen, busy) = widest(|| tensor.iter().zip(dram).fold((0, 0), one));
        if seen < SMALL {
            return busy * step;
        }
    }
    let value = |column: Option<&[u32]>, at: usize| column.map_or(MISSING, |values| values[at]);
    let busy = |value: u32| value != 0 && value != MISSING;
    let one = |(at, &step): (usize, &u32)| match (value(tensor, at), value(dram, at)) {
        (MISSING, MISSING) => u32::from(otherwise_ms > 0) * step,
        (t, d) => u32::from(busy(t) | busy(d)) * step,
    };
    steps_ms.iter().enumerate().map(one).sum()
}

fn has_missing(values: &[u32]) -> bool {
    values.iter().fold(false, |seen, &value| seen | (value == MISSING))
}

/// Adds counter differences over rows whose counters rise throughout: last minus first.
fn push_counters(unit: &mut Unit, batch: &Batch, first: usize, end: &Row, ms: u64) {
    let Reading { time_ms, job, .. } = end.reading;
    if let (Some(column), Some(own)) = (&batch.energy_millijoules, unit.energy.as_mut()) {
        own.1 = crate::unit::EnergyPoint { time_ms, job, millijoules: end.energy };
        unit.cell_mut(job).add_energy(end.energy - column[first], ms);
    }
    if let (Some(active), Some(elapsed), Some(own)) =
        (&batch.cycles_active, &batch.cycles_elapsed, unit.cycles.as_mut())
    {
        own.1 = crate::unit::CyclePoint { time_ms, job, active: end.cycles_active, elapsed: end.cycles_elapsed };
        let (active, elapsed) = (end.cycles_active - active[first], end.cycles_elapsed - elapsed[first]);
        unit.cell_mut(job).add_cycles(active, elapsed, ms);
    }
}
