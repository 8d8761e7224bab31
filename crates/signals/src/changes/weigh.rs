//! What one commit adds to the bounds.
//!
//! Lower bound: what sources attribute to AI. Upper bound: what no accepted record shows to be a person's. Each further attestation of AI
//! moves both bounds up or leaves them; each accepted claim of a person moves the upper bound down or leaves it. The lower
//! bound never exceeds the upper one, because lines attributed to AI are never taken off by claims of persons.

use super::method::{Claims, CommitLines, Method, Unattributed};
use super::table::{Cell, Row};

/// How a commit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Any source attributes it to AI.
    pub any: bool,
    /// Enough independent families of sources do.
    pub low: bool,
    /// It counts for the upper bound.
    pub high: bool,
    /// A source about the whole commit attributes it to AI.
    pub whole: bool,
    /// Both families, the message and a session's record, attribute it to AI.
    pub both: bool,
}

/// Lines of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// For the lower bound.
    pub low: u64,
    /// That any source attributes to AI.
    pub any: u64,
    /// For the upper bound.
    pub high: u64,
}

impl Weight {
    /// Weighs a row.
    #[must_use]
    pub fn of(row: &Row, method: &Method) -> Self {
        let whole = row.sources.iter().any(|source| !source.is_record());
        let record = row.sources.iter().any(|source| source.is_record());
        let (any, both) = (whole || record, whole && record);
        let persons = method.person_claims == Claims::Accepted
            && !any
            && row.lines().0 > 0
            && row.cells.iter().all(|cell| cell.person == cell.added);
        let high = any || (method.unattributed == Unattributed::Ai && !persons);
        Self { any, low: if method.families >= 2 { both } else { any }, high, whole, both }
    }

    /// Weighs the lines of one of its cells.
    #[must_use]
    pub fn lines(self, cell: &Cell, method: &Method) -> Lines {
        let full = self.whole && method.commit_lines == CommitLines::All;
        let any = if full { cell.added } else { cell.ai };
        let low = if self.low { any } else { 0 };
        // Without lines of its own, evidence about the whole commit may still mean every line.
        let possible = if self.whole { cell.added } else { cell.ai };
        let high = match method.unattributed {
            Unattributed::Person => possible,
            Unattributed::Ai => {
                let persons = if method.person_claims == Claims::Accepted { cell.person } else { 0 };
                possible.max(cell.added - persons.min(cell.added))
            }
        };
        Lines { low, any, high }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::table::Source;
    use super::super::table::tests::row;
    use super::*;
    use proptest::prelude::*;

    fn methods() -> impl Strategy<Value = Method> {
        (any::<bool>(), any::<bool>(), 1u8..=2, any::<bool>()).prop_map(|(a, b, families, c)| Method {
            unattributed: if a { Unattributed::Ai } else { Unattributed::Person },
            commit_lines: if b { CommitLines::All } else { CommitLines::Attested },
            families,
            person_claims: if c { Claims::Accepted } else { Claims::Ignored },
            ..Method::default()
        })
    }

    fn rows() -> impl Strategy<Value = Row> {
        (0u64..50, 0u64..50, 0u64..50, proptest::collection::btree_set(0usize..4, 0..4)).prop_map(
            |(added, ai, person, sources)| {
                let mut row = row(0, added);
                row.cells[0].ai = ai.min(added);
                row.cells[0].person = person.min(added - row.cells[0].ai);
                row.sources = sources.into_iter().map(|at| Source::ALL[at]).collect();
                if row.cells[0].ai > 0 {
                    row.sources.push(Source::Note);
                }
                row
            },
        )
    }

    fn both(row: &Row, method: &Method) -> (Weight, Lines) {
        let weight = Weight::of(row, method);
        (weight, weight.lines(&row.cells[0], method))
    }

    proptest! {
        #[test]
        fn the_lower_bound_is_never_above_the_upper(row in rows(), method in methods()) {
            let (weight, lines) = both(&row, &method);
            prop_assert!(weight.low <= weight.high && weight.low <= weight.any);
            prop_assert!(lines.low <= lines.any && lines.any <= lines.high && lines.high <= row.cells[0].added);
        }

        #[test]
        fn attestations_move_bounds_one_way(row in rows(), method in methods(), source in 0usize..4, more in 0u64..50) {
            let (weight, lines) = both(&row, &method);
            let mut attested = row.clone();
            if !attested.sources.contains(&Source::ALL[source]) {
                attested.sources.push(Source::ALL[source]);
                attested.sources.sort();
            }
            let (after, after_lines) = both(&attested, &method);
            prop_assert!(after.low >= weight.low && after.high >= weight.high);
            prop_assert!(after_lines.low >= lines.low && after_lines.high >= lines.high);

            // More attested AI lines: what a person was claimed to have written may turn out contested.
            let cell = &mut attested.cells[0];
            cell.ai = (cell.ai + more).min(cell.added);
            cell.person = cell.person.min(cell.added - cell.ai);
            if cell.ai > 0 && !attested.sources.contains(&Source::Note) {
                attested.sources.push(Source::Note);
            }
            let (last, last_lines) = both(&attested, &method);
            prop_assert!(last.low >= after.low && last.high >= after.high);
            prop_assert!(last_lines.low >= after_lines.low && last_lines.high >= after_lines.high);

            // More lines claimed for a person: only the upper bound moves, and only down.
            let mut claimed = row.clone();
            let cell = &mut claimed.cells[0];
            cell.person = (cell.person + more).min(cell.added - cell.ai);
            let (weight_claimed, claimed) = both(&claimed, &method);
            prop_assert_eq!(weight_claimed.low, weight.low);
            prop_assert_eq!(claimed.low, lines.low);
            prop_assert!(claimed.high <= lines.high && weight_claimed.high <= weight.high);
        }
    }
}
