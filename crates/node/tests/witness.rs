//! The witness over HTTP: what it answers, what it refuses, and that nothing changes when it refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

#[path = "witness/world.rs"]
mod world;

use standstill_node::clock::SetClock;
use standstill_node::witness::{Settings, WatchedLog, WitnessError, WitnessService};
use standstill_tlog::checkpoint::{Checkpoint, ForkEvidence};
use standstill_tlog::note::{KeyType, Note, NoteSigner};
use standstill_tlog::witness::AddCheckpoint;
use std::sync::Arc;
use world::{Reply, World, body, log, other_origin, signed, time_of, tree, witness_key};

#[tokio::test]
async fn it_follows_a_growing_log_over_restarts_and_refreshes() {
    let mut world = World::new().await;
    let tree = tree(40, 0);
    let mut old = 0;
    for (now, size) in [(10, 0), (10, 3), (12, 3), (15, 8), (15, 40)] {
        world.clock.set(now);
        let reply = world.add(body(&tree, old, size)).await;
        assert_eq!((reply.status, reply.kind.as_str()), (200, "text/plain; charset=utf-8"), "{}", reply.body);
        assert_eq!(time_of(&reply.body, &signed(&tree, size)), now);
        // What is served carries the log's signature and ours.
        let served = world.get_checkpoint().await;
        let note = Note::parse(served.body.as_bytes()).unwrap();
        assert_eq!(note.verify(&[log().verifier().clone(), witness_key().verifier().clone()]).unwrap().len(), 2);
        assert!(served.body.ends_with(&reply.body));
        old = size;
        world.restart().await;
        assert_eq!(world.get_checkpoint().await.body, served.body, "signing again gives the same bytes");
    }
    assert_eq!(world.get("/0000/checkpoint").await.status, 404);
}

#[tokio::test]
async fn refusals_have_the_statuses_of_the_specification_and_change_nothing() {
    let world = World::new().await;
    let tree = tree(20, 0);
    world.clock.set(10);
    assert_eq!(world.add(body(&tree, 0, 5)).await.status, 200);
    let before = world.get_checkpoint().await.body;
    let proof = tree.consistency_proof(5, 9).unwrap();
    let request = |old_size, proof: &[[u8; 32]], checkpoint| {
        AddCheckpoint { old_size, proof: proof.to_vec(), checkpoint }.to_bytes()
    };
    let stranger = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[9; 32]).unwrap();
    let by_stranger = Checkpoint::new("log.example", 9, tree.root_at(9).unwrap()).sign(&stranger).unwrap().to_bytes();
    let forged = String::from_utf8(signed(&tree, 9)).unwrap().replace("\n9\n", "\n8\n").into_bytes();
    let no_base64 = String::from_utf8(signed(&tree, 9)).unwrap().trim_end_matches("=\n").to_owned() + "!\n";
    let foreign = Checkpoint::new("other.example", 9, [0; 32]).sign(&other_origin()).unwrap().to_bytes();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("old size not recorded", request(0, &[], signed(&tree, 9)), 409, "5\n"),
        ("old size not recorded, with proof", request(4, &proof, signed(&tree, 9)), 409, "5\n"),
        ("older checkpoint, old size recorded", request(5, &[], signed(&tree, 3)), 400, ""),
        ("replayed request", body(&tree, 0, 5), 409, "5\n"),
        ("no proof", request(5, &[], signed(&tree, 9)), 422, ""),
        ("short proof", request(5, &proof[1..], signed(&tree, 9)), 422, ""),
        ("proof for an unchanged size", request(5, &proof, signed(&tree, 5)), 422, ""),
        ("old above the size", request(10, &proof, signed(&tree, 9)), 400, ""),
        ("another key", request(5, &proof, by_stranger), 403, ""),
        ("forged", request(5, &proof, forged), 403, ""),
        ("signature that is no base64", request(5, &proof, no_base64.into_bytes()), 403, ""),
        ("unknown origin", request(5, &proof, foreign), 404, ""),
        ("rubbish", b"rubbish".to_vec(), 400, ""),
        ("rubbish after the blank line", b"old 5\n\nrubbish".to_vec(), 404, ""),
        ("64 proof lines", request(5, &[[0; 32]; 64], signed(&tree, 9)), 413, ""),
        ("oversize", vec![b'x'; 300 * 1024], 413, ""),
    ];
    for (what, body, status, text) in cases {
        let reply = world.add(body).await;
        assert_eq!(reply.status, status, "{what}: {}", reply.body);
        if text.is_empty() {
            assert!(reply.kind.starts_with("text/plain"), "{what}");
            assert_eq!(reply.body.trim_end().lines().count(), 1, "{what}: one sentence, not {}", reply.body);
        } else {
            assert_eq!((reply.kind.as_str(), reply.body.as_str()), ("text/x.tlog.size", text), "{what}");
        }
    }
    assert_eq!(world.get_checkpoint().await.body, before);
    assert_eq!(world.get("/alarms").await.body, "{\"alarms\":[]}");
}

