//! The unit of metering: everything known about one device in one slot, and how two parts of it join.
//!
//! A unit holds sums over the stretches *between its own readings*, plus its first and last readings. The stretch between two units is
//! folded in only when a window is finished, so units of different slots never depend on each other: shards that are disjoint in
//! (device, slot) merge by union, in any order, to the same bits.

use crate::contract::SourceContract;
use crate::sample::{MISSING, MISSING_COUNTER, NO_JOB};
use smallvec::SmallVec;
use std::cmp::Ordering;

/// Pseudo-job of energy and cycles counted over a gap, whose job is not known.
pub const GAP_JOB: u32 = u32::MAX;

/// One row, as far as the next row needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index.
    pub job: u32,
    /// Tensor activity in millionths or [`MISSING`].
    pub tensor: u32,
    /// DRAM activity in millionths or [`MISSING`].
    pub dram: u32,
    /// Power in milliwatts or [`MISSING`].
    pub power: u32,
}

/// A reading of the energy counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnergyPoint {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index at that row.
    pub job: u32,
    /// Counter, millijoules.
    pub millijoules: u64,
}

/// A reading of the two cycle counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CyclePoint {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Job index at that row.
    pub job: u32,
    /// Cycles with a tensor pipe active.
    pub active: u64,
    /// Cycles elapsed.
    pub elapsed: u64,
}

/// Sums of one job on one device in one slot. Times are milliseconds and never exceed the slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Time between consecutive readings no further apart than the contract allows.
    pub covered_ms: u32,
    /// Part of it with activity (tensor or memory above zero; without activity readings: with a job).
    pub active_ms: u32,
    /// Part of it that a tensor activity speaks for.
    pub tensor_ms: u32,
    /// Part of it that a DRAM activity speaks for.
    pub dram_ms: u32,
    /// Part of it that a power reading speaks for.
    pub power_ms: u32,
    /// Time between two readings of the energy counter.
    pub energy_ms: u32,
    /// Time between two readings of the cycle counters.
    pub cycles_ms: u32,
    /// Time in which a counter went backwards: taken from `covered_ms` and unaccounted when the window is finished.
    pub reset_ms: u32,
    /// Tensor activity integrated over time, millionths · ms.
    pub tensor_micro_ms: u64,
    /// DRAM activity integrated over time, millionths · ms.
    pub dram_micro_ms: u64,
    /// Power integrated over time, mW · ms = microjoules.
    pub power_microjoules: u64,
    /// Energy counter differences, millijoules.
    pub energy_millijoules: u64,
    /// Active-cycle differences.
    pub cycles_active: u64,
    /// Elapsed-cycle differences.
    pub cycles_elapsed: u64,
}

/// What happened to the rows of a unit besides being summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read, all of them.
    pub rows: u32,
    /// Rows equal to an earlier row of the same time.
    pub duplicates: u32,
    /// Rows that give another value for the same time. The first one counts.
    pub conflicts: u32,
    /// Rows that came late and were sorted.
    pub disordered: u32,
    /// Rows that came too late and were refused.
    pub refused: u32,
    /// Times that the energy counter went backwards.
    pub energy_resets: u32,
    /// Times that a cycle counter went backwards.
    pub cycle_resets: u32,
    /// Rows whose activity is blank although the source has the column.
    pub blanks: u32,
}

/// Sums by job, sorted by job. Nearly every unit has one job: it lies in the unit itself, as millions of small allocations between the
/// decoder's buffers would make those wander through cold memory.
pub type Cells = SmallVec<[(u32, Sums); 1]>;

/// Everything known about one device in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// First reading.
    pub first: Reading,
    /// Last reading.
    pub last: Reading,
    /// First and last energy reading.
    pub energy: Option<(EnergyPoint, EnergyPoint)>,
    /// First and last cycle reading.
    pub cycles: Option<Box<(CyclePoint, CyclePoint)>>,
    /// True when rows after `last` were refused, so that the next stretch is unaccounted.
    pub broken: bool,
    /// Sums by job, sorted by job.
    pub cells: Cells,
    /// Row counts.
    pub tally: Tally,
}

/// One full row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Time, job and gauges.
    pub reading: Reading,
    /// Energy counter or [`MISSING_COUNTER`].
    pub energy: u64,
    /// Active-cycle counter or [`MISSING_COUNTER`].
    pub cycles_active: u64,
    /// Elapsed-cycle counter or [`MISSING_COUNTER`].
    pub cycles_elapsed: u64,
    /// True when the source has an activity column and this row's is empty.
    pub blank: bool,
}

