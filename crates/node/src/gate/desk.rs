//! One thread that decides, signs and records, in batches: whoever asks while a batch is being written to the disk shares the next write.
//!
//! Nobody gets an answer that rests on a decision before that decision is on the disk.

use super::metrics::Metrics;
use crate::clock::Clock;
use crate::error::NodeError;
use standstill_gate::journal::{Journal, Owner, Pending, Recorded, decision_id, recount};
use standstill_gate::{Decision, Gate, GateError, Held, Job, Situation, Terms};
use standstill_statement::{Coverage, GatePoint, GateVerdict, Hash32, Name, SigningKey};
use standstill_tlog::durable::{read_limited, write_atomic};
use standstill_tlog::note::NoteSigner;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;
use tokio::sync::oneshot;

/// Questions that wait at most; further ones are refused at once.
const QUEUE: usize = 4096;
/// Most decisions in one write.
const BATCH: usize = 256;

/// What is asked about a job.
#[derive(Clone, Debug)]
pub struct Question {
    /// The job.
    pub job: Job,
    /// Decision id that the scheduler has noted for it.
    pub noted: Option<String>,
    /// Ids by which later questions may refer to it (a Slurm job id, the id of a Kubernetes object).
    pub own: Option<String>,
    /// Ids of what it belongs to.
    pub owners: Vec<String>,
    /// One of the cluster's own controllers asks, so that what the job does not say is as its owner says. Whoever else names an owner is not
    /// believed.
    pub inherits: bool,
    /// Decide, but record nothing.
    pub dry: bool,
}

impl Question {
    /// A question about a job that nothing is known of.
    #[must_use]
    pub const fn new(job: Job) -> Self {
        Self { job, noted: None, own: None, owners: Vec::new(), inherits: false, dry: false }
    }
}

/// What a scheduler is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The decision; `None` when the job needs none.
    pub decision: Option<Decision>,
    /// Its short id; empty when it was not recorded.
    pub id: String,
}

enum Message {
    Ask(Box<Question>, oneshot::Sender<Told>),
    Learn(Box<Held>, oneshot::Sender<Result<(), String>>),
    Publish(oneshot::Sender<Result<u64, String>>),
    End,
}

/// The way to the desk. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct Desk {
    sender: SyncSender<Message>,
    metrics: Arc<Metrics>,
}

/// Everything that a desk is opened with.
pub struct Opening {
    /// Terms.
    pub terms: Terms,
    /// Folder of the journal.
    pub home: PathBuf,
    /// Owner of the journal.
    pub owner: Owner,
    /// Statement key.
    pub key: SigningKey,
    /// Log key.
    pub signer: NoteSigner,
}

impl Desk {
    /// Opens the journal, counts what it holds, takes up the last known situation, and starts the thread.
    ///
    /// # Errors
    /// [`NodeError::Gate`] when the journal or the terms are refused.
    pub fn open(
        opening: Opening,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, std::thread::JoinHandle<()>), NodeError> {
        let mut gate = Gate::new(opening.terms)?;
        let (journal, recorded) = Journal::open(&opening.home, opening.owner, opening.key, &opening.signer)?;
        let kept = opening.home.join("situation.json");
        let learned = last_known(&kept)?.map(|held| gate.learn(held));
        if let Some(Err(error)) = learned {
            tracing::warn!(%error, "the situation of the last run does not fit and is not gone by");
        }
        recount(&mut gate, &recorded);
        if let Some(held) = gate.held().cloned() {
            // What the situation counts must not be counted twice.
            let _ = gate.learn(held);
        }
        metrics.opened(journal.size(), gate.held());
        let mut known = Known::default();
        recorded.iter().for_each(|item| known.add_recorded(item));
        let (sender, receiver) = sync_channel(QUEUE);
        let worker = Worker { gate, journal, known, clock, latest: 0, kept, metrics: Arc::clone(&metrics) };
        let thread = std::thread::Builder::new().name("gate-desk".to_owned()).spawn(move || worker.run(&receiver));
        let thread = thread.map_err(NodeError::io("start", "the gate's thread"))?;
        Ok((Self { sender, metrics }, thread))
    }

