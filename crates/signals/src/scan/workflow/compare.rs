//! A workflow against its earlier version: each way in which it checks less or may do more.

mod script;

use super::super::finding::Finding;
use super::super::rules::id;
use super::model::{Access, Job, Permissions, Step, Workflow};
use super::snapshot::is_loose;

/// What the new version weakens.
#[must_use]
pub fn compare(old: &Workflow, new: &Workflow) -> Vec<Finding> {
    let mut found = Vec::new();
    triggers(old, new, &mut found);
    permissions(&old.permissions, &new.permissions, new.permissions_line, "the workflow", &mut found);
    for job in &old.jobs {
        if new.job(&job.id).is_none() && !renamed(job, old, new) {
            found.push(Finding::new(id::CI_JOB_REMOVED, 0, 0, format!("job {} was removed", job.id)));
        }
    }
    let publishes = new.publishes().then_some(new);
    for job in &new.jobs {
        let before = old
            .job(&job.id)
            .or_else(|| old.jobs.iter().find(|other| new.job(&other.id).is_none() && same_steps(other, job)));
        match before {
            Some(before) => jobs(before, job, old, new, publishes, &mut found),
            None => new_job(job, old, &mut found),
        }
    }
    super::settle(&mut found, new.lines);
    found
}

/// True when the job lives on under another id with the same steps.
fn renamed(job: &Job, old: &Workflow, new: &Workflow) -> bool {
    new.jobs.iter().any(|other| old.job(&other.id).is_none() && same_steps(job, other))
}

fn same_steps(a: &Job, b: &Job) -> bool {
    let key = |job: &Job| job.steps.iter().map(|step| (step.uses.clone(), step.run.clone())).collect::<Vec<_>>();
    (!a.steps.is_empty() || a.uses.is_some()) && key(a) == key(b) && a.uses == b.uses
}

fn triggers(old: &Workflow, new: &Workflow, found: &mut Vec<Finding>) {
    let line = new.triggers_line;
    for (event, filters) in &new.triggers {
        let Some(before) = old.triggers.get(event) else {
            if matches!(
                event.as_str(),
                "pull_request_target" | "workflow_run" | "issue_comment" | "repository_dispatch"
            ) {
                found.push(Finding::new(id::CI_TRIGGER_ADDED, line, 0, format!("now starts on {event}")));
            }
            continue;
        };
        for key in ["paths-ignore", "branches-ignore"] {
            let more = filters
                .get(key)
                .is_some_and(|now| now.iter().any(|glob| !before.get(key).is_some_and(|then| then.contains(glob))));
            if more {
                found.push(Finding::new(id::CI_TRIGGER_NARROWED, line, 0, format!("{event}: {key} leaves out more")));
            }
        }
        for key in ["paths", "branches", "types"] {
            let less = match (before.get(key), filters.get(key)) {
                (None, Some(_)) => true,
                (Some(then), Some(now)) => then.iter().any(|glob| !now.contains(glob)),
                _ => false,
            };
            if less {
                found.push(Finding::new(
                    id::CI_TRIGGER_NARROWED,
                    line,
                    0,
                    format!("{event}: {key} lets fewer changes in"),
                ));
            }
        }
    }
    for event in ["pull_request", "push", "merge_group", "schedule"] {
        if old.triggers.contains_key(event) && !new.triggers.contains_key(event) {
            found.push(Finding::new(id::CI_TRIGGER_NARROWED, line, 0, format!("no longer starts on {event}")));
        }
    }
}

fn permissions(old: &Permissions, new: &Permissions, line: u32, whose: &str, found: &mut Vec<Finding>) {
    let mut push =
        |what: String| found.push(Finding::new(id::CI_PERMISSIONS_WIDENED, line, 0, format!("{whose}: {what}")));
    match (old, new) {
        (Permissions::Unsaid, Permissions::All(Access::Write)) => push("write-all is now said".to_owned()),
        (Permissions::Unsaid, _) => {}
        (_, Permissions::Unsaid) => push("no permissions are said any more, so the default holds".to_owned()),
        (old, Permissions::All(access)) => {
            let before = if let Permissions::All(before) = old { *before } else { Access::None };
            if *access > before {
                push(format!("{access:?} on everything").to_lowercase());
            }
        }
        (old, new) => {
            let wider: Vec<&str> = new.scopes().filter(|scope| new.on(scope) > old.on(scope)).collect();
            if !wider.is_empty() {
                push(format!("more on {}", wider.join(", ")));
            }
        }
    }
}

