//! The vectors in `testdata/vectors/tlog`, recomputed. With `UPDATE_VECTORS=1` in the environment the files are written anew.
#![allow(clippy::unwrap_used, reason = "test code outside #[test] functions")]

use serde_json::{Value, json};
use standstill_tlog::checkpoint::{Checkpoint, ForkEvidence};
use standstill_tlog::cosignature::{self, Subtree};
use standstill_tlog::merkle::{Hash, Tree, leaf_hash};
use standstill_tlog::mirror::{AddEntries, MirrorInfo, build_package};
use standstill_tlog::note::{KeyType, Note, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::proof::LogProof;
use standstill_tlog::receipt::{Receipt, ReceiptProof};
use standstill_tlog::tile::{self, Kind, TileId};
use standstill_tlog::witness::AddCheckpoint;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/tlog").join(name)
}

/// Compares with the file, or writes it.
fn settle(name: &str, computed: &Value) {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(file(name), serde_json::to_string_pretty(computed).unwrap() + "\n").unwrap();
    }
    let stored: Value = serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap();
    assert_eq!(
        &stored, computed,
        "{name} differs; if that is meant, run with UPDATE_VECTORS=1 and explain it in the commit"
    );
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn tree(size: u64) -> Tree {
    Tree::from_leaves(&(0..size).map(|index| leaf_hash(&entry(index))).collect::<Vec<_>>())
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("witness.example/w{index}"), KeyType::CosignatureV1, &[10 + index; 32]).unwrap()
}

fn checkpoint(size: u64) -> Note {
    Checkpoint::new("party.example/log", size, tree(size).root()).sign(&log()).unwrap().note().clone()
}

fn cosigned(size: u64, times: &[(u8, u64)]) -> Note {
    let mut note = checkpoint(size);
    for (index, time) in times {
        note.add(cosignature::sign(&witness(*index), *time, note.text()).unwrap());
    }
    note
}

#[test]
fn trees() {
    let tree = tree(300);
    let roots: Vec<Value> = [0_u64, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 300]
        .map(|size| json!({"size": size, "root": hex::encode(tree.root_at(size).unwrap())}))
        .to_vec();
    let inclusion: Vec<Value> = [(0_u64, 1_u64), (0, 7), (3, 7), (6, 7), (255, 257), (256, 257), (128, 300)]
        .map(|(index, size)| json!({"index": index, "size": size, "path": hexes(&tree.inclusion_proof(index, size).unwrap())}))
        .to_vec();
    let consistency: Vec<Value> = [
        (0_u64, 5_u64),
        (1, 2),
        (3, 7),
        (4, 7),
        (6, 8),
        (255, 257),
        (256, 300),
        (299, 300),
        (300, 300),
    ]
    .map(|(old, new)| json!({"old": old, "new": new, "proof": hexes(&tree.consistency_proof(old, new).unwrap())}))
    .to_vec();
    let computed = json!({
        "entries": "entry i is the ASCII text `entry ` and i in decimal",
        "leaf_0": hex::encode(leaf_hash(&entry(0))), "roots": roots, "inclusion": inclusion, "consistency": consistency,
    });
    settle("tree.json", &computed);
}

#[test]
fn notes() {
    let fork = ForkEvidence::new(
        Checkpoint::new("party.example/log", 2, [1; 32]).sign(&log()).unwrap(),
        Checkpoint::new("party.example/log", 2, [2; 32]).sign(&log()).unwrap(),
    );
    let computed = json!({
        "log": {"seed": hex::encode([1; 32]), "key_file": *log().to_file_text(), "vkey": log().verifier().to_string()},
        "witness": {"seed": hex::encode([10; 32]), "key_file": *witness(0).to_file_text(), "vkey": witness(0).verifier().to_string()},
        "checkpoint": checkpoint(5).to_string(),
        "cosigned": {"time_unix_seconds": 1_800_000_000_u64, "note": cosigned(5, &[(0, 1_800_000_000)]).to_string()},
        "add_checkpoint": String::from_utf8(AddCheckpoint {
            old_size: 3,
            proof: tree(5).consistency_proof(3, 5).unwrap(),
            checkpoint: checkpoint(5).to_bytes(),
        }.to_bytes()).unwrap(),
        "fork_evidence": String::from_utf8(fork.unwrap().to_bytes()).unwrap(),
    });
    settle("notes.json", &computed);
}

