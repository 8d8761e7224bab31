//! The mirror's rules: pending checkpoints, uploads, the commit. No sockets; the body reader and the HTTP client come from outside.

use super::body::{BodyReader, Ended};
use super::config::{MirroredLog, Settings};
use super::copy::Copy;
use super::error::MirrorError;
use crate::client::{Http, HttpLimits};
use crate::clock::Clock;
use crate::witness::alarm::AlarmBook;
use crate::witness::config::mark_keys;
use crate::witness::record::{RECORD_FILE, Record, RecordReader, Refusal, Submission, Unavailable};
use crate::witness::service::{first_line, read_checkpoint};
use crate::witness::{Answer, Settings as RecordSettings, WitnessError};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::cosignature;
use standstill_tlog::mirror::{AddEntries, MAX_PACKAGE_BYTES, MIRROR_INFO_TYPE, MirrorInfo, Package, PackageRange};
use standstill_tlog::note::{NoteSigner, VerifierKey};
use standstill_tlog::witness::{AddCheckpoint, http_status, origin_hash};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far below the next entry an upload may start: entries that are here already are checked again, and that is wasted work.
const MAX_REPEATED: u64 = 32 * 256;

/// Longest head of an upload: origin and ticket of 65,535 bytes each, and four numbers.
const MAX_HEAD_BYTES: usize = 2 * (2 + 65_535) + 16;

/// Pending size, next entry and mirror size of a log.
type Progress = (u64, u64, u64);

/// One figure of a log's progress.
type Column = fn(&Progress) -> u64;

/// One log at the mirror.
#[derive(Debug)]
pub(crate) struct Mirrored {
    pub(crate) log: MirroredLog,
    copy: Arc<Mutex<Copy>>,
}

/// A running mirror.
#[derive(Debug)]
pub struct MirrorService {
    signers: Vec<NoteSigner>,
    keys: Vec<VerifierKey>,
    logs: HashMap<String, Mirrored>,
    by_hash: HashMap<String, String>,
    pending: Record,
    reader: RecordReader,
    http: Http,
    clock: Arc<dyn Clock>,
    max_blob_bytes: u64,
}

