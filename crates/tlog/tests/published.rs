//! Conformance with published vectors and real logs that are not ours. The data is not part of the repository: it is found by
//! `STANDSTILL_DATA`, else beside the workspace; a set that is not there is skipped with a message.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::merkle::{
    Hash, Tree, consistency_root, inclusion_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
use standstill_tlog::note::{KeyType, Note, NoteSigner, VerifierKey};
use standstill_tlog::reader::{Limits, read_log_at};
use standstill_tlog::receipt::{Receipt, ReceiptProof};
use standstill_tlog::tile::{self, Kind, TileId};
use standstill_tlog::witness::{AddCheckpoint, FileWitness, http_status};
use std::fs;
use std::path::{Path, PathBuf};

fn data(set: &str) -> Option<PathBuf> {
    let root = std::env::var_os("STANDSTILL_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("tlog").join(set);
    if !path.exists() {
        println!("skipped: tlog/{set} not present");
        return None;
    }
    Some(path)
}

/// All files under a directory whose name ends so.
fn files(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, suffix));
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A base64 hash field; `None` when it is not 32 bytes, which our types cannot even hold.
fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str().unwrap_or_default()).ok()?.try_into().ok()
}

fn hashes(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(hash).collect())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn merkle_inclusion_vectors() {
    let Some(directory) = data("merkle/testdata/inclusion") else { return };
    let all = files(&directory, ".json");
    for path in &all {
        let v = json(path);
        let check = || {
            let (leaf, root, proof) = (hash(&v["leafHash"])?, hash(&v["root"])?, hashes(&v["proof"])?);
            verify_inclusion(&leaf, number(&v["leafIdx"]), number(&v["treeSize"]), &proof, &root).ok()
        };
        assert_eq!(check().is_none(), v["wantErr"].as_bool().unwrap(), "{}", path.display());
    }
    println!("{} inclusion vectors agree", all.len());
    assert_eq!(all.len(), 98);
}

#[test]
fn merkle_consistency_vectors() {
    let Some(directory) = data("merkle/testdata/consistency") else { return };
    let all = files(&directory, ".json");
    let mut unrepresentable = 0;
    for path in &all {
        let v = json(path);
        let (Some(old_root), Some(new_root), Some(proof)) = (hash(&v["root1"]), hash(&v["root2"]), hashes(&v["proof"]))
        else {
            // A value that is not 32 bytes long is refused before it gets here. Only the two empty trees with dummy roots were to pass.
            let dummy = number(&v["size1"]) == number(&v["size2"]) || number(&v["size1"]) == 0;
            assert!(dummy || v["wantErr"].as_bool().unwrap(), "{}", path.display());
            unrepresentable += 1;
            continue;
        };
        let checked = verify_consistency(number(&v["size1"]), number(&v["size2"]), &proof, &old_root, &new_root);
        assert_eq!(checked.is_err(), v["wantErr"].as_bool().unwrap(), "{}: {checked:?}", path.display());
    }
    println!(
        "{} consistency vectors agree, {unrepresentable} have roots or hashes of another length than 32 bytes",
        all.len()
    );
    assert_eq!(all.len(), 98);
}

#[test]
fn merkle_subtree_inclusion_vectors() {
    let Some(directory) = data("merkle/testdata/subtreeinclusion") else { return };
    let all = files(&directory, ".json");
    for path in &all {
        let v = json(path);
        let check = || {
            let (leaf, root, proof) = (hash(&v["leafHash"])?, hash(&v["root"])?, hashes(&v["proof"])?);
            let (index, start, end) = (number(&v["leafIdx"]), number(&v["start"]), number(&v["end"]));
            verify_subtree_inclusion(&leaf, index, start, end, &proof, &root).ok()
        };
        assert_eq!(check().is_none(), v["wantErr"].as_bool().unwrap(), "{}", path.display());
    }
    println!("{} subtree inclusion vectors agree", all.len());
    assert_eq!(all.len(), 204);
}

