//! `kill -9` torture: a child process appends, publishes and has its checkpoints cosigned, and prints what it was told is durable; the
//! parent kills it at random points, opens the log again, and looks for everything that was promised.
//!
//! 30 kills by default; `STANDSTILL_KILLS=1000 cargo test --release -p standstill-tlog --test kill9` for the long run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::file_log::{FileLog, Options};
use standstill_tlog::fsck::fsck;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::reader::{Limits, read_history, read_log};
use standstill_tlog::witness::FileWitness;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CHILD_DIRECTORY: &str = "STANDSTILL_KILL9_DIRECTORY";

fn log_signer() -> NoteSigner {
    NoteSigner::from_seed("torture.example/log", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness_signer() -> NoteSigner {
    NoteSigner::from_seed("torture.example/witness", KeyType::CosignatureV1, &[2; 32]).unwrap()
}

/// A small write-ahead file, so that kills also fall into its replacement.
fn options() -> Options {
    Options { wal_reset_bytes: 20_000, ..Options::default() }
}

/// Opens the log, or creates it when a kill came before its creation was finished. A server must not do that by itself: a log whose
/// files were lost must not start again under the same key.
fn open_log(directory: &Path) -> FileLog {
    let path = directory.join("log");
    match FileLog::open_with(&path, &log_signer(), &options()) {
        Err(TlogError::Missing { .. }) => FileLog::create_with(&path, &log_signer(), &options()).unwrap(),
        opened => opened.unwrap(),
    }
}

fn open_witness(directory: &Path) -> FileWitness {
    let path = directory.join("witness");
    let opened = if path.join("key").exists() { FileWitness::open } else { FileWitness::create };
    opened(&path, &witness_signer()).unwrap()
}

/// xorshift64: repeatable choices without a dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Not a test of its own: the process that is killed. It runs until then.
#[test]
#[ignore = "no test: the process that the torture starts and kills; cargo test -p standstill-tlog --test kill9 runs both"]
fn child() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let (mut log, mut witness) = (open_log(directory), open_witness(directory));
    let mut random = Random(0x9e37_79b9 ^ (log.size() + 1) ^ (u64::from(std::process::id()) << 20));
    let mut out = std::io::stdout();
    loop {
        let count = 1 + random.below(8);
        let batch: Vec<Vec<u8>> =
            (0..count).map(|i| format!("{}:{}", log.size() + i, random.below(u64::MAX)).into_bytes()).collect();
        let range = log.append(&batch).unwrap();
        for (index, entry) in range.zip(&batch) {
            writeln!(out, "acked {index} {}", String::from_utf8_lossy(entry)).unwrap();
        }
        if random.below(3) == 0 {
            let signed = log.publish().unwrap();
            writeln!(out, "signed {}", hex(&signed.to_bytes())).unwrap();
            cosign(&log, &mut witness, &signed, &mut out);
        }
        out.flush().unwrap();
    }
}

fn cosign(log: &FileLog, witness: &mut FileWitness, signed: &SignedCheckpoint, out: &mut impl Write) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (old, size) = (witness.known_size(log.key()).unwrap(), signed.checkpoint().size);
    let proof = log.consistency_proof(old, size).unwrap();
    witness.cosign(now, old, &proof, &signed.to_bytes(), log.key()).unwrap();
    writeln!(out, "cosigned {size} {now}").unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Everything that children said is durable.
#[derive(Default)]
struct Promises {
    entries: BTreeMap<u64, Vec<u8>>,
    signed: Vec<SignedCheckpoint>,
    cosigned: (u64, u64),
}

impl Promises {
    fn read(&mut self, output: &str) {
        // A line without its newline was cut by the kill: nobody got it.
        for line in output.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["acked", index, entry] => {
                    let before = self.entries.insert(index.parse().unwrap(), entry.as_bytes().to_vec());
                    assert_eq!(before, None, "index {index} was acknowledged twice");
                }
                ["signed", note] => {
                    self.signed.push(SignedCheckpoint::parse(&unhex(note), log_signer().verifier()).unwrap())
                }
                ["cosigned", size, time] => self.cosigned = (size.parse().unwrap(), time.parse().unwrap()),
                _ => {}
            }
        }
    }

    fn check(&self, directory: &Path) {
        let mut log = open_log(directory);
        log.publish().unwrap();
        let contents = read_log(&directory.join("log"), log.key(), &Limits::default()).unwrap();
        for (index, entry) in &self.entries {
            let found = usize::try_from(*index).ok().and_then(|index| contents.entries.get(index));
            assert_eq!(found, Some(entry), "acknowledged entry {index} is lost");
        }
        for signed in &self.signed {
            contents.check_history(signed).unwrap();
        }
        for signed in read_history(&directory.join("log"), log.key(), &Limits::default()).unwrap() {
            contents.check_history(&signed).unwrap();
        }
        let witness = open_witness(directory);
        assert!(witness.known_size(log.key()).unwrap() >= self.cosigned.0, "the witness forgot a cosignature");
        if let Some(latest) = witness.latest(log.origin()).unwrap() {
            contents.check_history(&SignedCheckpoint::parse(&latest, log.key()).unwrap()).unwrap();
        }
    }
}

/// Starts a child, kills it after a while, and gives what it printed.
fn run_and_kill(directory: &Path, after: Duration) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads", "1"])
        .env(CHILD_DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // Reading beside the child, so that a full pipe does not decide where it stops.
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    std::thread::sleep(after);
    assert_eq!(child.try_wait().unwrap(), None, "the child stopped by itself: {}", stderr_of(&mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn stderr_of(child: &mut std::process::Child) -> String {
    let mut text = String::new();
    child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
    text
}

/// What power loss may leave behind a synced write: the beginning of the next batch.
fn tear(directory: &Path, random: &mut Random) {
    let path = directory.join("log/.state/wal");
    let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(path) else { return };
    let mut garbage = b"WAL1".to_vec();
    garbage.extend((0..random.below(60)).map(|_| u8::try_from(random.below(256)).unwrap()));
    file.write_all(&garbage).unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_and_no_two_checkpoints_contradict() {
    let kills: u64 = std::env::var("STANDSTILL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let directory = tempfile::tempdir().unwrap();
    let mut promises = Promises::default();
    let mut random = Random(88_172_645_463_325_252);
    for kill in 0..kills {
        let output = run_and_kill(directory.path(), Duration::from_millis(15 + random.below(90)));
        promises.read(&output);
        if random.below(2) == 0 {
            tear(directory.path(), &mut random);
        }
        // Every second time the child itself recovers.
        if kill % 2 == 0 || kill + 1 == kills {
            promises.check(directory.path());
        }
    }
    let report = fsck(&directory.path().join("log"), log_signer().verifier(), &Limits::default()).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    println!(
        "{kills} kills: {} entries acknowledged, {} checkpoints signed, witness at size {}; {} entries in the log",
        promises.entries.len(),
        promises.signed.len(),
        promises.cosigned.0,
        report.entries
    );
    assert!(
        !promises.entries.is_empty() && promises.signed.len() > 1,
        "the children were killed before they did anything"
    );
}
