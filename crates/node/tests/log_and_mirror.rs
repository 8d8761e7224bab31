//! A log that asks a mirror: its checkpoint is public only when the mirror holds every entry and every blob.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod party;

use party::{Party, TestWitness, agreement, client, eventually, fetch, file_setup, log_key, run, statement_key};
use standstill_node::clock::SystemClock;
use standstill_node::log::{Setup, State, WitnessAddress, upload_authorization};
use standstill_node::mirror::{MirrorService, MirroredLog, Settings, router};
use standstill_node::serve::{Limits, Server};
use standstill_node::witness::WatchedLog;
use standstill_statement::{BlobRef, Body, FleetDeclaration, Hash32};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::fsck::fsck;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::{reader, witness};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn mirror_key() -> NoteSigner {
    NoteSigner::from_seed("mirror.example", KeyType::CosignatureV1, &[4; 32]).unwrap()
}

/// A mirror that does not fetch by itself, but knows where the log's blobs are.
async fn start_mirror(directory: &Path, log_url: &str, at: &str) -> Server {
    let log = MirroredLog { log: WatchedLog::new(log_key()), url: Some(log_url.to_owned()) };
    let service =
        MirrorService::open(&Settings::new(directory, mirror_key(), vec![log]), Arc::new(SystemClock)).unwrap();
    Server::start(at.parse().unwrap(), router(service), Limits::default()).await.unwrap()
}

fn mirrored_setup(directory: &Path, mirror: &str, witness: &TestWitness) -> Setup {
    let (key, mut setup) = (mirror_key().verifier().clone(), file_setup(directory));
    let text =
        format!("log {}\nwitness m {key}\nwitness w {}\ngroup both 2 m w\nquorum both\n", log_key(), witness.key);
    setup.policy = Policy::parse(&text).unwrap();
    let mirror = WitnessAddress { name: "m".to_owned(), key, url: format!("http://{mirror}"), mirror: true };
    setup.witnesses = vec![mirror, witness.address()];
    setup
}

fn copy_directory(mirror: &Path) -> PathBuf {
    mirror.join("logs").join(hex::encode(witness::origin_hash(party::ORIGIN)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_is_held_by_the_mirror_too_and_a_mirror_that_was_away_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let (log_folder, mirror_folder) = (folder.path().join("log"), folder.path().join("mirror"));
    let witness = TestWitness::start(folder.path(), "w", 7).await;
    // Addresses that both sides can be told before either runs.
    let ports: Vec<_> = (0..2).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let [log_at, mirror_at] = [0, 1].map(|place: usize| ports[place].local_addr().unwrap().to_string());
    drop(ports);
    let mut setup = mirrored_setup(&log_folder, &mirror_at, &witness);
    setup.listen = log_at.parse().unwrap();
    let (log, url) = run(setup).await;
    let mut party = Party::new();
    let blob = BlobRef::of(b"large");
    let authorization = upload_authorization(&statement_key(), &agreement(), &blob.sha256, blob.length_bytes);
    let put = client().put(format!("{url}/blob/{}", blob.sha256)).header("Authorization", authorization).body("large");
    assert_eq!(put.send().await.unwrap().status().as_u16(), 200);
    let fleet = FleetDeclaration { revision: 0, from_window: 0, groups: 1, root: Hash32::default(), blob };
    log.add(party.say(Body::Fleet(fleet))).await.unwrap();
    for _ in 0..600 {
        log.add(party.heartbeat()).await.unwrap();
    }
    // The mirror is away: the witness alone is no quorum, and the state says so.
    eventually("the log says that it is not cosigned", async || log.health().state == State::NotCosigned).await;
    assert_eq!(log.health().cosigned_size, None);
    let mut mirror = start_mirror(&mirror_folder, &url, &mirror_at).await;
    eventually("the mirror caught up", async || log.health().cosigned_size == Some(601)).await;
    let (_, bytes) = fetch(&format!("{url}/checkpoint")).await;
    let public = SignedCheckpoint::parse(&bytes, &log_key()).unwrap();
    assert_eq!(public.cosignatures(&[mirror_key().verifier().clone()]).unwrap().len(), 1);
    let (_, held) =
        fetch(&format!("http://{mirror_at}/{}/blob/{}", hex::encode(witness::origin_hash(party::ORIGIN)), blob.sha256))
            .await;
    assert_eq!(held, b"large");
    mirror.stop(std::time::Duration::from_secs(1)).await;
    for _ in 0..300 {
        log.add(party.heartbeat()).await.unwrap();
    }
    let _mirror = start_mirror(&mirror_folder, &url, &mirror_at).await;
    eventually("it goes on after a pause", async || log.health().cosigned_size == Some(901)).await;
    log.stop().await.unwrap();
    let copy = copy_directory(&mirror_folder);
    assert_eq!(fsck(&copy, &log_key(), &reader::Limits::default()).unwrap().problems, Vec::<String>::new());
    assert_eq!(reader::read_log(&copy, &log_key(), &reader::Limits::default()).unwrap().entries.len(), 901);
}
