//! The set of bound parties against its definition, on random agreements.

use crate::world::{name, terms};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use standstill_agreement::runtime::activation::activate;
use standstill_agreement::runtime::bench::world::World;
use standstill_agreement::runtime::replay;
use standstill_agreement::{Condition, Fraction, PartySet, Shares};
use standstill_statement::{Formula, Name};
use std::collections::{BTreeMap, BTreeSet};

const MOST: usize = 6;

fn lab(index: usize) -> Name {
    name(&format!("p{index}"))
}

fn labs(count: usize) -> Vec<Name> {
    (0..count).map(lab).collect()
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (0..=u32::try_from(MOST).unwrap()).prop_map(Condition::AtLeast),
        prop::collection::btree_set((0..MOST).prop_map(lab), 1..=2).prop_map(Condition::Includes),
        (0u64..=10).prop_map(|tenths| Condition::Share(Fraction::new(tenths, 10).unwrap())),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..=2).prop_map(Condition::All),
            prop::collection::vec(inner, 0..=2).prop_map(Condition::Any),
        ]
    })
}

#[derive(Debug, Clone)]
struct Case {
    conditions: Vec<Condition>,
    weights: Vec<u64>,
    /// Who has an offer, who is bound already, and who comes last.
    offered: u8,
    bound: u8,
    last: usize,
    order: Vec<usize>,
}

fn case() -> impl Strategy<Value = Case> {
    (2..=MOST).prop_flat_map(|count| {
        (
            prop::collection::vec(condition(), count),
            prop::collection::vec(0u64..10, count),
            any::<u8>(),
            prop_oneof![3 => Just(0u8), 1 => any::<u8>()],
            0..count,
            Just((0..count).collect::<Vec<_>>()).prop_shuffle(),
        )
            .prop_map(|(conditions, weights, offered, bound, last, order)| Case {
                conditions,
                weights,
                offered,
                bound,
                last,
                order,
            })
    })
}

fn set(bits: u8, count: usize) -> PartySet {
    (0..count).filter(|index| bits >> index & 1 == 1).collect()
}

/// Every subset of those who offered, together with those bound, in which each newcomer's condition holds; and the union of them.
fn brute_force(case: &Case, shares: &Shares, bound: PartySet, offered: PartySet) -> (PartySet, bool) {
    let count = case.conditions.len();
    let names = |set: PartySet| set.iter().map(lab).collect::<BTreeSet<_>>();
    let fits = |candidate: PartySet| {
        candidate
            .iter()
            .filter(|index| !bound.contains(*index))
            .all(|index| case.conditions[index].holds(&names(candidate.without(index)), shares))
    };
    let consistent: Vec<PartySet> = (0u8..1 << count)
        .map(|bits| set(bits, count))
        .filter(|candidate| {
            bound.is_subset(*candidate) && candidate.is_subset(bound.union(offered)) && fits(*candidate)
        })
        .collect();
    let union = consistent.iter().fold(bound, |all, candidate| all.union(*candidate));
    (union, fits(union))
}

/// Removal of one party at a time in any order, instead of all at once.
fn one_by_one(case: &Case, shares: &Shares, bound: PartySet, offered: PartySet) -> PartySet {
    let mut left = bound.union(offered);
    let names = |set: PartySet| set.iter().map(lab).collect::<BTreeSet<_>>();
    while let Some(gone) = case.order.iter().copied().find(|index| {
        left.contains(*index)
            && !bound.contains(*index)
            && !case.conditions[*index].holds(&names(left.without(*index)), shares)
    }) {
        left = left.without(gone);
    }
    left
}

/// 100,000 random agreements: unique, order-independent, adding never removes, equal to brute force.
#[test]
fn the_set_is_what_brute_force_finds() {
    let mut runner = TestRunner::new(Config { cases: 100_000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&case(), |case| {
        let count = case.conditions.len();
        let parties = labs(count);
        let weights: BTreeMap<Name, u64> = parties.iter().cloned().zip(case.weights.iter().copied()).collect();
        let total = case.weights.iter().sum::<u64>().max(1);
        let shares = Shares { weights, total, source: String::new() };
        let bound = set(case.bound, count);
        let offered = set(case.offered, count);
        let conditions = |offered: PartySet| -> BTreeMap<usize, Condition> {
            offered.iter().filter(|at| !bound.contains(*at)).map(|at| (at, case.conditions[at].clone())).collect()
        };
        let found = activate(&parties, &shares, bound, &conditions(offered));
        let (union, consistent) = brute_force(&case, &shares, bound, offered);
        prop_assert_eq!(found, union, "equals the union of all self-consistent sets");
        prop_assert!(consistent, "which is self-consistent, so the greatest is unique");
        prop_assert_eq!(found, one_by_one(&case, &shares, bound, offered), "whatever the order of removal");
        let fewer = activate(&parties, &shares, bound, &conditions(offered.without(case.last)));
        prop_assert!(fewer.is_subset(found), "a further offer never removes anybody");
        Ok(())
    });
    result.unwrap();
}

/// The machine gives the same set as brute force when the conditions come in sealed and opened statements.
#[test]
fn the_machine_binds_that_set() {
    let formulas = prop::collection::vec(
        prop_oneof![
            (0u32..4).prop_map(Formula::AtLeast),
            (0usize..4).prop_map(|at| Formula::Includes(vec![crate::world::labs()[at].clone()])),
            (0usize..4, 1u32..4).prop_map(|(at, least)| {
                Formula::Any(vec![Formula::Includes(vec![crate::world::labs()[at].clone()]), Formula::AtLeast(least)])
            }),
        ],
        4,
    );
    let mut base = terms();
    for pledge in base.coordination.conduct.as_mut().unwrap().pledges.values_mut() {
        pledge.stay = Condition::AtLeast(0);
    }
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(formulas, 0u8..16), |(formulas, offered)| {
        let labs = crate::world::labs();
        let mut world = World::new(&base).unwrap();
        let chosen: Vec<usize> = (0..4).filter(|at| offered >> at & 1 == 1).collect();
        let offers: Vec<(Name, Option<Formula>)> =
            chosen.iter().map(|at| (labs[*at].clone(), Some(formulas[*at].clone()))).collect();
        let at = world.join(0, &offers);
        let timeline = replay(&base, &world.facts(), at).unwrap();
        let conditions: Vec<Condition> =
            formulas.iter().map(standstill_agreement::runtime::activation::condition_of).collect();
        let subset = |bits: u8| -> BTreeSet<usize> { (0..4).filter(|at| bits >> at & 1 == 1).collect() };
        let fits = |bits: &u8| {
            let members = subset(*bits);
            bits & !offered == 0
                && members.iter().all(|own| {
                    let others = members.iter().filter(|at| *at != own).map(|at| labs[*at].clone()).collect();
                    conditions[*own].holds(&others, &Shares::default())
                })
        };
        let greatest = (0u8..16).filter(fits).fold(0, |all, bits| all | bits);
        let expected: Vec<Name> = subset(greatest).into_iter().map(|at| labs[at].clone()).collect();
        prop_assert_eq!(timeline.state.bound(), expected);
        Ok(())
    });
    result.unwrap();
}
