//! One request of tlog-witness from bytes to answer, without sockets.

use super::alarm::AlarmBook;
use super::config::{Settings, WatchedLog};
use super::error::WitnessError;
use super::metrics::Metrics;
use super::record::{Head, Outcome, Record, RecordReader, Refusal, Submission, Unavailable, record_path};
use crate::clock::Clock;
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::cosignature::{self, Subtree};
use standstill_tlog::merkle::verify_subtree_consistency;
use standstill_tlog::note::{KeyType, Note, NoteSigner, VerifierKey};
use standstill_tlog::witness::{AddCheckpoint, SignSubtree, http_status, origin_hash};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What goes back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Body: cosignature lines, a size, or one sentence.
    pub body: String,
}

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

impl Answer {
    fn lines(body: String) -> Self {
        Self { status: 200, content_type: TEXT, body }
    }

    pub(crate) fn sentence(status: u16, what: impl std::fmt::Display) -> Self {
        Self { status, content_type: TEXT, body: format!("{what}\n") }
    }

    pub(crate) fn size(known: u64) -> Self {
        Self { status: 409, content_type: SIZE, body: format!("{known}\n") }
    }
}

/// A head and the note that is served for it.
type Served = (Head, Arc<Vec<u8>>);

/// A running witness.
#[derive(Debug)]
pub struct WitnessService {
    signers: Vec<NoteSigner>,
    keys: Vec<VerifierKey>,
    logs: HashMap<String, WatchedLog>,
    /// Origin of each watched log by the hexadecimal SHA-256 of it.
    by_hash: HashMap<String, String>,
    record: Record,
    reader: RecordReader,
    /// The checkpoint of each log as it is served, made once per head.
    served: Mutex<HashMap<String, Served>>,
    metrics: Metrics,
}

impl WitnessService {
    /// Starts a witness that never signed before.
    ///
    /// # Errors
    /// [`WitnessError::Config`], and those of [`Record::create`].
    pub fn create(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, WitnessError> {
        settings.check(&settings.directory)?;
        let record = Record::create(settings, clock)?;
        Self::new(settings, record)
    }

    /// Opens a witness again.
    ///
    /// # Errors
    /// [`WitnessError::Config`], and those of [`Record::open`].
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, WitnessError> {
        settings.check(&settings.directory)?;
        let record = Record::open(settings, clock)?;
        Self::new(settings, record)
    }

    fn new(settings: &Settings, record: Record) -> Result<Arc<Self>, WitnessError> {
        let logs: HashMap<_, _> = settings.logs.iter().map(|log| (log.origin.clone(), log.clone())).collect();
        let by_hash = logs.keys().map(|origin| (hex::encode(origin_hash(origin)), origin.clone())).collect();
        Ok(Arc::new(Self {
            reader: RecordReader::open(&record_path(&settings.directory))?,
            keys: settings.signers.iter().map(|signer| signer.verifier().clone()).collect(),
            signers: settings.signers.clone(),
            logs,
            by_hash,
            record,
            served: Mutex::new(HashMap::new()),
            metrics: Metrics::default(),
        }))
    }

    /// The witness's public keys.
    #[must_use]
    pub fn verifiers(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// Whether the record takes submissions; it stops for good when its disk failed or its state was found rolled back.
    #[must_use]
    pub fn is_signing(&self) -> bool {
        self.record.is_open()
    }

    /// What it remembers.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The alarms.
    #[must_use]
    pub fn alarms(&self) -> &AlarmBook {
        self.record.alarms()
    }

    /// Numbers for `/metrics`, as Prometheus text.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.metrics.text(self.logs.len(), &self.record)
    }

    /// `POST /add-checkpoint`.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let answer = self.decide(body).await.unwrap_or_else(|refused| refused);
        self.metrics.count(answer.status);
        answer
    }

