//! The machine: `(state, event, now) -> (state, effects)`, without input or output and without a clock of its own.

use super::fact::{Cause, Fact, Reach, ignored, reach};
use super::phase::RunPhase;
use super::state::{Freeze, PartyRecord, Standing, State, Timer, Timers};
use super::transition::{Effect, Rule, Subject, Transition};
use super::{clock::Clock, trigger::SignalBook};
use crate::condition::Formula;
use crate::coordination::Conduct;
use crate::terms::{Agreement, Phase, RoleKind};
use standstill_statement::{Body, Hash32, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event<'f> {
    /// A quorum of witnesses has seen a statement.
    Statement(&'f Fact),
    /// A beacon round is out.
    Beacon {
        /// Round.
        round: u64,
        /// Its randomness, checked against the beacon's key.
        randomness: Hash32,
    },
    /// Time passed.
    Time,
}

/// The rules of one agreement.
#[derive(Clone, Debug)]
pub struct Machine<'t> {
    pub(crate) terms: &'t Agreement,
    pub(crate) conduct: &'t Conduct,
    pub(crate) id: Hash32,
    pub(crate) names: Vec<Name>,
    pub(crate) stay: Vec<Formula>,
    pub(crate) policy: Hash32,
}

impl<'t> Machine<'t> {
    /// The machine of an agreement; `None` when its terms only follow a schedule.
    #[must_use]
    pub fn new(terms: &'t Agreement) -> Option<Self> {
        let conduct = terms.conduct()?;
        let names = terms.party_names();
        let stay = conduct.stay_formulas(&names);
        Some(Self { terms, conduct, id: terms.id(), names, stay, policy: Hash32::of(terms.witnesses.as_bytes()) })
    }

    /// Id of the agreement.
    #[must_use]
    pub const fn agreement_id(&self) -> Hash32 {
        self.id
    }

    /// The state before anything happened.
    #[must_use]
    pub fn start(&self) -> State {
        let silence = self.terms.window.window_seconds.saturating_add(self.terms.window.report_within_seconds);
        let ends_at = self.terms.end_unix_seconds();
        let mut timers = Timers::default();
        timers.wall.insert((ends_at, Timer::Expiry));
        for step in &self.terms.phases {
            timers.wall.insert((self.terms.window_bounds(step.from_window).0, Timer::Schedule));
        }
        State {
            now: 0,
            clock: Clock::new(silence, self.conduct.clocks.freeze_on_outage_seconds),
            freeze: Freeze::Running,
            ends_at,
            renewals: 0,
            beacon: BTreeMap::new(),
            entry_rounds: BTreeSet::new(),
            parties: self.names.iter().map(|name| (name.clone(), PartyRecord::default())).collect(),
            triggers: self.conduct.triggers.iter().map(|trigger| (trigger.id.clone(), Default::default())).collect(),
            signals: SignalBook::default(),
            cases: BTreeMap::new(),
            inspections: BTreeMap::new(),
            questions: BTreeMap::new(),
            ballots: BTreeMap::new(),
            phase: Phase::Normal,
            phase_causes: Vec::new(),
            resumption: None,
            shown: RunPhase::Draft,
            timers,
            epoch_seconds: self.conduct.votes.within_seconds,
        }
    }

    /// One step. Clocks that run out at or before `now` do so first, in order; then the event counts. A `now` before the state's own
    /// moment counts as that moment.
    #[must_use]
    pub fn step(&self, state: State, event: &Event<'_>, now: u64) -> (State, Vec<Effect>) {
        let now = now.max(state.now);
        let mut run = Run { m: self, s: state, out: Vec::new(), rule: Rule::Schedule, causes: Vec::new() };
        run.advance(now);
        match event {
            Event::Time => {}
            Event::Beacon { round, randomness } => {
                run.s.beacon.insert(*round, *randomness);
            }
            Event::Statement(fact) => {
                run.publication(fact);
                run.statement(fact);
                run.refresh();
            }
        }
        // Clocks of no length run out in the same moment.
        run.advance(now);
        (run.s, run.out)
    }

