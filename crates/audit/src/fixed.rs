//! Fixed-point arithmetic with a stated direction of rounding, so that every machine computes the same bounds and none is too
//! favourable. Values are fractions in [0, 1] in units of 10^-18, so that shares in parts per million are exact.

/// The value 1. Products of two values, and of a value and a factor below 2^32, fit 128 bits.
pub(crate) const ONE: u128 = 1_000_000_000_000_000_000;

/// 1/e, rounded down.
const INVERSE_E: u128 = 367_879_441_171_442_321;

/// Terms of the series of exp(-r), r below 1: the first term left out is below 10^-25.
const SERIES_TERMS: u128 = 24;

/// Error of [`exp_minus`] in units of the last digit: one per term and one per multiplication, generously.
pub(crate) const EXP_ERROR: u128 = 256;

/// `value × numerator / denominator`, rounded up. Requires `numerator` below 2^32 and a positive denominator.
pub(crate) fn scale_up(value: u128, numerator: u32, denominator: u32) -> u128 {
    (value * u128::from(numerator)).div_ceil(u128::from(denominator))
}

/// Product of two fractions, rounded up.
pub(crate) fn product_up(left: u128, right: u128) -> u128 {
    (left * right).div_ceil(ONE)
}

/// `base^exponent` for a fraction, rounded up at each of about 2·log₂(exponent) steps.
pub(crate) fn power_up(base: u128, exponent: u32) -> u128 {
    let mut result = ONE;
    let mut square = base;
    let mut rest = exponent;
    while rest > 0 {
        if rest & 1 == 1 {
            result = product_up(result, square);
        }
        square = product_up(square, square);
        rest >>= 1;
    }
    result
}

/// `numerator / denominator` as whole part and fraction, rounded down; `None` when the denominator is 0.
pub(crate) fn quotient_down(numerator: u128, denominator: u128) -> Option<(u128, u128)> {
    let whole = numerator.checked_div(denominator)?;
    let (mut rest, mut divisor) = (numerator % denominator, denominator);
    // Make room for 18 decimal digits; what is dropped is below 2^-67 of the quotient, and the result stays too small.
    while divisor > u128::MAX / ONE {
        (rest, divisor) = (rest / 2, divisor.div_ceil(2));
    }
    Some((whole, rest * ONE / divisor))
}

/// exp(-(whole + fraction)) to within [`EXP_ERROR`] units of the last digit.
pub(crate) fn exp_minus(whole: u128, fraction: u128) -> u128 {
    if whole > 64 {
        return 0;
    }
    let (mut sum, mut term) = (ONE, ONE);
    for index in 1..=SERIES_TERMS {
        term = term * fraction / ONE / index;
        if index % 2 == 1 { sum -= term } else { sum += term }
    }
    (0..whole).fold(sum, |product, _| product * INVERSE_E / ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The value as a floating-point number; tests only.
    #[allow(clippy::cast_precision_loss)]
    fn real(value: u128) -> f64 {
        value as f64 / ONE as f64
    }

    #[test]
    fn one_over_e_is_right() {
        assert!((real(INVERSE_E) - (-1f64).exp()).abs() < 1e-15);
        let (below, above) = (INVERSE_E, INVERSE_E + 1);
        let series = exp_minus(0, ONE - 1);
        assert!(series >= below - EXP_ERROR && series <= above + EXP_ERROR, "{series}");
    }

    #[test]
    fn quotient_survives_denominators_near_the_top() {
        assert_eq!(quotient_down(u128::MAX - 1, u128::MAX), Some((0, ONE - 1)));
        assert_eq!(quotient_down(u128::MAX, u128::MAX), Some((1, 0)));
        assert_eq!(quotient_down(7, 0), None);
        assert_eq!(quotient_down(7, 2), Some((3, ONE / 2)));
    }

    proptest! {
        #[test]
        fn exp_agrees_with_floating_point(whole in 0u128..30, fraction in 0u128..ONE) {
            #[allow(clippy::cast_precision_loss)]
            let expected = (-(whole as f64) - real(fraction)).exp();
            prop_assert!((real(exp_minus(whole, fraction)) - expected).abs() < 1e-14);
        }

        #[test]
        fn power_never_rounds_below(base in 0u128..=ONE, exponent in 0u32..200) {
            let expected = real(base).powi(i32::try_from(exponent).unwrap());
            let got = real(power_up(base, exponent));
            prop_assert!(got >= expected - 1e-12 && got <= expected + 1e-12);
        }
    }
}
