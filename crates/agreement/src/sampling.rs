//! How many draws find a hidden run with the stated probability (DESIGN.md section 9), decided without floating point.
//!
//! A hidden run of `X` operations at a site that does `R` a day uses the share `X / R` of a day's work, however thinly it is spread. With `n`
//! draws a day, each of which hits work of the run with that share and shows it with probability `q`, the chance that all of them miss is at
//! most `exp(-q·n·X/R)`. Draws are weighted by registered capacity, of which only the share `v` must be devices, so only `v·n` of them are
//! certain to fall on devices. The audits reach the probability `P` when
//!
//! ```text
//! q · v · n · X  ≥  -ln(1 - P) · R
//! ```
//!
//! Everything but the logarithm is rational. The logarithm of a rational other than 1 is irrational, so both sides are never equal, and an
//! upper bound of it decides: [`Logarithm::upper`] exceeds the true value by less than 2^-50. Terms within that margin are refused, which
//! asks for one draw more than needed in one of 10^15 cases and never accepts too few.

mod wide;

use crate::fraction::Fraction;
use wide::Wide;

/// Seconds in a day.
const DAY: u128 = 86_400;
/// Fractional bits of the fixed-point numbers.
const BITS: u32 = 60;
const ONE: u128 = 1 << BITS;
/// Terms of the series; `9^-32` is below a thousandth of the last bit.
const TERMS: u128 = 32;

/// What the number of draws depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// Size of the hidden run in operations, at least 1.
    pub(crate) flop: u128,
    /// Operations that the site can do in a day, at least 1.
    pub(crate) site_flop_per_day: u128,
    /// Probability of finding it; below 1.
    pub(crate) probability: Fraction,
    /// Sensitivity of a check.
    pub(crate) sensitivity: Fraction,
    /// Share of the registered capacity that must be devices.
    pub(crate) devices: Fraction,
}

impl Question {
    /// Least number of draws in each period of so many seconds; `None` when no number up to 2^63 is enough.
    pub(crate) fn draws_per(&self, seconds: u64) -> Option<u64> {
        let upper = Logarithm::of_odds(self.probability)?.upper;
        // q·v·n·X·86400 ≥ -ln(1-P)·R·seconds, both sides over the denominators of q and v.
        let needed = Wide::product(&[
            upper,
            self.site_flop_per_day,
            u128::from(seconds),
            u128::from(self.sensitivity.denominator()),
            u128::from(self.devices.denominator()),
        ]);
        let each =
            [ONE, self.flop, DAY, u128::from(self.sensitivity.numerator()), u128::from(self.devices.numerator())];
        let enough = |draws: u64| Wide::product(&each).times(u128::from(draws)) >= needed;
        let (mut few, mut many) = (0u64, 1u64 << 63);
        if !enough(many) {
            return None;
        }
        while many - few > 1 {
            let middle = few + (many - few) / 2;
            if enough(middle) { many = middle } else { few = middle }
        }
        Some(many)
    }
}

/// Bounds of a natural logarithm, in units of 2^-60.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logarithm {
    /// At most the logarithm.
    pub(crate) lower: u128,
    /// At least the logarithm.
    pub(crate) upper: u128,
}

impl Logarithm {
    /// Bounds of `-ln(1 - probability)`; `None` for probability 1, of which the logarithm has no end.
    pub(crate) fn of_odds(probability: Fraction) -> Option<Self> {
        let (whole, rest) = (probability.denominator(), probability.denominator() - probability.numerator());
        if rest == 0 { None } else { Some(Self::of(u128::from(whole), u128::from(rest))) }
    }

    /// Bounds of `ln(numerator / denominator)` for numbers of at most 2^40 whose ratio is at least 1.
    fn of(numerator: u128, denominator: u128) -> Self {
        // numerator/denominator = 2^k · y with 1 ≤ y < 2.
        let mut scaled = denominator;
        let mut doublings = 0;
        while scaled * 2 <= numerator {
            scaled *= 2;
            doublings += 1;
        }
        let rest = Self::twice_area_tangent(numerator - scaled, numerator + scaled);
        // ln 2 = 2·artanh(1/3).
        let two = Self::twice_area_tangent(1, 3);
        Self { lower: rest.lower + doublings * two.lower, upper: rest.upper + doublings * two.upper }
    }

    /// Bounds of `2·artanh(z)` for `z = numerator / denominator` of at most 1/3: `ln y = 2·artanh((y-1)/(y+1))`, and
    /// `artanh z = z + z³/3 + z⁵/5 + …`. Every step rounds down for the lower bound and up for the upper one.
    fn twice_area_tangent(numerator: u128, denominator: u128) -> Self {
        let (mut low, mut high) = (numerator * ONE / denominator, (numerator * ONE).div_ceil(denominator));
        let (low_square, high_square) = (low * low / ONE, (high * high).div_ceil(ONE));
        let (mut lower, mut upper) = (0, 0);
        for term in 0..TERMS {
            lower += low / (2 * term + 1);
            upper += high.div_ceil(2 * term + 1);
            low = low * low_square / ONE;
            high = (high * high_square).div_ceil(ONE);
        }
        // What is left of the series is below z^65 / (65·(1 - z²)) < z^65.
        Self { lower: 2 * lower, upper: 2 * (upper + high) }
    }
}

#[cfg(test)]
mod tests;
