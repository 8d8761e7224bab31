//! What can go wrong in a log, and what to do about it.

use crate::checkpoint::ForkEvidence;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Every failure of this crate. Messages name the log, party or file, and end with what to do next where the reader can do something.
#[derive(Debug, Error)]
pub enum TlogError {
    /// A Merkle proof does not hold.
    #[error("Merkle proof refused: {0}; ask the log for the proof again, and keep both copies if it persists")]
    Proof(&'static str),
    /// Bytes that should be a signed note are not one (C2SP signed-note).
    #[error("not a signed note: {0}")]
    Note(&'static str),
    /// A note carries no signature from any key that the reader trusts.
    #[error("no signature by a known key ({known}); the note must be ignored: check that the right key is configured")]
    NoKnownSignature {
        /// Names of the keys that were tried, comma separated.
        known: String,
    },
    /// A signature that names a known key does not verify; the whole note is refused.
    #[error("the signature by {name} does not verify; the note was changed or forged: fetch it again")]
    BadSignature {
        /// Key name on the signature line.
        name: String,
    },
    /// A verifier key or signer key text is malformed.
    #[error("key text refused: {0}")]
    Key(&'static str),
    /// The key exists but cannot be used for this purpose.
    #[error("key {name} has signature type 0x{found:02x}, but {wanted} is needed here")]
    KeyType {
        /// Key name.
        name: String,
        /// Type byte of the key.
        found: u8,
        /// What the place needs, in words.
        wanted: &'static str,
    },
    /// The text of a note is not a checkpoint (C2SP tlog-checkpoint).
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// The checkpoint belongs to another log.
    #[error("checkpoint of log {found}, but the log {expected} is wanted")]
    WrongOrigin {
        /// Origin that the reader asked for.
        expected: String,
        /// Origin line of the checkpoint.
        found: String,
    },
    /// A cosignature is malformed or its time is out of range (C2SP tlog-cosignature).
    #[error("cosignature refused: {0}")]
    Cosignature(&'static str),
    /// A policy file is malformed (C2SP tlog-policy).
    #[error("policy line {line}: {what}")]
    Policy {
        /// Line number, from 1.
        line: usize,
        /// What is wrong and what is expected.
        what: String,
    },
    /// Too few witnesses cosigned.
    #[error(
        "log {origin}, size {size}: the cosignatures do not satisfy the quorum of the policy; ask more witnesses to cosign"
    )]
    NoQuorum {
        /// Origin of the log.
        origin: String,
        /// Tree size of the checkpoint.
        size: u64,
    },
    /// A tile, entry bundle or tile path is malformed (C2SP tlog-tiles).
    #[error("tile refused: {0}")]
    Tile(&'static str),
    /// Bytes that should be a proof file are not one (C2SP tlog-proof).
    #[error("not a tlog proof: {0}")]
    ProofText(&'static str),
    /// Bytes that should be a certificate are not one (`docs/formats/certificate.md`).
    #[error("not a certificate: {0}")]
    Certificate(&'static str),
    /// A certificate is well formed but does not show what it claims.
    #[error("log {origin}: not proved: {what}")]
    NotProved {
        /// Origin of the log.
        origin: String,
        /// Why, and what would.
        what: String,
    },
    /// Bytes that should be a COSE receipt are not one (RFC 9942).
    #[error("not a receipt: {0}")]
    Receipt(&'static str),
    /// A request to a witness or mirror is malformed (C2SP tlog-witness, tlog-mirror).
    #[error("not such a request: {0}")]
    Request(&'static str),
    /// Input exceeds a limit of this reader.
    #[error("{what}: {found} exceeds the limit of {limit}; raise the limit if you trust the source")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// File or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that must be there is missing.
    #[error("{} is missing: {remedy}", path.display())]
    Missing {
        /// File or directory.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// There is a log or witness here already.
    #[error("{} already holds a log or witness; open it instead, or choose an empty directory", path.display())]
    AlreadyExists {
        /// Where.
        path: PathBuf,
    },
    /// Another process has this log or witness open.
    #[error("{} is in use by another process; a log has one writer: stop the other one, or find out who started it", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The stored state was signed by another key.
    #[error("the log at {} was signed by another key than {name}: give the key file that created it", path.display())]
    WrongKey {
        /// The log's directory.
        path: PathBuf,
        /// Key name that was offered.
        name: String,
    },
    /// Stored entries end before, or differ from, what this log has already signed.
    #[error(
        "log {origin} at {} has signed size {signed_size} but {what}: this looks like a restored older copy. Nothing was signed. \
         Fetch the missing entries from a mirror and put them back, or freeze this log and start a successor under a new key",
        path.display()
    )]
    RolledBack {
        /// Origin of the log.
        origin: String,
        /// The log's directory.
        path: PathBuf,
        /// Size of the last checkpoint known to be signed.
        signed_size: u64,
        /// How storage disagrees.
        what: String,
    },
    /// The last signed checkpoint changed under a running writer.
    #[error("the last signed checkpoint in {} was changed by another writer; stop both, then open the log again", path.display())]
    HeadMoved {
        /// The compare-and-swap cell.
        path: PathBuf,
    },
    /// The write-ahead file has a damaged batch with good ones after it.
    #[error(
        "{} is damaged at byte {offset} although later batches are whole: acknowledged entries would be lost, so the log does not \
         open. Restore this file from a backup taken after the damage's place was written, or from a mirror's entries",
        path.display()
    )]
    DamagedWal {
        /// The write-ahead file.
        path: PathBuf,
        /// Offset of the first damaged batch, in bytes.
        offset: u64,
    },
    /// An earlier write failed; what is on disk is unknown until the log is opened again.
    #[error("an earlier write to {} failed; close the log, make room or repair the disk, and open it again", path.display())]
    Poisoned {
        /// The log's directory.
        path: PathBuf,
    },
    /// Stored entries do not hash to the signed root.
    #[error(
        "log {origin}: the entries hash to another root than the checkpoint of size {size} says; the copy is damaged or forged"
    )]
    RootMismatch {
        /// Origin of the log.
        origin: String,
        /// Size of the checkpoint.
        size: u64,
    },
    /// A historic checkpoint contradicts the log's present entries: the log shows two histories.
    #[error(
        "log {origin} shows two histories: its signed checkpoint of size {size} is not a prefix of its present entries"
    )]
    HistoryMismatch {
        /// Origin of the log.
        origin: String,
        /// Size of the checkpoint that does not fit.
        size: u64,
    },
    /// A signed checkpoint is larger than the newest one in the copy.
    #[error(
        "log {origin} has signed size {size} but this copy ends at {newest}: entries are withheld or the copy is old; fetch a newer one"
    )]
    HistoryAhead {
        /// Origin of the log.
        origin: String,
        /// Size of the larger checkpoint.
        size: u64,
        /// Size of the newest checkpoint of the copy.
        newest: u64,
    },
    /// A witness saw two signed checkpoints that cannot both be true.
    #[error("log {} signed two different trees; keep both checkpoints, they are the evidence, and raise an alarm", .0.origin())]
    Fork(Box<ForkEvidence>),
    /// The request builds on another size than the witness has recorded (HTTP 409 of tlog-witness).
    #[error(
        "the witness has cosigned size {known_size} of this log, not the size given as old; send a proof from {known_size}"
    )]
    Conflict {
        /// Size of the last checkpoint that this witness cosigned, 0 for none.
        known_size: u64,
    },
    /// The witness's clock stands before its own last cosignature for this log.
    #[error("the clock says {now} but {origin} was already cosigned at {last}; set the clock right and ask again")]
    ClockWentBack {
        /// Origin of the log.
        origin: String,
        /// Time of the last cosignature, Unix seconds.
        last: u64,
        /// Time offered, Unix seconds.
        now: u64,
    },
    /// A witness met a valid cosignature of its own that its record does not know.
    #[error(
        "this witness already cosigned {origin} at size {size}, time {time}, but its record does not know it: the record was lost or \
         restored from a backup. Nothing is signed any more; start a new witness with a new key and name"
    )]
    OwnCosignatureAhead {
        /// Origin of the log.
        origin: String,
        /// Size of the checkpoint that carries the cosignature.
        size: u64,
        /// Time of the cosignature, Unix seconds.
        time: u64,
    },
    /// The system gave no randomness.
    #[error("the operating system gave no randomness; try again")]
    Randomness,
}

impl TlogError {
    /// Wraps a system error with the place and the attempted action.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
