//! The result as a record that anybody can compute again from the table of commits: [`recompute`]. It holds counts and pseudonyms.
//!
//! All figures are integers, so that the bytes are the same everywhere. What the table itself cannot show (a relabelled author,
//! a row left out together with its children) only the repository can: see [`super::compare`] and the walk behind the feature `git`.

mod assemble;

pub use assemble::{of_table, recompute};

use super::ChangesError;
use super::attestation::Rejection;
use super::chain::Chain;
use super::engineer::QuarterFigures;
use super::method::{Method, ShareOf};
use super::month::Month;
use super::review::{CapacityFigures, ReviewFigures};
use super::signature::Signed;
use super::table::{Missing, Person, ReferenceLog};
use super::tally::{Share, Tally};
use crate::scan::PathClass;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use standstill_statement::{Decimal, Interval, Measured, Name, Reading};

/// Format of the record; changes with any change of meaning.
pub const FORMAT: &str = "standstill/changes-record/2";
/// Longest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 256 << 20;
/// Bounds hold with certainty for what the table says; a statement's interval cannot say so, and this is the most that it can.
const CONFIDENCE_PPM: u32 = 999_999;

/// What an input is. The order is that of a statement's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The table of commits.
    Table,
    /// The code of runs.
    Runs,
}

/// Everything that a record is computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The choices.
    pub method: Method,
    /// Bytes of the table.
    pub table: Vec<u8>,
    /// Bytes of the code of runs.
    pub runs: Option<Vec<u8>>,
}

/// An input as the record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InputDigest {
    /// What it is.
    pub role: Role,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length_bytes: u64,
}

impl InputDigest {
    /// Of some bytes.
    #[must_use]
    pub fn of(role: Role, bytes: &[u8]) -> Self {
        Self { role, sha256: hex::encode(Sha256::digest(bytes)), length_bytes: bytes.len() as u64 }
    }
}

/// What the history contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HistoryFigures {
    /// Head.
    pub head: String,
    /// Commits, merges included.
    pub commits: u64,
    /// Merges.
    pub merges: u64,
    /// Commits outside the months that count.
    pub outside: u64,
    /// Commits whose lines could not be counted.
    pub incomplete: u64,
    /// Parents at which a shallow clone ends.
    pub shallow: Vec<String>,
    /// Missing objects.
    pub missing: Vec<Missing>,
    /// Attestation stores that were read.
    pub stores: Vec<(String, String)>,
    /// gittuf's log of references.
    pub reference_log: Option<ReferenceLog>,
}

/// One month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MonthFigures {
    /// Month.
    pub month: Month,
    /// All changes.
    pub all: Tally,
    /// Changes by class; a commit counts in each class that it touches.
    pub classes: Vec<(PathClass, Tally)>,
}

/// One person, service or AI system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PersonFigures {
    /// Who.
    pub person: Person,
    /// Changes that it authored.
    pub authored: Tally,
    /// Commits of others that it committed.
    pub committed_for_others: u64,
    /// Merges that it authored, and changes that a trailer says it merged.
    pub merged: u64,
    /// Changes of others that it reviewed, by trailers or verified approvals.
    pub reviewed: u64,
    /// Lines of them, added and removed.
    pub reviewed_lines: u64,
}

/// What records attest, and what of it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttestationFigures {
    /// AI lines that are attested.
    pub claimed_lines: u64,
    /// Of them, inside the diff.
    pub inside_lines: u64,
    /// Of them, rejected, by reason.
    pub rejected_lines: Vec<(Rejection, u64)>,
    /// Commits with rejected lines.
    pub rejected_commits: u64,
    /// Commits whose attestation could not be read.
    pub unreadable_commits: u64,
    /// Attestations about commits that are not in the history.
    pub stray: u64,
}

/// Something that a reader has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Remark {
    /// Kind, as a word.
    pub kind: String,
    /// In words, with counts and ids.
    pub text: String,
}

/// A metric of the terms: a share between bounds, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metric {
    /// Name in the terms, for example `ai_authored_share`.
    pub metric: String,
    /// The share; none when it cannot be said.
    pub share: Option<Share>,
    /// Why it cannot be said: `no-changes` or `incomplete-history`.
    pub reason: Option<String>,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the software that computed it; a verifier with another version compares the rest.
    pub computed_by: String,
    /// Method hash, hexadecimal.
    pub method_hash: String,
    /// Method in full.
    pub method: Method,
    /// Inputs in order.
    pub inputs: Vec<InputDigest>,
    /// What the history contains.
    pub history: HistoryFigures,
    /// Metrics that terms can name.
    pub metrics: Vec<Metric>,
    /// All changes that count.
    pub all: Tally,
    /// By class.
    pub classes: Vec<(PathClass, Tally)>,
    /// By month.
    pub months: Vec<MonthFigures>,
    /// By person, under pseudonyms.
    pub persons: Vec<PersonFigures>,
    /// Review.
    pub review: ReviewFigures,
    /// Whether the reviews fit into days.
    pub capacity: CapacityFigures,
    /// Code per engineer and quarter.
    pub quarters: Vec<QuarterFigures>,
    /// Attestations.
    pub attestations: AttestationFigures,
    /// Commits by signature; commits without one are not listed.
    pub signatures: Vec<(Signed, u64)>,
    /// Chains from changes to checkpoints; none without the code of runs.
    pub chains: Option<Vec<Chain>>,
    /// What a reader has to know.
    pub remarks: Vec<Remark>,
}

