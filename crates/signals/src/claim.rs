//! A signal as a claim that anybody can compute again: the blobs that a `signal` statement names, how they are made, and how they are checked.
//!
//! The first input blob of a horizon or a scan is a manifest (JSON) with every choice and the list of files; the others hold the files' bytes,
//! cut into parts. A ledger of changes needs none: its record says both. The result blob holds the bytes of the record or of the scan report.
//! [`check`] starts from the blobs alone and compares four things with what was signed: the inputs' shape, the method hash, the result's
//! bytes, and the reading. Formats: `docs/signals/statement.md`.
//!
//! There is no clock, no network and no randomness here.

mod changes;
mod horizon;
mod pack;
mod reading;
mod scan;

pub use changes::changes;
pub use horizon::{HorizonManifest, horizon};
pub use pack::{FileVersions, MAX_FILES, pack, unpack};
pub use reading::{horizon_reading, scan_reading};
pub use scan::{ENGINE, ScanManifest, Tables, method_hash, report, scan};

use crate::horizon::draws::BeaconRound;
use standstill_statement::{BlobRef, Hash32, Name, Reading, Signal, SignalKind};
use std::fmt;

/// Longest part of a file in one blob, in bytes. Verifiers read blobs of up to 64 MiB by default.
pub const PART_BYTES: usize = 48 << 20;
/// Parts that fit into one statement beside the manifest.
pub const MAX_PARTS: usize = standstill_statement::MAX_INPUTS - 1;
/// Longest manifest, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 32 << 20;

/// A claim cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The inputs do not fit into one statement.
    #[error("the inputs have {found} parts of {PART_BYTES} bytes; one statement names at most {MAX_PARTS}")]
    TooLarge {
        /// Parts that would be needed.
        found: usize,
    },
    /// Something that was asked for has no meaning.
    #[error("{0}")]
    Refused(String),
}

/// Which part of a claim is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Manifest or files are not in the format, or do not fit together.
    Inputs,
    /// The method hash is not that of the manifest's choices.
    Method,
    /// The result is not what the inputs give.
    Result,
    /// The reading is not what the result says.
    Reading,
}

impl Part {
    /// The name in findings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Method => "method",
            Self::Result => "result",
            Self::Reading => "reading",
        }
    }
}

/// Why a claim does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was signed differs from what the inputs give.
    Differs(Part, String),
    /// This program cannot tell.
    Unknown(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(part, why) => write!(f, "{} differs: {why}", part.name()),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

fn differs<T>(part: Part, why: impl fmt::Display) -> Result<T, Fault> {
    Err(Fault::Differs(part, why.to_string()))
}

/// Checks a round of a public beacon (drand JSON, with its signature) and gives its randomness. Beacons are known elsewhere, so that the
/// caller brings the check.
pub type BeaconCheck<'a> = &'a (dyn Fn(&str) -> Result<BeaconRound, String> + Sync);

/// A claim ready to be signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The statement's body.
    pub signal: Signal,
    /// Input blobs, in the order in which the body names them.
    pub inputs: Vec<Vec<u8>>,
    /// The result blob.
    pub result: Vec<u8>,
}

/// What a claim is about, beside the measurement.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name of the metric, as [`horizon_reading`], [`scan_reading`] and [`crate::changes::Record::reading`] list them.
    pub metric: Name,
    /// Party whose system or repository was measured; `None` for public data about the field.
    pub party: Option<Name>,
}

fn prepared(
    kind: SignalKind,
    subject: &Subject,
    reading: Reading,
    method: [u8; 32],
    inputs: Vec<Vec<u8>>,
    result: Vec<u8>,
) -> Prepared {
    let signal = Signal {
        kind,
        metric: subject.metric.clone(),
        party: subject.party.clone(),
        reading,
        method: Hash32(method),
        inputs: inputs.iter().map(|bytes| BlobRef::of(bytes)).collect(),
        result: BlobRef::of(&result),
    };
    Prepared { signal, inputs, result }
}

/// Cuts a file into parts. An empty file has none.
fn parts(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    bytes.chunks(PART_BYTES).map(<[u8]>::to_vec)
}

/// Takes the parts of one file from the front of what is left, and puts them together.
fn joined(name: &str, length_bytes: u64, rest: &mut &[Vec<u8>]) -> Result<Vec<u8>, Fault> {
    let wanted = usize::try_from(length_bytes.div_ceil(PART_BYTES as u64)).unwrap_or(usize::MAX);
    let Some((own, others)) = rest.split_at_checked(wanted) else {
        return differs(Part::Inputs, format!("{name} has fewer parts than its length says"));
    };
    *rest = others;
    let bytes = own.concat();
    if bytes.len() as u64 != length_bytes {
        return differs(
            Part::Inputs,
            format!("{name} has {} bytes, its length was given as {length_bytes}", bytes.len()),
        );
    }
    Ok(bytes)
}

/// The manifest as bytes: compact JSON.
fn manifest_bytes(manifest: &impl serde::Serialize) -> Result<Vec<u8>, ClaimError> {
    let bytes = serde_json::to_vec(manifest).map_err(|error| ClaimError::Refused(error.to_string()))?;
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(ClaimError::Refused(format!(
            "the manifest has {} bytes, more than {MAX_MANIFEST_BYTES}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

fn read_manifest<'a, T: serde::Deserialize<'a>>(inputs: &'a [Vec<u8>]) -> Result<T, Fault> {
    let Some(bytes) = inputs.first() else { return differs(Part::Inputs, "it names no inputs") };
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(Fault::Unknown(format!(
            "its manifest has {} bytes; this program reads at most {MAX_MANIFEST_BYTES}",
            bytes.len()
        )));
    }
    serde_json::from_slice(bytes)
        .or_else(|error| differs(Part::Inputs, format!("its first input is no manifest: {error}")))
}

/// Computes a claim again from its blobs: same shape, same method hash, same result bytes, same reading. `threads` changes nothing but time.
///
/// # Errors
/// [`Fault::Differs`] with the part that is wrong; [`Fault::Unknown`] when this program cannot compute it.
pub fn check(
    signal: &Signal,
    inputs: &[Vec<u8>],
    result: &[u8],
    beacon: BeaconCheck<'_>,
    threads: usize,
) -> Result<(), Fault> {
    match signal.kind {
        SignalKind::Horizon => horizon::check(signal, inputs, result, beacon, threads),
        SignalKind::Scan => scan::check(signal, inputs, result),
        SignalKind::Changes => changes::check(signal, inputs, result),
        SignalKind::Evaluation | SignalKind::Other => {
            Err(Fault::Unknown("signals of this kind are not computed again by this program".to_owned()))
        }
    }
}