#[test]
fn policies() {
    let mut witnesses = format!("log {}\n", log().verifier());
    for index in 0..5 {
        witnesses += &format!("witness w{index} {}\n", witness(index).verifier());
    }
    let times: [&[(u8, u64)]; 4] = [
        &[],
        &[(0, 100), (1, 130)],
        &[(0, 100), (1, 130), (4, 90)],
        &[(0, 100), (1, 130), (2, 140), (4, 90), (4, 500)],
    ];
    let rules = [
        "quorum none\n",
        "quorum w1\n",
        "group a 2 w0 w1 w2\nquorum a\n",
        "group a 2 w0 w1 w2\ngroup b any w3 w4\ngroup c all a b\nquorum c\n",
    ];
    let mut cases = Vec::new();
    for rule in rules {
        let text = format!("{witnesses}{rule}");
        let policy = Policy::parse(&text).unwrap();
        for times in times {
            let note = cosigned(5, times);
            let found = policy.evaluate(&note).unwrap();
            cases.push(json!({
                "policy": text, "note": note.to_string(), "quorum_time": found.quorum_time, "quorum_since": found.quorum_since,
            }));
        }
    }
    settle("policy.json", &json!(cases));
}

#[test]
fn tiles() {
    let tree = tree(300);
    let list = |old, new| tile::new_tiles(old, new).map(|id| id.to_string()).collect::<Vec<_>>();
    let hashes: Vec<Hash> = (256..300).map(|index| *tree.leaf(index).unwrap()).collect();
    let bundle = tile::encode_bundle(&[entry(0), Vec::new(), entry(1)]).unwrap();
    let computed = json!({
        "paths": [
            {"kind": "hashes", "level": 0, "index": 0, "width": 256, "path": TileId { kind: Kind::Hashes(0), index: 0, width: 256 }.to_string()},
            {"kind": "hashes", "level": 1, "index": 1_234_067, "width": 9, "path": TileId { kind: Kind::Hashes(1), index: 1_234_067, width: 9 }.to_string()},
            {"kind": "entries", "index": 1000, "width": 255, "path": TileId { kind: Kind::Entries, index: 1000, width: 255 }.to_string()},
        ],
        "tree_of_300_entries": {"tiles": list(0, 300), "tiles_new_since_255": list(255, 300)},
        "hash_tile": {"path": "tile/0/001.p/44", "bytes": hex::encode(tile::encode_hashes(&hashes))},
        "hash_tile_level_1": {"path": "tile/1/000.p/1", "bytes": hex::encode(tree.node(8, 0).unwrap())},
        "bundle": {"entries": [hex::encode(entry(0)), "", hex::encode(entry(1))], "bytes": hex::encode(bundle)},
    });
    settle("tiles.json", &computed);
}

#[test]
fn proofs() {
    let times = [(0, 1_800_000_000), (1, 1_800_000_007)];
    let proof = LogProof {
        extra: None,
        index: 3,
        path: tree(7).inclusion_proof(3, 7).unwrap(),
        checkpoint: cosigned(7, &times),
    };
    let rule = "group a all w0 w1\nquorum a\n";
    let policy = format!(
        "log {}\nwitness w0 {}\nwitness w1 {}\n{rule}",
        log().verifier(),
        witness(0).verifier(),
        witness(1).verifier()
    );
    let (_, time) = LogProof::parse(proof.to_string().as_bytes())
        .unwrap()
        .verify(&entry(3), &Policy::parse(&policy).unwrap())
        .unwrap();
    settle(
        "proof.json",
        &json!({"policy": policy, "entry": hex::encode(entry(3)), "proof": proof.to_string(), "quorum_time": time}),
    );
}

