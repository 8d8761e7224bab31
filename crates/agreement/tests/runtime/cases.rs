//! Cases and inspections: the ladder, its clocks, and who may do what.

use crate::world::*;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_statement::{
    Answer, BlobRef, Body, Conclusion, Hash32, Inspected, Matter, Objection, Question, RulingOutcome,
};

fn answer(world: &mut World<'_>, by: &str, to: Hash32, at: u64) -> Hash32 {
    let body = Answer { question: to, text: "A burn-in test.".to_owned(), evidence: Vec::new(), attachment: None };
    world.say(&name(by), at, Body::Answer(body))
}

fn conclude(world: &mut World<'_>, request: Hash32, at: u64, outcome: Inspected) {
    let body = Conclusion { request, outcome, report: BlobRef::of(b"report") };
    world.say(&name("inspector"), at, Body::Conclusion(body));
}

fn object(world: &mut World<'_>, by: &str, request: Hash32, at: u64) {
    let body = Objection { request, text: "The meters were read last week.".to_owned() };
    world.say(&name(by), at, Body::Objection(body));
}

#[test]
fn an_answer_ends_a_case() {
    let terms = terms();
    let mut world = in_force(&terms, 40);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "north", "south", at);
    rule(&mut world, case, at + DAY, RulingOutcome::Reviewed);
    answer(&mut world, "south", case, at + 2 * DAY);
    rule(&mut world, case, at + 3 * DAY, RulingOutcome::Clarified);
    let timeline = play(&terms, &world, world.at(30, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 10 00h case: none -> signal (CaseOpened)",
            "day 11 00h case: signal -> reviewed (CaseReviewed)",
            "day 12 00h case: reviewed -> answered (Answered)",
            "day 13 00h case: answered -> clarified (Ruled)",
        ],
    );
    assert!(timeline.state.verified().contains(&name("south")));
}

/// Neither a silent adjudicator nor a silent respondent ends a case; silence of the respondent is held against it until it speaks.
#[test]
fn silence_does_not_bury_a_case() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "north", "south", at);
    let timeline = play(&terms, &world, world.at(40, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 17 00h case: signal -> reviewed (ReviewDefaulted)",
            "day 19 00h case: reviewed -> unanswered (AnswerMissed)",
        ],
    );
    assert!(!timeline.state.verified().contains(&name("south")));
    answer(&mut world, "south", case, at + 31 * DAY);
    let timeline = play(&terms, &world, world.at(50, 0));
    has(
        &lines(&terms, &timeline),
        &["day 41 00h case: unanswered -> answered (Answered)", "day 48 00h case: answered -> lapsed (CaseLapsed)"],
    );
    assert!(timeline.state.verified().contains(&name("south")));
}

/// A violation needs the ruling and the votes of the others; the accused never votes, and expulsion takes another vote.
#[test]
fn a_violation_needs_ruling_and_votes() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "auditor", "south", at);
    rule(&mut world, case, at + HOUR, RulingOutcome::Reviewed);
    rule(&mut world, case, at + 2 * HOUR, RulingOutcome::Violation);
    let inspection = inspect(&mut world, "auditor", "south", Some(case), at + 4 * DAY);
    conclude(&mut world, inspection, at + 6 * DAY, Inspected::Indication);
    vote_all(&mut world, &["north"], at + 6 * DAY + HOUR, Matter::Violation, case, 0);
    rule(&mut world, case, at + 7 * DAY, RulingOutcome::Violation);
    vote_all(&mut world, &["south", "north", "east"], at + 8 * DAY, Matter::Violation, case, 0);
    vote_all(&mut world, &["north", "east", "west"], at + 9 * DAY, Matter::Expulsion, case, 0);
    let timeline = play(&terms, &world, world.at(30, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 12 01h case: reviewed -> unanswered (AnswerMissed)",
            "day 14 00h case: unanswered -> inspecting (InspectionDue)",
            "day 15 00h inspection: objecting -> access (InspectionDue)",
            "day 16 00h inspection: access -> indication (Concluded)",
            "day 16 00h case: inspecting -> indicated (Concluded)",
            "day 17 00h case: indicated -> voting (Ruled)",
            "day 18 00h case: voting -> violation (ViolationCarried)",
            "day 19 00h party south: active -> withdrawn (Expelled)",
        ],
    );
    let reasons: Vec<&str> = timeline.ignored.iter().map(|ignored| ignored.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the respondent has not been heard: its time to answer is not over",
            "no vote on it is open",
            "its issuer may not vote on it: only bound parties do, and never the accused",
            // The third vote on the expulsion came after two of three others had carried it.
            "no vote on it is open",
        ]
    );
}

