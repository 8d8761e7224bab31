//! Operation figures as intervals (DESIGN.md section 7): lower bound, best estimate, audited upper bound, with the evidence
//! that each figure rests on. All arithmetic is integer; every rounding widens the interval.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What narrows an interval, strongest first. The order is part of the ledger encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Tensor-active time from counters or profiling gauges of the device.
    HardwareCounters,
    /// Declared operations per token times tokens.
    DeclaredModelOperations,
    /// Metered energy times operations per joule.
    EnergyPerOperation,
    /// Allocated time times the peak of the chip model.
    AllocationAtPeak,
    /// Nothing; the figure is charged at the highest dense peak (or is zero because the class has no operations).
    None,
}

impl Evidence {
    /// The word used in files and on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HardwareCounters => "hardware-counters",
            Self::DeclaredModelOperations => "declared-model-operations",
            Self::EnergyPerOperation => "energy-per-operation",
            Self::AllocationAtPeak => "allocation-at-peak",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Number of operations as an interval: `lower_ops <= best_ops <= upper_ops`. One multiply-add is two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsInterval {
    /// At least so many.
    #[serde(with = "standstill_statement::canonical::wide")]
    pub lower_ops: u128,
    /// Best estimate.
    #[serde(with = "standstill_statement::canonical::wide")]
    pub best_ops: u128,
    /// At most so many; the figure that a limit charges.
    #[serde(with = "standstill_statement::canonical::wide")]
    pub upper_ops: u128,
    /// Weakest evidence that any part of the figure rests on.
    pub evidence: Evidence,
}

/// Share of the dense 16-bit peak taken as the best estimate when only the allocation is known, in millionths: 0.30.
///
/// Epoch AI's hardware-times-time estimates use 0.3 when nothing better is known; over 174 published runs after 2022 the
/// implied utilisation of the bf16 peak has median 0.30 (p10 0.18, p90 0.45). It moves only the best estimate, never a bound.
pub const DEFAULT_UTILISATION_MILLIONTHS: u64 = 300_000;

const MILLION: u128 = 1_000_000;

/// Operations of `peak_ops_per_second` over `milliseconds`, rounded up.
#[must_use]
pub const fn peak_ops(peak_ops_per_second: u64, milliseconds: u64) -> u128 {
    (peak_ops_per_second as u128 * milliseconds as u128).div_ceil(1000)
}

impl OpsInterval {
    /// No operations: the figure of `idle` and `down`.
    pub const ZERO: Self = Self { lower_ops: 0, best_ops: 0, upper_ops: 0, evidence: Evidence::None };

    /// Neutral element of [`OpsInterval::plus`]: zero operations with the strongest evidence, so that adding it changes nothing.
    pub const EMPTY: Self = Self { lower_ops: 0, best_ops: 0, upper_ops: 0, evidence: Evidence::HardwareCounters };

    /// Known exactly from the given evidence.
    #[must_use]
    pub const fn exact(ops: u128, evidence: Evidence) -> Self {
        Self { lower_ops: ops, best_ops: ops, upper_ops: ops, evidence }
    }

    /// The figure of unaccounted time: anything from nothing to the highest dense peak, and charged at that peak.
    #[must_use]
    pub const fn unaccounted(highest_peak_ops_per_second: u64, milliseconds: u64) -> Self {
        let upper_ops = peak_ops(highest_peak_ops_per_second, milliseconds);
        Self { lower_ops: 0, best_ops: upper_ops, upper_ops, evidence: Evidence::None }
    }

    /// Allocated time only: from nothing to `peak_ops_per_second` (the highest dense peak, or that of the evidenced format);
    /// best estimate [`DEFAULT_UTILISATION_MILLIONTHS`] of `reference_ops_per_second`, the dense 16-bit peak.
    #[must_use]
    pub const fn allocation(peak_ops_per_second: u64, reference_ops_per_second: u64, milliseconds: u64) -> Self {
        let upper_ops = peak_ops(peak_ops_per_second, milliseconds);
        let share = peak_ops(reference_ops_per_second, milliseconds) * DEFAULT_UTILISATION_MILLIONTHS as u128 / MILLION;
        let best_ops = if share < upper_ops { share } else { upper_ops };
        Self { lower_ops: 0, best_ops, upper_ops, evidence: Evidence::AllocationAtPeak }
    }