/// Two vectors are to pass although a root in them is not 32 bytes long: an empty subtree, whose tree's root is not looked at, and equal
/// one-leaf trees with dummy roots. Our types cannot hold such roots.
#[test]
fn merkle_subtree_consistency_vectors() {
    let Some(directory) = data("merkle/testdata/subtreeconsistency") else { return };
    let all = files(&directory, ".json");
    let mut unrepresentable = 0;
    for path in &all {
        let v = json(path);
        let (start, end, size) = (number(&v["start"]), number(&v["end"]), number(&v["size"]));
        let (Some(subtree), Some(root), Some(proof)) = (hash(&v["root1"]), hash(&v["root2"]), hashes(&v["proof"]))
        else {
            let dummy = start == end || (end, size) == (1, 1);
            assert!(dummy || v["wantErr"].as_bool().unwrap(), "{}", path.display());
            unrepresentable += 1;
            continue;
        };
        let checked = verify_subtree_consistency(start, end, size, &proof, &subtree, &root);
        assert_eq!(checked.is_err(), v["wantErr"].as_bool().unwrap(), "{}: {checked:?}", path.display());
    }
    println!(
        "{} subtree consistency vectors agree, {unrepresentable} have values of another length than 32 bytes",
        all.len()
    );
    assert_eq!(all.len(), 118);
}

/// The two example receipts of the COSE working group are about one tree of five leaves, so each checks the other. Their signatures are
/// ES256 by a key that is not published with them.
#[test]
fn cose_receipt_examples() {
    let Some(directory) = data("cose/examples") else { return };
    let read = |name: &str| {
        let bytes = fs::read(directory.join(name)).unwrap();
        let receipt = Receipt::parse(&bytes).unwrap();
        assert_eq!(receipt.to_bytes().unwrap(), bytes, "{name} comes back byte by byte");
        assert_eq!(receipt.issuer.as_deref(), Some("https://transparency-service.example.com"));
        receipt
    };
    let (inclusion, consistency) = (read("inclusion-receipt.cbor"), read("consistency-receipt.cbor"));
    let ReceiptProof::Inclusion { size: 5, index: 3, path } = &inclusion.proof else { panic!("{inclusion:?}") };
    let ReceiptProof::Consistency { old: 3, new: 5, path: steps } = &consistency.proof else {
        panic!("{consistency:?}")
    };
    // Leaves 2 and 3, the node over leaves 0 and 1, leaf 4; the audit path of leaf 3 has the same ones but leaf 3.
    let [leaf_2, leaf_3, nodes_0_1, leaf_4] = steps[..] else { panic!("{steps:?}") };
    assert_eq!(path[..], [leaf_2, nodes_0_1, leaf_4]);
    let old_root = node_hash(&nodes_0_1, &leaf_2);
    let root = consistency_root(3, 5, steps, &old_root).unwrap();
    assert_eq!(inclusion_root(&leaf_3, 3, 5, path).unwrap(), root);
    let key = NoteSigner::from_seed("service", KeyType::Ed25519, &[1; 32]).unwrap();
    let unsigned = consistency.verify_consistency(key.verifier(), 3, &old_root);
    assert!(matches!(unsigned, Err(TlogError::Receipt(_))), "another algorithm is not believed");
}

#[test]
fn tessera_log_with_every_checkpoint_tile_and_bundle() {
    let Some(directory) = data("tessera/testdata/log") else { return };
    let key =
        VerifierKey::parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx").unwrap();
    let limits = Limits::default();
    let newest = SignedCheckpoint::parse(&fs::read(directory.join("checkpoint")).unwrap(), &key).unwrap();
    let whole = read_log_at(&directory, newest.clone(), &limits).unwrap();
    for size in 0..=15_u64 {
        let bytes = fs::read(directory.join(format!("checkpoint.{size}"))).unwrap();
        let signed = SignedCheckpoint::parse(&bytes, &key).unwrap();
        assert_eq!(signed.checkpoint().size, size);
        let contents = read_log_at(&directory, signed.clone(), &limits).unwrap();
        whole.check_history(&signed).unwrap();
        let proof = whole.tree().consistency_proof(size, 15).unwrap();
        verify_consistency(size, 15, &proof, &signed.checkpoint().root, &newest.checkpoint().root).unwrap();
        if let Some(id) = TileId::in_tree(Kind::Hashes(0), 0, size) {
            let bytes = fs::read(directory.join(id.to_string())).unwrap();
            let wanted: Vec<Hash> = contents.entries.iter().map(|entry| leaf_hash(entry)).collect();
            assert_eq!(tile::decode_hashes(&bytes, id.width).unwrap(), wanted);
        }
    }
}

