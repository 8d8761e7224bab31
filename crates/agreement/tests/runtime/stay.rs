//! Stay conditions: looser than entry conditions, with a grace period, so that one late report ends nothing.

use crate::world::*;
use proptest::prelude::*;
use standstill_agreement::runtime::RunPhase;
use standstill_agreement::runtime::bench::world::{HOUR, World};
use standstill_agreement::{Agreement, Condition, Phase};
use standstill_statement::Name;

const WINDOW: u64 = 20;

/// North enters and stays by these conditions, with this grace; the others stay whatever happens.
fn pledged(enter: Condition, stay: Condition, grace_seconds: u64) -> Agreement {
    let mut terms = terms();
    for (party, pledge) in &mut terms.coordination.conduct.as_mut().unwrap().pledges {
        pledge.stay = Condition::AtLeast(0);
        if party.as_str() == "north" {
            (pledge.condition, pledge.stay, pledge.grace_seconds) = (enter.clone(), stay.clone(), grace_seconds);
        }
    }
    terms
}

/// All report up to day 60, but these parties report on [`WINDOW`] so many hours after it counts as missing.
fn late<'t>(terms: &'t Agreement, parties: &[(&str, u64)]) -> World<'t> {
    let mut world = World::new(terms).unwrap();
    join_all(&mut world);
    for lab in labs() {
        let hours = parties.iter().find(|(name, _)| *name == lab.as_str()).map(|(_, hours)| *hours);
        match hours {
            None => world.reports(&[lab], 1..60),
            Some(hours) => {
                world.reports(std::slice::from_ref(&lab), 1..WINDOW);
                world.reports(std::slice::from_ref(&lab), WINDOW + 1..60);
                world.report(&lab, WINDOW, missing_from(terms) + hours * HOUR);
            }
        }
    }
    world
}

fn missing_from(terms: &Agreement) -> u64 {
    terms.grace_deadline(WINDOW) + 1
}

fn north(terms: &Agreement, world: &World<'_>) -> Option<RunPhase> {
    play(terms, world, world.at(60, 0)).state.party_phase(&name("north"))
}

/// Three are needed to enter and two to stay: one that falls away starts no clock, two do.
#[test]
fn entry_and_stay_differ() {
    let terms = pledged(Condition::AtLeast(3), Condition::AtLeast(2), 0);
    let world = late(&terms, &[("west", 100)]);
    let timeline = play(&terms, &world, world.at(60, 0));
    assert_eq!(timeline.state.party_phase(&name("north")), Some(RunPhase::In(Phase::Normal)));
    assert!(!lines(&terms, &timeline).iter().any(|line| line.contains("StayFails")));
    let world = late(&terms, &[("west", 100), ("south", 100)]);
    assert_eq!(north(&terms, &world), Some(RunPhase::Withdrawn), "without grace it leaves at once");
    // The same two would not have been enough to enter.
    let mut world = World::new(&terms).unwrap();
    let offers: Vec<(Name, Option<standstill_statement::Formula>)> =
        ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &offers);
    let bound = play(&terms, &world, world.at(5, 0)).state.bound();
    assert!(!bound.contains(&name("north")), "{bound:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// North leaves exactly when its condition has failed for the whole grace period in one piece, however many fell away when.
    #[test]
    fn it_leaves_exactly_when_the_grace_period_is_over(
        grace in 0u64..200, west in 0u64..200, south in 0u64..200, east in 0u64..200, least in 1u32..=3,
    ) {
        let terms = pledged(Condition::AtLeast(3), Condition::AtLeast(least), grace * HOUR);
        let world = late(&terms, &[("west", west), ("south", south), ("east", east)]);
        // All three are missing from one moment on; the condition holds again when enough have caught up.
        let mut back = [west, south, east];
        back.sort_unstable();
        let fails_for = back[least as usize - 1];
        // A report of the very second in which it would count as missing is too late by that second; one of that in which grace ends, too.
        let left = fails_for >= grace;
        let expected = if left { RunPhase::Withdrawn } else { RunPhase::In(Phase::Normal) };
        prop_assert_eq!(north(&terms, &world), Some(expected), "fails for {} of {} hours", fails_for, grace);
    }
}