#[tokio::test]
async fn the_empty_tree_has_one_root_and_needs_no_proof() {
    let world = World::new().await;
    let tree = tree(20, 0);
    world.clock.set(10);
    let rootless = Checkpoint::new("log.example", 0, [1; 32]).sign(&log()).unwrap().to_bytes();
    let request =
        |proof: &[[u8; 32]], checkpoint| AddCheckpoint { old_size: 0, proof: proof.to_vec(), checkpoint }.to_bytes();
    assert_eq!(world.add(request(&[], rootless)).await.status, 422);
    assert_eq!(world.add(request(&[[0; 32]], signed(&tree, 5))).await.status, 422);
    assert_eq!(world.add(request(&[], signed(&tree, 1))).await.status, 200);
}

async fn alarm_of(world: &World) -> ForkEvidence {
    let list: serde_json::Value = serde_json::from_str(&world.get("/alarms").await.body).unwrap();
    let alarm = &list["alarms"][0];
    assert_eq!(alarm["origin"], "log.example");
    let evidence = world.get(&format!("/{}", alarm["evidence"].as_str().unwrap())).await;
    assert_eq!(evidence.status, 200);
    ForkEvidence::parse(evidence.body.as_bytes(), log().verifier()).unwrap()
}

#[tokio::test]
async fn two_histories_become_an_alarm_that_anyone_can_fetch() {
    let mut world = World::new().await;
    let (mine, other) = (tree(20, 0), tree(20, 1));
    world.clock.set(10);
    assert_eq!(world.add(body(&mine, 0, 5)).await.status, 200);
    assert_eq!(world.add(body(&mine, 5, 9)).await.status, 200);
    // At the recorded size the specification wants 409 without a size; otherwise the size comes first, and the evidence is kept all the same.
    let at_the_size = world.add(body(&other, 9, 9)).await;
    assert_eq!((at_the_size.status, at_the_size.kind.starts_with("text/plain")), (409, true));
    world.clock.set(11);
    let below: Reply = world.add(body(&other, 5, 5)).await;
    assert_eq!((below.status, below.body.as_str()), (409, "9\n"));
    let evidence = alarm_of(&world).await;
    assert_eq!(evidence.second().to_bytes(), signed(&other, 9));
    // The same contradiction again is no further alarm, and the consistent branch goes on.
    world.add(body(&other, 9, 9)).await;
    assert_eq!(world.get("/alarms").await.body.matches("\"name\"").count(), 2);
    assert_eq!(world.add(body(&mine, 9, 12)).await.status, 200);
    world.restart().await;
    assert_eq!(world.get("/alarms").await.body.matches("\"name\"").count(), 2);
    assert_eq!(std::fs::read_dir(world.directory.path().join("w/alarms")).unwrap().count(), 2);
    assert!(world.get("/metrics").await.body.contains("standstill_witness_alarms 2\n"));
}

#[tokio::test]
async fn a_refused_branch_convicts_when_the_honest_one_reaches_its_size() {
    let world = World::new().await;
    let (mine, other) = (tree(20, 0), tree(20, 1));
    world.clock.set(10);
    assert_eq!(world.add(body(&mine, 0, 5)).await.status, 200);
    // The log first shows the witness a branch that does not extend what it knows, then the real one.
    let proof = other.consistency_proof(5, 12).unwrap();
    let branch = AddCheckpoint { old_size: 5, proof, checkpoint: signed(&other, 12) };
    assert_eq!(world.add(branch.to_bytes()).await.status, 422);
    let reply = world.add(body(&mine, 5, 12)).await;
    assert_eq!(reply.status, 200, "the history that was cosigned first goes on: {}", reply.body);
    assert_eq!(alarm_of(&world).await.first().to_bytes(), signed(&other, 12));
    // And now the branch contradicts what was cosigned.
    let again = AddCheckpoint { old_size: 12, proof: Vec::new(), checkpoint: signed(&other, 12) };
    assert_eq!(world.add(again.to_bytes()).await.status, 409);
}

#[tokio::test]
async fn a_clock_that_goes_back_signs_nothing() {
    let mut world = World::new().await;
    let tree = tree(20, 0);
    world.clock.set(0);
    assert_eq!(world.add(body(&tree, 0, 5)).await.status, 400, "time zero says nothing");
    world.clock.set(100);
    assert_eq!(world.add(body(&tree, 0, 5)).await.status, 200);
    world.clock.set(99);
    let back = world.add(body(&tree, 5, 5)).await;
    assert_eq!(back.status, 503);
    assert!(back.body.contains("100") && back.body.contains("99"), "{}", back.body);
    world.restart().await;
    assert_eq!(world.add(body(&tree, 5, 9)).await.status, 503);
    world.clock.set(100);
    assert_eq!(world.add(body(&tree, 5, 9)).await.status, 200);
}

