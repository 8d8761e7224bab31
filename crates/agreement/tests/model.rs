//! Checked model of activation, pause and resumption: exhaustive search over bounded behaviours that drives the real machine.
//!
//! `cargo test -p standstill-agreement --test model -- --nocapture` prints the statement, the bounds and the number of states;
//! `scripts/model.sh` searches further. There is no second model: what is searched is [`Machine::step`] and [`replay_with`].
//!
//! **Safety.** (1) Nobody is bound at or after the end of its term. (2) A pause is left only by a vote of the quorum, each vote by another bound
//! party in one epoch, or because nobody raised the trigger again for the time in the terms, or at the end of the term. (3) Verifiers
//! that hold any part of the record never disagree on what each of them calls decided. (4) The set of bound parties is the greatest
//! fixed point whatever anybody does. **Liveness.** (5) From every state the agreement ends when nothing more is said. (6) From every
//! state in a pause with enough time left, the votes of all who are not suspended lead out of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{
    Effect, Event, Fact, Facts, Machine, Rule, RunPhase, State, Subject, Transition, replay_with,
};
use standstill_agreement::{Agreement, Condition, Phase};
use standstill_statement::{
    Body, Choice, Decimal, Formula, Hash32, Matter, Name, Suspension, TriggerRaise, Vote, Withdrawal,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const LABS: [&str; 3] = ["east", "north", "south"];

/// Three labs, one trigger, everything within sixteen days.
fn terms() -> Agreement {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let mut terms = Agreement::parse(text).unwrap();
    terms.parties.retain(|party| LABS.contains(&party.id.as_str()));
    terms.term_windows = 16;
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = end;
    conduct.pledges.retain(|party, _| LABS.contains(&party.as_str()));
    for pledge in conduct.pledges.values_mut() {
        pledge.condition = Condition::AtLeast(1);
        pledge.stay = Condition::AtLeast(1);
        pledge.grace_seconds = 2 * DAY;
        pledge.withdraw_seconds = 4 * DAY;
    }
    conduct.clocks.notice_seconds = DAY;
    conduct.clocks.clarification_seconds = DAY;
    conduct.clocks.freeze_on_outage_seconds = 3 * DAY;
    conduct.votes.within_seconds = 3 * DAY;
    conduct.votes.faulty = 0;
    conduct.resumption.iter_mut().for_each(|step| step.hold_seconds = DAY);
    conduct.triggers.retain(|trigger| trigger.phase == Phase::Paused);
    for trigger in &mut conduct.triggers {
        trigger.hold_seconds = 0;
        trigger.lift.after_seconds = DAY;
        trigger.expires_seconds = 8 * DAY;
    }
    terms
}

/// What one day brings besides the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Nothing,
    /// Nobody publishes at all.
    Outage,
    Raise,
    Vote(usize, Choice),
    Suspend(usize, bool),
    Withdraw(usize),
    /// A lab reports no more.
    Silence(usize),
}

/// One state of the search: the machine's, and what the environment has left.
#[derive(Clone)]
struct Node {
    state: State,
    raises: u8,
    suspended: bool,
    withdrawn: bool,
    silent: Option<usize>,
    index: u64,
}

struct Search<'t> {
    terms: &'t Agreement,
    machine: Machine<'t>,
    evidence: Vec<Hash32>,
    votes: BTreeMap<Hash32, (Name, Vote)>,
}

impl<'t> Search<'t> {
    fn new(terms: &'t Agreement) -> Self {
        Self { terms, machine: Machine::new(terms).unwrap(), evidence: Vec::new(), votes: BTreeMap::new() }
    }

    fn at(&self, day: u64) -> u64 {
        self.terms.start_unix_seconds + day * DAY + 6 * HOUR
    }

    /// A statement whose hash depends on what it says and not on when, so that equal situations are equal states.
    fn fact(&mut self, issuer: &Name, at: u64, index: u64, body: Body) -> Fact {
        let statement = Hash32::of(format!("{issuer} {body:?}").as_bytes());
        if let Body::Vote(vote) = &body {
            self.votes.insert(statement, (issuer.clone(), vote.clone()));
        }
        Fact {
            agreement: self.machine.agreement_id(),
            issuer: issuer.clone(),
            index,
            statement,
            published_unix_seconds: at,
            not_before_unix_seconds: at - 1,
            body,
        }
    }