impl Row {
    fn energy_point(&self) -> Option<EnergyPoint> {
        let Reading { time_ms, job, .. } = self.reading;
        (self.energy != MISSING_COUNTER).then_some(EnergyPoint { time_ms, job, millijoules: self.energy })
    }

    fn cycle_point(&self) -> Option<CyclePoint> {
        let Reading { time_ms, job, .. } = self.reading;
        let present = self.cycles_active != MISSING_COUNTER && self.cycles_elapsed != MISSING_COUNTER;
        present.then_some(CyclePoint { time_ms, job, active: self.cycles_active, elapsed: self.cycles_elapsed })
    }
}

impl Reading {
    /// True when the stretch that this reading speaks for had activity.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        if self.tensor == MISSING && self.dram == MISSING {
            self.job != NO_JOB
        } else {
            (self.tensor != MISSING && self.tensor > 0) || (self.dram != MISSING && self.dram > 0)
        }
    }
}

/// What lies between two readings of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The counter rose by `delta` (energy, or active cycles with elapsed cycles beside) and the job of the stretch is known.
    Job(u32),
    /// It rose, but over a gap: whose work it was is not known.
    Gap,
    /// It went backwards: reset, overflow or another device. The stretch is unaccounted.
    Reset,
}

/// Milliseconds from `from` to `to`, zero when `to` is earlier.
#[must_use]
pub fn milliseconds_between(from_ms: i64, to_ms: i64) -> u64 {
    u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0)
}

/// Whose stretch it is between two counter readings that rose.
fn owner(from: (i64, u32), to: (i64, u32), contract: &SourceContract) -> Link {
    let ms = milliseconds_between(from.0, to.0);
    let bridged = from.1 == to.1 && ms <= contract.max_bridge_ms;
    if ms <= contract.max_gap_ms || bridged { Link::Job(to.1) } else { Link::Gap }
}

/// Judges two energy readings.
#[must_use]
pub fn link_energy(from: &EnergyPoint, to: &EnergyPoint, contract: &SourceContract) -> Link {
    if to.millijoules < from.millijoules {
        return Link::Reset;
    }
    owner((from.time_ms, from.job), (to.time_ms, to.job), contract)
}

/// Judges two cycle readings. More active than elapsed cycles are as impossible as a falling counter.
#[must_use]
pub fn link_cycles(from: &CyclePoint, to: &CyclePoint, contract: &SourceContract) -> Link {
    let impossible = to.active < from.active || to.elapsed < from.elapsed;
    if impossible || to.active - from.active > to.elapsed - from.elapsed {
        return Link::Reset;
    }
    owner((from.time_ms, from.job), (to.time_ms, to.job), contract)
}

