//! From limits of the agreement to linear forms. Operations are decided in units of 1e12, so that a chip's peak per second is an
//! integer without losing more than one part in a hundred thousand; rounding is always against the party.

use super::{Quantity, Rule, Term};
use crate::error::SealError;
use crate::parameters::{MAX_RULE_TERMS, MAX_TERMS, TERAOP, TERAOPS_PER_PETAOP, Total};
use standstill_agreement::{Agreement, Bound, Limit, Measure, Per};
use standstill_ledger::Lineage;
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;

/// Largest constant of a rule. A larger bound cannot be reached by any fleet of this format, and the slack must fit 64 bits.
const MAX_CONSTANT: u128 = 1 << 63;

/// The rules that hold in a window, in the order of the agreement's limits; a lineage limit gives one rule per run of `runs`.
/// Bounds that are unlimited in the window's phase give none. Declared runs enter from their declared first window on.
///
/// # Errors
/// [`SealError::Limit`] for a limit whose form cannot be proved; [`SealError::TooManyTerms`], before any term is made, for a rule
/// of more than [`MAX_RULE_TERMS`] terms or when all rules together have more than [`MAX_TERMS`].
pub fn rules_for(agreement: &Agreement, window: u64, lineage: &Lineage, runs: &[Name]) -> Result<Vec<Rule>, SealError> {
    let mut rules = Vec::new();
    let mut claimed = Claimed(0);
    for limit in &agreement.limits {
        let bound = *agreement.bound_at(limit, window);
        if bound == Bound::Unlimited {
            continue;
        }
        let builder = Builder { agreement, limit, window, terms: BTreeMap::new() };
        match limit.per {
            Per::Window => rules.push(builder.windows(bound, window..=window, &mut claimed)?),
            Per::Term => rules.push(builder.windows(bound, 0..=window, &mut claimed)?),
            Per::Lineage => {
                for run in runs {
                    rules.push(builder.clone().lineage(bound, run, lineage, &mut claimed)?);
                }
            }
        }
    }
    Ok(rules)
}

/// Terms of a report's rules so far. Parties choose how many runs they declare and name, so sizes are known before anything is
/// allocated for them.
struct Claimed(u64);

impl Claimed {
    fn claim(&mut self, limit: &Limit, run: Option<&Name>, terms: u64) -> Result<(), SealError> {
        let total = self.0.saturating_add(terms);
        if terms > MAX_RULE_TERMS || total > MAX_TERMS {
            return Err(SealError::TooManyTerms { limit: limit.id.clone(), run: run.cloned(), terms, before: self.0 });
        }
        self.0 = total;
        Ok(())
    }
}

/// Windows from `from` to `last`, both included.
const fn windows_since(from: u64, last: u64) -> u64 {
    last.saturating_add(1).saturating_sub(from)
}

#[derive(Clone)]
struct Builder<'a> {
    agreement: &'a Agreement,
    limit: &'a Limit,
    window: u64,
    terms: BTreeMap<(u64, Quantity), i128>,
}