    async fn decide(&self, body: &[u8]) -> Result<Answer, Answer> {
        let refuse = |error: TlogError| Answer::sentence(http_status(&error), &error);
        let request = AddCheckpoint::parse(body).map_err(refuse)?;
        let (log, signed) = self.read(&request.checkpoint)?;
        let submission = self.submission(request, signed).map_err(refuse)?;
        let old_size = submission.old_size;
        match self.record.submit(submission).await {
            Ok(outcome) => self.answer(&log.origin, old_size, outcome).await,
            Err(Unavailable::Busy) => Err(Answer::sentence(503, "too many requests wait; come back in a second")),
            Err(Unavailable::Closed) => Err(Answer::sentence(503, "the record is closed; ask the operator")),
        }
    }

    /// Finds the log and verifies its signature: 404, 403, or 400 for what is no checkpoint.
    fn read(&self, note: &[u8]) -> Result<(&WatchedLog, SignedCheckpoint), Answer> {
        let origin = first_line(note);
        let Some(log) = self.logs.get(&*origin) else {
            return Err(Answer::sentence(404, format_args!("the log {origin} is not configured here")));
        };
        Ok((log, read_checkpoint(note, log)?))
    }

    /// Keeps the log's lines, and the times of our own ones.
    fn submission(&self, request: AddCheckpoint, mut signed: SignedCheckpoint) -> Result<Submission, TlogError> {
        let own = signed.cosignatures(&self.keys)?.iter().map(|verified| verified.time_unix_seconds).collect();
        signed.retain_log_lines();
        Ok(Submission { old_size: request.old_size, proof: request.proof, signed, own })
    }

    async fn answer(&self, origin: &str, old_size: u64, outcome: Outcome) -> Result<Answer, Answer> {
        match outcome {
            Ok(head) => {
                let lines = self.cosign(&head).await.map_err(|error| Answer::sentence(http_status(&error), &error))?;
                self.keep_served(origin, head, &lines);
                Ok(Answer::lines(lines))
            }
            // The specification wants the recorded size whenever the old size is another, whatever else is wrong.
            Err(Refusal { error, known_size }) => match http_status(&error) {
                409 if old_size != known_size => Err(Answer::size(known_size)),
                status => Err(Answer::sentence(status, error)),
            },
        }
    }

    /// The cosignature lines of a head that is on record. Signing is deterministic, so the same head gives the same lines.
    async fn cosign(&self, head: &Head) -> Result<String, TlogError> {
        let (signers, head) = (self.signers.clone(), head.clone());
        if signers.iter().all(|signer| signer.verifier().key_type() == KeyType::CosignatureV1) {
            return lines(&signers, &head);
        }
        // A post-quantum signature takes half a millisecond: too long for the threads that serve sockets.
        let signed = tokio::task::spawn_blocking(move || lines(&signers, &head)).await;
        signed.unwrap_or(Err(TlogError::Randomness))
    }

    fn keep_served(&self, origin: &str, head: Head, lines: &str) {
        let Ok(whole) = head.signed.with_lines(lines) else { return };
        let Ok(mut served) = self.served.lock() else { return };
        let newer = served.get(origin).is_none_or(|(known, _)| {
            let rank = |head: &Head| (head.recorded.size, head.recorded.time_unix_seconds);
            rank(known) <= rank(&head)
        });
        if newer {
            served.insert(origin.to_owned(), (head, Arc::new(whole.to_bytes())));
        }
    }

    /// `POST /sign-subtree`: a cosignature, without time, over a part of a tree that this witness has cosigned as a whole.
    pub async fn sign_subtree(&self, body: &[u8]) -> Answer {
        self.decide_subtree(body).await.unwrap_or_else(|refused| refused)
    }