#[tokio::test]
async fn strangers_lines_do_not_enter_the_record() {
    let world = World::new().await;
    let tree = tree(5, 0);
    world.clock.set(1);
    let mut note = Note::parse(&signed(&tree, 2)).unwrap();
    for index in 0..40 {
        let stranger = NoteSigner::from_seed(&format!("s{index}"), KeyType::Ed25519, &[5; 32]).unwrap();
        note.add(stranger.sign(note.text()).unwrap());
    }
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: note.to_bytes() };
    assert_eq!(world.add(request.to_bytes()).await.status, 200);
    assert_eq!(Note::parse(world.get_checkpoint().await.body.as_bytes()).unwrap().signatures().len(), 2);
}

#[tokio::test]
async fn a_restored_backup_stops_the_witness_for_good() {
    let mut world = World::new().await;
    let tree = tree(20, 0);
    world.clock.set(10);
    assert_eq!(world.add(body(&tree, 0, 5)).await.status, 200);
    world.stop().await;
    let backup = world.directory.path().join("backup");
    world::copy(&world.directory.path().join("w"), &backup);
    world.start().await;
    world.clock.set(20);
    assert_eq!(world.add(body(&tree, 5, 9)).await.status, 200);
    let published = world.get_checkpoint().await.body;
    world.stop().await;
    std::fs::remove_dir_all(world.directory.path().join("w")).unwrap();
    world::copy(&backup, &world.directory.path().join("w"));
    world.start().await;
    // The log hands in its published checkpoint, which carries this witness's own line.
    let proof = tree.consistency_proof(5, 9).unwrap();
    let request = AddCheckpoint { old_size: 5, proof, checkpoint: published.into_bytes() };
    let reply = world.add(request.to_bytes()).await;
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert!(reply.body.contains("restored from a backup"), "{}", reply.body);
    assert_eq!(world.add(body(&tree, 5, 9)).await.status, 503);
    assert_eq!(world.get("/health").await.status, 503);
    world.stop().await;
    let again = WitnessService::open(&world.settings(), Arc::new(SetClock::at(30)));
    assert!(matches!(again, Err(WitnessError::RolledBack { .. })), "{again:?}");
}

#[tokio::test]
async fn a_record_has_one_owner_and_its_keys() {
    let mut world = World::new().await;
    let clock = || Arc::new(SetClock::at(30));
    assert!(matches!(WitnessService::create(&world.settings(), clock()), Err(WitnessError::RecordExists { .. })));
    let second = WitnessService::open(&world.settings(), clock());
    assert!(second.unwrap_err().to_string().contains("in use by another process"));
    world.stop().await;
    let other = NoteSigner::from_seed("witness.example", KeyType::CosignatureV1, &[8; 32]).unwrap();
    let settings = Settings { signers: vec![other], ..world.settings() };
    assert!(matches!(WitnessService::open(&settings, clock()), Err(WitnessError::OtherKeys { .. })));
    let elsewhere = Settings { directory: world.directory.path().join("none"), ..world.settings() };
    assert!(matches!(WitnessService::open(&elsewhere, clock()), Err(WitnessError::NoRecord { .. })));
    let log_key = Settings { signers: vec![log()], ..elsewhere.clone() };
    assert!(matches!(WitnessService::create(&log_key, clock()), Err(WitnessError::Config { .. })));
    let twice = Settings { logs: vec![WatchedLog::new(log().verifier().clone()); 2], ..elsewhere };
    assert!(matches!(WitnessService::create(&twice, clock()), Err(WitnessError::Config { .. })));
}

#[tokio::test]
async fn old_checkpoints_go_when_the_bound_is_reached_and_the_newest_stays() {
    let mut world = World::new().await;
    world.stop().await;
    world.retained = 10;
    world.start().await;
    let tree = tree(200, 0);
    for size in 1..=200 {
        world.clock.set(size);
        assert_eq!(world.add(body(&tree, size - 1, size)).await.status, 200);
    }
    let connection = rusqlite::Connection::open(world.directory.path().join("w/witness.sqlite")).unwrap();
    let (count, newest): (u32, u32) = connection
        .query_row("SELECT COUNT(*), MAX(size) FROM cosigned", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert!((10..=74).contains(&count), "{count}");
    assert_eq!(newest, 200);
}

#[tokio::test]
async fn requests_of_many_clients_are_decided_one_after_the_other() {
    let world = World::new().await;
    let tree = tree(64, 0);
    world.clock.set(10);
    assert_eq!(world.add(body(&tree, 0, 1)).await.status, 200);
    // All race from size 1; exactly one wins, the others learn the size.
    let replies = world.add_all((2..=33).map(|size| body(&tree, 1, size)).collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    let known = replies.iter().find(|reply| reply.status == 409).unwrap().body.clone();
    assert!(replies.iter().filter(|reply| reply.status != 200).all(|reply| reply.status == 409 && reply.body == known));
    assert!(world.get_checkpoint().await.body.contains(&format!("\n{known}")));
}