    /// Asks about a job. `None` when the desk is overrun or gone: the caller then refuses what is covered.
    pub async fn ask(&self, question: Question) -> Option<Told> {
        let (tell, told) = oneshot::channel();
        match self.sender.try_send(Message::Ask(Box::new(question), tell)) {
            Ok(()) => told.await.ok(),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.metrics.overrun();
                None
            }
        }
    }

    /// Hands in a newer situation.
    ///
    /// # Errors
    /// Why it is not gone by.
    pub async fn learn(&self, held: Held) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        let sent = self.sender.try_send(Message::Learn(Box::new(held), tell));
        sent.map_err(|_| "the gate is overrun".to_owned())?;
        told.await.map_err(|_| "the gate has ended".to_owned())?
    }

    /// Signs a checkpoint over the journal; gives its size.
    ///
    /// # Errors
    /// What the log under the journal says.
    pub async fn publish(&self) -> Result<u64, String> {
        let (tell, told) = oneshot::channel();
        self.sender.try_send(Message::Publish(tell)).map_err(|_| "the gate is overrun".to_owned())?;
        told.await.map_err(|_| "the gate has ended".to_owned())?
    }

    /// Ends the thread after what is at hand.
    pub fn end(&self) {
        let _ = self.sender.send(Message::End);
    }
}

/// The situation that an earlier run of this gate went by, so that starting it anew neither forgets a pause nor takes an older one.
fn last_known(path: &Path) -> Result<Option<Held>, NodeError> {
    let Some(bytes) = read_limited(path, "situation bytes", standstill_gate::situation::MAX_SITUATION_BYTES as u64)?
    else {
        return Ok(None);
    };
    match Situation::from_json(&bytes).and_then(Held::new) {
        Ok(held) => Ok(Some(held)),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the last known situation cannot be read; covered work waits for a new one");
            Ok(None)
        }
    }
}

/// A decision that later questions can refer to.
#[derive(Clone, Debug)]
struct Entry {
    statement: Hash32,
    job: Job,
    allowed: bool,
    expires_unix_seconds: u64,
}

/// Decisions by their short id and by the scheduler's own ids.
#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, Entry>,
    /// Decision id by the scheduler's id.
    by_own: HashMap<String, String>,
    /// The last refusal at the start of a job, so that a job which is tried again and again is refused by one statement.
    refused: BTreeMap<String, (Vec<Name>, Told)>,
}

impl Known {
    fn add_recorded(&mut self, item: &Recorded) {
        let Some(job) = &item.job else { return };
        let id = decision_id(&item.statement);
        if job.point == GatePoint::Start && !job.reference.is_empty() {
            self.by_own.insert(job.reference.clone(), id.clone());
        }
        let entry = Entry {
            statement: item.statement,
            job: job.clone(),
            allowed: item.decision.verdict == GateVerdict::Allow,
            expires_unix_seconds: item.decision.expires_unix_seconds,
        };
        self.by_id.insert(id, entry);
    }

    /// Forgets decisions that no job can start under any more. Jobs that run keep theirs by their own id.
    fn forget(&mut self, now_unix_seconds: u64) {
        let running: std::collections::HashSet<&String> = self.by_own.values().collect();
        let kept = |id: &String, entry: &Entry| entry.expires_unix_seconds >= now_unix_seconds || running.contains(id);
        let gone: Vec<String> =
            self.by_id.iter().filter(|(id, entry)| !kept(id, entry)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.by_id.remove(&id);
        }
    }

    fn earlier(&self, question: &Question) -> Option<&Entry> {
        let noted = question.noted.as_ref().and_then(|id| self.by_id.get(id));
        let own = || question.own.iter().chain(&question.owners).find_map(|own| self.by_id.get(self.by_own.get(own)?));
        noted.or_else(own)
    }
}

struct Worker {
    gate: Gate,
    journal: Journal,
    known: Known,
    clock: Arc<dyn Clock>,
    /// Latest time that was seen: a clock that is set back must not make an old situation young.
    latest: u64,
    kept: PathBuf,
    metrics: Arc<Metrics>,
}

