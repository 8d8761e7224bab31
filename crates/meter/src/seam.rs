//! Folding the seams: what lies between the last reading of one unit and the first of the next, split at slot borders.

use crate::contract::{Grid, SourceContract};
use crate::unit::{
    CyclePoint, EnergyPoint, GAP_JOB, Link, Reading, Sums, Unit, bridges_gap, link_cycles, link_energy,
    milliseconds_between,
};
use crate::{MeterError, Partials};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Sums of one device in one slot by job, seams included; jobs ascend.
pub type SlotCells = Vec<(u32, Sums)>;

/// Result of folding one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Cells of each slot that has any, within the range asked for; slots ascend.
    pub slots: Vec<(i64, SlotCells)>,
    /// Energy resets seen at seams in the range.
    pub energy_resets: u64,
    /// Cycle resets seen at seams in the range.
    pub cycle_resets: u64,
}

/// Folds the units of one device, keeping the slots in `range`. Units outside still lend their edge readings.
#[must_use]
pub fn fold(units: &[(i64, Unit)], contract: &SourceContract, grid: &Grid, range: Range<i64>) -> Folded {
    let out = Folded { slots: Vec::with_capacity(units.len() + 1), ..Folded::default() };
    let mut folder = Folder { contract, grid, range, out };
    let mut energy: Option<EnergyPoint> = None;
    let mut cycles: Option<CyclePoint> = None;
    let mut previous: Option<&Unit> = None;
    for (slot, unit) in units {
        if folder.range.contains(slot) {
            unit.cells.iter().for_each(|(job, sums)| folder.cell(*slot, *job).add(sums));
        }
        if let Some(before) = previous {
            folder.gauges(before, &unit.first);
            if let (Some(from), Some((to, _))) = (energy, unit.energy) {
                folder.energy(&from, &to);
            }
            if let (Some(from), Some(points)) = (cycles, unit.cycles.as_deref()) {
                let bridges = bridges_gap(before, unit, &from, &points.0, contract);
                folder.cycles(&from, &points.0, bridges);
            }
        }
        energy = unit.energy.map(|points| points.1).or(energy);
        cycles = unit.cycles.as_deref().map(|points| points.1).or(cycles);
        previous = Some(unit);
    }
    folder.out
}

struct Folder<'a> {
    contract: &'a SourceContract,
    grid: &'a Grid,
    range: Range<i64>,
    out: Folded,
}

