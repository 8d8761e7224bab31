//! Code per engineer and quarter, against a pinned baseline.
//!
//! More code is not more progress: METR's trial of early 2025 found developers slower with AI tools while they wrote more. The figure is a
//! trend of one repository under one roster, nothing else.

use super::method::Method;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One quarter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QuarterFigures {
    /// Quarter.
    pub quarter: String,
    /// Added lines that count.
    pub lines: u64,
    /// Engineers by the roster, or distinct authors who are persons.
    pub engineers: u64,
    /// Whether the number of engineers is the roster's.
    pub by_roster: bool,
    /// Lines per engineer, rounded down.
    pub lines_per_engineer: Option<u64>,
    /// Multiple of the baseline quarter, in thousandths, rounded down.
    pub of_baseline_thousandths: Option<u64>,
}

/// Collects lines and authors by quarter.
#[derive(Debug, Default)]
pub struct Engineers {
    quarters: BTreeMap<String, (u64, BTreeSet<u32>)>,
}

impl Engineers {
    /// Adds lines of an author; `None` for authors that are no persons.
    pub fn add(&mut self, quarter: String, lines: u64, author: Option<u32>) {
        let (sum, authors) = self.quarters.entry(quarter).or_default();
        *sum += lines;
        authors.extend(author);
    }

    /// The figures, by quarter.
    #[must_use]
    pub fn finish(self, method: &Method) -> Vec<QuarterFigures> {
        let engineers = |quarter: &str, authors: &BTreeSet<u32>| {
            method.roster.get(quarter).map_or((authors.len() as u64, false), |count| (*count, true))
        };
        // The ratio of two quotients as one fraction, so that rounding plays no part.
        let base = method.baseline.as_ref().and_then(|quarter| {
            let (lines, authors) = self.quarters.get(quarter)?;
            let (count, _) = engineers(quarter, authors);
            (*lines > 0 && count > 0).then_some((*lines, count))
        });
        self.quarters
            .iter()
            .map(|(quarter, (lines, authors))| {
                let (count, by_roster) = engineers(quarter, authors);
                let ratio = base.filter(|_| count > 0).and_then(|(base_lines, base_count)| {
                    let top = u128::from(*lines) * u128::from(base_count) * 1_000;
                    u64::try_from(top / (u128::from(count) * u128::from(base_lines))).ok()
                });
                QuarterFigures {
                    quarter: quarter.clone(),
                    lines: *lines,
                    engineers: count,
                    by_roster,
                    lines_per_engineer: lines.checked_div(count),
                    of_baseline_thousandths: ratio,
                }
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_published_quarters_of_one_repository() {
        // METR/inspect-action: 4,305 lines of 3 authors, then 71,670 of 7.
        let mut engineers = Engineers::default();
        for author in 0..3 {
            engineers.add("2025-Q1".to_owned(), 1_435, Some(author));
        }
        for author in 0..7 {
            engineers.add("2026-Q1".to_owned(), 71_670 / 7 + u64::from(author < 4), Some(author));
        }
        engineers.add("2026-Q2".to_owned(), 5, None);
        let method = Method { baseline: Some("2025-Q1".to_owned()), ..Method::default() };
        let found = engineers.finish(&method);
        assert_eq!(found[0].lines_per_engineer, Some(1_435));
        assert_eq!((found[1].lines_per_engineer, found[1].of_baseline_thousandths), (Some(10_238), Some(7_134)));
        assert_eq!((found[2].lines_per_engineer, found[2].of_baseline_thousandths), (None, None));
    }

    #[test]
    fn a_roster_goes_before_authors() {
        let mut engineers = Engineers::default();
        engineers.add("2025-Q1".to_owned(), 100, Some(1));
        let method = Method { roster: BTreeMap::from([("2025-Q1".to_owned(), 10)]), ..Method::default() };
        let found = engineers.finish(&method);
        assert_eq!((found[0].lines_per_engineer, found[0].by_roster), (Some(10), true));
    }
}
