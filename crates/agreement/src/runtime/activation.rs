//! Who is bound: sealed commitments, openings after a beacon round, and the greatest fixed point of monotone conditions.
//!
//! **Entry rounds** tile time with the windows of the terms. Seals of entry round `e` must be cosigned by a quorum by the end of window
//! `e`. The first beacon round at or after that moment closes them: an opening must carry its randomness, which nobody knew before. Openings
//! must be cosigned within the time that the terms give to reports. Then the set is computed; nobody moves last, and nobody coordinates.
//! A party that seals and does not open simply is not in the set: it can take itself out after it has seen the others, and that is all
//! that it can do.

use super::fact::{Cause, Fact};
use super::machine::{Machine, Run};
use super::state::{Offer, SealRecord, Standing, Timer};
use super::transition::{Effect, Rule};
use crate::condition::{Condition, Formula, PartySet, Shares, greatest_fixed_point};
use crate::fraction::Fraction;
use standstill_statement::{self as statement, CommitmentOpening, CommitmentSeal, Name};
use std::collections::BTreeMap;

/// When an entry round closes and ends. Seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRound {
    /// Its number, equal to the window in which it closes.
    pub number: u32,
    /// Seals must be public by then.
    pub sealed_by_unix_seconds: u64,
    /// The beacon round that closes them.
    pub beacon_round: u64,
    /// Time of that beacon round.
    pub beacon_unix_seconds: u64,
    /// Openings must be public by then; the set is computed right after.
    pub opened_by_unix_seconds: u64,
}

impl Machine<'_> {
    /// An entry round; `None` after the last window.
    #[must_use]
    pub fn entry_round(&self, number: u32) -> Option<EntryRound> {
        if u64::from(number) >= self.terms.term_windows {
            return None;
        }
        let sealed_by = self.terms.window_bounds(u64::from(number)).1;
        let beacon = &self.terms.audit.beacon;
        let period = beacon.period_seconds.max(1);
        let beacon_round = sealed_by.saturating_sub(beacon.genesis_unix_seconds).div_ceil(period) + 1;
        let beacon_at = beacon.genesis_unix_seconds.saturating_add((beacon_round - 1).saturating_mul(period));
        let opened_by = beacon_at.saturating_add(self.terms.window.report_within_seconds);
        Some(EntryRound {
            number,
            sealed_by_unix_seconds: sealed_by,
            beacon_round,
            beacon_unix_seconds: beacon_at,
            opened_by_unix_seconds: opened_by,
        })
    }

    /// Time of a beacon round, in seconds since the Unix epoch.
    pub(crate) fn beacon_time(&self, round: u64) -> u64 {
        let beacon = &self.terms.audit.beacon;
        beacon.genesis_unix_seconds.saturating_add(round.saturating_sub(1).saturating_mul(beacon.period_seconds))
    }

    fn position(&self, party: &Name) -> Option<usize> {
        self.names.iter().position(|name| name == party)
    }
}

/// The parties that are bound when these offers stand and those in `bound` are bound already.
///
/// `conditions` are the offers by position in `parties`. Members stay members here whatever they once asked for: their stay conditions are
/// a matter of their own, with a grace period.
#[must_use]
pub fn activate(
    parties: &[Name],
    shares: &Shares,
    bound: PartySet,
    conditions: &BTreeMap<usize, Condition>,
) -> PartySet {
    let condition = |position: usize| {
        let asked = if bound.contains(position) { None } else { conditions.get(&position) };
        Formula::new(asked.unwrap_or(&Condition::ALWAYS), parties, shares)
    };
    let formulas: Vec<Formula> = (0..parties.len()).map(condition).collect();
    let start = conditions.keys().copied().fold(bound, PartySet::with);
    greatest_fixed_point(&formulas, start)
}

