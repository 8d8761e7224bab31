//! Seeds of statements, terms, logs, ledgers, seals and audits.

use crate::bundle;
use curve25519_dalek::Scalar;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use standstill_audit::confide::{InspectorKey, Purpose, encrypt};
use standstill_audit::{DemoBeacon, Round};
use standstill_ledger::{DeviceWindow, Evidence, OpsInterval, SlotEntry, WindowLedger, WindowSpec};
use standstill_seal::commitment::{PointBytes, commit};
use standstill_seal::{LeafValues, MasterSecret, Opening};
use standstill_statement::{
    AddedKey, Body, Class, Hash32, Header, Name, Rotation, SigningKey, Statement, Succession, canonical, decode_unverified,
};
use standstill_tlog::certificate::{AbsenceCertificate, Claim, PublishedCertificate};
use standstill_tlog::checkpoint::{Checkpoint, ForkEvidence};
use standstill_tlog::cosignature;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::mirror::{AddEntries, build_package};
use standstill_tlog::note::{KeyType, Note, NoteSigner};
use standstill_tlog::proof::LogProof;
use standstill_tlog::receipt::{Receipt, ReceiptProof};
use standstill_tlog::tile::{decode_bundle, encode_bundle};
use standstill_tlog::witness::{AddCheckpoint, SignSubtree};

/// Every file of the honest world whose path starts so.
fn files(prefix: &str) -> Vec<Vec<u8>> {
    bundle::honest()
        .files
        .iter()
        .filter(|(path, _)| path.starts_with(prefix))
        .map(|(_, content)| content.clone())
        .collect()
}

/// Envelopes of the honest world, one of each kind of party.
pub fn statements() -> Vec<Vec<u8>> {
    let bundles = bundle::honest().files.iter().filter(|(path, _)| path.contains("/tile/entries/"));
    let entries = bundles.filter_map(|(path, bytes)| {
        let width = path.rsplit_once(".p/").and_then(|(_, width)| width.parse().ok()).unwrap_or(256);
        Some(decode_bundle(bytes, width).ok()?.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
    });
    entries.flatten().chain(rotations()).collect()
}

/// A rotation of keys, and the first entry of a successor.
fn rotations() -> Vec<Vec<u8>> {
    let (key, next) = (SigningKey::from_seed([3; 32]), SigningKey::from_seed([4; 32]));
    let header = Header {
        agreement: Hash32([7; 32]),
        issuer: Name::new("north").expect("a name"),
        sequence: 0,
        previous: None,
        issued_unix_seconds: 1_800_000_000,
        heads: Vec::new(),
    };
    let rotation = Rotation { add: Some(AddedKey::prove(&next, &header)), retire: Some(key.public()) };
    let (predecessor, hash) = (log().verifier().to_string(), Hash32([1; 32]));
    let succession = Succession { predecessor, agreement: hash, size: 7, root: hash, last: hash };
    let bodies = [Body::Rotation(rotation), Body::Succession(succession)];
    bodies.map(|body| Statement { header: header.clone(), body }.sign(&key).expect("good fields")).to_vec()
}

/// Their payloads.
pub fn statement_bodies() -> Vec<Vec<u8>> {
    statements().iter().filter_map(|bytes| canonical::to_vec(&decode_unverified(bytes).ok()?).ok()).collect()
}

/// Key texts.
pub fn statement_key_files() -> Vec<Vec<u8>> {
    let key = SigningKey::from_seed([3; 32]);
    vec![key.to_file_text().as_bytes().to_vec(), key.public().to_string().into_bytes()]
}

/// Terms.
pub fn agreements() -> Vec<Vec<u8>> {
    files("agreement.toml")
}

/// Key of the log in the seeds.
pub fn log() -> NoteSigner {
    NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[1; 32]).expect("a valid name")
}

/// Key of a witness in the seeds.
pub fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("witness.example/w{index}"), KeyType::CosignatureV1, &[10 + index; 32])
        .expect("a valid name")
}

fn tree(size: u8) -> Tree {
    Tree::from_leaves(&(0..size).map(|index| leaf_hash(&[index])).collect::<Vec<_>>())
}

