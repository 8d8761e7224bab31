//! What a ledger of changes and the code of runs say about the commits of a range. git alone tells neither.

use super::git::{Commit, Git, Range};
use crate::exit::{CliError, CliResult};
use crate::folder;
use standstill_signals::changes::Table;
use standstill_signals::changes::chain::CodeOfRuns;
use standstill_signals::changes::table::{Mark, Row, Source};
use standstill_signals::scan::Finding;
use standstill_signals::scan::history::{CommitFacts, rewritten};
use standstill_signals::scan::output::Collected;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Largest table that is read, in bytes.
const MAX_TABLE_BYTES: u64 = 4 << 30;
/// Largest file of runs, in bytes.
const MAX_RUNS_BYTES: u64 = 64 << 20;

/// Rows and runs by commit id.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: Option<BTreeMap<String, Row>>,
    runs: BTreeMap<String, BTreeSet<String>>,
    /// AI's commits that the table knows outside the range.
    earlier_ai: BTreeSet<String>,
    /// The table's head is no longer part of the history; not weighed yet.
    pub(super) lost: Option<Finding>,
}

impl Ledger {
    /// Reads both files, and compares them with the range. Commits and runs that are not known to the other side are entered in
    /// `collected`, because the rules did not look at them.
    ///
    /// # Errors
    /// A file that cannot be read or is refused.
    pub(super) fn read(
        table: Option<&Path>,
        runs: Option<&Path>,
        (git, range, commits): (&Git, &Range, &[Commit]),
        collected: &mut Collected,
    ) -> CliResult<Self> {
        let mut ledger = Self::default();
        if let Some(path) = table {
            let read = Table::parse(&folder::read(path, MAX_TABLE_BYTES)?);
            let table = read.map_err(|error| CliError::about(path.display(), error))?;
            ledger.lost = lost_head(&table.header.head, git, range)?;
            let wanted: BTreeSet<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
            let (rows, others): (Vec<Row>, Vec<Row>) =
                table.rows.into_iter().partition(|row| wanted.contains(row.id.as_str()));
            let others = others.into_iter().filter(|row| !row.sources.is_empty());
            ledger.earlier_ai = others.map(|row| row.id).collect();
            let rows = rows.into_iter();
            let rows: BTreeMap<String, Row> = rows.map(|row| (row.id.clone(), row)).collect();
            if rows.len() < wanted.len() {
                let missing = wanted.len() - rows.len();
                let name = path.display();
                collected.not_read.push(format!(
                    "{name}: {missing} of the range's {} commits are not in it; make a new table with: standstill signal changes",
                    wanted.len()
                ));
            }
            ledger.rows = Some(rows);
        }
        if let Some(path) = runs {
            let read = CodeOfRuns::parse(&folder::read(path, MAX_RUNS_BYTES)?);
            let code = read.map_err(|error| CliError::about(path.display(), error))?;
            for run in &code.runs {
                let Some(used) = git.reached(&run.commit, range)? else {
                    collected.not_read.push(format!(
                        "{}: the commit {} of run '{}' is not in the repository",
                        path.display(),
                        run.commit,
                        run.run
                    ));
                    continue;
                };
                for id in used {
                    ledger.runs.entry(id).or_default().insert(run.run.clone());
                }
            }
        }
        Ok(ledger)
    }

    /// AI's commits that the table knows outside the range.
    pub(super) const fn earlier_ai(&self) -> &BTreeSet<String> {
        &self.earlier_ai
    }

    /// Adds what is known here to what git tells about a commit.
    pub(super) fn add(&self, facts: &mut CommitFacts) {
        if let Some(row) = self.rows.as_ref().and_then(|rows| rows.get(&facts.id)) {
            facts.ai |= !row.sources.is_empty();
            facts.trailer |= row.sources.contains(&Source::Trailer);
            facts.note |= row.sources.iter().any(|source| source.is_record());
            facts.outside_lines = row.rejected.iter().fold(0, |sum, (_, lines)| sum.saturating_add(*lines));
            facts.human_keys = u64::from(row.marks.contains(&Mark::PersonUnderAgent));
        }
        if let Some(runs) = self.runs.get(&facts.id) {
            facts.runs = runs.iter().cloned().collect();
        }
    }
}

/// The ledger's head must be an ancestor of the range's end, or the other way round when the range is older.
fn lost_head(head: &str, git: &Git, range: &Range) -> CliResult<Option<Finding>> {
    let kept = git.is_ancestor(head, &range.to)? || git.is_ancestor(&range.to, head)?;
    Ok((!kept).then(|| rewritten(head)))
}
