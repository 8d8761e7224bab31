//! One screen about a moment: which phase, who is bound, what is due when, what is missing. Derived from a timeline; nothing here decides.

use super::fact::Ignored;
use super::inspection::InspectionStage;
use super::machine::Machine;
use super::replay::Timeline;
use super::state::{PartyRecord, Standing, State, Timer};
use super::transition::{Subject, Transition};
use super::{case::CaseStage, replay::is_phase};
use crate::terms::RoleKind;
use standstill_statement::{Hash32, Name, canonical};

/// Domain of the hash of a timeline.
const DOMAIN: &[u8] = b"standstill/1/timeline\0";

/// The state of an agreement at a moment, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// The agreement.
    pub agreement: Hash32,
    /// The moment, in seconds since the Unix epoch.
    pub as_of_unix_seconds: u64,
    /// Up to this moment nothing that can still turn up changes anything.
    pub settled_until_unix_seconds: u64,
    /// What keeps the rest from being settled.
    pub unsettled: Vec<String>,
    /// [`Timeline::hash`].
    pub timeline: Hash32,
    /// Number of transitions so far.
    pub transitions: u64,
    /// Phase of the agreement.
    pub phase: String,
    /// Since when.
    pub phase_since_unix_seconds: u64,
    /// `running`, `frozen` in an outage, or `running-in-outage`.
    pub clock: &'static str,
    /// End of the term as renewed so far.
    pub ends_unix_seconds: u64,
    /// Renewals so far; the epoch that a vote on the next one names.
    pub renewals: u32,
    /// Parties in the order of names.
    pub parties: Vec<PartyStatus>,
    /// Triggers in the order of names.
    pub triggers: Vec<TriggerStatus>,
    /// Cases that are not over, and those that ended in a violation, in the order of accuser and respondent.
    pub cases: Vec<CaseStatus>,
    /// Inspections that are not over, in the order of who asked and whom.
    pub inspections: Vec<InspectionStatus>,
    /// Questions that wait for an answer, in the order of party and deadline.
    pub questions: Vec<QuestionStatus>,
    /// What is due, the earliest first.
    pub due: Vec<Due>,
    /// What is missing, in words.
    pub missing: Vec<String>,
    /// Issuers with two histories or with a statement that breaks a rule.
    pub at_fault: Vec<Name>,
}

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PartyStatus {
    /// Its name.
    pub party: Name,
    /// Its phase.
    pub phase: String,
    /// Since when; 0 when it never was in another.
    pub since_unix_seconds: u64,
    /// Phase of the terms whose bounds hold for it now.
    pub bounds: String,
    /// Bound in any way.
    pub bound: bool,
    /// Counts for the stay conditions of the others.
    pub verified: bool,
    /// Phase that it last acknowledged.
    pub acknowledged: Option<Name>,
    /// Windows without a report after the grace period.
    pub missing_reports: Vec<u64>,
    /// Questions and cases that it did not answer in time.
    pub unanswered: Vec<Hash32>,
    /// Cases that ended in a violation.
    pub violations: Vec<Hash32>,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TriggerStatus {
    /// Its name.
    pub trigger: Name,
    /// `quiet`, `raised`, `indeterminate`, `holding` or `acting`.
    pub state: &'static str,
    /// The raise that put it into force; what a vote to lift names.
    pub raise: Option<Hash32>,
    /// Epoch of the vote to lift that is open now or opens next.
    pub epoch: Option<u32>,
    /// Why its evidence gives no answer.
    pub indeterminate: Option<String>,
    /// Who has asked that it be lifted since it acts.
    pub lift_asked_by: Vec<Name>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CaseStatus {
    /// Statement hash of the dispute.
    pub case: Hash32,
    /// Who opened it.
    pub accuser: Name,
    /// Who answers.
    pub respondent: Name,
    /// Its stage.
    pub stage: &'static str,
    /// When the stage ends, in seconds since the Unix epoch.
    pub due_unix_seconds: Option<u64>,
    /// True when it is over.
    pub over: bool,
    /// Epoch of the vote on an expulsion that is open now: only after a violation, while the respondent is bound.
    pub expulsion_epoch: Option<u32>,
}

/// An inspection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct InspectionStatus {
    /// Statement hash of the request; what an objection and a conclusion name.
    pub request: Hash32,
    /// Who asked for it.
    pub requester: Name,
    /// Who is inspected.
    pub party: Name,
    /// Case that it belongs to.
    pub case: Option<Hash32>,
    /// `objecting`, `access` or `reporting`.
    pub stage: &'static str,
    /// When the stage ends, in seconds since the Unix epoch.
    pub due_unix_seconds: u64,
    /// Who has objected.
    pub objections: Vec<Name>,
    /// Objections that stop it.
    pub objections_needed: u64,
}

/// A question with a duty to answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QuestionStatus {
    /// Statement hash of the question; what an answer names.
    pub question: Hash32,
    /// Who is asked.
    pub party: Name,
    /// Who asks.
    pub by: Name,
    /// When the answer is due, in seconds since the Unix epoch; `None` when that is over.
    pub due_unix_seconds: Option<u64>,
}

