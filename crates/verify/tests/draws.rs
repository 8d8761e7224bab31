//! The draw, seen from the verdict: a party that shows, hides, repeats or adds what it can cannot move it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use standstill_statement::{Body, Challenge, Finding, FindingItem, Hash32, Mode, Outcome as Found};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_verify::bench::world::{Plan, Usage, World};
use standstill_verify::verdict::{AuditStatus, Check};
use standstill_verify::{Bundle, Forgetful, Limits, Options, Outcome, Verdict, judge, render};

const PLAN: Plan =
    Plan { parties: 1, windows: 2, baseline_windows: 1, groups: 3, devices: 1, drawn: 1, mode: Mode::Open };

/// A world with a declared fleet and one report, public long before the grace deadline.
fn reported() -> World {
    let mut world = World::new(PLAN).unwrap();
    world.declare_all().unwrap();
    world.report(0, 0, Usage::FULL).unwrap();
    world
}

/// Has the auditor publish a challenge after the draw.
fn publish(world: &mut World, challenge: Challenge) -> Hash32 {
    let (agreement, time) = (world.agreement.id(), world.draw_unix_seconds(0) + 900);
    let hash = world.auditor.say(agreement, Body::Challenge(challenge), time).unwrap();
    world.auditor.publish(&world.witnesses, time).unwrap();
    hash
}

fn judged(world: &World) -> Verdict {
    let bundle = Bundle::from_source(Box::new(world.bundle().unwrap()), Limits::default()).unwrap();
    judge(&bundle, &Options::default(), &Forgetful)
}

fn check<'a>(verdict: &'a Verdict, name: &str) -> &'a Check {
    let (issuer, id) = name.split_once('/').unwrap();
    let found = verdict.checks().find(|(of, check)| of.as_str() == issuer && check.id == id);
    found.unwrap_or_else(|| panic!("no check {name}: {}", render::text(verdict))).1
}

fn assert_open(verdict: &Verdict, why: &str) {
    let draws = check(verdict, "auditor/draws-honest");
    assert_eq!(draws.outcome, Outcome::CannotConclude, "{}", draws.reason);
    assert!(draws.reason.contains(why), "{}", draws.reason);
    assert!(verdict.checks().all(|(_, check)| check.outcome != Outcome::Violated), "{}", render::text(verdict));
    assert!(matches!(verdict.parties[0].windows[0].audit, AuditStatus::NotMade | AuditStatus::Pending));
}

#[test]
fn attack_a_head_cosigned_again_moves_no_draw() {
    let mut plain = reported();
    let mut again = reported();
    let drawn = plain.draw(0, 0).unwrap();
    let witnesses = again.witnesses.clone();
    for minutes in [1, 7, 600] {
        let time = again.agreement.window_bounds(0).1 + 3_600 + 60 * minutes;
        again.labs[0].scribe.publish(&witnesses, time).unwrap();
    }
    // Only the latest lines are shown: by them the report was public ten hours later than it was.
    let latest = again.labs[0].scribe.latest.clone();
    let first = again.labs[0].scribe.notes.iter_mut().find(|(size, _)| *size == 3).unwrap();
    first.1 = latest;
    for world in [&mut plain, &mut again] {
        world.audit(0, 0, |_| None).unwrap();
        world.finish().unwrap();
        let verdict = judged(world);
        assert_eq!(verdict.parties[0].windows[0].audit, AuditStatus::Clean, "{}", render::text(&verdict));
        assert_eq!(world.draw(0, 0).unwrap().groups, drawn.groups);
    }
}

#[test]
fn attack_a_log_that_ends_at_the_revision_of_its_choice_was_not_drawn_from() {
    let mut world = reported();
    // The party had more revisions cosigned and, knowing the round, shows a log that ends with the one that it likes. No witness
    // signs that log any more, so that no head of it is from after the grace deadline.
    let challenge = world.draw(0, 0).unwrap();
    publish(&mut world, challenge);
    assert_open(&judged(&world), "shows which report counts");
    // One such head settles it.
    let (witnesses, time) = (world.witnesses.clone(), world.draw_unix_seconds(0) + 1_000);
    world.labs[0].scribe.publish(&witnesses, time).unwrap();
    assert_eq!(check(&judged(&world), "auditor/draws-honest").outcome, Outcome::Verified);
}

