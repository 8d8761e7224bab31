//! A gate that runs, with a clock of its own, and what asks it.

use standstill_gate::slurm::{Answer, HookConfig, Request};
use standstill_node::clock::SetClock;
use standstill_node::gate::{Config, RunningGate, start};
use standstill_statement::{GatePoint, Hash32, SigningKey};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<SetClock>,
    running: Option<RunningGate>,
}

impl World {
    /// A gate that knows this phase.
    pub(crate) async fn start(phase: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("keys")).unwrap();
        let signer = NoteSigner::generate("standstill/north-gate", KeyType::Ed25519).unwrap();
        FileLog::create(&home.join("log"), &signer).unwrap();
        let key = SigningKey::from_seed([3; 32]);
        for (name, text) in [("statement.key", key.to_file_text()), ("log.key", signer.to_file_text())] {
            let path = home.join("keys").join(name);
            fs::write(&path, text.as_bytes()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(dir.path().join("terms.toml"), terms()).unwrap();
        fs::write(dir.path().join("gate.toml"), CONFIG).unwrap();
        let mut world = Self { dir, clock: Arc::new(SetClock::at(NOW)), running: None };
        world.tell(phase, NOW);
        world.open().await;
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn open(&mut self) {
        let config = Config::load(&self.path("gate.toml")).unwrap();
        self.running = Some(start(&config, self.clock.clone()).await.unwrap());
    }

    pub(crate) async fn close(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// What the party's node says, as of a time.
    pub(crate) fn tell(&self, phase: &str, as_of: u64) {
        fs::write(self.path("situation.json"), situation(phase, as_of)).unwrap();
    }

    /// Waits until the gate goes by this phase.
    pub(crate) async fn until(&self, phase: &str, as_of: u64) {
        for _ in 0..200 {
            let health = self.health().await;
            if health.contains(&format!("\"phase\":\"{phase}\""))
                && health.contains(&format!("\"as_of_unix_seconds\":{as_of}"))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the gate does not go by {phase}: {}", self.health().await);
    }

    pub(crate) async fn health(&self) -> String {
        http(self.running.as_ref().unwrap().address(), "GET /health", "").await
    }

    /// Asks as Slurm's plugin does, with its own code.
    pub(crate) async fn ask(&self, request: &Request) -> Answer {
        let hook = HookConfig { socket: self.path("gate.sock"), wait_milliseconds: 500, ..HookConfig::default() };
        let request = request.clone();
        tokio::task::spawn_blocking(move || hook.ask(&request)).await.unwrap()
    }

    /// Asks as the API server does.
    pub(crate) async fn admit(&self, review: &serde_json::Value) -> serde_json::Value {
        let address = self.running.as_ref().unwrap().webhook_address().unwrap();
        let answer = http(address, "POST /admit", &review.to_string()).await;
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("home/log")
    }
}

async fn http(address: SocketAddr, what: &str, body: &str) -> String {
    let request =
        format!("{what} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let ask = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

const CONFIG: &str = r#"
terms = "terms.toml"
home = "home"
issuer = "north-gate"
cluster = "loop"
socket = "gate.sock"
listen = "127.0.0.1:0"
publish_seconds = 1
[situation]
file = "situation.json"
poll_seconds = 1
[webhook]
listen = "127.0.0.1:0"
"#;

fn terms() -> String {
    format!(
        r#"
agreement = "{}"
party = "north"
hold_seconds = 3600
[[chip]]
model = "h100"
gigaops_per_second = 2000000
[[place]]
name = "train"
accelerators_per_node = 8
nodes = 100
constrained = true
[[exempt]]
id = "serving"
purpose = "inference"
accounts = ["serving"]
accelerators = 64
accelerators_together = 1000
"#,
        Hash32::of(b"agreement")
    )
}

fn situation(phase: &str, as_of: u64) -> String {
    serde_json::json!({
        "agreement": Hash32::of(b"agreement"), "party": "north", "phase": phase, "phase_since_unix_seconds": NOW - 10, "window": 0,
        "as_of_unix_seconds": as_of,
        "caps": [{ "id": "train", "measure": "petaops", "classes": ["pretraining", "posttraining"], "allowed": 1_000_000, "used": 0 }],
        "runs": [{ "run": "beta", "class": "posttraining", "from_window": 0, "ended": false, "planned_petaops": 10_000_000, "used_petaops": 0,
                   "lineage_petaops": 0, "lineage_allowed_petaops": null }],
    })
    .to_string()
}

/// Eight H100 for an hour on a declared run: 57,600 petaops.
pub(crate) fn covered() -> Request {
    let mut request = Request::empty(GatePoint::Submit, 1001);
    request.account = Some("lab".to_owned());
    request.partition = Some("train".to_owned());
    request.comment = Some("class=posttraining run=beta".to_owned());
    request.tres_per_node = Some("gres:gpu:h100:8".to_owned());
    request.time_limit_minutes = Some(60);
    request
}

pub(crate) fn serving() -> Request {
    let comment = Some("class=inference exempt=serving".to_owned());
    Request { account: Some("serving".to_owned()), comment, ..covered() }
}

/// The job at its start, with what it was given and what is noted for it.
pub(crate) fn at_start(job: u32, noted: &str) -> Request {
    Request {
        point: GatePoint::Start,
        job_id: Some(job),
        admin_comment: (!noted.is_empty()).then(|| format!("standstill:{noted}")),
        tres_per_node: None,
        tres_allocated: Some("cpu=4,gres/gpu=8,gres/gpu:h100=8".to_owned()),
        ..covered()
    }
}

pub(crate) fn allowed(answer: Answer) -> String {
    match answer {
        Answer::Allow(id) => id,
        other => panic!("not allowed: {other:?}"),
    }
}

pub(crate) fn denied(answer: Answer) -> String {
    match answer {
        Answer::Deny(sentence) => sentence,
        other => panic!("not denied: {other:?}"),
    }
}

/// An admission review about a pod.
pub(crate) fn pod_review(uid: &str, gpus: u64, dry: bool) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": uid, "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE", "namespace": "lab", "name": "x",
            "userInfo": { "username": "alice" }, "dryRun": dry,
            "object": {
                "metadata": { "uid": format!("object-{uid}"), "labels": { "standstill/class": "posttraining", "standstill/run": "beta" } },
                "spec": { "activeDeadlineSeconds": 3600, "containers": [{ "name": "c", "resources": { "limits": { "nvidia.com/gpu": gpus } } }] },
            },
        },
    })
}

/// Replaces a folder by a file, so that nothing can be written into it; root may write into a folder without permissions.
pub(crate) fn break_folder(path: &Path) {
    fs::rename(path, path.with_extension("gone")).unwrap();
    fs::write(path, b"").unwrap();
}
