//! What the scanner found.

use super::paths::{OTHER_TIER, PathClass};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a finding weighs. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; ordinary code has it.
    Note,
    /// A person should look.
    Warn,
    /// Probably wrong.
    High,
    /// The change must not go in as it is.
    Block,
}

impl Severity {
    /// All, lightest first.
    pub const ALL: [Self; 4] = [Self::Note, Self::Warn, Self::High, Self::Block];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::High => "high",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule, as in the rule table.
    pub rule: &'static str,
    /// Weight after exemptions (human approvals, allow-list).
    pub severity: Severity,
    /// Path from the root of what was scanned; empty for findings about a commit as a whole.
    pub path: String,
    /// Line, from 1; 0 for the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 for the whole line.
    pub column: u32,
    /// Class of the path, as in the table of paths.
    pub class: &'static str,
    /// Tier of the path: 0 is what oversees the rest, 1 what makes and measures models, 3 everything else.
    pub tier: u8,
    /// What was found here.
    pub message: String,
    /// Hidden or changed text in readable form: escapes by name, tags as ASCII, payload bytes decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Commit, for findings about history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why the finding weighs less than its rule says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exempt: Option<String>,
}

impl Finding {
    /// A finding of `rule` at a place; its weight is filled in from the rule table.
    #[must_use]
    pub fn new(rule: &'static str, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Note,
            path: String::new(),
            line,
            column,
            class: PathClass::Other.name(),
            tier: OTHER_TIER,
            message: message.into(),
            shown: None,
            commit: None,
            exempt: None,
        }
    }

    /// Adds readable text.
    #[must_use]
    pub fn showing(mut self, shown: impl Into<String>) -> Self {
        self.shown = Some(shown.into());
        self
    }

    /// Order of output: by path, place and rule.
    #[must_use]
    pub fn key(&self) -> (&str, u32, u32, &'static str, &str) {
        (&self.path, self.line, self.column, self.rule, &self.message)
    }
}
