//! `standstill node`: one process, one role or several.

mod init;

use crate::args::{NodeArgs, NodeCommand, NodeRole};
use crate::exit::{CliError, CliResult, Exit};
use standstill_node::clock::{Clock, FileClock, SystemClock};
use standstill_node::monitor::{FindingKind, Monitor, RunningMonitor};
use standstill_node::{NodeError, gate, log, mirror, monitor, witness};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

pub(super) fn run(args: &NodeArgs) -> CliResult {
    if let Some(NodeCommand::Init(init)) = &args.command {
        return init::run(init);
    }
    if args.roles.len() != args.configs.len() {
        let message = format!(
            "{} roles and {} configuration files: give each --role its own --config, in the same order",
            args.roles.len(),
            args.configs.len()
        );
        return Err(CliError::usage(message));
    }
    messages(args.json_logs);
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| CliError::unreadable(format!("cannot start: {error}")))?;
    let clock: Arc<dyn Clock> = match &args.clock {
        Some(file) => Arc::new(FileClock::new(file)),
        None => Arc::new(SystemClock),
    };
    if args.once {
        return runtime.block_on(once(args, clock));
    }
    runtime.block_on(serve(args, &clock))
}

/// Messages go to standard error; `RUST_LOG` chooses what is said.
fn messages(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}

/// A role that runs, and how it ends in order.
enum Running {
    Log(Box<log::RunningLog>),
    /// A witness or a mirror.
    Cosigner {
        stop: oneshot::Sender<()>,
        task: tokio::task::JoinHandle<std::io::Result<()>>,
    },
    Monitor(Box<RunningMonitor>),
    Gate(Box<gate::RunningGate>),
}

async fn serve(args: &NodeArgs, clock: &Arc<dyn Clock>) -> CliResult {
    let mut running = Vec::new();
    for (role, config) in args.roles.iter().zip(&args.configs) {
        running.push(start(*role, config, clock).await?);
    }
    interrupted().await.map_err(|error| CliError::unreadable(format!("cannot wait for signals: {error}")))?;
    eprintln!("Ending in order; interrupt again to end at once.");
    tokio::select! {
        ended = end(running) => ended?,
        again = interrupted() => again.map_err(|error| CliError::unreadable(format!("cannot wait for signals: {error}")))?,
    }
    Ok(Exit::Ok)
}

async fn start(role: NodeRole, config: &Path, clock: &Arc<dyn Clock>) -> CliResult<Running> {
    match role {
        NodeRole::Log => {
            let config = log::Config::load(config).map_err(node_error)?;
            let mut setup = config.setup().await.map_err(node_error)?;
            setup.clock = Arc::clone(clock);
            let running = log::start(setup).await.map_err(node_error)?;
            println!("The log of '{}' listens on http://{}", config.party, running.address());
            Ok(Running::Log(Box::new(running)))
        }
        NodeRole::Witness => start_witness(config, clock).await,
        NodeRole::Mirror => start_mirror(config, clock).await,
        NodeRole::Monitor => {
            let config = monitor::Config::load(config).map_err(node_error)?;
            let running = monitor::start(config, Arc::clone(clock)).await.map_err(node_error)?;
            println!("The monitor listens on http://{}", running.address());
            Ok(Running::Monitor(Box::new(running)))
        }
        NodeRole::Gate => start_gate(config, clock).await,
    }
}

async fn start_gate(path: &Path, clock: &Arc<dyn Clock>) -> CliResult<Running> {
    let config = gate::Config::load(path).map_err(node_error)?;
    let running = gate::start(&config, Arc::clone(clock)).await.map_err(node_error)?;
    println!("The gate of '{}' listens on http://{}", config.issuer, running.address());
    if let Some(socket) = &config.socket {
        println!("Slurm asks at {}", socket.display());
    }
    if let (Some(address), Some(webhook)) = (running.webhook_address(), &config.webhook) {
        let scheme = if webhook.certificate.is_some() { "https" } else { "http" };
        println!("Kubernetes asks at {scheme}://{address}/admit");
    }
    Ok(Running::Gate(Box::new(running)))
}

