//! Opening a log: everything is believed from entries only, and nothing goes on that does not extend what was signed.

use super::chain;
use super::setup::Setup;
use super::tiles::{self, Tail};
use crate::error::NodeError;
use crate::store::{Recovered, StoredHead};
use standstill_statement::keyring::may_be_rotation;
use standstill_statement::{Body, Hash32, Keyring, Statement, decode_unverified};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::merkle::{EMPTY_ROOT, Hash, Tree, leaf_hash};
use standstill_tlog::note::NoteSignature;
use std::path::PathBuf;

/// A log as it was found.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) tree: Tree,
    pub(super) tail: Tail,
    /// Hash of the last statement.
    pub(super) last: Option<Hash>,
    /// Whether the last statement closed the log.
    pub(super) closed: bool,
    /// Keys that may sign the next statement.
    pub(super) keyring: Keyring,
    pub(super) stored_head: StoredHead,
    pub(super) head: SignedCheckpoint,
    /// The newest checkpoint with a quorum, as it was public.
    pub(super) public: Option<SignedCheckpoint>,
    /// The same with the earliest cosignature of each witness.
    pub(super) earliest: Option<SignedCheckpoint>,
}

/// Reads everything back, checks it and repairs what a crash left.
pub(super) async fn restore(setup: &Setup) -> Result<Restored, NodeError> {
    let store = setup.store.as_ref();
    let Recovered { head, base, staged } = store.recover().await?;
    let (stored_head, head) = match head {
        Some(stored) => {
            let signed = parse_head(&stored.checkpoint, setup)?;
            (stored, signed)
        }
        None => begin(setup, base, &staged).await?,
    };
    let mut tree = Tree::new();
    let mut last = None;
    let mut keys = Keys { keyring: Keyring::new(&setup.statement_keys), problem: None };
    let mut tail = tiles::load(store, base, |entry| {
        keys.follow(tree.size(), entry);
        tree.push(leaf_hash(entry));
        last = Some(Hash32::of(entry).0);
    })
    .await?;
    for entry in &staged {
        keys.follow(tree.size(), entry);
        tree.push(leaf_hash(entry));
    }
    let keyring = keys.done(setup)?;
    last = staged.last().map_or(last, |entry| Some(Hash32::of(entry).0));
    tail.extend(staged);
    let public = check_not_rolled_back(setup, &tree, &head).await?;
    let earliest = earliest(setup, public.as_ref()).await?;
    // Whatever was not durable is written again, from entries that were just hashed to the signed root.
    let size = head.checkpoint().size;
    store.write_tiles(tiles::grown(&tree, &tail, base.min(size), size)?).await?;
    store.publish("uncosigned-checkpoint", &head.to_bytes()).await?;
    let closed = closes(&tail, store, tree.size()).await?;
    tail.drop_before(size);
    Ok(Restored { tree, tail, last, closed, keyring, stored_head, head, public, earliest })
}

/// The lasting copy of the public checkpoint. It is written after the public one, so that a crash may have left it out.
async fn earliest(setup: &Setup, public: Option<&SignedCheckpoint>) -> Result<Option<SignedCheckpoint>, NodeError> {
    let Some(public) = public else { return Ok(None) };
    let place = format!("checkpoints/{}", public.checkpoint().size);
    let Some(bytes) = setup.store.read(&place).await? else {
        setup.store.publish(&place, &public.to_bytes()).await?;
        return Ok(Some(public.clone()));
    };
    // A damaged one is for fsck to tell, and is replaced by the next cosignature.
    Ok(parse_head(&bytes, setup).ok().filter(|kept| kept.note().text() == public.note().text()))
}

/// The keys in force, followed through the entries.
struct Keys {
    keyring: Keyring,
    problem: Option<String>,
}

impl Keys {
    fn follow(&mut self, index: u64, entry: &[u8]) {
        if self.problem.is_some() || !may_be_rotation(entry) {
            return;
        }
        let rotation = |statement: &Statement| matches!(statement.body, Body::Rotation(_));
        if decode_unverified(entry).is_ok_and(|statement| rotation(&statement))
            && let Err(error) = self.keyring.verify_next(entry)
        {
            self.problem = Some(format!("entry {index} rotates keys, but {error}"));
        }
    }

    fn done(self, setup: &Setup) -> Result<Keyring, NodeError> {
        let Some(problem) = self.problem else { return Ok(self.keyring) };
        Err(NodeError::Broken(format!(
            "{}: {problem}. The log must be given the terms under which it was begun",
            setup.store.describe()
        )))
    }
}

