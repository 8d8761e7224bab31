//! What makes a statement fit to be the next entry: who signed it, under which agreement, where in the chain, what it refers to.

use super::Refusal;
use super::setup::Setup;
use standstill_statement::{BlobRef, Body, Keyring, MAX_STATEMENT_BYTES, PublicKey, Signed, StatementError, verify};
use standstill_tlog::merkle::{Hash, leaf_hash};

/// A statement that is in order by itself; its place in the chain is checked when it gets its index.
#[derive(Debug)]
pub(super) struct Checked {
    /// The envelope.
    pub(super) bytes: Vec<u8>,
    /// Its place in the chain, which is its index in the log.
    pub(super) sequence: u64,
    /// Hash of the statement before it.
    pub(super) previous: Option<Hash>,
    /// Its own hash.
    pub(super) hash: Hash,
    /// Its leaf hash in the tree.
    pub(super) leaf: Hash,
    /// Blobs that the log must hold before it.
    pub(super) blobs: Vec<BlobRef>,
    /// Whether it is the last entry that this log takes.
    pub(super) closes: bool,
    /// The key that signed it; whether that key is in force is checked when it gets its index.
    pub(super) key: PublicKey,
    /// The statement itself when it changes the keys in force.
    pub(super) rotation: Option<Box<Signed>>,
}

impl Checked {
    /// Whether its key may sign here, and what follows from it for the keys.
    pub(super) fn turn(&self, keyring: &mut Keyring) -> Result<(), Refusal> {
        let admitted = match &self.rotation {
            Some(signed) => keyring.admit(signed),
            None => keyring.check(&self.key),
        };
        admitted.map_err(|error| refused(&error))
    }
}

/// Verifies a statement: form, strict signature by one of the party's keys (a retired one may have signed what is in the log already),
/// agreement and issuer.
pub(super) fn check(bytes: Vec<u8>, setup: &Setup, keys: &[PublicKey]) -> Result<Checked, Refusal> {
    if bytes.len() > MAX_STATEMENT_BYTES {
        return Err(too_long());
    }
    let signed = verify(&bytes, keys).map_err(|error| refused(&error))?;
    signed.expect(&setup.agreement, &setup.issuer).map_err(|error| refused(&error))?;
    let leaf = leaf_hash(&bytes);
    let rotation = matches!(signed.statement.body, Body::Rotation(_)).then(|| Box::new(signed.clone()));
    let Signed { statement, hash, key, .. } = signed;
    Ok(Checked {
        key,
        rotation,
        sequence: statement.header.sequence,
        previous: statement.header.previous.map(|hash| hash.0),
        hash: hash.0,
        leaf,
        blobs: statement.body.blobs(),
        closes: closes(&statement.body),
        bytes,
    })
}

/// The refusal of a body above the limit.
pub(super) fn too_long() -> Refusal {
    let message = format!(
        "a statement has at most {MAX_STATEMENT_BYTES} bytes; move the large part to a blob (PUT /blob/<sha256>)"
    );
    Refusal::new(413, message)
}

fn refused(error: &StatementError) -> Refusal {
    let status = match error {
        StatementError::TooLong { .. } => 413,
        StatementError::UnknownKey { .. }
        | StatementError::Retired { .. }
        | StatementError::Signature { .. }
        | StatementError::Unexpected { .. } => 403,
        _ => 400,
    };
    Refusal::new(status, error.to_string())
}

/// Whether nothing may follow a statement in its log.
pub(super) fn closes(body: &Body) -> bool {
    matches!(body, Body::Freeze(_))
}
