//! Lanes, totals and sizes of format version 1. Nothing here is read from a proof.

use crate::error::SealError;
use serde::{Deserialize, Serialize};
use standstill_ledger::{ChipModel, ChipTable};
use standstill_statement::{Class, Name};

/// Version of the format; part of every context hash.
pub const VERSION: u32 = 1;
/// Most devices of a group; the bound behind "no lane can wrap" (`docs/formats/seal.md`, "Sizes").
pub const MAX_GROUP_DEVICES: u16 = 128;
/// Most groups of a fleet.
pub const MAX_GROUPS: u32 = 1 << 20;
/// Most declared runs in one report.
pub const MAX_RUNS: usize = 256;
/// Most rules of one report, lineage rules included.
pub const MAX_RULES: usize = 4096;
/// Most terms (pairs of window and quantity) in one rule.
pub const MAX_RULE_TERMS: u64 = 200_000;
/// Most terms in all rules of one report.
pub const MAX_TERMS: u64 = 1_000_000;
/// Commitments that a group record publishes.
pub const PUBLISHED_LANES: usize = 16;
/// Lanes that the verifier derives: the slack of the physical bound, per working class.
pub const DERIVED_LANES: usize = Class::WORKING;
/// Lane of the energy.
pub const ENERGY_LANE: usize = 15;
/// First petaop lane.
pub const PETAOPS_LANE: usize = 9;
/// Lane number that the device count of the fleet declaration uses in the key schedule.
pub const COUNT_LANE: u8 = 255;
/// Operations in one petaop, the unit of the operation lanes.
pub const PETAOP: u64 = 1_000_000_000_000_000;
/// Operations in one teraop, the unit in which limits on operations are decided.
pub const TERAOP: u64 = 1_000_000_000_000;
/// Teraops in one petaop.
pub const TERAOPS_PER_PETAOP: u64 = 1000;
/// Longest window in seconds that the format can hold (a group of 128 devices must fit a 32-bit lane).
pub const MAX_WINDOW_SECONDS: u64 = (1 << 25) - 1;

/// A figure of a whole window: a sum over all groups, weighted by public constants of each group's chip model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Total {
    /// Chip-seconds in a class.
    Seconds(Class),
    /// Operations in a working class, units of 1e15. A class that cannot operate has none.
    Petaops(Class),
    /// Energy, kilojoules.
    EnergyKilojoules,
    /// Devices in the fleet.
    Devices,
    /// Unaccounted seconds × peak of the model, units of 1e12 operations: what a gap could have hidden.
    UnaccountedTeraops,
    /// Devices × peak of the model, units of 1e12 operations per second: what the fleet could do.
    PeakTeraopsPerSecond,
}

impl Total {
    /// Number of totals.
    pub const COUNT: usize = PUBLISHED_LANES + 3;

    /// All totals in wire order: the 16 published lanes, devices, unaccounted at peak, peak per second.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Seconds(Class::Pretraining),
        Self::Seconds(Class::Posttraining),
        Self::Seconds(Class::Experiment),
        Self::Seconds(Class::Inference),
        Self::Seconds(Class::Evaluation),
        Self::Seconds(Class::Other),
        Self::Seconds(Class::Idle),
        Self::Seconds(Class::Down),
        Self::Seconds(Class::Unaccounted),
        Self::Petaops(Class::Pretraining),
        Self::Petaops(Class::Posttraining),
        Self::Petaops(Class::Experiment),
        Self::Petaops(Class::Inference),
        Self::Petaops(Class::Evaluation),
        Self::Petaops(Class::Other),
        Self::EnergyKilojoules,
        Self::Devices,
        Self::UnaccountedTeraops,
        Self::PeakTeraopsPerSecond,
    ];

    /// Position in [`Total::ALL`]; `None` for operations of a class that has none.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        Self::ALL.iter().position(|total| *total == self)
    }
}

/// Constants of one chip model in one window length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelConstants {
    /// `p` of the physical bound `p·seconds − q·petaops ≥ 0`: the peak in petaops per `q` seconds, rounded up.
    pub p: u32,
    /// `q`: the largest integer for which `p · window_seconds · 128` stays below 2^32.
    pub q: u32,
    /// Highest dense peak over all formats, units of 1e12 operations per second, rounded up.
    pub peak_teraops: u64,
}

impl ModelConstants {
    /// Constants of `model` for windows of `window_seconds`.
    ///
    /// # Errors
    /// [`SealError::WindowTooLong`] when no `q ≥ 1` exists.
    pub fn of(model: &ChipModel, window_seconds: u64) -> Result<Self, SealError> {
        let peak = model.highest_peak_ops_per_second().max(1);
        let too_long = || SealError::WindowTooLong { model: model.id.clone(), window_seconds };
        let ceiling = (1u64 << 32) - 1;
        let lane =
            window_seconds.checked_mul(u64::from(MAX_GROUP_DEVICES)).filter(|lane| *lane > 0).ok_or_else(too_long)?;
        let most_p = ceiling / lane;
        // p = ceil(q·peak/1e15) ≤ most_p holds exactly when q·peak ≤ most_p·1e15.
        let q = u128::from(most_p) * u128::from(PETAOP) / u128::from(peak);
        let q = u32::try_from(q).unwrap_or(u32::MAX);
        let p = (u128::from(q) * u128::from(peak)).div_ceil(u128::from(PETAOP));
        match u32::try_from(p) {
            Ok(p) if q > 0 && p > 0 => Ok(Self { p, q, peak_teraops: peak.div_ceil(TERAOP) }),
            _ => Err(too_long()),
        }
    }

    /// Constants of the model that a group names.
    ///
    /// # Errors
    /// [`SealError::UnknownModel`] or [`SealError::WindowTooLong`].
    pub fn find(table: &ChipTable, group: u32, model: &Name, window_seconds: u64) -> Result<Self, SealError> {
        let row = table.get(model).ok_or_else(|| SealError::UnknownModel { group, model: model.clone() })?;
        Self::of(row, window_seconds)
    }
}

#[cfg(test)]
mod tests;
