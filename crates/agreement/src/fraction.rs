//! Exact fractions in lowest terms, for votes, shares and probabilities. No floating point takes part.

use std::cmp::Ordering;
use std::fmt;

/// Largest denominator: six decimals, and every vote of up to a million voters.
const MAX_DENOMINATOR: u64 = 1_000_000;

/// A fraction from 0 to 1 in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// The whole.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// One half.
    pub const HALF: Self = Self { numerator: 1, denominator: 2 };

    /// `numerator / denominator` in lowest terms; `None` above 1, for a denominator of 0, or when more than six decimals would be needed.
    #[must_use]
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 || numerator > denominator {
            return None;
        }
        let divisor = gcd(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        (denominator <= MAX_DENOMINATOR).then_some(Self { numerator, denominator })
    }

    /// `2/3`, `66.7%` or `0.95`, exactly.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = |digits: &str| {
            let legal = (1..=7).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            if legal { digits.parse::<u64>().ok() } else { None }
        };
        if let Some((numerator, denominator)) = text.split_once('/') {
            return Self::new(whole(numerator)?, whole(denominator)?);
        }
        let (text, scale) = text.strip_suffix('%').map_or((text, 1), |text| (text, 100));
        let (before, after) = text.split_once('.').unwrap_or((text, "0"));
        if after.len() > 6 {
            return None;
        }
        let places = 10u64.pow(u32::try_from(after.len()).ok()?);
        Self::new(whole(before)?.checked_mul(places)?.checked_add(whole(after)?)?, places * scale)
    }

    /// Upper part.
    #[must_use]
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// Lower part, at least 1.
    #[must_use]
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// The least whole number that is at least this share of `whole`.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let product = u128::from(self.numerator) * u128::from(whole);
        // A fraction of at most 1 of a 64-bit number has 64 bits.
        u64::try_from(product.div_ceil(u128::from(self.denominator))).unwrap_or(whole)
    }

    /// True when `part` is at least this share of `whole`.
    #[must_use]
    pub fn is_reached(self, part: u128, whole: u128) -> bool {
        let needed = u128::from(self.numerator).checked_mul(whole);
        let given = u128::from(self.denominator).checked_mul(part);
        matches!((given, needed), (Some(given), Some(needed)) if given >= needed)
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        left.cmp(&(u128::from(other.numerator) * u128::from(self.denominator)))
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `2/3`: what [`Fraction::parse`] reads.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings() {
        let fraction = |numerator, denominator| Fraction::new(numerator, denominator);
        for (text, value) in [
            ("2/3", fraction(2, 3)),
            ("4/6", fraction(2, 3)),
            ("66.7%", fraction(667, 1000)),
            ("100%", Some(Fraction::ONE)),
            ("0.95", fraction(19, 20)),
            ("1", Some(Fraction::ONE)),
            ("1.0", Some(Fraction::ONE)),
            ("0", Some(Fraction::ZERO)),
            ("0.000001", fraction(1, 1_000_000)),
        ] {
            assert_eq!(Fraction::parse(text), value, "{text}");
            assert!(value.is_some(), "{text}");
        }
        for text in [
            "",
            "/",
            "3/2",
            "1/0",
            "101%",
            "1.1",
            "-1/2",
            "0.0000001",
            "1e-1",
            "a/b",
            "2 / 3",
            "%",
            ".5",
            "5.",
            "12345678/12345679",
        ] {
            assert_eq!(Fraction::parse(text), None, "{text}");
        }
    }

    #[test]
    fn votes_round_up() {
        let two_thirds = Fraction::parse("2/3").unwrap();
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(|count| two_thirds.of(count)), [1, 2, 2, 3, 4, 4, 5]);
        assert!(two_thirds.is_reached(2, 3) && !two_thirds.is_reached(3, 5) && two_thirds.is_reached(4, 5));
    }

    proptest! {
        #[test]
        fn order_and_text(a in 0u64..1000, b in 1u64..1000, c in 0u64..1000, d in 1u64..1000) {
            let (Some(left), Some(right)) = (Fraction::new(a.min(b), b), Fraction::new(c.min(d), d)) else { panic!() };
            prop_assert_eq!(left.cmp(&right), (a.min(b) * d).cmp(&(c.min(d) * b)));
            prop_assert_eq!(Fraction::parse(&left.to_string()), Some(left));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC*") {
            let _ = Fraction::parse(&text);
        }
    }
}
