//! `testdata/vectors/tlog/certificate.json`, recomputed. With `UPDATE_VECTORS=1` in the environment the file is written anew.
#![allow(clippy::unwrap_used, reason = "test code outside #[test] functions")]

use serde_json::{Value, json};
use standstill_tlog::certificate::{AbsenceCertificate, Claim, PublishedCertificate};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::cosignature;
use standstill_tlog::merkle::{Hash, Tree, leaf_hash};
use standstill_tlog::note::{KeyType, Note, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::proof::LogProof;
use standstill_tlog::reader::Limits;
use std::path::PathBuf;

const DEADLINE: u64 = 1_793_512_800;

fn log() -> NoteSigner {
    NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("witness.example/w{index}"), KeyType::CosignatureV1, &[10 + index; 32]).unwrap()
}

fn policy() -> String {
    let lines: String = (0..4).map(|w| format!("witness w{w} {}\n", witness(w).verifier())).collect();
    format!("{lines}group q 3 w0 w1 w2 w3\nquorum q\n")
}

fn entries() -> Vec<Vec<u8>> {
    (0..5).map(|index| format!("entry {index}").into_bytes()).collect()
}

fn leaves() -> Vec<Hash> {
    entries().iter().map(|entry| leaf_hash(entry)).collect()
}

fn cosigned(offsets: &[i64]) -> Note {
    let root = Tree::from_leaves(&leaves()).root();
    let mut note = Checkpoint::new("party.example/log", 5, root).sign(&log()).unwrap().note().clone();
    for (index, offset) in (0..).zip(offsets) {
        note.add(cosignature::sign(&witness(index), DEADLINE.saturating_add_signed(*offset), note.text()).unwrap());
    }
    note
}

/// What a second implementation must say: the entry `entry 3` answers every question here.
fn absence(what: &str, claim: Claim, offsets: &[i64]) -> Value {
    let certificate = AbsenceCertificate { deadline_unix_seconds: DEADLINE, claim, checkpoint: cosigned(offsets) };
    let bytes = certificate.to_bytes().unwrap();
    let read = AbsenceCertificate::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(read, certificate);
    let policy = Policy::parse(&policy()).unwrap();
    let verified = read.verify(log().verifier(), &policy, &|_, entry| entry == b"entry 3");
    let result = verified.map_or_else(
        |_| json!("refused"),
        |shown| json!({"size": shown.size, "since_unix_seconds": shown.since_unix_seconds}),
    );
    json!({"what": what, "certificate": hex::encode(bytes), "result": result})
}

fn published(what: &str, index: u8, offsets: &[i64]) -> Value {
    let path = Tree::from_leaves(&leaves()).inclusion_proof(u64::from(index), 5).unwrap();
    let proof = LogProof { extra: None, index: u64::from(index), path, checkpoint: cosigned(offsets) };
    let entry = entries()[usize::from(index)].clone();
    let certificate = PublishedCertificate { deadline_unix_seconds: DEADLINE, entry, proof };
    let bytes = certificate.to_bytes();
    let read = PublishedCertificate::parse(&bytes).unwrap();
    assert_eq!(read, certificate);
    let policy = Policy::parse(&policy()).unwrap();
    let result = read.verify(log().verifier(), &policy).map_or_else(
        |_| json!("refused"),
        |shown| json!({"index": shown.index, "size": shown.size, "by_unix_seconds": shown.by_unix_seconds}),
    );
    let existed: Vec<Value> = (0..4)
        .map(|faulty| read.existed_by(log().verifier(), &policy, faulty).map_or(Value::Null, Into::into))
        .collect();
    json!({"what": what, "certificate": String::from_utf8(bytes).unwrap(), "result": result, "existed_by": existed})
}

#[test]
fn certificates() {
    let matching = |entries| Claim::NothingMatching { question: "kind=report window=5".into(), entries };
    let mut without: Vec<_> = entries();
    without[3] = b"entry 9".to_vec();
    let late = [1, 60, 30];
    let computed = json!({
        "log": log().verifier().to_string(),
        "policy": policy(),
        "faults_to_split": Policy::parse(&policy()).unwrap().faults_to_split(),
        "absence": [
            absence("nothing beyond size 5, quorum one second after the deadline", Claim::NothingBeyond, &late),
            absence("third witness at the deadline itself", Claim::NothingBeyond, &[1, 60, 0]),
            absence("two witnesses", Claim::NothingBeyond, &[1, 60]),
            absence("another entry", Claim::NotThisEntry { leaf: leaf_hash(b"entry 5"), leaves: leaves() }, &late),
            absence("an entry that is there", Claim::NotThisEntry { leaf: leaf_hash(b"entry 4"), leaves: leaves() }, &late),
            absence("a question that entry 3 answers", matching(entries()), &late),
            absence("entries that are not those of the checkpoint", matching(without), &late),
        ],
        "published": [
            published("quorum at the deadline itself", 2, &[-90, 0, -30, 500]),
            published("quorum one second late", 2, &[-90, 1, -30, 500]),
            published("two witnesses", 0, &[-90, -30]),
        ],
    });
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/tlog/certificate.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let stored: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(stored, computed, "certificate.json differs; if that is meant, run with UPDATE_VECTORS=1 and say why");
}
