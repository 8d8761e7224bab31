//! Job lists as comma-separated values with requested accelerators (NREL's published Eagle sample).
//!
//! This source has no node names, no class, and accelerators *requested*, not allocated; on Eagle whole nodes were allocated, so a request is
//! a lower bound of what was held. It supports allocation-at-peak per job and nothing else.

use super::{Accelerators, Accounting, AccountingNotes, SlurmJob};
use crate::adapter::civil_time::{UtcOffset, iso_milliseconds};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

const HEADER: [&str; 5] = ["job_id", "gpus_req", "start_time", "end_time", "state"];

/// Parses a list with at least the columns `job_id, gpus_req, start_time, end_time, state`.
///
/// Published lists are anonymised and drop the array index, so several records share an id and a start: each is an allocation of its own
/// (`532939`, `532939#2`, …).
///
/// # Errors
/// A [`Fault`] with line and column for a missing column or an unreadable field.
pub fn parse(bytes: &[u8], offset: UtcOffset, limits: &TextLimits) -> Result<Accounting, Fault> {
    let text = limits.text(bytes)?;
    let mut lines = (1..).zip(text.lines());
    let header: Vec<&str> = lines.next().map(|(_, line)| line.split(',').collect()).unwrap_or_default();
    let mut at = [0; HEADER.len()];
    for (slot, wanted) in at.iter_mut().zip(HEADER) {
        *slot = header.iter().position(|name| name.trim() == wanted).ok_or_else(|| {
            Fault::at(
                1,
                0,
                format!("no column {wanted}"),
                "this reader is for lists with gpus_req; use sacct -P otherwise",
            )
        })?;
    }
    let mut seen = std::collections::BTreeMap::new();
    let mut jobs = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        limits.row(number, jobs.len())?;
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() != header.len() {
            let what = format!("{} fields under a header of {}", fields.len(), header.len());
            return Err(Fault::at(number, 0, what, "quote no field; the list holds plain numbers and words"));
        }
        jobs.push(job(&fields, &at, number, offset, &mut seen)?);
    }
    Accounting::of(jobs, AccountingNotes::default())
}

fn job(
    fields: &[&str],
    at: &[usize; HEADER.len()],
    line: u64,
    offset: UtcOffset,
    seen: &mut std::collections::BTreeMap<String, u64>,
) -> Result<SlurmJob, Fault> {
    let bad = |index: usize| {
        let what = format!("{} is `{}`", HEADER[index], excerpt(fields[at[index]]));
        Fault::at(line, at[index] as u64 + 1, what, "export the list unchanged")
    };
    let count = fields[at[1]].parse().map_err(|_| bad(1))?;
    let start_ms = iso_milliseconds(fields[at[2]], offset).ok_or_else(|| bad(2))?;
    let end_ms = iso_milliseconds(fields[at[3]], offset).ok_or_else(|| bad(3))?;
    let id = fields[at[0]];
    let times = seen.entry(id.to_owned()).and_modify(|n| *n += 1).or_insert(1_u64);
    let unique = if *times == 1 { id.to_owned() } else { format!("{id}#{times}") };
    Ok(SlurmJob {
        shown_id: unique.clone(),
        id: unique,
        accelerators: Accelerators { count, kind: None },
        start_ms: Some(start_ms),
        end_ms: Some(end_ms),
        state: fields[at[4]].to_owned(),
        line,
        ..SlurmJob::default()
    })
}
