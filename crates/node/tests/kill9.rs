//! `kill -9` torture of the whole log role: a child process serves, this process is its client and its judge. It keeps every
//! acknowledgement and every signed checkpoint that it ever saw, kills the child at random points, sometimes tears the end of the
//! write-ahead file or loses tiles that were never synced, and starts it again. In the end every acknowledged statement must be at its
//! index, and every checkpoint a prefix of the one history.
//!
//! 15 kills by default; `STANDSTILL_FAULTS=1000 cargo test --release -p standstill-node --test kill9` for the long run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod party;
mod random;

use party::{Party, TestWitness, log_key, setup};
use random::Random;
use standstill_node::log::{Added, WitnessAddress, start};
use standstill_node::store::{FileStore, FileStoreOptions};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::fsck::fsck;
use standstill_tlog::note::VerifierKey;
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::{Limits, read_log};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CHILD: &str = "STANDSTILL_KILL9_LOG";

/// The child: serves the log until it is killed. Without the variable this is an empty test.
#[test]
fn child_process() {
    let Ok(text) = std::env::var(CHILD) else { return };
    let [directory, name, vkey, url] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // Small write-ahead files, so that kills also fall into their replacement.
        let options = FileStoreOptions { wal_bytes: 30_000, ..FileStoreOptions::default() };
        let store = Arc::new(FileStore::open(Path::new(directory), party::ORIGIN, &options).unwrap());
        let uploads = store.upload_directory();
        let mut setup = setup(store, uploads);
        let key = VerifierKey::parse(vkey).unwrap();
        setup.policy = Policy::parse(&format!("log {}\nwitness {name} {vkey}\nquorum {name}\n", log_key())).unwrap();
        setup.witnesses = vec![WitnessAddress { name: name.to_owned(), key, url: url.to_owned(), mirror: false }];
        setup.tuning.checkpoint_milliseconds = 10;
        setup.tuning.hold_milliseconds = 2000;
        let log = start(setup).await.unwrap();
        println!("serving {}", log.address());
        std::io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
}

/// What the judge knows.
#[derive(Default)]
struct Known {
    /// Index of every acknowledged statement, by its sequence number.
    acknowledged: BTreeMap<u64, u64>,
    /// Every signed checkpoint, by size.
    checkpoints: BTreeMap<u64, Vec<u8>>,
    conflicts: Vec<String>,
}

impl Known {
    fn saw(&mut self, bytes: Vec<u8>) {
        let checkpoint = SignedCheckpoint::parse(&bytes, &log_key()).unwrap();
        let size = checkpoint.checkpoint().size;
        let text = checkpoint.note().text().as_bytes().to_vec();
        let before = self.checkpoints.entry(size).or_insert_with(|| text.clone());
        if *before != text {
            self.conflicts.push(format!("two signed checkpoints of size {size}"));
        }
    }
}

fn spawn(directory: &Path, witness: &TestWitness) -> (Child, Option<String>) {
    let text = format!("{} {} {} {}", directory.display(), witness.name, witness.key, witness.url);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, text)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.map_while(Result::ok).find_map(|line| line.split("serving ").nth(1).map(str::to_owned));
    (child, found.map(|address| format!("http://{address}")))
}

/// A client that does not wait for ever for an answer that a kill swallowed.
fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap()
}

