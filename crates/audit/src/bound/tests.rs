use super::*;
use proptest::prelude::*;

const C95: PartsPerMillion = PartsPerMillion::CONFIDENCE_95;
const C99: PartsPerMillion = PartsPerMillion::CONFIDENCE_99;

fn share(parts: u32) -> PartsPerMillion {
    PartsPerMillion::new(parts).unwrap()
}

/// Published sizes: 1,400 racks of 72 (100,000 chips) and 14,000 racks (1,000,000 chips).
#[test]
fn sample_sizes_match_the_table() {
    for (groups, hidden, at_95, at_99) in [
        (1_400, 10_000, 269, 391),
        (1_400, 50_000, 58, 87),
        (1_400, 100_000, 29, 44),
        (14_000, 1_000, 2_696, 3_923),
        (14_000, 10_000, 295, 451),
        (14_000, 50_000, 59, 90),
    ] {
        let bad = bad_groups(groups, share(hidden));
        assert_eq!(groups_needed(groups, bad, C95), Ok(at_95), "{groups} {hidden}");
        assert_eq!(groups_needed(groups, bad, C99), Ok(at_99), "{groups} {hidden}");
    }
}

/// 20 a day for 30 days, from the same table: 99.8 %, 45 %, 99.8 %.
#[test]
fn repeated_daily_draws_match_the_table() {
    for (groups, hidden, expected) in [(1_400, 10_000, 99.8), (14_000, 1_000, 45.0), (14_000, 10_000, 99.8)] {
        let daily = chance_of_catch(groups, bad_groups(groups, share(hidden)), 20).unwrap();
        let monthly = 100.0 * (1.0 - (1.0 - f64::from(daily.parts()) / 1e6).powi(30));
        let rule = if expected > 90.0 { 0.2 } else { 2.0 };
        assert!((monthly - expected).abs() < rule, "{groups} {hidden}: {monthly}");
    }
}

/// Zero failures in n: 2.95 % at 100, 0.99 % at 300, 0.30 % at 1,000, 0.10 % at 3,000, 0.030 % at 10,000.
#[test]
fn zero_failure_bounds_match_the_published_ones() {
    for (drawn, parts) in [(100, 29_514), (300, 9_937), (1_000, 2_992), (3_000, 999), (10_000, 300)] {
        let got = undetected_share(drawn, C95).unwrap().parts();
        let exact = 1e6 * (1.0 - 0.05f64.powf(1.0 / f64::from(drawn)));
        assert!(f64::from(got) >= exact && f64::from(got) < exact + 1.1, "{drawn}: {got} against {exact}");
        assert!(got.abs_diff(parts) <= 1, "{drawn}: {got} against {parts}");
    }
    assert_eq!(undetected_share(0, C95), Ok(PartsPerMillion::ALL));
    assert_eq!(undetected_share(1, C95).unwrap().parts(), 950_000);
}

/// 1e24 operations at 95 % on 100,000 H100 at 40 % (3.43e24 a day): ln 20 × 3.43 = 10.3 checks at sensitivity 1, 11.9 at 0.87.
#[test]
fn checks_a_day_follow_the_exponential() {
    let (run, site) = (10u128.pow(24), 3_430_000_000_000_000_000_000_000);
    assert_eq!(checks_per_day(C95, PartsPerMillion::ALL, run, site), Ok(11));
    assert_eq!(checks_per_day(C95, share(870_000), run, site), Ok(12));
    let chance = chance_of_catching_run(PartsPerMillion::ALL, 11, run, site).unwrap().parts();
    let exact = 1e6 * (1.0 - (-11.0 / 3.43f64).exp());
    assert!((f64::from(chance) - exact).abs() <= 1.0, "{chance} {exact}");
    assert!(chance_of_catching_run(PartsPerMillion::ALL, 1, 1, 0).is_err());
    assert_eq!(chance_of_catching_run(PartsPerMillion::ALL, 0, run, site).unwrap().parts(), 0);
}

