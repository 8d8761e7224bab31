//! The table of commits: one row per commit with ids, dates, pseudonyms and counts; no name, no path, no line of code.
//!
//! The form is JSON Lines: a header, then one row per commit, sorted by committer date and id. There is one encoding per table, so that
//! its SHA-256 commits to it; [`Table::parse`] refuses any other. The history must be closed: each parent is a row, or the header
//! says that it is missing. A dropped commit therefore breaks the table, unless its children are changed too, which only the
//! repository can show.

mod check;

use super::ChangesError;
use super::attestation::Rejection;
use super::nature::Nature;
use super::signature::Signed;
use crate::scan::PathClass;
use serde::{Deserialize, Serialize};

/// Format of the table; changes with any change of meaning.
pub const FORMAT: &str = "standstill/changes-table/2";
/// Largest table, in bytes.
pub const MAX_TABLE_BYTES: usize = 4 << 30;
/// Most rows.
pub const MAX_ROWS: usize = 10_000_000;
/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 64 << 20;

/// A source that attributes a change to AI. The order is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A trailer names an AI system.
    Trailer,
    /// The author is an AI system.
    Author,
    /// The committer is an AI system that marks its own work so.
    Committer,
    /// A phrase in the message says that a tool wrote the change.
    Marker,
    /// A git-ai note attests lines inside the diff.
    Note,
    /// An Agent Trace record attests lines inside the diff.
    Trace,
}

impl Source {
    /// All sources in order.
    pub const ALL: [Self; 6] = [Self::Trailer, Self::Author, Self::Committer, Self::Marker, Self::Note, Self::Trace];

    /// Whether the source is a record of a session, not part of the commit.
    #[must_use]
    pub const fn is_record(self) -> bool {
        matches!(self, Self::Note | Self::Trace)
    }

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trailer => "trailer",
            Self::Author => "author",
            Self::Committer => "committer",
            Self::Marker => "marker",
            Self::Note => "note",
            Self::Trace => "trace",
        }
    }
}

/// What else is known about a commit. The order is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Outside the months that count; lines were not counted.
    Outside,
    /// An object is missing; lines were not counted.
    Incomplete,
    /// The subject carries the number of a pull request.
    Request,
    /// The message looks like several squashed ones.
    Squash,
    /// The message names an AI tool.
    Mentions,
    /// An AI system stands in `Signed-off-by`.
    AiSignedOff,
    /// An attestation gives a person's key to an agent.
    PersonUnderAgent,
    /// An attestation could not be read.
    Unreadable,
    /// The signature is by another person than author and committer.
    OtherSigner,
    /// A forge's summary claims two-party review; no signature of it was verified.
    TwoPartyClaimed,
    /// A summary that a service of the identity map signed says that two parties reviewed.
    TwoPartySigned,
}

/// Counts of one class of paths in one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cell {
    /// Class.
    pub class: PathClass,
    /// Generated or vendored files.
    #[serde(default, skip_serializing_if = "is_false")]
    pub generated: bool,
    /// Changed files.
    pub files: u64,
    /// Added lines.
    pub added: u64,
    /// Removed lines.
    pub deleted: u64,
    /// Added lines that a record attests as AI's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ai: u64,
    /// Added lines that a record claims for a person, and no record for AI.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub person: u64,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Row {
    /// Commit id, hexadecimal.
    pub id: String,
    /// Parents in order.
    pub parents: Vec<String>,
    /// Author date, seconds since the Unix epoch.
    pub authored: i64,
    /// Committer date.
    pub committed: i64,
    /// Author, as a place in the header's list.
    pub author: u32,
    /// Committer.
    pub committer: u32,
    /// Others who took part by trailers; sorted, each once, as all lists of persons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<u32>,
    /// Who reviewed or approved, by trailers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<u32>,
    /// Who approved, by a forge's unverified summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<u32>,
    /// Who approved, by a signature that was verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_approvers: Vec<u32>,
    /// Who merged, by trailers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mergers: Vec<u32>,
    /// Sources that attribute the change to AI; sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Counts by class; sorted, each once; none for merges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Cell>,
    /// Attested lines that do not count, by reason; sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<(Rejection, u64)>,
    /// Signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signed>,
    /// Highest SLSA source level that a forge claims.
    #[serde(default, skip_serializing_if = "is_zero_level")]
    pub level: u8,
    /// Highest SLSA source level in a summary that a service of the identity map signed.
    #[serde(default, skip_serializing_if = "is_zero_level")]
    pub signed_level: u8,
    /// What else is known; sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero_level(value: &u8) -> bool {
    *value == 0
}

