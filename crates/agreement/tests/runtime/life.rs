//! The ordinary life of an agreement.

use crate::world::*;
use standstill_agreement::runtime::RunPhase;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::{Condition, Phase};
use standstill_statement::{Body, Matter, Suspension, Withdrawal};

#[test]
fn arm_activate_pause_lift_in_steps_and_end() {
    let terms = terms();
    let mut world = in_force(&terms, 90);
    let raised = world.at(20, 6);
    let raise = pause(&mut world, raised);
    // 30 days after the phase began the votes open; 2/3 of four are three, and so is more than half plus the faulty.
    let at = world.at(50, 8);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let timeline = play(&terms, &world, world.at(95, 0));
    let lines = lines(&terms, &timeline);
    has(
        &lines,
        &[
            "day 0 19h agreement: draft -> open (Ratified)",
            "day 1 01h party north: open -> armed (Opened)",
            "day 1 12h agreement: armed -> notice (Activated)",
            "day 4 12h agreement: notice -> active (NoticeOver)",
            "day 20 07h trigger rsi: quiet -> raised (Raised)",
            "day 20 07h trigger rsi: holding -> acting (HoldOver)",
            "day 20 07h agreement: active -> paused (HoldOver)",
            "day 20 07h party west: active -> paused (HoldOver)",
            "day 50 08h trigger rsi: acting -> quiet (LiftCarried)",
            "day 50 08h agreement: paused -> resuming-1 (LiftCarried)",
            "day 57 08h agreement: resuming-1 -> resuming-2 (StepOver)",
            "day 64 08h agreement: resuming-2 -> active (StepOver)",
            "day 90 00h agreement: active -> ended (Expired)",
            "day 90 00h party west: active -> ended (Expired)",
        ],
    );
    assert!(timeline.ignored.is_empty(), "{:?}", timeline.ignored);
    let pausing = timeline.transitions.iter().find(|t| t.to == "paused").unwrap();
    assert_eq!(pausing.causes.len(), 3, "two measurements and the raise");
    let lifting = timeline.transitions.iter().find(|t| t.to == "resuming-1").unwrap();
    assert_eq!(lifting.causes.len(), 3, "three votes");
    assert_eq!(timeline.phase_at(world.at(30, 0)), "paused");
    assert_eq!(timeline.party_phase_at(&name("west"), world.at(60, 0)), "resuming-2");
    assert_eq!(timeline.state.phase(), RunPhase::Ended);
}

/// Both triggers act: the severer phase holds, and lifting it leads back to what the other still asks for.
#[test]
fn a_pause_above_a_slowdown_ends_in_the_slowdown() {
    let mut terms = terms();
    terms.coordination.conduct.as_mut().unwrap().triggers[0].expires_seconds = 85 * DAY;
    let mut world = in_force(&terms, 85);
    let at = world.at(10, 0);
    let evidence = ["evaluator-1", "evaluator-2"].map(|by| horizon(&mut world, by, at, [50, 60, 70]));
    world.raise(&name("north"), at + HOUR, &name("horizon"), &evidence);
    let raised = world.at(20, 6);
    let raise = pause(&mut world, raised);
    let at = world.at(51, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let lines = lines(&terms, &play(&terms, &world, world.at(80, 0)));
    has(
        &lines,
        &[
            "day 10 01h agreement: active -> slowed (HoldOver)",
            "day 20 07h agreement: slowed -> paused (HoldOver)",
            "day 51 00h agreement: paused -> resuming-1 (LiftCarried)",
            "day 58 00h agreement: resuming-1 -> resuming-2 (StepOver)",
            "day 65 00h agreement: resuming-2 -> slowed (StepOver)",
        ],
    );
    assert_eq!(terms.coordination.conduct.as_ref().unwrap().triggers[0].phase, Phase::Slowed);
}

/// Without anybody who raises it again a trigger lapses, also in steps.
#[test]
fn a_trigger_lapses() {
    let terms = terms();
    let mut world = in_force(&terms, 85);
    let at = world.at(10, 6);
    pause(&mut world, at);
    let lines = lines(&terms, &play(&terms, &world, world.at(80, 0)));
    has(
        &lines,
        &["day 55 07h trigger rsi: acting -> quiet (TriggerExpired)", "day 55 07h agreement: paused -> resuming-1"],
    );
}

/// An interval that spans the threshold is no answer; newer measurements can give one.
#[test]
fn indeterminate_evidence_pauses_nothing() {
    let terms = terms();
    let mut world = in_force(&terms, 40);
    let at = world.at(10, 6);
    let evidence = ["evaluator-1", "evaluator-2"].map(|by| horizon(&mut world, by, at, [100, 180, 300]));
    world.raise(&name("west"), at + HOUR, &name("rsi"), &evidence);
    let timeline = play(&terms, &world, world.at(11, 0));
    has(&lines(&terms, &timeline), &["trigger rsi: raised -> indeterminate (EvidenceIndeterminate)"]);
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Normal));
    for by in ["evaluator-1", "evaluator-2"] {
        horizon(&mut world, by, at + 2 * DAY, [170, 180, 300]);
    }
    let timeline = play(&terms, &world, world.at(20, 0));
    has(&lines(&terms, &timeline), &["day 12 06h agreement: active -> paused (HoldOver)"]);
}

