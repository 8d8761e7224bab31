//! Rounds over all logs, and the pages for the operator.
//!
//! | route | answer |
//! |---|---|
//! | `GET /health` | 200 with JSON; 503 when a log was seen to fork |
//! | `GET /metrics` | Prometheus text |
//! | `GET /alarms` | findings, JSON |
//! | `GET /index?issuer=&kind=&window=` | lines of the index, JSON, at most 10,000 |
//! | `GET /agreement/…`, `GET /openapi.json` | see `agreement` |

use super::agreement::{self, Known, Shelf};
use super::bundle::{self, Sources};
use super::condition::{Condition, FindingKind};
use super::config::Config;
use super::index::Index;
use super::watch::{Surroundings, Watch};
use crate::client::refresh::{WitnessAt, witnesses_of};
use crate::client::{ClientError, Http, HttpLimits};
use crate::clock::Clock;
use crate::error::NodeError;
use crate::serve;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use standstill_agreement::Agreement;
use standstill_statement::{Hash32, Name};
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::Limits;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most lines in one answer of `/index`.
const MAX_LINES: usize = 10_000;

/// What is known of one log, for `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogState {
    /// Entries in the copy.
    pub size: u64,
    /// Earliest time of a full quorum on the newest head (Unix seconds).
    pub quorum_time: Option<u64>,
    /// Latest time of a full quorum on the newest head (Unix seconds).
    pub quorum_since: Option<u64>,
}

/// What the pages show.
#[derive(Debug, Default)]
struct Shown {
    condition: Condition,
    index: Index,
    logs: BTreeMap<Name, LogState>,
    rounds: u64,
    last_round_unix_seconds: u64,
}

/// A monitor, without sockets of its own.
#[derive(Debug)]
pub struct Monitor {
    config: Config,
    terms: String,
    agreement: Hash32,
    watches: Vec<Watch>,
    clock: Arc<dyn Clock>,
    shown: Arc<Mutex<Shown>>,
    shelf: Shelf,
    changed: bool,
}

impl Monitor {
    /// Opens the copies of all logs that the configuration names.
    ///
    /// # Errors
    /// [`NodeError::Config`] when the terms are refused or do not name a log's issuer; a copy that cannot be used.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, NodeError> {
        let (terms, agreement) = config.terms()?;
        let policy = Policy::parse(&agreement.witnesses)?;
        let witnesses = addresses(&config, &policy)?;
        let http = Http::new(HttpLimits { attempts: 2, ..HttpLimits::default() }).map_err(broken)?;
        let around = Surroundings { http, policy, witnesses, limits: Limits::default() };
        let watches = open_watches(&config, &agreement, &around)?;
        let (shown, shelf) = (Arc::default(), Shelf::default());
        Ok(Self { config, terms, agreement: agreement.id(), watches, clock, shown, shelf, changed: true })
    }

    /// Logs under watch.
    #[must_use]
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Findings now.
    #[must_use]
    pub fn condition(&self) -> Condition {
        lock(&self.shown).condition.clone()
    }

    /// The index now.
    #[must_use]
    pub fn index(&self) -> Index {
        lock(&self.shown).index.clone()
    }

    /// One round over all logs, then the bundle when something changed.
    ///
    /// # Errors
    /// When this machine's disk is in trouble. What the logs do is in the findings.
    pub async fn round(&mut self) -> Result<(), NodeError> {
        let now = self.clock.unix_seconds();
        for watch in &mut self.watches {
            let before = (watch.copy().size(), watch.last.clone());
            let mut found = watch.round(now).await;
            let grown = {
                let mut shown = lock(&self.shown);
                watch.index(&self.agreement, &mut shown.index).map_err(broken)?
            };
            if grown {
                // What new statements refer to is fetched in the same round.
                found.retain(|finding| finding.kind != FindingKind::MissingBlob);
                found.extend(watch.blobs(now).await);
            }
            self.changed |= before != (watch.copy().size(), watch.last.clone());
            let mut shown = lock(&self.shown);
            let old = shown.condition.clone();
            shown.condition.settle(&watch.issuer, found);
            self.changed |= old != shown.condition;
            let step = watch.last.as_ref();
            let state = LogState {
                size: watch.copy().size(),
                quorum_time: step.and_then(|step| step.quorum_time),
                quorum_since: step.and_then(|step| step.quorum_since),
            };
            shown.logs.insert(watch.issuer.clone(), state);
        }
        {
            let mut shown = lock(&self.shown);
            shown.rounds += 1;
            shown.last_round_unix_seconds = now;
        }
        if let Some(out) = self.config.bundle.clone().filter(|_| self.changed) {
            self.write_bundle(&out)?;
            self.changed = false;
            self.read_back(out).await;
        }
        Ok(())
    }

    /// Reads the bundle again, as anybody would, for the pages about the agreement. One that cannot be read leaves the last answer.
    async fn read_back(&self, folder: PathBuf) {
        match tokio::task::spawn_blocking(move || Known::read(&folder)).await {
            Ok(Ok(known)) => self.shelf.put(known),
            Ok(Err(error)) => tracing::warn!(%error, "the bundle cannot be read back"),
            Err(error) => tracing::error!(%error, "reading the bundle did not end"),
        }
    }

    /// Writes a bundle of what is held now.
    ///
    /// # Errors
    /// [`NodeError::Io`] when a file cannot be written.
    pub fn write_bundle(&self, out: &Path) -> Result<(), NodeError> {
        let sources = Sources {
            terms: &self.terms,
            agreement: self.agreement.to_string(),
            watches: &self.watches,
            blobs: self.config.directory.join("blobs"),
            beacon: self.config.beacon.as_deref(),
        };
        bundle::write(&sources, out)
    }
}

