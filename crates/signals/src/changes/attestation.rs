//! What somebody attests about the lines of a commit, and how much of it lies inside the commit's diff.
//!
//! | module | format |
//! |---|---|
//! | [`git_ai`] | git-ai authorship logs 3.0.0 in `refs/notes/ai` |
//! | [`trace`] | Agent Trace records (cursor/agent-trace, 0.1 and schema v1) |
//! | [`dsse`] | DSSE envelopes with in-toto statements: SLSA source summaries, gittuf approvals |
//!
//! No format binds its lines to the diff, and in practice they do not fit it: rebased commits keep notes about lines that the commit
//! does not add. Lines outside the diff are counted as rejected, never as attested.

#[cfg(feature = "git")]
pub mod dsse;
pub mod git_ai;
pub mod trace;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most files in one attestation.
pub const MAX_FILES: usize = 20_000;
/// Most ranges in one attestation.
pub const MAX_RANGES: usize = 400_000;
/// Longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 4_096;
/// Largest attestation, in bytes. Notes may carry whole chats.
pub const MAX_ATTESTATION_BYTES: usize = 64 << 20;

/// Lines from the first to the last, both counted, from 1.
pub type Lines = (u32, u32);

/// What is attested about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileClaim {
    /// Lines that AI wrote.
    pub ai: Vec<Lines>,
    /// Lines that a person wrote.
    pub human: Vec<Lines>,
    /// Lines of mixed or unknown origin.
    pub other: Vec<Lines>,
}

/// What is attested about one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// By path.
    pub files: BTreeMap<String, FileClaim>,
    /// Entries that claim a person under the key or name of an agent.
    pub human_under_agent: u64,
    /// Whole conversations are inside; they are not read further.
    pub has_messages: bool,
}

/// Why attested lines do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// The commit does not change the file.
    FileNotChanged,
    /// The commit changes the file and does not add the line.
    LineNotAdded,
}

/// Lines of one file after the check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// AI lines that the commit adds.
    pub ai: u64,
    /// Lines that the commit adds, that a person is said to have written and AI is not.
    pub human: u64,
    /// AI lines that the commit does not add.
    pub outside: u64,
}

/// Sorted ranges without overlaps; empty and reversed ones are dropped.
#[must_use]
pub fn normal(ranges: &[Lines]) -> Vec<Lines> {
    let mut sorted: Vec<Lines> = ranges.iter().copied().filter(|(first, last)| *first >= 1 && first <= last).collect();
    sorted.sort_unstable();
    let mut out: Vec<Lines> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        match out.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
}

/// Number of lines of normal ranges.
#[must_use]
pub fn count(ranges: &[Lines]) -> u64 {
    ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
}

/// Lines in both of two normal lists.
#[must_use]
pub fn both(a: &[Lines], b: &[Lines]) -> Vec<Lines> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < a.len() && j < b.len() {
        let (first, last) = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        if first <= last {
            out.push((first, last));
        }
        if a[i].1 < b[j].1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

impl FileClaim {
    /// Adds the claims of another attestation about the same file.
    pub fn join(&mut self, other: &Self) {
        self.ai.extend_from_slice(&other.ai);
        self.human.extend_from_slice(&other.human);
        self.other.extend_from_slice(&other.other);
    }

    /// How much of the claim lies inside the lines that a commit adds (normal ranges).
    #[must_use]
    pub fn inside(&self, added: &[Lines]) -> Inside {
        let ai = normal(&self.ai);
        let ai_inside = both(&ai, added);
        let human = both(&normal(&self.human), added);
        let contested = count(&both(&human, &ai_inside));
        Inside { ai: count(&ai_inside), human: count(&human) - contested, outside: count(&ai) - count(&ai_inside) }
    }

    /// AI lines that are claimed.
    #[must_use]
    pub fn ai_lines(&self) -> u64 {
        count(&normal(&self.ai))
    }
}

impl Claims {
    /// Adds the claims of another attestation about the same commit.
    pub fn join(&mut self, other: &Self) {
        for (path, claim) in &other.files {
            self.files.entry(path.clone()).or_default().join(claim);
        }
        self.human_under_agent += other.human_under_agent;
        self.has_messages |= other.has_messages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(ranges: &[Lines]) -> BTreeSet<u32> {
        ranges.iter().filter(|(a, b)| *a >= 1 && a <= b).flat_map(|(a, b)| *a..=*b).collect()
    }

    fn ranges() -> impl Strategy<Value = Vec<Lines>> {
        proptest::collection::vec((0u32..60, 0u32..12).prop_map(|(a, n)| (a, a + n)), 0..12)
    }

    #[test]
    fn lines_outside_the_diff_do_not_count() {
        let claim = FileClaim { ai: vec![(1, 10), (5, 12)], human: vec![(11, 20)], other: vec![] };
        assert_eq!(claim.inside(&[(10, 15)]), Inside { ai: 3, human: 3, outside: 9 });
        assert_eq!(claim.inside(&[]), Inside { ai: 0, human: 0, outside: 12 });
    }

    proptest! {
        #[test]
        fn ranges_are_sets(ai in ranges(), human in ranges(), added in ranges()) {
            let added = normal(&added);
            prop_assert_eq!(count(&added), set(&added).len() as u64);
            let found = FileClaim { ai: ai.clone(), human: human.clone(), other: vec![] }.inside(&added);
            let (ai, human, added) = (set(&ai), set(&human), set(&added));
            prop_assert_eq!(found.ai, ai.intersection(&added).count() as u64);
            prop_assert_eq!(found.outside, ai.difference(&added).count() as u64);
            let only: BTreeSet<u32> = human.difference(&ai).copied().collect();
            prop_assert_eq!(found.human, only.intersection(&added).count() as u64);
        }
    }
}
