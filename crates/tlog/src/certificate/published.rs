//! "Public by `D`": an entry, its inclusion proof, and a checkpoint that a full quorum cosigned by then.
//!
//! The file is a C2SP tlog-proof, so every reader of those can check the inclusion; its `extra` line carries what this certificate adds:
//! `standstill/1/published\n ‖ deadline: u64 big-endian ‖ entry`.

use super::judge;
use crate::TlogError;
use crate::key::VerifierKey;
use crate::note::check_limit;
use crate::policy::Policy;
use crate::proof::LogProof;
use crate::tile::MAX_ENTRY_BYTES;

/// What the `extra` data starts with.
const LABEL: &[u8] = b"standstill/1/published\n";

/// A claim that an entry was public by a deadline. Nothing in it may be believed before [`PublishedCertificate::verify`] succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCertificate {
    /// The deadline `D`, Unix seconds.
    pub deadline_unix_seconds: u64,
    /// The entry.
    pub entry: Vec<u8>,
    /// Where it is, and under which checkpoint. Its `extra` is not used; the file's is made from the fields above.
    pub proof: LogProof,
}

/// What a verified certificate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Index of the entry in the log, from 0.
    pub index: u64,
    /// Entries under the checkpoint.
    pub size: u64,
    /// Time at which a full quorum had cosigned it, Unix seconds; not after the deadline.
    pub by_unix_seconds: u64,
}

impl PublishedCertificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`TlogError::Certificate`] when the proof carries no deadline and entry, and those of [`LogProof::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogError> {
        let mut proof = LogProof::parse(bytes)?;
        let extra = proof.extra.take().unwrap_or_default();
        let missing = || TlogError::Certificate("the proof's extra data is not standstill/1/published with a deadline");
        let rest = extra.strip_prefix(LABEL).ok_or_else(missing)?;
        let (deadline, entry) = rest.split_first_chunk::<8>().ok_or_else(missing)?;
        let deadline_unix_seconds = u64::from_be_bytes(*deadline);
        if deadline_unix_seconds > i64::MAX as u64 {
            return Err(TlogError::Certificate("its deadline is beyond 2^63-1"));
        }
        check_limit("entry bytes", entry.len(), MAX_ENTRY_BYTES)?;
        Ok(Self { deadline_unix_seconds, entry: entry.to_vec(), proof })
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let extra = [LABEL, &self.deadline_unix_seconds.to_be_bytes(), &self.entry].concat();
        LogProof { extra: Some(extra), ..self.proof.clone() }.to_string().into_bytes()
    }

    /// Checks everything: the log signed the checkpoint, the entry is under it, and a full quorum cosigned it by the deadline.
    ///
    /// # Errors
    /// [`TlogError::NotProved`] with the reason, [`TlogError::Proof`] when the entry is not there, and the errors of
    /// [`crate::checkpoint::SignedCheckpoint::parse`] and [`Policy::evaluate`].
    pub fn verify(&self, log: &VerifierKey, policy: &Policy) -> Result<Published, TlogError> {
        let (signed, evaluation) = judge(&self.proof.checkpoint, log, policy)?;
        self.proof.verify_inclusion(&self.entry, signed.checkpoint())?;
        let (size, deadline) = (signed.checkpoint().size, self.deadline_unix_seconds);
        let by = evaluation.quorum_time.filter(|by| *by <= deadline).ok_or_else(|| TlogError::NotProved {
            origin: log.name().to_owned(),
            what: format!("no full quorum had cosigned size {size} by {deadline}; use the checkpoint with the earliest cosignatures"),
        })?;
        Ok(Published { index: self.proof.index, size, by_unix_seconds: by })
    }

    /// Earliest time by which the entry existed for sure when at most `faulty` witnesses lie (Unix seconds): one honest witness
    /// at least had cosigned it then. Weaker than being published: it does not exclude an [`super::AbsenceCertificate`].
    ///
    /// # Errors
    /// As [`PublishedCertificate::verify`], with [`TlogError::NotProved`] when no more than `faulty` witnesses cosigned.
    pub fn existed_by(&self, log: &VerifierKey, policy: &Policy, faulty: usize) -> Result<u64, TlogError> {
        let (signed, evaluation) = judge(&self.proof.checkpoint, log, policy)?;
        self.proof.verify_inclusion(&self.entry, signed.checkpoint())?;
        let mut first: Vec<u64> = evaluation.times_unix_seconds.iter().flatten().map(|(first, _)| *first).collect();
        first.sort_unstable();
        first.get(faulty).copied().ok_or_else(|| TlogError::NotProved {
            origin: log.name().to_owned(),
            what: format!("{} witnesses cosigned, and more than {faulty} are needed", first.len()),
        })
    }
}
