//! Runs as the fit sees them: one cell per task and agent, with the weight of a run.
//!
//! All runs of one task and agent have the same length and the same weight, so that the sums over runs in the score equations are
//! sums over cells. The cells keep the outcome of every run in the order of the files, because METR's bootstrap draws runs by place.

use super::error::HorizonError;
use super::method::{Method, MinutesPolicy, Score, Treatment, Weights};
use super::results::{Results, Run};
use std::collections::BTreeMap;

/// A task with the base-2 logarithm of its length.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Task id.
    pub id: String,
    /// Index into [`Suite::families`].
    pub family: usize,
    /// Length in minutes.
    pub minutes: f64,
    /// log2 of the length in minutes.
    pub log2_minutes: f64,
}

/// A family with its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Name.
    pub name: String,
    /// Indices into [`Suite::tasks`], sorted by task id.
    pub tasks: Vec<usize>,
}

/// All runs of one agent on one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Index into [`Suite::tasks`].
    pub task: usize,
    /// Index into [`Suite::agents`].
    pub agent: usize,
    /// Outcome of each run, 0 to 1, in the order of the files.
    pub outcomes: Vec<f64>,
    /// Weight of one run.
    pub weight: f64,
}

impl Cell {
    /// Sum of the outcomes.
    #[must_use]
    pub fn successes(&self) -> f64 {
        self.outcomes.iter().sum()
    }

    /// Number of runs.
    #[must_use]
    pub fn runs(&self) -> f64 {
        self.outcomes.len() as f64
    }
}

/// A suite with the results of all agents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    /// Agents, sorted by alias.
    pub agents: Vec<String>,
    /// Families, sorted by name.
    pub families: Vec<Family>,
    /// Tasks, sorted by id.
    pub tasks: Vec<Task>,
    /// Cells, sorted as the strings "task|||agent": the order in which METR's bootstrap draws runs.
    pub cells: Vec<Cell>,
}

impl Suite {
    /// Applies a method to results: which tasks and runs count, what is a success, and what a run weighs.
    ///
    /// `cheating` replaces the method's treatment of flagged runs, for the question what depends on it.
    ///
    /// # Errors
    /// A score or a source of length that the method needs and a run does not have; nothing left to compute from.
    pub fn build(results: &Results, method: &Method, cheating: Treatment) -> Result<Self, HorizonError> {
        let mut outcomes: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        for run in &results.runs {
            if !counts(results, run, method)? {
                continue;
            }
            if let Some(outcome) = outcome(results, run, method, cheating)? {
                outcomes.entry((run.task, run.agent)).or_default().push(outcome);
            }
        }
        if outcomes.is_empty() {
            return Err(HorizonError::Missing(
                "no run is left after the method's rules; check scaffold, minutes and usage-limit".to_owned(),
            ));
        }
        Ok(Self::assemble(results, outcomes, method.weights))
    }

    fn assemble(results: &Results, outcomes: BTreeMap<(usize, usize), Vec<f64>>, weights: Weights) -> Self {
        let mut agents: Vec<String> = outcomes.keys().map(|key| results.agents[key.1].clone()).collect();
        let mut ids: Vec<usize> = outcomes.keys().map(|key| key.0).collect();
        let mut names: Vec<String> = ids.iter().map(|&task| results.tasks[task].family.clone()).collect();
        for list in [&mut agents, &mut names] {
            list.sort();
            list.dedup();
        }
        ids.dedup();
        ids.sort_by(|&a, &b| results.tasks[a].id.cmp(&results.tasks[b].id));
        let mut families: Vec<Family> = names.into_iter().map(|name| Family { name, tasks: Vec::new() }).collect();
        let mut place = vec![0; results.tasks.len()];
        let mut tasks = Vec::with_capacity(ids.len());
        for (at, &id) in ids.iter().enumerate() {
            let entry = &results.tasks[id];
            let family = families.partition_point(|family| family.name < entry.family);
            families[family].tasks.push(at);
            place[id] = at;
            tasks.push(Task {
                id: entry.id.clone(),
                family,
                minutes: entry.minutes,
                log2_minutes: libm::log2(entry.minutes),
            });
        }
        let mut cells: Vec<Cell> = outcomes
            .into_iter()
            .map(|((task, agent), outcomes)| {
                let agent = agents.partition_point(|alias| *alias < results.agents[agent]);
                Cell { task: place[task], agent, outcomes, weight: 0.0 }
            })
            .collect();
        cells.sort_by_cached_key(|cell| format!("{}|||{}", tasks[cell.task].id, agents[cell.agent]));
        let mut suite = Self { agents, families, tasks, cells };
        suite.weigh(weights);
        suite
    }

