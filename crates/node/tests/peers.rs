//! Other people's programs and scripts against this one: the litewitness conformance script, Debian's sigsum-witness as the witness of our
//! log, and Go's checksum-database libraries as the reader of our files. What is not installed is skipped with a message.
//!
//! Debian packages: `sigsum-go` (bookworm-backports), `golang-go`, `golang-golang-x-mod-dev`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

use standstill_node::clock::SetClock;
use standstill_node::witness::{Settings, WatchedLog, WitnessService};
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::cosignature;
use standstill_tlog::file_log::FileLog;
use standstill_tlog::merkle::{Hash, Tree};
use standstill_tlog::note::{KeyType, NoteSignature, NoteSigner, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::witness::AddCheckpoint;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("STANDSTILL_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("tlog/torchwood").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: tlog/torchwood/{name} is not present");
    None
}

fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// One step of the script: body, wanted status, and the body's text or a part of it.
struct Step {
    body: String,
    status: u16,
    exact: Option<String>,
    part: Option<String>,
}

fn steps(script: &str) -> Vec<Step> {
    let mut found = Vec::new();
    for part in script.split("POST http").skip(1) {
        let Some((_, rest)) = part.split_once("```\n") else { continue };
        let (body, rest) = rest.split_once("```\n").unwrap();
        let after = |prefix: &str| {
            let line = rest.lines().find_map(|line| line.strip_prefix(prefix));
            line.map(|text| text.trim_end_matches('"').replace("\\n", "\n"))
        };
        found.push(Step {
            body: body.to_owned(),
            status: rest.strip_prefix("HTTP ").unwrap()[..3].parse().unwrap(),
            exact: after("body == \""),
            part: after("body contains \""),
        });
    }
    found
}

/// A witness on a socket for one log; gives its address and its directory.
async fn witness(log: WatchedLog, name: &str) -> (String, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let signer = NoteSigner::generate(name, KeyType::CosignatureV1).unwrap();
    let settings = Settings::new(&directory.path().join("w"), signer, vec![log]);
    let service = WitnessService::create(&settings, Arc::new(SetClock::at(1_700_000_000))).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(standstill_node::witness::serve(service, listener, std::future::pending()));
    (address, directory)
}

