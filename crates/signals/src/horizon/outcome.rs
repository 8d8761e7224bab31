//! Whether a trigger fired: yes, no, or "cannot be said", with the reason.

use super::evaluation::{Fitted, Growth, LeaveOneOut};
use super::figure::Figure;
use super::fit::Fit;
use super::index::Break;
use super::method::{Enough, Method, Trigger, TriggerKind};
use serde::{Deserialize, Serialize};

/// Outcome of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The condition holds on this data under this method.
    Fired,
    /// The condition does not hold.
    NotFired,
    /// The data cannot decide; the reasons say why.
    Indeterminate,
}

impl Outcome {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::NotFired => "not fired",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// Why the data cannot decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Reason {
    /// The suite has too few tasks as long as the target: any answer would be extrapolation.
    BeyondTaskSupport {
        /// Target in minutes.
        target_minutes: Figure,
        /// Longest task that the agent ran, in minutes.
        longest_minutes: Figure,
        /// Tasks that the agent ran and that are at least as long as the target.
        tasks: u32,
        /// Tasks that the method wants.
        wanted: u32,
    },
    /// The estimate lies beyond the longest task: the suite is too easy for the agent.
    Saturated {
        /// The agent.
        agent: String,
        /// Its horizon in minutes; none when it succeeded at everything.
        minutes: Figure,
        /// Longest task that it ran, in minutes.
        longest_minutes: Figure,
    },
    /// The outcome depends on how runs flagged as cheating count.
    DependsOnCheating {
        /// Outcome when they are failures.
        fail: Outcome,
        /// Outcome when they are left out.
        drop: Outcome,
        /// Outcome when they are successes.
        success: Outcome,
    },
    /// There is less data than the method wants.
    TooFewData {
        /// What there is and what is wanted.
        what: String,
    },
    /// Longer tasks are not harder for the agent, so that a horizon means nothing.
    SlopeNotFalling {
        /// The agent.
        agent: String,
        /// Its slope.
        slope: Figure,
    },
    /// The point estimate changes sides when one family is left out.
    DependsOnOneFamily {
        /// The family.
        family: String,
        /// Point estimate with all families.
        with: Figure,
        /// Point estimate without it.
        without: Figure,
    },
}

/// A judged trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// Outcome.
    pub outcome: Outcome,
    /// Reasons, for an indeterminate outcome.
    pub reasons: Vec<Reason>,
    /// Agent that was watched, for horizons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Point estimate: minutes of a horizon, days of a doubling, ratio of slopes.
    pub estimate: Figure,
    /// Target in the same unit.
    pub target: Figure,
    /// Share of resamples in which the condition holds.
    pub share: Figure,
    /// Monte-Carlo standard error of the share.
    pub share_error: Figure,
}

/// What a trigger is judged on.
pub(crate) struct Evidence<'a> {
    pub(crate) method: &'a Method,
    pub(crate) fitted: Option<&'a Fitted>,
    pub(crate) growth: Option<&'a Growth>,
    pub(crate) left_out: &'a [LeaveOneOut],
    /// `None` without an index; `Some(None)` when it has too few records for the test.
    pub(crate) slope_break: Option<Option<Break>>,
}

impl Judged {
    fn start(target: f64) -> Self {
        Self {
            outcome: Outcome::Indeterminate,
            reasons: Vec::new(),
            agent: None,
            estimate: Figure::NONE,
            target: Figure::new(target),
            share: Figure::NONE,
            share_error: Figure::NONE,
        }
    }

    fn lacking(mut self, what: impl Into<String>) -> Self {
        self.reasons.push(Reason::TooFewData { what: what.into() });
        self
    }

    /// The outcome, unless a reason stands against it.
    fn decide(mut self, holds: bool) -> Self {
        if self.reasons.is_empty() {
            self.outcome = if holds { Outcome::Fired } else { Outcome::NotFired };
        }
        self
    }

    fn share_of(&mut self, holding: usize, all: usize) -> f64 {
        let share = holding as f64 / all as f64;
        self.share = Figure::new(share);
        self.share_error = Figure::new((share * (1.0 - share) / all as f64).sqrt());
        share
    }
}

