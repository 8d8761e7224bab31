//! Evasions that touch the agreement, one each: which rule stops it, or that none does.

use crate::world::*;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{RunPhase, replay};
use standstill_agreement::{Agreement, Bound, Per, Phase};
use standstill_statement::{
    BlobRef, Body, Choice, CommitmentSeal, Conclusion, Hash32, Inspected, Matter, RulingOutcome, Withdrawal,
};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::cosignature;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::policy::Policy;

fn reasons(timeline: &standstill_agreement::runtime::Timeline) -> Vec<&str> {
    timeline.ignored.iter().map(|ignored| ignored.reason.as_str()).collect()
}

/// Two votes in one epoch: neither counts, and the voter is named. Rule: one vote per voter, subject and epoch.
#[test]
fn equivocation_in_a_vote() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let at = world.at(51, 0);
    world.vote(&name("north"), at, Matter::Lift, raise, 0, Choice::Yes);
    world.vote(&name("north"), at + 1, Matter::Lift, raise, 0, Choice::No);
    world.vote(&name("north"), at + 2, Matter::Lift, raise, 0, Choice::Yes);
    vote_all(&mut world, &["south", "east"], at + HOUR, Matter::Lift, raise, 0);
    let timeline = play(&terms, &world, world.at(53, 0));
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Paused), "two of four are not enough");
    assert_eq!(timeline.at_fault.iter().collect::<Vec<_>>(), [&name("north")]);
    assert_eq!(
        reasons(&timeline),
        [
            "its issuer voted both ways in one epoch; neither vote counts",
            "its issuer has voted both ways in this epoch"
        ]
    );
}

/// Two histories of one log: nothing behind the fork counts, whichever of the two a verifier saw first. Rule: one statement per index.
#[test]
fn equivocation_by_a_fork() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let at = world.at(51, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let mut facts = world.facts();
    let vote = facts.statements.iter().find(|f| f.issuer == name("north") && matches!(f.body, Body::Vote(_))).unwrap();
    let mut other = vote.clone();
    other.statement = Hash32::of(b"the other history");
    facts.statements.push(other);
    let timeline = replay(&terms, &facts, world.at(60, 0)).unwrap();
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Paused));
    assert!(timeline.at_fault.contains(&name("north")));
    facts.statements.reverse();
    assert_eq!(replay(&terms, &facts, world.at(60, 0)).unwrap(), timeline);
}

/// A vote that a quorum saw after its epoch does not count, whatever time it claims. Rule: quorum times, epochs.
#[test]
fn late_vote() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    // Votes open on day 50 at 07 h; epochs last three days.
    let at = world.at(53, 7);
    vote_all(&mut world, &["north", "south"], at - HOUR, Matter::Lift, raise, 0);
    vote_all(&mut world, &["east"], at, Matter::Lift, raise, 0);
    let timeline = play(&terms, &world, world.at(60, 0));
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Paused));
    assert_eq!(reasons(&timeline), ["it votes in epoch 0, and epoch 1 was open when it was published"]);
    let before = world.at(49, 0);
    let mut early = in_force(&terms, 80);
    let at = early.at(20, 6);
    let raise = pause(&mut early, at);
    vote_all(&mut early, &["north", "south", "east"], before, Matter::Lift, raise, 0);
    let timeline = play(&terms, &early, world.at(60, 0));
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Paused), "no vote is open before the waiting time is over");
}