    /// The next moment at which a clock runs out when nothing is published before.
    #[must_use]
    pub fn next_moment(&self, state: &State) -> Option<u64> {
        next_timer(state).map(|(at, _)| at)
    }

    /// Kind of the role of that name.
    pub(crate) fn role_kind(&self, name: &Name) -> Option<RoleKind> {
        self.terms.role(name).map(|role| role.kind)
    }
}

/// A step under way.
pub(crate) struct Run<'m, 't> {
    pub(crate) m: &'m Machine<'t>,
    pub(crate) s: State,
    pub(crate) out: Vec<Effect>,
    /// Why what a reader sees may change now.
    rule: Rule,
    causes: Vec<Cause>,
}

enum Next {
    Freeze,
    Wall(Timer),
    Running(Timer, u64),
}

fn next_timer(state: &State) -> Option<(u64, Next)> {
    let freeze = match state.freeze {
        Freeze::Running => state.clock.stops_at(),
        Freeze::Frozen => state.clock.runs_on_at(),
        Freeze::Exhausted => None,
    };
    let wall = state.timers.wall.first().cloned();
    let running = state.timers.running.first().cloned().map(|(due, timer)| (state.clock.wall_of(due), timer, due));
    let mut best: Option<(u64, Next)> = freeze.map(|at| (at, Next::Freeze));
    if let Some((at, timer)) = wall
        && best.as_ref().is_none_or(|(best, _)| at < *best)
    {
        best = Some((at, Next::Wall(timer)));
    }
    if let Some((at, timer, due)) = running
        && best.as_ref().is_none_or(|(best, _)| at < *best)
    {
        best = Some((at, Next::Running(timer, due)));
    }
    best.map(|(at, next)| (at.max(state.now), next))
}

impl Run<'_, '_> {
    fn advance(&mut self, to: u64) {
        while let Some((at, next)) = next_timer(&self.s) {
            if at > to {
                break;
            }
            self.s.now = at;
            self.because(Rule::Schedule, Vec::new());
            match next {
                Next::Freeze => self.freeze(),
                Next::Wall(timer) => {
                    self.s.timers.wall.pop_first();
                    self.out.push(Effect::RanOut { at_unix_seconds: at, moves: false });
                    self.fire(timer, at);
                }
                Next::Running(timer, due) => {
                    self.s.timers.running.pop_first();
                    // Deadlines of reports and ends of notices follow from the terms alone while no outage has stopped the clock. A report
                    // that was not missing changes nothing.
                    let fixed = matches!(timer, Timer::Report(..) | Timer::Notice(_)) && !self.s.clock.has_stopped();
                    if !matches!(timer, Timer::Report(..)) {
                        self.out.push(Effect::RanOut { at_unix_seconds: at, moves: !fixed });
                    }
                    self.fire(timer, due);
                }
            }
            self.refresh();
        }
        self.s.now = to;
    }

    fn fire(&mut self, timer: Timer, due: u64) {
        match timer {
            Timer::Expiry => self.expire(),
            Timer::Schedule => {}
            Timer::OfferOver(party) => self.offer_over(&party),
            Timer::EntryRound(round) => self.entry_round(round),
            Timer::Notice(party) => self.notice_over(&party, due),
            Timer::Report(party, window) => self.report_due(&party, window),
            Timer::SignOfLife(party) => self.sign_of_life_due(&party, due),
            Timer::RaiseLapse(trigger, raise) => self.raise_lapses(&trigger, &raise),
            Timer::Hold(trigger, raise) => self.hold_over(&trigger, &raise, due),
            Timer::TriggerExpiry(trigger) => self.trigger_expires(&trigger, due),
            Timer::Step => self.step_over(due),
            Timer::Question(question) => self.question_due(&question, due),
            Timer::Case(case) => self.case_due(&case, due),
            Timer::Inspection(request) => self.inspection_due(&request, due),
            Timer::Grace(party) => self.grace_over(&party, due),
            Timer::Release(party) => self.release_step(&party, due),
            Timer::Withdrawal(party) => self.withdrawal_over(&party, due),
        }
    }

