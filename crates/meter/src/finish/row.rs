//! One device in one window.

use super::alarms::Alarms;
use super::evidence::{Case, energy_of, not_still_ms};
use super::{FinishOptions, UpperRule};
use crate::Partials;
use crate::jobs::{JobFacts, JobMap};
use crate::sample::NO_JOB;
use crate::seam::{SlotCells, fold};
use crate::unit::{GAP_JOB, Sums, Unit};
use standstill_ledger::{AlarmKind, ChipModel, Device, DeviceWindow, SlotEntry, WindowSpec};
use standstill_statement::Class;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) struct RowMaker<'a> {
    pub(super) partials: &'a Partials,
    pub(super) spec: &'a WindowSpec,
    pub(super) jobs: &'a JobMap,
    pub(super) options: FinishOptions,
    pub(super) slots: Range<i64>,
    pub(super) job_time: BTreeMap<u32, u64>,
}

/// What a device's slots lost, for its alarms.
#[derive(Default)]
struct Lost {
    gaps: u64,
    gap_ms: u64,
    reset_ms: u64,
    overfull: u64,
    /// Undeclared jobs: time lost and what is missing.
    jobs: BTreeMap<u32, (u64, &'static str)>,
}

/// A slot being filled.
struct Slot<'a> {
    chip: &'a ChipModel,
    can_run: bool,
    has_counter: bool,
    entries: Vec<SlotEntry>,
    unaccounted_ms: u32,
    unaccounted_millijoules: u64,
    still_ms: u32,
    still_millijoules: u64,
}

