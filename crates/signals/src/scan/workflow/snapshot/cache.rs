//! Caches: what a release restores, and what a stranger's run may write.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::caching::Caching;
use super::super::model::{Job, Step, Workflow};

/// `cache-mode` of a job, its own or the workflow's.
fn mode<'a>(workflow: &'a Workflow, job: &'a Job) -> Option<(&'a str, u32)> {
    job.cache_mode.as_ref().or(workflow.cache_mode.as_ref()).map(|place| (place.text.as_str(), place.line))
}

/// A step that restores a cache in a workflow that publishes.
pub(super) fn release(workflow: &Workflow, job: &Job, step: &Step, found: &mut Vec<Finding>) {
    if matches!(mode(workflow, job), Some(("none" | "write-only", _))) {
        return;
    }
    let (rule, how) = match step.caching(workflow) {
        Some(Caching::Asked) => (id::CI_RELEASE_CACHE, "restores a cache"),
        Some(Caching::Unasked) => (id::CI_RELEASE_CACHE_UNASKED, "restores a cache without being asked"),
        None => return,
    };
    found.push(Finding::new(rule, step.line, 0, format!("step {} {how} in a workflow that publishes", step.label)));
}

/// A run that strangers start and that may write the cache of later runs.
pub(super) fn strangers(workflow: &Workflow, job: &Job, found: &mut Vec<Finding>) {
    let Some(event) = workflow.dangerous_triggers().next() else { return };
    match mode(workflow, job) {
        Some((mode @ ("write" | "write-only"), line)) => {
            let message = format!("job {}: starts on {event} with cache-mode: {mode}", job.id);
            found.push(Finding::new(id::CI_STRANGERS_CACHE, line, 0, message));
        }
        Some(_) => {}
        None => {
            let writes = |step: &&Step| {
                matches!(step.action().as_deref(), Some("actions/cache" | "actions/cache/save" | "swatinem/rust-cache"))
            };
            if let Some(step) = job.steps.iter().find(writes) {
                let message = format!("job {}: starts on {event} and saves a cache ({})", job.id, step.label);
                found.push(Finding::new(id::CI_STRANGERS_CACHE, step.line, 0, message));
            }
        }
    }
}