/// Judges a trigger under one treatment of flagged runs.
pub(crate) fn judge(trigger: &Trigger, evidence: &Evidence<'_>) -> Judged {
    match &trigger.kind {
        TriggerKind::HorizonAtLeast { percent, months, minutes, agent, confidence } => {
            let target = minutes.or(months.map(|months| months * evidence.method.month.minutes())).unwrap_or(f64::NAN);
            horizon(evidence, *percent, target, agent.as_deref(), *confidence)
        }
        TriggerKind::DoublingAtMost { days, confidence } => doubling(evidence, *days, *confidence),
        TriggerKind::SlopeBreak { significance, factor } => slope_break(evidence, *significance, *factor),
    }
}

/// The watched agent: the named one, or the one with the longest horizon among those that may be frontier.
fn watched(evidence: &Evidence<'_>, fitted: &Fitted, percent: u32, named: Option<&str>) -> Option<usize> {
    if let Some(alias) = named {
        return fitted.agent(alias);
    }
    let rule = &evidence.method.frontier;
    let dated: Option<Vec<&str>> = evidence
        .growth
        .filter(|growth| !growth.frontier.is_empty())
        .map(|growth| growth.frontier.iter().map(|point| point.agent.as_str()).collect());
    (0..fitted.suite.agents.len())
        .filter(|&at| !rule.exclude.contains(&fitted.suite.agents[at]))
        .filter(|&at| dated.as_ref().is_none_or(|names| names.contains(&fitted.suite.agents[at].as_str())))
        .max_by(|&a, &b| rank(fitted.fits[a], percent).total_cmp(&rank(fitted.fits[b], percent)))
}

/// An agent that succeeds at everything ranks above every horizon.
fn rank(fit: Fit, percent: u32) -> f64 {
    if fit == Fit::AllSucceeded { f64::INFINITY } else { fit.horizon_minutes(percent) }
}

fn horizon(evidence: &Evidence<'_>, percent: u32, target: f64, named: Option<&str>, confidence: f64) -> Judged {
    let mut judged = Judged::start(target);
    let Some(fitted) = evidence.fitted else { return judged.lacking("no run-level or per-task results were given") };
    let Some(agent) = watched(evidence, fitted, percent, named) else {
        return judged.lacking(
            named.map_or_else(|| "no agent may be frontier".to_owned(), |alias| format!("'{alias}' has no runs")),
        );
    };
    let alias = &fitted.suite.agents[agent];
    let (fit, longest) = (fitted.fits[agent], fitted.longest[agent]);
    let estimate = fit.horizon_minutes(percent);
    judged.agent = Some(alias.clone());
    judged.estimate = Figure::new(estimate);
    judged.reasons.extend(too_few(fitted, agent, &evidence.method.enough));
    judged.reasons.extend(beyond_support(fitted, agent, target, &evidence.method.enough));
    if let Some(line) = fit.line().filter(|line| line.slope >= 0.0) {
        judged.reasons.push(Reason::SlopeNotFalling { agent: alias.clone(), slope: Figure::new(line.slope) });
    }
    if evidence.method.enough.without_any_family {
        judged.reasons.extend(family_flip(evidence, agent, percent, target, estimate));
    }
    let saturated = || Reason::Saturated {
        agent: alias.clone(),
        minutes: Figure::new(estimate),
        longest_minutes: Figure::new(longest),
    };
    match fit {
        Fit::AllFailed => return judged.decide(false),
        Fit::AllSucceeded => {
            judged.reasons.push(saturated());
            return judged;
        }
        Fit::Line(_) => {}
    }
    let values: Vec<f64> = fitted.resamples.horizons(agent, percent).filter(|value| !value.is_nan()).collect();
    let wanted = evidence.method.enough.valid_resamples * fitted.resamples.len() as f64;
    if values.is_empty() || (values.len() as f64) < wanted {
        return judged.lacking(format!("{} of {} resamples give a value", values.len(), fitted.resamples.len()));
    }
    let holding = values.iter().filter(|value| **value >= target).count();
    let share = judged.share_of(holding, values.len());
    if share < confidence && estimate > longest {
        judged.reasons.push(saturated());
    }
    judged.decide(share >= confidence)
}

