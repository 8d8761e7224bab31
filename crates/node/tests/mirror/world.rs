//! A log on files behind a plain file server, and a mirror on a socket, with a clock that the test sets.

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use standstill_node::client::{Http, HttpLimits};
use standstill_node::clock::SetClock;
use standstill_node::mirror::push::{Packages, upload};
use standstill_node::mirror::{MirrorError, MirrorService, MirroredLog, Settings, serve};
use standstill_node::witness::WatchedLog;
use standstill_statement::{Alarm, BlobRef, Body, Hash32, Header, Name, SigningKey, Statement};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::mirror::{AddEntries, Package, PackageRange, build_package};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::witness::{AddCheckpoint, origin_hash};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const ORIGIN: &str = "log.example";

pub(crate) fn log_key() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap()
}

pub(crate) fn mirror_key() -> NoteSigner {
    NoteSigner::from_seed("mirror.example", KeyType::CosignatureV1, &[4; 32]).unwrap()
}

pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A statement that names a blob.
pub(crate) fn signed_statement(blob: &[u8]) -> Vec<u8> {
    let alarm = Alarm {
        origin: "south.example/log".to_owned(),
        size: 5,
        first: Hash32([1; 32]),
        second: Hash32([2; 32]),
        evidence: BlobRef::of(blob),
    };
    let header = Header {
        agreement: Hash32::of(b"terms"),
        issuer: Name::new("w1").unwrap(),
        sequence: 0,
        previous: None,
        issued_unix_seconds: 1_793_491_200,
        heads: Vec::new(),
    };
    Statement { header, body: Body::Alarm(alarm) }.sign(&SigningKey::from_seed([9; 32])).unwrap()
}

pub(crate) fn blob_path(blob: &[u8]) -> String {
    format!("blob/{}", hex::encode(Hash32::of(blob).0))
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    Reply { status, kind, body: response.bytes().await.unwrap().to_vec() }
}

async fn file(State(directory): State<PathBuf>, UrlPath(path): UrlPath<String>) -> Response {
    match std::fs::read(directory.join(path)) {
        Ok(bytes) => bytes.into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

struct Held<'a> {
    tree: Tree,
    entries: &'a [Vec<u8>],
}

impl Packages for Held<'_> {
    async fn package(&self, range: &PackageRange, size: u64) -> Result<Package, MirrorError> {
        let entries = range.entries.clone().map(|index| self.entries[usize::try_from(index).unwrap()].clone());
        Ok(build_package(&self.tree, range, size, entries.collect())?)
    }
}

/// A mirror of the log at this address.
pub(crate) fn settings_at(directory: &Path, log_url: &str) -> Settings {
    let log = MirroredLog { log: WatchedLog::new(log_key().verifier().clone()), url: Some(log_url.to_owned()) };
    Settings::new(directory, mirror_key(), vec![log])
}

pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) clock: Arc<SetClock>,
    entries: Vec<Vec<u8>>,
    log: Option<FileLog>,
    forks: u32,
    log_url: String,
    service: Option<Arc<MirrorService>>,
    address: String,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    client: reqwest::Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = FileLog::create(&directory.path().join("log"), &log_key()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let log_url = format!("http://{}", listener.local_addr().unwrap());
        let files = Router::new().route("/{*path}", get(file)).with_state(directory.path().join("served"));
        std::os::unix::fs::symlink(directory.path().join("log"), directory.path().join("served")).unwrap();
        tokio::spawn(async move { axum::serve(listener, files).await.unwrap() });
        let mut world = Self {
            directory,
            clock: Arc::new(SetClock::at(1)),
            entries: Vec::new(),
            log: Some(log),
            forks: 0,
            log_url,
            service: None,
            address: String::new(),
            running: None,
            client: http_client(),
        };
        world.start().await;
        world
    }

    pub(crate) fn settings(&self) -> Settings {
        settings_at(&self.mirror_directory(), &self.log_url)
    }

    pub(crate) fn log_url(&self) -> &str {
        &self.log_url
    }

    pub(crate) fn mirror_directory(&self) -> PathBuf {
        self.directory.path().join("mirror")
    }

    pub(crate) fn log_directory(&self) -> PathBuf {
        self.directory.path().join("served")
    }

    pub(crate) fn copy_directory(&self) -> PathBuf {
        self.directory.path().join("mirror/logs").join(hex::encode(origin_hash(ORIGIN)))
    }

    /// Grows the log with numbered entries up to a size, and publishes.
    pub(crate) fn grow(&mut self, size: u64) {
        let from = self.entries.len() as u64;
        self.append((from..size).map(entry).collect());
    }

    pub(crate) fn append(&mut self, entries: Vec<Vec<u8>>) {
        let log = self.log.as_mut().unwrap();
        log.append(&entries).unwrap();
        log.publish().unwrap();
        self.entries.extend(entries);
    }

    /// Replaces the log by another history of this size under the same key.
    pub(crate) fn fork(&mut self, size: u64) {
        self.forks += 1;
        let path = self.directory.path().join(format!("fork-{}", self.forks));
        let mut log = FileLog::create(&path, &log_key()).unwrap();
        log.append(&(0..size).map(|index| entry(index + 1_000)).collect::<Vec<_>>()).unwrap();
        log.publish().unwrap();
        self.log = Some(log);
        std::fs::remove_file(self.log_directory()).unwrap();
        std::os::unix::fs::symlink(path, self.log_directory()).unwrap();
    }

    pub(crate) fn serve_blob(&self, named: &[u8], bytes: Vec<u8>) {
        let path = self.log_directory().join(blob_path(named));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::from_leaves(&self.entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>())
    }

    pub(crate) fn checkpoint_bytes(&self) -> Vec<u8> {
        std::fs::read(self.log_directory().join("checkpoint")).unwrap()
    }

    pub(crate) fn packages(&self, start: u64, end: u64) -> Vec<Vec<u8>> {
        let request = AddEntries { origin: ORIGIN.into(), start, end, ticket: Vec::new() };
        let entries = |range: &std::ops::Range<u64>| {
            range.clone().map(|index| self.entries[usize::try_from(index).unwrap()].clone()).collect()
        };
        let tree = self.tree();
        request
            .packages()
            .map(|range| build_package(&tree, &range, end, entries(&range.entries)).unwrap().to_bytes().unwrap())
            .collect()
    }

    pub(crate) fn upload_bytes(&self, start: u64, end: u64) -> Vec<u8> {
        let request = AddEntries { origin: ORIGIN.into(), start, end, ticket: Vec::new() };
        [request.to_bytes().unwrap(), self.packages(start, end).concat()].concat()
    }

    pub(crate) async fn start(&mut self) {
        let service = MirrorService::open(&self.settings(), Arc::clone(&self.clock) as _).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = Arc::clone(&service);
        // The tests pull by hand.
        let task = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            let router = standstill_node::mirror::router(running);
            axum::serve(listener, router).with_graceful_shutdown(shutdown).await.unwrap();
        });
        self.service = Some(service);
        self.running = Some((stop, task));
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            self.client = http_client();
            self.service = None;
            drop(stop);
            task.await.unwrap();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn service(&self) -> &MirrorService {
        self.service.as_ref().unwrap()
    }

    pub(crate) fn progress(&self) -> (u64, u64, u64) {
        self.service().progress(ORIGIN).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Vec<u8>, gzip: bool) -> Reply {
        let mut request = self.client.post(format!("http://{}/{path}", self.address)).body(body);
        if gzip {
            request = request.header("content-encoding", "gzip");
        }
        reply(request).await
    }

    /// Submits the log's published checkpoint as the pending one.
    pub(crate) async fn submit(&self) -> Reply {
        let old_size = self.progress().0;
        let proof = self.tree().consistency_proof(old_size, self.entries.len() as u64).unwrap();
        let request = AddCheckpoint { old_size, proof, checkpoint: self.checkpoint_bytes() };
        self.post("add-checkpoint", request.to_bytes(), false).await
    }

    pub(crate) async fn upload(&self) -> Result<String, MirrorError> {
        let http = Http::new(HttpLimits { attempts: 1, ..HttpLimits::default() }).unwrap();
        let url = format!("http://{}", self.address);
        upload(&http, &url, ORIGIN, self.entries.len() as u64, &Held { tree: self.tree(), entries: &self.entries })
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.root_get(&format!("/{}/{path}", hex::encode(origin_hash(ORIGIN)))).await
    }

    pub(crate) async fn root_get(&self, path: &str) -> Reply {
        reply(self.client.get(format!("http://{}{path}", self.address))).await
    }
}

/// The whole role with its puller, as the program runs it.
pub(crate) async fn run_for(world: &mut World, time: Duration) {
    world.stop().await;
    let service = MirrorService::open(&world.settings(), Arc::clone(&world.clock) as _).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    serve(service, listener, Duration::from_millis(50), tokio::time::sleep(time)).await.unwrap();
    world.start().await;
}

/// A client that works with the feature `tls` too.
fn http_client() -> reqwest::Client {
    standstill_node::tls::prepare();
    reqwest::Client::new()
}
