//! The witness: what it cosigns, what it refuses, and that it remembers.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Tree, leaf_hash};
use crate::note::Note;
use std::fs;

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness_key() -> NoteSigner {
    NoteSigner::from_seed("witness.example", KeyType::CosignatureV1, &[2; 32]).unwrap()
}

fn tree(size: u8, salt: u8) -> Tree {
    Tree::from_leaves(&(0..size).map(|i| leaf_hash(&[i, salt])).collect::<Vec<_>>())
}

fn signed(tree: &Tree, size: u64) -> Vec<u8> {
    Checkpoint::new("log.example", size, tree.root_at(size).unwrap()).sign(&log()).unwrap().to_bytes()
}

fn time_of(line: &str, checkpoint: &[u8]) -> u64 {
    let mut note = Note::parse(checkpoint).unwrap();
    note.add(crate::note::NoteSignature::parse(line.trim_end()).unwrap());
    note.verify(&[witness_key().verifier().clone()]).unwrap()[0].time_unix_seconds
}

#[test]
fn it_follows_a_growing_log_over_restarts_and_refreshes() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(20, 0);
    let mut witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    let mut old = 0;
    for (now, size) in [(10, 0), (10, 3), (11, 3), (15, 8), (15, 20)] {
        let proof = tree.consistency_proof(old, size).unwrap();
        let checkpoint = signed(&tree, size);
        let line = witness.cosign(now, old, &proof, &checkpoint, log().verifier()).unwrap();
        assert_eq!(time_of(&line, &checkpoint), now);
        drop(witness);
        witness = FileWitness::open(directory.path(), &witness_key()).unwrap();
        assert_eq!(witness.known_size(log().verifier()).unwrap(), size);
        old = size;
    }
    let kept = fs::read_dir(witness.state_directory("log.example").join("checkpoints")).unwrap().count();
    assert_eq!(kept, 4);
    let latest = witness.latest("log.example").unwrap().unwrap();
    Note::parse(&latest).unwrap().verify(&[log().verifier().clone()]).unwrap();
    assert_eq!(witness.latest("stranger.example").unwrap(), None);
}

#[test]
fn a_fork_gives_both_checkpoints_and_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (mine, other) = (tree(20, 0), tree(20, 1));
    let mut witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    for (old, size) in [(0, 5), (5, 9)] {
        let proof = mine.consistency_proof(old, size).unwrap();
        witness.cosign(10, old, &proof, &signed(&mine, size), log().verifier()).unwrap();
    }
    // At the newest size and at an older one.
    for size in [9, 5] {
        let before = witness.latest("log.example").unwrap();
        let error = witness.cosign(11, size, &[], &signed(&other, size), log().verifier()).unwrap_err();
        let WitnessError::Fork(evidence) = error else { panic!("{error}") };
        assert_eq!((evidence.first().checkpoint().size, evidence.second().checkpoint().size), (size, size));
        let stored = fs::read(witness.state_directory("log.example").join(format!("conflicts/{size}.note"))).unwrap();
        assert_eq!(ForkEvidence::parse(&stored, log().verifier()).unwrap().second().to_bytes(), signed(&other, size));
        assert_eq!(witness.latest("log.example").unwrap(), before);
    }
    // A longer branch from the fork has no proof.
    let proof = other.consistency_proof(9, 12).unwrap();
    let error = witness.cosign(11, 9, &proof, &signed(&other, 12), log().verifier()).unwrap_err();
    assert_eq!((matches!(error, TlogError::Proof(_)), http_status(&error)), (true, 422));
}

#[test]
fn refusals_have_the_statuses_of_the_specification_and_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(20, 0);
    let mut witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    witness.cosign(10, 0, &[], &signed(&tree, 5), log().verifier()).unwrap();
    let proof = tree.consistency_proof(5, 9).unwrap();
    let stranger = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[9; 32]).unwrap();
    let foreign = Checkpoint::new("log.example", 9, tree.root_at(9).unwrap()).sign(&stranger).unwrap().to_bytes();
    let other_origin =
        Note::sign(&Checkpoint::new("other.example", 9, [0; 32]).to_string(), &log()).unwrap().to_bytes();
    let forged = String::from_utf8(signed(&tree, 9)).unwrap().replace("\n9\n", "\n8\n").into_bytes();
    let rootless = Checkpoint::new("log.example", 0, [1; 32]).sign(&log()).unwrap().to_bytes();
    let cases: [(u64, &[Hash], Vec<u8>, u16); 9] = [
        (0, &[], signed(&tree, 9), 409),
        (4, &proof, signed(&tree, 9), 409),
        (5, &[], signed(&tree, 9), 422),
        (5, &proof[1..], signed(&tree, 9), 422),
        (10, &proof, signed(&tree, 9), 400),
        (5, &proof, foreign, 403),
        (5, &proof, other_origin, 404),
        (5, &proof, forged, 403),
        (5, &proof, b"rubbish".to_vec(), 400),
    ];
    for (old, proof, checkpoint, status) in cases {
        let error = witness.cosign(20, old, proof, &checkpoint, log().verifier()).unwrap_err();
        assert_eq!(http_status(&error), status, "{error}");
    }
    assert_eq!(witness.known_size(log().verifier()).unwrap(), 5);
    assert!(witness.cosign(20, 5, &[[0; 32]; 64], &signed(&tree, 9), log().verifier()).is_err());
    let mut fresh = FileWitness::create(&directory.path().join("fresh"), &witness_key()).unwrap();
    assert_eq!(http_status(&fresh.cosign(20, 0, &[], &rootless, log().verifier()).unwrap_err()), 422);
    assert_eq!(http_status(&fresh.cosign(20, 0, &[[0; 32]], &signed(&tree, 5), log().verifier()).unwrap_err()), 422);
}

