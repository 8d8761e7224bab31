//! Facts as a record would give them, for benchmarks, tests and rehearsals. Nothing here takes part in a verdict, and nothing is signed.

use crate::runtime::{Fact, Facts, Machine};
use crate::terms::Agreement;
use standstill_statement::{
    BlobRef, Body, Choice, Commitment, CommitmentOpening, CommitmentSeal, Decimal, Formula, Hash32, Heartbeat,
    Interval, Matter, Measured, Mode, Name, Ratification, Reading, Report, Signal, SignalKind, TriggerRaise, Vote,
};
use std::collections::BTreeMap;

/// Seconds of an hour and of a day.
pub const HOUR: u64 = 3_600;
/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// A record under construction.
#[derive(Clone, Debug)]
pub struct World<'t> {
    terms: &'t Agreement,
    machine: Machine<'t>,
    said: Facts,
}

impl<'t> World<'t> {
    /// An empty record; `None` when the terms only follow a schedule.
    #[must_use]
    pub fn new(terms: &'t Agreement) -> Option<Self> {
        Some(Self { terms, machine: Machine::new(terms)?, said: Facts::default() })
    }

    /// The rules.
    #[must_use]
    pub const fn machine(&self) -> &Machine<'t> {
        &self.machine
    }

    /// What was said, as logs hold it: each issuer's statements in the order of their times.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut facts = self.said.clone();
        facts.statements.sort_by_key(|fact| fact.published_unix_seconds);
        let mut next: BTreeMap<Name, u64> = BTreeMap::new();
        for fact in &mut facts.statements {
            let index = next.entry(fact.issuer.clone()).or_default();
            fact.index = *index;
            *index += 1;
        }
        facts
    }

    /// A moment of the agreement: so many days and hours after the start.
    #[must_use]
    pub const fn at(&self, day: u64, hour: u64) -> u64 {
        self.terms.start_unix_seconds + day * DAY + hour * HOUR
    }

    /// A statement that a quorum had seen at `at`, and at no moment before. Gives its hash.
    pub fn say(&mut self, issuer: &Name, at: u64, body: Body) -> Hash32 {
        self.say_between(issuer, at.saturating_sub(1), at, body)
    }

    /// A statement of which only an interval is known: a quorum cosigned a head without it at `not_before`, and one with it at `at`.
    pub fn say_between(&mut self, issuer: &Name, not_before: u64, at: u64, body: Body) -> Hash32 {
        let number = self.said.statements.len();
        let text = format!("{} {issuer} {number} {body:?}", self.machine.agreement_id());
        let statement = Hash32::of(text.as_bytes());
        self.said.statements.push(Fact {
            agreement: self.machine.agreement_id(),
            issuer: issuer.clone(),
            index: 0,
            statement,
            published_unix_seconds: at,
            not_before_unix_seconds: not_before,
            body,
        });
        statement
    }

    /// Every log was shown whole up to a moment.
    pub fn shown(&mut self, until: u64) {
        let roles = self.terms.roles.iter().map(|role| &role.id);
        for name in self.terms.parties.iter().map(|party| &party.id).chain(roles) {
            self.said.shown_until.insert(name.clone(), until);
        }
    }

    /// The randomness that this record gives to a beacon round.
    #[must_use]
    pub fn randomness(round: u64) -> Hash32 {
        Hash32::of(format!("round {round}").as_bytes())
    }

    /// The party ratifies.
    pub fn ratify(&mut self, party: &Name, at: u64) -> Hash32 {
        let witnesses = Hash32::of(self.terms.witnesses.as_bytes());
        self.say(party, at, Body::Ratification(Ratification { witnesses }))
    }

    /// The offer of a party, with its condition or with that of the terms.
    #[must_use]
    pub const fn offer(&self, condition: Option<Formula>) -> Commitment {
        Commitment { condition, valid_until_unix_seconds: self.at(365, 0) }
    }

    /// The party seals an offer.
    pub fn seal(&mut self, party: &Name, at: u64, entry_round: u32, offer: &Commitment) -> Hash32 {
        let salt = Hash32::of(party.as_str().as_bytes());
        let seal = offer.seal(&self.machine.agreement_id(), party, &salt).unwrap_or_default();
        self.say(party, at, Body::Commitment(CommitmentSeal { entry_round, seal }))
    }

    /// The body that opens a seal.
    #[must_use]
    pub fn opening(&self, party: &Name, commitment: Hash32, entry_round: u32, offer: &Commitment) -> CommitmentOpening {
        let round = self.machine.entry_round(entry_round).map_or(0, |round| round.beacon_round);
        CommitmentOpening {
            commitment,
            offer: offer.clone(),
            salt: Hash32::of(party.as_str().as_bytes()),
            beacon_round: round,
            randomness: Self::randomness(round),
        }
    }

    /// Makes the beacon round of an entry round known.
    pub fn beacon(&mut self, entry_round: u32) {
        if let Some(round) = self.machine.entry_round(entry_round) {
            self.said.beacon.insert(round.beacon_round, Self::randomness(round.beacon_round));
        }
    }

    /// Parties ratify, seal and open in one entry round, each with its condition. Gives the moment at which the set is computed.
    pub fn join(&mut self, entry_round: u32, offers: &[(Name, Option<Formula>)]) -> u64 {
        let Some(round) = self.machine.entry_round(entry_round) else { return 0 };
        self.beacon(entry_round);
        for ((party, condition), second) in offers.iter().zip(0u64..) {
            let offer = self.offer(condition.clone());
            let sealed_at = round.sealed_by_unix_seconds - 4 * HOUR + second;
            self.ratify(party, sealed_at - HOUR);
            let commitment = self.seal(party, sealed_at, entry_round, &offer);
            let opening = self.opening(party, commitment, entry_round, &offer);
            self.say(party, round.beacon_unix_seconds + HOUR + second, Body::Opening(opening));
        }
        round.opened_by_unix_seconds + 1
    }

    /// A report on a window, public at `at`.
    pub fn report(&mut self, party: &Name, window: u64, at: u64) -> Hash32 {
        let blob = BlobRef::of(b"seal");
        let report = Report {
            window,
            revision: 0,
            mode: Mode::Sealed,
            fleet: Hash32::default(),
            groups: 1,
            root: Hash32::default(),
            seal: blob,
            runs: Vec::new(),
            sources: Vec::new(),
        };
        self.say(party, at, Body::Report(report))
    }

    /// Reports of these parties on each of these windows, in time.
    pub fn reports(&mut self, parties: &[Name], windows: std::ops::Range<u64>) {
        for window in windows {
            for (party, second) in parties.iter().zip(0u64..) {
                let at = self.terms.window_bounds(window).1 + HOUR + second;
                self.report(party, window, at);
            }
        }
    }

    /// A sign of life.
    pub fn heartbeat(&mut self, issuer: &Name, at: u64) -> Hash32 {
        self.say(issuer, at, Body::Heartbeat(Heartbeat { window: 0 }))
    }

    /// A measurement with an interval of 90 %.
    pub fn signal(&mut self, by: &Name, at: u64, metric: &Name, method: Hash32, values: [Decimal; 3]) -> Hash32 {
        let [low, estimate, high] = values;
        let interval = Some(Interval { low, high, confidence_ppm: 900_000 });
        let signal = Signal {
            kind: SignalKind::Horizon,
            metric: metric.clone(),
            party: None,
            reading: Reading::Value(Measured { estimate, interval }),
            method,
            inputs: Vec::new(),
            result: BlobRef::of(b"result"),
        };
        self.say(by, at, Body::Signal(signal))
    }

    /// A raise.
    pub fn raise(&mut self, by: &Name, at: u64, trigger: &Name, evidence: &[Hash32]) -> Hash32 {
        let mut evidence = evidence.to_vec();
        evidence.sort();
        self.say(by, at, Body::Raise(TriggerRaise { trigger: trigger.clone(), evidence }))
    }

    /// A vote.
    pub fn vote(&mut self, by: &Name, at: u64, matter: Matter, subject: Hash32, epoch: u32, choice: Choice) -> Hash32 {
        self.say(by, at, Body::Vote(Vote { matter, subject, epoch, choice }))
    }
}