impl Folder<'_> {
    fn cell(&mut self, slot: i64, job: u32) -> &mut Sums {
        let slots = &mut self.out.slots;
        let at = match slots.last() {
            Some((last, _)) if *last == slot => slots.len() - 1,
            Some((last, _)) if *last > slot => slots.partition_point(|known| known.0 < slot),
            _ => slots.len(),
        };
        if slots.get(at).is_none_or(|known| known.0 != slot) {
            slots.insert(at, (slot, SlotCells::with_capacity(2)));
        }
        let cells = &mut slots[at].1;
        let at = match cells.binary_search_by_key(&job, |cell| cell.0) {
            Ok(at) => at,
            Err(at) => {
                cells.insert(at, (job, Sums::default()));
                at
            }
        };
        &mut cells[at].1
    }

    /// The slots in range that `(from, to]` touches, each with the part of the stretch in it.
    fn pieces(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = (i64, i64, i64)> + use<> {
        let grid = *self.grid;
        let first = grid.slot_of(from_ms).max(self.range.start);
        let last = grid.slot_of(to_ms.saturating_sub(1)).min(self.range.end.saturating_sub(1));
        (first..=last).map(move |slot| (slot, from_ms.max(grid.start_of(slot)), to_ms.min(grid.start_of(slot + 1))))
    }

    fn gauges(&mut self, before: &Unit, next: &Reading) {
        let from_ms = before.last.time_ms;
        if before.broken || milliseconds_between(from_ms, next.time_ms) > self.contract.max_gap_ms {
            return;
        }
        for (slot, start, end) in self.pieces(from_ms, next.time_ms) {
            self.cell(slot, next.job).add_gauges(next, milliseconds_between(start, end));
        }
    }

    fn energy(&mut self, from: &EnergyPoint, to: &EnergyPoint) {
        let job = match link_energy(from, to, self.contract) {
            Link::Job(job) => job,
            Link::Gap => GAP_JOB,
            Link::Reset => {
                self.out.energy_resets += self.reset(from.time_ms, to.time_ms, to.job);
                return;
            }
        };
        // A rise that spans the border of the range belongs whole to the range in which it was read, so that the entries of a window add
        // up to the difference of the counter readings at its borders, with nothing invented in between.
        let (range_start, range_end) = (self.grid.start_of(self.range.start), self.grid.start_of(self.range.end));
        if to.time_ms > range_end || to.time_ms <= range_start {
            return;
        }
        let (rise, from_ms) = (to.millijoules - from.millijoules, from.time_ms.max(range_start));
        for (slot, start, end) in self.pieces(from_ms, to.time_ms) {
            let part = share(rise, from_ms, to.time_ms, start, end);
            self.cell(slot, job).add_energy(part, milliseconds_between(start, end));
        }
    }

    fn cycles(&mut self, from: &CyclePoint, to: &CyclePoint, bridges: bool) {
        let job = match link_cycles(from, to, self.contract) {
            Link::Job(job) => job,
            Link::Gap => GAP_JOB,
            Link::Reset => {
                self.out.cycle_resets += self.reset(from.time_ms, to.time_ms, to.job);
                return;
            }
        };
        let (active, elapsed) = (to.active - from.active, to.elapsed - from.elapsed);
        for (slot, start, end) in self.pieces(from.time_ms, to.time_ms) {
            let part = |rise| share(rise, from.time_ms, to.time_ms, start, end);
            let ms = milliseconds_between(start, end);
            let cell = self.cell(slot, job);
            cell.add_cycles(part(active), part(elapsed), ms);
            if bridges && job != GAP_JOB {
                cell.add_bridged(active > 0, ms);
            }
        }
    }

    /// Marks a stretch as lost; 1 when any of it lies in range.
    fn reset(&mut self, from_ms: i64, to_ms: i64, job: u32) -> u64 {
        let mut seen = 0;
        for (slot, start, end) in self.pieces(from_ms, to_ms) {
            let ms = u32::try_from(milliseconds_between(start, end)).unwrap_or(u32::MAX);
            let cell = self.cell(slot, job);
            cell.reset_ms = cell.reset_ms.saturating_add(ms);
            seen = 1;
        }
        seen
    }
}

/// Part of `rise` over `(from, to]` that falls into `(start, end]`: cumulative shares rounded down, so that the parts add up exactly.
fn share(rise: u64, from_ms: i64, to_ms: i64, start_ms: i64, end_ms: i64) -> u64 {
    let whole = u128::from(milliseconds_between(from_ms, to_ms).max(1));
    let until = |time_ms| u128::from(rise) * u128::from(milliseconds_between(from_ms, time_ms)) / whole;
    u64::try_from(until(end_ms) - until(start_ms)).unwrap_or(u64::MAX)
}

/// Wide sums of a group of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Covered device time, ms.
    pub covered_ms: u128,
    /// Tensor activity integral, millionths · ms.
    pub tensor_micro_ms: u128,
    /// DRAM activity integral, millionths · ms.
    pub dram_micro_ms: u128,
    /// Power integral, microjoules.
    pub power_microjoules: u128,
    /// Energy counter, millijoules.
    pub energy_millijoules: u128,
}

impl Partials {
    /// First and one past the last slot that has readings.
    #[must_use]
    pub fn slot_range(&self) -> Range<i64> {
        let ends = self.devices.values().filter_map(|units| Some((units.first()?.0, units.last()?.0)));
        ends.map(|(first, last)| first..last.saturating_add(1))
            .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            .unwrap_or(0..0)
    }

