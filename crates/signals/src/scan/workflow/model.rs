//! A workflow as far as the rules need it. Unknown keys are passed over.

use super::super::yaml::{Node, Value, YamlError};
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
    fn read(node: Option<&Node>) -> Self {
        let Some(node) = node else { return Self::Unsaid };
        match &node.value {
            Value::Scalar { text, .. } => match text.as_str() {
                "write-all" => Self::All(Access::Write),
                "read-all" => Self::All(Access::Read),
                _ => Self::Scopes(BTreeMap::new()),
            },
            _ => Self::Scopes(
                node.entries()
                    .iter()
                    .filter_map(|(key, value)| Some((key.text()?.to_owned(), access(value.text()?))))
                    .collect(),
            ),
        }
    }

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

fn access(word: &str) -> Access {
    match word {
        "write" => Access::Write,
        "read" => Access::Read,
        _ => Access::None,
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
    /// Environment.
    pub env: BTreeMap<String, String>,
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
}

fn texts(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Scalar { text, .. } => vec![text.clone()],
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        Value::Mapping(entries) => entries.iter().flat_map(|(_, value)| texts(value)).collect(),
    }
}

fn map(node: Option<&Node>) -> BTreeMap<String, String> {
    node.map_or_else(BTreeMap::new, |node| {
        node.entries()
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text()?.to_owned())))
            .collect()
    })
}

fn condition(node: &Node) -> Option<(String, bool)> {
    match &node.get("if")?.value {
        Value::Scalar { text, block, .. } => Some((text.clone(), *block)),
        _ => None,
    }
}

/// True for `true` and for expressions, whose value is not known here.
fn may_be_true(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.is_true() || node.text().is_some_and(|text| text.contains("${{")))
}

fn step(node: &Node) -> Step {
    let own = |key: &str| node.get_text(key).map(str::to_owned);
    let first_line =
        |text: String| text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let label = own("id")
        .or_else(|| own("name"))
        .or_else(|| own("uses"))
        .or_else(|| own("run").map(first_line))
        .unwrap_or_default();
    Step {
        label,
        uses: own("uses"),
        run: own("run"),
        condition: condition(node),
        continue_on_error: may_be_true(node.get("continue-on-error")),
        with: map(node.get("with")),
        env: map(node.get("env")),
        line: node.line,
        run_line: node.get("run").map_or(node.line, |run| run.line),
    }
}

/// Labels of `runs-on`, with those that a matrix puts there.
fn machines(node: &Node) -> Vec<String> {
    let mut labels = node.get("runs-on").map(texts).unwrap_or_default();
    if labels.iter().any(|label| label.contains("matrix.")) {
        let matrix = node.get("strategy").and_then(|strategy| strategy.get("matrix"));
        labels.extend(matrix.map(texts).unwrap_or_default());
    }
    labels
}

fn job(key: &Node, node: &Node) -> Job {
    Job {
        id: key.text().unwrap_or_default().to_owned(),
        permissions: Permissions::read(node.get("permissions")),
        condition: condition(node),
        continue_on_error: may_be_true(node.get("continue-on-error")),
        runs_on: machines(node),
        needs: node.get("needs").map(texts).unwrap_or_default(),
        uses: node.get_text("uses").map(str::to_owned),
        inherits_secrets: node.get_text("secrets") == Some("inherit"),
        environment: node.get("environment").is_some(),
        env: map(node.get("env")),
        steps: node.get("steps").map(|steps| steps.items().iter().map(step).collect()).unwrap_or_default(),
        line: key.line,
    }
}

fn triggers(node: &Node) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let filters = |value: &Node| {
        value.entries().iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), texts(value)))).collect()
    };
    match &node.value {
        Value::Scalar { text, .. } => BTreeMap::from([(text.clone(), BTreeMap::new())]),
        Value::Sequence(items) => {
            items.iter().filter_map(|item| Some((item.text()?.to_owned(), BTreeMap::new()))).collect()
        }
        Value::Mapping(entries) => {
            entries.iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), filters(value)))).collect()
        }
    }
}

impl Workflow {
    /// Reads a workflow or a composite action.
    ///
    /// # Errors
    /// [`YamlError`] when the document is neither.
    pub fn from_yaml(root: &Node) -> Result<Self, YamlError> {
        // YAML 1.1 readers turn the key `on` into true; ours keeps the word.
        let on = root.get("on");
        let runs = root.get("runs");
        if root.get("jobs").is_none() && runs.is_none() {
            return Err(YamlError { line: root.line, reason: "no jobs: not a workflow".to_owned() });
        }
        let composite = runs.is_some() && on.is_none();
        let jobs = match (composite, runs) {
            (true, Some(runs)) => {
                let key = Node {
                    value: Value::Scalar { text: "runs".to_owned(), plain: true, block: false },
                    line: runs.line,
                    column: 1,
                };
                vec![job(&key, runs)]
            }
            _ => root
                .get("jobs")
                .map(|jobs| jobs.entries().iter().map(|(key, value)| job(key, value)).collect())
                .unwrap_or_default(),
        };
        Ok(Self {
            triggers: on.map(triggers).unwrap_or_default(),
            triggers_line: on.map_or(0, |node| node.line),
            permissions: Permissions::read(root.get("permissions")),
            permissions_line: root.get("permissions").map_or(0, |node| node.line),
            env: map(root.get("env")),
            jobs,
            composite,
        })
    }

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

