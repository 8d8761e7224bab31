//! Faults one at a time: restored backups, two writers, clock steps, full and slow disks, lost responses. `kill9.rs` has the random ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod faulty;
mod party;

use faulty::Faulty;
use party::{Party, TestWitness, add, eventually, fetch, file_setup, file_store, log_key, run, setup, witnessed_setup};
use standstill_node::NodeError;
use standstill_node::clock::SetClock;
use standstill_node::log::{Added, State, start};
use standstill_node::store::{FileStore, FileStoreOptions, StoreError};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::reader::{Limits, read_log};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

async fn signed_size(url: &str) -> u64 {
    let (_, bytes) = fetch(&format!("{url}/uncosigned-checkpoint")).await;
    SignedCheckpoint::parse(&bytes, &log_key()).unwrap().checkpoint().size
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_does_not_sign_when_witnesses_saw_more() {
    let directory = tempfile::tempdir().unwrap();
    let witness = [TestWitness::start(directory.path(), "w1", 11).await];
    let (path, backup) = (directory.path().join("log"), directory.path().join("backup"));
    let mut party = Party::new();
    let (log, url) = run(witnessed_setup(&path, &witness, 1)).await;
    add(&url, party.heartbeat()).await.unwrap();
    eventually("one entry is signed", async || signed_size(&url).await == 1).await;
    log.stop().await.unwrap();
    copy(&path, &backup);
    let (log, url) = run(witnessed_setup(&path, &witness, 1)).await;
    let lost = party.heartbeat();
    add(&url, lost.clone()).await.unwrap();
    eventually("two are cosigned", async || fetch(&format!("{url}/checkpoints/2")).await.0 == 200).await;
    log.stop().await.unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::rename(&backup, &path).unwrap();

    // While the witness is silent nothing is signed, although the copy looks healthy from inside.
    witness[0].switch(false);
    let (log, url) = run(witnessed_setup(&path, &witness, 1)).await;
    let mut other = Party { sequence: 1, previous: None };
    other.previous =
        Some(standstill_statement::Hash32::of(&std::fs::read(path.join("tile/entries/000.p/1")).unwrap()[2..]));
    let fork = other.say(standstill_statement::Body::Heartbeat(standstill_statement::Heartbeat { window: 77 }));
    assert_ne!(fork, lost);
    add(&url, fork.clone()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(signed_size(&url).await, 1);
    assert!(log.health().reasons.iter().any(|reason| reason.contains("last cosigned")), "{:?}", log.health());
    // When it speaks, the log knows that it is the copy, says what to do, and takes nothing more.
    witness[0].switch(true);
    eventually("the log refuses", async || log.health().state == State::Refusing).await;
    let reason = log.health().reasons.join(" ");
    assert!(reason.contains("restored older copy") && reason.contains("successor under a new key"), "{reason}");
    let (status, text) = add(&url, other.heartbeat()).await.unwrap_err();
    assert_eq!((status, text.contains("restored older copy")), (503, true), "{text}");
    assert_eq!((signed_size(&url).await, fetch(&format!("{url}/health")).await.0), (1, 503));
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_does_not_open_when_the_head_is_kept_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let (path, head, backup) =
        (directory.path().join("log"), directory.path().join("head"), directory.path().join("backup"));
    let open = || {
        let options = FileStoreOptions { head_directory: Some(head.clone()), ..FileStoreOptions::default() };
        let store = Arc::new(FileStore::open(&path, party::ORIGIN, &options).unwrap());
        let uploads = store.upload_directory();
        setup(store, uploads)
    };
    let mut party = Party::new();
    for round in 1..=2 {
        let (log, url) = run(open()).await;
        add(&url, party.heartbeat()).await.unwrap();
        eventually("it is signed", async || signed_size(&url).await == round).await;
        log.stop().await.unwrap();
        if round == 1 {
            copy(&path, &backup);
        }
    }
    std::fs::remove_dir_all(&path).unwrap();
    copy(&backup, &path);
    let refused = start(open()).await.unwrap_err();
    assert!(matches!(&refused, NodeError::Tlog(TlogError::RolledBack { signed_size: 2, .. })), "{refused}");
    // Without the head cell nothing opens either, and an empty folder is not a fresh log under this head cell.
    std::fs::rename(&head, directory.path().join("away")).unwrap();
    assert!(matches!(start(open()).await.unwrap_err(), NodeError::Tlog(TlogError::Missing { .. })));
    std::fs::remove_dir_all(&head).unwrap();
    std::fs::rename(directory.path().join("away"), &head).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    assert!(matches!(start(open()).await.unwrap_err(), NodeError::Tlog(TlogError::RolledBack { .. })));
    // What others have seen counts as well.
    let fresh = directory.path().join("fresh");
    let mut seen = file_setup(&fresh);
    let (store, uploads) = (file_store(&directory.path().join("other")), seen.upload_directory.clone());
    let (log, url) = run(setup(store, uploads)).await;
    add(&url, Party::new().heartbeat()).await.unwrap();
    eventually("it is signed", async || signed_size(&url).await == 1).await;
    seen.seen = vec![fetch(&format!("{url}/uncosigned-checkpoint")).await.1];
    assert!(matches!(start(seen).await.unwrap_err(), NodeError::Tlog(TlogError::RolledBack { .. })));
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_is_kept_out_and_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let second = FileStore::open(directory.path(), party::ORIGIN, &FileStoreOptions::default());
    assert!(matches!(second, Err(StoreError::Tlog(TlogError::Locked { .. }))));
    let mut party = Party::new();
    add(&url, party.heartbeat()).await.unwrap();
    eventually("it is signed", async || signed_size(&url).await == 1).await;
    // A writer that got past the lock (another machine on a shared disk) moves the head cell.
    let cell = rusqlite::Connection::open(directory.path().join(".state/head.sqlite")).unwrap();
    cell.execute("UPDATE head SET size = 5, checkpoint = x'00'", []).unwrap();
    let _ = add(&url, party.heartbeat()).await;
    eventually("the log refuses", async || log.health().state == State::Refusing).await;
    assert!(log.health().reasons.join(" ").contains("another writer"), "{:?}", log.health());
    assert_eq!(signed_size(&url).await, 1);
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_does_not_open_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = run(file_setup(directory.path())).await;
    log.stop().await.unwrap();
    let mut wrong = file_setup(directory.path());
    wrong.signer = NoteSigner::from_seed(party::ORIGIN, KeyType::Ed25519, &[99; 32]).unwrap();
    assert!(matches!(start(wrong).await.unwrap_err(), NodeError::Tlog(TlogError::WrongKey { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_went_back_stops_signing_until_it_is_right() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetClock::at(1_000_000));
    let mut setup = file_setup(directory.path());
    setup.clock = Arc::clone(&clock) as Arc<dyn standstill_node::clock::Clock>;
    let (log, url) = run(setup).await;
    let mut party = Party::new();
    add(&url, party.heartbeat()).await.unwrap();
    eventually("it is signed", async || signed_size(&url).await == 1).await;
    clock.set(999_000);
    // Taking goes on; signing does not, and says why.
    add(&url, party.heartbeat()).await.unwrap();
    eventually("it says why", async || log.health().reasons.join(" ").contains("the clock says 999000")).await;
    assert_eq!(signed_size(&url).await, 1);
    clock.set(1_000_001);
    eventually("it goes on by itself", async || signed_size(&url).await == 2).await;
    assert_eq!(log.health().reasons, Vec::<String>::new());
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_disk_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let store = file_store(directory.path());
    let uploads = store.upload_directory();
    let faulty = Arc::new(Faulty::new(store));
    let (log, url) = run(setup(Arc::clone(&faulty) as Arc<dyn standstill_node::store::Store>, uploads)).await;
    let mut party = Party::new();
    add(&url, party.heartbeat()).await.unwrap();
    faulty.fail_stage.store(true, Ordering::SeqCst);
    let refused = party.heartbeat();
    let (status, text) = add(&url, refused.clone()).await.unwrap_err();
    assert_eq!((status, text.contains("no space")), (503, true), "{text}");
    faulty.fail_stage.store(false, Ordering::SeqCst);
    assert_eq!(add(&url, refused).await, Ok(Added { index: 1, duplicate: false }));
    // Tiles and the head cell fail: entries are taken, and signed when it works again.
    faulty.fail_tiles.store(true, Ordering::SeqCst);
    add(&url, party.heartbeat()).await.unwrap();
    eventually("the failure is shown", async || log.health().reasons.join(" ").contains("no space")).await;
    faulty.fail_tiles.store(false, Ordering::SeqCst);
    eventually("it is signed", async || signed_size(&url).await == 3).await;
    faulty.fail_head.store(true, Ordering::SeqCst);
    add(&url, party.heartbeat()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(signed_size(&url).await, 3);
    faulty.fail_head.store(false, Ordering::SeqCst);
    eventually("it is signed", async || signed_size(&url).await == 4).await;
    // A slow disk makes batches larger, not answers wrong.
    faulty.slow_stage_milliseconds.store(300, Ordering::SeqCst);
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let (url, statement) = (url.clone(), party.heartbeat());
        waiting.push(tokio::spawn(async move { add(&url, statement).await }));
    }
    for (index, answer) in (4..).zip(waiting) {
        assert_eq!(answer.await.unwrap(), Ok(Added { index, duplicate: false }));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "one sync for each statement: {:?}", begun.elapsed());
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_survived() {
    let directory = tempfile::tempdir().unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(directory.path()).output();
    if !mount.is_ok_and(|done| done.status.success()) {
        println!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    }
    let unmount = Unmount(directory.path().to_owned());
    let path = directory.path().join("log");
    let (log, url) = run(file_setup(&path)).await;
    let (mut party, mut acknowledged) = (Party::new(), Vec::new());
    let refused = loop {
        let statement = party.heartbeat();
        match add(&url, statement.clone()).await {
            Ok(added) => {
                assert_eq!(added.index, acknowledged.len() as u64);
                acknowledged.push(statement);
            }
            Err(refused) => break refused,
        }
        assert!(acknowledged.len() < 10_000, "the disk never filled up");
    };
    assert_eq!((refused.0, refused.1.contains("No space left")), (503, true), "{refused:?}");
    // Room again: it goes on where it was.
    let more = Command::new("mount").args(["-o", "remount,size=64m"]).arg(directory.path()).status().unwrap();
    assert!(more.success());
    party = Party {
        sequence: party.sequence - 1,
        previous: acknowledged.last().map(|last| standstill_statement::Hash32::of(last)),
    };
    let next = party.heartbeat();
    assert_eq!(add(&url, next.clone()).await, Ok(Added { index: acknowledged.len() as u64, duplicate: false }));
    acknowledged.push(next);
    eventually("all is signed", async || signed_size(&url).await == acknowledged.len() as u64).await;
    log.stop().await.unwrap();
    assert_eq!(read_log(&path, &log_key(), &Limits::default()).unwrap().entries, acknowledged);
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lost_the_answer_gets_the_same_index() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let mut party = Party::new();
    for index in 0..20 {
        let statement = party.heartbeat();
        let mut stream = tokio::net::TcpStream::connect(log.address()).await.unwrap();
        let head = format!("POST /add HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", statement.len());
        stream.write_all(&[head.as_bytes(), &statement].concat()).await.unwrap();
        if index % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(index)).await;
        }
        drop(stream);
        assert_eq!(add(&url, statement).await.unwrap().index, index);
    }
    log.stop().await.unwrap();
}
