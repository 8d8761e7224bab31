//! Every invariant of DESIGN.md section 7, each with an error of its own.

use super::{DeviceWindow, MAX_ALARMS, MAX_SLOT_ENTRIES, MAX_SLOTS, SlotEntry, WindowLedger, WindowSpec};
use crate::alarm::AlarmKind;
use crate::chips::{ChipModel, ChipTable};
use crate::error::{LedgerError, Place};
use crate::fleet::{Custody, Fleet};
use crate::interval::{Evidence, peak_ops};
use crate::lineage::Lineage;
use standstill_statement::{Class, RunDeclaration};
use std::collections::BTreeSet;

/// After so many errors a check stops: a hostile ledger must not fill memory with complaints.
const MAX_ERRORS: usize = 1000;

impl WindowSpec {
    /// Checks that slots tile the window.
    ///
    /// # Errors
    /// [`LedgerError::Spec`].
    pub fn check(&self) -> Result<(), LedgerError> {
        let refuse = |what: &str| Err(LedgerError::Spec { window: self.index, what: what.to_owned() });
        if self.slot_ms == 0 || self.length_ms == 0 {
            return refuse("length or slot is 0");
        }
        if !self.length_ms.is_multiple_of(self.slot_ms) || !self.length_ms.is_multiple_of(1000) {
            return refuse("length is not a whole number of slots and of seconds");
        }
        if u32::try_from(self.slot_ms).is_err() || self.slots() > MAX_SLOTS || u32::try_from(self.seconds()).is_err() {
            return refuse("slot is longer than 49 days, or there are more than 1,024 slots");
        }
        if self.start_ms.checked_add_unsigned(self.length_ms).is_none() {
            return refuse("the window ends after the end of time");
        }
        Ok(())
    }
}

