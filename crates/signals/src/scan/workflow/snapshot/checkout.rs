//! Checkouts that keep their token, and that bring a stranger's code into a workflow with secrets.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self, fences};
use super::super::stranger::Place;

/// Contexts that name a stranger's code, or the change that holds it.
const CODE: [&str; 9] = [
    "github.head_ref",
    "github.event.pull_request.head",
    "github.event.pull_request.merge_commit_sha",
    "github.event.pull_request.number",
    "github.event.workflow_run.head",
    "github.event.workflow_run.pull_requests",
    "github.event.number",
    "github.event.issue.number",
    "inputs.pr",
];
/// Words in the name of an output that say that it names code.
const OUTPUTS: [&str; 5] = ["sha", "ref", "branch", "head", "pr"];

pub(super) fn check(place: Place<'_>, found: &mut Vec<Finding>) {
    let Place { workflow, step, .. } = place;
    let strangers = workflow.runs_for_strangers();
    if step.action().as_deref() == Some("actions/checkout") {
        if step.with.get("persist-credentials").is_none_or(|value| value != "false") {
            found.push(Finding::new(id::CI_KEPT_CREDENTIALS, step.line, 0, "the checkout keeps its token"));
        }
        let named =
            ["ref", "repository"].iter().filter_map(|key| step.with.get(*key)).find(|text| names(place, text, 3));
        if let Some(text) = named.filter(|_| strangers) {
            found.push(Finding::new(id::CI_UNTRUSTED_CHECKOUT, step.line, 0, format!("checks out {text}")));
        }
    }
    let Some(run) = step.run.as_deref().filter(|_| strangers) else { return };
    for (offset, line) in (0u32..).zip(run.lines()) {
        let fetches = ["git fetch", "git checkout", "git pull"].iter().any(|mark| line.contains(mark));
        if line.contains("gh pr checkout") || (fetches && names(place, line, 3)) {
            let message = "fetches a stranger's code";
            found
                .push(Finding::new(id::CI_UNTRUSTED_CHECKOUT, step.run_line + offset, 0, message).showing(line.trim()));
        }
    }
}

/// True for a text that names a stranger's code.
fn names(place: Place<'_>, text: &str, depth: u32) -> bool {
    if text.contains("refs/pull/") || text.contains("pull/$") {
        return true;
    }
    let contexts = fences(text).into_iter().filter_map(|fence| expression::parse(fence.inside)).flat_map(|read| {
        let mut out = Vec::new();
        read.flows(&mut out);
        out
    });
    contexts.into_iter().any(|path| {
        let output = path.starts_with("steps.") || path.starts_with("needs.");
        let last = path.rsplit('.').next().unwrap_or_default();
        CODE.iter().any(|code| path.starts_with(code))
            || path == "github.event.workflow_run"
            || (output && last.split(['-', '_']).any(|word| OUTPUTS.contains(&word)))
            || (depth > 0 && variable(place, &path).is_some_and(|text| names(place, text, depth - 1)))
    })
}

/// What `env.NAME` stands for.
fn variable<'a>(place: Place<'a>, path: &str) -> Option<&'a str> {
    let name = path.strip_prefix("env.")?;
    [&place.step.env, &place.job.env, &place.workflow.env]
        .into_iter()
        .find_map(|env| env.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(_, value)| value.as_str())
}
