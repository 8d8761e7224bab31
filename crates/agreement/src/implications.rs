//! What terms imply that no single line of them says: how many audits, how many corrupt witnesses, how long until a breach is found.

use crate::amount::duration;
use crate::check::{case_steps, evidence_seconds};
use crate::condition::{PartySet, greatest_fixed_point};
use crate::coordination::check::audits;
use crate::terms::{Agreement, Phase};
use standstill_statement::Name;
use std::fmt;

/// Most parties for which the smallest group that can be bound is searched for among all groups.
const SEARCHED_PARTIES: usize = 16;
const DAY: u64 = 86_400;

/// What terms imply. Lengths are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implications {
    /// Draws from the reports of one party, per day.
    pub audits_per_day: Rate,
    /// Draws from each report that the stated probability needs; `None` when the terms state none.
    pub needed_per_report: Option<u64>,
    /// Witnesses that may be corrupt without a log being able to show two histories.
    pub fork_tolerance: usize,
    /// Witnesses that may be silent without stopping the logs.
    pub outage_tolerance: usize,
    /// Steps from a breach to the decision about it, each with its longest time, in order.
    pub breach_to_finding: Vec<(&'static str, u64)>,
    /// When duties begin; `None` when the agreement follows a schedule only.
    pub activation: Option<ActivationTerms>,
    /// Longest time for which an outage stops the clocks; `None` without clocks.
    pub longest_freeze_seconds: Option<u64>,
    /// Shortest and longest time in the phase that each trigger calls for, without the steps of resumption and without a new raising.
    pub triggers: Vec<TriggerTimes>,
    /// Whole time of the steps of resumption.
    pub resumption_seconds: u64,
}

/// So many in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many seconds.
    pub seconds: u64,
}

/// When duties begin, counted from the moment at which enough commitments are cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationTerms {
    /// The smallest groups that can be bound: how many parties, and how many such groups; `None` when there are too many parties to search.
    pub smallest: Option<(usize, usize)>,
    /// Parties without which nobody is bound.
    pub indispensable: Vec<Name>,
    /// From activation to the start of duties.
    pub notice_seconds: u64,
    /// From activation until bounds hold for running work.
    pub in_force_seconds: u64,
    /// Last moment for activation. Seconds since the Unix epoch.
    pub valid_until_unix_seconds: u64,
}

/// Times of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerTimes {
    /// Its name.
    pub id: Name,
    /// What it calls for.
    pub phase: Phase,
    /// Not lifted before.
    pub shortest_seconds: u64,
    /// Lapses after.
    pub longest_seconds: u64,
}

impl Agreement {
    /// What the terms imply.
    #[must_use]
    pub fn implications(&self) -> Implications {
        let audit = &self.audit;
        let quorum = crate::policy::read(&self.witnesses).ok().map(|policy| policy.quorum);
        let conduct = self.conduct();
        let case = conduct.map(|conduct| case_steps(&conduct.clocks, &conduct.inspection));
        let needed =
            self.coordination.detect.as_ref().map(|detect| {
                audits::question(detect, audit).draws_per(self.window.window_seconds).unwrap_or(u64::MAX)
            });
        Implications {
            audits_per_day: Rate { count: u64::from(audit.groups_per_report), seconds: self.window.window_seconds },
            needed_per_report: needed,
            fork_tolerance: quorum.as_ref().map_or(0, |quorum| quorum.shared.saturating_sub(1)),
            outage_tolerance: quorum.as_ref().map_or(0, |quorum| quorum.breaking.saturating_sub(1)),
            breach_to_finding: evidence_seconds(&self.window, audit)
                .into_iter()
                .chain(case.into_iter().flatten())
                .collect(),
            activation: self.activation_terms(),
            longest_freeze_seconds: conduct.map(|conduct| conduct.clocks.freeze_on_outage_seconds),
            triggers: conduct.map(|conduct| conduct.triggers.iter().map(times).collect()).unwrap_or_default(),
            resumption_seconds: conduct
                .map_or(0, |conduct| conduct.resumption.iter().map(|step| step.hold_seconds).sum()),
        }
    }

