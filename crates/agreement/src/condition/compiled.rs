//! Conditions over sets of parties as bits, for the loops of activation and of the checks.

use super::{Condition, Shares};
use crate::fraction::Fraction;
use standstill_statement::Name;
use std::fmt;

/// A set of parties by their position in the sorted list of the agreement; at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartySet(u64);

impl PartySet {
    /// Nobody.
    pub const EMPTY: Self = Self(0);

    /// The first `count` parties, at most 64.
    #[must_use]
    pub const fn first(count: usize) -> Self {
        if count >= 64 { Self(u64::MAX) } else { Self((1 << count) - 1) }
    }

    /// One party; nobody for a position of 64 or more.
    #[must_use]
    pub const fn one(position: usize) -> Self {
        if position >= 64 { Self(0) } else { Self(1 << position) }
    }

    /// True when the party is in.
    #[must_use]
    pub const fn contains(self, position: usize) -> bool {
        self.0 & Self::one(position).0 != 0
    }

    /// With one more party.
    #[must_use]
    pub const fn with(self, position: usize) -> Self {
        Self(self.0 | Self::one(position).0)
    }

    /// Without a party.
    #[must_use]
    pub const fn without(self, position: usize) -> Self {
        Self(self.0 & !Self::one(position).0)
    }

    /// In either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True when all of these are in `other`.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Nobody.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Positions in ascending order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let position = rest.trailing_zeros();
            // Clears the lowest bit; at 0 there is none left.
            rest &= rest.wrapping_sub(1);
            (position < 64).then_some(position as usize)
        })
    }
}

impl FromIterator<usize> for PartySet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        positions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Display for PartySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let positions: Vec<String> = self.iter().map(|position| position.to_string()).collect();
        write!(f, "{{{}}}", positions.join(","))
    }
}

/// A condition whose names are positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    pub(super) root: Node,
    pub(super) weights: Vec<u64>,
    pub(super) total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    AtLeast(u32),
    Includes(PartySet),
    Share(Fraction),
    All(Vec<Node>),
    Any(Vec<Node>),
    /// Names a party that is not in the list, so it never holds.
    Never,
}

impl Formula {
    /// Compiles a condition over `parties` (the agreement's sorted list, at most 64). A name outside the list never is in.
    #[must_use]
    pub fn new(condition: &Condition, parties: &[Name], shares: &Shares) -> Self {
        let weight = |party: &Name| shares.weights.get(party).copied().unwrap_or(0);
        Self { root: Node::new(condition, parties), weights: parties.iter().map(weight).collect(), total: shares.total }
    }

    /// Whether it holds when exactly these are in. Callers leave the party itself out.
    #[must_use]
    pub fn holds(&self, present: PartySet) -> bool {
        self.root.holds(present, self)
    }

    fn weight(&self, present: PartySet) -> u128 {
        present.iter().filter_map(|position| self.weights.get(position)).map(|weight| u128::from(*weight)).sum()
    }
}

impl Node {
    fn new(condition: &Condition, parties: &[Name]) -> Self {
        let all = |parts: &[Condition]| parts.iter().map(|part| Self::new(part, parties)).collect();
        match condition {
            Condition::AtLeast(count) => Self::AtLeast(*count),
            Condition::Includes(names) => {
                let positions: Option<PartySet> =
                    names.iter().map(|name| parties.iter().position(|party| party == name)).collect();
                positions.map_or(Self::Never, Self::Includes)
            }
            Condition::Share(share) => Self::Share(*share),
            Condition::All(parts) => Self::All(all(parts)),
            Condition::Any(parts) => Self::Any(all(parts)),
        }
    }

    pub(super) fn holds(&self, present: PartySet, formula: &Formula) -> bool {
        match self {
            Self::AtLeast(count) => present.len() >= *count,
            Self::Includes(names) => names.is_subset(present),
            Self::Share(share) => share.is_reached(formula.weight(present), u128::from(formula.total)),
            Self::All(parts) => parts.iter().all(|part| part.holds(present, formula)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(present, formula)),
            Self::Never => false,
        }
    }
}

/// The greatest set `S` within `start` such that the condition of each member holds for `S` without that member.
///
/// Members whose condition fails are removed until none is left to remove. Conditions are monotone, so a removal never makes another
/// condition true: each removed party is outside every self-consistent set within `start`, whatever the order. The result is therefore
/// the union of all self-consistent sets (Tarski), and adding parties to `start` never removes one from it. At most `n` rounds of
/// `n` evaluations. `formulas` has one formula for each position; positions beyond it are dropped.
#[must_use]
pub fn greatest_fixed_point(formulas: &[Formula], start: PartySet) -> PartySet {
    let mut set = start.intersection(PartySet::first(formulas.len()));
    loop {
        let keeps =
            |position: &usize| formulas.get(*position).is_some_and(|formula| formula.holds(set.without(*position)));
        let next: PartySet = set.iter().filter(keeps).collect();
        if next == set {
            return set;
        }
        set = next;
    }
}
