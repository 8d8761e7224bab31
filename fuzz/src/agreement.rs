//! The terms of an agreement, and how it runs.

use standstill_agreement::Agreement;
use standstill_agreement::runtime::bench::world::World;
use standstill_agreement::runtime::{Transition, replay_with};
use standstill_statement::{
    Answer, BlobRef, Body, Choice, Conclusion, Decimal, Dispute, Formula, Hash32, Inspected, InspectionRequest, Matter,
    Name, Objection, Question, Ruling, RulingOutcome, Suspension, Vote, Withdrawal,
};
use std::sync::OnceLock;

/// A terms file; an accepted one has canonical bytes and an id.
pub fn terms(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(agreement) = Agreement::parse(text) else { return false };
    assert_eq!(agreement.id(), agreement.id());
    let _ = agreement.canonical_json();
    for window in [0, 1, u64::MAX] {
        let _ = agreement.phase_at(window);
    }
    true
}

/// Any sequence of statements under a fixed agreement: six bytes each say who says what when. The replay does not panic, does not depend on
/// the order or number of copies, gives for an earlier moment the first part of what it gives for a later one, and binds nobody after the
/// end. True when anything happened at all.
pub fn runtime(bytes: &[u8]) -> bool {
    let terms = runtime_terms();
    let Some(mut world) = World::new(terms) else { return false };
    let mut said = vec![Hash32::default()];
    let mut at = terms.start_unix_seconds;
    for op in bytes.chunks_exact(6).take(400) {
        at = at.saturating_add(u64::from(u16::from_be_bytes([op[4], op[5]])) * 60);
        act(&mut world, terms, &mut said, at, [op[0], op[1], op[2], op[3]]);
    }
    let facts = world.facts();
    let end = terms.end_unix_seconds() * 2 - terms.start_unix_seconds;
    let timeline = replay_with(world.machine(), &facts, end);
    let mut shuffled = facts.clone();
    shuffled.statements.reverse();
    shuffled.statements.extend(facts.statements.iter().step_by(3).cloned());
    assert_eq!(replay_with(world.machine(), &shuffled, end), timeline, "order or copies matter");
    let middle = terms.start_unix_seconds + (end - terms.start_unix_seconds) / 3;
    let earlier = replay_with(world.machine(), &facts, middle);
    assert!(timeline.transitions.len() >= earlier.transitions.len(), "time takes something back");
    for (before, after) in earlier.transitions.iter().zip(&timeline.transitions) {
        let same = Transition { decided: before.decided, ..after.clone() };
        assert_eq!(*before, same, "the past changes");
    }
    let over = replay_with(world.machine(), &facts, timeline.state.ends_at_unix_seconds());
    assert!(over.state.bound().is_empty(), "bound after the end");
    !timeline.transitions.is_empty()
}

fn runtime_terms() -> &'static Agreement {
    static TERMS: OnceLock<Agreement> = OnceLock::new();
    TERMS.get_or_init(|| {
        let scenario = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption");
        Agreement::parse(scenario.expect("a scenario").1).expect("in order")
    })
}

