//! Terms of an agreement: from a TOML file for people to exact integers, one id, and what holds in which window.
//!
//! The format is `docs/formats/agreement.md`. No files, no clock: callers pass the text and ask about windows.

mod problem;
mod terms;

pub use problem::{Rule, TermsError};
pub use terms::{
    Agreement, Audit, Baseline, Beacon, Bound, Limit, Measure, Party, Per, Phase, PhaseStep, Role, RoleKind, Scope,
    WindowTerms,
};

use standstill_statement::Hash32;

impl Agreement {
    /// Reads and checks an agreement file.
    ///
    /// # Errors
    /// Every problem found, in the order of lines.
    pub fn parse(text: &str) -> Result<Self, Vec<TermsError>> {
        let _ = text;
        Err(Vec::new())
    }

    /// RFC 8785 JSON of the terms.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        String::new()
    }

    /// SHA-256(`standstill/1/agreement\0` ‖ canonical JSON).
    #[must_use]
    pub fn id(&self) -> Hash32 {
        Hash32::of(&[b"standstill/1/agreement\0", self.canonical_json().as_bytes()].concat())
    }
}