/// One evaluator is not two, another method is another measurement, and who may not raise does not.
#[test]
fn evidence_needs_its_quorum_and_its_method() {
    let terms = terms();
    let mut world = in_force(&terms, 30);
    let at = world.at(10, 6);
    let one = horizon(&mut world, "evaluator-1", at, [180, 200, 230]);
    let twice = horizon(&mut world, "evaluator-1", at + 1, [180, 200, 230]);
    let auditor = horizon(&mut world, "auditor", at, [180, 200, 230]);
    let values = [180, 200, 230].map(|hours| standstill_statement::Decimal::new(hours * HOUR, 0));
    let method = standstill_statement::Hash32::of(b"another method");
    let other = world.signal(&name("evaluator-2"), at, &name("horizon_p50"), method, values);
    world.raise(&name("north"), at + HOUR, &name("rsi"), &[one, twice, auditor, other]);
    world.raise(&name("auditor"), at + HOUR, &name("rsi"), &[one]);
    world.raise(&name("north"), at + HOUR, &name("no-such"), &[one]);
    let timeline = play(&terms, &world, world.at(20, 0));
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Normal));
    let reasons: Vec<&str> = timeline.ignored.iter().map(|ignored| ignored.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the terms count no measurement of its issuer",
            "the terms do not let its issuer raise this trigger",
            "the terms have no such trigger"
        ]
    );
}

/// The evidence must stand for the hold time; measurements that contradict it stop the trigger.
#[test]
fn evidence_must_stand() {
    let mut terms = terms();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.triggers.iter_mut().for_each(|trigger| trigger.hold_seconds = 7 * DAY);
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 6);
    pause(&mut world, at);
    horizon(&mut world, "evaluator-2", at + 3 * DAY, [20, 30, 40]);
    let second = world.at(30, 0);
    pause(&mut world, second);
    let lines = lines(&terms, &play(&terms, &world, world.at(50, 0)));
    has(
        &lines,
        &[
            "day 10 07h trigger rsi: raised -> holding (EvidenceComplete)",
            "day 13 06h trigger rsi: holding -> raised (EvidenceWithdrawn)",
            "day 37 00h agreement: active -> paused (HoldOver)",
        ],
    );
    assert!(!lines.iter().any(|line| line.starts_with("day 17")), "{}", lines.join("\n"));
}

/// Silence, grace and release in steps; one late report in between costs nothing.
#[test]
fn stay_conditions_have_a_grace_period() {
    let terms = terms();
    let mut world = in_force(&terms, 20);
    // South and west fall silent for three days and catch up within the grace period; then west stays silent, and south leaves openly.
    world.reports(&[name("east"), name("north")], 20..80);
    let at = world.at(24, 0);
    for (lab, windows) in [("south", 20..23), ("west", 20..23)] {
        for window in windows {
            world.report(&name(lab), window, at + window);
        }
    }
    world.reports(&[name("south")], 23..80);
    world.reports(&[name("west")], 23..40);
    let suspended = world.at(45, 0);
    let body = Suspension { suspended: true, reason: "A change of government.".to_owned() };
    world.say(&name("south"), suspended, Body::Suspension(body));
    let lines = lines(&terms, &play(&terms, &world, world.at(79, 0)));
    has(
        &lines,
        &[
            "day 22 12h party south: due -> missing report of window 20 (ReportMissing)",
            "day 22 12h party north: stays -> grace (StayFails)",
            "day 24 00h party west: missing report of window 20 -> reported late (ReportLate)",
            "party north: grace -> stays (StayHolds)",
            "day 42 12h party west: due -> missing report of window 40 (ReportMissing)",
            "day 45 00h party south: active -> suspended (SelfSuspended)",
            "day 45 00h party north: stays -> grace (StayFails)",
            "day 59 00h party north: active -> withdrawn (GraceOver)",
        ],
    );
    assert_eq!(lines.iter().filter(|line| line.contains("party north: active -> withdrawn")).count(), 1);
}