impl Builder<'_> {
    fn refuse<T>(&self, problem: &str) -> Result<T, SealError> {
        Err(SealError::Limit { limit: self.limit.id.clone(), problem: problem.to_owned() })
    }

    fn add(&mut self, window: u64, quantity: Quantity, coefficient: i128) {
        *self.terms.entry((window, quantity)).or_default() += coefficient;
    }

    /// Adds `factor` times what the limit counts in a window, in teraops or seconds.
    fn counted(&mut self, window: u64, factor: i128, charge_unaccounted: bool) {
        let unaccounted = charge_unaccounted || self.limit.classes.contains(&Class::Unaccounted);
        for class in self.limit.classes.clone() {
            match self.limit.measure {
                Measure::Flop if class.can_operate() => {
                    let total = Quantity::Total(Total::Petaops(class));
                    self.add(window, total, factor * i128::from(TERAOPS_PER_PETAOP));
                }
                Measure::ChipSeconds if class != Class::Unaccounted => {
                    self.add(window, Quantity::Total(Total::Seconds(class)), factor);
                }
                _ => {}
            }
        }
        if unaccounted {
            let total = match self.limit.measure {
                Measure::Flop => Total::UnaccountedTeraops,
                Measure::ChipSeconds => Total::Seconds(Class::Unaccounted),
            };
            self.add(window, Quantity::Total(total), factor);
        }
    }

    fn at_most(&self, amount: u128) -> u128 {
        match self.limit.measure {
            Measure::Flop => (amount / u128::from(TERAOP)).min(MAX_CONSTANT),
            Measure::ChipSeconds => amount.min(MAX_CONSTANT),
        }
    }

    /// Quantities that [`Self::counted`] adds in one window.
    fn quantities(&self, charge_unaccounted: bool) -> u64 {
        let mut probe = self.clone();
        probe.counted(0, 1, charge_unaccounted);
        probe.terms.len() as u64
    }

    /// Pairs of window and quantity in the rule that [`Self::windows`] makes, before any that cancel out are dropped.
    fn size(&self, bound: Bound, first: u64, last: u64) -> u64 {
        let quantities = self.quantities(self.limit.charge_unaccounted);
        let windows = windows_since(first, last);
        let (per_window, besides) = match bound {
            Bound::Unlimited | Bound::AtMost(_) => (quantities, 0),
            Bound::OfCapacity { .. } => (quantities + 1, 0),
            Bound::OfBaseline { .. } => {
                let baseline = self.agreement.baseline.windows;
                let shared = last.saturating_add(1).min(baseline) - first.min(baseline);
                (quantities, (baseline - shared).saturating_mul(self.quantities(false)))
            }
        };
        windows.saturating_mul(per_window).saturating_add(besides)
    }

    fn windows(
        mut self,
        bound: Bound,
        windows: std::ops::RangeInclusive<u64>,
        claimed: &mut Claimed,
    ) -> Result<Rule, SealError> {
        claimed.claim(self.limit, None, self.size(bound, *windows.start(), *windows.end()))?;
        let charge = self.limit.charge_unaccounted;
        let mut constant = 0;
        let count = i128::from(windows.end() - windows.start()) + 1;
        match bound {
            Bound::Unlimited => return self.refuse("an unlimited bound has no rule"),
            Bound::AtMost(amount) => {
                constant = self.at_most(amount);
                windows.for_each(|window| self.counted(window, -1, charge));
            }
            Bound::OfCapacity { numerator, denominator } => {
                let seconds = i128::from(numerator) * i128::from(self.agreement.window.window_seconds);
                let capacity = match self.limit.measure {
                    Measure::Flop => Total::PeakTeraopsPerSecond,
                    Measure::ChipSeconds => Total::Devices,
                };
                for window in windows {
                    self.add(window, Quantity::Total(capacity), seconds);
                    self.counted(window, -i128::from(denominator), charge);
                }
            }
            Bound::OfBaseline { numerator, denominator } => {
                let baseline = self.agreement.baseline.windows;
                if baseline == 0 {
                    return self.refuse("is a fraction of the baseline, and the agreement has no baseline windows");
                }
                // Σ baseline is measured work only: unaccounted time must not raise what may be done later.
                (0..baseline).for_each(|window| self.counted(window, i128::from(numerator) * count, false));
                let factor = i128::from(denominator) * i128::from(baseline);
                windows.for_each(|window| self.counted(window, -factor, charge));
            }
        }
        let id = self.limit.id.as_str().to_owned();
        self.finish(id, None, constant)
    }

    /// Operations of the run and of each ancestor in every window since its own declared first one: a report that names a run
    /// earlier is a breach of its own. Run commitments hold the operations of all classes of runs.
    fn lineage(
        mut self,
        bound: Bound,
        run: &Name,
        lineage: &Lineage,
        claimed: &mut Claimed,
    ) -> Result<Rule, SealError> {
        let Bound::AtMost(amount) = bound else { return self.refuse("a limit per lineage must be an amount") };
        if self.limit.measure != Measure::Flop {
            return self.refuse("a limit per lineage counts operations, not time");
        }
        let declared = lineage.members(run);
        let mut members: Vec<(&Name, u64)> = declared.iter().map(|member| (&member.run, member.from_window)).collect();
        if members.is_empty() {
            // Never declared, which is found elsewhere; what it did still counts.
            members.push((run, 0));
        }
        let charged = if self.limit.charge_unaccounted { windows_since(0, self.window) } else { 0 };
        let sizes = members.iter().map(|(_, from)| windows_since(*from, self.window));
        claimed.claim(self.limit, Some(run), sizes.fold(charged, u64::saturating_add))?;
        for (member, from) in members {
            for window in from..=self.window {
                self.add(window, Quantity::Run(member.clone()), -i128::from(TERAOPS_PER_PETAOP));
            }
        }
        if self.limit.charge_unaccounted {
            (0..=self.window).for_each(|window| self.add(window, Quantity::Total(Total::UnaccountedTeraops), -1));
        }
        let id = format!("{}/{run}", self.limit.id);
        let constant = self.at_most(amount);
        self.finish(id, Some(run.clone()), constant)
    }

    /// Divides by the greatest common factor (the constant rounded down, which is equivalent over integers) and checks sizes.
    fn finish(self, id: String, run: Option<Name>, constant: u128) -> Result<Rule, SealError> {
        let terms: Vec<_> = self.terms.iter().filter(|(_, coefficient)| **coefficient != 0).collect();
        let factor = terms.iter().fold(0, |factor, (_, coefficient)| gcd(factor, coefficient.unsigned_abs())).max(1);
        let mut reduced = Vec::with_capacity(terms.len());
        for ((window, quantity), coefficient) in terms {
            let magnitude = coefficient.unsigned_abs() / factor;
            let Ok(magnitude) = i64::try_from(magnitude) else {
                return self.refuse("its fraction is too fine; use smaller numbers");
            };
            let coefficient = if *coefficient < 0 { -magnitude } else { magnitude };
            reduced.push(Term { window: *window, quantity: quantity.clone(), coefficient });
        }
        let constant = u64::try_from(constant / factor).unwrap_or(u64::MAX);
        Ok(Rule { id, limit: self.limit.id.clone(), run, constant, terms: reduced })
    }
}

const fn gcd(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}
