//! A running log: its threads and tasks, from start to an orderly end.

use super::Refusal;
use super::cache::TileCache;
use super::chain::{self, Checked};
use super::condition::{Condition, Health, count, set};
use super::cosign::{self, Gatherer, Head};
use super::http;
use super::intake::{Added, Submission};
use super::recovery::{self, Restored};
use super::sequencer::{Order, Sequencer};
use super::setup::{Setup, StartCheck};
use crate::error::NodeError;
use crate::serve;
use standstill_statement::{Keyring, PublicKey};
use standstill_tlog::merkle::Tree;
use standstill_tlog::note::VerifierKey;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};

/// What all parts of a log share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) condition: Condition,
    pub(super) gatherer: Gatherer,
    /// Tiles in memory.
    pub(super) cache: TileCache,
    /// Places for blob uploads.
    pub(super) uploads: Semaphore,
    /// The newest signed checkpoint.
    pub(super) heads: watch::Sender<Arc<Head>>,
    tree: RwLock<Tree>,
    size: AtomicU64,
    queue: SyncSender<Order>,
    in_flight: AtomicU64,
    /// Keys of the witnesses that have said what they last cosigned.
    answered: Mutex<Vec<VerifierKey>>,
    /// Keys of all witnesses that count.
    pub(super) witness_keys: Vec<VerifierKey>,
    cleared: AtomicBool,
    /// Keys in force after the last durable entry.
    keyring: RwLock<Arc<Keyring>>,
}

impl Shared {
    /// Keys in force after the last durable entry, and those that were before.
    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A durable entry changed the keys in force.
    pub(super) fn set_keyring(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }

    /// The tree of all durable entries.
    pub(super) fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree, to be extended by the sequencer only.
    pub(super) fn tree_mut(&self) -> TreeGuard<'_> {
        TreeGuard { tree: self.tree.write().unwrap_or_else(PoisonError::into_inner), size: &self.size }
    }

    /// Number of durable entries.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Whether the first signature after the start is allowed.
    pub(super) fn is_cleared(&self) -> bool {
        self.cleared.load(Ordering::Acquire)
    }

    /// A witness has said what it last cosigned.
    pub(super) fn witness_answered(&self, place: usize) {
        let key = &self.setup.witnesses[place].key;
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.push(key.clone());
        if !self.setup.quorum().could_be_without(&answered) {
            self.cleared.store(true, Ordering::Release);
        }
    }

    /// Tells everybody of a new signed checkpoint.
    pub(super) fn announce(&self, head: Head) {
        self.heads.send_replace(Arc::new(head));
        self.condition.facts().uncosigned_since.get_or_insert(self.setup.clock.unix_seconds());
    }

    /// A checkpoint of this size is public.
    pub(super) fn published(&self, size: u64) {
        set(&self.condition.metrics.cosigned_size, size);
        let mut facts = self.condition.facts();
        if size >= self.heads.borrow().size() {
            facts.uncosigned_since = None;
        }
    }

    /// The state, for `/health`.
    pub(super) fn health(&self) -> Health {
        let (signed, public) = (self.heads.borrow().size(), self.gatherer.public().map(|public| public.size));
        let (now, patience) = (self.setup.clock.unix_seconds(), self.setup.tuning.patience_seconds);
        self.condition.health(self.size(), signed, public, now, patience)
    }

    /// Takes a statement: verified here, on the caller's core, then durable in the log.
    pub(super) async fn add(&self, bytes: Vec<u8>) -> Result<Added, Refusal> {
        let keys: Vec<PublicKey> = self.keyring().ever().collect();
        let checked = chain::check(bytes, &self.setup, &keys)?;
        self.hold_blobs(&checked).await?;
        let limit = self.setup.tuning.in_flight as u64;
        let _place = Place::take(&self.in_flight, limit).ok_or_else(|| self.overloaded())?;
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Order::Add(Submission { checked, reply })) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(self.overloaded()),
            Err(TrySendError::Disconnected(_)) => return Err(stopping()),
        }
        let added = answer.await.unwrap_or_else(|_| Err(stopping()))?;
        if added.duplicate {
            count(&self.condition.metrics.duplicates, 1);
        }
        Ok(added)
    }

    /// Every blob that the statement refers to must be here before it.
    async fn hold_blobs(&self, checked: &Checked) -> Result<(), Refusal> {
        for blob in &checked.blobs {
            let held = self.setup.store.blob_length(blob.sha256).await;
            let held = held.map_err(|error| Refusal::new(503, error.to_string()))?;
            if held != Some(blob.length_bytes) {
                let message = format!(
                    "the statement refers to blob {} of {} bytes, which this log does not hold; upload it first (PUT /blob/{})",
                    blob.sha256, blob.length_bytes, blob.sha256
                );
                return Err(Refusal::new(409, message));
            }
        }
        Ok(())
    }

    fn overloaded(&self) -> Refusal {
        count(&self.condition.metrics.overloaded, 1);
        Refusal::new(503, "too many statements are in flight; try again in a moment with fewer at a time")
    }
}

