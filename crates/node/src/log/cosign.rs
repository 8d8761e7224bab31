//! Collecting cosignatures: one task for each witness, and one place where they come together.
//!
//! Nobody waits for a slow witness: a checkpoint is public as soon as the quorum is there, and what comes later is still added. A
//! witness that was away gets the newest checkpoint when it answers again.

mod gather;
mod wire;

pub(super) use gather::Gatherer;

use super::condition::{Condition, count};
use super::recovery::check_signed_before;
use super::running::Shared;
use super::setup::WitnessAddress;
use super::tiles::read_bundle;
use crate::client::{Http, HttpLimits};
use crate::mirror::MirrorError;
use crate::mirror::push::{self, Packages};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::merkle::Hash;
use standstill_tlog::mirror::{Package, PackageRange, build_package};
use standstill_tlog::tile::{Kind, TILE_WIDTH, TileId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use wire::{Answer, WitnessClient};

/// Shortest and longest wait after a failure.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The newest signed checkpoint.
#[derive(Debug)]
pub(super) struct Head {
    /// With the log's signature only.
    pub(super) signed: SignedCheckpoint,
    /// When it was signed, or read back at the start.
    pub(super) since: Instant,
}

impl Head {
    /// A checkpoint signed now.
    pub(super) fn new(signed: SignedCheckpoint) -> Self {
        Self { signed, since: Instant::now() }
    }

    /// Number of entries.
    pub(super) fn size(&self) -> u64 {
        self.signed.checkpoint().size
    }
}

/// The task of one witness.
pub(super) struct Asker {
    shared: Arc<Shared>,
    place: usize,
    witness: WitnessAddress,
    client: WitnessClient,
    /// For uploads to a mirror.
    uploads: Http,
    heads: watch::Receiver<Arc<Head>>,
    /// Size that the witness last cosigned, as far as known.
    known: u64,
    /// Size and time of our last success.
    done: Option<(u64, Instant)>,
    backoff: Duration,
}

impl Asker {
    /// Prepares to ask the witness at this place of the configuration.
    pub(super) fn new(shared: Arc<Shared>, place: usize, client: WitnessClient, uploads: Http) -> Self {
        let (witness, heads) = (shared.setup.witnesses[place].clone(), shared.heads.subscribe());
        Self { shared, place, witness, client, uploads, heads, known: 0, done: None, backoff: BACKOFF.0 }
    }

    /// Asks for ever.
    pub(super) async fn run(mut self) {
        self.learn().await;
        loop {
            let head = Arc::clone(&self.heads.borrow_and_update());
            let refresh = Duration::from_secs(self.shared.setup.tuning.refresh_seconds.max(1));
            let due = match self.done {
                Some((size, at)) if size == head.size() => refresh.saturating_sub(at.elapsed()),
                _ => Duration::ZERO,
            };
            if due.is_zero() {
                match self.ask(&head).await {
                    Ok(()) => self.succeeded(head.size()),
                    Err(problem) => self.failed(problem).await,
                }
            } else {
                tokio::select! {
                    changed = self.heads.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(due) => {}
                }
            }
        }
    }

    /// Finds out what the witness last cosigned, and whether this log is behind that.
    async fn learn(&mut self) {
        loop {
            let origin_hash = standstill_tlog::witness::origin_hash(self.shared.setup.origin());
            match self.client.last_cosigned(&origin_hash).await {
                Ok(None) => break,
                Ok(Some(note)) => match self.compare(&note) {
                    Ok(size) => {
                        self.known = size;
                        break;
                    }
                    Err(problem) => self.failed(problem).await,
                },
                Err(problem) => self.failed(problem).await,
            }
        }
        self.backoff = BACKOFF.0;
        self.shared.witness_answered(self.place);
    }

    /// Compares a checkpoint that the witness shows with this log; one that this log should not have signed stops all signing.
    fn compare(&self, note: &[u8]) -> Result<u64, String> {
        let setup = &self.shared.setup;
        let shown = match SignedCheckpoint::parse(note, setup.signer.verifier()) {
            Ok(shown) => shown,
            // Not signed by this log: the witness's problem, and no reason to believe anything.
            Err(error) => return Err(format!("shows a checkpoint that is not this log's: {error}")),
        };
        let head = Arc::clone(&self.shared.heads.borrow());
        // Under the tree's lock no new head can appear; one that appeared just before is in the second look.
        let checked = check_signed_before(setup, &self.shared.tree(), &head.signed, &shown, "what witnesses hold");
        let now = Arc::clone(&self.shared.heads.borrow());
        match checked {
            Ok(()) => Ok(shown.checkpoint().size),
            Err(_) if now.size() > head.size() => Err("the log grew meanwhile".to_owned()),
            Err(error @ TlogError::RolledBack { .. }) => {
                self.shared.condition.refuse(error.to_string());
                Err(error.to_string())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// One request, with a second one when the witness stands elsewhere than thought.
    async fn ask(&mut self, head: &Head) -> Result<(), String> {
        for _ in 0..2 {
            let proof = self.proof(head)?;
            match self.client.add_checkpoint(self.known, proof, &head.signed).await? {
                Answer::Cosigned(lines) => {
                    let lines = if self.witness.mirror { self.upload(head).await? } else { lines };
                    self.shared.gatherer.add(&self.shared, head, &lines).await.map_err(|error| error.to_string())?;
                    self.known = head.size();
                    return Ok(());
                }
                Answer::Stands(size) if size > head.size() => return self.witness_is_ahead(size, head).await,
                Answer::Stands(size) => self.known = size,
            }
        }
        Err("says each time that it stands at another size; two logs under one key, or a fault of the witness"
            .to_owned())
    }

    /// A mirror has taken the checkpoint as pending, and signs when it holds the entries.
    async fn upload(&self, head: &Head) -> Result<String, String> {
        let held = Held { shared: &self.shared };
        let lines =
            push::upload(&self.uploads, &self.witness.url, self.shared.setup.origin(), head.size(), &held).await;
        lines.map_err(|error| error.to_string())
    }

    fn proof(&self, head: &Head) -> Result<Vec<Hash>, String> {
        if self.known == 0 || self.known >= head.size() {
            return Ok(Vec::new());
        }
        self.shared.tree().consistency_proof(self.known, head.size()).map_err(|error| error.to_string())
    }

    /// The witness says that it has cosigned more than this head: either the head is no longer the newest, or the log is a copy.
    async fn witness_is_ahead(&mut self, size: u64, head: &Head) -> Result<(), String> {
        if self.heads.borrow().size() > head.size() {
            self.known = head.size();
            return Ok(());
        }
        let origin_hash = standstill_tlog::witness::origin_hash(self.shared.setup.origin());
        match self.client.last_cosigned(&origin_hash).await? {
            Some(note) => self.compare(&note).map(|known| self.known = known),
            None => Err(format!("says that it cosigned size {size}, but shows no such checkpoint")),
        }
    }

    fn succeeded(&mut self, size: u64) {
        self.done = Some((size, Instant::now()));
        self.backoff = BACKOFF.0;
        self.shared.condition.facts().witnesses.remove(&self.witness.name);
    }

    async fn failed(&mut self, problem: String) {
        note_failure(&self.shared.condition, &self.witness.name, problem);
        let wait = self.backoff;
        self.backoff = (wait * 2).min(BACKOFF.1);
        tokio::time::sleep(wait).await;
    }
}

/// The log's own entries, for a mirror.
struct Held<'a> {
    shared: &'a Shared,
}

impl Packages for Held<'_> {
    async fn package(&self, range: &PackageRange, size: u64) -> Result<Package, MirrorError> {
        let (start, missing) = (range.entries.start, TlogError::Request("an entry that the mirror needs is not here"));
        let Some(id) = TileId::in_tree(Kind::Entries, start / TILE_WIDTH, size) else { return Err(missing.into()) };
        let bundle = read_bundle(self.shared.setup.store.as_ref(), id).await;
        let bundle = bundle.map_err(|error| MirrorError::Source(error.to_string()))?;
        let first = start % TILE_WIDTH;
        let wanted = usize::try_from(range.entries.end - start).unwrap_or(usize::MAX);
        let entries: Vec<_> =
            bundle.into_iter().skip(usize::try_from(first).unwrap_or(usize::MAX)).take(wanted).collect();
        if entries.len() != wanted {
            return Err(missing.into());
        }
        Ok(build_package(&self.shared.tree(), range, size, entries)?)
    }
}

fn note_failure(condition: &Condition, name: &str, problem: String) {
    count(&condition.metrics.witness_failures, 1);
    let before = condition.facts().witnesses.insert(name.to_owned(), problem.clone());
    if before.as_ref() != Some(&problem) {
        tracing::warn!(witness = name, problem, "no cosignature");
    }
}

/// Starts a task for every witness that the policy names.
pub(super) fn start(shared: &Arc<Shared>) -> Result<Vec<tokio::task::JoinHandle<()>>, crate::NodeError> {
    let timeout = Duration::from_millis(shared.setup.tuning.witness_milliseconds);
    let uploads = Http::new(HttpLimits { attempts: 1, ..HttpLimits::default() });
    let uploads = uploads.map_err(|error| crate::NodeError::Broken(error.to_string()))?;
    let places = 0..shared.setup.witnesses.len();
    places
        .map(|place| {
            let client = WitnessClient::new(&shared.setup.witnesses[place].url, timeout)?;
            Ok(tokio::spawn(Asker::new(Arc::clone(shared), place, client, uploads.clone()).run()))
        })
        .collect()
}
