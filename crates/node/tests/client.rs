//! The client against a log's files behind HTTP, with witnesses that answer over HTTP, and against logs that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod network_world;

use network_world::{World, entries, http, listen};
use standstill_node::client::certify::{self, Absence};
use standstill_node::client::question::Speaker;
use standstill_node::client::refresh::{refresh, witnesses_of};
use standstill_node::client::{AlarmKind, ClientError, Follower, LogCopy, Question, Submitter};
use standstill_statement::{Body, Hash32, Header, Heartbeat, Name, SigningKey, Statement};
use standstill_tlog::certificate::{AbsenceCertificate, PublishedCertificate};
use standstill_tlog::checkpoint::ForkEvidence;
use standstill_tlog::merkle::leaf_hash;
use standstill_tlog::reader::Limits;
use standstill_tlog::{TlogError, fsck};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn follower(world: &World) -> Follower {
    let copy = LogCopy::open(&world.folder.path().join("copy"), world.signer.verifier(), Limits::default()).unwrap();
    Follower::new(world.http.clone(), &world.site.url, copy, world.policy.clone())
}

#[tokio::test]
async fn it_fetches_only_what_is_new_and_keeps_a_log_that_others_can_read() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..300), &[0, 1]);
    let mut follower = follower(&world);
    let step = follower.step().await.unwrap();
    assert_eq!((step.from, step.size, step.quorum_time), (0, 300, Some(1_000)));
    assert_eq!(step.missing, ["w2"]);
    world.site.take_asked("");
    world.set_clock(2_000);
    world.publish(&entries(300..301), &[0, 1]);
    world.publish(&entries(301..520), &[0, 2]);
    let step = follower.step().await.unwrap();
    assert_eq!((step.from, step.size, step.quorum_time), (300, 520, Some(2_000)));
    let bundles = world.site.take_asked("tile/");
    assert_eq!(bundles, ["tile/entries/001", "tile/entries/002.p/8"]);
    assert_eq!(follower.copy().seen_sizes(), [0, 300, 301, 520], "checkpoints that were missed are asked for");
    follower.step().await.unwrap();
    assert!(world.site.take_asked("tile/").is_empty(), "an unchanged log is not fetched again");
    let copy = follower.copy().directory().to_owned();
    drop(follower);
    let report = fsck::fsck(&copy, world.signer.verifier(), &Limits::default()).unwrap();
    assert_eq!((report.entries, report.checkpoints), (520, 4));
    assert!(
        report.problems.iter().all(|problem| problem.contains("is missing")),
        "only hash tiles: {:?}",
        report.problems
    );
}

async fn alarm_of(follower: &mut Follower) -> standstill_node::client::Alarm {
    let error = follower.step().await.unwrap_err();
    error.alarm().cloned().unwrap_or_else(|| panic!("no alarm: {error}"))
}

#[tokio::test]
async fn two_trees_of_one_size_are_a_fork_with_evidence() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    world.site.show(&world.forked(4, &[b"another".to_vec()]));
    let alarm = alarm_of(&mut follower).await;
    assert_eq!(alarm.kind, AlarmKind::Fork);
    let kept = std::fs::read(alarm.path.unwrap()).unwrap();
    let evidence = ForkEvidence::parse(&kept, world.signer.verifier()).unwrap();
    assert_eq!(evidence.first().checkpoint().size, 5);
    // The copy still holds the first history, and the log may come to its senses.
    world.site.show(world.log.directory());
    assert_eq!(follower.step().await.unwrap().size, 5);
}

#[tokio::test]
async fn a_larger_tree_of_another_history_is_a_fork_and_is_kept_whole() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    world.site.show(&world.forked(3, &entries(100..300)));
    let alarm = alarm_of(&mut follower).await;
    assert_eq!(alarm.kind, AlarmKind::Fork);
    assert_eq!(follower.copy().size(), 5);
    let fork = follower.copy().directory().join("fork");
    let contents = standstill_tlog::reader::read_log(&fork, world.signer.verifier(), &Limits::default()).unwrap();
    assert_eq!(contents.entries.len(), 203);
}