    /// All labs bound, two measurements published, day 2.
    fn begin(&mut self) -> Node {
        let mut world = World::new(self.terms).unwrap();
        let offers: Vec<(Name, Option<Formula>)> = LABS.iter().map(|lab| (name(lab), None)).collect();
        world.join(0, &offers);
        let reading = self.terms.conduct().unwrap().triggers[0]
            .raise
            .readings()
            .into_iter()
            .find(|r| r.confidence.is_some())
            .unwrap();
        let metric = name(&reading.signal.to_string());
        let values = [700_000, 800_000, 900_000].map(|value| Decimal::new(value, 0));
        let at = world.at(1, 20);
        for by in ["evaluator-1", "evaluator-2"] {
            let hash = world.signal(&name(by), at, &metric, reading.method.unwrap(), values);
            self.evidence.push(hash);
        }
        self.evidence.sort();
        let timeline = replay_with(&self.machine, &world.facts(), self.at(2) - 1);
        assert_eq!(timeline.state.bound().len(), 3);
        Node { state: timeline.state, raises: 0, suspended: false, withdrawn: false, silent: None, index: 10 }
    }

    fn acts(&self, node: &Node) -> Vec<Act> {
        let mut acts = vec![Act::Nothing, Act::Outage];
        if node.raises < 2 {
            acts.push(Act::Raise);
        }
        for lab in 0..LABS.len() {
            acts.extend([Act::Vote(lab, Choice::Yes), Act::Vote(lab, Choice::No)]);
        }
        if !node.suspended {
            acts.push(Act::Suspend(0, true));
        }
        if !node.withdrawn {
            acts.push(Act::Withdraw(1));
        }
        if node.silent.is_none() {
            acts.push(Act::Silence(2));
        }
        acts
    }

    fn raise_in_force(node: &Node) -> Option<(Hash32, u32)> {
        node.state.open_lift_votes().into_iter().next().map(|open| (open.raise, open.epoch))
    }

