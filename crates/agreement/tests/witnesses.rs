//! Liveness: with any n - k witnesses down every statement still gets a quorum time and the agreement goes on as it would; with one more
//! down nothing is published, and clocks stand still until the terms let them run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{Facts, Machine, Rule, Subject, Timeline, replay_with};
use standstill_agreement::{Agreement, Phase};
use standstill_statement::{Choice, Decimal, Formula, Hash32, Matter, Name};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::cosignature;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::policy::Policy;

const WITNESSES: u8 = 7;
const QUORUM: u32 = 5;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn labs() -> Vec<Name> {
    ["east", "north", "south", "west"].map(name).to_vec()
}

/// All join, a pause is raised and lifted, and the term ends.
fn life(terms: &Agreement) -> World<'_> {
    let mut world = World::new(terms).unwrap();
    let offers: Vec<(Name, Option<Formula>)> = labs().into_iter().map(|lab| (lab, None)).collect();
    world.join(0, &offers);
    let trigger = terms.conduct().unwrap().triggers.iter().find(|trigger| trigger.phase == Phase::Paused).unwrap();
    let reading = trigger.raise.readings().into_iter().find(|reading| reading.confidence.is_some()).unwrap();
    let values = [700_000, 800_000, 900_000].map(|seconds| Decimal::new(seconds, 0));
    let metric = name(&reading.signal.to_string());
    let at = world.at(6, 6);
    let evidence =
        ["evaluator-1", "evaluator-2"].map(|by| world.signal(&name(by), at, &metric, reading.method.unwrap(), values));
    let raise = world.raise(&name("evaluator-1"), at + HOUR, &trigger.id, &evidence);
    for (lab, second) in labs().iter().zip(0u64..) {
        let voting = at + 2 * HOUR + trigger.lift.after_seconds + 600 * second;
        world.vote(lab, voting, Matter::Lift, raise, 0, Choice::Yes);
    }
    world.reports(&labs(), 1..19);
    world
}

fn terms() -> Agreement {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let mut terms = Agreement::parse(text).unwrap();
    terms.term_windows = 20;
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = end;
    conduct.resumption.iter_mut().for_each(|step| step.hold_seconds = DAY);
    for trigger in &mut conduct.triggers {
        trigger.hold_seconds = 0;
        trigger.lift.after_seconds = 4 * DAY;
        trigger.expires_seconds = 10 * DAY;
    }
    terms
}

struct Witnesses {
    signers: Vec<NoteSigner>,
    policy: Policy,
    log: NoteSigner,
}

impl Witnesses {
    fn new() -> Self {
        let signer = |w: u8| NoteSigner::from_seed(&format!("w{w}"), KeyType::CosignatureV1, &[100 + w; 32]).unwrap();
        let signers: Vec<NoteSigner> = (0..WITNESSES).map(signer).collect();
        let lines: String =
            signers.iter().map(|w| format!("witness {} {}\n", w.verifier().name(), w.verifier())).collect();
        let members: String = (0..WITNESSES).map(|w| format!(" w{w}")).collect();
        let policy = Policy::parse(&format!("{lines}group q {QUORUM}{members}\nquorum q\n")).unwrap();
        let log = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap();
        Self { signers, policy, log }
    }

    /// The facts as these witnesses leave them: each signs each head a few seconds after it was made, by its own clock.
    fn see(&self, said: &Facts, down: &[u8], end: u64) -> Facts {
        let mut seen = Facts { statements: Vec::new(), ..said.clone() };
        for fact in &said.statements {
            let head = Checkpoint::new("log.example", fact.index + 1, fact.statement.0).sign(&self.log).unwrap();
            let mut note = head.note().clone();
            for w in (0..WITNESSES).filter(|w| !down.contains(w)) {
                let time = fact.published_unix_seconds + u64::from(w);
                let signer = &self.signers[usize::from(w)];
                note.add(cosignature::sign(signer, time, head.note().text()).unwrap());
            }
            let Some(published) = self.policy.quorum_time(&note) else { continue };
            let mut fact = fact.clone();
            fact.not_before_unix_seconds = published - 1;
            fact.published_unix_seconds = published;
            seen.statements.push(fact);
        }
        seen.shown_until.values_mut().for_each(|until| *until = end);
        seen
    }
}

/// Each subject's own history, without times.
fn substance(timeline: &Timeline) -> Vec<(&Subject, &str, &str, Rule, Vec<Hash32>)> {
    let mut list: Vec<_> = timeline
        .transitions
        .iter()
        .map(|t| {
            let causes = t.causes.iter().map(|cause| cause.statement).collect();
            (&t.subject, t.from.as_str(), t.to.as_str(), t.rule, causes)
        })
        .collect();
    // Statements of one minute may be seen in another order; what happens to each subject may not.
    list.sort_by(|a, b| a.0.cmp(b.0));
    list
}

#[test]
fn any_two_of_seven_witnesses_may_be_down() {
    let terms = terms();
    let mut world = life(&terms);
    let end = terms.end_unix_seconds();
    world.shown(end);
    let machine = Machine::new(&terms).unwrap();
    let witnesses = Witnesses::new();
    let said = world.facts();
    let all_up = replay_with(&machine, &witnesses.see(&said, &[], end), end);
    for rule in [Rule::Activated, Rule::HoldOver, Rule::LiftCarried, Rule::StepOver, Rule::Expired] {
        assert!(all_up.transitions.iter().any(|transition| transition.rule == rule), "{rule:?}");
    }
    let mut sets = 0;
    for first in 0..WITNESSES {
        for second in first..WITNESSES {
            let timeline = replay_with(&machine, &witnesses.see(&said, &[first, second], end), end);
            assert_eq!(substance(&timeline), substance(&all_up), "witnesses {first} and {second} are down");
            assert_eq!(timeline.settled_until_unix_seconds, end, "everything is decided: {:?}", timeline.unsettled);
            sets += 1;
        }
    }
    println!("{} statements, {sets} sets of at most two of seven witnesses down: one timeline", said.statements.len());
}

#[test]
fn three_of_seven_down_stop_the_clocks_and_not_the_end() {
    let terms = terms();
    let mut world = life(&terms);
    let end = terms.end_unix_seconds();
    let machine = Machine::new(&terms).unwrap();
    let witnesses = Witnesses::new();
    // Three go down on day 8, in the pause.
    let outage = world.at(8, 0);
    world.shown(outage);
    let mut said = world.facts();
    assert!(witnesses.see(&said, &[0, 3, 6], end).statements.is_empty(), "four cosignatures are no quorum");
    said.statements.retain(|fact| fact.published_unix_seconds < outage);
    let mut seen = witnesses.see(&said, &[], end);
    seen.shown_until = said.shown_until;
    let timeline = replay_with(&machine, &seen, end);
    assert!(timeline.transitions.iter().any(|transition| transition.rule == Rule::ClocksFrozen));
    assert!(timeline.settled_until_unix_seconds <= outage, "nothing is decided that a later quorum could change");
    assert_eq!(timeline.phase_at(end - 1), "paused", "nothing decided means that the pause goes on");
    assert!(timeline.state.bound().is_empty(), "nobody is bound after the end");
}