/// ML-DSA-44 signing is deterministic here, so its bytes are fixed too; they are long, so the vectors hold their hash.
#[test]
fn post_quantum() {
    let signer = NoteSigner::from_seed("witness.example/pq", KeyType::MlDsa44, &[20; 32]).unwrap();
    let text = checkpoint(5).text().to_owned();
    let cosignature = cosignature::sign(&signer, 1_800_000_000, &text).unwrap();
    let subtree =
        Subtree { origin: "party.example/log".into(), start: 4, end: 7, hash: tree(7).subtree_hash(4, 7).unwrap() };
    let over_subtree = cosignature::sign_subtree(&signer, &subtree).unwrap();
    let sha256 = |bytes: &[u8]| {
        use sha2::Digest;
        hex::encode(sha2::Sha256::digest(bytes))
    };
    let computed = json!({
        "seed": hex::encode([20; 32]), "key_file": *signer.to_file_text(), "key_id": hex::encode(signer.verifier().id()),
        "vkey_sha256": sha256(signer.verifier().to_string().as_bytes()),
        "checkpoint": checkpoint(5).to_string(),
        "cosignature": {"time_unix_seconds": 1_800_000_000_u64, "bytes": cosignature.bytes.len(), "sha256": sha256(&cosignature.bytes)},
        "subtree": {"start": 4, "end": 7, "hash": hex::encode(subtree.hash), "bytes": over_subtree.bytes.len(), "sha256": sha256(&over_subtree.bytes)},
    });
    settle("post-quantum.json", &computed);
}

#[test]
fn subtrees() {
    let tree = tree(300);
    let cases: Vec<Value> = [
        (0_u64, 300_u64, 300_u64),
        (0, 3, 7),
        (4, 6, 7),
        (4, 7, 7),
        (8, 13, 14),
        (256, 300, 300),
        (128, 256, 300),
        (5, 6, 7),
    ]
    .map(|(start, end, size)| {
        json!({
            "start": start, "end": end, "size": size, "hash": hex::encode(tree.subtree_hash(start, end).unwrap()),
            "consistency": hexes(&tree.subtree_consistency_proof(start, end, size).unwrap()),
            "index": end - 1, "inclusion": hexes(&tree.subtree_inclusion_proof(end - 1, start, end).unwrap()),
        })
    })
    .to_vec();
    settle("subtree.json", &json!({"entries": "as in tree.json", "subtrees": cases}));
}

#[test]
fn mirror_requests() {
    let request = AddEntries { origin: "party.example/log".into(), start: 255, end: 258, ticket: vec![1, 2, 3] };
    let packages: Vec<Value> = request
        .packages()
        .map(|range| {
            let package = build_package(&tree(258), &range, 258, range.entries.clone().map(entry).collect()).unwrap();
            json!({"start": range.entries.start, "end": range.entries.end, "bytes": hex::encode(package.to_bytes().unwrap())})
        })
        .collect();
    let info = MirrorInfo { pending_size: 258, next_entry: 256, ticket: vec![1, 2, 3] };
    let head = json!({"origin": request.origin, "start": 255, "end": 258, "ticket": "010203", "bytes": hex::encode(request.to_bytes().unwrap())});
    settle(
        "mirror.json",
        &json!({"entries": "as in tree.json", "head": head, "packages": packages, "mirror_info": info.to_string()}),
    );
}

#[test]
fn receipts() {
    let tree = tree(7);
    let root = tree.root();
    let inclusion = ReceiptProof::Inclusion { size: 7, index: 3, path: tree.inclusion_proof(3, 7).unwrap() };
    let consistency = ReceiptProof::Consistency { old: 3, new: 7, path: tree.consistency_proof(3, 7).unwrap() };
    let one_leaf = ReceiptProof::Inclusion { size: 1, index: 0, path: Vec::new() };
    let bytes =
        |proof: ReceiptProof, root: &Hash| hex::encode(Receipt::sign(&log(), proof, root).unwrap().to_bytes().unwrap());
    let computed = json!({
        "entries": "as in tree.json", "vkey": log().verifier().to_string(), "root": hex::encode(root),
        "inclusion": {"size": 7, "index": 3, "bytes": bytes(inclusion, &root)},
        "consistency": {"old": 3, "new": 7, "old_root": hex::encode(tree.root_at(3).unwrap()), "bytes": bytes(consistency, &root)},
        "one_leaf": {"size": 1, "index": 0, "bytes": bytes(one_leaf, &tree.root_at(1).unwrap())},
    });
    settle("receipt.json", &computed);
}
