//! `AdmissionReview` in and out.

use super::kinds::{seconds, size};
use crate::decide::Decision;
use crate::error::GateError;
use crate::job::{Declared, Job, Scheduler};
use crate::terms::Terms;
use serde::Deserialize;
use serde_json::{Value, json};
use standstill_statement::{GatePoint, Name};

/// Largest review that is read, in bytes; the API server's own limit on a request is 3 MiB, and an update carries two objects.
pub const MAX_REVIEW_BYTES: usize = 8 << 20;
/// Prefix of labels and annotations that say what a job does.
pub const LABEL_PREFIX: &str = "standstill/";

/// A review, as far as it is read. Fields that are not named are the server's matter.
#[derive(Clone, Debug, Deserialize)]
pub struct Review {
    /// `admission.k8s.io/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `AdmissionReview`.
    pub kind: String,
    /// What is asked.
    pub request: Request,
}

/// What is asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Id of the request; the answer repeats it.
    pub uid: String,
    /// Kind of the object.
    pub kind: GroupKind,
    /// `CREATE`, `UPDATE`, …
    pub operation: String,
    /// Subresource, such as `status`.
    #[serde(default)]
    pub sub_resource: Option<String>,
    /// Namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Name; empty when the server is yet to make one.
    #[serde(default)]
    pub name: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub user_info: UserInfo,
    /// The object.
    #[serde(default)]
    pub object: Value,
    /// The object before an update.
    #[serde(default)]
    pub old_object: Value,
    /// Nothing will be stored.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// Group and kind of an object.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupKind {
    /// API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Kind.
    pub kind: String,
}

/// Who asks, as the server has authenticated them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct UserInfo {
    /// User name.
    #[serde(default)]
    pub username: String,
}

/// What a review is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A job, to decide on.
    Job(Box<Job>),
    /// An update that makes nothing larger and changes nothing that a decision rested on.
    Unchanged,
}

impl Review {
    /// Reads a review.
    ///
    /// # Errors
    /// [`GateError::Request`] when it is too long, not JSON, or another version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GateError> {
        if bytes.len() > MAX_REVIEW_BYTES {
            return Err(GateError::Request(format!("it has {} bytes, at most {MAX_REVIEW_BYTES}", bytes.len())));
        }
        let review: Self = serde_json::from_slice(bytes).map_err(|error| GateError::Request(error.to_string()))?;
        if review.api_version != "admission.k8s.io/v1" || review.kind != "AdmissionReview" {
            return Err(GateError::Request("it is not an AdmissionReview of admission.k8s.io/v1".to_owned()));
        }
        Ok(review)
    }

    /// What is to be decided on.
    #[must_use]
    pub fn subject(&self, terms: &Terms, cluster: &Name) -> Subject {
        let request = &self.request;
        let new = request.job(&request.object, terms, cluster);
        if request.operation == "UPDATE" && request.old_object.is_object() {
            let old = request.job(&request.old_object, terms, cluster);
            let grown = match (old.accelerators, new.accelerators) {
                (Some(old), Some(new)) => new > old,
                // Not known before and not known now: only what can be read is compared.
                (None, None) => request.pod_part(&request.old_object) != request.pod_part(&request.object),
                _ => true,
            };
            let longer =
                new.seconds.is_none_or(|new| old.seconds.is_some_and(|old| new > old)) && new.seconds != old.seconds;
            let declared = |job: &Job| (job.class, job.run.clone(), job.exempt.clone(), job.unreadable.clone());
            let woken = suspended(&request.old_object) && !suspended(&request.object);
            if !grown && !longer && !woken && declared(&old) == declared(&new) {
                return Subject::Unchanged;
            }
        }
        Subject::Job(Box::new(new))
    }
}

/// Whether an object that can be suspended is.
fn suspended(object: &Value) -> bool {
    object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true)
}