impl Row {
    /// Whether the commit joins histories.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }

    /// Whether a mark is set.
    #[must_use]
    pub fn has(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Added and removed lines of all cells.
    #[must_use]
    pub fn lines(&self) -> (u64, u64) {
        self.cells.iter().fold((0, 0), |(added, deleted), cell| (added + cell.added, deleted + cell.deleted))
    }
}

/// Someone who acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Person {
    /// Name of a tool, or 16 hexadecimal digits for a person.
    pub id: String,
    /// What it is.
    pub nature: Nature,
}

/// What kind of object is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A file's content.
    Blob,
}

/// An object that the repository does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Missing {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The commit that needs it.
    pub needed_by: String,
}

/// gittuf's log of references, as far as the repository has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReferenceLog {
    /// Newest entry.
    pub tip: String,
    /// Entries, annotations among them.
    pub entries: u64,
    /// Entries by signature; `None` for those without one.
    pub signatures: Vec<(Option<Signed>, u64)>,
    /// Entries whose number does not follow their parent's, that have several parents, or that cannot be read.
    pub broken: u64,
    /// The branch that was walked, or the one whose newest entry names the head.
    pub branch: Option<String>,
    /// Entries for that branch that no verified annotation takes back.
    pub for_branch: u64,
    /// The newest of them.
    pub newest: Option<String>,
    /// What it names.
    pub target: Option<String>,
    /// Its signature.
    pub signature: Option<Signed>,
}

/// The header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// Method hash, hexadecimal.
    pub method_hash: String,
    /// Commit from which the history was walked.
    pub head: String,
    /// Parents at which a shallow clone ends; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shallow: Vec<String>,
    /// Objects that are missing; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Attestation stores that were read: name and what identifies their state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<(String, String)>,
    /// gittuf's log of references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_log: Option<ReferenceLog>,
    /// Attestations about commits that are not in the history.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stray_attestations: u64,
    /// Groups of persons that share a display name, as places in `persons`: aliases may be split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namesakes: Vec<Vec<u32>>,
    /// All who act, sorted.
    pub persons: Vec<Person>,
    /// Number of rows.
    pub rows: u64,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Header.
    pub header: Header,
    /// Rows, sorted by committer date and id.
    pub rows: Vec<Row>,
}

impl Table {
    /// The bytes of the table.
    ///
    /// # Errors
    /// Never; the types always have a JSON form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ChangesError> {
        let broken = |error: serde_json::Error| ChangesError::Broken(error.to_string());
        let mut out = Vec::with_capacity(self.rows.len() * 400 + 4_096);
        serde_json::to_writer(&mut out, &self.header).map_err(broken)?;
        out.push(b'\n');
        for row in &self.rows {
            serde_json::to_writer(&mut out, row).map_err(broken)?;
            out.push(b'\n');
        }
        Ok(out)
    }

    /// Reads and checks a table.
    ///
    /// # Errors
    /// [`ChangesError::Broken`] with the line and the reason.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChangesError> {
        let broken = |number: usize, reason: String| ChangesError::Broken(format!("line {number}: {reason}"));
        if bytes.len() > MAX_TABLE_BYTES {
            return Err(ChangesError::Broken(format!("larger than {MAX_TABLE_BYTES} bytes")));
        }
        let body = bytes
            .strip_suffix(b"\n")
            .ok_or_else(|| ChangesError::Broken("does not end with a line feed".to_owned()))?;
        let mut lines = body.split(|byte| *byte == b'\n').enumerate();
        let (_, first) = lines.next().ok_or_else(|| broken(1, "empty".to_owned()))?;
        let header: Header = line(first).map_err(|reason| broken(1, reason))?;
        if header.format != FORMAT {
            return Err(broken(1, format!("its format is not '{FORMAT}'")));
        }
        let mut rows = Vec::new();
        for (index, text) in lines {
            if rows.len() >= MAX_ROWS {
                return Err(broken(index + 1, format!("more than {MAX_ROWS} rows")));
            }
            rows.push(line(text).map_err(|reason| broken(index + 1, reason))?);
        }
        let table = Self { header, rows };
        table.check()?;
        Ok(table)
    }
}

/// One line in its only form.
fn line<T: Serialize + for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, String> {
    if text.len() > MAX_LINE_BYTES {
        return Err(format!("longer than {MAX_LINE_BYTES} bytes"));
    }
    let value: T = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    match serde_json::to_vec(&value) {
        Ok(again) if again == text => Ok(value),
        _ => Err("not in the form that this program writes; a table has one encoding".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
