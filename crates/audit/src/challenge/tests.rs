use super::*;
use crate::DemoBeacon;
use standstill_statement::{BlobRef, LogHead, ResponseItem};

/// Grace deadline of the window.
const GRACE: u64 = 1_800_000_000;

/// A report at index 11 of north's log, a beacon that ticks every 30 s, 16 groups of which 4 are drawn.
struct World {
    demo: DemoBeacon,
    beacon: Beacon,
    party: Name,
    head: LogHead,
    weights: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let demo = DemoBeacon::from_seed(&[5; 32]).unwrap();
        let beacon = demo.beacon(1_700_000_000, 30).unwrap();
        let head = LogHead { origin: "north.example/log".to_owned(), size: 12, root: Hash32([3; 32]) };
        Self { demo, beacon, party: Name::new("north").unwrap(), head, weights: vec![100; 16] }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            agreement: Hash32([1; 32]),
            party: &self.party,
            report: Hash32([2; 32]),
            report_index: 11,
            draw_after_unix_seconds: GRACE,
            beacon: &self.beacon,
            delay_seconds: 60,
            weights: &self.weights,
            groups_per_report: 4,
            respond_within_seconds: 86_400,
        }
    }

    fn round(&self) -> Round {
        self.demo.sign(required_round(&self.facts()).unwrap()).unwrap()
    }

    fn challenge(&self) -> Challenge {
        let determined = determine(&self.facts(), &self.round()).unwrap();
        Challenge {
            party: self.party.clone(),
            report: Hash32([2; 32]),
            head: self.head.clone(),
            round: self.round().round,
            groups: determined.groups,
            inspector_key: Hash32([7; 32]),
            respond_by_unix_seconds: determined.earliest_respond_by_unix_seconds,
        }
    }

    fn refused(&self, challenge: &Challenge) -> String {
        check(challenge, &self.facts(), &self.round()).unwrap_err().to_string()
    }
}

#[test]
fn an_honest_challenge_passes() {
    let world = World::new();
    let determined = check(&world.challenge(), &world.facts(), &world.round()).unwrap();
    assert_eq!(determined.groups.len(), 4);
    let time = world.beacon.time_of_round(world.round().round).unwrap();
    assert!(time > GRACE + 60 && time <= GRACE + 90);
    assert_eq!(determined.earliest_respond_by_unix_seconds, time + 86_400);
}

#[test]
fn attack_groups_that_the_beacon_did_not_draw() {
    let world = World::new();
    let mut swapped = world.challenge();
    swapped.groups.swap(0, 1);
    assert!(world.refused(&swapped).contains("the beacon drew"));
    let mut chosen = world.challenge();
    chosen.groups[0] = (0..16).find(|group| !chosen.groups.contains(group)).unwrap();
    assert!(world.refused(&chosen).contains("the beacon drew"));
    let mut fewer = world.challenge();
    fewer.groups.pop();
    assert!(world.refused(&fewer).contains("the beacon drew"));
    let mut flood = world.challenge();
    flood.groups = (0..100_000).collect();
    assert!(world.refused(&flood).len() < 300);
}

#[test]
fn attack_wrong_round() {
    let world = World::new();
    let required = world.round().round;
    // An earlier round may have been public before the report was logged; a later one lets the auditor wait for a draw to its liking.
    for number in [required - 1, required + 1, required + 1000] {
        let round = world.demo.sign(number).unwrap();
        let error = determine(&world.facts(), &round).unwrap_err().to_string();
        assert!(error.contains(&format!("only round {required} may draw")), "{error}");
    }
    // The right number with another round's signature.
    let forged = Round { round: required, ..world.demo.sign(required + 1).unwrap() };
    assert!(matches!(determine(&world.facts(), &forged), Err(AuditError::Round { .. })));
    // The challenge names one round, the bundle carries another.
    let mut challenge = world.challenge();
    challenge.round += 1;
    assert!(world.refused(&challenge).contains("the bundle has round"));
}

/// The party has the unchanged log cosigned again, earlier or later, hoping for another round or seed: cosignature lines and their
/// times are no input, and any head that covers the report, however often it was cosigned, gives the same draw.
#[test]
fn attack_grinding_by_having_a_head_cosigned_again() {
    let world = World::new();
    let drawn = world.challenge().groups;
    for root in 0..8 {
        let mut again = world.challenge();
        again.head.root = Hash32([root; 32]);
        again.head.origin = format!("north.example/{root}");
        assert_eq!(check(&again, &world.facts(), &world.round()).unwrap().groups, drawn);
    }
    // Only the terms move the round: by a second of the deadline or of the delay, across a period's end.
    let required = required_round(&world.facts()).unwrap();
    let later = Facts { draw_after_unix_seconds: GRACE + 30, ..world.facts() };
    assert_eq!(required_round(&later).unwrap(), required + 1);
    let longer = Facts { delay_seconds: 90, ..world.facts() };
    assert_eq!(required_round(&longer).unwrap(), required + 1);
}