impl MirrorService {
    /// Opens a mirror, or starts one in an empty directory. Unlike a witness's, its state can be checked from inside: a mirror
    /// checkpoint that the entries do not lead to is refused.
    ///
    /// # Errors
    /// [`MirrorError::Damaged`], [`MirrorError::Record`], and those of the file system.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, MirrorError> {
        let record = RecordSettings {
            directory: settings.directory.join("pending"),
            signers: Vec::new(),
            logs: settings.logs.iter().map(|log| log.log.clone()).collect(),
            retained_checkpoints_per_log: crate::witness::config::DEFAULT_RETAINED_CHECKPOINTS,
            alarm_issuer: None,
            key_files: Vec::new(),
        };
        record.check(&settings.directory)?;
        check_signers(settings)?;
        let path = record.directory.join(RECORD_FILE);
        let pending = if path.exists() {
            Record::open(&record, Arc::clone(&clock))?
        } else {
            mark_keys(&settings.key_files, "mirror", &settings.directory)?;
            Record::create(&record, Arc::clone(&clock))?
        };
        let keys: Vec<_> = settings.signers.iter().map(|signer| signer.verifier().clone()).collect();
        let mut logs = HashMap::new();
        for log in &settings.logs {
            let origin = &log.log.origin;
            let directory = settings.directory.join("logs").join(hex::encode(origin_hash(origin)));
            let copy = Copy::open(&directory, origin, &log.log.keys, &keys)?;
            logs.insert(origin.clone(), Mirrored { log: log.clone(), copy: Arc::new(Mutex::new(copy)) });
        }
        Ok(Arc::new(Self {
            by_hash: logs.keys().map(|origin| (hex::encode(origin_hash(origin)), origin.clone())).collect(),
            signers: settings.signers.clone(),
            keys,
            logs,
            pending,
            reader: RecordReader::open(&path)?,
            http: Http::new(HttpLimits { attempts: 2, ..HttpLimits::default() })?,
            clock,
            max_blob_bytes: settings.max_blob_bytes,
        }))
    }

    /// The mirror's public keys.
    #[must_use]
    pub fn verifiers(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// The alarms that its pending checkpoints raised.
    #[must_use]
    pub fn alarms(&self) -> &AlarmBook {
        self.pending.alarms()
    }

    /// Whether pending checkpoints are still taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pending.is_open()
    }

    /// Origins of all logs.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Pending size, next entry and mirror size of a log.
    #[must_use]
    pub fn progress(&self, origin: &str) -> Option<Progress> {
        let copy = self.copy(origin)?;
        Some((self.pending_size(origin), copy.next_entry(), copy.head_size()))
    }

    pub(crate) fn mirrored(&self, origin: &str) -> Option<&Mirrored> {
        self.logs.get(origin)
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn pending(&self) -> &Record {
        &self.pending
    }

    pub(crate) fn copy(&self, origin: &str) -> Option<MutexGuard<'_, Copy>> {
        // A panic while a copy is held leaves it with what is on disk, which is checked before every commit.
        Some(self.logs.get(origin)?.copy.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pending_size(&self, origin: &str) -> u64 {
        self.pending.head(origin).map_or(0, |head| head.recorded.size)
    }

    /// Path of a file to serve: `<sha256hex(origin)>/<path>`.
    #[must_use]
    pub fn served(&self, hash: &str, path: &str) -> Option<PathBuf> {
        self.copy(self.by_hash.get(hash)?)?.served(path)
    }

    /// `POST /add-checkpoint`: as a witness decides, but nothing is signed and the body of the answer is empty.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let refuse = |error: TlogError| Answer::sentence(http_status(&error), &error);
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return refuse(error),
        };
        let origin = first_line(&request.checkpoint);
        let Some(mirrored) = self.logs.get(&*origin) else {
            return Answer::sentence(404, format_args!("the log {origin} is not configured here"));
        };
        let mut signed = match read_checkpoint(&request.checkpoint, &mirrored.log.log) {
            Ok(signed) => signed,
            Err(answer) => return answer,
        };
        signed.retain_log_lines();
        let old_size = request.old_size;
        let submission = Submission { old_size, proof: request.proof, signed, own: Vec::new() };
        match self.pending.submit(submission).await {
            Ok(Ok(_)) => Answer { status: 200, content_type: "text/plain; charset=utf-8", body: String::new() },
            Ok(Err(Refusal { error, known_size })) => match http_status(&error) {
                409 if old_size != known_size => Answer::size(known_size),
                status => Answer::sentence(status, error),
            },
            Err(Unavailable::Busy) => Answer::sentence(503, "too many requests wait; come back in a second"),
            Err(Unavailable::Closed) => Answer::sentence(503, "the record is closed; ask the operator"),
        }
    }

    /// `POST /add-entries`.
    pub async fn add_entries(&self, mut body: BodyReader) -> Answer {
        let done = self.receive(&mut body).await;
        if done.is_err() {
            body.discard().await;
        }
        done.unwrap_or_else(|refused| refused)
    }

    async fn receive(&self, body: &mut BodyReader) -> Result<Answer, Answer> {
        let head = read_head(body).await?;
        let Some(mirrored) = self.logs.get(&head.origin) else {
            return Err(Answer::sentence(404, format_args!("the log {} is not configured here", head.origin)));
        };
        let target = self.target(mirrored, &head)?;
        let mut saved = 0_usize;
        for range in head.packages() {
            match self.package(body, mirrored, &range, &target).await {
                Ok(()) => saved += 1,
                Err(PackageFault::Cut) if saved > 0 => return Err(self.info(&head.origin, 202, Some(head.end))),
                Err(PackageFault::Cut) => {
                    return Err(Answer::sentence(400, "the body ends before the first package does"));
                }
                Err(PackageFault::Refused(answer)) => return Err(answer),
            }
        }
        match self.commit(&head.origin, &target).await {
            Ok(Some(lines)) => Ok(Answer { status: 200, content_type: "text/plain; charset=utf-8", body: lines }),
            Ok(None) => Err(self.info(&head.origin, 409, None)),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    /// The pending checkpoint of the upload's end; 409 when there is none, or the start does not fit.
    fn target(&self, mirrored: &Mirrored, head: &AddEntries) -> Result<SignedCheckpoint, Answer> {
        let origin = &head.origin;
        let note = self.reader.accepted(origin, head.end).map_err(|error| self.trouble(&error.into()))?;
        let (next, mirror_size) = self.copy(origin).map_or((0, 0), |copy| (copy.next_entry(), copy.head_size()));
        let Some(note) = note.filter(|_| head.end >= mirror_size) else { return Err(self.info(origin, 409, None)) };
        if head.start > next || head.start.saturating_add(MAX_REPEATED) < next.min(head.end) {
            return Err(self.info(origin, 409, Some(head.end)));
        }
        let keys = &mirrored.log.log.keys;
        SignedCheckpoint::parse_for_keys(&note, origin, keys).map_err(|error| self.trouble(&error.into()))
    }

    /// Reads, proves and saves one package.
    async fn package(
        &self,
        body: &mut BodyReader,
        mirrored: &Mirrored,
        range: &PackageRange,
        target: &SignedCheckpoint,
    ) -> Result<(), PackageFault> {
        let count = usize::try_from(range.entries.end - range.entries.start).unwrap_or(usize::MAX);
        let package = loop {
            match Package::parse(body.bytes(), count) {
                Ok(Some((package, length))) => {
                    body.take(length);
                    break package;
                }
                Ok(None) if body.bytes().len() > MAX_PACKAGE_BYTES => return Err(PackageFault::Cut),
                Ok(None) => body.more().await.map_err(|_| PackageFault::Cut)?,
                Err(error) => return Err(PackageFault::Refused(Answer::sentence(422, error))),
            }
        };
        let (copy, range, checkpoint) = (Arc::clone(&mirrored.copy), range.clone(), target.checkpoint().clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut copy = copy.lock().unwrap_or_else(PoisonError::into_inner);
            let before = copy.leaves(range.base..range.entries.start);
            let before = before.ok_or(TlogError::Request("the entries leave a gap behind those that are here"))?;
            package.verify(&range, &before, checkpoint.size, &checkpoint.root)?;
            copy.save(&range, &package.entries)
        });
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(MirrorError::Tlog(error @ TlogError::Proof(_)))) => {
                Err(PackageFault::Refused(Answer::sentence(422, error)))
            }
            Ok(Err(error)) => Err(PackageFault::Refused(self.trouble(&error))),
            Err(_) => Err(PackageFault::Refused(Answer::sentence(500, "the package could not be saved"))),
        }
    }

    /// mirror-info with this status; the first line is `end` when that is a pending size, else the current one.
    fn info(&self, origin: &str, status: u16, end: Option<u64>) -> Answer {
        let next_entry = self.copy(origin).map_or(0, |copy| copy.next_entry());
        let pending_size = end.unwrap_or_else(|| self.pending_size(origin));
        // Every pending checkpoint stays in the record, so a client needs no ticket to come back to one.
        let body = MirrorInfo { pending_size, next_entry, ticket: Vec::new() }.to_string();
        Answer { status, content_type: MIRROR_INFO_TYPE, body }
    }

    fn trouble(&self, error: &MirrorError) -> Answer {
        tracing::warn!(%error, "an upload was not committed");
        Answer::sentence(503, error)
    }

    /// Fetches the blobs that a size waits for, then makes it the mirror checkpoint and signs. `None` when a larger one is there already.
    ///
    /// # Errors
    /// [`MirrorError::MissingBlob`] and what else keeps it from being true.
    pub(crate) async fn commit(&self, origin: &str, target: &SignedCheckpoint) -> Result<Option<String>, MirrorError> {
        self.fetch_blobs(origin, target.checkpoint().size).await?;
        let mirrored = self.logs.get(origin).ok_or_else(|| MirrorError::NoSource(origin.to_owned()))?;
        // A cosignature's time says until when this was the largest tree seen. Once a larger checkpoint was taken as pending, that
        // moment has passed and does not move any more.
        let outgrown = self.reader.outgrown_at(origin, target.checkpoint().size)?;
        let now = self.clock.unix_seconds();
        let time = outgrown.map_or(now, |time| time.min(now));
        let (copy, target, signers) = (Arc::clone(&mirrored.copy), target.clone(), self.signers.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut copy = copy.lock().unwrap_or_else(PoisonError::into_inner);
            copy.commit(&target, time, |signed| {
                let mut lines = String::new();
                for signer in &signers {
                    lines += &format!("{}\n", cosignature::sign(signer, time, signed.note().text())?);
                }
                Ok(lines)
            })
        });
        done.await.map_err(|error| MirrorError::System { action: "commit", source: std::io::Error::other(error) })?
    }

    async fn fetch_blobs(&self, origin: &str, size: u64) -> Result<(), MirrorError> {
        let missing = self.copy(origin).map(|copy| copy.missing_below(size)).unwrap_or_default();
        let url = self.logs.get(origin).and_then(|mirrored| mirrored.log.url.clone());
        for (index, blob) in missing {
            let sha256 = hex::encode(blob.sha256.0);
            let fault = |what: String| MirrorError::MissingBlob {
                origin: origin.to_owned(),
                index,
                sha256: sha256.clone(),
                what,
                size,
            };
            let url = url.as_ref().ok_or_else(|| fault("cannot be fetched: the log has no url here".to_owned()))?;
            if blob.length_bytes > self.max_blob_bytes {
                return Err(fault(format!("has {} bytes, more than max_blob_bytes", blob.length_bytes)));
            }
            let bytes = self.http.get(&format!("{url}/blob/{sha256}"), blob.length_bytes).await;
            let bytes = bytes.map_err(|error| fault(format!("could not be fetched: {error}")))?;
            let bytes = bytes.ok_or_else(|| fault("the log does not serve".to_owned()))?;
            if !blob.matches(&bytes) {
                return Err(fault("the log serves with other bytes".to_owned()));
            }
            if let Some(mut copy) = self.copy(origin) {
                copy.put_blob(&blob, &bytes)?;
            }
        }
        Ok(())
    }

    /// Numbers for `/metrics`, as Prometheus text.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let rows: BTreeMap<&str, Progress> =
            self.origins().filter_map(|origin| Some((origin, self.progress(origin)?))).collect();
        let mut out = String::new();
        let families: [(&str, &str, Column); 3] = [
            ("pending_size", "Size of the pending checkpoint.", |row| row.0),
            ("next_entry", "First entry that is not held.", |row| row.1),
            ("size", "Size of the mirror checkpoint.", |row| row.2),
        ];
        for (name, help, value) in families {
            out += &format!("# HELP standstill_mirror_{name} {help}\n# TYPE standstill_mirror_{name} gauge\n");
            for (origin, row) in &rows {
                let label = origin.replace('\\', "\\\\").replace('"', "\\\"");
                out += &format!("standstill_mirror_{name}{{origin=\"{label}\"}} {}\n", value(row));
            }
        }
        let alarms = self.alarms().list().len();
        out + &format!(
            "# HELP standstill_mirror_alarms Contradictions on record.\n# TYPE standstill_mirror_alarms gauge\nstandstill_mirror_alarms {alarms}\n"
        )
    }
}