/// What an agent lacks of the data that the method wants.
fn too_few(fitted: &Fitted, agent: usize, enough: &Enough) -> Vec<Reason> {
    let mut families: Vec<usize> = Vec::new();
    let (mut tasks, mut fewest) = (0u32, usize::MAX);
    for cell in fitted.suite.cells_of(agent) {
        families.push(fitted.suite.tasks[cell.task].family);
        tasks += 1;
        fewest = fewest.min(cell.outcomes.len());
    }
    families.sort_unstable();
    families.dedup();
    let share = f64::from(tasks) / fitted.suite.tasks.len() as f64;
    let alias = &fitted.suite.agents[agent];
    let lack = |what: String| Reason::TooFewData { what };
    let mut reasons = Vec::new();
    if families.len() < enough.families as usize {
        reasons.push(lack(format!("'{alias}' ran {} families, the method wants {}", families.len(), enough.families)));
    }
    if tasks < enough.tasks {
        reasons.push(lack(format!("'{alias}' ran {tasks} tasks, the method wants {}", enough.tasks)));
    }
    if share < enough.task_share {
        reasons.push(lack(format!(
            "'{alias}' ran {tasks} of {} tasks, the method wants a share of {}",
            fitted.suite.tasks.len(),
            enough.task_share
        )));
    }
    if fewest < enough.runs_per_task as usize {
        reasons
            .push(lack(format!("'{alias}' has a task with {fewest} runs, the method wants {}", enough.runs_per_task)));
    }
    reasons
}

fn beyond_support(fitted: &Fitted, agent: usize, target: f64, enough: &Enough) -> Option<Reason> {
    let long = fitted.suite.cells_of(agent).filter(|cell| fitted.suite.tasks[cell.task].minutes >= target).count();
    let tasks = u32::try_from(long).unwrap_or(u32::MAX);
    (tasks < enough.support_tasks).then(|| Reason::BeyondTaskSupport {
        target_minutes: Figure::new(target),
        longest_minutes: Figure::new(fitted.longest[agent]),
        tasks,
        wanted: enough.support_tasks,
    })
}

/// The first family without which the point estimate is on the other side of the target. Only the frontier's percent is refitted.
fn family_flip(evidence: &Evidence<'_>, agent: usize, percent: u32, target: f64, with: f64) -> Option<Reason> {
    if evidence.method.percents.first() != Some(&percent) {
        return None;
    }
    evidence
        .left_out
        .iter()
        .map(|left| (left, left.minutes[agent]))
        .find(|(_, without)| (*without >= target) != (with >= target))
        .map(|(left, without)| Reason::DependsOnOneFamily {
            family: left.family.clone(),
            with: Figure::new(with),
            without: Figure::new(without),
        })
}

fn doubling(evidence: &Evidence<'_>, days: f64, confidence: Option<f64>) -> Judged {
    let mut judged = Judged::start(days);
    let Some(growth) = evidence.growth else { return judged.lacking("no release dates were given") };
    let wanted = evidence.method.enough.frontier_agents as usize;
    if growth.frontier.len() < wanted {
        return judged
            .lacking(format!("{} agents are on the frontier, the method wants {wanted}", growth.frontier.len()));
    }
    let Some(trend) = growth.trend else { return judged.lacking("all frontier agents have one release day") };
    let estimate = growth.doubling_days();
    judged.estimate = Figure::new(estimate.unwrap_or(f64::INFINITY));
    judged.reasons.extend(saturated_frontier(evidence, growth));
    if evidence.method.enough.without_any_family {
        let fast = |value: Option<f64>| value.is_some_and(|value| value <= days);
        let flip = evidence.left_out.iter().find(|left| fast(left.doubling_days) != fast(estimate));
        judged.reasons.extend(flip.map(|left| Reason::DependsOnOneFamily {
            family: left.family.clone(),
            with: judged.estimate,
            without: Figure::new(left.doubling_days.unwrap_or(f64::INFINITY)),
        }));
    }
    if !growth.resampled.is_empty() {
        let fast = growth.resampled.iter().filter(|value| **value <= days).count();
        judged.share_of(fast, growth.resampled.len());
    }
    let Some(confidence) = confidence else {
        return judged.decide(trend.slope > 0.0 && estimate.is_some_and(|value| value <= days));
    };
    match judged.share.some() {
        Some(share) => judged.decide(share >= confidence),
        None => judged.lacking("a frontier agent has no runs here, so that there are no resamples to count"),
    }
}