#[test]
fn impossible_questions_are_refused() {
    assert!(groups_needed(10, 0, C95).is_err());
    assert!(groups_needed(10, 11, C95).is_err());
    assert!(groups_needed(10, 1, share(0)).is_err());
    assert!(groups_needed(10, 1, PartsPerMillion::ALL).is_err());
    assert!(chance_of_catch(10, 11, 1).is_err());
    assert!(undetected_groups(10, 11, C95).is_err());
    assert!(checks_per_day(C95, share(0), 1, 1).is_err());
    assert!(checks_per_day(C95, PartsPerMillion::ALL, 1, u128::MAX).is_err());
    assert!(PartsPerMillion::new(1_000_001).is_err());
}

#[test]
fn edges_of_the_hypergeometric() {
    assert_eq!(chance_of_catch(10, 10, 1), Ok(PartsPerMillion::ALL));
    assert_eq!(chance_of_catch(10, 1, 10), Ok(PartsPerMillion::ALL));
    assert_eq!(chance_of_catch(10, 0, 10).unwrap().parts(), 0);
    assert_eq!(chance_of_catch(10, 1, 1).unwrap().parts(), 100_000);
    assert_eq!(groups_needed(10, 10, C95), Ok(1));
    assert_eq!(groups_needed(10, 1, C95), Ok(10));
    assert_eq!(undetected_groups(10, 10, C95), Ok(0));
    assert_eq!(undetected_groups(10, 0, C95), Ok(10));
}

/// What every text must do: fill in the numbers and state the assumption.
#[test]
fn texts_show_formula_and_numbers() {
    let clean = CleanAudit { groups: 256, drawn: 20, confidence: C95 }.text().unwrap();
    assert_eq!(
        clean,
        "With 20 of 256 groups opened and none bad, at 95 % confidence less than 13.91 % of registered capacity was in bad groups: the \
         smallest p with (1 - p)^20 <= 5 %, about -ln(5 %)/20. For 256 groups of equal capacity at most 34 were bad: the largest f with \
         C(256 - f, 20) / C(256, 20) > 5 %. This assumes that an opened bad group is recognised as bad."
    );
    let none = CleanAudit { groups: 256, drawn: 0, confidence: C95 }.text().unwrap();
    assert_eq!(none, "No group of 256 was opened, so the audit shows nothing.");
    let hunt = RunHunt {
        run_ops: 10u128.pow(24),
        site_ops_per_day: 3_430_000_000_000_000_000_000_000,
        checks_per_day: 4,
        sensitivity: PartsPerMillion::ALL,
        confidence: C95,
    };
    let text = hunt.text().unwrap();
    assert!(text.starts_with("4 checks a day catch a run of 1.00e24 operations at a site of 3.43e24 operations a day with probability 68.84 %"), "{text}");
    assert!(text.contains("95 % needs 11 checks a day"), "{text}");
}

/// Exact fractions of small cases as 128-bit integers: C(M−f, k)·den ≤ num·C(M, k).
fn choose(n: u32, k: u32) -> u128 {
    if k > n { 0 } else { (0..k).fold(1, |product, step| product * u128::from(n - step) / u128::from(step + 1)) }
}

proptest! {
    #[test]
    fn needed_sizes_are_exact_for_small_fleets(groups in 1u32..60, bad in 1u32..60, parts in 1u32..1_000_000) {
        prop_assume!(bad <= groups);
        let needed = groups_needed(groups, bad, share(parts)).unwrap();
        let missed = |drawn| choose(groups - bad, drawn) * 1_000_000;
        let allowed = |drawn| u128::from(1_000_000 - parts) * choose(groups, drawn);
        prop_assert!(missed(needed) <= allowed(needed));
        // One fewer is not enough; an exact tie may be decided either way, because rounding goes against the party.
        prop_assert!(needed == 0 || missed(needed - 1) >= allowed(needed - 1));
    }

    #[test]
    fn what_a_clean_audit_leaves_is_what_the_next_size_would_catch(groups in 1u32..2_000, drawn in 0u32..2_000) {
        prop_assume!(drawn <= groups);
        let left = undetected_groups(groups, drawn, C95).unwrap();
        if left < groups {
            prop_assert!(groups_needed(groups, left + 1, C95).unwrap() <= drawn);
        }
        if left > 0 {
            prop_assert!(groups_needed(groups, left, C95).unwrap() > drawn);
        }
    }

    #[test]
    fn huge_operands_do_not_overflow(run in 1u128.., site in 1u128.., checks in 0u64..) {
        let _ = chance_of_catching_run(PartsPerMillion::ALL, checks, run, site).unwrap();
    }
}