/// Something that is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Due {
    /// By when, in seconds since the Unix epoch; later when an outage stops the clock.
    pub by_unix_seconds: u64,
    /// Who owes it: a party, a role, a kind of role, or `agreement` for what happens by itself.
    pub who: String,
    /// What.
    pub what: String,
}

/// A timeline for people and programs, without the state at its end.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TimelineView<'t> {
    /// The agreement.
    pub agreement: Hash32,
    /// The moment up to which it was replayed, in seconds since the Unix epoch.
    pub as_of_unix_seconds: u64,
    /// Up to this moment nothing that can still turn up changes anything.
    pub settled_until_unix_seconds: u64,
    /// What keeps the rest from being settled.
    pub unsettled: &'t [String],
    /// [`Timeline::hash`].
    pub timeline: Hash32,
    /// Transitions in order.
    pub transitions: &'t [Transition],
    /// Statements without effect, in order.
    pub ignored: &'t [Ignored],
    /// Issuers with two histories or with a statement that breaks a rule.
    pub at_fault: Vec<Name>,
}

impl Timeline {
    /// What a reader of the timeline sees.
    #[must_use]
    pub fn view(&self) -> TimelineView<'_> {
        TimelineView {
            agreement: self.agreement,
            as_of_unix_seconds: self.as_of_unix_seconds,
            settled_until_unix_seconds: self.settled_until_unix_seconds,
            unsettled: &self.unsettled,
            timeline: self.hash(),
            transitions: &self.transitions,
            ignored: &self.ignored,
            at_fault: self.at_fault.iter().cloned().collect(),
        }
    }

    /// SHA-256 over domain and deterministic CBOR of everything that a reader sees: moment, transitions with their causes, and statements
    /// without effect. Equal facts give equal hashes.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        let seen = (
            self.agreement,
            self.as_of_unix_seconds,
            self.settled_until_unix_seconds,
            &self.transitions,
            &self.ignored,
            &self.at_fault,
        );
        // No value here lacks an encoding; an empty one would be the sign of a defect and would equal no other hash.
        Hash32::of(&[DOMAIN, &canonical::to_vec(&seen).unwrap_or_default()].concat())
    }

    fn since(&self, subject: &Subject) -> u64 {
        let phase = |transition: &&Transition| transition.subject == *subject && is_phase(&transition.to);
        self.transitions.iter().rev().find(phase).map_or(0, |transition| transition.at_unix_seconds)
    }

    /// The state at the end of the timeline, for people.
    #[must_use]
    pub fn status(&self, machine: &Machine<'_>) -> Status {
        let state = &self.state;
        Status {
            agreement: self.agreement,
            as_of_unix_seconds: self.as_of_unix_seconds,
            settled_until_unix_seconds: self.settled_until_unix_seconds,
            unsettled: self.unsettled.clone(),
            timeline: self.hash(),
            transitions: self.transitions.len() as u64,
            phase: state.shown.word(),
            phase_since_unix_seconds: self.since(&Subject::Agreement),
            clock: state.freeze.word(),
            ends_unix_seconds: state.ends_at,
            renewals: state.renewals,
            parties: state.parties.iter().map(|(name, record)| self.party(name, record)).collect(),
            triggers: triggers(state),
            cases: cases(machine, state),
            inspections: inspections(machine, state),
            questions: questions(state),
            due: due(machine, state),
            missing: missing(machine, state),
            at_fault: self.at_fault.iter().cloned().collect(),
        }
    }

    fn party(&self, name: &Name, record: &PartyRecord) -> PartyStatus {
        PartyStatus {
            party: name.clone(),
            phase: record.shown.word(),
            since_unix_seconds: self.since(&Subject::Party(name.clone())),
            bounds: self.bounds_at(name, self.as_of_unix_seconds).name().to_owned(),
            bound: record.is_bound(),
            verified: record.is_verified(),
            acknowledged: record.acknowledged.as_ref().map(|(phase, _)| phase.clone()),
            missing_reports: record.missing.iter().copied().collect(),
            unanswered: record.unanswered.iter().copied().collect(),
            violations: record.violations.iter().copied().collect(),
        }
    }
}

fn triggers(state: &State) -> Vec<TriggerStatus> {
    let votes = state.open_lift_votes();
    let one = |(name, record): (&Name, &super::trigger::TriggerRecord)| TriggerStatus {
        trigger: name.clone(),
        state: record.word(),
        raise: record.acting.as_ref().map(|acting| acting.raise),
        epoch: votes.iter().find(|vote| vote.trigger == *name).map(|vote| vote.epoch),
        indeterminate: record.raises.values().find_map(|raise| raise.indeterminate.clone()),
        lift_asked_by: record.acting.iter().flat_map(|acting| acting.lift_asked_by.iter().cloned()).collect(),
    };
    state.triggers.iter().map(one).collect()
}

