//! A gate as its schedulers meet it: over the socket with the plugin's own code, and over HTTP with admission reviews.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

#[path = "gate/world.rs"]
mod world;

use serde_json::json;
use standstill_gate::slurm::{Answer, Request};
use standstill_statement::GatePoint;
use world::{NOW, World, allowed, at_start, break_folder, covered, denied, pod_review, serving};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_decided_on_when_it_is_handed_in_and_when_it_starts() {
    let mut world = World::start("active").await;
    let id = allowed(world.ask(&covered()).await);
    // At its start the job keeps the id that Slurm has noted.
    assert_eq!(allowed(world.ask(&at_start(7, &id)).await), id);
    // Handed in before the pause, and the pause comes first.
    let waiting = allowed(world.ask(&covered()).await);
    world.tell("paused", NOW + 1);
    world.until("paused", NOW + 1).await;
    let sentence = denied(world.ask(&at_start(8, &waiting)).await);
    assert!(sentence.contains("PAUSED") && sentence.contains("[decision "), "{sentence}");
    // Tried again and again: one statement.
    assert_eq!(denied(world.ask(&at_start(8, &waiting)).await), sentence);
    assert!(denied(world.ask(&covered()).await).contains("PAUSED"));
    allowed(world.ask(&serving()).await);
    assert!(world.health().await.contains("\"decisions\":6"), "{}", world.health().await);
    world.close().await;
}

/// Slurm hands over only what changes; the gate knows the rest from the decision at the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_not_made_longer_while_paused() {
    let mut world = World::start("active").await;
    let id = allowed(world.ask(&covered()).await);
    allowed(world.ask(&at_start(7, &id)).await);
    let mut longer = Request::empty(GatePoint::Modify, 1001);
    (longer.job_id, longer.time_limit_minutes) = (Some(7), Some(600));
    allowed(world.ask(&longer).await);
    world.tell("paused", NOW + 1);
    world.until("paused", NOW + 1).await;
    longer.time_limit_minutes = Some(1200);
    assert!(denied(world.ask(&longer).await).contains("PAUSED"));
    // Not even by whoever writes another job's decision, or an exemption that is not theirs, into the change.
    longer.admin_comment = Some(format!("standstill:{id}"));
    longer.comment = Some("class=inference exempt=serving".to_owned());
    assert!(denied(world.ask(&longer).await).contains("PAUSED"));
    // A job that waits is decided on when it starts.
    longer.job_id = Some(99);
    assert_eq!(world.ask(&longer).await, Answer::Pass);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_without_its_node_holds_the_phase_then_closes_and_says_so() {
    let mut world = World::start("active").await;
    std::fs::remove_file(world.path("situation.json")).unwrap();
    world.clock.set(NOW + 3600);
    allowed(world.ask(&covered()).await);
    world.clock.set(NOW + 3601);
    assert!(denied(world.ask(&covered()).await).contains("lost its node"));
    allowed(world.ask(&serving()).await);
    let health = world.health().await;
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("young enough"), "{health}");
    // Setting the clock back does not make the situation young again.
    world.clock.set(NOW);
    assert!(denied(world.ask(&covered()).await).contains("lost its node"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starting_a_gate_anew_does_not_lift_a_pause() {
    let mut world = World::start("paused").await;
    world.close().await;
    std::fs::remove_file(world.path("situation.json")).unwrap();
    world.open().await;
    assert!(denied(world.ask(&covered()).await).contains("PAUSED"));
    // Neither does an older situation, one for the same moment, or one that is cut off.
    world.tell("active", NOW - 1);
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert!(denied(world.ask(&covered()).await).contains("PAUSED"));
    world.tell("active", NOW);
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert!(denied(world.ask(&covered()).await).contains("PAUSED"));
    assert!(world.health().await.contains("two histories"), "{}", world.health().await);
    world.tell("active", NOW + 1);
    let whole = std::fs::read(world.path("situation.json")).unwrap();
    std::fs::write(world.path("situation.json"), &whole[..whole.len() / 2]).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert!(denied(world.ask(&covered()).await).contains("PAUSED"));
    world.tell("active", NOW + 1);
    world.until("active", NOW + 1).await;
    allowed(world.ask(&covered()).await);
    world.close().await;
}

/// The kept copy of the situation is damaged while the gate is down, and the node is away: nothing is known, so nothing covered starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_copy_of_the_situation_closes_the_gate() {
    let mut world = World::start("active").await;
    world.close().await;
    std::fs::remove_file(world.path("situation.json")).unwrap();
    let kept = world.path("home/situation.json");
    let bytes = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &bytes[..bytes.len() - 10]).unwrap();
    world.open().await;
    assert!(denied(world.ask(&covered()).await).contains("knows no phase"));
    allowed(world.ask(&serving()).await);
    world.close().await;
}

