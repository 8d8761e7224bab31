//! Staying, reporting, suspending and leaving.

use super::fact::Fact;
use super::machine::Run;
use super::state::{Leaving, Standing, Timer};
use super::transition::{Rule, Subject};
use crate::condition::PartySet;
use crate::terms::Phase;
use standstill_statement::{Acknowledgement, Hash32, Name};

impl Run<'_, '_> {
    /// The first window that begins when duties hold is the first that must be reported.
    pub(crate) fn first_report_after(&mut self, party: &Name, now: u64) {
        let start = self.m.terms.start_unix_seconds;
        let window = now.saturating_sub(start).div_ceil(self.m.terms.window.window_seconds.max(1));
        self.await_report(party, window);
    }

    fn await_report(&mut self, party: &Name, window: u64) {
        let deadline = self.m.terms.grace_deadline(window).saturating_add(1);
        let wait = deadline.saturating_sub(self.s.now);
        self.after(wait, Timer::Report(party.clone(), window));
        if let Some(record) = self.s.parties.get_mut(party) {
            record.due_window = Some(window);
            record.reported.retain(|reported| *reported >= window);
        }
    }

    pub(crate) fn report(&mut self, fact: &Fact, window: u64) {
        let last = self.last_window();
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if window >= last {
            return self.ignore(fact, "the window that it reports on is after the end of the agreement");
        }
        // One that was public before its window was over is there too, and a breach: that is for the verdict. Were it refused here, an
        // earlier head would turn a report into a missing one.
        if record.missing.remove(&window) {
            self.because(Rule::ReportLate, vec![fact.cause()]);
            let name = fact.issuer.clone();
            let text = format!("missing report of window {window}");
            self.moved(Subject::Party(name), &text, "reported late", Rule::ReportLate, vec![fact.cause()]);
        } else if record.due_window.is_none_or(|due| window >= due) {
            record.reported.insert(window);
        }
    }

    /// Number of windows of all terms so far.
    fn last_window(&self) -> u64 {
        self.m.terms.term_windows.saturating_mul(u64::from(self.s.renewals) + 1)
    }

    pub(crate) fn report_due(&mut self, party: &Name, window: u64) {
        let last = self.last_window();
        let Some(record) = self.s.parties.get_mut(party) else { return };
        if record.due_window != Some(window) || !matches!(record.standing, Standing::Bound | Standing::Releasing { .. })
        {
            return;
        }
        let missed = !record.reported.contains(&window);
        if missed {
            record.missing.insert(window);
            let text = format!("missing report of window {window}");
            self.because(Rule::ReportMissing, Vec::new());
            self.moved(Subject::Party(party.clone()), "due", &text, Rule::ReportMissing, Vec::new());
        }
        if window + 1 < last {
            self.await_report(party, window + 1);
        }
    }

    /// After an outage that was longer than the terms allow, everybody is asked whether it is still there.
    pub(crate) fn ask_for_signs_of_life(&mut self) {
        let wait = self.m.conduct.clocks.clarification_seconds;
        for name in self.s.bound() {
            let due = self.after(wait, Timer::SignOfLife(name.clone()));
            if let Some(record) = self.s.parties.get_mut(&name) {
                record.sign_of_life_due = Some(due);
            }
        }
    }

    pub(crate) fn sign_of_life_due(&mut self, party: &Name, due: u64) {
        let Some(record) = self.s.parties.get_mut(party) else { return };
        if record.sign_of_life_due == Some(due) {
            record.sign_of_life_due = None;
            record.silent = true;
            self.because(Rule::AnswerMissed, Vec::new());
            self.moved(Subject::Party(party.clone()), "asked", "silent", Rule::AnswerMissed, Vec::new());
        }
    }

