//! A witness on a socket, with a clock that the test sets.

use standstill_node::clock::SetClock;
use standstill_node::witness::{Settings, WatchedLog, WitnessService, serve};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::note::{KeyType, Note, NoteSignature, NoteSigner};
use standstill_tlog::witness::{AddCheckpoint, origin_hash};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap()
}

pub(crate) fn other_origin() -> NoteSigner {
    NoteSigner::from_seed("other.example", KeyType::Ed25519, &[3; 32]).unwrap()
}

pub(crate) fn witness_key() -> NoteSigner {
    NoteSigner::from_seed("witness.example", KeyType::CosignatureV1, &[2; 32]).unwrap()
}

pub(crate) fn tree(size: u64, salt: u8) -> Tree {
    Tree::from_leaves(&(0..size).map(|i| leaf_hash(&[&i.to_be_bytes()[..], &[salt]].concat())).collect::<Vec<_>>())
}

pub(crate) fn signed(tree: &Tree, size: u64) -> Vec<u8> {
    Checkpoint::new("log.example", size, tree.root_at(size).unwrap()).sign(&log()).unwrap().to_bytes()
}

/// An honest request.
pub(crate) fn body(tree: &Tree, old_size: u64, size: u64) -> Vec<u8> {
    let proof = tree.consistency_proof(old_size, size).unwrap();
    AddCheckpoint { old_size, proof, checkpoint: signed(tree, size) }.to_bytes()
}

/// The verified time of a cosignature line over a checkpoint.
pub(crate) fn time_of(line: &str, checkpoint: &[u8]) -> u64 {
    let mut note = Note::parse(checkpoint).unwrap();
    note.add(NoteSignature::parse(line.trim_end()).unwrap());
    note.verify(&[witness_key().verifier().clone()]).unwrap()[0].time_unix_seconds
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            copy(&path, &to.join(path.file_name().unwrap()));
        } else {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: String,
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    Reply { status, kind, body: response.text().await.unwrap() }
}

pub(crate) struct World {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) client: reqwest::Client,
    pub(crate) retained: u64,
    address: String,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let mut world = Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(SetClock::at(1)),
            client: http_client(),
            retained: 1_000,
            address: String::new(),
            running: None,
        };
        drop(WitnessService::create(&world.settings(), Arc::clone(&world.clock) as _).unwrap());
        world.start().await;
        world
    }

    pub(crate) fn settings(&self) -> Settings {
        let logs = vec![WatchedLog::new(log().verifier().clone())];
        let settings = Settings::new(&self.directory.path().join("w"), witness_key(), logs);
        Settings { retained_checkpoints_per_log: self.retained, ..settings }
    }

    pub(crate) async fn start(&mut self) {
        let service = WitnessService::open(&self.settings(), Arc::clone(&self.clock) as _).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            serve(service, listener, shutdown).await.unwrap();
        });
        self.running = Some((stop, task));
    }

    /// Stops it and waits until the record is closed.
    pub(crate) async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            // Idle connections would keep a graceful shutdown waiting.
            self.client = http_client();
            drop(stop);
            task.await.unwrap();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn add(&self, body: Vec<u8>) -> Reply {
        send(self.client.post(self.url("/add-checkpoint")).body(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.client.get(self.url(path))).await
    }

    pub(crate) async fn get_checkpoint(&self) -> Reply {
        self.get(&format!("/{}/checkpoint", hex::encode(origin_hash("log.example")))).await
    }
}

impl World {
    /// All requests at once, each on a task of its own.
    pub(crate) async fn add_all(&self, bodies: Vec<Vec<u8>>) -> Vec<Reply> {
        let mut set = tokio::task::JoinSet::new();
        for body in bodies {
            let (client, url) = (self.client.clone(), self.url("/add-checkpoint"));
            set.spawn(async move { send(client.post(url).body(body)).await });
        }
        set.join_all().await
    }
}

/// A client that works with the feature `tls` too.
fn http_client() -> reqwest::Client {
    standstill_node::tls::prepare();
    reqwest::Client::new()
}
