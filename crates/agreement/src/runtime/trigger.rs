//! Triggers: from a raise with evidence to a phase, and the way back.
//!
//! `quiet -> raised -> holding -> acting -> lifted | expired`, and `indeterminate` beside `raised` when the evidence gives no answer.

use super::fact::{Cause, Fact};
use super::machine::Run;
use super::state::{Resumption, Timer};
use super::transition::{Rule, Subject};
use super::vote::resume_quorum;
use super::weigh::{Outcome, Weighing};
use crate::coordination::{Raiser, Trigger};
use crate::terms::Phase;
use standstill_statement::{Choice, Hash32, LiftRequest, Matter, Name, Signal, SignalKind, TriggerRaise, Vote};
use std::collections::{BTreeMap, BTreeSet};

/// A published measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignalRecord {
    pub(crate) at: u64,
    pub(crate) cause: Cause,
    pub(crate) signal: Signal,
}

/// One signer's series of measurements.
pub(crate) type SeriesKey = (Name, SignalKind, Name, Hash32, Option<Name>);

/// All measurements, and the latest of each series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalBook {
    pub(crate) by_hash: BTreeMap<Hash32, SignalRecord>,
    pub(crate) latest: BTreeMap<SeriesKey, Hash32>,
}

impl SignalBook {
    fn key(issuer: &Name, signal: &Signal) -> SeriesKey {
        (issuer.clone(), signal.kind, signal.metric.clone(), signal.method, signal.party.clone())
    }

    /// For each statement hash, the latest measurement of the series that it belongs to.
    pub(crate) fn current(&self, evidence: &[Hash32]) -> Vec<&SignalRecord> {
        let latest = |hash: &Hash32| {
            let named = self.by_hash.get(hash)?;
            let key = Self::key(&named.cause.issuer, &named.signal);
            self.by_hash.get(self.latest.get(&key)?)
        };
        evidence.iter().filter_map(latest).collect()
    }

    /// The latest measurement of every series that was published after a moment.
    pub(crate) fn since(&self, at: u64) -> Vec<&SignalRecord> {
        self.latest.values().filter_map(|hash| self.by_hash.get(hash)).filter(|record| record.at > at).collect()
    }
}

/// A raise that does not act yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RaiseRecord {
    pub(crate) cause: Cause,
    pub(crate) evidence: Vec<Hash32>,
    /// Deadline of the hold time in running time, while the evidence stands.
    pub(crate) hold_until: Option<u64>,
    /// Why the evidence gives no answer.
    pub(crate) indeterminate: Option<String>,
}

/// A trigger in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) raise: Hash32,
    pub(crate) since: u64,
    /// Lift votes may begin at this moment of running time.
    pub(crate) votes_from_running: u64,
    /// Number of the first epoch of lift votes since then.
    pub(crate) first_epoch: u32,
    pub(crate) expires_running: u64,
    pub(crate) causes: Vec<Cause>,
    /// Who has asked that it be lifted. Only shown.
    pub(crate) lift_asked_by: BTreeSet<Name>,
}

/// Everything about one trigger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TriggerRecord {
    pub(crate) raises: BTreeMap<Hash32, RaiseRecord>,
    pub(crate) acting: Option<Acting>,
    /// Highest epoch of lift votes that was ever open.
    pub(crate) epochs_used: BTreeMap<Hash32, u32>,
}

impl TriggerRecord {
    /// State as a word.
    pub(crate) fn word(&self) -> &'static str {
        if self.acting.is_some() {
            "acting"
        } else if self.raises.values().any(|raise| raise.hold_until.is_some()) {
            "holding"
        } else if self.raises.values().any(|raise| raise.indeterminate.is_some()) {
            "indeterminate"
        } else if self.raises.is_empty() {
            "quiet"
        } else {
            "raised"
        }
    }
}

impl Run<'_, '_> {
    pub(crate) fn signal(&mut self, fact: &Fact, signal: &Signal) {
        let record = SignalRecord { at: self.s.now, cause: fact.cause(), signal: signal.clone() };
        self.s.signals.latest.insert(SignalBook::key(&fact.issuer, signal), fact.statement);
        self.s.signals.by_hash.insert(fact.statement, record);
        self.weigh_raises(&fact.cause());
        self.try_lifts();
    }

    fn may_raise(&self, trigger: &Trigger, issuer: &Name) -> bool {
        trigger.who_may_raise.iter().any(|raiser| match raiser {
            Raiser::Parties => self.s.parties.get(issuer).is_some_and(|record| record.is_bound()),
            Raiser::Role(kind) => self.m.role_kind(issuer) == Some(*kind),
            Raiser::Named(name) => name == issuer,
        })
    }