impl Record {
    /// The bytes of the record: JSON with two spaces of indentation, fields in declaration order, one line feed at the end.
    ///
    /// # Errors
    /// Never; the type always has a JSON form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ChangesError> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|error| ChangesError::foreign("change record", error))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a record. Its figures are as good as whoever computed them; [`recheck`] computes them again.
    ///
    /// # Errors
    /// Bytes that are not a record of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChangesError> {
        let wrong = |why: String| ChangesError::foreign("change record", why);
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(wrong(format!("larger than {MAX_RECORD_BYTES} bytes")));
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if record.format != FORMAT {
            return Err(wrong(format!("its format is not '{FORMAT}'")));
        }
        record.method.check().map_err(wrong)?;
        Ok(record)
    }

    /// Whether every commit that counts could be counted.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.history.shallow.is_empty() && self.history.missing.is_empty() && self.history.incomplete == 0
    }

    /// A metric by its name in the terms.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.metric == name)
    }

    /// A metric as a statement carries it: the lower bound as estimate, both bounds as interval. `None` for a metric that this record
    /// does not have.
    #[must_use]
    pub fn reading(&self, name: &str) -> Option<Reading> {
        let metric = self.metric(name)?;
        Some(match (metric.share, &metric.reason) {
            (Some(share), None) => {
                let low = Decimal::millionths(share.low_millionths);
                let high = Decimal::millionths(share.high_millionths);
                Reading::Value(Measured {
                    estimate: low,
                    interval: Some(Interval { low, high, confidence_ppm: CONFIDENCE_PPM }),
                })
            }
            (_, reason) => Reading::Indeterminate(Name::new(reason.as_deref().unwrap_or("no-changes")).ok()?),
        })
    }

    /// The share that the method puts first.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        match self.method.share_of {
            ShareOf::Commits => self.all.commit_share(),
            ShareOf::Lines => self.all.line_share(),
        }
    }

    /// The first difference to another record that matters, as the name of the part; `None` when they agree. The software's version
    /// is not compared.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            ("format", self.format == other.format),
            ("method", self.method_hash == other.method_hash && self.method == other.method),
            ("inputs", self.inputs == other.inputs),
            ("history", self.history == other.history),
            ("metrics", self.metrics == other.metrics),
            ("totals", self.all == other.all),
            ("classes", self.classes == other.classes),
            ("months", self.months == other.months),
            ("persons", self.persons == other.persons),
            ("review", self.review == other.review && self.capacity == other.capacity),
            ("quarters", self.quarters == other.quarters),
            ("attestations", self.attestations == other.attestations),
            ("signatures", self.signatures == other.signatures),
            ("chains", self.chains == other.chains),
            ("remarks", self.remarks == other.remarks),
        ]
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(part, _)| part)
    }
}

/// Computes a published record again from the bytes of its inputs, in the order in which it names them.
///
/// # Errors
/// [`ChangesError::Differs`] when an input is not the one that the record names or a figure differs; any error of [`recompute`].
pub fn recheck(record: &[u8], inputs: &[&[u8]]) -> Result<Record, ChangesError> {
    let published = Record::parse(record)?;
    let wanted = published.inputs.len();
    if inputs.len() != wanted {
        return Err(ChangesError::Differs(format!("the record names {wanted} inputs, {} were given", inputs.len())));
    }
    for (digest, bytes) in published.inputs.iter().zip(inputs) {
        if InputDigest::of(digest.role, bytes) != *digest {
            return Err(ChangesError::Differs(format!(
                "the input {:?} is not the one that the record names",
                digest.role
            )));
        }
    }
    let of = |role| published.inputs.iter().position(|digest| digest.role == role).map(|at| inputs[at].to_vec());
    let table = of(Role::Table).ok_or_else(|| ChangesError::Differs("the record names no table".to_owned()))?;
    let again = recompute(&Inputs { method: published.method.clone(), table, runs: of(Role::Runs) })?;
    match published.difference(&again) {
        Some(part) => Err(ChangesError::Differs(format!("computed again, the part '{part}' of the record differs"))),
        None => Ok(again),
    }
}

#[cfg(test)]
mod tests;
