//! From a change to a checkpoint: which runs used code that AI changed, and whether a person stood anywhere between.
//!
//! A run declaration (`docs/formats/statement.md`) names run, parents and size, and **no code**. The join therefore needs one more file from
//! the party, which names for each run the commit that it ran, and the build, checkpoint and starter as far as they are known. The file
//! is an input of the record like the table; nothing checks it against the cluster. Without it there are no chains, and the record says so.

use super::ChangesError;
use super::nature::Nature;
use super::review::Reviews;
use super::table::{Row, Table};
use super::weigh::Weight;
use crate::scan::PathClass;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Format of the file.
pub const FORMAT: &str = "standstill/code-of-runs/1";
/// Most runs.
pub const MAX_RUNS: usize = 10_000;
/// Longest file, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// Longest name.
const MAX_NAME_BYTES: usize = 256;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CodeOfRuns {
    /// [`FORMAT`].
    pub format: String,
    /// Runs in the order in which they started.
    pub runs: Vec<CodeOfRun>,
}

/// What a run ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CodeOfRun {
    /// Name of the run in its declaration.
    pub run: String,
    /// Commit that it ran.
    pub commit: String,
    /// Statement hash of its declaration, hexadecimal.
    #[serde(default)]
    pub declaration: Option<String>,
    /// SHA-256 of the build, hexadecimal.
    #[serde(default)]
    pub build: Option<String>,
    /// Checkpoint that it made.
    #[serde(default)]
    pub checkpoint: Option<String>,
    /// Who started it.
    #[serde(default)]
    pub started_by: Starter,
    /// Name of the tool, as in the table of marks, as which the checkpoint works afterwards.
    #[serde(default)]
    pub serves_as: Option<String>,
}

/// Who started a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starter {
    /// A person.
    Person,
    /// An AI system.
    Ai,
    /// Not said.
    #[default]
    Unknown,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Chain {
    /// Run.
    pub run: String,
    /// Commit that it ran.
    pub commit: String,
    /// Changes that it ran first: those in its code and in no earlier run's.
    pub changes: u64,
    /// Of them, AI's by any source.
    pub ai_changes: u64,
    /// Of them, to training code.
    pub ai_training: u64,
    /// Of them, to evaluation, oversight, gates or CI.
    pub ai_control: u64,
    /// AI's changes to training code that no person is seen to have reviewed.
    pub ai_training_unreviewed: u64,
    /// AI's changes to training code on which no person is seen at all.
    pub ai_training_without_person: u64,
    /// Who started the run.
    pub started_by: Starter,
    /// Links that the file leaves out: `declaration`, `build`, `checkpoint`, `starter`.
    pub unknown_links: Vec<String>,
    /// A change to training code without any person went into a run that AI started: proposer, merger and trainer are all AI.
    pub closed: bool,
    /// Later runs whose code has changes by the tool as which this checkpoint works: the loop went round.
    pub feeds: Vec<String>,
}

fn wrong(reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign("code of runs", reason)
}

