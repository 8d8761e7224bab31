//! Operations from metered energy: a best estimate, a ceiling where a chip family was calibrated, and a flag for claims that no joule covers.
//!
//! What energy can say, and what it cannot:
//! - It gives **no lower bound**. A node that burns power does not thereby compute, and a floor taken from power could be inflated at the
//!   price of electricity (a laboratory might want that when its baseline is measured).
//! - It gives an **empirical ceiling** only for chip families whose operations per joule were measured at the same place (the whole node, at
//!   the wall) and for the same work (training of language models). It is not a law of physics: a dense matrix kernel without a model around
//!   it may do better. So under the default rule the upper bound stays chip time x highest peak, and the ceiling narrows it only where the
//!   agreement accepts it ([`UpperRule::ActiveTime`](crate::finish::UpperRule)).
//! - Chips without calibration, work other than training, and board-level energy (a GPU's own counter, which leaves out processors, fans and
//!   conversion losses) get no figure: [`from_energy`] returns `None`.
//!
//! Source of the calibration: MLPerf Training v4.0 and v4.1 power submissions (see `docs/sources/power.md`).

use standstill_ledger::{ChipModel, Evidence, OpsInterval};
use standstill_statement::Class;

use crate::SourceContract;

/// Operations per joule of one chip family, measured over whole nodes at the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnergyCalibration {
    /// Chip id in the chip table.
    pub chip: &'static str,
    /// Lowest rate seen, operations per joule.
    pub lowest_ops_per_joule: u64,
    /// Best estimate, operations per joule: the geometric middle of lowest and highest.
    pub typical_ops_per_joule: u64,
    /// Highest rate seen, operations per joule.
    pub highest_ops_per_joule: u64,
    /// Rate above which a claim is flagged, and which bounds operations from above where the agreement accepts that.
    pub ceiling_ops_per_joule: u64,
    /// What was measured.
    pub population: &'static str,
}

/// All calibrations. B200 is left out although ten runs of one system are known (1.12e12 operations per joule, low-rank fine-tuning only):
/// one benchmark at one site is no calibration. H200, A100: only inference was metered.
pub const CALIBRATIONS: [EnergyCalibration; 1] = [EnergyCalibration {
    chip: "h100-sxm5",
    lowest_ops_per_joule: 410_000_000_000,
    typical_ops_per_joule: 590_000_000_000,
    highest_ops_per_joule: 848_000_000_000,
    ceiling_ops_per_joule: 1_000_000_000_000,
    population: "43 LLM training runs on 8 to 512 chips at two sites, FP8, node power at the wall",
}];

/// The calibration of a chip, if there is one.
#[must_use]
pub fn calibration(chip: &ChipModel) -> Option<&'static EnergyCalibration> {
    CALIBRATIONS.iter().find(|calibration| calibration.chip == chip.id.as_str())
}

/// True when the source's energy is that of whole nodes at the wall, which is what the calibrations are about.
#[must_use]
pub fn applies_to(contract: &SourceContract) -> bool {
    contract.name == "power"
}

/// The interval that a device's share of its node's energy gives over `milliseconds` of chip time; `None` when energy does not narrow.
///
/// Lower bound 0, best estimate at the typical rate, upper bound the smaller of the ceiling and the physical bound (chip time x highest
/// dense peak). Only for classes that change weights: nothing else was calibrated.
#[must_use]
pub fn from_energy(chip: &ChipModel, class: Class, energy_millijoules: u128, milliseconds: u64) -> Option<OpsInterval> {
    let calibration = calibration(chip).filter(|_| class.changes_weights())?;
    let ceiling = ceiling_ops(calibration, energy_millijoules);
    let physical = chip.allocation(None, milliseconds).upper_ops;
    let best = energy_millijoules.saturating_mul(calibration.typical_ops_per_joule.into()) / 1000;
    let upper_ops = ceiling.min(physical);
    Some(OpsInterval { lower_ops: 0, best_ops: best.min(upper_ops), upper_ops, evidence: Evidence::EnergyPerOperation })
}

