//! Inspections: they go ahead unless enough others object in time.

use super::barred::NO_OBJECTOR;
use super::fact::{Cause, Fact};
use super::machine::{Machine, Run};
use super::state::{State, Timer};
use super::transition::{Rule, Subject};
use standstill_statement::{Conclusion, Hash32, Inspected, InspectionRequest, Name, Objection};
use std::collections::BTreeMap;

/// Stage of an inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InspectionStage {
    /// Others may object.
    Objecting,
    /// The party must give access.
    Access,
    /// The inspector writes its conclusion.
    Reporting,
    /// Enough others objected in time.
    Blocked,
    /// Concluded.
    Concluded(Inspected),
    /// No conclusion in time.
    Lapsed,
}

impl InspectionStage {
    /// The word used in JSON and on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Objecting => "objecting",
            Self::Access => "access",
            Self::Reporting => "reporting",
            Self::Blocked => "blocked",
            Self::Concluded(Inspected::NoIndication) => "no-indication",
            Self::Concluded(Inspected::Inconclusive) => "inconclusive",
            Self::Concluded(Inspected::Refused) => "refused",
            Self::Concluded(Inspected::Indication) => "indication",
            Self::Lapsed => "lapsed",
        }
    }

    /// True while it holds back a withdrawal.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Objecting | Self::Access | Self::Reporting)
    }
}

/// Everything about one inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectionRecord {
    pub(crate) requester: Name,
    pub(crate) party: Name,
    pub(crate) case: Option<Hash32>,
    pub(crate) stage: InspectionStage,
    /// When it was asked for, in seconds since the Unix epoch.
    pub(crate) asked_at: u64,
    /// End of access in running time.
    pub(crate) access_until: u64,
    /// Deadline of the stage in running time.
    pub(crate) due: u64,
    pub(crate) objections: BTreeMap<Name, Cause>,
    pub(crate) cause: Cause,
}

impl Machine<'_> {
    /// Objections that stop it: the share of the others, who are neither the asking nor the accused party. Nobody left to object means that
    /// nothing stops it.
    pub(crate) fn objections_needed(&self, state: &State, record: &InspectionRecord) -> (u64, Vec<Name>) {
        let others = state.voters(&[&record.requester, &record.party]);
        (self.conduct.inspection.block.of(others.len() as u64).max(1), others)
    }
}

impl Run<'_, '_> {
    pub(crate) fn inspection(&mut self, fact: &Fact, body: &InspectionRequest) {
        if let Err(why) = self.inspection_problem(fact, body) {
            return self.ignore(fact, why);
        }
        self.spend_token(&fact.issuer);
        let terms = &self.m.conduct.inspection;
        let access_until = self.running_now().saturating_add(terms.access_seconds);
        let due = self.after(terms.block_within_seconds, Timer::Inspection(fact.statement));
        let record = InspectionRecord {
            requester: fact.issuer.clone(),
            party: body.party.clone(),
            case: body.case,
            stage: InspectionStage::Objecting,
            asked_at: self.s.now,
            access_until: access_until.max(due),
            due,
            objections: BTreeMap::new(),
            cause: fact.cause(),
        };
        self.s.inspections.insert(fact.statement, record);
        let to = InspectionStage::Objecting.word();
        self.moved(Subject::Inspection(fact.statement), "none", to, Rule::InspectionAsked, vec![fact.cause()]);
        if let Some(case) = body.case {
            self.case_inspected(&case, vec![fact.cause()]);
        }
    }