impl CodeOfRuns {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ChangesError::Foreign`] with the run and the reason.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChangesError> {
        if bytes.len() > MAX_BYTES {
            return Err(wrong(format!("larger than {MAX_BYTES} bytes")));
        }
        let file: Self = serde_json::from_slice(bytes).map_err(wrong)?;
        if file.format != FORMAT {
            return Err(wrong(format!("its format is not '{FORMAT}'")));
        }
        if file.runs.len() > MAX_RUNS {
            return Err(wrong(format!("more than {MAX_RUNS} runs")));
        }
        let mut names = BTreeSet::new();
        for run in &file.runs {
            let texts = [Some(&run.run), run.checkpoint.as_ref(), run.serves_as.as_ref()];
            if run.run.is_empty() || texts.into_iter().flatten().any(|text| text.len() > MAX_NAME_BYTES) {
                return Err(wrong(format!("a name is empty or longer than {MAX_NAME_BYTES} bytes")));
            }
            if !names.insert(&run.run) {
                return Err(wrong(format!("run '{}' stands twice", run.run)));
            }
        }
        Ok(file)
    }
}

/// The chains of all runs. A run whose commit is not in the table is an error, because its code cannot be followed.
///
/// # Errors
/// [`ChangesError::Foreign`] with the run.
pub fn chains(
    file: &CodeOfRuns,
    table: &Table,
    weights: &[Weight],
    reviews: &Reviews<'_>,
) -> Result<Vec<Chain>, ChangesError> {
    let places: HashMap<&str, usize> = table.rows.iter().enumerate().map(|(at, row)| (row.id.as_str(), at)).collect();
    let mut used = vec![false; table.rows.len()];
    let mut out: Vec<Chain> = Vec::new();
    let mut tools: Vec<BTreeSet<&str>> = Vec::new();
    for run in &file.runs {
        let Some(start) = places.get(run.commit.as_str()) else {
            return Err(wrong(format!("run '{}' ran commit {}, which is not in the history", run.run, run.commit)));
        };
        let first = take(*start, table, &places, &mut used);
        out.push(chain(run, first.iter().map(|at| (&table.rows[*at], weights[*at])), reviews));
        tools.push(first.iter().flat_map(|at| tools_of(&table.rows[*at], table)).collect());
    }
    let served: BTreeMap<usize, &str> =
        file.runs.iter().enumerate().filter_map(|(at, run)| Some((at, run.serves_as.as_deref()?))).collect();
    for (at, tool) in served {
        let later = (at + 1..out.len()).filter(|later| tools[*later].contains(tool));
        out[at].feeds = later.map(|later| file.runs[later].run.clone()).collect();
    }
    Ok(out)
}

/// All commits of a run that no earlier run used.
fn take(start: usize, table: &Table, places: &HashMap<&str, usize>, used: &mut [bool]) -> Vec<usize> {
    let mut open = vec![start];
    let mut out = Vec::new();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut used[at], true) {
            out.push(at);
            open.extend(table.rows[at].parents.iter().filter_map(|id| places.get(id.as_str())));
        }
    }
    out
}

/// AI systems that wrote a change or had a part in it.
fn tools_of<'a>(row: &'a Row, table: &'a Table) -> impl Iterator<Item = &'a str> {
    let all = std::iter::once(row.author).chain(row.with.iter().copied());
    let persons = all.filter_map(|place| table.header.persons.get(place as usize));
    persons.filter(|person| person.nature == Nature::Ai).map(|person| person.id.as_str())
}

fn chain<'a>(run: &CodeOfRun, rows: impl Iterator<Item = (&'a Row, Weight)>, reviews: &Reviews<'_>) -> Chain {
    let known = [
        ("declaration", run.declaration.is_some()),
        ("build", run.build.is_some()),
        ("checkpoint", run.checkpoint.is_some()),
        ("starter", run.started_by != Starter::Unknown),
    ];
    let mut out = Chain {
        run: run.run.clone(),
        commit: run.commit.clone(),
        changes: 0,
        ai_changes: 0,
        ai_training: 0,
        ai_control: 0,
        ai_training_unreviewed: 0,
        ai_training_without_person: 0,
        started_by: run.started_by,
        unknown_links: known.iter().filter(|(_, known)| !known).map(|(name, _)| (*name).to_owned()).collect(),
        closed: false,
        feeds: Vec::new(),
    };
    for (row, weight) in rows.filter(|(row, _)| !row.is_merge()) {
        out.changes += 1;
        if !weight.any {
            continue;
        }
        let touches = |wanted: &[PathClass]| row.cells.iter().any(|cell| wanted.contains(&cell.class));
        let training = touches(&[PathClass::Training]);
        out.ai_changes += 1;
        out.ai_training += u64::from(training);
        out.ai_control +=
            u64::from(touches(&[PathClass::Evaluation, PathClass::Oversight, PathClass::Gates, PathClass::Ci]));
        out.ai_training_unreviewed += u64::from(training && reviews.persons(row).is_empty());
        out.ai_training_without_person += u64::from(training && reviews.is_without_person(row));
    }
    out.closed = out.ai_training_without_person > 0 && run.started_by == Starter::Ai;
    out
}

#[cfg(test)]
mod tests;
