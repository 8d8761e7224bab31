//! Do a run's declared parameters and tokens explain its metered operations? 6·N·D for training of dense transformers, with
//! the *active* parameters of a mixture of experts (all parameters would be 18 times too high for DeepSeek-V3).

use crate::interval::OpsInterval;
use standstill_statement::RunDeclaration;

/// Operations per parameter and token of a forward and backward pass (Kaplan et al. 2020; Epoch AI uses the same).
pub const OPS_PER_PARAMETER_TOKEN: u128 = 6;
/// Below this share of the dense 16-bit peak, in millionths, a declared run used far more chip time than its declaration needs.
/// Published runs: 10th percentile 0.18 (174 runs after 2022); 0.05 leaves room for failed starts and debugging.
pub const LOW_UTILISATION_MILLIONTHS: u128 = 50_000;
/// Above this share of the dense 16-bit peak a declared run is faster than any published 16-bit training (90th percentile 0.45,
/// best MLPerf H100 figure 0.75); possible in fp8 or fp4 only.
pub const HIGH_UTILISATION_MILLIONTHS: u128 = 800_000;

/// What the declaration says about the metered figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plausibility {
    /// Parameters or tokens are not declared.
    NotDeclared,
    /// Declared operations lie in the metered interval and the utilisation is usual.
    Consistent,
    /// More declared than the metered chips can have done: chips are missing from the ledger, or the declaration is too high.
    ExceedsMetered,
    /// Fewer declared than metered at the least: the run did more than it says.
    BelowMetered,
    /// Inside the interval, but the chip time is many times what the declaration needs: something else may run under its name.
    LowUtilisation,
    /// Inside the interval, but faster than published 16-bit training: a narrower format, or chips are missing.
    HighUtilisation,
}

/// Result of the 6·N·D cross-check. A tripwire, never a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossCheck {
    /// 6 × active parameters × tokens; 0 when not declared.
    pub declared_ops: u128,
    /// Declared operations over chip time at the dense 16-bit peak, in millionths; `None` without chip time.
    pub utilisation_millionths: Option<u128>,
    /// Conclusion.
    pub plausibility: Plausibility,
}

/// Operations that a declaration's own parameters and tokens take: 6 × active (else all) parameters × tokens; 0 when not declared.
#[must_use]
pub fn implied_ops(run: &RunDeclaration) -> u128 {
    let parameters = if run.active_parameters > 0 { run.active_parameters } else { run.parameters };
    OPS_PER_PARAMETER_TOKEN.saturating_mul(u128::from(parameters)).saturating_mul(u128::from(run.dataset_tokens))
}

/// True when a declaration contradicts itself: it plans fewer operations than its own parameters and tokens take. A question to the
/// party, never a verdict.
#[must_use]
pub fn plans_too_little(run: &RunDeclaration) -> bool {
    implied_ops(run) > u128::from(run.planned_petaops).saturating_mul(1_000_000_000_000_000)
}

impl CrossCheck {
    /// Compares a declaration with the metered figure and with `reference_capacity_ops`, the run's chip time at the dense
    /// 16-bit peak. Active parameters count when declared, else all parameters.
    #[must_use]
    pub fn of(run: &RunDeclaration, metered: &OpsInterval, reference_capacity_ops: u128) -> Self {
        let declared_ops = implied_ops(run);
        let utilisation_millionths = declared_ops.saturating_mul(1_000_000).checked_div(reference_capacity_ops);
        let plausibility = match utilisation_millionths {
            _ if declared_ops == 0 => Plausibility::NotDeclared,
            _ if declared_ops > metered.upper_ops => Plausibility::ExceedsMetered,
            _ if declared_ops < metered.lower_ops => Plausibility::BelowMetered,
            Some(share) if share < LOW_UTILISATION_MILLIONTHS => Plausibility::LowUtilisation,
            Some(share) if share > HIGH_UTILISATION_MILLIONTHS => Plausibility::HighUtilisation,
            _ => Plausibility::Consistent,
        };
        Self { declared_ops, utilisation_millionths, plausibility }
    }
}
