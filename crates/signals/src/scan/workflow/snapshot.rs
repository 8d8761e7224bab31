//! A workflow as it stands.

mod cache;
mod checkout;
mod condition;
mod image;
mod install;
mod pin;
mod rights;
mod script;
mod secret;

pub(super) use image::is_pinned;
pub(super) use pin::{is_loose, lookalike};
pub(super) use script::downloads;

use super::super::finding::Finding;
use super::super::rules::id;
use super::model::{Job, Step, Workflow};
use super::stranger::{MAX_FOLLOWED, Place};
use std::cell::Cell;

/// Findings of one workflow or action.
#[must_use]
pub fn check(workflow: &Workflow) -> Vec<Finding> {
    let mut found = Vec::new();
    // The labels of a change are read by number: nothing of the change is run or pasted.
    let labels_only = workflow.jobs.iter().all(|job| {
        !job.steps.is_empty() && job.steps.iter().all(|step| step.action().as_deref() == Some("actions/labeler"))
    });
    for event in workflow.dangerous_triggers().filter(|_| !labels_only) {
        found.push(Finding::new(id::CI_DANGEROUS_TRIGGER, workflow.triggers_line, 0, format!("starts on {event}")));
    }
    rights::workflow(workflow, &mut found);
    secret::switches(&workflow.env, workflow.triggers_line, &mut found);
    secret::texts(&workflow.texts, &mut found);
    condition::texts(&workflow.texts, &mut found);
    let publishes = workflow.publishes() && !workflow.composite;
    let left = Cell::new(MAX_FOLLOWED);
    for job in &workflow.jobs {
        check_job(workflow, job, publishes, &left, &mut found);
    }
    super::settle(&mut found, workflow.lines);
    found
}

fn check_job(workflow: &Workflow, job: &Job, publishes: bool, left: &Cell<u32>, found: &mut Vec<Finding>) {
    rights::job(workflow, job, found);
    secret::job(workflow, job, found);
    secret::texts(&job.texts, found);
    condition::texts(&job.texts, found);
    image::check(job, found);
    cache::strangers(workflow, job, found);
    machine(workflow, job, found);
    let mut push = |rule, message: String| found.push(Finding::new(rule, job.line, 0, message));
    if job.continue_on_error {
        push(id::CI_IGNORED_FAILURE, format!("job {}: continue-on-error", job.id));
    }
    if let Some(uses) = job.uses.as_deref().filter(|uses| is_loose(uses)) {
        push(id::CI_UNPINNED, format!("job {} calls {uses}", job.id));
    }
    secret::switches(&job.env, job.line, found);
    condition::check(job.condition.as_ref(), job.line, found);
    for step in &job.steps {
        check_step(Place { workflow, job, step, left }, publishes, found);
    }
}

fn machine(workflow: &Workflow, job: &Job, found: &mut Vec<Finding>) {
    if !job.self_hosted() {
        return;
    }
    let what = if job.machine_group { "any machine of a group" } else { "a self-hosted machine" };
    found.push(Finding::new(id::CI_SELF_HOSTED, job.line, 0, format!("job {} runs on {what}", job.id)));
    if workflow.triggers.contains_key("pull_request") || workflow.runs_for_strangers() {
        let message = format!("job {}: a pull request can start it on {what}", job.id);
        found.push(Finding::new(id::CI_STRANGERS_MACHINE, job.runs_on_line, 0, message));
    }
}

fn check_step(place: Place<'_>, publishes: bool, found: &mut Vec<Finding>) {
    let Place { workflow, job, step, .. } = place;
    condition::check(step.condition.as_ref(), step.line, found);
    secret::switches(&step.env, step.line, found);
    secret::step(step, found);
    ignored(step, found);
    if publishes {
        cache::release(workflow, job, step, found);
    }
    pin::check(step, found);
    install::check(place, found);
    script::check(place, found);
    checkout::check(place, found);
    for unseen in &step.unseen {
        let message = "inputs or variables are one expression, so that nobody can read which there are";
        found.push(Finding::new(id::CI_OBFUSCATED_EXPRESSION, unseen.line, 0, message).showing(unseen.text.trim()));
    }
}

fn ignored(step: &Step, found: &mut Vec<Finding>) {
    if step.continue_on_error {
        let message = format!("step {}: continue-on-error", step.label);
        found.push(Finding::new(id::CI_IGNORED_FAILURE, step.line, 0, message));
    }
    for (offset, line) in step.swallowed() {
        found.push(
            Finding::new(id::CI_IGNORED_FAILURE, step.run_line + offset, 0, "a failure is swallowed").showing(line),
        );
    }
}

#[cfg(test)]
mod tests;