/// One statement, or the joining of some parties.
fn act(world: &mut World<'_>, terms: &Agreement, said: &mut Vec<Hash32>, at: u64, [op, who, a, b]: [u8; 4]) {
    let issuers: Vec<&Name> =
        terms.parties.iter().map(|party| &party.id).chain(terms.roles.iter().map(|role| &role.id)).collect();
    let issuer = |byte: u8| issuers[usize::from(byte) % issuers.len()].clone();
    let named = said[said.len() - 1 - usize::from(a) % said.len()];
    let text = || "x".to_owned();
    let body = match op % 18 {
        0 => {
            let parties = terms.parties.iter().enumerate().filter(|(at, _)| who >> (at % 8) & 1 == 1);
            let offers: Vec<_> =
                parties.map(|(_, party)| (party.id.clone(), (b > 0).then(|| Formula::AtLeast(b.into())))).collect();
            world.join(u32::from(a) % 100, &offers);
            return;
        }
        1 => {
            said.push(world.report(&issuer(who), u64::from(a), at));
            return;
        }
        2 | 3 => {
            let triggers = &terms.conduct().expect("conduct").triggers;
            let readings: Vec<_> = triggers.iter().flat_map(|trigger| trigger.raise.readings()).collect();
            let reading = readings[usize::from(a) % readings.len()];
            let Ok(metric) = Name::new(&reading.signal.to_string()) else { return };
            let value = |add: u64| Decimal::new(u64::from(b) * 5_000 + add, 0);
            let values = [value(0), value(10_000), value(20_000)];
            said.push(world.signal(&issuer(who), at, &metric, reading.method.unwrap_or_default(), values));
            return;
        }
        4 => {
            let triggers = &terms.conduct().expect("conduct").triggers;
            let trigger = &triggers[usize::from(a) % triggers.len()].id;
            let evidence: Vec<Hash32> = said.iter().rev().take(usize::from(b % 8)).copied().collect();
            said.push(world.raise(&issuer(who), at, trigger, &evidence));
            return;
        }
        5..=8 => {
            let matter =
                [Matter::Lift, Matter::Violation, Matter::Expulsion, Matter::Renewal][usize::from(op % 18 - 5)];
            let subject = if matter == Matter::Renewal { terms.id() } else { named };
            let choice = if b & 1 == 0 { Choice::Yes } else { Choice::No };
            Body::Vote(Vote { matter, subject, epoch: u32::from(b >> 1), choice })
        }
        9 => Body::Suspension(Suspension { suspended: b & 1 == 1, reason: text() }),
        10 => Body::Withdrawal(Withdrawal { reason: text() }),
        11 => {
            let reason = issuer(b);
            Body::Dispute(Dispute { respondent: issuer(a), reason, evidence: Vec::new(), text: text() })
        }
        12 => {
            const OUTCOMES: [RulingOutcome; 5] = [
                RulingOutcome::Reviewed,
                RulingOutcome::Dismissed,
                RulingOutcome::Clarified,
                RulingOutcome::Cleared,
                RulingOutcome::Violation,
            ];
            let outcome = OUTCOMES[usize::from(b) % OUTCOMES.len()];
            Body::Ruling(Ruling { case: named, outcome, text: text() })
        }
        13 => {
            let case = (b > 0).then_some(named);
            Body::Inspection(InspectionRequest { party: issuer(b), case, text: text() })
        }
        14 => Body::Objection(Objection { request: named, text: text() }),
        15 => {
            const OUTCOMES: [Inspected; 4] =
                [Inspected::NoIndication, Inspected::Inconclusive, Inspected::Refused, Inspected::Indication];
            let outcome = OUTCOMES[usize::from(b) % OUTCOMES.len()];
            Body::Conclusion(Conclusion { request: named, outcome, report: BlobRef::of(b"report") })
        }
        16 => Body::Question(Question { party: issuer(b), case: (b > 100).then_some(named), text: text() }),
        _ => Body::Answer(Answer { question: named, text: text(), evidence: Vec::new(), attachment: None }),
    };
    // Sometimes only an interval is known.
    said.push(world.say_between(&issuer(who), at.saturating_sub(u64::from(b) * 60), at, body));
}

/// A life of an agreement as such bytes, and some random ones.
pub fn runtime_seeds() -> Vec<Vec<u8>> {
    let join = [0, 0xff, 0, 0, 0, 0];
    let mut life = join.to_vec();
    for day in 1..60u8 {
        for lab in 0..4 {
            // The first report of a day comes 24 hours after that of the day before.
            let wait = if lab == 0 { 24 * 60u16 } else { 0 };
            let [high, low] = wait.to_be_bytes();
            life.extend([1, lab, day.saturating_sub(2), 0, high, low]);
        }
        match day {
            10 => (0..16).for_each(|role| life.extend([2, role, 1, 160, 0, 1])),
            11 => (0..8).for_each(|who| life.extend([4, who, 1, 7, 0, 1])),
            30..=50 => (0..4).for_each(|lab| life.extend([5, lab, 20 + day, 0, 0, 1])),
            12 => life.extend([11, 0, 1, 0, 0, 1]),
            13 => life.extend([12, 9, 4, 0, 0, 1]),
            14 => life.extend([13, 1, 0, 2, 0, 1]),
            _ => {}
        }
    }
    let mut random = crate::mutate::Random::new(7);
    let noise = |random: &mut crate::mutate::Random| -> Vec<u8> {
        let byte = |random: &mut crate::mutate::Random| u8::try_from(random.below(256)).unwrap_or_default();
        let mut bytes = join.to_vec();
        for _ in 0..120 {
            bytes.extend([byte(random), byte(random), byte(random), byte(random), byte(random) & 3, byte(random)]);
        }
        bytes
    };
    let mut seeds = vec![life];
    seeds.extend((0..6).map(|_| noise(&mut random)));
    seeds
}