    pub(crate) fn raise(&mut self, fact: &Fact, body: &TriggerRaise) {
        let m = self.m;
        let Some(trigger) = m.conduct.trigger(&body.trigger) else { return };
        // The terms let it raise this one in some state, or `barred` would have refused it.
        if !self.may_raise(trigger, &fact.issuer) {
            return self.ignore(fact, "its issuer is not bound");
        }
        if !self.s.parties.values().any(|record| record.is_bound()) {
            return self.ignore(fact, "nobody is bound yet");
        }
        let lapse = trigger.expires_seconds;
        let Some(record) = self.s.triggers.get_mut(&trigger.id) else { return };
        let before = record.word();
        let raise =
            RaiseRecord { cause: fact.cause(), evidence: body.evidence.clone(), hold_until: None, indeterminate: None };
        record.raises.insert(fact.statement, raise);
        let after = record.word();
        if before != after {
            self.moved(Subject::Trigger(trigger.id.clone()), before, after, Rule::Raised, vec![fact.cause()]);
        }
        self.after(lapse, Timer::RaiseLapse(trigger.id.clone(), fact.statement));
        self.weigh_raises(&fact.cause());
    }

    /// Weighs the evidence of every raise that does not act yet.
    fn weigh_raises(&mut self, because: &Cause) {
        let waiting: Vec<(Name, Hash32)> = self
            .s
            .triggers
            .iter()
            .flat_map(|(name, record)| record.raises.keys().map(|raise| (name.clone(), *raise)))
            .collect();
        for (name, raise) in waiting {
            self.weigh_raise(&name, &raise, because);
        }
    }

    fn weigh_raise(&mut self, name: &Name, raise: &Hash32, because: &Cause) {
        let m = self.m;
        let (Some(trigger), Some(record)) = (m.conduct.trigger(name), self.s.triggers.get(name)) else { return };
        let Some(known) = record.raises.get(raise) else { return };
        let before = record.word();
        let records = self.s.signals.current(&known.evidence);
        let outcome = Weighing::new(self).weigh(&trigger.raise, &records);
        let mut causes: Vec<Cause> = records.iter().map(|record| record.cause.clone()).collect();
        causes.extend([known.cause.clone(), because.clone()]);
        let holding = known.hold_until;
        let (hold_until, indeterminate, rule) = match outcome {
            Outcome::Fired if holding.is_some() => return,
            Outcome::Fired => {
                let due = self.after(trigger.hold_seconds, Timer::Hold(name.clone(), *raise));
                (Some(due), None, Rule::EvidenceComplete)
            }
            Outcome::Indeterminate(why) => (None, Some(why), Rule::EvidenceIndeterminate),
            Outcome::NotFired => (None, None, Rule::EvidenceWithdrawn),
        };
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        if let Some(known) = record.raises.get_mut(raise) {
            known.hold_until = hold_until;
            known.indeterminate = indeterminate;
        }
        let after = record.word();
        if before != after {
            self.moved(Subject::Trigger(name.clone()), before, after, rule, causes);
        }
    }

    pub(crate) fn raise_lapses(&mut self, name: &Name, raise: &Hash32) {
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        if record.raises.get(raise).is_none_or(|known| known.hold_until.is_some()) {
            return;
        }
        let before = record.word();
        let causes = record.raises.remove(raise).map(|known| known.cause).into_iter().collect();
        let after = record.word();
        if before != after {
            self.moved(Subject::Trigger(name.clone()), before, after, Rule::RaiseLapsed, causes);
        }
    }

    pub(crate) fn hold_over(&mut self, name: &Name, raise: &Hash32, due: u64) {
        let m = self.m;
        let Some(trigger) = m.conduct.trigger(name) else { return };
        let running = self.running_now();
        let now = self.s.now;
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        if record.raises.get(raise).is_none_or(|known| known.hold_until != Some(due)) {
            return;
        }
        let before = record.word();
        let Some(known) = record.raises.remove(raise) else { return };
        let signals = self.s.signals.current(&known.evidence);
        let mut causes: Vec<Cause> = signals.iter().map(|signal| signal.cause.clone()).collect();
        causes.push(known.cause);
        let expires_running = running.saturating_add(trigger.expires_seconds);
        self.s.timers.running.insert((expires_running, Timer::TriggerExpiry(name.clone())));
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        if let Some(acting) = &mut record.acting {
            acting.expires_running = expires_running;
            return self.moved(Subject::Trigger(name.clone()), "acting", "acting", Rule::RaisedAgain, causes);
        }
        record.acting = Some(Acting {
            raise: *raise,
            since: now,
            votes_from_running: running.saturating_add(trigger.lift.after_seconds),
            first_epoch: 0,
            expires_running,
            causes: causes.clone(),
            lift_asked_by: BTreeSet::new(),
        });
        self.moved(Subject::Trigger(name.clone()), before, "acting", Rule::HoldOver, causes.clone());
        self.tighten(Rule::HoldOver, causes);
    }

