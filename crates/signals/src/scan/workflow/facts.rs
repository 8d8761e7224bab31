//! What jobs and steps do, by the names that they use.

use super::model::{Job, Step, Workflow};

/// Actions that publish, in lower case.
const PUBLISHERS: [&str; 27] = [
    "pypa/gh-action-pypi-publish",
    "softprops/action-gh-release",
    "ncipollo/release-action",
    "svenstaro/upload-release-action",
    "release-drafter/release-drafter",
    "googleapis/release-please-action",
    "goreleaser/goreleaser-action",
    "jreleaser/release-action",
    "js-devtools/npm-publish",
    "rubygems/release-gem",
    "actions/attest-build-provenance",
    "actions/deploy-pages",
    "redhat-actions/push-to-registry",
    "katyo/publish-crates",
    "cloudflare/wrangler-action",
    "google-github-actions/deploy-appengine",
    "google-github-actions/deploy-cloudrun",
    "google-github-actions/deploy-cloud-functions",
    "aws-actions/amazon-ecs-deploy-task-definition",
    "aws-actions/aws-cloudformation-github-deploy",
    "azure/aci-deploy",
    "azure/container-apps-deploy-action",
    "azure/functions-action",
    "azure/sql-action",
    "azure/webapps-deploy",
    "azure/k8s-deploy",
    "appleboy/ssh-action",
];

/// Commands that publish.
const PUBLISHING: [&str; 9] = [
    "cargo publish",
    "npm publish",
    "pnpm publish",
    "twine upload",
    "uv publish",
    "poetry publish",
    "gh release create",
    "docker push",
    "gem push",
];

impl Workflow {
    /// Events of this workflow that run with secrets, and that strangers cause by themselves.
    pub fn dangerous_triggers(&self) -> impl Iterator<Item = &'static str> {
        ["pull_request_target", "workflow_run", "issue_comment"]
            .into_iter()
            .filter(|event| self.triggers.contains_key(*event))
    }

    /// True when a push to a branch for releases starts the workflow.
    #[must_use]
    pub fn releases_by_branch(&self) -> bool {
        let branches = self.triggers.get("push").and_then(|filters| filters.get("branches"));
        branches.is_some_and(|names| names.iter().any(|name| name.to_lowercase().contains("release")))
    }

    /// True when the workflow publishes: by event, or by what its steps do.
    #[must_use]
    pub fn publishes(&self) -> bool {
        let by_event = self.triggers.contains_key("release")
            || self.triggers.get("push").is_some_and(|filters| filters.contains_key("tags"))
            || self.releases_by_branch();
        by_event || self.jobs.iter().any(Job::publishes)
    }
}

impl Job {
    /// True when a step publishes something.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.steps.iter().any(|step| {
            let named = step.action().is_some_and(|action| match action.as_str() {
                // Counted as publishing unless the step says that it only builds.
                "docker/build-push-action" => step.with.get("push").is_none_or(|push| push != "false"),
                action => PUBLISHERS.contains(&action),
            });
            named || step.run.as_deref().is_some_and(|run| PUBLISHING.iter().any(|command| run.contains(command)))
        })
    }

    /// True for machines that are not the forge's.
    #[must_use]
    pub fn self_hosted(&self) -> bool {
        self.machine_group || self.runs_on.iter().any(|label| label.eq_ignore_ascii_case("self-hosted"))
    }
}

impl Step {
    /// Name of the action in lower case, without its version.
    #[must_use]
    pub fn action(&self) -> Option<String> {
        Some(self.uses.as_deref()?.split('@').next()?.to_lowercase())
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
