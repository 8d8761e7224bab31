//! The log over HTTP: what it takes, what it refuses and with which words, and what readers see.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod party;

use party::{
    Party, TestWitness, add, agreement, eventually, fetch, file_setup, log_key, run, statement_key, witnessed_setup,
};
use standstill_node::log::{Added, Health, State, upload_authorization};
use standstill_statement::{
    AddedKey, BlobRef, Body, FleetDeclaration, Freeze, Hash32, Heartbeat, Rotation, SigningKey, Statement,
};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::fsck::fsck;
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::reader::{Limits, read_log};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(flavor = "multi_thread")]
async fn statements_become_entries_that_anybody_can_check() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let mut party = Party::new();
    let statements: Vec<Vec<u8>> = (0..300).map(|_| party.heartbeat()).collect();
    for (index, statement) in (0..).zip(&statements) {
        assert_eq!(add(&url, statement.clone()).await, Ok(Added { index, duplicate: false }));
    }
    assert_eq!(add(&url, statements[7].clone()).await, Ok(Added { index: 7, duplicate: true }));
    let signed = async |size: u64| {
        let (status, bytes) = fetch(&format!("{url}/checkpoint")).await;
        status == 200 && SignedCheckpoint::parse(&bytes, &log_key()).unwrap().checkpoint().size == size
    };
    eventually("all entries are signed", async || signed(300).await).await;
    assert_eq!(fetch(&format!("{url}/tile/0/000")).await.1.len(), 8192);
    assert_eq!(fetch(&format!("{url}/tile/0/001.p/44")).await.1.len(), 44 * 32);
    // A narrower tile than the newest is served for ever, too.
    assert_eq!(fetch(&format!("{url}/tile/0/000.p/3")).await.1.len(), 3 * 32);
    let (_, narrow) = fetch(&format!("{url}/tile/entries/000.p/2")).await;
    assert_eq!(narrow.len(), statements[0].len() + statements[1].len() + 4);
    for wrong in ["tile/0/002", "tile/0/001.p/45", "tile/0/1", "tile/x/000", "checkpoints/07", "nothing", "blob/00"] {
        assert!([404, 400].contains(&fetch(&format!("{url}/{wrong}")).await.0), "{wrong}");
    }
    log.stop().await.unwrap();
    let contents = read_log(directory.path(), &log_key(), &Limits::default()).unwrap();
    assert_eq!(contents.entries, statements);
    assert_eq!(fsck(directory.path(), &log_key(), &Limits::default()).unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_may_arrive_out_of_order_but_not_with_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let mut party = Party::new();
    let statements: Vec<Vec<u8>> = (0..40).map(|_| party.heartbeat()).collect();
    let mut tasks = Vec::new();
    for statement in statements.iter().rev().cloned() {
        let url = url.clone();
        tasks.push(tokio::spawn(async move { add(&url, statement).await }));
    }
    for (index, task) in (0..40).rev().zip(tasks) {
        assert_eq!(task.await.unwrap(), Ok(Added { index, duplicate: false }));
    }
    let _skipped = party.heartbeat();
    let (status, text) = add(&url, party.heartbeat()).await.unwrap_err();
    assert_eq!(status, 409);
    assert!(text.contains("expects sequence 40"), "{text}");
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_is_refused_in_one_sentence_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let mut party = Party::new();
    let first = party.heartbeat();
    add(&url, first.clone()).await.unwrap();
    let good = Party { sequence: 1, previous: party.previous }.heartbeat();
    let parsed = |bytes: &[u8]| standstill_statement::decode_unverified(bytes).unwrap();
    let changed = |change: &dyn Fn(&mut Statement)| {
        let mut statement = parsed(&good);
        change(&mut statement);
        statement.sign(&statement_key()).unwrap()
    };
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let cases: Vec<(u16, &str, Vec<u8>)> = vec![
        (400, "not a COSE_Sign1", Vec::new()),
        (400, "not a COSE_Sign1", b"hello".to_vec()),
        (403, "does not verify", broken),
        (403, "not among the 1 keys", parsed(&good).sign(&SigningKey::from_seed([9; 32])).unwrap()),
        (403, "the agreement", changed(&|s| s.header.agreement = Hash32::of(b"other"))),
        (403, "the issuer", changed(&|s| s.header.issuer = "south".parse().unwrap())),
        (409, "one history", changed(&|s| (s.header.sequence, s.header.previous) = (0, None))),
        (409, "must not fork", changed(&|s| s.header.previous = Some(Hash32::of(b"other")))),
        (409, "expects sequence 1", changed(&|s| s.header.sequence = 3)),
        (413, "at most 61440 bytes", vec![0xd2; 65_536]),
        (413, "at most 61440 bytes", vec![0; 61_441]),
    ];
    for (status, words, bytes) in cases {
        let (found, text) = add(&url, bytes).await.unwrap_err();
        assert_eq!(found, status, "{text}");
        assert!(text.contains(words) && text.trim_end().lines().count() == 1, "{words}: {text}");
    }
    assert_eq!(log.health().size, 1);
    assert_eq!(add(&url, good).await, Ok(Added { index: 1, duplicate: false }));
    let (status, text) = fetch(&format!("{url}/add")).await;
    assert_eq!(status, 405, "{text:?}");
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_needs_its_blobs_and_only_the_party_may_put_them() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let blob = vec![7_u8; 3_000_000];
    let reference = BlobRef::of(&blob);
    let fleet = FleetDeclaration { revision: 0, from_window: 0, groups: 1, root: Hash32::of(b"root"), blob: reference };
    let statement = Party::new().say(Body::Fleet(fleet));
    let (status, text) = add(&url, statement.clone()).await.unwrap_err();
    assert_eq!((status, text.contains(&reference.sha256.to_string())), (409, true), "{text}");
    let place = format!("{url}/blob/{}", reference.sha256);
    let put = async |authorization: Option<String>, body: Vec<u8>| {
        standstill_node::tls::prepare();
        let mut request = reqwest::Client::new().put(&place).body(body);
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let allow = |key: &SigningKey, length| Some(upload_authorization(key, &agreement(), &reference.sha256, length));
    let length = blob.len() as u64;
    assert_eq!(put(None, blob.clone()).await.0, 401);
    assert_eq!(put(Some("Standstill AAAA".to_owned()), blob.clone()).await.0, 400);
    assert_eq!(put(allow(&SigningKey::from_seed([9; 32]), length), blob.clone()).await.0, 403);
    assert_eq!(put(allow(&statement_key(), length - 1), blob.clone()).await.0, 403);
    let mut other = blob.clone();
    other[5] = 0;
    assert_eq!(put(allow(&statement_key(), length), other).await.0, 400);
    assert_eq!(fetch(&place).await.0, 404);
    assert_eq!(add(&url, statement.clone()).await.unwrap_err().0, 409);
    for _ in 0..2 {
        assert_eq!(put(allow(&statement_key(), length), blob.clone()).await.0, 200);
    }
    assert_eq!(fetch(&place).await, (200, blob));
    assert_eq!(add(&url, statement).await, Ok(Added { index: 0, duplicate: false }));
    // Nothing is left of uploads that failed.
    assert_eq!(std::fs::read_dir(directory.path().join(".state/incoming")).unwrap().count(), 0);
    log.stop().await.unwrap();
}

/// A client that sends everything before it reads gets the refusal, not a broken connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_sender_that_is_still_sending() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = Hash32::of(b"blob");
    let head = format!("PUT /blob/{name} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 24000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // The refusal is made before the body comes.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    for _ in 0..24 {
        stream.write_all(&[7; 1_000_000]).await.unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    drop(stream);
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_quorum_cosigned_is_public_and_the_rest_follows_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut witnesses = Vec::new();
    for (name, seed) in [("w1", 11), ("w2", 12), ("w3", 13)] {
        witnesses.push(TestWitness::start(directory.path(), name, seed).await);
    }
    let path = directory.path().join("log");
    let (log, url) = run(witnessed_setup(&path, &witnesses, 2)).await;
    let mut party = Party::new();
    add(&url, party.heartbeat()).await.unwrap();
    let size = async || {
        let (status, bytes) = fetch(&format!("{url}/checkpoint")).await;
        if status == 200 { Some(SignedCheckpoint::parse(&bytes, &log_key()).unwrap().checkpoint().size) } else { None }
    };
    let health = async || -> Health { serde_json::from_slice(&fetch(&format!("{url}/health")).await.1).unwrap() };
    eventually("the first entry is cosigned", async || size().await == Some(1)).await;
    eventually("all three cosign", async || {
        let (_, bytes) = fetch(&format!("{url}/checkpoints/1")).await;
        bytes.iter().filter(|byte| **byte == b'\n').count() == 8
    })
    .await;
    // One witness may be away.
    witnesses[0].switch(false);
    add(&url, party.heartbeat()).await.unwrap();
    eventually("two of three are enough", async || size().await == Some(2)).await;
    // Beyond that nothing counts as published, and the log says so, but still takes and signs.
    witnesses[1].switch(false);
    add(&url, party.heartbeat()).await.unwrap();
    eventually("the log says that it is not cosigned", async || health().await.state == State::NotCosigned).await;
    let now = health().await;
    assert_eq!((now.signed_size, now.cosigned_size), (3, Some(2)));
    assert!(now.reasons.iter().any(|reason| reason.contains("witness w1")), "{now:?}");
    assert_eq!(size().await, Some(2));
    let (_, newest) = fetch(&format!("{url}/uncosigned-checkpoint")).await;
    assert_eq!(SignedCheckpoint::parse(&newest, &log_key()).unwrap().checkpoint().size, 3);
    witnesses[1].switch(true);
    eventually("it recovers by itself", async || size().await == Some(3)).await;
    eventually("and says so", async || health().await.state == State::Cosigned).await;
    log.stop().await.unwrap();
}

/// The earliest cosignatures bound when a head was public, so a restart keeps them; what a crash left out is written again.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_earliest_cosignatures() {
    let directory = tempfile::tempdir().unwrap();
    let witnesses = [TestWitness::start(directory.path(), "w1", 11).await];
    let path = directory.path().join("log");
    let (log, url) = run(witnessed_setup(&path, &witnesses, 1)).await;
    add(&url, Party::new().heartbeat()).await.unwrap();
    eventually("it is cosigned", async || log.health().cosigned_size == Some(1)).await;
    log.stop().await.unwrap();
    let (newest, lasting) = (path.join("checkpoint"), path.join("checkpoints/1"));
    let earliest = std::fs::read(&lasting).unwrap();
    let latest = std::fs::read(&newest).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let (log, _) = run(witnessed_setup(&path, &witnesses, 1)).await;
    eventually("it is cosigned again", async || std::fs::read(&newest).unwrap() != latest).await;
    log.stop().await.unwrap();
    assert_eq!(std::fs::read(&lasting).unwrap(), earliest);
    std::fs::remove_file(&lasting).unwrap();
    let (log, _) = run(witnessed_setup(&path, &witnesses, 1)).await;
    assert!(lasting.exists());
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_log_is_served_for_ever_and_takes_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let mut party = Party::new();
    add(&url, party.heartbeat()).await.unwrap();
    let freeze = Freeze { reason: "moved to another operator".to_owned(), successor: None };
    let last = party.say(Body::Freeze(freeze));
    assert_eq!(add(&url, last.clone()).await, Ok(Added { index: 1, duplicate: false }));
    let after = party.heartbeat();
    let (status, text) = add(&url, after.clone()).await.unwrap_err();
    assert_eq!((status, text.contains("frozen")), (410, true), "{text}");
    eventually("the last entry is signed", async || log.health().cosigned_size == Some(2)).await;
    assert_eq!(log.health().state, State::Frozen);
    log.stop().await.unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    assert_eq!(log.health().state, State::Frozen);
    assert_eq!(add(&url, last).await, Ok(Added { index: 1, duplicate: true }));
    assert_eq!(add(&url, after).await.unwrap_err().0, 410);
    assert_eq!(fetch(&format!("{url}/tile/entries/000.p/2")).await.0, 200);
    log.stop().await.unwrap();
}

