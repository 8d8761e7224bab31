//! A horizon record for people.

use standstill_signals::horizon::figure::Figure;
use standstill_signals::horizon::method::{Generator, Plan, Trigger, TriggerKind};
use standstill_signals::horizon::plot::duration;
use standstill_signals::horizon::record::{AgentFigures, DoublingFigure, GrowthFigures, IndexFigures, TriggerFigures};
use standstill_signals::horizon::{Outcome, Record};
use std::fmt::Write as _;

/// Writing to a string cannot fail, so that its result is dropped.
macro_rules! say {
    ($out:expr, $($words:tt)*) => {{ let _ = writeln!($out, $($words)*); }};
}

/// The record as text.
pub(super) fn of(record: &Record) -> String {
    let mut out = String::new();
    head(&mut out, record);
    agents(&mut out, record);
    if let Some(growth) = &record.growth {
        growth_text(&mut out, growth);
    }
    if let Some(index) = &record.index {
        index_text(&mut out, index);
    }
    for (trigger, figures) in record.plan.triggers.iter().zip(&record.triggers) {
        trigger_text(&mut out, trigger, figures);
    }
    if !record.remarks.is_empty() {
        say!(out, "\nRemarks");
        for remark in &record.remarks {
            say!(out, "  {}: {}", remark.kind, remark.text);
        }
    }
    say!(out, "\n{}", sentence(record));
    out
}

fn head(out: &mut String, record: &Record) {
    let method = &record.plan.method;
    say!(out, "Method {}, hash {}", method.name, record.method_hash);
    say!(out, "  lambda {}, {}", method.lambda, draws(&record.plan));
    if let Some(suite) = &record.suite {
        say!(
            out,
            "  {} runs of {} agents on {} tasks in {} families; longest task {}; task list {}",
            suite.runs,
            record.agents.len(),
            suite.tasks,
            suite.families,
            duration(suite.longest_minutes.value()),
            suite.task_list
        );
    }
}

fn draws(plan: &Plan) -> String {
    let bootstrap = &plan.method.bootstrap;
    match (bootstrap.resamples, bootstrap.generator) {
        (0, _) => "no resamples".to_owned(),
        (count, Generator::Numpy) => format!("{count} resamples (NumPy, seeds from {})", bootstrap.seed),
        (count, Generator::Beacon) => {
            format!("{count} resamples (beacon {})", bootstrap.beacon.as_deref().unwrap_or("?"))
        }
    }
}

fn agents(out: &mut String, record: &Record) {
    if record.agents.is_empty() {
        return;
    }
    let width = record.agents.iter().map(|agent| agent.agent.chars().count()).max().unwrap_or(5).clamp(5, 40);
    let mut header = format!("\n{:width$}  {:10} {:>6}", "agent", "released", "runs");
    for percent in &record.plan.method.percents {
        let _ = write!(
            header,
            "  {:<35}",
            format!("p{percent} [{} % interval]", record.plan.method.bootstrap.interval_percent)
        );
    }
    say!(out, "{}", header.trim_end());
    for agent in &record.agents {
        say!(out, "{}", agent_line(agent, width).trim_end());
    }
}

fn agent_line(agent: &AgentFigures, width: usize) -> String {
    let released = agent.released.map_or_else(|| "-".to_owned(), |day| day.to_string());
    let mut line = format!("{:width$}  {released:10} {:>6}", agent.agent, agent.runs);
    for horizon in &agent.horizons {
        let mut cell = duration(horizon.minutes.value());
        if let (Some(low), Some(high)) = (horizon.low.some(), horizon.high.some()) {
            let _ = write!(cell, " [{} to {}]", duration(low), duration(high));
        }
        let _ = write!(line, "  {cell:<35}");
    }
    line
}

/// Days with an interval, when there is one.
fn days(doubling: &DoublingFigure) -> String {
    match (doubling.days.some(), doubling.low.some(), doubling.high.some()) {
        (None, ..) => "does not rise".to_owned(),
        (Some(days), Some(low), Some(high)) => format!(
            "{days:.3} days [{low:.1} to {high:.1}; Monte-Carlo error {:.1} and {:.1}]",
            doubling.low_error.value(),
            doubling.high_error.value()
        ),
        (Some(days), ..) => format!("{days:.3} days"),
    }
}