    async fn decide_subtree(&self, body: &[u8]) -> Result<Answer, Answer> {
        let refuse = |error: TlogError| Answer::sentence(http_status(&error), &error);
        let signer = self.signers.iter().find(|signer| signer.verifier().key_type() == KeyType::MlDsa44);
        let Some(signer) = signer.cloned() else {
            return Err(Answer::sentence(404, "this witness has no ML-DSA-44 key, and only such keys sign subtrees"));
        };
        let request = SignSubtree::parse(body).map_err(refuse)?;
        let checkpoint = Checkpoint::parse(&request.text).map_err(refuse)?;
        if !self.logs.contains_key(&checkpoint.origin) {
            return Err(Answer::sentence(404, format_args!("the log {} is not configured here", checkpoint.origin)));
        }
        if request.start >= request.end || request.end > checkpoint.size {
            return Err(Answer::sentence(400, "the subtree is empty or ends beyond the checkpoint"));
        }
        if !self.has_cosigned(&request, &checkpoint)? {
            return Err(self.known_checkpoint(&checkpoint.origin).await);
        }
        let proof = &request.proof;
        verify_subtree_consistency(request.start, request.end, checkpoint.size, proof, &request.hash, &checkpoint.root)
            .map_err(refuse)?;
        let subtree = Subtree { origin: checkpoint.origin, start: request.start, end: request.end, hash: request.hash };
        let line = tokio::task::spawn_blocking(move || cosignature::sign_subtree(&signer, &subtree)).await;
        let line = line.unwrap_or(Err(TlogError::Randomness)).map_err(refuse)?;
        Ok(Answer::lines(format!("{line}\n")))
    }

    /// By its own line on the checkpoint, or by the record.
    fn has_cosigned(&self, request: &SignSubtree, checkpoint: &Checkpoint) -> Result<bool, Answer> {
        let signed = Note::new(&request.text, request.signatures.clone()).and_then(|note| note.verify(&self.keys));
        if signed.is_ok() {
            return Ok(true);
        }
        let note = self.reader.accepted(&checkpoint.origin, checkpoint.size);
        let note = note.map_err(|error| Answer::sentence(503, error))?;
        // The record's note has the log's own lines; the text is compared, so that extension lines cannot be slipped in.
        Ok(note.is_some_and(|note| Note::parse(&note).is_ok_and(|note| note.text() == request.text)))
    }

    async fn known_checkpoint(&self, origin: &str) -> Answer {
        match self.checkpoint(&hex::encode(origin_hash(origin))).await {
            Some(bytes) => {
                Answer { status: 409, content_type: TEXT, body: String::from_utf8_lossy(&bytes).into_owned() }
            }
            None => Answer::sentence(409, "nothing of this log was cosigned here"),
        }
    }

    /// `GET /<hex of SHA-256 of the origin>/checkpoint`: the last cosigned checkpoint with the log's lines and ours; `None` is 404.
    pub async fn checkpoint(&self, hash: &str) -> Option<Arc<Vec<u8>>> {
        let origin = self.by_hash.get(hash)?;
        let head = self.record.head(origin)?;
        let cached = self.served.lock().ok().and_then(|served| served.get(origin).cloned());
        if let Some((_, bytes)) = cached.filter(|(known, _)| known.recorded == head.recorded) {
            return Some(bytes);
        }
        let lines = self.cosign(&head).await.ok()?;
        let bytes = Arc::new(head.signed.with_lines(&lines).ok()?.to_bytes());
        self.keep_served(origin, head, &lines);
        Some(bytes)
    }
}

/// One line per key, each with its newline.
pub(crate) fn lines(signers: &[NoteSigner], head: &Head) -> Result<String, TlogError> {
    let mut lines = String::new();
    for signer in signers {
        let line = cosignature::sign(signer, head.recorded.time_unix_seconds, head.signed.note().text())?;
        lines += &line.to_string();
        lines.push('\n');
    }
    Ok(lines)
}

/// The first line of a note: a checkpoint's origin.
pub(crate) fn first_line(note: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(note.split(|byte| *byte == b'\n').next().unwrap_or_default())
}

/// A checkpoint with the log's verified signature, or the answer that refuses it.
pub(crate) fn read_checkpoint(note: &[u8], log: &WatchedLog) -> Result<SignedCheckpoint, Answer> {
    SignedCheckpoint::parse_for_keys(note, &log.origin, &log.keys).map_err(|error| {
        // A whole checkpoint under lines that are no signatures is unsigned, not malformed.
        let unsigned = matches!(error, TlogError::Note(_)) && has_checkpoint(note);
        Answer::sentence(if unsigned { 403 } else { http_status(&error) }, error)
    })
}

fn has_checkpoint(note: &[u8]) -> bool {
    let text = std::str::from_utf8(note).unwrap_or_default();
    text.split_once("\n\n").is_some_and(|(body, _)| Checkpoint::parse(&format!("{body}\n")).is_ok())
}
