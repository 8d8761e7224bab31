//! Tiles and bundles of a growing log, and reading them back.

use crate::store::{Store, StoreError};
use standstill_tlog::TlogError;
use standstill_tlog::merkle::{Hash, Tree};
use standstill_tlog::tile::{Kind, TILE_WIDTH, TileId, decode_bundle, encode_bundle, encode_hashes, new_tiles};

/// Entries from a multiple of 256 to the end of the log: what the next bundles are made of.
#[derive(Debug, Default)]
pub(super) struct Tail {
    start: u64,
    entries: Vec<Vec<u8>>,
}

impl Tail {
    /// Adds entries at the end.
    pub(super) fn extend(&mut self, entries: Vec<Vec<u8>>) {
        self.entries.extend(entries);
    }

    /// Drops entries whose full bundles are written.
    pub(super) fn drop_before(&mut self, size: u64) {
        let keep_from = size / TILE_WIDTH * TILE_WIDTH;
        let count = usize::try_from(keep_from.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.drain(..count);
        self.start += count as u64;
    }

    /// The last entry.
    pub(super) fn last(&self) -> Option<&Vec<u8>> {
        self.entries.last()
    }

    fn bundle(&self, id: TileId) -> Option<&[Vec<u8>]> {
        let start = usize::try_from((id.index * TILE_WIDTH).checked_sub(self.start)?).ok()?;
        self.entries.get(start..start + usize::from(id.width))
    }
}

/// Names and bytes of the tiles that a growth from `old` to `new` entries brings.
pub(super) fn grown(tree: &Tree, tail: &Tail, old: u64, new: u64) -> Result<Vec<(String, Vec<u8>)>, TlogError> {
    let bytes = |id: TileId| match id.kind {
        Kind::Entries => {
            encode_bundle(tail.bundle(id).ok_or(TlogError::Tile("the entries of a bundle are no longer in memory"))?)
        }
        Kind::Hashes(_) => {
            let hashes = hashes(tree, id).ok_or(TlogError::Tile("the tree is smaller than its tiles"))?;
            Ok(encode_hashes(&hashes))
        }
    };
    new_tiles(old, new).map(|id| Ok((id.to_string(), bytes(id)?))).collect()
}

/// Hashes of a hash tile.
pub(super) fn hashes(tree: &Tree, id: TileId) -> Option<Vec<Hash>> {
    let Kind::Hashes(level) = id.kind else { return None };
    let start = id.index.checked_mul(TILE_WIDTH)?;
    (start..start + u64::from(id.width)).map(|index| tree.node(8 * usize::from(level), index).copied()).collect()
}

/// Reads entries `0..count` from the store's bundles. Gives the tail, and tells `each` every entry.
pub(super) async fn load(store: &dyn Store, count: u64, mut each: impl FnMut(&[u8])) -> Result<Tail, StoreError> {
    let mut tail = Tail { start: count / TILE_WIDTH * TILE_WIDTH, entries: Vec::new() };
    for index in 0..count.div_ceil(TILE_WIDTH) {
        let Some(id) = TileId::in_tree(Kind::Entries, index, count) else { break };
        let entries = read_bundle(store, id).await?;
        entries.iter().for_each(|entry| each(entry));
        if id.is_partial() {
            tail.entries = entries;
        }
    }
    Ok(tail)
}

/// Reads a bundle; a partial one that is gone is the beginning of the full one.
pub(super) async fn read_bundle(store: &dyn Store, id: TileId) -> Result<Vec<Vec<u8>>, StoreError> {
    let (mut found, mut width) = (store.read(&id.to_string()).await?, id.width);
    if found.is_none() && id.is_partial() {
        (found, width) = (store.read(&id.full().to_string()).await?, 256);
    }
    let damaged = |problem: String| StoreError::Damaged { place: format!("{id} in {}", store.describe()), problem };
    let remedy = "fetch it again from a mirror, or freeze this log and start a successor under a new key";
    let bytes = found.ok_or_else(|| damaged(format!("it is missing; {remedy}")))?;
    let entries = decode_bundle(&bytes, width).map_err(|error| damaged(format!("{error}; {remedy}")))?;
    Ok(entries.into_iter().take(usize::from(id.width)).map(<[u8]>::to_vec).collect())
}