/// A checkpoint with two cosignatures.
pub fn cosigned_note() -> Vec<u8> {
    let signed = Checkpoint::new("party.example/log", 7, tree(7).root()).sign(&log()).expect("a log key");
    let mut note = signed.note().clone();
    for index in 0..2 {
        note.add(
            cosignature::sign(&witness(index), 1_800_000_000 + u64::from(index), signed.note().text())
                .expect("a witness key"),
        );
    }
    note.add(cosignature::sign(&post_quantum(), 1_800_000_002, signed.note().text()).expect("a post-quantum key"));
    note.to_bytes()
}

/// Notes.
pub fn notes() -> Vec<Vec<u8>> {
    let plain = Note::sign("any\n\ntext\n", &log()).expect("a log key").to_bytes();
    [vec![cosigned_note(), plain], files("logs/").into_iter().filter(|file| file.len() < 2_000).collect()].concat()
}

/// Policies.
pub fn policies() -> Vec<Vec<u8>> {
    let mut text = format!("# seeds\nlog {} https://log.example/\n", log().verifier());
    for index in 0..4 {
        text += &format!("witness w{index} {}\n", witness(index).verifier());
    }
    let rules = ["quorum none\n", "quorum w1\n", "group a 2 w0 w1 w2\ngroup b any w3\ngroup c all a b\nquorum c\n"];
    rules.iter().map(|rule| format!("{text}{rule}").into_bytes()).collect()
}

/// Verifier keys, a signer key and a signature line.
pub fn log_keys() -> Vec<Vec<u8>> {
    let line = log().sign("text\n").expect("a log key").to_string();
    let texts =
        [log().verifier().to_string(), witness(0).verifier().to_string(), log().to_file_text().to_string(), line];
    let texts =
        texts.into_iter().chain([post_quantum().verifier().to_string(), post_quantum().to_file_text().to_string()]);
    texts.map(String::into_bytes).collect()
}

/// Width, then bundle or path.
pub fn bundles_of_entries() -> Vec<Vec<u8>> {
    let bundle = encode_bundle(&[&b"entry"[..], b"", &[7; 300]]).expect("short entries");
    vec![
        [&[2][..], &bundle].concat(),
        b"\0tile/0/x001/234.p/7".to_vec(),
        b"\0tile/entries/000".to_vec(),
        [&[1][..], &[9; 64]].concat(),
    ]
}

/// Proof files.
pub fn log_proofs() -> Vec<Vec<u8>> {
    let checkpoint = Note::parse(&cosigned_note()).expect("a note");
    let proof = |extra| LogProof {
        extra,
        index: 3,
        path: tree(7).inclusion_proof(3, 7).expect("a leaf"),
        checkpoint: checkpoint.clone(),
    };
    [None, Some(b"extra".to_vec())].map(|extra| proof(extra).to_string().into_bytes()).to_vec()
}

/// Certificates of both kinds; seven entries of one byte each.
pub fn certificates() -> Vec<Vec<u8>> {
    let checkpoint = Note::parse(&cosigned_note()).expect("a note");
    let entries: Vec<Vec<u8>> = (0..7).map(|index| vec![index]).collect();
    let claims = [
        Claim::NothingBeyond,
        Claim::NotThisEntry { leaf: leaf_hash(b"x"), leaves: entries.iter().map(|entry| leaf_hash(entry)).collect() },
        Claim::NothingMatching { question: "kind=report window=5".to_owned(), entries },
    ];
    let absence = claims.into_iter().map(|claim| {
        AbsenceCertificate { deadline_unix_seconds: 1_700_000_000, claim, checkpoint: checkpoint.clone() }
            .to_bytes()
            .expect("short entries")
    });
    let path = tree(7).inclusion_proof(3, 7).expect("a leaf");
    let proof = LogProof { extra: None, index: 3, path, checkpoint: checkpoint.clone() };
    let published = PublishedCertificate { deadline_unix_seconds: 1_900_000_000, entry: vec![3], proof };
    absence.chain([published.to_bytes()]).collect()
}

/// Requests to a witness.
pub fn witness_requests() -> Vec<Vec<u8>> {
    let request = |old_size| AddCheckpoint {
        old_size,
        proof: tree(7).consistency_proof(old_size, 7).expect("sizes fit"),
        checkpoint: cosigned_note(),
    };
    [0, 3, 7].map(|old| request(old).to_bytes()).to_vec()
}

