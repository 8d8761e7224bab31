//! One suite for every store: files with SQLite, PostgreSQL, an S3-compatible object store. The remote ones need the crate's features
//! and a real server; without one the test says "skipped:".
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod party;
#[cfg(any(feature = "object-store", feature = "postgres"))]
mod servers;

use party::{Party, add, add_over, eventually, fetch, log_key, run, setup, signer};
use standstill_node::log::Added;
use standstill_node::store::{FileStore, FileStoreOptions, Store, StoreError, StoredHead};
use standstill_statement::{BlobRef, Hash32};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::reader::{Limits, read_entries};
use std::path::Path;
use std::sync::Arc;

type Opened = Result<Arc<dyn Store>, StoreError>;

/// Opens the log's store again and again, as processes one after the other do; `number` tells one test's log from another's.
trait Place {
    async fn open(&self, number: u32) -> Opened;
}

async fn suite(place: &impl Place) {
    the_head_cell_is_compare_and_swap(place).await;
    batches_come_back_and_have_no_gaps(place).await;
    files_are_replaced_whole(place).await;
    blobs_are_kept(place).await;
    two_writers_do_not_both_succeed(place).await;
    a_late_writer_acknowledges_nothing(place).await;
    the_log_role_runs_and_restarts(place).await;
}

fn head(size: u64, time: u64) -> StoredHead {
    let root = if size == 0 { standstill_tlog::merkle::EMPTY_ROOT } else { [7; 32] };
    let signed = Checkpoint::new(party::ORIGIN, size, root).sign(&signer()).unwrap();
    StoredHead { checkpoint: signed.to_bytes(), signed_unix_seconds: time }
}

async fn the_head_cell_is_compare_and_swap(place: &impl Place) {
    let store = place.open(1).await.unwrap();
    assert_eq!(store.recover().await.unwrap().head, None);
    store.swap_head(None, &head(0, 5)).await.unwrap();
    assert!(matches!(store.swap_head(None, &head(0, 6)).await, Err(StoreError::SecondWriter { .. })));
    store.swap_head(Some(&head(0, 5)), &head(3, 7)).await.unwrap();
    drop(store);
    let store = place.open(1).await.unwrap();
    assert_eq!(store.recover().await.unwrap().head, Some(head(3, 7)));
    store.swap_head(Some(&head(3, 7)), &head(4, 8)).await.unwrap();
}

fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|index| format!("entry {index}").into_bytes()).collect()
}

async fn batches_come_back_and_have_no_gaps(place: &impl Place) {
    let store = place.open(2).await.unwrap();
    store.recover().await.unwrap();
    store.swap_head(None, &head(0, 5)).await.unwrap();
    for (from, to) in [(0, 3), (3, 4), (4, 400)] {
        store.stage(from, &entries(from..to)).await.unwrap();
    }
    drop(store);
    let store = place.open(2).await.unwrap();
    let recovered = store.recover().await.unwrap();
    assert_eq!((recovered.base, recovered.staged), (0, entries(0..400)));
    store.stage(400, &entries(400..401)).await.unwrap();
    // What is covered by tiles and a head may go, never more.
    store.swap_head(Some(&head(0, 5)), &head(401, 6)).await.unwrap();
    store.trim(401).await.unwrap();
    store.stage(401, &entries(401..402)).await.unwrap();
    drop(store);
    let store = place.open(2).await.unwrap();
    let recovered = store.recover().await.unwrap();
    assert_eq!(recovered.base + recovered.staged.len() as u64, 402);
    assert_eq!(recovered.staged.last(), entries(401..402).first());
}

async fn files_are_replaced_whole(place: &impl Place) {
    let store = place.open(3).await.unwrap();
    store.recover().await.unwrap();
    assert_eq!(store.read("checkpoint").await.unwrap(), None);
    store.publish("checkpoint", b"one").await.unwrap();
    store.publish("checkpoint", b"two").await.unwrap();
    store.publish("checkpoints/12", b"twelve").await.unwrap();
    let tiles: Vec<_> = (0..40).map(|index| (format!("tile/0/0{index:02}"), vec![index; 100])).collect();
    store.write_tiles(tiles.clone()).await.unwrap();
    // Written again, as after a crash.
    store.write_tiles(tiles).await.unwrap();
    drop(store);
    let store = place.open(3).await.unwrap();
    assert_eq!(store.read("checkpoint").await.unwrap().unwrap(), b"two");
    assert_eq!(store.read("checkpoints/12").await.unwrap().unwrap(), b"twelve");
    assert_eq!(store.read("tile/0/039").await.unwrap().unwrap(), vec![39; 100]);
    assert_eq!(store.read("tile/0/040").await.unwrap(), None);
}

