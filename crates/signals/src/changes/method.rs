//! Every choice that moves the result, with one hash over all of them.

use super::ChangesError;
use super::month::Month;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Domain of the method hash.
const DOMAIN: &[u8] = b"standstill/1/changes-method\0";
/// Longest method file, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// What a change is taken for that nothing attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unattributed {
    /// Made by AI: the upper bound is everything that is not shown to be a person's.
    Ai,
    /// Made by a person: the upper bound is everything that any source attributes to AI.
    Person,
}

/// What evidence about a whole commit says about its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitLines {
    /// All added lines count, as in published tables.
    All,
    /// Only lines that a line-level record attests count for the lower bound.
    Attested,
}

/// Whether unsigned claims about people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claims {
    /// They are shown and change nothing.
    Ignored,
    /// They count.
    Accepted,
}

/// Pairs of a removed and an added file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renames {
    /// A moved file is a removed one and an added one, as with `git log --no-renames`.
    None,
    /// A file that moved unchanged adds and removes nothing, as with `git log -M100%`.
    Exact,
}

/// Whether `.gitattributes` say how files are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attributes {
    /// Files are compared by what their bytes are.
    #[default]
    Ignored,
    /// Those of the head's tree, for all commits, as with `git --attr-source=HEAD`.
    Head,
}

impl Attributes {
    // Named by `serde`, which passes a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_ignored(&self) -> bool {
        *self == Self::Ignored
    }
}

/// Which date decides the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOf {
    /// The committer's, in UTC.
    Committer,
    /// The author's, in UTC.
    Author,
}

/// In what the share of AI is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareOf {
    /// Commits.
    Commits,
    /// Added lines.
    Lines,
}

/// The choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Method {
    /// For people.
    pub name: String,
    /// What unattributed changes count as.
    pub unattributed: Unattributed,
    /// Lines of commits with evidence about the whole commit.
    pub commit_lines: CommitLines,
    /// Independent families of sources (message, record) that must agree for the lower bound: 1 or 2.
    pub families: u8,
    /// Claims that a person wrote lines.
    pub person_claims: Claims,
    /// Approvals that nobody signed verifiably (forge summaries whose keys are unknown).
    pub approval_claims: Claims,
    /// Moved files.
    pub renames: Renames,
    /// Attributes of files. Left out where they are ignored, so that methods from before this choice keep their hash.
    #[serde(skip_serializing_if = "Attributes::is_ignored")]
    pub attributes: Attributes,
    /// Which date decides the month.
    pub date: DateOf,
    /// First month that counts.
    pub since: Option<Month>,
    /// Last month that counts.
    pub until: Option<Month>,
    /// Generated and vendored files count for shares too.
    pub count_generated: bool,
    /// What the headline share counts.
    pub share_of: ShareOf,
    /// Lines, added and removed, that one person can review in a day. Inspection above 500 lines an hour finds little (Cohen, "Best Kept
    /// Secrets of Peer Code Review", 2006); eight hours of it are 4,000.
    pub review_lines_per_day: u64,
    /// Quarter against which code per engineer is measured, as `2024-Q4`.
    pub baseline: Option<String>,
    /// Engineers by quarter, when the party publishes them; distinct authors otherwise.
    pub roster: BTreeMap<String, u64>,
    /// Hash of the class table in force, hexadecimal. Filled in by the program.
    pub classes: String,
    /// Hash of the identity tables in force, hexadecimal. Filled in by the program.
    pub identities: String,
}

impl Default for Method {
    fn default() -> Self {
        Self {
            name: "standstill changes 1".to_owned(),
            unattributed: Unattributed::Ai,
            commit_lines: CommitLines::All,
            families: 1,
            person_claims: Claims::Ignored,
            approval_claims: Claims::Ignored,
            renames: Renames::None,
            attributes: Attributes::Ignored,
            date: DateOf::Committer,
            since: None,
            until: None,
            count_generated: false,
            share_of: ShareOf::Lines,
            review_lines_per_day: 4_000,
            baseline: None,
            roster: BTreeMap::new(),
            classes: String::new(),
            identities: String::new(),
        }
    }
}

fn is_quarter(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 7
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && &bytes[4..6] == b"-Q"
        && (b'1'..=b'4').contains(&bytes[6])
}