fn broken(error: ClientError) -> NodeError {
    NodeError::Broken(error.to_string())
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

fn addresses(config: &Config, policy: &Policy) -> Result<Vec<WitnessAt>, NodeError> {
    let mut witnesses = witnesses_of(policy);
    for source in &config.witnesses {
        let named = policy.witnesses().iter().find(|witness| witness.name == source.name.as_bytes());
        let unknown =
            || NodeError::config(&config.agreement, format!("the witness policy does not name '{}'", source.name));
        let key = named.ok_or_else(unknown)?.key.clone();
        witnesses.retain(|witness| witness.name != source.name);
        witnesses.push(WitnessAt { name: source.name.clone(), key, url: source.url.clone() });
    }
    Ok(witnesses)
}

fn open_watches(config: &Config, agreement: &Agreement, around: &Surroundings) -> Result<Vec<Watch>, NodeError> {
    let mut watches = Vec::new();
    for source in &config.logs {
        let unknown =
            || NodeError::config(&config.agreement, format!("the agreement does not name '{}'", source.issuer));
        let (vkey, keys) = agreement.issuer(&source.issuer).ok_or_else(unknown)?;
        watches.push(Watch::open(config, source, &vkey.parse()?, keys, around).map_err(broken)?);
    }
    Ok(watches)
}

/// A monitor that runs.
#[derive(Debug)]
pub struct RunningMonitor {
    address: SocketAddr,
    server: serve::Server,
    task: tokio::task::JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

/// Starts rounds and pages.
///
/// # Errors
/// As [`Monitor::open`], and when the address is taken.
pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<RunningMonitor, NodeError> {
    let (listen, pause) = (config.listen, Duration::from_secs(config.poll_seconds.max(1)));
    let mut monitor = Monitor::open(config, clock)?;
    let pages = router(Arc::clone(&monitor.shown)).merge(agreement::router(monitor.shelf.clone()));
    let server = serve::Server::start(listen, pages, serve::Limits::default()).await?;
    let address = server.address();
    tracing::info!(%address, logs = monitor.watches.len(), "monitor runs");
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let task = tokio::spawn(async move {
        loop {
            if let Err(error) = monitor.round().await {
                tracing::error!(%error, "a round failed; it is tried again");
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopped.changed() => return,
            }
        }
    });
    Ok(RunningMonitor { address, server, task, stop })
}

impl RunningMonitor {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends after the round under way.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        self.server.stop(Duration::from_secs(5)).await;
        let _ = (&mut self.task).await;
    }
}

impl Drop for RunningMonitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(shown: Arc<Mutex<Shown>>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/alarms", get(alarms))
        .route("/index", get(index))
        .with_state(shown)
}

type Pages = State<Arc<Mutex<Shown>>>;

fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

async fn health(State(shown): Pages) -> Response {
    let shown = lock(&shown);
    let status = if shown.condition.has_fork() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let value = serde_json::json!({
        "fork": shown.condition.has_fork(),
        "findings": shown.condition.list().count(),
        "rounds": shown.rounds,
        "last_round_unix_seconds": shown.last_round_unix_seconds,
        "logs": shown.logs,
    });
    json(status, &value)
}

async fn alarms(State(shown): Pages) -> Response {
    let findings: Vec<_> = lock(&shown).condition.list().cloned().collect();
    json(StatusCode::OK, &serde_json::json!({ "findings": findings }))
}

#[derive(Deserialize)]
struct Wanted {
    issuer: Option<String>,
    kind: Option<String>,
    window: Option<u64>,
}

async fn index(State(shown): Pages, Query(wanted): Query<Wanted>) -> Response {
    let shown = lock(&shown);
    let found = shown.index.find(wanted.issuer.as_deref(), wanted.kind.as_deref(), wanted.window);
    let lines: Vec<_> = found.take(MAX_LINES).collect();
    json(StatusCode::OK, &serde_json::json!({ "lines": lines, "cut": lines.len() == MAX_LINES }))
}

async fn metrics(State(shown): Pages) -> Response {
    let shown = lock(&shown);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# HELP standstill_monitor_rounds_total Rounds over all logs.\n# TYPE standstill_monitor_rounds_total counter"
    );
    let _ = writeln!(text, "standstill_monitor_rounds_total {}", shown.rounds);
    let _ = writeln!(
        text,
        "# HELP standstill_monitor_findings Logs with a finding of this kind.\n# TYPE standstill_monitor_findings gauge"
    );
    for kind in FindingKind::ALL {
        let _ =
            writeln!(text, "standstill_monitor_findings{{kind=\"{}\"}} {}", kind.name(), shown.condition.count(kind));
    }
    let _ = writeln!(
        text,
        "# HELP standstill_monitor_log_size Entries in the copy.\n# TYPE standstill_monitor_log_size gauge"
    );
    for (issuer, state) in &shown.logs {
        let _ = writeln!(text, "standstill_monitor_log_size{{issuer=\"{issuer}\"}} {}", state.size);
    }
    let _ = writeln!(
        text,
        "# HELP standstill_monitor_log_quorum_since_seconds Latest time of a full quorum.\n# TYPE standstill_monitor_log_quorum_since_seconds gauge"
    );
    for (issuer, state) in &shown.logs {
        let _ = writeln!(
            text,
            "standstill_monitor_log_quorum_since_seconds{{issuer=\"{issuer}\"}} {}",
            state.quorum_since.unwrap_or(0)
        );
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