    /// One day: the act, then the reports. Gives the transitions.
    fn day(&mut self, node: &Node, day: u64, act: Act) -> (Node, Vec<Transition>) {
        let at = self.at(day);
        let mut next = node.clone();
        let mut facts = Vec::new();
        match act {
            Act::Nothing | Act::Outage => {}
            Act::Raise => {
                next.raises += 1;
                let evidence = self.evidence.clone();
                let trigger = self.terms.conduct().unwrap().triggers[0].id.clone();
                let body = Body::Raise(TriggerRaise { trigger, evidence });
                facts.push(self.fact(&name("evaluator-1"), at, node.index + u64::from(node.raises), body));
            }
            Act::Vote(lab, choice) => {
                let (subject, epoch) = Self::raise_in_force(node).unwrap_or_default();
                let body = Body::Vote(Vote { matter: Matter::Lift, subject, epoch, choice });
                facts.push(self.fact(&name(LABS[lab]), at, node.index, body));
            }
            Act::Suspend(lab, suspended) => {
                next.suspended = true;
                let body = Body::Suspension(Suspension { suspended, reason: "No longer.".to_owned() });
                facts.push(self.fact(&name(LABS[lab]), at, node.index, body));
            }
            Act::Withdraw(lab) => {
                next.withdrawn = true;
                let body = Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() });
                facts.push(self.fact(&name(LABS[lab]), at, node.index, body));
            }
            Act::Silence(lab) => next.silent = Some(lab),
        }
        if act != Act::Outage {
            for (lab, name_of) in LABS.iter().enumerate().filter(|(lab, _)| next.silent != Some(*lab)) {
                let mut world = World::new(self.terms).unwrap();
                // All windows since the last report are made up for.
                for window in 1..day {
                    world.report(&name(name_of), window, at + 1 + lab as u64);
                }
                for fact in world.facts().statements {
                    if let Body::Report(report) = &fact.body
                        && report.window + 4 >= day
                    {
                        facts.push(self.fact(
                            &name(name_of),
                            fact.published_unix_seconds,
                            node.index + 1 + report.window,
                            fact.body,
                        ));
                    }
                }
            }
        }
        next.index += 100;
        let mut moved = Vec::new();
        for fact in &facts {
            let (state, effects) = self.machine.step(next.state, &Event::Statement(fact), fact.published_unix_seconds);
            next.state = state;
            moved.extend(
                effects
                    .into_iter()
                    .filter_map(|effect| if let Effect::Moved(moved) = effect { Some(moved) } else { None }),
            );
        }
        let (state, effects) = self.machine.step(next.state, &Event::Time, at + DAY - 1);
        next.state = state;
        moved.extend(
            effects.into_iter().filter_map(|effect| if let Effect::Moved(moved) = effect { Some(moved) } else { None }),
        );
        (next, moved)
    }

    fn check_state(&self, node: &Node) {
        let now = node.state.now_unix_seconds();
        if now >= node.state.ends_at_unix_seconds() {
            assert!(node.state.bound().is_empty(), "(1) somebody is bound after the end");
            assert_eq!(node.state.phase(), RunPhase::Ended);
        }
    }

    /// (2) and the shape of every way out of a pause.
    fn check_moves(&self, before: &Node, moved: &[Transition]) {
        let bound = before.state.bound().len() as u64;
        for transition in moved.iter().filter(|t| t.subject == Subject::Agreement && t.from == "paused") {
            match transition.rule {
                Rule::LiftCarried => {
                    let votes: Vec<&(Name, Vote)> =
                        transition.causes.iter().filter_map(|cause| self.votes.get(&cause.statement)).collect();
                    let voters: BTreeSet<&Name> = votes.iter().map(|(voter, _)| voter).collect();
                    let epochs: BTreeSet<u32> = votes.iter().map(|(_, vote)| vote.epoch).collect();
                    // Two thirds of all, and more than half of all.
                    let needed = (2 * bound).div_ceil(3).max(bound / 2 + 1);
                    assert!(voters.len() as u64 >= needed.min(bound), "(2) {voters:?} of {bound}");
                    assert_eq!(epochs.len(), 1, "(2) votes of one epoch");
                    assert!(votes.iter().all(|(_, vote)| vote.choice == Choice::Yes), "(2) a no counted");
                }
                Rule::TriggerExpired | Rule::Expired => {}
                // Nobody is left who is bound, so there is nothing to lift.
                Rule::GraceOver | Rule::StepOver | Rule::WithdrawalOver => {
                    assert_eq!(transition.to, "open", "{transition:?}")
                }
                other => panic!("(2) a pause was left by {other:?}: {transition:?}"),
            }
        }
    }

    /// (5) Silence ends everything.
    fn check_end(&self, node: &Node) {
        let end = node.state.ends_at_unix_seconds();
        let (state, _) = self.machine.step(node.state.clone(), &Event::Time, end);
        assert_eq!(state.phase(), RunPhase::Ended, "(5)");
        assert!(state.bound().is_empty(), "(5)");
    }

    /// (1) Everybody goes on to report, so that only the end of the term can end it: bound in the last second, and not in the next.
    fn check_expiry(&mut self, node: &Node, day: u64) -> bool {
        let mut node = node.clone();
        // The step of a day reaches into the next.
        for later in day..15 {
            node = self.day(&node, later, Act::Nothing).0;
        }
        let end = node.state.ends_at_unix_seconds();
        let (before, _) = self.machine.step(node.state.clone(), &Event::Time, end - 1);
        let (after, _) = self.machine.step(node.state, &Event::Time, end);
        assert!(after.bound().is_empty(), "(1) {:?} after the end", after.bound());
        !before.bound().is_empty()
    }

    /// (6) Everybody who may votes each day, nobody raises again: the pause is left before the trigger lapses by itself.
    fn check_way_out(&mut self, node: &Node, day: u64) {
        let mut node = node.clone();
        for later in day..16 {
            for lab in LABS {
                // Votes on three moments of one day; the reports of the day come with the last.
                let (subject, epoch) = Self::raise_in_force(&node).unwrap_or_default();
                let body = Body::Vote(Vote { matter: Matter::Lift, subject, epoch, choice: Choice::Yes });
                let fact = self.fact(&name(lab), self.at(later), node.index, body);
                let (state, _) = self.machine.step(node.state, &Event::Statement(&fact), self.at(later));
                node.state = state;
            }
            if node.state.phase() != RunPhase::In(Phase::Paused) {
                return;
            }
            let act = Act::Nothing;
            node = self.day(&node, later, act).0;
            if node.state.phase() != RunPhase::In(Phase::Paused) {
                return;
            }
        }
        panic!("(6) no way out of the pause on day {day}");
    }
}