/// A pair of contradicting checkpoints.
pub fn fork_evidence() -> Vec<Vec<u8>> {
    let signed = |root| Checkpoint::new("party.example/log", 7, [root; 32]).sign(&log()).expect("a log key");
    vec![ForkEvidence::new(signed(1), signed(2)).expect("a contradiction").to_bytes()]
}

/// A post-quantum key of a witness in the seeds.
pub fn post_quantum() -> NoteSigner {
    NoteSigner::from_seed("witness.example/pq", KeyType::MlDsa44, &[20; 32]).expect("a valid name")
}

/// sign-subtree requests, with and without signatures.
pub fn subtree_requests() -> Vec<Vec<u8>> {
    let note = Note::parse(&cosigned_note()).expect("a note");
    let hash = tree(7).subtree_hash(4, 7).expect("a subtree");
    let subtree = cosignature::Subtree { origin: "party.example/log".into(), start: 4, end: 7, hash };
    let whole = SignSubtree {
        start: 4,
        end: 7,
        hash,
        cosignatures: vec![cosignature::sign_subtree(&post_quantum(), &subtree).expect("a post-quantum key")],
        proof: tree(7).subtree_consistency_proof(4, 7, 7).expect("a subtree"),
        text: note.text().to_owned(),
        signatures: note.signatures().to_vec(),
    };
    let bare = SignSubtree { cosignatures: Vec::new(), signatures: Vec::new(), ..whole.clone() };
    vec![whole.to_bytes(), bare.to_bytes()]
}

/// The tree that the uploads of the seeds belong to.
pub fn upload_tree() -> Tree {
    Tree::from_leaves(&(0..258_u64).map(|index| leaf_hash(&index.to_be_bytes())).collect::<Vec<_>>())
}

/// Uploads to a mirror: across a bundle's end, and a short one.
pub fn mirror_uploads() -> Vec<Vec<u8>> {
    let upload = |start: u64| {
        let request = AddEntries { origin: "party.example/log".into(), start, end: 258, ticket: b"t".to_vec() };
        let mut bytes = request.to_bytes().expect("a short origin");
        for range in request.packages() {
            let entries = range.entries.clone().map(|index| index.to_be_bytes().to_vec()).collect();
            let package = build_package(&upload_tree(), &range, 258, entries).expect("a subtree");
            bytes.extend(package.to_bytes().expect("short entries"));
        }
        bytes
    };
    vec![upload(250), upload(257), upload(258)]
}

/// The tree that the receipts of the seeds are about.
pub fn receipt_tree() -> Tree {
    tree(7)
}

/// COSE receipts of both kinds.
pub fn receipts() -> Vec<Vec<u8>> {
    let tree = tree(7);
    let inclusion = ReceiptProof::Inclusion { size: 7, index: 3, path: tree.inclusion_proof(3, 7).expect("a leaf") };
    let path = tree.consistency_proof(3, 7).expect("sizes fit");
    let consistency = ReceiptProof::Consistency { old: 3, new: 7, path };
    let bytes =
        |proof| Receipt::sign(&log(), proof, &tree.root()).and_then(|receipt| receipt.to_bytes()).expect("a log key");
    vec![bytes(inclusion), bytes(consistency)]
}

/// A window of two devices.
pub fn ledgers() -> Vec<Vec<u8>> {
    let entry = |class, run: Option<Name>, ops| SlotEntry {
        class,
        run,
        format: None,
        milliseconds: 3_600_000,
        active_milliseconds: 1_000,
        operations: OpsInterval {
            lower_ops: 0,
            best_ops: ops,
            upper_ops: ops * 2,
            evidence: Evidence::EnergyPerOperation,
        },
        energy_millijoules: 400_000_000,
    };
    let run = Name::new("run-1").ok();
    let row = |device: &str| DeviceWindow {
        device: device.to_owned(),
        slots: vec![vec![entry(Class::Pretraining, run.clone(), 1 << 90)], vec![entry(Class::Idle, None, 0)]],
        counter_start_millijoules: Some(10),
        counter_end_millijoules: Some(1 << 40),
        evidence_hash: Hash32([4; 32]),
    };
    let spec = WindowSpec { index: 3, start_ms: 1_700_000_000_000, length_ms: 7_200_000, slot_ms: 3_600_000 };
    let ledger = WindowLedger { spec, devices: vec![row("GPU-1"), row("GPU-2")], alarms: Vec::new() };
    vec![ledger.encode().expect("a ledger"), row("GPU-1").encode().expect("a row")]
}

