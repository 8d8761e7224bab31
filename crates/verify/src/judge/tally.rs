//! Counting what was examined, what failed and what could not be told, until one check comes out.

use crate::check::{CheckKind, EvidenceLevel, Outcome, SubGoal};
use crate::verdict::{Basis, Check, EntryRef};

/// Most entries that a passing check lists.
const MAX_ENTRIES: usize = 4096;

/// One thing that failed or could not be told.
#[derive(Clone, Debug)]
struct Point {
    words: String,
    entries: Vec<EntryRef>,
}

/// The making of one check.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    kind: CheckKind,
    id: String,
    sub_goal: SubGoal,
    examined: u64,
    breaches: Vec<Point>,
    gaps: Vec<Point>,
    support: Vec<EntryRef>,
    fork: bool,
}

impl Tally {
    pub(crate) fn new(kind: CheckKind) -> Self {
        Self {
            kind,
            id: kind.id().to_owned(),
            sub_goal: kind.sub_goal(),
            examined: 0,
            breaches: Vec::new(),
            gaps: Vec::new(),
            support: Vec::new(),
            fork: false,
        }
    }

    /// The check of one limit; it answers another question when it binds unaccounted time only.
    pub(crate) fn limit(id: &str, sub_goal: SubGoal) -> Self {
        Self { id: format!("limit-{id}"), sub_goal, ..Self::new(CheckKind::Limit) }
    }

    /// One more item holds.
    pub(crate) fn holds(&mut self, entry: Option<EntryRef>) {
        self.examined += 1;
        if self.support.len() < MAX_ENTRIES {
            self.support.extend(entry);
        }
    }

    /// Something that the check rests on without being counted as an item.
    pub(crate) fn rests_on(&mut self, entry: EntryRef) {
        if self.support.len() < MAX_ENTRIES {
            self.support.push(entry);
        }
    }

    /// One more item fails, and these entries prove it.
    pub(crate) fn breach(&mut self, words: impl Into<String>, entries: Vec<EntryRef>) {
        self.examined += 1;
        self.breaches.push(Point { words: words.into(), entries });
    }

    /// A fork fails the check and the whole.
    pub(crate) fn fork(&mut self, words: impl Into<String>) {
        self.fork = true;
        self.breach(words, Vec::new());
    }

    /// One more item of which nothing can be told.
    pub(crate) fn gap(&mut self, words: impl Into<String>, entries: Vec<EntryRef>) {
        self.gaps.push(Point { words: words.into(), entries });
    }

    /// Number of items that hold or fail.
    pub(crate) fn examined(&self) -> u64 {
        self.examined
    }

    /// True when nothing failed and nothing is open.
    pub(crate) fn is_clean(&self) -> bool {
        self.breaches.is_empty() && self.gaps.is_empty()
    }

    /// The check. `holds` are the words when everything holds; an empty tally cannot conclude.
    pub(crate) fn check(self, evidence: EvidenceLevel, basis: Basis, holds: impl Into<String>) -> Check {
        if self.examined == 0 && self.gaps.is_empty() {
            return self.finish(
                Outcome::CannotConclude,
                EvidenceLevel::NoEvidence,
                Basis::None,
                "nothing was due yet".to_owned(),
            );
        }
        self.check_even_if_empty(evidence, basis, holds)
    }

    /// As [`Tally::check`], where having nothing to examine is fine.
    pub(crate) fn check_even_if_empty(self, evidence: EvidenceLevel, basis: Basis, holds: impl Into<String>) -> Check {
        if let Some(reason) = told(&self.breaches) {
            let outcome = if self.fork { Outcome::ForkSeen } else { Outcome::Violated };
            return self.finish(outcome, EvidenceLevel::Violated, basis, reason);
        }
        if let Some(reason) = told(&self.gaps) {
            return self.finish(Outcome::CannotConclude, EvidenceLevel::NoEvidence, basis, reason);
        }
        self.finish(Outcome::Verified, evidence, basis, holds.into())
    }

    fn finish(self, outcome: Outcome, evidence: EvidenceLevel, basis: Basis, reason: String) -> Check {
        let points = match outcome {
            Outcome::Violated | Outcome::ForkSeen => &self.breaches,
            Outcome::CannotConclude => &self.gaps,
            Outcome::Verified => &Vec::new(),
        };
        let mut entries: Vec<EntryRef> =
            points.iter().flat_map(|point| point.entries.clone()).take(MAX_ENTRIES).collect();
        if outcome == Outcome::Verified {
            entries = self.support;
        }
        entries.sort();
        entries.dedup();
        Check {
            id: self.id,
            kind: self.kind,
            sub_goal: self.sub_goal,
            outcome,
            evidence,
            basis,
            reason,
            examined: self.examined,
            failed: self.breaches.len() as u64,
            entries,
        }
    }
}

/// The first points in words, and how many more there are.
fn told(points: &[Point]) -> Option<String> {
    let (first, rest) = points.split_first()?;
    let mut text = first.words.clone();
    if let Some(second) = rest.first() {
        text = format!("{text}; {}", second.words);
    }
    match rest.len().saturating_sub(1) {
        0 => {}
        more => text = format!("{text}; and {more} more"),
    }
    Some(text)
}