impl Request {
    fn job(&self, object: &Value, terms: &Terms, cluster: &Name) -> Job {
        let size = size(&self.kind.group, &self.kind.kind, object, &terms.harmless_resources);
        let declared = declared(object);
        let namespace = self.namespace.clone().unwrap_or_default();
        let name = self.name.clone().filter(|name| !name.is_empty());
        let name = name.or_else(|| object.pointer("/metadata/generateName").and_then(Value::as_str).map(str::to_owned));
        let queue = object.pointer("/metadata/labels/kueue.x-k8s.io~1queue-name").and_then(Value::as_str);
        let mut unreadable = size.unreadable;
        unreadable.extend(declared.unreadable);
        unreadable.truncate(32);
        Job {
            scheduler: Scheduler::Kubernetes,
            cluster: cluster.clone(),
            point: if self.operation == "CREATE" { GatePoint::Submit } else { GatePoint::Modify },
            reference: crate::shorten(&format!(
                "{} {}/{} {}",
                self.kind.kind,
                namespace,
                name.unwrap_or_default(),
                self.uid
            )),
            account: crate::shorten(&namespace),
            user: crate::shorten(&self.user_info.username),
            place: crate::shorten(queue.unwrap_or_default()),
            accelerators: size.accelerators,
            models: size.models.into_iter().take(32).map(|model| crate::shorten(&model)).collect(),
            seconds: seconds(&self.kind.group, &self.kind.kind, object),
            class: declared.class,
            run: declared.run,
            exempt: declared.exempt,
            unreadable,
        }
    }

    /// The object's own id in the cluster; none before the server has made one.
    #[must_use]
    pub fn object_uid(&self) -> Option<&str> {
        self.object.pointer("/metadata/uid").and_then(Value::as_str)
    }

    /// Ids of the objects that the object says it belongs to.
    pub fn owner_uids(&self) -> impl Iterator<Item = &str> {
        let owners = self.object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().filter_map(|owner| owner.get("uid").and_then(Value::as_str))
    }

    /// The part of an object that makes pods.
    fn pod_part<'a>(&self, object: &'a Value) -> &'a Value {
        object.get("spec").unwrap_or(&Value::Null)
    }
}

/// Labels and annotations `standstill/class`, `/run`, `/exempt` of the object and of its pod template. Two that differ cannot be read.
fn declared(object: &Value) -> Declared {
    let mut found = Declared::default();
    for place in [
        "/metadata",
        "/spec/template/metadata",
        "/spec/jobTemplate/metadata",
        "/spec/jobTemplate/spec/template/metadata",
    ] {
        for part in ["labels", "annotations"] {
            let map = object.pointer(&format!("{place}/{part}")).and_then(Value::as_object);
            for (key, value) in map.into_iter().flatten() {
                if let Some(key) = key.strip_prefix(LABEL_PREFIX) {
                    found.add(key, value.as_str().unwrap_or_default());
                }
            }
        }
    }
    found
}

/// The answer to a review. The decision's id goes into the server's audit log as an annotation, which is what joins the two.
#[must_use]
pub fn answer(uid: &str, decision: Option<(&Decision, &str)>) -> Value {
    let mut response = json!({ "uid": uid, "allowed": decision.is_none_or(|(decision, _)| decision.allows()) });
    if let Some((decision, id)) = decision {
        if !id.is_empty() {
            response["auditAnnotations"] = json!({ "decision": id, "phase": crate::phase::phase_name(decision.phase) });
        }
        if !decision.allows() {
            let mark = if id.is_empty() { String::new() } else { format!(" [decision {id}]") };
            response["status"] =
                json!({ "code": 403, "reason": "Forbidden", "message": format!("{}{mark}", decision.sentence) });
        }
    }
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
}

/// The answer when no decision could be made: refused.
#[must_use]
pub fn refusal(uid: &str, sentence: &str) -> Value {
    let status = json!({ "code": 503, "reason": "ServiceUnavailable", "message": sentence });
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": { "uid": uid, "allowed": false, "status": status },
    })
}