/// Fleet files.
pub fn fleets() -> Vec<Vec<u8>> {
    let csv = "key,model,site,area,domain,custody\nGPU-1,h100-sxm5,east,hall-1,pod-1,0:in_service;12:broken\nGPU-2,h100-sxm5,east,hall-1,pod-1,\n";
    let toml = "[[device]]\nkey = \"GPU-1\"\nmodel = \"h100-sxm5\"\nsite = \"east\"\narea = \"hall-1\"\ndomain = \"pod-1\"\n\
                custody = [{ from_window = 3, state = \"broken\" }]\n";
    vec![csv.into(), toml.into()]
}

/// The rulebooks and the chip table of the ledger.
pub fn rulebooks() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../../crates/ledger/data/rulebooks/eu-gpai-2025.toml"),
        include_str!("../../../crates/ledger/data/rulebooks/miri-treaty-2025.toml"),
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Number of groups, then a blob.
pub fn seal_blobs() -> Vec<Vec<u8>> {
    files("blobs/").into_iter().map(|blob| [&[0][..], &blob].concat()).collect()
}

/// A commitment to 1234 and the proof of its range.
pub fn seal_proofs() -> Vec<Vec<u8>> {
    let (value, blinding) = (1_234_u64, Scalar::from(77_u64));
    let point = commit(&Scalar::from(value), &blinding);
    let encoded = (point, PointBytes::of(&point));
    let proof = crate::seal::sequence().prove(&[encoded], &[(value, blinding)], &mut ChaCha20Rng::from_seed([1; 32]));
    vec![[encoded.1.as_bytes(), &proof.expect("a small value")[..]].concat()]
}

/// An opening, and a master secret's file.
pub fn seal_openings() -> Vec<Vec<u8>> {
    let leaf = LeafValues {
        device: Hash32([1; 32]),
        counter_start_millijoules: Some(1),
        counter_end_millijoules: None,
        class_seconds: [9_600; Class::COUNT],
        petaops: [7; Class::WORKING],
        energy_kilojoules: 9,
        run_petaops: Name::new("run-1").map(|run| vec![(run, 7)]).unwrap_or_default(),
        evidence_root: Hash32([2; 32]),
    };
    let opening = Opening {
        period: Hash32([3; 32]),
        group: 0,
        fleet_key: Hash32([4; 32]),
        window_key: Hash32([5; 32]),
        leaves: vec![leaf.clone(), leaf],
    };
    let secret = MasterSecret::from_bytes([6; 32]).to_file_text().as_bytes().to_vec();
    vec![opening.to_bytes().expect("an opening"), secret]
}

/// Beacon rounds.
pub fn beacon_rounds() -> Vec<Vec<u8>> {
    let demo = DemoBeacon::from_seed(&[7; 32]).expect("a seed");
    let round: Round = demo.sign(5).expect("a round");
    vec![round.to_json().into_bytes(), br#"{"round":123,"signature":"b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"}"#.to_vec()]
}

/// Key of the inspector in the seeds.
pub fn inspector() -> InspectorKey {
    InspectorKey::from_seed(&[8; 32])
}

/// What the encrypted opening answers.
pub fn purpose() -> Purpose {
    Purpose { agreement: Hash32([1; 32]), challenge: Hash32([2; 32]), group: 3 }
}

/// An encrypted opening.
pub fn sealed_openings() -> Vec<Vec<u8>> {
    let public = inspector().public().expect("a key");
    let sealed = encrypt(&public, &purpose(), &seal_openings()[0], &mut ChaCha20Rng::from_seed([9; 32]));
    vec![sealed.expect("a small opening"), inspector().to_file_text().as_bytes().to_vec()]
}