async fn replay(script: &str, log: WatchedLog) -> usize {
    let (address, _directory) = witness(log, "example.com/witness").await;
    let client = http_client();
    let all = steps(script);
    for (number, step) in all.iter().enumerate() {
        let request = client.post(format!("{address}/add-checkpoint")).body(step.body.clone());
        let response = request.send().await.unwrap();
        let (status, kind) =
            (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        // The script is older than the rule that an unknown origin is 404.
        let unknown = step.part.as_deref() == Some("unknown log");
        let wanted = if unknown { 404 } else { step.status };
        assert_eq!(status, wanted, "step {number}: {text}");
        if let Some(exact) = &step.exact {
            assert_eq!((&text, kind.as_str()), (exact, "text/x.tlog.size"), "step {number}");
        }
        // Sentences differ from program to program; cosignature lines do not.
        if let Some(part) = step.part.as_ref().filter(|part| part.starts_with('—')) {
            assert!(text.contains(part.as_str()), "step {number}: {text}");
        }
    }
    all.len()
}

#[tokio::test]
async fn litewitness_script() {
    let Some(path) = data("litewitness.txt") else { return };
    let origin = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    let public = hex::decode("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f").unwrap();
    let key = VerifierKey::new(origin, KeyType::Ed25519, &public).unwrap();
    let count = replay(&std::fs::read_to_string(path).unwrap(), WatchedLog::new(key)).await;
    println!("{count} steps answered as the script wants");
    assert_eq!(count, 9);
}

#[tokio::test]
async fn the_go_checksum_database_is_witnessed() {
    let Some(path) = data("sumdb.txt") else { return };
    let key = VerifierKey::parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
    let log = WatchedLog { origin: "go.sum database tree".to_owned(), keys: vec![key] };
    assert_eq!(replay(&std::fs::read_to_string(path).unwrap(), log).await, 1);
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssh_public(public: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut blob = Vec::new();
    for part in [&b"ssh-ed25519"[..], public] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    format!("ssh-ed25519 {} log\n", STANDARD.encode(blob))
}

/// The 32 key bytes at the end of an OpenSSH public key.
fn read_openssh_public(text: &str) -> [u8; 32] {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let blob = STANDARD.decode(text.split(' ').nth(1).unwrap().trim()).unwrap();
    *blob.last_chunk().unwrap()
}

/// Starts Debian's witness for this log; gives its address and public key.
async fn sigsum_witness(directory: &Path, log: &VerifierKey) -> (Stopped, String, [u8; 32]) {
    let path = |name: &str| directory.join(name);
    let made = Command::new("sigsum-key").args(["generate", "-o"]).arg(path("witness.key")).status().unwrap();
    assert!(made.success());
    std::fs::write(path("log.pub"), openssh_public(log.public_bytes())).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new("sigsum-witness");
    command
        .arg("-k")
        .arg(path("witness.key"))
        .arg("--log-key")
        .arg(path("log.pub"))
        .arg("--state-file")
        .arg(path("state"));
    // Without it every route is 404: the program was built for an older router than the Go that Debian built it with.
    command.arg(&address).env("GODEBUG", "httpmuxgo121=0").stdout(Stdio::null()).stderr(Stdio::null());
    let child = Stopped(command.spawn().unwrap());
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(&address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let public = read_openssh_public(&std::fs::read_to_string(path("witness.key.pub")).unwrap());
    (child, format!("http://{address}/add-checkpoint"), public)
}

fn sigsum_log(directory: &Path) -> (NoteSigner, FileLog) {
    // The name of a sigsum log is made from its key.
    let plain = NoteSigner::from_seed("x", KeyType::Ed25519, &[42; 32]).unwrap();
    use sha2::Digest;
    let origin = format!("sigsum.org/v1/tree/{}", hex::encode(sha2::Sha256::digest(plain.verifier().public_bytes())));
    let signer = NoteSigner::from_seed(&origin, KeyType::Ed25519, &[42; 32]).unwrap();
    let log = FileLog::create(&directory.join("log"), &signer).unwrap();
    (signer, log)
}

async fn ask(url: &str, old_size: u64, proof: &[Hash], checkpoint: Vec<u8>) -> (u16, String, String) {
    let body = AddCheckpoint { old_size, proof: proof.to_vec(), checkpoint }.to_bytes();
    let response = http_client().post(url).body(body).send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (status, kind, response.text().await.unwrap())
}

#[tokio::test]
async fn debians_sigsum_witness_cosigns_our_log() {
    if !installed("sigsum-witness") || !installed("sigsum-key") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (signer, mut log) = sigsum_log(directory.path());
    let (_running, url, public) = sigsum_witness(directory.path(), signer.verifier()).await;
    let mut old = 0;
    let mut key = None;
    for size in [1_u64, 2, 3, 7, 300] {
        let entries: Vec<_> = (log.size()..size).map(|index| format!("entry {index}").into_bytes()).collect();
        log.append(&entries).unwrap();
        let signed = log.publish().unwrap();
        let proof = log.consistency_proof(old, size).unwrap();
        let (status, _, line) = ask(&url, old, &proof, signed.to_bytes()).await;
        assert_eq!(status, 200, "{line}");
        let parsed = NoteSignature::parse(line.trim_end()).unwrap();
        let witness = VerifierKey::new(&parsed.name, KeyType::CosignatureV1, &public).unwrap();
        assert!(cosignature::verify(&witness, signed.note().text(), &parsed.bytes).unwrap() > 0);
        let policy = format!("log {}\nwitness debian {witness}\nquorum debian\n", signer.verifier());
        let whole = signed.with_lines(&line).unwrap();
        assert_eq!(Policy::parse(&policy).unwrap().check(&whole.to_bytes()).unwrap().0.checkpoint().size, size);
        (old, key) = (size, Some(witness));
    }
    // The same answers to wrong requests as ours gives.
    let newest = log.publish().unwrap();
    let (status, kind, body) = ask(&url, 7, &log.consistency_proof(7, 300).unwrap(), newest.to_bytes()).await;
    assert_eq!((status, kind.as_str(), body.as_str()), (409, "text/x.tlog.size", "300\n"));
    let forged = Checkpoint::new(signer.verifier().name(), 301, [9; 32]).sign(&signer).unwrap();
    let shape = Tree::from_leaves(&vec![[1; 32]; 301]).consistency_proof(300, 301).unwrap();
    assert_eq!(ask(&url, 300, &shape, forged.to_bytes()).await.0, 422);
    let moved = String::from_utf8(forged.to_bytes()).unwrap().replace("\n301\n", "\n302\n");
    assert_eq!(ask(&url, 300, &shape, moved.into_bytes()).await.0, 403);
    // An unchanged size is cosigned again: what proofs of silence rest on.
    let (status, _, line) = ask(&url, 300, &[], newest.to_bytes()).await;
    assert_eq!(status, 200, "{line}");
    let whole: SignedCheckpoint = newest.with_lines(&line).unwrap();
    assert_eq!(whole.cosignatures(&[key.unwrap()]).unwrap().len(), 1);
}

/// Builds and runs the Go reader with the distribution's library only.
fn go_reader(log: &Path, key: &VerifierKey) -> Option<std::process::Output> {
    let library = Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog");
    if !installed("go") || !library.exists() {
        println!("skipped: golang-golang-x-mod-dev is not installed");
        return None;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/reader/main.go");
    let mut command = Command::new("go");
    command.arg("run").arg(program).arg(log).arg(key.to_string());
    command.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "");
    Some(command.output().unwrap())
}

#[test]
fn go_reads_our_log() {
    let directory = tempfile::tempdir().unwrap();
    let signer = NoteSigner::from_seed("north.example/log", KeyType::Ed25519, &[3; 32]).unwrap();
    let mut log = FileLog::create(&directory.path().join("log"), &signer).unwrap();
    for size in [1_u64, 2, 255, 256, 257, 600] {
        let entries: Vec<_> = (log.size()..size).map(|index| format!("entry {index}").into_bytes()).collect();
        log.append(&entries).unwrap();
        log.publish().unwrap();
    }
    drop(log);
    let path = directory.path().join("log");
    let Some(output) = go_reader(&path, signer.verifier()) else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text, "600 entries and 7 checkpoints hold under size 600\n");
    // And it notices a changed entry.
    let bundle = path.join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[4] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert!(!go_reader(&path, signer.verifier()).unwrap().status.success());
}

/// The two places that verify Ed25519, statements and notes, give one answer on each of the published edge cases. Everything else goes
/// through one of them: receipts and cosignatures through the note key, findings, openings and challenges through the statement key.
#[test]
fn ed25519_edge_cases_have_one_answer_everywhere() {
    let root = std::env::var_os("STANDSTILL_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let Ok(bytes) = std::fs::read(root.join("tlog/cctv/ed25519/ed25519vectors.json")) else {
        println!("skipped: tlog/cctv is not present");
        return;
    };
    let vectors: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for vector in vectors.as_array().unwrap() {
        let message = vector["msg"].as_str().unwrap();
        let key: [u8; 32] = hex::decode(vector["key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let signature: [u8; 64] = hex::decode(vector["sig"].as_str().unwrap()).unwrap().try_into().unwrap();
        let statement = standstill_statement::PublicKey(key).verifies(message.as_bytes(), &signature);
        let line = NoteSignature { name: "edge".into(), key_id: [0; 4], bytes: signature.to_vec() };
        let note = VerifierKey::new("edge", KeyType::Ed25519, &key).is_ok_and(|key| key.verify(message, &line).is_ok());
        assert_eq!(statement, note, "vector {}", vector["number"]);
        if note { accepted += 1 } else { refused += 1 }
    }
    assert_eq!((accepted, refused), (43, 871));
}

/// A client that works with the feature `tls` too.
fn http_client() -> reqwest::Client {
    standstill_node::tls::prepare();
    reqwest::Client::new()
}
