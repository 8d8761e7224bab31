//! Which bounds a window has, and who owes a report on it.

use crate::world::{in_force, labs, name, pause, play, terms};
use standstill_agreement::Phase;
use standstill_agreement::runtime::bench::world::HOUR;

#[test]
fn a_window_has_the_mildest_phase_since_the_winding_down_before_it() {
    let terms = terms();
    let mut world = in_force(&terms, 40);
    let raised = world.at(10, 6);
    pause(&mut world, raised);
    let as_of = world.at(40, 0);
    let timeline = play(&terms, &world, as_of);
    let paused = timeline.transitions.iter().find(|t| t.to == "paused").unwrap().at_unix_seconds;
    let winding_down = terms.conduct().unwrap().clocks.winding_down_seconds;
    for window in 0..35 {
        let start = terms.window_bounds(window).0;
        let phase = timeline.window_phase(&terms, &name("north"), window);
        let expected = if start >= paused + winding_down { Phase::Paused } else { Phase::Normal };
        assert_eq!(phase, expected, "window {window}");
    }
    let judged = timeline.terms_for(&terms, &name("north"));
    assert!((0..35).all(|window| judged.phase(window) == timeline.window_phase(&terms, &name("north"), window)));
    assert_eq!(timeline.bounds_at(&name("north"), paused - 1), Phase::Normal);
    assert_eq!(timeline.bounds_at(&name("north"), paused), Phase::Paused, "a gate refuses at once");
}

#[test]
fn a_report_is_owed_while_duties_hold() {
    let terms = terms();
    let world = in_force(&terms, 20);
    let timeline = play(&terms, &world, world.at(20, 0));
    let active = timeline.transitions.iter().find(|t| t.to == "active").unwrap().at_unix_seconds;
    for lab in labs() {
        for window in 0..15 {
            let expected = terms.window_bounds(window).0 >= active;
            assert_eq!(timeline.owes_report(&terms, &lab, window), expected, "{lab} window {window}");
        }
    }
}

#[test]
fn the_hash_follows_what_happened_and_not_how_it_was_told() {
    let terms = terms();
    let world = in_force(&terms, 10);
    let (facts, as_of) = (world.facts(), world.at(12, 0));
    let hash = |facts: &standstill_agreement::runtime::Facts| {
        standstill_agreement::runtime::replay(&terms, facts, as_of).unwrap().hash()
    };
    let mut other = facts.clone();
    other.statements.reverse();
    other.statements.extend(facts.statements.iter().take(5).cloned());
    assert_eq!(hash(&facts), hash(&other));
    other.statements.retain(|fact| fact.published_unix_seconds < world.at(8, 0) + HOUR);
    assert_ne!(hash(&facts), hash(&other));
}

#[test]
fn a_log_with_two_signed_heads_is_at_fault_although_one_history_is_at_hand() {
    let terms = terms();
    let world = in_force(&terms, 10);
    let mut facts = world.facts();
    facts.forked_from.insert(name("east"), 4);
    let timeline = standstill_agreement::runtime::replay(&terms, &facts, world.at(12, 0)).unwrap();
    assert!(timeline.at_fault.contains(&name("east")));
    let after = timeline.ignored.iter().filter(|ignored| ignored.statement.issuer == name("east"));
    assert!(
        after.clone().count() > 0 && after.into_iter().all(|ignored| ignored.statement.index >= 4 && ignored.fault)
    );
}
