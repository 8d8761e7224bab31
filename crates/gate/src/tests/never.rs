//! No covered job starts while paused, whatever it looks like.

use crate::job::{Job, Scheduler};
use crate::phase::Phase;
use crate::samples::{NOW, gate, name, terms};
use crate::slurm::Request;
use proptest::prelude::*;
use serde_json::json;
use standstill_statement::{Class, Coverage, GatePoint, Name};

fn any_name() -> impl Strategy<Value = Option<Name>> {
    prop::option::of(prop::sample::select(vec!["alpha", "beta", "serving", "save", "system", "x"]).prop_map(name))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("lab".to_owned()),
        Just("serving ".to_owned()),
        Just("SERVING".to_owned()),
        Just("kube-system".to_owned()),
        Just("system:serviceaccount:default:daemon-set-controller".to_owned()),
        ".{0,20}",
    ]
}

fn any_job() -> impl Strategy<Value = Job> {
    let sizes = prop_oneof![Just(None), (1..u64::MAX).prop_map(Some), (1..70_u64).prop_map(Some)];
    let seconds = prop::option::of(prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0..100_000_u64]);
    let class = prop::option::of(prop::sample::select(
        Class::ALL.into_iter().filter(|class| *class != Class::Pretraining).collect::<Vec<_>>(),
    ));
    let point = prop::sample::select(vec![GatePoint::Submit, GatePoint::Start, GatePoint::Modify]);
    let unreadable = prop::collection::vec(".{0,10}", 0..3);
    let texts = (any_text(), any_text(), any_text(), any_text());
    (texts, sizes, seconds, class, any_name(), any_name(), point, unreadable).prop_map(
        |((reference, account, user, place), accelerators, seconds, class, run, exempt, point, unreadable)| Job {
            scheduler: Scheduler::Other,
            cluster: name("loop"),
            point,
            reference,
            account,
            user,
            place,
            accelerators,
            models: Vec::new(),
            seconds,
            class,
            run,
            exempt,
            unreadable,
        },
    )
}

