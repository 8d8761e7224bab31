//! A challenge asks exactly what report, beacon and agreement determine: nothing in it is the auditor's choice, and nothing that the
//! party can still choose once it knows the beacon enters.

use crate::AuditError;
use crate::beacon::{Beacon, Round};
use crate::draw;
use standstill_statement::{Challenge, Hash32, Name, Response};

/// What is known about a report before it is challenged. Everything comes from the agreement or from cosigned log entries.
///
/// The report must be the one that **counts** for its window, the highest revision that was public by the grace deadline; whoever
/// makes these facts establishes that from the cosigned log.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Agreement id.
    pub agreement: Hash32,
    /// Party that made the report.
    pub party: &'a Name,
    /// Statement hash of the report that counts for its window.
    pub report: Hash32,
    /// Index of the report in the party's log.
    pub report_index: u64,
    /// Grace deadline of the report's window by the terms, in seconds since the Unix epoch: after it no report of that window counts
    /// any more. From the terms alone, never from a cosignature: the party chooses which heads are cosigned, when, and which are shown.
    pub draw_after_unix_seconds: u64,
    /// The agreement's pinned beacon.
    pub beacon: &'a Beacon,
    /// The agreement's delay between grace deadline and round, in seconds; it covers witnesses' clock error.
    pub delay_seconds: u64,
    /// Weight of each group by [`draw::weight`], from the fleet declaration that the report names.
    pub weights: &'a [u64],
    /// Groups that the agreement draws from each report.
    pub groups_per_report: u32,
    /// Time that the agreement gives for an answer, in seconds.
    pub respond_within_seconds: u64,
}

/// What report, beacon and agreement determine about a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Determined {
    /// Seed of the draw.
    pub seed: Hash32,
    /// Groups in the order of the draw.
    pub groups: Vec<u32>,
    /// Earliest deadline that a challenge may set: time of the round plus the agreement's response time.
    pub earliest_respond_by_unix_seconds: u64,
}

/// The only round that may draw from a window: the first that is strictly later than its grace deadline plus the delay. It is
/// known to everybody from the day of the agreement, and no act of the party moves it.
///
/// # Errors
/// [`AuditError::Challenge`] when the times overflow.
pub fn required_round(facts: &Facts<'_>) -> Result<u64, AuditError> {
    facts
        .beacon
        .first_round_after(facts.draw_after_unix_seconds, facts.delay_seconds)
        .ok_or_else(|| refuse(facts, "the window's grace deadline plus the delay is out of range".to_owned()))
}

/// Derives the draw from the beacon round. Auditors make challenges with it, verifiers check them with it.
///
/// # Errors
/// [`AuditError::Challenge`] when the round is not the required one;
/// [`AuditError::Round`] when the round is not genuine; [`AuditError::Draw`] from the draw.
pub fn determine(facts: &Facts<'_>, round: &Round) -> Result<Determined, AuditError> {
    let required = required_round(facts)?;
    if round.round != required {
        let why = format!(
            "it uses beacon round {}; only round {required} may draw, the first after the window's grace deadline and the delay",
            round.round
        );
        return Err(refuse(facts, why));
    }
    let randomness = facts.beacon.verify(round)?;
    let seed = draw::seed(&facts.agreement, &facts.report, &randomness);
    let groups = draw::draw(&seed, facts.weights, facts.groups_per_report)?;
    let earliest = facts.beacon.time_of_round(required).and_then(|time| time.checked_add(facts.respond_within_seconds));
    let earliest_respond_by_unix_seconds =
        earliest.ok_or_else(|| refuse(facts, "its deadline is out of range".to_owned()))?;
    Ok(Determined { seed, groups, earliest_respond_by_unix_seconds })
}

/// Checks that a logged challenge asks what [`determine`] gives: same party, report, round and groups in the same order, and no
/// shorter time to answer. The head that it names must cover the report, and is otherwise free, because nothing is drawn from it;
/// whether it is a root of the party's log is for the caller, who has the log.
///
/// # Errors
/// [`AuditError::Challenge`] naming the first difference, and everything [`determine`] gives.
pub fn check(challenge: &Challenge, facts: &Facts<'_>, round: &Round) -> Result<Determined, AuditError> {
    if challenge.party != *facts.party {
        return Err(refuse(facts, format!("it names party {}, the report is {}'s", challenge.party, facts.party)));
    }
    if challenge.report != facts.report {
        return Err(refuse(facts, format!("it names report {}", challenge.report.short())));
    }
    if challenge.head.size <= facts.report_index {
        let why = format!(
            "its head of size {} does not cover entry {}; name a cosigned head that has the report",
            challenge.head.size, facts.report_index
        );
        return Err(refuse(facts, why));
    }
    if challenge.round != round.round {
        return Err(refuse(
            facts,
            format!("it uses beacon round {}, the bundle has round {}", challenge.round, round.round),
        ));
    }
    let determined = determine(facts, round)?;
    if challenge.groups != determined.groups {
        let why = format!(
            "it asks for groups {:?}; the beacon drew {:?}",
            head_of(&challenge.groups),
            head_of(&determined.groups)
        );
        return Err(refuse(facts, why));
    }
    if challenge.respond_by_unix_seconds < determined.earliest_respond_by_unix_seconds {
        let why = format!(
            "it asks for an answer by {}; the agreement gives until {}",
            challenge.respond_by_unix_seconds, determined.earliest_respond_by_unix_seconds
        );
        return Err(refuse(facts, why));
    }
    Ok(determined)
}

/// Deadline that binds the party: the challenge's own, but never sooner after its publication than the agreement's response time,
/// so that an auditor who publishes late cannot make an answer impossible.
#[must_use]
pub fn deadline(challenge: &Challenge, published_unix_seconds: u64, respond_within_seconds: u64) -> u64 {
    challenge.respond_by_unix_seconds.max(published_unix_seconds.saturating_add(respond_within_seconds))
}

/// How a challenge was answered, group by group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An opening was published by the deadline.
    InTime,
    /// An opening was published after the deadline.
    Late,
    /// There is an answer, but it leaves this group out, and the deadline is past.
    LeftOut,
    /// No answer at all, and the deadline is past.
    Missing,
    /// No opening yet; the deadline is still ahead.
    Pending,
}

impl Answer {
    /// True when the party has failed to open the group in time: late, left out or missing. Each counts as a failed group.
    #[must_use]
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Late | Self::LeftOut | Self::Missing)
    }
}

/// State of one drawn group at `as_of_unix_seconds`. `response` is the party's answer with its quorum time, if there is one.
/// An item for a group that was not drawn counts for nothing.
#[must_use]
pub fn answer(
    group: u32,
    response: Option<(&Response, u64)>,
    deadline_unix_seconds: u64,
    as_of_unix_seconds: u64,
) -> Answer {
    let opened = response.filter(|(response, _)| response.items.iter().any(|item| item.group == group));
    let past = as_of_unix_seconds > deadline_unix_seconds;
    match opened {
        Some((_, published)) if published <= deadline_unix_seconds => Answer::InTime,
        Some(_) => Answer::Late,
        None if past && response.is_some() => Answer::LeftOut,
        None if past => Answer::Missing,
        None => Answer::Pending,
    }
}

fn refuse(facts: &Facts<'_>, why: String) -> AuditError {
    AuditError::Challenge { report: facts.report, why }
}

/// The first groups of a list, so that a hostile challenge cannot make an endless message.
fn head_of(groups: &[u32]) -> &[u32] {
    groups.get(..8).unwrap_or(groups)
}

#[cfg(test)]
mod tests;
