use super::*;
use crate::commitment::commit;
use crate::history::PrivateWindow;
use proptest::prelude::*;

/// Totals with value and blinding made from a seed, as openings and as points.
fn window(window: u64, seed: u64) -> (PrivateWindow, Sums) {
    let opened = |index: usize| {
        let value = seed.wrapping_mul(index as u64 + 3) % 1_000_000_007;
        Opened { value: u128::from(value), blinding: Scalar::from(seed) * Scalar::from(index as u64 + 11) }
    };
    let totals: [Opened; Total::COUNT] = std::array::from_fn(opened);
    let run = opened(77);
    let name = Name::new("run-a").unwrap();
    let point = |opened: &Opened| commit(&Scalar::from(opened.value), &opened.blinding);
    let sums = Sums { totals: totals.each_ref().map(point), runs: BTreeMap::from([(name.clone(), point(&run))]) };
    (PrivateWindow { window, totals, runs: BTreeMap::from([(name, run)]) }, sums)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// What the lab opens and what everybody derives are the same commitment, for any rule.
    #[test]
    fn opening_and_point_agree(seed: u64, constant: u64, factors in prop::collection::vec((0usize..20, -1_000_000i64..1_000_000), 1..6)) {
        let (private, sums) = window(4, seed);
        let quantity = |index: usize| Total::ALL.get(index).map_or_else(|| Quantity::Run(Name::new("run-a").unwrap()), |total| Quantity::Total(*total));
        let terms = factors.iter().map(|(index, coefficient)| Term { window: 4, quantity: quantity(*index), coefficient: *coefficient });
        let rule = Rule { id: "r".to_owned(), limit: Name::new("r").unwrap(), run: None, constant, terms: terms.collect() };
        let (slack, blinding) = rule.opening(&private, &PrivateHistory::new()).unwrap();
        let party = Name::new("north").unwrap();
        let point = rule.point((Hash32::default(), &party, 4), &sums, &History::new()).unwrap();
        let magnitude = Scalar::from(slack.unsigned_abs());
        prop_assert_eq!(point, commit(&if slack < 0 { -magnitude } else { magnitude }, &blinding));
    }
}

#[test]
fn digest_depends_on_every_part() {
    let rule = Rule {
        id: "train".to_owned(),
        limit: Name::new("train").unwrap(),
        run: None,
        constant: 1,
        terms: vec![Term { window: 0, quantity: Quantity::Total(Total::Devices), coefficient: 2 }],
    };
    let changes: [fn(&mut Rule); 6] = [
        |rule| rule.id.push('x'),
        |rule| rule.constant = 2,
        |rule| rule.run = Some(Name::new("run-a").unwrap()),
        |rule| rule.terms[0].window = 1,
        |rule| rule.terms[0].coefficient = -2,
        |rule| rule.terms[0].quantity = Quantity::Total(Total::EnergyKilojoules),
    ];
    for change in changes {
        let mut other = rule.clone();
        change(&mut other);
        assert_ne!(other.digest(), rule.digest());
    }
}

#[test]
fn missing_windows_are_named() {
    let (private, sums) = window(4, 1);
    let term = Term { window: 2, quantity: Quantity::Total(Total::Devices), coefficient: 1 };
    let rule = Rule { id: "r".to_owned(), limit: Name::new("r").unwrap(), run: None, constant: 0, terms: vec![term] };
    let party = Name::new("north").unwrap();
    let reason = rule.point((Hash32::default(), &party, 4), &sums, &History::new()).unwrap_err();
    assert!(reason.contains("window 2"));
    assert!(rule.opening(&private, &PrivateHistory::new()).is_err());
}
