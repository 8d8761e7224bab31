//! Whether one monotone condition is never stricter than another.
//!
//! `stay` must hold wherever `condition` (entry) holds: otherwise a party could enter and be released in the same moment. The question is
//! whether `entry(S)` implies `stay(S)` for every set `S` of the other parties. It is decided exactly, in two steps.
//!
//! 1. **By shape** ([`shape`]): rules such as "at least 3 implies at least 2", "all of a, b implies a", "each branch of an `any`
//!    implies the other side". Each rule is sound, and together they settle what people write, at any number of parties.
//! 2. **By search** ([`Search`]) for a set `S` with `entry(S)` and not `stay(S)`. The search decides party by party who is in, and keeps
//!    `inside` (decided in) and `open` (not decided). Both conditions are monotone, so between `inside` and `inside ∪ open`:
//!    - if `entry(inside ∪ open)` fails, `entry` fails for every set in between: no counterexample here;
//!    - if `stay(inside)` holds, `stay` holds for every set in between: no counterexample here;
//!    - if `entry(inside)` holds (and `stay(inside)` does not), `inside` is a counterexample;
//!    - if `stay(inside ∪ open)` fails (and `entry(inside ∪ open)` holds), `inside ∪ open` is one;
//!    - otherwise the next party is decided. When all are decided, `inside` equals `inside ∪ open` and one of the four applies.
//!
//!    So the search ends with a counterexample or with the proof that there is none. Parties that neither condition can tell apart (not
//!    named, and of equal weight when a share occurs) are decided together, by how many of them are in.
//!
//! The number of steps is bounded. With `n` others there are at most 2^(n+1) of them, so the default of 2^21 decides every pair of
//! conditions up to 20 parties; beyond that, conditions that are still undecided are refused, never accepted.

use super::compiled::{Formula, Node, PartySet};
use std::collections::BTreeMap;

/// Most steps of one comparison.
pub(crate) const MAX_STEPS: u32 = 1 << 21;
/// Most steps by shape.
const MAX_SHAPES: u32 = 20_000;

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The second holds wherever the first does.
    NotStricter,
    /// For these others the first holds and the second does not.
    Stricter(PartySet),
    /// Not decided within the steps.
    TooComplex,
}

/// Compares two conditions over the same parties for the others in `universe`; `steps` is used up.
pub(crate) fn compare(entry: &Formula, stay: &Formula, universe: PartySet, steps: &mut u32) -> Comparison {
    let mut shapes = MAX_SHAPES;
    if shape(&entry.root, &stay.root, entry, &mut shapes) {
        return Comparison::NotStricter;
    }
    let search = Search { entry, stay, groups: groups(entry, stay, universe) };
    match search.find(0, PartySet::EMPTY, universe, steps) {
        Ok(None) => Comparison::NotStricter,
        Ok(Some(set)) => Comparison::Stricter(set),
        Err(OutOfSteps) => Comparison::TooComplex,
    }
}

/// Sound, not complete: `true` means that `entry` implies `stay`.
fn shape(entry: &Node, stay: &Node, formula: &Formula, steps: &mut u32) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    *steps = left;
    match (entry, stay) {
        (_, Node::AtLeast(0)) | (Node::Never, _) => true,
        (_, Node::All(parts)) => parts.iter().all(|part| shape(entry, part, formula, steps)),
        (Node::Any(parts), _) => parts.iter().all(|part| shape(part, stay, formula, steps)),
        (Node::All(entries), Node::Any(stays)) => {
            entries.iter().any(|part| shape(part, stay, formula, steps))
                || stays.iter().any(|part| shape(entry, part, formula, steps))
        }
        (Node::All(parts), _) => parts.iter().any(|part| shape(part, stay, formula, steps)),
        (_, Node::Any(parts)) => parts.iter().any(|part| shape(entry, part, formula, steps)),
        (Node::AtLeast(entry), Node::AtLeast(stay)) => stay <= entry,
        (Node::Includes(entry), Node::Includes(stay)) => stay.is_subset(*entry),
        (Node::Includes(entry), Node::AtLeast(stay)) => *stay <= entry.len(),
        (Node::Includes(entry), Node::Share(_)) => stay.holds(*entry, formula),
        (Node::Share(entry), Node::Share(stay)) => stay <= entry,
        _ => false,
    }
}

/// Parties that neither condition can tell apart.
fn groups(entry: &Formula, stay: &Formula, universe: PartySet) -> Vec<Vec<usize>> {
    let named = names(&entry.root).union(names(&stay.root));
    let weighed = has_share(&entry.root) || has_share(&stay.root);
    let mut alone = Vec::new();
    let mut alike: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for position in universe.iter() {
        let weight = if weighed { entry.weights.get(position).copied().unwrap_or(0) } else { 0 };
        if named.contains(position) {
            alone.push(vec![position])
        } else {
            alike.entry(weight).or_default().push(position)
        }
    }
    // Heavy groups first: they decide shares soonest.
    alone.extend(alike.into_values().rev());
    alone
}

fn names(node: &Node) -> PartySet {
    match node {
        Node::Includes(names) => *names,
        Node::All(parts) | Node::Any(parts) => parts.iter().map(names).fold(PartySet::EMPTY, PartySet::union),
        Node::AtLeast(_) | Node::Share(_) | Node::Never => PartySet::EMPTY,
    }
}

fn has_share(node: &Node) -> bool {
    match node {
        Node::Share(_) => true,
        Node::All(parts) | Node::Any(parts) => parts.iter().any(has_share),
        Node::AtLeast(_) | Node::Includes(_) | Node::Never => false,
    }
}

struct OutOfSteps;

struct Search<'a> {
    entry: &'a Formula,
    stay: &'a Formula,
    groups: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn find(
        &self,
        next: usize,
        inside: PartySet,
        open: PartySet,
        steps: &mut u32,
    ) -> Result<Option<PartySet>, OutOfSteps> {
        *steps = steps.checked_sub(1).ok_or(OutOfSteps)?;
        let most = inside.union(open);
        if !self.entry.holds(most) || self.stay.holds(inside) {
            return Ok(None);
        }
        if self.entry.holds(inside) {
            return Ok(Some(inside));
        }
        if !self.stay.holds(most) {
            return Ok(Some(most));
        }
        let Some(group) = self.groups.get(next) else { return Ok(None) };
        let open = group.iter().fold(open, |open, position| open.without(*position));
        let mut with = inside;
        for position in std::iter::once(None).chain(group.iter().map(Some)) {
            with = position.map_or(with, |position| with.with(*position));
            let found = self.find(next + 1, with, open, steps)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
