//! `kill -9` torture of the mirror: a child process mirrors a log that grows meanwhile; this process keeps every checkpoint that the child
//! showed, kills it at random points, and looks whether the copy still holds all that was ever cosigned.
//!
//! 8 kills by default; `STANDSTILL_KILLS=1000 cargo test --release -p standstill-node --test mirror_kill9` for the long run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

mod random;
#[path = "mirror/world.rs"]
#[allow(dead_code, reason = "most of it is for the other tests of the mirror")]
mod world;

use random::Random;
use standstill_node::clock::SystemClock;
use standstill_node::mirror::{MirrorService, serve};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::fsck::fsck;
use standstill_tlog::reader::Limits;
use standstill_tlog::witness::origin_hash;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use world::{ORIGIN, World, log_key, mirror_key, settings_at};

const CHILD: &str = "STANDSTILL_KILL9_MIRROR";

/// The child: mirrors until it is killed. Without the variable this is an empty test.
#[test]
fn child_process() {
    let Ok(text) = std::env::var(CHILD) else { return };
    let (directory, url) = text.split_once(' ').unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let service = MirrorService::open(&settings_at(Path::new(directory), url), Arc::new(SystemClock)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("serving {}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        serve(service, listener, Duration::from_millis(5), std::future::pending()).await.unwrap();
    });
}

fn spawn(world: &World) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, format!("{} {}", world.mirror_directory().display(), world.log_url()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.map_while(Result::ok).find_map(|line| line.split("serving ").nth(1).map(str::to_owned));
    let address = found.unwrap_or_else(|| {
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        panic!("the mirror did not start again: {text}")
    });
    (child, address)
}

/// What was shown: time by size.
fn look(bytes: &[u8], seen: &mut BTreeMap<u64, u64>, world: &World) {
    let signed = SignedCheckpoint::parse(bytes, log_key().verifier()).unwrap();
    let time = signed.cosignatures(&[mirror_key().verifier().clone()]).unwrap()[0].time_unix_seconds;
    let size = signed.checkpoint().size;
    assert_eq!(world.tree().root_at(size), Some(signed.checkpoint().root), "another history at {size}");
    let before = seen.entry(size).or_insert(time);
    assert!(*before <= time, "the time of size {size} went back from {before} to {time}");
    *before = time;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cosigned_is_held_after_every_kill() {
    let kills: u64 = std::env::var("STANDSTILL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let mut world = World::new().await;
    world.stop().await;
    let (mut random, mut seen, mut size) = (Random(88_172_645_463_325_252), BTreeMap::new(), 1);
    world.grow(size);
    let http = reqwest::Client::new();
    for kill in 0..kills {
        let (mut child, address) = spawn(&world);
        let url = format!("http://{address}/{}/checkpoint", hex::encode(origin_hash(ORIGIN)));
        let end = Instant::now() + Duration::from_millis(60 + random.below(300));
        while Instant::now() < end {
            size += 1 + random.below(200);
            world.grow(size);
            let Ok(shown) = http.get(&url).timeout(Duration::from_millis(500)).send().await else { continue };
            if shown.status().as_u16() == 200 {
                look(&shown.bytes().await.unwrap(), &mut seen, &world);
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let Some((largest, _)) = seen.last_key_value() else { continue };
        // Whoever takes a copy of the folder as the kill left it finds nothing wrong with the log.
        let problems = fsck(&world.copy_directory(), log_key().verifier(), &Limits::default()).unwrap().problems;
        assert_eq!(problems, Vec::<String>::new(), "kill {kill}");
        let held = {
            // Opening it is a check by itself: entries that do not lead to the cosigned head are refused.
            let service = MirrorService::open(&world.settings(), Arc::new(SystemClock)).unwrap();
            service.progress(ORIGIN).unwrap().2
        };
        assert!(held >= *largest, "kill {kill}: {largest} entries were cosigned and {held} are held");
    }
    println!("{kills} kills: {} checkpoints seen, {size} entries", seen.len());
    assert!(seen.len() as u64 > kills / 2, "the children were killed before they did anything");
}