    fn activation_terms(&self) -> Option<ActivationTerms> {
        let conduct = self.conduct()?;
        let formulas = conduct.entry_formulas(&self.party_names());
        let everybody = PartySet::first(self.parties.len());
        let needed: PartySet = everybody
            .iter()
            .filter(|position| greatest_fixed_point(&formulas, everybody.without(*position)).is_empty())
            .collect();
        let consistent = |set: PartySet| set.iter().all(|position| formulas[position].holds(set.without(position)));
        let smallest = (self.parties.len() <= SEARCHED_PARTIES).then(|| {
            let mut groups = vec![0usize; self.parties.len() + 1];
            for bits in 1u64..1 << self.parties.len() {
                let set: PartySet = (0..self.parties.len()).filter(|position| bits >> position & 1 == 1).collect();
                groups[set.len() as usize] += usize::from(consistent(set));
            }
            let size = groups.iter().position(|count| *count > 0)?;
            Some((size, groups[size]))
        });
        let clocks = &conduct.clocks;
        Some(ActivationTerms {
            smallest: smallest.flatten(),
            indispensable: self.names_of(needed),
            notice_seconds: clocks.notice_seconds,
            in_force_seconds: clocks.notice_seconds.saturating_add(clocks.winding_down_seconds),
            valid_until_unix_seconds: conduct.valid_until_unix_seconds,
        })
    }
}

fn times(trigger: &crate::coordination::Trigger) -> TriggerTimes {
    TriggerTimes {
        id: trigger.id.clone(),
        phase: trigger.phase,
        shortest_seconds: trigger.lift.after_seconds,
        longest_seconds: trigger.expires_seconds,
    }
}

impl Implications {
    /// Longest time from a breach to the decision about it, without outages.
    #[must_use]
    pub fn worst_seconds(&self) -> u64 {
        self.breach_to_finding.iter().map(|(_, seconds)| seconds).fold(0, |sum, seconds| sum.saturating_add(*seconds))
    }
}

/// `12`, or `0.5` and `3.43` rounded down to hundredths, per day.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u128::from(self.count) * u128::from(DAY) * 100 / u128::from(self.seconds.max(1));
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, rest) => write!(f, "{whole}.{rest:02}"),
        }
    }
}

fn days(seconds: u64) -> String {
    let hundredths = u128::from(seconds) * 100 / u128::from(DAY);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl fmt::Display for Implications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |count: usize| if count == 1 { "" } else { "es" };
        write!(f, "audits       {} draws a day from each party", self.audits_per_day)?;
        match self.needed_per_report {
            Some(needed) => writeln!(
                f,
                "; the stated probability needs {needed} of the {} in each report",
                self.audits_per_day.count
            )?,
            None => writeln!(f, "; the terms do not say what they must find")?,
        }
        let (fork, outage) = (self.fork_tolerance, self.outage_tolerance);
        writeln!(
            f,
            "witnesses    {fork} corrupt witness{} cannot fork a log; {outage} silent one{} cannot stop it",
            s(fork),
            if outage == 1 { "" } else { "s" }
        )?;
        if let Some(activation) = &self.activation {
            activation.fmt(f)?;
        }
        for trigger in &self.triggers {
            let (shortest, longest) = (duration(trigger.shortest_seconds), duration(trigger.longest_seconds));
            writeln!(
                f,
                "trigger      {}: {} for {shortest} to {longest} unless it is raised again",
                trigger.id, trigger.phase
            )?;
        }
        if self.resumption_seconds > 0 {
            writeln!(f, "way back     at least {} after a pause", duration(self.resumption_seconds))?;
        }
        if let Some(freeze) = self.longest_freeze_seconds {
            writeln!(f, "outages      stop the clocks for at most {}", duration(freeze))?;
        }
        writeln!(f, "\nFrom a breach to the decision, at worst{:>14}", "days")?;
        for (step, seconds) in &self.breach_to_finding {
            writeln!(f, "  {step:<36}{:>14}", days(*seconds))?;
        }
        writeln!(f, "  {:<36}{:>14}", "together", days(self.worst_seconds()))?;
        if let Some(freeze) = self.longest_freeze_seconds {
            writeln!(
                f,
                "  {:<36}{:>14}",
                "with the longest outage",
                days(self.worst_seconds().saturating_add(freeze))
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ActivationTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "activation   ")?;
        match self.smallest {
            Some((1, 1)) => write!(f, "as soon as one party has committed")?,
            Some((size, 1)) => write!(f, "as soon as {size} parties have committed (one group can)")?,
            Some((size, groups)) => write!(f, "as soon as {size} parties have committed ({groups} groups can)")?,
            None => write!(f, "as soon as the conditions of a group hold")?,
        }
        let (notice, force) = (duration(self.notice_seconds), duration(self.in_force_seconds));
        writeln!(f, "; duties after {notice}, bounds for running work after {force}")?;
        writeln!(f, "             not after {}", standstill_statement::time::utc(self.valid_until_unix_seconds))?;
        if !self.indispensable.is_empty() {
            let names: Vec<&str> = self.indispensable.iter().map(Name::as_str).collect();
            writeln!(f, "             nobody is bound without {}", names.join(", nor without "))?;
        }
        Ok(())
    }
}