#[tokio::test]
async fn a_smaller_tree_is_a_fork_or_a_stale_view() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    world.site.show(&world.forked(3, &[]));
    assert_eq!(alarm_of(&mut follower).await.kind, AlarmKind::WentBack);
    world.site.show(&world.forked(2, &[b"another".to_vec()]));
    assert_eq!(alarm_of(&mut follower).await.kind, AlarmKind::Fork);
}

#[tokio::test]
async fn withheld_and_damaged_entries_are_told_apart_and_change_nothing() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    world.publish(&entries(5..8), &[0, 1]);
    let bundle = world.log.directory().join("tile/entries/000.p/8");
    let bytes = std::fs::read(&bundle).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    assert_eq!(alarm_of(&mut follower).await.kind, AlarmKind::Withheld);
    let mut changed = bytes.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    std::fs::write(&bundle, changed).unwrap();
    assert_eq!(alarm_of(&mut follower).await.kind, AlarmKind::Damaged);
    assert_eq!(follower.copy().size(), 5);
    std::fs::write(&bundle, bytes).unwrap();
    assert_eq!(follower.step().await.unwrap().size, 8);
}

#[tokio::test]
async fn a_log_beyond_the_limits_is_refused_before_it_is_fetched() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..300), &[0, 1]);
    let limits = Limits { max_entries: 299, ..Limits::default() };
    let copy = LogCopy::open(&world.folder.path().join("copy"), world.signer.verifier(), limits).unwrap();
    let mut follower = Follower::new(world.http.clone(), &world.site.url, copy, world.policy.clone());
    assert!(matches!(follower.step().await, Err(ClientError::Tlog(TlogError::TooLarge { .. }))));
    assert!(world.site.take_asked("tile/").is_empty());
}

fn heartbeat(sequence: u64, previous: Option<Hash32>, window: u64) -> Vec<u8> {
    let header = Header {
        agreement: Hash32([7; 32]),
        issuer: Name::new("north").unwrap(),
        sequence,
        previous,
        issued_unix_seconds: 1,
        heads: Vec::new(),
    };
    Statement { header, body: Body::Heartbeat(Heartbeat { window }) }.sign(&SigningKey::from_seed([3; 32])).unwrap()
}

fn speaker() -> Speaker {
    let keys = vec![SigningKey::from_seed([3; 32]).public()];
    Speaker { agreement: Hash32([7; 32]), issuer: Name::new("north").unwrap(), keys }
}

#[tokio::test]
async fn silence_is_proved_without_the_log_and_speech_with_its_time() {
    let mut world = World::new("log.example").await;
    let first = heartbeat(0, None, 0);
    world.publish(&[first.clone(), heartbeat(1, Some(Hash32::of(&first)), 1)], &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    let question = Absence::Answer(Question::parse("kind=heartbeat window=2").unwrap());
    let absent = |follower: &Follower, absence: &Absence, deadline| {
        certify::absent(follower.copy(), &world.policy, &speaker(), absence, deadline)
    };
    assert!(matches!(absent(&follower, &question, 5_000), Err(ClientError::Tlog(TlogError::NotProved { .. }))));
    // The log is gone; the witnesses are not. The third stands at size 0 and needs a proof, which the copy gives.
    world.site.show(&world.folder.path().join("nowhere"));
    world.set_clock(6_000);
    let asked = refresh(&world.http, follower.copy_mut(), &witnesses_of(&world.policy)).await.unwrap();
    assert_eq!((asked.cosigned.len(), asked.refused.len(), asked.ahead.len()), (3, 0, 0), "{asked:?}");
    for absence in [question, Absence::Beyond, Absence::Entry(leaf_hash(b"other"))] {
        let (certificate, shown) = absent(&follower, &absence, 5_000).unwrap();
        assert_eq!((shown.size, shown.since_unix_seconds), (2, 6_000));
        let read = AbsenceCertificate::parse(&certificate.to_bytes().unwrap(), &Limits::default()).unwrap();
        assert_eq!(certify::check_absent(&read, world.signer.verifier(), &world.policy, &speaker()).unwrap(), shown);
    }
    let there = Absence::Answer(Question::parse("kind=heartbeat window=1").unwrap());
    assert!(matches!(absent(&follower, &there, 5_000), Err(ClientError::Tlog(TlogError::NotProved { .. }))));
    let (certificate, shown) = certify::published(follower.copy(), &world.policy, 1, 1_000).unwrap();
    assert_eq!(
        (shown.index, shown.by_unix_seconds),
        (1, 1_000),
        "the earliest cosignatures count, also after a refresh"
    );
    PublishedCertificate::parse(&certificate.to_bytes())
        .unwrap()
        .verify(world.signer.verifier(), &world.policy)
        .unwrap();
    assert!(certify::published(follower.copy(), &world.policy, 1, 999).is_err());
}

#[tokio::test]
async fn a_witness_that_knows_more_shows_that_something_is_withheld() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mut follower = follower(&world);
    follower.step().await.unwrap();
    world.publish(&entries(5..9), &[2]);
    let asked = refresh(&world.http, follower.copy_mut(), &witnesses_of(&world.policy)).await.unwrap();
    assert_eq!(asked.cosigned, ["w0", "w1"]);
    assert_eq!(asked.ahead.len(), 1);
    assert_eq!(asked.ahead[0].checkpoint().size, 9);
    assert_eq!(follower.advance(&asked.ahead[0]).await.unwrap().size, 9);
}