/// Milliseconds inside a slot fit 32 bits: a slot is at most 24 h.
fn narrow(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

impl Sums {
    /// Adds a stretch of `ms` that `reading` speaks for.
    pub fn add_gauges(&mut self, reading: &Reading, ms: u64) {
        let short = narrow(ms);
        self.covered_ms = self.covered_ms.saturating_add(short);
        if reading.is_active() {
            self.active_ms = self.active_ms.saturating_add(short);
        }
        let integral = |value: u32| u64::from(value).saturating_mul(ms);
        if reading.tensor != MISSING {
            self.tensor_ms = self.tensor_ms.saturating_add(short);
            self.tensor_micro_ms = self.tensor_micro_ms.saturating_add(integral(reading.tensor));
        }
        if reading.dram != MISSING {
            self.dram_ms = self.dram_ms.saturating_add(short);
            self.dram_micro_ms = self.dram_micro_ms.saturating_add(integral(reading.dram));
        }
        if reading.power != MISSING {
            self.power_ms = self.power_ms.saturating_add(short);
            self.power_microjoules = self.power_microjoules.saturating_add(integral(reading.power));
        }
    }

    /// Adds an energy difference over `ms`.
    pub fn add_energy(&mut self, millijoules: u64, ms: u64) {
        self.energy_ms = self.energy_ms.saturating_add(narrow(ms));
        self.energy_millijoules = self.energy_millijoules.saturating_add(millijoules);
    }

    /// Adds cycle differences over `ms`.
    pub fn add_cycles(&mut self, active: u64, elapsed: u64, ms: u64) {
        self.cycles_ms = self.cycles_ms.saturating_add(narrow(ms));
        self.cycles_active = self.cycles_active.saturating_add(active);
        self.cycles_elapsed = self.cycles_elapsed.saturating_add(elapsed);
    }

    /// Adds time that counters bridge although the gauges do not speak for it.
    pub fn add_bridged(&mut self, active: bool, ms: u64) {
        self.covered_ms = self.covered_ms.saturating_add(narrow(ms));
        if active {
            self.active_ms = self.active_ms.saturating_add(narrow(ms));
        }
    }

    /// Adds other sums of the same job, device and slot.
    pub fn add(&mut self, other: &Self) {
        let times = [
            (&mut self.covered_ms, other.covered_ms),
            (&mut self.active_ms, other.active_ms),
            (&mut self.tensor_ms, other.tensor_ms),
            (&mut self.dram_ms, other.dram_ms),
            (&mut self.power_ms, other.power_ms),
            (&mut self.energy_ms, other.energy_ms),
            (&mut self.cycles_ms, other.cycles_ms),
            (&mut self.reset_ms, other.reset_ms),
        ];
        times.into_iter().for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
        let integrals = [
            (&mut self.tensor_micro_ms, other.tensor_micro_ms),
            (&mut self.dram_micro_ms, other.dram_micro_ms),
            (&mut self.power_microjoules, other.power_microjoules),
            (&mut self.energy_millijoules, other.energy_millijoules),
            (&mut self.cycles_active, other.cycles_active),
            (&mut self.cycles_elapsed, other.cycles_elapsed),
        ];
        integrals.into_iter().for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
    }
}

impl Tally {
    /// Adds the counts of another part of the same unit.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.rows, other.rows),
            (&mut self.duplicates, other.duplicates),
            (&mut self.conflicts, other.conflicts),
            (&mut self.disordered, other.disordered),
            (&mut self.refused, other.refused),
            (&mut self.energy_resets, other.energy_resets),
            (&mut self.cycle_resets, other.cycle_resets),
            (&mut self.blanks, other.blanks),
        ];
        pairs.into_iter().for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
    }
}

impl Unit {
    /// A unit of one row.
    #[must_use]
    pub fn open(row: &Row) -> Self {
        Self {
            first: row.reading,
            last: row.reading,
            energy: row.energy_point().map(|point| (point, point)),
            cycles: row.cycle_point().map(|point| Box::new((point, point))),
            broken: false,
            cells: Cells::new(),
            tally: Tally { rows: 1, blanks: u32::from(row.blank), ..Tally::default() },
        }
    }

    /// The sums of a job, made when absent.
    pub fn cell_mut(&mut self, job: u32) -> &mut Sums {
        let at = match self.cells.binary_search_by_key(&job, |cell| cell.0) {
            Ok(at) => at,
            Err(at) => {
                self.cells.insert(at, (job, Sums::default()));
                at
            }
        };
        &mut self.cells[at].1
    }

    /// Counts a row that came too late; the stretch after it is unaccounted.
    pub fn refuse(&mut self, rows: u32) {
        self.tally.rows = self.tally.rows.saturating_add(rows);
        self.tally.refused = self.tally.refused.saturating_add(rows);
        self.broken = true;
    }

    /// Adds a later part of the same device and slot: a row, or a whole run of rows.
    ///
    /// A part that starts before this one ends cannot be cut any more: its rows are refused, which is an alarm when the window is finished.
    pub fn append(&mut self, next: &Self, contract: &SourceContract) {
        match next.first.time_ms.cmp(&self.last.time_ms) {
            Ordering::Less => return self.refuse(next.tally.rows),
            Ordering::Equal => {
                if self.repeats(next) {
                    self.tally.duplicates = self.tally.duplicates.saturating_add(1);
                } else {
                    self.tally.conflicts = self.tally.conflicts.saturating_add(1);
                }
            }
            Ordering::Greater => self.join_gauges(&next.first, contract),
        }
        self.join_energy(next, contract);
        self.join_cycles(next, contract);
        next.cells.iter().for_each(|(job, sums)| self.cell_mut(*job).add(sums));
        self.tally.add(&next.tally);
        if next.last.time_ms > self.last.time_ms {
            self.last = next.last;
            self.broken = next.broken;
        } else {
            self.broken |= next.broken;
        }
    }

