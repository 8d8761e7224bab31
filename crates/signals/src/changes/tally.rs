//! Sums over commits, and shares with bounds.

use super::method::Method;
use super::table::{Cell, Row, Source};
use super::weigh::Weight;
use serde::{Deserialize, Serialize};

/// Sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tally {
    /// Commits that are not merges.
    pub commits: u64,
    /// Of them, by any source AI's.
    pub ai_commits: u64,
    /// Of them, by two independent families of sources AI's.
    pub ai_commits_agreed: u64,
    /// Commits that no source attributes.
    pub unattributed_commits: u64,
    /// Commits for the lower bound.
    pub low_commits: u64,
    /// Commits for the upper bound.
    pub high_commits: u64,
    /// Commits whose author is an AI system: those that AI leads at least.
    pub led_commits: u64,
    /// Commits by a trailer, author, committer, marker, note, trace; a commit may count in several.
    pub by_source: [u64; 6],
    /// Added lines.
    pub added: u64,
    /// Removed lines.
    pub deleted: u64,
    /// Added lines of commits that any source attributes to AI.
    pub ai_added: u64,
    /// Removed lines of commits that any source attributes to AI.
    pub ai_deleted: u64,
    /// Added lines that records attest as AI's inside the diff.
    pub attested_lines: u64,
    /// Added lines that records claim for persons.
    pub person_lines: u64,
    /// Of `added`, what counts for shares: without generated files, unless the method counts them.
    pub counted_lines: u64,
    /// Lines for the lower bound.
    pub low_lines: u64,
    /// Lines for the upper bound.
    pub high_lines: u64,
}

impl Tally {
    /// Adds a commit as a whole.
    pub fn add(&mut self, row: &Row, weight: Weight, method: &Method, led: bool) {
        self.add_commit(row, weight, led);
        for cell in &row.cells {
            self.add_cell(cell, weight, method);
        }
    }

    /// Adds a commit without its lines.
    pub fn add_commit(&mut self, row: &Row, weight: Weight, led: bool) {
        self.commits += 1;
        self.ai_commits += u64::from(weight.any);
        self.ai_commits_agreed += u64::from(weight.both);
        self.unattributed_commits += u64::from(!weight.any);
        self.low_commits += u64::from(weight.low);
        self.high_commits += u64::from(weight.high);
        self.led_commits += u64::from(led);
        for (sum, source) in self.by_source.iter_mut().zip(Source::ALL) {
            *sum += u64::from(row.sources.contains(&source));
        }
    }

    /// Adds lines.
    pub fn add_cell(&mut self, cell: &Cell, weight: Weight, method: &Method) {
        self.added += cell.added;
        self.deleted += cell.deleted;
        self.attested_lines += cell.ai;
        self.person_lines += cell.person;
        if weight.any {
            self.ai_added += cell.added;
            self.ai_deleted += cell.deleted;
        }
        if !cell.generated || method.count_generated {
            let lines = weight.lines(cell, method);
            self.counted_lines += cell.added;
            self.low_lines += lines.low;
            self.high_lines += lines.high;
        }
    }

    /// Share of commits.
    #[must_use]
    pub fn commit_share(&self) -> Option<Share> {
        Share::of(self.low_commits, self.high_commits, self.commits)
    }

    /// Share of added lines.
    #[must_use]
    pub fn line_share(&self) -> Option<Share> {
        Share::of(self.low_lines, self.high_lines, self.counted_lines)
    }

    /// Share of commits that AI leads: at least those that it authored, at most the upper bound.
    #[must_use]
    pub fn led_share(&self) -> Option<Share> {
        Share::of(self.led_commits.min(self.high_commits), self.high_commits, self.commits)
    }
}

/// A share between bounds, in millionths: the lower one rounded down, the upper one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Share {
    /// Lower bound.
    pub low_millionths: u64,
    /// Upper bound.
    pub high_millionths: u64,
}

impl Share {
    /// `low` and `high` of `all`; none of nothing.
    #[must_use]
    pub fn of(low: u64, high: u64, all: u64) -> Option<Self> {
        let millionths = |count: u64, up: bool| -> Option<u64> {
            let scaled = u128::from(count) * 1_000_000;
            let whole = if up { scaled.div_ceil(u128::from(all)) } else { scaled / u128::from(all) };
            u64::try_from(whole).ok()
        };
        if all == 0 {
            return None;
        }
        Some(Self { low_millionths: millionths(low, false)?, high_millionths: millionths(high, true)? })
    }
}
