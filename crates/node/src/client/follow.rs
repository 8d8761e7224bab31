//! Following one log: only new bundles are fetched, and every step is checked against all that was there before.

use super::ClientError;
use super::alarm::{Alarm, AlarmKind};
use super::copy::LogCopy;
use super::http::{Http, join};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::note::{MAX_NOTE_BYTES, Note, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::tile::{Kind, MAX_BUNDLE_BYTES, TILE_WIDTH, TileId, decode_bundle};
use tokio::task::JoinSet;

/// Requests under way at a time.
const CONCURRENT: usize = 8;

/// Sizes below a new head whose checkpoints are asked for, newest first, unless the follower is told otherwise.
pub const DEFAULT_BACKFILL: u64 = 512;

/// What one step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Entries before the step.
    pub from: u64,
    /// Entries now; all of them are in the copy.
    pub size: u64,
    /// Earliest time by which a full quorum had cosigned the newest head (Unix seconds).
    pub quorum_time: Option<u64>,
    /// Latest time at which a full quorum still held it to be the largest (Unix seconds).
    pub quorum_since: Option<u64>,
    /// Witnesses of the policy whose cosignature the newest head lacks.
    pub missing: Vec<String>,
    /// Lines that name a witness of the policy and do not verify; they were left out.
    pub bad_lines: usize,
}

/// A log, its copy, and where it is fetched from.
#[derive(Debug)]
pub struct Follower {
    http: Http,
    base: String,
    copy: LogCopy,
    policy: Policy,
    backfill: u64,
    /// Further prefixes to fetch entries from when the first one does not have them.
    mirrors: Vec<String>,
    /// Largest size that the first prefix has shown as newest.
    shown: u64,
}

impl Follower {
    /// Follows the log at a prefix: `<base>/checkpoint`, `<base>/tile/...`. A mirror's prefix for the log's origin does as well.
    #[must_use]
    pub fn new(http: Http, base: &str, copy: LogCopy, policy: Policy) -> Self {
        let witnessed = copy.head().filter(|head| policy.quorum_time(head.note()).is_some());
        let shown = witnessed.map_or(0, |head| head.checkpoint().size);
        let base = base.trim_end_matches('/').to_owned();
        Self { http, base, copy, policy, backfill: DEFAULT_BACKFILL, mirrors: Vec::new(), shown }
    }

    /// How many sizes below a new head are asked for their checkpoints; 0 for none.
    #[must_use]
    pub fn with_backfill(mut self, sizes: u64) -> Self {
        self.backfill = sizes;
        self
    }

    /// Where else the log's entries may be fetched; what comes from there is checked all the same.
    #[must_use]
    pub fn with_mirrors(mut self, prefixes: Vec<String>) -> Self {
        self.mirrors = prefixes;
        self
    }

    /// The copy.
    #[must_use]
    pub fn copy(&self) -> &LogCopy {
        &self.copy
    }

    /// The copy, to add what was obtained elsewhere.
    pub fn copy_mut(&mut self) -> &mut LogCopy {
        &mut self.copy
    }

    /// The copy, when following ends.
    #[must_use]
    pub fn into_copy(self) -> LogCopy {
        self.copy
    }

    /// Where it is fetched from.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The witness policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Fetches the newest head and what leads to it, checks both, and keeps them.
    ///
    /// # Errors
    /// [`ClientError::Alarm`] with the evidence kept, when the log shows two histories, went back or withholds entries;
    /// otherwise what the network or the disk does. The copy is then as it was.
    pub async fn step(&mut self) -> Result<Step, ClientError> {
        let url = join(&self.base, "checkpoint");
        let bytes = self.http.get(&url, MAX_NOTE_BYTES as u64).await?;
        let bytes = bytes.ok_or_else(|| ClientError::NotThere { url, what: "checkpoint".to_owned() })?;
        let shown = SignedCheckpoint::parse(&bytes, self.copy.key())?;
        self.not_older(&shown)?;
        let step = self.advance(&shown).await?;
        self.shown = shown.checkpoint().size;
        Ok(step)
    }

    /// The log's own address must not show less than it has shown. (Others may have shown more meanwhile: a head on its way to its quorum.)
    fn not_older(&self, shown: &SignedCheckpoint) -> Result<(), ClientError> {
        self.compare(shown)?;
        let (size, before) = (shown.checkpoint().size, self.shown);
        if size >= before {
            return Ok(());
        }
        let sentence =
            format!("{} shows size {size} as newest, after {before} was seen: a stale view or an old copy", self.base);
        Err(self.alarm(AlarmKind::WentBack, shown, sentence)?)
    }

