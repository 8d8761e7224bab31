//! Other files that decide what runs: update services, hooks of checks, and the pipelines of other forges. Only the few forms of attack below are looked for.

use super::super::finding::Finding;
use super::super::paths::{extension, file_name};
use super::super::rules::id;
use super::super::yaml::{Node, Value, parse_all};
use super::snapshot::{downloads, is_pinned, lookalike};

/// Kind of a file, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    Updates,
    Hooks,
    GitLab,
    Azure,
    Tekton,
    Jenkins,
}

fn kind(path: &str) -> Option<Machine> {
    let name = file_name(path);
    let yaml = matches!(extension(path).as_deref(), Some("yml" | "yaml"));
    Some(match name {
        _ if name.starts_with("Jenkinsfile") => Machine::Jenkins,
        "dependabot.yml" | "dependabot.yaml" => Machine::Updates,
        ".pre-commit-config.yaml" | ".pre-commit-config.yml" => Machine::Hooks,
        _ if !yaml => return None,
        _ if name.ends_with(".gitlab-ci.yml") || path.starts_with(".gitlab/") => Machine::GitLab,
        _ if name.contains("azure-pipelines") => Machine::Azure,
        _ if path.starts_with(".tekton/") => Machine::Tekton,
        _ => return None,
    })
}

/// Findings of such a file; none for any other path. A file that cannot be read has none.
#[must_use]
pub fn check(path: &str, bytes: &[u8]) -> Vec<Finding> {
    let mut found = Vec::new();
    match kind(path) {
        None => {}
        Some(Machine::Jenkins) => jenkins(&String::from_utf8_lossy(bytes), &mut found),
        Some(machine) => {
            for document in parse_all(bytes).unwrap_or_default() {
                match machine {
                    Machine::Updates => updates(&document, &mut found),
                    Machine::Hooks => hooks(&document, &mut found),
                    machine => {
                        walk(&document, "", &mut |key, node, text| pipeline(machine, key, node, text, &mut found))
                    }
                }
            }
        }
    }
    super::settle(&mut found, super::lines(bytes));
    found
}

/// Dependabot: code of dependencies, and updates on their first day.
fn updates(document: &Node, found: &mut Vec<Finding>) {
    for update in document.get("updates").map(Node::items).unwrap_or_default() {
        let ecosystem = update.get_text("package-ecosystem").unwrap_or("an ecosystem");
        if let Some(allow) = update.get("insecure-external-code-execution").filter(|node| node.text() == Some("allow"))
        {
            let message = format!("{ecosystem}: insecure-external-code-execution: allow");
            found.push(Finding::new(id::CI_UPDATE_EXECUTION, allow.line, 0, message));
        }
        let days = update.get("cooldown").and_then(|cooldown| cooldown.get_text("default-days")?.parse::<u32>().ok());
        if days.is_none_or(|days| days < 7) {
            let said = days.map_or_else(|| "no waiting time".to_owned(), |days| format!("waits {days} days"));
            found.push(Finding::new(id::CI_UPDATE_COOLDOWN, update.line, 0, format!("{ecosystem}: {said}")));
        }
    }
}

/// pre-commit: hooks from an address that anybody on the way can change, or whose owner resembles another.
fn hooks(document: &Node, found: &mut Vec<Finding>) {
    for repository in document.get("repos").map(Node::items).unwrap_or_default() {
        let Some(node) = repository.get("repo") else { continue };
        let address = node.text().unwrap_or_default();
        if address.starts_with("http://") || address.starts_with("git://") {
            found.push(Finding::new(id::CI_PLAIN_FETCH, node.line, 0, address));
        }
        let lower = address.to_lowercase();
        if let Some((_, name)) = lower.split_once("github.com/") {
            lookalike(name.trim_end_matches('/').trim_end_matches(".git"), node.line, found);
        }
    }
}

/// Calls `each` with the nearest key above every scalar.
fn walk<'a>(node: &'a Node, key: &'a str, each: &mut dyn FnMut(&str, &Node, &str)) {
    match &node.value {
        Value::Scalar { text, .. } => each(key, node, text),
        Value::Sequence(items) => items.iter().for_each(|item| walk(item, key, each)),
        Value::Mapping(entries) => {
            for (name, value) in entries {
                // `image: {name: x}` and `services: [{name: x}]` name images.
                let under = match name.text().unwrap_or_default() {
                    "name" if matches!(key, "image" | "services") => "image",
                    name => name,
                };
                walk(value, under, each);
            }
        }
    }
}

