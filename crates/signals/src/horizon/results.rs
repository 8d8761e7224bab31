//! Runs as they were published, checked while they are read: one entry per task and agent, one record per run.
//!
//! Two formats are read: run-level JSON Lines ([`Results::read_runs`]) and per-task counts in YAML ([`Results::read_tasks`]). What a
//! forger could do to a single file (repeat a run, relabel a task's length, write one task under two families) is an error with the
//! place of both rows; what needs judgement (one model under two aliases) is a [`Remark`].

mod per_task;
mod run_level;

use super::error::{HorizonError, Place};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Most runs that one computation accepts.
pub const MAX_RUNS: usize = 5_000_000;
/// Most tasks.
pub const MAX_TASKS: usize = 100_000;
/// Most agents.
pub const MAX_AGENTS: usize = 4_096;
/// Longest identifier of a run, task, family, agent or model, in bytes.
pub const MAX_NAME_BYTES: usize = 512;
/// Longest task, in minutes: 20 work years. Longer values are a mistake of unit.
pub const MAX_MINUTES: f64 = 2_400_000.0;

const TASK_LIST_DOMAIN: &[u8] = b"standstill/1/horizon-tasks\0";

/// A task of the suite.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskEntry {
    /// Task id, "family/task".
    pub id: String,
    /// Family of the task.
    pub family: String,
    /// How long a skilled human takes, in minutes.
    pub minutes: f64,
    /// Where the minutes come from: `baseline`, `estimate`, `qa`, `external_qa`; `None` when the file does not say.
    pub minutes_source: Option<String>,
    first: Place,
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Index into [`Results::tasks`].
    pub task: usize,
    /// Index into [`Results::agents`].
    pub agent: usize,
    /// Success as the publisher counts it, 0 or 1.
    pub binarized: f64,
    /// Continuous score, when published.
    pub continuous: Option<f64>,
    /// The run ended at a usage limit.
    pub usage_limit: bool,
    /// The publisher flagged the run as cheating.
    pub cheating: bool,
    /// Index into [`Results::scaffolds`], when published.
    pub scaffold: Option<usize>,
    /// `invsqrt_task_weight` as published, when published.
    pub stored_weight: Option<f64>,
}

/// Something that a reader of the result has to know; it changes no figure by itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Remark {
    /// Stable name of the kind of remark.
    pub kind: String,
    /// One sentence.
    pub text: String,
}

impl Remark {
    pub(crate) fn new(kind: &str, text: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), text: text.into() }
    }
}

/// One run as a file gives it, before names are replaced by indices.
pub(crate) struct RawRun<'a> {
    pub(crate) run_id: Option<&'a str>,
    pub(crate) task: &'a str,
    pub(crate) family: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) model: Option<&'a str>,
    pub(crate) minutes: f64,
    pub(crate) minutes_source: Option<&'a str>,
    pub(crate) scaffold: Option<&'a str>,
    pub(crate) times_milliseconds: Option<(i64, i64)>,
    pub(crate) run: Run,
}

/// All results of one computation.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Tasks in order of first appearance.
    pub tasks: Vec<TaskEntry>,
    /// Aliases in order of first appearance.
    pub agents: Vec<String>,
    /// Scaffolds in order of first appearance.
    pub scaffolds: Vec<String>,
    /// Runs in order of the files and rows.
    pub runs: Vec<Run>,
    /// Remarks of the reader.
    pub remarks: Vec<Remark>,
    task_index: HashMap<String, usize>,
    agent_index: HashMap<String, usize>,
    run_places: HashMap<String, Place>,
    times: HashMap<(usize, usize, i64, i64), Place>,
    models: BTreeMap<String, Vec<usize>>,
}

impl Results {
    /// Adds run-level results: JSON Lines, one run per line, in METR's schemas of January 2025 and of TH1.1.
    ///
    /// # Errors
    /// A row that is malformed, out of range, repeated, or at odds with an earlier one; a limit that is exceeded.
    pub fn read_runs(&mut self, file: &str, bytes: &[u8]) -> Result<usize, HorizonError> {
        let before = self.runs.len();
        run_level::read(self, file, bytes)?;
        Ok(self.runs.len() - before)
    }

    /// Adds per-task results: YAML, `agent → NAME → tasks`, each with `task_id`, `human_minutes`, `n_successes`, `n_runs`.
    ///
    /// # Errors
    /// As [`Results::read_runs`], with the place as a path of keys; also counts that cannot be, and a `task_weight` that does not
    /// follow from the list.
    pub fn read_tasks(&mut self, file: &str, bytes: &[u8]) -> Result<usize, HorizonError> {
        let before = self.runs.len();
        per_task::read(self, file, bytes)?;
        Ok(self.runs.len() - before)
    }

    /// SHA-256 over the sorted list of tasks with family and length; what a method pins so that no task can be left out.
    #[must_use]
    pub fn task_list_hash(&self) -> [u8; 32] {
        let mut order: Vec<&TaskEntry> = self.tasks.iter().collect();
        order.sort_by(|a, b| a.id.cmp(&b.id));
        let mut hash = Sha256::new();
        hash.update(TASK_LIST_DOMAIN);
        for task in order {
            for text in [&task.id, &task.family] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            hash.update(task.minutes.to_bits().to_be_bytes());
        }
        hash.finalize().into()
    }

    pub(crate) fn scaffold(&mut self, name: &str) -> usize {
        if let Some(at) = self.scaffolds.iter().position(|known| known == name) {
            return at;
        }
        self.scaffolds.push(name.to_owned());
        self.scaffolds.len() - 1
    }

