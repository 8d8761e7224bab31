//! Objects of Kubernetes: what they can hold, and what is refused while paused.

use crate::job::Job;
use crate::kubernetes::review::{Subject, answer};
use crate::kubernetes::{Review, kinds};
use crate::phase::Phase;
use crate::samples::{NOW, gate, name, terms};
use serde_json::{Value, json};
use standstill_statement::Class;

pub(super) fn container(gpus: &str) -> Value {
    json!({ "name": "c", "image": "i", "resources": { "limits": { "nvidia.com/gpu": gpus } } })
}

fn spec(gpus: &str) -> Value {
    json!({ "containers": [container(gpus)] })
}

fn count(group: &str, kind: &str, spec: Value) -> Option<u64> {
    kinds::size(group, kind, &json!({ "metadata": { "name": "x" }, "spec": spec }), &["rdma/hca".to_owned()])
        .accelerators
}

#[test]
fn pods() {
    let pod = |spec: Value| count("", "Pod", spec);
    assert_eq!(pod(spec("8")), Some(8));
    assert_eq!(pod(json!({ "containers": [{ "name": "c" }] })), Some(0));
    assert_eq!(pod(json!({ "containers": [container("2"), container("3")] })), Some(5));
    let limits = json!({ "resources": { "requests": { "amd.com/gpu": 4 }, "limits": { "amd.com/gpu": "6", "cpu": "1", "rdma/hca": 1 } } });
    assert_eq!(pod(json!({ "containers": [limits] })), Some(6), "the larger of requests and limits");
    assert_eq!(pod(json!({ "containers": [{ "resources": { "requests": { "google.com/tpu": "4" } } }] })), Some(4));
    assert_eq!(
        pod(
            json!({ "containers": [{ "resources": { "limits": { "nvidia.com/mig-1g.5gb": "4", "nvidia.com/gpu": "1" } } }] })
        ),
        Some(5)
    );
    assert_eq!(pod(json!({ "containers": [{ "resources": { "limits": { "new.example/chip": "4" } } }] })), Some(4));
    assert_eq!(pod(json!({ "containers": [container("many")] })), None);
    assert_eq!(pod(json!({ "containers": [container("9223372036854775808")] })), Some(1 << 63));
    assert_eq!(
        pod(json!({ "containers": [], "resources": { "limits": { "nvidia.com/gpu": 8 } } })),
        Some(8),
        "pod level"
    );
}

#[test]
fn init_containers_and_sidecars() {
    let side = |gpus: &str| {
        let mut side = container(gpus);
        side["restartPolicy"] = json!("Always");
        side
    };
    let pod = |init: Value| count("", "Pod", json!({ "containers": [container("4")], "initContainers": init }));
    assert_eq!(pod(json!([container("8")])), Some(8), "runs before");
    assert_eq!(pod(json!([container("2")])), Some(4));
    assert_eq!(pod(json!([side("2")])), Some(6), "runs beside");
    assert_eq!(pod(json!([side("2"), container("8")])), Some(10), "runs beside the next one");
    assert_eq!(pod(json!([container("8"), side("2")])), Some(8));
}

/// Ways to a device that no number shows.
#[test]
fn hidden_devices_are_of_unknown_size() {
    for hidden in [
        json!({ "containers": [{ "securityContext": { "privileged": true } }] }),
        json!({ "containers": [{ "env": [{ "name": "NVIDIA_VISIBLE_DEVICES", "value": "all" }] }] }),
        json!({ "containers": [{ "env": [{ "name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": {} }] }] }),
        json!({ "containers": [], "initContainers": [{ "securityContext": { "privileged": true } }] }),
        json!({ "containers": [], "volumes": [{ "hostPath": { "path": "/dev/nvidia0" } }] }),
        json!({ "containers": [], "volumes": [{ "hostPath": { "path": "//./dev" } }] }),
        json!({ "containers": [], "volumes": [{ "hostPath": { "path": "/" } }] }),
        json!({ "containers": [], "volumes": [{ "hostPath": { "path": "/proc/../dev" } }] }),
        json!({ "containers": [{}], "resourceClaims": [{ "name": "gpu", "resourceClaimName": "x" }] }),
        json!({ "containers": [{ "resources": { "claims": [{ "name": "gpu" }] } }] }),
        json!({ "containers": [], "newField": { "nvidia.com/gpu": 8 } }),
    ] {
        assert_eq!(count("", "Pod", hidden.clone()), None, "{hidden}");
    }
    for plain in [
        json!({ "containers": [{ "env": [{ "name": "NVIDIA_VISIBLE_DEVICES", "value": "void" }] }] }),
        json!({ "containers": [], "volumes": [{ "hostPath": { "path": "/var/log" } }, { "emptyDir": {} }] }),
        json!({ "containers": [], "nodeSelector": { "nvidia.com/gpu.present": "true" } }),
        json!({ "containers": [{ "resources": { "limits": { "nvidia.com/gpu": 0 } } }] }),
    ] {
        assert_eq!(count("", "Pod", plain.clone()), Some(0), "{plain}");
    }
}

