//! "By `D` the log held nothing such": a checkpoint that witnesses still cosigned after `D`, and what lies under it.

use super::judge;
use crate::TlogError;
use crate::key::VerifierKey;
use crate::merkle::{Hash, leaf_hash, root};
use crate::note::{MAX_NOTE_BYTES, Note, check_limit, format_hash, parse_decimal, parse_hash};
use crate::policy::Policy;
use crate::reader::Limits;
use crate::tile::{encode_bundle, split_entry};

/// First line of an absence certificate.
const HEADER: &str = "standstill/1/absence";

/// Longest question, in bytes.
pub const MAX_QUESTION_BYTES: usize = 1024;

/// Longest head (the lines before the blank one), in bytes.
const MAX_HEAD_BYTES: usize = MAX_QUESTION_BYTES + 256;

/// What had not been published, with the part of the log that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// No entry beyond the checkpoint's size. The checkpoint alone shows it.
    NothingBeyond,
    /// Not this very entry.
    NotThisEntry {
        /// Its leaf hash.
        leaf: Hash,
        /// Leaf hashes of all entries under the checkpoint.
        leaves: Vec<Hash>,
    },
    /// No entry that answers a question.
    NothingMatching {
        /// The question, in printable ASCII. What it means is for the layer above that knows what entries are.
        question: String,
        /// All entries under the checkpoint.
        entries: Vec<Vec<u8>>,
    },
}

/// A claim that something had not been published by a deadline. Nothing in it may be believed before
/// [`AbsenceCertificate::verify`] succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsenceCertificate {
    /// The deadline `D`, Unix seconds.
    pub deadline_unix_seconds: u64,
    /// What was not there.
    pub claim: Claim,
    /// The checkpoint that witnesses cosigned after the deadline.
    pub checkpoint: Note,
}

/// What a verified absence certificate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent {
    /// Entries that the log had.
    pub size: u64,
    /// Latest time at which a full quorum still held this to be the largest tree, Unix seconds; after the deadline.
    pub since_unix_seconds: u64,
}

impl AbsenceCertificate {
    /// Reads a certificate. Limits bound the entries under it.
    ///
    /// # Errors
    /// [`TlogError::Certificate`] for a breach of the format, [`TlogError::TooLarge`] beyond a limit, and those of [`Note::parse`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, TlogError> {
        let searched = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
        let end = searched.windows(2).position(|pair| pair == b"\n\n");
        let end = end.ok_or(TlogError::Certificate("there is no blank line after its first lines"))?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| TlogError::Certificate("its head is not text"))?;
        let head = Head::parse(head)?;
        check_limit("certificate checkpoint bytes", head.checkpoint_bytes, MAX_NOTE_BYTES)?;
        let rest = &bytes[end + 2..];
        let (note, body) = rest
            .split_at_checked(head.checkpoint_bytes)
            .filter(|(_, body)| body.len() == head.body_bytes)
            .ok_or(TlogError::Certificate("its length is not what its head says"))?;
        let claim = head.claim.with_body(body, limits)?;
        Ok(Self { deadline_unix_seconds: head.deadline, claim, checkpoint: Note::parse(note)? })
    }

    /// The certificate's bytes.
    ///
    /// # Errors
    /// [`TlogError::Certificate`] when the question breaks its rules, [`TlogError::TooLarge`] when an entry is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TlogError> {
        let (claim, body) = match &self.claim {
            Claim::NothingBeyond => ("nothing-beyond".to_owned(), Vec::new()),
            Claim::NotThisEntry { leaf, leaves } => (format!("not-this-entry {}", format_hash(leaf)), leaves.concat()),
            Claim::NothingMatching { question, entries } => {
                check_question(question)?;
                (format!("nothing-matching {question}"), encode_bundle(entries)?)
            }
        };
        let note = self.checkpoint.to_bytes();
        let deadline = self.deadline_unix_seconds;
        let head =
            format!("{HEADER}\ndeadline {deadline}\nclaim {claim}\ncheckpoint {}\nbody {}\n\n", note.len(), body.len());
        Ok([head.into_bytes(), note, body].concat())
    }

    /// The question that the entries were searched for; `None` for the other claims.
    #[must_use]
    pub fn question(&self) -> Option<&str> {
        match &self.claim {
            Claim::NothingMatching { question, .. } => Some(question),
            _ => None,
        }
    }

    /// Checks everything: the log signed the checkpoint, a full quorum cosigned it after the deadline, the leaves or entries are all that
    /// lies under it, and none of them is what the claim says was not there.
    ///
    /// `matches` answers, for index and bytes of an entry, whether it is what [`AbsenceCertificate::question`] asks for. It is called in
    /// the order of the log, and not at all for other claims.
    ///
    /// # Errors
    /// [`TlogError::NotProved`] with the reason, [`TlogError::RootMismatch`] when the entries are not those of the checkpoint, and the errors of
    /// [`crate::checkpoint::SignedCheckpoint::parse`] and [`Policy::evaluate`].
    pub fn verify(
        &self,
        log: &VerifierKey,
        policy: &Policy,
        matches: &dyn Fn(u64, &[u8]) -> bool,
    ) -> Result<Absent, TlogError> {
        let (signed, evaluation) = judge(&self.checkpoint, log, policy)?;
        let refused = |what: String| TlogError::NotProved { origin: log.name().to_owned(), what };
        let (size, deadline) = (signed.checkpoint().size, self.deadline_unix_seconds);
        let since = evaluation.quorum_since.filter(|since| *since > deadline).ok_or_else(|| {
            refused(format!(
                "no full quorum cosigned size {size} after {deadline}; hand the log's last checkpoint to the witnesses again"
            ))
        })?;
        if let Some(found) = self.claim.search(matches, size, &signed.checkpoint().root, log.name())? {
            return Err(refused(format!("entry {found} is what the certificate says was not there")));
        }
        Ok(Absent { size, since_unix_seconds: since })
    }
}

