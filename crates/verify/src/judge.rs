//! From a bundle to a verdict.

use crate::{Bundle, Outcome, ProofMemory, Verdict};

/// What the caller may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Judge as of this time; default: the latest quorum of cosignatures in the bundle. There is no clock in this crate.
    pub as_of_unix_seconds: Option<u64>,
}

/// Judges a bundle. Never fails: what cannot be read, checked or found is part of the verdict.
#[must_use]
pub fn judge(bundle: &Bundle, options: &Options, memory: &dyn ProofMemory) -> Verdict {
    let _ = (bundle, memory);
    let as_of = options.as_of_unix_seconds.unwrap_or(0);
    crate::verdict::Verdict {
        format: crate::verdict::FORMAT.to_owned(),
        outcome: Outcome::CannotConclude,
        evidence: crate::EvidenceLevel::NoEvidence,
        sentence: "Nothing was judged.".to_owned(),
        as_of_unix_seconds: as_of,
        as_of_source: String::new(),
        terms: crate::verdict::Terms {
            agreement: standstill_statement::Hash32::default(),
            title: String::new(),
            start_unix_seconds: 0,
            window_seconds: 0,
            term_windows: 0,
            judged_windows: 0,
            phases: Vec::new(),
            limits: Vec::new(),
        },
        parties: Vec::new(),
        roles: Vec::new(),
        missing: Vec::new(),
        assumptions: Vec::new(),
        cannot_see: Vec::new(),
        forks: Vec::new(),
        ignored: Vec::new(),
    }
}
