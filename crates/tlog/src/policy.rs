//! C2SP tlog-policy: which logs and witnesses are known, and which sets of cosignatures are enough.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <member>...
//! quorum <name>|none
//! ```
//! Names are octets, not text. Every name is a member of at most one group, so that a witness counts in one way only.

mod parse;
mod safety;

use crate::TlogError;
use crate::checkpoint::SignedCheckpoint;
use crate::key::VerifierKey;
use crate::note::{Note, Verified};

/// Longest policy text that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 64 * 1024;

/// Most logs, most witnesses and most groups. The specification asks for at least 32 of each.
pub const MAX_ITEMS: usize = 256;

/// A log whose checkpoints are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLog {
    /// Key of the log; its name is the origin.
    pub key: VerifierKey,
    /// Where the log is, if the policy says so.
    pub url: Option<String>,
}

/// A witness that may count towards the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWitness {
    /// Name inside the policy file; not the key name.
    pub name: Vec<u8>,
    /// Key of the witness, type 0x04 or 0x06.
    pub key: VerifierKey,
    /// Where the witness is, if the policy says so.
    pub url: Option<String>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// At least `threshold` of `members`. Members come before the group in the file, so evaluation in file order needs no recursion.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    threshold: usize,
    members: Vec<Member>,
}

/// A parsed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    keys: Vec<VerifierKey>,
    groups: Vec<Group>,
    /// `None` is `quorum none`.
    quorum: Option<Member>,
}

/// What the cosignatures of one checkpoint amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// For each witness of the policy, in file order: first and last verified cosignature time, Unix seconds.
    pub times_unix_seconds: Vec<Option<(u64, u64)>>,
    /// Smallest `t` such that cosignatures with time `<= t` satisfy the quorum: the checkpoint was public by `t`.
    /// `Some(0)` under `quorum none`.
    pub quorum_time: Option<u64>,
    /// Largest `t` such that cosignatures with time `>= t` satisfy the quorum: at `t` the log had not grown beyond this checkpoint.
    /// `None` under `quorum none`, because nothing is proved then.
    pub quorum_since: Option<u64>,
}

