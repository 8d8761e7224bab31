//! Whether evidence fulfils a predicate: yes, no, or *indeterminate*.
//!
//! A reading needs a quorum of different signers about the same subject. Values are compared exactly. With a confidence, the whole interval
//! must lie on the asked side; an interval that spans the threshold, a missing interval, and a signer who says that the method gives no
//! answer are indeterminate. `all` and `any` follow Kleene's strong logic, so an unknown never becomes a yes.

use super::machine::Run;
use super::trigger::SignalRecord;
use crate::coordination::{self as terms, Compare, Predicate, Unit};
use crate::terms::RoleKind;
use standstill_statement::{Decimal, Measured, Name, Reading, Signal, SignalKind};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What evidence says about a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Fired,
    /// It does not.
    NotFired,
    /// The evidence gives no answer, for this reason.
    Indeterminate(String),
}

impl Outcome {
    fn any(parts: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::NotFired;
        for part in parts {
            match part {
                Self::Fired => return Self::Fired,
                Self::Indeterminate(_) if result == Self::NotFired => result = part,
                _ => {}
            }
        }
        result
    }

    fn all(parts: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::Fired;
        for part in parts {
            match part {
                Self::NotFired => return Self::NotFired,
                Self::Indeterminate(_) if result == Self::Fired => result = part,
                _ => {}
            }
        }
        result
    }
}

/// Who may sign what, at one moment.
pub(crate) struct Weighing {
    roles: BTreeMap<Name, RoleKind>,
    bound: BTreeSet<Name>,
}

impl Weighing {
    pub(crate) fn new(run: &Run<'_, '_>) -> Self {
        Self {
            roles: run.m.terms.roles.iter().map(|role| (role.id.clone(), role.kind)).collect(),
            bound: run.s.bound().into_iter().collect(),
        }
    }

    /// Weighs records against a predicate.
    pub(crate) fn weigh(&self, predicate: &Predicate, records: &[&SignalRecord]) -> Outcome {
        match predicate {
            Predicate::Reading(reading) => self.reading(reading, records),
            Predicate::All(parts) => Outcome::all(parts.iter().map(|part| self.weigh(part, records))),
            Predicate::Any(parts) => Outcome::any(parts.iter().map(|part| self.weigh(part, records))),
        }
    }

    fn reading(&self, reading: &terms::Reading, records: &[&SignalRecord]) -> Outcome {
        let mut subjects: BTreeMap<Option<&Name>, BTreeMap<&Name, Outcome>> = BTreeMap::new();
        for record in records.iter().filter(|record| self.admits(reading, record)) {
            let answers = subjects.entry(record.signal.party.as_ref()).or_default();
            answers.insert(&record.cause.issuer, answer(reading, &record.signal.reading));
        }
        Outcome::any(subjects.into_values().map(|answers| quorum(reading.quorum as usize, answers.into_values())))
    }

    fn admits(&self, reading: &terms::Reading, record: &SignalRecord) -> bool {
        let issuer = &record.cause.issuer;
        let signer = match reading.signers {
            Some(kind) => self.roles.get(issuer) == Some(&kind),
            None => self.bound.contains(issuer) && record.signal.party.as_ref() != Some(issuer),
        };
        signer
            && is_metric(&reading.signal, &record.signal)
            && reading.method.is_none_or(|method| method == record.signal.method)
    }
}

fn is_metric(wanted: &terms::Signal, signal: &Signal) -> bool {
    match wanted {
        terms::Signal::Evaluation(name) => signal.kind == SignalKind::Evaluation && signal.metric == *name,
        closed => signal.kind != SignalKind::Evaluation && signal.metric.as_str() == closed.to_string(),
    }
}

fn quorum(needed: usize, answers: impl Iterator<Item = Outcome>) -> Outcome {
    let (mut yes, mut open, mut reason) = (0, 0, None);
    for answer in answers {
        match answer {
            Outcome::Fired => yes += 1,
            Outcome::NotFired => {}
            Outcome::Indeterminate(why) => {
                open += 1;
                reason.get_or_insert(why);
            }
        }
    }
    match reason {
        _ if yes >= needed => Outcome::Fired,
        Some(why) if yes + open >= needed => Outcome::Indeterminate(why),
        _ => Outcome::NotFired,
    }
}

/// What one signer's reading says.
fn answer(wanted: &terms::Reading, reading: &Reading) -> Outcome {
    let measured = match reading {
        Reading::Value(measured) => measured,
        Reading::Indeterminate(why) => return Outcome::Indeterminate(format!("the signer says: {why}")),
    };
    match wanted.confidence {
        None => side(wanted, measured.estimate, measured.estimate),
        Some(confidence) => match measured.interval {
            Some(interval) if confidence.is_reached(u128::from(interval.confidence_ppm), 1_000_000) => {
                side(wanted, interval.low, interval.high)
            }
            Some(_) => Outcome::Indeterminate("its interval has less confidence than the terms ask for".to_owned()),
            None => Outcome::Indeterminate("it has no interval, and the terms ask for one".to_owned()),
        },
    }
}

fn side(wanted: &terms::Reading, low: Decimal, high: Decimal) -> Outcome {
    let power = match wanted.signal.unit() {
        Unit::Share | Unit::Ratio => -6,
        Unit::Seconds | Unit::Operations | Unit::Count => 0,
    };
    let compare = |value: Decimal| value.compare(wanted.threshold, power);
    let (yes, no) = match wanted.compare {
        Compare::AtLeast => (compare(low) != Ordering::Less, compare(high) == Ordering::Less),
        Compare::AtMost => (compare(high) != Ordering::Greater, compare(low) == Ordering::Greater),
    };
    match (yes, no) {
        (true, _) => Outcome::Fired,
        (false, true) => Outcome::NotFired,
        (false, false) => Outcome::Indeterminate("its interval spans the threshold".to_owned()),
    }
}

/// What a single measured value says about a reading of the terms, for programs that prepare a raise.
#[must_use]
pub fn preview(wanted: &terms::Reading, measured: &Measured) -> Outcome {
    answer(wanted, &Reading::Value(*measured))
}