#[test]
fn timestamps_never_decrease_and_are_never_zero() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(5, 0);
    let mut witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    assert!(matches!(witness.cosign(0, 0, &[], &signed(&tree, 2), log().verifier()), Err(TlogError::Cosignature(_))));
    witness.cosign(100, 0, &[], &signed(&tree, 2), log().verifier()).unwrap();
    let back = witness.cosign(99, 2, &[], &signed(&tree, 2), log().verifier()).unwrap_err();
    assert!(matches!(back, TlogError::ClockWentBack { last: 100, now: 99, .. }), "{back}");
    drop(witness);
    let mut witness = FileWitness::open(directory.path(), &witness_key()).unwrap();
    assert!(witness.cosign(99, 2, &[], &signed(&tree, 2), log().verifier()).is_err());
    witness.cosign(100, 2, &[], &signed(&tree, 2), log().verifier()).unwrap();
}

#[test]
fn state_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    assert!(matches!(FileWitness::open(directory.path(), &witness_key()), Err(TlogError::Locked { .. })));
    drop(witness);
    assert!(matches!(FileWitness::create(directory.path(), &witness_key()), Err(TlogError::AlreadyExists { .. })));
    let other = NoteSigner::from_seed("witness.example", KeyType::CosignatureV1, &[8; 32]).unwrap();
    assert!(matches!(FileWitness::open(directory.path(), &other), Err(TlogError::WrongKey { .. })));
    assert!(matches!(FileWitness::open(&directory.path().join("x"), &witness_key()), Err(TlogError::Missing { .. })));
    assert!(matches!(FileWitness::create(&directory.path().join("y"), &log()), Err(TlogError::KeyType { .. })));
}

#[test]
fn strangers_lines_do_not_enter_the_state() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(5, 0);
    let mut witness = FileWitness::create(directory.path(), &witness_key()).unwrap();
    let mut note = Note::parse(&signed(&tree, 2)).unwrap();
    for index in 0..40 {
        let stranger = NoteSigner::from_seed(&format!("s{index}"), KeyType::Ed25519, &[5; 32]).unwrap();
        note.add(stranger.sign(note.text()).unwrap());
    }
    witness.cosign(1, 0, &[], &note.to_bytes(), log().verifier()).unwrap();
    let stored = Note::parse(&witness.latest("log.example").unwrap().unwrap()).unwrap();
    assert_eq!(stored.signatures().len(), 2);
}

#[test]
fn requests_round_trip_and_malformed_ones_are_refused() {
    let tree = tree(9, 0);
    let request =
        AddCheckpoint { old_size: 5, proof: tree.consistency_proof(5, 9).unwrap(), checkpoint: signed(&tree, 9) };
    let body = request.to_bytes();
    assert_eq!(AddCheckpoint::parse(&body).unwrap(), request);
    let text = String::from_utf8(body).unwrap();
    for bad in [
        text.replace("old 5", "old 05"),
        text.replace("old ", "new "),
        text.replacen('=', "", 1),
        "old 5\n".into(),
        String::new(),
    ] {
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let long = AddCheckpoint { proof: vec![[0; 32]; 64], ..request };
    assert!(matches!(AddCheckpoint::parse(&long.to_bytes()), Err(TlogError::TooLarge { .. })));
}

#[test]
fn sign_subtree_requests_read_back_with_and_without_signatures() {
    use crate::cosignature::{Subtree, sign_subtree};
    let tree = tree(14, 0);
    let signer = NoteSigner::from_seed("w.example/pq", KeyType::MlDsa44, &[6; 32]).unwrap();
    let note = Note::parse(&signed(&tree, 14)).unwrap();
    let hash = tree.subtree_hash(8, 13).unwrap();
    let subtree = Subtree { origin: "log.example".into(), start: 8, end: 13, hash };
    let mut request = SignSubtree {
        start: 8,
        end: 13,
        hash,
        cosignatures: vec![sign_subtree(&signer, &subtree).unwrap()],
        proof: tree.subtree_consistency_proof(8, 13, 14).unwrap(),
        text: note.text().to_owned(),
        signatures: note.signatures().to_vec(),
    };
    assert_eq!(SignSubtree::parse(&request.to_bytes()).unwrap(), request);
    request.cosignatures.clear();
    request.signatures.clear();
    let bytes = request.to_bytes();
    assert_eq!(SignSubtree::parse(&bytes).unwrap(), request);
    assert!(bytes.ends_with(b"=\n") && !bytes.ends_with(b"\n\n"));
    let text = String::from_utf8(bytes).unwrap();
    for bad in [
        text.replace("subtree 8 13", "subtree 08 13"),
        text.replace("subtree 8 13", "subtree 8"),
        text.replace("subtree 8 13\n", "subtree 8 13\n\n"),
        text.trim_end().to_owned(),
        text.replace("\n\nlog", "\nlog"),
    ] {
        assert!(SignSubtree::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    request.cosignatures = vec![sign_subtree(&signer, &subtree).unwrap(); 9];
    assert!(SignSubtree::parse(&request.to_bytes()).is_err());
}

proptest::proptest! {
    #[test]
    fn any_request_bytes_parse_or_fail_without_panic(bytes: Vec<u8>) {
        let _ = AddCheckpoint::parse(&bytes);
        let _ = SignSubtree::parse(&bytes);
        let _ = SignSubtree::parse(&[&b"subtree 0 1\n"[..], &bytes].concat());
    }
}