#[test]
fn votes_that_do_not_suffice_in_time_end_the_case() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "auditor", "south", at);
    answer(&mut world, "south", case, at + HOUR);
    rule(&mut world, case, at + DAY, RulingOutcome::Violation);
    vote_all(&mut world, &["north"], at + 2 * DAY, Matter::Violation, case, 0);
    vote_all(&mut world, &["east", "west"], at + 4 * DAY + 1, Matter::Violation, case, 0);
    let timeline = play(&terms, &world, world.at(30, 0));
    has(&lines(&terms, &timeline), &["day 14 00h case: voting -> not-carried (ViolationNotCarried)"]);
    assert_eq!(timeline.ignored.len(), 2);
}

/// Three quarters of the others stop an inspection; the asking and the accused party are not others.
#[test]
fn objections_stop_an_inspection() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 0);
    let stopped = inspect(&mut world, "north", "south", None, at);
    object(&mut world, "south", stopped, at + HOUR);
    object(&mut world, "east", stopped, at + 2 * HOUR);
    object(&mut world, "west", stopped, at + 3 * HOUR);
    let goes_on = inspect(&mut world, "auditor", "west", None, at + DAY);
    object(&mut world, "north", goes_on, at + DAY + HOUR);
    object(&mut world, "south", goes_on, at + DAY + HOUR);
    object(&mut world, "east", goes_on, at + 2 * DAY + 1);
    conclude(&mut world, stopped, at + 5 * DAY, Inspected::Indication);
    conclude(&mut world, goes_on, at + 6 * DAY, Inspected::NoIndication);
    let timeline = play(&terms, &world, world.at(30, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 10 03h inspection: objecting -> blocked (InspectionBlocked)",
            "day 12 00h inspection: objecting -> access (InspectionDue)",
            "day 16 00h inspection: access -> no-indication (Concluded)",
        ],
    );
    let reasons: Vec<&str> = timeline.ignored.iter().map(|ignored| ignored.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "its issuer may not object: neither the asking nor the accused party does, and only bound ones",
            "the time to object is over",
            "the inspection has not begun or is over",
        ]
    );
}

#[test]
fn an_inspection_without_a_conclusion_lapses_and_the_case_goes_on() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "north", "south", at);
    answer(&mut world, "south", case, at + HOUR);
    inspect(&mut world, "auditor", "south", Some(case), at + DAY);
    let timeline = play(&terms, &world, world.at(40, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 17 00h inspection: access -> reporting (AccessOver)",
            "day 20 00h inspection: reporting -> lapsed (ConclusionMissed)",
            "day 20 00h case: inspecting -> answered (ConclusionMissed)",
            "day 26 01h case: answered -> lapsed (CaseLapsed)",
        ],
    );
}

/// Questions of roles must be answered; a rival's only within a case.
#[test]
fn questions() {
    let terms = terms();
    let mut world = in_force(&terms, 60);
    let ask = |case| Question { party: name("south"), case, text: "Which jobs ran on pod 7?".to_owned() };
    let at = world.at(10, 0);
    let asked = world.say(&name("auditor"), at, Body::Question(ask(None)));
    world.say(&name("north"), at, Body::Question(ask(None)));
    let timeline = play(&terms, &world, world.at(13, 0));
    has(&lines(&terms, &timeline), &["day 12 00h question: asked -> unanswered (AnswerMissed)"]);
    assert!(!timeline.state.verified().contains(&name("south")));
    assert_eq!(timeline.ignored.len(), 1);
    answer(&mut world, "south", asked, at + 5 * DAY);
    let timeline = play(&terms, &world, world.at(20, 0));
    has(&lines(&terms, &timeline), &["day 15 00h question: unanswered -> answered (Answered)"]);
    assert!(timeline.state.verified().contains(&name("south")));
}

/// A violation during resumption puts what was lifted into force again; it takes a new vote in a new epoch.
#[test]
fn an_anomaly_ends_a_resumption() {
    let mut terms = terms();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.triggers.iter_mut().for_each(|trigger| trigger.lift.after_seconds = 5 * DAY);
    let mut world = in_force(&terms, 89);
    let at = world.at(10, 6);
    let raise = pause(&mut world, at);
    let at = world.at(16, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let case = dispute(&mut world, "auditor", "west", at);
    answer(&mut world, "west", case, at + HOUR);
    rule(&mut world, case, at + DAY, RulingOutcome::Violation);
    vote_all(&mut world, &["north", "east"], at + 2 * DAY, Matter::Violation, case, 0);
    // The votes of the first epoch count no more, and none before the waiting time is over again.
    vote_all(&mut world, &["north", "south", "east"], at + 3 * DAY, Matter::Lift, raise, 0);
    vote_all(&mut world, &["north", "south", "east"], at + 8 * DAY, Matter::Lift, raise, 1);
    let timeline = play(&terms, &world, world.at(80, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 16 00h agreement: paused -> resuming-1 (LiftCarried)",
            "day 18 00h trigger rsi: quiet -> acting (Anomaly)",
            "day 18 00h agreement: resuming-1 -> paused (Anomaly)",
            "day 24 00h agreement: paused -> resuming-1 (LiftCarried)",
        ],
    );
    assert_eq!(timeline.ignored.len(), 3);
}
