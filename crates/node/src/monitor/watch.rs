//! One log, seen from several sides: its own address, mirrors, and what witnesses say they cosigned.

use super::condition::{Finding, FindingKind};
use super::config::{Config, LogSource};
use super::index::{Index, Line};
use crate::client::http::join;
use crate::client::refresh::{self, WitnessAt};
use crate::client::{Alarm, AlarmKind, ClientError, Follower, Http, LogCopy, Step};
use serde::Deserialize;
use standstill_statement::{BlobRef, Hash32, Keyring, Name, PublicKey};
use standstill_tlog::checkpoint::{ForkEvidence, SignedCheckpoint};
use standstill_tlog::durable;
use standstill_tlog::note::{MAX_NOTE_BYTES, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::Limits;
use std::path::{Path, PathBuf};

/// Longest list of alarms that a witness may show, in bytes.
const MAX_ALARMS_BYTES: u64 = 1 << 20;

/// Most alarms of one witness that are fetched in a round.
const MAX_ALARMS: usize = 64;

/// A log under watch.
#[derive(Debug)]
pub struct Watch {
    /// Whose log.
    pub issuer: Name,
    /// Statement keys in force after the indexed entries.
    keyring: Keyring,
    follower: Follower,
    http: Http,
    source: LogSource,
    witnesses: Vec<WitnessAt>,
    blobs: PathBuf,
    blob_bytes: u64,
    lag_seconds: u64,
    refresh_seconds: u64,
    clock_tolerance_seconds: u64,
    /// Since when somebody shows more than the log itself; since when the newest head has no quorum (Unix seconds).
    behind_since: Option<u64>,
    uncosigned_since: Option<u64>,
    /// Blobs that statements refer to and that are not here yet.
    wanted: Vec<BlobRef>,
    /// The last good step.
    pub last: Option<Step>,
}

#[derive(Deserialize)]
struct AlarmList {
    alarms: Vec<ListedAlarm>,
}

#[derive(Deserialize)]
struct ListedAlarm {
    origin: String,
    name: String,
    evidence: String,
}

/// What stays the same for all logs.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Client.
    pub http: Http,
    /// Witness policy.
    pub policy: Policy,
    /// Witnesses with addresses.
    pub witnesses: Vec<WitnessAt>,
    /// Limits of each copy.
    pub limits: Limits,
}

impl Watch {
    /// Opens the copy of a log.
    ///
    /// # Errors
    /// [`ClientError::Copy`] when the copy cannot be used.
    pub fn open(
        config: &Config,
        source: &LogSource,
        log: &VerifierKey,
        keys: &[PublicKey],
        around: &Surroundings,
    ) -> Result<Self, ClientError> {
        let directory = config.directory.join("logs").join(source.issuer.as_str());
        let copy = LogCopy::open(&directory, log, around.limits)?;
        Ok(Self {
            issuer: source.issuer.clone(),
            keyring: Keyring::new(keys),
            follower: Follower::new(around.http.clone(), &source.url, copy, around.policy.clone())
                .with_mirrors(source.also.clone()),
            http: around.http.clone(),
            source: source.clone(),
            witnesses: around.witnesses.clone(),
            blobs: config.directory.join("blobs"),
            blob_bytes: config.blob_bytes,
            lag_seconds: config.lag_seconds,
            refresh_seconds: config.refresh_seconds,
            clock_tolerance_seconds: config.clock_tolerance_seconds,
            behind_since: None,
            uncosigned_since: None,
            wanted: Vec::new(),
            last: None,
        })
    }

    /// The copy.
    #[must_use]
    pub fn copy(&self) -> &LogCopy {
        self.follower.copy()
    }

    /// One round: everything that is wrong with this log now.
    pub async fn round(&mut self, now_unix_seconds: u64) -> Vec<Finding> {
        let mut found = Round { issuer: self.issuer.clone(), now: now_unix_seconds, list: Vec::new() };
        match self.follower.step().await {
            Ok(step) => {
                self.judge(&step, &mut found);
                self.last = Some(step);
            }
            Err(error) => found.error(error),
        }
        let most = self.other_views(&mut found).await;
        self.catch_up(most, &mut found).await;
        self.uncosigned(&mut found).await;
        self.refresh(&mut found).await;
        self.ask_for_alarms(&mut found).await;
        self.fetch_blobs(&mut found).await;
        found.list
    }

    /// Fetches the blobs that are wanted now.
    pub async fn blobs(&mut self, now_unix_seconds: u64) -> Vec<Finding> {
        let mut found = Round { issuer: self.issuer.clone(), now: now_unix_seconds, list: Vec::new() };
        self.fetch_blobs(&mut found).await;
        found.list
    }