fn cases(machine: &Machine<'_>, state: &State) -> Vec<CaseStatus> {
    let shown = state.cases.iter().filter(|(_, case)| !case.stage.is_final() || case.stage == CaseStage::Violation);
    let one = |(hash, case): (&Hash32, &super::case::CaseRecord)| CaseStatus {
        case: *hash,
        accuser: case.accuser.clone(),
        respondent: case.respondent.clone(),
        stage: case.stage.word(),
        due_unix_seconds: case.due.map(|due| state.clock.wall_of(due)),
        over: case.stage.is_final(),
        expulsion_epoch: machine.expulsion_epoch(state, case),
    };
    let mut found: Vec<CaseStatus> = shown.map(one).collect();
    // By name first: hashes differ with every key.
    found.sort_by(|a, b| (&a.accuser, &a.respondent, a.case).cmp(&(&b.accuser, &b.respondent, b.case)));
    found
}

fn inspections(machine: &Machine<'_>, state: &State) -> Vec<InspectionStatus> {
    let one = |(hash, record): (&Hash32, &super::inspection::InspectionRecord)| InspectionStatus {
        request: *hash,
        requester: record.requester.clone(),
        party: record.party.clone(),
        case: record.case,
        stage: record.stage.word(),
        due_unix_seconds: state.clock.wall_of(record.due),
        objections: record.objections.keys().cloned().collect(),
        objections_needed: machine.objections_needed(state, record).0,
    };
    let mut found: Vec<InspectionStatus> =
        state.inspections.iter().filter(|(_, record)| record.stage.is_open()).map(one).collect();
    found.sort_by(|a, b| (&a.requester, &a.party, a.request).cmp(&(&b.requester, &b.party, b.request)));
    found
}

fn questions(state: &State) -> Vec<QuestionStatus> {
    let one = |(hash, record): (&Hash32, &super::case::QuestionRecord)| QuestionStatus {
        question: *hash,
        party: record.party.clone(),
        by: record.cause.issuer.clone(),
        due_unix_seconds: record.due.map(|due| state.clock.wall_of(due)),
    };
    let mut found: Vec<QuestionStatus> =
        state.questions.iter().filter(|(_, record)| !record.answered).map(one).collect();
    found.sort_by(|a, b| (&a.party, a.due_unix_seconds, a.question).cmp(&(&b.party, b.due_unix_seconds, b.question)));
    found
}

/// Everything with a clock. Timers that nobody waits for any more (an answered question, a lapsed offer) are left out.
fn due(machine: &Machine<'_>, state: &State) -> Vec<Due> {
    let mut found = Vec::new();
    let wall = state.timers.wall.iter().map(|(at, timer)| (*at, *at, timer));
    let running = state.timers.running.iter().map(|(at, timer)| (state.clock.wall_of(*at), *at, timer));
    for (at, own, timer) in wall.chain(running) {
        if let Some((who, what)) = describe(machine, state, timer, own) {
            found.push(Due { by_unix_seconds: at, who, what });
        }
    }
    for vote in state.open_lift_votes() {
        let at = if vote.opens_unix_seconds > state.now { vote.opens_unix_seconds } else { vote.closes_unix_seconds };
        let what = if vote.opens_unix_seconds > state.now {
            format!("the vote to lift '{}' opens (epoch {})", vote.trigger, vote.epoch)
        } else {
            format!("votes to lift '{}' in epoch {} (subject {})", vote.trigger, vote.epoch, vote.raise.short())
        };
        found.push(Due { by_unix_seconds: at, who: "parties".to_owned(), what });
    }
    found.sort();
    found.dedup();
    found
}