/// Whoever waits for the others' commitments is too late to choose its own. Rules: seals close before the beacon round, an opening carries
/// its randomness, one seal per entry round, and what is opened is what was sealed.
#[test]
fn committing_after_seeing_others() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let three: Vec<_> = ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &three);
    let west = name("west");
    let offer = world.offer(None);
    let sealed = world.at(0, 10);
    world.ratify(&west, sealed);
    let round = world.machine().entry_round(0).unwrap();
    // After the others have opened it seals, and opens another offer than it had sealed.
    let seal = world.seal(&west, round.sealed_by_unix_seconds + 2 * HOUR, 0, &offer);
    let opening = world.opening(&west, seal, 0, &offer);
    world.say(&west, round.sealed_by_unix_seconds + 3 * HOUR, Body::Opening(opening));
    let at = world.at(3, 0);
    let timeline = play(&terms, &world, at);
    assert_eq!(timeline.state.bound(), ["east", "north", "south"].map(name));
    assert_eq!(
        reasons(&timeline),
        [
            "it was published after the seals of its entry round were closed",
            "it opens no seal of its issuer that counts"
        ]
    );
}

#[test]
fn opening_what_was_not_sealed() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let three: Vec<_> = ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &three);
    let west = name("west");
    let (sealed, at) = (world.at(0, 10), world.at(1, 2));
    world.ratify(&west, sealed);
    let offer = world.offer(None);
    let seal = world.seal(&west, sealed + 1, 0, &offer);
    let second = world.seal(&west, sealed + 2, 0, &world.offer(Some(standstill_statement::Formula::AtLeast(3))));
    // Another condition than sealed; the second seal; a guess at the randomness; the seal of somebody else.
    let changed = world.offer(Some(standstill_statement::Formula::AtLeast(3)));
    let opening = world.opening(&west, seal, 0, &changed);
    world.say(&west, at, Body::Opening(opening));
    let opening = world.opening(&west, second, 0, &changed);
    world.say(&west, at + 1, Body::Opening(opening));
    let mut opening = world.opening(&west, seal, 0, &offer);
    opening.randomness = Hash32::of(b"a guess");
    world.say(&west, at + 2, Body::Opening(opening));
    let timeline = play(&terms, &world, world.at(3, 0));
    assert_eq!(timeline.state.bound(), ["east", "north", "south"].map(name));
    assert_eq!(
        reasons(&timeline),
        [
            "a second seal for one entry round would leave a choice after the others have opened",
            "it is not what was sealed",
            "it opens no seal of its issuer that counts",
            "its randomness is not the beacon's",
        ]
    );
    assert!(timeline.at_fault.contains(&west));
}

/// A copied seal cannot be opened, because agreement and issuer are inside it.
#[test]
fn copying_the_seal_of_another() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let three: Vec<_> = ["north", "south", "east"].map(|lab| (name(lab), None)).to_vec();
    world.join(0, &three);
    let west = name("west");
    let seal = world.facts().statements.iter().find_map(|fact| match &fact.body {
        Body::Commitment(body) if fact.issuer == name("north") => Some(body.seal),
        _ => None,
    });
    let at = world.at(0, 23);
    world.ratify(&west, at);
    let copied = world.say(&west, at + 1, Body::Commitment(CommitmentSeal { entry_round: 0, seal: seal.unwrap() }));
    let mut opening = world.opening(&west, copied, 0, &world.offer(None));
    opening.salt = Hash32::of(b"north");
    world.say(&west, world.at(1, 3), Body::Opening(opening));
    let timeline = play(&terms, &world, world.at(3, 0));
    assert!(!timeline.state.bound().contains(&west));
    assert_eq!(reasons(&timeline), ["it is not what was sealed"]);
}

/// **No rule stops it**: a party that has sealed may see the others' openings and not open. It can take itself out, and with it those who
/// asked for it; it can choose nothing else. Votes are open by design: whoever votes last has seen the others.
#[test]
fn not_opening_after_seeing_others_is_possible() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    let offers: Vec<_> = ["north", "south", "east"]
        .map(|lab| (name(lab), Some(standstill_statement::Formula::Includes(vec![name("west")]))))
        .to_vec();
    world.join(0, &offers);
    let west = name("west");
    let at = world.at(0, 10);
    world.ratify(&west, at);
    let offer = world.offer(None);
    let seal = world.seal(&west, at + 1, 0, &offer);
    assert!(play(&terms, &world, world.at(3, 0)).state.bound().is_empty());
    let opening = world.opening(&west, seal, 0, &offer);
    let at = world.at(1, 11);
    world.say(&west, at, Body::Opening(opening));
    assert_eq!(play(&terms, &world, world.at(3, 0)).state.bound(), labs());
}

