//! The allow-list: findings that people accepted, each with a reason that is reported with the finding.

use super::ScanError;
use super::finding::{Finding, Severity};
use super::rules::id;
use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Most entries.
const MAX_ENTRIES: usize = 10_000;
/// Shortest reason, in characters.
const MIN_REASON: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    allow: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    path: String,
    reason: String,
    #[serde(default)]
    by: String,
    /// Text that the finding's readable form or message must hold; narrows the entry.
    #[serde(default)]
    containing: String,
}

/// Entries in force.
#[derive(Debug, Default)]
pub struct AllowList {
    entries: Vec<(Entry, Option<GlobMatcher>)>,
    hash: Option<[u8; 32]>,
}

impl AllowList {
    /// Reads an allow-list (TOML). Each entry names one rule, a path glob and a reason.
    ///
    /// # Errors
    /// [`ScanError::Table`]: unknown rule, missing reason, or a glob so wide that it switches a rule off.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScanError> {
        let file: File = toml::from_str(text).map_err(|error| ScanError::table(name, error))?;
        if file.version != 1 || file.allow.len() > MAX_ENTRIES {
            return Err(ScanError::table(name, format!("write version = 1 and at most {MAX_ENTRIES} entries")));
        }
        let mut entries = Vec::new();
        for entry in file.allow {
            if !id::ALL.contains(&entry.rule.as_str()) {
                return Err(ScanError::table(
                    name,
                    format!("rule '{}' is not known; see `standstill signal scan --rules`", entry.rule),
                ));
            }
            if entry.reason.trim().chars().count() < MIN_REASON {
                return Err(ScanError::table(
                    name,
                    format!(
                        "the entry for '{}' at '{}' needs a reason of at least {MIN_REASON} characters",
                        entry.rule, entry.path
                    ),
                ));
            }
            if matches!(entry.path.as_str(), "**" | "*" | "**/*") {
                return Err(ScanError::table(
                    name,
                    format!("'{}' would switch '{}' off everywhere; name the files", entry.path, entry.rule),
                ));
            }
            let matcher = if entry.path.is_empty() {
                None
            } else {
                let glob = GlobBuilder::new(&entry.path)
                    .literal_separator(true)
                    .build()
                    .map_err(|error| ScanError::table(name, error))?;
                Some(glob.compile_matcher())
            };
            entries.push((entry, matcher));
        }
        Ok(Self { entries, hash: Some(Sha256::digest(text.as_bytes()).into()) })
    }

    /// SHA-256 of the file; `None` when there is none.
    #[must_use]
    pub const fn hash(&self) -> Option<[u8; 32]> {
        self.hash
    }

    /// Turns allowed findings into notes with the reason. Returns the entries that allowed nothing.
    #[must_use]
    pub fn apply(&self, findings: &mut [Finding]) -> Vec<String> {
        let mut unused = Vec::new();
        for (entry, matcher) in &self.entries {
            let mut used = false;
            for finding in findings.iter_mut().filter(|finding| finding.rule == entry.rule) {
                let path = matcher.as_ref().map_or(finding.path.is_empty(), |matcher| matcher.is_match(&finding.path));
                let text = entry.containing.is_empty()
                    || finding.message.contains(&entry.containing)
                    || finding.shown.as_deref().is_some_and(|shown| shown.contains(&entry.containing));
                if path && text {
                    used = true;
                    finding.severity = Severity::Note;
                    let by = if entry.by.is_empty() { String::new() } else { format!(" ({})", entry.by) };
                    finding.exempt = Some(format!("allowed: {}{by}", entry.reason.trim()));
                }
            }
            if !used {
                unused.push(format!("{} at '{}'", entry.rule, entry.path));
            }
        }
        unused
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(rule: &str, path: &str, reason: &str) -> String {
        format!("version = 1\n[[allow]]\nrule = \"{rule}\"\npath = \"{path}\"\nreason = \"{reason}\"\n")
    }

    #[test]
    fn a_reason_is_needed_and_is_reported() {
        assert!(
            AllowList::parse("a", &entry("tag-smuggling", "tests/x.txt", "ok"))
                .unwrap_err()
                .to_string()
                .contains("reason")
        );
        let list = AllowList::parse("a", &entry("tag-smuggling", "tests/x.txt", "sample of the attack")).unwrap();
        let mut hit = Finding::new(id::TAG_SMUGGLING, 1, 1, "m");
        hit.severity = Severity::Block;
        hit.path = "tests/x.txt".to_owned();
        let mut findings = [hit.clone(), Finding { path: "src/x.txt".to_owned(), ..hit }];
        assert!(list.apply(&mut findings).is_empty());
        assert_eq!((findings[0].severity, findings[1].severity), (Severity::Note, Severity::Block));
        assert_eq!(findings[0].exempt.as_deref(), Some("allowed: sample of the attack"));
    }

    #[test]
    fn unused_wide_and_unknown_entries_are_told() {
        let list = AllowList::parse("a", &entry("tag-smuggling", "gone.txt", "sample of the attack")).unwrap();
        assert_eq!(list.apply(&mut []), ["tag-smuggling at 'gone.txt'"]);
        assert!(AllowList::parse("a", &entry("tag-smuggling", "**", "sample of the attack")).is_err());
        assert!(AllowList::parse("a", &entry("no-such-rule", "x", "sample of the attack")).is_err());
    }
}