    fn freeze(&mut self) {
        let before = self.s.freeze;
        let (after, rule) = match before {
            Freeze::Running => (Freeze::Frozen, Rule::ClocksFrozen),
            _ => (Freeze::Exhausted, Rule::FreezeExhausted),
        };
        self.s.freeze = after;
        self.moved(Subject::Clock, before.word(), after.word(), rule, Vec::new());
        if after == Freeze::Exhausted {
            self.ask_for_signs_of_life();
        }
    }

    /// A publication by anybody ends an outage, and is a sign of life of its issuer.
    fn publication(&mut self, fact: &Fact) {
        self.because(Rule::Schedule, vec![fact.cause()]);
        self.s.clock.publication(self.s.now);
        let before = std::mem::take(&mut self.s.freeze);
        if before != Freeze::Running {
            self.moved(Subject::Clock, before.word(), Freeze::Running.word(), Rule::ClocksResumed, vec![fact.cause()]);
        }
        if let Some(record) = self.s.parties.get_mut(&fact.issuer) {
            record.sign_of_life_due = None;
            record.silent = false;
        }
    }

    fn statement(&mut self, fact: &Fact) {
        if let Some(reason) = self.m.barred(&fact.issuer, &fact.body) {
            return self.ignore(fact, reason);
        }
        match &fact.body {
            Body::Ratification(_) => self.ratification(fact),
            Body::Commitment(body) => self.sealed(fact, body),
            Body::Opening(body) => self.opened(fact, body),
            Body::Signal(body) => self.signal(fact, body),
            Body::Raise(body) => self.raise(fact, body),
            Body::Lift(body) => self.lift_request(fact, body),
            Body::Vote(body) => self.vote(fact, body),
            Body::Acknowledgement(body) => self.acknowledgement(fact, body),
            Body::Question(body) => self.question(fact, body),
            Body::Answer(body) => self.answer(fact, &body.question),
            Body::Clarification(body) => self.clarification(fact, body),
            Body::Dispute(body) => self.dispute(fact, body),
            Body::Ruling(body) => self.ruling(fact, body),
            Body::Inspection(body) => self.inspection(fact, body),
            Body::Objection(body) => self.objection(fact, body),
            Body::Conclusion(body) => self.conclusion(fact, body),
            Body::Withdrawal(_) => self.withdrawal(fact),
            Body::Suspension(body) => self.suspension(fact, body.suspended),
            Body::Report(body) => self.report(fact, body.window),
            // `reach` names every kind; those that are not above are signs of life, and `publication` has seen to that.
            other => debug_assert_eq!(reach(other), Reach::Life, "a kind that decides something has a rule here"),
        }
    }

    /// The statements behind what changes now.
    pub(crate) fn present_causes(&self) -> Vec<Cause> {
        self.causes.clone()
    }

    /// What may change from here on changes by this rule and because of these statements.
    pub(crate) fn because(&mut self, rule: Rule, causes: Vec<Cause>) {
        self.rule = rule;
        self.causes = causes;
    }

    pub(crate) fn ignore(&mut self, fact: &Fact, reason: impl Into<String>) {
        self.out.push(Effect::Ignored(ignored(fact, self.s.now, reason, false)));
    }

    /// As [`Run::ignore`], for a statement that itself breaks a rule.
    pub(crate) fn fault(&mut self, fact: &Fact, reason: impl Into<String>) {
        self.out.push(Effect::Ignored(ignored(fact, self.s.now, reason, true)));
    }

    pub(crate) fn moved(&mut self, subject: Subject, from: &str, to: &str, rule: Rule, mut causes: Vec<Cause>) {
        causes.sort();
        causes.dedup();
        self.out.push(Effect::Moved(Transition {
            at_unix_seconds: self.s.now,
            subject,
            from: from.to_owned(),
            to: to.to_owned(),
            rule,
            causes,
            decided: false,
            bounds: None,
        }));
    }