/// The log part of one bundle: checkpoint signed by the log, entry included.
fn rekor_entry_is_logged(entry: &Value, keys: &[VerifierKey]) -> Option<u64> {
    let proof = entry.get("inclusionProof")?;
    let note = Note::parse(proof["checkpoint"]["envelope"].as_str()?.as_bytes()).ok()?;
    let key = keys.iter().find(|key| note.signatures().iter().any(|line| key.matches(line)))?;
    let signed = SignedCheckpoint::parse(&note.to_bytes(), key).ok()?;
    let body = STANDARD.decode(entry["canonicalizedBody"].as_str()?).ok()?;
    let index = proof["logIndex"].as_str().unwrap_or("0").parse().ok()?;
    let Checkpoint { size, root, .. } = signed.checkpoint();
    verify_inclusion(&leaf_hash(&body), index, *size, &hashes(&proof["hashes"])?, root).ok()?;
    Some(*size)
}

/// Ed25519 log keys of a trusted root, named after the log's host as Rekor v2 names its origins.
fn rekor_keys(trusted_root: &Value) -> Vec<VerifierKey> {
    let logs = trusted_root["tlogs"].as_array().unwrap().iter();
    let ed25519 =
        logs.filter(|log| log["publicKey"]["keyDetails"].as_str().is_some_and(|kind| kind.contains("ED25519")));
    let key = |log: &Value| {
        let der = STANDARD.decode(log["publicKey"]["rawBytes"].as_str()?).ok()?;
        let origin = log["baseUrl"].as_str()?.trim_start_matches("https://").trim_end_matches('/').to_owned();
        VerifierKey::new(&origin, KeyType::Ed25519, der.last_chunk::<32>()?).ok()
    };
    ed25519.filter_map(key).collect()
}

#[test]
fn rekor_v2_bundles() {
    let Some(directory) = data("rekor") else { return };
    let (mut accepted, mut refused, mut elsewhere) = (0, 0, 0);
    for path in files(&directory, "bundle.sigstore.json") {
        let name = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let keys = rekor_keys(&json(&path.with_file_name("trusted_root.json")));
        let bundle = json(&path);
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array().unwrap().clone();
        let logged = !entries.is_empty() && entries.iter().all(|entry| rekor_entry_is_logged(entry, &keys).is_some());
        if !name.ends_with("_fail") {
            assert!(logged, "{name} must be accepted");
            accepted += 1;
        } else if name.contains("checkpoint") || name.contains("inclusion-proof") {
            assert!(!logged, "{name} must be refused");
            refused += 1;
        } else {
            // What is wrong with these lies in timestamps or envelopes, not in the log.
            elsewhere += 1;
        }
    }
    println!(
        "{accepted} bundles accepted, {refused} refused for their log part, {elsewhere} fail for reasons outside the log"
    );
    assert!(accepted >= 8 && refused >= 5);
}

#[test]
fn checksum_database_checkpoint() {
    let Some(path) = data("torchwood/sumdb.txt") else { return };
    let text = fs::read_to_string(path).unwrap();
    let key = VerifierKey::parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
    let requests = requests(&text);
    let (body, _) = &requests[0];
    let request = AddCheckpoint::parse(body).unwrap();
    let signed = SignedCheckpoint::parse_for_origin(&request.checkpoint, "go.sum database tree", &key).unwrap();
    assert_eq!(signed.checkpoint().size, 35_225_469);
    // The key has another name than the origin, so it must be said on purpose.
    assert!(matches!(SignedCheckpoint::parse(&request.checkpoint, &key), Err(TlogError::WrongOrigin { .. })));
}

/// Wanted status and, where the script gives it, body.
type Answer = (u16, Option<String>);