    /// From tensor-active time. `active_micro_ms` is the integral of tensor-active share (millionths) over time (ms);
    /// the upper bound takes every active cycle at `peak_ops_per_second`, the best estimate at `reference_ops_per_second`
    /// (the dense 16-bit peak), because no counter shows the numeric format.
    ///
    /// The lower bound is 0: an active pipe may execute operations of any useful width, down to padding.
    #[must_use]
    pub const fn counters(peak_ops_per_second: u64, reference_ops_per_second: u64, active_micro_ms: u128) -> Self {
        let scale = 1000 * MILLION;
        let upper_ops = active_micro_ms.saturating_mul(peak_ops_per_second as u128).div_ceil(scale);
        let best = active_micro_ms.saturating_mul(reference_ops_per_second as u128) / scale;
        let best_ops = if best < upper_ops { best } else { upper_ops };
        Self { lower_ops: 0, best_ops, upper_ops, evidence: Evidence::HardwareCounters }
    }

    /// From metered energy: operations per joule lie between `lower` and `upper` with best estimate `best` (all operations per
    /// joule). Sorted if given out of order, so that the result is always an interval.
    #[must_use]
    pub fn energy(energy_millijoules: u128, ops_per_joule: [u64; 3]) -> Self {
        let mut rates = ops_per_joule;
        rates.sort_unstable();
        let ops = |rate: u64| energy_millijoules.saturating_mul(u128::from(rate));
        Self {
            lower_ops: ops(rates[0]) / 1000,
            best_ops: ops(rates[1]) / 1000,
            upper_ops: ops(rates[2]).div_ceil(1000),
            evidence: Evidence::EnergyPerOperation,
        }
    }

    /// From declared operations per token and tokens. It is a declaration: it moves the best estimate, and the lower bound when
    /// it understates nothing in the declarer's favour; the upper bound stays `ceiling_ops` (what the hardware could have done).
    #[must_use]
    pub fn declared(ops_per_token: u128, tokens: u128, ceiling_ops: u128) -> Self {
        let best_ops = ops_per_token.saturating_mul(tokens).min(ceiling_ops);
        Self { lower_ops: best_ops, best_ops, upper_ops: ceiling_ops, evidence: Evidence::DeclaredModelOperations }
    }

    /// True when `lower <= best <= upper`.
    #[must_use]
    pub const fn is_ordered(&self) -> bool {
        self.lower_ops <= self.best_ops && self.best_ops <= self.upper_ops
    }

    /// True when the true count `ops` is inside.
    #[must_use]
    pub const fn contains(&self, ops: u128) -> bool {
        self.lower_ops <= ops && ops <= self.upper_ops
    }

    /// Sum of two figures. Bounds add; the evidence is the weaker of the two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            lower_ops: self.lower_ops.saturating_add(other.lower_ops),
            best_ops: self.best_ops.saturating_add(other.best_ops),
            upper_ops: self.upper_ops.saturating_add(other.upper_ops),
            evidence: self.evidence.max(other.evidence),
        }
    }

    /// The figure with its upper bound (and what lies above it) cut at `ceiling_ops`.
    #[must_use]
    pub fn capped(self, ceiling_ops: u128) -> Self {
        Self {
            lower_ops: self.lower_ops.min(ceiling_ops),
            best_ops: self.best_ops.min(ceiling_ops),
            upper_ops: self.upper_ops.min(ceiling_ops),
            evidence: self.evidence,
        }
    }

    /// What two independent figures of the same operations have in common, or `None` when they contradict each other.
    /// The best estimate and evidence are those of the stronger evidence, pulled inside the common part.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let lower_ops = self.lower_ops.max(other.lower_ops);
        let upper_ops = self.upper_ops.min(other.upper_ops);
        let stronger = if self.evidence <= other.evidence { self } else { other };
        (lower_ops <= upper_ops).then(|| Self {
            lower_ops,
            best_ops: stronger.best_ops.clamp(lower_ops, upper_ops),
            upper_ops,
            evidence: stronger.evidence,
        })
    }

    /// `numerator / denominator` of the figure, each bound rounded outwards. A denominator of 0 is read as 1.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let (numerator, denominator) = (u128::from(numerator), u128::from(denominator.max(1)));
        Self {
            lower_ops: self.lower_ops.saturating_mul(numerator) / denominator,
            best_ops: self.best_ops.saturating_mul(numerator) / denominator,
            upper_ops: self.upper_ops.saturating_mul(numerator).div_ceil(denominator),
            evidence: self.evidence,
        }
    }
}

impl std::iter::Sum for OpsInterval {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::EMPTY, Self::plus)
    }
}
