//! What the machine remembers. All of it is ordered data, so equal histories give equal states.

use super::case::{CaseRecord, InspectionRecord, QuestionRecord};
use super::clock::Clock;
use super::fact::Cause;
use super::phase::RunPhase;
use super::trigger::{SignalBook, TriggerRecord};
use super::vote::{Ballot, BallotId};
use crate::condition::Condition;
use crate::terms::Phase;
use standstill_statement::{Hash32, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Where a party stands towards the agreement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// Not bound: never was, or has not come back.
    #[default]
    Out,
    /// Bound; duties begin later.
    Notice {
        /// Deadline in running time.
        until_running: u64,
    },
    /// Bound, duties hold.
    Bound,
    /// Bound, and leaving in steps.
    Releasing {
        /// Position among the steps, from 0.
        step: usize,
        /// Phase of the step.
        phase: Phase,
        /// Deadline of the step in running time.
        until_running: u64,
    },
    /// Left.
    Left {
        /// By vote, so that it cannot come back.
        expelled: bool,
    },
    /// Its term is over.
    Ended,
}

/// A sealed commitment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SealRecord {
    pub(crate) entry_round: u32,
    pub(crate) seal: Hash32,
    pub(crate) cause: Cause,
}

/// An opened commitment that has not bound its party yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) entry_round: u32,
    pub(crate) condition: Condition,
    pub(crate) valid_until_unix_seconds: u64,
    pub(crate) causes: Vec<Cause>,
}

/// A notice of withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Leaving {
    /// Deadline in running time.
    pub(crate) until_running: u64,
    /// When the notice ran out, in seconds since the Unix epoch, while an inspection holds the party.
    pub(crate) held_since: Option<u64>,
    pub(crate) cause: Cause,
}

/// Everything about one party.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartyRecord {
    pub(crate) ratified: Option<Cause>,
    /// By statement hash of the seal.
    pub(crate) seals: BTreeMap<Hash32, SealRecord>,
    pub(crate) offer: Option<Offer>,
    pub(crate) standing: Standing,
    /// What bound it.
    pub(crate) bound_by: Vec<Cause>,
    /// Nobody is bound after this, in seconds since the Unix epoch.
    pub(crate) bound_until_unix_seconds: u64,
    pub(crate) suspended: Option<Cause>,
    pub(crate) leaving: Option<Leaving>,
    /// Windows that have a report, as far as their deadline is not long past.
    pub(crate) reported: BTreeSet<u64>,
    /// Window whose report is due next.
    pub(crate) due_window: Option<u64>,
    /// Windows without a report after the grace period.
    pub(crate) missing: BTreeSet<u64>,
    /// Cases and questions that it did not answer in time.
    pub(crate) unanswered: BTreeSet<Hash32>,
    /// Cases that ended in a violation.
    pub(crate) violations: BTreeSet<Hash32>,
    /// It must publish something by then (running time), after an outage that was longer than the terms allow.
    pub(crate) sign_of_life_due: Option<u64>,
    /// It did not.
    pub(crate) silent: bool,
    /// Its stay condition has failed since; deadline of the grace period in running time.
    pub(crate) stay_fails_until: Option<u64>,
    /// Times at which it spent a token of its yearly quota, in seconds since the Unix epoch.
    pub(crate) spent: Vec<u64>,
    /// Phase that it acknowledged last, with the cause that it named.
    pub(crate) acknowledged: Option<(Name, Hash32)>,
    /// What a reader sees; kept to notice changes.
    pub(crate) shown: RunPhase,
}

impl PartyRecord {
    /// Bound in any way.
    pub(crate) const fn is_bound(&self) -> bool {
        matches!(self.standing, Standing::Notice { .. } | Standing::Bound | Standing::Releasing { .. })
    }

    /// Counts for the stay conditions of the others.
    pub(crate) fn is_verified(&self) -> bool {
        self.is_bound()
            && self.suspended.is_none()
            && self.missing.is_empty()
            && self.unanswered.is_empty()
            && self.violations.is_empty()
            && !self.silent
    }
}

/// The way back to a milder phase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Resumption {
    /// Phase that was left.
    pub(crate) from: Phase,
    /// Phases and hold times still to go through; the first is the present one.
    pub(crate) steps: Vec<(Phase, u64)>,
    /// Number of the present step, from 1.
    pub(crate) number: u8,
    /// Deadline of the present step in running time.
    pub(crate) until_running: u64,
    /// Triggers that were lifted, with the raise that had put each into force; an anomaly puts them into force again.
    pub(crate) lifted: Vec<(Name, Hash32)>,
    /// Votes that carried the lift.
    pub(crate) causes: Vec<Cause>,
}

/// Whether the clock of duties runs, as last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Freeze {
    /// It runs.
    #[default]
    Running,
    /// It stands still in an outage.
    Frozen,
    /// It runs although the outage goes on.
    Exhausted,
}

impl Freeze {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Frozen => "frozen",
            Self::Exhausted => "running-in-outage",
        }
    }
}

