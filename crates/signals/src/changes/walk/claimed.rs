//! What is claimed about the lines of one commit, and its check against the diff.

use crate::changes::attestation::{FileClaim, Inside, Lines, Rejection};
use crate::changes::table::Source;
use std::collections::HashSet;

/// Claims about the lines of one commit, by source.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    pub(super) by_source: Vec<(Source, crate::changes::attestation::Claims)>,
    pub(super) unreadable: bool,
}

impl Claimed {
    pub(super) fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    pub(super) fn names(&self, path: &str) -> bool {
        self.by_source.iter().any(|(_, claims)| claims.files.contains_key(path))
    }

    pub(super) fn human_under_agent(&self) -> u64 {
        self.by_source.iter().map(|(_, claims)| claims.human_under_agent).sum()
    }

    fn joined(&self, path: &str) -> FileClaim {
        let mut all = FileClaim::default();
        for claim in self.by_source.iter().filter_map(|(_, claims)| claims.files.get(path)) {
            all.join(claim);
        }
        all
    }
}

/// What the check of claims against the diff gave.
#[derive(Default)]
pub(super) struct Checked {
    sources: Vec<Source>,
    seen: HashSet<String>,
    not_added: u64,
}

impl Checked {
    pub(super) fn file(&mut self, claims: &Claimed, path: &str, added: &[Lines]) -> Inside {
        for (source, own) in &claims.by_source {
            if own.files.get(path).is_some_and(|claim| claim.inside(added).ai > 0) && !self.sources.contains(source) {
                self.sources.push(*source);
            }
        }
        let inside = claims.joined(path).inside(added);
        self.not_added += inside.outside;
        self.seen.insert(path.to_owned());
        inside
    }

    pub(super) fn finish(mut self, claims: &Claimed) -> (Vec<(Rejection, u64)>, Vec<Source>) {
        let mut paths: Vec<&String> = claims.by_source.iter().flat_map(|(_, claims)| claims.files.keys()).collect();
        paths.sort_unstable();
        paths.dedup();
        let unchanged = paths.into_iter().filter(|path| !self.seen.contains(*path));
        let not_changed: u64 = unchanged.map(|path| claims.joined(path).ai_lines()).sum();
        self.sources.sort_unstable();
        let all = [(Rejection::FileNotChanged, not_changed), (Rejection::LineNotAdded, self.not_added)];
        (all.into_iter().filter(|(_, lines)| *lines > 0).collect(), self.sources)
    }
}
