//! The table of commuting statements against the machine: both orders, in many states.

use super::topic::Topic;
use crate::runtime::bench::world::{DAY, HOUR, World};
use crate::runtime::{Effect, Event, Fact, Machine, State};
use crate::terms::{Agreement, Phase};
use standstill_statement::{
    Answer, BlobRef, Body, Choice, Clarification, Conclusion, Decimal, Dispute, Hash32, Inspected, InspectionRequest,
    Matter, Name, Objection, Question, Ruling, RulingOutcome, Suspension, Vote, Withdrawal,
};
use std::collections::BTreeSet;

const LABS: [&str; 4] = ["east", "north", "south", "west"];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn terms() -> Agreement {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let mut terms = Agreement::parse(text).unwrap();
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = end;
    conduct.votes.within_seconds = 3 * DAY;
    conduct.inspection.quota_per_party_per_year = 3;
    conduct.triggers.iter_mut().for_each(|trigger| trigger.lift.after_seconds = DAY);
    terms
}

/// Everything that anybody might say about one case, one inspection and one raise.
struct Story<'t> {
    world: World<'t>,
    at: u64,
    acts: Vec<Hash32>,
    /// Statements that lead somewhere in this order: to a lift, to an expulsion, to the end of an inspection.
    plots: [Vec<Hash32>; 3],
}

impl<'t> Story<'t> {
    fn new(terms: &'t Agreement) -> Self {
        let mut world = World::new(terms).unwrap();
        world.join(0, &LABS.map(|lab| (name(lab), None)));
        let at = world.at(8, 0);
        let mut story = Self { world, at, acts: Vec::new(), plots: Default::default() };
        let (raise, case, question, request) = story.subjects(terms);
        story.about(raise, case, question, request);
        story
    }

    fn say(&mut self, by: &str, body: Body) -> Hash32 {
        let hash = self.world.say(&name(by), self.at, body);
        self.acts.push(hash);
        hash
    }

    fn subjects(&mut self, terms: &Agreement) -> (Hash32, Hash32, Hash32, Hash32) {
        let trigger = terms.conduct().unwrap().triggers.iter().find(|trigger| trigger.phase == Phase::Paused).unwrap();
        let reading = trigger.raise.readings().into_iter().find(|reading| reading.confidence.is_some()).unwrap();
        let metric = name(&reading.signal.to_string());
        let mut evidence = Vec::new();
        for by in ["evaluator-1", "evaluator-2"] {
            let values = [700_000, 750_000, 800_000].map(|seconds| Decimal::new(seconds, 0));
            let hash = self.world.signal(&name(by), self.at, &metric, reading.method.unwrap(), values);
            self.acts.push(hash);
            evidence.push(hash);
        }
        let raise = self.world.raise(&name("evaluator-3"), self.at, &trigger.id, &evidence);
        self.acts.push(raise);
        self.plots[0] = vec![evidence[0], evidence[1], raise];
        let dispute = |respondent: &str| {
            Body::Dispute(Dispute {
                respondent: name(respondent),
                reason: name("rumour"),
                evidence: Vec::new(),
                text: String::new(),
            })
        };
        let case = self.say("north", dispute("south"));
        self.say("auditor", dispute("south"));
        self.say("east", dispute("north"));
        let text = String::new;
        let asked = Question { party: name("south"), case: Some(case), text: text() };
        let question = self.say("north", Body::Question(asked.clone()));
        self.say("auditor", Body::Question(Question { case: None, ..asked }));
        let wanted = InspectionRequest { party: name("south"), case: Some(case), text: text() };
        let request = self.say("auditor", Body::Inspection(wanted.clone()));
        self.say("west", Body::Inspection(InspectionRequest { case: None, ..wanted }));
        self.plots[1] = vec![case];
        self.plots[2] = vec![case, request];
        (raise, case, question, request)
    }

    fn about(&mut self, raise: Hash32, case: Hash32, question: Hash32, request: Hash32) {
        let text = String::new;
        for to in [case, question] {
            let answer = Answer { question: to, text: text(), evidence: Vec::new(), attachment: None };
            let answer = self.say("south", Body::Answer(answer));
            if to == case {
                self.plots[1].push(answer);
            }
        }
        self.say("south", Body::Clarification(Clarification { subject: case, text: text(), attachment: None }));
        use RulingOutcome::{Clarified, Cleared, Dismissed, Reviewed, Violation};
        for outcome in [Clarified, Cleared, Dismissed, Reviewed, Violation] {
            let ruling = self.say("board", Body::Ruling(Ruling { case, outcome, text: text() }));
            if outcome == Violation {
                self.plots[1].push(ruling);
            }
        }
        self.say("board", Body::Ruling(Ruling { case: raise, outcome: Dismissed, text: text() }));
        for lab in LABS {
            for (matter, subject) in [(Matter::Lift, raise), (Matter::Violation, case), (Matter::Expulsion, case)] {
                for choice in [Choice::Yes, Choice::No] {
                    let vote = self.say(lab, Body::Vote(Vote { matter, subject, epoch: 0, choice }));
                    let plot = usize::from(matter != Matter::Lift);
                    if choice == Choice::Yes && (plot == 0 || lab != "south") {
                        self.plots[plot].push(vote);
                    }
                }
            }
            let subject = self.world.machine().agreement_id();
            for epoch in 0..2 {
                let vote = Vote { matter: Matter::Renewal, subject, epoch, choice: Choice::Yes };
                self.say(lab, Body::Vote(vote));
            }
            self.say(lab, Body::Objection(Objection { request, text: text() }));
            for suspended in [true, false] {
                self.say(lab, Body::Suspension(Suspension { suspended, reason: text() }));
            }
            self.say(lab, Body::Withdrawal(Withdrawal { reason: text() }));
            let at = self.at;
            let report = self.world.report(&name(lab), 6, at);
            self.acts.push(report);
        }
        for outcome in [Inspected::NoIndication, Inspected::Indication] {
            let body = Conclusion { request, outcome, report: BlobRef::of(b"report") };
            let conclusion = self.say("inspector", Body::Conclusion(body));
            self.plots[2].push(conclusion);
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let facts = self.world.facts().statements;
        self.acts.iter().map(|hash| facts.iter().find(|fact| fact.statement == *hash).unwrap().clone()).collect()
    }
}

/// What is seen of a step: changes without their order, and how many there were.
fn seen(effects: &[Effect]) -> BTreeSet<String> {
    let moved = |effect: &Effect| match effect {
        Effect::Moved(moved) => {
            let causes: BTreeSet<Hash32> = moved.causes.iter().map(|cause| cause.statement).collect();
            Some(format!("{} {} {} {:?} {causes:?}", moved.subject, moved.from, moved.to, moved.rule))
        }
        _ => None,
    };
    effects.iter().filter_map(moved).collect()
}

/// SplitMix64.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((mixed ^ (mixed >> 31)) >> 8).unwrap_or(0)
}

