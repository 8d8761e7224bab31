//! How far a context can be filled by strangers.

use super::expression::{self, Expression, fences};
use super::model::{Job, Step, Workflow};
use std::cell::Cell;

/// How much is followed for one workflow: an expression, or 64 bytes that are read for one. Variables can name each other, so that the work would
/// grow with every level; ordinary files need a few thousand.
pub(super) const MAX_FOLLOWED: u32 = 1_000_000;

/// Who decides over the text that a context holds; later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writer {
    /// The forge, or the file itself: hashes, numbers, names of events, fixed values.
    Fixed,
    /// Something that is not in the file: outputs of steps, inputs, variables, the values of a matrix made at run time.
    Unknown,
    /// Whoever calls the action or workflow, or a step that was given strangers' text and may hand it on.
    Caller,
    /// Anybody on the network.
    Stranger,
}

/// Fields that strangers write, `*` for any one part. GitHub Security Lab, "untrusted input"; CodeQL's list of the same; `github.event` as a whole holds them all.
const STRANGERS: [&str; 46] = [
    "github.event.changes.title.from",
    "github.event.changes.body.from",
    "github.event.merge_group.head_ref",
    "github.event.merge_group.head_commit.message",
    "github.event.merge_group.head_commit.author.*",
    "github.event.merge_group.head_commit.committer.*",
    "github.event.workflow_run.display_title",
    "github.event.workflow_run.head_commit.committer.*",
    "github.head_ref",
    "github.event.issue",
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.pull_request.head",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.event.pull_request.head.repo.description",
    "github.event.pull_request.head.repo.homepage",
    "github.event.comment",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.discussion",
    "github.event.discussion.title",
    "github.event.discussion.body",
    "github.event.pages",
    "github.event.pages.*.page_name",
    "github.event.pages.*.title",
    "github.event.commits",
    "github.event.commits.*.message",
    "github.event.commits.*.author.email",
    "github.event.commits.*.author.name",
    "github.event.head_commit",
    "github.event.head_commit.message",
    "github.event.head_commit.author.email",
    "github.event.head_commit.author.name",
    "github.event.head_commit.committer.name",
    "github.event.head_commit.committer.email",
    "github.event.workflow_run.head_branch",
    "github.event.workflow_run.head_commit.message",
    "github.event.workflow_run.head_commit.author.*",
    "github.event.workflow_run.head_repository.description",
    "github.event.workflow_run.pull_requests.*.head.ref",
];

/// Below `github`: what the forge writes, with a fixed set of characters.
const FORGE: [&str; 32] = [
    "action_path",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "event_name",
    "graphql_url",
    "job",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "token",
    "triggering_actor",
    "workflow",
    "workflow_sha",
    "workspace",
    "event.number",
    "event.action",
    "event.before",
    "event.after",
    "event.installation.id",
    "event.pull_request.merge_commit_sha",
    "event.repository.full_name",
    "event.repository.name",
    "event.repository.default_branch",
];

/// Last parts that are numbers, hashes, logins or yes-or-no in every event of GitHub.
const FORGE_TAILS: [&str; 12] =
    ["sha", "id", "number", "login", "node_id", "fork", "draft", "merged", "html_url", "url", "conclusion", "head_sha"];

/// In place of a context, when the file asks for more than is followed.
pub(super) const TOO_MUCH: &str = "more expressions than are followed";

/// Steps that hand on the names of changed files, which strangers choose (CVE-2023-51664).
const CHANGED_FILES: [&str; 3] = ["tj-actions/changed-files", "jitterbit/get-changed-files", "tj-actions/branch-names"];

/// Addresses and commands of the forge whose answers hold what strangers wrote.
const FORGE_TEXTS: [&str; 3] = ["/issues", "/pulls", "/comments"];
const FORGE_COMMANDS: [&str; 6] = ["gh pr view", "gh pr list", "gh issue view", "gh issue list", "/pulls/", "/issues/"];

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('.'), path.split('.'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "*" => {}
            _ => return false,
        }
    }
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// File.
    pub(super) workflow: &'a Workflow,
    /// Job.
    pub(super) job: &'a Job,
    /// Step.
    pub(super) step: &'a Step,
    /// How much may still be followed.
    pub(super) left: &'a Cell<u32>,
}