/// Sends statements from the first unacknowledged on over several connections until the child dies.
async fn load(url: String, statements: Arc<Vec<Vec<u8>>>, known: Arc<Mutex<Known>>) {
    standstill_node::tls::prepare();
    // An acknowledgement may be lost while later ones arrive, so what comes first is the lowest that is missing.
    let first = (0..).zip(known.lock().unwrap().acknowledged.keys()).take_while(|(place, key)| place == *key).count();
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(first));
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (url, statements, known, next) =
            (url.clone(), Arc::clone(&statements), Arc::clone(&known), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let client = client();
            let mut number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            loop {
                let Some(statement) = statements.get(number) else { return };
                let response = match client.post(format!("{url}/add")).body(statement.clone()).send().await {
                    Ok(response) => response,
                    // Too busy, or gone in a way that nobody is told of: a repeated statement gets the same index.
                    Err(error) if error.is_timeout() => continue,
                    Err(_) => return,
                };
                let status = response.status().as_u16();
                let Ok(text) = response.text().await else { return };
                match status {
                    200 => {
                        let added: Added = serde_json::from_str(&text).unwrap();
                        known.lock().unwrap().acknowledged.insert(number as u64, added.index);
                        number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    // Another connection was too slow with the statement before: again.
                    409 | 503 => {}
                    _ => panic!("{status}: {text}"),
                }
            }
        }));
    }
    let watched = Arc::clone(&known);
    tasks.push(tokio::spawn(async move {
        let client = client();
        loop {
            for place in ["uncosigned-checkpoint", "checkpoint"] {
                let Ok(response) = client.get(format!("{url}/{place}")).send().await else { return };
                let found = response.status().as_u16() == 200;
                let Ok(bytes) = response.bytes().await else { return };
                if found {
                    watched.lock().unwrap().saw(bytes.to_vec());
                }
            }
        }
    }));
    for task in tasks {
        task.await.unwrap();
    }
}

