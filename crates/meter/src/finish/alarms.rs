//! Alarms of a window, one per kind, device and cause.

use crate::unit::Unit;
use standstill_ledger::{Alarm, AlarmKind, WindowSpec};
use std::ops::Range;

/// Alarms gathered so far.
pub(super) struct Alarms {
    spec: WindowSpec,
    list: Vec<Alarm>,
}

/// Reads one count of a unit.
type Count = fn(&Unit) -> u32;

/// Longest detail, bytes (the ledger's limit is 200).
const DETAIL_BYTES: usize = 200;

impl Alarms {
    pub(super) const fn new(spec: WindowSpec) -> Self {
        Self { spec, list: Vec::new() }
    }

    pub(super) fn into_sorted(mut self) -> Vec<Alarm> {
        self.list.sort();
        self.list.dedup();
        self.list
    }

    pub(super) fn add(
        &mut self,
        kind: AlarmKind,
        device: &str,
        times: Range<i64>,
        count: u64,
        lost_milliseconds: u64,
        detail: &str,
    ) {
        if count == 0 {
            return;
        }
        let end = (0..=DETAIL_BYTES.min(detail.len())).rev().find(|&at| detail.is_char_boundary(at)).unwrap_or(0);
        let (first_ms, last_ms) = (times.start, times.end.max(times.start));
        let (device, detail) = (device.to_owned(), detail[..end].to_owned());
        self.list.push(Alarm { kind, device, first_ms, last_ms, count, lost_milliseconds, detail });
    }

    pub(super) fn unknown_device(&mut self, device: &str, times: Range<i64>, rows: u64) {
        let detail = "readings of a device that the fleet does not register";
        self.add(AlarmKind::UnknownDevice, device, times, rows, 0, detail);
    }

    /// What the row counts of a device's units say.
    pub(super) fn of_units<'u>(
        &mut self,
        device: &str,
        units: impl Iterator<Item = &'u Unit> + Clone,
        seams: (u64, u64),
        reset_ms: u64,
    ) {
        let window = self.spec.start_ms..self.spec.end_ms();
        let times = |has: &dyn Fn(&Unit) -> bool| {
            let mut hit = units.clone().filter(|unit| has(unit));
            let first = hit.next().map(|unit| (unit.first.time_ms, unit.last.time_ms));
            first.map_or(window.clone(), |(start, end)| start..hit.last().map_or(end, |unit| unit.last.time_ms))
        };
        let sum = |count: Count| units.clone().map(|unit| u64::from(count(unit))).sum::<u64>();
        let kinds: [(AlarmKind, Count, &str); 5] = [
            (AlarmKind::Duplicate, |unit| unit.tally.duplicates, "rows that repeat an earlier row; each counted once"),
            (
                AlarmKind::OutOfOrder,
                |unit| unit.tally.conflicts,
                "rows that give other values for the same time; the first counts",
            ),
            (AlarmKind::OutOfOrder, |unit| unit.tally.disordered, "late rows, put in order"),
            (
                AlarmKind::ClockStep,
                |unit| unit.tally.refused,
                "rows earlier than rows before them, refused; the stretch after them is unaccounted",
            ),
            (
                AlarmKind::Gap,
                |unit| unit.tally.blanks,
                "rows without an activity reading; their time is bounded by allocation",
            ),
        ];
        for (kind, count, detail) in kinds {
            self.add(kind, device, times(&|unit| count(unit) > 0), sum(count), 0, detail);
        }
        let resets = sum(|unit| unit.tally.energy_resets.saturating_add(unit.tally.cycle_resets)) + seams.0 + seams.1;
        let is_reset = |unit: &Unit| unit.tally.energy_resets > 0 || unit.tally.cycle_resets > 0;
        let detail = "a counter fell: reset, overflow or exchange; the stretch is unaccounted";
        self.add(AlarmKind::CounterReset, device, times(&is_reset), resets, reset_ms, detail);
    }
}
