//! Up to which moment nothing that can still turn up changes what happened, and why not further.
//!
//! Three things can change a result. A statement that is not at hand: excluded up to the moment at which its log was last shown whole. A
//! beacon round that is not at hand. And an earlier time for a statement at hand, because somebody holds an earlier head that covers it:
//! the true moment lies after the last head without it and at or before the first known head with it. That the time itself moves within
//! this interval is no contradiction. The rules here find every place where it could change *what* happened
//! (with the numbers of `docs/formats/runtime.md`, section 8; 1 and 2 are the statements and rounds that are not at hand):
//!
//! 3. something changed or a clock ran out in the interval, before the statement counted, and not because of its own log, whose order is
//!    fixed. For reports, and for statements that decide nothing, only changes of the clock and of their own party count, unless such a
//!    statement changes something itself. What the terms alone refuse decides nothing, wherever it lies;
//! 4. the statement would count differently in the interval, because an epoch of votes began or a round was closed;
//! 5. a clock that a statement started runs out, and so could have run out earlier by as much as the statement could have been public
//!    earlier: nothing that decides anything may lie in between;
//! 6. an outage could have begun between two publications, were the first one earlier;
//! 7. another statement in the interval had no effect, or none that is seen, and might have had one (or another one) after this statement:
//!    a ruling that was public before its dispute is ignored, and is not when the dispute was public earlier. `Topic::commutes` has the pairs of
//!    which neither order makes a difference.

#[cfg(test)]
mod tests;
mod topic;

use super::clock::Clock;
use super::fact::{Fact, Facts, Reach, reach};
use super::machine::{Event, Machine};
use super::transition::{Effect, Subject};
use standstill_statement::{Name, time};
use std::collections::BTreeMap;
use topic::Topic;

/// Most reasons that are shown.
const MOST_REASONS: usize = 8;

/// Most quiet statements between the two times of one statement that are looked at one by one; with more, none of them is taken to commute.
const MOST_QUIET: usize = 4096;

/// What changed.
enum About {
    Clock,
    Party(Name),
    Whole,
}

/// Something changed or a clock ran out.
struct Change {
    at: u64,
    about: About,
    /// Issuer of the statement that did it; `None` for a clock.
    by: Option<Name>,
}

/// A statement that decides something but changed nothing that is seen: a first vote of three, or one without effect.
struct Quiet {
    at: u64,
    by: Name,
    topic: Topic,
    ignored: bool,
}

/// What came of the statement that counts now.
#[derive(Clone, Copy, Default)]
struct Outcome {
    /// It can count in some state.
    able: bool,
    moved: bool,
    ignored: bool,
    /// It takes back an earlier vote of its issuer.
    fault: bool,
}

/// Follows a replay and finds the first moment that is not settled.
pub(crate) struct Settling {
    as_of: u64,
    limits: BTreeMap<u64, String>,
    /// In order of time.
    changes: Vec<Change>,
    /// Statements that changed nothing that is seen, in order of time.
    quiet: Vec<Quiet>,
    /// Earliest and known time of the statement that counts now.
    now: (u64, u64),
    /// What came of it so far.
    outcome: Outcome,
    /// Time of the last statement that decides anything.
    last_deciding: Option<u64>,
    /// The longest time by which a statement so far that starts clocks could have been public earlier.
    slack: u64,
    /// The same for all statements: after an outage, every clock hangs on every publication.
    any_slack: u64,
    /// An outage has stopped the clock.
    stopped: bool,
    /// The earliest time that the last publication by anybody can have.
    surely_published: u64,
}

impl Settling {
    /// The start of a replay: logs that are not shown whole up to its end limit what is settled.
    pub(crate) fn new(machine: &Machine<'_>, facts: &Facts, as_of: u64) -> Self {
        let mut new = Self {
            as_of,
            limits: BTreeMap::new(),
            changes: Vec::new(),
            quiet: Vec::new(),
            now: (0, 0),
            outcome: Outcome::default(),
            last_deciding: None,
            slack: 0,
            any_slack: 0,
            stopped: false,
            surely_published: 0,
        };
        for issuer in machine.names.iter().chain(machine.terms.roles.iter().map(|role| &role.id)) {
            let until = facts.shown_until.get(issuer).copied().unwrap_or(0);
            if until < as_of {
                let ask = "ask witnesses to cosign its last head again";
                new.limit(until, || format!("the log of {issuer} is shown whole only up to then; {ask}"));
            }
        }
        new
    }

    fn limit(&mut self, at: u64, words: impl FnOnce() -> String) {
        if at < self.as_of {
            self.limits.entry(at).or_insert_with(words);
        }
    }

    /// A statement is about to count; every clock up to `at` has run. `able` is false when the terms alone refuse it.
    pub(crate) fn statement(&mut self, fact: &Fact, at: u64, clock: &Clock, able: bool) {
        self.outcome = Outcome { able, ..Outcome::default() };
        let surely = fact.not_before_unix_seconds.saturating_add(1).min(at);
        if let Some(stop) = clock.would_have_stopped(self.surely_published, at) {
            self.limit(stop.saturating_sub(1), || "an outage may have stopped the clocks from then on".to_owned());
        }
        self.surely_published = self.surely_published.max(surely);
        let decides = self.decides(fact);
        self.order(fact, surely, |change| match &change.about {
            About::Clock => true,
            About::Party(name) => decides || reach(&fact.body) == Reach::OwnReports && *name == fact.issuer,
            About::Whole => decides,
        });
        self.now = (surely, at);
        self.any_slack = self.any_slack.max(at - surely);
        if decides {
            self.slack = self.slack.max(at - surely);
            self.last_deciding = Some(at);
        }
        if self.stopped {
            self.slack = self.slack.max(self.any_slack);
        }
    }

