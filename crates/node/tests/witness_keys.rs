//! A witness with two keys, its configuration file, subtree cosignatures, and the statement about an alarm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

#[path = "witness/world.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod world;

use standstill_node::clock::SetClock;
use standstill_node::witness::{Config, Settings, WatchedLog, WitnessError, WitnessService};
use standstill_statement::{Body, Hash32, SigningKey};
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::cosignature::{self, Subtree};
use standstill_tlog::note::{KeyType, Note, NoteSignature, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::witness::{AddCheckpoint, SignSubtree, origin_hash};
use std::path::Path;
use std::sync::Arc;
use world::{body, log, signed, tree, witness_key};

fn post_quantum(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(name, KeyType::MlDsa44, &[seed; 32]).unwrap()
}

fn two_keys(directory: &Path) -> Settings {
    let logs = vec![WatchedLog::new(log().verifier().clone())];
    let signers = vec![witness_key(), post_quantum("witness.example/pq", 6)];
    Settings { signers, ..Settings::new(&directory.join("w"), witness_key(), logs) }
}

#[tokio::test]
async fn both_keys_sign_and_a_policy_may_ask_for_both() {
    let directory = tempfile::tempdir().unwrap();
    let service = WitnessService::create(&two_keys(directory.path()), Arc::new(SetClock::at(50))).unwrap();
    let tree = tree(20, 0);
    let answer = service.add_checkpoint(&body(&tree, 0, 5)).await;
    assert_eq!((answer.status, answer.body.lines().count()), (200, 2), "{}", answer.body);
    let whole = SignedCheckpoint::parse(&signed(&tree, 5), log().verifier()).unwrap().with_lines(&answer.body).unwrap();
    let policy = format!(
        "log {}\nwitness ed {}\nwitness pq {}\ngroup both all ed pq\nquorum both\n",
        log().verifier(),
        service.verifiers()[0],
        service.verifiers()[1]
    );
    let (_, time) = Policy::parse(&policy).unwrap().check(&whole.to_bytes()).unwrap();
    assert_eq!(time, 50);
    let served = service.checkpoint(&hex::encode(origin_hash("log.example"))).await.unwrap();
    assert_eq!(Note::parse(&served).unwrap().verify(service.verifiers()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_further_key_joins_an_old_record_and_none_may_leave() {
    let directory = tempfile::tempdir().unwrap();
    let two = two_keys(directory.path());
    let one = Settings { signers: vec![witness_key()], ..two.clone() };
    let clock = || Arc::new(SetClock::at(50));
    drop(WitnessService::create(&one, clock()).unwrap());
    drop(WitnessService::open(&two, clock()).unwrap());
    assert!(matches!(WitnessService::open(&one, clock()), Err(WitnessError::OtherKeys { .. })));
}

/// A log that signs with a second, post-quantum key too.
#[tokio::test]
async fn a_logs_second_signature_is_checked_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let second = post_quantum("log.example", 7);
    let keys = vec![log().verifier().clone(), second.verifier().clone()];
    let logs = vec![WatchedLog { origin: "log.example".into(), keys }];
    let settings = Settings::new(&directory.path().join("w"), witness_key(), logs);
    let service = WitnessService::create(&settings, Arc::new(SetClock::at(50))).unwrap();
    let tree = tree(20, 0);
    let request = |size: u64, line: NoteSignature| {
        let mut note = Note::parse(&signed(&tree, size)).unwrap();
        note.add(line);
        AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: note.to_bytes() }.to_bytes()
    };
    let text = Checkpoint::new("log.example", 5, tree.root_at(5).unwrap()).to_string();
    let good = cosignature::sign(&second, 40, &text).unwrap();
    assert_eq!(service.add_checkpoint(&request(6, good.clone())).await.status, 403, "a line over another checkpoint");
    assert_eq!(service.add_checkpoint(&request(5, good)).await.status, 200);
    let served = service.checkpoint(&hex::encode(origin_hash("log.example"))).await.unwrap();
    assert_eq!(Note::parse(&served).unwrap().signatures().len(), 3);
}

#[tokio::test]
async fn subtrees_of_cosigned_trees_are_signed() {
    let directory = tempfile::tempdir().unwrap();
    let service = WitnessService::create(&two_keys(directory.path()), Arc::new(SetClock::at(50))).unwrap();
    let (tree, other) = (tree(20, 0), world::tree(20, 1));
    assert_eq!(service.add_checkpoint(&body(&tree, 0, 14)).await.status, 200);
    let note = |tree, size| Note::parse(&signed(tree, size)).unwrap();
    let request = |start, end| SignSubtree {
        start,
        end,
        hash: tree.subtree_hash(start, end).unwrap(),
        cosignatures: Vec::new(),
        proof: tree.subtree_consistency_proof(start, end, 14).unwrap(),
        text: note(&tree, 14).text().to_owned(),
        signatures: Vec::new(),
    };
    let good = request(8, 13);
    let answer = service.sign_subtree(&good.to_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = NoteSignature::parse(answer.body.trim_end()).unwrap();
    let subtree = Subtree { origin: "log.example".into(), start: 8, end: 13, hash: good.hash };
    cosignature::verify_subtree(&service.verifiers()[1], &subtree, &line.bytes).unwrap();
    // Known by this witness's own line, without its record.
    let added = service.checkpoint(&hex::encode(origin_hash("log.example"))).await.unwrap();
    let own = SignSubtree { signatures: Note::parse(&added).unwrap().signatures().to_vec(), ..good.clone() };
    assert_eq!(service.sign_subtree(&own.to_bytes()).await.status, 200);
    let cases = [
        (SignSubtree { hash: [1; 32], ..good.clone() }, 422),
        (SignSubtree { proof: Vec::new(), ..good.clone() }, 422),
        (SignSubtree { start: 9, ..good.clone() }, 422),
        (SignSubtree { end: 8, ..good.clone() }, 400),
        (SignSubtree { end: 15, ..good.clone() }, 400),
        (SignSubtree { text: note(&other, 14).text().to_owned(), ..good.clone() }, 409),
        (SignSubtree { text: good.text.replace("log.example", "other.example"), ..good.clone() }, 404),
        (SignSubtree { text: format!("{}extension\n", good.text), ..good.clone() }, 409),
    ];
    for (request, status) in cases {
        assert_eq!(service.sign_subtree(&request.to_bytes()).await.status, status, "{request:?}");
    }
    let plain = Settings::new(&directory.path().join("plain"), witness_key(), two_keys(directory.path()).logs);
    let plain = WitnessService::create(&plain, Arc::new(SetClock::at(50))).unwrap();
    assert_eq!(plain.sign_subtree(&good.to_bytes()).await.status, 404);
}

const CONFIG: &str = r#"
directory = "state"
listen = "127.0.0.1:0"
keys = ["w.key", "pq.key"]
retained_checkpoints_per_log = 5000

[[log]]
vkey = "VKEY"

[[log]]
vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
origin = "go.sum database tree"

[statement]
agreement = "4646464646464646464646464646464646464646464646464646464646464646"
issuer = "w1"
key = "statement.key"
"#;

fn write_config(directory: &Path) -> std::path::PathBuf {
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
    write("w.key", &witness_key().to_file_text());
    write("pq.key", &post_quantum("witness.example/pq", 6).to_file_text());
    write("log.key", &log().to_file_text());
    write("statement.key", &SigningKey::from_seed([9; 32]).to_file_text());
    write("witness.toml", &CONFIG.replace("VKEY", &log().verifier().to_string()));
    directory.join("witness.toml")
}

#[tokio::test]
async fn an_alarm_is_stated_under_the_agreement_and_the_statements_are_chained() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::read(&write_config(directory.path())).unwrap();
    let settings = config.settings().unwrap();
    assert_eq!((settings.logs.len(), settings.logs[1].origin.as_str()), (2, "go.sum database tree"));
    let mut service = WitnessService::create(&settings, Arc::new(SetClock::at(1_793_491_200))).unwrap();
    let (mine, other) = (tree(20, 0), world::tree(20, 1));
    let mut previous = None;
    for (sequence, size) in [(0_u64, 5_u64), (1, 9)] {
        let old = service.record().head("log.example").map_or(0, |head| head.recorded.size);
        assert_eq!(service.add_checkpoint(&body(&mine, old, size)).await.status, 200);
        assert_eq!(service.add_checkpoint(&body(&other, size, size)).await.status, 409);
        let alarm = service.alarms().list().pop().unwrap();
        let bytes = alarm.statement.clone().unwrap();
        let found = standstill_statement::verify(&bytes, &[SigningKey::from_seed([9; 32]).public()]).unwrap();
        let header = &found.statement.header;
        assert_eq!((header.sequence, header.previous, header.agreement), (sequence, previous, Hash32([0x46; 32])));
        let Body::Alarm(body) = &found.statement.body else { panic!("{found:?}") };
        assert_eq!((body.origin.as_str(), body.size), ("log.example", size));
        assert_eq!((body.first.0, body.second.0), (mine.root_at(size).unwrap(), other.root_at(size).unwrap()));
        assert!(body.evidence.matches(&alarm.evidence));
        previous = Some(Hash32::of(&bytes));
        // The place in the chain is part of the record.
        drop(service);
        service = WitnessService::open(&settings, Arc::new(SetClock::at(1_793_491_201))).unwrap();
    }
    let files: Vec<_> = std::fs::read_dir(settings.directory.join("alarms")).unwrap().collect();
    assert_eq!(files.len(), 4, "evidence and statement of each");
}

#[test]
fn configurations_that_cannot_work_are_refused_with_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = write_config(directory.path());
    let good = std::fs::read_to_string(&path).unwrap();
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::read(&path).and_then(|config| config.settings()).unwrap_err().to_string()
    };
    assert!(refused(&good.replace("listen =", "listne =")).contains("listne"));
    assert!(refused(&good.replace("\"w.key\", ", "")).contains("type 0x04"));
    assert!(refused(&good.replace("w.key", "log.key")).contains("type 0x"));
    assert!(refused(&good.replace("w.key", "none.key")).contains("none.key"));
    assert!(refused(&good.replace("4646\"", "46\"")).contains("64 hex digits"));
    assert!(refused(&good.replace("+033de0ae+", "+033de0af+")).contains("key id"));
    assert!(refused(&good.replace("= 5000", "= 0")).contains("retained"));
    assert!(refused(&good.replace("origin = \"go.sum database tree\"", "origin = \"log.example\"")).contains("twice"));
}

