//! `kill -9` torture of the witness: a child process takes racing requests from an honest and a forked branch of one log, and prints each
//! cosignature that it gave out; the parent kills it at random points and looks whether the record ever went back, and whether two
//! cosignatures ever contradict each other.
//!
//! 15 kills by default; `STANDSTILL_KILLS=1000 cargo test --release -p standstill-node --test witness_kill9` for the long run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod random;
#[path = "witness/world.rs"]
#[allow(dead_code, reason = "the sockets are for the other tests")]
mod world;

use random::Random;
use standstill_node::clock::SystemClock;
use standstill_node::witness::{Settings, WatchedLog, WitnessService};
use standstill_tlog::merkle::Tree;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use world::{body, log, signed, time_of, tree, witness_key};

const CHILD_DIRECTORY: &str = "STANDSTILL_WITNESS_KILL9_DIRECTORY";

/// How many clients the child has. A single one pauses after each answer, so that most kills fall between an answer and the next
/// request: what was answered must be on the disk then already.
const CHILD_CLIENTS: &str = "STANDSTILL_WITNESS_KILL9_CLIENTS";

/// Leaves of each branch: more than one child can use up.
const LEAVES: u64 = 8_000;

fn settings(directory: &Path) -> Settings {
    Settings::new(&directory.join("w"), witness_key(), vec![WatchedLog::new(log().verifier().clone())])
}

/// Opens the witness, or creates it when a kill came before its creation was finished. A server does not do that by itself.
fn open(directory: &Path) -> Arc<WitnessService> {
    let settings = settings(directory);
    WitnessService::open(&settings, Arc::new(SystemClock)).unwrap_or_else(|_| {
        let _ = std::fs::remove_dir_all(&settings.directory);
        WitnessService::create(&settings, Arc::new(SystemClock)).unwrap()
    })
}

/// Not a test of its own: the process that is killed. It runs until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test: the process that the torture starts and kills; cargo test -p standstill-node --test witness_kill9 runs both"]
async fn child() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let service = open(Path::new(&directory));
    let branches = Arc::new([tree(LEAVES, 0), tree(LEAVES, 1)]);
    let mut clients = tokio::task::JoinSet::new();
    let count: u64 = std::env::var(CHILD_CLIENTS).unwrap().parse().unwrap();
    let pause = Duration::from_millis(if count == 1 { 5 } else { 0 });
    for client in 0..count {
        clients.spawn(ask_for_ever(Arc::clone(&service), Arc::clone(&branches), client, pause));
    }
    clients.join_all().await;
}

async fn ask_for_ever(service: Arc<WitnessService>, branches: Arc<[Tree; 2]>, client: u64, pause: Duration) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (client + 1) ^ (u64::from(std::process::id()) << 24));
    loop {
        let old = service.record().head("log.example").map_or(0, |head| head.recorded.size);
        let branch = usize::from(random.below(4) == 0);
        let size = (old + random.below(4)).min(LEAVES);
        let answer = service.add_checkpoint(&body(&branches[branch], old, size)).await;
        if answer.status == 200 {
            let time = time_of(&answer.body, &signed(&branches[branch], size));
            print_line(&format!("cosigned {branch} {size} {time}"));
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        } else {
            assert!(matches!(answer.status, 409 | 422), "{answer:?}");
        }
    }
}

/// Written whole and at once: the parent may kill at any moment.
fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Everything that was given out, over all children.
#[derive(Default)]
struct Given {
    /// Branch of each size, and its latest time.
    sizes: BTreeMap<u64, (usize, u64)>,
    count: u64,
}

impl Given {
    fn read(&mut self, output: &str) {
        // A line without its newline was cut by the kill: nobody got it.
        for line in output.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let ["cosigned", branch, size, time] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
            let (branch, size, time) = (branch.parse().unwrap(), size.parse().unwrap(), time.parse().unwrap());
            let known = self.sizes.entry(size).or_insert((branch, time));
            assert_eq!(known.0, branch, "two histories were cosigned at size {size}");
            known.1 = known.1.max(time);
            self.count += 1;
        }
    }

    fn check(&self, directory: &Path) {
        // The branches differ from the first leaf on, so all sizes above 0 must be of one.
        let branches: Vec<_> =
            self.sizes.iter().filter(|(size, _)| **size > 0).map(|(_, (branch, _))| *branch).collect();
        assert!(branches.windows(2).all(|pair| pair[0] == pair[1]), "both branches were cosigned");
        let service = open(directory);
        let Some((largest, (_, time))) = self.sizes.last_key_value() else { return };
        let recorded = service.record().head("log.example").unwrap().recorded;
        assert!(recorded.size >= *largest, "the record fell back from {largest} to {}", recorded.size);
        assert!(recorded.time_unix_seconds >= *time, "the record's time fell back");
    }
}

fn run_and_kill(directory: &Path, clients: u64, after: Duration) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads", "1"])
        .env(CHILD_DIRECTORY, directory)
        .env(CHILD_CLIENTS, clients.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    std::thread::sleep(after);
    if child.try_wait().unwrap().is_some() {
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        panic!("the child stopped by itself: {text}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn the_record_never_goes_back_and_no_two_cosignatures_contradict() {
    let kills: u64 = std::env::var("STANDSTILL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(15);
    let directory = tempfile::tempdir().unwrap();
    let mut given = Given::default();
    let mut random = Random(88_172_645_463_325_252);
    for kill in 0..kills {
        let clients = if kill % 2 == 0 { 6 } else { 1 };
        let output = run_and_kill(directory.path(), clients, Duration::from_millis(80 + random.below(250)));
        given.read(&output);
        given.check(directory.path());
    }
    println!("{kills} kills: {} cosignatures given out, largest size {:?}", given.count, given.sizes.last_key_value());
    assert!(given.count > kills, "the children were killed before they did anything");
    assert!(given.sizes.len() > 20, "the log did not grow: {} sizes", given.sizes.len());
}

#[test]
fn the_torture_would_notice_a_contradiction() {
    let mut given = Given::default();
    given.read("cosigned 0 5 100\ncosigned 0 7 101\ncosigned 1 9 1");
    assert_eq!(given.count, 2, "a line that was cut off is not counted");
    let noticed = std::panic::catch_unwind(move || given.read("cosigned 1 5 102\n"));
    assert!(noticed.is_err());
}
