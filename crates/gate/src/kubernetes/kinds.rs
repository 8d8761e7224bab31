//! How many pods an object makes, kind by kind.

use super::pod::{Size, pod};
use super::quantity::looks_like_device;
use serde_json::Value;

/// Deepest nesting that is searched; the JSON reader stops earlier.
const MAX_DEPTH: usize = 128;

/// What an object lets run at once. `group` and `kind` are the object's.
#[must_use]
pub fn size(group: &str, kind: &str, object: &Value, harmless: &[String]) -> Size {
    let found = known(group, kind, object, harmless);
    let hidden = found.as_ref().is_none_or(|size| size.accelerators == Some(0)) && names_devices(object, harmless, 0);
    match (found, hidden) {
        (Some(size), false) => size,
        (None, false) => Size::none(),
        (_, true) => Size::unknown(&format!("{kind} names accelerators in a place that the gate does not know")),
    }
}

/// The longest time that an object lets its pods run, in seconds.
#[must_use]
pub fn seconds(group: &str, kind: &str, object: &Value) -> Option<u64> {
    let at = |path: &str| object.pointer(path).and_then(Value::as_u64);
    match (group, kind) {
        ("", "Pod") | ("batch", "Job") | ("ray.io", "RayJob") => at("/spec/activeDeadlineSeconds"),
        ("batch", "CronJob") => at("/spec/jobTemplate/spec/activeDeadlineSeconds"),
        ("jobset.x-k8s.io", "JobSet") => {
            let jobs = object.pointer("/spec/replicatedJobs").and_then(Value::as_array)?;
            let all: Option<Vec<u64>> = jobs
                .iter()
                .map(|job| job.pointer("/template/spec/activeDeadlineSeconds").and_then(Value::as_u64))
                .collect();
            all.and_then(|all| all.into_iter().max())
        }
        ("kueue.x-k8s.io", "Workload") => at("/spec/maximumExecutionTimeSeconds"),
        _ => None,
    }
}

/// `None` for a kind that is not known.
fn known(group: &str, kind: &str, object: &Value, harmless: &[String]) -> Option<Size> {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let size = match (group, kind) {
        ("", "Pod") => pod(spec, harmless),
        ("", "ReplicationController") | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet") => {
            template(spec, harmless).times(count(spec, "replicas"))
        }
        // As many as there are nodes, which the object does not say.
        ("apps", "DaemonSet") => template(spec, harmless).times(None),
        ("batch", "Job") => job(spec, harmless),
        ("batch", "CronJob") => job(spec.pointer("/jobTemplate/spec").unwrap_or(&Value::Null), harmless),
        ("jobset.x-k8s.io", "JobSet") => all(spec, "replicatedJobs", |item| {
            job(item.pointer("/template/spec").unwrap_or(&Value::Null), harmless).times(count(item, "replicas"))
        }),
        ("kueue.x-k8s.io", "Workload") => {
            all(spec, "podSets", |set| template(set, harmless).times(count(set, "count")))
        }
        ("ray.io", "RayCluster") => ray_cluster(spec, harmless),
        ("ray.io", "RayService") => ray_cluster(spec.get("rayClusterConfig").unwrap_or(&Value::Null), harmless),
        ("ray.io", "RayJob") => ray_job(spec, harmless),
        ("kubeflow.org", _) => kubeflow(spec, harmless)?,
        _ => return None,
    };
    Some(size)
}

/// Field `key` as a number of copies: 1 when absent, `None` when it cannot be read.
fn count(value: &Value, key: &str) -> Option<u64> {
    match value.get(key) {
        None | Some(Value::Null) => Some(1),
        Some(value) => value.as_u64(),
    }
}

fn all(value: &Value, key: &str, size: impl Fn(&Value) -> Size) -> Size {
    match value.get(key) {
        Some(Value::Array(items)) => items.iter().map(size).fold(Size::none(), Size::and),
        Some(Value::Null) | None => Size::none(),
        Some(_) => Size::unknown(&format!("{key} is not a list")),
    }
}

fn template(owner: &Value, harmless: &[String]) -> Size {
    pod(owner.pointer("/template/spec").unwrap_or(&Value::Null), harmless)
}

/// Parallelism is what runs at once. A suspended Job counts as if it ran: resuming it is an update of one field.
fn job(spec: &Value, harmless: &[String]) -> Size {
    template(spec, harmless).times(count(spec, "parallelism"))
}

fn ray_cluster(spec: &Value, harmless: &[String]) -> Size {
    let head = spec.get("headGroupSpec").map_or_else(Size::none, |head| template(head, harmless));
    head.and(all(spec, "workerGroupSpecs", |group| {
        // The autoscaler goes up to the most, whatever the present number is.
        let most = ["replicas", "minReplicas", "maxReplicas"]
            .map(|key| group.get(key).map_or(Some(0), |value| value.as_u64()));
        let most = most
            .into_iter()
            .collect::<Option<Vec<u64>>>()
            .and_then(|all| all.into_iter().max())
            .map(|most| most.max(1));
        let hosts = count(group, "numOfHosts");
        template(group, harmless).times(most.zip(hosts).map(|(most, hosts)| most.saturating_mul(hosts)))
    }))
}

fn ray_job(spec: &Value, harmless: &[String]) -> Size {
    let selected = spec.get("clusterSelector").and_then(Value::as_object).is_some_and(|selector| !selector.is_empty());
    if selected {
        return Size::unknown("clusterSelector runs the job on a cluster that is in another object");
    }
    let cluster = spec.get("rayClusterSpec").map_or_else(Size::none, |cluster| ray_cluster(cluster, harmless));
    let submitter = spec
        .get("submitterPodTemplate")
        .map_or_else(Size::none, |template| pod(template.get("spec").unwrap_or(&Value::Null), harmless));
    cluster.and(submitter)
}

/// `PyTorchJob` and its relatives: `spec.<framework>ReplicaSpecs.<role>.{replicas, template}`.
fn kubeflow(spec: &Value, harmless: &[String]) -> Option<Size> {
    let (_, roles) = spec.as_object()?.iter().find(|(key, _)| key.ends_with("ReplicaSpecs"))?;
    let sizes = roles.as_object()?.values().map(|role| template(role, harmless).times(count(role, "replicas")));
    Some(sizes.fold(Size::none(), Size::and))
}

/// Whether an accelerator resource is named anywhere in an object, as a key or as the name of a claim or device class.
fn names_devices(value: &Value, harmless: &[String], depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            // What the server notes about fields repeats their names; a node selector chooses a place and asks for nothing.
            let noted = matches!(key.as_str(), "managedFields" | "annotations" | "nodeSelector" | "labels" | "status");
            let asks = looks_like_device(key, harmless) && super::quantity::devices(value) != Some(0);
            // A list of resources as containers have it: what counts there counts here, under whatever name.
            let listed = matches!(key.as_str(), "limits" | "requests")
                && value.as_object().into_iter().flatten().any(|(name, amount)| {
                    super::quantity::is_device(name, harmless) && super::quantity::devices(amount) != Some(0)
                });
            !noted && (asks || listed || names_devices(value, harmless, depth + 1))
        }),
        Value::Array(items) => items.iter().any(|item| names_devices(item, harmless, depth + 1)),
        _ => false,
    }
}
