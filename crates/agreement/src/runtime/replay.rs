//! From facts to a timeline.
//!
//! `replay` is a function of the *set* of facts: they are sorted by quorum time, issuer and index before the first step, so the order in
//! which they arrived plays no part, and a fact that turns up late changes the result to what it would have been from the start. What of
//! the result no fact can change any more is worked out in `settled`.

use super::fact::{Facts, Ignored, order};
use super::machine::{Event, Machine};
use super::phase::RunPhase;
use super::settled::Settling;
use super::state::State;
use super::transition::{Effect, Subject, Transition};
use crate::terms::Agreement;
use standstill_statement::{Hash32, Name};
use std::collections::BTreeSet;

/// What happened up to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The agreement.
    pub agreement: Hash32,
    /// The moment, in seconds since the Unix epoch.
    pub as_of_unix_seconds: u64,
    /// Up to this moment nothing that can still turn up changes anything. Seconds since the Unix epoch; 0 when nothing is settled.
    pub settled_until_unix_seconds: u64,
    /// What keeps the rest from being settled, for people.
    pub unsettled: Vec<String>,
    /// Transitions in order.
    pub transitions: Vec<Transition>,
    /// Statements without effect, in order.
    pub ignored: Vec<Ignored>,
    /// Issuers whose logs show two histories, and those whose statements break a rule.
    pub at_fault: BTreeSet<Name>,
    /// The state at the end.
    pub state: State,
}

impl Timeline {
    /// Phase of a party at a moment up to `as_of`; `None` for a name that never was in a state other than draft.
    #[must_use]
    pub fn party_phase_at(&self, party: &Name, unix_seconds: u64) -> String {
        self.word_at(&Subject::Party(party.clone()), unix_seconds)
    }

    /// Phase of the agreement at a moment up to `as_of`.
    #[must_use]
    pub fn phase_at(&self, unix_seconds: u64) -> String {
        self.word_at(&Subject::Agreement, unix_seconds)
    }

    fn word_at(&self, subject: &Subject, unix_seconds: u64) -> String {
        let phase = |transition: &&Transition| {
            transition.subject == *subject && is_phase(&transition.to) && transition.at_unix_seconds <= unix_seconds
        };
        let last = self.transitions.iter().rev().find(phase);
        last.map_or_else(|| RunPhase::Draft.word(), |transition| transition.to.clone())
    }
}

/// Words of [`RunPhase`]; parties and the agreement have other transitions too (grace, reports, renewal).
pub(crate) fn is_phase(word: &str) -> bool {
    const WORDS: [&str; 9] =
        ["draft", "open", "armed", "notice", "active", "paused", "suspended", "withdrawn", "ended"];
    WORDS.contains(&word) || ["slowed", "resuming-", "releasing-"].iter().any(|stem| word.starts_with(stem))
}

/// Replays facts up to `as_of`. `None` when the terms only follow a schedule.
#[must_use]
pub fn replay(terms: &Agreement, facts: &Facts, as_of_unix_seconds: u64) -> Option<Timeline> {
    let machine = Machine::new(terms)?;
    Some(replay_with(&machine, facts, as_of_unix_seconds))
}

/// As [`replay`], with a machine that is used again.
#[must_use]
pub fn replay_with(machine: &Machine<'_>, facts: &Facts, as_of: u64) -> Timeline {
    let ordered = order(facts, &machine.id, as_of);
    let mut play = Play {
        machine,
        state: Some(machine.start()),
        transitions: Vec::new(),
        ignored: ordered.ignored,
        settling: Settling::new(machine, facts, as_of),
    };
    let mut beacon =
        facts.beacon.iter().map(|(round, randomness)| (machine.beacon_time(*round), *round, *randomness)).peekable();
    for (at, fact) in &ordered.facts {
        while let Some((time, round, randomness)) = beacon.next_if(|(time, _, _)| time <= at) {
            play.step(&Event::Beacon { round, randomness }, time);
        }
        play.step(&Event::Time, *at);
        if let Some(state) = &play.state {
            let able = machine.barred(&fact.issuer, &fact.body).is_none();
            play.settling.statement(fact, *at, &state.clock, able);
        }
        play.step(&Event::Statement(fact), *at);
        play.settling.counted(fact);
    }
    for (time, round, randomness) in beacon.filter(|(time, _, _)| *time <= as_of) {
        play.step(&Event::Beacon { round, randomness }, time);
    }
    play.step(&Event::Time, as_of);
    let (settled_until, unsettled) = play.settling.result();
    for transition in &mut play.transitions {
        transition.decided = transition.at_unix_seconds <= settled_until;
    }
    let mut at_fault = ordered.forked;
    at_fault
        .extend(play.ignored.iter().filter(|ignored| ignored.fault).map(|ignored| ignored.statement.issuer.clone()));
    Timeline {
        agreement: machine.id,
        as_of_unix_seconds: as_of,
        settled_until_unix_seconds: settled_until,
        unsettled,
        transitions: play.transitions,
        ignored: play.ignored,
        at_fault,
        state: play.state.unwrap_or_else(|| machine.start()),
    }
}

struct Play<'m, 't> {
    machine: &'m Machine<'t>,
    /// `None` only while a step has it.
    state: Option<State>,
    transitions: Vec<Transition>,
    ignored: Vec<Ignored>,
    settling: Settling,
}

impl Play<'_, '_> {
    fn step(&mut self, event: &Event<'_>, now: u64) {
        let Some(state) = self.state.take() else { return };
        let (state, effects) = self.machine.step(state, event, now);
        self.state = Some(state);
        for effect in effects {
            self.settling.effect(&effect, event);
            match effect {
                Effect::Moved(transition) => self.transitions.push(transition),
                Effect::Ignored(ignored) => self.ignored.push(ignored),
                Effect::NeedsBeacon { .. } | Effect::RanOut { .. } | Effect::Within { .. } => {}
            }
        }
    }
}
