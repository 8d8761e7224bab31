//! Measures a log on this machine: appends, reads and witnesses over HTTP, and beside them the physical limits, in one run.
//!
//! The load comes from this process too, from threads of its own ("generator"): a small HTTP/1.1 client that keeps its connections and
//! sends statements signed beforehand. The server's processor time is read from the kernel's per-thread counters, so the generator's is
//! not in it.

mod client;
mod cpu;
mod limits;
mod load;
mod report;
mod witness;

pub use report::{BenchReport, Row};

use super::running::{RunningLog, start};
use super::setup::{Setup, StartCheck, Tuning};
use crate::error::NodeError;
use crate::store::{FileStore, FileStoreOptions};
use load::Load;
use standstill_statement::{Hash32, Name, SigningKey};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::policy::Policy;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Statements to append.
    pub statements: usize,
    /// Connections that append at the same time, each waiting for its answer.
    pub connections: usize,
    /// Tiles to read.
    pub reads: usize,
    /// Connections that read at the same time.
    pub readers: usize,
    /// Checkpoints to have cosigned.
    pub checkpoints: usize,
    /// Threads of the server, and as many of the generator.
    pub threads: usize,
    /// Another log on this machine that is sent the same statements in the same way, before this one is.
    pub peer: Option<Peer>,
}

/// Another log: its `POST /add` takes any bytes and answers with an index once they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process, for its processor time.
    pub process: u32,
}

impl Default for BenchOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            statements: 100_000,
            connections: 512,
            reads: 200_000,
            readers: 64,
            checkpoints: 5_000,
            threads,
            peer: None,
        }
    }
}

const ORIGIN: &str = "bench.example/log";

/// Runs all measurements in a fresh folder below `directory`, which should lie on the disk that a log would use.
///
/// # Errors
/// When the log cannot run there, or an answer is not the expected one.
pub fn run(directory: &Path, options: &BenchOptions) -> Result<BenchReport, NodeError> {
    let server = runtime("log-server", options.threads)?;
    let generator = runtime("generator", options.threads)?;
    let key = SigningKey::generate()?;
    let agreement = Hash32::of(b"standstill/1/bench");
    let log = server.block_on(start(setup(directory, &key, agreement)?))?;
    let load = Load::prepare(&key, agreement, options.statements)?;
    let mut report = BenchReport::new(options, load.statement_bytes());
    limits::measure(directory, &load, options, &mut report)?;
    if let Some(peer) = &options.peer {
        let before = cpu::of_process(peer.process)?;
        let result = generator.block_on(load.append_to_peer(peer.address, options.connections))?;
        report.peer(&result, cpu::of_process(peer.process)?.saturating_sub(before));
    }
    appends(&generator, &log, &load, options, &mut report)?;
    reads(&generator, &log, options, &mut report)?;
    server.block_on(log.stop())?;
    let witness = server.block_on(witness::WitnessLoad::prepare(directory, options.checkpoints))?;
    report.witness(&generator.block_on(witness.send())?);
    server.block_on(witness.stop());
    Ok(report)
}

fn runtime(name: &str, threads: usize) -> Result<Runtime, NodeError> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name(name)
        .enable_all()
        .build();
    built.map_err(NodeError::io("start", "threads"))
}

fn setup(directory: &Path, key: &SigningKey, agreement: Hash32) -> Result<Setup, NodeError> {
    let signer = NoteSigner::generate(ORIGIN, KeyType::Ed25519)?;
    let place = directory.join("log");
    let store = FileStore::open(&place, ORIGIN, &FileStoreOptions::default())?;
    Ok(Setup {
        policy: Policy::parse(&format!("log {}\nquorum none\n", signer.verifier()))?,
        next_policy: None,
        signer,
        second_signer: None,
        agreement,
        issuer: Name::new("bench").map_err(|error| NodeError::Broken(error.to_string()))?,
        statement_keys: vec![key.public()],
        witnesses: Vec::new(),
        upload_directory: store.upload_directory(),
        store: Arc::new(store),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        seen: Vec::new(),
        clock: Setup::system_clock(),
        tuning: Tuning { start_check: StartCheck::None, hold_milliseconds: 5000, ..Tuning::default() },
    })
}

/// Appends everything, counts, and checks that all of it is signed soon.
fn appends(
    generator: &Runtime,
    log: &RunningLog,
    load: &Load,
    options: &BenchOptions,
    report: &mut BenchReport,
) -> Result<(), NodeError> {
    let before = cpu::of_threads("log-")?;
    let result = generator.block_on(load.append(log.address(), options.connections))?;
    let used = cpu::of_threads("log-")?.saturating_sub(before);
    report.appends(&result, used);
    let expected = options.statements as u64;
    for _ in 0..200 {
        if log.health().cosigned_size == Some(expected) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(NodeError::Broken(format!(
        "the checkpoint did not cover {expected} entries two seconds after the last acknowledgement"
    )))
}

fn reads(
    generator: &Runtime,
    log: &RunningLog,
    options: &BenchOptions,
    report: &mut BenchReport,
) -> Result<(), NodeError> {
    let tiles = (options.statements / 256).max(1);
    let before = cpu::of_threads("log-")?;
    let result =
        generator.block_on(load::many(log.address(), options.reads, options.readers, load::ReadTiles { tiles }))?;
    let used = cpu::of_threads("log-")?.saturating_sub(before);
    report.reads(&result, used);
    Ok(())
}
