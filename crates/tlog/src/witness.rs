//! The rules of a C2SP tlog-witness, kept in files: it cosigns only what extends everything it has cosigned before.
//!
//! Beyond the specification: timestamps never decrease per origin (an absence proof rests on that), every cosigned checkpoint is
//! kept whole as evidence, and a log that signs two trees of one size gets both of its checkpoints stored and returned as an alarm.
//!
//! ```text
//! <dir>/lock
//! <dir>/<sha256hex(origin)>/checkpoint            latest cosigned checkpoint: log signature and our cosignature
//! <dir>/<sha256hex(origin)>/checkpoints/<size>    every cosigned checkpoint, with our first cosignature of that size
//! <dir>/<sha256hex(origin)>/conflicts/<size>.note two contradicting checkpoints, `---` between
//! ```

mod request;
pub mod rules;
#[cfg(test)]
mod tests;

pub use crate::TlogError as WitnessError;
pub use request::{AddCheckpoint, SignSubtree, http_status};

use crate::TlogError;
use crate::checkpoint::{ForkEvidence, SignedCheckpoint};
use crate::cosignature;
use crate::durable::{DirectoryLock, create_directory, lock, read_limited, write_atomic};
use crate::merkle::{Hash, MAX_PROOF_HASHES};
use crate::note::{KeyType, MAX_NOTE_BYTES, NoteSigner, VerifierKey, check_limit};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// SHA-256 of an origin; names a log's state here and in the monitoring interface of tlog-witness.
#[must_use]
pub fn origin_hash(origin: &str) -> Hash {
    Sha256::digest(origin.as_bytes()).into()
}

/// A witness with its state on disk. At most one is open for a directory at any time.
#[derive(Debug)]
pub struct FileWitness {
    directory: PathBuf,
    signer: NoteSigner,
    _lock: DirectoryLock,
}

/// What the witness last cosigned for a log.
struct State {
    signed: SignedCheckpoint,
    time_unix_seconds: u64,
}

impl State {
    fn recorded(&self) -> rules::Recorded {
        let head = self.signed.checkpoint();
        rules::Recorded { size: head.size, root: head.root, time_unix_seconds: self.time_unix_seconds }
    }
}

impl FileWitness {
    /// Starts a witness in an empty directory.
    ///
    /// # Errors
    /// [`TlogError::AlreadyExists`] when there is a witness already, [`TlogError::KeyType`] when the key is not of type 0x04.
    pub fn create(directory: &Path, signer: &NoteSigner) -> Result<Self, TlogError> {
        if directory.join("key").exists() {
            return Err(TlogError::AlreadyExists { path: directory.to_owned() });
        }
        signer.require(KeyType::CosignatureV1)?;
        create_directory(directory)?;
        let lock = lock(&directory.join("lock"))?;
        write_atomic(&directory.join("key"), format!("{}\n", signer.verifier()).as_bytes())?;
        Ok(Self { directory: directory.to_owned(), signer: signer.clone(), _lock: lock })
    }

    /// Opens a witness again. Only the key that started it may go on: its state says what that key must never contradict.
    ///
    /// # Errors
    /// [`TlogError::Missing`], [`TlogError::WrongKey`], [`TlogError::Locked`].
    pub fn open(directory: &Path, signer: &NoteSigner) -> Result<Self, TlogError> {
        let key_path = directory.join("key");
        let Some(key) = read_limited(&key_path, "key bytes", 4096)? else {
            let remedy = "there is no witness here; a witness whose state is lost must take a new key, not start again under the old one";
            return Err(TlogError::Missing { path: key_path, remedy });
        };
        if key != format!("{}\n", signer.verifier()).as_bytes() {
            return Err(TlogError::WrongKey { path: directory.to_owned(), name: signer.verifier().name().to_owned() });
        }
        let lock = lock(&directory.join("lock"))?;
        Ok(Self { directory: directory.to_owned(), signer: signer.clone(), _lock: lock })
    }

