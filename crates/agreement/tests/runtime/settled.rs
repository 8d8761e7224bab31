//! What is called decided when a statement may have been public earlier than anybody at hand can show: one test for each rule of
//! `docs/formats/runtime.md`, section 8.

use crate::world::*;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{Facts, Timeline, replay};
use standstill_agreement::{Agreement, Phase};
use standstill_statement::{Body, CommitmentSeal, Hash32, Matter};

/// Replays with all logs shown whole, the statement of that hash known to have been public only after `not_before`.
fn known_since(terms: &Agreement, world: &World<'_>, statement: Hash32, not_before: u64, as_of: u64) -> Timeline {
    let mut facts: Facts = world.facts();
    let issuers = terms.parties.iter().map(|party| &party.id).chain(terms.roles.iter().map(|role| &role.id));
    facts.shown_until = issuers.map(|name| (name.clone(), as_of)).collect();
    let fact = facts.statements.iter_mut().find(|fact| fact.statement == statement).unwrap();
    fact.not_before_unix_seconds = not_before;
    replay(terms, &facts, as_of).unwrap()
}

/// With an exact time everything is decided; with the earlier one nothing from `open` on, and the sentence says why.
#[track_caller]
fn open_from(terms: &Agreement, world: &World<'_>, statement: Hash32, at: u64, earlier: u64, open: u64, why: &str) {
    let as_of = world.at(60, 0);
    let exact = known_since(terms, world, statement, at - 1, as_of);
    assert_eq!(exact.settled_until_unix_seconds, as_of, "{:?}", exact.unsettled);
    let vague = known_since(terms, world, statement, earlier, as_of);
    assert!(vague.settled_until_unix_seconds < open, "settled until {}", vague.settled_until_unix_seconds);
    assert!(vague.settled_until_unix_seconds >= earlier.min(open - DAY), "not more is open than must be");
    assert!(vague.unsettled.iter().any(|words| words.contains(why)), "{:?}", vague.unsettled);
}

/// Rule 2: a vote that was counted after its epoch could have carried the lift in it.
#[test]
fn a_vote_that_may_have_been_in_another_epoch() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    // Votes open on day 50 at 07 h; epochs last three days. Reports are published every day at 01 h.
    let at = world.at(53, 7);
    vote_all(&mut world, &["north", "south"], at - 6 * HOUR, Matter::Lift, raise, 0);
    let late = world.vote(&name("east"), at + 60, Matter::Lift, raise, 0, standstill_statement::Choice::Yes);
    assert_eq!(play(&terms, &world, world.at(60, 0)).phase_at(world.at(59, 0)), "paused");
    open_from(&terms, &world, late, at + 60, at - 60, at, "another round or epoch");
}

/// Rule 2: a seal that came too late could have been in time.
#[test]
fn a_seal_that_may_have_been_in_time() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let three: Vec<_> = ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &three);
    world.reports(&["north", "south", "east"].map(name), 1..70);
    let west = name("west");
    let end = world.machine().entry_round(0).unwrap().sealed_by_unix_seconds;
    world.ratify(&west, end - 20);
    let seal = CommitmentSeal { entry_round: 0, seal: Hash32::of(b"a seal") };
    let late = world.say(&west, end + 10, Body::Commitment(seal));
    open_from(&terms, &world, late, end + 10, end - 10, end + 10, "another round or epoch");
}

/// Rule 3: a raise that was public earlier would have acted before the evidence against it came.
#[test]
fn a_clock_that_may_have_run_out_before_something_else() {
    let mut terms = terms();
    for trigger in &mut terms.coordination.conduct.as_mut().unwrap().triggers {
        trigger.hold_seconds = 6 * HOUR;
    }
    assert!(terms.conduct().unwrap().triggers.iter().any(|trigger| trigger.phase == Phase::Paused));
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let raised = at + HOUR;
    // Five and a half hours later both evaluators measure less: half an hour before it would act.
    for by in ["evaluator-1", "evaluator-2"] {
        horizon(&mut world, by, raised + 6 * HOUR - HOUR / 2, [100, 110, 120]);
    }
    assert_eq!(play(&terms, &world, world.at(30, 0)).phase_at(world.at(29, 0)), "active");
    open_from(&terms, &world, raise, raised, raised - HOUR + 60, raised + 6 * HOUR, "may have run out before");
}

/// Rule 4: if the last publication before a gap was earlier, the gap was an outage.
#[test]
fn an_outage_that_may_have_begun() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    join_all(&mut world);
    world.reports(&labs(), 1..20);
    // Silence lasts 36 hours before it is an outage: the reports on window 20 come 34 hours after this sign of life.
    let last = world.at(20, 12);
    let sign = world.heartbeat(&name("west"), last);
    for lab in labs() {
        for window in 20..21 {
            world.report(&lab, window, last + 34 * HOUR);
        }
    }
    world.reports(&labs(), 21..70);
    open_from(&terms, &world, sign, last, last - 3 * HOUR, last + 34 * HOUR, "an outage may have stopped");
}

/// Rule 1: a change between the two times.
#[test]
fn a_change_that_may_have_come_after() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let body = standstill_statement::Suspension { suspended: true, reason: "x".to_owned() };
    let suspended = world.say(&name("west"), at + 3 * HOUR, Body::Suspension(body));
    open_from(&terms, &world, suspended, at + 3 * HOUR, at, at + 3 * HOUR, "when something changed without it");
    assert_ne!(raise, suspended);
}
