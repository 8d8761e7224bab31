//! Signed decisions, durable before anybody is told of them.
//!
//! A journal is a role's folder: `keys/statement.key`, `keys/log.key`, `log/` and `openings.jsonl`. The log is an ordinary one (C2SP tiles,
//! `docs/formats/tlog.md`), so the journal is published like any other log: served as files, or handed to a log node with
//! `standstill log submit`. Each decision is an entry and the next statement of the gate's chain.
//!
//! `openings.jsonl` is the confidential half: a line for each decision with the job's description and the 16 random bytes that its
//! commitment needs. It is shown to an inspector, never published. A line is on the disk before the decision that refers to it.

use crate::decide::{Decision, Gate};
use crate::error::GateError;
use crate::job::{Job, MAX_JOB_BYTES};
use serde::{Deserialize, Serialize};
use standstill_statement::{
    Body, GateDecision, GateVerdict, Hash32, Header, Name, PublicKey, Signed, SigningKey, Statement, chain, verify,
};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{NoteSigner, VerifierKey};
use standstill_tlog::reader::{self, Limits};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of a statement hash that make a decision's short id.
const ID_BYTES: usize = 12;
/// What stands before the id in a scheduler's comment.
pub const COMMENT_PREFIX: &str = "standstill:";
/// Longest line of the openings, in bytes.
const MAX_LINE_BYTES: u64 = 2 * MAX_JOB_BYTES as u64;

/// Short id of a decision: 24 hexadecimal digits, the start of its statement's hash.
#[must_use]
pub fn decision_id(statement: &Hash32) -> String {
    hex::encode(&statement.0[..ID_BYTES])
}

/// The decision id in a scheduler's comment; `None` when there is none.
#[must_use]
pub fn id_in_comment(comment: &str) -> Option<&str> {
    let (_, rest) = comment.split_once(COMMENT_PREFIX)?;
    let id = rest.get(..2 * ID_BYTES)?;
    let ends = rest[2 * ID_BYTES..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
    (ends && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))).then_some(id)
}

/// What opens a decision's commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Commitment in the decision.
    pub commitment: Hash32,
    /// 16 random bytes in hexadecimal.
    pub nonce: String,
    /// The job.
    pub job: Job,
}

impl Opening {
    /// The commitment that nonce and job give; `None` when the nonce is malformed.
    #[must_use]
    pub fn recomputed(&self) -> Option<Hash32> {
        let mut nonce = [0; 16];
        hex::decode_to_slice(&self.nonce, &mut nonce).ok()?;
        self.job.commitment(&nonce).ok()
    }
}

/// A decision that is to be recorded.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The job.
    pub job: Job,
    /// The decision.
    pub decision: Decision,
    /// 16 random bytes.
    pub nonce: [u8; 16],
    /// Decision that this one takes the place of.
    pub earlier: Option<Hash32>,
}

/// A decision of the journal, with its job when the openings hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Hash of the statement.
    pub statement: Hash32,
    /// What was stated.
    pub decision: GateDecision,
    /// When, by the gate's clock, in seconds since the Unix epoch.
    pub at_unix_seconds: u64,
    /// The opened job.
    pub job: Option<Job>,
}

/// Who a journal belongs to.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Issuer of the statements.
    pub issuer: Name,
    /// Instance of the gate.
    pub gate: Name,
    /// Agreement.
    pub agreement: Hash32,
}

/// An open journal. At most one exists for a folder at any time.
pub struct Journal {
    home: PathBuf,
    owner: Owner,
    key: SigningKey,
    log: FileLog,
    openings: File,
    previous: Option<Hash32>,
    /// Signed and not on the disk yet.
    waiting: Vec<Vec<u8>>,
    lines: Vec<u8>,
    failed: bool,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({}, {} decisions)", self.home.display(), self.log.size())
    }
}

