//! Certificates and proofs from a verified copy. What is made here is checked before it is given out.

use super::ClientError;
use super::copy::LogCopy;
use super::question::{Question, Speaker};
use standstill_statement::Keyring;
use standstill_tlog::certificate::{AbsenceCertificate, Absent, Claim, Published, PublishedCertificate};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::merkle::Hash;
use standstill_tlog::policy::Policy;
use standstill_tlog::proof::LogProof;
use std::cell::RefCell;

/// What an absence certificate is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing beyond what the checkpoint covers.
    Beyond,
    /// Not the entry with this leaf hash.
    Entry(Hash),
    /// Nothing that answers a question.
    Answer(Question),
}

/// A certificate that an entry was public by a deadline, under the kept checkpoint that a quorum cosigned first.
///
/// # Errors
/// [`standstill_tlog::TlogError::NotProved`] when no kept checkpoint shows it; it may have been public all the same.
pub fn published(
    copy: &LogCopy,
    policy: &Policy,
    index: u64,
    deadline_unix_seconds: u64,
) -> Result<(PublishedCertificate, Published), ClientError> {
    let mut best: Option<(u64, SignedCheckpoint)> = None;
    for size in copy.seen_sizes().into_iter().filter(|size| *size > index) {
        let Some(signed) = copy.seen(size)? else { continue };
        if let Some(time) =
            policy.quorum_time(signed.note()).filter(|time| best.as_ref().is_none_or(|(known, _)| time < known))
        {
            best = Some((time, signed));
        }
    }
    let nothing = || standstill_tlog::TlogError::NotProved {
        origin: copy.key().name().to_owned(),
        what: format!("no checkpoint that covers entry {index} and has a full quorum is at hand"),
    };
    let (_, signed) = best.ok_or_else(nothing)?;
    let proof = proof_under(copy, index, &signed)?;
    let entry = copy.entries(index)?.into_iter().next().unwrap_or_default();
    let certificate = PublishedCertificate { deadline_unix_seconds, entry, proof };
    let shown = certificate.verify(copy.key(), policy)?;
    Ok((certificate, shown))
}

/// An absence certificate under the kept checkpoint that still had a quorum after the deadline and covers the most.
///
/// # Errors
/// [`standstill_tlog::TlogError::NotProved`] when no checkpoint at hand was cosigned late enough (see [`super::refresh`]), or when the thing is there.
pub fn absent(
    copy: &LogCopy,
    policy: &Policy,
    speaker: &Speaker,
    absence: &Absence,
    deadline_unix_seconds: u64,
) -> Result<(AbsenceCertificate, Absent), ClientError> {
    let (size, checkpoint) = late_checkpoint(copy, policy, deadline_unix_seconds)?;
    let count = usize::try_from(size).unwrap_or(usize::MAX);
    let claim = match absence {
        Absence::Beyond => Claim::NothingBeyond,
        Absence::Entry(leaf) => {
            let leaves = (0..size).filter_map(|index| copy.tree().leaf(index).copied()).collect();
            Claim::NotThisEntry { leaf: *leaf, leaves }
        }
        Absence::Answer(question) => {
            let entries = copy.entries(0)?.into_iter().take(count).collect();
            Claim::NothingMatching { question: question.to_string(), entries }
        }
    };
    let certificate = AbsenceCertificate { deadline_unix_seconds, claim, checkpoint: checkpoint.note().clone() };
    let shown = check_absent(&certificate, copy.key(), policy, speaker)?;
    Ok((certificate, shown))
}

/// Checks an absence certificate about a speaker's log, question included.
///
/// # Errors
/// Those of [`AbsenceCertificate::verify`], and [`ClientError::Question`] when its question cannot be read.
pub fn check_absent(
    certificate: &AbsenceCertificate,
    log: &standstill_tlog::note::VerifierKey,
    policy: &Policy,
    speaker: &Speaker,
) -> Result<Absent, ClientError> {
    let question = certificate.question().map(Question::parse).transpose()?;
    let keyring = RefCell::new(Keyring::new(&speaker.keys));
    // Entries come in the order of the log, so the keyring is that of the entries before.
    let matches = |_: u64, entry: &[u8]| {
        question.as_ref().is_some_and(|question| question.matches(speaker, &mut keyring.borrow_mut(), entry))
    };
    Ok(certificate.verify(log, policy, &matches)?)
}

/// The largest kept head with a quorum after the deadline; else the newest one, for the message of what is missing.
fn late_checkpoint(copy: &LogCopy, policy: &Policy, deadline: u64) -> Result<(u64, SignedCheckpoint), ClientError> {
    let newest = copy.head().cloned();
    let late = |signed: &SignedCheckpoint| policy.quorum_since(signed.note()).is_some_and(|since| since > deadline);
    let empty = || ClientError::NotThere { url: copy.directory().display().to_string(), what: "checkpoint".to_owned() };
    let newest = newest.ok_or_else(empty)?;
    if late(&newest) {
        return Ok((newest.checkpoint().size, newest));
    }
    // A head that was newest when the deadline passed may have been overtaken since.
    for size in copy.seen_sizes().into_iter().rev() {
        if let Some(signed) = copy.seen(size)?.filter(late) {
            return Ok((size, signed));
        }
    }
    Ok((newest.checkpoint().size, newest))
}

/// A C2SP tlog-proof of an entry under the copy's newest head.
///
/// # Errors
/// [`ClientError::Tlog`] when the entry is not there.
pub fn proof(copy: &LogCopy, index: u64) -> Result<LogProof, ClientError> {
    let empty = || ClientError::NotThere { url: copy.directory().display().to_string(), what: "checkpoint".to_owned() };
    let head = copy.head().ok_or_else(empty)?;
    proof_under(copy, index, head)
}

fn proof_under(copy: &LogCopy, index: u64, signed: &SignedCheckpoint) -> Result<LogProof, ClientError> {
    let path = copy.tree().inclusion_proof(index, signed.checkpoint().size)?;
    Ok(LogProof { extra: None, index, path, checkpoint: signed.note().clone() })
}
