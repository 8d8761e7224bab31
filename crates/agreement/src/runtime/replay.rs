//! From facts to a timeline.
//!
//! `replay` is a function of the *set* of facts: they are sorted by quorum time, issuer and index before the first step, so the order in
//! which they arrived plays no part, and a fact that turns up late changes the result to what it would have been from the start.

use super::fact::{Fact, Facts, Ignored, order};
use super::machine::{Event, Machine};
use super::phase::RunPhase;
use super::state::State;
use super::transition::{Effect, Subject, Transition};
use crate::terms::Agreement;
use standstill_statement::{Body, Hash32, Name};
use std::collections::{BTreeMap, BTreeSet};

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
        needs: Vec::new(),
    };
    let mut beacon =
        facts.beacon.iter().map(|(round, randomness)| (machine.beacon_time(*round), *round, *randomness)).peekable();
    for (at, fact) in &ordered.facts {
        while let Some((time, round, randomness)) = beacon.next_if(|(time, _, _)| time <= at) {
            play.step(&Event::Beacon { round, randomness }, time);
        }
        play.step(&Event::Statement(fact), *at);
    }
    for (time, round, randomness) in beacon.filter(|(time, _, _)| *time <= as_of) {
        play.step(&Event::Beacon { round, randomness }, time);
    }
    play.step(&Event::Time, as_of);
    let (settled_until, unsettled) = settled(machine, facts, &ordered.facts, &play, as_of);
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
    needs: Vec<(u64, u64)>,
}

impl Play<'_, '_> {
    fn step(&mut self, event: &Event<'_>, now: u64) {
        let Some(state) = self.state.take() else { return };
        let (state, effects) = self.machine.step(state, event, now);
        self.state = Some(state);
        for effect in effects {
            match effect {
                Effect::Moved(transition) => self.transitions.push(transition),
                Effect::Ignored(ignored) => self.ignored.push(ignored),
                Effect::NeedsBeacon { round, at_unix_seconds } => self.needs.push((at_unix_seconds, round)),
            }
        }
    }
}

/// Up to which moment nothing can change any more, and why not further.
///
/// Three things can still change a result: a statement that is not at hand (excluded up to the moment at which its log was last shown
/// whole), a statement at hand that was public earlier than known (possible only after the last head without it), and a beacon round.
fn settled(
    machine: &Machine<'_>,
    facts: &Facts,
    ordered: &[(u64, &Fact)],
    play: &Play<'_, '_>,
    as_of: u64,
) -> (u64, Vec<String>) {
    let mut limits: BTreeMap<u64, String> = BTreeMap::new();
    let mut limit = |at: u64, words: String| {
        limits.entry(at).or_insert(words);
    };
    let issuers = machine.names.iter().chain(machine.terms.roles.iter().map(|role| &role.id));
    for issuer in issuers {
        let until = facts.shown_until.get(issuer).copied().unwrap_or(0);
        if until < as_of {
            limit(
                until,
                format!(
                    "the log of {issuer} is shown whole only up to then; ask witnesses to cosign its last head again"
                ),
            );
        }
    }
    for (at, round) in &play.needs {
        limit(at.saturating_sub(1), format!("beacon round {round} is not among the facts"));
    }
    let mut moments: Vec<u64> = play.transitions.iter().map(|transition| transition.at_unix_seconds).collect();
    moments.dedup();
    for (at, fact) in ordered.iter().filter(|(_, fact)| decides(&fact.body)) {
        // The first moment at which something happened while this statement may have been public already.
        let first = moments.partition_point(|moment| *moment <= fact.not_before_unix_seconds);
        if let Some(moment) = moments.get(first).filter(|moment| *moment < at) {
            let words = format!(
                "entry {} of {} may have been public before {}, when something was decided without it",
                fact.index,
                fact.issuer,
                standstill_statement::time::utc(*moment)
            );
            limit(moment.saturating_sub(1), words);
        }
    }
    let until = limits.first_key_value().map_or(as_of, |(at, _)| (*at).min(as_of));
    (until, limits.into_values().take(8).collect())
}

/// Kinds that can change a state at all.
const fn decides(body: &Body) -> bool {
    !matches!(
        body,
        Body::Fleet(_)
            | Body::Run(_)
            | Body::Challenge(_)
            | Body::Response(_)
            | Body::Finding(_)
            | Body::Heartbeat(_)
            | Body::Alarm(_)
            | Body::Freeze(_)
    )
}
