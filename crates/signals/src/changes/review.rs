//! Who looked at changes before they went in, and whether one person can have looked at so much.
//!
//! Git hardly records review: trailers are rare, and a forge's approvals are not in the history. What cannot be seen is `unseen`, never
//! "reviewed". A pull request's number, a forge as committer and a signature are traces that there may have been a review; they are
//! counted apart as `trace-only`.

use super::method::{Claims, Method};
use super::month::{DAY_SECONDS, day_text};
use super::nature::Nature;
use super::table::{Mark, Person, Row};
use super::weigh::Weight;
use crate::scan::PathClass;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a change was reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// By a person who is not the author.
    Person,
    /// Only by AI systems or services.
    Machine,
    /// Only by its author.
    Author,
    /// Not seen, but a pull request, a forge or another committer left a trace.
    Trace,
    /// Not seen.
    Unseen,
}

/// Counts of changes by review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// Changes.
    pub changes: u64,
    /// Reviewed by a person who is not the author.
    pub by_person: u64,
    /// Reviewed by two such persons.
    pub by_two: u64,
    /// Only by machines.
    pub by_machine: u64,
    /// Only by the author.
    pub by_author: u64,
    /// Only traces.
    pub trace_only: u64,
    /// Nothing.
    pub unseen: u64,
}

/// Review of all changes and of those where it matters most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReviewFigures {
    /// All changes.
    pub all: Coverage,
    /// Changes that a source attributes to AI.
    pub ai: Coverage,
    /// Of them, those to oversight, gates or CI.
    pub ai_oversight: Coverage,
    /// Of them, those to training code.
    pub ai_training: Coverage,
    /// Changes whose author and committer are AI systems or services, without a person who takes part or reviews.
    pub without_person: u64,
    /// Changes that a person other than the author approved with a verified signature, or with a forge's verified word.
    pub signed_approval: u64,
    /// Changes of which a forge claims two-party review, unverified.
    pub two_party_claimed: u64,
    /// Changes of which a summary with a verified signature says so.
    pub two_party_signed: u64,
    /// Changes by SLSA source level that a forge claims, 0 to 4, unverified.
    pub claimed_levels: [u64; 5],
    /// Changes by SLSA source level in summaries with a verified signature, 0 to 4.
    pub signed_levels: [u64; 5],
}

/// Whether the reviews fit into days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CapacityFigures {
    /// Lines that one person can review in a day, by the method.
    pub lines_per_day: u64,
    /// Days on which a person reviewed something, over all persons.
    pub reviewer_days: u64,
    /// Of them, those with more lines than one person can review.
    pub implausible_days: u64,
    /// Lines reviewed.
    pub lines: u64,
    /// Of them, lines beyond what the days allow.
    pub lines_beyond: u64,
    /// The fullest day.
    pub fullest: Option<FullestDay>,
}

/// The day on which one person reviewed most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FullestDay {
    /// Who.
    pub person: String,
    /// When, in UTC.
    pub day: String,
    /// Lines.
    pub lines: u64,
}

/// Collects reviews.
#[derive(Debug)]
pub struct Reviews<'a> {
    persons: &'a [Person],
    method: &'a Method,
    figures: ReviewFigures,
    days: BTreeMap<(u32, i64), u64>,
}

impl Coverage {
    fn add(&mut self, how: Reviewed, persons: usize) {
        self.changes += 1;
        self.by_two += u64::from(persons >= 2);
        *match how {
            Reviewed::Person => &mut self.by_person,
            Reviewed::Machine => &mut self.by_machine,
            Reviewed::Author => &mut self.by_author,
            Reviewed::Trace => &mut self.trace_only,
            Reviewed::Unseen => &mut self.unseen,
        } += 1;
    }
}

impl<'a> Reviews<'a> {
    /// Starts with nothing.
    #[must_use]
    pub fn new(persons: &'a [Person], method: &'a Method) -> Self {
        Self { persons, method, figures: ReviewFigures::default(), days: BTreeMap::new() }
    }

    fn nature(&self, place: u32) -> Nature {
        self.persons.get(place as usize).map_or(Nature::Person, |person| person.nature)
    }

    /// Persons who reviewed and are not the author.
    #[must_use]
    pub fn persons(&self, row: &Row) -> Vec<u32> {
        let claimed = if self.method.approval_claims == Claims::Accepted { row.approvers.as_slice() } else { &[] };
        let mut list: Vec<u32> = row.reviewers.iter().chain(&row.signed_approvers).chain(claimed).copied().collect();
        list.retain(|place| *place != row.author && self.nature(*place) == Nature::Person);
        list.sort_unstable();
        list.dedup();
        list
    }

    /// How a change was reviewed.
    #[must_use]
    pub fn how(&self, row: &Row) -> Reviewed {
        let seen = || row.reviewers.iter().chain(&row.signed_approvers);
        if !self.persons(row).is_empty() {
            Reviewed::Person
        } else if seen().any(|place| self.nature(*place) != Nature::Person) {
            Reviewed::Machine
        } else if seen().any(|place| *place == row.author) {
            Reviewed::Author
        } else if row.has(Mark::Request)
            || row.committer != row.author
            || row.has(Mark::OtherSigner)
            || !row.approvers.is_empty()
        {
            Reviewed::Trace
        } else {
            Reviewed::Unseen
        }
    }