impl RowMaker<'_> {
    pub(super) fn row(&self, device: &Device, chip: &ChipModel, alarms: &mut Alarms) -> DeviceWindow {
        let units = self.partials.devices.get(&device.key).map_or(&[][..], Vec::as_slice);
        let folded = fold(units, &self.partials.contract, &self.partials.grid, self.slots.clone());
        let can_run = device.custody_at(self.spec.index).can_run();
        let (counter_start_millijoules, counter_end_millijoules) = self.counters(units);
        let mut lost = Lost::default();
        let empty = SlotCells::new();
        let slots = self.slots.clone().map(|slot| {
            let at = folded.slots.binary_search_by_key(&slot, |known| known.0);
            let cells = at.map_or(&empty, |at| &folded.slots[at].1);
            self.slot(cells, Slot::new(chip, can_run, counter_end_millijoules.is_some()), &mut lost)
        });
        let slots: Vec<Vec<SlotEntry>> = slots.collect();
        let inside = units.iter().filter(|(slot, _)| self.slots.contains(slot)).map(|(_, unit)| unit);
        alarms.of_units(&device.key, inside, (folded.energy_resets, folded.cycle_resets), lost.reset_ms);
        self.lost_time(&device.key, &lost, alarms);
        let evidence_hash = self.partials.device_hash(&device.key, &self.slots);
        DeviceWindow {
            device: device.key.clone(),
            slots,
            counter_start_millijoules,
            counter_end_millijoules,
            evidence_hash,
        }
    }

    fn lost_time(&self, device: &str, lost: &Lost, alarms: &mut Alarms) {
        let window = self.spec.start_ms..self.spec.end_ms();
        let detail = "time without readings within the contract's longest gap";
        alarms.add(AlarmKind::Gap, device, window.clone(), lost.gaps, lost.gap_ms, detail);
        let detail = "a slot held more time than it has; all of it is unaccounted";
        alarms.add(
            AlarmKind::Overflow,
            device,
            window.clone(),
            lost.overfull,
            lost.overfull * self.spec.slot_ms,
            detail,
        );
        for (job, (ms, why)) in &lost.jobs {
            let name: String = self.partials.jobs.name(*job).chars().take(64).collect();
            alarms.add(AlarmKind::UnknownJob, device, window.clone(), 1, *ms, &format!("job '{name}' {why}"));
        }
    }

    /// Last energy reading at or before each border; at the start, else the first one inside.
    fn counters(&self, units: &[(i64, Unit)]) -> (Option<u64>, Option<u64>) {
        let (start_ms, end_ms) = (self.spec.start_ms, self.spec.end_ms());
        let points = || units.iter().filter_map(|(_, unit)| unit.energy).flat_map(|(first, last)| [first, last]);
        let last_until = |border| points().take_while(|point| point.time_ms <= border).last();
        let end = last_until(end_ms).filter(|point| point.time_ms >= start_ms);
        let inside = points().find(|point| point.time_ms >= start_ms && point.time_ms <= end_ms);
        let start = last_until(start_ms).or(inside).filter(|_| end.is_some());
        (start.map(|point| point.millijoules), end.map(|point| point.millijoules))
    }

    fn slot(&self, cells: &SlotCells, mut slot: Slot<'_>, lost: &mut Lost) -> Vec<SlotEntry> {
        let length = u32::try_from(self.spec.slot_ms).unwrap_or(u32::MAX);
        let kept = |sums: &Sums| sums.covered_ms - sums.reset_ms.min(sums.covered_ms);
        let covered: u64 = cells.iter().map(|(_, sums)| u64::from(sums.covered_ms)).sum();
        if covered > u64::from(length) {
            // Only a forged or damaged partial result gets here.
            lost.overfull += 1;
            slot.unaccounted_ms = length;
            return slot.into_entries();
        }
        for (job, sums) in cells {
            lost.reset_ms += u64::from(sums.covered_ms - kept(sums));
            slot.unaccounted_ms += sums.covered_ms - kept(sums);
            self.cell(*job, sums, kept(sums), &mut slot, lost);
        }
        let uncovered = length - u32::try_from(covered).unwrap_or(length);
        if slot.can_run {
            lost.gaps += u64::from(uncovered > 0);
            lost.gap_ms += u64::from(uncovered);
            slot.unaccounted_ms += uncovered;
        } else {
            slot.still_ms += uncovered;
        }
        slot.into_entries()
    }

    fn cell(&self, job: u32, sums: &Sums, milliseconds: u32, slot: &mut Slot<'_>, lost: &mut Lost) {
        let energy = energy_of(sums, slot.has_counter);
        if job == GAP_JOB {
            slot.unaccounted_millijoules = slot.unaccounted_millijoules.saturating_add(energy);
            return;
        }
        let silence = self.partials.contract.silence_is_idle;
        let active_ms = not_still_ms(sums, milliseconds, silence, slot.chip.idle_watts);
        if job == NO_JOB || !slot.can_run {
            return slot.jobless(milliseconds, active_ms, energy);
        }
        match self.facts(job) {
            Ok(facts) if facts.class.can_operate() => self.working(job, facts, sums, milliseconds, slot),
            Ok(facts) if facts.class == Class::Unaccounted => slot.lose(milliseconds, energy),
            Ok(facts) => slot.declared_still(facts.class, milliseconds, active_ms, energy),
            Err(why) => {
                lost.jobs.entry(job).or_insert((0, why)).0 += u64::from(milliseconds);
                slot.lose(milliseconds, energy);
            }
        }
    }

    fn facts(&self, job: u32) -> Result<&JobFacts, &'static str> {
        let facts = self.jobs.get(self.partials.jobs.name(job)).ok_or("is not declared")?;
        if facts.class.changes_weights() && facts.run.is_none() {
            return Err("trains without a declared run");
        }
        Ok(facts)
    }

    fn working(&self, job: u32, facts: &JobFacts, sums: &Sums, milliseconds: u32, slot: &mut Slot<'_>) {
        let share = |whole: u128| {
            let all_ms = u128::from(self.job_time.get(&job).copied().unwrap_or(0).max(1));
            (whole / all_ms)
                .saturating_mul(milliseconds.into())
                .saturating_add(whole % all_ms * u128::from(milliseconds) / all_ms)
        };
        // A format that the chip does not have is no evidence.
        let format = facts.format.filter(|format| slot.chip.peak(*format).is_some());
        let declared_ops = facts.declared_operations().map(share);
        let rule: UpperRule = self.options.upper;
        let energy_counts = crate::energy_evidence::applies_to(&self.partials.contract);
        let energy_millijoules = energy_of(sums, slot.has_counter);
        let case = Case {
            chip: slot.chip,
            facts,
            format,
            sums,
            milliseconds,
            energy_millijoules,
            declared_ops,
            rule,
            energy_counts,
        };
        let (operations, active_milliseconds) = case.figure();
        let (class, run) = (facts.class, facts.run.clone());
        slot.push(SlotEntry { class, run, format, milliseconds, active_milliseconds, operations, energy_millijoules });
    }
}

