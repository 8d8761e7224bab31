//! One door to every source: a kind, its files or address, and how to read them; out come partial sums, jobs and remarks.
//!
//! `standstill meter run --source <kind>` is a thin layer over [`open`]. The contract of each kind (units, period, what a gap means, the exact
//! command that exports it) is in `docs/sources/`.

mod files;
mod kinds;
mod options;

pub use files::{list, read};
pub use options::{ProgressHook, SourceKind, SourceOptions};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::adapter::requests::Tokens;
use crate::adapter::rows::Notes;
use crate::adapter::sacct::{Accounting, parse_eagle, parse_json, parse_parsable};
use crate::jobs::{Assignments, JobMap};
use crate::{MeterError, Partials};

/// What a source gave.
#[derive(Debug, Clone)]
pub struct Metered {
    /// Partial sums, ready to merge and to finish; empty for request traces, which name no device.
    pub partials: Partials,
    /// What was seen besides readings.
    pub notes: Notes,
    /// Class and run by job, from accounting; empty for other sources.
    pub jobs: JobMap,
    /// Which job held which device when, as far as the source knows.
    pub assignments: Assignments,
    /// Tokens by slot, from request traces.
    pub tokens: BTreeMap<i64, Tokens>,
    /// Model names by device, as exporters wrote them: to be compared with the fleet's declaration.
    pub models: BTreeMap<String, String>,
}

/// Reads and meters a source.
///
/// `paths` are files or folders (every file in a folder, in the order of names). For [`SourceKind::PrometheusLive`] the address and the time
/// range stand in the options.
///
/// # Errors
/// Any [`MeterError`], with the file, line and remedy. Nothing is skipped silently: what was left out is counted in [`Metered::notes`].
pub fn open(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Metered, MeterError> {
    match kind {
        SourceKind::DcgmParquet => kinds::parquet(paths, options),
        SourceKind::DcgmCsv => kinds::csv(paths, options),
        SourceKind::PrometheusText
        | SourceKind::PrometheusRange
        | SourceKind::PrometheusRemoteWrite
        | SourceKind::PrometheusLive => kinds::prometheus(kind, paths, options),
        SourceKind::SacctParsable | SourceKind::SacctJson | SourceKind::SacctCsv => kinds::slurm(kind, paths, options),
        SourceKind::PowerMllog | SourceKind::PowerSpl | SourceKind::PowerParquet | SourceKind::PowerCsv => {
            kinds::power(kind, paths, options)
        }
        SourceKind::RequestsAzure | SourceKind::RequestsMooncake => kinds::requests(kind, paths, options),
    }
}

/// The nodes that a power or accounting source names, sorted; empty for other kinds. Reads the files once.
///
/// # Errors
/// As [`open`].
pub fn nodes(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Vec<String>, MeterError> {
    let names: BTreeSet<String> = match kind {
        SourceKind::PowerMllog | SourceKind::PowerSpl | SourceKind::PowerParquet | SourceKind::PowerCsv => {
            kinds::node_series(kind, paths, options)?.0.into_iter().map(|series| series.node).collect()
        }
        SourceKind::SacctParsable | SourceKind::SacctJson | SourceKind::SacctCsv => {
            accounting(kind, paths, options)?.jobs.into_iter().flat_map(|job| job.nodes).collect()
        }
        _ => BTreeSet::new(),
    };
    Ok(names.into_iter().collect())
}

/// Reads accounting alone: for classes and runs of telemetry that comes from elsewhere, and for a reconciliation.
///
/// # Errors
/// As [`open`]; and for a kind that is no accounting.
pub fn accounting(kind: SourceKind, paths: &[PathBuf], options: &SourceOptions) -> Result<Accounting, MeterError> {
    let mut merged = Accounting::default();
    for path in list(paths)? {
        let bytes = read(&path, options.limits.file_bytes)?;
        let place = path.display().to_string();
        let parsed = match kind {
            SourceKind::SacctParsable => parse_parsable(&bytes, &options.parsable()),
            SourceKind::SacctJson => parse_json(&bytes, &options.limits),
            SourceKind::SacctCsv => parse_eagle(&bytes, options.utc_offset, &options.limits),
            other => {
                let what = format!("source kind {} holds no accounting", other.name());
                return Err(MeterError::Jobs { place, what, remedy: "use sacct-parsable, sacct-json or sacct-csv" });
            }
        };
        merged = merged
            .join(parsed.map_err(|fault| fault.in_file(&place, kind.format()))?)
            .map_err(|fault| fault.in_file(&place, kind.format()))?;
    }
    Ok(merged)
}

#[cfg(test)]
mod tests;