    /// Whether no person is seen anywhere on the change.
    #[must_use]
    pub fn is_without_person(&self, row: &Row) -> bool {
        let all =
            [row.author, row.committer].into_iter().chain(row.with.iter().copied()).chain(row.mergers.iter().copied());
        self.persons(row).is_empty() && all.into_iter().all(|place| self.nature(place) != Nature::Person)
    }

    /// Adds a change.
    pub fn add(&mut self, row: &Row, weight: Weight) {
        let (how, persons) = (self.how(row), self.persons(row));
        let without = self.is_without_person(row);
        let touches = |wanted: &[PathClass]| row.cells.iter().any(|cell| wanted.contains(&cell.class));
        let figures = &mut self.figures;
        figures.all.add(how, persons.len());
        if weight.any {
            figures.ai.add(how, persons.len());
            if touches(&[PathClass::Oversight, PathClass::Gates, PathClass::Ci]) {
                figures.ai_oversight.add(how, persons.len());
            }
            if touches(&[PathClass::Training]) {
                figures.ai_training.add(how, persons.len());
            }
        }
        figures.without_person += u64::from(without);
        figures.signed_approval += u64::from(row.signed_approvers.iter().any(|place| persons.contains(place)));
        figures.two_party_claimed += u64::from(row.has(Mark::TwoPartyClaimed));
        figures.two_party_signed += u64::from(row.has(Mark::TwoPartySigned));
        figures.signed_levels[usize::from(row.signed_level.min(4))] += 1;
        figures.claimed_levels[usize::from(row.level.min(4))] += 1;
        let (added, deleted) = row.lines();
        let day = row.committed.div_euclid(DAY_SECONDS);
        for person in persons {
            *self.days.entry((person, day)).or_default() += added + deleted;
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> (ReviewFigures, CapacityFigures) {
        let most = self.method.review_lines_per_day;
        let mut capacity = CapacityFigures { lines_per_day: most, ..CapacityFigures::default() };
        for ((place, day), lines) in &self.days {
            capacity.reviewer_days += 1;
            capacity.implausible_days += u64::from(*lines > most);
            capacity.lines += lines;
            capacity.lines_beyond += lines.saturating_sub(most);
            if *lines > capacity.fullest.as_ref().map_or(0, |fullest| fullest.lines) {
                let person = self.persons.get(*place as usize).map(|person| person.id.clone()).unwrap_or_default();
                capacity.fullest = Some(FullestDay { person, day: day_text(*day), lines: *lines });
            }
        }
        (self.figures, capacity)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::table::tests::{history, row};
    use super::*;

    #[test]
    fn only_other_persons_review() {
        let table = history([row(0, 10)]);
        let method = Method::default();
        let reviews = Reviews::new(&table.header.persons, &method);
        let with = |reviewers: &[u32]| Row { reviewers: reviewers.to_vec(), ..row(0, 10) };
        assert_eq!(reviews.how(&with(&[1])), Reviewed::Person);
        assert_eq!(reviews.how(&with(&[2])), Reviewed::Machine);
        assert_eq!(reviews.how(&with(&[0])), Reviewed::Author);
        assert_eq!(reviews.how(&with(&[])), Reviewed::Unseen);
        assert_eq!(reviews.how(&Row { marks: vec![Mark::Request], ..row(0, 1) }), Reviewed::Trace);
        assert_eq!(
            reviews.how(&Row { approvers: vec![1], ..row(0, 1) }),
            Reviewed::Trace,
            "a forge's claim is no review"
        );
        let signed = |approvers: &[u32]| Row { signed_approvers: approvers.to_vec(), ..row(0, 1) };
        assert_eq!(reviews.how(&signed(&[1])), Reviewed::Person, "a verified approval is a review");
        assert_eq!((reviews.how(&signed(&[0])), reviews.how(&signed(&[2]))), (Reviewed::Author, Reviewed::Machine));
        let accepted = Method { approval_claims: Claims::Accepted, ..Method::default() };
        assert_eq!(
            Reviews::new(&table.header.persons, &accepted).how(&Row { approvers: vec![1], ..row(0, 1) }),
            Reviewed::Person
        );
        let alone = Row { author: 2, committer: 3, ..row(0, 1) };
        assert!(reviews.is_without_person(&alone) && !reviews.is_without_person(&Row { with: vec![1], ..alone }));
    }

    #[test]
    fn a_reviewer_has_so_many_lines_in_a_day() {
        let table = history([row(0, 10)]);
        let method = Method { review_lines_per_day: 100, ..Method::default() };
        let mut reviews = Reviews::new(&table.header.persons, &method);
        for (number, lines) in [(0, 60), (0, 60), (1, 60)] {
            let reviewed = Row { reviewers: vec![1], ..row(number, lines) };
            reviews.add(&reviewed, Weight::of(&reviewed, &method));
        }
        let (figures, capacity) = reviews.finish();
        assert_eq!(figures.all.by_person, 3);
        assert_eq!((capacity.reviewer_days, capacity.implausible_days, capacity.lines_beyond), (2, 1, 22));
        assert_eq!(capacity.fullest.unwrap().lines, 122);
    }
}