impl Worker {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut rounds = 0_u64;
        while let Ok(first) = receiver.recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH {
                match receiver.try_recv() {
                    Ok(message) => batch.push(message),
                    Err(_) => break,
                }
            }
            let mut waiting = Vec::new();
            let mut end = false;
            for message in batch {
                match message {
                    Message::Ask(question, tell) => {
                        let started = Instant::now();
                        waiting.push((self.answer(*question), tell, started));
                    }
                    Message::Learn(held, tell) => drop(tell.send(self.learn(*held))),
                    Message::Publish(tell) => {
                        let done = self.journal.commit().and_then(|()| self.journal.publish());
                        drop(tell.send(done.map(|()| self.journal.size()).map_err(|error| error.to_string())));
                    }
                    Message::End => end = true,
                }
            }
            self.finish(waiting);
            rounds += 1;
            if rounds.is_multiple_of(4096) {
                self.known.forget(self.latest);
            }
            if end {
                let _ = self.journal.publish();
                return;
            }
        }
    }

    /// Writes the batch, then tells. When the disk fails, nothing that rests on it is told.
    fn finish(&mut self, waiting: Vec<(Told, oneshot::Sender<Told>, Instant)>) {
        let committed = self.journal.commit();
        if let Err(error) = &committed {
            tracing::error!(%error, "decisions cannot be recorded; covered work is refused until the gate is started anew");
            self.metrics.journal_failed();
        }
        self.metrics.size(self.journal.size());
        for (mut told, tell, started) in waiting {
            if committed.is_err() && !told.id.is_empty() {
                told = unrecorded(told);
            }
            self.metrics.told(&told, started.elapsed());
            let _ = tell.send(told);
        }
    }

    fn now(&mut self) -> u64 {
        self.latest = self.latest.max(self.clock.unix_seconds());
        self.latest
    }

    fn learn(&mut self, held: Held) -> Result<(), String> {
        if self.gate.held() == Some(&held) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(held.situation()).map_err(|error| error.to_string())?;
        self.gate.learn(held).map_err(|error| error.to_string())?;
        self.metrics.learned(self.gate.held());
        // Kept after it is gone by: if this fails, the gate knows it until it ends, and says so.
        write_atomic(&self.kept, &bytes)
            .map_err(|error| format!("the situation is gone by but cannot be kept: {error}"))
    }

    fn answer(&mut self, mut question: Question) -> Told {
        let now = self.now();
        let earlier = self.known.earlier(&question).cloned();
        if question.job.point == GatePoint::Modify && question.own.is_some() {
            match &earlier {
                // A change of a job that has not started: its start is decided on with what it is then.
                None => return Told { decision: None, id: String::new() },
                Some(earlier) => question.job = changed(&earlier.job, &question.job),
            }
        }
        if let Some(owner) = earlier.as_ref().filter(|earlier| question.inherits && earlier.allowed) {
            inherit(&mut question.job, &owner.job);
        }
        let decision = match &earlier {
            Some(earlier) => self.gate.decide_again(&question.job, now, &earlier.statement),
            None => self.gate.decide(&question.job, now),
        };
        // Without accelerators there is nothing to account for.
        let bare = decision.coverage == Coverage::Uncovered && question.job.accelerators == Some(0);
        if question.dry || bare {
            return Told { decision: (!bare).then_some(decision), id: String::new() };
        }
        if let Some(told) = self.refused_before(&question, &decision) {
            return told;
        }
        let noted = question.noted.clone();
        self.record(question, decision, earlier, noted)
    }

    /// A job that is tried at its start again and again is refused by one statement, as long as the reasons are the same.
    fn refused_before(&self, question: &Question, decision: &Decision) -> Option<Told> {
        let (clauses, told) = self.known.refused.get(question.own.as_ref()?)?;
        (!decision.allows() && question.job.point == GatePoint::Start && *clauses == decision.clauses)
            .then(|| told.clone())
    }

    fn record(
        &mut self,
        question: Question,
        decision: Decision,
        earlier: Option<Entry>,
        noted: Option<String>,
    ) -> Told {
        let mut nonce = [0; 16];
        if let Err(error) = getrandom::fill(&mut nonce) {
            tracing::error!(%error, "no random bytes");
            return unrecorded(Told { decision: Some(decision), id: String::new() });
        }
        let earlier_hash = earlier.as_ref().filter(|earlier| earlier.allowed).map(|earlier| earlier.statement);
        let pending = Pending { job: question.job, decision, nonce, earlier: earlier_hash };
        let statement = match self.journal.sign(&self.gate, &pending) {
            Ok(statement) => statement,
            Err(error) => {
                if !matches!(error, GateError::Journal { .. }) {
                    tracing::error!(%error, "a decision cannot be signed");
                }
                return unrecorded(Told { decision: Some(pending.decision), id: String::new() });
            }
        };
        let Pending { job, decision, .. } = pending;
        let id = decision_id(&statement);
        // An allowed change of a running job replaces what was set aside for it; a refused one leaves the job as it runs.
        let replaces = decision.allows() || job.point == GatePoint::Start;
        if replaces {
            self.gate.passed(&job, &decision, statement, earlier_hash.as_ref());
        }
        if let Some(own) = question.own {
            if decision.allows() {
                self.known.refused.remove(&own);
                self.known.by_own.insert(own, id.clone());
            } else if job.point == GatePoint::Start {
                let told = Told { decision: Some(decision.clone()), id: id.clone() };
                self.known.refused.insert(own, (decision.clauses.clone(), told));
            }
        }
        let (allowed, expires_unix_seconds) = (decision.allows(), decision.expires_unix_seconds);
        if allowed {
            self.known.by_id.insert(id.clone(), Entry { statement, job, allowed, expires_unix_seconds });
        }
        // A job keeps the id that its scheduler has noted: the later decision names the earlier one.
        let told = noted.filter(|_| allowed && earlier.is_some()).unwrap_or(id);
        Told { decision: Some(decision), id: told }
    }
}

