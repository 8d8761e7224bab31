//! A workflow as far as the rules need it. Unknown keys are passed over.

use super::matrix::{Matrix, Place};
use std::collections::BTreeMap;

/// Right of the token on one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Read.
    Read,
    /// Read and write.
    Write,
}

/// Rights of a workflow's or job's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Not said: the repository's default, which may be everything.
    Unsaid,
    /// One word for all scopes.
    All(Access),
    /// Scope by scope; scopes that are not listed have none.
    Scopes(BTreeMap<String, Access>),
}

impl Permissions {
    /// Right on one scope; `Unsaid` counts as write, the older default of GitHub.
    #[must_use]
    pub fn on(&self, scope: &str) -> Access {
        match self {
            Self::Unsaid => Access::Write,
            Self::All(access) => *access,
            Self::Scopes(scopes) => scopes.get(scope).copied().unwrap_or(Access::None),
        }
    }

    /// Scopes named here.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Scopes(scopes) => Some(scopes.keys().map(String::as_str)),
            _ => None,
        }
        .into_iter()
        .flatten()
    }
}

/// One step.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// `id`, else `name`, else what it uses, else the first line of its script.
    pub label: String,
    /// Action that it uses.
    pub uses: Option<String>,
    /// Script.
    pub run: Option<String>,
    /// Condition, with whether it is a block scalar.
    pub condition: Option<(String, bool)>,
    /// May fail.
    pub continue_on_error: bool,
    /// Inputs.
    pub with: BTreeMap<String, String>,
    /// Lines of the inputs.
    pub with_lines: BTreeMap<String, u32>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Inputs or environment that are one expression, so that nobody can read which there are.
    pub unseen: Vec<Place>,
    /// Shell of the script.
    pub shell: Option<Place>,
    /// Line of the step.
    pub line: u32,
    /// Line of the script.
    pub run_line: u32,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Key under `jobs`.
    pub id: String,
    /// Token.
    pub permissions: Permissions,
    /// Condition, with whether it is a block scalar.
    pub condition: Option<(String, bool)>,
    /// May fail.
    pub continue_on_error: bool,
    /// Labels of the machine.
    pub runs_on: Vec<String>,
    /// Line of `runs-on`.
    pub runs_on_line: u32,
    /// Takes any machine of a group.
    pub machine_group: bool,
    /// Values of the matrix.
    pub matrix: Matrix,
    /// Containers: the job's own and its services.
    pub images: Vec<Place>,
    /// Passwords of registries as written.
    pub passwords: Vec<Place>,
    /// `cache-mode`.
    pub cache_mode: Option<Place>,
    /// Shell of scripts that name none.
    pub shell: Option<Place>,
    /// Outputs for other jobs.
    pub outputs: BTreeMap<String, String>,
    /// Scalars that hold expressions.
    pub texts: Vec<Place>,
    /// Jobs that must pass before.
    pub needs: Vec<String>,
    /// Called workflow.
    pub uses: Option<String>,
    /// Passes every secret to the called workflow.
    pub inherits_secrets: bool,
    /// Environment of a deployment.
    pub environment: bool,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Line of the job.
    pub line: u32,
}

/// One workflow or composite action.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Events with their filters (`branches`, `paths`, `types` …) as text.
    pub triggers: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Line of `on`.
    pub triggers_line: u32,
    /// Token of jobs that say nothing.
    pub permissions: Permissions,
    /// Line of `permissions`.
    pub permissions_line: u32,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Jobs in order.
    pub jobs: Vec<Job>,
    /// A composite action, which has no triggers of its own.
    pub composite: bool,
    /// Inputs: true when only fixed values can be given (a choice, a number, a yes or no).
    pub inputs: BTreeMap<String, bool>,
    /// `cache-mode`.
    pub cache_mode: Option<Place>,
    /// Shell of scripts that name none.
    pub shell: Option<Place>,
    /// Scalars that hold expressions, outside of jobs.
    pub texts: Vec<Place>,
    /// Lines of the file.
    pub lines: u32,
}

impl Workflow {
    /// A job by id.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// True when strangers can start the workflow while it holds secrets.
    #[must_use]
    pub fn runs_for_strangers(&self) -> bool {
        [
            "pull_request_target",
            "workflow_run",
            "issue_comment",
            "issues",
            "discussion",
            "discussion_comment",
            "pull_request_review",
            "pull_request_review_comment",
            "fork",
            "watch",
        ]
        .iter()
        .any(|event| self.triggers.contains_key(*event))
    }
}
