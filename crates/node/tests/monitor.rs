//! The monitor against a log's files and witnesses over HTTP: index, blobs, findings, refreshed cosignatures, and the bundle on disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod network_world;

use network_world::World;
use standstill_agreement::{Agreement, RoleKind, Template};
use standstill_node::clock::SetClock;
use standstill_node::monitor::{Config, FindingKind, LogSource, Monitor, WitnessSource, start};
use standstill_statement::{
    BlobRef, Body, FleetDeclaration, Hash32, Header, Heartbeat, Kind, Name, SigningKey, Statement,
};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::reader::{self, Limits};
use std::path::Path;
use std::sync::Arc;

const BLOB: &[u8] = b"the fleet";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn party_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

/// Terms that name the world's log as that of `north`.
fn terms(world: &World) -> String {
    let auditor = NoteSigner::from_seed("auditor.example", KeyType::Ed25519, &[8; 32]).unwrap();
    let witnesses =
        world.witnesses.iter().enumerate().map(|(index, site)| {
            (name(&format!("w{index}")), Some(site.witness.lock().unwrap().verifier().to_string()))
        });
    Agreement::template(&Template {
        title: "Test".into(),
        start_unix_seconds: 1_793_491_200,
        term_windows: 40,
        parties: vec![(name("north"), Some(world.signer.verifier().to_string()), Some(party_key().public()))],
        roles: vec![(
            RoleKind::Auditor,
            name("auditor"),
            Some(auditor.verifier().to_string()),
            Some(SigningKey::from_seed([4; 32]).public()),
        )],
        witnesses: witnesses.collect(),
    })
}

struct Stage {
    world: World,
    config: Config,
    agreement: Hash32,
    clock: Arc<SetClock>,
    last: Option<Hash32>,
    count: u64,
}

async fn stage() -> Stage {
    let world = World::new("standstill/north").await;
    let terms = terms(&world);
    let path = world.folder.path().join("agreement.toml");
    std::fs::write(&path, &terms).unwrap();
    let agreement = Agreement::parse(&terms).unwrap_or_else(|problems| panic!("{problems:?}")).id();
    let witness = |(index, site): (usize, &network_world::WitnessSite)| WitnessSource {
        name: format!("w{index}"),
        url: site.url.clone(),
    };
    let config = Config {
        agreement: path,
        directory: world.folder.path().join("monitor"),
        listen: "127.0.0.1:0".parse().unwrap(),
        bundle: Some(world.folder.path().join("bundle")),
        beacon: None,
        poll_seconds: 1,
        lag_seconds: 60,
        refresh_seconds: 3_600,
        clock_tolerance_seconds: 120,
        blob_bytes: 1 << 20,
        logs: vec![LogSource { issuer: name("north"), url: world.site.url.clone(), also: Vec::new() }],
        witnesses: world.witnesses.iter().enumerate().map(witness).collect(),
    };
    std::fs::create_dir_all(world.log.directory().join("blob")).unwrap();
    let blob = world.log.directory().join("blob").join(Hash32::of(BLOB).to_string());
    std::fs::write(blob, BLOB).unwrap();
    Stage { world, config, agreement, clock: Arc::new(SetClock::at(1_000)), last: None, count: 0 }
}

impl Stage {
    fn statement(&mut self, body: Body) -> Vec<u8> {
        let header = Header {
            agreement: self.agreement,
            issuer: name("north"),
            sequence: self.count,
            previous: self.last,
            issued_unix_seconds: 1,
            heads: Vec::new(),
        };
        let bytes = Statement { header, body }.sign(&party_key()).unwrap();
        (self.last, self.count) = (Some(Hash32::of(&bytes)), self.count + 1);
        bytes
    }

    fn say(&mut self, body: Body, witnesses: &[usize]) {
        let bytes = self.statement(body);
        self.world.publish(&[bytes], witnesses);
    }

    fn to(&self, unix_seconds: u64) {
        self.clock.set(unix_seconds);
        self.world.set_clock(unix_seconds);
    }

    fn monitor(&self) -> Monitor {
        Monitor::open(self.config.clone(), self.clock.clone()).unwrap()
    }
}

fn fleet() -> Body {
    Body::Fleet(FleetDeclaration {
        revision: 0,
        from_window: 0,
        groups: 1,
        root: Hash32([5; 32]),
        blob: BlobRef::of(BLOB),
    })
}

fn heartbeat(window: u64) -> Body {
    Body::Heartbeat(Heartbeat { window })
}

fn kinds(monitor: &Monitor) -> Vec<FindingKind> {
    monitor.condition().list().map(|finding| finding.kind).collect()
}

fn sizes(bundle: &Path, stage: &Stage) -> usize {
    let log = bundle.join("logs/north");
    reader::read_log(&log, stage.world.signer.verifier(), &Limits::default()).unwrap().entries.len()
}