impl Policy {
    /// Reads a policy text.
    ///
    /// # Errors
    /// [`TlogError::Policy`] with the line number and the remedy; [`TlogError::TooLarge`] beyond [`MAX_POLICY_BYTES`].
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        Self::parse_bytes(text.as_bytes())
    }

    /// Reads a policy file, which may hold octets that are not UTF-8 in names, URLs and comments.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, TlogError> {
        parse::parse(bytes)
    }

    /// Logs of the policy, in file order.
    #[must_use]
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// Witnesses of the policy, in file order.
    #[must_use]
    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// Keys of all witnesses, in file order.
    #[must_use]
    pub fn witness_keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// Whether the policy asks for no cosignature at all.
    #[must_use]
    pub fn is_quorum_none(&self) -> bool {
        self.quorum.is_none()
    }

    /// Verifies all cosignatures by known witnesses and applies the quorum rule. The log's own signature is not checked here.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`] or [`TlogError::Cosignature`] when a line that names a known witness fails.
    pub fn evaluate(&self, note: &Note) -> Result<Evaluation, TlogError> {
        let verified = self.verified(note)?;
        let mut times: Vec<Option<(u64, u64)>> = vec![None; self.witnesses.len()];
        for found in verified {
            let time = found.time_unix_seconds;
            let (first, last) = times[found.key].unwrap_or((time, time));
            times[found.key] = Some((first.min(time), last.max(time)));
        }
        let first: Vec<_> = times.iter().map(|t| t.map(|(first, _)| first)).collect();
        // The largest quorum time is the smallest one on a mirrored clock.
        let mirrored: Vec<_> = times.iter().map(|t| t.map(|(_, last)| u64::MAX - last)).collect();
        let quorum_time = if self.is_quorum_none() { Some(0) } else { self.smallest_time(&first) };
        let quorum_since = self.smallest_time(&mirrored).map(|time| u64::MAX - time);
        Ok(Evaluation { times_unix_seconds: times, quorum_time, quorum_since })
    }

    /// Smallest time at which the quorum is satisfied, given the time of each witness; `None` when it never is.
    fn smallest_time(&self, witness_times: &[Option<u64>]) -> Option<u64> {
        let mut group_times: Vec<Option<u64>> = Vec::with_capacity(self.groups.len());
        let time_of = |member: Member, group_times: &[Option<u64>]| match member {
            Member::Witness(index) => witness_times[index],
            Member::Group(index) => group_times[index],
        };
        for group in &self.groups {
            let mut times: Vec<u64> =
                group.members.iter().filter_map(|member| time_of(*member, &group_times)).collect();
            times.sort_unstable();
            group_times.push(times.get(group.threshold - 1).copied());
        }
        time_of(self.quorum?, &group_times)
    }

    /// Whether the witnesses marked in `present` (in the order of [`Policy::witnesses`]) are a quorum by themselves; false under
    /// `quorum none`. With the silent ones marked it tells whether something could have been cosigned without all others.
    #[must_use]
    pub fn is_quorum_among(&self, present: &[bool]) -> bool {
        let times: Vec<_> =
            (0..self.witnesses.len()).map(|i| present.get(i).copied().unwrap_or(false).then_some(0)).collect();
        self.smallest_time(&times).is_some()
    }

    /// Smallest Unix time `t` such that verified cosignatures with time `<= t` satisfy the quorum; `Some(0)` under `quorum none`.
    /// `None` when they do not, or when a known witness's signature fails (see [`Policy::evaluate`] for the reason).
    #[must_use]
    pub fn quorum_time(&self, note: &Note) -> Option<u64> {
        self.evaluate(note).ok()?.quorum_time
    }

    /// Largest Unix time `t` such that verified cosignatures with time `>= t` satisfy the quorum: together with all entries it proves
    /// that nothing more was published by `t`. `None` under `quorum none`.
    #[must_use]
    pub fn quorum_since(&self, note: &Note) -> Option<u64> {
        self.evaluate(note).ok()?.quorum_since
    }

    /// Every verified cosignature of a known witness: its name in the policy and the time in Unix seconds, in the note's order.
    ///
    /// # Errors
    /// As [`Policy::evaluate`].
    pub fn cosignature_times(&self, note: &Note) -> Result<Vec<(String, u64)>, TlogError> {
        let name = |index: usize| String::from_utf8_lossy(&self.witnesses[index].name).into_owned();
        let verified = self.verified(note)?;
        Ok(verified.into_iter().map(|found| (name(found.key), found.time_unix_seconds)).collect())
    }

    fn verified(&self, note: &Note) -> Result<Vec<Verified>, TlogError> {
        match note.verify(&self.keys) {
            Err(TlogError::NoKnownSignature { .. }) => Ok(Vec::new()),
            // An ML-DSA-44 cosignature without a time says neither when nor that the tree was the largest, so it counts for no rule here.
            other => other.map(|lines| lines.into_iter().filter(|line| line.time_unix_seconds > 0).collect()),
        }
    }

    /// The whole rule: signed by one of the policy's logs under its own origin, and cosigned by a quorum.
    /// Gives the checkpoint and its quorum time in Unix seconds (0 under `quorum none`).
    ///
    /// # Errors
    /// [`TlogError::NoKnownSignature`] when no listed log signed, [`TlogError::NoQuorum`] when cosignatures are missing, and those of
    /// [`SignedCheckpoint::parse`] and [`Policy::evaluate`].
    pub fn check(&self, bytes: &[u8]) -> Result<(SignedCheckpoint, u64), TlogError> {
        let note = Note::parse(bytes)?;
        let signed_by = |log: &&KnownLog| note.signatures().iter().any(|signature| log.key.matches(signature));
        let Some(log) = self.logs.iter().find(signed_by) else {
            let known = self.logs.iter().map(|log| log.key.name()).collect::<Vec<_>>().join(", ");
            return Err(TlogError::NoKnownSignature { known });
        };
        let signed = SignedCheckpoint::parse(bytes, &log.key)?;
        let Some(time) = self.evaluate(&note)?.quorum_time else {
            let (origin, size) = (signed.checkpoint().origin.clone(), signed.checkpoint().size);
            return Err(TlogError::NoQuorum { origin, size });
        };
        Ok((signed, time))
    }
}

#[cfg(test)]
mod tests;
