//! What the run-time knows: statements with their place in a log and the time at which witnesses had seen them.
//!
//! Nothing here carries a claimed time. `published` is the earliest time at which a full quorum had cosigned a head that covers the
//! statement; `not_before` is the latest time at which a full quorum still cosigned a head without it. Both come from the certificates
//! of `docs/formats/certificate.md`; the true moment lies between them.

use standstill_statement::{Body, Hash32, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Most facts that are replayed at once: a year of 64 parties that publish some forty statements a day.
pub const MAX_FACTS: usize = 1 << 20;

/// A statement and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Agreement in the signed header; statements under another one are refused.
    pub agreement: Hash32,
    /// Party or role that signed it.
    pub issuer: Name,
    /// Index in the issuer's log.
    pub index: u64,
    /// Statement hash.
    pub statement: Hash32,
    /// Earliest known quorum time of a head that covers it, in seconds since the Unix epoch.
    pub published_unix_seconds: u64,
    /// Latest known quorum time of a head of the same log that does not cover it; 0 when none is known.
    pub not_before_unix_seconds: u64,
    /// What it says.
    pub body: Body,
}

/// A reference to one fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Cause {
    /// Who signed it.
    pub issuer: Name,
    /// Index in the issuer's log.
    pub index: u64,
    /// Statement hash.
    pub statement: Hash32,
}

impl Fact {
    /// The reference of this fact.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause { issuer: self.issuer.clone(), index: self.index, statement: self.statement }
    }
}

/// Everything that a replay may use. A pure function of signed bytes, whoever gathered them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Statements, in any order.
    pub statements: Vec<Fact>,
    /// For each log: every statement that was public by then is among `statements`. Comes from an absence certificate: a quorum cosigned
    /// the last head at hand *after* that time.
    pub shown_until: BTreeMap<Name, u64>,
    /// Randomness of beacon rounds, each checked against the beacon's key.
    pub beacon: BTreeMap<u64, Hash32>,
    /// Logs of which two signed heads contradict each other. When a quorum has cosigned both, the first entry that the two are known to
    /// disagree on; else `u64::MAX`, because what one quorum alone has cosigned stands, and its issuer must not be able to take it back
    /// by signing another head. The entries of the other history need not be at hand.
    pub forked_from: BTreeMap<Name, u64>,
}

impl Facts {
    /// Adds what another collection knows. Times of one statement tighten: earliest publication, latest absence.
    pub fn merge(&mut self, other: &Self) {
        let place: BTreeMap<(Name, u64, Hash32), usize> = self
            .statements
            .iter()
            .enumerate()
            .map(|(at, fact)| ((fact.issuer.clone(), fact.index, fact.statement), at))
            .collect();
        for fact in &other.statements {
            match place.get(&(fact.issuer.clone(), fact.index, fact.statement)).copied() {
                Some(at) => {
                    let known = &mut self.statements[at];
                    known.published_unix_seconds = known.published_unix_seconds.min(fact.published_unix_seconds);
                    known.not_before_unix_seconds = known.not_before_unix_seconds.max(fact.not_before_unix_seconds);
                }
                None => self.statements.push(fact.clone()),
            }
        }
        for (log, until) in &other.shown_until {
            let known = self.shown_until.entry(log.clone()).or_default();
            *known = (*known).max(*until);
        }
        self.beacon.extend(other.beacon.iter().map(|(round, randomness)| (*round, *randomness)));
        for (log, from) in &other.forked_from {
            let known = self.forked_from.entry(log.clone()).or_insert(*from);
            *known = (*known).min(*from);
        }
    }
}

/// Why a statement has no effect. It stays in the record all the same.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ignored {
    /// When it was published.
    pub at_unix_seconds: u64,
    /// Which statement.
    pub statement: Cause,
    /// Its kind.
    pub kind: &'static str,
    /// Why it does not count.
    pub reason: String,
    /// True when the statement is proof that its issuer broke a rule, not merely late or out of place.
    pub fault: bool,
}

/// Facts in order, and those that were set aside.
#[derive(Debug, Default)]
pub(crate) struct Ordered<'a> {
    pub(crate) facts: Vec<(u64, &'a Fact)>,
    pub(crate) ignored: Vec<Ignored>,
    /// Issuers with two statements at one index: two histories.
    pub(crate) forked: BTreeSet<Name>,
}