#[test]
fn workloads_count_all_their_pods() {
    let template = || json!({ "spec": spec("8") });
    let job = |parallelism: Value| json!({ "parallelism": parallelism, "template": template() });
    assert_eq!(count("batch", "Job", json!({ "template": template() })), Some(8));
    assert_eq!(count("batch", "Job", job(json!(4))), Some(32));
    assert_eq!(count("batch", "Job", job(json!("4"))), None);
    assert_eq!(count("batch", "Job", json!({ "parallelism": 4, "suspend": true, "template": template() })), Some(32));
    assert_eq!(count("batch", "CronJob", json!({ "jobTemplate": { "spec": job(json!(2)) } })), Some(16));
    let set = json!({ "replicatedJobs": [{ "replicas": 2, "template": { "spec": job(json!(4)) } }, { "template": { "spec": job(json!(1)) } }] });
    assert_eq!(count("jobset.x-k8s.io", "JobSet", set), Some(72));
    let cluster = json!({
        "headGroupSpec": { "template": { "spec": spec("1") } },
        "workerGroupSpecs": [{ "replicas": 2, "maxReplicas": 10, "numOfHosts": 2, "template": template() }],
    });
    assert_eq!(count("ray.io", "RayCluster", cluster.clone()), Some(161));
    assert_eq!(count("ray.io", "RayJob", json!({ "rayClusterSpec": cluster })), Some(161));
    assert_eq!(count("ray.io", "RayService", json!({ "rayClusterConfig": cluster })), Some(161));
    assert_eq!(count("ray.io", "RayJob", json!({ "clusterSelector": { "ray.io/cluster": "big" } })), None);
    let sets = json!({ "podSets": [{ "name": "a", "count": 3, "template": template() }, { "template": template() }] });
    assert_eq!(count("kueue.x-k8s.io", "Workload", sets), Some(32));
    assert_eq!(count("apps", "Deployment", json!({ "replicas": 3, "template": template() })), Some(24));
    assert_eq!(count("apps", "DaemonSet", json!({ "template": template() })), None);
    assert_eq!(count("apps", "DaemonSet", json!({ "template": { "spec": { "containers": [] } } })), Some(0));
    let torch = json!({ "pytorchReplicaSpecs": { "Master": { "template": template() }, "Worker": { "replicas": 3, "template": template() } } });
    assert_eq!(count("kubeflow.org", "PyTorchJob", torch), Some(32));
}

#[test]
fn an_unknown_kind_with_accelerators_is_covered() {
    let hidden = json!({ "stages": [{ "pods": { "resources": { "limits": { "nvidia.com/gpu": "1" } } } }] });
    assert_eq!(count("example.com", "Pipeline", hidden), None);
    assert_eq!(count("example.com", "Pipeline", json!({ "stages": [] })), Some(0));
    // A known name in an unknown group is an unknown kind.
    assert_eq!(count("example.com", "Job", json!({ "template": { "spec": spec("8") } })), None);
}

pub(super) fn review(operation: &str, kind: [&str; 2], object: Value, old: Value) -> Review {
    let value = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": kind[0], "version": "v1", "kind": kind[1] },
            "operation": operation,
            "namespace": "lab",
            "name": "train",
            "userInfo": { "username": "alice", "groups": ["system:authenticated"] },
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": { "kind": "CreateOptions" },
        },
    });
    Review::from_json(value.to_string().as_bytes()).unwrap()
}

fn subject(operation: &str, kind: [&str; 2], object: Value, old: Value) -> Subject {
    review(operation, kind, object, old).subject(&terms(), &name("kube"))
}

fn job_of(subject: Subject) -> Job {
    match subject {
        Subject::Job(job) => *job,
        Subject::Unchanged => panic!("unchanged"),
    }
}

