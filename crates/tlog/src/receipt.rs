//! COSE receipts (RFC 9942) over the same tree: `COSE_Sign1` with the root as detached payload, and the proof in the unprotected header.
//!
//! ```text
//! 18([ << {1: alg, 4: kid, 15: {1: issuer}, 395: 1} >>, {396: {-1: [<<[size, index, [path]]>>]}}, null, signature ])
//! ```
//! `-1` is an inclusion proof, `-2` a consistency proof `[old size, new size, [path]]`. The algorithm `395: 1` is RFC 9162 with SHA-256: our
//! tree. Receipts of others may carry headers that are not known here; they are kept and not read. Left out: several proofs in one
//! receipt, and proofs of other tree algorithms.

use crate::TlogError;
use crate::key::{KeyType, NoteSigner, VerifierKey};
use crate::merkle::{Hash, MAX_PROOF_HASHES, consistency_root, inclusion_root, leaf_hash};
use crate::note::check_limit;
use ciborium::Value;
use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, Header, HeaderBuilder, Label, RegisteredLabelWithPrivate,
    SignatureContext, TaggedCborSerializable, iana, sig_structure_data,
};

/// Longest receipt that is read, in bytes.
pub const MAX_RECEIPT_BYTES: usize = 16 * 1024;

/// Header label of the tree algorithm.
const VDS: i64 = 395;
/// Header label of the proofs.
const VDP: i64 = 396;
/// RFC 9162 tree with SHA-256.
const RFC9162_SHA256: i64 = 1;
/// CWT claims (RFC 9597) and the issuer in them.
const CWT_CLAIMS: i64 = 15;
const ISSUER: i64 = 1;

/// What a receipt proves, once its signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptProof {
    /// An entry is in the tree.
    Inclusion {
        /// Tree size.
        size: u64,
        /// Index of the entry.
        index: u64,
        /// Audit path, leaf end first.
        path: Vec<Hash>,
    },
    /// A smaller tree is a prefix of a larger one.
    Consistency {
        /// Size of the smaller tree.
        old: u64,
        /// Size of the larger tree, whose root is signed.
        new: u64,
        /// Consistency proof.
        path: Vec<Hash>,
    },
}

/// A receipt, parsed but not yet believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    message: CoseSign1,
    /// The proof.
    pub proof: ReceiptProof,
    /// Issuer claim, if there is one.
    pub issuer: Option<String>,
}

impl Receipt {
    /// Makes a receipt: signs `root`, to which the proof must lead.
    ///
    /// # Errors
    /// [`TlogError::KeyType`] when the key is no log key of type 0x01, [`TlogError::Receipt`] when a number has no encoding.
    pub fn sign(signer: &NoteSigner, proof: ReceiptProof, root: &Hash) -> Result<Self, TlogError> {
        signer.require(KeyType::Ed25519)?;
        let key = signer.verifier();
        let claims = Value::Map(vec![(Value::from(ISSUER), Value::from(key.name()))]);
        let protected = HeaderBuilder::new()
            .algorithm(iana::Algorithm::EdDSA)
            .key_id(key.id().to_vec())
            .value(CWT_CLAIMS, claims)
            .value(VDS, Value::from(RFC9162_SHA256))
            .build();
        let unprotected = HeaderBuilder::new().value(VDP, proof.to_value()?).build();
        let message = CoseSign1Builder::new()
            .protected(protected)
            .unprotected(unprotected)
            .create_detached_signature(root, &[], |message| signer.sign_raw(message))
            .build();
        Ok(Self { message, proof, issuer: Some(key.name().to_owned()) })
    }

