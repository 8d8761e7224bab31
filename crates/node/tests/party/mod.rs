//! What the tests of the log have in common: a party that signs, its log on files, and witnesses with the real rules that can be
//! switched off.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test code outside #[test] functions; each test uses a part"
)]

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use standstill_node::clock::{Clock, SystemClock};
use standstill_node::log::{Added, RunningLog, Setup, Tuning, WitnessAddress, start};
use standstill_node::serve::{Limits, Server};
use standstill_node::store::{FileStore, FileStoreOptions, Store};
use standstill_statement::{Body, Hash32, Header, Heartbeat, Name, SigningKey, Statement};
use standstill_tlog::TlogError;
use standstill_tlog::note::{KeyType, NoteSigner, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::witness::{AddCheckpoint, FileWitness, http_status, origin_hash};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub const ORIGIN: &str = "north.example/log";

pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap()
}

pub fn log_key() -> VerifierKey {
    signer().verifier().clone()
}

pub fn statement_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

pub fn agreement() -> Hash32 {
    Hash32::of(b"terms")
}

/// Signs statements one after the other.
pub struct Party {
    pub sequence: u64,
    pub previous: Option<Hash32>,
}

impl Party {
    pub fn new() -> Self {
        Self { sequence: 0, previous: None }
    }

    pub fn say(&mut self, body: Body) -> Vec<u8> {
        let bytes = self.would_say(body);
        self.previous = Some(Hash32::of(&bytes));
        self.sequence += 1;
        bytes
    }

    /// The next statement, without moving on.
    pub fn would_say(&self, body: Body) -> Vec<u8> {
        let header = Header {
            agreement: agreement(),
            issuer: Name::new("north").unwrap(),
            sequence: self.sequence,
            previous: self.previous,
            issued_unix_seconds: 1_793_491_200,
            heads: Vec::new(),
        };
        Statement { header, body }.sign(&statement_key()).unwrap()
    }

    pub fn heartbeat(&mut self) -> Vec<u8> {
        let window = self.sequence;
        self.say(Body::Heartbeat(Heartbeat { window }))
    }
}

/// Fast intervals for tests.
pub fn tuning() -> Tuning {
    Tuning {
        checkpoint_milliseconds: 50,
        batch_milliseconds: 1,
        hold_milliseconds: 3000,
        witness_milliseconds: 1000,
        patience_seconds: 1,
        ..Tuning::default()
    }
}

pub fn file_store(directory: &Path) -> Arc<FileStore> {
    Arc::new(FileStore::open(directory, ORIGIN, &FileStoreOptions::default()).unwrap())
}

/// A log without witnesses on this store.
pub fn setup(store: Arc<dyn Store>, uploads: PathBuf) -> Setup {
    Setup {
        second_signer: None,
        signer: signer(),
        agreement: agreement(),
        issuer: Name::new("north").unwrap(),
        statement_keys: vec![statement_key().public()],
        policy: Policy::parse(&format!("log {}\nquorum none\n", log_key())).unwrap(),
        next_policy: None,
        witnesses: Vec::new(),
        store,
        upload_directory: uploads,
        listen: "127.0.0.1:0".parse().unwrap(),
        seen: Vec::new(),
        clock: Setup::system_clock(),
        tuning: tuning(),
    }
}

pub fn file_setup(directory: &Path) -> Setup {
    let store = file_store(directory);
    let uploads = store.upload_directory();
    setup(store, uploads)
}

/// As [`file_setup`], cosigned by `threshold` of the witnesses.
pub fn witnessed_setup(directory: &Path, witnesses: &[TestWitness], threshold: usize) -> Setup {
    let mut setup = file_setup(directory);
    setup.policy = policy(witnesses, threshold);
    setup.witnesses = witnesses.iter().map(TestWitness::address).collect();
    setup
}

pub fn policy(witnesses: &[TestWitness], threshold: usize) -> Policy {
    let lines: String = witnesses.iter().map(|w| format!("witness {} {}\n", w.name, w.key)).collect();
    let names: Vec<&str> = witnesses.iter().map(|w| w.name.as_str()).collect();
    let text = format!("log {}\n{lines}group all {threshold} {}\nquorum all\n", log_key(), names.join(" "));
    Policy::parse(&text).unwrap()
}

