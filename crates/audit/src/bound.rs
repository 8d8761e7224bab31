//! What a clean audit shows, and how many groups must be drawn.
//!
//! A sample that finds nothing does not show that there is nothing; it bounds how much there can be. All limits here are decided in
//! integer arithmetic to 18 decimal places and rounded against the party (a needed number up, a chance of detection down), so that a
//! stated limit is never too favourable. Floating point is not used.
//!
//! Every figure is an **upper bound on what the audit can do**: it assumes that an opened bad group is recognised as bad. Divide by
//! the check's measured sensitivity where that is below one ([`checks_per_day`] takes it as an argument).

use crate::AuditError;
use crate::fixed::{self, EXP_ERROR, ONE};
use std::fmt;

mod text;
pub use text::{CleanAudit, RunHunt};

/// A probability or a share, in parts per million (0 to 1,000,000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartsPerMillion(u32);

impl PartsPerMillion {
    /// All of it.
    pub const ALL: Self = Self(1_000_000);

    /// 95 %, the confidence that this project states by default.
    pub const CONFIDENCE_95: Self = Self(950_000);

    /// 99 %.
    pub const CONFIDENCE_99: Self = Self(990_000);

    /// A share of `parts` in a million.
    ///
    /// # Errors
    /// [`AuditError::Bound`] above 1,000,000.
    pub const fn new(parts: u32) -> Result<Self, AuditError> {
        if parts > Self::ALL.0 {
            return Err(AuditError::Bound { why: "a share is at most 1,000,000 parts per million" });
        }
        Ok(Self(parts))
    }

    /// Parts in a million.
    #[must_use]
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// What is missing to one.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(Self::ALL.0 - self.0)
    }

    fn fixed_down(self) -> u128 {
        u128::from(self.0) * ONE / u128::from(Self::ALL.0)
    }

    /// 1 − value, rounded down to parts per million: a chance of detection is never overstated.
    fn complement_of(value: u128) -> Self {
        let kept = ONE.saturating_sub(value) * u128::from(Self::ALL.0) / ONE;
        Self(u32::try_from(kept).unwrap_or(Self::ALL.0))
    }
}

impl fmt::Display for PartsPerMillion {
    /// Percent with as many digits as matter: `29.53 %`, `0.0300 %`, `100 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        match (whole, rest) {
            (_, 0) => write!(f, "{whole} %"),
            (0, _) => write!(f, "0.{rest:04} %"),
            _ => write!(f, "{whole}.{:02} %", rest / 100),
        }
    }
}

fn check_confidence(confidence: PartsPerMillion) -> Result<(), AuditError> {
    if confidence.0 == 0 || confidence == PartsPerMillion::ALL {
        return Err(AuditError::Bound {
            why: "a confidence lies strictly between 0 and 100 %; no sample gives certainty",
        });
    }
    Ok(())
}

/// Chance that `drawn` of `groups` groups, drawn uniformly without replacement, contain none of `bad` bad ones:
/// C(groups − bad, drawn) / C(groups, drawn), as a fraction rounded up.
fn miss(groups: u32, bad: u32, drawn: u32) -> u128 {
    let good = groups.saturating_sub(bad);
    if drawn > good {
        return 0;
    }
    // The expression is symmetric in `bad` and `drawn`: the shorter product rounds less.
    let (factors, kept) = if bad < drawn { (bad, groups - drawn) } else { (drawn, good) };
    (0..factors).fold(ONE, |product, step| fixed::scale_up(product, kept - step, groups - step))
}

/// Number of bad groups that are at least a share of all groups, rounded up: a group can hide at most its own use, so hiding a share
/// of capacity in equal groups needs this many.
#[must_use]
pub fn bad_groups(groups: u32, share: PartsPerMillion) -> u32 {
    let needed = (u64::from(groups) * u64::from(share.0)).div_ceil(u64::from(PartsPerMillion::ALL.0));
    u32::try_from(needed).unwrap_or(groups)
}

/// Chance that at least one of `bad` bad groups is among `drawn` of `groups`, uniformly without replacement; rounded down.
///
/// # Errors
/// [`AuditError::Bound`] when more groups are bad or drawn than there are.
pub fn chance_of_catch(groups: u32, bad: u32, drawn: u32) -> Result<PartsPerMillion, AuditError> {
    if bad > groups || drawn > groups {
        return Err(AuditError::Bound { why: "more groups are bad or drawn than there are" });
    }
    Ok(PartsPerMillion::complement_of(miss(groups, bad, drawn)))
}

/// Smallest number of groups to draw so that at least one of `bad` is among them with the given confidence.
///
/// # Errors
/// [`AuditError::Bound`] when no group is bad, more are bad than there are, or the confidence is 0 or 100 %.
pub fn groups_needed(groups: u32, bad: u32, confidence: PartsPerMillion) -> Result<u32, AuditError> {
    check_confidence(confidence)?;
    if bad == 0 || bad > groups {
        return Err(AuditError::Bound { why: "the number of bad groups must be between 1 and the number of groups" });
    }
    let allowed = confidence.complement().fixed_down();
    // Drawing all groups but (bad - 1) cannot miss, so an answer exists.
    Ok(smallest(0, groups, |drawn| miss(groups, bad, drawn) <= allowed))
}