fn describe(machine: &Machine<'_>, state: &State, timer: &Timer, own: u64) -> Option<(String, String)> {
    let party = |name: &Name| state.parties.get(name);
    let by_itself = |what: String| Some(("agreement".to_owned(), what));
    match timer {
        Timer::Expiry => by_itself("the term ends".to_owned()),
        Timer::Schedule => {
            (own > state.now).then(|| ("agreement".to_owned(), "the schedule changes the phase".to_owned()))
        }
        Timer::OfferOver(name) => {
            party(name)?.offer.as_ref()?;
            Some((name.to_string(), "its offer runs out".to_owned()))
        }
        Timer::EntryRound(round) => by_itself(format!("openings of entry round {round} end and the set is computed")),
        Timer::Notice(name) => {
            matches!(party(name)?.standing, Standing::Notice { until_running } if until_running == own)
                .then(|| (name.to_string(), "its duties begin".to_owned()))
        }
        Timer::Report(name, window) => {
            let record = party(name)?;
            let open = record.due_window == Some(*window) && !record.reported.contains(window);
            // A window that is still running owes nothing yet.
            let over = machine.terms.window_bounds(*window).1 <= state.now;
            (open && over).then(|| (name.to_string(), format!("report on window {window}")))
        }
        Timer::SignOfLife(name) => (party(name)?.sign_of_life_due == Some(own))
            .then(|| (name.to_string(), "a sign of life after the outage".to_owned())),
        Timer::RaiseLapse(trigger, raise) => {
            state.triggers.get(trigger)?.raises.get(raise)?;
            by_itself(format!("the raise of '{trigger}' lapses without evidence"))
        }
        Timer::Hold(trigger, raise) => (state.triggers.get(trigger)?.raises.get(raise)?.hold_until == Some(own))
            .then(|| ("agreement".to_owned(), format!("'{trigger}' comes into force"))),
        Timer::TriggerExpiry(trigger) => (state.triggers.get(trigger)?.acting.as_ref()?.expires_running == own)
            .then(|| ("agreement".to_owned(), format!("'{trigger}' expires unless it is raised again"))),
        Timer::Step => (state.resumption.as_ref()?.until_running == own)
            .then(|| ("agreement".to_owned(), "the next step of resumption".to_owned())),
        Timer::Question(question) => {
            let record = state.questions.get(question).filter(|record| record.due == Some(own))?;
            Some((record.party.to_string(), format!("answer to question {}", question.short())))
        }
        Timer::Case(case) => case_due(state, case, own),
        Timer::Inspection(request) => inspection_due(state, request, own),
        Timer::Grace(name) => (party(name)?.stay_fails_until == Some(own))
            .then(|| (name.to_string(), "it is released unless its stay condition holds again".to_owned())),
        Timer::Release(name) => {
            matches!(party(name)?.standing, Standing::Releasing { until_running, .. } if until_running == own)
                .then(|| (name.to_string(), "the next step of its release".to_owned()))
        }
        Timer::Withdrawal(name) => (party(name)?.leaving.as_ref()?.until_running == own)
            .then(|| (name.to_string(), "its withdrawal takes effect".to_owned())),
    }
}

fn case_due(state: &State, case: &Hash32, own: u64) -> Option<(String, String)> {
    let record = state.cases.get(case).filter(|record| record.due == Some(own))?;
    let (respondent, short) = (&record.respondent, case.short());
    Some(match record.stage {
        CaseStage::Signal => ("adjudicator".to_owned(), format!("review of case {short} against {respondent}")),
        CaseStage::Reviewed => (respondent.to_string(), format!("answer to case {short}")),
        CaseStage::Voting => ("parties".to_owned(), format!("votes on a violation by {respondent} in case {short}")),
        _ => ("adjudicator".to_owned(), format!("decision on case {short} against {respondent}")),
    })
}

fn inspection_due(state: &State, request: &Hash32, own: u64) -> Option<(String, String)> {
    let record = state.inspections.get(request).filter(|record| record.due == own)?;
    let (party, short) = (&record.party, request.short());
    match record.stage {
        InspectionStage::Objecting => {
            Some(("parties".to_owned(), format!("objections to inspection {short} of {party}")))
        }
        InspectionStage::Access => Some((party.to_string(), format!("access for inspection {short}"))),
        InspectionStage::Reporting => {
            Some((RoleKind::Inspector.name().to_owned(), format!("conclusion of inspection {short} of {party}")))
        }
        _ => None,
    }
}

fn missing(machine: &Machine<'_>, state: &State) -> Vec<String> {
    let mut list = Vec::new();
    for (name, record) in &state.parties {
        if record.ratified.is_none() && record.standing == Standing::Out {
            list.push(format!("{name} has not ratified the terms"));
        } else if !record.is_bound() && record.offer.is_none() && record.standing == Standing::Out {
            let what = if record.seals.is_empty() { "has not sealed an offer" } else { "has not opened its offer" };
            list.push(format!("{name} {what}"));
        }
        list.extend(record.missing.iter().map(|window| format!("{name}: report on window {window}")));
        list.extend(record.unanswered.iter().map(|what| format!("{name}: answer to {}", what.short())));
        if record.silent {
            list.push(format!("{name}: a sign of life after the outage"));
        }
    }
    for (name, record) in &state.triggers {
        for raise in record.raises.values() {
            if let Some(why) = &raise.indeterminate {
                list.push(format!("evidence for trigger '{name}': {why}"));
            }
        }
        if record.acting.is_some() && machine.conduct.trigger(name).is_some_and(|trigger| trigger.lift.when.is_some()) {
            list.push(format!("evidence that lifts '{name}'"));
        }
    }
    list
}