/// Something that happens when a clock runs out. The order decides between equal moments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Timer {
    /// The term, or a party's part of it, is over.
    Expiry,
    /// The schedule changes the phase.
    Schedule,
    /// An offer runs out.
    OfferOver(Name),
    /// Openings of an entry round are complete.
    EntryRound(u32),
    Notice(Name),
    Report(Name, u64),
    SignOfLife(Name),
    RaiseLapse(Name, Hash32),
    Hold(Name, Hash32),
    TriggerExpiry(Name),
    Step,
    Question(Hash32),
    Case(Hash32),
    Inspection(Hash32),
    Grace(Name),
    Release(Name),
    Withdrawal(Name),
}

/// Timers in wall time and in running time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    pub(crate) wall: BTreeSet<(u64, Timer)>,
    pub(crate) running: BTreeSet<(u64, Timer)>,
}

/// State of an agreement at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Moment up to which everything is worked off, in seconds since the Unix epoch.
    pub(crate) now: u64,
    pub(crate) clock: Clock,
    pub(crate) freeze: Freeze,
    pub(crate) ends_at: u64,
    pub(crate) renewals: u32,
    pub(crate) beacon: BTreeMap<u64, Hash32>,
    pub(crate) entry_rounds: BTreeSet<u32>,
    pub(crate) parties: BTreeMap<Name, PartyRecord>,
    pub(crate) triggers: BTreeMap<Name, TriggerRecord>,
    pub(crate) signals: SignalBook,
    pub(crate) cases: BTreeMap<Hash32, CaseRecord>,
    pub(crate) inspections: BTreeMap<Hash32, InspectionRecord>,
    pub(crate) questions: BTreeMap<Hash32, QuestionRecord>,
    pub(crate) ballots: BTreeMap<BallotId, Ballot>,
    /// Phase that triggers and resumption ask for; the schedule may ask for more.
    pub(crate) phase: Phase,
    /// Causes of that phase.
    pub(crate) phase_causes: Vec<Cause>,
    pub(crate) resumption: Option<Resumption>,
    /// What a reader sees; kept to notice changes.
    pub(crate) shown: RunPhase,
    pub(crate) timers: Timers,
    /// Length of an epoch of votes.
    pub(crate) epoch_seconds: u64,
}

/// An epoch of votes to lift a trigger.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LiftVote {
    /// The trigger.
    pub trigger: Name,
    /// What a vote names as its subject.
    pub raise: Hash32,
    /// What a vote names as its epoch.
    pub epoch: u32,
    /// From when on votes count, in seconds since the Unix epoch.
    pub opens_unix_seconds: u64,
    /// Until when they do, exclusive; later when an outage stops the clock.
    pub closes_unix_seconds: u64,
}

impl State {
    /// Moment up to which everything is worked off, in seconds since the Unix epoch.
    #[must_use]
    pub const fn now_unix_seconds(&self) -> u64 {
        self.now
    }

    /// State of the agreement as a whole.
    #[must_use]
    pub const fn phase(&self) -> RunPhase {
        self.shown
    }

    /// State of a party; `None` for a name that is not a party.
    #[must_use]
    pub fn party_phase(&self, party: &Name) -> Option<RunPhase> {
        self.parties.get(party).map(|record| record.shown)
    }

    /// Parties that are bound, sorted.
    #[must_use]
    pub fn bound(&self) -> Vec<Name> {
        self.parties.iter().filter(|(_, record)| record.is_bound()).map(|(name, _)| name.clone()).collect()
    }

    /// Parties that count as verified for the stay conditions of others, sorted.
    #[must_use]
    pub fn verified(&self) -> Vec<Name> {
        self.parties.iter().filter(|(_, record)| record.is_verified()).map(|(name, _)| name.clone()).collect()
    }

    /// Parties that may vote: bound, not on their way out, not suspended, and none of the accused.
    pub(crate) fn voters(&self, without: &[&Name]) -> Vec<Name> {
        let may = |name: &Name, record: &PartyRecord| {
            matches!(record.standing, Standing::Notice { .. } | Standing::Bound)
                && record.suspended.is_none()
                && !without.contains(&name)
        };
        self.parties.iter().filter(|(name, record)| may(name, record)).map(|(name, _)| name.clone()).collect()
    }

    /// Votes to lift a trigger that are open now, or will be when the waiting time is over.
    #[must_use]
    pub fn open_lift_votes(&self) -> Vec<LiftVote> {
        let running = self.clock.running(self.now);
        let open = |(name, record): (&Name, &TriggerRecord)| {
            let acting = record.acting.as_ref()?;
            let elapsed = running.saturating_sub(acting.votes_from_running) / self.epoch_seconds.max(1);
            let epoch = acting.first_epoch.saturating_add(u32::try_from(elapsed).unwrap_or(u32::MAX));
            let begins = acting.votes_from_running + elapsed * self.epoch_seconds;
            Some(LiftVote {
                trigger: name.clone(),
                raise: acting.raise,
                epoch,
                opens_unix_seconds: self.clock.wall_of(begins),
                closes_unix_seconds: self.clock.wall_of(begins.saturating_add(self.epoch_seconds)),
            })
        };
        self.triggers.iter().filter_map(open).collect()
    }

    /// End of the term as renewed so far, in seconds since the Unix epoch.
    #[must_use]
    pub const fn ends_at_unix_seconds(&self) -> u64 {
        self.ends_at
    }
}
