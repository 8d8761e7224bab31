//! Ballots: one vote for each voter, subject and epoch.
//!
//! Which votes count is a matter of quorum times: a vote counts when it was public while its epoch was open. Two different votes of one
//! voter in one epoch are proof against it; from the second on neither counts. A decision that was carried before stands.

use super::barred::NO_VOTER;
use super::fact::{Cause, Fact};
use super::machine::Run;
use super::state::{Standing, Timer};
use super::transition::{Effect, Rule, Subject};
use standstill_statement::{Choice, Hash32, Matter, Name, Vote};
use std::collections::{BTreeMap, BTreeSet};

/// Matter, subject, epoch.
pub(crate) type BallotId = (Matter, Hash32, u32);

/// Votes of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) votes: BTreeMap<Name, (Choice, Cause)>,
    /// Voters who voted both ways.
    pub(crate) spoiled: BTreeSet<Name>,
}

impl Ballot {
    /// Votes for it among those who may vote.
    pub(crate) fn yes(&self, voters: &[Name]) -> u64 {
        let counts = |name: &&Name| matches!(self.votes.get(*name), Some((Choice::Yes, _)));
        voters.iter().filter(counts).count() as u64
    }

    /// The statements of the votes for it.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        self.votes.values().filter(|(choice, _)| *choice == Choice::Yes).map(|(_, cause)| cause.clone()).collect()
    }
}

/// Votes that begin a resumption: more than (parties + faulty) / 2, so that two decisions always share an honest voter; never more than all.
pub(crate) fn resume_quorum(bound: u64, faulty: u64) -> u64 {
    ((bound + faulty) / 2 + 1).min(bound)
}

impl Run<'_, '_> {
    pub(crate) fn vote(&mut self, fact: &Fact, vote: &Vote) {
        match vote.matter {
            Matter::Lift => self.vote_lift(fact, vote),
            Matter::Violation => self.vote_violation(fact, vote),
            Matter::Expulsion => self.vote_expulsion(fact, vote),
            Matter::Renewal => self.vote_renewal(fact, vote),
        }
    }

    /// Puts a vote of an eligible voter into the ballot of its epoch. `open` is the epoch that is open now.
    /// True when the vote counts.
    pub(crate) fn cast(&mut self, fact: &Fact, vote: &Vote, open: Option<u32>, voters: &[Name]) -> bool {
        if open != Some(vote.epoch) {
            let words = open.map_or_else(
                || "no vote on it is open".to_owned(),
                |open| format!("it votes in epoch {}, and epoch {open} was open when it was published", vote.epoch),
            );
            self.ignore(fact, words);
            return false;
        }
        if !voters.contains(&fact.issuer) {
            self.ignore(fact, NO_VOTER);
            return false;
        }
        // Closed epochs decide nothing any more.
        let current = (vote.matter, vote.subject, vote.epoch);
        self.s.ballots.retain(|(matter, subject, epoch), _| {
            (*matter, *subject) != (vote.matter, vote.subject) || *epoch >= vote.epoch
        });
        let ballot = self.s.ballots.entry(current).or_default();
        if ballot.spoiled.contains(&fact.issuer) {
            self.ignore(fact, "its issuer has voted both ways in this epoch");
            return false;
        }
        match ballot.votes.get(&fact.issuer).map(|(choice, _)| *choice) {
            None => {
                ballot.votes.insert(fact.issuer.clone(), (vote.choice, fact.cause()));
                true
            }
            Some(choice) if choice == vote.choice => {
                self.ignore(fact, "it repeats an earlier vote");
                false
            }
            Some(_) => {
                ballot.votes.remove(&fact.issuer);
                ballot.spoiled.insert(fact.issuer.clone());
                self.fault(fact, "its issuer voted both ways in one epoch; neither vote counts");
                false
            }
        }
    }

    /// Votes for it so far, and its statements.
    pub(crate) fn tally(&self, id: &BallotId, voters: &[Name]) -> (u64, Vec<Cause>) {
        self.s.ballots.get(id).map_or((0, Vec::new()), |ballot| (ballot.yes(voters), ballot.causes()))
    }

    /// Says from when to when the present epoch lasts. An outage since it began makes its beginning too late and never too early.
    pub(crate) fn within_epoch(&mut self, begun_running: u64, within_seconds: u64) {
        let (now, running, length) = (self.s.now, self.running_now(), within_seconds.max(1));
        let (from, end_running) = match running.checked_sub(begun_running) {
            None => (0, begun_running),
            Some(elapsed) => (now.saturating_sub(elapsed % length), running - elapsed % length + length),
        };
        self.out.push(Effect::Within { from, until: self.s.clock.wall_of(end_running) });
    }

    fn vote_renewal(&mut self, fact: &Fact, vote: &Vote) {
        let voters = self.voters(&[]);
        // Once a renewal is carried, others may still join it until the old term is over.
        let late = self.s.renewals.checked_sub(1).filter(|carried| vote.epoch == *carried);
        let open = late.filter(|_| self.in_old_term(&fact.issuer)).or(Some(self.s.renewals));
        if !self.cast(fact, vote, open, &voters) || vote.choice == Choice::No {
            return;
        }
        if late.is_some() {
            return self.extend(std::slice::from_ref(&fact.issuer), vec![fact.cause()]);
        }
        let (yes, causes) = self.tally(&(vote.matter, vote.subject, vote.epoch), &voters);
        if yes < self.m.conduct.renew.of(voters.len() as u64) || yes == 0 {
            return;
        }
        let term = self.m.terms.term_windows.saturating_mul(self.m.terms.window.window_seconds);
        self.s.ends_at = self.s.ends_at.saturating_add(term);
        self.s.renewals += 1;
        self.s.timers.wall.insert((self.s.ends_at, Timer::Expiry));
        let renewed: Vec<Name> = causes.iter().map(|cause| cause.issuer.clone()).collect();
        self.moved(Subject::Agreement, "term", "renewed", Rule::Renewed, causes.clone());
        self.extend(&renewed, causes);
    }

    fn in_old_term(&self, party: &Name) -> bool {
        let record = self.s.parties.get(party);
        record.is_some_and(|record| record.is_bound() && record.bound_until_unix_seconds < self.s.ends_at)
    }

    /// Only who votes for a renewal is bound beyond its own term.
    fn extend(&mut self, parties: &[Name], causes: Vec<Cause>) {
        let ends_at = self.s.ends_at;
        for name in parties {
            if let Some(record) = self.s.parties.get_mut(name)
                && matches!(record.standing, Standing::Notice { .. } | Standing::Bound)
            {
                record.bound_until_unix_seconds = ends_at;
            }
        }
        self.because(Rule::Renewed, causes);
    }
}
