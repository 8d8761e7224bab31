//! Limits in words and in figures. Whether a limit holds is decided by its proof; the figures here are for readers.

use super::account::{Account, Footing, ReportFacts};
use crate::check::SubGoal;
use crate::render::words;
use crate::verdict::{LimitTerms, WindowLimit};
use standstill_agreement::{Agreement, Bound, Limit, Measure, Per};
use standstill_seal::{CheckId, History, Outcome, Quantity, Rule, Total};
use standstill_statement::Class;

/// The question that a limit answers: one on unaccounted time only is about undeclared use.
pub(crate) fn sub_goal(limit: &Limit) -> SubGoal {
    if limit.classes == [Class::Unaccounted] { SubGoal::UndeclaredUse } else { SubGoal::Properties }
}

/// Unit of the amounts.
pub(crate) fn unit(limit: &Limit) -> &'static str {
    match limit.measure {
        Measure::Flop => "operations",
        Measure::ChipSeconds => "chip-seconds",
    }
}

/// All limits in words.
pub(crate) fn terms(agreement: &Agreement) -> Vec<LimitTerms> {
    let one = |limit: &Limit| LimitTerms { id: limit.id.clone(), words: in_words(limit), unit: unit(limit).to_owned() };
    agreement.limits.iter().map(one).collect()
}

fn in_words(limit: &Limit) -> String {
    let classes: Vec<String> = limit.classes.iter().map(ToString::to_string).collect();
    let per = match limit.per {
        Per::Window => "per window",
        Per::Lineage => "per run with its ancestors",
        Per::Term => "over the term",
    };
    let bounds: Vec<String> =
        limit.bounds.iter().map(|(phase, bound)| format!("{phase}: {}", bound_words(limit, bound))).collect();
    let charge = if limit.charge_unaccounted { ", unaccounted time charged at peak" } else { "" };
    format!("{} in {} {per}{charge}; {}", unit(limit), words::and(&classes), bounds.join("; "))
}

/// One bound in words.
pub(crate) fn bound_words(limit: &Limit, bound: &Bound) -> String {
    match bound {
        Bound::Unlimited => words::NO_LIMIT.to_owned(),
        // Operations are whole multiples of 1e15 by the terms' own rule.
        Bound::AtMost(amount) if limit.measure == Measure::Flop => {
            format!("at most {}", words::amount(amount / 1_000_000_000_000_000, unit(limit)))
        }
        Bound::AtMost(amount) => format!("at most {}", words::amount(*amount, unit(limit))),
        Bound::OfBaseline { numerator, denominator } => {
            format!("at most {} of the baseline", fraction(*numerator, *denominator))
        }
        Bound::OfCapacity { numerator, denominator } => {
            format!("at most {} of the capacity", fraction(*numerator, *denominator))
        }
    }
}

