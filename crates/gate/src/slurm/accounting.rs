//! `sacct -a -X -D -P -o JobIDRaw,JobID,State,Start,End,ElapsedRaw,Account,UID,Partition,AllocTRES,AdminComment` with `SLURM_TIME_FORMAT=%s`.
//!
//! The administrator's comment stands last, because it may hold the delimiter.

use super::resources::wanted;
use crate::error::GateError;
use crate::journal::id_in_comment;

/// Largest export, in bytes.
pub const MAX_ACCOUNTING_BYTES: usize = 1 << 30;

/// The command whose output is read.
pub const COMMAND: &str = "SLURM_TIME_FORMAT=%s sacct -a -X -D -P -o JobIDRaw,JobID,State,Start,End,ElapsedRaw,Account,UID,Partition,AllocTRES,AdminComment";

/// One allocation as accounting has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounted {
    /// `JobIDRaw`.
    pub id: String,
    /// `JobID`: `6_3` for a task of array 6.
    pub shown_id: String,
    /// State word.
    pub state: String,
    /// Start in seconds since the Unix epoch; `None` when it never started.
    pub start_unix_seconds: Option<u64>,
    /// Time held, in seconds.
    pub elapsed_seconds: u64,
    /// Account.
    pub account: String,
    /// User id.
    pub user: String,
    /// Partition.
    pub place: String,
    /// Accelerators held; `None` when the text cannot be read.
    pub accelerators: Option<u64>,
    /// Decision id in the administrator's comment.
    pub decision: Option<String>,
    /// Line, from 1.
    pub line: usize,
}

impl Accounted {
    /// The submission that it comes from: all tasks of an array are one.
    #[must_use]
    pub fn submission(&self) -> &str {
        let shown = if self.shown_id.is_empty() { &self.id } else { &self.shown_id };
        shown.split(['_', '+']).next().unwrap_or(shown)
    }
}

/// Reads an export.
///
/// # Errors
/// [`GateError::Accounting`] with the line.
pub fn parse(text: &str, harmless: &[String]) -> Result<Vec<Accounted>, GateError> {
    let fail = |line: usize, problem: String| GateError::Accounting { line, problem };
    if text.len() > MAX_ACCOUNTING_BYTES {
        return Err(fail(1, format!("the export has more than {MAX_ACCOUNTING_BYTES} bytes; export less at a time")));
    }
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let (_, header) = lines.next().ok_or_else(|| fail(1, "it is empty".to_owned()))?;
    let columns: Vec<&str> = header.split('|').collect();
    if columns.last() != Some(&"AdminComment") {
        return Err(fail(1, format!("the last column must be AdminComment; use: {COMMAND}")));
    }
    let column = |name: &'static str| {
        let found = columns.iter().position(|column| *column == name);
        found.ok_or_else(|| fail(1, format!("there is no column {name}; use: {COMMAND}")))
    };
    let (id, state, start) = (column("JobIDRaw")?, column("State")?, column("Start")?);
    let (elapsed, tres, account) = (column("ElapsedRaw")?, column("AllocTRES")?, column("Account")?);
    let (user, place, shown) = (column("UID")?, column("Partition")?, column("JobID")?);
    let mut found = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = line.splitn(columns.len(), '|').collect();
        if fields.len() != columns.len() {
            return Err(fail(number, format!("it has {} fields, the header {}", fields.len(), columns.len())));
        }
        if fields[id].contains('.') {
            continue;
        }
        let wanted = wanted(fields[tres], harmless);
        found.push(Accounted {
            id: fields[id].to_owned(),
            shown_id: fields[shown].to_owned(),
            state: fields[state].to_owned(),
            start_unix_seconds: time(fields[start]).map_err(|problem| fail(number, problem))?,
            elapsed_seconds: fields[elapsed].parse().map_err(|_| fail(number, "ElapsedRaw is no number".to_owned()))?,
            account: fields[account].to_owned(),
            user: fields[user].to_owned(),
            place: fields[place].to_owned(),
            accelerators: wanted.unreadable.is_empty().then_some(wanted.accelerators),
            decision: id_in_comment(fields.last().copied().unwrap_or_default()).map(str::to_owned),
            line: number,
        });
    }
    Ok(found)
}

fn time(text: &str) -> Result<Option<u64>, String> {
    match text {
        "Unknown" | "None" | "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            format!("'{}' is not a time in seconds; export with SLURM_TIME_FORMAT=%s", crate::shorten(text))
        }),
    }
}