#[tokio::test]
async fn a_key_whose_state_is_gone_or_belongs_to_another_role_does_not_start_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Config::read(&write_config(directory.path())).unwrap().settings().unwrap();
    let clock = || Arc::new(SetClock::at(50));
    drop(WitnessService::create(&settings, clock()).unwrap());
    drop(WitnessService::open(&settings, clock()).unwrap());
    std::fs::remove_dir_all(&settings.directory).unwrap();
    let again = WitnessService::create(&settings, clock()).unwrap_err();
    assert!(matches!(&again, WitnessError::KeyUsed { by, .. } if by.starts_with("witness ")), "{again}");
    let text = format!(
        "directory = \"mirror\"\nlisten = \"127.0.0.1:0\"\nkeys = [\"w.key\"]\n[[log]]\nvkey = \"{}\"\n",
        log().verifier()
    );
    std::fs::write(directory.path().join("mirror.toml"), text).unwrap();
    let mirror =
        standstill_node::mirror::Config::read(&directory.path().join("mirror.toml")).unwrap().settings().unwrap();
    let refused = standstill_node::mirror::MirrorService::open(&mirror, clock()).unwrap_err().to_string();
    assert!(refused.contains("in use by: witness"), "{refused}");
}

/// Not a test: how many requests a witness answers, over HTTP, each client with a log of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo test --release -p standstill-node --test witness_keys -- --ignored --nocapture throughput"]
async fn throughput() {
    const CLIENTS: u64 = 64;
    const REQUESTS: u64 = 200;
    let directory = tempfile::tempdir().unwrap();
    let keys: Vec<_> = (0..CLIENTS)
        .map(|index| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&index.to_be_bytes());
            NoteSigner::from_seed(&format!("log{index}.example"), KeyType::Ed25519, &seed).unwrap()
        })
        .collect();
    let logs = keys.iter().map(|key| WatchedLog::new(key.verifier().clone())).collect();
    let settings = Settings::new(&directory.path().join("w"), witness_key(), logs);
    let service = WitnessService::create(&settings, Arc::new(standstill_node::clock::SystemClock)).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/add-checkpoint", listener.local_addr().unwrap());
    tokio::spawn(standstill_node::witness::serve(service, listener, std::future::pending()));
    let tree = Arc::new(tree(REQUESTS, 0));
    let requests: Vec<Vec<Vec<u8>>> = keys
        .iter()
        .map(|key| {
            let one = |size: u64| {
                let checkpoint =
                    Checkpoint::new(key.verifier().name(), size, tree.root_at(size).unwrap()).sign(key).unwrap();
                let proof = tree.consistency_proof(size - 1, size).unwrap();
                AddCheckpoint { old_size: size - 1, proof, checkpoint: checkpoint.to_bytes() }.to_bytes()
            };
            (1..=REQUESTS).map(one).collect()
        })
        .collect();
    let (client, start) = (http_client(), std::time::Instant::now());
    let mut clients = tokio::task::JoinSet::new();
    for bodies in requests {
        let (client, url) = (client.clone(), url.clone());
        clients.spawn(async move {
            let mut slowest = std::time::Duration::ZERO;
            for body in bodies {
                let start = std::time::Instant::now();
                assert_eq!(client.post(&url).body(body).send().await.unwrap().status(), 200);
                slowest = slowest.max(start.elapsed());
            }
            slowest
        });
    }
    let slowest = clients.join_all().await.into_iter().max().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let count = u32::try_from(CLIENTS * REQUESTS).unwrap();
    println!(
        "{count} add-checkpoint requests in {seconds:.2} s: {:.0}/s, slowest {slowest:?}",
        f64::from(count) / seconds
    );
}

/// A client that works with the feature `tls` too.
fn http_client() -> reqwest::Client {
    standstill_node::tls::prepare();
    reqwest::Client::new()
}
