//! What verification answers: one outcome per check.

use crate::history::PublicWindow;
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name};
use std::fmt;

/// What the report's statement says about its blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRef {
    /// Root over the group records.
    pub root: Hash32,
    /// Number of group records.
    pub groups: u32,
    /// Runs with a commitment, sorted.
    pub runs: Vec<Name>,
}

/// Which check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckId {
    /// The blob is readable, has the exact sizes, belongs to the fleet and the declared root.
    Layout,
    /// Every published lane of every group lies in `[0, 2^32)`.
    Range,
    /// Per group, seconds over all classes equal devices times window.
    Conservation,
    /// Per group and working class, operations fit into seconds at the model's peak.
    PhysicalBound,
    /// The runs' operations lie in `[0, 2^64)` and add up to those of the classes that change weights.
    Runs,
    /// Totals in clear agree with the commitments (mode `open`).
    OpenTotals,
    /// A limit holds.
    Rule(String),
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout => f.write_str("layout"),
            Self::Range => f.write_str("range"),
            Self::Conservation => f.write_str("conservation"),
            Self::PhysicalBound => f.write_str("physical-bound"),
            Self::Runs => f.write_str("runs"),
            Self::OpenTotals => f.write_str("open-totals"),
            Self::Rule(id) => write!(f, "rule:{id}"),
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not; why.
    Fail(String),
    /// It was not shown: the proof is absent, or what it rests on is; why.
    Absent(String),
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which.
    pub id: CheckId,
    /// How it ended.
    pub outcome: Outcome,
}

/// Every check of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowVerdict {
    /// Layout, range, conservation, physical bound, runs, open totals (mode open only), then one per rule in the rules' order.
    pub checks: Vec<Check>,
    /// The account, when all checks but limits and open totals pass: later windows may build on it.
    pub public: Option<PublicWindow>,
}