impl WindowLedger {
    /// Checks every invariant against fleet and chip table.
    ///
    /// # Errors
    /// All violations, at most 1,000.
    pub fn check(&self, fleet: &Fleet, table: &ChipTable) -> Result<(), Vec<LedgerError>> {
        self.spec.check().map_err(|error| vec![error])?;
        let models = fleet.models(table).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        self.check_rows(fleet, &mut errors);
        let resets: BTreeSet<&str> = self.devices_with(AlarmKind::CounterReset).collect();
        for device in &self.devices {
            if errors.len() >= MAX_ERRORS {
                break;
            }
            if let Some(position) = fleet.position(&device.device) {
                let custody = fleet.devices()[position].custody_at(self.spec.index);
                let reset = resets.contains(device.device.as_str());
                let (spec, chip) = (&self.spec, models[position]);
                RowCheck { spec, device, chip, custody, reset, errors: &mut errors }.row();
            }
        }
        self.check_alarms(&mut errors);
        errors.truncate(MAX_ERRORS);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Checks that every run in the ledger was declared, for this window, and under the class it is accounted in.
    ///
    /// # Errors
    /// All violations, at most 1,000.
    pub fn check_runs(&self, lineage: &Lineage) -> Result<(), Vec<LedgerError>> {
        let mut errors = Vec::new();
        for device in &self.devices {
            for (slot, entries) in device.slots.iter().enumerate() {
                for (entry, value) in entries.iter().enumerate() {
                    let Some(run) = &value.run else { continue };
                    if let Some(what) = undeclared(lineage.get(run), value.class, self.spec.index) {
                        let place = Place { window: self.spec.index, device: device.device.clone(), slot, entry };
                        errors.push(LedgerError::RunUndeclared { place, run: run.to_string(), what });
                    }
                    if errors.len() >= MAX_ERRORS {
                        return Err(errors);
                    }
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// (device) exactly once: the rows are the fleet, in order.
    fn check_rows(&self, fleet: &Fleet, errors: &mut Vec<LedgerError>) {
        let window = self.spec.index;
        for pair in self.devices.windows(2).filter(|pair| pair[0].device >= pair[1].device) {
            errors.push(LedgerError::DeviceRepeated { window, device: pair[1].device.clone() });
        }
        for row in self.devices.iter().filter(|row| fleet.position(&row.device).is_none()) {
            errors.push(LedgerError::DeviceUnknown { window, device: row.device.clone() });
        }
        let mut found = vec![false; fleet.len()];
        for position in self.devices.iter().filter_map(|row| fleet.position(&row.device)) {
            found[position] = true;
        }
        for (device, _) in fleet.devices().iter().zip(&found).filter(|(_, found)| !**found).take(MAX_ERRORS) {
            errors.push(LedgerError::DeviceMissing { window, device: device.key.clone() });
        }
    }

    fn devices_with(&self, kind: AlarmKind) -> impl Iterator<Item = &str> {
        self.alarms.iter().filter(move |alarm| alarm.kind == kind).map(|alarm| alarm.device.as_str())
    }

    fn check_alarms(&self, errors: &mut Vec<LedgerError>) {
        let sorted = self.alarms.windows(2).all(|pair| pair[0] < pair[1]);
        let legal = self.alarms.iter().all(|a| a.count > 0 && a.first_ms <= a.last_ms && a.detail.len() <= 200);
        if !sorted || !legal || self.alarms.len() > MAX_ALARMS {
            let what = "alarms are not sorted, repeated, without count, or too many".to_owned();
            errors.push(LedgerError::Spec { window: self.spec.index, what });
        }
    }
}

fn undeclared(declared: Option<&RunDeclaration>, class: Class, window: u64) -> Option<&'static str> {
    match declared {
        None => Some("was not declared"),
        Some(run) if run.from_window > window => Some("was declared for a later window"),
        // A run may be measured or served under its name; what changes weights must be what was declared.
        Some(run) if class.changes_weights() && run.class != class => Some("was declared under another class"),
        Some(_) => None,
    }
}

struct RowCheck<'a> {
    spec: &'a WindowSpec,
    device: &'a DeviceWindow,
    chip: &'a ChipModel,
    custody: Custody,
    reset: bool,
    errors: &'a mut Vec<LedgerError>,
}

impl RowCheck<'_> {
    fn row(&mut self) {
        let (window, device) = (self.spec.index, self.device.device.clone());
        if self.device.slots.len() != self.spec.slots() {
            let (found, expected) = (self.device.slots.len(), self.spec.slots());
            self.errors.push(LedgerError::SlotCount { window, device, found, expected });
            return;
        }
        for (slot, entries) in self.device.slots.iter().enumerate() {
            self.slot(slot, entries);
        }
        self.counters();
    }

    fn slot(&mut self, slot: usize, entries: &[SlotEntry]) {
        let found_ms: u64 = entries.iter().map(|entry| u64::from(entry.milliseconds)).sum();
        if found_ms != self.spec.slot_ms {
            let (window, device) = (self.spec.index, self.device.device.clone());
            self.errors.push(LedgerError::SlotSum { window, device, slot, found_ms, expected_ms: self.spec.slot_ms });
        }
        if entries.len() > MAX_SLOT_ENTRIES {
            let place = self.place(slot, MAX_SLOT_ENTRIES);
            self.errors.push(LedgerError::EntryOrder { place, what: "more than 256 entries in a slot" });
            return;
        }
        for (index, entry) in entries.iter().enumerate() {
            let place = self.place(slot, index);
            let before = index.checked_sub(1).map(|before| &entries[before]);
            self.order(entry, before, &place);
            self.meaning(entry, &place);
            self.physics(entry, &place);
        }
    }

    fn place(&self, slot: usize, entry: usize) -> Place {
        Place { window: self.spec.index, device: self.device.device.clone(), slot, entry }
    }

    fn order(&mut self, entry: &SlotEntry, before: Option<&SlotEntry>, place: &Place) {
        if entry.milliseconds == 0 {
            self.errors.push(LedgerError::EntryOrder { place: place.clone(), what: "an entry of 0 ms" });
        }
        if before.is_some_and(|before| before.sort_key() >= entry.sort_key()) {
            self.errors.push(LedgerError::EntryOrder { place: place.clone(), what: "entries repeated or not sorted" });
        }
    }

    /// Class, run and custody fit together.
    fn meaning(&mut self, entry: &SlotEntry, place: &Place) {
        let place = || place.clone();
        match &entry.run {
            None if entry.class.changes_weights() => {
                self.errors.push(LedgerError::RunMissing { place: place(), class: entry.class });
            }
            Some(run) if !entry.class.can_operate() => {
                let run = run.to_string();
                self.errors.push(LedgerError::RunNotAllowed { place: place(), class: entry.class, run });
            }
            _ => {}
        }
        if !self.custody.can_run() && !matches!(entry.class, Class::Down | Class::Unaccounted) {
            self.errors.push(LedgerError::NotInService { place: place(), state: self.custody.name() });
        }
    }

    /// Operations are possible, ordered, and within peak times active time.
    fn physics(&mut self, entry: &SlotEntry, place: &Place) {
        let place = || place.clone();
        if entry.active_milliseconds > entry.milliseconds {
            let (active_ms, total_ms) = (entry.active_milliseconds, entry.milliseconds);
            self.errors.push(LedgerError::ActiveTime { place: place(), active_ms, total_ms });
        }
        if !entry.operations.is_ordered() {
            self.errors.push(LedgerError::IntervalOrder { place: place() });
        }
        match entry.class {
            Class::Idle | Class::Down => {
                if entry.operations.upper_ops > 0 || entry.active_milliseconds > 0 {
                    self.errors.push(LedgerError::OperationsWhileStill { place: place(), class: entry.class });
                }
            }
            Class::Unaccounted => self.charge(entry, place()),
            _ => self.peak(entry, place()),
        }
    }

    fn charge(&mut self, entry: &SlotEntry, place: Place) {
        let expected = peak_ops(self.chip.highest_peak_ops_per_second(), u64::from(entry.milliseconds));
        let found = entry.operations.upper_ops;
        let excused =
            entry.operations.lower_ops > 0 || entry.operations.evidence != Evidence::None || entry.format.is_some();
        if found != expected || excused || entry.active_milliseconds != entry.milliseconds {
            self.errors.push(LedgerError::UnaccountedCharge { place, found, expected });
        }
    }

    fn peak(&mut self, entry: &SlotEntry, place: Place) {
        let model = || self.chip.id.to_string();
        let Some(peak) = self.chip.bounding_peak(entry.format) else {
            let format = entry.format.map_or("", |format| format.name());
            self.errors.push(LedgerError::FormatUnknown { place, format, model: model() });
            return;
        };
        let most = peak_ops(peak, u64::from(entry.active_milliseconds));
        if entry.operations.upper_ops > most {
            let found = entry.operations.upper_ops;
            self.errors.push(LedgerError::AbovePeak { place, found, most, model: model() });
        }
    }

    /// Without a reset, the counter does not fall and the entries use no more than its rise. With a reset alarm the lost
    /// stretch is in `unaccounted` and the difference means nothing.
    fn counters(&mut self) {
        let reading = (self.device.counter_start_millijoules, self.device.counter_end_millijoules);
        let (Some(start), Some(end)) = reading else { return };
        if self.reset {
            return;
        }
        let spent: u128 = self.device.slots.iter().flatten().map(|entry| u128::from(entry.energy_millijoules)).sum();
        let what = match end.checked_sub(start) {
            None => format!("the energy counter fell from {start} to {end} mJ without a reset alarm"),
            Some(rise) if spent > u128::from(rise) => {
                format!("entries use {spent} mJ but the counter rose by {rise} mJ")
            }
            Some(_) => return,
        };
        let (window, device) = (self.spec.index, self.device.device.clone());
        self.errors.push(LedgerError::Counter { window, device, what });
    }
}