#[test]
fn a_release_from_a_pause_goes_in_steps() {
    let mut terms = terms();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.pledges.get_mut(&name("north")).unwrap().stay = Condition::AtLeast(3);
    conduct.pledges.get_mut(&name("north")).unwrap().condition = Condition::AtLeast(3);
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    pause(&mut world, at);
    let body = Suspension { suspended: true, reason: "No longer.".to_owned() };
    let at = world.at(22, 0);
    world.say(&name("west"), at, Body::Suspension(body));
    let lines = lines(&terms, &play(&terms, &world, world.at(60, 0)));
    has(
        &lines,
        &[
            "day 36 00h party north: paused -> releasing-1 (GraceOver)",
            "day 43 00h party north: releasing-1 -> releasing-2 (StepOver)",
            "day 50 00h party north: releasing-2 -> withdrawn (StepOver)",
        ],
    );
}

#[test]
fn withdrawal_takes_its_notice() {
    let terms = terms();
    let mut world = in_force(&terms, 89);
    let at = world.at(10, 0);
    world.say(&name("west"), at, Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() }));
    let timeline = play(&terms, &world, world.at(89, 0));
    has(
        &lines(&terms, &timeline),
        &["party west: stays -> withdrawing", "day 70 00h party west: active -> withdrawn (WithdrawalOver)"],
    );
    assert_eq!(timeline.state.bound(), ["east", "north", "south"].map(name));
}

/// Nobody publishes: clocks stand still, no longer than agreed, and expiry does not wait.
#[test]
fn an_outage_freezes_clocks_but_not_expiry() {
    let terms = terms();
    let mut world = in_force(&terms, 21);
    let at = world.at(10, 0);
    world.say(&name("west"), at, Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() }));
    let back = world.at(28, 13);
    for lab in labs() {
        for window in 21..28 {
            world.report(&lab, window, back + window);
        }
    }
    world.reports(&labs(), 28..88);
    let timeline = play(&terms, &world, world.at(89, 0));
    let shown = lines(&terms, &timeline);
    has(
        &shown,
        &[
            // Silence for a window and the time of a report, then the clocks stand still until somebody publishes.
            "day 22 13h clock: running -> frozen (ClocksFrozen)",
            "day 28 13h clock: frozen -> running (ClocksResumed)",
            // Six days of outage move the withdrawal of day 70 to day 76.
            "day 76 00h party west: active -> withdrawn (WithdrawalOver)",
        ],
    );
    assert!(!shown.iter().any(|line| line.contains("missing")), "reports were due later\n{}", shown.join("\n"));
    let silent = in_force(&terms, 21);
    let shown = lines(&terms, &play(&terms, &silent, silent.at(95, 0)));
    has(
        &shown,
        &[
            "clock: frozen -> running-in-outage (FreezeExhausted)",
            "party west: asked -> silent (AnswerMissed)",
            "day 90 00h agreement: ended".split(": ").next().unwrap(),
        ],
    );
}

/// Renewal binds those who voted for it, and nobody else.
#[test]
fn renewal_binds_only_those_who_ask_for_it() {
    let terms = terms();
    let mut world = in_force(&terms, 160);
    let at = world.at(80, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Renewal, terms.id(), 0);
    let timeline = play(&terms, &world, world.at(120, 0));
    has(
        &lines(&terms, &timeline),
        &["agreement: term -> renewed (Renewed)", "day 90 00h party west: active -> ended (Expired)"],
    );
    assert_eq!(timeline.state.bound(), ["east", "north", "south"].map(name));
    let timeline = play(&terms, &world, world.at(200, 0));
    assert!(timeline.state.bound().is_empty());
    has(&lines(&terms, &timeline), &["day 180 00h agreement: active -> ended (Expired)"]);
}

#[test]
fn somebody_who_joins_later_is_bound_with_the_others() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let three: Vec<_> = ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &three);
    world.join(6, &[(name("west"), None)]);
    world.reports(&["north", "south", "east"].map(name), 1..20);
    let timeline = play(&terms, &world, world.at(11, 0));
    has(
        &lines(&terms, &timeline),
        &["day 7 12h party west: armed -> notice (Activated)", "day 10 12h party west: notice -> active (NoticeOver)"],
    );
    assert_eq!(timeline.state.bound(), labs());
}