/// The most operations that this much node energy covers, rounded up.
#[must_use]
pub fn ceiling_ops(calibration: &EnergyCalibration, energy_millijoules: u128) -> u128 {
    energy_millijoules.saturating_mul(calibration.ceiling_ops_per_joule.into()).div_ceil(1000)
}

/// What an independent power meter says about a claim of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnergyVerdict {
    /// The claim fits what was seen on this chip family.
    Consistent,
    /// More operations per joule than any run seen, but under the ceiling.
    Unusual,
    /// More operations than the energy covers at the ceiling: the claim or the power reading is wrong.
    NotCovered,
    /// Fewer operations per joule than any training run seen: energy went somewhere that the claim does not name.
    Unexplained,
    /// No calibration for this chip: energy does not decide.
    NotCalibrated,
}

/// Checks a claim of operations (declared, or from counters) against node energy.
#[must_use]
pub fn check_claim(chip: &ChipModel, claimed_ops: u128, energy_millijoules: u128) -> EnergyVerdict {
    let Some(calibration) = calibration(chip) else { return EnergyVerdict::NotCalibrated };
    let at = |rate: u64| energy_millijoules.saturating_mul(rate.into()) / 1000;
    if claimed_ops > ceiling_ops(calibration, energy_millijoules) {
        EnergyVerdict::NotCovered
    } else if claimed_ops > at(calibration.highest_ops_per_joule) {
        EnergyVerdict::Unusual
    } else if claimed_ops < at(calibration.lowest_ops_per_joule) {
        EnergyVerdict::Unexplained
    } else {
        EnergyVerdict::Consistent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use standstill_ledger::ChipTable;
    use standstill_statement::Name;

    fn chip(id: &str) -> ChipModel {
        ChipTable::builtin().expect("table").get(&Name::new(id).expect("name")).expect("chip").clone()
    }

    #[test]
    fn gpt3_on_512_chips() {
        // MLPerf v4.0: 1.268e21 operations on 415.26 kWh, 3,412 s.
        let (energy, claimed) = (1_494_918_600_000_u128, 1_268_000_000_000_000_000_000_u128);
        let chip = chip("h100-sxm5");
        let figure = from_energy(&chip, Class::Pretraining, energy, 512 * 3_412_000).expect("calibrated");
        assert!(figure.contains(claimed) && figure.is_ordered(), "{figure:?}");
        assert!(figure.upper_ops < chip.allocation(None, 512 * 3_412_000).upper_ops, "energy narrows here");
        assert_eq!(
            check_claim(&chip, claimed, energy),
            EnergyVerdict::Unusual,
            "0.8482e12 rounds to just above the highest rate"
        );
        assert_eq!(check_claim(&chip, claimed * 2, energy), EnergyVerdict::NotCovered);
        assert_eq!(check_claim(&chip, claimed / 4, energy), EnergyVerdict::Unexplained);
    }

    #[test]
    fn nothing_is_guessed_without_calibration() {
        for id in ["b200", "h200-sxm", "a100-sxm4", "mi300x", "tpu-v5p"] {
            assert_eq!(from_energy(&chip(id), Class::Pretraining, 1_000_000, 1_000), None, "{id}");
            assert_eq!(check_claim(&chip(id), u128::MAX, 1), EnergyVerdict::NotCalibrated);
        }
        assert_eq!(from_energy(&chip("h100-sxm5"), Class::Inference, 1_000_000, 1_000), None);
        assert!(!applies_to(&SourceContract::dcgm(30_000)), "a board's own counter is not the node's energy");
        assert!(applies_to(&SourceContract::power(1_000)));
    }

    proptest! {
        #[test]
        fn never_above_the_physical_bound(energy in any::<u64>(), milliseconds in 0_u64..100_000_000) {
            let chip = chip("h100-sxm5");
            let figure = from_energy(&chip, Class::Posttraining, energy.into(), milliseconds).expect("calibrated");
            prop_assert!(figure.is_ordered());
            prop_assert!(figure.upper_ops <= chip.allocation(None, milliseconds).upper_ops);
            prop_assert_eq!(figure.lower_ops, 0);
        }
    }
}