/// Rule: no withdrawal takes effect while an inspection of that party is open that was asked for before the notice ran out.
#[test]
fn withdrawing_under_inspection() {
    let terms = terms();
    let mut world = in_force(&terms, 89);
    let at = world.at(10, 0);
    world.say(&name("west"), at, Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() }));
    let asked = world.at(69, 0);
    let request = inspect(&mut world, "north", "west", None, asked);
    let concluded = world.at(74, 0);
    let body = Conclusion { request, outcome: Inspected::NoIndication, report: BlobRef::of(b"report") };
    world.say(&name("inspector"), concluded, Body::Conclusion(body));
    // One that is asked for after the notice ran out holds nobody.
    let later = world.at(72, 0);
    inspect(&mut world, "south", "west", None, later);
    let timeline = play(&terms, &world, world.at(80, 0));
    has(
        &lines(&terms, &timeline),
        &[
            "day 70 00h party west: withdrawing -> held (WithdrawalHeld)",
            "day 74 00h party west: active -> withdrawn (WithdrawalOver)",
        ],
    );
}

/// Rule: a yearly quota of tokens. An inspection costs one, one more when it finds nothing, and a dismissed case one.
#[test]
fn frivolous_accusations() {
    let mut terms = terms();
    terms.coordination.conduct.as_mut().unwrap().inspection.quota_per_party_per_year = 3;
    let mut world = in_force(&terms, 80);
    let at = world.at(10, 0);
    let case = dispute(&mut world, "north", "south", at);
    dispute(&mut world, "north", "south", at + 1);
    rule(&mut world, case, at + HOUR, RulingOutcome::Dismissed);
    let request = inspect(&mut world, "north", "south", None, at + DAY);
    let body = Conclusion { request, outcome: Inspected::NoIndication, report: BlobRef::of(b"report") };
    world.say(&name("inspector"), at + 4 * DAY, Body::Conclusion(body));
    inspect(&mut world, "north", "east", None, at + 5 * DAY);
    dispute(&mut world, "north", "east", at + 6 * DAY);
    dispute(&mut world, "auditor", "east", at + 7 * DAY);
    let timeline = play(&terms, &world, world.at(40, 0));
    assert_eq!(
        reasons(&timeline),
        [
            "its issuer already has an open case against this party; add to that one",
            "its issuer has used up its quota for the year",
            "its issuer has used up its quota for the year",
        ]
    );
}

/// Rule: a quorum of 5 of 7. Two witnesses with wrong clocks move the quorum time of no statement outside the times of honest ones.
#[test]
fn clock_lies_by_two_of_seven_witnesses() {
    let (k, n, honest_time) = (5, 7, 1_000_000u64);
    let log = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap();
    let witnesses: Vec<NoteSigner> = (0..n)
        .map(|w| NoteSigner::from_seed(&format!("w{w}"), KeyType::CosignatureV1, &[100 + w; 32]).unwrap())
        .collect();
    let lines: String =
        witnesses.iter().map(|w| format!("witness {} {}\n", w.verifier().name(), w.verifier())).collect();
    let policy = Policy::parse(&format!("{lines}group q {k} w0 w1 w2 w3 w4 w5 w6\nquorum q\n")).unwrap();
    let tree = Tree::from_leaves(&[leaf_hash(b"a vote")]);
    let signed = Checkpoint::new("log.example", tree.size(), tree.root()).sign(&log).unwrap();
    let quorum_time = |liars: &[u64]| {
        let mut note = signed.note().clone();
        for (at, witness) in witnesses.iter().enumerate() {
            // Honest clocks differ by seconds.
            let time = liars.get(at).copied().unwrap_or(honest_time + at as u64);
            note.add(cosignature::sign(witness, time, signed.note().text()).unwrap());
        }
        policy.quorum_time(&note).unwrap()
    };
    let honest = honest_time..honest_time + 7;
    for lies in
        [[1, 1], [1, u64::MAX >> 20], [u64::MAX >> 20, u64::MAX >> 20], [honest_time - 86_400, honest_time + 86_400]]
    {
        assert!(honest.contains(&quorum_time(&lies)), "{lies:?}: {}", quorum_time(&lies));
    }
    // Three still cannot back-date alone; five can: that is more than the terms allow for, and no rule stops it.
    assert!(honest.contains(&quorum_time(&[1, 1, 1])));
    assert!(quorum_time(&[1, 1, 1, 1, 1]) < honest_time);
}