    /// The severest phase that a trigger in force asks for.
    pub(crate) fn demanded(&self) -> Phase {
        let acting = self
            .m
            .conduct
            .triggers
            .iter()
            .filter(|trigger| self.s.triggers.get(&trigger.id).is_some_and(|record| record.acting.is_some()));
        acting.map(|trigger| trigger.phase).max().unwrap_or(Phase::Normal)
    }

    /// A trigger came into force.
    fn tighten(&mut self, rule: Rule, causes: Vec<Cause>) {
        let demanded = self.demanded();
        self.because(rule, causes.clone());
        if demanded > self.s.phase || (self.s.resumption.is_some() && demanded == self.s.phase) {
            self.s.resumption = None;
            self.s.phase = demanded;
            self.s.phase_causes = causes;
        }
    }

    /// A trigger is no longer in force. `lifted` names it when an anomaly may bring it back.
    fn ease(&mut self, rule: Rule, causes: Vec<Cause>, lifted: Option<(Name, Hash32)>) {
        let (demanded, current) = (self.demanded(), self.s.phase);
        self.because(rule, causes.clone());
        if demanded >= current {
            if let Some(resumption) = &mut self.s.resumption {
                resumption.lifted.extend(lifted);
            }
            return;
        }
        let milder = |phase: Phase| phase < current && phase >= demanded;
        let rungs = self.m.conduct.resumption.iter().filter(|step| milder(step.phase));
        let rungs: Vec<(Phase, u64)> = rungs.map(|step| (step.phase, step.hold_seconds)).collect();
        if let Some(resumption) = &mut self.s.resumption {
            resumption.steps.truncate(1);
            resumption.steps.extend(rungs);
            resumption.lifted.extend(lifted);
            return;
        }
        self.s.phase_causes.clone_from(&causes);
        let Some((phase, hold)) = rungs.first().copied() else {
            self.s.phase = demanded;
            return;
        };
        let until_running = self.after(hold, Timer::Step);
        self.s.phase = phase;
        self.s.resumption = Some(Resumption {
            from: current,
            steps: rungs,
            number: 1,
            until_running,
            lifted: lifted.into_iter().collect(),
            causes,
        });
    }

    pub(crate) fn step_over(&mut self, due: u64) {
        let Some(mut resumption) = self.s.resumption.take_if(|resumption| resumption.until_running == due) else {
            return;
        };
        resumption.steps.remove(0);
        self.because(Rule::StepOver, resumption.causes.clone());
        match resumption.steps.first().copied() {
            Some((phase, hold)) => {
                resumption.number = resumption.number.saturating_add(1);
                resumption.until_running = self.after(hold, Timer::Step);
                self.s.phase = phase;
                self.s.resumption = Some(resumption);
            }
            None => self.s.phase = self.demanded(),
        }
    }

    /// Something happened that ends a resumption: what was lifted is in force again, and needs votes of a new epoch.
    pub(crate) fn anomaly(&mut self, causes: Vec<Cause>) {
        let Some(resumption) = self.s.resumption.take() else { return };
        let (now, running) = (self.s.now, self.running_now());
        for (name, raise) in resumption.lifted {
            let Some(trigger) = self.m.conduct.trigger(&name) else { continue };
            let expires_running = running.saturating_add(trigger.expires_seconds);
            let Some(record) = self.s.triggers.get_mut(&name) else { continue };
            if record.acting.is_some() {
                continue;
            }
            let before = record.word();
            record.acting = Some(Acting {
                raise,
                since: now,
                votes_from_running: running.saturating_add(trigger.lift.after_seconds),
                first_epoch: record.epochs_used.get(&raise).map_or(0, |epoch| epoch + 1),
                expires_running,
                causes: causes.clone(),
                lift_asked_by: BTreeSet::new(),
            });
            self.s.timers.running.insert((expires_running, Timer::TriggerExpiry(name.clone())));
            self.moved(Subject::Trigger(name), before, "acting", Rule::Anomaly, causes.clone());
        }
        self.s.phase = self.demanded();
        self.s.phase_causes.clone_from(&causes);
        self.because(Rule::Anomaly, causes);
    }

    pub(crate) fn trigger_expires(&mut self, name: &Name, due: u64) {
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        let Some(acting) = record.acting.take_if(|acting| acting.expires_running == due) else { return };
        let after = record.word();
        self.moved(Subject::Trigger(name.clone()), "acting", after, Rule::TriggerExpired, acting.causes.clone());
        self.ease(Rule::TriggerExpired, acting.causes, None);
    }

