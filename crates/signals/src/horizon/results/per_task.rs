//! YAML with counts per task, as METR publishes since TH1.1. Counts are exact for the fit, because all runs of one task and agent
//! have one length and one weight; which run failed is not needed.

use super::super::error::{HorizonError, Place};
use super::super::yaml::{self, Node};
use super::{RawRun, Results, Run};
use std::collections::BTreeMap;

/// Most runs of one task and agent.
const MAX_RUNS_PER_TASK: u32 = 100_000;
/// METR prints weights with three decimals.
const WEIGHT_TOLERANCE: f64 = 0.000_51;

struct Counts<'a> {
    task: &'a str,
    minutes: f64,
    runs: u32,
    successes: u32,
    cheating: u32,
    weight: Option<f64>,
    minutes_source: Option<&'a str>,
}

pub(super) fn read(results: &mut Results, file: &str, bytes: &[u8]) -> Result<(), HorizonError> {
    let root = yaml::read(file, bytes)?;
    let agents = root.get("agent").map(Node::entries).unwrap_or_default();
    if agents.is_empty() {
        let why = "there is no 'agent' mapping; the format is agent → NAME → tasks → [task_id, human_minutes, n_successes, n_runs]";
        return Err(HorizonError::malformed(Place::path(file, "top level"), why));
    }
    for (alias, node) in agents {
        let place = |index: usize| Place::path(file, format!("agent {alias}, task {}", index + 1));
        let tasks = node.get("tasks").map(Node::items).unwrap_or_default();
        let counts: Vec<Counts<'_>> = tasks
            .iter()
            .enumerate()
            .map(|(index, task)| counts(task).map_err(|why| HorizonError::malformed(place(index), why)))
            .collect::<Result<_, _>>()?;
        check_weights(&counts).map_err(|(index, why)| HorizonError::malformed(place(index), why))?;
        let mut seen = BTreeMap::new();
        for (index, count) in counts.iter().enumerate() {
            if let Some(first) = seen.insert(count.task, index) {
                let run = format!("the runs of {} on {}", alias, count.task);
                return Err(HorizonError::DuplicateRun { place: place(index), run, first: Box::new(place(first)) });
            }
            add(results, alias, count, &|| place(index))?;
        }
    }
    Ok(())
}

fn counts(node: &Node) -> Result<Counts<'_>, String> {
    let text = |key: &str| node.get(key).ok_or_else(|| format!("'{key}' is missing"));
    let count = |key: &str| text(key)?.count().ok_or_else(|| format!("'{key}' must be a count"));
    let counts = Counts {
        task: text("task_id")?.text().ok_or("'task_id' must be text")?,
        minutes: text("human_minutes")?.number().ok_or("'human_minutes' must be a finite number")?,
        runs: count("n_runs")?,
        successes: count("n_successes")?,
        cheating: if node.get("n_cheating_successes").is_some() { count("n_cheating_successes")? } else { 0 },
        weight: node.get("task_weight").and_then(Node::number),
        minutes_source: node.get("human_source").and_then(Node::text),
    };
    if counts.runs == 0 || counts.runs > MAX_RUNS_PER_TASK {
        return Err(format!("n_runs is {}; it must be 1 to {MAX_RUNS_PER_TASK}", counts.runs));
    }
    if counts.successes > counts.runs || counts.cheating > counts.successes {
        return Err(format!(
            "{} successes ({} flagged as cheating) of {} runs cannot be",
            counts.successes, counts.cheating, counts.runs
        ));
    }
    Ok(counts)
}

fn family(task: &str) -> &str {
    task.split('/').next().unwrap_or(task)
}

/// The printed weight is 1/√(tasks of the family that this agent ran). Another value means that a task of the family is missing
/// from the list, or was added to it.
fn check_weights(counts: &[Counts<'_>]) -> Result<(), (usize, String)> {
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    for count in counts {
        *sizes.entry(family(count.task)).or_default() += 1;
    }
    for (index, count) in counts.iter().enumerate() {
        let size = f64::from(sizes[family(count.task)]);
        let expected = 1.0 / size.sqrt();
        if let Some(weight) = count.weight
            && (weight - expected).abs() > WEIGHT_TOLERANCE
        {
            let why = format!(
                "task_weight is {weight}, but {size} tasks of family {} are listed, which gives {expected:.3}; a task of the family is missing or was added",
                family(count.task)
            );
            return Err((index, why));
        }
    }
    Ok(())
}

fn add(results: &mut Results, alias: &str, count: &Counts<'_>, place: &impl Fn() -> Place) -> Result<(), HorizonError> {
    for index in 0..count.runs {
        let success = index < count.successes;
        let run = Run {
            task: 0,
            agent: 0,
            binarized: if success { 1.0 } else { 0.0 },
            continuous: None,
            usage_limit: false,
            cheating: index < count.cheating,
            scaffold: None,
            stored_weight: None,
        };
        let raw = RawRun {
            run_id: None,
            task: count.task,
            family: family(count.task),
            agent: alias,
            model: None,
            minutes: count.minutes,
            minutes_source: count.minutes_source,
            scaffold: None,
            times_milliseconds: None,
            run,
        };
        results.add(&raw, place)?;
    }
    Ok(())
}