/// What a power loss may do beyond a kill: the end of the write-ahead file is torn, tiles that were never synced are lost.
fn damage(directory: &Path, random: &mut Random) {
    let state = directory.join(".state");
    let mut segments: Vec<_> = fs::read_dir(&state)
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("wal-")?.parse::<u64>().ok())
        .collect();
    segments.sort_unstable();
    let (Some(base), Some(last)) = (segments.first(), segments.last()) else { return };
    if random.below(2) == 0 {
        let path = state.join(format!("wal-{last:020}"));
        let whole = fs::read(&path).unwrap();
        // Part of a batch that was being written: never acknowledged, because its sync never returned.
        let start = whole.len().saturating_sub(usize::try_from(random.below(600)).unwrap()).max(41);
        let mut torn = whole.clone();
        torn.extend_from_slice(&whole[start..]);
        torn.truncate(torn.len() - usize::from(torn.len() > whole.len()));
        fs::write(&path, torn).unwrap();
    }
    if random.below(2) == 0 {
        for id in standstill_tlog::tile::new_tiles(*base, base + 5000) {
            let path = directory.join(id.to_string());
            // A full tile across the base whose partial one is gone was synced before that went.
            let partial = directory.join(format!("{id}.p/{}", base % 256));
            if id.index == base / 256 && !base.is_multiple_of(256) && !partial.exists() {
                continue;
            }
            match random.below(3) {
                0 => drop(fs::remove_file(path)),
                1 if path.exists() => fs::write(path, b"").unwrap(),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_no_two_checkpoints_contradict() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let kills: u64 = std::env::var("STANDSTILL_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().rotate_left(20) | 1;
    let seed = std::env::var("STANDSTILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(seed);
    println!("STANDSTILL_SEED={seed}");
    let mut random = Random(seed);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let witness = TestWitness::start(directory.path(), "w1", 11).await;
    let (mut party, known) = (Party::new(), Arc::new(Mutex::new(Known::default())));
    let mut statements: Vec<Vec<u8>> = Vec::new();
    let mut died_at_start = 0;
    for kill in 0..kills {
        while (statements.len() as u64) < known.lock().unwrap().acknowledged.len() as u64 + 2000 {
            statements.push(party.heartbeat());
        }
        let (mut child, url) = tokio::task::block_in_place(|| {
            if random.below(8) == 0 {
                // Into the start itself.
                let delay = Duration::from_millis(random.below(40));
                let (place, w) = (path.clone(), &witness);
                let (child, url) = std::thread::scope(|scope| {
                    let killer = scope.spawn(move || spawn_and_kill_early(&place, w, delay));
                    killer.join().unwrap()
                });
                died_at_start += 1;
                return (child, url);
            }
            spawn(&path, &witness)
        });
        if let Some(url) = url {
            let running = tokio::spawn(load(url, Arc::new(statements.clone()), Arc::clone(&known)));
            tokio::time::sleep(Duration::from_millis(random.below(150))).await;
            child.kill().unwrap();
            child.wait().unwrap();
            running.await.unwrap();
        } else {
            let _ = child.kill();
            let status = child.wait().unwrap();
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text);
            assert!(status.code().is_none(), "kill {kill}: the log did not start again: {text}");
        }
        // Every index that was ever given out is the statement's own sequence number.
        {
            let known = known.lock().unwrap();
            assert!(known.acknowledged.iter().all(|(sequence, index)| sequence == index));
            assert_eq!(known.conflicts, Vec::<String>::new());
        }
        if path.join(".state").exists() {
            damage(&path, &mut random);
        }
    }
    let statements = Arc::new(statements);
    finish(&path, &witness, &statements, &known).await;
    judge(&path, &statements, &known.lock().unwrap());
    println!("{kills} kills, {died_at_start} of them into the start; {} statements", statements.len());
}

/// Starts the log once more and waits until everything is acknowledged and signed.
async fn finish(path: &Path, witness: &TestWitness, statements: &Arc<Vec<Vec<u8>>>, known: &Arc<Mutex<Known>>) {
    let (mut child, url) = tokio::task::block_in_place(|| spawn(path, witness));
    let running = tokio::spawn(load(url.unwrap(), Arc::clone(statements), Arc::clone(known)));
    let all = statements.len();
    let done = async {
        while known.lock().unwrap().acknowledged.len() < all
            || known.lock().unwrap().checkpoints.keys().last().is_none_or(|size| *size < all as u64)
            // The public file comes after the head cell; without it a copy rightly looks as if entries were withheld.
            || public_size(path) < all as u64
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    running.await.unwrap();
}

/// Size of the checkpoint in the public file; 0 when it cannot be read.
fn public_size(path: &Path) -> u64 {
    let bytes = std::fs::read(path.join("checkpoint")).unwrap_or_default();
    SignedCheckpoint::parse(&bytes, &log_key()).map_or(0, |signed| signed.checkpoint().size)
}

fn spawn_and_kill_early(path: &Path, witness: &TestWitness, delay: Duration) -> (Child, Option<String>) {
    let text = format!("{} {} {} {}", path.display(), witness.name, witness.key, witness.url);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, text)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    (child, None)
}

/// Reads the log's files as a stranger would.
fn judge(path: &Path, statements: &[Vec<u8>], known: &Known) {
    assert_eq!(known.conflicts, Vec::<String>::new());
    // The head cell, because the last kill may fall between it and the public file, which the next start repairs.
    let cell = rusqlite::Connection::open(path.join(".state/head.sqlite")).unwrap();
    let newest: Vec<u8> = cell.query_row("SELECT checkpoint FROM head", [], |row| row.get(0)).unwrap();
    let signed = SignedCheckpoint::parse(&newest, &log_key()).unwrap();
    assert_eq!(signed.checkpoint().size, statements.len() as u64);
    let contents = standstill_tlog::reader::read_log_at(path, signed, &Limits::default()).unwrap();
    assert!(contents.entries == statements, "an entry is not the statement that was acknowledged at its index");
    for (size, text) in &known.checkpoints {
        let root = standstill_tlog::checkpoint::Checkpoint::parse(std::str::from_utf8(text).unwrap()).unwrap().root;
        assert_eq!(contents.root_at(*size), Some(root), "the checkpoint of size {size} is of another history");
    }
    assert!(known.checkpoints.len() > 1);
    let report = fsck(path, &log_key(), &Limits { max_checkpoints: 1_000_000, ..Limits::default() }).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(!read_log(path, &log_key(), &Limits::default()).unwrap().entries.is_empty());
}