    /// True when the workflow publishes: by event, or by what its steps do.
    #[must_use]
    pub fn publishes(&self) -> bool {
        let by_event = self.triggers.contains_key("release")
            || self.triggers.get("push").is_some_and(|filters| filters.contains_key("tags"));
        by_event || self.jobs.iter().any(Job::publishes)
    }
}

impl Job {
    /// True when a step publishes something.
    #[must_use]
    pub fn publishes(&self) -> bool {
        const ACTIONS: [&str; 8] = [
            "pypa/gh-action-pypi-publish",
            "softprops/action-gh-release",
            "ncipollo/release-action",
            "goreleaser/goreleaser-action",
            "docker/build-push-action",
            "JS-DevTools/npm-publish",
            "rubygems/release-gem",
            "actions/attest-build-provenance",
        ];
        const COMMANDS: [&str; 7] = [
            "cargo publish",
            "npm publish",
            "twine upload",
            "uv publish",
            "gh release create",
            "docker push",
            "gem push",
        ];
        self.steps.iter().any(|step| {
            step.uses.as_deref().is_some_and(|uses| ACTIONS.iter().any(|action| uses.starts_with(action)))
                || step.run.as_deref().is_some_and(|run| COMMANDS.iter().any(|command| run.contains(command)))
        })
    }

    /// True for machines that are not the forge's.
    #[must_use]
    pub fn self_hosted(&self) -> bool {
        self.runs_on.iter().any(|label| label == "self-hosted")
    }
}

impl Step {
    /// True when the step restores a cache.
    #[must_use]
    pub fn caches(&self) -> bool {
        let Some(uses) = self.uses.as_deref() else { return false };
        let off = |key: &str| self.with.get(key).is_some_and(|value| value == "false");
        let named = |names: &[&str]| names.iter().any(|name| uses.starts_with(name));
        if named(&[
            "actions/cache@",
            "actions/cache/restore@",
            "Swatinem/rust-cache@",
            "mozilla-actions/sccache-action@",
        ]) {
            return !off("lookup-only");
        }
        if named(&["astral-sh/setup-uv@"]) {
            return !off("enable-cache");
        }
        if named(&["actions/setup-go@"]) {
            return !off("cache");
        }
        named(&["actions/setup-node@", "actions/setup-python@", "actions/setup-java@", "ruby/setup-ruby@"])
            && self.with.iter().any(|(key, value)| {
                (key == "cache" || key == "bundler-cache") && !matches!(value.as_str(), "" | "false")
            })
            || self.asks_for_a_cache()
    }

    /// True when an input of any action switches a cache on by name.
    fn asks_for_a_cache(&self) -> bool {
        self.with.iter().any(|(key, value)| {
            let asks = matches!(
                key.as_str(),
                "cache"
                    | "enable-cache"
                    | "use-cache"
                    | "package-manager-cache"
                    | "cache-from"
                    | "cache-to"
                    | "sccache"
            );
            asks && !matches!(value.to_ascii_lowercase().as_str(), "" | "false" | "no" | "never" | "none" | "0")
        })
    }

    /// True when the step looks like a check rather than a set-up.
    #[must_use]
    pub fn checks(&self) -> bool {
        const WORDS: [&str; 30] = [
            "test",
            "lint",
            "check",
            "clippy",
            "fmt",
            "deny",
            "audit",
            "verify",
            "scan",
            "codeql",
            "coverage",
            "pytest",
            "mypy",
            "ruff",
            "eslint",
            "semgrep",
            "zizmor",
            "trivy",
            "scorecard",
            "sast",
            "attest",
            "cosign",
            "slsa",
            "review",
            "guard",
            "monitor",
            "eval",
            "fuzz",
            "miri",
            "shellcheck",
        ];
        let text = [Some(self.label.as_str()), self.uses.as_deref(), self.run.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        WORDS.iter().any(|word| text.contains(word)) && !text.starts_with("actions/checkout")
    }

    /// Lines of the script that swallow a failure, with their number inside the script from 0.
    #[must_use]
    pub fn swallowed(&self) -> Vec<(u32, String)> {
        let run = self.run.as_deref().unwrap_or_default();
        let swallow = |line: &str| {
            let line = line.trim_end();
            let code = if line.trim_start().starts_with('#') { "" } else { line };
            ["|| true", "|| :", "|| exit 0", "||true", "; true", "set +e", "|| echo"]
                .iter()
                .any(|mark| code.contains(mark))
        };
        (0u32..)
            .zip(run.lines())
            .filter(|(_, line)| swallow(line))
            .map(|(at, line)| (at, line.trim().to_owned()))
            .collect()
    }
}