    /// As [`Follower::step`], with a head that was obtained elsewhere.
    ///
    /// # Errors
    /// As [`Follower::step`].
    pub async fn advance(&mut self, shown: &SignedCheckpoint) -> Result<Step, ClientError> {
        let from = self.copy.size();
        self.compare(shown)?;
        if shown.checkpoint().size > from || self.copy.head().is_none() {
            self.grow(shown).await?;
        }
        let bad_lines = self.take_lines(shown)?;
        self.fetch_older(from).await?;
        self.report(from, bad_lines)
    }

    /// Compares a head of this log, wherever it comes from, with the copy. A larger one is not compared; it is for [`Follower::advance`].
    ///
    /// # Errors
    /// [`ClientError::Alarm`] when it contradicts the copy.
    pub fn compare(&self, shown: &SignedCheckpoint) -> Result<(), ClientError> {
        let (Some(head), size) = (self.copy.head(), shown.checkpoint().size) else { return Ok(()) };
        let known = head.checkpoint().size;
        match self.copy.tree().root_at(size) {
            None => Ok(()),
            Some(root) if root != shown.checkpoint().root => {
                let sentence = if size == known {
                    format!("it signed two different trees of size {size}")
                } else {
                    format!("it signed a tree of size {size} that is not a part of its own tree of size {known}")
                };
                Err(self.alarm(AlarmKind::Fork, shown, sentence)?)
            }
            Some(_) => Ok(()),
        }
    }

    fn alarm(&self, kind: AlarmKind, shown: &SignedCheckpoint, sentence: String) -> Result<ClientError, ClientError> {
        let alarm = Alarm::new(kind, self.copy.head(), shown, sentence).keep(self.copy.directory())?;
        Ok(alarm.into())
    }

    async fn grow(&mut self, shown: &SignedCheckpoint) -> Result<(), ClientError> {
        let (from, size) = (self.copy.size(), shown.checkpoint().size);
        let entries = match self.fetch_entries(from, size).await {
            Err(ClientError::NotThere { url, what }) => {
                let sentence =
                    format!("it signed size {size}, but {url} has no {what}: entries after {from} are withheld");
                return Err(self.alarm(AlarmKind::Withheld, shown, sentence)?);
            }
            other => other?,
        };
        match self.copy.extend(shown, entries) {
            Err(ClientError::Tlog(TlogError::RootMismatch { .. })) => Err(self.investigate(shown).await?),
            other => other,
        }
    }

    /// The new entries do not lead from the copy to the new head. Either the bytes are damaged, or the head belongs to another
    /// history; reading all of it tells.
    async fn investigate(&self, shown: &SignedCheckpoint) -> Result<ClientError, ClientError> {
        let (known, size) = (self.copy.size(), shown.checkpoint().size);
        let whole = if known == 0 { None } else { self.fetch_entries(0, size).await.ok() };
        let root = |entries: &[Vec<u8>]| {
            Tree::from_leaves(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>()).root()
        };
        match whole.filter(|entries| root(entries) == shown.checkpoint().root) {
            Some(entries) => {
                self.copy.keep_fork(shown, &entries)?;
                let sentence = format!(
                    "its tree of size {size} does not begin with the tree of size {known} that it signed before"
                );
                self.alarm(AlarmKind::Fork, shown, sentence)
            }
            None => {
                let sentence =
                    format!("the entries that {} serves do not hash to its signed head of size {size}", self.base);
                self.alarm(AlarmKind::Damaged, shown, sentence)
            }
        }
    }

    async fn fetch_entries(&self, from: u64, size: u64) -> Result<Vec<Vec<u8>>, ClientError> {
        let limits = *self.copy.limits();
        if size > limits.max_entries {
            let (found, limit) = (size, limits.max_entries);
            return Err(TlogError::TooLarge { what: "entries of the log", found, limit }.into());
        }
        let mut indices = from / TILE_WIDTH..size.div_ceil(TILE_WIDTH);
        let (mut under_way, mut bundles, mut bytes) = (JoinSet::new(), Vec::new(), 0_u64);
        loop {
            while let Some(index) = (under_way.len() < CONCURRENT).then(|| indices.next()).flatten() {
                let (http, prefixes) = (self.http.clone(), self.prefixes());
                under_way.spawn(async move {
                    fetch_bundle(&http, &prefixes, index, size).await.map(|found| (index, found))
                });
            }
            let Some(done) = under_way.join_next().await else { break };
            let (index, bundle) = done.map_err(|error| broken(&self.base, &error))??;
            bytes += bundle.iter().map(|entry| entry.len() as u64).sum::<u64>();
            if bytes > limits.max_bytes {
                let (found, limit) = (bytes, limits.max_bytes);
                return Err(TlogError::TooLarge { what: "bytes of the log's entries", found, limit }.into());
            }
            bundles.push((index, bundle));
        }
        bundles.sort_unstable_by_key(|(index, _)| *index);
        let skip = usize::try_from(from % TILE_WIDTH).unwrap_or(0);
        Ok(bundles.into_iter().flat_map(|(_, bundle)| bundle).skip(skip).collect())
    }