impl Method {
    /// Reads a method file (TOML). What it leaves out is the default.
    ///
    /// # Errors
    /// [`ChangesError::Table`] with the reason.
    pub fn parse(name: &str, text: &str) -> Result<Self, ChangesError> {
        if text.len() > MAX_BYTES {
            return Err(ChangesError::table(name, format!("longer than {MAX_BYTES} bytes")));
        }
        let method: Self = toml::from_str(text).map_err(|error| ChangesError::table(name, error))?;
        if !method.classes.is_empty() || !method.identities.is_empty() {
            return Err(ChangesError::table(
                name,
                "'classes' and 'identities' are filled in from --classes and --identities",
            ));
        }
        method.check().map_err(|reason| ChangesError::table(name, reason))?;
        Ok(method)
    }

    /// Whether the choices make sense together.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=2).contains(&self.families) {
            return Err("'families' is 1 or 2".to_owned());
        }
        if self.review_lines_per_day == 0 {
            return Err("'review-lines-per-day' must be above 0".to_owned());
        }
        if let Some(bad) = self.baseline.iter().chain(self.roster.keys()).find(|quarter| !is_quarter(quarter)) {
            return Err(format!("'{}' is not a quarter; write 2024-Q4", bad.chars().take(32).collect::<String>()));
        }
        if self.roster.values().any(|count| *count == 0) {
            return Err("'roster' has a quarter without engineers".to_owned());
        }
        if self.since.zip(self.until).is_some_and(|(since, until)| since > until) {
            return Err("'since' lies after 'until'".to_owned());
        }
        Ok(())
    }

    /// The method hash.
    ///
    /// # Errors
    /// Never; the type always has a JSON form.
    pub fn hash(&self) -> Result<[u8; 32], ChangesError> {
        let json = serde_json::to_vec(self).map_err(|error| ChangesError::table("method", error))?;
        Ok(Sha256::new_with_prefix(DOMAIN).chain_update(json).finalize().into())
    }

    /// The method as TOML, without the hashes of tables, so that [`Method::parse`] reads it.
    ///
    /// # Errors
    /// Never; the type always has a TOML form.
    pub fn to_toml(&self) -> Result<String, ChangesError> {
        let bare = Self { classes: String::new(), identities: String::new(), ..self.clone() };
        let text = toml::to_string(&bare).map_err(|error| ChangesError::table("method", error))?;
        Ok(text.lines().filter(|line| !line.ends_with("= \"\"")).flat_map(|line| [line, "\n"]).collect())
    }

    /// Whether a month counts.
    #[must_use]
    pub fn counts(&self, month: Month) -> bool {
        self.since.is_none_or(|since| since <= month) && self.until.is_none_or(|until| month <= until)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_field_moves_the_hash() {
        let base = Method::default();
        let json = serde_json::to_value(&base).unwrap();
        let mut seen = std::collections::BTreeSet::from([base.hash().unwrap()]);
        let changes = serde_json::json!({
            "name": "x", "unattributed": "person", "commit-lines": "attested", "families": 2, "person-claims": "accepted",
            "approval-claims": "accepted", "renames": "exact", "attributes": "head", "date": "author", "since": "2020-01", "until": "2020-01",
            "count-generated": true, "share-of": "commits", "review-lines-per-day": 1, "baseline": "2024-Q4",
            "roster": {"2024-Q4": 3}, "classes": "x", "identities": "x"
        });
        for (key, value) in changes.as_object().unwrap() {
            let mut changed = json.clone();
            changed[key] = value.clone();
            let method: Method = serde_json::from_value(changed).unwrap();
            assert!(seen.insert(method.hash().unwrap()), "{key}");
        }
        // All fields, but for the one that is left out by default.
        assert_eq!(changes.as_object().unwrap().len(), json.as_object().unwrap().len() + 1);
        assert_eq!(seen.len(), changes.as_object().unwrap().len() + 1);
    }

    #[test]
    fn files_are_read_back_and_nonsense_is_refused() {
        let text = "families = 2\nbaseline = \"2024-Q4\"\nsince = \"2025-01\"\nroster = { 2024-Q4 = 4 }\n";
        let method = Method::parse("m.toml", text).unwrap();
        assert_eq!(Method::parse("m.toml", &method.to_toml().unwrap()).unwrap(), method);
        for bad in [
            "families = 3",
            "baseline = \"2024\"",
            "x = 1",
            "classes = \"ab\"",
            "since = \"2025-02\"\nuntil = \"2025-01\"",
            "review-lines-per-day = 0",
        ] {
            assert!(Method::parse("m.toml", bad).unwrap_err().to_string().starts_with("m.toml"), "{bad}");
        }
    }
}
