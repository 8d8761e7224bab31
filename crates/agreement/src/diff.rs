//! What one version of the terms changes against another: each value with its path, who is affected, and whether it binds more or less.
//!
//! The comparison is over the meaning: comments, spacing and order never show. A whole limit, gate, trigger, party or role that is new or gone
//! is one change. *Tighter* means that a party may do less, owes more, or owes it sooner; *looser* the opposite. Where that depends on more
//! than the value itself, nothing is claimed.

mod leaves;

use crate::condition::{Comparison, Condition, Formula, MAX_STEPS, PartySet, compare};
use crate::coordination::check::looser;
use crate::coordination::{Compare, Predicate};
use crate::fraction::Fraction;
use crate::terms::{Agreement, Bound};
use standstill_statement::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One changed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path of the value, as in `limit.train.phase.slowed`.
    pub path: String,
    /// What it was; `None` when it is new.
    pub old: Option<String>,
    /// What it is; `None` when it is gone.
    pub new: Option<String>,
    /// Whom it concerns.
    pub affects: Affected,
    /// Whether it binds more or less.
    pub direction: Direction,
}

/// Whom a change concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Affected {
    /// All parties.
    Everybody,
    /// One party or role, and through their conditions those who count on it.
    One(Name),
    /// The witnesses.
    Witnesses,
}

/// Whether a change binds more or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Less is allowed, more is owed, or sooner.
    Tighter,
    /// More is allowed, less is owed, or later.
    Looser,
    /// Neither, or it depends.
    Open,
}

impl Direction {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tighter => "tighter",
            Self::Looser => "looser",
            Self::Open => "open",
        }
    }

    const fn turned(self) -> Self {
        match self {
            Self::Tighter => Self::Looser,
            Self::Looser => Self::Tighter,
            Self::Open => Self::Open,
        }
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("all parties"),
            Self::One(name) => name.fmt(f),
            Self::Witnesses => f.write_str("witnesses"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.direction {
            Direction::Tighter => "tighter",
            Direction::Looser => "looser ",
            Direction::Open => "       ",
        };
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
        write!(f, "{mark}  {}: {} -> {}  [{}]", self.path, value(&self.old), value(&self.new), self.affects)
    }
}

impl Agreement {
    /// Everything that `new` changes, in the order of paths.
    #[must_use]
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        let (old_leaves, new_leaves) = (leaves::of(self), leaves::of(new));
        let frame = Frame::of(self, new);
        let paths: BTreeSet<&String> = old_leaves.keys().chain(new_leaves.keys()).collect();
        let mut changes: Vec<Change> = Vec::new();
        let mut whole: Vec<String> = Vec::new();
        for path in paths {
            // Parts of an entry that is new or gone are not listed beside it. Paths are sorted, so the entry comes first.
            if whole.iter().any(|entry| path.starts_with(entry)) {
                continue;
            }
            let (before, after) = (old_leaves.get(path), new_leaves.get(path));
            if before == after {
                continue;
            }
            if (before.is_none() || after.is_none()) && before.or(after).is_some_and(Leaf::is_entry) {
                whole.push(format!("{path}."));
            }
            changes.push(Change {
                path: path.clone(),
                old: before.map(|leaf| leaf.text.clone()),
                new: after.map(|leaf| leaf.text.clone()),
                affects: before.or(after).map_or(Affected::Everybody, |leaf| leaf.affects.clone()),
                direction: frame.direction(before, after),
            });
        }
        changes
    }
}

/// A value of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leaf {
    text: String,
    affects: Affected,
    weight: Weight,
}

/// What decides whether a change of the value binds more or less.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Weight {
    /// Nothing does.
    None,
    /// A whole entry: its presence binds more (`Tighter`), less, or neither.
    Entry(Direction),
    /// A number: a larger one is …
    Number(u128, Direction),
    /// A fraction: a larger one is …
    Share(Fraction, Direction),
    /// A set: a superset is …
    Set(BTreeSet<String>, Direction),
    /// A bound.
    Bound(Bound),
    /// A condition: one that holds more often is …
    Condition(Condition, Direction),
    /// A predicate: one that holds more often is …
    Predicate(Predicate, Direction),
}

impl Leaf {
    const fn is_entry(&self) -> bool {
        matches!(self.weight, Weight::Entry(_))
    }
}

/// Parties and weights of both versions, when they are the same: only then can conditions be compared.
struct Frame<'a> {
    agreement: &'a Agreement,
    names: Option<Vec<Name>>,
}

impl<'a> Frame<'a> {
    fn of(old: &'a Agreement, new: &Agreement) -> Self {
        let shares = |agreement: &Agreement| {
            agreement.conduct().map(|conduct| (conduct.shares.weights.clone(), conduct.shares.total))
        };
        let same = old.party_names() == new.party_names() && shares(old) == shares(new);
        Self { agreement: old, names: same.then(|| old.party_names()) }
    }

