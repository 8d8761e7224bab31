//! Claims about the capability horizon.

use super::reading::horizon_reading;
use super::{
    BeaconCheck, ClaimError, Fault, MAX_PARTS, Part, Prepared, Subject, differs, joined, manifest_bytes, parts,
    prepared, read_manifest,
};
use crate::horizon::{Input, Inputs, Plan, Record, Role, recompute};
use serde::{Deserialize, Serialize};
use standstill_statement::{Signal, SignalKind};

/// Format of the manifest.
const FORMAT: &str = "standstill/horizon-inputs/1";
/// Most files.
const MAX_FILES: usize = 256;
/// Most resamples that are computed again, summed over runs; a claim beyond that is answered with "cannot be told".
const MAX_WORK: u64 = 4_000_000_000;

/// First input of a horizon claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HorizonManifest {
    /// Name and version of this format.
    pub format: String,
    /// Method and triggers (TOML), every field written out.
    pub plan: String,
    /// Aliases whose longest horizon is the reading; empty for the frontier.
    pub agents: Vec<String>,
    /// The round of the public beacon (drand JSON), for a method that draws from one.
    pub beacon_round: Option<String>,
    /// Files in the order in which they are read; their parts follow the manifest in the same order.
    pub files: Vec<File>,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// What it is.
    pub role: Role,
    /// Name in errors and in the record.
    pub name: String,
    /// Its length; the number of parts follows from it.
    pub length_bytes: u64,
}

/// Makes a claim from a record that [`recompute`] gave for these inputs and this plan. `beacon_round`: the round's JSON.
///
/// # Errors
/// Inputs that do not fit into one statement, or a metric that no horizon gives.
pub fn horizon(
    subject: &Subject,
    agents: &[String],
    inputs: &Inputs,
    plan: &Plan,
    beacon_round: Option<String>,
    record: &Record,
) -> Result<Prepared, ClaimError> {
    let refuse = |why: String| ClaimError::Refused(why);
    if subject.party.is_some() == agents.is_empty() {
        return Err(refuse("name the party's agents with the party, and none without one".to_owned()));
    }
    let Some(reading) = horizon_reading(record, subject.metric.as_str(), agents) else {
        return Err(refuse(format!(
            "no horizon gives the metric '{}'; write horizon_p50, horizon_p80 or horizon_doubling, with that percent in the method",
            subject.metric
        )));
    };
    let manifest = HorizonManifest {
        format: FORMAT.to_owned(),
        plan: plan.to_toml().map_err(|error| refuse(error.to_string()))?,
        agents: agents.to_vec(),
        beacon_round,
        files: inputs
            .files
            .iter()
            .map(|file| File { role: file.role, name: file.name.clone(), length_bytes: file.bytes.len() as u64 })
            .collect(),
    };
    let mut blobs = vec![manifest_bytes(&manifest)?];
    blobs.extend(inputs.files.iter().flat_map(|file| parts(&file.bytes)));
    if blobs.len() > MAX_PARTS + 1 || manifest.files.len() > MAX_FILES {
        return Err(ClaimError::TooLarge { found: blobs.len() - 1 });
    }
    let method = plan.method.hash().map_err(|error| refuse(error.to_string()))?;
    let result = record.to_bytes().map_err(|error| refuse(error.to_string()))?;
    Ok(prepared(SignalKind::Horizon, subject, reading, method, blobs, result))
}

pub(super) fn check(
    signal: &Signal,
    inputs: &[Vec<u8>],
    result: &[u8],
    beacon: BeaconCheck<'_>,
    threads: usize,
) -> Result<(), Fault> {
    let manifest: HorizonManifest = read_manifest(inputs)?;
    if manifest.format != FORMAT {
        return Err(Fault::Unknown(format!(
            "its inputs are in the format '{}'; this program reads '{FORMAT}'",
            manifest.format
        )));
    }
    if signal.party.is_some() == manifest.agents.is_empty() {
        return differs(Part::Inputs, "a party and the agents that are its own go together");
    }
    let plan =
        Plan::parse(&manifest.plan).or_else(|error| differs(Part::Inputs, format!("its plan is refused: {error}")))?;
    let hash = plan.method.hash().or_else(|error| differs(Part::Inputs, error))?;
    if hash != signal.method.0 {
        return differs(
            Part::Method,
            format!(
                "the choices in the inputs have the hash {}, the statement says {}",
                hex::encode(hash),
                signal.method
            ),
        );
    }
    let mut files = files(&manifest, &inputs[1..])?;
    if let Some(round) = &manifest.beacon_round {
        files.beacon = Some(beacon(round).or_else(|why| differs(Part::Inputs, format!("the beacon's round: {why}")))?);
    }
    let lines = files.files.iter().map(|file| file.bytes.len() as u64 / 200 + 1).sum::<u64>();
    if lines.saturating_mul(u64::from(plan.method.bootstrap.resamples)) > MAX_WORK {
        return Err(Fault::Unknown(
            "it takes more resamples of more runs than a verification computes; run `standstill signal horizon` on its inputs".to_owned(),
        ));
    }
    let mut ours = recompute(&files, &plan, threads, &|_| {})
        .or_else(|error| differs(Part::Result, format!("the inputs give none: {error}")))?;
    let theirs = Record::parse(result).or_else(|error| differs(Part::Result, error))?;
    let same_program = ours.computed_by == theirs.computed_by;
    ours.computed_by.clone_from(&theirs.computed_by);
    let bytes = ours.to_bytes().or_else(|error| differs(Part::Result, error))?;
    if bytes != result {
        let part = ours.difference(&theirs).unwrap_or("form");
        let why = format!("the inputs give another record; the first part that differs is '{part}'");
        if same_program {
            return differs(Part::Result, why);
        }
        return Err(Fault::Unknown(format!(
            "{why}, and it says that it was computed by '{}', which this program is not; run that version",
            theirs.computed_by.chars().take(60).collect::<String>()
        )));
    }
    match horizon_reading(&ours, signal.metric.as_str(), &manifest.agents) {
        None => Err(Fault::Unknown(format!("no horizon gives the metric '{}'", signal.metric))),
        Some(reading) if reading == signal.reading => Ok(()),
        Some(reading) => {
            differs(Part::Reading, format!("the result says {reading:?}, the statement {:?}", signal.reading))
        }
    }
}

/// Puts the parts together again.
fn files(manifest: &HorizonManifest, mut rest: &[Vec<u8>]) -> Result<Inputs, Fault> {
    if manifest.files.len() > MAX_FILES {
        return differs(Part::Inputs, format!("more than {MAX_FILES} files"));
    }
    let mut inputs = Inputs::default();
    for file in &manifest.files {
        let bytes = joined(&file.name, file.length_bytes, &mut rest)?;
        inputs.files.push(Input { role: file.role, name: file.name.clone(), bytes });
    }
    if rest.is_empty() { Ok(inputs) } else { differs(Part::Inputs, "there are parts that belong to no file") }
}