    fn prefixes(&self) -> Vec<String> {
        std::iter::once(&self.base).chain(&self.mirrors).cloned().collect()
    }

    /// Takes the verified witness lines of a note under its size.
    fn take_lines(&mut self, shown: &SignedCheckpoint) -> Result<usize, ClientError> {
        let (lines, bad) = verified_lines(shown.note(), self.policy.witness_keys());
        let size = shown.checkpoint().size;
        if !lines.is_empty() && self.copy.has_seen(size) {
            self.copy.add_cosignatures(size, &lines, self.policy.witness_keys())?;
        }
        Ok(bad)
    }

    /// Asks for the checkpoints below the newest that were missed: they show when earlier entries were public.
    async fn fetch_older(&mut self, from: u64) -> Result<(), ClientError> {
        let newest = self.copy.size();
        let lowest = from.max(newest.saturating_sub(self.backfill));
        let unsettled = |size: &u64| *size == newest || !self.copy.has_seen(*size);
        let grown = newest > from;
        let wanted: Vec<u64> =
            (lowest..=newest).filter(unsettled).filter(|size| grown || self.lacks_quorum(*size)).collect();
        let mut wanted = wanted.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while let Some(size) = (under_way.len() < CONCURRENT).then(|| wanted.next()).flatten() {
                let (http, url) = (self.http.clone(), join(&self.base, &format!("checkpoints/{size}")));
                under_way.spawn(async move { http.get(&url, MAX_NOTE_BYTES as u64).await });
            }
            let Some(done) = under_way.join_next().await else { return Ok(()) };
            // A copy without old checkpoints is still a copy: what is not served is not an error.
            let Ok(Some(bytes)) = done.map_err(|error| broken(&self.base, &error))? else { continue };
            let Ok(older) = SignedCheckpoint::parse(&bytes, self.copy.key()) else { continue };
            self.compare(&older)?;
            if older.checkpoint().size <= newest {
                self.copy.remember(&older)?;
                self.take_lines(&older)?;
            }
        }
    }

    fn lacks_quorum(&self, size: u64) -> bool {
        let stored = self.copy.seen(size).ok().flatten();
        stored.is_none_or(|signed| self.policy.quorum_time(signed.note()).is_none())
    }

    fn report(&self, from: u64, bad_lines: usize) -> Result<Step, ClientError> {
        let size = self.copy.size();
        let mut step = Step { from, size, quorum_time: None, quorum_since: None, missing: Vec::new(), bad_lines };
        if let Some(earliest) = self.copy.seen(size)? {
            step.quorum_time = self.policy.evaluate(earliest.note())?.quorum_time;
        }
        if let Some(head) = self.copy.head() {
            let found = self.policy.evaluate(head.note())?;
            step.quorum_since = found.quorum_since;
            let absent =
                self.policy.witnesses().iter().zip(&found.times_unix_seconds).filter(|(_, times)| times.is_none());
            step.missing = absent.map(|(witness, _)| String::from_utf8_lossy(&witness.name).into_owned()).collect();
        }
        Ok(step)
    }
}

/// Signature lines of known witnesses that verify, each with its newline, and the number of those that do not.
#[must_use]
pub fn verified_lines(note: &Note, witnesses: &[VerifierKey]) -> (String, usize) {
    let (mut lines, mut bad) = (String::new(), 0);
    for signature in note.signatures() {
        for key in witnesses.iter().filter(|key| key.matches(signature)) {
            match key.verify(note.text(), signature) {
                Ok(_) => lines += &format!("{signature}\n"),
                Err(_) => bad += 1,
            }
        }
    }
    (lines, bad)
}

/// One bundle as far as the size goes, from the first prefix that has it; the full one when the partial one is gone.
async fn fetch_bundle(http: &Http, prefixes: &[String], index: u64, size: u64) -> Result<Vec<Vec<u8>>, ClientError> {
    let beyond = TlogError::Tile("the bundle lies beyond the end of the log");
    let id = TileId::in_tree(Kind::Entries, index, size).ok_or(beyond)?;
    let mut trouble = None;
    for prefix in prefixes {
        for candidate in [id, id.full()] {
            match http.get(&join(prefix, &candidate.to_string()), MAX_BUNDLE_BYTES as u64).await {
                Ok(Some(bytes)) => {
                    let entries = decode_bundle(&bytes, candidate.width)?;
                    return Ok(entries.into_iter().take(usize::from(id.width)).map(<[u8]>::to_vec).collect());
                }
                Ok(None) => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
    }
    let url = prefixes.first().cloned().unwrap_or_default();
    Err(trouble.unwrap_or_else(|| ClientError::NotThere { url, what: id.to_string() }))
}

fn broken(base: &str, error: &tokio::task::JoinError) -> ClientError {
    ClientError::Unreachable { url: base.to_owned(), problem: format!("the request was given up: {error}") }
}
