//! A workflow as it stands.

use super::super::finding::Finding;
use super::super::rules::id;
use super::model::{Access, Job, Permissions, Step, Workflow};

/// Fields of an event that strangers write. GitHub Security Lab, "untrusted input"; heads of lists of the same fields included.
const UNTRUSTED: [&str; 17] = [
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.pages",
    "github.event.commits",
    "github.event.head_commit.message",
    "github.event.head_commit.author",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.head_ref",
    "github.event.discussion.title",
    "github.event.discussion.body",
];

/// Findings of one workflow or action.
#[must_use]
pub fn check(workflow: &Workflow) -> Vec<Finding> {
    let mut found = Vec::new();
    let strangers = workflow.runs_for_strangers();
    for event in ["pull_request_target", "workflow_run", "issue_comment"] {
        if workflow.triggers.contains_key(event) {
            found.push(Finding::new(id::CI_DANGEROUS_TRIGGER, workflow.triggers_line, 0, format!("starts on {event}")));
        }
    }
    if workflow.permissions == Permissions::All(Access::Write) {
        found.push(Finding::new(id::CI_WRITE_ALL, workflow.permissions_line, 0, "permissions: write-all"));
    }
    insecure(&workflow.env, workflow.triggers_line, &mut found);
    let publishes = workflow.publishes();
    for job in &workflow.jobs {
        check_job(job, strangers, publishes && !workflow.composite, &mut found);
    }
    found
}

fn insecure(env: &std::collections::BTreeMap<String, String>, line: u32, found: &mut Vec<Finding>) {
    if env.get("ACTIONS_ALLOW_UNSECURE_COMMANDS").is_some_and(|value| !value.is_empty() && value != "false") {
        found.push(Finding::new(id::CI_INSECURE_COMMANDS, line, 0, "ACTIONS_ALLOW_UNSECURE_COMMANDS"));
    }
}

fn check_job(job: &Job, strangers: bool, publishes: bool, found: &mut Vec<Finding>) {
    let mut push = |rule, line, message: String| found.push(Finding::new(rule, line, 0, message));
    if job.permissions == Permissions::All(Access::Write) {
        push(id::CI_WRITE_ALL, job.line, format!("job {}: permissions: write-all", job.id));
    }
    if job.inherits_secrets {
        push(id::CI_SECRETS_INHERIT, job.line, format!("job {}: secrets: inherit", job.id));
    }
    if job.self_hosted() {
        push(id::CI_SELF_HOSTED, job.line, format!("job {} runs on a self-hosted machine", job.id));
    }
    if job.continue_on_error {
        push(id::CI_IGNORED_FAILURE, job.line, format!("job {}: continue-on-error", job.id));
    }
    if let Some(uses) = job.uses.as_deref().filter(|uses| is_loose(uses)) {
        push(id::CI_UNPINNED, job.line, format!("job {} calls {uses}", job.id));
    }
    insecure(&job.env, job.line, found);
    check_condition(job.condition.as_ref(), job.line, found);
    for step in &job.steps {
        check_step(step, strangers, publishes, found);
    }
}

fn check_condition(condition: Option<&(String, bool)>, line: u32, found: &mut Vec<Finding>) {
    let Some((text, block)) = condition else { return };
    let lower = text.to_lowercase();
    let actor = lower.contains("github.actor")
        || lower.contains("github.triggering_actor")
        || lower.contains("event.sender.login");
    if actor && lower.contains("[bot]") {
        found.push(Finding::new(id::CI_ACTOR_CONDITION, line, 0, format!("if: {}", text.trim())));
    }
    // A fenced expression with text around it is a non-empty string, which is true.
    let trimmed = text.trim();
    let around = *block && text.ends_with('\n') && trimmed.starts_with("${{") && trimmed.ends_with("}}");
    let mixed = trimmed.contains("${{")
        && !(trimmed.starts_with("${{") && trimmed.ends_with("}}") && trimmed.matches("${{").count() == 1)
        && !trimmed.starts_with('!');
    if around || mixed {
        found.push(Finding::new(id::CI_ALWAYS_TRUE, line, 0, format!("if: {trimmed}")));
    }
}

