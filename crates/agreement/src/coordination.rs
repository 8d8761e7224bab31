//! What the terms say about the agreement running itself: who binds itself under which condition, what slows or pauses, what lifts it,
//! who decides, and how long each step may take (DESIGN.md sections 4 and 10). Plain data with exact integers; every length is in seconds.
//!
//! All of it is optional: [`Coordination::default`] is an agreement whose phases follow a schedule, with the same canonical bytes as before
//! these sections existed.

pub(crate) mod canonical;
pub(crate) mod check;
pub(crate) mod parse;
pub(crate) mod plain;
pub(crate) mod predicate;
pub(crate) mod read_condition;
pub(crate) mod words;

use crate::condition::{Condition, Formula, PartySet, Shares};
use crate::fraction::Fraction;
use crate::terms::{Agreement, Phase, RoleKind};
use standstill_statement::{Class, Hash32, Name};
use std::collections::BTreeMap;

pub use predicate::{Compare, Predicate, Reading, Signal, Unit};

/// The optional sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coordination {
    /// On what the duty rests; for readers and lawyers, no rule depends on it.
    pub legal_basis: Option<LegalBasis>,
    /// Corrupt witnesses that the quorum must withstand without a fork; checked against the policy.
    pub corrupt_witnesses: Option<u32>,
    /// What the audits must be able to find.
    pub detect: Option<Detect>,
    /// How often the balance tests may raise a false alarm.
    pub accountancy: Option<Accountancy>,
    /// What needs certificates before it starts, sorted by id.
    pub gates: Vec<Gate>,
    /// How the agreement runs itself; `None` when its phases only follow the schedule.
    pub conduct: Option<Conduct>,
}

/// On what the duty of the parties rests: the five shapes of the legal literature (`docs/formats/agreement.md`, "Legal basis").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegalBasis {
    /// Each party declares for itself what it will do if others do; no contract.
    UnilateralConditional,
    /// A contract among the parties.
    CollectiveAgreement,
    /// Each party contracts with one auditor.
    SharedAuditor,
    /// A law or an order of an authority.
    LegalMandate,
    /// An agreement between states.
    Treaty,
}

impl LegalBasis {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::UnilateralConditional, Self::CollectiveAgreement, Self::SharedAuditor, Self::LegalMandate, Self::Treaty];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnilateralConditional => "unilateral-conditional",
            Self::CollectiveAgreement => "collective-agreement",
            Self::SharedAuditor => "shared-auditor",
            Self::LegalMandate => "legal-mandate",
            Self::Treaty => "treaty",
        }
    }

    /// The basis of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.name() == name)
    }
}

/// What the audits must be able to find: a hidden run of `flop` operations at a site that can do `site_flop_per_day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detect {
    /// Size of the hidden run in operations.
    pub flop: u128,
    /// Least probability of finding it, below 1.
    pub probability: Fraction,
    /// Longest time from the end of a window of the run to the answer that gives it away, in seconds.
    pub within_seconds: u64,
    /// Most that the largest party can do in a day, in operations.
    pub site_flop_per_day: u128,
    /// Probability that a check of a group which took part in the run shows it: the measured sensitivity of the check.
    pub sensitivity: Fraction,
}

/// Budget of false alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accountancy {
    /// False alarms per party and year, in millionths.
    pub false_alarms_per_year_millionths: u64,
}

/// Work that needs certificates before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name in decisions and verdicts.
    pub id: Name,
    /// Classes of jobs that it stands before, in wire order, at least one.
    pub classes: Vec<Class>,
    /// Only jobs whose run, with its ancestors, plans at least so many operations; 0 for all.
    pub from_flop: u128,
    /// Only models for which this holds; `None` for all. When it is indeterminate the gate stands.
    pub when: Option<Predicate>,
    /// What must be there, sorted by id, at least one.
    pub certificates: Vec<Certificate>,
}

/// A signed statement that a property was established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it certifies.
    pub id: Name,
    /// Role that signs it.
    pub by: RoleKind,
    /// Different signers that it needs.
    pub signers: u32,
    /// Hash of the method by which it is established, when the terms fix one.
    pub method: Option<Hash32>,
    /// How long it is valid, in seconds.
    pub valid_seconds: u64,
}

/// How the agreement runs itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conduct {
    /// Commitments that have not led to activation by then lapse. Seconds since the Unix epoch.
    pub valid_until_unix_seconds: u64,
    /// Share of the bound parties that must vote for a further term.
    pub renew: Fraction,
    /// What each party binds itself to; one entry per party.
    pub pledges: BTreeMap<Name, Pledge>,
    /// What `share` is measured in; empty when no condition has one.
    pub shares: Shares,
    /// How long each step may take.
    pub clocks: Clocks,
    /// What decides, and for how long votes are counted.
    pub votes: Votes,
    /// Rules of inspections.
    pub inspection: Inspection,
    /// Phases on the way back, the severest first; empty when there is nothing to come back from.
    pub resumption: Vec<ResumptionStep>,
    /// What slows or pauses, sorted by id.
    pub triggers: Vec<Trigger>,
}