    fn inspection_problem(&self, fact: &Fact, body: &InspectionRequest) -> Result<(), &'static str> {
        self.may_accuse(&fact.issuer)?;
        if !self.s.parties.get(&body.party).is_some_and(|record| record.is_bound()) {
            return Err("the party to be inspected is not bound");
        }
        let same = |open: &InspectionRecord| {
            open.stage.is_open()
                && open.party == body.party
                && (open.requester == fact.issuer || open.case == body.case && body.case.is_some())
        };
        if self.s.inspections.values().any(same) {
            return Err("an inspection of this party is open already");
        }
        let Some(case) = body.case else { return Ok(()) };
        let Some(record) = self.s.cases.get(&case) else { return Err("there is no such case") };
        if record.respondent != body.party {
            return Err("the case is against another party");
        }
        if record.stage.is_final() || record.stage == super::case::CaseStage::Voting {
            return Err("the case is over or voted on");
        }
        Ok(())
    }

    pub(crate) fn objection(&mut self, fact: &Fact, body: &Objection) {
        let Some(record) = self.s.inspections.get(&body.request) else {
            return self.ignore(fact, "there is no such inspection");
        };
        if record.stage != InspectionStage::Objecting {
            return self.ignore(fact, "the time to object is over");
        }
        let (needed, others) = self.m.objections_needed(&self.s, record);
        if !others.contains(&fact.issuer) {
            return self.ignore(fact, NO_OBJECTOR);
        }
        let Some(record) = self.s.inspections.get_mut(&body.request) else { return };
        record.objections.insert(fact.issuer.clone(), fact.cause());
        let given = others.iter().filter(|name| record.objections.contains_key(*name)).count() as u64;
        let causes: Vec<Cause> = record.objections.values().cloned().collect();
        if given >= needed {
            self.end_inspection(&body.request, InspectionStage::Blocked, Rule::InspectionBlocked, causes);
        }
    }

    pub(crate) fn inspection_due(&mut self, request: &Hash32, due: u64) {
        let Some(record) = self.s.inspections.get(request).filter(|record| record.due == due) else { return };
        let (stage, causes, access_until) = (record.stage, vec![record.cause.clone()], record.access_until);
        let (to, wait, rule) = match stage {
            InspectionStage::Objecting => {
                (InspectionStage::Access, access_until.saturating_sub(self.running_now()), Rule::InspectionDue)
            }
            InspectionStage::Access => {
                (InspectionStage::Reporting, self.m.conduct.clocks.finding_seconds, Rule::AccessOver)
            }
            InspectionStage::Reporting => {
                return self.end_inspection(request, InspectionStage::Lapsed, Rule::ConclusionMissed, causes);
            }
            _ => return,
        };
        let due = self.after(wait, Timer::Inspection(*request));
        if let Some(record) = self.s.inspections.get_mut(request) {
            record.stage = to;
            record.due = due;
        }
        self.moved(Subject::Inspection(*request), stage.word(), to.word(), rule, causes);
    }

    pub(crate) fn conclusion(&mut self, fact: &Fact, body: &Conclusion) {
        let Some(record) = self.s.inspections.get(&body.request) else {
            return self.ignore(fact, "there is no such inspection");
        };
        if !matches!(record.stage, InspectionStage::Access | InspectionStage::Reporting) {
            return self.ignore(fact, "the inspection has not begun or is over");
        }
        let (requester, causes) = (record.requester.clone(), vec![record.cause.clone(), fact.cause()]);
        if body.outcome == Inspected::NoIndication {
            self.spend_token(&requester);
        }
        self.end_inspection(&body.request, InspectionStage::Concluded(body.outcome), Rule::Concluded, causes.clone());
        if matches!(body.outcome, Inspected::Refused | Inspected::Indication) {
            self.anomaly(causes);
        }
    }

    fn end_inspection(&mut self, request: &Hash32, to: InspectionStage, rule: Rule, causes: Vec<Cause>) {
        let Some(record) = self.s.inspections.get_mut(request) else { return };
        let from = std::mem::replace(&mut record.stage, to);
        let case = record.case;
        self.because(rule, causes.clone());
        self.moved(Subject::Inspection(*request), from.word(), to.word(), rule, causes.clone());
        if let Some(case) = case {
            let outcome = if let InspectionStage::Concluded(outcome) = to { Some(outcome) } else { None };
            self.case_after_inspection(&case, outcome, causes);
        }
        self.release_withdrawals();
    }

    /// Whether an open inspection that was asked for by a moment holds a party.
    pub(crate) fn inspection_holds(&self, party: &Name, asked_by: u64) -> bool {
        self.s
            .inspections
            .values()
            .any(|record| record.party == *party && record.stage.is_open() && record.asked_at <= asked_by)
    }
}
