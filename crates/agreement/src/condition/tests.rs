use super::implication::MAX_STEPS;
use super::*;
use proptest::prelude::*;

fn name(index: usize) -> Name {
    Name::new(&format!("p{index:02}")).unwrap()
}

fn parties(count: usize) -> Vec<Name> {
    (0..count).map(name).collect()
}

fn shares(weights: &[u64], outside: u64) -> Shares {
    let total = weights.iter().sum::<u64>() + outside;
    let weights = weights.iter().enumerate().map(|(index, weight)| (name(index), *weight)).collect();
    Shares { weights, total, source: "test".to_owned() }
}

fn includes(positions: &[usize]) -> Condition {
    Condition::Includes(positions.iter().copied().map(name).collect())
}

fn share(text: &str) -> Condition {
    Condition::Share(Fraction::parse(text).unwrap())
}

fn conditions(count: usize) -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (0..=count + 1).prop_map(|least| Condition::AtLeast(u32::try_from(least).unwrap())),
        prop::collection::btree_set((0..count).prop_map(name), 1..=count.min(3)).prop_map(Condition::Includes),
        (0u64..=20).prop_map(|share| Condition::Share(Fraction::new(share, 20).unwrap())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner, 0..3).prop_map(Condition::Any),
        ]
    })
}

fn subsets(count: usize) -> impl Iterator<Item = PartySet> {
    (0u64..1 << count).map(move |bits| (0..count).filter(|position| bits >> position & 1 == 1).collect())
}

fn as_names(set: PartySet) -> BTreeSet<Name> {
    set.iter().map(name).collect()
}

#[test]
fn what_conditions_say() {
    let condition = Condition::All(vec![Condition::AtLeast(3), Condition::Any(vec![includes(&[1]), share("60%")])]);
    assert_eq!(
        condition.to_string(),
        "at least 3 other parties are in and (p01 is in or the others that are in have at least 3/5 of the total)"
    );
    assert_eq!(
        condition.to_toml(),
        "{ all = [{ at_least = 3 }, { any = [{ includes = [\"p01\"] }, { share = \"3/5\" }] }] }"
    );
    assert_eq!(Condition::ALWAYS.to_string(), "always");
    let shares = shares(&[10, 20, 30, 40], 0);
    let present = |positions: &[usize]| positions.iter().copied().map(name).collect::<BTreeSet<_>>();
    assert!(condition.holds(&present(&[1, 2, 3]), &shares));
    assert!(condition.holds(&present(&[0, 2, 3]), &shares), "80 of 100");
    assert!(!condition.holds(&present(&[2, 3]), &shares), "two are not three");
}

#[test]
fn the_largest_set_is_found_and_not_the_empty_one() {
    let parties = parties(4);
    let none = Shares::default();
    let formulas = |conditions: &[Condition]| -> Vec<Formula> {
        conditions.iter().map(|condition| Formula::new(condition, &parties, &none)).collect()
    };
    // Everybody waits for somebody else: the least fixed point is empty, the greatest is everybody.
    let waiting = formulas(&[Condition::AtLeast(3), Condition::AtLeast(3), includes(&[0]), includes(&[2])]);
    assert_eq!(greatest_fixed_point(&waiting, PartySet::first(4)), PartySet::first(4));
    // One that cannot be satisfied takes those with it that need it.
    let broken = formulas(&[includes(&[1]), Condition::AtLeast(4), Condition::AtLeast(1), includes(&[2])]);
    assert_eq!(greatest_fixed_point(&broken, PartySet::first(4)), [2, 3].into_iter().collect());
    assert_eq!(greatest_fixed_point(&broken, PartySet::first(2)), PartySet::EMPTY);
    assert_eq!(greatest_fixed_point(&[], PartySet::first(64)), PartySet::EMPTY);
}

fn compared(entry: &Condition, stay: &Condition, count: usize, shares: &Shares) -> Comparison {
    let parties = parties(count);
    let [entry, stay] = [entry, stay].map(|condition| Formula::new(condition, &parties, shares));
    compare(&entry, &stay, PartySet::first(count), &mut MAX_STEPS.clone())
}