    /// As [`Run::moved`], from one phase to another.
    fn moved_phase(&mut self, subject: Subject, from: RunPhase, to: RunPhase) {
        self.moved(subject, &from.word(), &to.word(), self.rule, self.causes.clone());
        if let Some(Effect::Moved(transition)) = self.out.last_mut() {
            transition.bounds = to.bounds();
        }
    }

    /// Running time of now.
    pub(crate) fn running_now(&self) -> u64 {
        self.s.clock.running(self.s.now)
    }

    /// Sets a timer in running time and gives its deadline.
    pub(crate) fn after(&mut self, seconds: u64, timer: Timer) -> u64 {
        let due = self.running_now().saturating_add(seconds);
        self.s.timers.running.insert((due, timer));
        due
    }

    /// Works out what follows for everybody, and says what changed for a reader.
    fn refresh(&mut self) {
        self.stay_conditions();
        let bound = self.s.parties.values().any(PartyRecord::is_bound);
        self.s.clock.count(bound, self.s.now);
        let whole = self.whole();
        if whole != self.s.shown {
            let before = std::mem::replace(&mut self.s.shown, whole);
            self.moved_phase(Subject::Agreement, before, whole);
        }
        let in_force = self.in_force();
        let mut changed = Vec::new();
        for (name, record) in &mut self.s.parties {
            let shown = party_phase(record, in_force);
            if shown != record.shown {
                let before = std::mem::replace(&mut record.shown, shown);
                changed.push((name.clone(), before, shown));
            }
        }
        for (name, before, shown) in changed {
            self.moved_phase(Subject::Party(name), before, shown);
        }
    }

    /// Phase of the schedule at this moment.
    pub(crate) fn scheduled(&self) -> Phase {
        self.m.terms.window_of(self.s.now).map_or(Phase::Normal, |window| self.m.terms.phase(window))
    }

    /// Phase of parties that are bound and whose duties hold.
    fn in_force(&self) -> RunPhase {
        let scheduled = self.scheduled();
        match &self.s.resumption {
            Some(resumption) if self.s.phase >= scheduled => {
                RunPhase::Resuming { step: resumption.number, phase: self.s.phase }
            }
            _ => RunPhase::In(self.s.phase.max(scheduled)),
        }
    }

    fn whole(&self) -> RunPhase {
        let parties = self.s.parties.values();
        if self.s.now >= self.s.ends_at {
            return RunPhase::Ended;
        }
        let mut bound = parties.clone().filter(|record| record.is_bound()).peekable();
        if bound.peek().is_none() {
            let armed = parties.clone().any(|record| record.offer.is_some());
            let open = parties.clone().any(|record| record.ratified.is_some());
            return if armed {
                RunPhase::Armed
            } else if open {
                RunPhase::Open
            } else {
                RunPhase::Draft
            };
        }
        if bound.all(|record| matches!(record.standing, Standing::Notice { .. })) {
            return RunPhase::Notice;
        }
        self.in_force()
    }
}

fn party_phase(record: &PartyRecord, in_force: RunPhase) -> RunPhase {
    match &record.standing {
        Standing::Notice { .. } => RunPhase::Notice,
        Standing::Bound if record.suspended.is_some() => RunPhase::Suspended,
        Standing::Bound => in_force,
        Standing::Releasing { step, phase, .. } => {
            let phase = in_force.bounds().unwrap_or(Phase::Normal).min(*phase);
            RunPhase::Releasing { step: u8::try_from(step + 1).unwrap_or(u8::MAX), phase }
        }
        Standing::Ended => RunPhase::Ended,
        Standing::Out | Standing::Left { .. } if record.offer.is_some() => RunPhase::Armed,
        Standing::Left { .. } => RunPhase::Withdrawn,
        Standing::Out if record.ratified.is_some() => RunPhase::Open,
        Standing::Out => RunPhase::Draft,
    }
}
