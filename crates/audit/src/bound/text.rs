//! The bounds in words, with the formula and the numbers filled in.

use super::{PartsPerMillion, chance_of_catching_run, checks_per_day, undetected_groups, undetected_share};
use crate::AuditError;

/// A clean audit: `drawn` of `groups` groups opened and none bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanAudit {
    /// Groups in the report, padding included.
    pub groups: u32,
    /// Groups that were drawn, opened and found to match.
    pub drawn: u32,
    /// Confidence to state.
    pub confidence: PartsPerMillion,
}

impl CleanAudit {
    /// One paragraph for people: what was opened, what follows, by which formula, and on which assumption.
    ///
    /// # Errors
    /// [`AuditError::Bound`] as [`undetected_groups`].
    pub fn text(&self) -> Result<String, AuditError> {
        let Self { groups, drawn, confidence } = *self;
        let bad = undetected_groups(groups, drawn, confidence)?;
        let share = undetected_share(drawn, confidence)?;
        let alpha = confidence.complement();
        if drawn == 0 {
            return Ok(format!("No group of {groups} was opened, so the audit shows nothing."));
        }
        Ok(format!(
            "With {drawn} of {groups} groups opened and none bad, at {confidence} confidence less than {share} of registered capacity \
             was in bad groups: the smallest p with (1 - p)^{drawn} <= {alpha}, about -ln({alpha})/{drawn}. For {groups} groups of equal \
             capacity at most {bad} were bad: the largest f with C({groups} - f, {drawn}) / C({groups}, {drawn}) > {alpha}. This assumes \
             that an opened bad group is recognised as bad."
        ))
    }
}

/// A hunt for a covert training run by daily checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHunt {
    /// Operations of the run that must not slip through.
    pub run_ops: u128,
    /// Operations that the site executes a day.
    pub site_ops_per_day: u128,
    /// Checks a day.
    pub checks_per_day: u64,
    /// Measured chance that a check of a bad slice calls it bad.
    pub sensitivity: PartsPerMillion,
    /// Confidence to reach.
    pub confidence: PartsPerMillion,
}

impl RunHunt {
    /// One paragraph for people: the chance of catching the run and the number of checks that would reach the confidence.
    ///
    /// # Errors
    /// [`AuditError::Bound`] as [`checks_per_day`].
    pub fn text(&self) -> Result<String, AuditError> {
        let chance =
            chance_of_catching_run(self.sensitivity, self.checks_per_day, self.run_ops, self.site_ops_per_day)?;
        let needed = checks_per_day(self.confidence, self.sensitivity, self.run_ops, self.site_ops_per_day)?;
        let Self { checks_per_day: checks, sensitivity, confidence, .. } = *self;
        let (run, site) = (scientific(self.run_ops), scientific(self.site_ops_per_day));
        Ok(format!(
            "{checks} checks a day catch a run of {run} operations at a site of {site} operations a day with probability {chance}: \
             1 - exp(-q n X/R) with q = {sensitivity}, n = {checks}, X = {run}, R = {site}. {confidence} needs {needed} checks a day: \
             n = -ln(1 - P) R/(q X)."
        ))
    }
}

/// `1.23e24`: two decimals, cut and not rounded; exact below 1,000.
fn scientific(value: u128) -> String {
    let exponent = value.checked_ilog10().unwrap_or(0);
    if exponent < 3 {
        return value.to_string();
    }
    let digits = value / 10u128.pow(exponent - 2);
    format!("{}.{:02}e{exponent}", digits / 100, digits % 100)
}