/// The party's next statement, signed by another key than its first.
fn said_with(party: &mut Party, key: &SigningKey, body: impl FnOnce(&Statement) -> Body) -> Vec<u8> {
    let mut statement =
        standstill_statement::decode_unverified(&party.would_say(Body::Heartbeat(Heartbeat { window: 0 }))).unwrap();
    statement.body = body(&statement);
    let bytes = statement.sign(key).unwrap();
    (party.sequence, party.previous) = (party.sequence + 1, Some(Hash32::of(&bytes)));
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_followed_and_the_retired_one_refused_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    let (mut party, new) = (Party::new(), SigningKey::from_seed([9; 32]));
    let first = party.heartbeat();
    add(&url, first.clone()).await.unwrap();
    let early = said_with(&mut Party { ..party }, &new, |statement| statement.body.clone());
    assert_eq!(add(&url, early).await.unwrap_err().0, 403, "the new key before its rotation");
    let rotation = said_with(&mut party, &statement_key(), |statement| {
        let add = Some(AddedKey::prove(&new, &statement.header));
        Body::Rotation(Rotation { add, retire: Some(statement_key().public()) })
    });
    add(&url, rotation.clone()).await.unwrap();
    let refused = |what: Result<Added, (u16, String)>| {
        let (status, text) = what.unwrap_err();
        assert_eq!((status, text.contains("statement 1 retired")), (403, true), "{text}");
    };
    refused(add(&url, Party { ..party }.heartbeat()).await);
    let third = said_with(&mut party, &new, |statement| statement.body.clone());
    assert_eq!(add(&url, third).await.unwrap().index, 2);
    // What a retired key signed in its time is known as before.
    assert_eq!(add(&url, first).await, Ok(Added { index: 0, duplicate: true }));
    log.stop().await.unwrap();
    let (log, url) = run(file_setup(directory.path())).await;
    refused(add(&url, Party { ..party }.heartbeat()).await);
    let fourth = said_with(&mut party, &new, |statement| statement.body.clone());
    assert_eq!(add(&url, fourth).await.unwrap().index, 3);
    // Blobs too are taken under the key in force only.
    for (key, status) in [(&new, 200), (&statement_key(), 403)] {
        let blob = BlobRef::of(b"large");
        let authorization = upload_authorization(key, &agreement(), &blob.sha256, blob.length_bytes);
        let http = reqwest::Client::new();
        let sent = http.put(format!("{url}/blob/{}", blob.sha256)).header("Authorization", authorization).body("large");
        assert_eq!(sent.send().await.unwrap().status().as_u16(), status);
    }
    log.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_quantum_key_signs_beside_the_first_and_cannot_be_replaced_unnoticed() {
    let directory = tempfile::tempdir().unwrap();
    let witness = TestWitness::start(directory.path(), "w1.example", 9).await;
    let second = |seed: u8| NoteSigner::from_seed(log_key().name(), KeyType::MlDsa44, &[seed; 32]).unwrap();
    let place = directory.path().join("log");
    let setup = |signer: Option<NoteSigner>| {
        let mut setup = witnessed_setup(&place, std::slice::from_ref(&witness), 1);
        setup.second_signer = signer;
        setup
    };
    let keys = [log_key(), second(7).verifier().clone()];
    let mut party = Party::new();
    for round in 1..=2 {
        // The second round finds the notes of the first.
        let (log, url) = run(setup(Some(second(7)))).await;
        add(&url, party.heartbeat()).await.unwrap();
        eventually("it is cosigned", async || log.health().cosigned_size == Some(round)).await;
        let (_, bytes) = fetch(&format!("{url}/checkpoint")).await;
        let signed = SignedCheckpoint::parse_for_all_keys(&bytes, log_key().name(), &keys).unwrap();
        assert_eq!((signed.checkpoint().size, signed.note().signatures().len()), (round, 3));
        // Who does not know of the second key reads the same.
        assert_eq!(SignedCheckpoint::parse(&bytes, &log_key()).unwrap().checkpoint(), signed.checkpoint());
        log.stop().await.unwrap();
    }
    assert_eq!(fsck(&place, &log_key(), &Limits::default()).unwrap().problems, Vec::<String>::new());
    let replaced = standstill_node::log::start(setup(Some(second(8)))).await.unwrap_err();
    let wrong = matches!(&replaced, standstill_node::NodeError::Tlog(TlogError::WrongKey { .. }));
    assert!(wrong, "{replaced}");
    // To stop using one is the operator's right: readers that want it say so.
    run(setup(None)).await.0.stop().await.unwrap();
}
