//! Two histories of one log: the evidence, the list that is served, and the signed statement about it.

use super::config::AlarmIssuer;
use super::error::WitnessError;
use standstill_statement::{self as statement, BlobRef, Body, Hash32, Header, Statement};
use standstill_tlog::checkpoint::ForkEvidence;
use standstill_tlog::durable;
use standstill_tlog::merkle::Hash;
use standstill_tlog::witness::origin_hash;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

/// Two contradicting checkpoints of one log, found here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// File name: origin hash, size and second root, each shortened.
    pub name: String,
    /// Origin of the log.
    pub origin: String,
    /// Size of both checkpoints.
    pub size: u64,
    /// Both roots, the one seen first first.
    pub roots: [Hash; 2],
    /// When it was found, by this node's clock (Unix seconds).
    pub found_unix_seconds: u64,
    /// Evidence file: both signed checkpoints (`docs/formats/tlog.md`).
    pub evidence: Vec<u8>,
    /// The signed statement, when an issuer is configured.
    pub statement: Option<Vec<u8>>,
}

fn name_of(origin: &str, size: u64, second: &Hash) -> String {
    format!("{}-{size}-{}", hex::encode(&origin_hash(origin)[..6]), hex::encode(&second[..6]))
}

impl Alarm {
    /// The alarm of this evidence.
    #[must_use]
    pub fn new(evidence: &ForkEvidence, found_unix_seconds: u64) -> Self {
        let second = evidence.second().checkpoint();
        Self {
            name: name_of(evidence.origin(), second.size, &second.root),
            origin: evidence.origin().to_owned(),
            size: second.size,
            roots: [evidence.first().checkpoint().root, second.root],
            found_unix_seconds,
            evidence: evidence.to_bytes(),
            statement: None,
        }
    }

    /// Whether it is about the same second checkpoint.
    #[must_use]
    pub fn is_about(&self, evidence: &ForkEvidence) -> bool {
        let second = evidence.second().checkpoint();
        self.name == name_of(evidence.origin(), second.size, &second.root)
    }

    /// Signs the statement about it, as the next one of the issuer's chain; gives the chain's next place too.
    ///
    /// # Errors
    /// [`WitnessError::Statement`] when the origin is none that statements allow.
    pub(crate) fn state(&self, issuer: &AlarmIssuer, chain: &Chain) -> Result<(Vec<u8>, Chain), WitnessError> {
        let refused = |error: &dyn fmt::Display| WitnessError::Statement(error.to_string());
        let body = statement::Alarm {
            origin: self.origin.clone(),
            size: self.size,
            first: Hash32(self.roots[0]),
            second: Hash32(self.roots[1]),
            evidence: BlobRef::of(&self.evidence),
        };
        let header = Header {
            agreement: issuer.agreement,
            issuer: issuer.issuer.clone(),
            sequence: chain.sequence,
            previous: chain.previous,
            issued_unix_seconds: self.found_unix_seconds,
            heads: Vec::new(),
        };
        let bytes = Statement { header, body: Body::Alarm(body) }.sign(&issuer.key).map_err(|error| refused(&error))?;
        let next = Chain { sequence: chain.sequence + 1, previous: Some(Hash32::of(&bytes)) };
        Ok((bytes, next))
    }
}

/// The next place in the issuer's chain of statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    sequence: u64,
    previous: Option<Hash32>,
}

impl Chain {
    /// Reads the text form of the record.
    pub(crate) fn parse(text: &str) -> Result<Self, WitnessError> {
        let parsed = text.split_once(' ').and_then(|(sequence, previous)| {
            let previous: [u8; 32] = hex::decode(previous).ok()?.try_into().ok()?;
            Some(Self { sequence: sequence.parse().ok()?, previous: Some(Hash32(previous)) })
        });
        parsed.ok_or_else(|| WitnessError::Statement("the place in the chain is unreadable in the record".to_owned()))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, self.previous.map(|hash| hex::encode(hash.0)).unwrap_or_default())
    }
}

/// The alarms of a node: in memory to be served, and as files in `alarms/` to be put into a bundle.
#[derive(Debug)]
pub struct AlarmBook {
    directory: PathBuf,
    alarms: RwLock<Vec<Alarm>>,
}

impl AlarmBook {
    /// The alarms on record. Files that a crash kept from being written are written now.
    pub(crate) fn new(directory: &Path, alarms: Vec<Alarm>) -> Result<Self, WitnessError> {
        let book = Self { directory: directory.join("alarms"), alarms: RwLock::new(Vec::new()) };
        for alarm in alarms {
            book.write(&alarm)?;
            book.push(alarm);
        }
        Ok(book)
    }

    fn write(&self, alarm: &Alarm) -> Result<(), WitnessError> {
        durable::create_directory(&self.directory)?;
        let files = [("note", Some(&alarm.evidence)), ("statement", alarm.statement.as_ref())];
        for (extension, bytes) in files {
            let path = self.directory.join(format!("{}.{extension}", alarm.name));
            if let Some(bytes) = bytes.filter(|_| !path.exists()) {
                durable::write_atomic(&path, bytes)?;
            }
        }
        Ok(())
    }

    fn push(&self, alarm: Alarm) {
        if let Ok(mut alarms) = self.alarms.write() {
            alarms.push(alarm);
        }
    }

    /// Adds an alarm that is on record. A file that cannot be written now is written at the next start.
    pub(crate) fn add(&self, alarm: Alarm) {
        if let Err(error) = self.write(&alarm) {
            tracing::error!(%error, name = alarm.name, "the alarm is on record but its file could not be written");
        }
        self.push(alarm);
    }

    /// All alarms, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Alarm> {
        self.alarms.read().map(|alarms| alarms.clone()).unwrap_or_default()
    }

    /// One alarm by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Alarm> {
        self.alarms.read().ok()?.iter().find(|alarm| alarm.name == name).cloned()
    }

    /// How many there are about one log.
    #[must_use]
    pub fn count_of(&self, origin: &str) -> usize {
        self.alarms.read().map_or(0, |alarms| alarms.iter().filter(|alarm| alarm.origin == origin).count())
    }

    pub(crate) fn knows(&self, evidence: &ForkEvidence) -> bool {
        self.alarms.read().is_ok_and(|alarms| alarms.iter().any(|alarm| alarm.is_about(evidence)))
    }
}