/// In every state that a random walk reaches: when the first of two is quiet and the table says that they commute, the other order changes
/// the same things, and leaves the same state.
#[test]
fn what_the_table_calls_commuting_commutes() {
    let terms = terms();
    let story = Story::new(&terms);
    let machine = Machine::new(&terms).unwrap();
    let facts = story.facts();
    let joined = crate::runtime::replay(&terms, &joining(&story), story.at).unwrap().state;
    let (mut compared, mut quiet) = (0u64, BTreeSet::new());
    for seed in 0..120u64 {
        let mut random = seed;
        let (mut state, mut now) = (joined.clone(), story.at);
        let mut plot = story.plots[next(&mut random) % 3].iter();
        for _ in 0..14 {
            // Mostly along a plot, so that ballots fill, cases end and labs are out; else anything by anybody.
            let along = if next(&mut random).is_multiple_of(4) { None } else { plot.next() };
            let by_chance = facts[next(&mut random) % facts.len()].statement;
            let wanted = along.copied().unwrap_or(by_chance);
            let Some(first) = facts.iter().find(|fact| fact.statement == wanted) else { continue };
            for one in [first, &facts[next(&mut random) % facts.len()]] {
                for other in facts.iter().filter(|other| other.issuer != one.issuer) {
                    compared += u64::from(pair(&machine, &state, one, other, now, &mut quiet));
                    compared += u64::from(pair(&machine, &state, other, one, now, &mut quiet));
                }
            }
            now += [0, HOUR, 5 * HOUR, 26 * HOUR][next(&mut random) % 4];
            state = machine.step(state, &Event::Statement(first), now).0;
        }
    }
    println!("{compared} pairs in both orders; quiet kinds: {quiet:?}");
    assert!(compared > 50_000, "{compared}");
    for kind in ["vote", "objection", "signal", "dispute", "answer", "report"] {
        assert!(quiet.contains(kind), "{kind} is never quiet in {quiet:?}");
    }
}

fn joining(story: &Story<'_>) -> crate::runtime::Facts {
    let mut facts = story.world.facts();
    facts.statements.retain(|fact| !story.acts.contains(&fact.statement));
    facts
}

/// Whether the pair was one to compare.
fn pair<'f>(
    machine: &Machine<'_>,
    state: &State,
    first: &'f Fact,
    second: &'f Fact,
    now: u64,
    quiet: &mut BTreeSet<&'static str>,
) -> bool {
    if first.issuer == second.issuer || !Topic::of(&first.body).commutes(Topic::of(&second.body)) {
        return false;
    }
    let step = |state: State, fact: &Fact| machine.step(state, &Event::Statement(fact), now);
    let (after_first, effects) = step(machine.step(state.clone(), &Event::Time, now).0, first);
    let fault = effects.iter().any(|effect| matches!(effect, Effect::Ignored(ignored) if ignored.fault));
    if !seen(&effects).is_empty() || fault {
        return false;
    }
    quiet.insert(first.body.kind().name());
    let (forward, forward_effects) = step(after_first, second);
    let (after_second, mut backward_effects) = step(machine.step(state.clone(), &Event::Time, now).0, second);
    let (backward, rest) = step(after_second, first);
    backward_effects.extend(rest);
    let words = format!("{} {:?}\nthen {} {:?}", first.issuer, first.body, second.issuer, second.body);
    assert_eq!(seen(&forward_effects), seen(&backward_effects), "{words}");
    assert!(same(&forward, &backward), "{words}\n{forward:?}\n{backward:?}");
    true
}

/// Equal but for what nothing reads any more: ballots, of which a decided one may have its last vote or not, and reports of parties that owe
/// none, on windows before any that they can owe again.
fn same(one: &State, other: &State) -> bool {
    let read = |state: &State| {
        let mut state = State { ballots: Default::default(), ..state.clone() };
        for record in state.parties.values_mut().filter(|record| record.due_window.is_none()) {
            record.reported.clear();
        }
        state
    };
    read(one) == read(other)
}