    /// The receipt's bytes, with tag 18.
    ///
    /// # Errors
    /// [`TlogError::Receipt`] when it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TlogError> {
        self.message.clone().to_tagged_vec().map_err(|_| TlogError::Receipt("it cannot be encoded"))
    }

    /// Reads a receipt.
    ///
    /// # Errors
    /// [`TlogError::Receipt`] for a breach of the format, [`TlogError::TooLarge`] beyond [`MAX_RECEIPT_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogError> {
        check_limit("receipt bytes", bytes.len(), MAX_RECEIPT_BYTES)?;
        let message =
            CoseSign1::from_tagged_slice(bytes).map_err(|_| TlogError::Receipt("it is not a tagged COSE_Sign1"))?;
        let protected = &message.protected.header;
        if field(protected, VDS).and_then(integer) != Some(RFC9162_SHA256 as u64) {
            return Err(TlogError::Receipt("its tree algorithm (header 395) is not 1, RFC 9162 with SHA-256"));
        }
        let issuer = field(protected, CWT_CLAIMS)
            .and_then(|claims| member(claims, ISSUER))
            .and_then(Value::as_text)
            .map(str::to_owned);
        let proofs = field(&message.unprotected, VDP).ok_or(TlogError::Receipt("it carries no proof (header 396)"))?;
        let proof = ReceiptProof::from_value(proofs)?;
        Ok(Self { message, proof, issuer })
    }

    /// Checks that an entry is in the tree whose root the key signed, and gives the root. The sizes and the index in a receipt are not
    /// signed (RFC 9942 signs the root only), and other numbers can lead to the same root: whoever needs them compares the root with a
    /// checkpoint.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when the proof does not fit, [`TlogError::BadSignature`] when the root to which it leads is not the signed one,
    /// [`TlogError::Receipt`] when it is a consistency receipt or another algorithm signed it.
    pub fn verify_inclusion(&self, key: &VerifierKey, entry: &[u8]) -> Result<Hash, TlogError> {
        let ReceiptProof::Inclusion { size, index, path } = &self.proof else {
            return Err(TlogError::Receipt("it proves consistency, not inclusion"));
        };
        let root = inclusion_root(&leaf_hash(entry), *index, *size, path)?;
        self.verify_root(key, &root)?;
        Ok(root)
    }

    /// Checks that the tree with `old_root` is a prefix of the one whose root the key signed. Gives the larger tree's root.
    ///
    /// # Errors
    /// As [`Receipt::verify_inclusion`]; the old size in the proof must be that of `old_root`.
    pub fn verify_consistency(&self, key: &VerifierKey, old_size: u64, old_root: &Hash) -> Result<Hash, TlogError> {
        let ReceiptProof::Consistency { old, new, path } = &self.proof else {
            return Err(TlogError::Receipt("it proves inclusion, not consistency"));
        };
        if *old != old_size {
            return Err(TlogError::Proof("the receipt starts from another tree size"));
        }
        let root = consistency_root(*old, *new, path, old_root)?;
        self.verify_root(key, &root)?;
        Ok(root)
    }

    /// The signature over a root that the proof led to.
    fn verify_root(&self, key: &VerifierKey, root: &Hash) -> Result<(), TlogError> {
        let expected = RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA);
        if self.message.protected.header.alg.as_ref() != Some(&expected) || key.key_type() != KeyType::Ed25519 {
            return Err(TlogError::Receipt("it is not signed with EdDSA, or the key is no Ed25519 log key"));
        }
        if self.message.payload.as_ref().is_some_and(|payload| payload != root) {
            return Err(TlogError::Proof("the receipt's proof leads to another root than its payload"));
        }
        let signed = sig_structure_data(SignatureContext::CoseSign1, self.message.protected.clone(), None, &[], root);
        key.verify_raw(&signed, &self.message.signature)
    }
}

impl ReceiptProof {
    fn to_value(&self) -> Result<Value, TlogError> {
        let (label, first, second, path) = match self {
            Self::Inclusion { size, index, path } => (-1, size, index, path),
            Self::Consistency { old, new, path } => (-2, old, new, path),
        };
        let path = path.iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
        let proof = Value::Array(vec![Value::from(*first), Value::from(*second), Value::Array(path)]);
        let bytes = proof.to_vec().map_err(|_| TlogError::Receipt("the proof cannot be encoded"))?;
        Ok(Value::Map(vec![(Value::from(label), Value::Array(vec![Value::Bytes(bytes)]))]))
    }

    fn from_value(value: &Value) -> Result<Self, TlogError> {
        let refused =
            TlogError::Receipt("header 396 is not {-1 or -2: [proof]} with one proof [integer, integer, [hash, ...]]");
        let Some([(label, Value::Array(proofs))]) = value.as_map().map(Vec::as_slice) else { return Err(refused) };
        let [Value::Bytes(proof)] = proofs.as_slice() else { return Err(refused) };
        let Ok(Value::Array(parts)) = Value::from_slice(proof) else { return Err(refused) };
        let [first, second, Value::Array(path)] = parts.as_slice() else { return Err(refused) };
        let (Some(first), Some(second)) = (integer(first), integer(second)) else { return Err(refused) };
        check_limit("proof hashes", path.len(), MAX_PROOF_HASHES)?;
        let path: Option<Vec<Hash>> = path.iter().map(|hash| hash.as_bytes()?.as_slice().try_into().ok()).collect();
        match (label.as_integer().map(i128::from), path) {
            (Some(-1), Some(path)) => Ok(Self::Inclusion { size: first, index: second, path }),
            (Some(-2), Some(path)) => Ok(Self::Consistency { old: first, new: second, path }),
            _ => Err(refused),
        }
    }
}