    /// The adjudicator dismisses a raise that does not act yet. One that acts needs the vote.
    pub(crate) fn dismiss_raise(&mut self, fact: &Fact, raise: &Hash32) {
        let adjudicates = |name: &Name| self.m.conduct.trigger(name).is_some_and(|t| t.adjudicate == fact.issuer);
        let place =
            self.s.triggers.iter().find(|(_, record)| record.raises.contains_key(raise)).map(|(name, _)| name.clone());
        let Some(name) = place else {
            return self.ignore(fact, "it rules on no open case and on no raise that could still be dismissed");
        };
        if !adjudicates(&name) {
            return self.ignore(fact, "the terms name another adjudicator for this trigger");
        }
        let Some(record) = self.s.triggers.get_mut(&name) else { return };
        let before = record.word();
        let raised = record.raises.remove(raise).map(|known| known.cause);
        let after = record.word();
        let causes = raised.into_iter().chain([fact.cause()]).collect();
        self.moved(Subject::Trigger(name), before, after, Rule::RaiseDismissed, causes);
    }

    /// A request decides nothing: it is shown beside the trigger until that no longer acts, so that the others see who asks for a vote.
    pub(crate) fn lift_request(&mut self, fact: &Fact, body: &LiftRequest) {
        let acting = self.s.triggers.get_mut(&body.trigger).and_then(|record| record.acting.as_mut());
        match acting.filter(|acting| acting.raise == body.raise) {
            Some(acting) => {
                acting.lift_asked_by.insert(fact.issuer.clone());
            }
            None => self.ignore(fact, "no such raise is in force"),
        }
    }

    /// The epoch of lift votes that is open now.
    pub(crate) fn lift_epoch(&self, acting: &Acting) -> Option<u32> {
        let within = self.m.conduct.votes.within_seconds.max(1);
        let elapsed = self.running_now().checked_sub(acting.votes_from_running)? / within;
        u32::try_from(elapsed).ok()?.checked_add(acting.first_epoch)
    }

    /// Votes that lift a trigger: the share of the terms, and for a pause also the quorum of resumption.
    pub(crate) fn lift_quorum(&self, trigger: &Trigger) -> u64 {
        let bound = self.s.parties.values().filter(|record| record.is_bound()).count() as u64;
        let votes = &self.m.conduct.votes;
        let share = trigger.lift.vote.of(bound).max(1);
        if trigger.phase < Phase::Paused {
            return share;
        }
        share.max(votes.resume.of(bound)).max(resume_quorum(bound, u64::from(votes.faulty)))
    }

    pub(crate) fn vote_lift(&mut self, fact: &Fact, vote: &Vote) {
        let acting = self.s.triggers.iter().find_map(|(name, record)| {
            record.acting.as_ref().filter(|acting| acting.raise == vote.subject).map(|acting| (name.clone(), acting))
        });
        let Some((name, acting)) = acting else {
            return self.ignore(fact, "no such raise is in force");
        };
        let open = self.lift_epoch(acting);
        let (begun, within) = (acting.votes_from_running, self.m.conduct.votes.within_seconds);
        self.within_epoch(begun, within);
        let voters = self.voters(&[]);
        let counts = self.cast(fact, vote, open, &voters);
        if let (Some(epoch), Some(record)) = (open, self.s.triggers.get_mut(&name)) {
            record.epochs_used.insert(vote.subject, epoch);
        }
        if counts && vote.choice == Choice::Yes {
            self.try_lift(&name);
        }
    }

    fn try_lifts(&mut self) {
        let acting = self.s.triggers.iter().filter(|(_, record)| record.acting.is_some());
        for name in acting.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.try_lift(&name);
        }
    }

    fn try_lift(&mut self, name: &Name) {
        let m = self.m;
        let Some(trigger) = m.conduct.trigger(name) else { return };
        let Some(acting) = self.s.triggers.get(name).and_then(|record| record.acting.as_ref()) else { return };
        let Some(epoch) = self.lift_epoch(acting) else { return };
        let (yes, mut causes) = self.tally(&(Matter::Lift, acting.raise, epoch), &self.voters(&[]));
        if yes < self.lift_quorum(trigger) {
            return;
        }
        if let Some(when) = &trigger.lift.when {
            let records = self.s.signals.since(acting.since);
            if Weighing::new(self).weigh(when, &records) != Outcome::Fired {
                return;
            }
            causes.extend(records.iter().map(|record| record.cause.clone()));
        }
        let raise = acting.raise;
        let Some(record) = self.s.triggers.get_mut(name) else { return };
        record.acting = None;
        let after = record.word();
        self.moved(Subject::Trigger(name.clone()), "acting", after, Rule::LiftCarried, causes.clone());
        self.ease(Rule::LiftCarried, causes, Some((name.clone(), raise)));
    }
}