fn fingerprint(node: &Node) -> Hash32 {
    Hash32::of(
        format!("{:?} {} {} {} {:?}", node.state, node.raises, node.suspended, node.withdrawn, node.silent).as_bytes(),
    )
}

fn pause_and_resumption(days: u64) {
    let terms = terms();
    let mut search = Search::new(&terms);
    let mut layer = vec![search.begin()];
    let (mut states, mut steps, mut paused) = (1u64, 0u64, 0u64);
    let mut out = BTreeMap::new();
    for day in 2..=days {
        let mut seen = HashSet::new();
        let mut next = Vec::new();
        for node in &layer {
            for act in search.acts(node) {
                steps += 1;
                let (mut after, moved) = search.day(node, day, act);
                // The index in a log plays no part in the machine; equal situations are to be equal states.
                after.index = 10 + day * 100;
                search.check_moves(node, &moved);
                for transition in moved.iter().filter(|t| t.subject == Subject::Agreement && t.from == "paused") {
                    *out.entry(transition.rule).or_insert(0u64) += 1;
                }
                if seen.insert(fingerprint(&after)) {
                    search.check_state(&after);
                    search.check_end(&after);
                    if after.state.phase() == RunPhase::In(Phase::Paused) && day <= 8 {
                        paused += 1;
                        search.check_way_out(&after, day + 1);
                    }
                    next.push(after);
                }
            }
        }
        states += next.len() as u64;
        layer = next;
    }
    let ended = layer.iter().filter(|node| search.check_expiry(node, days + 1)).count();
    println!(
        "pause and resumption: 3 parties, {days} days, 1 act a day of {{nothing, outage, raise, vote yes|no, suspend, withdraw, fall silent}}, at most 2 raises"
    );
    println!("  {states} states, {steps} steps; {paused} paused states with a way out; ways out of a pause: {out:?}");
    println!(
        "  {ended} of {} states of the last day are bound up to the last second of the term, none after it",
        layer.len()
    );
    assert!(out.contains_key(&Rule::LiftCarried) && ended > 0, "the search is not vacuous");
}

#[test]
fn pause_and_resumption_for_five_days() {
    pause_and_resumption(5);
}

/// Some minutes.
#[test]
#[ignore = "a search of some minutes: scripts/model.sh"]
fn pause_and_resumption_for_seven_days() {
    pause_and_resumption(7);
}

/// How a party behaves in an entry round.
#[derive(Clone, Copy, Debug)]
enum Joining {
    Away,
    SealsOnly,
    Joins,
    SealsLate,
    OpensAnother,
}

/// (4) Every behaviour and condition of every party, and (3) for every part of the record.
#[test]
fn activation_of_three() {
    let terms = {
        let mut terms = terms();
        for pledge in terms.coordination.conduct.as_mut().unwrap().pledges.values_mut() {
            pledge.stay = Condition::AtLeast(0);
        }
        terms
    };
    let machine = Machine::new(&terms).unwrap();
    let others = |own: usize| LABS.iter().enumerate().filter(move |(at, _)| *at != own).map(|(_, lab)| name(lab));
    let conditions = |own: usize| -> Vec<Formula> {
        let mut list = vec![Formula::AtLeast(0), Formula::AtLeast(1), Formula::AtLeast(2)];
        list.extend(others(own).map(|lab| Formula::Includes(vec![lab])));
        list
    };
    let ways = [Joining::Away, Joining::SealsOnly, Joining::Joins, Joining::SealsLate, Joining::OpensAnother];
    let choices = |own: usize| -> Vec<(Joining, Formula)> {
        ways.iter()
            .flat_map(|way| match way {
                Joining::Joins => conditions(own).into_iter().map(|condition| (*way, condition)).collect(),
                _ => vec![(*way, Formula::AtLeast(0))],
            })
            .collect()
    };
    let (mut cases, mut parts, mut decided) = (0u64, 0u64, 0u64);
    for a in choices(0) {
        for b in choices(1) {
            for c in choices(2) {
                cases += 1;
                let chosen = [a.clone(), b.clone(), c.clone()];
                let (facts, end) = entry(&terms, &chosen);
                let whole = replay_with(&machine, &facts, end);
                assert_eq!(whole.state.bound(), expected(&chosen), "(4) {chosen:?}");
                for part in prefixes(&facts, 7) {
                    parts += 1;
                    let seen = replay_with(&machine, &part, end);
                    decided += agrees(&seen.transitions, &whole.transitions);
                }
            }
        }
    }
    println!(
        "activation: 3 parties, each one of {} behaviours: {cases} agreements, {parts} partial records, {decided} decided transitions, none of them different",
        choices(0).len()
    );
    assert!(decided > 0);
}

