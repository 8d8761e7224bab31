//! The operation figure of one job on one device in one slot, by the best evidence present (fixed order, DESIGN.md section 7).

use super::UpperRule;
use crate::jobs::JobFacts;
use crate::unit::Sums;
use standstill_ledger::{ChipModel, Evidence, OpsInterval};
use standstill_statement::NumericFormat;

/// What the figure is made from.
pub(super) struct Case<'a> {
    pub(super) chip: &'a ChipModel,
    pub(super) facts: &'a JobFacts,
    pub(super) format: Option<NumericFormat>,
    pub(super) sums: &'a Sums,
    /// Time of the entry: covered time less resets.
    pub(super) milliseconds: u32,
    /// Energy of the cell ([`energy_of`]).
    pub(super) energy_millijoules: u64,
    /// This cell's share of the job's declared operations, if declared.
    pub(super) declared_ops: Option<u128>,
    pub(super) rule: UpperRule,
    /// True when the contract's energy is the kind that the calibration was made with.
    pub(super) energy_counts: bool,
}

impl Case<'_> {
    /// The interval and the time in which its operations are possible.
    pub(super) fn figure(&self) -> (OpsInterval, u32) {
        let ceiling = self.chip.allocation(self.format, self.milliseconds.into());
        let measured =
            self.hardware().or_else(|| self.declared(ceiling.upper_ops)).or_else(|| self.energy()).unwrap_or(ceiling);
        let capped = measured.capped(ceiling.upper_ops);
        match self.rule {
            UpperRule::ChipTime => (OpsInterval { upper_ops: ceiling.upper_ops, ..capped }, self.milliseconds),
            UpperRule::ActiveTime => (capped, self.milliseconds),
        }
    }

    /// Tensor-active time from cycle counters, else from the gauge; time that neither speaks for is allocation at peak.
    fn hardware(&self) -> Option<OpsInterval> {
        let (active_micro_ms, measured_ms) = active_time(self.sums)?;
        let within = measured_ms.min(self.milliseconds);
        // A reset took time from the entry: keep the same share of activity.
        let active = active_micro_ms.saturating_mul(within.into()) / u128::from(measured_ms.max(1));
        let counted = self.chip.counters(self.format, active);
        let rest_ms = self.milliseconds - within;
        Some(if rest_ms == 0 { counted } else { counted.plus(self.chip.allocation(self.format, rest_ms.into())) })
    }

    fn declared(&self, ceiling_ops: u128) -> Option<OpsInterval> {
        self.declared_ops.map(|ops| OpsInterval::declared(ops, 1, ceiling_ops))
    }

    fn energy(&self) -> Option<OpsInterval> {
        if !self.energy_counts {
            return None;
        }
        let energy = self.energy_millijoules;
        let figure =
            crate::energy_evidence::from_energy(self.chip, self.facts.class, energy.into(), self.milliseconds.into());
        figure.filter(|figure| energy > 0 && figure.evidence == Evidence::EnergyPerOperation)
    }
}

/// Energy of a cell. A device with an energy counter uses nothing else, so that its entries add up to the counter's difference; another
/// uses the integral of the power gauge.
pub(super) const fn energy_of(sums: &Sums, has_counter: bool) -> u64 {
    if has_counter { sums.energy_millijoules } else { sums.power_microjoules / 1_000 }
}

/// Tensor-active time in millionths · ms and the time it speaks for: the counters where they speak for at least as much as the gauge.
fn active_time(sums: &Sums) -> Option<(u128, u32)> {
    if sums.cycles_ms > 0 && sums.cycles_ms >= sums.tensor_ms && sums.cycles_elapsed > 0 {
        let micro = u128::from(sums.cycles_active) * 1_000_000 * u128::from(sums.cycles_ms);
        return Some((micro.div_ceil(sums.cycles_elapsed.into()), sums.cycles_ms));
    }
    (sums.tensor_ms > 0).then(|| (sums.tensor_micro_ms.into(), sums.tensor_ms))
}

/// Time of a cell without a working job that is not shown to be still: activity above zero, and time whose activity nobody read.
/// Power at or below the chip's idle power shows stillness too, as no mean can hide work under the idle power.
pub(super) fn not_still_ms(sums: &Sums, milliseconds: u32, silence_is_idle: bool, idle_watts: Option<u32>) -> u32 {
    let read_ms = sums.tensor_ms.max(sums.dram_ms).max(sums.cycles_ms);
    let most = u64::from(idle_watts.unwrap_or(0)) * 1_000 * u64::from(sums.power_ms);
    let cold = sums.power_ms >= milliseconds && idle_watts.is_some() && sums.power_microjoules <= most;
    let unread_ms = if silence_is_idle || cold { 0 } else { milliseconds.saturating_sub(read_ms) };
    sums.active_ms.saturating_add(unread_ms).min(milliseconds)
}