enum PackageFault {
    /// The body ended inside the package.
    Cut,
    Refused(Answer),
}

async fn read_head(body: &mut BodyReader) -> Result<AddEntries, Answer> {
    loop {
        match AddEntries::parse(body.bytes()) {
            Ok(Some((head, length))) => {
                body.take(length);
                return Ok(head);
            }
            Ok(None) if body.bytes().len() > MAX_HEAD_BYTES => {
                return Err(Answer::sentence(400, "the head of the upload is too long"));
            }
            Ok(None) => body.more().await.map_err(|ended| match ended {
                Ended::Whole => Answer::sentence(400, "the body ends inside its head"),
                Ended::Broken => Answer::sentence(400, "the body is cut off, or its compression is damaged"),
            })?,
            Err(error) => return Err(Answer::sentence(400, error)),
        }
    }
}

fn check_signers(settings: &Settings) -> Result<(), MirrorError> {
    let refused = |what: String| WitnessError::Config { path: settings.directory.clone(), what };
    for signer in &settings.signers {
        let key = signer.verifier();
        if !key.key_type().may_cosign() {
            return Err(refused(format!(
                "key {} is {}; a mirror needs type 0x04 or 0x06",
                key.name(),
                key.key_type().purpose()
            ))
            .into());
        }
    }
    if settings.signers.is_empty() {
        return Err(refused("no key; a mirror without one cannot say what it holds".to_owned()).into());
    }
    Ok(())
}