/// Rule: the agreement's id is inside every signed header, and it is a hash over the terms.
#[test]
fn replay_from_another_agreement_or_version() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let at = world.at(51, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    // The same parties amend one number; the statements of the old version do nothing under the new one.
    let mut amended = terms.clone();
    amended.coordination.conduct.as_mut().unwrap().clocks.notice_seconds += 1;
    assert_ne!(terms.id(), amended.id());
    let timeline = replay(&amended, &world.facts(), world.at(60, 0)).unwrap();
    assert_eq!(timeline.state.phase(), RunPhase::Draft);
    assert!(timeline.transitions.is_empty());
    assert_eq!(
        timeline.ignored.len(),
        world.facts().statements.iter().filter(|f| f.published_unix_seconds <= world.at(60, 0)).count()
    );
    // A vote names what it is about by hash, so it counts for no other raise of the same agreement either.
    let mut two = in_force(&terms, 80);
    let at = two.at(20, 6);
    pause(&mut two, at);
    let at = two.at(51, 0);
    vote_all(&mut two, &["north", "south", "east"], at, Matter::Lift, Hash32::of(b"another raise"), 0);
    let timeline = play(&terms, &two, two.at(60, 0));
    assert_eq!(timeline.state.phase(), RunPhase::In(Phase::Paused));
    assert_eq!(reasons(&timeline)[0], "no such raise is in force");
}

/// **No rule of the run-time stops it**: work done for show in the baseline windows raises every bound that is a share of the baseline. It moves
/// neither a pause nor a bound per run, and terms that fear it write their slowdown in absolute figures.
#[test]
fn baseline_inflation() {
    let terms = terms();
    let limit = terms.limits.iter().find(|limit| limit.id.as_str() == "train").unwrap();
    assert!(matches!(limit.bound_in(Phase::Slowed), Bound::OfBaseline { numerator: 1, denominator: 2 }));
    assert_eq!(*limit.bound_in(Phase::Paused), Bound::AtMost(0), "a pause does not depend on the baseline");
    let run = terms.limits.iter().find(|limit| limit.per == Per::Lineage).unwrap();
    assert!(
        Phase::ALL.iter().all(|phase| matches!(run.bound_in(*phase), Bound::AtMost(_))),
        "nor does a bound per run"
    );
    // The baseline is over before anybody can know which trigger will fire: all its windows are normal ones at the start of the term.
    assert!((0..terms.baseline.windows).all(|window| terms.phase(window) == Phase::Normal));
}