    /// True when the first row of `next`, at the time of our last row, says the same.
    fn repeats(&self, next: &Self) -> bool {
        let time_ms = self.last.time_ms;
        let energy = match (&self.energy, &next.energy) {
            (Some((_, mine)), Some((theirs, _))) if mine.time_ms == time_ms && theirs.time_ms == time_ms => {
                mine == theirs
            }
            _ => true,
        };
        let cycles = match (&self.cycles, &next.cycles) {
            (Some(mine), Some(theirs)) if mine.1.time_ms == time_ms && theirs.0.time_ms == time_ms => {
                mine.1 == theirs.0
            }
            _ => true,
        };
        self.last == next.first && energy && cycles
    }

    fn join_gauges(&mut self, next: &Reading, contract: &SourceContract) {
        let ms = milliseconds_between(self.last.time_ms, next.time_ms);
        if !self.broken && ms <= contract.max_gap_ms {
            self.cell_mut(next.job).add_gauges(next, ms);
        }
    }

    fn join_energy(&mut self, next: &Self, contract: &SourceContract) {
        let (Some((from, to)), Some((_, end))) =
            (self.energy.map(|own| own.1).zip(next.energy.map(|own| own.0)), next.energy)
        else {
            self.energy = self.energy.or(next.energy);
            return;
        };
        let ms = milliseconds_between(from.time_ms, to.time_ms);
        if ms > 0 {
            match link_energy(&from, &to, contract) {
                Link::Job(job) => self.cell_mut(job).add_energy(to.millijoules - from.millijoules, ms),
                Link::Gap => self.cell_mut(GAP_JOB).add_energy(to.millijoules - from.millijoules, ms),
                Link::Reset => {
                    self.tally.energy_resets = self.tally.energy_resets.saturating_add(1);
                    self.count_reset(to.job, ms);
                }
            }
        }
        // A repeated time keeps our own point, as the first value counts.
        if let Some(own) = self.energy.as_mut().filter(|_| end.time_ms > from.time_ms) {
            own.1 = end;
        }
    }

    fn join_cycles(&mut self, next: &Self, contract: &SourceContract) {
        let Some(theirs) = next.cycles.as_deref().copied() else { return };
        let Some((from, to)) = self.cycles.as_deref().map(|own| (own.1, theirs.0)) else {
            self.cycles = Some(Box::new(theirs));
            return;
        };
        let ms = milliseconds_between(from.time_ms, to.time_ms);
        if ms > 0 {
            match link_cycles(&from, &to, contract) {
                Link::Reset => {
                    self.tally.cycle_resets = self.tally.cycle_resets.saturating_add(1);
                    self.count_reset(to.job, ms);
                }
                link => self.add_cycle_stretch(link, &from, &to, next, contract),
            }
        }
        if let Some(own) = self.cycles.as_mut().filter(|_| theirs.1.time_ms > from.time_ms) {
            own.1 = theirs.1;
        }
    }

    fn add_cycle_stretch(
        &mut self,
        link: Link,
        from: &CyclePoint,
        to: &CyclePoint,
        next: &Self,
        contract: &SourceContract,
    ) {
        let ms = milliseconds_between(from.time_ms, to.time_ms);
        let (active, elapsed) = (to.active - from.active, to.elapsed - from.elapsed);
        let bridges = bridges_gap(self, next, from, to, contract);
        let job = if let Link::Job(job) = link { job } else { GAP_JOB };
        let cell = self.cell_mut(job);
        cell.add_cycles(active, elapsed, ms);
        if bridges && job != GAP_JOB {
            cell.add_bridged(active > 0, ms);
        }
    }

    fn count_reset(&mut self, job: u32, ms: u64) {
        let cell = self.cell_mut(job);
        cell.reset_ms = cell.reset_ms.saturating_add(narrow(ms));
    }
}

/// True when the gauges leave a gap that two adjacent rows with cycle counters span.
#[must_use]
pub fn bridges_gap(from: &Unit, to: &Unit, a: &CyclePoint, b: &CyclePoint, contract: &SourceContract) -> bool {
    let adjacent = from.last.time_ms == a.time_ms && to.first.time_ms == b.time_ms;
    adjacent && !from.broken && milliseconds_between(a.time_ms, b.time_ms) > contract.max_gap_ms
}