    /// The witness's public key.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.signer.verifier()
    }

    /// The latest cosigned checkpoint of a log, as the monitoring interface serves it; `None` when there is none.
    ///
    /// # Errors
    /// [`TlogError::Io`], or what is wrong with the stored file.
    pub fn latest(&self, origin: &str) -> Result<Option<Vec<u8>>, TlogError> {
        read_limited(&self.state_directory(origin).join("checkpoint"), "checkpoint bytes", MAX_NOTE_BYTES as u64)
    }

    /// Size that this witness last cosigned for the log, 0 for none: the `old_size` of the next request.
    ///
    /// # Errors
    /// As [`FileWitness::latest`].
    pub fn known_size(&self, log: &VerifierKey) -> Result<u64, TlogError> {
        Ok(self.state(log.name(), log)?.map_or(0, |state| state.signed.checkpoint().size))
    }

    /// Cosigns a checkpoint: gives the signature line (with newline). The state is on disk before this returns.
    ///
    /// `now_unix_seconds` is the caller's clock; `old_size` the size that `proof` starts from and must be the size last cosigned.
    ///
    /// # Errors
    /// [`TlogError::NoKnownSignature`], [`TlogError::BadSignature`] (403); [`TlogError::Conflict`] (409); [`TlogError::Proof`] (422);
    /// [`TlogError::Fork`] with both checkpoints, stored as evidence; [`TlogError::ClockWentBack`]. Nothing is cosigned then.
    pub fn cosign(
        &mut self,
        now_unix_seconds: u64,
        old_size: u64,
        proof: &[Hash],
        checkpoint_note: &[u8],
        log: &VerifierKey,
    ) -> Result<String, TlogError> {
        self.cosign_for_origin(now_unix_seconds, old_size, proof, checkpoint_note, log.name(), log)
    }

    /// As [`FileWitness::cosign`], for a log whose key name differs from its origin.
    ///
    /// # Errors
    /// As [`FileWitness::cosign`].
    pub fn cosign_for_origin(
        &mut self,
        now_unix_seconds: u64,
        old_size: u64,
        proof: &[Hash],
        checkpoint_note: &[u8],
        origin: &str,
        log: &VerifierKey,
    ) -> Result<String, TlogError> {
        check_limit("proof hashes", proof.len(), MAX_PROOF_HASHES)?;
        let submitted = SignedCheckpoint::parse_for_origin(checkpoint_note, origin, log)?;
        if old_size > submitted.checkpoint().size {
            return Err(TlogError::Request("the old size is larger than the checkpoint"));
        }
        self.check_no_fork(&submitted, origin, log)?;
        let recorded = self.state(origin, log)?.map(|state| state.recorded());
        rules::decide(recorded.as_ref(), old_size, proof, submitted.checkpoint(), now_unix_seconds)?;
        let line = format!("{}\n", cosignature::sign(&self.signer, now_unix_seconds, submitted.note().text())?);
        self.persist(origin, &submitted, &line)?;
        Ok(line)
    }

    /// Compares with what was cosigned at the same size; a contradiction is stored before it is reported.
    fn check_no_fork(&self, submitted: &SignedCheckpoint, origin: &str, log: &VerifierKey) -> Result<(), TlogError> {
        let size = submitted.checkpoint().size;
        let directory = self.state_directory(origin);
        let candidates = [directory.join("checkpoints").join(size.to_string()), directory.join("checkpoint")];
        for path in candidates {
            let Some(known) = self.read_signed(&path, origin, log)? else { continue };
            if let Some(evidence) = ForkEvidence::new(known, submitted.clone()) {
                let conflicts = directory.join("conflicts");
                create_directory(&conflicts)?;
                write_atomic(&conflicts.join(format!("{size}.note")), &evidence.to_bytes())?;
                return Err(TlogError::Fork(Box::new(evidence)));
            }
        }
        Ok(())
    }

    /// Writes the evidence copy, then the state that decides what may be cosigned next.
    fn persist(&self, origin: &str, submitted: &SignedCheckpoint, line: &str) -> Result<(), TlogError> {
        let directory = self.state_directory(origin);
        create_directory(&directory.join("checkpoints"))?;
        let mut kept = submitted.clone();
        // Lines of others are dropped: they are unverified here, and would let anyone grow the state.
        kept.retain_log_lines();
        let bytes = kept.with_lines(line)?.to_bytes();
        let copy = directory.join("checkpoints").join(submitted.checkpoint().size.to_string());
        if !copy.exists() {
            write_atomic(&copy, &bytes)?;
        }
        write_atomic(&directory.join("checkpoint"), &bytes)
    }

    fn state(&self, origin: &str, log: &VerifierKey) -> Result<Option<State>, TlogError> {
        let path = self.state_directory(origin).join("checkpoint");
        let Some(signed) = self.read_signed(&path, origin, log)? else { return Ok(None) };
        let own = signed.note().verify(std::slice::from_ref(self.signer.verifier()))?;
        let time_unix_seconds = own.iter().map(|verified| verified.time_unix_seconds).max().unwrap_or(0);
        Ok(Some(State { signed, time_unix_seconds }))
    }

    fn read_signed(&self, path: &Path, origin: &str, log: &VerifierKey) -> Result<Option<SignedCheckpoint>, TlogError> {
        let bytes = read_limited(path, "checkpoint bytes", MAX_NOTE_BYTES as u64)?;
        bytes.map(|bytes| SignedCheckpoint::parse_for_origin(&bytes, origin, log)).transpose()
    }

    fn state_directory(&self, origin: &str) -> PathBuf {
        self.directory.join(hex::encode(origin_hash(origin)))
    }
}