fn field(header: &Header, label: i64) -> Option<&Value> {
    header.rest.iter().find(|(key, _)| *key == Label::Int(label)).map(|(_, value)| value)
}

fn member(map: &Value, key: i64) -> Option<&Value> {
    map.as_map()?
        .iter()
        .find(|(known, _)| known.as_integer().map(i128::from) == Some(i128::from(key)))
        .map(|(_, value)| value)
}

fn integer(value: &Value) -> Option<u64> {
    u64::try_from(i128::from(value.as_integer()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Tree;
    use proptest::prelude::*;

    fn log() -> NoteSigner {
        NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap()
    }

    fn tree(size: u8) -> Tree {
        Tree::from_leaves(&(0..size).map(|i| leaf_hash(&[i])).collect::<Vec<_>>())
    }

    fn inclusion(index: u64, size: u64) -> Receipt {
        let tree = tree(20);
        let path = tree.inclusion_proof(index, size).unwrap();
        Receipt::sign(&log(), ReceiptProof::Inclusion { size, index, path }, &tree.root_at(size).unwrap()).unwrap()
    }

    fn consistency(old: u64, new: u64) -> Receipt {
        let tree = tree(20);
        let path = tree.consistency_proof(old, new).unwrap();
        Receipt::sign(&log(), ReceiptProof::Consistency { old, new, path }, &tree.root_at(new).unwrap()).unwrap()
    }

    #[test]
    fn receipts_read_back_and_hold_for_their_entry_and_tree_only() {
        let tree = tree(20);
        for size in 1..=20 {
            for index in 0..size {
                let bytes = inclusion(index, size).to_bytes().unwrap();
                let receipt = Receipt::parse(&bytes).unwrap();
                assert_eq!(receipt.to_bytes().unwrap(), bytes);
                assert_eq!(receipt.issuer.as_deref(), Some("log.example"));
                let entry = [u8::try_from(index).unwrap()];
                let found = receipt.verify_inclusion(log().verifier(), &entry).unwrap();
                assert_eq!(found, tree.root_at(size).unwrap());
                assert!(matches!(
                    receipt.verify_inclusion(log().verifier(), b"other"),
                    Err(TlogError::BadSignature { .. })
                ));
                assert!(receipt.verify_consistency(log().verifier(), size, &tree.root()).is_err());
            }
            for old in 1..=size {
                let receipt = Receipt::parse(&consistency(old, size).to_bytes().unwrap()).unwrap();
                let old_root = tree.root_at(old).unwrap();
                let found = receipt.verify_consistency(log().verifier(), old, &old_root).unwrap();
                assert_eq!(found, tree.root_at(size).unwrap());
                assert!(receipt.verify_consistency(log().verifier(), old, &[0; 32]).is_err());
                assert!(receipt.verify_consistency(log().verifier(), old + 1, &old_root).is_err());
            }
        }
    }

    #[test]
    fn other_keys_and_damage_are_refused() {
        let bytes = inclusion(3, 7).to_bytes().unwrap();
        let other = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[2; 32]).unwrap();
        let witness = NoteSigner::from_seed("log.example", KeyType::CosignatureV1, &[1; 32]).unwrap();
        let receipt = Receipt::parse(&bytes).unwrap();
        assert!(matches!(receipt.verify_inclusion(other.verifier(), &[3]), Err(TlogError::BadSignature { .. })));
        assert!(matches!(receipt.verify_inclusion(witness.verifier(), &[3]), Err(TlogError::Receipt(_))));
        assert!(Receipt::sign(&witness, receipt.proof.clone(), &[0; 32]).is_err());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let believed =
                Receipt::parse(&changed).and_then(|receipt| receipt.verify_inclusion(log().verifier(), &[3]));
            // The numbers beside the path are not signed: a size of the same shape leads to the same, true root.
            assert!(believed.is_err() || believed.ok() == tree(20).root_at(7), "byte {at}");
        }
    }

    #[test]
    fn a_payload_that_contradicts_the_proof_is_refused() {
        let mut receipt = inclusion(3, 7);
        receipt.message.payload = Some(vec![0; 32]);
        assert!(matches!(receipt.verify_inclusion(log().verifier(), &[3]), Err(TlogError::Proof(_))));
        receipt.message.payload = Some(tree(20).root_at(7).unwrap().to_vec());
        receipt.verify_inclusion(log().verifier(), &[3]).unwrap();
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_fail_without_panic(bytes: Vec<u8>) {
            let _ = Receipt::parse(&bytes);
        }
    }
}