/// Sorts, drops repetitions, sets aside what is under another agreement or behind a fork, and ends at `as_of`.
///
/// A head that covers entry `i + 1` covers entry `i`, so a statement counts as published no later than its successors. Taking the
/// smallest time from the end of each log makes this true of every input, and late knowledge of an early head changes nothing but times.
pub(crate) fn order<'a>(facts: &'a Facts, agreement: &Hash32, as_of: u64) -> Ordered<'a> {
    let mut out = Ordered::default();
    let mut logs: BTreeMap<&Name, BTreeMap<u64, &'a Fact>> = BTreeMap::new();
    let mut forks: BTreeMap<&Name, u64> = facts.forked_from.iter().map(|(log, from)| (log, *from)).collect();
    for fact in &facts.statements {
        if fact.agreement != *agreement {
            let reason = format!("it is under agreement {}…, not under this one", fact.agreement.short());
            out.ignored.push(ignored(fact, fact.published_unix_seconds, reason, false));
            continue;
        }
        let log = logs.entry(&fact.issuer).or_default();
        let known = log.entry(fact.index).or_insert(fact);
        if known.statement != fact.statement {
            let first = forks.entry(&fact.issuer).or_insert(fact.index);
            *first = (*first).min(fact.index);
        }
        // Of two copies of one statement the earlier time counts; of two statements the lower hash, so that the order of input does not.
        if (fact.statement, fact.published_unix_seconds) < (known.statement, known.published_unix_seconds) {
            *known = fact;
        }
    }
    for (issuer, log) in logs {
        let fork = forks.get(issuer).copied();
        let mut earliest = u64::MAX;
        for (index, fact) in log.into_iter().rev() {
            earliest = earliest.min(fact.published_unix_seconds);
            if fork.is_some_and(|fork| index >= fork) {
                let reason = "its log has two histories from here on; nothing after the fork counts".to_owned();
                out.ignored.push(ignored(fact, earliest, reason, true));
            } else if earliest <= as_of {
                out.facts.push((earliest, fact));
            }
        }
    }
    out.forked = forks.into_keys().cloned().collect();
    out.facts.sort_by(|(a_time, a), (b_time, b)| (a_time, &a.issuer, a.index).cmp(&(b_time, &b.issuer, b.index)));
    out.ignored.retain(|ignored| ignored.at_unix_seconds <= as_of);
    out.ignored.sort_by(|a, b| (a.at_unix_seconds, &a.statement).cmp(&(b.at_unix_seconds, &b.statement)));
    out
}

/// How far a statement reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It only shows that its issuer is there. What it says is for verifiers, not for the run-time.
    Life,
    /// It is shown beside what it names, and decides nothing.
    Shown,
    /// Besides, it is a report: it settles what its own party owes.
    OwnReports,
    /// It may change anything.
    Whole,
}

/// How far statements of a kind reach. The one list of kinds that decide nothing: the machine and what is settled both go by it, and a
/// new kind does not compile before it has its place here.
pub(crate) const fn reach(body: &Body) -> Reach {
    match body {
        Body::Fleet(_)
        | Body::Run(_)
        | Body::Challenge(_)
        | Body::Response(_)
        | Body::Finding(_)
        | Body::Heartbeat(_)
        | Body::Alarm(_)
        | Body::Freeze(_)
        | Body::Rotation(_)
        | Body::Succession(_)
        | Body::Decision(_) => Reach::Life,
        Body::Acknowledgement(_) | Body::Lift(_) => Reach::Shown,
        Body::Report(_) => Reach::OwnReports,
        Body::Ratification(_)
        | Body::Commitment(_)
        | Body::Opening(_)
        | Body::Signal(_)
        | Body::Raise(_)
        | Body::Vote(_)
        | Body::Question(_)
        | Body::Answer(_)
        | Body::Clarification(_)
        | Body::Dispute(_)
        | Body::Ruling(_)
        | Body::Inspection(_)
        | Body::Objection(_)
        | Body::Conclusion(_)
        | Body::Withdrawal(_)
        | Body::Suspension(_) => Reach::Whole,
    }
}

pub(crate) fn ignored(fact: &Fact, at_unix_seconds: u64, reason: impl Into<String>, fault: bool) -> Ignored {
    let kind = kind_of(&fact.body);
    Ignored { at_unix_seconds, statement: fact.cause(), kind, reason: reason.into(), fault }
}

/// The word of the kind.
pub(crate) const fn kind_of(body: &Body) -> &'static str {
    body.kind().name()
}
