//! Operations from metered energy.

use standstill_ledger::{ChipModel, OpsInterval};
use standstill_statement::Class;

/// The interval that energy gives for a chip family with a calibration; `None` when energy does not narrow.
#[must_use]
pub const fn from_energy(_chip: &ChipModel, _class: Class, _energy_millijoules: u128, _milliseconds: u64) -> Option<OpsInterval> {
    None
}