fn entry(terms: &Agreement, chosen: &[(Joining, Formula)]) -> (Facts, u64) {
    let mut world = World::new(terms).unwrap();
    world.beacon(0);
    let round = world.machine().entry_round(0).unwrap();
    for (at, (way, condition)) in chosen.iter().enumerate() {
        let lab = name(LABS[at]);
        let second = at as u64;
        if matches!(way, Joining::Away) {
            continue;
        }
        let offer = world.offer(Some(condition.clone()));
        let late = if matches!(way, Joining::SealsLate) { 5 * HOUR } else { 0 };
        let sealed_at = round.sealed_by_unix_seconds - 4 * HOUR + second + late;
        world.ratify(&lab, round.sealed_by_unix_seconds - 5 * HOUR + second);
        let seal = world.seal(&lab, sealed_at, 0, &offer);
        let shown = match way {
            Joining::SealsOnly => continue,
            Joining::OpensAnother => world.offer(Some(Formula::AtLeast(2))),
            _ => offer,
        };
        let opening = world.opening(&lab, seal, 0, &shown);
        world.say(&lab, round.beacon_unix_seconds + 2 * HOUR + second, Body::Opening(opening));
    }
    let end = round.opened_by_unix_seconds + 2 * DAY;
    world.shown(end);
    (world.facts(), end)
}

/// By definition: the union of all sets of joining parties in which everybody's condition holds.
fn expected(chosen: &[(Joining, Formula)]) -> Vec<Name> {
    let joins = |at: usize| matches!(chosen[at].0, Joining::Joins);
    let holds = |at: usize, set: u8| match &chosen[at].1 {
        Formula::AtLeast(count) => (set & !(1 << at)).count_ones() >= *count,
        Formula::Includes(names) => {
            names.iter().all(|wanted| (0..3).any(|other| set >> other & 1 == 1 && LABS[other] == wanted.as_str()))
        }
        other => panic!("{other:?}"),
    };
    let consistent = |set: &u8| (0..3).filter(|at| set >> at & 1 == 1).all(|at| joins(at) && holds(at, *set));
    let union = (0u8..8).filter(consistent).fold(0, |all, set| all | set);
    (0..3).filter(|at| union >> at & 1 == 1).map(|at| name(LABS[at])).collect()
}

/// What verifiers can hold: of each log a first part, shown whole up to the moment before the next statement. `most` logs are cut.
fn prefixes(facts: &Facts, most: usize) -> Vec<Facts> {
    let mut logs: BTreeMap<&Name, Vec<&Fact>> = BTreeMap::new();
    for fact in &facts.statements {
        logs.entry(&fact.issuer).or_default().push(fact);
    }
    let cut: Vec<(&Name, Vec<&Fact>)> = logs.into_iter().take(most).collect();
    let mut parts = vec![facts.clone()];
    for (issuer, entries) in &cut {
        let mut more = Vec::new();
        for part in &parts {
            for (keep, first_gone) in entries.iter().enumerate() {
                let mut smaller = part.clone();
                smaller.statements.retain(|fact| fact.issuer != **issuer || fact.index < keep as u64);
                smaller.shown_until.insert((*issuer).clone(), first_gone.published_unix_seconds - 1);
                more.push(smaller);
            }
        }
        parts.extend(more);
    }
    parts
}

/// (3) Everything decided is part of the truth, so two verifiers never decide different things. Gives the number of decided transitions.
#[track_caller]
fn agrees(seen: &[Transition], whole: &[Transition]) -> u64 {
    let mut count = 0;
    for transition in seen.iter().filter(|transition| transition.decided) {
        assert!(whole.contains(transition), "(3) decided, and not so: {transition:?}");
        count += 1;
    }
    // And nothing that happened before the last decided moment is missing.
    let Some(last) = seen.iter().rev().find(|transition| transition.decided) else { return count };
    let expected = whole.iter().filter(|transition| transition.at_unix_seconds < last.at_unix_seconds).count();
    let found = seen.iter().filter(|transition| transition.at_unix_seconds < last.at_unix_seconds).count();
    assert_eq!(found, expected, "(3) something is missing before {last:?}");
    count
}

