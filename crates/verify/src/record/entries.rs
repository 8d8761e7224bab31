//! Reading entries from tiles, and holding each against the rules for statements.

use super::{Entry, Fault, Issuer, IssuerLog, heads};
use crate::bundle::Bundle;
use crate::verdict::EntryRef;
use rayon::prelude::*;
use standstill_statement::keyring::{MAX_KEYS, MAX_RETIRED, announced_key};
use standstill_statement::{Hash32, Keyring, PublicKey, Signed, decode_unverified, verify};
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::tile::{self, Kind, TileId};

/// Most heads that are tried, largest first, before the entries are given up as damaged.
const MAX_TRIES: usize = 8;

/// Reads all entries under the largest signed head that they hash to, then checks each.
pub(super) fn read(bundle: &Bundle, issuer: &Issuer<'_>, log: &mut IssuerLog) -> Result<(), String> {
    let mut first_failure = None;
    let candidates: Vec<(u64, [u8; 32])> =
        log.heads.iter().rev().take(MAX_TRIES).map(|head| (head.size, head.root)).collect();
    for (size, root) in candidates {
        match read_under(bundle, issuer, size, root) {
            Ok((raw, tree)) => {
                if let Some(why) = first_failure {
                    log.open_questions.push(format!("a larger head that the log signed cannot be followed: {why}"));
                    log.heads.retain(|head| head.size <= size);
                }
                log.tree = tree;
                heads::compare_with_tree(log);
                sort_entries(bundle, issuer, log, &raw);
                return Ok(());
            }
            Err(why) => first_failure = first_failure.or(Some(why)),
        }
    }
    first_failure.map_or(Ok(()), Err)
}

fn read_under(bundle: &Bundle, issuer: &Issuer<'_>, size: u64, root: [u8; 32]) -> Result<(Vec<Vec<u8>>, Tree), String> {
    if size > bundle.limits.log_entries {
        let limit = bundle.limits.log_entries;
        return Err(format!(
            "its head says {size} entries and this program reads at most {limit}; raise the limit if that is right"
        ));
    }
    let raw = read_tiles(bundle, issuer, size)?;
    let hashes: Vec<_> = raw.par_iter().map(|bytes| leaf_hash(bytes)).collect();
    let tree = Tree::from_leaves(&hashes);
    if tree.root() == root {
        return Ok((raw, tree));
    }
    Err(format!(
        "its {size} entries do not hash to the signed root {}…: they were damaged or replaced on the way; fetch the bundle again",
        Hash32(root).short()
    ))
}

fn read_tiles(bundle: &Bundle, issuer: &Issuer<'_>, size: u64) -> Result<Vec<Vec<u8>>, String> {
    let mut raw = Vec::new();
    let mut total_bytes = 0u64;
    for index in 0..size.div_ceil(tile::TILE_WIDTH) {
        let Some(id) = TileId::in_tree(Kind::Entries, index, size) else { break };
        let (bytes, width) = read_tile(bundle, issuer, id)?;
        total_bytes += bytes.len() as u64;
        if total_bytes > bundle.limits.log_bytes {
            return Err(format!(
                "its entries exceed {} bytes; raise the limit if that is right",
                bundle.limits.log_bytes
            ));
        }
        let split = tile::decode_bundle(&bytes, width).map_err(|error| format!("{id}: {error}"))?;
        raw.extend(split.into_iter().take(usize::from(id.width)).map(<[u8]>::to_vec));
    }
    Ok(raw)
}

/// A partial tile, or the full one in its place (C2SP tlog-tiles allows a log to drop partial tiles once the full one exists).
fn read_tile(bundle: &Bundle, issuer: &Issuer<'_>, id: TileId) -> Result<(Vec<u8>, u16), String> {
    for candidate in [id, id.full()] {
        let path = format!("logs/{}/{}", issuer.id, candidate);
        let found = bundle.source.read(&path, tile::MAX_BUNDLE_BYTES as u64).map_err(|error| error.to_string())?;
        if let Some(bytes) = found {
            return Ok((bytes, candidate.width));
        }
    }
    Err(format!("{id} is not in the bundle; ask {} for its log, or fetch the bundle again", issuer.id))
}

/// What one entry is.
enum Sorted {
    Good(Box<Signed>),
    Breach(String),
    Foreign(String),
}

fn sort_entries(bundle: &Bundle, issuer: &Issuer<'_>, log: &mut IssuerLog, raw: &[Vec<u8>]) {
    // Signatures are checked on all threads under every key that the log ever names; whether that key was in force then is decided in order.
    let announced = raw.iter().filter_map(|bytes| announced_key(bytes)).take(MAX_KEYS + MAX_RETIRED);
    let keys: Vec<PublicKey> = issuer.keys.iter().copied().chain(announced).collect();
    let sorted: Vec<Sorted> = raw.par_iter().map(|bytes| sort_one(bundle, issuer, &keys, bytes)).collect();
    let mut keyring = Keyring::new(issuer.keys);
    let mut previous = None;
    for (index, (bytes, sorted)) in raw.iter().zip(sorted).enumerate() {
        let index = index as u64;
        let hash = Hash32::of(bytes);
        let here = EntryRef { issuer: issuer.id.clone(), index, statement: hash };
        match sorted {
            Sorted::Good(signed) => {
                if let Err(error) = keyring.admit(&signed) {
                    log.breaches.push(Fault { words: format!("entry {index}: {error}"), entries: vec![here] });
                    previous = Some(hash);
                    continue;
                }
                if let Some(words) = chain_fault(&signed, index, previous) {
                    log.breaches.push(Fault { words: format!("entry {index} {words}"), entries: vec![here] });
                }
                log.entries.push(Entry { index, signed: *signed });
            }
            Sorted::Breach(why) => {
                log.breaches.push(Fault { words: format!("entry {index}: {why}"), entries: vec![here] });
            }
            Sorted::Foreign(why) => {
                log.foreign.push(Fault { words: format!("entry {index} {why}"), entries: vec![here] });
            }
        }
        previous = Some(hash);
    }
}

/// The agreement id is looked at before the signature: with altered terms in the bundle every key may be wrong, and that proves
/// nothing against the issuer.
fn sort_one(bundle: &Bundle, issuer: &Issuer<'_>, keys: &[PublicKey], bytes: &[u8]) -> Sorted {
    let claimed = match decode_unverified(bytes) {
        Ok(statement) => statement.header,
        Err(error) => return Sorted::Breach(error.to_string()),
    };
    if claimed.agreement != bundle.agreement_id {
        return Sorted::Foreign(format!("is under agreement {}…, not under these terms", claimed.agreement.short()));
    }
    if claimed.issuer != *issuer.id {
        return Sorted::Breach(format!("it is from '{}', who has no business in this log", claimed.issuer));
    }
    match verify(bytes, keys) {
        Ok(signed) => Sorted::Good(Box::new(signed)),
        Err(error) => Sorted::Breach(error.to_string()),
    }
}

fn chain_fault(signed: &Signed, index: u64, previous: Option<Hash32>) -> Option<String> {
    let header = &signed.statement.header;
    if header.sequence != index {
        return Some(format!("has sequence {}; statements must be numbered as they are logged", header.sequence));
    }
    (header.previous != previous)
        .then(|| "does not name the statement before it: the issuer keeps a second history".to_owned())
}