/// A log with its address.
pub async fn run(setup: Setup) -> (RunningLog, String) {
    let log = start(setup).await.unwrap();
    let url = format!("http://{}", log.address());
    (log, url)
}

pub async fn add(url: &str, statement: Vec<u8>) -> Result<Added, (u16, String)> {
    add_over(&client(), url, statement).await
}

/// A client; making one takes a while when it can speak TLS.
pub fn client() -> reqwest::Client {
    standstill_node::tls::prepare();
    reqwest::Client::new()
}

pub async fn add_over(client: &reqwest::Client, url: &str, statement: Vec<u8>) -> Result<Added, (u16, String)> {
    let response = client.post(format!("{url}/add")).body(statement).send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    if status == 200 { Ok(serde_json::from_str(&text).unwrap()) } else { Err((status, text)) }
}

pub async fn fetch(url: &str) -> (u16, Vec<u8>) {
    standstill_node::tls::prepare();
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

/// Waits until something is so, at most ten seconds.
pub async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut check: F) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("did not happen in ten seconds: {what}");
}

/// A witness with the rules of `standstill_tlog::witness` behind HTTP, which can be switched off.
pub struct TestWitness {
    pub name: String,
    pub key: VerifierKey,
    pub up: Arc<AtomicBool>,
    pub url: String,
    _server: Server,
}

struct Inner {
    witness: Mutex<FileWitness>,
    up: Arc<AtomicBool>,
}

impl TestWitness {
    pub async fn start(directory: &Path, name: &str, seed: u8) -> Self {
        let signer = NoteSigner::from_seed(name, KeyType::CosignatureV1, &[seed; 32]).unwrap();
        let place = directory.join(name);
        let open = if place.join("key").exists() { FileWitness::open } else { FileWitness::create };
        let witness = open(&place, &signer).unwrap();
        let up = Arc::new(AtomicBool::new(true));
        let inner = Arc::new(Inner { witness: Mutex::new(witness), up: Arc::clone(&up) });
        let router = axum::Router::new()
            .route("/add-checkpoint", post(cosign))
            .route("/{origin}/checkpoint", get(shown))
            .with_state(inner);
        let server = Server::start("127.0.0.1:0".parse().unwrap(), router, Limits::default()).await.unwrap();
        let url = format!("http://{}", server.address());
        Self { name: name.to_owned(), key: signer.verifier().clone(), up, url, _server: server }
    }

    pub fn address(&self) -> WitnessAddress {
        WitnessAddress { name: self.name.clone(), key: self.key.clone(), url: self.url.clone(), mirror: false }
    }

    pub fn switch(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }
}

async fn cosign(State(inner): State<Arc<Inner>>, body: Bytes) -> axum::response::Response {
    if !inner.up.load(Ordering::SeqCst) {
        return (StatusCode::BAD_GATEWAY, "down").into_response();
    }
    let now = SystemClock.unix_seconds();
    let cosigned = AddCheckpoint::parse(&body).and_then(|request| {
        inner.witness.lock().unwrap().cosign(now, request.old_size, &request.proof, &request.checkpoint, &log_key())
    });
    match cosigned {
        Ok(line) => line.into_response(),
        Err(TlogError::Conflict { known_size }) => {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", "text/x.tlog.size".parse().unwrap());
            (StatusCode::CONFLICT, headers, format!("{known_size}\n")).into_response()
        }
        Err(error) => (StatusCode::from_u16(http_status(&error)).unwrap(), error.to_string()).into_response(),
    }
}

async fn shown(State(inner): State<Arc<Inner>>, UrlPath(origin): UrlPath<String>) -> axum::response::Response {
    if !inner.up.load(Ordering::SeqCst) {
        return (StatusCode::BAD_GATEWAY, "down").into_response();
    }
    let known =
        (origin == hex::encode(origin_hash(ORIGIN))).then(|| inner.witness.lock().unwrap().latest(ORIGIN).unwrap());
    match known.flatten() {
        Some(note) => note.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