/// A job that did not exist before: only what it opens.
fn new_job(job: &Job, old: &Workflow, found: &mut Vec<Finding>) {
    if job.permissions != Permissions::Unsaid && old.permissions != Permissions::Unsaid {
        permissions(&old.permissions, &job.permissions, job.line, &format!("new job {}", job.id), found);
    }
    if job.inherits_secrets {
        found.push(Finding::new(id::CI_SECRETS_WIDENED, job.line, 0, format!("new job {} inherits secrets", job.id)));
    }
    if job.self_hosted() {
        found.push(Finding::new(
            id::CI_SELF_HOSTED_ADDED,
            job.line,
            0,
            format!("new job {} runs on a self-hosted machine", job.id),
        ));
    }
}

/// Rights that a job really has.
fn effective<'a>(job: &'a Job, workflow: &'a Workflow) -> &'a Permissions {
    if job.permissions == Permissions::Unsaid { &workflow.permissions } else { &job.permissions }
}

fn jobs(
    old: &Job,
    new: &Job,
    old_workflow: &Workflow,
    new_workflow: &Workflow,
    publishes: Option<&Workflow>,
    found: &mut Vec<Finding>,
) {
    let line = new.line;
    let whose = format!("job {}", new.id);
    if old.permissions != Permissions::Unsaid || new.permissions != Permissions::Unsaid {
        permissions(effective(old, old_workflow), effective(new, new_workflow), line, &whose, found);
    }
    if new.continue_on_error && !old.continue_on_error {
        found.push(Finding::new(id::CI_FAILURE_IGNORED, line, 0, format!("{whose} may now fail")));
    }
    if new.inherits_secrets && !old.inherits_secrets {
        found.push(Finding::new(id::CI_SECRETS_WIDENED, line, 0, format!("{whose} now inherits secrets")));
    }
    if new.self_hosted() && !old.self_hosted() {
        found.push(Finding::new(
            id::CI_SELF_HOSTED_ADDED,
            line,
            0,
            format!("{whose} now runs on a self-hosted machine"),
        ));
    }
    if let (Some(then), Some(now)) = (&old.uses, &new.uses)
        && !is_loose(then)
        && is_loose(now)
    {
        found.push(Finding::new(id::CI_PIN_LOOSENED, line, 0, format!("{whose}: {then} became {now}")));
    }
    for need in &old.needs {
        let gone = new_workflow.job(need).is_some() && !new.needs.contains(need);
        if gone {
            found.push(Finding::new(id::CI_DEPENDENCY_REMOVED, line, 0, format!("{whose} no longer waits for {need}")));
        }
    }
    condition(old.condition.as_ref(), new.condition.as_ref(), line, &whose, found);
    if old.environment && !new.environment {
        found.push(Finding::new(
            id::CI_PERMISSIONS_WIDENED,
            line,
            0,
            format!("{whose} left its protected environment"),
        ));
    }
    steps(old, new, publishes, found);
}

/// Conditions in lower case without fences and spaces.
fn plain(condition: Option<&(String, bool)>) -> String {
    condition
        .map(|(text, _)| {
            text.replace("${{", "").replace("}}", "").split_whitespace().collect::<String>().to_lowercase()
        })
        .unwrap_or_default()
}

