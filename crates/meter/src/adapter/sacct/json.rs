//! `sacct --json`: the layout of Slurm 22.05 (`openapi/dbv0.0.38`), and the wrapped numbers and state lists of later releases.
//!
//! The 22.05 layout has no submit line, so a class is only found when `AccountingStoreFlags=job_comment` was set.

use serde_json::Value;

use super::comment::settle;
use super::tres::{add, settle as settle_accelerators};
use super::{Accelerators, Accounting, AccountingNotes, SlurmJob, expand_nodelist};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// Parses an export. Times are epochs in this format, so no offset is needed.
///
/// # Errors
/// A [`Fault`] when the bytes are no such JSON, the export reports errors, or a job lacks its id; the line is the job's index in `jobs`, from 1.
pub fn parse(bytes: &[u8], limits: &TextLimits) -> Result<Accounting, Fault> {
    let text = limits.text(bytes)?;
    let root: Value = serde_json::from_str(text).map_err(|e| {
        Fault::at(e.line() as u64, e.column() as u64, format!("not JSON: {e}"), "export with `sacct -a -D --json`")
    })?;
    if let Some(error) = root.get("errors").and_then(Value::as_array).and_then(|list| list.first()) {
        let what = format!("the export reports an error: {}", excerpt(&error.to_string()));
        return Err(Fault::whole(what, "repeat the export"));
    }
    let Some(list) = root.get("jobs").and_then(Value::as_array) else {
        return Err(Fault::whole("no list `jobs`", "export with `sacct -a -D --json`"));
    };
    let (mut jobs, mut notes) = (Vec::new(), AccountingNotes::default());
    for (value, index) in list.iter().zip(1..) {
        limits.row(index, jobs.len())?;
        notes.steps += value.get("steps").and_then(Value::as_array).map_or(0, |steps| steps.len() as u64);
        jobs.push(job(value, index)?);
    }
    Accounting::of(jobs, notes)
}

fn job(value: &Value, index: u64) -> Result<SlurmJob, Fault> {
    let Some(id) = number(&value["job_id"]) else {
        return Err(Fault::at(index, 0, "a job without job_id", "export with `sacct -a -D --json`"));
    };
    let time = |name: &str| {
        number(&value["time"][name]).filter(|s| *s > 0).and_then(|s| i64::try_from(s).ok()?.checked_mul(1000))
    };
    let comment = &value["comment"];
    let words = |v: &Value| v.as_str().unwrap_or("").to_owned();
    let (own, admin, submit) = (words(&comment["job"]), words(&comment["administrator"]), words(&value["submit_line"]));
    let start_ms = time("start");
    Ok(SlurmJob {
        id: id.to_string(),
        shown_id: shown_id(value, id),
        accelerators: allocated(&value["tres"]["allocated"], index)?,
        start_ms,
        end_ms: start_ms.and_then(|_| time("end")),
        elapsed_seconds: number(&value["time"]["elapsed"]),
        nodes: expand_nodelist(value["nodes"].as_str().unwrap_or(""), index)?,
        state: state(&value["state"]["current"]),
        declared: settle([(&own, 0), (&admin, 0), (&submit, 0)], index)?,
        line: index,
    })
}

/// `6_3` for an array task, `12+1` for a part of a heterogeneous job, else the id.
fn shown_id(value: &Value, id: u64) -> String {
    let part = |group: &str, offset: &str| {
        let master = number(&value[group]["job_id"]).filter(|m| *m > 0)?;
        Some((master, number(&value[group][offset])?))
    };
    match (part("array", "task_id"), part("het", "job_offset")) {
        (Some((master, task)), _) => format!("{master}_{task}"),
        (None, Some((master, offset))) => format!("{master}+{offset}"),
        _ => id.to_string(),
    }
}

fn allocated(list: &Value, index: u64) -> Result<Accelerators, Fault> {
    let (mut generic, mut typed) = (None, Vec::new());
    for item in list.as_array().into_iter().flatten().filter(|item| item["type"] == "gres") {
        let (Some(name), Some(count)) = (item["name"].as_str(), number(&item["count"])) else { continue };
        add(name, count, &mut generic, &mut typed);
    }
    settle_accelerators(generic, typed).map_err(|what| {
        Fault::at(index, 0, what, "check AccountingStorageTRES: both gres/gpu and its types must be tracked alike")
    })
}

fn state(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// A number, or the wrapped form `{"set": true, "infinite": false, "number": 5}` of later releases.
fn number(value: &Value) -> Option<u64> {
    if let Some(inner) = value.get("number") {
        return inner.as_u64().filter(|_| value["set"] == true && value["infinite"] != true);
    }
    value.as_u64()
}
