//! Processes, ports, configurations and the clock that they share.

use crate::args::NodeRole;
use crate::exit::{CliError, CliResult};
use crate::{folder, network};
use standstill_node::client::{Http, HttpLimits};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a process to answer.
const START: Duration = Duration::from_secs(30);

/// One process of the play.
struct Player {
    arguments: Vec<String>,
    url: String,
    child: Option<Child>,
}

/// All processes. They end with it, however it ends.
pub(crate) struct Stage {
    out: PathBuf,
    program: PathBuf,
    players: BTreeMap<String, Player>,
    clock: PathBuf,
    now: u64,
    runtime: tokio::runtime::Runtime,
    http: Http,
}

impl Stage {
    /// An empty stage at a time.
    pub(crate) fn new(out: &Path, now_unix_seconds: u64) -> CliResult<Self> {
        let limits = HttpLimits { attempts: 1, request: Duration::from_secs(10), ..HttpLimits::default() };
        let mut stage = Self {
            out: std::path::absolute(out).map_err(|error| CliError::file("find", out, &error))?,
            program: std::env::current_exe()
                .map_err(|error| CliError::bug(format!("cannot find this program: {error}")))?,
            players: BTreeMap::new(),
            clock: out.join("clock"),
            now: 0,
            runtime: network::runtime()?,
            http: Http::new(limits).map_err(network::client_error)?,
        };
        folder::make(&stage.out.join("logs"))?;
        stage.move_clock(now_unix_seconds)?;
        Ok(stage)
    }

    /// Moves everybody's clock, forward only.
    pub(crate) fn move_clock(&mut self, to_unix_seconds: u64) -> CliResult<()> {
        if to_unix_seconds > self.now {
            self.now = to_unix_seconds;
            folder::write(&self.clock, format!("{to_unix_seconds}\n").as_bytes())?;
        }
        Ok(())
    }

    /// The clock's file.
    pub(crate) fn clock(&self) -> &Path {
        &self.clock
    }

    /// Runs something that waits.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The client.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Starts a node of this program, and waits until it answers.
    pub(crate) fn node(&mut self, name: &str, role: NodeRole, config: &Path, address: SocketAddr) -> CliResult<()> {
        let role = match role {
            NodeRole::Log => "log",
            NodeRole::Witness => "witness",
            NodeRole::Mirror => "mirror",
            NodeRole::Monitor => "monitor",
            NodeRole::Gate => "gate",
        };
        let (config, clock) = (config.display().to_string(), self.clock.display().to_string());
        self.start(name, &["node", "--role", role, "--config", &config, "--clock", &clock], address)
    }

    /// Starts a process of this program, and waits until it answers.
    pub(crate) fn start(&mut self, name: &str, arguments: &[&str], address: SocketAddr) -> CliResult<()> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let player = Player { arguments, url: format!("http://{address}"), child: None };
        self.players.insert(name.to_owned(), player);
        self.restart(name)
    }

    /// Kills a process with SIGKILL: no goodbye, no flush.
    pub(crate) fn kill(&mut self, name: &str) -> CliResult<()> {
        let Some(child) = self.players.get_mut(name).and_then(|player| player.child.take()) else {
            return Err(CliError::bug(format!("{name} does not run")));
        };
        end(child);
        Ok(())
    }

    /// Starts a process again.
    pub(crate) fn restart(&mut self, name: &str) -> CliResult<()> {
        let path = self.out.join("logs").join(format!("{name}.log"));
        let fail = |error: std::io::Error| CliError::file("write", &path, &error);
        let log = File::options().create(true).append(true).open(&path).map_err(fail)?;
        let error_log = log.try_clone().map_err(fail)?;
        let unknown = || CliError::bug(format!("{name} was never started"));
        let player = self.players.get_mut(name).ok_or_else(unknown)?;
        let mut command = Command::new(&self.program);
        command.args(&player.arguments).stdin(Stdio::null()).stdout(log).stderr(error_log);
        let child = command.spawn().map_err(|error| CliError::file("run", &self.program, &error))?;
        player.child = Some(child);
        self.answers(name, &path)
    }

    fn answers(&mut self, name: &str, log: &Path) -> CliResult<()> {
        let started = Instant::now();
        loop {
            let Some(player) = self.players.get_mut(name) else { return Ok(()) };
            if let Some(ended) = player.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                return Err(CliError::bug(format!("{name} ended at once ({ended}); see {}", log.display())));
            }
            let url = format!("{}/health", player.url);
            if self.runtime.block_on(self.http.get(&url, 1 << 20)).is_ok() {
                return Ok(());
            }
            if started.elapsed() > START {
                return Err(CliError::bug(format!("{name} does not answer at {url}; see {}", log.display())));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Runs a command of this program to its end; gives its exit code and what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> CliResult<(Option<i32>, String)> {
        let output = Command::new(&self.program).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| CliError::file("run", &self.program, &error))?;
        let text = [output.stderr, output.stdout].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
    }

    /// Ends all processes.
    pub(crate) fn clear(&mut self) {
        for player in self.players.values_mut() {
            player.child.take().into_iter().for_each(end);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Free ports of this machine, all different.
pub(crate) fn addresses(count: usize) -> CliResult<Vec<SocketAddr>> {
    let held = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>();
    let addresses = held.and_then(|held| held.iter().map(TcpListener::local_addr).collect());
    addresses.map_err(|error| CliError::unreadable(format!("this machine gives no free ports: {error}")))
}