/// (3) for pauses: every sequence of a few acts, every part of the record.
fn partial_records(acts: usize) {
    let terms = terms();
    let machine = Machine::new(&terms).unwrap();
    let menu = [
        Act::Nothing,
        Act::Raise,
        Act::Vote(0, Choice::Yes),
        Act::Vote(1, Choice::Yes),
        Act::Vote(1, Choice::No),
        Act::Suspend(2, true),
    ];
    let (mut histories, mut parts, mut decided) = (0u64, 0u64, 0u64);
    for number in 0..menu.len().pow(u32::try_from(acts).unwrap()) {
        let mut rest = number;
        let chosen: Vec<Act> = (0..acts)
            .map(|_| {
                let act = menu[rest % menu.len()];
                rest /= menu.len();
                act
            })
            .collect();
        let facts = record(&terms, &chosen);
        let end = terms.start_unix_seconds + 12 * DAY;
        let whole = replay_with(&machine, &facts, end);
        histories += 1;
        for part in prefixes_of_decisions(&facts) {
            parts += 1;
            let seen = replay_with(&machine, &part, end);
            decided += agrees(&seen.transitions, &whole.transitions);
        }
    }
    println!(
        "partial records: {histories} histories of {acts} acts, {parts} partial records, {decided} decided transitions, none of them different"
    );
    assert!(decided > 0);
}

fn record(terms: &Agreement, acts: &[Act]) -> Facts {
    let mut world = World::new(terms).unwrap();
    let offers: Vec<(Name, Option<Formula>)> = LABS.iter().map(|lab| (name(lab), None)).collect();
    world.join(0, &offers);
    let reading =
        terms.conduct().unwrap().triggers[0].raise.readings().into_iter().find(|r| r.confidence.is_some()).unwrap();
    let metric = name(&reading.signal.to_string());
    let values = [700_000, 800_000, 900_000].map(|value| Decimal::new(value, 0));
    let at = world.at(1, 20);
    let evidence: Vec<Hash32> = ["evaluator-1", "evaluator-2"]
        .map(|by| world.signal(&name(by), at, &metric, reading.method.unwrap(), values))
        .to_vec();
    let mut raise = Hash32::default();
    for (act, day) in acts.iter().zip(2u64..) {
        let at = world.at(day, 6);
        match act {
            Act::Raise => {
                raise = world.raise(&name("evaluator-1"), at, &terms.conduct().unwrap().triggers[0].id, &evidence)
            }
            Act::Vote(lab, choice) => {
                world.vote(&name(LABS[*lab]), at, Matter::Lift, raise, 0, *choice);
            }
            Act::Suspend(lab, suspended) => {
                world.say(
                    &name(LABS[*lab]),
                    at,
                    Body::Suspension(Suspension { suspended: *suspended, reason: "x".to_owned() }),
                );
            }
            _ => {}
        }
    }
    let labs: Vec<Name> = LABS.iter().map(|lab| name(lab)).collect();
    world.reports(&labs, 1..11);
    world.shown(terms.start_unix_seconds + 12 * DAY);
    world.facts()
}

/// As [`prefixes`], cut only before statements that decide something: what lies between makes no difference to what can be missing.
fn prefixes_of_decisions(facts: &Facts) -> Vec<Facts> {
    let decides = |fact: &&Fact| !matches!(fact.body, Body::Report(_) | Body::Ratification(_) | Body::Commitment(_));
    let mut parts = vec![facts.clone()];
    let issuers: BTreeSet<Name> = facts.statements.iter().map(|fact| fact.issuer.clone()).collect();
    for issuer in issuers {
        let mut more = Vec::new();
        for part in &parts {
            for cut in facts.statements.iter().filter(|fact| fact.issuer == issuer).filter(decides) {
                let mut smaller = part.clone();
                smaller.statements.retain(|fact| fact.issuer != issuer || fact.index < cut.index);
                smaller.shown_until.insert(issuer.clone(), cut.published_unix_seconds - 1);
                more.push(smaller);
            }
        }
        parts.extend(more);
    }
    parts
}

#[test]
fn partial_records_of_two_acts() {
    partial_records(2);
}

/// Some minutes.
#[test]
#[ignore = "a search of some minutes: scripts/model.sh"]
fn partial_records_of_four_acts() {
    partial_records(4);
}