async fn blobs_are_kept(place: &impl Place) {
    let store = place.open(4).await.unwrap();
    let bytes: Vec<u8> = (0..6_000_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let blob = BlobRef::of(&bytes);
    assert_eq!(store.blob_length(blob.sha256).await.unwrap(), None);
    for _ in 0..2 {
        let upload = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(upload.path(), &bytes).unwrap();
        store.put_blob(blob.sha256, upload.path()).await.unwrap();
    }
    assert_eq!(store.blob_length(blob.sha256).await.unwrap(), Some(blob.length_bytes));
    assert_eq!(store.blob_length(Hash32::of(b"other")).await.unwrap(), None);
    let mut read = Vec::new();
    while (read.len() as u64) < blob.length_bytes {
        let part = store.read_blob(blob.sha256, read.len() as u64, 1 << 20).await.unwrap();
        assert!(!part.is_empty());
        read.extend(part);
    }
    assert!(read == bytes);
}

/// Whatever a second writer manages to open, only one of the two can stage at an index.
async fn two_writers_do_not_both_succeed(place: &impl Place) {
    let first = place.open(5).await.unwrap();
    first.recover().await.unwrap();
    first.swap_head(None, &head(0, 5)).await.unwrap();
    first.stage(0, &entries(0..2)).await.unwrap();
    let second = match place.open(5).await {
        Err(StoreError::Tlog(TlogError::Locked { .. })) => return,
        opened => opened.unwrap(),
    };
    assert_eq!(second.recover().await.unwrap().staged, entries(0..2));
    second.stage(2, &entries(2..3)).await.unwrap();
    let other = vec![b"another third".to_vec()];
    assert!(matches!(first.stage(2, &other).await, Err(StoreError::SecondWriter { .. })));
    second.swap_head(Some(&head(0, 5)), &head(3, 6)).await.unwrap();
    assert!(matches!(first.swap_head(Some(&head(0, 5)), &head(2, 6)).await, Err(StoreError::SecondWriter { .. })));
    assert_eq!(place.open(5).await.unwrap().recover().await.unwrap().head, Some(head(3, 6)));
}

/// A writer that slept while another one signed and removed the staged batches must not acknowledge at the old place.
async fn a_late_writer_acknowledges_nothing(place: &impl Place) {
    let sleeper = place.open(6).await.unwrap();
    sleeper.recover().await.unwrap();
    sleeper.swap_head(None, &head(0, 5)).await.unwrap();
    let other = match place.open(6).await {
        Err(StoreError::Tlog(TlogError::Locked { .. })) => return,
        opened => opened.unwrap(),
    };
    other.recover().await.unwrap();
    other.stage(0, &entries(0..2)).await.unwrap();
    other.swap_head(Some(&head(0, 5)), &head(2, 6)).await.unwrap();
    other.trim(2).await.unwrap();
    let late = vec![b"late".to_vec()];
    assert!(matches!(sleeper.stage(0, &late).await, Err(StoreError::SecondWriter { .. })));
}

async fn the_log_role_runs_and_restarts(place: &impl Place) {
    let uploads = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (mut party, mut statements) = (Party::new(), Vec::new());
    for round in 0..3_u64 {
        let store = place.open(7).await.unwrap();
        let (log, url) = run(setup(store, uploads.path().to_owned())).await;
        let (mut sent, client) = (Vec::new(), party::client());
        for _ in 0..150 {
            statements.push(party.heartbeat());
            let (client, url, statement) = (client.clone(), url.clone(), statements.last().unwrap().clone());
            sent.push(tokio::spawn(async move { add_over(&client, &url, statement).await }));
        }
        for (index, answer) in (round * 150..).zip(sent) {
            assert_eq!(answer.await.unwrap(), Ok(Added { index, duplicate: false }), "round {round}");
        }
        assert_eq!(add(&url, statements[9].clone()).await, Ok(Added { index: 9, duplicate: true }));
        let size = statements.len() as u64;
        let signed = async || {
            let (status, bytes) = fetch(&format!("{url}/checkpoint")).await;
            (status == 200).then(|| SignedCheckpoint::parse(&bytes, &log_key()).unwrap().checkpoint().clone())
        };
        eventually("all is signed", async || signed().await.is_some_and(|now| now.size == size)).await;
        let root = signed().await.unwrap().root;
        let mut bundles = std::collections::BTreeMap::new();
        for id in standstill_tlog::tile::new_tiles(0, size) {
            let (status, bytes) = fetch(&format!("{url}/{id}")).await;
            assert_eq!(status, 200, "{id}");
            bundles.insert(id.to_string(), bytes);
        }
        let mut get = |name: &str, _: u64| Ok(bundles.get(name).cloned());
        let read = read_entries(size, &mut get, &Limits::default()).unwrap();
        assert!(read == statements, "round {round}");
        let leaves: Vec<_> = read.iter().map(|entry| standstill_tlog::merkle::leaf_hash(entry)).collect();
        assert_eq!(standstill_tlog::merkle::root(&leaves), root);
        log.stop().await.unwrap();
    }
}

struct Files(tempfile::TempDir);

impl Place for Files {
    async fn open(&self, number: u32) -> Opened {
        // Small files, so that they are replaced while the suite runs.
        let options = FileStoreOptions { wal_bytes: 3000, ..FileStoreOptions::default() };
        Ok(Arc::new(FileStore::open(&self.0.path().join(number.to_string()), party::ORIGIN, &options)?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_sqlite() {
    suite(&Files(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())).await;
}

/// A log that `standstill_tlog::file_log` wrote is taken over with everything in it, and that writer cannot open it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_the_file_writer_is_taken_over() {
    use standstill_tlog::file_log::FileLog;
    let directory = tempfile::tempdir().unwrap();
    let mut party = Party::new();
    let statements: Vec<Vec<u8>> = (0..5).map(|_| party.heartbeat()).collect();
    let mut written = FileLog::create(directory.path(), &signer()).unwrap();
    written.append(&statements[..3]).unwrap();
    let published = written.publish().unwrap();
    written.append(&statements[3..]).unwrap();
    drop(written);
    let (log, url) = run(party::file_setup(directory.path())).await;
    assert_eq!(log.health().size, 5);
    assert_eq!(add(&url, statements[4].clone()).await, Ok(Added { index: 4, duplicate: true }));
    assert_eq!(add(&url, party.heartbeat()).await, Ok(Added { index: 5, duplicate: false }));
    assert!(published.checkpoint().size == 3 && Path::new(&directory.path().join("tile/entries")).exists());
    log.stop().await.unwrap();
    assert!(FileLog::open(directory.path(), &signer()).is_err());
    assert!(FileLog::create(directory.path(), &signer()).is_err());
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use standstill_node::store::PostgresStore;

    struct Database(String);

    impl Place for Database {
        async fn open(&self, number: u32) -> Opened {
            // One database for each log of the suite; the origin must stay, because checkpoints name it.
            let connection = format!("{} application_name=test", self.0);
            let (client, io) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
            let io = tokio::spawn(io);
            let name = format!("log{number}");
            let _ = client.batch_execute(&format!("CREATE DATABASE {name}")).await;
            drop(client);
            let _ = io.await;
            let connection = self.0.replace("dbname=postgres", &format!("dbname={name}"));
            // The server notices a closed connection, and frees its lock, a moment later.
            for _ in 0..20 {
                match PostgresStore::open(&connection, party::ORIGIN).await {
                    Err(StoreError::Tlog(TlogError::Locked { .. })) => {
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    }
                    opened => return Ok(Arc::new(opened?)),
                }
            }
            Ok(Arc::new(PostgresStore::open(&connection, party::ORIGIN).await?))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgresql() {
        let Some(server) = servers::postgres() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return;
        };
        suite(&Database(server.address.clone())).await;
    }

    /// The connection breaks; the log goes on over a new one, and a writer whose lock was taken over does not.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_broken_connection_is_replaced_but_not_against_another_writer() {
        let Some(server) = servers::postgres() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return;
        };
        let place = Database(server.address.clone());
        let first = place.open(1).await.unwrap();
        first.recover().await.unwrap();
        first.stage(0, &entries(0..1)).await.unwrap();
        let sever = async || {
            let connection = server.address.replace("dbname=postgres", "dbname=log1");
            let (client, io) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
            let io = tokio::spawn(io);
            let text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'log1'";
            client.query(text, &[]).await.unwrap();
            drop(client);
            let _ = io.await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        sever().await;
        first.stage(1, &entries(1..2)).await.unwrap();
        sever().await;
        let second = place.open(1).await.unwrap();
        assert_eq!(second.recover().await.unwrap().staged, entries(0..2));
        assert!(first.stage(2, &entries(2..3)).await.is_err());
        drop(second);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        // The lock is free again, but the writer's number is not: it must start anew.
        assert!(matches!(first.stage(2, &entries(2..3)).await, Err(StoreError::SecondWriter { .. })));
    }
}

#[cfg(feature = "object-store")]
mod object {
    use super::*;
    use standstill_node::store::{ObjectLog, ObjectLogOptions};

    struct Bucket(String);

    impl Place for Bucket {
        async fn open(&self, number: u32) -> Opened {
            let options = ObjectLogOptions {
                bucket: "logs".to_owned(),
                prefix: format!("log{number}"),
                endpoint: Some(self.0.clone()),
                region: Some("us-east-1".to_owned()),
                keys: Some(("testing".to_owned(), "testing".to_owned())),
            };
            Ok(Arc::new(ObjectLog::open(&options)?))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn object_store() {
        let Some(server) = servers::s3().await else {
            println!(
                "skipped: no S3-compatible server (PyPI: pip install 'moto[server]', or name moto_server in STANDSTILL_MOTO)"
            );
            return;
        };
        suite(&Bucket(server.address.clone())).await;
    }
}