    /// Starts and ends the grace periods of stay conditions. A condition that holds again within the grace period has cost nothing.
    pub(crate) fn stay_conditions(&mut self) {
        let m = self.m;
        let verified: PartySet = m
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| self.s.parties.get(*name).is_some_and(|r| r.is_verified()))
            .map(|(at, _)| at)
            .collect();
        for (position, name) in m.names.iter().enumerate() {
            let holds = m.stay.get(position).is_none_or(|stay| stay.holds(verified.without(position)));
            let Some(record) = self.s.parties.get(name) else { continue };
            let counts = matches!(record.standing, Standing::Notice { .. } | Standing::Bound);
            match (counts, holds, record.stay_fails_until) {
                (true, false, None) => self.stay_fails(name),
                (true, true, Some(_)) => {
                    self.set_stay(name, None);
                    self.moved(Subject::Party(name.clone()), "grace", "stays", Rule::StayHolds, self.present_causes());
                }
                (false, _, Some(_)) => self.set_stay(name, None),
                _ => {}
            }
        }
    }

    fn set_stay(&mut self, party: &Name, until: Option<u64>) {
        if let Some(record) = self.s.parties.get_mut(party) {
            record.stay_fails_until = until;
        }
    }

    fn stay_fails(&mut self, party: &Name) {
        let grace = self.m.conduct.pledges.get(party).map_or(0, |pledge| pledge.grace_seconds);
        let due = self.after(grace, Timer::Grace(party.clone()));
        self.set_stay(party, Some(due));
        self.moved(Subject::Party(party.clone()), "stays", "grace", Rule::StayFails, self.present_causes());
    }

    pub(crate) fn grace_over(&mut self, party: &Name, due: u64) {
        let Some(record) = self.s.parties.get_mut(party) else { return };
        if record.stay_fails_until != Some(due) || !record.is_bound() {
            return;
        }
        record.stay_fails_until = None;
        self.because(Rule::GraceOver, Vec::new());
        self.release(party, 0);
    }

    /// A release goes through the steps of resumption that slow, so that it is never a jump to full speed; from the normal phase it is
    /// immediate, because nothing is held back there.
    fn release(&mut self, party: &Name, step: usize) {
        let held = self.s.phase.max(self.scheduled()) > Phase::Normal;
        let standing = match self.m.conduct.resumption.get(step).copied() {
            Some(rung) if held => {
                let until_running = self.after(rung.hold_seconds, Timer::Release(party.clone()));
                Standing::Releasing { step, phase: rung.phase, until_running }
            }
            _ => Standing::Left { expelled: false },
        };
        if let Some(record) = self.s.parties.get_mut(party) {
            record.standing = standing;
            if !record.is_bound() {
                record.leave();
            }
        }
    }

    pub(crate) fn release_step(&mut self, party: &Name, due: u64) {
        let standing = self.s.parties.get(party).map(|record| record.standing.clone());
        let Some(Standing::Releasing { step, until_running, .. }) = standing else { return };
        if until_running == due {
            self.because(Rule::StepOver, Vec::new());
            self.release(party, step + 1);
        }
    }

    pub(crate) fn suspension(&mut self, fact: &Fact, suspended: bool) {
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if record.suspended.is_some() == suspended {
            return self.ignore(fact, "it changes nothing");
        }
        record.suspended = suspended.then(|| fact.cause());
        let rule = if suspended { Rule::SelfSuspended } else { Rule::SuspensionEnded };
        // Where the phase does not show it, the timeline says it all the same: it counts for the stay conditions of the others.
        if !matches!(record.standing, Standing::Bound) {
            let (from, to) = if suspended { ("keeps", "self-suspended") } else { ("self-suspended", "keeps") };
            self.moved(Subject::Party(fact.issuer.clone()), from, to, rule, vec![fact.cause()]);
        }
        let Some(record) = self.s.parties.get(&fact.issuer) else { return };
        if suspended && record.is_bound() {
            self.anomaly(vec![fact.cause()]);
        }
        self.because(rule, vec![fact.cause()]);
    }

    pub(crate) fn withdrawal(&mut self, fact: &Fact) {
        let wait = self.m.conduct.pledges.get(&fact.issuer).map_or(0, |pledge| pledge.withdraw_seconds);
        let Some(record) = self.s.parties.get_mut(&fact.issuer) else { return };
        if record.leaving.is_some() {
            return self.ignore(fact, "its issuer has given notice already");
        }
        if !record.is_bound() {
            if record.offer.is_none() && record.seals.is_empty() {
                return self.ignore(fact, "its issuer is not bound and has no offer, so there is nothing to withdraw");
            }
            // Nobody has relied on it yet: an offer that has bound nobody is taken back at once.
            record.offer = None;
            record.seals.clear();
            return self.because(Rule::WithdrawalNotice, vec![fact.cause()]);
        }
        let due = self.after(wait, Timer::Withdrawal(fact.issuer.clone()));
        let leaving = Leaving { until_running: due, held_since: None, cause: fact.cause() };
        if let Some(record) = self.s.parties.get_mut(&fact.issuer) {
            record.leaving = Some(leaving);
        }
        let subject = Subject::Party(fact.issuer.clone());
        self.moved(subject, "stays", "withdrawing", Rule::WithdrawalNotice, vec![fact.cause()]);
    }

    pub(crate) fn withdrawal_over(&mut self, party: &Name, due: u64) {
        let now = self.s.now;
        let held = self.inspection_holds(party, now);
        let Some(record) = self.s.parties.get_mut(party) else { return };
        let Some(leaving) = record.leaving.as_mut().filter(|leaving| leaving.until_running == due) else { return };
        let cause = leaving.cause.clone();
        if held {
            leaving.held_since = Some(now);
            let subject = Subject::Party(party.clone());
            return self.moved(subject, "withdrawing", "held", Rule::WithdrawalHeld, vec![cause]);
        }
        record.standing = Standing::Left { expelled: false };
        record.leave();
        self.because(Rule::WithdrawalOver, vec![cause]);
    }

    /// An inspection ended: withdrawals that waited for it take effect.
    pub(crate) fn release_withdrawals(&mut self) {
        let waiting: Vec<(Name, u64)> = self
            .s
            .parties
            .iter()
            .filter_map(|(name, record)| Some((name.clone(), record.leaving.as_ref()?.held_since?)))
            .collect();
        for (name, since) in waiting {
            // Only inspections asked for before the notice ran out hold a party, or new ones could hold it for ever.
            if self.inspection_holds(&name, since) {
                continue;
            }
            let Some(record) = self.s.parties.get_mut(&name) else { continue };
            let causes = record.leaving.as_ref().map(|leaving| leaving.cause.clone()).into_iter().collect();
            record.standing = Standing::Left { expelled: false };
            record.leave();
            self.because(Rule::WithdrawalOver, causes);
        }
    }

    pub(crate) fn expel(&mut self, party: &Name) {
        if let Some(record) = self.s.parties.get_mut(party) {
            record.standing = Standing::Left { expelled: true };
            record.leave();
        }
    }

    /// The term is over for everybody whose part of it is over.
    pub(crate) fn expire(&mut self) {
        let now = self.s.now;
        let over = now >= self.s.ends_at;
        for record in self.s.parties.values_mut() {
            let own = record.is_bound() && now >= record.bound_until_unix_seconds;
            if own || over {
                record.standing = Standing::Ended;
                record.leave();
            }
        }
        if over {
            self.s.phase = Phase::Normal;
            self.s.resumption = None;
        }
        self.because(Rule::Expired, Vec::new());
    }

    pub(crate) fn acknowledgement(&mut self, fact: &Fact, body: &Acknowledgement) {
        if let Some(record) = self.s.parties.get_mut(&fact.issuer) {
            record.acknowledged = Some((body.phase.clone(), body.cause));
        }
    }

    /// Parties that may vote now.
    pub(crate) fn voters(&self, without: &[&Name]) -> Vec<Name> {
        self.s.voters(without)
    }

    /// A party did not answer a case or question in time, or has answered after all.
    pub(crate) fn set_unanswered(&mut self, party: &Name, what: Hash32, unanswered: bool) {
        if let Some(record) = self.s.parties.get_mut(party) {
            if unanswered {
                record.unanswered.insert(what);
            } else {
                record.unanswered.remove(&what);
            }
        }
    }
}

impl super::state::PartyRecord {
    /// Clears what only binds members.
    fn leave(&mut self) {
        self.offer = None;
        self.seals.clear();
        self.leaving = None;
        self.due_window = None;
        self.missing.clear();
        self.stay_fails_until = None;
        self.sign_of_life_due = None;
        self.silent = false;
    }
}