    /// Whether it changes more than the clock and, for a report, its party.
    fn decides(&self, fact: &Fact) -> bool {
        self.outcome.able && reach(&fact.body) == Reach::Whole
    }

    /// A statement has counted. One without effect has none at any earlier place either, unless something changed in between, which `order`
    /// has seen to: so it takes part here only as the earlier of two.
    pub(crate) fn counted(&mut self, fact: &Fact) {
        let Outcome { able, moved, ignored, fault } = self.outcome;
        let report = reach(&fact.body) == Reach::OwnReports;
        if !able || !(self.decides(fact) || report && ignored) {
            return;
        }
        let ((surely, at), topic) = (self.now, Topic::of(&fact.body));
        if !ignored && !report {
            let first = self.quiet.partition_point(|quiet| quiet.at < surely);
            let could_follow = |quiet: &Quiet| quiet.by != fact.issuer && (quiet.at > surely || quiet.by > fact.issuer);
            let matters = |quiet: &Quiet| (quiet.ignored || moved) && !quiet.topic.commutes(topic);
            let between = &self.quiet[first..];
            // A log that shows its first head late could make this as long as the record, for each of its statements.
            let met = match between.first() {
                Some(first) if between.len() > MOST_QUIET => Some(first),
                _ => between.iter().find(|quiet| could_follow(quiet) && matters(quiet)),
            };
            if let Some((moment, by)) = met.map(|quiet| (quiet.at, quiet.by.clone())) {
                self.limit(moment.saturating_sub(1), || {
                    let (index, issuer, when) = (fact.index, &fact.issuer, time::utc(moment));
                    format!(
                        "entry {index} of {issuer} may have been public before {when}, and then what {by} said at that time would count otherwise"
                    )
                });
            }
        }
        if ignored || !moved {
            // One that takes an earlier vote back is no longer one of two that add up.
            let topic = if fault { Topic::Other } else { topic };
            self.quiet.push(Quiet { at, by: fact.issuer.clone(), topic, ignored });
        }
    }

    /// Whether a change that concerns a statement lies between its earliest and its known time. A clock that runs out in the very second
    /// does so before the statement; of two statements of one second the names decide.
    fn order(&mut self, fact: &Fact, surely: u64, concerns: impl Fn(&Change) -> bool) {
        let first = self.changes.partition_point(|change| change.at < surely);
        let could_follow = |change: &Change| match &change.by {
            None => change.at > surely,
            Some(by) => change.at > surely && *by != fact.issuer || *by > fact.issuer,
        };
        let between = self.changes[first..].iter().find(|change| could_follow(change) && concerns(change));
        if let Some(moment) = between.map(|change| change.at) {
            self.limit(moment.saturating_sub(1), || {
                let (index, issuer, when) = (fact.index, &fact.issuer, time::utc(moment));
                format!(
                    "entry {index} of {issuer} may have been public before {when}, when something changed without it"
                )
            });
        }
    }

    /// Something came of a step.
    pub(crate) fn effect(&mut self, effect: &Effect, event: &Event<'_>) {
        match effect {
            Effect::Moved(moved) => {
                let about = match &moved.subject {
                    Subject::Clock => About::Clock,
                    Subject::Party(name) => About::Party(name.clone()),
                    _ => About::Whole,
                };
                if matches!(about, About::Clock) {
                    self.stopped = true;
                    self.slack = self.slack.max(self.any_slack);
                }
                let by = if let Event::Statement(fact) = event { Some(fact.issuer.clone()) } else { None };
                // A statement of no consequence that has one after all, such as a late report.
                if let Event::Statement(fact) = event {
                    self.outcome.moved = true;
                    if !self.decides(fact) {
                        self.order(fact, self.now.0, |_| true);
                    }
                }
                self.changes.push(Change { at: moved.at_unix_seconds, about, by });
            }
            Effect::RanOut { at_unix_seconds, moves } => self.ran_out(*at_unix_seconds, *moves),
            Effect::Within { from, until } => self.within(*from, *until),
            Effect::NeedsBeacon { round, at_unix_seconds } => {
                let at = at_unix_seconds.saturating_sub(1);
                self.limit(at, || format!("beacon round {round} is not among the facts"));
            }
            Effect::Ignored(ignored) => {
                self.outcome.ignored = true;
                self.outcome.fault = ignored.fault;
            }
        }
    }

    fn ran_out(&mut self, at: u64, moves: bool) {
        if moves && self.slack > 0 {
            let earliest = at.saturating_sub(self.slack);
            let mut late = self.changes.iter().rev().take_while(|change| change.at >= earliest);
            // Another clock that ran out in the same second did so by the order of clocks, which would no longer decide.
            let passed = late.any(|change| change.at < at || change.by.is_none());
            if passed || self.last_deciding.is_some_and(|moment| moment >= earliest && moment < at) {
                self.limit(earliest.saturating_sub(1), || {
                    format!("the clock that ran out at {} may have run out before something else", time::utc(at))
                });
            }
        }
        self.changes.push(Change { at, about: About::Whole, by: None });
    }

    fn within(&mut self, from: u64, until: u64) {
        let (surely, known) = self.now;
        if from > surely || until.saturating_sub(self.slack) <= known {
            self.limit(surely.saturating_sub(1), || {
                format!(
                    "a statement that counted at {} may have been public in another round or epoch",
                    time::utc(known)
                )
            });
        }
    }

    /// The last settled moment, and what keeps the rest from being settled.
    pub(crate) fn result(&self) -> (u64, Vec<String>) {
        let until = self.limits.first_key_value().map_or(self.as_of, |(at, _)| (*at).min(self.as_of));
        (until, self.limits.values().take(MOST_REASONS).cloned().collect())
    }
}
