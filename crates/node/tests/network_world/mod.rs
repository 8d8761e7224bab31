//! A log folder, witnesses and a network address for each, in one process: what the client and the monitor are tested against.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part; a failing test says where")]

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use standstill_node::client::{Http, HttpLimits};
use standstill_tlog::TlogError;
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::witness::{AddCheckpoint, FileWitness, http_status, origin_hash};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A folder behind an address, with a count of requests by path.
#[derive(Clone, Default)]
pub(crate) struct Site {
    folder: Arc<Mutex<PathBuf>>,
    pub(crate) asked: Arc<Mutex<BTreeMap<String, u64>>>,
    pub(crate) url: String,
}

impl Site {
    /// Serves a folder's files, `.state` left out.
    pub(crate) async fn serve(folder: &Path) -> Self {
        let mut site = Self { folder: Arc::new(Mutex::new(folder.to_owned())), ..Self::default() };
        let router = Router::new().fallback(file).with_state(site.clone());
        site.url = listen(router).await;
        site
    }

    /// Shows another folder from now on.
    pub(crate) fn show(&self, folder: &Path) {
        folder.clone_into(&mut self.folder.lock().unwrap());
    }

    /// Paths asked for since the last call, with a prefix.
    pub(crate) fn take_asked(&self, prefix: &str) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_keys().filter(|path| path.starts_with(prefix)).collect()
    }
}

async fn file(State(site): State<Site>, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/').to_owned();
    *site.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
    let folder = site.folder.lock().unwrap().clone();
    match std::fs::read(folder.join(&path)) {
        Ok(bytes) if !path.starts_with('.') => bytes.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Listens on a free port of this machine; gives the URL.
pub(crate) async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// One witness with its state and a clock that all share.
#[derive(Clone)]
pub(crate) struct WitnessSite {
    pub(crate) witness: Arc<Mutex<FileWitness>>,
    log: standstill_tlog::note::VerifierKey,
    clock: Arc<AtomicU64>,
    pub(crate) url: String,
}

async fn cosign(State(site): State<WitnessSite>, body: axum::body::Bytes) -> Response {
    let Ok(request) = AddCheckpoint::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let now = site.clock.load(Ordering::SeqCst);
    let answer =
        site.witness.lock().unwrap().cosign(now, request.old_size, &request.proof, &request.checkpoint, &site.log);
    match answer {
        Ok(lines) => lines.into_response(),
        Err(TlogError::Conflict { known_size }) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{known_size}\n"))
                .into_response()
        }
        Err(error) => (StatusCode::from_u16(http_status(&error)).unwrap(), error.to_string()).into_response(),
    }
}

async fn latest(State(site): State<WitnessSite>) -> Response {
    let latest = site.witness.lock().unwrap().latest(site.log.name()).unwrap();
    latest.map_or_else(|| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}

/// A log, its folder, three witnesses of which two are enough, and everybody's address.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) log: FileLog,
    pub(crate) signer: NoteSigner,
    pub(crate) site: Site,
    pub(crate) witnesses: Vec<WitnessSite>,
    pub(crate) policy: Policy,
    pub(crate) policy_text: String,
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) http: Http,
}

/// Short patience: everything is on this machine.
pub(crate) fn http() -> Http {
    let limits = HttpLimits {
        connect: Duration::from_secs(2),
        request: Duration::from_secs(5),
        attempts: 3,
        pause: Duration::from_millis(10),
    };
    Http::new(limits).unwrap()
}

impl World {
    pub(crate) async fn new(origin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = NoteSigner::from_seed(origin, KeyType::Ed25519, &[1; 32]).unwrap();
        let log = FileLog::create(&folder.path().join("log"), &signer).unwrap();
        let clock = Arc::new(AtomicU64::new(1_000));
        let mut witnesses = Vec::new();
        for index in 0..3_u8 {
            witnesses.push(witness_site(folder.path(), index, &signer, &clock).await);
        }
        let lines: String = witnesses
            .iter()
            .enumerate()
            .map(|(index, site)| format!("witness w{index} {} {}\n", site.witness.lock().unwrap().verifier(), site.url))
            .collect();
        let policy_text = format!("{lines}group q 2 w0 w1 w2\nquorum q\n");
        let policy = Policy::parse(&policy_text).unwrap();
        let site = Site::serve(&folder.path().join("log")).await;
        Self { log, signer, site, witnesses, policy, policy_text, clock, http: http(), folder }
    }

    pub(crate) fn set_clock(&self, unix_seconds: u64) {
        self.clock.store(unix_seconds, Ordering::SeqCst);
    }

    /// Appends entries, publishes, and has some witnesses cosign directly.
    pub(crate) fn publish(&mut self, entries: &[Vec<u8>], witnesses: &[usize]) {
        self.log.append(entries).unwrap();
        let head = self.log.publish().unwrap();
        let (size, now) = (head.checkpoint().size, self.clock.load(Ordering::SeqCst));
        for index in witnesses {
            let mut witness = self.witnesses[*index].witness.lock().unwrap();
            let old = witness.known_size(self.signer.verifier()).unwrap();
            let proof = self.log.consistency_proof(old, size).unwrap();
            let line = witness.cosign(now, old, &proof, &head.to_bytes(), self.signer.verifier()).unwrap();
            self.log.add_cosignatures(size, &line, std::slice::from_ref(witness.verifier())).unwrap();
        }
    }

    /// A second history: the first `keep` entries, then others; signed with the same key, in another folder.
    pub(crate) fn forked(&self, keep: u64, others: &[Vec<u8>]) -> PathBuf {
        let folder = self.folder.path().join(format!("fork-{keep}-{}", others.len()));
        let contents = standstill_tlog::reader::read_log(
            self.log.directory(),
            self.signer.verifier(),
            &standstill_tlog::reader::Limits::default(),
        );
        let mut entries = contents.unwrap().entries[..usize::try_from(keep).unwrap()].to_vec();
        entries.extend(others.iter().cloned());
        let mut log = FileLog::create(&folder, &self.signer).unwrap();
        log.append(&entries).unwrap();
        log.publish().unwrap();
        folder
    }
}

pub(crate) fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|index| format!("entry {index}").into_bytes()).collect()
}

async fn witness_site(folder: &Path, index: u8, log: &NoteSigner, clock: &Arc<AtomicU64>) -> WitnessSite {
    let signer = NoteSigner::from_seed(&format!("w{index}"), KeyType::CosignatureV1, &[50 + index; 32]).unwrap();
    let witness = FileWitness::create(&folder.join(format!("w{index}")), &signer).unwrap();
    let (log, clock) = (log.verifier().clone(), Arc::clone(clock));
    let hash = hex::encode(origin_hash(log.name()));
    let mut site = WitnessSite { witness: Arc::new(Mutex::new(witness)), log, clock, url: String::new() };
    let router = Router::new()
        .route("/add-checkpoint", axum::routing::post(cosign))
        .route(&format!("/{hash}/checkpoint"), axum::routing::get(latest))
        .with_state(site.clone());
    site.url = listen(router).await;
    site
}
