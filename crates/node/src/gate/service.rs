//! All parts of a gate together.

use super::config::Config;
use super::desk::{Desk, Opening};
use super::follow::Follower;
use super::metrics::Metrics;
use super::socket::{self, Socket};
use super::webhook::{self, Listening, Pages};
use crate::client::{Http, HttpLimits, Submitter};
use crate::clock::Clock;
use crate::error::NodeError;
use crate::serve;
use standstill_tlog::note::VerifierKey;
use standstill_tlog::reader::{Limits, read_log};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A gate that runs.
#[derive(Debug)]
pub struct RunningGate {
    operator: serve::Server,
    webhook: Option<Listening>,
    tasks: Vec<JoinHandle<()>>,
    desk: Desk,
    thread: Option<std::thread::JoinHandle<()>>,
    socket: Option<PathBuf>,
}

/// Starts a gate: journal, last known situation, one look for a newer one, then the doors.
///
/// # Errors
/// What is wrong with the configuration, the journal, or an address.
pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<RunningGate, NodeError> {
    let terms = config.read_terms()?;
    let (key, signer) = config.keys()?;
    let verifier = signer.verifier().clone();
    let metrics = Arc::new(Metrics::default());
    let opening = Opening { terms: terms.clone(), home: config.home.clone(), owner: config.owner(&terms), key, signer };
    let (desk, thread) = Desk::open(opening, Arc::clone(&clock), Arc::clone(&metrics))?;
    let follower = Follower::new(config.situation.clone(), desk.clone(), Arc::clone(&metrics))?;
    // A gate that cannot reach its node starts all the same: exempt work must not wait for it.
    let _ = follower.look().await;
    let pages = Arc::new(Pages {
        desk: desk.clone(),
        terms: terms.clone(),
        cluster: config.cluster.clone(),
        metrics: Arc::clone(&metrics),
        clock,
    });
    let operator =
        serve::Server::start(config.listen, webhook::operator(Arc::clone(&pages)), serve::Limits::default()).await?;
    let webhook = match &config.webhook {
        Some(webhook) => Some(Listening::start(webhook, pages).await?),
        None => None,
    };
    let mut tasks = vec![tokio::spawn(follower.run())];
    if let Some(path) = &config.socket {
        let listener = socket::listen(path, config.mode().map_err(|problem| NodeError::config(path, problem))?)?;
        let cluster = config.cluster.clone();
        let door = Arc::new(Socket { desk: desk.clone(), terms, cluster, metrics: Arc::clone(&metrics) });
        tasks.push(tokio::spawn(door.serve(listener)));
    }
    let publisher = Publisher {
        desk: desk.clone(),
        directory: config.home.join("log"),
        verifier,
        log_url: config.log_url.clone(),
        pause: Duration::from_secs(config.publish_seconds.max(1)),
        metrics,
    };
    tasks.push(tokio::spawn(publisher.run()));
    Ok(RunningGate { operator, webhook, tasks, desk, thread: Some(thread), socket: config.socket.clone() })
}

impl RunningGate {
    /// Where health and metrics are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.operator.address()
    }

    /// Where the webhook is.
    #[must_use]
    pub fn webhook_address(&self) -> Option<SocketAddr> {
        self.webhook.as_ref().map(Listening::address)
    }

    /// Closes the doors, writes what is at hand, and ends.
    pub async fn stop(mut self) {
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
        for task in &self.tasks {
            task.abort();
        }
        self.webhook = None;
        self.operator.stop(Duration::from_secs(5)).await;
        self.desk.end();
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for RunningGate {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Signs checkpoints over the journal and hands the decisions to a log.
struct Publisher {
    desk: Desk,
    directory: PathBuf,
    verifier: VerifierKey,
    log_url: Option<String>,
    pause: Duration,
    metrics: Arc<Metrics>,
}

impl Publisher {
    async fn run(self) {
        let mut submitted = 0;
        loop {
            tokio::time::sleep(self.pause).await;
            if let Err(problem) = self.round(&mut submitted).await {
                tracing::warn!(%problem, "decisions are not published yet; they are safe in the journal");
            }
        }
    }

    /// Publishes, then submits what the log does not have. A log that holds a statement already says so and no harm is done, so nothing need
    /// be remembered across a restart.
    async fn round(&self, submitted: &mut u64) -> Result<(), String> {
        let size = self.desk.publish().await?;
        let Some(url) = self.log_url.as_ref().filter(|_| size > *submitted) else { return Ok(()) };
        let (directory, verifier) = (self.directory.clone(), self.verifier.clone());
        let contents = tokio::task::spawn_blocking(move || read_log(&directory, &verifier, &Limits::default())).await;
        let contents = contents.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let http = Http::new(HttpLimits::default()).map_err(|error| error.to_string())?;
        let submitter = Submitter::new(http, url);
        let done = usize::try_from(*submitted).unwrap_or(usize::MAX);
        for entry in contents.entries.iter().skip(done) {
            submitter.statement(entry).await.map_err(|error| error.to_string())?;
            *submitted += 1;
            self.metrics.submitted(*submitted);
        }
        Ok(())
    }
}