/// Signs the empty tree, which every later tree extends: harmless even if this key has signed before.
async fn begin(setup: &Setup, base: u64, staged: &[Vec<u8>]) -> Result<(StoredHead, SignedCheckpoint), NodeError> {
    let public = setup.store.read("checkpoint").await?.is_some();
    if public || base > 0 || !staged.is_empty() {
        return Err(TlogError::Missing {
            path: PathBuf::from(format!("the last signed checkpoint of {}", setup.origin())),
            remedy: "the store holds entries, but not what was signed last, so nothing may be signed: give the head directory that this \
                     log was created with, or freeze it and start a successor under a new key",
        }
        .into());
    }
    let signed_unix_seconds = setup.clock.unix_seconds();
    let head = setup.sign(&Checkpoint::new(setup.origin(), 0, EMPTY_ROOT), signed_unix_seconds)?;
    let stored = StoredHead { checkpoint: head.to_bytes(), signed_unix_seconds };
    setup.store.swap_head(None, &stored).await?;
    Ok((stored, head))
}

fn parse_head(bytes: &[u8], setup: &Setup) -> Result<SignedCheckpoint, TlogError> {
    let wrong_key =
        || TlogError::WrongKey { path: PathBuf::from(setup.store.describe()), name: setup.origin().to_owned() };
    let keys = setup.log_keys();
    let signed = SignedCheckpoint::parse_for_keys(bytes, setup.origin(), &keys).map_err(|error| match error {
        TlogError::NoKnownSignature { .. } | TlogError::WrongOrigin { .. } => wrong_key(),
        other => other,
    })?;
    // A lost post-quantum key must not be replaced unnoticed: readers who know the old one would be without its line.
    let own = |line: &NoteSignature| line.name == setup.origin() && !keys.iter().any(|key| key.matches(line));
    if setup.second_signer.is_some() && signed.note().signatures().iter().any(own) {
        return Err(wrong_key());
    }
    Ok(signed)
}

/// Refuses a log that does not extend everything that is known to have been signed. Gives the public checkpoint.
async fn check_not_rolled_back(
    setup: &Setup,
    tree: &Tree,
    head: &SignedCheckpoint,
) -> Result<Option<SignedCheckpoint>, NodeError> {
    check_extends(setup, tree, head, "the head cell")?;
    let mut public = None;
    for name in ["uncosigned-checkpoint", "checkpoint"] {
        public = match setup.store.read(name).await? {
            None => None,
            Some(bytes) => {
                let signed = parse_head(&bytes, setup)?;
                check_signed_before(setup, tree, head, &signed, "a public checkpoint")?;
                Some(signed)
            }
        };
    }
    for bytes in &setup.seen {
        check_signed_before(setup, tree, head, &parse_head(bytes, setup)?, "a checkpoint that others hold")?;
    }
    Ok(public)
}

/// A checkpoint with our signature must be one that the head cell knows of: not larger than the head, and of the same history.
pub(super) fn check_signed_before(
    setup: &Setup,
    tree: &Tree,
    head: &SignedCheckpoint,
    signed: &SignedCheckpoint,
    source: &str,
) -> Result<(), TlogError> {
    let (size, known) = (signed.checkpoint().size, head.checkpoint().size);
    if size > known {
        return Err(rolled_back(setup, size, format!("the head cell stands at {known} ({source} is newer)")));
    }
    check_extends(setup, tree, signed, source)
}

fn check_extends(setup: &Setup, tree: &Tree, signed: &SignedCheckpoint, source: &str) -> Result<(), TlogError> {
    let Checkpoint { size, root, .. } = signed.checkpoint();
    match tree.root_at(*size) {
        None => Err(rolled_back(setup, *size, format!("only {} entries are stored ({source})", tree.size()))),
        Some(found) if found != *root => {
            Err(rolled_back(setup, *size, format!("the stored entries are others ({source})")))
        }
        Some(_) => Ok(()),
    }
}

fn rolled_back(setup: &Setup, signed_size: u64, what: String) -> TlogError {
    TlogError::RolledBack {
        origin: setup.origin().to_owned(),
        path: PathBuf::from(setup.store.describe()),
        signed_size,
        what,
    }
}

/// Whether the last entry ends the log.
async fn closes(tail: &Tail, store: &dyn crate::store::Store, size: u64) -> Result<bool, NodeError> {
    use standstill_tlog::tile::{Kind, TILE_WIDTH, TileId};
    let stored;
    let last = match (tail.last(), size.checked_sub(1)) {
        (Some(entry), _) => Some(entry),
        (None, Some(index)) => {
            let id = TileId { kind: Kind::Entries, index: index / TILE_WIDTH, width: 256 };
            stored = tiles::read_bundle(store, id).await?;
            stored.last()
        }
        (None, None) => None,
    };
    Ok(last.and_then(|entry| decode_unverified(entry).ok()).is_some_and(|statement| chain::closes(&statement.body)))
}
