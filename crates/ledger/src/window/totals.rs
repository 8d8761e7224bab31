//! Sums over a window.

use super::{SlotEntry, WindowLedger};
use crate::interval::OpsInterval;
use crate::rulebook::OperationRecord;
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;

/// Sums of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassTotals {
    /// Device time.
    pub milliseconds: u128,
    /// Time in which operations were possible.
    pub active_milliseconds: u128,
    /// Operations; of `unaccounted` time, the charge.
    pub operations: OpsInterval,
    /// Energy.
    pub energy_millijoules: u128,
}

impl ClassTotals {
    /// Nothing.
    pub const EMPTY: Self =
        Self { milliseconds: 0, active_milliseconds: 0, operations: OpsInterval::EMPTY, energy_millijoules: 0 };

    /// Adds an entry.
    pub fn add(&mut self, entry: &SlotEntry) {
        self.milliseconds += u128::from(entry.milliseconds);
        self.active_milliseconds += u128::from(entry.active_milliseconds);
        self.operations = self.operations.plus(entry.operations);
        self.energy_millijoules += u128::from(entry.energy_millijoules);
    }
}

/// Sums of a window by class, by run, and by class and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// By class, in the order of [`Class::ALL`].
    pub classes: [ClassTotals; Class::COUNT],
    /// By run (over all classes in which the run appears).
    pub runs: BTreeMap<Name, ClassTotals>,
    /// Operations by class and evidenced format, for rulebooks.
    pub record: OperationRecord,
}

impl Totals {
    /// Sums of one class.
    #[must_use]
    pub const fn class(&self, class: Class) -> &ClassTotals {
        &self.classes[class.index()]
    }

    /// Device time over all classes, milliseconds: devices times window in a ledger that passes its check.
    #[must_use]
    pub fn milliseconds(&self) -> u128 {
        self.classes.iter().map(|class| class.milliseconds).sum()
    }
}

impl WindowLedger {
    /// Sums over all devices and slots.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            classes: [ClassTotals::EMPTY; Class::COUNT],
            runs: BTreeMap::new(),
            record: OperationRecord::default(),
        };
        for entry in self.devices.iter().flat_map(|device| device.slots.iter().flatten()) {
            totals.classes[entry.class.index()].add(entry);
            totals.record.add(entry.class, entry.format, entry.operations);
            if let Some(run) = &entry.run {
                match totals.runs.get_mut(run) {
                    Some(sum) => sum.add(entry),
                    None => totals.runs.entry(run.clone()).or_insert(ClassTotals::EMPTY).add(entry),
                }
            }
        }
        totals
    }
}