    /// Adds new entries to the index, and notes what blobs they need.
    ///
    /// # Errors
    /// [`ClientError`] when the copy cannot be read.
    pub fn index(&mut self, agreement: &Hash32, index: &mut Index) -> Result<bool, ClientError> {
        let from = index.size_of(&self.issuer);
        if from >= self.copy().size() {
            return Ok(false);
        }
        for (place, entry) in (from..).zip(self.copy().entries(from)?) {
            let signed = self.keyring.verify_next(&entry).ok();
            self.wanted.extend(signed.iter().flat_map(|signed| signed.statement.body.blobs()));
            index.push(Line::of(agreement, &self.issuer, signed.as_ref(), place, &entry));
        }
        Ok(true)
    }

    fn judge(&self, step: &Step, found: &mut Round) {
        if step.bad_lines > 0 {
            found
                .add(FindingKind::BadCosignature, format!("{} lines name a witness and do not verify", step.bad_lines));
        }
        if !step.missing.is_empty() {
            found.add(FindingKind::MissingCosignatures, format!("not cosigned by {}", step.missing.join(", ")));
        }
        let limit = found.now + self.clock_tolerance_seconds;
        if let Some(ahead) = step.quorum_since.filter(|since| *since > limit) {
            found.add(FindingKind::Clock, format!("a quorum cosigned at {ahead}, and it is {} here", found.now));
        }
    }

    /// Heads that mirrors and witnesses show: compared with the copy. Gives the largest, with who shows it.
    async fn other_views(&self, found: &mut Round) -> Option<(String, SignedCheckpoint)> {
        let mut most: Option<(String, SignedCheckpoint)> = None;
        let mut views = Vec::new();
        for prefix in &self.source.also {
            match self.fetch_head(prefix).await {
                Ok(Some(shown)) => views.push((prefix.clone(), shown)),
                Ok(None) => {}
                Err(error) => found.error(error),
            }
        }
        for witness in &self.witnesses {
            let shown = refresh::latest(&self.http, witness, self.copy().key()).await;
            views.extend(shown.map(|shown| (format!("witness {}", witness.name), shown)));
        }
        for (who, shown) in views {
            if let Err(error) = self.follower.compare(&shown) {
                found.error(error);
            } else if most.as_ref().is_none_or(|(_, most)| most.checkpoint().size < shown.checkpoint().size) {
                most = Some((who, shown));
            }
        }
        most.filter(|(_, shown)| shown.checkpoint().size > self.copy().size())
    }

    async fn fetch_head(&self, prefix: &str) -> Result<Option<SignedCheckpoint>, ClientError> {
        let bytes = self.http.get(&join(prefix, "checkpoint"), MAX_NOTE_BYTES as u64).await?;
        Ok(bytes.map(|bytes| SignedCheckpoint::parse(&bytes, self.copy().key())).transpose()?)
    }

    /// Somebody shows more than the log's own address. For a moment that is normal; then the entries are fetched by that head, which
    /// tells a fork from a delay.
    async fn catch_up(&mut self, most: Option<(String, SignedCheckpoint)>, found: &mut Round) {
        let Some((who, shown)) = most else {
            self.behind_since = None;
            return;
        };
        let since = *self.behind_since.get_or_insert(found.now);
        if found.now.saturating_sub(since) < self.lag_seconds {
            return;
        }
        let (size, known) = (shown.checkpoint().size, self.copy().size());
        found.add(FindingKind::Lag, format!("{who} shows size {size}, and {} shows {known}", self.follower.base()));
        match self.follower.advance(&shown).await {
            Ok(step) => self.last = Some(step),
            Err(error) => found.error(error),
        }
    }

    /// Hands an old head to the witnesses again.
    async fn refresh(&mut self, found: &mut Round) {
        let Some(head) = self.copy().head() else { return };
        let since = self.follower.policy().quorum_since(head.note()).unwrap_or(0);
        if self.refresh_seconds == 0 || found.now.saturating_sub(since) < self.refresh_seconds {
            return;
        }
        match refresh::refresh(&self.http, self.follower.copy_mut(), &self.witnesses).await {
            Ok(refreshed) => {
                for ahead in refreshed.ahead {
                    if let Err(error) = self.follower.compare(&ahead) {
                        found.error(error);
                    }
                }
                if let Some(step) = &mut self.last {
                    let head = self.follower.copy().head();
                    step.quorum_since = head.and_then(|head| self.follower.policy().quorum_since(head.note()));
                }
            }
            Err(error) => found.error(error),
        }
    }

    /// What the log has signed without a quorum.
    async fn uncosigned(&mut self, found: &mut Round) {
        let url = join(self.follower.base(), "uncosigned-checkpoint");
        let Ok(Some(bytes)) = self.http.with_attempts(1).get(&url, MAX_NOTE_BYTES as u64).await else { return };
        let Ok(signed) = SignedCheckpoint::parse(&bytes, self.copy().key()) else { return };
        if let Err(error) = self.follower.compare(&signed) {
            return found.error(error);
        }
        let (size, known) = (signed.checkpoint().size, self.copy().size());
        if size <= known {
            self.uncosigned_since = None;
            return;
        }
        let since = *self.uncosigned_since.get_or_insert(found.now);
        if found.now.saturating_sub(since) >= self.lag_seconds {
            found.add(
                FindingKind::NotCosigned,
                format!("size {size} is signed, and only {known} entries have a quorum"),
            );
        }
    }

