//! Discrepancy cases: signal -> reviewed -> clarified -> inspected -> cleared | violation, each stage with a clock.
//!
//! The adjudicator's silence cannot bury a case, the respondent's silence cannot win one, and an accuser cannot win one by itself: a
//! violation needs the ruling of an adjudicator (or an inspector's indication that the adjudicator lets stand) and the votes of the others.

use super::fact::{Cause, Fact};
use super::machine::{Machine, Run};
use super::state::{PartyRecord, State, Timer};
use super::transition::{Rule, Subject};
use standstill_statement::{
    Choice, Clarification, Dispute, Hash32, Inspected, Matter, Name, Question, Ruling, RulingOutcome, Vote,
};

/// Stage of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseStage {
    /// Opened; the adjudicator reviews it.
    Signal,
    /// It has merit; the respondent is asked.
    Reviewed,
    /// The respondent has answered; the adjudicator decides.
    Answered,
    /// It did not answer in time. Stays open until it answers, is inspected, or is ruled on.
    Unanswered,
    /// An inspection is open.
    Inspecting,
    /// The inspection gave no clear result; the adjudicator decides.
    Inspected,
    /// The inspection gave an indication of a breach, or was refused; the adjudicator decides.
    Indicated,
    /// The others vote on a violation.
    Voting,
    /// The adjudicator found no merit.
    Dismissed,
    /// The answer explained it.
    Clarified,
    /// Nothing was found.
    Cleared,
    /// The agreement was broken.
    Violation,
    /// The votes for a violation did not suffice in time.
    NotCarried,
    /// Nobody decided in time.
    Lapsed,
}

impl CaseStage {
    /// The word used in JSON and on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Reviewed => "reviewed",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::Inspecting => "inspecting",
            Self::Inspected => "inspected",
            Self::Indicated => "indicated",
            Self::Voting => "voting",
            Self::Dismissed => "dismissed",
            Self::Clarified => "clarified",
            Self::Cleared => "cleared",
            Self::Violation => "violation",
            Self::NotCarried => "not-carried",
            Self::Lapsed => "lapsed",
        }
    }

    /// True when the case is over.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Dismissed | Self::Clarified | Self::Cleared | Self::Violation | Self::NotCarried | Self::Lapsed
        )
    }
}

/// Everything about one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseRecord {
    pub(crate) accuser: Name,
    pub(crate) respondent: Name,
    pub(crate) stage: CaseStage,
    /// Deadline of the stage in running time, when it has one.
    pub(crate) due: Option<u64>,
    /// Running time at which the stage began.
    pub(crate) since_running: u64,
    /// Stage to which it returns when an inspection is blocked or lapses.
    pub(crate) before_inspection: CaseStage,
    /// Running time that was left of that stage, when it had a deadline.
    pub(crate) left_seconds: Option<u64>,
    pub(crate) causes: Vec<Cause>,
}

/// A question with a duty to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuestionRecord {
    pub(crate) party: Name,
    /// Deadline in running time; `None` once it is answered or missed.
    pub(crate) due: Option<u64>,
    pub(crate) answered: bool,
    pub(crate) cause: Cause,
}

pub(crate) use super::inspection::InspectionRecord;

/// Seconds of the year over which tokens are counted.
const YEAR_SECONDS: u64 = 365 * 86_400;

impl Machine<'_> {
    /// The epoch of votes on an expulsion that is open at the state's moment.
    pub(crate) fn expulsion_epoch(&self, state: &State, case: &CaseRecord) -> Option<u32> {
        let bound = state.parties.get(&case.respondent).is_some_and(PartyRecord::is_bound);
        let elapsed = state.clock.running(state.now).saturating_sub(case.since_running);
        let epoch = u32::try_from(elapsed / self.conduct.votes.within_seconds.max(1)).ok();
        epoch.filter(|_| case.stage == CaseStage::Violation && bound)
    }
}

impl Run<'_, '_> {
    /// Tokens that a party has left: inspections asked for, disputes dismissed and inspections without a finding each cost one. Roles have
    /// no quota.
    pub(crate) fn tokens_left(&self, party: &Name) -> u64 {
        let from = self.s.now.saturating_sub(YEAR_SECONDS);
        let quota = u64::from(self.m.conduct.inspection.quota_per_party_per_year);
        self.s.parties.get(party).map_or(u64::MAX, |record| {
            quota.saturating_sub(record.spent.iter().filter(|at| **at > from).count() as u64)
        })
    }