impl<'a> Slot<'a> {
    const fn new(chip: &'a ChipModel, can_run: bool, has_counter: bool) -> Self {
        let entries = Vec::new();
        Self {
            chip,
            can_run,
            has_counter,
            entries,
            unaccounted_ms: 0,
            unaccounted_millijoules: 0,
            still_ms: 0,
            still_millijoules: 0,
        }
    }

    fn lose(&mut self, milliseconds: u32, energy: u64) {
        self.unaccounted_ms += milliseconds;
        self.unaccounted_millijoules = self.unaccounted_millijoules.saturating_add(energy);
    }

    /// Time without a job: idle (down, when the device may not run), but the part not shown to be still is unaccounted.
    fn jobless(&mut self, milliseconds: u32, active_ms: u32, energy: u64) {
        self.unaccounted_ms += active_ms;
        self.still_ms += milliseconds - active_ms;
        self.still_millijoules = self.still_millijoules.saturating_add(energy);
    }

    /// A job declared as idle or down; what is not shown to be still is unaccounted.
    fn declared_still(&mut self, class: Class, milliseconds: u32, active_ms: u32, energy: u64) {
        self.unaccounted_ms += active_ms;
        self.push(SlotEntry::still(class, milliseconds - active_ms, energy));
    }

    /// Adds an entry, joining it with one of the same class, run and format.
    fn push(&mut self, entry: SlotEntry) {
        match self.entries.iter_mut().find(|known| known.sort_key() == entry.sort_key()) {
            Some(known) => {
                known.milliseconds += entry.milliseconds;
                known.active_milliseconds += entry.active_milliseconds;
                known.operations = known.operations.plus(entry.operations);
                known.energy_millijoules = known.energy_millijoules.saturating_add(entry.energy_millijoules);
            }
            None => self.entries.push(entry),
        }
    }

    fn into_entries(mut self) -> Vec<SlotEntry> {
        let still = if self.can_run { Class::Idle } else { Class::Down };
        self.push(SlotEntry::still(still, self.still_ms, self.still_millijoules));
        self.push(SlotEntry::unaccounted(self.chip, self.unaccounted_ms, self.unaccounted_millijoules));
        // Energy of an entry without time goes to one that has time: none is lost.
        let homeless: u64 =
            self.entries.iter().filter(|entry| entry.milliseconds == 0).map(|entry| entry.energy_millijoules).sum();
        self.entries.retain(|entry| entry.milliseconds > 0);
        self.entries.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        if let Some(last) = self.entries.last_mut() {
            last.energy_millijoules = last.energy_millijoules.saturating_add(homeless);
        }
        cap(&mut self.entries, self.chip);
        self.entries
    }
}

/// Joining rounds each part up; the whole may not pass what one rounding gives.
fn cap(entries: &mut [SlotEntry], chip: &ChipModel) {
    for entry in entries.iter_mut().filter(|entry| entry.class.can_operate()) {
        let peak = chip.bounding_peak(entry.format).unwrap_or_else(|| chip.highest_peak_ops_per_second());
        let most = standstill_ledger::interval::peak_ops(peak, entry.active_milliseconds.into());
        entry.operations = entry.operations.capped(most);
    }
}