/// `50 %`, `0.1 %`, or `1/3`.
fn fraction(numerator: u64, denominator: u64) -> String {
    let scaled = u128::from(numerator) * 100_000;
    let denominator_wide = u128::from(denominator.max(1));
    if !scaled.is_multiple_of(denominator_wide) {
        return format!("{numerator}/{denominator}");
    }
    let thousandths = scaled / denominator_wide;
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// One limit in one window.
pub(crate) fn in_window(
    agreement: &Agreement,
    limit: &Limit,
    window: u64,
    facts: Option<&ReportFacts<'_>>,
    history: &History,
) -> WindowLimit {
    let bound = agreement.bound_at(limit, window);
    let figures = facts.and_then(|facts| tightest(facts, limit));
    let fixed = match bound {
        Bound::AtMost(amount) if limit.measure == Measure::Flop => Some(amount / 1_000_000_000_000_000),
        Bound::AtMost(amount) => Some(*amount),
        _ => None,
    };
    WindowLimit {
        id: limit.id.clone(),
        bound: figures.map(|(_, bound)| bound).or(fixed).map(|bound| bound.to_string()),
        words: bound_words(limit, bound),
        amount: figures
            .map(|(amount, _)| amount)
            .or_else(|| free_amount(limit, window, history))
            .map(|amount| amount.to_string()),
        holds: facts.and_then(|facts| holds(facts, limit)),
    }
}

/// Whether every rule of a limit passed; `None` when one could not be checked.
fn holds(facts: &ReportFacts<'_>, limit: &Limit) -> Option<bool> {
    facts.proofs.as_ref().ok()?;
    let mut all = true;
    for rule in facts.rules_of(&limit.id) {
        match facts.outcome(&CheckId::Rule(rule.id.clone()))? {
            Outcome::Pass => {}
            Outcome::Fail(_) | Outcome::Absent(_) if matches!(rule.footing, Footing::Corrected(_)) => return None,
            Outcome::Absent(_) if rule.footing == Footing::Absent => return None,
            Outcome::Fail(_) => all = false,
            Outcome::Absent(_) => all = false,
        }
    }
    Some(all)
}

/// Amount and bound of the rule with the least room, when every quantity in it is in clear.
fn tightest(facts: &ReportFacts<'_>, limit: &Limit) -> Option<(u128, u128)> {
    let figures: Option<Vec<(u128, u128)>> = facts.rules_of(&limit.id).map(|rule| rule.figures).collect();
    figures?.into_iter().min_by_key(|(amount, bound)| bound.saturating_sub(*amount))
}

/// Why a limit that holds by its proofs still rests on the party's word, in words; empty when it does not.
pub(crate) fn assumed(agreement: &Agreement, limit: &Limit, account: &Account<'_>) -> Vec<String> {
    let reports = || account.windows.iter().filter_map(|(window, facts)| facts.counted.as_ref().map(|c| (*window, c)));
    let mut words = Vec::new();
    if limit.per == Per::Lineage && reports().any(|(_, facts)| facts.rules_of(&limit.id).next().is_some()) {
        words.push(
            "the split of operations over runs is the party's word: it is proved to add up, and no audit looks at it"
                .to_owned(),
        );
    }
    let of_baseline = |window: u64| matches!(agreement.bound_at(limit, window), Bound::OfBaseline { .. });
    let baseline = || reports().filter(|(window, _)| *window < agreement.baseline.windows);
    let differs = reports().filter(|(window, _)| of_baseline(*window)).find_map(|(window, judged)| {
        let other = baseline().find(|(_, base)| base.report.sources != judged.report.sources)?;
        Some((window, judged, other))
    });
    if let Some((window, judged, (base_window, base))) = differs {
        words.push(format!(
            "the baseline may be too large: window {base_window} of it rests on {}, window {window} on {}, and operations are upper \
             bounds that are higher where telemetry is coarser",
            sources(base),
            sources(judged)
        ));
    }
    words
}

fn sources(facts: &ReportFacts<'_>) -> String {
    if facts.report.sources.is_empty() { "no named telemetry".to_owned() } else { words::and(&facts.report.sources) }
}

/// The amount of a limit per window where no bound is in force, so that the reader sees what a later bound refers to.
fn free_amount(limit: &Limit, window: u64, history: &History) -> Option<u128> {
    if limit.per != Per::Window {
        return None;
    }
    let opened = history.get(window)?.opened()?;
    let total = |class: &Class| match limit.measure {
        Measure::Flop => Total::Petaops(*class),
        Measure::ChipSeconds => Total::Seconds(*class),
    };
    let sum: u128 = limit.classes.iter().map(|class| u128::from(opened.get(total(class)))).sum();
    let gap = match (limit.measure, limit.charge_unaccounted) {
        (Measure::Flop, true) => u128::from(opened.get(Total::UnaccountedTeraops)).div_ceil(1_000),
        _ => 0,
    };
    Some(sum + gap)
}

/// A rule says `constant + Σ coefficient·quantity ≥ 0`: what is subtracted is the amount, the rest is the bound. Both are divided by the
/// factor of the quantity that is limited, which gives them back in the limit's own unit.
pub(crate) fn figures(rule: &Rule, window: u64, history: &History) -> Option<(u128, u128)> {
    let (mut amount, mut bound, mut factor) = (0u128, u128::from(rule.constant), 0u128);
    for term in &rule.terms {
        let value = value(&term.quantity, term.window, history)?;
        let product = u128::from(value).checked_mul(u128::from(term.coefficient.unsigned_abs()))?;
        if term.coefficient >= 0 {
            bound = bound.checked_add(product)?;
            continue;
        }
        amount = amount.checked_add(product)?;
        let limited =
            matches!(term.quantity, Quantity::Run(_) | Quantity::Total(Total::Petaops(_) | Total::Seconds(_)));
        if limited && term.window <= window {
            factor = factor.max(u128::from(term.coefficient.unsigned_abs()));
        }
    }
    (factor > 0).then(|| (amount.div_ceil(factor), bound / factor))
}

fn value(quantity: &Quantity, window: u64, history: &History) -> Option<u64> {
    let public = history.get(window)?;
    let opened = public.opened()?;
    match quantity {
        Quantity::Total(total) => Some(opened.get(*total)),
        Quantity::Run(run) => match public.runs().iter().position(|(known, _)| known == run) {
            Some(place) => opened.runs.get(place).copied(),
            None => Some(0),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_read_as_percent_when_they_are_short() {
        assert_eq!(fraction(1, 2), "50 %");
        assert_eq!(fraction(1, 1000), "0.1 %");
        assert_eq!(fraction(1, 3), "1/3");
    }
}
