//! Mirroring by fetching: for logs that do not upload.
//!
//! One look at a log: its checkpoint; the leaf hashes that are new, from its hash tiles, which must lead to the signed root together with
//! everything that is here; the checkpoint becomes the pending one with a proof made from those hashes; then the entries, each against
//! its leaf hash, bundle by bundle onto the disk; then the blobs; then the commit. An interruption anywhere is continued later.

use super::error::MirrorError;
use super::service::MirrorService;
use crate::witness::record::{Refusal, Submission};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::merkle::{Hash, leaf_hash};
use standstill_tlog::mirror::{AddEntries, PackageRange};
use standstill_tlog::note::MAX_NOTE_BYTES;
use standstill_tlog::tile::{Kind, MAX_BUNDLE_BYTES, TILE_WIDTH, TileId, decode_bundle, decode_hashes};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What one look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Size that is now cosigned.
    pub size: u64,
    /// Entries that were fetched.
    pub fetched: u64,
    /// The cosignature lines; `None` when a larger size was committed meanwhile.
    pub lines: Option<String>,
}

impl MirrorService {
    /// Takes over what a log has published.
    ///
    /// # Errors
    /// What keeps the copy from being complete; nothing is cosigned then.
    pub async fn pull(&self, origin: &str) -> Result<Pulled, MirrorError> {
        let source = Source::of(self, origin)?;
        let target = self.newest(&source, origin).await?;
        let size = target.checkpoint().size;
        let next = self.progress(origin).map_or(0, |(_, next, _)| next);
        let leaves = source.leaf_hashes(next, size).await?;
        self.take_over(origin, &target, &leaves).await?;
        let fetched = self.fetch_entries(&source, origin, next, size, &leaves).await?;
        Ok(Pulled { size, fetched, lines: self.commit(origin, &target).await? })
    }

    /// The larger of what the log serves and what was submitted here.
    async fn newest(&self, source: &Source<'_>, origin: &str) -> Result<SignedCheckpoint, MirrorError> {
        let pending = self.pending().head(origin).map(|head| head.signed);
        let bytes = source.get("checkpoint", MAX_NOTE_BYTES as u64).await?;
        let keys = self.mirrored(origin).map(|mirrored| mirrored.log.log.keys.clone()).unwrap_or_default();
        let mut served = SignedCheckpoint::parse_for_keys(&bytes, origin, &keys)?;
        served.retain_log_lines();
        match pending {
            Some(pending) if pending.checkpoint().size > served.checkpoint().size => Ok((*pending).clone()),
            _ => Ok(served),
        }
    }

    /// Makes the checkpoint the pending one. The proof is made from leaf hashes that lead to its root.
    async fn take_over(&self, origin: &str, target: &SignedCheckpoint, leaves: &[Hash]) -> Result<(), MirrorError> {
        let (size, root) = (target.checkpoint().size, target.checkpoint().root);
        let old_size = self.pending().head(origin).map_or(0, |head| head.recorded.size);
        let trial = self.copy(origin).and_then(|mut copy| copy.trial(leaves, old_size, size));
        let proof = match trial {
            Some((found, proof)) if found == root => proof,
            // Let the record compare roots of one size: a contradiction is an alarm, not a fault of transport.
            _ if old_size == size => Vec::new(),
            _ => return Err(MirrorError::NotTheSignedTree { origin: origin.to_owned(), what: "hash tiles", size }),
        };
        let submission = Submission { old_size, proof, signed: target.clone(), own: Vec::new() };
        let refused = |what: String| MirrorError::NotAccepted { origin: origin.to_owned(), what };
        match self.pending().submit(submission).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Refusal { error, .. })) => Err(refused(error.to_string())),
            Err(_) => Err(refused("the record of pending checkpoints is closed or busy".to_owned())),
        }
    }

    async fn fetch_entries(
        &self,
        source: &Source<'_>,
        origin: &str,
        next: u64,
        size: u64,
        leaves: &[Hash],
    ) -> Result<u64, MirrorError> {
        let upload = AddEntries { origin: origin.to_owned(), start: next.min(size), end: size, ticket: Vec::new() };
        for range in upload.packages() {
            let entries = source.entries(&range, size).await?;
            let from = usize::try_from(range.entries.start - next).unwrap_or(usize::MAX);
            let wanted = leaves.get(from..from + entries.len()).unwrap_or_default();
            if !entries.iter().map(|entry| leaf_hash(entry)).eq(wanted.iter().copied()) {
                return Err(MirrorError::NotTheSignedTree { origin: origin.to_owned(), what: "entries", size });
            }
            if let Some(mut copy) = self.copy(origin) {
                copy.save(&range, &entries)?;
            }
        }
        Ok(upload.end - upload.start)
    }
}

