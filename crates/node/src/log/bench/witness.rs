//! Load for a witness: many logs grow at the same time, each checkpoint consistent with the one before.

use super::client::Connection;
use super::load::{Timing, Work, many};
use crate::clock::SystemClock;
use crate::error::NodeError;
use crate::serve::{Limits, Server};
use crate::witness::{Settings, WatchedLog, WitnessService, router};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::witness::AddCheckpoint;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Logs that grow side by side: as many as a witness of a large agreement has.
pub(super) const LOGS: usize = 64;

/// Entries between two checkpoints.
const STEP: u64 = 100;

/// A witness on a folder, and the requests that are to be sent to it.
pub(super) struct WitnessLoad {
    requests: Vec<Arc<Vec<Vec<u8>>>>,
    server: Server,
}

#[derive(Clone)]
struct Requests(Arc<Vec<Vec<u8>>>);

impl Work for Requests {
    async fn once<'a>(&'a self, connection: &'a mut Connection, number: usize) -> Result<(), NodeError> {
        let response = connection.request("POST", "/add-checkpoint", &self.0[number]).await?;
        if response.status == 200 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(connection.body(&response));
        Err(NodeError::Broken(format!("the witness answered {}: {text}", response.status)))
    }
}

impl WitnessLoad {
    /// Starts a witness and signs `checkpoints` checkpoints for it. Call this inside the server's runtime.
    pub(super) async fn prepare(directory: &Path, checkpoints: usize) -> Result<Self, NodeError> {
        let signer = NoteSigner::generate("witness.bench.example", KeyType::CosignatureV1)?;
        let logs: Vec<NoteSigner> = (0..LOGS)
            .map(|log| NoteSigner::generate(&format!("log{log}.bench.example"), KeyType::Ed25519))
            .collect::<Result<_, _>>()?;
        let watched = logs.iter().map(|log| WatchedLog::new(log.verifier().clone())).collect();
        let settings = Settings::new(&directory.join("witness"), signer, watched);
        let service = WitnessService::create(&settings, Arc::new(SystemClock));
        let service = service.map_err(|error| NodeError::Broken(error.to_string()))?;
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(listen, router(service), Limits::default()).await?;
        let each = checkpoints.div_ceil(LOGS).max(1);
        let requests = logs.iter().map(|log| requests(log, each).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Self { requests, server })
    }

    /// Sends them, each log over a connection of its own. Call this inside the generator's runtime.
    pub(super) async fn send(&self) -> Result<Timing, NodeError> {
        let (address, begun) = (self.server.address(), Instant::now());
        let running = self.requests.iter().map(|requests| {
            let work = Requests(Arc::clone(requests));
            tokio::spawn(many(address, requests.len(), 1, work))
        });
        let (mut count, mut latencies) = (0, Vec::new());
        for task in running.collect::<Vec<_>>() {
            let timing = task.await.map_err(|error| NodeError::Broken(error.to_string()))??;
            count += timing.count;
            latencies.extend(timing.latencies);
        }
        latencies.sort_unstable();
        Ok(Timing { count, elapsed: begun.elapsed(), latencies })
    }

    /// Ends the witness.
    pub(super) async fn stop(mut self) {
        self.server.stop(Duration::from_secs(1)).await;
    }
}

/// Requests of one log, from the empty witness on.
fn requests(signer: &NoteSigner, count: usize) -> Result<Vec<Vec<u8>>, NodeError> {
    let (mut tree, mut requests) = (Tree::new(), Vec::with_capacity(count));
    for _ in 0..count {
        let old_size = tree.size();
        for index in old_size..old_size + STEP {
            tree.push(leaf_hash(&index.to_be_bytes()));
        }
        let signed = Checkpoint::new(signer.verifier().name(), tree.size(), tree.root()).sign(signer)?;
        let proof = tree.consistency_proof(old_size, tree.size())?;
        requests.push(AddCheckpoint { old_size, proof, checkpoint: signed.to_bytes() }.to_bytes());
    }
    Ok(requests)
}