/// Largest number of bad groups that a clean audit of `drawn` of `groups` equal groups leaves possible at this confidence.
///
/// # Errors
/// [`AuditError::Bound`] when more groups are drawn than there are, or the confidence is 0 or 100 %.
pub fn undetected_groups(groups: u32, drawn: u32, confidence: PartsPerMillion) -> Result<u32, AuditError> {
    check_confidence(confidence)?;
    if drawn > groups {
        return Err(AuditError::Bound { why: "more groups are drawn than there are" });
    }
    if drawn == 0 {
        return Ok(groups);
    }
    let allowed = confidence.complement().fixed_down();
    Ok(smallest(0, groups, |bad| miss(groups, bad, drawn) <= allowed).saturating_sub(1))
}

/// Share of registered capacity that a clean audit of `drawn` capacity-weighted draws leaves possible: the smallest p with
/// (1 − p)^drawn ≤ 1 − confidence, that is 1 − 0.05^(1/n) ≈ 3/n at 95 %; rounded up to parts per million.
///
/// It holds whatever the sizes of the groups: as long as nothing bad has been drawn, each further draw without replacement hits the
/// bad share with at least that share's probability.
///
/// # Errors
/// [`AuditError::Bound`] when the confidence is 0 or 100 %.
pub fn undetected_share(drawn: u32, confidence: PartsPerMillion) -> Result<PartsPerMillion, AuditError> {
    check_confidence(confidence)?;
    if drawn == 0 {
        return Ok(PartsPerMillion::ALL);
    }
    let allowed = confidence.complement().fixed_down();
    let kept = |parts| (u128::from(PartsPerMillion::ALL.0 - parts) * ONE).div_ceil(u128::from(PartsPerMillion::ALL.0));
    Ok(PartsPerMillion(smallest(0, PartsPerMillion::ALL.0, |parts| fixed::power_up(kept(parts), drawn) <= allowed)))
}

/// Chance of catching a run of `run_ops` operations within the time that it takes, at a site that executes `site_ops_per_day` and of
/// which `checks_per_day` equal slices of work are checked with sensitivity `sensitivity`:
/// P ≈ 1 − exp(−q·n·X/R), rounded down.
///
/// # Errors
/// [`AuditError::Bound`] when the site executes nothing.
pub fn chance_of_catching_run(
    sensitivity: PartsPerMillion,
    checks_per_day: u64,
    run_ops: u128,
    site_ops_per_day: u128,
) -> Result<PartsPerMillion, AuditError> {
    let (whole, fraction) = exponent(sensitivity, checks_per_day, run_ops, site_ops_per_day)?;
    Ok(PartsPerMillion::complement_of(fixed::exp_minus(whole, fraction) + EXP_ERROR))
}

/// Checks per day that catch such a run with the given confidence: the smallest n with 1 − exp(−q·n·X/R) ≥ P, that is
/// n = −ln(1 − P)·R/(q·X) rounded up.
///
/// # Errors
/// [`AuditError::Bound`] when sensitivity, run or site is zero, the confidence is 0 or 100 %, or more than 2^40 checks are needed.
pub fn checks_per_day(
    confidence: PartsPerMillion,
    sensitivity: PartsPerMillion,
    run_ops: u128,
    site_ops_per_day: u128,
) -> Result<u64, AuditError> {
    check_confidence(confidence)?;
    if sensitivity.0 == 0 || run_ops == 0 {
        return Err(AuditError::Bound {
            why: "a check without sensitivity or a run without operations is never caught",
        });
    }
    let allowed = confidence.complement().fixed_down();
    let enough = |checks| -> Result<bool, AuditError> {
        let (whole, fraction) = exponent(sensitivity, checks, run_ops, site_ops_per_day)?;
        Ok(fixed::exp_minus(whole, fraction) + EXP_ERROR <= allowed)
    };
    let (mut low, mut high) = (0u64, 1u64 << 40);
    if !enough(high)? {
        return Err(AuditError::Bound {
            why: "more than 2^40 checks a day would be needed; the run is too small to catch by checks",
        });
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}

/// q·n·X/R as whole part and fraction, rounded down. Operands that would overflow lose low bits in the cautious direction.
fn exponent(
    sensitivity: PartsPerMillion,
    checks: u64,
    run_ops: u128,
    site_ops: u128,
) -> Result<(u128, u128), AuditError> {
    let weight = u128::from(sensitivity.0) * u128::from(checks);
    let million = u128::from(PartsPerMillion::ALL.0);
    let (mut run, mut site) = (run_ops, site_ops);
    loop {
        if let (Some(numerator), Some(denominator)) = (run.checked_mul(weight), site.checked_mul(million)) {
            return fixed::quotient_down(numerator, denominator)
                .ok_or(AuditError::Bound { why: "the site executes no operations, so there is nothing to catch" });
        }
        (run, site) = (run / 2, site.div_ceil(2));
    }
}

/// Smallest value in `low..=high` that satisfies a condition which, once true, stays true; `high` when none below does.
fn smallest(mut low: u32, mut high: u32, holds: impl Fn(u32) -> bool) -> u32 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests;