/// The condition of a statement as the terms write conditions.
#[must_use]
pub fn condition_of(formula: &statement::Formula) -> Condition {
    let all = |parts: &[statement::Formula]| parts.iter().map(condition_of).collect();
    match formula {
        statement::Formula::AtLeast(count) => Condition::AtLeast(*count),
        statement::Formula::Includes(names) => Condition::Includes(names.iter().cloned().collect()),
        // A share above the whole is refused when the statement is read; should one get here, it can never hold.
        statement::Formula::ShareMillionths(share) => {
            Fraction::new(u64::from(*share), 1_000_000).map_or(Condition::Any(Vec::new()), Condition::Share)
        }
        statement::Formula::All(parts) => Condition::All(all(parts)),
        statement::Formula::Any(parts) => Condition::Any(all(parts)),
    }
}

impl Run<'_, '_> {
    pub(crate) fn ratification(&mut self, fact: &Fact) {
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if record.ratified.is_none() {
            record.ratified = Some(fact.cause());
            self.because(Rule::Ratified, vec![fact.cause()]);
        }
    }

    pub(crate) fn sealed(&mut self, fact: &Fact, body: &CommitmentSeal) {
        let now = self.s.now;
        let Some(round) = self.m.entry_round(body.entry_round) else { return };
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if record.ratified.is_none() {
            return self.ignore(fact, "its issuer has not ratified the terms");
        }
        if record.is_bound() || matches!(record.standing, Standing::Left { expelled: true } | Standing::Ended) {
            return self.ignore(fact, "its issuer is bound already, expelled, or past its term");
        }
        if now > round.sealed_by_unix_seconds {
            self.out.push(Effect::Within { from: round.sealed_by_unix_seconds.saturating_add(1), until: u64::MAX });
            return self.ignore(fact, "it was published after the seals of its entry round were closed");
        }
        if record.seals.values().any(|seal| seal.entry_round == body.entry_round) {
            return self
                .fault(fact, "a second seal for one entry round would leave a choice after the others have opened");
        }
        let seal = SealRecord { entry_round: body.entry_round, seal: body.seal, cause: fact.cause() };
        record.seals.insert(fact.statement, seal);
        if self.s.entry_rounds.insert(body.entry_round) {
            let at = round.opened_by_unix_seconds.saturating_add(1);
            self.s.timers.wall.insert((at, Timer::EntryRound(body.entry_round)));
        }
    }

    pub(crate) fn opened(&mut self, fact: &Fact, body: &CommitmentOpening) {
        match self.opening_problem(fact, body) {
            Ok(round) => self.take_offer(fact, body, round),
            Err((reason, true)) => self.fault(fact, reason),
            Err((reason, false)) => self.ignore(fact, reason),
        }
    }

    /// The entry round of a good opening; else why it does not count and whether that is a fault.
    fn opening_problem(&mut self, fact: &Fact, body: &CommitmentOpening) -> Result<EntryRound, (&'static str, bool)> {
        let record = self.s.parties.get(&fact.issuer).ok_or(("only parties commit themselves", false))?;
        let seal = record.seals.get(&body.commitment).ok_or(("it opens no seal of its issuer that counts", false))?;
        let round = self.m.entry_round(seal.entry_round).ok_or(("its entry round does not exist", false))?;
        if body.beacon_round != round.beacon_round {
            return Err(("it names another beacon round than the one that closes its entry round", false));
        }
        match self.s.beacon.get(&round.beacon_round) {
            None => {
                let need =
                    Effect::NeedsBeacon { round: round.beacon_round, at_unix_seconds: round.beacon_unix_seconds };
                self.out.push(need);
                return Err(("the beacon round that it names is not among the facts", false));
            }
            Some(randomness) if *randomness != body.randomness => {
                return Err(("its randomness is not the beacon's", true));
            }
            Some(_) => {}
        }
        if self.s.now > round.opened_by_unix_seconds {
            return Err(("it was published after the openings of its entry round were closed", false));
        }
        let expected = body.offer.seal(&self.m.id, &fact.issuer, &body.salt);
        if expected.as_ref() != Ok(&seal.seal) {
            return Err(("it is not what was sealed", true));
        }
        if body.offer.valid_until_unix_seconds <= self.s.now {
            return Err(("the offer had run out before it was opened", false));
        }
        Ok(round)
    }