/// When a party is bound, and how it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pledge {
    /// It binds itself when this holds for the other parties that do.
    pub condition: Condition,
    /// It stays bound while this holds for the other parties that are verified; never stricter than `condition`.
    pub stay: Condition,
    /// For so long `stay` may fail before the party is released, in seconds.
    pub grace_seconds: u64,
    /// From notice of withdrawal to its effect, in seconds.
    pub withdraw_seconds: u64,
}

/// How long each step may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// From activation to the start of duties.
    pub notice_seconds: u64,
    /// From the start of a phase to its bounds being in force for running work.
    pub winding_down_seconds: u64,
    /// From a question to the party's answer.
    pub clarification_seconds: u64,
    /// From the end of access to the inspector's finding.
    pub finding_seconds: u64,
    /// From a disputed finding to the adjudicator's decision.
    pub adjudication_seconds: u64,
    /// Longest time for which an outage of logs or witnesses stops the clocks.
    pub freeze_on_outage_seconds: u64,
}

/// Shares of the eligible voters. The accused is never eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// To declare a violation.
    pub finding: Fraction,
    /// To expel a party.
    pub expel: Fraction,
    /// To begin resumption after a pause. More than (parties + faulty) / 2, so that no two decisions contradict each other.
    pub resume: Fraction,
    /// How long votes are counted after they are called, in seconds.
    pub within_seconds: u64,
    /// Parties that may vote twice without two contradicting decisions.
    pub faulty: u32,
}

/// Inspections go ahead unless enough of the others object in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Share of the others (neither the asking nor the accused party) whose objection stops it.
    pub block: Fraction,
    /// Time to object, in seconds.
    pub block_within_seconds: u64,
    /// From the request to access, in seconds.
    pub access_seconds: u64,
    /// Inspections that one party may ask for in a year.
    pub quota_per_party_per_year: u32,
}

/// One step on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumptionStep {
    /// Whose bounds hold in this step.
    pub phase: Phase,
    /// Least time in it, in seconds.
    pub hold_seconds: u64,
}

/// What slows or pauses the parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name in statements and verdicts.
    pub id: Name,
    /// Evidence that raises it.
    pub raise: Predicate,
    /// The evidence must stand for so long before the phase changes, in seconds; 0 for at once.
    pub hold_seconds: u64,
    /// The phase that it calls for: `slowed` (any level) or `paused`.
    pub phase: Phase,
    /// Who may raise it, in canonical order, at least one.
    pub who_may_raise: Vec<Raiser>,
    /// What lifts it.
    pub lift: Lift,
    /// The adjudicator who decides disputes about it.
    pub adjudicate: Name,
    /// It lapses so long after it was raised unless it is raised again, in seconds; at most the term.
    pub expires_seconds: u64,
}

/// Who may raise a trigger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Raiser {
    /// Any bound party.
    Parties,
    /// Any role of the kind.
    Role(RoleKind),
    /// One party or role.
    Named(Name),
}

/// What lifts a trigger: a vote, not before a time, and evidence when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    /// Share of the bound parties that must vote for it.
    pub vote: Fraction,
    /// Not before so long after the phase began, in seconds.
    pub after_seconds: u64,
    /// Evidence that must hold too.
    pub when: Option<Predicate>,
}

impl Raiser {
    /// The word used in files.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Parties => "party".to_owned(),
            Self::Role(kind) => kind.name().to_owned(),
            Self::Named(name) => name.to_string(),
        }
    }
}

impl Conduct {
    /// The trigger of that name.
    #[must_use]
    pub fn trigger(&self, id: &Name) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.id == *id)
    }

    /// Phases that a trigger or a step of resumption can bring about, besides those of the schedule.
    pub fn phases(&self) -> impl Iterator<Item = Phase> {
        self.triggers.iter().map(|trigger| trigger.phase).chain(self.resumption.iter().map(|step| step.phase))
    }

    /// Entry conditions over positions in the agreement's list of parties; a party without a pledge is always in.
    #[must_use]
    pub fn entry_formulas(&self, parties: &[Name]) -> Vec<Formula> {
        self.formulas(parties, |pledge| &pledge.condition)
    }

    /// Stay conditions over positions in the agreement's list of parties.
    #[must_use]
    pub fn stay_formulas(&self, parties: &[Name]) -> Vec<Formula> {
        self.formulas(parties, |pledge| &pledge.stay)
    }

    fn formulas(&self, parties: &[Name], which: impl Fn(&Pledge) -> &Condition) -> Vec<Formula> {
        let always = Condition::ALWAYS;
        let condition = |party: &Name| self.pledges.get(party).map_or(&always, &which);
        parties.iter().map(|party| Formula::new(condition(party), parties, &self.shares)).collect()
    }
}

impl Agreement {
    /// Names of the parties in order; positions of [`PartySet`] refer to it.
    #[must_use]
    pub fn party_names(&self) -> Vec<Name> {
        self.parties.iter().map(|party| party.id.clone()).collect()
    }

    /// The parties of a set.
    #[must_use]
    pub fn names_of(&self, set: PartySet) -> Vec<Name> {
        set.iter().filter_map(|position| self.parties.get(position)).map(|party| party.id.clone()).collect()
    }

    /// How the agreement runs itself, when it does.
    #[must_use]
    pub const fn conduct(&self) -> Option<&Conduct> {
        self.coordination.conduct.as_ref()
    }
}

#[cfg(test)]
mod tests;