/// One scalar of a pipeline.
fn pipeline(machine: Machine, key: &str, node: &Node, text: &str, found: &mut Vec<Finding>) {
    let debug = matches!(key, "CI_DEBUG_TRACE" | "CI_DEBUG_SERVICES" | "system.debug" | "System.Debug");
    if debug && text.eq_ignore_ascii_case("true") {
        found.push(Finding::new(id::CI_DEBUG_LOG, node.line, 0, key));
    }
    let image = match machine {
        Machine::GitLab => matches!(key, "image" | "services"),
        Machine::Tekton => key == "image",
        _ => false,
    };
    // A name made of variables is pinned or not elsewhere.
    if image && !is_pinned(text) && !text.contains('$') {
        found.push(Finding::new(id::CI_UNPINNED_IMAGE, node.line, 0, text));
    }
    if machine == Machine::GitLab && key == "remote" {
        found.push(Finding::new(id::CI_UNPINNED, node.line, 0, text));
    }
    let script = match machine {
        Machine::GitLab => matches!(key, "script" | "before_script" | "after_script"),
        _ => matches!(key, "script" | "bash" | "pwsh" | "powershell"),
    };
    if !script {
        return;
    }
    downloads(node.line, text, found);
    for (offset, line) in (0u32..).zip(text.lines()) {
        if let Some((rule, what)) = pasted(machine, line) {
            let message = format!("the script holds {what}");
            found.push(Finding::new(rule, node.line + offset, 0, message).showing(line.trim()));
        }
    }
}

/// What the forge pastes into a line of a script before the shell reads it.
fn pasted(machine: Machine, line: &str) -> Option<(&'static str, String)> {
    let inside = |open: &str, close: &str| -> Vec<String> {
        line.split(open)
            .skip(1)
            .filter_map(|rest| rest.split(close).next())
            .map(|inner| inner.trim().to_owned())
            .collect()
    };
    match machine {
        // An input is pasted as text; `expand_vars` puts variables of the run into it first.
        Machine::GitLab => inside("$[[", "]]")
            .into_iter()
            .find(|inner| inner.contains("inputs.") && inner.contains("expand_vars"))
            .map(|inner| (id::CI_SCRIPT_VALUE, inner)),
        Machine::Azure => inside("$(", ")")
            .into_iter()
            .find(|inner| {
                let inner = inner.to_lowercase();
                inner.starts_with("build.sourcebranch")
                    || inner == "build.sourceversionmessage"
                    || inner == "system.pullrequest.sourcebranch"
            })
            .map(|inner| (id::CI_TEMPLATE_INJECTION, inner)),
        Machine::Tekton => inside("{{", "}}")
            .into_iter()
            .find(|inner| inner.starts_with("body.pull_request.") || inner == "source_branch")
            .map(|inner| (id::CI_TEMPLATE_INJECTION, inner)),
        _ => None,
    }
}

/// Variables of Jenkins whose text no stranger writes.
const JENKINS: [&str; 14] = [
    "WORKSPACE",
    "BUILD_NUMBER",
    "BUILD_ID",
    "BUILD_TAG",
    "BUILD_URL",
    "BUILD_DISPLAY_NAME",
    "JOB_NAME",
    "JOB_BASE_NAME",
    "JENKINS_HOME",
    "JENKINS_URL",
    "EXECUTOR_NUMBER",
    "NODE_NAME",
    "GIT_COMMIT",
    "CHANGE_ID",
];

/// Jenkins: Groovy pastes `${…}` into texts in double quotes, so that the shell sees what a stranger wrote, and logs what a secret holds.
fn jenkins(text: &str, found: &mut Vec<Finding>) {
    const STRANGERS: [&str; 6] = [
        "CHANGE_TITLE",
        "CHANGE_BRANCH",
        "CHANGE_AUTHOR_DISPLAY_NAME",
        "ghprbPullTitle",
        "ghprbSourceBranch",
        "ghprbPullLongDescription",
    ];
    downloads(1, text, found);
    // Names that this file gives a value itself.
    let own: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter_map(|(name, _)| name.split_whitespace().next_back())
        .collect();
    let mut quoted = false;
    for (number, line) in (1u32..).zip(text.lines()) {
        let starts =
            ["sh \"", "sh(\"", "bat \"", "sh(script: \"", "sh script: \""].iter().any(|call| line.contains(call));
        let inside = quoted || starts;
        if line.matches("\"\"\"").count() % 2 == 1 {
            quoted = inside && !quoted;
        }
        if !inside {
            continue;
        }
        for inner in line.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
            let name = inner.trim().trim_start_matches("env.");
            let rule = if STRANGERS.contains(&name) { id::CI_TEMPLATE_INJECTION } else { id::CI_SCRIPT_VALUE };
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
            if plain && !own.contains(&name) && !JENKINS.contains(&name) {
                found.push(Finding::new(rule, number, 0, format!("the script holds {name}")).showing(line.trim()));
            }
        }
    }
    for (number, line) in (1u32..).zip(text.lines()) {
        if ["|| true", "|| :", "|| exit 0"].iter().any(|mark| line.contains(mark)) {
            found.push(Finding::new(id::CI_IGNORED_FAILURE, number, 0, "a failure is swallowed").showing(line.trim()));
        }
    }
}

#[cfg(test)]
mod tests;