async fn start_witness(path: &Path, clock: &Arc<dyn Clock>) -> CliResult<Running> {
    let config = witness::Config::read(path).map_err(|error| CliError::unreadable(error.to_string()))?;
    let settings = config.settings().map_err(CliError::unreadable)?;
    let service = if settings.directory.join("witness.sqlite").exists() {
        witness::WitnessService::open(&settings, Arc::clone(clock))
    } else {
        witness::WitnessService::create(&settings, Arc::clone(clock))
    };
    let service = service.map_err(CliError::unreadable)?;
    let (listener, address) = listen(&config.listen).await?;
    println!("Witness '{}' listens on http://{address}", first_name(service.verifiers()));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(witness::serve(service, listener, told(stopped)));
    Ok(Running::Cosigner { stop, task })
}

async fn start_mirror(path: &Path, clock: &Arc<dyn Clock>) -> CliResult<Running> {
    let config = mirror::Config::read(path).map_err(CliError::unreadable)?;
    let settings = config.settings().map_err(CliError::unreadable)?;
    let interval = Duration::from_secs(settings.interval_seconds.max(1));
    let service = mirror::MirrorService::open(&settings, Arc::clone(clock)).map_err(CliError::unreadable)?;
    let (listener, address) = listen(&config.listen).await?;
    println!("Mirror '{}' listens on http://{address}", first_name(service.verifiers()));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(mirror::serve(service, listener, interval, told(stopped)));
    Ok(Running::Cosigner { stop, task })
}

async fn listen(address: &std::net::SocketAddr) -> CliResult<(tokio::net::TcpListener, std::net::SocketAddr)> {
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    let bound = listener.local_addr().map_err(|error| cannot_listen(address, &error))?;
    Ok((listener, bound))
}

fn first_name(keys: &[standstill_tlog::note::VerifierKey]) -> &str {
    keys.first().map_or("?", |key| key.name())
}

/// Resolves when the node is told to end.
async fn told(stopped: oneshot::Receiver<()>) {
    let _ = stopped.await;
}

async fn end(running: Vec<Running>) -> CliResult<()> {
    for role in running {
        match role {
            Running::Log(log) => log.stop().await.map_err(node_error)?,
            Running::Monitor(monitor) => monitor.stop().await,
            Running::Gate(gate) => gate.stop().await,
            Running::Cosigner { stop, task } => {
                let _ = stop.send(());
                let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
            }
        }
    }
    Ok(())
}

/// Resolves at Ctrl-C or SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// One round of each monitor.
async fn once(args: &NodeArgs, clock: Arc<dyn Clock>) -> CliResult {
    if args.roles.iter().any(|role| *role != NodeRole::Monitor) {
        return Err(CliError::usage("--once is for monitors; a log or witness that ends at once serves nobody"));
    }
    let mut exit = Exit::Ok;
    for path in &args.configs {
        let config = monitor::Config::load(path).map_err(node_error)?;
        let bundle = config.bundle.clone();
        let mut monitor = Monitor::open(config, Arc::clone(&clock)).map_err(node_error)?;
        monitor.round().await.map_err(node_error)?;
        exit = worse(exit, report(&monitor, bundle.as_ref()));
    }
    Ok(exit)
}

fn report(monitor: &Monitor, bundle: Option<&PathBuf>) -> Exit {
    for watch in monitor.watches() {
        println!("{}: {} statements", watch.issuer, watch.copy().size());
    }
    let condition = monitor.condition();
    for finding in condition.list() {
        println!("{}: {}: {}", finding.issuer, finding.kind.name(), finding.sentence);
    }
    if let Some(bundle) = bundle {
        println!("Check what was seen, offline: standstill verify {}", bundle.display());
    }
    if condition.has_fork() {
        Exit::Fork
    } else if condition.count(FindingKind::Unreachable) > 0 {
        Exit::Network
    } else {
        Exit::Ok
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    if one as u8 > other as u8 { one } else { other }
}

fn node_error(error: NodeError) -> CliError {
    let exit = match &error {
        NodeError::Io { action: "listen on", .. } => Exit::Network,
        _ => Exit::Unreadable,
    };
    CliError { message: error.to_string(), exit }
}

fn cannot_listen(address: &std::net::SocketAddr, error: &std::io::Error) -> CliError {
    CliError { message: format!("cannot listen on {address}: {error}"), exit: Exit::Network }
}