    fn take_offer(&mut self, fact: &Fact, body: &CommitmentOpening, round: EntryRound) {
        let m = self.m;
        let pledge = m.conduct.pledges.get(&fact.issuer);
        let own = body.offer.condition.as_ref().map(condition_of);
        let asked = own.or_else(|| pledge.map(|pledge| pledge.condition.clone())).unwrap_or(Condition::ALWAYS);
        // Who joins must be able to stay: the stay condition of the terms is part of every entry condition.
        let stay = pledge.map_or(Condition::ALWAYS, |pledge| pledge.stay.clone());
        let valid_until = body.offer.valid_until_unix_seconds.min(m.conduct.valid_until_unix_seconds);
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if record.is_bound() {
            return self.ignore(fact, "its issuer is bound already");
        }
        let mut causes: Vec<Cause> =
            record.seals.get(&body.commitment).map(|seal| seal.cause.clone()).into_iter().collect();
        causes.push(fact.cause());
        record.offer = Some(Offer {
            entry_round: round.number,
            condition: Condition::All(vec![asked, stay]),
            valid_until_unix_seconds: valid_until,
            causes: causes.clone(),
        });
        self.s.timers.wall.insert((valid_until, Timer::OfferOver(fact.issuer.clone())));
        self.because(Rule::Opened, causes);
    }

    pub(crate) fn offer_over(&mut self, party: &Name) {
        let now = self.s.now;
        let Some(record) = self.s.parties.get_mut(party) else { return };
        if record.offer.as_ref().is_some_and(|offer| offer.valid_until_unix_seconds <= now) {
            let causes = record.offer.take().map(|offer| offer.causes).unwrap_or_default();
            self.because(Rule::CommitmentLapsed, causes);
        }
    }

    /// Computes the set after the openings of an entry round.
    pub(crate) fn entry_round(&mut self, number: u32) {
        let m = self.m;
        self.s.entry_rounds.remove(&number);
        let mut bound = PartySet::EMPTY;
        let mut conditions = BTreeMap::new();
        for (name, record) in &self.s.parties {
            let Some(position) = m.position(name) else { continue };
            if record.is_bound() {
                bound = bound.with(position);
            } else if let Some(offer) = record.offer.as_ref().filter(|offer| offer.entry_round <= number) {
                conditions.insert(position, offer.condition.clone());
            }
        }
        let joined = activate(&m.names, &m.conduct.shares, bound, &conditions);
        let newcomers: Vec<Name> = m
            .names
            .iter()
            .enumerate()
            .filter(|(at, _)| joined.contains(*at) && !bound.contains(*at))
            .map(|(_, name)| name.clone())
            .collect();
        self.bind(&newcomers);
    }

    fn bind(&mut self, newcomers: &[Name]) {
        if newcomers.is_empty() {
            return;
        }
        let offers = newcomers.iter().filter_map(|name| self.s.parties.get(name)?.offer.as_ref());
        let causes: Vec<Cause> = offers.flat_map(|offer| offer.causes.clone()).collect();
        let ends_at = self.s.ends_at;
        for name in newcomers {
            let until_running = self.after(self.m.conduct.clocks.notice_seconds, Timer::Notice(name.clone()));
            let Some(record) = self.s.parties.get_mut(name) else { continue };
            record.offer = None;
            record.seals.clear();
            record.standing = Standing::Notice { until_running };
            record.bound_by = causes.clone();
            record.bound_until_unix_seconds = ends_at;
            record.stay_fails_until = None;
        }
        self.because(Rule::Activated, causes);
    }

    pub(crate) fn notice_over(&mut self, party: &Name, due: u64) {
        let now = self.s.now;
        let Some(record) = self.s.parties.get_mut(party) else { return };
        if record.standing != (Standing::Notice { until_running: due }) {
            return;
        }
        record.standing = Standing::Bound;
        let causes = record.bound_by.clone();
        self.first_report_after(party, now);
        self.because(Rule::NoticeOver, causes);
    }
}