    /// Sums by job, slot and whatever `group` makes of a device key (its chip model, its area), seams included.
    ///
    /// # Errors
    /// [`MeterError::Limit`] when the readings span over 100,000 slots, which only a broken clock does.
    pub fn rollup<'p, G: Ord + Clone>(
        &'p self,
        group: impl Fn(&'p str) -> G,
    ) -> Result<BTreeMap<(&'p str, i64, G), Rollup>, MeterError> {
        let range = self.slot_range();
        let span = range.end.saturating_sub(range.start);
        if span > 100_000 {
            return Err(MeterError::Limit {
                place: self.contract.name.clone(),
                what: "the number of slots between first and last reading",
                found: span.unsigned_abs(),
                limit: 100_000,
                remedy: "check the clock of the exporter and the unit of the time column",
            });
        }
        // Keyed by numbers while summing; names and groups are put in order once at the end.
        let mut labels: BTreeMap<G, u32> = BTreeMap::new();
        let mut devices: Vec<(u32, &[(i64, Unit)])> = Vec::with_capacity(self.devices.len());
        for (device, units) in &self.devices {
            let next = u32::try_from(labels.len()).unwrap_or(u32::MAX);
            devices.push((*labels.entry(group(device)).or_insert(next), units));
        }
        let sums = self.sum_cells(&devices, &range);
        let mut groups: Vec<(u32, G)> = labels.into_iter().map(|(group, label)| (label, group)).collect();
        groups.sort_by_key(|known| known.0);
        let name = |job: u32| if job == GAP_JOB { "(gap)" } else { self.jobs.name(job) };
        let named = sums.into_iter().filter_map(|((job, slot, label), sums)| {
            let (_, group) = groups.get(label as usize)?;
            Some(((name(job), slot, group.clone()), sums))
        });
        Ok(named.collect())
    }

    /// Sums cells by (job, slot, label) on all cores; integer sums come out the same however the devices are shared out.
    fn sum_cells(&self, devices: &[(u32, &[(i64, Unit)])], range: &Range<i64>) -> CellSums {
        let part = |devices: &[(u32, &[(i64, Unit)])]| {
            let mut sums = CellSums::new();
            for (label, units) in devices {
                for (slot, cells) in &fold(units, &self.contract, &self.grid, range.clone()).slots {
                    cells.iter().for_each(|(job, cell)| sums.entry((*job, *slot, *label)).or_default().add(cell));
                }
            }
            sums
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = devices.len().div_ceil(threads).max(256);
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                devices.chunks(share).map(|chunk| (chunk, scope.spawn(move || part(chunk)))).collect();
            // A worker that was lost is made good here: its devices are summed again.
            let parts = workers.into_iter().map(|(chunk, worker)| worker.join().unwrap_or_else(|_| part(chunk)));
            let join = |mut all: CellSums, part: CellSums| {
                part.into_iter().for_each(|(key, sums)| {
                    let sum = all.entry(key).or_default();
                    *sum = sum.plus(sums);
                });
                all
            };
            parts.reduce(join).unwrap_or_default()
        })
    }
}

/// Sums by job, slot and group label.
type CellSums = HashMap<(u32, i64, u32), Rollup>;

impl Rollup {
    fn add(&mut self, sums: &Sums) {
        self.covered_ms += u128::from(sums.covered_ms);
        self.tensor_micro_ms += u128::from(sums.tensor_micro_ms);
        self.dram_micro_ms += u128::from(sums.dram_micro_ms);
        self.power_microjoules += u128::from(sums.power_microjoules);
        self.energy_millijoules += u128::from(sums.energy_millijoules);
    }

    /// Adds another group.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            covered_ms: self.covered_ms + other.covered_ms,
            tensor_micro_ms: self.tensor_micro_ms + other.tensor_micro_ms,
            dram_micro_ms: self.dram_micro_ms + other.dram_micro_ms,
            power_microjoules: self.power_microjoules + other.power_microjoules,
            energy_millijoules: self.energy_millijoules + other.energy_millijoules,
        }
    }
}
