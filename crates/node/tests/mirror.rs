//! The mirror over HTTP: it signs what it holds and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

#[path = "mirror/world.rs"]
#[allow(dead_code, reason = "some of it is for the torture by kill -9")]
mod world;

use standstill_node::mirror::{MirrorError, MirrorService};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::fsck::fsck;
use standstill_tlog::mirror::{AddEntries, MirrorInfo, build_package};
use standstill_tlog::reader::{Limits, read_log};
use std::io::Write;
use world::{World, entry, log_key, mirror_key, signed_statement};

#[tokio::test]
async fn an_upload_is_proved_stored_served_and_signed() {
    let mut world = World::new().await;
    world.grow(700);
    world.clock.set(10);
    assert_eq!(world.submit().await.status, 200);
    assert!(world.submit().await.body.is_empty(), "nothing is signed for a pending checkpoint");
    assert_eq!(world.get("checkpoint").await.status, 404);
    let lines = world.upload().await.unwrap();
    let served = world.get("checkpoint").await;
    assert!(served.text().ends_with(&lines));
    let signed = SignedCheckpoint::parse(&served.body, log_key().verifier()).unwrap();
    assert_eq!(signed.cosignatures(&[mirror_key().verifier().clone()]).unwrap()[0].time_unix_seconds, 10);
    // Every tile of the log is here, byte by byte, and the copy stands by itself.
    for path in [
        "tile/0/000",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/188",
        "checkpoints/700",
    ] {
        let copy = world.get(path).await;
        assert_eq!(copy.status, 200, "{path}");
        if path.starts_with("tile") {
            assert_eq!(copy.body, std::fs::read(world.log_directory().join(path)).unwrap(), "{path}");
        }
    }
    for path in ["tile/0/003", "tile/entries/../checkpoint", "blob/00", "checkpoints/0700", "x"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    let copy = read_log(&world.copy_directory(), log_key().verifier(), &Limits::default()).unwrap();
    assert_eq!(copy.entries.len(), 700);
    assert!(fsck(&world.copy_directory(), log_key().verifier(), &Limits::default()).unwrap().problems.is_empty());
    // A crash between the two files of a commit left only the newest; opening writes the lasting one again.
    world.stop().await;
    let kept = world.copy_directory().join("checkpoints/700");
    std::fs::remove_file(&kept).unwrap();
    world.start().await;
    assert_eq!(std::fs::read(&kept).unwrap(), served.body);
    // The same size again is signed again, later; over a restart too.
    world.clock.set(25);
    let again = world.upload().await.unwrap();
    assert_ne!(again, lines);
    let signed = SignedCheckpoint::parse(&world.get("checkpoint").await.body, log_key().verifier()).unwrap();
    assert_eq!(signed.cosignatures(&[mirror_key().verifier().clone()]).unwrap()[0].time_unix_seconds, 25);
}

#[tokio::test]
async fn every_refusal_has_its_status_and_what_was_proved_stays() {
    let mut world = World::new().await;
    world.grow(600);
    world.clock.set(10);
    let head = |start, end| AddEntries { origin: world::ORIGIN.into(), start, end, ticket: Vec::new() };
    // Nothing pending: the client learns where the mirror is.
    let reply = world.post("add-entries", head(0, 0).to_bytes().unwrap(), false).await;
    assert_eq!((reply.status, reply.kind.as_str()), (409, "text/x.tlog.mirror-info"));
    assert_eq!(
        MirrorInfo::parse(&reply.text()).unwrap(),
        MirrorInfo { pending_size: 0, next_entry: 0, ticket: vec![] }
    );
    assert_eq!(world.submit().await.status, 200);
    let foreign = AddEntries { origin: "other.example".into(), ..head(0, 600) };
    assert_eq!(world.post("add-entries", foreign.to_bytes().unwrap(), false).await.status, 404);
    assert_eq!(world.post("add-entries", head(0, 599).to_bytes().unwrap(), false).await.status, 409);
    assert_eq!(world.post("add-entries", head(256, 600).to_bytes().unwrap(), false).await.status, 409);
    assert_eq!(world.post("add-entries", head(5, 4).to_bytes().unwrap(), false).await.status, 400);
    assert_eq!(world.post("add-entries", b"\xff".to_vec(), false).await.status, 400);
    // No whole package.
    let whole = world.upload_bytes(0, 600);
    let first = whole.len() - world.packages(0, 600).concat().len() + world.packages(0, 600)[0].len();
    assert_eq!(world.post("add-entries", whole[..first - 1].to_vec(), false).await.status, 400);
    assert_eq!(world.progress().1, 0);
    // One package, and a piece of the second: the first stays.
    let reply = world.post("add-entries", whole[..first + 100].to_vec(), false).await;
    assert_eq!(reply.status, 202);
    assert_eq!(
        MirrorInfo::parse(&reply.text()).unwrap(),
        MirrorInfo { pending_size: 600, next_entry: 256, ticket: vec![] }
    );
    // An entry that is not the log's, in the second package.
    let mut forged = head(256, 600).to_bytes().unwrap();
    let range = head(256, 600).packages().next().unwrap();
    let mut entries: Vec<_> = (256..512).map(entry).collect();
    entries[7].push(b'!');
    forged.extend(build_package(&world.tree(), &range, 600, entries).unwrap().to_bytes().unwrap());
    assert_eq!(world.post("add-entries", forged, false).await.status, 422);
    assert_eq!(world.progress(), (600, 256, 0));
    assert_eq!(world.get("checkpoint").await.status, 404, "a part is not the whole");
    // The rest, compressed; and from before what is here.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&world.upload_bytes(100, 600)).unwrap();
    let compressed = gzip.finish().unwrap();
    let half = world.post("add-entries", compressed[..compressed.len() / 2].to_vec(), true).await;
    assert!(matches!(half.status, 202 | 400), "{}", half.status);
    assert_eq!(world.get("checkpoint").await.status, 404);
    let reply = world.post("add-entries", compressed, true).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(world.progress(), (600, 600, 600));
    // A damaged stream, and an encoding that is not known.
    assert_eq!(world.post("add-entries", b"no gzip".to_vec(), true).await.status, 400);
}

#[tokio::test]
async fn a_missing_blob_keeps_the_mirror_from_signing() {
    let mut world = World::new().await;
    world.clock.set(10);
    let blob = b"the evidence".to_vec();
    world.append(vec![entry(0), signed_statement(&blob), entry(2)]);
    world.submit().await;
    let error = world.upload().await.unwrap_err().to_string();
    assert!(error.contains("entry 1 names blob") && error.contains("size 3 is not cosigned"), "{error}");
    assert_eq!((world.progress(), world.get("checkpoint").await.status), ((3, 3, 0), 404));
    // Other bytes under the right name are not the blob.
    world.serve_blob(&blob, b"the evidence!!".to_vec());
    assert!(world.upload().await.is_err());
    world.serve_blob(&blob, b"the Evidence".to_vec());
    assert!(world.upload().await.is_err());
    world.restart().await;
    assert!(world.upload().await.is_err(), "a restart does not forget what is missing");
    world.serve_blob(&blob, blob.clone());
    world.upload().await.unwrap();
    assert_eq!(world.progress(), (3, 3, 3));
    assert_eq!(world.get(&world::blob_path(&blob)).await.body, blob);
}

#[tokio::test]
async fn pulling_gives_the_same_copy_and_goes_on_after_a_restart() {
    let mut world = World::new().await;
    world.clock.set(10);
    for size in [1, 255, 256, 300, 700] {
        world.grow(size);
        let pulled = world.service().pull(world::ORIGIN).await.unwrap();
        assert_eq!(pulled.size, size);
        assert_eq!(world.progress(), (size, size, size));
        world.restart().await;
        assert_eq!(world.progress(), (size, size, size));
    }
    assert_eq!(world.service().pull(world::ORIGIN).await.unwrap().fetched, 0);
    assert!(fsck(&world.copy_directory(), log_key().verifier(), &Limits::default()).unwrap().problems.is_empty());
    // A size that was signed and outgrown keeps its partial bundle.
    assert_eq!(world.get("tile/entries/001.p/44").await.status, 200);
}

#[tokio::test]
async fn a_forked_log_is_not_followed_and_the_contradiction_is_kept() {
    let mut world = World::new().await;
    world.clock.set(10);
    world.grow(20);
    world.service().pull(world::ORIGIN).await.unwrap();
    let before = world.get("checkpoint").await.body;
    world.fork(20);
    assert!(matches!(world.service().pull(world::ORIGIN).await, Err(MirrorError::NotAccepted { .. })));
    world.fork(30);
    assert!(matches!(world.service().pull(world::ORIGIN).await, Err(MirrorError::NotTheSignedTree { .. })));
    assert_eq!(world.get("checkpoint").await.body, before);
    assert_eq!(world.service().alarms().list().len(), 1);
    assert!(world.root_get("/alarms").await.text().contains(world::ORIGIN));
}

#[tokio::test]
async fn a_cosignature_of_an_outgrown_size_keeps_the_time_at_which_it_was_outgrown() {
    let mut world = World::new().await;
    world.grow(10);
    world.clock.set(100);
    world.submit().await;
    let first = world.checkpoint_bytes();
    world.grow(20);
    world.clock.set(200);
    world.submit().await;
    // At 300 the mirror signs size 10: it was the largest until 200, and the mirror says no more than that.
    world.clock.set(300);
    let bytes = world.upload_bytes(0, 10);
    let reply = world.post("add-entries", bytes, false).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let signed = SignedCheckpoint::parse(&first, log_key().verifier()).unwrap().with_lines(&reply.text()).unwrap();
    assert_eq!(signed.cosignatures(&[mirror_key().verifier().clone()]).unwrap()[0].time_unix_seconds, 200);
    world.upload().await.unwrap();
    let newest = SignedCheckpoint::parse(&world.get("checkpoint").await.body, log_key().verifier()).unwrap();
    assert_eq!(newest.cosignatures(&[mirror_key().verifier().clone()]).unwrap()[0].time_unix_seconds, 300);
    // An older size than the mirror checkpoint is not signed any more.
    assert_eq!(world.post("add-entries", world.upload_bytes(10, 10), false).await.status, 409);
}

#[tokio::test]
async fn a_damaged_copy_does_not_open() {
    let mut world = World::new().await;
    world.clock.set(10);
    world.grow(300);
    world.service().pull(world::ORIGIN).await.unwrap();
    world.stop().await;
    let path = world.copy_directory().join("tile/entries/000");
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[5] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    let opened = MirrorService::open(&world.settings(), world.clock.clone());
    assert!(matches!(opened, Err(MirrorError::Damaged { .. })), "{opened:?}");
    std::fs::remove_file(&path).unwrap();
    assert!(MirrorService::open(&world.settings(), world.clock.clone()).is_err());
    std::fs::write(&path, &good).unwrap();
    MirrorService::open(&world.settings(), world.clock.clone()).unwrap();
}

#[tokio::test]
async fn the_role_pulls_by_itself_and_stops_when_told() {
    let mut world = World::new().await;
    world.clock.set(10);
    world.grow(30);
    world::run_for(&mut world, std::time::Duration::from_millis(700)).await;
    assert_eq!(world.progress(), (30, 30, 30));
}
