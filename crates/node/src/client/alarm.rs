//! Facts that prove, or may hide, that a log shows two histories. The evidence goes to disk before anybody is told.

use super::ClientError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::durable;
use std::fmt;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmKind {
    /// Two signed heads, or a signed head and the entries under another, that cannot both be true. Proof; needs no further argument.
    Fork,
    /// A smaller head than one shown before, of the same history: a stale view, or an old copy.
    WentBack,
    /// A newer signed head whose entries are not to be had.
    Withheld,
    /// Entries that do not hash to the signed head, without proof of a second history.
    Damaged,
}

impl AlarmKind {
    /// The word used in file names, metrics and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::WentBack => "went-back",
            Self::Withheld => "withheld",
            Self::Damaged => "damaged",
        }
    }
}

/// An alarm about one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What was found.
    pub kind: AlarmKind,
    /// Origin of the log.
    pub origin: String,
    /// What happened, for people.
    pub sentence: String,
    /// The two signed notes with a line `---` between, as `alarms/*.note` in a bundle; `None` when there is only one.
    pub evidence: Option<Vec<u8>>,
    /// Where the evidence is kept, once it is.
    pub path: Option<PathBuf>,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log {}: {}", self.origin, self.sentence)?;
        match &self.path {
            Some(path) => write!(f, "; the evidence is in {}", path.display()),
            None => Ok(()),
        }
    }
}

/// Two notes in one file.
pub(super) fn pair(first: &SignedCheckpoint, second: &SignedCheckpoint) -> Vec<u8> {
    format!("{}---\n{}", first.note(), second.note()).into_bytes()
}

impl Alarm {
    /// An alarm from a known head and another.
    pub(super) fn new(
        kind: AlarmKind,
        known: Option<&SignedCheckpoint>,
        shown: &SignedCheckpoint,
        sentence: String,
    ) -> Self {
        let origin = shown.checkpoint().origin.clone();
        let evidence = known.map(|known| pair(known, shown));
        Self { kind, origin, sentence, evidence, path: None }
    }

    /// Writes the evidence into `<directory>/alarms/`, named by what it says, so that the same alarm is kept once.
    ///
    /// # Errors
    /// [`ClientError::Tlog`] when it cannot be written.
    pub(super) fn keep(mut self, directory: &Path) -> Result<Self, ClientError> {
        if let Some(evidence) = &self.evidence {
            let folder = directory.join("alarms");
            durable::create_directory(&folder)?;
            let name = hex::encode(&standstill_tlog::merkle::leaf_hash(evidence)[..8]);
            let path = folder.join(format!("{}-{name}.note", self.kind.name()));
            if !path.exists() {
                durable::write_atomic(&path, evidence)?;
            }
            self.path = Some(path);
        }
        Ok(self)
    }
}
