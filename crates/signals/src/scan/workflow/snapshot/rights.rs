//! What the token of a workflow may do.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::model::{Access, Job, Permissions, Workflow};

pub(super) fn workflow(workflow: &Workflow, found: &mut Vec<Finding>) {
    let mut push = |rule, message: String| found.push(Finding::new(rule, workflow.permissions_line, 0, message));
    match &workflow.permissions {
        Permissions::All(Access::Write) => push(id::CI_WRITE_ALL, "permissions: write-all".to_owned()),
        Permissions::All(Access::Read) => push(id::CI_READ_ALL, "permissions: read-all".to_owned()),
        Permissions::Scopes(_) => {
            let writes: Vec<&str> =
                workflow.permissions.scopes().filter(|scope| workflow.permissions.on(scope) == Access::Write).collect();
            if !writes.is_empty() {
                push(id::CI_WORKFLOW_WRITE, format!("every job may write {}", writes.join(", ")));
            }
        }
        _ => {}
    }
    if workflow.permissions != Permissions::Unsaid || workflow.composite {
        return;
    }
    if let Some(job) = workflow.jobs.iter().find(|job| job.permissions == Permissions::Unsaid) {
        let message = format!("job {} has what the repository's settings give", job.id);
        found.push(Finding::new(id::CI_PERMISSIONS_UNSAID, job.line, 0, message));
        if let Some(event) = workflow.dangerous_triggers().next() {
            let message = format!("starts on {event}, and job {} has what the repository's settings give", job.id);
            found.push(Finding::new(id::CI_STRANGERS_RIGHTS, workflow.triggers_line, 0, message));
        }
    }
}

pub(super) fn job(workflow: &Workflow, job: &Job, found: &mut Vec<Finding>) {
    let mut push = |rule, message: String| found.push(Finding::new(rule, job.line, 0, message));
    match job.permissions {
        Permissions::All(Access::Write) => push(id::CI_WRITE_ALL, format!("job {}: permissions: write-all", job.id)),
        Permissions::All(Access::Read) => push(id::CI_READ_ALL, format!("job {}: permissions: read-all", job.id)),
        _ => {}
    }
    if job.inherits_secrets && !workflow.composite {
        push(id::CI_SECRETS_INHERIT, format!("job {}: secrets: inherit", job.id));
    }
}
