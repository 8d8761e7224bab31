//! Every verb of `standstill act`: once for an outcome that `agreement status` or `agreement timeline` then shows, and at least once refused:
//! with the right exit code, one line that says why and what to do next, and no file changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

mod joining;
mod judging;
mod pausing;
mod world;

use std::collections::BTreeSet;
use world::World;

/// One story in one world: joining, a pause, its lift, cases, inspections, and leaving.
#[test]
fn every_verb_acts_and_is_refused() {
    let mut world = World::new();
    joining::folders(&mut world);
    joining::commitments(&mut world);
    pausing::raise(&mut world);
    pausing::lift(&mut world);
    judging::questions(&mut world);
    judging::inspections(&mut world);
    judging::a_violation(&mut world);
    pausing::suspend(&mut world);
    pausing::renew_and_leave(&mut world);
    every_verb_was_played(&world);
}

/// The list of verbs is the program's own, so a new verb fails here until it is played too.
fn every_verb_was_played(world: &World) {
    let text = world.expect(&["act", "--help"], 0);
    let commands = text.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let verb =
        |line: &str| line.strip_prefix("  ")?.split(' ').next().filter(|verb| !verb.is_empty()).map(str::to_owned);
    let verbs: BTreeSet<String> = commands.lines().filter_map(verb).filter(|verb| verb != "help").collect();
    assert_eq!(verbs.len(), 21, "{verbs:?}");
    let played = world.played.borrow();
    for exit in [0, 2] {
        let missing: Vec<&String> = verbs.iter().filter(|verb| !played.contains(&((*verb).clone(), exit))).collect();
        assert!(missing.is_empty(), "never ended with {exit}: {missing:?}");
    }
}