/// **Only partly stopped**: between measurement and pause the normal bounds hold. The raise acts at the quorum time of the last statement it
/// needs plus the hold time, so the terms decide how long a rush can last; and a bound per run counts what was done before.
#[test]
fn rush_before_a_trigger() {
    let rush = |hold: u64| {
        let mut terms: Agreement = terms();
        terms
            .coordination
            .conduct
            .as_mut()
            .unwrap()
            .triggers
            .iter_mut()
            .for_each(|trigger| trigger.hold_seconds = hold);
        let mut world = in_force(&terms, 60);
        let at = world.at(20, 6);
        pause(&mut world, at);
        let timeline = play(&terms, &world, world.at(50, 0));
        let paused = timeline.transitions.iter().find(|transition| transition.to == "paused").unwrap();
        paused.at_unix_seconds - (at + HOUR)
    };
    assert_eq!(rush(0), 0, "no time to rush after the raise");
    assert_eq!(rush(7 * DAY), 7 * DAY, "the hold time is a time to rush");
    let terms = terms();
    let run = terms.limits.iter().find(|limit| limit.per == Per::Lineage).unwrap();
    assert_eq!(
        run.bound_in(Phase::Normal),
        run.bound_in(Phase::Paused),
        "what a run did in the rush counts against its bound"
    );
}

/// **No rule stops it**: votes are open, so who votes last has seen the others and decides a close vote. It has one vote in an epoch and
/// cannot change it.
#[test]
fn voting_after_seeing_others_is_possible() {
    let terms = terms();
    let phase = |last: Option<Choice>| {
        let mut world = in_force(&terms, 80);
        let at = world.at(20, 6);
        let raise = pause(&mut world, at);
        let at = world.at(51, 0);
        vote_all(&mut world, &["north", "south"], at, Matter::Lift, raise, 0);
        if let Some(choice) = last {
            world.vote(&name("east"), at + DAY, Matter::Lift, raise, 0, choice);
        }
        play(&terms, &world, world.at(53, 0)).state.phase()
    };
    assert_eq!(phase(None), RunPhase::In(Phase::Paused));
    assert_eq!(phase(Some(Choice::No)), RunPhase::In(Phase::Paused));
    assert!(matches!(phase(Some(Choice::Yes)), RunPhase::Resuming { .. }));
}

/// Rule: only silence of everybody stops the clocks. A party that wants its withdrawal, or a step, to wait gains nothing by silence.
#[test]
fn one_party_cannot_stop_the_clocks() {
    let terms = terms();
    let mut world = World::new(&terms).unwrap();
    join_all(&mut world);
    world.reports(&["north", "south", "east"].map(name), 1..89);
    let at = world.at(10, 0);
    world.say(&name("east"), at, Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() }));
    let shown = lines(&terms, &play(&terms, &world, world.at(80, 0)));
    assert!(!shown.iter().any(|line| line.contains("ClocksFrozen")), "{}", shown.join("\n"));
    has(&shown, &["day 70 00h party east: active -> withdrawn (WithdrawalOver)", "party west: due -> missing report"]);
}

/// Rule: what one quorum alone has cosigned stands. A party that signs another head later, which no quorum cosigns, is at fault and takes
/// nothing back.
#[test]
fn a_later_fork_takes_no_vote_back() {
    let terms = terms();
    let mut world = in_force(&terms, 80);
    let at = world.at(20, 6);
    let raise = pause(&mut world, at);
    let at = world.at(51, 0);
    vote_all(&mut world, &["north", "south", "east"], at, Matter::Lift, raise, 0);
    let mut facts = world.facts();
    let before = replay(&terms, &facts, world.at(60, 0)).unwrap();
    assert!(matches!(before.state.phase(), RunPhase::Resuming { .. }));
    facts.forked_from.insert(name("north"), u64::MAX);
    let after = replay(&terms, &facts, world.at(60, 0)).unwrap();
    assert_eq!(after.transitions, before.transitions);
    assert!(after.at_fault.contains(&name("north")));
    // Two quorums for two histories: more witnesses are corrupt than the terms allow for, and nothing of that log counts any more.
    facts.forked_from.insert(name("north"), 0);
    let broken = replay(&terms, &facts, world.at(60, 0)).unwrap();
    assert!(!broken.state.bound().contains(&name("north")));
}