    /// Sets the weight of a run in every cell, so that the weights of each agent sum to one.
    fn weigh(&mut self, weights: Weights) {
        let mut sizes = vec![0u32; self.agents.len() * self.families.len()];
        let slot = |agent: usize, family: usize| agent * self.families.len() + family;
        for cell in &self.cells {
            sizes[slot(cell.agent, self.tasks[cell.task].family)] += 1;
        }
        let shares: Vec<f64> = self
            .cells
            .iter()
            .map(|cell| match weights {
                Weights::InverseSqrtFamily => {
                    1.0 / f64::from(sizes[slot(cell.agent, self.tasks[cell.task].family)]).sqrt()
                }
                Weights::EqualTask => 1.0,
            })
            .collect();
        let mut sums = vec![0.0; self.agents.len()];
        for (cell, share) in self.cells.iter().zip(&shares) {
            sums[cell.agent] += share;
        }
        for (cell, share) in self.cells.iter_mut().zip(&shares) {
            cell.weight = share / sums[cell.agent] / cell.runs();
        }
    }

    /// The suite without one family, weighed anew.
    #[must_use]
    pub fn without_family(&self, family: usize, weights: Weights) -> Self {
        let mut suite = self.clone();
        suite.cells.retain(|cell| self.tasks[cell.task].family != family);
        suite.weigh(weights);
        suite
    }

    /// Cells of one agent, in the order of the suite.
    pub fn cells_of(&self, agent: usize) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.agent == agent)
    }

    /// Number of runs.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.outcomes.len()).sum()
    }
}

/// Whether the method's rules let a run count at all.
fn counts(results: &Results, run: &Run, method: &Method) -> Result<bool, HorizonError> {
    if let Some(wanted) = &method.scaffold
        && run.scaffold.map(|at| &results.scaffolds[at]) != Some(wanted)
    {
        return Ok(false);
    }
    if method.minutes == MinutesPolicy::Measured {
        let task = &results.tasks[run.task];
        let Some(source) = &task.minutes_source else {
            let why = format!(
                "task '{}' does not say where its human_minutes come from (human_source), but the method counts measured lengths only",
                task.id
            );
            return Err(HorizonError::Missing(why));
        };
        return Ok(source != "estimate");
    }
    Ok(true)
}

/// Outcome of a run; `None` when it is dropped. A treatment of flagged runs goes before that of usage limits.
fn outcome(results: &Results, run: &Run, method: &Method, cheating: Treatment) -> Result<Option<f64>, HorizonError> {
    for (applies, treatment) in [(run.cheating, cheating), (run.usage_limit, method.usage_limit)] {
        match treatment {
            Treatment::Fail if applies => return Ok(Some(0.0)),
            Treatment::Success if applies => return Ok(Some(1.0)),
            Treatment::Drop if applies => return Ok(None),
            _ => {}
        }
    }
    let continuous = || {
        run.continuous.ok_or_else(|| {
            HorizonError::Missing(format!(
                "a run of task '{}' has no continuous score, but the method uses it",
                results.tasks[run.task].id
            ))
        })
    };
    match method.score {
        Score::Binarized => Ok(Some(run.binarized)),
        Score::AtLeast(bar) => Ok(Some(if continuous()? >= bar { 1.0 } else { 0.0 })),
        Score::Continuous => {
            let score = continuous()?;
            if !(0.0..=1.0).contains(&score) {
                let why = format!(
                    "a run of task '{}' has the score {score}; as a share of a success it must be 0 to 1",
                    results.tasks[run.task].id
                );
                return Err(HorizonError::Missing(why));
            }
            Ok(Some(score))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