/// True for references that can be moved: anything but a full commit hash, an image digest or a path of the same repository.
pub(super) fn is_loose(uses: &str) -> bool {
    if uses.starts_with("./") {
        return false;
    }
    if let Some(image) = uses.strip_prefix("docker://") {
        return !image.contains("@sha256:");
    }
    uses.split_once('@').is_none_or(|(_, reference)| !is_hash(reference))
}

fn is_hash(reference: &str) -> bool {
    matches!(reference.len(), 40 | 64) && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Expressions of a text that strangers can fill.
fn untrusted(text: &str) -> Option<&str> {
    text.split("${{").skip(1).filter_map(|rest| rest.split("}}").next()).find(|expression| {
        let expression = expression.to_lowercase();
        UNTRUSTED.iter().any(|field| expression.contains(field))
    })
}

fn check_step(step: &Step, strangers: bool, publishes: bool, found: &mut Vec<Finding>) {
    check_condition(step.condition.as_ref(), step.line, found);
    insecure(&step.env, step.line, found);
    if step.continue_on_error {
        found.push(Finding::new(
            id::CI_IGNORED_FAILURE,
            step.line,
            0,
            format!("step {}: continue-on-error", step.label),
        ));
    }
    for (offset, line) in step.swallowed() {
        found.push(
            Finding::new(id::CI_IGNORED_FAILURE, step.run_line + offset, 0, "a failure is swallowed").showing(line),
        );
    }
    if publishes && step.caches() {
        found.push(Finding::new(
            id::CI_RELEASE_CACHE,
            step.line,
            0,
            format!("step {} restores a cache in a workflow that publishes", step.label),
        ));
    }
    if let Some(uses) = &step.uses {
        check_uses(step, uses, strangers, found);
    }
    if let Some(run) = &step.run {
        check_run(step, run, strangers, found);
    }
}

fn check_uses(step: &Step, uses: &str, strangers: bool, found: &mut Vec<Finding>) {
    if is_loose(uses) {
        found.push(Finding::new(id::CI_UNPINNED, step.line, 0, uses));
    }
    if uses.starts_with("actions/checkout@") {
        if step.with.get("persist-credentials").is_none_or(|value| value != "false") {
            found.push(Finding::new(id::CI_KEPT_CREDENTIALS, step.line, 0, "the checkout keeps its token"));
        }
        let reference = [step.with.get("ref"), step.with.get("repository")]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        let stranger =
            ["pull_request.head", "head_ref", "workflow_run.head", "refs/pull/", "event.number", "inputs.pr"]
                .iter()
                .any(|mark| reference.contains(mark));
        if strangers && stranger {
            found.push(Finding::new(id::CI_UNTRUSTED_CHECKOUT, step.line, 0, format!("checks out {reference}")));
        }
    }
    // Actions whose input is a script.
    for key in ["script", "run", "cmd", "command", "inlineScript"] {
        if let Some(expression) = step.with.get(key).and_then(|text| untrusted(text)) {
            found.push(Finding::new(
                id::CI_TEMPLATE_INJECTION,
                step.line,
                0,
                format!("{key} holds {}", expression.trim()),
            ));
        }
    }
}

fn check_run(step: &Step, run: &str, strangers: bool, found: &mut Vec<Finding>) {
    if let Some(expression) = untrusted(run) {
        let offset = run.lines().position(|line| line.contains(expression)).unwrap_or(0);
        let line = step.run_line + u32::try_from(offset).unwrap_or(0);
        found.push(Finding::new(id::CI_TEMPLATE_INJECTION, line, 0, format!("the script holds {}", expression.trim())));
    }
    if strangers && (run.contains("GITHUB_ENV") || run.contains("GITHUB_PATH")) {
        found.push(Finding::new(id::CI_ENVIRONMENT_FILE, step.run_line, 0, "writes the environment of later steps"));
    }
    for (offset, line) in (0u32..).zip(run.lines()) {
        let fetches = line.contains("curl ") || line.contains("wget ");
        if fetches && ["| sh", "| bash", "| sudo", "|sh", "|bash", "| python"].iter().any(|pipe| line.contains(pipe)) {
            found.push(
                Finding::new(id::CI_PIPED_DOWNLOAD, step.run_line + offset, 0, "runs a download unseen")
                    .showing(line.trim()),
            );
        }
    }
}