fn condition(
    old: Option<&(String, bool)>,
    new: Option<&(String, bool)>,
    line: u32,
    whose: &str,
    found: &mut Vec<Finding>,
) {
    let (then, now) = (plain(old), plain(new));
    if then == now {
        return;
    }
    let never = |text: &str| {
        text == "false"
            || text == "!true"
            || text == "0"
            || text.starts_with("false&&")
            || text.ends_with("&&false")
            || text == "1==2"
    };
    let forced = |text: &str| text.contains("always()") || text.contains("!cancelled()") || text.contains("failure()");
    let text = || new.map(|(text, _)| text.trim().to_owned()).unwrap_or_default();
    if never(&now) && !never(&then) {
        found.push(Finding::new(id::CI_CONDITION_DISABLED, line, 0, format!("{whose} never runs")).showing(text()));
    } else if forced(&now) && !forced(&then) {
        found.push(
            Finding::new(id::CI_CONDITION_FORCED, line, 0, format!("{whose} runs after failures too")).showing(text()),
        );
    }
}

/// The name of an action without its version.
fn action(uses: &str) -> &str {
    uses.split('@').next().unwrap_or(uses)
}

/// The earlier step that the new one continues.
fn partner<'a>(step: &Step, old: &'a Job) -> Option<&'a Step> {
    let by_label = || old.steps.iter().find(|other| !step.label.is_empty() && other.label == step.label);
    let by_action = || {
        old.steps.iter().find(|other| matches!((&other.uses, &step.uses), (Some(a), Some(b)) if action(a) == action(b)))
    };
    let by_script = || old.steps.iter().find(|other| step.run.is_some() && other.run == step.run);
    // A step without a name that had its script edited: the same program with the same first argument.
    let by_program =
        || old.steps.iter().find(|other| matches!((program(other), program(step)), (Some(a), Some(b)) if a == b));
    by_label().or_else(by_action).or_else(by_script).or_else(by_program)
}

/// First two words of a script.
fn program(step: &Step) -> Option<Vec<&str>> {
    let line = step.run.as_deref()?.lines().find(|line| !line.trim().is_empty() && !line.trim().starts_with("set "))?;
    Some(line.split_whitespace().take(2).collect())
}

fn steps(old: &Job, new: &Job, publishes: Option<&Workflow>, found: &mut Vec<Finding>) {
    let mut kept: Vec<*const Step> = Vec::new();
    for step in &new.steps {
        let before = partner(step, old);
        kept.extend(before.map(std::ptr::from_ref));
        step_changed(before, step, publishes, found);
    }
    for step in &old.steps {
        let gone = !kept.contains(&std::ptr::from_ref(step)) && partner(step, new).is_none();
        if gone && step.checks() {
            found.push(Finding::new(
                id::CI_STEP_REMOVED,
                new.line,
                0,
                format!("job {}: the step '{}' was removed", new.id, step.label),
            ));
        }
    }
}

fn step_changed(old: Option<&Step>, new: &Step, publishes: Option<&Workflow>, found: &mut Vec<Finding>) {
    let whose = format!("step '{}'", new.label);
    let line = new.line;
    if let (Some(then), Some(now)) = (old.and_then(|step| step.uses.as_deref()), new.uses.as_deref())
        && action(then) == action(now)
        && !is_loose(then)
        && is_loose(now)
    {
        found.push(Finding::new(id::CI_PIN_LOOSENED, line, 0, format!("{then} became {now}")));
    }
    if publishes.is_some_and(|workflow| {
        new.caching(workflow).is_some() && old.is_none_or(|old| old.caching(workflow).is_none())
    }) {
        found.push(Finding::new(
            id::CI_RELEASE_CACHE_ADDED,
            line,
            0,
            format!("{whose} restores a cache before a release"),
        ));
    }
    let Some(old) = old else { return };
    if new.continue_on_error && !old.continue_on_error {
        found.push(Finding::new(id::CI_FAILURE_IGNORED, line, 0, format!("{whose} may now fail")));
    }
    let before: Vec<String> = old.swallowed().into_iter().map(|(_, text)| text).collect();
    for (offset, text) in new.swallowed() {
        if !before.contains(&text) {
            found.push(
                Finding::new(id::CI_FAILURE_IGNORED, new.run_line + offset, 0, format!("{whose} swallows a failure"))
                    .showing(text),
            );
        }
    }
    condition(old.condition.as_ref(), new.condition.as_ref(), line, &whose, found);
    if let (Some(then), Some(now)) = (&old.run, &new.run) {
        script::compare(then, now, new, found);
    }
}
