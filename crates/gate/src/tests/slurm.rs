//! Sizes of Slurm jobs: the larger of all readings.

use crate::samples::{name, terms};
use crate::slurm::Request;
use crate::terms::Terms;
use standstill_statement::{Class, GatePoint};

fn size(change: impl FnOnce(&mut Request)) -> Option<u64> {
    let mut request = Request::empty(GatePoint::Submit, 1001);
    request.partition = Some("train".to_owned());
    change(&mut request);
    request.job(&terms(), &name("loop")).accelerators
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_larger_reading_counts() {
    assert_eq!(size(|_| ()), Some(0));
    assert_eq!(size(|r| r.tres_per_job = text("gres:gpu:8")), Some(8));
    assert_eq!(size(|r| (r.tres_per_node, r.min_nodes) = (text("gres:gpu:8"), Some(4))), Some(32));
    assert_eq!(
        size(|r| (r.tres_per_node, r.min_nodes, r.max_nodes) = (text("gres:gpu:8"), Some(2), Some(4))),
        Some(32)
    );
    assert_eq!(size(|r| (r.tres_per_task, r.tasks) = (text("gres:gpu:1"), Some(24))), Some(24));
    assert_eq!(size(|r| (r.tres_per_socket, r.sockets_per_node) = (text("gres:gpu:4"), Some(2))), Some(8));
    // `--gpus-per-node=8 -n 64` without -N may land on 64 nodes, but not on more than there are.
    assert_eq!(size(|r| (r.tres_per_node, r.tasks) = (text("gres:gpu:8"), Some(64))), Some(512));
    assert_eq!(size(|r| (r.tres_per_node, r.tasks) = (text("gres:gpu:8"), Some(6400))), Some(800));
    assert_eq!(
        size(|r| (r.tres_per_job, r.tres_per_node, r.min_nodes) = (text("gres:gpu:4"), text("gres:gpu:8"), Some(2))),
        Some(16)
    );
}

#[test]
fn arrays_count_with_all_tasks() {
    assert_eq!(size(|r| (r.tres_per_job, r.array) = (text("gres:gpu:8"), text("0-99%1"))), Some(800));
    assert_eq!(size(|r| (r.tres_per_job, r.array) = (text("gres:gpu:8"), text("x"))), None);
    assert_eq!(size(|r| r.array = text("0-99")), Some(0));
}

#[test]
fn whole_nodes_count_without_a_request() {
    assert_eq!(size(|r| r.exclusive = true), Some(8));
    assert_eq!(size(|r| (r.exclusive, r.min_nodes) = (true, Some(3))), Some(24));
    // Without ConstrainDevices a job reaches what it was not given.
    assert_eq!(size(|r| (r.partition, r.min_nodes) = (text("open"), Some(2))), Some(16));
    assert_eq!(size(|r| r.partition = text("cpu,open")), Some(8));
    assert_eq!(size(|r| (r.partition, r.exclusive) = (text("cpu"), true)), Some(0));
    // A partition that nobody has described, alone or in a list.
    assert_eq!(size(|r| r.partition = text("new")), None);
    assert_eq!(size(|r| r.partition = text("cpu,new")), None);
    // The default partition may be any of them.
    assert_eq!(size(|r| r.partition = None), Some(8));
    let bare = Terms { places: Vec::new(), ..terms() };
    let mut request = Request::empty(GatePoint::Submit, 1001);
    assert_eq!(request.job(&bare, &name("loop")).accelerators, Some(0));
    request.exclusive = true;
    assert_eq!(request.job(&bare, &name("loop")).accelerators, None);
}

#[test]
fn time_limits() {
    let seconds = |change: fn(&mut Request)| {
        let mut request = Request::empty(GatePoint::Submit, 1001);
        request.partition = text("open");
        change(&mut request);
        request.job(&terms(), &name("loop")).seconds
    };
    assert_eq!(seconds(|r| r.time_limit_minutes = Some(60)), Some(3600));
    assert_eq!(seconds(|_| ()), Some(7200), "the partition's limit");
    assert_eq!(seconds(|r| r.time_limit_minutes = Some(u32::MAX)), Some(7200), "UNLIMITED");
    assert_eq!(seconds(|r| r.partition = text("train")), None);
    assert_eq!(seconds(|r| (r.partition, r.time_limit_minutes) = (text("train"), Some(u32::MAX))), None);
    // At its start a job has the limit that it has, whatever the partition says (an operator may have raised it).
    let raised = |r: &mut Request| (r.point, r.time_limit_minutes) = (GatePoint::Start, Some(600));
    assert_eq!(seconds(raised), Some(36_000));
}

#[test]
fn what_the_job_says_of_itself() {
    let mut request = Request::empty(GatePoint::Start, 1001);
    request.comment = text("class=posttraining run=beta");
    request.tres_allocated = text("cpu=4,gres/gpu=16,gres/gpu:h100=16");
    (request.partition, request.job_id) = (text("train"), Some(7));
    let job = request.job(&terms(), &name("loop"));
    assert_eq!(
        (job.accelerators, job.models, job.class),
        (Some(16), vec!["h100".to_owned()], Some(Class::Posttraining))
    );
    assert_eq!((job.reference.as_str(), job.user.as_str()), ("7", "1001"));
    let line = String::from_utf8(serde_json::to_vec(&request).unwrap()).unwrap();
    assert!(Request::from_line(line.replace("user_id", "uid").as_bytes()).is_err());
    assert!(Request::from_line(&vec![b' '; 70_000]).is_err());
}

/// What a hook goes by when no gate answers.
#[test]
fn in_doubt_a_job_uses_accelerators() {
    let plain = ["cpu".to_owned()];
    let may = |change: fn(&mut Request)| {
        let mut request = Request::empty(GatePoint::Submit, 1001);
        request.partition = text("cpu");
        change(&mut request);
        request.may_use_accelerators(&plain)
    };
    assert!(!may(|_| ()));
    assert!(may(|r| r.partition = None));
    assert!(may(|r| r.partition = text("cpu,train")));
    assert!(may(|r| r.tres_per_node = text("gres:gpu:1")));
    assert!(may(|r| r.tres_per_job = text("gres:anything")));
    assert!(!may(|r| r.tres_allocated = text("cpu=1,mem=1G,node=1,billing=1")));
}
