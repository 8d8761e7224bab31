//! What a witness remembers, and the only place where it decides.
//!
//! One thread owns one SQLite file. It takes all requests that wait, decides on each against the record, writes what was decided, and
//! commits once: checking and persisting are one transaction, and one fsync serves the whole group. Only after the commit is anyone
//! told, and only then is a cosignature made. A commit that fails leaves the disk in an unknown state, so the record then refuses
//! everything until it is opened again.

mod reader;
mod store;

pub use reader::RecordReader;

use super::alarm::{Alarm, AlarmBook};
use super::config::{AlarmIssuer, Settings, mark_keys};
use super::error::WitnessError;
use crate::clock::Clock;
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{ForkEvidence, SignedCheckpoint};
use standstill_tlog::durable::{self, DirectoryLock};
use standstill_tlog::merkle::Hash;
use standstill_tlog::witness::rules::{Recorded, decide};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use store::Store;
use tokio::sync::oneshot;

/// Requests that may wait; more are told to come back.
const QUEUE: usize = 1024;

/// Most requests that one commit serves.
const GROUP: usize = 256;

/// Checkpoints that the log signed but that were refused, kept per log: they may be the other half of a contradiction.
const KEPT_REFUSED: u64 = 1_000;

/// Alarms kept per log. One is enough to convict; a log that forks at will must not fill the disk.
const ALARMS_PER_LOG: usize = 100;

/// File of the record inside the directory.
pub const RECORD_FILE: &str = "witness.sqlite";

/// A log's state, as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size, root and time of the last cosignature.
    pub recorded: Recorded,
    /// The checkpoint with the log's own signature lines.
    pub signed: Arc<SignedCheckpoint>,
}

/// A checkpoint to decide on. The log's signature has been verified, and lines of others dropped.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Size that the proof starts from.
    pub old_size: u64,
    /// Consistency proof.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub signed: SignedCheckpoint,
    /// Sizes and times of this witness's own cosignatures that the submitted note carried, verified.
    pub own: Vec<u64>,
}

/// Why a submission was not accepted.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong.
    pub error: TlogError,
    /// The size on record; the client continues from there.
    pub known_size: u64,
}

/// What a submission comes to.
pub type Outcome = Result<Head, Refusal>;

struct Job {
    submission: Submission,
    answer: oneshot::Sender<Option<Outcome>>,
}

/// Counters of the record, for `/metrics`.
#[derive(Debug, Default)]
pub struct RecordCounters {
    /// Commits.
    pub groups: AtomicU64,
    /// Requests decided on.
    pub decided: AtomicU64,
    /// Commits that failed (at most one before the record refuses).
    pub failed: AtomicU64,
}

/// The record: heads to read, and the thread that writes.
#[derive(Debug)]
pub struct Record {
    sender: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    heads: Arc<RwLock<HashMap<String, Head>>>,
    alarms: Arc<AlarmBook>,
    counters: Arc<RecordCounters>,
    _lock: DirectoryLock,
}

/// Why a submission was not even decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// Too many requests wait.
    Busy,
    /// The record failed or the witness is stopping.
    Closed,
}

impl Record {
    /// Starts a record in a directory that has none.
    ///
    /// # Errors
    /// [`WitnessError::RecordExists`], and those of the file system and the database.
    pub fn create(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let path = settings.directory.join(RECORD_FILE);
        if path.exists() {
            return Err(WitnessError::RecordExists { path });
        }
        durable::create_directory(&settings.directory)?;
        let lock = durable::lock(&settings.directory.join("lock"))?;
        mark_keys(&settings.key_files, "witness", &settings.directory)?;
        let store = Store::create(&path, &key_texts(settings))?;
        durable::sync_parent(&path)?;
        Self::start(store, settings, clock, lock)
    }