impl Place<'_> {
    /// Who writes the text that an expression yields, with the context that decides.
    #[must_use]
    pub(super) fn writer(&self, expression: &Expression) -> (Writer, String) {
        self.worst(expression, 5)
    }

    /// Takes from what may be followed; false when it is used up.
    fn spend(&self, units: usize) -> bool {
        let left = self.left.get().checked_sub(u32::try_from(units).unwrap_or(u32::MAX));
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// When the file asks for more than is followed, the worst is said: what nobody can follow is not harmless.
    fn worst(&self, expression: &Expression, depth: u32) -> (Writer, String) {
        let mut contexts = Vec::new();
        expression.flows(&mut contexts);
        if !self.spend(1 + contexts.len()) {
            return (Writer::Stranger, TOO_MUCH.to_owned());
        }
        contexts
            .into_iter()
            .map(|path| (self.context(&path, depth), path))
            .max_by_key(|(writer, _)| *writer)
            .unwrap_or((Writer::Fixed, String::new()))
    }

    /// Who writes a text of the file that may hold fences.
    fn text(&self, text: &str, depth: u32) -> Writer {
        if depth == 0 {
            return Writer::Unknown;
        }
        // Reading the text costs too.
        if !self.spend(text.len() / 64) {
            return Writer::Stranger;
        }
        fences(text)
            .into_iter()
            .map(|fence| {
                expression::parse(fence.inside).map_or(Writer::Unknown, |inner| self.worst(&inner, depth - 1).0)
            })
            .max()
            .unwrap_or(Writer::Fixed)
    }

    fn context(&self, path: &str, depth: u32) -> Writer {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        match name {
            "github" => github(path, rest),
            "env" => self.variable(rest, depth),
            "matrix" => {
                let (values, open) = self.job.matrix.of(if rest == "*" { "" } else { rest });
                if !self.spend(values.len() / 8) {
                    return Writer::Stranger;
                }
                let worst = values.into_iter().map(|place| self.text(&place.text, depth)).max();
                let open = open || (worst.is_none() && self.job.matrix.stated && rest.is_empty());
                worst.unwrap_or(Writer::Fixed).max(if open { Writer::Unknown } else { Writer::Fixed })
            }
            "inputs" => match self.workflow.inputs.get(rest) {
                Some(true) => Writer::Fixed,
                _ if self.workflow.composite => Writer::Caller,
                _ => Writer::Unknown,
            },
            "steps" => self.output(rest, depth),
            "needs" if rest.ends_with(".result") => Writer::Fixed,
            "needs" => self.need(rest, depth),
            "runner" | "job" | "strategy" | "secrets" => Writer::Fixed,
            _ => Writer::Unknown,
        }
    }

    /// A variable of the step, else of the job, else of the workflow.
    fn variable(&self, name: &str, depth: u32) -> Writer {
        // A script can give the variable another value for later steps.
        let assigned = format!("{name}=").to_lowercase();
        let rewritten = |step: &Step| {
            let script = step.run.as_deref().unwrap_or_default();
            script.lines().any(|line| line.contains("GITHUB_ENV") && line.to_lowercase().contains(&assigned))
        };
        let own = self.step.env.keys().any(|key| key.eq_ignore_ascii_case(name));
        let scripts: usize = self.job.steps.iter().filter_map(|step| step.run.as_ref()).map(String::len).sum();
        if !self.spend(self.step.env.len() / 8 + scripts / 64) {
            return Writer::Stranger;
        }
        let rewritten = !own && self.job.steps.iter().any(rewritten);
        let named = |env: &std::collections::BTreeMap<String, String>| {
            if !self.spend(env.len() / 8) {
                return Some(Writer::Stranger);
            }
            env.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| self.text(value, depth))
        };
        let stated = named(&self.step.env)
            .or_else(|| named(&self.job.env))
            .or_else(|| named(&self.workflow.env))
            .unwrap_or(Writer::Unknown);
        // The script may have cleaned the text, or only pretend to: strangers' text stays a warning.
        if rewritten { stated.clamp(Writer::Unknown, Writer::Caller) } else { stated }
    }

    /// An output of a step of the same job.
    fn output(&self, rest: &str, depth: u32) -> Writer {
        if rest.ends_with(".outcome") || rest.ends_with(".conclusion") {
            return Writer::Fixed;
        }
        let id = rest.split('.').next().unwrap_or_default();
        let Some(step) = self.job.steps.iter().find(|step| step.label.eq_ignore_ascii_case(id)) else {
            return Writer::Unknown;
        };
        let uses = step.uses.as_deref().unwrap_or_default();
        if CHANGED_FILES.iter().any(|action| uses.starts_with(action)) {
            return Writer::Stranger;
        }
        if depth == 0 {
            return Writer::Unknown;
        }
        let there = Place { step, ..*self };
        let strangers = |text: &String| there.text(text, depth - 1) == Writer::Stranger;
        let script = step.run.as_deref().unwrap_or_default();
        let variables = self.workflow.env.len() + self.job.env.len() + step.env.len();
        let outputs = script.lines().filter(|line| writes_output(line)).map(str::len).sum::<usize>();
        if !self.spend(script.len() / 64 + variables * (1 + outputs / 64)) {
            return Writer::Stranger;
        }
        if script.lines().any(|line| there.hands_on(line, depth)) {
            return Writer::Stranger;
        }
        let asks = step.with.get("route").is_some_and(|route| FORGE_TEXTS.iter().any(|part| route.contains(part)))
            || FORGE_COMMANDS.iter().any(|command| script.contains(command));
        let given = step.with.values().chain(step.env.values()).any(strangers);
        if asks || given { Writer::Caller } else { Writer::Unknown }
    }

    /// A line of a script that writes strangers' text into an output as it is.
    fn hands_on(&self, line: &str, depth: u32) -> bool {
        if !writes_output(line) {
            return false;
        }
        let named = |name: &String| {
            line.match_indices(name.as_str()).any(|(at, _)| {
                let before = &line[..at];
                let after = line[at + name.len()..].chars().next();
                (before.ends_with('$') || before.ends_with("${") || before.ends_with("env:"))
                    && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            })
        };
        let variable = |(name, value): (&String, &String)| {
            !name.is_empty() && named(name) && self.text(value, depth - 1) == Writer::Stranger
        };
        self.text(line, depth - 1) == Writer::Stranger
            || self.step.env.iter().chain(&self.job.env).chain(&self.workflow.env).any(variable)
    }

    /// An output of another job.
    fn need(&self, rest: &str, depth: u32) -> Writer {
        let mut parts = rest.split('.');
        let (id, name) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let job = self.workflow.jobs.iter().find(|job| job.id.eq_ignore_ascii_case(id)).filter(|_| depth > 0);
        let given =
            job.and_then(|job| Some((job, job.outputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?)));
        given.map_or(Writer::Unknown, |(job, (_, text))| {
            Place { job, ..*self }.text(text, depth - 1).max(Writer::Unknown)
        })
    }
}

fn writes_output(line: &str) -> bool {
    line.contains("GITHUB_OUTPUT") || line.contains("::set-output")
}

fn github(path: &str, rest: &str) -> Writer {
    // A name that is computed may be any.
    if matches!(rest, "" | "*" | "event" | "event.*") || STRANGERS.iter().any(|pattern| matches(pattern, path)) {
        return Writer::Stranger;
    }
    let tail = rest.rsplit('.').next().unwrap_or_default();
    if FORGE.contains(&rest) || (rest.starts_with("event.") && FORGE_TAILS.contains(&tail)) {
        Writer::Fixed
    } else {
        Writer::Unknown
    }
}
