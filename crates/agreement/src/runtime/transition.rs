//! What a step of the machine says: transitions with their causes, and statements that had no effect.

use super::fact::{Cause, Ignored};
use crate::terms::Phase;
use standstill_statement::{Hash32, Name};
use std::fmt;

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The agreement as a whole.
    Agreement,
    /// The clock of duties.
    Clock,
    /// A party.
    Party(Name),
    /// A trigger.
    Trigger(Name),
    /// A case, by the statement hash of the dispute.
    Case(Hash32),
    /// An inspection, by the statement hash of the request.
    Inspection(Hash32),
    /// A question, by its statement hash.
    Question(Hash32),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreement => f.write_str("agreement"),
            Self::Clock => f.write_str("clock"),
            Self::Party(name) => write!(f, "party {name}"),
            Self::Trigger(name) => write!(f, "trigger {name}"),
            Self::Case(hash) => write!(f, "case {}", hash.short()),
            Self::Inspection(hash) => write!(f, "inspection {}", hash.short()),
            Self::Question(hash) => write!(f, "question {}", hash.short()),
        }
    }
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match self {
            Self::Agreement => "agreement".to_owned(),
            Self::Clock => "clock".to_owned(),
            Self::Party(name) => format!("party/{name}"),
            Self::Trigger(name) => format!("trigger/{name}"),
            Self::Case(hash) => format!("case/{hash}"),
            Self::Inspection(hash) => format!("inspection/{hash}"),
            Self::Question(hash) => format!("question/{hash}"),
        };
        serializer.serialize_str(&text)
    }
}

/// The rule by which something changed. `docs/formats/runtime.md` has one line for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A party ratified.
    #[default]
    Ratified,
    /// A sealed commitment was opened.
    Opened,
    /// Greatest fixed point of the entry conditions.
    Activated,
    /// A commitment ran out before it led to anything.
    CommitmentLapsed,
    /// The notice ran out.
    NoticeOver,
    /// The schedule of the terms.
    Schedule,
    /// A trigger was raised.
    Raised,
    /// Its evidence is there and must now stand.
    EvidenceComplete,
    /// Its evidence is indeterminate.
    EvidenceIndeterminate,
    /// The evidence did not stand for the hold time.
    EvidenceWithdrawn,
    /// The evidence stood for the hold time.
    HoldOver,
    /// A trigger that acts was raised again with evidence.
    RaisedAgain,
    /// The trigger lapsed because nobody raised it again.
    TriggerExpired,
    /// A raise lapsed without evidence.
    RaiseLapsed,
    /// The adjudicator dismissed a raise before it acted.
    RaiseDismissed,
    /// The vote to lift was carried.
    LiftCarried,
    /// A step of resumption was held long enough.
    StepOver,
    /// Something happened during resumption that ends it.
    Anomaly,
    /// A case was opened.
    CaseOpened,
    /// The adjudicator found merit.
    CaseReviewed,
    /// The adjudicator did not answer in time, so the case goes on.
    ReviewDefaulted,
    /// The respondent answered.
    Answered,
    /// The respondent did not answer in time.
    AnswerMissed,
    /// The adjudicator ended the case.
    Ruled,
    /// Nobody decided in time.
    CaseLapsed,
    /// The vote on the violation was carried.
    ViolationCarried,
    /// The vote on the violation was not carried in time.
    ViolationNotCarried,
    /// An inspection was asked for.
    InspectionAsked,
    /// Enough others objected in time.
    InspectionBlocked,
    /// The time to object is over.
    InspectionDue,
    /// The time of access is over.
    AccessOver,
    /// The inspector concluded.
    Concluded,
    /// No conclusion was published in time.
    ConclusionMissed,
    /// A question with a duty to answer.
    Asked,
    /// A report is missing.
    ReportMissing,
    /// A missing report was published late.
    ReportLate,
    /// The stay condition fails.
    StayFails,
    /// The stay condition holds again.
    StayHolds,
    /// It failed for the whole grace period.
    GraceOver,
    /// Notice of withdrawal.
    WithdrawalNotice,
    /// The notice of withdrawal ran out.
    WithdrawalOver,
    /// The withdrawal waits for an open inspection.
    WithdrawalHeld,
    /// Expelled by vote.
    Expelled,
    /// The party says that it no longer keeps the agreement.
    SelfSuspended,
    /// It takes that back.
    SuspensionEnded,
    /// The term was renewed by vote.
    Renewed,
    /// The term is over.
    Expired,
    /// Nobody publishes; clocks stand still.
    ClocksFrozen,
    /// Somebody publishes again.
    ClocksResumed,
    /// The longest outage of the terms is over; clocks run again.
    FreezeExhausted,
}