/// Takes whole requests and answers by number: `None` hangs up without a word.
async fn scripted(answers: Vec<Option<&'static str>>) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while !request.ends_with(b"statement") {
                let read = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..read]);
            }
            count.fetch_add(1, Ordering::SeqCst);
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (url, taken)
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let again = "HTTP/1.1 200 OK\r\ncontent-length: 28\r\nconnection: close\r\n\r\n{\"index\":7,\"duplicate\":true}";
    let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (url, taken) = scripted(vec![None, Some(busy), Some(again)]).await;
    let accepted = Submitter::new(http(), &url).statement(b"statement").await.unwrap();
    assert_eq!((accepted.index, accepted.duplicate, taken.load(Ordering::SeqCst)), (7, true, 3));
}

#[tokio::test]
async fn refusals_long_answers_and_silence_have_their_own_errors() {
    let refused = "HTTP/1.1 409 Conflict\r\ncontent-length: 16\r\nconnection: close\r\n\r\nout of sequence\n";
    let (url, taken) = scripted(vec![Some(refused)]).await;
    let error = Submitter::new(http(), &url).statement(b"statement").await.unwrap_err();
    assert!(error.to_string().contains("409: out of sequence"), "{error}");
    assert_eq!(taken.load(Ordering::SeqCst), 1, "a refusal is not asked again");
    let long = listen(axum::Router::new().fallback(async || vec![b'x'; 10_000])).await;
    assert!(matches!(http().get(&long, 9_999).await, Err(ClientError::TooLong { limit: 9_999, .. })));
    assert_eq!(http().get(&long, 10_000).await.unwrap().unwrap().len(), 10_000);
    let gone = http().get("http://127.0.0.1:9/checkpoint", 10).await.unwrap_err();
    assert!(matches!(gone, ClientError::Unreachable { .. }) && gone.is_network(), "{gone}");
}

#[tokio::test]
async fn mirrors_give_what_the_log_withholds_and_a_head_seen_elsewhere_is_no_stale_view() {
    let mut world = World::new("log.example").await;
    world.publish(&entries(0..5), &[0, 1]);
    let mirror = network_world::Site::serve(world.log.directory()).await;
    let mut follower = follower(&world).with_mirrors(vec![mirror.url.clone()]);
    follower.step().await.unwrap();
    // The log shows its first head and nothing else from now on; a witness shows the second, the mirror has the entries.
    let old = world.folder.path().join("old");
    std::fs::create_dir_all(&old).unwrap();
    std::fs::copy(world.log.directory().join("checkpoint"), old.join("checkpoint")).unwrap();
    world.site.show(&old);
    world.publish(&entries(5..7), &[2]);
    let shown = world.log.head().clone();
    assert_eq!(follower.advance(&shown).await.unwrap().size, 7);
    assert_eq!(follower.step().await.unwrap().size, 7, "the log has shown 5 before, and shows it still");
    std::fs::copy(world.log.directory().join("checkpoints/0"), old.join("checkpoint")).unwrap();
    assert_eq!(alarm_of(&mut follower).await.kind, AlarmKind::WentBack);
}