    pub(crate) fn spend_token(&mut self, party: &Name) {
        let now = self.s.now;
        if let Some(record) = self.s.parties.get_mut(party) {
            record.spent.retain(|at| *at > now.saturating_sub(YEAR_SECONDS));
            record.spent.push(now);
        }
    }

    /// Whether somebody may accuse: a bound party with a token, or a role (`barred` has refused evaluators).
    pub(crate) fn may_accuse(&self, issuer: &Name) -> Result<(), &'static str> {
        match self.s.parties.get(issuer) {
            Some(record) if !record.is_bound() => Err("its issuer is not bound"),
            Some(_) if self.tokens_left(issuer) == 0 => Err("its issuer has used up its quota for the year"),
            Some(_) => Ok(()),
            None => Ok(()),
        }
    }

    pub(crate) fn dispute(&mut self, fact: &Fact, body: &Dispute) {
        if let Err(why) = self.may_accuse(&fact.issuer) {
            return self.ignore(fact, why);
        }
        if !self.s.parties.get(&body.respondent).is_some_and(|record| record.is_bound()) {
            return self.ignore(fact, "the respondent is not bound");
        }
        let open = |case: &CaseRecord| {
            !case.stage.is_final() && case.accuser == fact.issuer && case.respondent == body.respondent
        };
        if self.s.cases.values().any(open) {
            return self.ignore(fact, "its issuer already has an open case against this party; add to that one");
        }
        let record = CaseRecord {
            accuser: fact.issuer.clone(),
            respondent: body.respondent.clone(),
            stage: CaseStage::Signal,
            due: None,
            since_running: self.running_now(),
            before_inspection: CaseStage::Signal,
            left_seconds: None,
            causes: vec![fact.cause()],
        };
        self.s.cases.insert(fact.statement, record);
        self.case_clock(&fact.statement, Some(self.m.conduct.clocks.adjudication_seconds));
        let to = CaseStage::Signal.word();
        self.moved(Subject::Case(fact.statement), "none", to, Rule::CaseOpened, vec![fact.cause()]);
    }

    fn case_clock(&mut self, case: &Hash32, seconds: Option<u64>) {
        let due = seconds.map(|seconds| self.after(seconds, Timer::Case(*case)));
        let running = self.running_now();
        if let Some(record) = self.s.cases.get_mut(case) {
            record.due = due;
            record.since_running = running;
        }
    }

    /// Moves a case to another stage with that stage's clock.
    pub(crate) fn move_case(&mut self, case: &Hash32, to: CaseStage, rule: Rule, causes: Vec<Cause>) {
        let clocks = &self.m.conduct.clocks;
        let seconds = match to {
            CaseStage::Signal | CaseStage::Answered | CaseStage::Inspected | CaseStage::Indicated => {
                Some(clocks.adjudication_seconds)
            }
            CaseStage::Reviewed => Some(clocks.clarification_seconds),
            CaseStage::Voting => Some(self.m.conduct.votes.within_seconds),
            _ => None,
        };
        self.move_case_for(case, to, seconds, rule, causes);
    }

    fn move_case_for(&mut self, case: &Hash32, to: CaseStage, seconds: Option<u64>, rule: Rule, causes: Vec<Cause>) {
        let Some(record) = self.s.cases.get_mut(case) else { return };
        let from = std::mem::replace(&mut record.stage, to);
        record.causes.extend(causes.iter().cloned());
        let respondent = record.respondent.clone();
        self.case_clock(case, seconds);
        if to == CaseStage::Unanswered {
            self.set_unanswered(&respondent, *case, true);
        } else if to.is_final() || to == CaseStage::Answered {
            self.set_unanswered(&respondent, *case, false);
        }
        self.because(rule, causes.clone());
        self.moved(Subject::Case(*case), from.word(), to.word(), rule, causes);
    }

    pub(crate) fn case_due(&mut self, case: &Hash32, due: u64) {
        let Some(record) = self.s.cases.get(case).filter(|record| record.due == Some(due)) else { return };
        let causes = record.causes.first().cloned().into_iter().collect();
        let (to, rule) = match record.stage {
            CaseStage::Signal => (CaseStage::Reviewed, Rule::ReviewDefaulted),
            CaseStage::Reviewed => (CaseStage::Unanswered, Rule::AnswerMissed),
            CaseStage::Indicated => (CaseStage::Voting, Rule::ReviewDefaulted),
            CaseStage::Voting => (CaseStage::NotCarried, Rule::ViolationNotCarried),
            CaseStage::Answered | CaseStage::Inspected => (CaseStage::Lapsed, Rule::CaseLapsed),
            _ => return,
        };
        self.move_case(case, to, rule, causes);
    }

    pub(crate) fn ruling(&mut self, fact: &Fact, body: &Ruling) {
        let Some(record) = self.s.cases.get(&body.case) else {
            if body.outcome == RulingOutcome::Dismissed {
                return self.dismiss_raise(fact, &body.case);
            }
            return self.ignore(fact, "it rules on no case");
        };
        let (stage, accuser) = (record.stage, record.accuser.clone());
        let to = match body.outcome {
            RulingOutcome::Reviewed if stage == CaseStage::Signal => CaseStage::Reviewed,
            RulingOutcome::Reviewed => return self.ignore(fact, "the case is past its review"),
            _ if stage.is_final() || matches!(stage, CaseStage::Voting | CaseStage::Inspecting) => {
                return self.ignore(fact, "the case is over, voted on, or being inspected");
            }
            RulingOutcome::Dismissed => CaseStage::Dismissed,
            RulingOutcome::Clarified => CaseStage::Clarified,
            RulingOutcome::Cleared => CaseStage::Cleared,
            RulingOutcome::Violation if matches!(stage, CaseStage::Signal | CaseStage::Reviewed) => {
                return self.ignore(fact, "the respondent has not been heard: its time to answer is not over");
            }
            RulingOutcome::Violation => CaseStage::Voting,
        };
        if to == CaseStage::Dismissed {
            self.spend_token(&accuser);
        }
        let rule = if to == CaseStage::Reviewed { Rule::CaseReviewed } else { Rule::Ruled };
        self.move_case(&body.case, to, rule, vec![fact.cause()]);
    }

    pub(crate) fn question(&mut self, fact: &Fact, body: &Question) {
        if !self.s.parties.get(&body.party).is_some_and(|record| record.is_bound()) {
            return self.ignore(fact, "the party that it asks is not bound");
        }
        let in_case = body.case.is_some_and(|case| {
            self.s.cases.get(&case).is_some_and(|record| !record.stage.is_final() && record.respondent == body.party)
        });
        // Otherwise a rival could flood a party with questions until it misses one.
        if self.s.parties.contains_key(&fact.issuer) && !in_case {
            return self.ignore(fact, "a party's question is a duty to answer only within an open case");
        }
        let due = self.after(self.m.conduct.clocks.clarification_seconds, Timer::Question(fact.statement));
        let record = QuestionRecord { party: body.party.clone(), due: Some(due), answered: false, cause: fact.cause() };
        self.s.questions.insert(fact.statement, record);
        self.moved(Subject::Question(fact.statement), "none", "asked", Rule::Asked, vec![fact.cause()]);
    }

    pub(crate) fn question_due(&mut self, question: &Hash32, due: u64) {
        let Some(record) = self.s.questions.get_mut(question).filter(|record| record.due == Some(due)) else { return };
        record.due = None;
        let (party, causes) = (record.party.clone(), vec![record.cause.clone()]);
        self.set_unanswered(&party, *question, true);
        self.because(Rule::AnswerMissed, causes.clone());
        self.moved(Subject::Question(*question), "asked", "unanswered", Rule::AnswerMissed, causes);
    }

    /// An answer to a question or to a case. A late one counts too, and is shown as late.
    pub(crate) fn answer(&mut self, fact: &Fact, to: &Hash32) {
        if let Some(record) = self.s.questions.get_mut(to) {
            if record.party != fact.issuer || record.answered {
                return self.ignore(fact, "it answers for somebody else, or again");
            }
            record.answered = true;
            let (before, causes) =
                (if record.due.take().is_some() { "asked" } else { "unanswered" }, vec![fact.cause()]);
            self.set_unanswered(&fact.issuer, *to, false);
            self.because(Rule::Answered, causes.clone());
            return self.moved(Subject::Question(*to), before, "answered", Rule::Answered, causes);
        }
        let Some(record) = self.s.cases.get(to) else {
            return self.ignore(fact, "it answers no question and no case");
        };
        if record.respondent != fact.issuer {
            return self.ignore(fact, "only the respondent answers a case");
        }
        if !matches!(record.stage, CaseStage::Signal | CaseStage::Reviewed | CaseStage::Unanswered) {
            return self.ignore(fact, "the case does not wait for an answer");
        }
        self.move_case(to, CaseStage::Answered, Rule::Answered, vec![fact.cause()]);
    }

    pub(crate) fn clarification(&mut self, fact: &Fact, body: &Clarification) {
        let own = self.s.cases.get(&body.subject).is_some_and(|record| {
            record.respondent == fact.issuer
                && matches!(record.stage, CaseStage::Signal | CaseStage::Reviewed | CaseStage::Unanswered)
        });
        if own {
            self.answer(fact, &body.subject);
        }
    }

    pub(crate) fn vote_violation(&mut self, fact: &Fact, vote: &Vote) {
        let Some(record) = self.s.cases.get(&vote.subject) else { return self.ignore(fact, "there is no such case") };
        let voters = self.voters(&[&record.respondent]);
        let (respondent, open) = (record.respondent.clone(), (record.stage == CaseStage::Voting).then_some(0));
        if !self.cast(fact, vote, open, &voters) || vote.choice == Choice::No {
            return;
        }
        let (yes, causes) = self.tally(&(Matter::Violation, vote.subject, vote.epoch), &voters);
        if yes < self.m.conduct.votes.finding.of(voters.len() as u64).max(1) {
            return;
        }
        self.move_case(&vote.subject, CaseStage::Violation, Rule::ViolationCarried, causes.clone());
        if let Some(record) = self.s.parties.get_mut(&respondent) {
            record.violations.insert(vote.subject);
        }
        self.anomaly(causes);
    }

    pub(crate) fn vote_expulsion(&mut self, fact: &Fact, vote: &Vote) {
        let Some(record) = self.s.cases.get(&vote.subject) else { return self.ignore(fact, "there is no such case") };
        let respondent = record.respondent.clone();
        let voters = self.voters(&[&respondent]);
        let (since, open) = (record.since_running, self.m.expulsion_epoch(&self.s, record));
        self.within_epoch(since, self.m.conduct.votes.within_seconds.max(1));
        if !self.cast(fact, vote, open, &voters) || vote.choice == Choice::No {
            return;
        }
        let (yes, causes) = self.tally(&(Matter::Expulsion, vote.subject, vote.epoch), &voters);
        if yes >= self.m.conduct.votes.expel.of(voters.len() as u64).max(1) {
            self.expel(&respondent);
            self.because(Rule::Expelled, causes);
        }
    }

    /// An inspection of a case began: the clock of its stage stands still until it ends.
    pub(crate) fn case_inspected(&mut self, case: &Hash32, causes: Vec<Cause>) {
        let running = self.running_now();
        if let Some(record) = self.s.cases.get_mut(case) {
            record.before_inspection = record.stage;
            record.left_seconds = record.due.map(|due| due.saturating_sub(running));
        }
        self.move_case_for(case, CaseStage::Inspecting, None, Rule::InspectionDue, causes);
    }

    /// An inspection of a case ended.
    pub(crate) fn case_after_inspection(&mut self, case: &Hash32, outcome: Option<Inspected>, causes: Vec<Cause>) {
        let Some(record) = self.s.cases.get(case).filter(|record| record.stage == CaseStage::Inspecting) else {
            return;
        };
        let (back, left) = (record.before_inspection, record.left_seconds);
        let to = match outcome {
            Some(Inspected::NoIndication) => CaseStage::Cleared,
            Some(Inspected::Inconclusive) => CaseStage::Inspected,
            Some(Inspected::Refused | Inspected::Indication) => CaseStage::Indicated,
            None => return self.move_case_for(case, back, left, Rule::ConclusionMissed, causes),
        };
        self.move_case(case, to, Rule::Concluded, causes);
    }
}