/// The party withholds heads, so that the first one shown that covers the report is of its choice: the draw is the same for each
/// size, and only a head that does not have the report is refused.
#[test]
fn attack_grinding_by_withholding_heads() {
    let world = World::new();
    let drawn = world.challenge().groups;
    for size in [12, 13, 20, u64::MAX] {
        let mut later = world.challenge();
        later.head.size = size;
        assert_eq!(check(&later, &world.facts(), &world.round()).unwrap().groups, drawn);
    }
    let mut stale = world.challenge();
    stale.head = LogHead { size: 11, root: Hash32([8; 32]), ..world.head.clone() };
    assert!(world.refused(&stale).contains("does not cover entry 11"));
}

/// The party corrects its report until the drawn groups are clean. Every revision of a window waits for the same round, which does not
/// exist while a revision can still count, so that nobody can know which revision would be drawn from how.
#[test]
fn attack_grinding_by_revisions() {
    let world = World::new();
    let revision =
        |number: u8| Facts { report: Hash32([number; 32]), report_index: 11 + u64::from(number), ..world.facts() };
    let round = world.round();
    let time = world.beacon.time_of_round(round.round).unwrap();
    let mut draws = std::collections::BTreeSet::new();
    for number in 0..20 {
        let facts = revision(number);
        assert_eq!(required_round(&facts).unwrap(), round.round);
        assert!(
            time > facts.draw_after_unix_seconds + facts.delay_seconds,
            "the round is after the last moment for revisions"
        );
        draws.insert(determine(&facts, &round).unwrap().groups);
    }
    assert!(draws.len() > 15, "the report's hash is an input");
    // A challenge of one revision is no challenge of another, and an earlier round, known in time for a revision, may not draw.
    assert!(check(&world.challenge(), &revision(9), &round).is_err());
    let known = world.demo.sign(world.beacon.first_round_after(GRACE, 0).unwrap()).unwrap();
    assert!(determine(&revision(9), &known).unwrap_err().to_string().contains("may draw"));
}

#[test]
fn attack_another_party_or_report() {
    let world = World::new();
    let mut other = world.challenge();
    other.party = Name::new("south").unwrap();
    assert!(world.refused(&other).contains("names party south"));
    let mut report = world.challenge();
    report.report = Hash32([6; 32]);
    assert!(world.refused(&report).contains("names report"));
}

#[test]
fn attack_too_little_time_to_answer() {
    let world = World::new();
    let mut rushed = world.challenge();
    rushed.respond_by_unix_seconds -= 1;
    assert!(world.refused(&rushed).contains("the agreement gives until"));
    let mut generous = world.challenge();
    generous.respond_by_unix_seconds += 1_000;
    assert!(check(&generous, &world.facts(), &world.round()).is_ok());
    // An auditor who publishes late does not shorten the party's time.
    let challenge = world.challenge();
    let own = challenge.respond_by_unix_seconds;
    assert_eq!(deadline(&challenge, own - 10, 86_400), own - 10 + 86_400);
    assert_eq!(deadline(&challenge, GRACE, 86_400), own);
}

#[test]
fn late_partial_and_missing_answers() {
    let opening = BlobRef { sha256: Hash32([0; 32]), length_bytes: 1 };
    let response = Response { challenge: Hash32([1; 32]), items: vec![ResponseItem { group: 3, opening }] };
    let state = |group, published, now| answer(group, Some((&response, published)), 100, now);
    assert_eq!(state(3, 100, 200), Answer::InTime);
    assert_eq!(state(3, 101, 200), Answer::Late);
    assert_eq!(state(4, 50, 101), Answer::LeftOut, "a response that leaves a drawn group out does not answer for it");
    assert_eq!(state(4, 50, 100), Answer::Pending);
    assert_eq!(answer(3, None, 100, 101), Answer::Missing);
    assert_eq!(answer(3, None, 100, 100), Answer::Pending);
    let failed = [Answer::Late, Answer::LeftOut, Answer::Missing];
    assert!(
        failed.into_iter().all(Answer::has_failed) && !Answer::InTime.has_failed() && !Answer::Pending.has_failed()
    );
}
