//! What is wrong now, and what was once proved. A proof stays; everything else goes when it is no longer so.

use serde::Serialize;
use standstill_statement::Name;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Two histories, proved by two signatures. It stays.
    Fork,
    /// Signed entries that are not to be had.
    Withheld,
    /// Entries that do not hash to their signed head.
    Damaged,
    /// A view older than one that was shown before.
    WentBack,
    /// A view that stays behind what others show.
    Lag,
    /// Signed but not cosigned by the quorum.
    NotCosigned,
    /// Witnesses of the policy that do not cosign; the quorum may be there all the same.
    MissingCosignatures,
    /// Cosignatures from the future, or a log that others' clocks contradict.
    Clock,
    /// A blob that a statement refers to is not to be had.
    MissingBlob,
    /// No answer.
    Unreachable,
    /// A witness's answer that its key does not sign.
    BadCosignature,
}

impl FindingKind {
    /// Every kind, for metrics.
    pub const ALL: [Self; 11] = [
        Self::Fork,
        Self::Withheld,
        Self::Damaged,
        Self::WentBack,
        Self::Lag,
        Self::NotCosigned,
        Self::MissingCosignatures,
        Self::Clock,
        Self::MissingBlob,
        Self::Unreachable,
        Self::BadCosignature,
    ];

    /// The word used in metrics and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Withheld => "withheld",
            Self::Damaged => "damaged",
            Self::WentBack => "went-back",
            Self::Lag => "lag",
            Self::NotCosigned => "not-cosigned",
            Self::MissingCosignatures => "missing-cosignatures",
            Self::Clock => "clock",
            Self::MissingBlob => "missing-blob",
            Self::Unreachable => "unreachable",
            Self::BadCosignature => "bad-cosignature",
        }
    }

    /// Whether it stays once found.
    #[must_use]
    pub const fn is_proof(self) -> bool {
        matches!(self, Self::Fork)
    }
}

/// One thing that is wrong with one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whose log.
    pub issuer: Name,
    /// What it is about.
    pub kind: FindingKind,
    /// What happened, for people.
    pub sentence: String,
    /// Since when, by the monitor's clock (Unix seconds).
    pub since_unix_seconds: u64,
    /// Evidence file, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PathBuf>,
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition(BTreeMap<(Name, FindingKind), Finding>);

impl Condition {
    /// Takes the findings of one round about one log: what is no longer found goes, unless it is a proof; what stays keeps its start.
    pub fn settle(&mut self, issuer: &Name, found: Vec<Finding>) {
        self.0.retain(|(of, kind), _| {
            of != issuer || kind.is_proof() || found.iter().any(|finding| finding.kind == *kind)
        });
        for finding in found {
            let key = (finding.issuer.clone(), finding.kind);
            let since = self.0.get(&key).map_or(finding.since_unix_seconds, |known| known.since_unix_seconds);
            if finding.kind.is_proof() && self.0.contains_key(&key) {
                continue;
            }
            self.0.insert(key, Finding { since_unix_seconds: since, ..finding });
        }
    }

    /// All findings, by party and kind.
    pub fn list(&self) -> impl Iterator<Item = &Finding> {
        self.0.values()
    }

    /// Whether a log was seen to fork.
    #[must_use]
    pub fn has_fork(&self) -> bool {
        self.0.keys().any(|(_, kind)| *kind == FindingKind::Fork)
    }

    /// Findings of one kind.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> usize {
        self.0.keys().filter(|(_, found)| *found == kind).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FindingKind, since: u64) -> Finding {
        let issuer = Name::new("north").unwrap();
        Finding { issuer, kind, sentence: since.to_string(), since_unix_seconds: since, evidence: None }
    }

    #[test]
    fn proofs_stay_and_the_rest_goes() {
        let north = Name::new("north").unwrap();
        let mut condition = Condition::default();
        condition.settle(&north, vec![finding(FindingKind::Fork, 1), finding(FindingKind::Lag, 1)]);
        condition.settle(&north, vec![finding(FindingKind::Lag, 2)]);
        let since: Vec<u64> = condition.list().map(|finding| finding.since_unix_seconds).collect();
        assert_eq!(since, [1, 1]);
        condition.settle(&Name::new("south").unwrap(), Vec::new());
        assert_eq!(condition.count(FindingKind::Lag), 1);
        condition.settle(&north, Vec::new());
        assert_eq!((condition.count(FindingKind::Lag), condition.has_fork()), (0, true));
    }
}