/// A log's read interface.
struct Source<'a> {
    service: &'a MirrorService,
    url: String,
}

impl<'a> Source<'a> {
    fn of(service: &'a MirrorService, origin: &str) -> Result<Self, MirrorError> {
        let url = service.mirrored(origin).and_then(|mirrored| mirrored.log.url.clone());
        Ok(Self { service, url: url.ok_or_else(|| MirrorError::NoSource(origin.to_owned()))? })
    }

    async fn find(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        Ok(self.service.http().get(&format!("{}/{path}", self.url), limit).await?)
    }

    async fn get(&self, path: &str, limit: u64) -> Result<Vec<u8>, MirrorError> {
        let missing = || standstill_tlog::TlogError::Missing {
            path: format!("{}/{path}", self.url).into(),
            remedy: "the log does not serve it; ask its operator, or fetch from another mirror",
        };
        Ok(self.find(path, limit).await?.ok_or_else(missing)?)
    }

    /// A tile of a tree of `size`, from its partial or its full file.
    async fn tile(&self, kind: Kind, index: u64, size: u64, limit: u64) -> Result<(TileId, Vec<u8>), MirrorError> {
        let id = TileId::in_tree(kind, index, size)
            .ok_or(standstill_tlog::TlogError::Tile("the tile lies beyond the tree"))?;
        if let Some(bytes) = self.find(&id.to_string(), limit).await? {
            return Ok((id, bytes));
        }
        let full = id.full();
        Ok((full, self.get(&full.to_string(), limit).await?))
    }

    /// Leaf hashes `from..size`.
    async fn leaf_hashes(&self, from: u64, size: u64) -> Result<Vec<Hash>, MirrorError> {
        let mut leaves = Vec::new();
        if from >= size {
            return Ok(leaves);
        }
        for index in from / TILE_WIDTH..size.div_ceil(TILE_WIDTH) {
            let (id, bytes) = self.tile(Kind::Hashes(0), index, size, 32 * TILE_WIDTH).await?;
            let hashes = decode_hashes(&bytes, id.width)?;
            let base = index * TILE_WIDTH;
            let part = hashes.into_iter().zip(base..).filter(|(_, at)| (from..size).contains(at)).map(|(hash, _)| hash);
            leaves.extend(part);
        }
        Ok(leaves)
    }

    /// The entries of a range, which lies in one bundle.
    async fn entries(&self, range: &PackageRange, size: u64) -> Result<Vec<Vec<u8>>, MirrorError> {
        let (id, bytes) = self.tile(Kind::Entries, range.base / TILE_WIDTH, size, MAX_BUNDLE_BYTES as u64).await?;
        let entries = decode_bundle(&bytes, id.width)?;
        let part = entries.into_iter().zip(range.base..).filter(|(_, at)| range.entries.contains(at));
        Ok(part.map(|(entry, _)| entry.to_vec()).collect())
    }
}

/// Looks at every log that has a url, again and again, until `shutdown` resolves.
pub async fn run(service: Arc<MirrorService>, interval: Duration, shutdown: impl Future<Output = ()>) {
    tokio::pin!(shutdown);
    loop {
        let origins: Vec<String> = service.origins().map(str::to_owned).collect();
        for origin in origins.iter().filter(|origin| service.mirrored(origin).is_some_and(|m| m.log.url.is_some())) {
            tokio::select! {
                () = &mut shutdown => return,
                pulled = service.pull(origin) => match pulled {
                    Ok(pulled) => tracing::debug!(origin, size = pulled.size, fetched = pulled.fetched, "mirrored"),
                    Err(error) => tracing::warn!(origin, %error, "not mirrored"),
                },
            }
        }
        tokio::select! {
            () = &mut shutdown => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}