#[test]
fn strictness_by_example() {
    let weights: Vec<u64> = (1..=20).map(|weight| weight * weight + 7).collect();
    let shares = shares(&weights, 100);
    let at_least = Condition::AtLeast;
    for (entry, stay, stricter) in [
        (at_least(3), at_least(2), false),
        (at_least(2), at_least(3), true),
        (includes(&[1, 2]), at_least(2), false),
        (includes(&[1, 2]), includes(&[1]), false),
        (includes(&[1]), includes(&[1, 2]), true),
        (share("60%"), share("50%"), false),
        (share("50%"), share("50.1%"), true),
        (Condition::ALWAYS, at_least(0), false),
        (Condition::ALWAYS, at_least(1), true),
        (Condition::Any(Vec::new()), at_least(20), false),
        // All twenty are in, so any share holds; shape alone does not see it.
        (at_least(20), share("90%"), false),
        (at_least(19), share("90%"), true),
        // Pigeonhole: 11 of 20 must include one of the first ten.
        (at_least(11), Condition::Any((0..10).map(|position| includes(&[position])).collect()), false),
        (at_least(10), Condition::Any((0..10).map(|position| includes(&[position])).collect()), true),
    ] {
        let found = compared(&entry, &stay, 20, &shares);
        assert_eq!(matches!(found, Comparison::Stricter(_)), stricter, "{entry} -> {stay}: {found:?}");
        assert_ne!(found, Comparison::TooComplex, "{entry} -> {stay}");
    }
}

/// The steps that the search may need for 20 parties of different weight are within the bound.
#[test]
fn the_worst_pair_of_twenty_is_decided() {
    let weights: Vec<u64> = (0..20).map(|index| 1_000_003 + 7_919 * index).collect();
    let shares = shares(&weights, 0);
    // The ten heaviest have just over half of the weight, nine have not: no rule of shape sees that.
    let found = compared(&share("50%"), &Condition::AtLeast(10), 20, &shares);
    assert_eq!(found, Comparison::NotStricter);
    assert!(matches!(compared(&share("50%"), &Condition::AtLeast(11), 20, &shares), Comparison::Stricter(_)));
}

#[test]
fn undecided_is_never_accepted() {
    let weights: Vec<u64> = (0..40).map(|index| 1_000_003 + 7_919 * index * index).collect();
    let shares = shares(&weights, 0);
    let parties = parties(40);
    let [entry, stay] =
        [share("50%"), Condition::AtLeast(15)].map(|condition| Formula::new(&condition, &parties, &shares));
    assert_eq!(compare(&entry, &stay, PartySet::first(40), &mut 1_000), Comparison::TooComplex);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The decision agrees with all 2^n sets, and a counterexample is one.
    #[test]
    fn strictness_agrees_with_enumeration(
        entry in conditions(6), stay in conditions(6), weights in prop::collection::vec(0u64..5, 6), outside in 0u64..5,
    ) {
        let shares = shares(&weights, outside);
        let holds = |condition: &Condition, set: PartySet| condition.holds(&as_names(set), &shares);
        let implied = subsets(6).all(|set| !holds(&entry, set) || holds(&stay, set));
        match compared(&entry, &stay, 6, &shares) {
            Comparison::NotStricter => prop_assert!(implied),
            Comparison::Stricter(set) => prop_assert!(holds(&entry, set) && !holds(&stay, set)),
            Comparison::TooComplex => prop_assert!(false, "six parties are few"),
        }
    }

    /// Compiled and plain evaluation agree, and more parties never make a condition false.
    #[test]
    fn conditions_are_monotone(condition in conditions(6), weights in prop::collection::vec(0u64..5, 6), outside in 0u64..5) {
        let shares = shares(&weights, outside);
        let formula = Formula::new(&condition, &parties(6), &shares);
        for set in subsets(6) {
            prop_assert_eq!(formula.holds(set), condition.holds(&as_names(set), &shares));
            for position in 0..6 {
                prop_assert!(!formula.holds(set) || formula.holds(set.with(position)));
            }
        }
    }

    /// The result is the union of all self-consistent sets, found by trying every set.
    #[test]
    fn the_fixed_point_is_the_union_of_consistent_sets(
        conditions in prop::collection::vec(conditions(5), 5), weights in prop::collection::vec(0u64..5, 5), start in 0u64..32,
    ) {
        let shares = shares(&weights, 0);
        let formulas: Vec<Formula> = conditions.iter().map(|condition| Formula::new(condition, &parties(5), &shares)).collect();
        let start: PartySet = (0..5).filter(|position| start >> position & 1 == 1).collect();
        let consistent = |set: &PartySet| set.iter().all(|position| formulas[position].holds(set.without(position)));
        let union = subsets(5).filter(|set| set.is_subset(start)).filter(consistent).fold(PartySet::EMPTY, PartySet::union);
        prop_assert_eq!(greatest_fixed_point(&formulas, start), union);
    }

    #[test]
    fn normal_form_keeps_the_meaning(condition in conditions(5), weights in prop::collection::vec(0u64..5, 5)) {
        let shares = shares(&weights, 1);
        let mut normal = condition.clone();
        normal.normalise();
        for set in subsets(5).map(as_names) {
            prop_assert_eq!(normal.holds(&set, &shares), condition.holds(&set, &shares));
        }
    }
}