impl Claim {
    /// Compares leaves or entries with the root, then looks for what must not be there.
    fn search(
        &self,
        matches: &dyn Fn(u64, &[u8]) -> bool,
        size: u64,
        wanted: &Hash,
        origin: &str,
    ) -> Result<Option<u64>, TlogError> {
        let check = |leaves: &[Hash]| {
            let whole = leaves.len() as u64 == size && root(leaves) == *wanted;
            if whole { Ok(()) } else { Err(TlogError::RootMismatch { origin: origin.to_owned(), size }) }
        };
        match self {
            Self::NothingBeyond => Ok(None),
            Self::NotThisEntry { leaf, leaves } => {
                check(leaves)?;
                Ok(leaves.iter().position(|found| found == leaf).map(|index| index as u64))
            }
            Self::NothingMatching { entries, .. } => {
                check(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>())?;
                let mut indexed = (0..).zip(entries);
                Ok(indexed.find(|(index, entry)| matches(*index, entry)).map(|(index, _)| index))
            }
        }
    }

    /// Fills in what the body of the file holds.
    fn with_body(self, body: &[u8], limits: &Limits) -> Result<Self, TlogError> {
        match self {
            Self::NothingBeyond if body.is_empty() => Ok(Self::NothingBeyond),
            Self::NothingBeyond => Err(TlogError::Certificate("a claim about what lies beyond has no body")),
            Self::NotThisEntry { leaf, .. } => {
                let (leaves, rest) = body.as_chunks::<32>();
                if !rest.is_empty() {
                    return Err(TlogError::Certificate("its body is not a list of hashes"));
                }
                check_count(leaves.len() as u64, limits)?;
                Ok(Self::NotThisEntry { leaf, leaves: leaves.to_vec() })
            }
            Self::NothingMatching { question, .. } => {
                Ok(Self::NothingMatching { question, entries: split_entries(body, limits)? })
            }
        }
    }
}

/// The lines before the blank one.
struct Head {
    deadline: u64,
    claim: Claim,
    checkpoint_bytes: usize,
    body_bytes: usize,
}

impl Head {
    fn parse(text: &str) -> Result<Self, TlogError> {
        let mut lines = text.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(TlogError::Certificate("the first line is not standstill/1/absence"));
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let deadline = field("deadline").and_then(parse_decimal);
        let deadline = deadline.ok_or(TlogError::Certificate("there is no line `deadline <decimal>`"))?;
        let claim = field("claim").map(parse_claim);
        let claim = claim.ok_or(TlogError::Certificate("there is no line `claim <claim>`"))??;
        let mut length = |name: &str| field(name).and_then(parse_decimal).and_then(|value| usize::try_from(value).ok());
        let checkpoint_bytes = length("checkpoint");
        let checkpoint_bytes =
            checkpoint_bytes.ok_or(TlogError::Certificate("there is no line `checkpoint <bytes>`"))?;
        let body_bytes = length("body").ok_or(TlogError::Certificate("there is no line `body <bytes>`"))?;
        if lines.next().is_some() {
            return Err(TlogError::Certificate("its head has a line too many"));
        }
        Ok(Self { deadline, claim, checkpoint_bytes, body_bytes })
    }
}

fn parse_claim(text: &str) -> Result<Claim, TlogError> {
    match text.split_once(' ') {
        None if text == "nothing-beyond" => Ok(Claim::NothingBeyond),
        Some(("not-this-entry", hash)) => {
            let leaf =
                parse_hash(hash).ok_or(TlogError::Certificate("the entry that it names is not a base64 hash"))?;
            Ok(Claim::NotThisEntry { leaf, leaves: Vec::new() })
        }
        Some(("nothing-matching", question)) => {
            check_question(question)?;
            Ok(Claim::NothingMatching { question: question.to_owned(), entries: Vec::new() })
        }
        _ => Err(TlogError::Certificate("its claim is none of nothing-beyond, not-this-entry, nothing-matching")),
    }
}

/// Printable ASCII without outer spaces, so that there is one spelling and no line can be forged.
fn check_question(question: &str) -> Result<(), TlogError> {
    check_limit("question bytes", question.len(), MAX_QUESTION_BYTES)?;
    let printable = question.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if question.is_empty() || question.trim() != question || !printable {
        return Err(TlogError::Certificate("its question is not printable ASCII without outer spaces"));
    }
    Ok(())
}

fn check_count(found: u64, limits: &Limits) -> Result<(), TlogError> {
    if found > limits.max_entries {
        return Err(TlogError::TooLarge { what: "entries of the certificate", found, limit: limits.max_entries });
    }
    Ok(())
}

/// Reads length-prefixed entries up to the end.
fn split_entries(body: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>, TlogError> {
    if body.len() as u64 > limits.max_bytes {
        let (found, limit) = (body.len() as u64, limits.max_bytes);
        return Err(TlogError::TooLarge { what: "bytes of the certificate's entries", found, limit });
    }
    let (mut entries, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (entry, after) = split_entry(rest).ok_or(TlogError::Certificate("its last entry is cut short"))?;
        entries.push(entry.to_vec());
        check_count(entries.len() as u64, limits)?;
        rest = after;
    }
    Ok(entries)
}