impl Journal {
    /// Opens a journal, repairs what a crash left, and gives everything that it holds, so that the gate can count what it let pass before.
    ///
    /// # Errors
    /// [`GateError::Journal`] when it holds something else than this issuer's decisions; [`GateError::Tlog`] for the log under it.
    pub fn open(
        home: &Path,
        owner: Owner,
        key: SigningKey,
        signer: &NoteSigner,
    ) -> Result<(Self, Vec<Recorded>), GateError> {
        let mut log = FileLog::open(&home.join("log"), signer)?;
        log.publish()?;
        let recorded = read(home, &owner, signer.verifier(), &[key.public()])?;
        let previous = recorded.last().map(|last| last.statement);
        let openings = open_openings(&openings_path(home))?;
        Ok((
            Self {
                home: home.to_owned(),
                owner,
                key,
                log,
                openings,
                previous,
                waiting: Vec::new(),
                lines: Vec::new(),
                failed: false,
            },
            recorded,
        ))
    }

    /// Signs a decision and gives the hash of its statement. Nobody may be told of it before [`Journal::commit`] has returned.
    ///
    /// # Errors
    /// [`GateError::Statement`] or [`GateError::Encoding`] when it cannot be stated; [`GateError::Journal`] after a failed commit.
    pub fn sign(&mut self, gate: &Gate, pending: &Pending) -> Result<Hash32, GateError> {
        if self.failed {
            let problem = "an earlier write failed; look at the disk and start the gate again".to_owned();
            return Err(GateError::Journal { path: self.home.clone(), problem });
        }
        let commitment = pending.job.commitment(&pending.nonce)?;
        let opening = Opening { commitment, nonce: hex::encode(pending.nonce), job: pending.job.clone() };
        let line = serde_json::to_vec(&opening).map_err(|error| GateError::Encoding(error.to_string()))?;
        let name = self.owner.gate.clone();
        let body = gate.statement(name, &pending.job, &pending.decision, commitment, pending.earlier);
        let header = Header {
            agreement: self.owner.agreement,
            issuer: self.owner.issuer.clone(),
            sequence: self.log.size() + self.waiting.len() as u64,
            previous: self.previous,
            issued_unix_seconds: pending.decision.at_unix_seconds,
            heads: Vec::new(),
        };
        let envelope = Statement { header, body: Body::Decision(body) }.sign(&self.key)?;
        let hash = Hash32::of(&envelope);
        self.lines.extend(line);
        self.lines.push(b'\n');
        self.waiting.push(envelope);
        self.previous = Some(hash);
        Ok(hash)
    }

    /// Makes everything that was signed durable, in one write.
    ///
    /// # Errors
    /// [`GateError::Tlog`] or [`GateError::Io`] when the disk fails. Nothing more is signed then, and the gate must refuse covered work: what
    /// is on the disk is known again only after the journal is opened anew.
    pub fn commit(&mut self) -> Result<(), GateError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (lines, waiting) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.waiting));
        let written = self.openings.write_all(&lines).and_then(|()| self.openings.sync_data());
        let written = written.map_err(|source| io("append to", &openings_path(&self.home), source));
        let written = written.and_then(|()| self.log.append(&waiting).map_err(GateError::from));
        self.failed |= written.is_err();
        written.map(drop)
    }

    /// Signs decisions and makes them durable. Gives the hash of each statement.
    ///
    /// # Errors
    /// As [`Journal::sign`] and [`Journal::commit`].
    pub fn record(&mut self, gate: &Gate, batch: &[Pending]) -> Result<Vec<Hash32>, GateError> {
        let hashes = batch.iter().map(|pending| self.sign(gate, pending)).collect::<Result<_, _>>()?;
        self.commit()?;
        Ok(hashes)
    }

    /// Signs a checkpoint over what was recorded and makes it public.
    ///
    /// # Errors
    /// [`GateError::Tlog`].
    pub fn publish(&mut self) -> Result<(), GateError> {
        self.log.publish()?;
        Ok(())
    }

    /// Number of decisions.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.log.size()
    }
}

fn openings_path(home: &Path) -> PathBuf {
    home.join("openings.jsonl")
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> GateError {
    GateError::Io { action, path: path.to_owned(), source }
}

/// Opens for appending, after cutting off a line that a crash left unfinished. The file is readable by its owner only.
fn open_openings(path: &Path) -> Result<File, GateError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|source| io("open", path, source))?;
    let mut reader = BufReader::new(&file);
    let (mut whole, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(|source| io("read", path, source))?;
        if length == 0 || line.last() != Some(&b'\n') {
            break;
        }
        whole += length as u64;
    }
    let cut = file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).and_then(|_| file.sync_all());
    cut.map_err(|source| io("repair", path, source))?;
    Ok(file)
}

