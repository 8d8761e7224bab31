//! Real servers for the tests of the stores: PostgreSQL as Debian packages it, and `moto` (PyPI `moto[server]`) as an S3-compatible one.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test code outside #[test] functions; features decide what is used"
)]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server process that ends with the test.
pub struct Served {
    child: Child,
    pub address: String,
    _directory: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        // PostgreSQL ends its own children on SIGTERM only.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16, child: &mut Child) -> bool {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if matches!(child.try_wait(), Ok(Some(_))) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.sort();
    found.into_iter().rfind(|bin| bin.join("postgres").exists() && bin.join("initdb").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|done| done.stdout == b"0\n")
}

/// PostgreSQL refuses to run as root, so root runs it as the user that its package made.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

/// A fresh PostgreSQL server, and how to connect to it; nothing when it is not installed.
pub fn postgres() -> Option<Served> {
    let programs = postgres_programs()?;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    if is_root() {
        let owned = Command::new("chown").args(["-R", "postgres:postgres"]).arg(directory.path()).status();
        owned.unwrap();
    }
    let made = unprivileged(&programs.join("initdb"))
        .args(["-A", "trust", "-U", "standstill", "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let port = free_port();
    let mut child = unprivileged(&programs.join("postgres"))
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
        .arg(directory.path())
        .arg("-D")
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    if !wait_for(port, &mut child) {
        return None;
    }
    std::thread::sleep(Duration::from_millis(500));
    let address = format!("host=127.0.0.1 port={port} user=standstill dbname=postgres");
    Some(Served { child, address, _directory: directory })
}

/// A fresh S3-compatible server with a bucket `logs`; nothing when `moto_server` is not there (`STANDSTILL_MOTO` names it).
pub async fn s3() -> Option<Served> {
    let program = std::env::var("STANDSTILL_MOTO").unwrap_or_else(|_| "moto_server".to_owned());
    let port = free_port();
    let mut child = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    if !wait_for(port, &mut child) {
        return None;
    }
    let address = format!("http://127.0.0.1:{port}");
    standstill_node::tls::prepare();
    let made = reqwest::Client::new().put(format!("{address}/logs")).send().await;
    let made = made.is_ok_and(|response| response.status().is_success());
    made.then(|| Served { child, address, _directory: tempfile::tempdir().unwrap() })
}
