//! Limits of an agreement as linear forms over totals: `constant + Σ coefficient · quantity ≥ 0`.

mod terms;

pub use terms::rules_for;

use crate::error::SealError;
use crate::history::{History, PrivateHistory, PrivateWindow};
use crate::parameters::Total;
use crate::sums::{Opened, Sums};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::traits::Identity;
use curve25519_dalek::{RistrettoPoint, Scalar};
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name, canonical};
use std::collections::BTreeMap;

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
    /// Terms, sorted by window and quantity, each at most once.
    pub terms: Vec<Term>,
}

/// Why a rule cannot be decided: a window that it refers to has no verified report.
pub(crate) fn no_report(window: u64) -> String {
    format!("it builds on window {window}, of which there is no verified report")
}

/// The scalar of a signed coefficient.
fn signed(coefficient: i64) -> Scalar {
    let magnitude = Scalar::from(coefficient.unsigned_abs());
    if coefficient < 0 { -magnitude } else { magnitude }
}

impl Rule {
    /// SHA-256(`standstill/1/seal-rule\0` ‖ canonical CBOR of the rule): binds a proof to the exact inequality.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn digest(&self) -> Result<Hash32, SealError> {
        let bytes = canonical::to_vec(self)?;
        Ok(Hash32::of(&[b"standstill/1/seal-rule\0", bytes.as_slice()].concat()))
    }

    /// The commitment to the slack, from commitments alone.
    pub(crate) fn point(
        &self,
        place: (Hash32, &Name, u64),
        current: &Sums,
        history: &History,
    ) -> Result<RistrettoPoint, String> {
        let (agreement, party, window) = place;
        let mut by_coefficient: BTreeMap<i64, RistrettoPoint> = BTreeMap::new();
        for term in &self.terms {
            let sums = if term.window == window {
                current
            } else {
                history
                    .sums(agreement, party, term.window)
                    .map(|(sums, _)| sums)
                    .ok_or_else(|| no_report(term.window))?
            };
            let quantity = match &term.quantity {
                Quantity::Total(total) => total.index().map(|index| sums.totals[index]),
                Quantity::Run(run) => sums.runs.get(run).copied(),
            };
            if let Some(quantity) = quantity {
                *by_coefficient.entry(term.coefficient).or_insert_with(RistrettoPoint::identity) += quantity;
            }
        }
        let constant = &Scalar::from(self.constant) * RISTRETTO_BASEPOINT_TABLE;
        Ok(by_coefficient.into_iter().fold(constant, |slack, (coefficient, point)| slack + signed(coefficient) * point))
    }

    /// The slack and its blinding, from openings. The slack is an exact integer and may be negative.
    pub(crate) fn opening(&self, current: &PrivateWindow, history: &PrivateHistory) -> Result<(i128, Scalar), String> {
        let mut slack = i128::from(self.constant);
        let mut blinding = Scalar::ZERO;
        for term in &self.terms {
            let window = if term.window == current.window() { Some(current) } else { history.get(term.window) };
            let window = window.ok_or_else(|| no_report(term.window))?;
            let opened = match &term.quantity {
                Quantity::Total(total) => total.index().map(|index| window.totals[index]),
                Quantity::Run(run) => window.runs.get(run).copied(),
            };
            let Opened { value, blinding: part } = opened.unwrap_or(Opened::ZERO);
            let product = i128::try_from(value).ok().and_then(|value| value.checked_mul(i128::from(term.coefficient)));
            slack = product.and_then(|product| slack.checked_add(product)).ok_or("the slack does not fit 128 bits")?;
            blinding += signed(term.coefficient) * part;
        }
        Ok((slack, blinding))
    }
}

#[cfg(test)]
mod tests;