    /// Witnesses keep contradicting checkpoints that they were shown.
    async fn ask_for_alarms(&self, found: &mut Round) {
        let http = self.http.with_attempts(1);
        for witness in &self.witnesses {
            let Ok(Some(bytes)) = http.get(&join(&witness.url, "alarms"), MAX_ALARMS_BYTES).await else { continue };
            let Ok(list) = serde_json::from_slice::<AlarmList>(&bytes) else { continue };
            let origin = self.copy().key().name();
            for listed in list.alarms.into_iter().filter(|alarm| alarm.origin == origin).take(MAX_ALARMS) {
                let url = join(&witness.url, &listed.evidence);
                let Ok(Some(bytes)) = http.get(&url, 2 * MAX_NOTE_BYTES as u64).await else { continue };
                if let Ok(evidence) = ForkEvidence::parse(&bytes, self.copy().key()) {
                    let kept = keep(self.copy().directory(), &listed.name, &bytes);
                    let size = evidence.second().checkpoint().size;
                    let sentence =
                        format!("it signed two different trees of size {size}; witness {} has both", witness.name);
                    found.add_with(FindingKind::Fork, sentence, kept);
                }
            }
        }
    }

    /// Fetches blobs that statements refer to; they are kept under their hash.
    async fn fetch_blobs(&mut self, found: &mut Round) {
        let mut missing = Vec::new();
        for blob in std::mem::take(&mut self.wanted) {
            let path = self.blobs.join(blob.sha256.to_string());
            if path.exists() {
                continue;
            }
            match self.fetch_blob(&blob).await {
                Some(bytes) if store_blob(&path, &bytes) => {}
                _ => missing.push(blob),
            }
        }
        if let Some(first) = missing.first() {
            found.add(
                FindingKind::MissingBlob,
                format!("{} blobs are not to be had, the first is {}", missing.len(), first.sha256),
            );
        }
        self.wanted = missing;
    }

    async fn fetch_blob(&self, blob: &BlobRef) -> Option<Vec<u8>> {
        if blob.length_bytes > self.blob_bytes {
            return None;
        }
        for prefix in std::iter::once(&self.source.url).chain(&self.source.also) {
            let url = join(prefix, &format!("blob/{}", blob.sha256));
            if let Ok(Some(bytes)) = self.http.get(&url, blob.length_bytes).await
                && blob.matches(&bytes)
            {
                return Some(bytes);
            }
        }
        None
    }
}

/// Findings of one round.
struct Round {
    issuer: Name,
    now: u64,
    list: Vec<Finding>,
}

impl Round {
    fn add(&mut self, kind: FindingKind, sentence: String) {
        self.add_with(kind, sentence, None);
    }

    fn add_with(&mut self, kind: FindingKind, sentence: String, evidence: Option<PathBuf>) {
        if !self.list.iter().any(|finding| finding.kind == kind) {
            let (issuer, since_unix_seconds) = (self.issuer.clone(), self.now);
            self.list.push(Finding { issuer, kind, sentence, since_unix_seconds, evidence });
        }
    }

    fn error(&mut self, error: ClientError) {
        match error {
            ClientError::Alarm(alarm) => {
                let Alarm { kind, sentence, path, .. } = *alarm;
                let kind = match kind {
                    AlarmKind::Fork => FindingKind::Fork,
                    AlarmKind::WentBack => FindingKind::WentBack,
                    AlarmKind::Withheld => FindingKind::Withheld,
                    AlarmKind::Damaged => FindingKind::Damaged,
                };
                self.add_with(kind, sentence, path);
            }
            other if other.is_network() => self.add(FindingKind::Unreachable, other.to_string()),
            other => self.add(FindingKind::Damaged, other.to_string()),
        }
    }
}

fn keep(directory: &Path, name: &str, bytes: &[u8]) -> Option<PathBuf> {
    // The name comes from a stranger: only what the witness role writes is taken as it is.
    let plain = name.len() <= 80 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let hash = hex::encode(&Hash32::of(bytes).0[..8]);
    let path =
        directory.join("alarms").join(if plain { format!("fork-{name}.note") } else { format!("fork-{hash}.note") });
    if path.exists() {
        return Some(path);
    }
    durable::create_directory(&directory.join("alarms")).and_then(|()| durable::write_atomic(&path, bytes)).ok()?;
    Some(path)
}

fn store_blob(path: &Path, bytes: &[u8]) -> bool {
    let Some(folder) = path.parent() else { return false };
    durable::create_directory(folder).and_then(|()| durable::write_atomic(path, bytes)).is_ok()
}
