//! What is called decided when a statement may have been public earlier than anybody at hand can show: one test for each rule of
//! `docs/formats/runtime.md`, section 8.

use crate::world::*;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{Facts, Timeline, replay};
use standstill_agreement::{Agreement, Phase};
use standstill_statement::{
    Acknowledgement, Body, Choice, CommitmentSeal, Hash32, LiftRequest, Matter, Ruling, RulingOutcome,
};

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

/// Rule 4: a vote that was counted after its epoch could have carried the lift in it.
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

/// Rule 4: a seal that came too late could have been in time.
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

/// Rule 5: a raise that was public earlier would have acted before the evidence against it came.
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

/// Rule 6: if the last publication before a gap was earlier, the gap was an outage.
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

/// Rule 3: a change between the two times.
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

/// Rule 7: a ruling that was public before its dispute is ignored; were the dispute public earlier, it would count.
#[test]
fn a_statement_without_effect_that_may_have_had_one() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let case = dispute(&mut world, "north", "south", at);
    rule(&mut world, case, at - 2 * HOUR, RulingOutcome::Dismissed);
    assert_eq!(play(&terms, &world, world.at(22, 0)).ignored.len(), 1);
    let why = "would count otherwise";
    open_from(&terms, &world, case, at, at - 4 * HOUR, at - 2 * HOUR, why);
    // One hour of uncertainty does not reach back to it.
    let exact = known_since(&terms, &world, case, at - HOUR, world.at(60, 0));
    assert_eq!(exact.settled_until_unix_seconds, world.at(60, 0), "{:?}", exact.unsettled);
}

/// Rule 7: a first vote that was counted, and an expulsion of its voter that may have come before it.
#[test]
fn a_vote_of_somebody_who_may_have_been_out_already() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let case = dispute(&mut world, "auditor", "south", at);
    let answer =
        standstill_statement::Answer { question: case, text: "No.".to_owned(), evidence: Vec::new(), attachment: None };
    world.say(&name("south"), at + HOUR, Body::Answer(answer));
    rule(&mut world, case, at + 2 * HOUR, RulingOutcome::Violation);
    vote_all(&mut world, &["north", "east"], at + 3 * HOUR, Matter::Violation, case, 0);
    world.vote(&name("north"), at + 4 * HOUR, Matter::Expulsion, case, 0, Choice::Yes);
    let last = world.vote(&name("west"), at + 8 * HOUR, Matter::Expulsion, case, 0, Choice::Yes);
    let id = world.machine().agreement_id();
    world.vote(&name("south"), at + 6 * HOUR, Matter::Renewal, id, 0, Choice::Yes);
    let gone = play(&terms, &world, world.at(22, 0)).state;
    assert!(!gone.bound().contains(&name("south")));
    open_from(&terms, &world, last, at + 8 * HOUR, at + 5 * HOUR, at + 6 * HOUR, "would count otherwise");
    // North's vote of the same ballot makes no difference in either order.
    let later = known_since(&terms, &world, last, at + 6 * HOUR + 60, world.at(60, 0));
    assert!(!later.unsettled.iter().any(|words| words.contains("would count otherwise")), "{:?}", later.unsettled);
}

/// Two votes of one ballot, of which the second may have come first: nothing is held back, because either order carries the lift.
#[test]
fn votes_of_one_ballot_commute() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let at = world.at(51, 6);
    vote_all(&mut world, &["north", "south"], at, Matter::Lift, raise, 0);
    let last = world.vote(&name("east"), at + 3 * HOUR, Matter::Lift, raise, 0, Choice::Yes);
    let until = world.at(60, 0);
    let vague = known_since(&terms, &world, last, at - HOUR, until);
    assert!(vague.transitions.iter().any(|change| change.rule == standstill_agreement::runtime::Rule::LiftCarried));
    // Only the steps of resumption, whose clock the vote starts, could end some hours earlier; nothing lies there.
    assert_eq!(vague.settled_until_unix_seconds, until, "{:?}", vague.unsettled);
}

/// What decides nothing in any order holds nothing back: acknowledgements, requests for a lift, and what the terms alone refuse.
#[test]
fn what_decides_nothing_holds_nothing_back() {
    let terms = terms();
    let until = |world: &World<'_>| world.at(60, 0);
    let says = |raise: Hash32| {
        let trigger = name("rsi");
        let ruling = Ruling { case: raise, outcome: RulingOutcome::Dismissed, text: String::new() };
        [
            ("west", Body::Acknowledgement(Acknowledgement { phase: name("paused"), cause: raise })),
            ("west", Body::Lift(LiftRequest { trigger, raise, evidence: Vec::new() })),
            ("inspector", Body::Ruling(ruling)),
        ]
    };
    for which in 0..3 {
        let mut world = in_force(&terms, 80);
        let at = world.at(20, 6);
        let raise = pause(&mut world, at);
        let (by, body) = says(raise)[which].clone();
        let said = world.say(&name(by), at + 3 * HOUR, body);
        let vague = known_since(&terms, &world, said, at - HOUR, until(&world));
        assert!(vague.transitions.iter().any(|change| change.to == "paused"));
        assert_eq!(vague.settled_until_unix_seconds, until(&world), "{by}: {:?}", vague.unsettled);
    }
}
