//! Conditions under which a party binds itself: monotone formulas over the *other* parties (DESIGN.md section 10).
//!
//! There is no negation and no share "of those who joined", so a condition that holds for some parties holds for more of them. That is
//! what makes the set of bound parties unique: it is the greatest fixed point of the conditions (Tarski), and no order of events
//! and no coordinator plays a part in it. See `docs/formats/agreement.md`, "Conditions".

mod compiled;
mod implication;

pub use compiled::{Formula, PartySet, greatest_fixed_point};
pub(crate) use implication::{Comparison, MAX_STEPS, compare};

use crate::fraction::Fraction;
use standstill_statement::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Deepest nesting of `all` and `any`.
pub const MAX_DEPTH: usize = 8;
/// Most parts of one condition: each `at_least`, `share`, `all` and `any`, and each name in `includes`.
pub const MAX_PARTS: usize = 128;

/// A monotone formula over the other parties. Lists are sorted and without repetition when they come from a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// At least so many others are in.
    AtLeast(u32),
    /// All of these are in.
    Includes(BTreeSet<Name>),
    /// The others that are in weigh at least this share of the fixed total of [`Shares`].
    Share(Fraction),
    /// Each part holds; an empty list always holds.
    All(Vec<Condition>),
    /// Some part holds; an empty list never does.
    Any(Vec<Condition>),
}

/// What `share` is measured in: fixed numbers from the terms, never "of those who joined", which would not be monotone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Weight of each party.
    pub weights: BTreeMap<Name, u64>,
    /// The whole: at least the sum of the weights; more when an estimate of those outside is counted in.
    pub total: u64,
    /// What is counted and who says so, for people.
    pub source: String,
}

impl Condition {
    /// Holds whoever is in: what a party without a condition says.
    pub const ALWAYS: Self = Self::All(Vec::new());

    /// Whether the condition of a party holds when the others in `present` are in. Callers leave the party itself out.
    #[must_use]
    pub fn holds(&self, present: &BTreeSet<Name>, shares: &Shares) -> bool {
        match self {
            Self::AtLeast(count) => present.len() >= *count as usize,
            Self::Includes(names) => names.is_subset(present),
            Self::Share(share) => {
                let part = present.iter().filter_map(|name| shares.weights.get(name)).map(|weight| u128::from(*weight));
                share.is_reached(part.sum(), u128::from(shares.total))
            }
            Self::All(parts) => parts.iter().all(|part| part.holds(present, shares)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(present, shares)),
        }
    }

    /// True for [`Condition::ALWAYS`].
    #[must_use]
    pub fn is_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Parties that are named.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&Name> {
        match self {
            Self::AtLeast(_) | Self::Share(_) => BTreeSet::new(),
            Self::Includes(names) => names.iter().collect(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }

    /// True when a share occurs.
    #[must_use]
    pub fn has_share(&self) -> bool {
        match self {
            Self::Share(_) => true,
            Self::AtLeast(_) | Self::Includes(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_share),
        }
    }

    /// Lists in one order and without repetition, so that two spellings of one condition are equal.
    pub(crate) fn normalise(&mut self) {
        if let Self::All(parts) | Self::Any(parts) = self {
            parts.iter_mut().for_each(Self::normalise);
            parts.sort();
            parts.dedup();
        }
    }

    /// As a value of a terms file: `{ all = [{ at_least = 3 }, { includes = ["south"] }] }`.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let list = |parts: &[Self]| parts.iter().map(Self::to_toml).collect::<Vec<_>>().join(", ");
        match self {
            Self::AtLeast(count) => format!("{{ at_least = {count} }}"),
            Self::Includes(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                format!("{{ includes = [{}] }}", names.join(", "))
            }
            Self::Share(share) => format!("{{ share = \"{share}\" }}"),
            Self::All(parts) => format!("{{ all = [{}] }}", list(parts)),
            Self::Any(parts) => format!("{{ any = [{}] }}", list(parts)),
        }
    }

    /// The words, and whether they need brackets inside a longer sentence.
    fn words(&self) -> (String, bool) {
        let join = |parts: &[Self], word: &str| {
            let [only] = parts else {
                let parts = parts.iter().map(|part| match part.words() {
                    (words, true) => format!("({words})"),
                    (words, false) => words,
                });
                return (parts.collect::<Vec<_>>().join(word), true);
            };
            only.words()
        };
        match self {
            Self::AtLeast(1) => ("at least 1 other party is in".to_owned(), false),
            Self::AtLeast(count) => (format!("at least {count} other parties are in"), false),
            Self::Includes(names) => {
                let list = names.iter().map(Name::as_str).collect::<Vec<_>>().join(" and ");
                (format!("{list} {} in", if names.len() == 1 { "is" } else { "are" }), false)
            }
            Self::Share(share) => (format!("the others that are in have at least {share} of the total"), false),
            Self::All(parts) if parts.is_empty() => ("always".to_owned(), false),
            Self::Any(parts) if parts.is_empty() => ("never".to_owned(), false),
            Self::All(parts) => join(parts, " and "),
            Self::Any(parts) => join(parts, " or "),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().0)
    }
}

#[cfg(test)]
mod tests;
