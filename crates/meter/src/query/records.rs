//! The fleet and the accounting as tables, read by the parsers that know their traps.

use super::QueryError;
use crate::adapter::sacct::{Accounting, SlurmJob};
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use datafusion::arrow::error::ArrowError;
use datafusion::prelude::SessionContext;
use standstill_ledger::Fleet;
use std::sync::Arc;

pub(super) type Table = Result<RecordBatch, ArrowError>;

/// One row per registered device.
pub(super) fn fleet(fleet: &Fleet, window: u64) -> Table {
    let devices = fleet.devices();
    let text = |value: &dyn Fn(&standstill_ledger::Device) -> String| -> ArrayRef {
        Arc::new(devices.iter().map(|device| Some(value(device))).collect::<StringArray>())
    };
    RecordBatch::try_from_iter([
        ("device", text(&|device| device.key.clone())),
        ("model", text(&|device| device.model.to_string())),
        ("site", text(&|device| device.site.to_string())),
        ("area", text(&|device| device.area.to_string())),
        ("domain", text(&|device| device.domain.to_string())),
        ("custody", text(&|device| device.custody_at(window).name().to_owned())),
    ])
}

/// One row per allocation and node; a record without nodes gives one row whose node is NULL.
pub(super) fn jobs(accounting: &Accounting) -> Table {
    let of_job = |job| -> Vec<(&SlurmJob, Option<&str>)> {
        let job: &SlurmJob = job;
        let nodes: Vec<_> = job.nodes.iter().map(|node| (job, Some(node.as_str()))).collect();
        if nodes.is_empty() { vec![(job, None)] } else { nodes }
    };
    let rows: Vec<(&SlurmJob, Option<&str>)> = accounting.jobs.iter().flat_map(of_job).collect();
    let text = |value: &dyn Fn(&SlurmJob) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|(job, _)| value(job)).collect::<StringArray>())
    };
    let count = |value: &dyn Fn(&SlurmJob) -> u64| -> ArrayRef {
        Arc::new(rows.iter().map(|(job, _)| Some(value(job))).collect::<UInt64Array>())
    };
    let time = |value: &dyn Fn(&SlurmJob) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(|(job, _)| value(job)).collect::<TimestampMillisecondArray>())
    };
    let declared = |job: &SlurmJob| job.declared.clone();
    RecordBatch::try_from_iter([
        ("job", text(&|job| Some(job.id.clone()))),
        ("shown_job", text(&|job| Some(job.shown_id.clone()))),
        ("node", Arc::new(rows.iter().map(|(_, node)| *node).collect::<StringArray>()) as ArrayRef),
        ("nodes", count(&|job| job.nodes.len() as u64)),
        ("accelerators", count(&|job| job.accelerators.count)),
        ("kind", text(&|job| job.accelerators.kind.clone())),
        ("start", time(&|job| job.start_ms)),
        ("end", time(&|job| job.end_ms)),
        ("state", text(&|job| Some(job.state.clone()))),
        ("class", text(&|job| declared(job).map(|declared| declared.class.name().to_owned()))),
        ("run", text(&|job| declared(job)?.run.map(|run| run.to_string()))),
    ])
}

/// Registers a table under a name that no other has.
pub(super) fn register(context: &SessionContext, name: &str, table: Table) -> Result<(), QueryError> {
    let fail = |what: String| QueryError::Table {
        table: name.to_owned(),
        what,
        remedy: "give the file another name: NAME=FILE",
    };
    if context.table_exist(name).unwrap_or(false) {
        return Err(fail("there is one of that name already".to_owned()));
    }
    let table = table.map_err(|error| fail(error.to_string()))?;
    context.register_batch(name, table).map(|_| ()).map_err(|error| fail(error.to_string()))
}