impl Rule {
    /// The rule in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ratified => "ratified",
            Self::Opened => "commitment opened after its beacon round",
            Self::Activated => "the conditions of all who join hold together",
            Self::CommitmentLapsed => "the commitment ran out",
            Self::NoticeOver => "the notice ran out",
            Self::Schedule => "the schedule of the terms",
            Self::Raised => "raised",
            Self::EvidenceComplete => "the evidence is there",
            Self::EvidenceIndeterminate => "the evidence gives no answer",
            Self::EvidenceWithdrawn => "newer evidence contradicts it",
            Self::HoldOver => "the evidence stood for the hold time",
            Self::RaisedAgain => "raised again with evidence",
            Self::TriggerExpired => "not raised again before it lapsed",
            Self::RaiseLapsed => "no evidence in time",
            Self::RaiseDismissed => "dismissed by the adjudicator before it acted",
            Self::LiftCarried => "the vote to lift was carried",
            Self::StepOver => "the step was held long enough",
            Self::Anomaly => "an anomaly during resumption",
            Self::CaseOpened => "a case was opened",
            Self::CaseReviewed => "the adjudicator found merit",
            Self::ReviewDefaulted => "no review in time, so the case goes on",
            Self::Answered => "the respondent answered",
            Self::AnswerMissed => "no answer in time",
            Self::Ruled => "the adjudicator ruled",
            Self::CaseLapsed => "nobody decided in time",
            Self::ViolationCarried => "the vote on the violation was carried",
            Self::ViolationNotCarried => "the vote on the violation was not carried in time",
            Self::InspectionAsked => "an inspection was asked for",
            Self::InspectionBlocked => "enough others objected in time",
            Self::InspectionDue => "too few objected in time",
            Self::AccessOver => "the time of access is over",
            Self::Concluded => "the inspector concluded",
            Self::ConclusionMissed => "no conclusion in time",
            Self::Asked => "a question with a duty to answer",
            Self::ReportMissing => "a report is missing",
            Self::ReportLate => "the missing report came late",
            Self::StayFails => "its stay condition fails",
            Self::StayHolds => "its stay condition holds again",
            Self::GraceOver => "its stay condition failed for the whole grace period",
            Self::WithdrawalNotice => "notice of withdrawal",
            Self::WithdrawalOver => "the notice of withdrawal ran out",
            Self::WithdrawalHeld => "the withdrawal waits for an open inspection",
            Self::Expelled => "expelled by vote",
            Self::SelfSuspended => "self-declared suspension",
            Self::SuspensionEnded => "the suspension was taken back",
            Self::Renewed => "renewed by vote",
            Self::Expired => "the term is over",
            Self::ClocksFrozen => "nobody publishes, so clocks stand still",
            Self::ClocksResumed => "somebody publishes again",
            Self::FreezeExhausted => "the longest outage of the terms is over, so clocks run again",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Transition {
    /// When, in seconds since the Unix epoch: the quorum time of the deciding statement, or the moment at which a clock ran out.
    pub at_unix_seconds: u64,
    /// What changes.
    pub subject: Subject,
    /// State before, as a word.
    pub from: String,
    /// State after, as a word.
    pub to: String,
    /// By which rule.
    pub rule: Rule,
    /// Statements that caused it, sorted. Empty only when a clock of the terms alone did.
    pub causes: Vec<Cause>,
    /// No statement or head that can still turn up changes it, but for its time, which an earlier head may move within the interval that
    /// its causes have; see [`super::Timeline::settled_until_unix_seconds`].
    pub decided: bool,
    /// Phase of the terms whose bounds hold from here on, for a change of phase of a party or of the agreement; `None` when none does.
    pub bounds: Option<Phase>,
}

/// What a step gives back besides the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something changed.
    Moved(Transition),
    /// A statement had no effect.
    Ignored(Ignored),
    /// An opening names a beacon round that is not at hand, so nothing from this moment on is settled.
    NeedsBeacon {
        /// Round.
        round: u64,
        /// Its time, in seconds since the Unix epoch.
        at_unix_seconds: u64,
    },
    /// A clock ran out. Nothing that a reader sees; [`super::replay`] uses it to tell what is settled.
    RanOut {
        /// When, in seconds since the Unix epoch.
        at_unix_seconds: u64,
        /// Whether a statement started it, so that it would have run out earlier if that statement had been public earlier.
        moves: bool,
    },
    /// The statement would count differently outside of these moments. Nothing that a reader sees either.
    Within {
        /// First moment, in seconds since the Unix epoch.
        from: u64,
        /// First moment after, in seconds since the Unix epoch.
        until: u64,
    },
}
