//! Ways in which secrets come into the open.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self, Expression, Part, fences};
use super::super::matrix::Place;
use super::super::model::{Job, Step, Workflow};
use std::collections::BTreeMap;

/// Rights of an app's token that concern the organization only, so that naming repositories would say nothing.
const ORGANIZATION_RIGHTS: [&str; 3] = ["permission-organization-", "permission-members", "permission-enterprise-"];

/// Variables that bring retired commands back, or secrets into logs.
pub(super) fn switches(env: &BTreeMap<String, String>, line: u32, found: &mut Vec<Finding>) {
    let on = |name: &str| env.get(name).is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
    if on("ACTIONS_ALLOW_UNSECURE_COMMANDS") {
        found.push(Finding::new(id::CI_INSECURE_COMMANDS, line, 0, "ACTIONS_ALLOW_UNSECURE_COMMANDS"));
    }
    for name in ["ACTIONS_RUNNER_DEBUG", "ACTIONS_STEP_DEBUG"].into_iter().filter(|name| on(name)) {
        found.push(Finding::new(id::CI_DEBUG_LOG, line, 0, name));
    }
}

fn is_secret(part: &Expression) -> bool {
    matches!(part, Expression::Context(parts) if matches!(parts.first(), Some(Part::Name(name)) if name == "secrets"))
}

/// All secrets at once.
fn is_all(part: &Expression) -> bool {
    let whole = |part: &Expression| match part {
        Expression::Context(parts) if is_secret(part) => {
            parts.len() == 1 || matches!(parts.get(1), Some(Part::Any | Part::Computed(_)))
        }
        _ => false,
    };
    match part {
        Expression::Call(name, arguments) => name == "tojson" && arguments.iter().any(whole),
        // `secrets[name]`: the forge must hand over every secret before it knows which.
        Expression::Context(parts) => is_secret(part) && matches!(parts.get(1), Some(Part::Computed(_))),
        _ => false,
    }
}

/// Expressions anywhere in a job or workflow.
pub(super) fn texts(texts: &[Place], found: &mut Vec<Finding>) {
    for place in texts {
        for fence in fences(&place.text).into_iter().filter(|fence| fence.inside.to_lowercase().contains("secrets")) {
            let Some(read) = expression::parse(fence.inside) else { continue };
            let mut push = |rule, message: &str| {
                found.push(Finding::new(rule, place.line, 0, message).showing(fence.inside.trim()));
            };
            if read.any(&mut is_all) {
                push(id::CI_ALL_SECRETS, "every secret comes into one job");
            }
            let part_of = |part: &Expression| matches!(part, Expression::Call(name, _) if name == "fromjson");
            if read.any(&mut |part| part_of(part) && part.any(&mut is_secret)) {
                push(id::CI_SECRET_UNMASKED, "a part of a secret is not masked in logs");
            }
        }
    }
}

pub(super) fn job(workflow: &Workflow, job: &Job, found: &mut Vec<Finding>) {
    for password in
        job.passwords.iter().filter(|place| !place.text.is_empty() && expression::whole(&place.text).is_none())
    {
        let message = format!("job {}: the password of a registry stands in the file", job.id);
        found.push(Finding::new(id::CI_CONTAINER_PASSWORD, password.line, 0, message));
    }
    // A called workflow has no say over the environment of its caller; an action has none.
    if job.environment || workflow.composite || workflow.triggers.contains_key("workflow_call") {
        return;
    }
    let named = job.texts.iter().find_map(|place| {
        let mut name = None;
        for fence in fences(&place.text) {
            if let Some(read) = expression::parse(fence.inside) {
                read.any(&mut |part| {
                    if let Expression::Context(parts) = part
                        && is_secret(part)
                    {
                        let path = expression::path(parts);
                        name = name.take().or((path != "secrets.github_token").then_some(path));
                    }
                    false
                });
            }
        }
        name.map(|name| (place.line, name))
    });
    if let Some((line, name)) = named {
        let message = format!("job {} reads {name} and has no environment", job.id);
        found.push(Finding::new(id::CI_SECRET_UNGUARDED, line, 0, message));
    }
}

pub(super) fn step(step: &Step, found: &mut Vec<Finding>) {
    let with = |key: &str| step.with.get(key).map(String::as_str);
    let mut push = |rule, message: String| found.push(Finding::new(rule, step.line, 0, message));
    match step.action().as_deref() {
        Some("actions/create-github-app-token") => app_token(step, found),
        Some("pypa/gh-action-pypi-publish") if step.with.contains_key("password") => {
            let elsewhere =
                with("repository-url").or(with("repository_url")).is_some_and(|url| !url.contains("pypi.org"));
            if !elsewhere {
                push(id::CI_PUBLISH_TOKEN, "publishes to PyPI with a stored token".to_owned());
            }
        }
        Some("rubygems/release-gem") if with("setup-trusted-publisher") == Some("false") => {
            push(id::CI_PUBLISH_TOKEN, "publishes a gem with a stored token".to_owned());
        }
        Some("rubygems/configure-rubygems-credentials")
            if step.with.contains_key("api-token")
                && with("gem-server").is_none_or(|server| server.contains("rubygems.org")) =>
        {
            push(id::CI_PUBLISH_TOKEN, "publishes a gem with a stored token".to_owned());
        }
        _ => {}
    }
    let Some(run) = &step.run else { return };
    for (offset, line) in (0u32..).zip(run.lines()) {
        if publishes_with_a_token(line) {
            let message = "publishes with a stored token";
            found.push(Finding::new(id::CI_PUBLISH_TOKEN, step.run_line + offset, 0, message).showing(line.trim()));
        }
    }
}

/// Commands that publish to a registry which takes short-lived tokens of the run, and that do not ask for one.
fn publishes_with_a_token(line: &str) -> bool {
    const COMMANDS: [&str; 8] = [
        "cargo publish",
        "npm publish",
        "pnpm publish",
        "bun publish",
        "yarn npm publish",
        "twine upload",
        "gem push",
        "nuget push",
    ];
    let line = line.trim();
    let dry = ["--dry-run", "-n ", "--help", "--trusted-publishing always", "--provenance"]
        .iter()
        .any(|flag| line.contains(flag));
    !line.starts_with('#')
        && !line.starts_with("echo ")
        && !dry
        && (COMMANDS.iter().any(|command| line.contains(command))
            // uv asks for a short-lived token by itself.
            || (line.contains("uv publish") && ["--token", "--password"].iter().any(|flag| line.contains(flag))))
}

/// A token of an app that outlives the job or reaches further than it needs.
fn app_token(step: &Step, found: &mut Vec<Finding>) {
    let mut push = |message: &str| found.push(Finding::new(id::CI_APP_TOKEN, step.line, 0, message));
    if step.with.get("skip-token-revoke").is_some_and(|value| value != "false" && !value.is_empty()) {
        push("the token is not revoked when the job ends");
    }
    let mut rights = step.with.keys().filter(|key| key.starts_with("permission-")).peekable();
    if rights.peek().is_none() {
        push("the token has every right of the app");
    }
    let mut any = false;
    let organization = rights.all(|right| {
        any = true;
        ORGANIZATION_RIGHTS.iter().any(|start| right.starts_with(start))
    });
    if step.with.contains_key("owner") && !step.with.contains_key("repositories") && !(any && organization) {
        push("the token reaches every repository of the owner");
    }
}
