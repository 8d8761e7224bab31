//! Whole numbers without an upper bound, as far as comparing two products needs them.

use std::cmp::Ordering;

/// A whole number in base 2^64, the lowest digit first, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wide(Vec<u64>);

impl Wide {
    /// The product of the factors; 1 for none.
    pub(super) fn product(factors: &[u128]) -> Self {
        factors.iter().fold(Self(vec![1]), |product, factor| product.times(*factor))
    }

    /// The product with one more factor.
    pub(super) fn times(&self, factor: u128) -> Self {
        let mut sum = self.times_digit(low(factor));
        let mut carry = 0u128;
        let shifted = self.times_digit(low(factor >> 64));
        sum.resize(sum.len().max(shifted.len() + 1), 0);
        for (index, digit) in shifted.into_iter().enumerate() {
            carry += u128::from(sum[index + 1]) + u128::from(digit);
            sum[index + 1] = low64(&mut carry);
        }
        if carry > 0 {
            sum.push(low(carry));
        }
        while sum.last() == Some(&0) {
            sum.pop();
        }
        Self(sum)
    }

    fn times_digit(&self, factor: u64) -> Vec<u64> {
        let mut carry = 0u128;
        let mut digits: Vec<u64> = self
            .0
            .iter()
            .map(|digit| {
                carry += u128::from(*digit) * u128::from(factor);
                low64(&mut carry)
            })
            .collect();
        digits.push(low(carry));
        digits
    }
}

/// The low 64 bits.
fn low(value: u128) -> u64 {
    // The mask makes the conversion exact.
    u64::try_from(value & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

/// Takes the low 64 bits and leaves the rest.
fn low64(carry: &mut u128) -> u64 {
    let digit = low(*carry);
    *carry >>= 64;
    digit
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Products that fit 128 bits are the same as the machine's.
        #[test]
        fn small_products(a: u64, b: u64, c: u64, d: u64) {
            let (left, right) = (u128::from(a) * u128::from(b), u128::from(c) * u128::from(d));
            let wide = |x: u64, y: u64| Wide::product(&[u128::from(x), u128::from(y)]);
            prop_assert_eq!(wide(a, b).cmp(&wide(c, d)), left.cmp(&right));
            prop_assert_eq!(Wide::product(&[left]), wide(a, b));
        }

        /// The order of factors does not matter, and a common factor does not change a comparison.
        #[test]
        fn large_products(a: u128, b: u128, c: u128, k in 1u128..) {
            prop_assert_eq!(Wide::product(&[a, b, c]), Wide::product(&[c, b, a]));
            let (left, right) = (Wide::product(&[a, b]), Wide::product(&[c, b]));
            prop_assert_eq!(left.times(k).cmp(&right.times(k)), left.cmp(&right));
            if b > 0 {
                prop_assert_eq!(left.cmp(&right), a.cmp(&c));
            }
        }
    }
}
