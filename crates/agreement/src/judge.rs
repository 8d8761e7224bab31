//! Whether a total keeps a bound, and whether a gate stands before a job: the comparisons of `docs/formats/agreement.md`, section 4.1, for
//! totals in clear. Sealed totals are compared by proof (crate `seal`), by the same inequalities.

use crate::coordination::Gate;
use crate::terms::Bound;
use standstill_statement::Class;

/// What a fraction refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// Sum of the measure over the baseline windows, without charged unaccounted time.
    pub baseline_total: u128,
    /// Number of baseline windows.
    pub baseline_windows: u64,
    /// Registered chip-seconds of the window.
    pub capacity_chip_seconds: u128,
}

impl Bound {
    /// Whether a total keeps the bound. A product beyond 128 bits does not: no fleet of this format reaches it.
    #[must_use]
    pub fn allows(&self, total: u128, reference: &Reference) -> bool {
        let at_most = |left: Option<u128>, right: Option<u128>| matches!((left, right), (Some(l), Some(r)) if l <= r);
        match *self {
            Self::Unlimited => true,
            Self::AtMost(amount) => total <= amount,
            Self::OfBaseline { numerator, denominator } => at_most(
                total
                    .checked_mul(u128::from(reference.baseline_windows))
                    .and_then(|product| product.checked_mul(u128::from(denominator))),
                reference.baseline_total.checked_mul(u128::from(numerator)),
            ),
            Self::OfCapacity { numerator, denominator } => at_most(
                total.checked_mul(u128::from(denominator)),
                reference.capacity_chip_seconds.checked_mul(u128::from(numerator)),
            ),
        }
    }
}

impl Gate {
    /// Whether the gate stands before a job of this class whose run, with its ancestors, plans so many operations. Whether the model is one
    /// that the gate is about (`when`) is a question of evidence, and an indeterminate answer leaves it standing.
    #[must_use]
    pub fn covers(&self, class: Class, planned_flop: u128) -> bool {
        self.classes.contains(&class) && planned_flop >= self.from_flop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_to_the_last_unit() {
        let reference = Reference { baseline_total: 300, baseline_windows: 3, capacity_chip_seconds: 1_000 };
        for (bound, most) in [
            (Bound::AtMost(7), Some(7)),
            (Bound::OfBaseline { numerator: 1, denominator: 2 }, Some(50)),
            (Bound::OfBaseline { numerator: 1, denominator: 3 }, Some(33)),
            (Bound::OfCapacity { numerator: 1, denominator: 1_000 }, Some(1)),
            (Bound::Unlimited, None),
        ] {
            match most {
                Some(most) => {
                    assert!(bound.allows(most, &reference) && !bound.allows(most + 1, &reference), "{bound:?}")
                }
                None => assert!(bound.allows(u128::MAX, &reference)),
            }
        }
        let half = Bound::OfBaseline { numerator: 1, denominator: 2 };
        assert!(!half.allows(u128::MAX, &reference), "an overflow is no permission");
        assert!(
            !half.allows(1, &Reference { baseline_windows: 1, ..Reference::default() }),
            "an empty baseline allows nothing"
        );
    }
}