#[test]
fn a_job_is_read_with_its_labels_and_refused_while_paused() {
    let object = json!({
        "metadata": { "name": "train", "labels": { "standstill/class": "posttraining", "kueue.x-k8s.io/queue-name": "big" } },
        "spec": { "parallelism": 4, "activeDeadlineSeconds": 600, "template": {
            "metadata": { "annotations": { "standstill/run": "beta" } }, "spec": spec("8") } },
    });
    let job = job_of(subject("CREATE", ["batch", "Job"], object, Value::Null));
    assert_eq!(
        (job.accelerators, job.seconds, job.class, job.run.clone()),
        (Some(32), Some(600), Some(Class::Posttraining), Some(name("beta")))
    );
    assert_eq!((job.account.as_str(), job.user.as_str(), job.place.as_str()), ("lab", "alice", "big"));
    let decision = gate(Phase::Paused).decide(&job, NOW);
    let refused = answer("u", Some((&decision, "0123456789abcdef01234567")));
    assert_eq!(refused["response"]["allowed"], json!(false));
    assert_eq!(refused["response"]["status"]["code"], json!(403));
    let message = refused["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains("PAUSED") && message.ends_with("[decision 0123456789abcdef01234567]"), "{message}");
    assert_eq!(refused["response"]["auditAnnotations"]["phase"], json!("paused"));
    assert_eq!(
        answer("u", None),
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": { "uid": "u", "allowed": true } })
    );
}

#[test]
fn labels_that_disagree_cannot_be_read() {
    let object = json!({
        "metadata": { "labels": { "standstill/class": "inference" } },
        "spec": { "template": { "metadata": { "labels": { "standstill/class": "pretraining" } }, "spec": spec("8") } },
    });
    let job = job_of(subject("CREATE", ["batch", "Job"], object, Value::Null));
    assert_eq!(job.unreadable, ["class=inference"].map(|_| "class=pretraining".to_owned()));
}

#[test]
fn updates_that_make_nothing_larger_pass_and_others_are_decided_on() {
    let job = |parallelism: u64, class: &str, suspend: bool| {
        json!({
            "metadata": { "labels": { "standstill/class": class } },
            "spec": { "parallelism": parallelism, "suspend": suspend, "activeDeadlineSeconds": 600, "template": { "spec": spec("8") } },
        })
    };
    let update = |new: Value, old: Value| subject("UPDATE", ["batch", "Job"], new, old);
    let before = || job(2, "inference", false);
    assert_eq!(update(job(2, "inference", false), before()), Subject::Unchanged);
    assert_eq!(update(job(1, "inference", false), before()), Subject::Unchanged);
    assert_eq!(job_of(update(job(3, "inference", false), before())).accelerators, Some(24));
    assert_eq!(job_of(update(job(2, "evaluation", false), before())).class, Some(Class::Evaluation));
    assert_eq!(update(job(2, "inference", true), before()), Subject::Unchanged);
    job_of(update(before(), job(2, "inference", true)));
    let mut longer = before();
    longer["spec"]["activeDeadlineSeconds"] = json!(6000);
    job_of(update(longer, before()));
    let mut endless = before();
    endless["spec"].as_object_mut().unwrap().remove("activeDeadlineSeconds");
    job_of(update(endless, before()));
    // Without the old object an update is decided on as if it were new.
    job_of(update(before(), Value::Null));
}

#[test]
fn the_clusters_own_services_go_on() {
    let object = json!({ "metadata": {}, "spec": { "containers": [{ "securityContext": { "privileged": true } }] } });
    let mut review = review("CREATE", ["", "Pod"], object, Value::Null);
    let decide = |review: &Review| gate(Phase::Paused).decide(&job_of(review.subject(&terms(), &name("kube"))), NOW);
    assert!(!decide(&review).allows());
    review.request.namespace = Some("kube-system".to_owned());
    assert!(!decide(&review).allows(), "the namespace alone is not enough");
    review.request.user_info.username = "system:serviceaccount:kube-system:daemon-set-controller".to_owned();
    assert!(decide(&review).allows());
}

#[test]
fn other_reviews_are_refused() {
    let good = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": { "uid": "u", "kind": { "kind": "Pod" }, "operation": "CREATE" } });
    assert!(Review::from_json(good.to_string().as_bytes()).is_ok());
    let text = good.to_string();
    let mut nameless = good.clone();
    nameless["request"].as_object_mut().unwrap().remove("uid");
    for broken in
        [text.replace("/v1", "/v1beta1"), text.replace("AdmissionReview", "Pod"), nameless.to_string(), "[]".to_owned()]
    {
        assert!(Review::from_json(broken.as_bytes()).is_err(), "{broken}");
    }
    // A pod without a specification is of unknown size.
    let job = job_of(Review::from_json(text.as_bytes()).unwrap().subject(&terms(), &name("kube")));
    assert_eq!(job.accelerators, None);
}