fn growth_text(out: &mut String, growth: &GrowthFigures) {
    let frontier: Vec<String> = growth
        .points
        .iter()
        .filter(|point| point.frontier)
        .map(|point| format!("{} ({}, {})", point.agent, point.released, duration(point.minutes.value())))
        .collect();
    say!(out, "\nFrontier: {}", frontier.join(", "));
    say!(out, "Doubling time, method's window: {}", days(&growth.doubling));
    if let Some(range) = &growth.without_one_family {
        say!(
            out,
            "  any one family left out: {:.1} (without {}) to {:.1} (without {})",
            range.low.value(),
            range.low_without,
            range.high.value(),
            range.high_without
        );
    }
    for other in &growth.other_windows {
        say!(out, "  window {}: {}, {} agents", other.window, days(other), other.agents);
    }
    for (file, window, stated) in &growth.stated {
        say!(out, "  stated in {file}, {window}: {} days", stated.value());
    }
}

fn index_text(out: &mut String, index: &IndexFigures) {
    say!(
        out,
        "\nIndex: {} scored models ({} without a date), {} records; {:.2} points a year (standard error {:.2}, R2 {:.3})",
        index.models,
        index.undated,
        index.records.len(),
        index.points_per_year.value(),
        index.standard_error.value(),
        index.r_squared.value()
    );
    match &index.slope_break {
        None => say!(out, "  too few records for a test of the slope"),
        Some(found) => say!(
            out,
            "  slope break ({}) at {}: F = {:.3}, p = {:.4}; {:.2} points a year before, {:.2} after",
            found.test,
            found.day,
            found.f.value(),
            found.p_value.value(),
            found.before_per_year.value(),
            found.after_per_year.value()
        ),
    }
}

fn trigger_text(out: &mut String, trigger: &Trigger, figures: &TriggerFigures) {
    let judged = &figures.judged;
    say!(out, "\nTrigger '{}': {}", trigger.name, judged.outcome.word());
    let number = |figure: Figure| figure.some().map_or_else(|| "none".to_owned(), |value| format!("{value:.4}"));
    let show = |figure: Figure| match trigger.kind {
        TriggerKind::HorizonAtLeast { .. } => duration(figure.value()),
        TriggerKind::DoublingAtMost { .. } => format!("{} days", number(figure)),
        TriggerKind::SlopeBreak { .. } => format!("{} times", number(figure)),
    };
    let agent = judged.agent.as_ref().map(|agent| format!("{agent}: ")).unwrap_or_default();
    say!(out, "  {agent}estimate {}, target {}", show(judged.estimate), show(judged.target));
    if let (Some(share), Some(error)) = (judged.share.some(), judged.share_error.some()) {
        let wanted = match trigger.kind {
            TriggerKind::HorizonAtLeast { confidence, .. } => format!(", {confidence} is wanted"),
            TriggerKind::DoublingAtMost { confidence: Some(confidence), .. } => format!(", {confidence} is wanted"),
            _ => ", for information; the point estimate decides".to_owned(),
        };
        say!(out, "  holds in a share of {share:.4} of the resamples (Monte-Carlo error {error:.4}){wanted}");
    }
    for reason in &judged.reasons {
        say!(out, "  {reason}");
    }
    say!(out, "  trigger hash {}", figures.trigger_hash);
}

fn sentence(record: &Record) -> String {
    let count = |wanted| record.triggers.iter().filter(|trigger| trigger.judged.outcome == wanted).count();
    let all = record.triggers.len();
    match record.outcome() {
        _ if all == 0 => "The method has no triggers; nothing could fire.".to_owned(),
        Outcome::Fired => format!("FIRED: {} of {all} triggers fired under this method.", count(Outcome::Fired)),
        Outcome::Indeterminate => {
            format!(
                "INDETERMINATE: none of {all} triggers fired, but {} cannot be decided on this data.",
                count(Outcome::Indeterminate)
            )
        }
        Outcome::NotFired => format!("NOT FIRED: none of {all} triggers fired under this method."),
    }
}
