use super::*;
use proptest::prelude::*;

fn fraction(text: &str) -> Fraction {
    Fraction::parse(text).unwrap()
}

const EXA: u128 = 10u128.pow(18);

#[test]
fn the_design_figures() {
    // DESIGN.md section 9: about 12 checks a day for 1e24 at 95 % on a site of 100,000 H100 at 40 % (1.03e26 in 30 days), 58 at 500,000, q 0.9.
    let question = |site: u128| Question {
        flop: 10u128.pow(24),
        site_flop_per_day: site,
        probability: fraction("0.95"),
        sensitivity: fraction("0.9"),
        devices: Fraction::ONE,
    };
    let hundred_thousand = 3_420_000 * EXA;
    assert_eq!(question(hundred_thousand).draws_per(86_400), Some(12));
    assert_eq!(question(5 * hundred_thousand).draws_per(86_400), Some(57));
    assert_eq!(question(hundred_thousand).draws_per(7 * 86_400), Some(80));
    let diluted = Question { devices: fraction("0.5"), ..question(hundred_thousand) };
    assert_eq!(diluted.draws_per(86_400), Some(23));
    let blind = Question { sensitivity: Fraction::ZERO, ..question(hundred_thousand) };
    assert_eq!(blind.draws_per(86_400), None);
    let sure = Question { probability: Fraction::ONE, ..question(hundred_thousand) };
    assert_eq!(sure.draws_per(86_400), None);
}

/// ln 20 and ln 2 to 60 binary digits, from a published table (OEIS A016643, A002162), rounded down here.
#[test]
fn known_logarithms() {
    for (probability, digits) in [("0.95", 2_995_732_273_553_990_993u128), ("0.5", 693_147_180_559_945_309)] {
        let bounds = Logarithm::of_odds(fraction(probability)).unwrap();
        // Compare in units of 1e-18: value·2^60 / 1e18.
        let (below, above) = (digits * ONE / EXA, (digits + 1) * ONE / EXA + 1);
        assert!(bounds.lower <= above && bounds.upper >= below, "{probability}");
        assert!(bounds.upper - bounds.lower < 1 << 10, "{probability}: {}", bounds.upper - bounds.lower);
    }
    assert_eq!(Logarithm::of_odds(Fraction::ZERO).unwrap().lower, 0);
}

proptest! {
    /// Floating point, as an independent second way, lies between the bounds up to its own error.
    #[test]
    #[allow(clippy::cast_precision_loss, reason = "the comparison allows for it")]
    fn bounds_hold_the_logarithm(numerator in 0u64..1_000_000) {
        let odds = Fraction::new(numerator, 1_000_000).unwrap();
        let bounds = Logarithm::of_odds(odds).unwrap();
        let (lower, upper) = (bounds.lower as f64 / ONE as f64, bounds.upper as f64 / ONE as f64);
        let value = -(1.0 - numerator as f64 / 1e6).ln();
        prop_assert!(lower <= value + 1e-9 && upper >= value - 1e-9, "{lower} {value} {upper}");
        prop_assert!(bounds.lower <= bounds.upper && bounds.upper - bounds.lower < 1 << 10);
    }

    /// The number found is the least one that is enough, compared in floating point with a margin.
    #[test]
    #[allow(clippy::cast_precision_loss, reason = "the comparison allows for it")]
    fn the_least_number_is_found(
        flop in 1u128..1_000_000, site in 1u128..1_000_000, odds in 1u64..1000, q in 1u64..=100, devices in 1u64..=100, days in 1u64..30,
    ) {
        let question = Question {
            flop: flop * EXA,
            site_flop_per_day: site * EXA,
            probability: Fraction::new(odds, 1000).unwrap(),
            sensitivity: Fraction::new(q, 100).unwrap(),
            devices: Fraction::new(devices, 100).unwrap(),
        };
        let found = question.draws_per(days * 86_400).unwrap() as f64;
        let exact = -(1.0 - odds as f64 / 1e3).ln() * site as f64 * days as f64 * 1e4 / (q as f64 * devices as f64 * flop as f64);
        prop_assert!(found >= exact * (1.0 - 1e-9) && found < exact * (1.0 + 1e-9) + 1.0, "{found} {exact}");
    }
}
