//! The formats of logs and witnesses.

use crate::seeds;
use standstill_tlog::TlogError;
use standstill_tlog::certificate::{AbsenceCertificate, PublishedCertificate};
use standstill_tlog::checkpoint::{Checkpoint, ForkEvidence, SignedCheckpoint};
use standstill_tlog::merkle::Hash;
use standstill_tlog::mirror::{AddEntries, MirrorInfo, Package};
use standstill_tlog::note::{Note, NoteSignature, NoteSigner, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::proof::LogProof;
use standstill_tlog::reader::{Limits, read_entries};
use standstill_tlog::receipt::Receipt;
use standstill_tlog::tile::{self, TileId};
use standstill_tlog::witness::{AddCheckpoint, SignSubtree};

/// Notes and checkpoints; what parses prints the same.
pub fn note(bytes: &[u8]) -> bool {
    let key = seeds::log().verifier().clone();
    let _ = SignedCheckpoint::parse(bytes, &key);
    let Ok(note) = Note::parse(bytes) else { return false };
    assert_eq!(note.to_bytes(), bytes);
    if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
        assert_eq!(checkpoint.to_string(), note.text());
    }
    let _ = note.verify(&[key, seeds::witness(0).verifier().clone()]);
    true
}

/// Policies, evaluated on a cosigned note.
pub fn policy(bytes: &[u8]) -> bool {
    let Ok(policy) = Policy::parse_bytes(bytes) else { return false };
    let note = Note::parse(&seeds::cosigned_note()).expect("the seed parses");
    let found = policy.evaluate(&note).expect("the seed's cosignatures verify");
    assert!(found.quorum_since.is_none() || found.quorum_time.is_some());
    true
}

/// Certificates of both kinds; what parses has one spelling, and what verifies is about the seed's tree.
pub fn certificate(bytes: &[u8]) -> bool {
    let limits = Limits { max_entries: 1_000, max_bytes: 100_000, max_checkpoints: 10 };
    let witnesses = [0, 1].map(|index| seeds::witness(index).verifier().to_string());
    let (log, [first, second]) = (seeds::log().verifier().clone(), witnesses);
    let policy = format!("log {log}\nwitness a {first}\nwitness b {second}\ngroup both 2 a b\nquorum both\n");
    let policy = Policy::parse(&policy).expect("a policy");
    if let Ok(absent) = AbsenceCertificate::parse(bytes, &limits) {
        assert_eq!(absent.to_bytes().ok().as_deref(), Some(bytes), "a second spelling was accepted");
        if let Ok(shown) = absent.verify(&log, &policy, &|_, entry| entry == b"x") {
            assert!(shown.size <= 7 && shown.since_unix_seconds > absent.deadline_unix_seconds);
        }
        return true;
    }
    let Ok(published) = PublishedCertificate::parse(bytes) else { return false };
    assert_eq!(published.to_bytes(), bytes, "a second spelling was accepted");
    if let Ok(shown) = published.verify(&log, &policy) {
        assert_eq!(published.entry, [u8::try_from(shown.index).unwrap_or(u8::MAX)]);
    }
    true
}

/// Verifier keys, signer keys and signature lines.
pub fn keys(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
        return true;
    }
    if let Ok(line) = NoteSignature::parse(text) {
        assert_eq!(line.to_string(), text);
        return true;
    }
    NoteSigner::from_file_text(text).is_ok()
}

/// The first byte is a width; the rest a path, an entry bundle, a hash tile, and the answer to every fetch of a log reader.
pub fn tiles(bytes: &[u8]) -> bool {
    let Some((width, rest)) = bytes.split_first() else { return false };
    let width = u16::from(*width) + 1;
    if let Some(id) = std::str::from_utf8(rest).ok().and_then(|path| TileId::parse(path).ok()) {
        assert_eq!(id.to_string().as_bytes(), rest);
    }
    let _ = tile::decode_hashes(rest, width);
    let limits = Limits { max_entries: 1_000, max_bytes: 100_000, max_checkpoints: 10 };
    let mut fetch = |_: &str, _: u64| -> Result<Option<Vec<u8>>, TlogError> { Ok(Some(rest.to_vec())) };
    let _ = read_entries(u64::from(width) * 3, &mut fetch, &limits);
    let Ok(entries) = tile::decode_bundle(rest, width) else { return false };
    assert_eq!(tile::encode_bundle(&entries).expect("decoded entries fit"), rest);
    true
}

/// Proof files.
pub fn proof(bytes: &[u8]) -> bool {
    let Ok(proof) = LogProof::parse(bytes) else { return false };
    let _ = proof.verify(b"entry", &Policy::parse("quorum none").expect("a policy"));
    assert_eq!(LogProof::parse(proof.to_string().as_bytes()).ok(), Some(proof));
    true
}

/// add-checkpoint requests.
pub fn request(bytes: &[u8]) -> bool {
    let Ok(request) = AddCheckpoint::parse(bytes) else { return false };
    assert_eq!(request.to_bytes(), bytes);
    true
}

/// Pairs of contradicting checkpoints.
pub fn fork_evidence(bytes: &[u8]) -> bool {
    let key = seeds::log().verifier().clone();
    let Ok(evidence) = ForkEvidence::parse(bytes, &key) else { return false };
    assert_ne!(evidence.first().checkpoint().root, evidence.second().checkpoint().root);
    true
}

/// sign-subtree requests.
pub fn subtree_request(bytes: &[u8]) -> bool {
    let Ok(request) = SignSubtree::parse(bytes) else { return false };
    assert_eq!(SignSubtree::parse(&request.to_bytes()).ok(), Some(request));
    true
}

/// An upload to a mirror, read to its end; what is proved is what was signed.
pub fn mirror(bytes: &[u8]) -> bool {
    let _ = MirrorInfo::parse(&String::from_utf8_lossy(bytes));
    let Ok(Some((head, mut at))) = AddEntries::parse(bytes) else { return false };
    let tree = seeds::upload_tree();
    for range in head.packages().take(4) {
        let count = usize::try_from(range.entries.end - range.entries.start).expect("at most 256");
        let Ok(Some((package, length))) = Package::parse(&bytes[at..], count) else { return false };
        assert_eq!(package.to_bytes().expect("it was read"), bytes[at..at + length]);
        let before: Vec<Hash> =
            (range.base..range.entries.start).filter_map(|index| tree.leaf(index).copied()).collect();
        if let (Some(root), Ok(leaves)) =
            (tree.root_at(head.end), package.verify(&range, &before, head.end, &tree.root()))
        {
            assert_eq!(root, tree.root(), "the proof is for the whole tree");
            assert!(leaves.iter().zip(range.entries.clone()).all(|(leaf, index)| tree.leaf(index) == Some(leaf)));
        }
        at += length;
    }
    true
}

/// COSE receipts: what is believed is what the log signed.
pub fn receipt(bytes: &[u8]) -> bool {
    let Ok(receipt) = Receipt::parse(bytes) else { return false };
    let key = seeds::log().verifier().clone();
    let tree = seeds::receipt_tree();
    if let Ok(root) = receipt.verify_inclusion(&key, &[3]) {
        assert_eq!(root, tree.root());
    }
    if let Ok(root) = receipt.verify_consistency(&key, 3, &tree.root_at(3).expect("seven leaves")) {
        assert_eq!(root, tree.root());
    }
    true
}