thread_local! {
    // Made once: with Cedar, making one reads and validates all policies.
    static PAUSED: crate::Gate = gate(Phase::Paused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Pretraining is left out: these terms do not stop it. `serving` and `save` are listed for others than these accounts and users.
    #[test]
    fn a_covered_job_never_starts_while_paused(job in any_job(), now in NOW - 200..NOW + 10_000) {
        let decision = PAUSED.with(|gate| gate.decide(&job, now));
        prop_assert_eq!(decision.coverage, Coverage::Covered);
        prop_assert!(!decision.allows(), "{:?} {:?}", job, decision);
        prop_assert!(!decision.clauses.is_empty());
    }

    /// Any request of Slurm that has accelerators in any of its fields is refused while paused.
    #[test]
    fn a_slurm_request_with_accelerators_never_passes(
        count in 1..1_000_000_u64,
        field in 0..5_usize,
        spelling in prop::sample::select(vec!["gres:gpu:N", "gres/gpu:N", "gres/gpu=N", "gpu:N", "gres:gpu:h100:N", "gres:shard:N", "gres:tpu:N", "gres:N"]),
        noise in "[a-z:,=/0-9]{0,30}",
        comment in prop::option::of(".{0,40}"),
        array in prop::option::of("[-0-9,:%]{0,12}"),
        exclusive in any::<bool>(),
        nodes in prop::option::of(any::<u32>()),
        minutes in prop::option::of(any::<u32>()),
        partition in prop::option::of(prop::sample::select(vec!["train", "open", "cpu", "train,cpu", "none", ""])),
    ) {
        let mut request = Request::empty(GatePoint::Submit, 1001);
        let text = format!("{},{noise}", spelling.replace('N', &count.to_string()));
        let place = [
            &mut request.tres_per_job, &mut request.tres_per_node, &mut request.tres_per_socket,
            &mut request.tres_per_task, &mut request.tres_allocated,
        ];
        for (index, slot) in place.into_iter().enumerate() {
            if index == field {
                *slot = Some(text.clone());
            }
        }
        (request.comment, request.array, request.exclusive) = (comment, array, exclusive);
        (request.min_nodes, request.time_limit_minutes, request.account) = (nodes, minutes, Some("lab".to_owned()));
        request.partition = partition.map(str::to_owned);
        let line = serde_json::to_vec(&request).unwrap();
        let job = Request::from_line(&line).unwrap().job(&terms(), &name("loop"));
        let decision = PAUSED.with(|gate| gate.decide(&job, NOW));
        prop_assert!(!decision.allows(), "{:?} {:?}", request, job);
        prop_assert!(request.may_use_accelerators(&["cpu".to_owned()]));
    }

    /// Any object of Kubernetes in which a container asks for accelerators, whatever else it says, is refused while paused.
    #[test]
    fn a_kubernetes_object_with_accelerators_never_passes(
        kind in 0..8_usize,
        resource in prop::sample::select(vec!["nvidia.com/gpu", "amd.com/gpu", "google.com/tpu", "nvidia.com/mig-1g.10gb", "habana.ai/gaudi", "new.example/chip"]),
        amount in prop::sample::select(vec!["1", "8", "8000m", "1k", "1e3", "0.5", "100000000000000000000", "-1", "x", ""]),
        list in prop::sample::select(vec!["containers", "initContainers"]),
        part in prop::sample::select(vec!["limits", "requests"]),
        copies in 1..u64::MAX,
        labels in prop::collection::btree_map("(standstill/(class|run|exempt)|a/b)", prop::sample::select(vec!["inference", "serving", "system", "save", "beta", "none", ""]), 0..4),
        namespace in prop::sample::select(vec!["lab", "default", "kube-system", "Serving", ""]),
        user in prop::sample::select(vec!["alice", "system:serviceaccount:lab:daemon-set-controller", "system:admin", ""]),
        (suspend, host, seconds) in (any::<bool>(), any::<bool>(), prop::option::of(any::<u64>())),
    ) {
        let container = json!({ "name": "c", "resources": { part: { resource: amount } } });
        let mut pod = json!({ "containers": [{ "name": "other" }], "hostNetwork": host });
        pod[list] = json!([container]);
        let template = json!({ "metadata": { "labels": labels }, "spec": pod });
        let job = json!({ "parallelism": copies, "suspend": suspend, "activeDeadlineSeconds": seconds, "template": template });
        let (group, kind, spec) = match kind {
            0 => ("", "Pod", pod),
            1 => ("batch", "Job", job),
            2 => ("batch", "CronJob", json!({ "jobTemplate": { "spec": job } })),
            3 => ("jobset.x-k8s.io", "JobSet", json!({ "replicatedJobs": [{ "replicas": copies, "template": { "spec": job } }] })),
            4 => ("ray.io", "RayJob", json!({ "rayClusterSpec": { "workerGroupSpecs": [{ "replicas": copies, "template": template }] } })),
            5 => ("kueue.x-k8s.io", "Workload", json!({ "podSets": [{ "count": copies, "template": template }] })),
            6 => ("apps", "Deployment", json!({ "replicas": copies, "template": template })),
            _ => ("example.com", "Pipeline", json!({ "stages": [template] })),
        };
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "u", "kind": { "group": group, "version": "v1", "kind": kind }, "operation": "CREATE", "namespace": namespace,
                "userInfo": { "username": user }, "object": { "metadata": { "labels": labels }, "spec": spec },
            },
        });
        let review = crate::kubernetes::Review::from_json(review.to_string().as_bytes()).unwrap();
        let crate::kubernetes::review::Subject::Job(job) = review.subject(&terms(), &name("kube")) else { panic!("a new object") };
        let decision = PAUSED.with(|gate| gate.decide(&job, NOW));
        prop_assert!(!decision.allows(), "{:?} {}", job, review.request.object);
        prop_assert_eq!(decision.coverage, Coverage::Covered);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Request::from_line(&bytes);
        let _ = Job::from_json(&bytes);
        let _ = crate::Situation::from_json(&bytes);
        let _ = crate::kubernetes::Review::from_json(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = crate::Terms::from_toml(&text);
        let _ = crate::slurm::parse_accounting(&text, &[]);
        let _ = crate::journal::id_in_comment(&text);
        let _ = crate::slurm::resources::array_tasks(&text);
        let _ = crate::slurm::resources::time_limit_seconds(&text);
        let _ = crate::slurm::resources::wanted(&text, &[]);
    }
}
