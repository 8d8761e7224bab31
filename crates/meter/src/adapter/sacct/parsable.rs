//! `sacct -P` (and `-p`) output with any subset and order of columns.

use std::collections::BTreeMap;

use super::comment::settle;
use super::{Accounting, AccountingNotes, SlurmJob, accelerators, expand_nodelist};
use crate::adapter::civil_time::{UtcOffset, iso_milliseconds};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// How to read an export.
#[derive(Debug, Clone, Copy)]
pub struct ParsableOptions {
    /// Offset of times written as calendar text. Epochs (`SLURM_TIME_FORMAT=%s`) need none.
    pub offset: UtcOffset,
    /// Column separator (`--delimiter`); `|` unless the lab chose another.
    pub delimiter: char,
    /// Limits on size.
    pub limits: TextLimits,
}

impl Default for ParsableOptions {
    fn default() -> Self {
        ParsableOptions { offset: UtcOffset::UTC, delimiter: '|', limits: TextLimits::default() }
    }
}

/// The command that writes what the meter reads.
const COMMAND: &str = "export with `SLURM_TIME_FORMAT=%s sacct -a -X -D -P -o JobIDRaw,JobID,State,Start,End,ElapsedRaw,AllocTRES,NodeList,\
                       Comment,AdminComment,SubmitLine`";

/// Parses an export. Needs a job id, `Start`, `End` and `AllocTRES`; the rest is used when present.
///
/// # Errors
/// A [`Fault`] with line and column number when a column is missing, a line has another number of fields than the header, or a field does not
/// read as what it should be.
pub fn parse(bytes: &[u8], options: &ParsableOptions) -> Result<Accounting, Fault> {
    let text = options.limits.text(bytes)?;
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let Some((number, header)) = lines.next() else {
        return Err(Fault::whole("an empty export", COMMAND));
    };
    let table = Columns::of(header, number, options.delimiter)?;
    let (mut jobs, mut notes) = (Vec::new(), AccountingNotes::default());
    for (number, line) in lines {
        options.limits.line(number, line)?;
        options.limits.row(number, jobs.len())?;
        let fields = table.split(line, number, options.delimiter)?;
        let record = Record { table: &table, fields: &fields, line: number };
        if record.field("JobID").contains('.') || record.field("JobIDRaw").contains('.') {
            notes.steps += 1;
            continue;
        }
        jobs.push(record.job(options)?);
    }
    Accounting::of(jobs, notes)
}

struct Columns {
    at: BTreeMap<String, usize>,
    count: usize,
    /// The last column is free text, in which the delimiter may occur.
    open_ended: bool,
}

impl Columns {
    fn of(header: &str, line: u64, delimiter: char) -> Result<Self, Fault> {
        let names: Vec<&str> = header.trim_end_matches(delimiter).split(delimiter).map(str::trim).collect();
        let mut at = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            if at.insert((*name).to_owned(), index).is_some() {
                let what = format!("column {} stands twice", excerpt(name));
                return Err(Fault::at(line, index as u64 + 1, what, COMMAND));
            }
        }
        let has = |name: &str| at.contains_key(name);
        for wanted in ["Start", "End", "AllocTRES"] {
            if !has(wanted) {
                let what = format!("no column {wanted}; found {}", excerpt(&names.join(",")));
                return Err(Fault::at(line, 0, what, COMMAND));
            }
        }
        if !has("JobIDRaw") && !has("JobID") {
            return Err(Fault::at(line, 0, "no column JobIDRaw or JobID", COMMAND));
        }
        let open_ended = names.last().is_some_and(|last| matches!(*last, "SubmitLine" | "Comment" | "AdminComment"));
        Ok(Columns { at, count: names.len(), open_ended })
    }

    fn split<'a>(&self, line: &'a str, number: u64, delimiter: char) -> Result<Vec<&'a str>, Fault> {
        let mut fields: Vec<&str> = if self.open_ended {
            line.splitn(self.count, delimiter).collect()
        } else {
            line.split(delimiter).collect()
        };
        // `-p` ends every line with a delimiter.
        if fields.len() == self.count + 1 && fields.last().is_some_and(|f| f.is_empty()) {
            fields.pop();
        }
        if fields.len() != self.count {
            let what = format!("{} fields under a header of {}", fields.len(), self.count);
            let remedy =
                "a field holds the delimiter or a line break: put SubmitLine last, or choose another --delimiter";
            return Err(Fault::at(number, fields.len() as u64, what, remedy));
        }
        Ok(fields)
    }
}

struct Record<'a> {
    table: &'a Columns,
    fields: &'a [&'a str],
    line: u64,
}

impl Record<'_> {
    fn field(&self, name: &str) -> &str {
        self.table.at.get(name).and_then(|at| self.fields.get(*at)).map_or("", |text| text.trim())
    }

    fn column(&self, name: &str) -> u64 {
        self.table.at.get(name).map_or(0, |at| *at as u64 + 1)
    }

    fn job(&self, options: &ParsableOptions) -> Result<SlurmJob, Fault> {
        let (raw, shown) = (self.field("JobIDRaw"), self.field("JobID"));
        let id = if raw.is_empty() { shown } else { raw };
        if id.is_empty() {
            return Err(Fault::at(self.line, 1, "a record without a job id", COMMAND));
        }
        let start_ms = self.time("Start", options.offset)?;
        let end_ms = self.time("End", options.offset)?;
        let places = [
            (self.field("Comment"), self.column("Comment")),
            (self.field("AdminComment"), self.column("AdminComment")),
            (self.field("SubmitLine"), self.column("SubmitLine")),
        ];
        let tres = accelerators(self.field("AllocTRES"), self.line, self.column("AllocTRES"))?;
        Ok(SlurmJob {
            id: id.to_owned(),
            shown_id: if shown.is_empty() { id.to_owned() } else { shown.to_owned() },
            accelerators: tres,
            start_ms,
            end_ms: if start_ms.is_some() { end_ms } else { None },
            elapsed_seconds: self.field("ElapsedRaw").parse().ok(),
            nodes: expand_nodelist(self.field("NodeList"), self.line)?,
            state: self.field("State").to_owned(),
            declared: settle(places, self.line)?,
            line: self.line,
        })
    }

    /// `None` for `None` (never started) and `Unknown` (not yet ended).
    fn time(&self, name: &str, offset: UtcOffset) -> Result<Option<i64>, Fault> {
        let text = self.field(name);
        if matches!(text, "" | "None" | "Unknown" | "0") {
            return Ok(None);
        }
        let epoch = text.parse::<i64>().ok().and_then(|s| s.checked_mul(1000)).filter(|ms| *ms > 0);
        epoch.or_else(|| iso_milliseconds(text, offset)).map(Some).ok_or_else(|| {
            let what = format!("{name} is `{}`, which is no time", excerpt(text));
            Fault::at(self.line, self.column(name), what, "export with SLURM_TIME_FORMAT=%s")
        })
    }
}