fn stopping() -> Refusal {
    Refusal::new(
        503,
        "the log is stopping; send the statement again when it is back, a repeated one gets the same index",
    )
}

/// The tree while it grows; its size is told when the guard goes.
pub(super) struct TreeGuard<'a> {
    tree: RwLockWriteGuard<'a, Tree>,
    size: &'a AtomicU64,
}

impl TreeGuard<'_> {
    /// Adds a leaf.
    pub(super) fn push(&mut self, leaf: standstill_tlog::merkle::Hash) {
        self.tree.push(leaf);
    }
}

impl Drop for TreeGuard<'_> {
    fn drop(&mut self) {
        self.size.store(self.tree.size(), Ordering::Release);
    }
}

/// A place among the submissions in flight.
struct Place<'a>(&'a AtomicU64);

impl<'a> Place<'a> {
    fn take(in_flight: &'a AtomicU64, limit: u64) -> Option<Self> {
        if in_flight.fetch_add(1, Ordering::AcqRel) < limit {
            return Some(Self(in_flight));
        }
        in_flight.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A log that runs. Dropping it stops the listener, but only [`RunningLog::stop`] waits for an orderly end.
#[derive(Debug)]
pub struct RunningLog {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: serve::Server,
    sequencer: Option<JoinHandle<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Opens the log and starts to serve it.
///
/// # Errors
/// Whatever forbids this log to run: its store is in use, holds something else than what was signed, or belongs to another key; the
/// address is taken. Each message says what to do.
pub async fn start(setup: Setup) -> Result<RunningLog, NodeError> {
    let mut restored = recovery::restore(&setup).await?;
    let (queue, inbox) = sync_channel(setup.tuning.in_flight.max(1));
    let shared = Arc::new(share(setup, &mut restored, queue));
    set(&shared.condition.metrics.size, shared.size());
    let sequencer = Sequencer::new(Arc::clone(&shared), inbox, restored.into());
    let thread = std::thread::Builder::new().name("log-sequencer".to_owned()).spawn(move || sequencer.run());
    let thread = thread.map_err(NodeError::io("start", "the sequencer's thread"))?;
    let mut tasks = cosign::start(&shared)?;
    if shared.setup.quorum().is_none() {
        tasks.push(tokio::spawn(publish_without_witnesses(Arc::clone(&shared))));
    }
    let limits = serve::Limits {
        connections: shared.setup.tuning.connections,
        header: Duration::from_secs(shared.setup.tuning.header_seconds),
    };
    let submissions = Arc::new(http::Submissions(Arc::clone(&shared)));
    let router = http::router(Arc::clone(&shared));
    let server = serve::Server::start_with(shared.setup.listen, router, limits, Some(submissions)).await?;
    let address = server.address();
    tracing::info!(origin = shared.setup.origin(), %address, size = shared.size(), store = shared.setup.store.describe(), "log runs");
    Ok(RunningLog { shared, address, server, sequencer: Some(thread), tasks })
}

fn share(setup: Setup, restored: &mut Restored, queue: SyncSender<Order>) -> Shared {
    let (condition, gatherer) = (Condition::default(), Gatherer::default());
    let quorum = setup.quorum();
    let shown = restored.public.as_ref().filter(|public| quorum.is_reached(public.note()).unwrap_or(false));
    if let Some(public) = shown {
        gatherer.restore(public, restored.earliest.as_ref());
    }
    condition.facts().frozen = restored.closed;
    if shown.is_none_or(|public| public.checkpoint().size < restored.head.checkpoint().size) {
        condition.facts().uncosigned_since = Some(setup.clock.unix_seconds());
    }
    let cleared = setup.tuning.start_check == StartCheck::None || !quorum.could_be_without(&[]);
    Shared {
        heads: watch::Sender::new(Arc::new(Head::new(restored.head.clone()))),
        size: AtomicU64::new(restored.tree.size()),
        tree: RwLock::new(std::mem::take(&mut restored.tree)),
        condition,
        gatherer,
        cache: TileCache::new(setup.tuning.tile_cache_bytes),
        uploads: Semaphore::new(setup.tuning.uploads),
        queue,
        in_flight: AtomicU64::new(0),
        answered: Mutex::new(Vec::new()),
        witness_keys: setup.quorum().keys(),
        cleared: AtomicBool::new(cleared),
        keyring: RwLock::new(Arc::new(restored.keyring.clone())),
        setup,
    }
}

/// Under `quorum none` every signed checkpoint is public at once.
async fn publish_without_witnesses(shared: Arc<Shared>) {
    let mut heads = shared.heads.subscribe();
    loop {
        let head = Arc::clone(&heads.borrow_and_update());
        if let Err(error) = shared.gatherer.add_without_witnesses(&shared, &head).await {
            tracing::warn!(%error, "cannot write the public checkpoint");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        if heads.changed().await.is_err() {
            return;
        }
    }
}

impl RunningLog {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The state, as `/health` shows it.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Counters in Prometheus text format, as `/metrics` shows them.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.shared.condition.metrics.text()
    }

    /// Adds a statement without HTTP.
    ///
    /// # Errors
    /// The refusal that the client would get.
    pub async fn add(&self, statement: Vec<u8>) -> Result<Added, Refusal> {
        self.shared.add(statement).await
    }

    /// Ends in order: takes no more, answers what is under way, signs what is durable, and gives the witnesses a moment for it.
    ///
    /// # Errors
    /// When a thread ended in a way that it should not.
    pub async fn stop(mut self) -> Result<(), NodeError> {
        self.server.stop(Duration::from_secs(5)).await;
        let queue = self.shared.queue.clone();
        let thread = self.sequencer.take();
        let ended = tokio::task::spawn_blocking(move || {
            let _ = queue.send(Order::Stop);
            thread.map_or(Ok(()), JoinHandle::join)
        });
        let ended = ended.await.is_ok_and(|joined| joined.is_ok());
        for _ in 0..20 {
            if self.shared.gatherer.public().is_some_and(|public| public.size >= self.shared.heads.borrow().size()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // Waited for, so that nothing holds the store any more.
            let _ = task.await;
        }
        tracing::info!(origin = self.shared.setup.origin(), size = self.shared.size(), "log stopped");
        if ended {
            Ok(())
        } else {
            Err(NodeError::Broken("the sequencer's thread did not end in order; look at the log messages".to_owned()))
        }
    }
}

impl Drop for RunningLog {
    fn drop(&mut self) {
        let _ = self.shared.queue.try_send(Order::Stop);
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
