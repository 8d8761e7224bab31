//! From a result to the reading that a statement carries. Both functions look at the result alone, so that a reader can follow them by hand.

use crate::horizon::Record;
use crate::horizon::figure::Figure;
use crate::horizon::record::{AgentFigures, HorizonFigure};
use crate::scan::{Report, Severity};
use standstill_statement::{Decimal, Interval, Measured, Name, Reading};

/// An end of an interval that the data does not bound: a value above everything that a clause can name.
const UNBOUNDED: Decimal = Decimal::new(1, 30);
/// Smallest power of ten in a statement; what is smaller counts as zero.
const LEAST_POWER: i32 = -18;

fn indeterminate(reason: &str) -> Option<Reading> {
    Name::new(reason).ok().map(Reading::Indeterminate)
}

/// A figure times a whole number, exactly: nine digits and a power of ten.
fn decimal(figure: Figure, times: u64) -> Option<Decimal> {
    let value = figure.some().filter(|value| value.is_finite() && *value >= 0.0)?;
    let text = format!("{value:.8e}");
    let (digits, power) = text.split_once('e')?;
    let digits: u64 = digits.replace('.', "").parse().ok()?;
    let power: i32 = power.parse::<i32>().ok()? - 8;
    let exact = Decimal::new(digits.checked_mul(times)?, i8::try_from(power.max(-100)).ok()?);
    Some(if i32::from(exact.power) < LEAST_POWER { Decimal::new(0, 0) } else { exact })
}

/// Confidence in millionths.
fn confidence(percent: f64) -> Option<u32> {
    format!("{:.0}", percent * 10_000.0).parse().ok()
}

/// The interval of two figures. Its upper end is unbounded when it lies above `support`, the longest task that was run.
fn interval(low: Figure, high: Figure, times: u64, percent: f64, support: Option<f64>) -> Option<Interval> {
    let low = decimal(low, times)?;
    let end = high.some()?;
    let beyond = !end.is_finite() || support.is_some_and(|longest| end > longest);
    let high = if beyond { UNBOUNDED } else { decimal(high, times)? };
    Some(Interval { low, high, confidence_ppm: confidence(percent)? })
}

/// The reading of a horizon record, `None` for a metric that it does not give.
///
/// | metric | unit | value |
/// |---|---|---|
/// | `horizon_p50`, `horizon_p80` | seconds | horizon of the frontier agent (or of the named agents) with the longest one |
/// | `horizon_doubling` | seconds | doubling time in the method's window |
///
/// Indeterminate: `depends-on-cheating` (flagged runs, and the method asks that they must not matter), `outside-task-support` (the estimate lies
/// beyond the agent's longest task), `too-few-data`, `slope-not-falling`, `no-runs`, `does-not-rise`.
#[must_use]
pub fn horizon_reading(record: &Record, metric: &str, agents: &[String]) -> Option<Reading> {
    let flagged = record.suite.as_ref().is_some_and(|suite| suite.runs_flagged > 0);
    let depends = flagged && record.plan.method.cheating_must_agree;
    match metric {
        "horizon_p50" | "horizon_p80" => {
            let percent = if metric == "horizon_p50" { 50 } else { 80 };
            if !record.plan.method.percents.contains(&percent) {
                return None;
            }
            if depends { indeterminate("depends-on-cheating") } else { longest(record, percent, agents) }
        }
        "horizon_doubling" if agents.is_empty() => {
            if depends {
                indeterminate("depends-on-cheating")
            } else {
                doubling(record)
            }
        }
        _ => None,
    }
}

/// The horizon of the agent with the longest one.
fn longest(record: &Record, percent: u32, agents: &[String]) -> Option<Reading> {
    let method = &record.plan.method;
    let frontier: Vec<&str> = record
        .growth
        .iter()
        .flat_map(|growth| &growth.points)
        .filter(|point| point.frontier)
        .map(|point| point.agent.as_str())
        .collect();
    let counts = |agent: &&AgentFigures| {
        if agents.is_empty() {
            !method.frontier.exclude.contains(&agent.agent)
                && (frontier.is_empty() || frontier.contains(&agent.agent.as_str()))
        } else {
            agents.contains(&agent.agent)
        }
    };
    let figure = |agent: &&AgentFigures| agent.horizons.iter().find(|horizon| horizon.percent == percent).cloned();
    // Success at everything ranks above every horizon.
    let rank =
        |agent: &&AgentFigures| figure(agent).and_then(|horizon| horizon.minutes.some()).unwrap_or(f64::INFINITY);
    let Some(agent) = record.agents.iter().filter(counts).max_by(|a, b| rank(a).total_cmp(&rank(b))) else {
        return indeterminate("no-runs");
    };
    let Some(horizon) = figure(&agent) else { return indeterminate("no-runs") };
    of_agent(record, agent, &horizon)
}

