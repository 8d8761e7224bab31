//! C2SP tlog-proof: one file that proves, offline, that an entry is in a log and that witnesses saw it.

use crate::TlogError;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::merkle::{Hash, MAX_PROOF_HASHES, leaf_hash, verify_inclusion};
use crate::note::{Note, check_limit, format_hash, parse_decimal, parse_hash};
use crate::policy::Policy;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// First line of a proof file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest proof file that is read, in bytes.
pub const MAX_PROOF_BYTES: usize = 512 * 1024;

/// A proof file, parsed but not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Opaque data beside the proof; authenticated by nothing.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry in the log, from 0.
    pub index: u64,
    /// Audit path, leaf end first.
    pub path: Vec<Hash>,
    /// The cosigned checkpoint.
    pub checkpoint: Note,
}

impl LogProof {
    /// Reads a proof file.
    ///
    /// # Errors
    /// [`TlogError::ProofText`] for a breach of the format, [`TlogError::TooLarge`] beyond a limit, and those of [`Note::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogError> {
        check_limit("proof bytes", bytes.len(), MAX_PROOF_BYTES)?;
        let text = std::str::from_utf8(bytes).map_err(|_| TlogError::ProofText("it is not UTF-8"))?;
        let split =
            text.split_once("\n\n").ok_or(TlogError::ProofText("there is no blank line before the checkpoint"))?;
        let (head, checkpoint) = split;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogError::ProofText("the first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            None => None,
            Some(line) => {
                Some(STANDARD.decode(&line[6..]).map_err(|_| TlogError::ProofText("the extra data is not base64"))?)
            }
        };
        let index = lines.next().and_then(|line| parse_decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(TlogError::ProofText("there is no line `index <decimal>`"))?;
        let path: Option<Vec<Hash>> = lines.take(MAX_PROOF_HASHES + 1).map(parse_hash).collect();
        let path = path.ok_or(TlogError::ProofText("a proof line is not a base64 hash"))?;
        check_limit("proof hashes", path.len(), MAX_PROOF_HASHES)?;
        Ok(Self { extra, index, path, checkpoint: Note::parse(checkpoint.as_bytes())? })
    }

    /// Checks the proof for an entry: a log of the policy signed, a quorum cosigned, and the entry is at the index.
    /// Gives the checkpoint and its quorum time in Unix seconds.
    ///
    /// # Errors
    /// Those of [`Policy::check`], and [`TlogError::Proof`] when the entry is not there.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<(SignedCheckpoint, u64), TlogError> {
        let (signed, time) = policy.check(&self.checkpoint.to_bytes())?;
        self.verify_inclusion(entry, signed.checkpoint())?;
        Ok((signed, time))
    }

    /// Checks only that the entry is at the index under a checkpoint that the caller already believes.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when it is not.
    pub fn verify_inclusion(&self, entry: &[u8], checkpoint: &Checkpoint) -> Result<(), TlogError> {
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &self.path, &checkpoint.root)
    }
}

impl fmt::Display for LogProof {
    /// The proof file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", format_hash(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Tree;
    use crate::note::{KeyType, NoteSigner};
    use proptest::prelude::*;

    fn example(extra: Option<Vec<u8>>) -> (LogProof, Policy) {
        let log = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap();
        let leaves: Vec<Hash> = (0..11_u8).map(|i| leaf_hash(&[i])).collect();
        let tree = Tree::from_leaves(&leaves);
        let checkpoint = Checkpoint::new("log.example", 11, tree.root()).sign(&log).unwrap().note().clone();
        let proof = LogProof { extra, index: 6, path: tree.inclusion_proof(6, 11).unwrap(), checkpoint };
        (proof, Policy::parse(&format!("log {}\nquorum none\n", log.verifier())).unwrap())
    }

    #[test]
    fn a_proof_verifies_for_its_entry_only() {
        let (proof, policy) = example(Some(b"extra".to_vec()));
        let again = LogProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(again, proof);
        assert_eq!(again.verify(&[6], &policy).unwrap().0.checkpoint().size, 11);
        assert!(matches!(again.verify(&[7], &policy), Err(TlogError::Proof(_))));
        assert!(matches!(LogProof { index: 7, ..again }.verify(&[6], &policy), Err(TlogError::Proof(_))));
    }

    #[test]
    fn malformed_files_are_refused() {
        let text = example(None).0.to_string();
        let hash = text.lines().nth(2).unwrap().to_owned();
        let bad = [
            String::new(),
            text.replace("@v1", "@v2"),
            text.replace("index 6", "index 06"),
            text.replace("index 6", "Index 6"),
            text.replace("index 6", "extra !\nindex 6"),
            text.replace("index 6\n", ""),
            text.replace(&hash, &hash[1..]),
            text.replace("\n\nlog", "\nlog"),
            text.replacen(&hash, &vec![hash.clone(); MAX_PROOF_HASHES].join("\n"), 1),
        ];
        for text in bad {
            assert!(LogProof::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_fail_without_panic(bytes: Vec<u8>) {
            let _ = LogProof::parse(&bytes);
        }
    }
}