#[test]
fn attack_a_challenge_of_a_superseded_revision_is_no_audit() {
    let mut world = reported();
    let superseded = world.draw(0, 0).unwrap();
    let before_grace = world.agreement.window_bounds(0).1 + 80_000;
    world.report_at(0, 0, 1, Usage::FULL, &["base"], before_grace).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    publish(&mut world, superseded);
    world.finish().unwrap();
    let verdict = judged(&world);
    assert_open(&verdict, "the report that counts for window 0 is revision 1");
    assert_eq!(check(&verdict, "north/audits-made").outcome, Outcome::CannotConclude);
    assert_eq!(verdict.parties[0].windows[0].audit, AuditStatus::NotMade);
}

#[test]
fn attack_a_revision_after_the_beacon_spoke_undraws_nothing() {
    let mut world = reported();
    let challenge = world.draw(0, 0).unwrap();
    let (witnesses, after) = (world.witnesses.clone(), world.agreement.grace_deadline(0) + 60);
    world.labs[0].scribe.publish(&witnesses, after).unwrap();
    let again = world.labs[0].scribe.latest.clone();
    world.files.files.insert("logs/north/checkpoints/again".to_owned(), again);
    publish(&mut world, challenge);
    let late = world.draw_unix_seconds(0) + 1_000;
    world.report_at(0, 0, 1, Usage::FULL, &["base"], late).unwrap();
    world.finish().unwrap();
    let verdict = judged(&world);
    let answered = check(&verdict, "north/audits-answered");
    assert_eq!(answered.outcome, Outcome::Violated, "{}", answered.reason);
    assert_eq!(verdict.parties[0].windows[0].audit, AuditStatus::Failed);
}

#[test]
fn a_challenge_that_is_not_public_binds_nobody() {
    let mut world = reported();
    let challenge = world.draw(0, 0).unwrap();
    let agreement = world.agreement.id();
    world.auditor.say(agreement, Body::Challenge(challenge), world.draw_unix_seconds(0)).unwrap();
    let head = world.auditor.head();
    let checkpoint = Checkpoint::new(&head.origin, head.size, head.root.0);
    world.auditor.latest = world.auditor.note(&checkpoint, &[], 0).unwrap();
    let (witnesses, end) = (world.witnesses.clone(), world.draw_unix_seconds(0) + 2_000);
    world.labs[0].scribe.publish(&witnesses, end).unwrap();
    assert_open(&judged(&world), "not shown to be public");
}

#[test]
fn a_round_that_the_terms_do_not_name_is_the_auditors_breach() {
    let mut world = reported();
    let mut challenge = world.draw(0, 0).unwrap();
    challenge.round += 1;
    publish(&mut world, challenge);
    world.finish().unwrap();
    let verdict = judged(&world);
    let draws = check(&verdict, "auditor/draws-honest");
    assert_eq!(draws.outcome, Outcome::Violated, "{}", draws.reason);
    assert!(draws.reason.contains("by the terms only round"), "{}", draws.reason);
}

/// What the tripwire says after these outcomes; `true` stands for a publication after the outcome.
fn tripwire(outcomes: &[(Found, bool)]) -> Outcome {
    let mut world = reported();
    let challenge = world.draw(0, 0).unwrap();
    let (group, party) = (challenge.groups[0], challenge.party.clone());
    let hash = publish(&mut world, challenge);
    let (agreement, mut time) = (world.agreement.id(), world.draw_unix_seconds(0) + 2_000);
    for (outcome, public) in outcomes {
        time += 60;
        let reason = if *outcome == Found::Flagged { "class-profile" } else { "" };
        let item = FindingItem { group, outcome: *outcome, reason: reason.to_owned(), power_reading: false };
        let finding = Finding { party: party.clone(), challenge: hash, items: vec![item] };
        world.auditor.say(agreement, Body::Finding(finding), time).unwrap();
        if *public {
            world.auditor.publish(&world.witnesses, time).unwrap();
        }
    }
    world.finish().unwrap();
    check(&judged(&world), "north/tripwire").outcome
}

#[test]
fn only_a_finding_that_was_public_later_clears_a_flag() {
    assert_eq!(tripwire(&[(Found::Flagged, true), (Found::Match, true)]), Outcome::Verified);
    assert_eq!(tripwire(&[(Found::Match, true), (Found::Flagged, true)]), Outcome::CannotConclude);
    // Public at the same time: the flag stays, whichever stands first.
    assert_eq!(tripwire(&[(Found::Flagged, false), (Found::Match, true)]), Outcome::CannotConclude);
    assert_eq!(tripwire(&[(Found::Match, false), (Found::Flagged, true)]), Outcome::CannotConclude);
}
