//! The blobs: canonical CBOR maps of byte strings whose exact lengths follow from public parameters.

use crate::range::{LANE, SLACK, sequence_bytes};
use crate::record::{FLEET_RECORD_BYTES, WINDOW_RECORD_BYTES};
use crate::schnorr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use standstill_statement::CanonicalError;
use standstill_statement::canonical::{self, Limits};
use std::collections::BTreeMap;
use std::fmt;

/// Room for CBOR heads and keys around the byte strings of a blob.
const HEADS_BYTES: usize = 1024;
/// Longest rule id: limit, slash, run.
const RULE_ID_BYTES: usize = 129;
/// Value and blinding of one total in clear.
pub const OPENED_BYTES: usize = 40;
/// Commitment and proof of one run.
pub const RUN_BYTES: usize = 32 + SLACK.proof_bytes();

/// A CBOR byte string.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

struct BytesVisitor;

impl de::Visitor<'_> for BytesVisitor {
    type Value = Bytes;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }
    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

/// A fleet blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetBlob {
    /// Format version.
    pub version: u32,
    /// Group records.
    pub records: Bytes,
    /// Range proofs of counts and of capacity less count.
    pub range: Bytes,
    /// Range proof that devices are at least the agreed share of capacity.
    pub fill: Bytes,
}

/// A report blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowBlob {
    /// Format version.
    pub version: u32,
    /// Group records.
    pub records: Bytes,
    /// Range proofs of the published lanes.
    pub range: Bytes,
    /// Range proofs of the physical bound's slack.
    pub bound: Bytes,
    /// Schnorr proof of conservation.
    pub conservation: Bytes,
    /// Per run of the statement: commitment and range proof.
    pub runs: Bytes,
    /// Two range proofs: operations of runs beyond the training classes, and `experiment` operations without a run.
    pub runs_sum: Bytes,
    /// Range proof of the slack, per rule that holds.
    pub rules: BTreeMap<String, Bytes>,
    /// Totals in clear with their blindings, then the runs'; null in sealed mode.
    pub totals: Option<Bytes>,
}

/// Most bytes that a fleet blob of so many groups can have.
#[must_use]
pub fn max_fleet_bytes(groups: u32) -> usize {
    let groups = usize::try_from(groups).unwrap_or(usize::MAX);
    groups
        .saturating_mul(FLEET_RECORD_BYTES)
        .saturating_add(sequence_bytes(LANE, groups.saturating_mul(2)))
        .saturating_add(SLACK.proof_bytes())
        .saturating_add(HEADS_BYTES)
}

/// Most bytes that a report blob of so many groups, runs and rules can have.
#[must_use]
pub fn max_window_bytes(groups: u32, runs: usize, rules: usize) -> usize {
    let groups = usize::try_from(groups).unwrap_or(usize::MAX);
    let lanes = crate::parameters::PUBLISHED_LANES;
    [
        groups.saturating_mul(WINDOW_RECORD_BYTES),
        sequence_bytes(LANE, groups.saturating_mul(lanes)),
        sequence_bytes(LANE, groups.saturating_mul(crate::parameters::DERIVED_LANES)),
        schnorr::PROOF_BYTES,
        2 * SLACK.proof_bytes(),
        runs.saturating_mul(RUN_BYTES + OPENED_BYTES),
        rules.saturating_mul(SLACK.proof_bytes() + RULE_ID_BYTES + 8),
        crate::parameters::Total::COUNT * OPENED_BYTES,
        HEADS_BYTES,
    ]
    .into_iter()
    .fold(0, usize::saturating_add)
}

impl FleetBlob {
    /// Reads a blob of a fleet of `groups` groups.
    ///
    /// # Errors
    /// [`CanonicalError`].
    pub fn decode(bytes: &[u8], groups: u32) -> Result<Self, CanonicalError> {
        canonical::from_slice_limited(bytes, limits(max_fleet_bytes(groups), 16))
    }
}

impl WindowBlob {
    /// Reads a blob of a report with so many groups, runs and rules.
    ///
    /// # Errors
    /// [`CanonicalError`].
    pub fn decode(bytes: &[u8], groups: u32, runs: usize, rules: usize) -> Result<Self, CanonicalError> {
        canonical::from_slice_limited(
            bytes,
            limits(max_window_bytes(groups, runs, rules), rules.saturating_mul(2).saturating_add(32)),
        )
    }
}

const fn limits(max_bytes: usize, max_items: usize) -> Limits {
    Limits { max_bytes, max_depth: 3, max_items }
}
