//! From partial sums to the ledger of one window: every slot of every registered device filled to the millisecond, every operation
//! figure an interval by the best evidence there is, and an alarm for everything that went wrong with the telemetry.

mod alarms;
mod evidence;
mod row;

use crate::jobs::JobMap;
use crate::seam::fold;
use crate::unit::{GAP_JOB, Unit};
use crate::{MeterError, Partials};
use alarms::Alarms;
use row::RowMaker;
use standstill_ledger::{ChipModel, ChipTable, Fleet, WindowLedger, WindowSpec};
use std::collections::BTreeMap;
use std::ops::Range;

/// What may lower the upper bound of an operation figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpperRule {
    /// Only evidence of the numeric format: chip time × the highest dense peak of the chip (of the format, with evidence). The default,
    /// as activity readings are the operator's own and no exporter shows FP8 or FP4.
    #[default]
    ChipTime,
    /// Tensor-active time too: active time × that peak. For agreements that accept attested activity counters.
    ActiveTime,
}

/// Choices of [`Partials::finish`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinishOptions {
    /// Rule of the upper bound.
    pub upper: UpperRule,
}

impl Partials {
    /// The ledger of one window.
    ///
    /// Time without readings is `unaccounted` and charged at the highest dense peak. Readings of the neighbouring windows, where present,
    /// close the stretches that cross the window's borders.
    ///
    /// # Errors
    /// [`MeterError::DifferentRules`] when the window is not on the grid, [`MeterError::Ledger`] when the chip table lacks a model of the
    /// fleet or an invariant fails.
    pub fn finish(
        &self,
        fleet: &Fleet,
        table: &ChipTable,
        spec: &WindowSpec,
        jobs: &JobMap,
        options: FinishOptions,
    ) -> Result<WindowLedger, MeterError> {
        let slots = self.slots_of(spec)?;
        let models = fleet.models(table).map_err(|error| MeterError::Ledger { what: error.to_string() })?;
        let mut alarms = Alarms::new(*spec);
        self.unknown_devices(fleet, spec, &mut alarms);
        let job_time = self.declared_job_time(fleet, jobs, &slots);
        let maker = RowMaker { partials: self, spec, jobs, options, slots, job_time };
        let row = |(device, model): (_, &&ChipModel)| maker.row(device, model, &mut alarms);
        let devices = fleet.devices().iter().zip(&models).map(row).collect();
        let ledger = WindowLedger { spec: *spec, devices, alarms: alarms.into_sorted() };
        match ledger.check(fleet, table) {
            Ok(()) => Ok(ledger),
            Err(errors) => {
                Err(MeterError::Ledger { what: errors.first().map_or_else(String::new, ToString::to_string) })
            }
        }
    }

    /// The slots of a window, when it lies on our grid.
    fn slots_of(&self, spec: &WindowSpec) -> Result<Range<i64>, MeterError> {
        spec.check().map_err(|error| MeterError::Ledger { what: error.to_string() })?;
        let first = self.grid.slot_of(spec.start_ms);
        if spec.slot_ms != self.grid.slot_ms || self.grid.start_of(first) != spec.start_ms {
            return Err(MeterError::DifferentRules { what: "time grid (origin and slot length)" });
        }
        Ok(first..first.saturating_add(i64::try_from(spec.slots()).unwrap_or(i64::MAX)))
    }

    fn unknown_devices(&self, fleet: &Fleet, spec: &WindowSpec, alarms: &mut Alarms) {
        for (device, units) in self.devices.iter().filter(|(device, _)| fleet.position(device).is_none()) {
            let window = spec.start_ms..spec.end_ms();
            let inside: Vec<&Unit> =
                units.iter().map(|unit| &unit.1).filter(|unit| window.contains(&unit.first.time_ms)).collect();
            if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
                let rows = inside.iter().map(|unit| u64::from(unit.tally.rows)).sum();
                alarms.unknown_device(device, first.first.time_ms..last.last.time_ms, rows);
            }
        }
    }

    /// Covered time of each job that declares operations, over all registered devices and the whole result.
    fn declared_job_time(&self, fleet: &Fleet, jobs: &JobMap, slots: &Range<i64>) -> BTreeMap<u32, u64> {
        let declared = |name: &str| jobs.get(name).is_some_and(|facts| facts.declared_operations().is_some());
        let wanted = self.jobs.names().zip(0u32..).filter(|(name, _)| declared(name));
        let mut times: BTreeMap<u32, u64> = wanted.map(|(_, index)| (index, 0)).collect();
        if times.is_empty() {
            return times;
        }
        let seen = self.slot_range();
        let range = seen.start.min(slots.start)..seen.end.max(slots.end);
        for (_, units) in self.devices.iter().filter(|(device, _)| fleet.position(device).is_some()) {
            let folded = fold(units, &self.contract, &self.grid, range.clone());
            for (job, sums) in folded.slots.iter().flat_map(|(_, cells)| cells) {
                if let Some(time) = times.get_mut(job).filter(|_| *job != GAP_JOB) {
                    *time = time.saturating_add(u64::from(sums.covered_ms));
                }
            }
        }
        times
    }
}