    /// Checks one run against everything read before and keeps it.
    pub(crate) fn add(&mut self, raw: &RawRun<'_>, place: impl Fn() -> Place) -> Result<(), HorizonError> {
        for (what, name) in
            [("task", Some(raw.task)), ("family", Some(raw.family)), ("agent", Some(raw.agent)), ("run id", raw.run_id)]
        {
            check_name(what, name, &place)?;
        }
        if !(raw.minutes.is_finite() && raw.minutes > 0.0 && raw.minutes <= MAX_MINUTES) {
            let why = format!("human_minutes is {}; it must be above 0 and at most {MAX_MINUTES}", raw.minutes);
            return Err(HorizonError::malformed(place(), why));
        }
        if self.runs.len() >= MAX_RUNS {
            return Err(HorizonError::TooLarge { place: place(), what: "the number of runs", limit: MAX_RUNS });
        }
        let task = self.task(raw, &place)?;
        let agent = self.agent(raw, &place)?;
        self.refuse_repeated(raw, task, agent, &place)?;
        let scaffold = raw.scaffold.map(|name| self.scaffold(name));
        self.runs.push(Run { task, agent, scaffold, ..raw.run });
        Ok(())
    }

    fn task(&mut self, raw: &RawRun<'_>, place: &impl Fn() -> Place) -> Result<usize, HorizonError> {
        let Some(&at) = self.task_index.get(raw.task) else {
            if self.tasks.len() >= MAX_TASKS {
                return Err(HorizonError::TooLarge { place: place(), what: "the number of tasks", limit: MAX_TASKS });
            }
            self.tasks.push(TaskEntry {
                id: raw.task.to_owned(),
                family: raw.family.to_owned(),
                minutes: raw.minutes,
                minutes_source: raw.minutes_source.map(str::to_owned),
                first: place(),
            });
            self.task_index.insert(raw.task.to_owned(), self.tasks.len() - 1);
            return Ok(self.tasks.len() - 1);
        };
        let known = &self.tasks[at];
        let relabelled = |field, found: String, before: String| {
            let first = known.first.clone();
            Err(HorizonError::Relabelled {
                place: Box::new(place()),
                task: raw.task.to_owned(),
                field,
                found,
                before,
                first: Box::new(first),
            })
        };
        if known.minutes.to_bits() != raw.minutes.to_bits() {
            return relabelled("human_minutes", raw.minutes.to_string(), known.minutes.to_string());
        }
        if known.family != raw.family {
            return relabelled("task_family", raw.family.to_owned(), known.family.clone());
        }
        match (&known.minutes_source, raw.minutes_source) {
            (Some(before), Some(found)) if before != found => {
                relabelled("human_source", found.to_owned(), before.clone())
            }
            _ => Ok(at),
        }
    }

    fn agent(&mut self, raw: &RawRun<'_>, place: &impl Fn() -> Place) -> Result<usize, HorizonError> {
        let at = match self.agent_index.get(raw.agent) {
            Some(&at) => at,
            None => {
                if self.agents.len() >= MAX_AGENTS {
                    return Err(HorizonError::TooLarge {
                        place: place(),
                        what: "the number of agents",
                        limit: MAX_AGENTS,
                    });
                }
                self.agents.push(raw.agent.to_owned());
                self.agent_index.insert(raw.agent.to_owned(), self.agents.len() - 1);
                self.agents.len() - 1
            }
        };
        if let Some(model) = raw.model {
            check_name("model", Some(model), place)?;
            let aliases = self.models.entry(model.to_owned()).or_default();
            if !aliases.contains(&at) {
                aliases.push(at);
            }
        }
        Ok(at)
    }

    /// A run may not come twice: neither under one id, nor under two ids with the same task, agent, start and end.
    fn refuse_repeated(
        &mut self,
        raw: &RawRun<'_>,
        task: usize,
        agent: usize,
        place: &impl Fn() -> Place,
    ) -> Result<(), HorizonError> {
        if let Some(id) = raw.run_id
            && let Some(first) = self.run_places.insert(id.to_owned(), place())
        {
            return Err(HorizonError::DuplicateRun { place: place(), run: id.to_owned(), first: Box::new(first) });
        }
        if let Some((start, end)) = raw.times_milliseconds
            && let Some(first) = self.times.insert((task, agent, start, end), place())
        {
            let run = format!("{} of {}, started at {start} and ended at {end}", raw.task, raw.agent);
            return Err(HorizonError::DuplicateRun { place: place(), run, first: Box::new(first) });
        }
        Ok(())
    }

    /// Remarks that need all files: one model under several aliases.
    #[must_use]
    pub fn split_aliases(&self) -> Vec<Remark> {
        self.models
            .iter()
            .filter(|(_, aliases)| aliases.len() > 1)
            .map(|(model, aliases)| {
                let names: Vec<&str> = aliases.iter().map(|&at| self.agents[at].as_str()).collect();
                let text =
                    format!("model '{model}' appears under the aliases {}; its runs do not add up", names.join(", "));
                Remark::new("split-alias", text)
            })
            .collect()
    }
}

fn check_name(what: &str, name: Option<&str>, place: &impl Fn() -> Place) -> Result<(), HorizonError> {
    let Some(name) = name else { return Ok(()) };
    // "|||" separates task and agent in the sort key of METR's bootstrap; a name with it would make two groups look like one.
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) || name.contains("|||") {
        let why =
            format!("the {what} must be 1 to {MAX_NAME_BYTES} bytes without control characters and without '|||'");
        return Err(HorizonError::malformed(place(), why));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
