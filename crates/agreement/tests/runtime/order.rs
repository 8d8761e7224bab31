//! The timeline is a function of the set of facts.

use crate::world::*;
use proptest::prelude::*;
use standstill_agreement::Agreement;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{Facts, replay};
use standstill_statement::{Matter, RulingOutcome};

fn history(terms: &Agreement) -> World<'_> {
    let mut world = in_force(terms, 80);
    let raised = world.at(20, 6);
    let raise = pause(&mut world, raised);
    let at = world.at(51, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let case = dispute(&mut world, "north", "south", at + DAY);
    rule(&mut world, case, at + 2 * DAY, RulingOutcome::Reviewed);
    inspect(&mut world, "auditor", "south", Some(case), at + 3 * DAY);
    let end = world.at(80, 0);
    world.shown(end);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any order of arrival, with repetitions and with later times for what was public earlier, gives the same timeline.
    #[test]
    fn any_order_gives_the_same_timeline(
        keys in prop::collection::vec(any::<u32>(), 600),
        doubled in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let terms = terms();
        let world = history(&terms);
        let as_of = world.at(80, 0);
        let expected = play(&terms, &world, as_of);
        let mut facts = world.facts();
        for index in doubled {
            // Somebody knows only a later head that covers the same statement.
            let mut copy = facts.statements[index.index(facts.statements.len())].clone();
            copy.published_unix_seconds += 5 * HOUR;
            facts.statements.push(copy);
        }
        let mut keyed: Vec<_> = facts.statements.into_iter().zip(keys.iter().copied().cycle()).collect();
        keyed.sort_by_key(|(_, key)| *key);
        facts.statements = keyed.into_iter().map(|(fact, _)| fact).collect();
        prop_assert_eq!(replay(&terms, &facts, as_of).unwrap(), expected);
    }

    /// Whatever part of the facts a verifier has, what it calls decided stays when it learns the rest.
    #[test]
    fn what_is_decided_stays(
        missing in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        day in 10u64..80,
    ) {
        let terms = terms();
        let world = history(&terms);
        let whole = play(&terms, &world, world.at(80, 0));
        let mut part = world.facts();
        let count = part.statements.len();
        let gone: Vec<usize> = missing.iter().map(|index| index.index(count)).collect();
        // A log is shown whole only up to its first missing entry, so everything behind that entry is missing too.
        let mut first: std::collections::BTreeMap<_, (u64, u64)> = std::collections::BTreeMap::new();
        for at in gone {
            let fact = &part.statements[at];
            let entry = first.entry(fact.issuer.clone()).or_insert((fact.index, fact.published_unix_seconds));
            *entry = (*entry).min((fact.index, fact.published_unix_seconds));
        }
        part.statements.retain(|fact| first.get(&fact.issuer).is_none_or(|(index, _)| fact.index < *index));
        for (issuer, (_, at)) in &first {
            part.shown_until.insert(issuer.clone(), at - 1);
        }
        let seen = replay(&terms, &part, world.at(day, 0)).unwrap();
        for decided in seen.transitions.iter().filter(|transition| transition.decided) {
            prop_assert!(whole.transitions.contains(decided), "{decided:?}");
        }
    }
}

#[test]
fn merging_tightens_times() {
    let terms = terms();
    let world = history(&terms);
    let mut later = world.facts();
    for fact in &mut later.statements {
        fact.published_unix_seconds += 3 * HOUR;
        fact.not_before_unix_seconds = 0;
    }
    let mut merged = Facts::default();
    merged.merge(&later);
    merged.merge(&world.facts());
    merged.merge(&later);
    assert_eq!(merged, world.facts());
}