/// What is said of a decision that could not be recorded: exempt work goes on, everything else is refused.
fn unrecorded(told: Told) -> Told {
    let decision = told.decision.map(|mut decision| {
        if decision.coverage != Coverage::Exempt && decision.allows() {
            decision.verdict = GateVerdict::Deny;
            decision.expires_unix_seconds = 0;
            decision.sentence =
                "refused: the gate cannot record decisions, so covered work does not start; tell its operator"
                    .to_owned();
        }
        decision
    });
    Told { decision, id: String::new() }
}

/// A part of a larger job: the controller ends it with its owner, and it is for what its owner is for.
fn inherit(part: &mut Job, owner: &Job) {
    part.seconds = part.seconds.or(owner.seconds);
    part.class = part.class.or(owner.class);
    part.run = part.run.take().or_else(|| owner.run.clone());
    part.exempt = part.exempt.take().or_else(|| owner.exempt.clone());
}

/// A running job with a change: the larger and longer of the two, with what the change says of class, run and owner where it says it.
fn changed(running: &Job, change: &Job) -> Job {
    let mut job = running.clone();
    job.point = GatePoint::Modify;
    job.accelerators = running.accelerators.zip(change.accelerators).map(|(old, new)| old.max(new));
    job.seconds = match (running.seconds, change.seconds) {
        // A change that names no time leaves it; the plugin asks only about changes that matter.
        (Some(old), Some(new)) => Some(old.max(new)),
        (old, None) => old,
        (None, Some(_)) => None,
    };
    job.unreadable.extend(change.unreadable.iter().cloned());
    job.unreadable.truncate(32);
    for (slot, new) in [(&mut job.account, &change.account), (&mut job.place, &change.place)] {
        if !new.is_empty() {
            slot.clone_from(new);
        }
    }
    job.class = change.class.or(job.class);
    job.run = change.run.clone().or(job.run);
    job.exempt = change.exempt.clone().or(job.exempt);
    job
}
