//! Certificates about time, verifiable offline from the witness policy and the log's key.
//!
//! | certificate | what it shows | what it rests on |
//! |---|---|---|
//! | [`PublishedCertificate`] | an entry was public by `D` | a checkpoint that covers it, cosigned by the policy's full quorum at times `<= D` |
//! | [`AbsenceCertificate`] | no such entry was public by `D` | a checkpoint that covers none, cosigned by the full quorum at times `> D` |
//! | [`PublishedCertificate::existed_by`] | an entry existed by `T` | one cosignature more than there are faulty witnesses, at times `<= T` |
//!
//! The first two exclude each other for the same entry and `D` as long as fewer witnesses are faulty than any two quorums share
//! ([`crate::policy::Policy::faults_to_split`]): the quorums then share an honest witness, whose clock does not run backwards, so it cosigned the larger
//! tree first and would not have cosigned the other one afterwards. Nothing here needs the log's help: anyone may hand its last
//! checkpoint to the witnesses again. `docs/formats/certificate.md` has the bytes; `tests/exclusion.rs` tries every placement.

mod absence;
mod published;
#[cfg(test)]
mod tests;

pub use absence::{AbsenceCertificate, Absent, Claim, MAX_QUESTION_BYTES};
pub use published::{Published, PublishedCertificate};

use crate::TlogError;
use crate::checkpoint::SignedCheckpoint;
use crate::key::VerifierKey;
use crate::note::Note;
use crate::policy::{Evaluation, Policy};

/// Reads a certificate's checkpoint: signed by the log, and judged by a policy that asks for somebody.
fn judge(note: &Note, log: &VerifierKey, policy: &Policy) -> Result<(SignedCheckpoint, Evaluation), TlogError> {
    let signed = SignedCheckpoint::parse(&note.to_bytes(), log)?;
    if policy.is_quorum_none() {
        let what = "the policy says `quorum none`, and without witnesses nothing follows about time".to_owned();
        return Err(TlogError::NotProved { origin: log.name().to_owned(), what });
    }
    let evaluation = policy.evaluate(note)?;
    Ok((signed, evaluation))
}
