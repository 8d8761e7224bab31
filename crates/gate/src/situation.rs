//! What a gate is told about the state of the agreement. The node derives it from cosigned logs; a stranger derives the same one from the
//! same logs, so its hash in a decision says exactly what the gate went by.

use crate::error::GateError;
use crate::phase::Phase;
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Hash32, Name, canonical};
use std::collections::BTreeMap;

const DOMAIN: &[u8] = b"standstill/1/gate-situation\0";
/// Longest situation file, in bytes.
pub const MAX_SITUATION_BYTES: usize = 16 << 20;
/// Most caps.
pub const MAX_CAPS: usize = 1024;
/// Most runs.
pub const MAX_RUNS: usize = 65_536;

/// What a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Operations under the agreement's rulebook, in units of 1e15.
    Petaops,
    /// Accelerator time, in seconds.
    ChipSeconds,
}

/// One bound of the present phase on one total of the party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The limit's name in the terms.
    pub id: Name,
    /// What is counted.
    pub measure: Measure,
    /// Classes that are added up, in wire order, at least one.
    pub classes: Vec<Class>,
    /// What the phase allows; `null` for no bound. A class that no cap names does not start in a slowed phase.
    pub allowed: Option<u64>,
    /// Used so far, with what running jobs may still use until their time limit.
    pub used: u64,
}

/// A training run that the party has declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its name.
    pub run: Name,
    /// Class under which it is accounted.
    pub class: Class,
    /// First window in which it may appear.
    pub from_window: u64,
    /// The party has stated its end.
    pub ended: bool,
    /// Planned operations in units of 1e15.
    pub planned_petaops: u64,
    /// Used so far by the run itself, in units of 1e15, with what its running jobs may still use.
    pub used_petaops: u64,
    /// Used by the run and its ancestors as the rulebook counts them, in units of 1e15.
    pub lineage_petaops: u64,
    /// Bound on the lineage, in units of 1e15; `null` for none.
    pub lineage_allowed_petaops: Option<u64>,
    /// Certificates that the terms ask for before this run goes on and that are not in the logs, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates_missing: Vec<Name>,
}

/// The state of the agreement for one party at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// The agreement.
    pub agreement: Hash32,
    /// The party.
    pub party: Name,
    /// Its phase.
    pub phase: Phase,
    /// Since when, in seconds since the Unix epoch.
    pub phase_since_unix_seconds: u64,
    /// Window that holds `as_of_unix_seconds`.
    pub window: u64,
    /// Time for which all of this was established, in seconds since the Unix epoch.
    pub as_of_unix_seconds: u64,
    /// Bounds of the phase, sorted by id.
    pub caps: Vec<Cap>,
    /// Declared runs, sorted by name.
    pub runs: Vec<Run>,
}

impl Situation {
    /// Reads a situation from JSON.
    ///
    /// # Errors
    /// [`GateError::Situation`] when it is too long, not JSON of this form, or not in canonical order.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GateError> {
        if bytes.len() > MAX_SITUATION_BYTES {
            return Err(GateError::Situation(format!("it has {} bytes, at most {MAX_SITUATION_BYTES}", bytes.len())));
        }
        let situation: Self = serde_json::from_slice(bytes).map_err(|error| GateError::Situation(error.to_string()))?;
        situation.check()?;
        Ok(situation)
    }

    /// Checks order and limits, so that one situation has one spelling and one hash.
    ///
    /// # Errors
    /// [`GateError::Situation`] with the first rule that is broken.
    pub fn check(&self) -> Result<(), GateError> {
        let refuse = |problem: &str| Err(GateError::Situation(problem.to_owned()));
        if self.caps.len() > MAX_CAPS || self.runs.len() > MAX_RUNS {
            return refuse("it has too many caps or runs");
        }
        if !self.caps.windows(2).all(|pair| pair[0].id < pair[1].id) {
            return refuse("caps must be sorted by id, each once");
        }
        if !self.runs.windows(2).all(|pair| pair[0].run < pair[1].run) {
            return refuse("runs must be sorted by name, each once");
        }
        if self.caps.iter().any(|cap| cap.classes.is_empty() || !ascending(&cap.classes)) {
            return refuse("the classes of a cap must be in wire order, each once, at least one");
        }
        if self.runs.iter().any(|run| !ascending(&run.certificates_missing)) {
            return refuse("missing certificates must be sorted, each once");
        }
        Ok(())
    }

    /// SHA-256(`standstill/1/gate-situation\0` ‖ deterministic CBOR).
    ///
    /// # Errors
    /// [`GateError::Encoding`] when a value has no encoding; none of these types does that.
    pub fn hash(&self) -> Result<Hash32, GateError> {
        hash(DOMAIN, self)
    }
}

pub(crate) fn ascending<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

pub(crate) fn hash<T: Serialize>(domain: &[u8], value: &T) -> Result<Hash32, GateError> {
    let encoded = canonical::to_vec(value).map_err(|error| GateError::Encoding(error.to_string()))?;
    Ok(Hash32::of(&[domain, &encoded].concat()))
}

/// A checked situation with its hash and its runs by name, made once for many decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    situation: Situation,
    hash: Hash32,
    runs: BTreeMap<Name, usize>,
}

impl Held {
    /// Checks and prepares a situation.
    ///
    /// # Errors
    /// As [`Situation::check`].
    pub fn new(situation: Situation) -> Result<Self, GateError> {
        situation.check()?;
        let hash = situation.hash()?;
        let runs = situation.runs.iter().enumerate().map(|(index, run)| (run.run.clone(), index)).collect();
        Ok(Self { situation, hash, runs })
    }

    /// The situation.
    #[must_use]
    pub const fn situation(&self) -> &Situation {
        &self.situation
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.hash
    }

    /// The declared run of that name.
    #[must_use]
    pub fn run(&self, name: &Name) -> Option<&Run> {
        self.runs.get(name).and_then(|index| self.situation.runs.get(*index))
    }
}