/// Frontier agents whose horizon lies beyond their longest task.
fn saturated_frontier(evidence: &Evidence<'_>, growth: &Growth) -> Vec<Reason> {
    let Some(fitted) = evidence.fitted else { return Vec::new() };
    let cap = evidence.method.frontier.cap_minutes.unwrap_or(f64::INFINITY);
    growth
        .frontier
        .iter()
        .filter_map(|point| Some((point, fitted.longest[fitted.agent(&point.agent)?])))
        .filter(|(point, longest)| point.minutes.min(cap) > *longest)
        .map(|(point, longest)| Reason::Saturated {
            agent: point.agent.clone(),
            minutes: Figure::new(point.minutes),
            longest_minutes: Figure::new(longest),
        })
        .collect()
}

fn slope_break(evidence: &Evidence<'_>, significance: f64, factor: f64) -> Judged {
    let mut judged = Judged::start(factor);
    match evidence.slope_break {
        None => judged.lacking("no index was given"),
        Some(None) => judged.lacking("the index has too few records on one side of the break"),
        Some(Some(found)) => {
            let ratio = found.after / found.before;
            judged.estimate = Figure::new(ratio);
            // A slope that was zero or falling and now rises is a break upwards of any factor.
            let faster = found.after > 0.0 && (found.before <= 0.0 || ratio >= factor);
            judged.decide(found.p_value <= significance && faster)
        }
    }
}

/// Joins the outcomes under the three treatments of flagged runs.
pub(crate) fn agree(mut main: Judged, fail: Outcome, drop: Outcome, success: Outcome) -> Judged {
    if fail != drop || drop != success {
        main.outcome = Outcome::Indeterminate;
        main.reasons.push(Reason::DependsOnCheating { fail, drop, success });
    }
    main
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BeyondTaskSupport { target_minutes, longest_minutes, tasks, wanted } => write!(
                f,
                "beyond task support: the target is {:.0} minutes, the longest task {:.0}; {tasks} tasks reach the target, {wanted} are wanted",
                target_minutes.value(),
                longest_minutes.value()
            ),
            Self::Saturated { agent, minutes, longest_minutes } => match minutes.some() {
                Some(minutes) => write!(
                    f,
                    "saturated: the horizon of '{agent}' is {minutes:.0} minutes, its longest task {:.0}",
                    longest_minutes.value()
                ),
                None => write!(
                    f,
                    "saturated: '{agent}' succeeded at everything up to its longest task of {:.0} minutes",
                    longest_minutes.value()
                ),
            },
            Self::DependsOnCheating { fail, drop, success } => write!(
                f,
                "depends on how cheating runs count: {} as failures, {} without them, {} as successes",
                fail.word(),
                drop.word(),
                success.word()
            ),
            Self::TooFewData { what } => write!(f, "too few data: {what}"),
            Self::SlopeNotFalling { agent, slope } => {
                write!(
                    f,
                    "slope not falling: longer tasks are not harder for '{agent}' (slope {:+.3} per doubling)",
                    slope.value()
                )
            }
            Self::DependsOnOneFamily { family, with, without } => {
                write!(
                    f,
                    "depends on one family: {:.4} with '{family}', {:.4} without it",
                    with.value(),
                    without.value()
                )
            }
        }
    }
}