/// Bodies and wanted answers of an HTTP test script.
fn requests(script: &str) -> Vec<(Vec<u8>, Answer)> {
    let mut found = Vec::new();
    for part in script.split("POST http").skip(1) {
        let Some((_, rest)) = part.split_once("```\n") else { continue };
        let (body, rest) = rest.split_once("```\n").unwrap();
        let status = rest.strip_prefix("HTTP ").unwrap()[..3].parse().unwrap();
        let asserted = rest
            .lines()
            .find_map(|line| line.strip_prefix("body == \""))
            .map(|text| text.trim_end_matches("\\n\"").to_owned());
        found.push((body.as_bytes().to_vec(), (status, asserted)));
    }
    found
}

#[test]
fn litewitness_script() {
    let Some(path) = data("torchwood/litewitness.txt") else { return };
    let origin = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    let public: [u8; 32] =
        hex::decode("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f").unwrap().try_into().unwrap();
    let log = VerifierKey::new(origin, KeyType::Ed25519, &public).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let signer = NoteSigner::generate("example.com/witness", KeyType::CosignatureV1).unwrap();
    let mut witness = FileWitness::create(directory.path(), &signer).unwrap();
    let all = requests(&fs::read_to_string(path).unwrap());
    for (number, (body, (wanted, asserted))) in all.iter().enumerate() {
        let request = AddCheckpoint::parse(body).unwrap();
        let text = String::from_utf8_lossy(&request.checkpoint).into_owned();
        if !text.starts_with(&format!("{origin}\n")) {
            // The script predates the rule that an unknown origin is 404; which origins are known is the server's matter.
            assert_eq!(*wanted, 403);
            assert!(witness.cosign(1, request.old_size, &request.proof, &request.checkpoint, &log).is_err());
            continue;
        }
        match witness.cosign(1 + number as u64, request.old_size, &request.proof, &request.checkpoint, &log) {
            Ok(line) => {
                assert_eq!(*wanted, 200, "request {number}");
                let signed = SignedCheckpoint::parse(&request.checkpoint, &log).unwrap().with_lines(&line).unwrap();
                assert_eq!(signed.cosignatures(&[signer.verifier().clone()]).unwrap().len(), 1);
            }
            Err(error) => {
                // The forged signature ends in a base64 digit with stray bits, so it is refused as malformed (400) before it is
                // found forged (403): our base64 has one spelling per value.
                let malformed = matches!(error, TlogError::Note(_)) && *wanted == 403;
                assert!(malformed || http_status(&error) == *wanted, "request {number}: {error}");
                if let (TlogError::Conflict { known_size }, Some(body)) = (&error, asserted) {
                    assert_eq!(known_size.to_string(), *body);
                }
            }
        }
    }
    assert!(all.len() >= 8, "{} requests", all.len());
    assert_eq!(witness.known_size(&log).unwrap(), 5);
}

/// The strict rule, predicted from what each vector says about its points: only a key and a nonce of prime order, or with a torsion
/// component that cancels exactly, are accepted.
#[test]
fn ed25519_edge_vectors_have_one_answer() {
    let Some(path) = data("cctv/ed25519/ed25519vectors.json") else { return };
    let vectors = json(&path);
    let (mut accepted, mut refused) = (0, 0);
    for v in vectors.as_array().unwrap() {
        let flags: Vec<&str> =
            v["flags"].as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
        let fatal =
            ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue", "reencoded_k"];
        let wanted = !flags.iter().any(|flag| fatal.contains(flag));
        let key: [u8; 32] = hex::decode(v["key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let line = standstill_tlog::note::NoteSignature {
            name: "edge".into(),
            key_id: [0; 4],
            bytes: hex::decode(v["sig"].as_str().unwrap()).unwrap(),
        };
        let verified = VerifierKey::new("edge", KeyType::Ed25519, &key)
            .and_then(|key| key.verify(v["msg"].as_str().unwrap(), &line));
        assert_eq!(verified.is_ok(), wanted, "vector {} with {flags:?}", v["number"]);
        if verified.is_ok() { accepted += 1 } else { refused += 1 }
    }
    println!("{accepted} accepted, {refused} refused");
    assert_eq!(accepted + refused, 914);
}

#[test]
fn a_log_of_the_go_constants() {
    // The eight leaves and roots of transparency-dev/merkle testonly/constants.go, as their JSON vectors also use them.
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect();
    let root = Tree::from_leaves(&hashes).root();
    assert_eq!(hex::encode(root), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}