#[tokio::test]
async fn it_indexes_fetches_blobs_and_writes_a_bundle() {
    let mut stage = stage().await;
    stage.say(fleet(), &[0, 1, 2]);
    stage.say(heartbeat(4), &[0, 1, 2]);
    stage.world.publish(&[b"no statement".to_vec()], &[0, 1, 2]);
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), []);
    let index = monitor.index();
    let found: Vec<_> = index.find(Some("north"), None, None).map(|line| line.kind).collect();
    assert_eq!(found, [Some(Kind::Fleet), Some(Kind::Heartbeat), None]);
    assert_eq!(index.find(None, Some("heartbeat"), Some(4)).map(|line| line.index).collect::<Vec<_>>(), [1]);
    let bundle = stage.config.bundle.clone().unwrap();
    assert_eq!(sizes(&bundle, &stage), 3);
    assert_eq!(std::fs::read(bundle.join("blobs").join(Hash32::of(BLOB).to_string())).unwrap(), BLOB);
    assert!(bundle.join("agreement.toml").exists() && !bundle.join("logs/north/key").exists());
    // The index is a function of the copies: another monitor over the same folder derives the same.
    drop(monitor);
    let mut again = stage.monitor();
    again.round().await.unwrap();
    assert_eq!(again.index(), index);
}

#[tokio::test]
async fn what_is_missing_is_said_and_unsaid() {
    let mut stage = stage().await;
    let blob = stage.world.log.directory().join("blob").join(Hash32::of(BLOB).to_string());
    std::fs::remove_file(&blob).unwrap();
    stage.say(fleet(), &[0, 1]);
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [FindingKind::MissingCosignatures, FindingKind::MissingBlob]);
    std::fs::write(&blob, b"not the fleet").unwrap();
    monitor.round().await.unwrap();
    assert_eq!(monitor.condition().count(FindingKind::MissingBlob), 1, "bytes with another hash are no blob");
    std::fs::write(&blob, BLOB).unwrap();
    stage.to(5_000);
    monitor.round().await.unwrap();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [], "the refresh brought the third witness, and the blob is there");
}

#[tokio::test]
async fn an_old_head_is_handed_to_the_witnesses_again_even_when_the_log_is_gone() {
    let mut stage = stage().await;
    stage.say(heartbeat(0), &[0, 1, 2]);
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    stage.world.site.show(&stage.world.folder.path().join("nowhere"));
    stage.to(90_000);
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [FindingKind::Unreachable]);
    let head = monitor.watches()[0].copy().head().unwrap().clone();
    assert_eq!(stage.world.policy.quorum_since(head.note()), Some(90_000));
    assert_eq!(
        stage.world.policy.quorum_time(monitor.watches()[0].copy().seen(1).unwrap().unwrap().note()),
        Some(1_000)
    );
}

#[tokio::test]
async fn a_mirror_with_another_history_is_a_fork_for_good() {
    let mut stage = stage().await;
    stage.say(heartbeat(0), &[0, 1, 2]);
    stage.say(heartbeat(1), &[0, 1, 2]);
    let other = network_world::Site::serve(&stage.world.forked(1, &[b"another".to_vec()])).await;
    stage.config.logs[0].also.push(other.url.clone());
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [FindingKind::Fork]);
    other.show(stage.world.log.directory());
    monitor.round().await.unwrap();
    assert!(monitor.condition().has_fork(), "a proof stays");
    let alarms = std::fs::read_dir(stage.config.bundle.as_ref().unwrap().join("alarms")).unwrap().count();
    assert_eq!(alarms, 1);
}

#[tokio::test]
async fn a_log_that_hides_what_witnesses_cosigned_is_found_out() {
    let mut stage = stage().await;
    stage.say(heartbeat(0), &[0, 1, 2]);
    let old = stage.world.folder.path().join("old");
    std::process::Command::new("cp").arg("-r").args([stage.world.log.directory(), &old]).status().unwrap();
    stage.world.site.show(&old);
    stage.say(heartbeat(1), &[0, 1, 2]);
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [], "a moment is normal");
    stage.to(1_100);
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [FindingKind::Withheld, FindingKind::Lag]);
    stage.world.site.show(stage.world.log.directory());
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), []);
    assert_eq!(monitor.watches()[0].copy().size(), 2);
}

#[tokio::test]
async fn cosignatures_from_the_future_are_a_finding() {
    let mut stage = stage().await;
    stage.world.set_clock(10_000);
    stage.say(heartbeat(0), &[0, 1, 2]);
    let mut monitor = stage.monitor();
    monitor.round().await.unwrap();
    assert_eq!(kinds(&monitor), [FindingKind::Clock]);
}

#[tokio::test]
async fn the_pages_show_what_is_known() {
    let mut stage = stage().await;
    stage.say(heartbeat(7), &[0, 1, 2]);
    let running = start(stage.config.clone(), stage.clock.clone()).await.unwrap();
    let base = format!("http://{}", running.address());
    let page = async |path: &str| {
        let answer = stage.world.http.look(&format!("{base}{path}"), 1 << 20).await.unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    for _ in 0..100 {
        if page("/health").await.1.contains("\"size\":1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, health) = page("/health").await;
    assert!(status == 200 && health.contains("\"fork\":false"), "{health}");
    assert!(page("/metrics").await.1.contains("standstill_monitor_log_size{issuer=\"north\"} 1"));
    let (_, lines) = page("/index?kind=heartbeat&window=7").await;
    assert!(lines.contains("\"issuer\":\"north\""), "{lines}");
    assert!(page("/index?window=8").await.1.contains("\"lines\":[]"));
    assert_eq!(page("/index?window=x").await.0, 400);
    running.stop().await;
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monitor.toml");
    for (text, part) in [
        ("", "missing field"),
        ("agreement = \"a\"\ndirectory = \"d\"\nlisten = \"127.0.0.1:0\"\n", "[[log]]"),
        ("agreement = \"a\"\ndirectory = \"d\"\nlisten = \"127.0.0.1:0\"\npoll = 1\n", "unknown field"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("monitor.toml"), "{error}");
    }
}