/// What was let pass counts after a restart, too: two jobs that fit one by one do not both start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caps_hold_across_a_restart() {
    let mut world = World::start("active").await;
    let large = Request { time_limit_minutes: Some(600), ..covered() };
    allowed(world.ask(&large).await);
    world.close().await;
    world.open().await;
    assert!(denied(world.ask(&large).await).contains("limit"));
    allowed(world.ask(&covered()).await);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_disk_a_gate_refuses_covered_work() {
    let mut world = World::start("active").await;
    allowed(world.ask(&covered()).await);
    break_folder(&world.log());
    // The open write-ahead file still takes decisions; the next checkpoint finds the folder gone, and from then on nothing is recorded.
    let mut answer = world.ask(&covered()).await;
    for _ in 0..12 {
        if matches!(answer, Answer::Deny(_)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        answer = world.ask(&covered()).await;
    }
    assert!(denied(answer).contains("cannot record"));
    // Listed work goes on, with nothing to note.
    assert_eq!(world.ask(&serving()).await, Answer::Pass);
    assert!(denied(world.ask(&covered()).await).contains("cannot record"));
    let health = world.health().await;
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("cannot be recorded"), "{health}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admission_reviews() {
    let mut world = World::start("active").await;
    let answer = world.admit(&pod_review("u1", 8, false)).await;
    assert_eq!((&answer["response"]["uid"], &answer["response"]["allowed"]), (&json!("u1"), &json!(true)), "{answer}");
    let id = answer["response"]["auditAnnotations"]["decision"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    world.tell("paused", NOW + 1);
    world.until("paused", NOW + 1).await;
    let answer = world.admit(&pod_review("u2", 8, false)).await;
    assert_eq!(answer["response"]["allowed"], json!(false));
    assert_eq!(answer["response"]["status"]["code"], json!(403));
    let decisions = |health: String| health.split_once("\"decisions\":").unwrap().1.chars().next();
    let before = decisions(world.health().await);
    assert_eq!(world.admit(&pod_review("u3", 8, true)).await["response"]["allowed"], json!(false));
    assert_eq!(world.admit(&pod_review("u4", 0, false)).await["response"]["allowed"], json!(false), "a run is named");
    assert_eq!(decisions(world.health().await).map(|digit| digit as u32), before.map(|digit| digit as u32 + 1));
    // A pod of an owner that was let pass is decided on by itself.
    let mut owned = pod_review("u5", 8, false);
    owned["request"]["object"]["metadata"]["ownerReferences"] = json!([{ "uid": "object-u1" }]);
    assert_eq!(world.admit(&owned).await["response"]["allowed"], json!(false));
    // Only a controller's pods are as their owner says.
    world.tell("active", NOW + 2);
    world.until("active", NOW + 2).await;
    let mut part = pod_review("u6", 8, false);
    part["request"]["object"]["spec"].as_object_mut().unwrap().remove("activeDeadlineSeconds");
    part["request"]["object"]["metadata"] = json!({ "ownerReferences": [{ "uid": "object-u1" }] });
    assert_eq!(world.admit(&part).await["response"]["allowed"], json!(false), "a user names an owner");
    part["request"]["userInfo"]["username"] = json!("system:serviceaccount:kube-system:job-controller");
    assert_eq!(world.admit(&part).await["response"]["allowed"], json!(true), "a controller does");
    let broken = world.admit(&json!({ "kind": "AdmissionReview" })).await;
    assert!(broken.get("error").is_some() && broken.get("response").is_none(), "{broken}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_refused() {
    use std::io::{Read as _, Write as _};
    let mut world = World::start("active").await;
    for line in ["", "{}", "allow\n", "{\"point\":\"submit\"}\n", "{\"point\":\"submit\",\"user_id\":1,\"gpus\":0}\n"] {
        let socket = world.path("gate.sock");
        let line = line.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("deny "), "{answer}");
    }
    world.close().await;
}