    fn direction(&self, before: Option<&Leaf>, after: Option<&Leaf>) -> Direction {
        let weights = (before.map(|leaf| &leaf.weight), after.map(|leaf| &leaf.weight));
        match weights {
            (None, Some(Weight::Entry(direction))) => *direction,
            (Some(Weight::Entry(direction)), None) => direction.turned(),
            (Some(Weight::Number(old, larger)), Some(Weight::Number(new, _))) => sided(old.cmp(new), *larger),
            (Some(Weight::Share(old, larger)), Some(Weight::Share(new, _))) => sided(old.cmp(new), *larger),
            (Some(Weight::Set(old, superset)), Some(Weight::Set(new, _))) => {
                match (old.is_subset(new), new.is_subset(old)) {
                    (true, false) => *superset,
                    (false, true) => superset.turned(),
                    _ => Direction::Open,
                }
            }
            (Some(Weight::Bound(old)), Some(Weight::Bound(new))) => match (looser(new, old), looser(old, new)) {
                (true, false) => Direction::Looser,
                (false, true) => Direction::Tighter,
                _ => Direction::Open,
            },
            (Some(Weight::Condition(old, easier)), Some(Weight::Condition(new, _))) => {
                self.conditions(old, new, after.map(|leaf| &leaf.affects), *easier)
            }
            (Some(Weight::Predicate(old, easier)), Some(Weight::Predicate(new, _))) => predicates(old, new, *easier),
            _ => Direction::Open,
        }
    }

    /// Conditions of a party are about the others, so it is left out.
    fn conditions(&self, old: &Condition, new: &Condition, whose: Option<&Affected>, easier: Direction) -> Direction {
        let (Some(names), Some(conduct)) = (&self.names, self.agreement.conduct()) else { return Direction::Open };
        let formula = |condition: &Condition| Formula::new(condition, names, &conduct.shares);
        let (old, new) = (formula(old), formula(new));
        let own = names.iter().position(|name| matches!(whose, Some(Affected::One(whose)) if whose == name));
        let everybody = PartySet::first(names.len());
        let others = own.map_or(everybody, |own| everybody.without(own));
        let implied =
            |from: &Formula, to: &Formula| compare(from, to, others, &mut MAX_STEPS.clone()) == Comparison::NotStricter;
        match (implied(&old, &new), implied(&new, &old)) {
            (true, false) => easier,
            (false, true) => easier.turned(),
            _ => Direction::Open,
        }
    }
}

/// Direction of a change from a smaller (`Less`) to a larger value, or back.
const fn sided(order: std::cmp::Ordering, larger: Direction) -> Direction {
    match order {
        std::cmp::Ordering::Less => larger,
        std::cmp::Ordering::Greater => larger.turned(),
        std::cmp::Ordering::Equal => Direction::Open,
    }
}

/// Predicates of one shape that differ in thresholds and quorums only, all to the same side.
fn predicates(old: &Predicate, new: &Predicate, easier: Direction) -> Direction {
    let mut sides = BTreeSet::new();
    if !same_shape(old, new) {
        return Direction::Open;
    }
    // Readings are sorted within a predicate, so their order may differ between versions: match them by what they read.
    let key = |predicate: &Predicate| -> BTreeMap<String, (Compare, u128, u32)> {
        let readings = predicate.readings().into_iter();
        readings
            .map(|reading| {
                let kind = format!(
                    "{} {:?} {:?} {:?} {:?}",
                    reading.signal, reading.compare, reading.signers, reading.method, reading.confidence
                );
                (kind, (reading.compare, reading.threshold, reading.quorum))
            })
            .collect()
    };
    let (old_readings, new_readings) = (key(old), key(new));
    let distinct = old_readings.len() == old.readings().len() && new_readings.len() == new.readings().len();
    if !distinct || !old_readings.keys().eq(new_readings.keys()) {
        return Direction::Open;
    }
    for ((compare, old_threshold, old_quorum), (_, new_threshold, new_quorum)) in
        old_readings.values().zip(new_readings.values())
    {
        let lower_is = if *compare == Compare::AtLeast { easier } else { easier.turned() };
        sides.insert(sided(old_threshold.cmp(new_threshold), lower_is.turned()));
        sides.insert(sided(old_quorum.cmp(new_quorum), easier.turned()));
    }
    sides.remove(&Direction::Open);
    match (sides.len(), sides.first()) {
        (1, Some(side)) => *side,
        _ => Direction::Open,
    }
}

/// One reading, or one list of readings under the same word. Deeper nestings are not compared.
fn same_shape(old: &Predicate, new: &Predicate) -> bool {
    let flat = |parts: &[Predicate]| parts.iter().all(|part| matches!(part, Predicate::Reading(_)));
    match (old, new) {
        (Predicate::Reading(_), Predicate::Reading(_)) => true,
        (Predicate::All(old), Predicate::All(new)) | (Predicate::Any(old), Predicate::Any(new)) => {
            flat(old) && flat(new)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
