//! A job as every scheduler can describe it.

use crate::error::GateError;
use crate::situation::hash;
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, GatePoint, Hash32, Name};

const DOMAIN: &[u8] = b"standstill/1/gate-job\0";
/// Longest job description, in bytes of JSON.
pub const MAX_JOB_BYTES: usize = 64 << 10;
/// Longest text field, in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// Most accelerator models that one job names.
const MAX_MODELS: usize = 32;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    /// Slurm.
    Slurm,
    /// Kubernetes.
    Kubernetes,
    /// Any other, through `standstill gate decide`.
    Other,
}

/// What a scheduler knows of a job. Account, user and place are as the scheduler has authenticated them; class, run and exemption are what
/// the job says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Who asks.
    pub scheduler: Scheduler,
    /// The cluster's name.
    pub cluster: Name,
    /// When in the job's life.
    pub point: GatePoint,
    /// What the scheduler calls the job, or the request when the job has no name yet.
    pub reference: String,
    /// Account (Slurm) or namespace (Kubernetes).
    #[serde(default)]
    pub account: String,
    /// User: a numeric user id (Slurm) or a user name (Kubernetes).
    #[serde(default)]
    pub user: String,
    /// Partition (Slurm) or queue (Kubernetes).
    #[serde(default)]
    pub place: String,
    /// Accelerators that the whole job can hold at once, all array tasks and pods together; `null` when it cannot be told.
    pub accelerators: Option<u64>,
    /// Models that it names, lower case; none when any will do.
    #[serde(default)]
    pub models: Vec<String>,
    /// Longest time that it can hold them, in seconds; `null` for no limit.
    pub seconds: Option<u64>,
    /// Declared class.
    #[serde(default)]
    pub class: Option<Class>,
    /// Declared run.
    #[serde(default)]
    pub run: Option<Name>,
    /// Exemption that the job claims, by its id in the gate's terms.
    #[serde(default)]
    pub exempt: Option<Name>,
    /// What about the description could not be read. Such a job is covered, and its size is not known.
    #[serde(default)]
    pub unreadable: Vec<String>,
}

impl Job {
    /// Reads a job from JSON.
    ///
    /// # Errors
    /// [`GateError::Job`] when it is too long or not JSON of this form.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GateError> {
        if bytes.len() > MAX_JOB_BYTES {
            return Err(GateError::Job(format!("it has {} bytes, at most {MAX_JOB_BYTES} are read", bytes.len())));
        }
        let job: Self = serde_json::from_slice(bytes).map_err(|error| GateError::Job(error.to_string()))?;
        job.check()?;
        Ok(job)
    }

    /// Checks the lengths of texts and lists.
    ///
    /// # Errors
    /// [`GateError::Job`].
    pub fn check(&self) -> Result<(), GateError> {
        let texts = [&self.reference, &self.account, &self.user, &self.place];
        if texts.iter().any(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(GateError::Job(format!("a text is longer than {MAX_TEXT_BYTES} bytes")));
        }
        if self.models.len() > MAX_MODELS || self.models.iter().any(|model| model.len() > MAX_TEXT_BYTES) {
            return Err(GateError::Job("it names too many accelerator models".to_owned()));
        }
        if self.unreadable.len() > MAX_MODELS || self.unreadable.iter().any(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(GateError::Job("it has too many unreadable parts".to_owned()));
        }
        Ok(())
    }

    /// Commitment: SHA-256(`standstill/1/gate-job\0` ‖ nonce ‖ deterministic CBOR). The nonce keeps a small job from being guessed.
    ///
    /// # Errors
    /// [`GateError::Encoding`]; none of these types gives that.
    pub fn commitment(&self, nonce: &[u8; 16]) -> Result<Hash32, GateError> {
        hash(&[DOMAIN, nonce].concat(), self)
    }
}

/// The words `class=…`, `run=…` and `exempt=…` of a comment or label text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Class.
    pub class: Option<Class>,
    /// Run.
    pub run: Option<Name>,
    /// Claimed exemption.
    pub exempt: Option<Name>,
    /// Words that were meant as one of these and cannot be read.
    pub unreadable: Vec<String>,
}

impl Declared {
    /// Reads words separated by blanks or commas; other words are left alone. A word given twice with two values cannot be read: which of
    /// them counts must not depend on the reader.
    #[must_use]
    pub fn in_comment(comment: &str) -> Self {
        let mut found = Self::default();
        let words = comment.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            found.add(key, value);
        }
        found
    }

    /// Takes one key with its value.
    pub fn add(&mut self, key: &str, value: &str) {
        let read = match key {
            // `rl` is a form of post-training; the meter reads the same word.
            "class" if value == "rl" => settle(&mut self.class, Some(Class::Posttraining)),
            "class" => settle(&mut self.class, Class::from_name(value).filter(|class| class.can_operate())),
            "run" => settle(&mut self.run, Name::new(value).ok()),
            "exempt" => settle(&mut self.exempt, Name::new(value).ok()),
            _ => true,
        };
        if !read && self.unreadable.len() < MAX_MODELS {
            self.unreadable.push(crate::shorten(&format!("{key}={value}")));
        }
    }
}

fn settle<T: PartialEq>(slot: &mut Option<T>, value: Option<T>) -> bool {
    match (&slot, value) {
        (_, None) => false,
        (None, value) => {
            *slot = value;
            true
        }
        (Some(old), Some(new)) => *old == new,
    }
}