    /// Opens a record again, under the keys that it was made for.
    ///
    /// # Errors
    /// [`WitnessError::NoRecord`], [`WitnessError::OtherKeys`], [`WitnessError::RolledBack`] when it stopped for good,
    /// [`TlogError::Locked`] when another process has it.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let path = settings.directory.join(RECORD_FILE);
        if !path.exists() {
            return Err(WitnessError::NoRecord { path });
        }
        let lock = durable::lock(&settings.directory.join("lock"))?;
        let store = Store::open(&path, &key_texts(settings))?;
        Self::start(store, settings, clock, lock)
    }

    fn start(
        mut store: Store,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        lock: DirectoryLock,
    ) -> Result<Self, WitnessError> {
        let mut heads = HashMap::new();
        for log in &settings.logs {
            if let Some(head) = store.head(log)? {
                heads.insert(log.origin.clone(), head);
            }
        }
        let heads = Arc::new(RwLock::new(heads));
        let alarms = Arc::new(AlarmBook::new(&settings.directory, store.alarms()?)?);
        let counters = Arc::new(RecordCounters::default());
        let (sender, receiver) = sync_channel(QUEUE);
        let mut writer = Writer {
            store,
            clock,
            heads: Arc::clone(&heads),
            alarms: Arc::clone(&alarms),
            counters: Arc::clone(&counters),
            retained: settings.retained_checkpoints_per_log,
            issuer: settings.alarm_issuer.clone(),
            rolled_back: false,
        };
        let thread = std::thread::Builder::new()
            .name("witness-record".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|source| WitnessError::System { action: "start the thread of the record", source })?;
        Ok(Self { sender: Some(sender), thread: Some(thread), heads, alarms, counters, _lock: lock })
    }

    /// Hands a submission in and waits for its outcome, which is on disk then.
    ///
    /// # Errors
    /// [`Unavailable`] when it was not decided on.
    pub async fn submit(&self, submission: Submission) -> Result<Outcome, Unavailable> {
        let (answer, outcome) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or(Unavailable::Closed)?;
        sender.try_send(Job { submission, answer }).map_err(|error| match error {
            TrySendError::Full(_) => Unavailable::Busy,
            TrySendError::Disconnected(_) => Unavailable::Closed,
        })?;
        outcome.await.ok().flatten().ok_or(Unavailable::Closed)
    }

    /// Whether the thread that decides still runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// The state of one log, if anything was cosigned.
    #[must_use]
    pub fn head(&self, origin: &str) -> Option<Head> {
        self.heads.read().ok()?.get(origin).cloned()
    }

    /// All heads, by origin.
    #[must_use]
    pub fn heads(&self) -> BTreeMap<String, Head> {
        self.heads.read().map(|heads| heads.iter().map(|(o, h)| (o.clone(), h.clone())).collect()).unwrap_or_default()
    }

    /// The alarms.
    #[must_use]
    pub fn alarms(&self) -> &AlarmBook {
        &self.alarms
    }

    /// Counters.
    #[must_use]
    pub fn counters(&self) -> &RecordCounters {
        &self.counters
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // The thread ends when no sender is left, after the group at hand.
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn key_texts(settings: &Settings) -> Vec<String> {
    settings.signers.iter().map(|signer| signer.verifier().to_string()).collect()
}

/// The thread's side.
struct Writer {
    store: Store,
    clock: Arc<dyn Clock>,
    heads: Arc<RwLock<HashMap<String, Head>>>,
    alarms: Arc<AlarmBook>,
    counters: Arc<RecordCounters>,
    retained: u64,
    issuer: Option<AlarmIssuer>,
    rolled_back: bool,
}

/// What a group changes; nothing of it is visible before the commit.
#[derive(Default)]
struct Changes {
    heads: HashMap<String, Head>,
    alarms: Vec<Alarm>,
}

impl Writer {
    fn run(&mut self, receiver: &Receiver<Job>) {
        while let Ok(first) = receiver.recv() {
            let group: Vec<Job> = std::iter::once(first).chain(receiver.try_iter().take(GROUP - 1)).collect();
            match self.process(&group) {
                Ok(outcomes) => {
                    for (job, outcome) in group.into_iter().zip(outcomes) {
                        // A client that went away is no reason to stop.
                        let _ = job.answer.send(Some(outcome));
                    }
                }
                Err(error) => {
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, "the record failed; nothing is signed until it is opened again");
                    return;
                }
            }
            if self.rolled_back {
                tracing::error!(
                    "a cosignature of this witness is missing from its record; nothing is signed any more under this key"
                );
                return;
            }
        }
    }

    fn process(&mut self, group: &[Job]) -> Result<Vec<Outcome>, WitnessError> {
        let mut changes = Changes::default();
        let mut outcomes = Vec::with_capacity(group.len());
        self.store.begin()?;
        for job in group {
            outcomes.push(self.one(&job.submission, &mut changes)?);
        }
        self.store.commit()?;
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        self.counters.decided.fetch_add(group.len() as u64, Ordering::Relaxed);
        if let Ok(mut heads) = self.heads.write() {
            heads.extend(changes.heads);
        }
        for alarm in changes.alarms {
            self.alarms.add(alarm);
        }
        Ok(outcomes)
    }

    /// Decides on one submission inside the open transaction.
    fn one(&mut self, submission: &Submission, changes: &mut Changes) -> Result<Outcome, WitnessError> {
        let next = submission.signed.checkpoint();
        let known = changes.heads.get(&next.origin).cloned().or_else(|| self.current(&next.origin));
        let recorded = known.as_ref().map(|head| head.recorded);
        let known_size = recorded.map_or(0, |recorded| recorded.size);
        let refuse = |error| Ok(Err(Refusal { error, known_size }));
        if let Some(error) = self.check_own(submission, recorded.as_ref())? {
            return refuse(error);
        }
        if submission.old_size > next.size {
            return refuse(TlogError::Request("the old size is larger than the checkpoint"));
        }
        // Against what was only refused, the alarm is enough: the history that was cosigned first goes on.
        for known in self.store.of_size(&submission.signed)? {
            let Some(evidence) = ForkEvidence::new(known.signed, submission.signed.clone()) else { continue };
            self.alarm(&evidence, changes)?;
            if known.cosigned {
                return refuse(TlogError::Fork(Box::new(evidence)));
            }
        }
        let now = self.clock.unix_seconds();
        match decide(recorded.as_ref(), submission.old_size, &submission.proof, next, now) {
            Ok(_) if now == 0 => refuse(TlogError::Cosignature("its time is zero or beyond 2^63-1")),
            Ok(recorded) => {
                let head = Head { recorded, signed: Arc::new(submission.signed.clone()) };
                self.store.accept(&head, self.retained)?;
                changes.heads.insert(next.origin.clone(), head.clone());
                Ok(Ok(head))
            }
            Err(error) => {
                if matches!(error, TlogError::Proof(_)) {
                    self.store.keep_refused(&submission.signed, now, KEPT_REFUSED)?;
                }
                refuse(error)
            }
        }
    }

    fn current(&self, origin: &str) -> Option<Head> {
        self.heads.read().ok()?.get(origin).cloned()
    }

    /// A cosignature of ours that the record does not know means that the record was lost and replaced by an older one.
    fn check_own(
        &mut self,
        submission: &Submission,
        known: Option<&Recorded>,
    ) -> Result<Option<TlogError>, WitnessError> {
        let next = submission.signed.checkpoint();
        let newest = submission.own.iter().copied().max().unwrap_or(0);
        let (size, time) = known.map_or((0, 0), |known| (known.size, known.time_unix_seconds));
        if newest == 0 || (next.size <= size && newest <= time) {
            return Ok(None);
        }
        let what = format!("{} at size {}, time {newest}", next.origin, next.size);
        self.store.mark_rolled_back(&what)?;
        self.rolled_back = true;
        Ok(Some(TlogError::OwnCosignatureAhead { origin: next.origin.clone(), size: next.size, time: newest }))
    }

    fn alarm(&mut self, evidence: &ForkEvidence, changes: &mut Changes) -> Result<(), WitnessError> {
        let pending = changes.alarms.iter().filter(|alarm| alarm.origin == evidence.origin()).count();
        let known = self.alarms.count_of(evidence.origin()) + pending;
        let repeated = self.alarms.knows(evidence) || changes.alarms.iter().any(|alarm| alarm.is_about(evidence));
        if repeated || known >= ALARMS_PER_LOG {
            return Ok(());
        }
        let mut alarm = Alarm::new(evidence, self.clock.unix_seconds());
        if let Some(issuer) = &self.issuer {
            alarm.statement = Some(self.store.state_alarm(issuer, &alarm)?);
        }
        self.store.keep_alarm(&alarm)?;
        tracing::error!(
            origin = evidence.origin(),
            size = alarm.size,
            "the log shows two histories; the evidence is kept"
        );
        changes.alarms.push(alarm);
        Ok(())
    }
}

/// Where the record of a directory is.
#[must_use]
pub fn record_path(directory: &Path) -> PathBuf {
    directory.join(RECORD_FILE)
}