fn of_agent(record: &Record, agent: &AgentFigures, horizon: &HorizonFigure) -> Option<Reading> {
    let (method, enough) = (&record.plan.method, &record.plan.method.enough);
    let support = agent.longest_minutes.value();
    if horizon.minutes.some().is_none_or(|minutes| minutes > support) {
        return indeterminate("outside-task-support");
    }
    if agent.slope.some().is_some_and(|slope| slope >= 0.0) {
        return indeterminate("slope-not-falling");
    }
    let tasks = record.suite.as_ref().map_or(0, |suite| suite.tasks);
    let share = enough.task_share * tasks as f64;
    let few = agent.families < u64::from(enough.families)
        || agent.tasks < u64::from(enough.tasks)
        || (agent.tasks as f64) < share
        || agent.runs < agent.tasks.saturating_mul(u64::from(enough.runs_per_task));
    let valid = enough.valid_resamples * f64::from(method.bootstrap.resamples);
    let fitted = agent.slope.some().is_some();
    if few || (fitted && (horizon.valid_resamples as f64) < valid) {
        return indeterminate("too-few-data");
    }
    let Some(estimate) = decimal(horizon.minutes, 60) else { return indeterminate("too-few-data") };
    let interval = interval(horizon.low, horizon.high, 60, method.bootstrap.interval_percent, Some(support));
    Some(Reading::Value(Measured { estimate, interval }))
}

fn doubling(record: &Record) -> Option<Reading> {
    let Some(growth) = &record.growth else { return indeterminate("no-runs") };
    let figures = &growth.doubling;
    if figures.agents < u64::from(record.plan.method.enough.frontier_agents) {
        return indeterminate("too-few-data");
    }
    let support = |alias: &str| {
        record.agents.iter().find(|agent| agent.agent == alias).map(|agent| agent.longest_minutes.value())
    };
    let beyond = growth.points.iter().filter(|point| point.frontier).any(|point| {
        support(&point.agent).is_some_and(|longest| point.minutes.some().is_none_or(|minutes| minutes > longest))
    });
    if beyond {
        return indeterminate("outside-task-support");
    }
    let Some(estimate) = decimal(figures.days, 86_400) else { return indeterminate("does-not-rise") };
    let percent = record.plan.method.bootstrap.interval_percent;
    Some(Reading::Value(Measured { estimate, interval: interval(figures.low, figures.high, 86_400, percent, None) }))
}

/// The reading of a scan: number of findings at least as heavy as the metric's name says (`scan_block`, `scan_high`, `scan_warn`), after
/// the allow-list, whose hash is part of the method. Indeterminate (`incomplete`) when something could not be read and nothing that heavy was
/// found: what was not read could hold more, but what was found stays found.
#[must_use]
pub fn scan_reading(report: &Report, metric: &str) -> Option<Reading> {
    let from = match metric {
        "scan_block" => Severity::Block,
        "scan_high" => Severity::High,
        "scan_warn" => Severity::Warn,
        _ => return None,
    };
    let count = report.count_from(from);
    if count == 0 && !report.not_read.is_empty() {
        return indeterminate("incomplete");
    }
    Some(Reading::Value(Measured { estimate: Decimal::new(count, 0), interval: None }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn minutes_become_seconds_exactly() {
        assert_eq!(decimal(Figure::new(341.741_031), 60), Some(Decimal::new(2_050_446_186, -5)));
        assert_eq!(decimal(Figure::new(0.0), 60), Some(Decimal::new(0, 0)));
        assert_eq!(decimal(Figure::new(128.744), 86_400), Some(Decimal::new(111_234_816, -1)));
        assert_eq!(decimal(Figure::new(1e-40), 60), Some(Decimal::new(0, 0)));
        assert_eq!(decimal(Figure::NONE, 60), None);
        assert_eq!(confidence(95.0), Some(950_000));
    }

    #[test]
    fn an_upper_end_beyond_the_longest_task_is_no_bound() {
        let figures = (Figure::new(10.0), Figure::new(90.0));
        let ends = |support| interval(figures.0, figures.1, 60, 95.0, support).unwrap();
        assert_eq!(ends(Some(100.0)).high, Decimal::new(5_400, 0));
        assert_eq!(ends(Some(80.0)).high, UNBOUNDED);
        assert_eq!(ends(None).low, Decimal::new(600, 0));
        assert!(interval(figures.0, Figure::NONE, 60, 95.0, None).is_none());
    }
}
