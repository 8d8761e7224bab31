//! Claims about a ledger of changes. The record itself is the manifest: it holds the method in full and names its inputs with their lengths.

use super::{ClaimError, Fault, MAX_PARTS, Part, Prepared, Subject, differs, joined, parts, prepared};
use crate::changes::record::{InputDigest, Role};
use crate::changes::{Inputs, Record, recompute};
use standstill_statement::{Signal, SignalKind};

/// Makes a claim from a record that [`recompute`] gave for this table and these runs.
///
/// # Errors
/// Inputs that are not the record's or do not fit into one statement, or a metric that no ledger gives.
pub fn changes(subject: &Subject, table: &[u8], runs: Option<&[u8]>, record: &Record) -> Result<Prepared, ClaimError> {
    let refuse = |why: String| ClaimError::Refused(why);
    let named = std::iter::once(InputDigest::of(Role::Table, table))
        .chain(runs.map(|bytes| InputDigest::of(Role::Runs, bytes)));
    if !named.eq(record.inputs.iter().cloned()) {
        return Err(refuse("these are not the inputs that the record names".to_owned()));
    }
    let Some(reading) = record.reading(subject.metric.as_str()) else {
        return Err(refuse(format!(
            "no ledger of changes gives the metric '{}'; write ai_authored_share or ai_led_share",
            subject.metric
        )));
    };
    let blobs: Vec<Vec<u8>> = [Some(table), runs].into_iter().flatten().flat_map(parts).collect();
    if blobs.len() > MAX_PARTS {
        return Err(ClaimError::TooLarge { found: blobs.len() });
    }
    let method = record.method.hash().map_err(|error| refuse(error.to_string()))?;
    let result = record.to_bytes().map_err(|error| refuse(error.to_string()))?;
    Ok(prepared(SignalKind::Changes, subject, reading, method, blobs, result))
}

pub(super) fn check(signal: &Signal, blobs: &[Vec<u8>], result: &[u8]) -> Result<(), Fault> {
    let theirs = Record::parse(result).or_else(|error| differs(Part::Result, error))?;
    let method = theirs.method.hash().or_else(|error| differs(Part::Result, error))?;
    if method != signal.method.0 {
        return differs(
            Part::Method,
            format!(
                "the method in the record has the hash {}, the statement says {}",
                hex::encode(method),
                signal.method
            ),
        );
    }
    let mut ours = recompute(&inputs(&theirs, blobs)?)
        .or_else(|error| differs(Part::Result, format!("the inputs give none: {error}")))?;
    let is_same_program = ours.computed_by == theirs.computed_by;
    ours.computed_by.clone_from(&theirs.computed_by);
    let bytes = ours.to_bytes().or_else(|error| differs(Part::Result, error))?;
    if bytes != result {
        let part = theirs.difference(&ours).unwrap_or("form");
        let why = format!("the inputs give another record; the first part that differs is '{part}'");
        if is_same_program {
            return differs(Part::Result, why);
        }
        return Err(Fault::Unknown(format!(
            "{why}, and it says that it was computed by '{}', which this program is not; run that version",
            theirs.computed_by.chars().take(60).collect::<String>()
        )));
    }
    match ours.reading(signal.metric.as_str()) {
        None => Err(Fault::Unknown(format!("no ledger of changes gives the metric '{}'", signal.metric))),
        Some(reading) if reading == signal.reading => Ok(()),
        Some(reading) => {
            differs(Part::Reading, format!("the result says {reading:?}, the statement {:?}", signal.reading))
        }
    }
}

/// The files that the record names, put together from their parts. That they are the named ones shows in the record's digests.
fn inputs(record: &Record, mut rest: &[Vec<u8>]) -> Result<Inputs, Fault> {
    let (mut table, mut runs) = (None, None);
    for digest in &record.inputs {
        let (name, place) = match digest.role {
            Role::Table => ("the table", &mut table),
            Role::Runs => ("the code of runs", &mut runs),
        };
        let bytes = joined(name, digest.length_bytes, &mut rest)?;
        if place.replace(bytes).is_some() {
            return differs(Part::Inputs, format!("the record names {name} twice"));
        }
    }
    let Some(table) = table else { return differs(Part::Inputs, "the record names no table") };
    if !rest.is_empty() {
        return differs(Part::Inputs, "there are parts that belong to no file");
    }
    Ok(Inputs { method: record.method.clone(), table, runs })
}

#[cfg(test)]
mod tests;