/// Reads a journal that others may have written: every signature, the chain and every opening are checked. Without openings the jobs are
/// unknown.
///
/// # Errors
/// [`GateError::Journal`], [`GateError::Tlog`].
pub fn read(home: &Path, owner: &Owner, log: &VerifierKey, keys: &[PublicKey]) -> Result<Vec<Recorded>, GateError> {
    let refuse = |problem: String| GateError::Journal { path: home.to_owned(), problem };
    let contents = reader::read_log(&home.join("log"), log, &Limits::default())?;
    let mut signed: Vec<Signed> = Vec::with_capacity(contents.entries.len());
    for (index, entry) in contents.entries.iter().enumerate() {
        let item = verify(entry, keys).map_err(|error| refuse(format!("entry {index}: {error}")))?;
        item.expect(&owner.agreement, &owner.issuer).map_err(|error| refuse(format!("entry {index}: {error}")))?;
        signed.push(item);
    }
    chain::check(&signed).map_err(|error| refuse(error.to_string()))?;
    let mut openings = read_openings(&openings_path(home))?;
    let mut recorded = Vec::with_capacity(signed.len());
    for item in signed {
        let Body::Decision(decision) = item.statement.body else {
            return Err(refuse("it holds a statement that is not a decision".to_owned()));
        };
        let job = openings.remove(&decision.job);
        let at_unix_seconds = item.statement.header.issued_unix_seconds;
        recorded.push(Recorded { statement: item.hash, decision, at_unix_seconds, job });
    }
    Ok(recorded)
}

/// Jobs by commitment. A line whose commitment does not open is refused: it would put words into the gate's mouth.
fn read_openings(path: &Path) -> Result<BTreeMap<Hash32, Job>, GateError> {
    let refuse = |problem: String| GateError::Journal { path: path.to_owned(), problem };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(io("open", path, source)),
    };
    let mut reader = BufReader::new(file);
    let (mut found, mut number) = (BTreeMap::new(), 0_u64);
    loop {
        let mut line = Vec::new();
        let taken = std::io::Read::take(&mut reader, MAX_LINE_BYTES).read_until(b'\n', &mut line);
        taken.map_err(|source| io("read", path, source))?;
        number += 1;
        if line.last() != Some(&b'\n') {
            // The end, or a line that a crash cut off; nothing refers to it.
            if line.len() as u64 == MAX_LINE_BYTES {
                return Err(refuse(format!("line {number} is longer than {MAX_LINE_BYTES} bytes")));
            }
            return Ok(found);
        }
        let opening: Opening =
            serde_json::from_slice(&line).map_err(|error| refuse(format!("line {number}: {error}")))?;
        if opening.recomputed() != Some(opening.commitment) {
            return Err(refuse(format!("line {number} does not open its commitment; the file was altered")));
        }
        found.insert(opening.commitment, opening.job);
    }
}

/// Lets a gate count again what it let pass before it was started anew: the latest decision on each job, if it allowed the job.
pub fn recount(gate: &mut Gate, recorded: &[Recorded]) {
    for item in recorded {
        let (Some(job), earlier) = (&item.job, item.decision.earlier.as_ref()) else { continue };
        let allows = item.decision.verdict == GateVerdict::Allow;
        let decision = Decision {
            verdict: item.decision.verdict,
            coverage: item.decision.coverage,
            clauses: item.decision.clauses.clone(),
            phase: None,
            sentence: String::new(),
            at_unix_seconds: item.at_unix_seconds,
            expires_unix_seconds: item.decision.expires_unix_seconds,
            petaops: crate::facts::petaops(gate.terms(), job),
            chip_seconds: crate::facts::chip_seconds(job),
            exemption: item
                .decision
                .clauses
                .iter()
                .find_map(|clause| clause.as_str().strip_prefix("exempt.").map(crate::clause::name)),
        };
        if allows || earlier.is_some() {
            gate.passed(job, &decision, item.statement, earlier);
        }
    }
}
