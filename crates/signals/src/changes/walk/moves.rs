//! Which commits an approved move of a branch covers: all that the state after it contains and the state before it does not.
//!
//! The approver saw the difference between a commit and a tree. It is taken for the commit with that tree which comes first after the commit:
//! where the same tree stands again later, after other changes and their reversal, nobody saw what lies between.

use super::history::Entry;
use super::stores::Stores;
use crate::changes::attestation::dsse::{Move, Target};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Most commits that one approval covers.
const MAX_COVERED: usize = 10_000;

/// The history as a graph of places.
struct Graph<'a> {
    entries: &'a [Entry],
    places: HashMap<&'a str, usize>,
    /// One more than the greatest of the parents, so that no commit comes before its ancestors in falling order.
    generation: Vec<u32>,
}

impl<'a> Graph<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let places: HashMap<&str, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.row.id.as_str(), at)).collect();
        let mut out = Self { entries, places, generation: vec![0; entries.len()] };
        for start in 0..entries.len() {
            let mut open = vec![start];
            while let Some(at) = open.last().copied() {
                let waiting = out.parents(at).find(|parent| out.generation[*parent] == 0);
                match waiting {
                    _ if out.generation[at] > 0 => drop(open.pop()),
                    Some(parent) => open.push(parent),
                    None => {
                        out.generation[at] =
                            1 + out.parents(at).map(|parent| out.generation[parent]).max().unwrap_or(0);
                        open.pop();
                    }
                }
            }
        }
        out
    }

    fn parents(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.entries[at].row.parents.iter().filter_map(|id| self.places.get(id.as_str()).copied())
    }

    /// Commits that `last` reaches and `from` does not; `None` when `last` does not reach `from`, or there are too many.
    fn between(&self, from: Option<usize>, last: usize) -> Option<Vec<usize>> {
        let (mut out, mut reached, mut is_before) = (Vec::new(), from.is_none(), HashSet::new());
        let mut open: BTreeSet<(u32, usize)> =
            [Some(last), from].into_iter().flatten().map(|at| (self.generation[at], at)).collect();
        // What is open and not known to come before; the walk ends with it.
        let mut wanted: HashSet<usize> = HashSet::from([last]);
        is_before.extend(from);
        while !wanted.is_empty() {
            let (_, at) = open.pop_last()?;
            let before = is_before.contains(&at);
            if wanted.remove(&at) {
                reached |= Some(at) == from;
                if !before {
                    out.push(at);
                }
            }
            if out.len() > MAX_COVERED {
                return None;
            }
            for parent in self.parents(at) {
                open.insert((self.generation[parent], parent));
                if before {
                    is_before.insert(parent);
                    wanted.remove(&parent);
                } else {
                    wanted.insert(parent);
                }
            }
        }
        (reached && !out.is_empty()).then_some(out)
    }

    /// What a move covers.
    fn covered(&self, candidates: &[usize], approved: &Move) -> Vec<usize> {
        let from = match &approved.from {
            None => None,
            Some(id) => match self.places.get(id.as_str()) {
                Some(at) => Some(*at),
                None => return Vec::new(),
            },
        };
        let first = |at: &usize| {
            let covered = self.between(from, *at)?;
            covered.iter().all(|other| other == at || !candidates.contains(other)).then_some(covered)
        };
        candidates.iter().filter_map(first).flatten().collect()
    }
}

/// Gives each commit the approvals of the moves that brought it in.
pub(super) fn place(entries: &[Entry], stores: &mut Stores) {
    let moves = std::mem::take(&mut stores.moves);
    if moves.is_empty() {
        return;
    }
    let graph = Graph::new(entries);
    let mut by_tree: HashMap<String, Vec<usize>> = HashMap::new();
    for approved in &moves {
        if let Target::Tree(id) = &approved.target {
            by_tree.entry(id.clone()).or_default();
        }
    }
    for (at, entry) in entries.iter().enumerate() {
        if let Some(list) = by_tree.get_mut(&entry.tree.to_string()) {
            list.push(at);
        }
    }
    for approved in moves {
        let candidates = match &approved.target {
            Target::Tree(id) => by_tree.get(id).cloned().unwrap_or_default(),
            Target::Commit(id) => graph.places.get(id.as_str()).copied().into_iter().collect(),
        };
        let covered: BTreeSet<usize> = graph.covered(&candidates, &approved).into_iter().collect();
        stores.stray_moves += u64::from(covered.is_empty());
        for at in covered {
            stores.forge.entry(entries[at].row.id.clone()).or_default().join(approved.forge.clone());
        }
    }
}
