//! What a job installs without a lock, and in which shell it runs.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self};
use super::super::model::Step;
use super::super::stranger::Place;

/// Actions that install a tool in its newest version unless told otherwise: name, the input that pins it, and values that pin nothing.
const TOOLS: [(&str, &str); 4] = [
    ("aquasecurity/setup-trivy", "version"),
    ("1password/load-secrets-action", "version"),
    ("extractions/setup-just", "just-version"),
    ("sigstore/cosign-installer", "cosign-release"),
];

/// Shells that GitHub knows by name.
const SHELLS: [&str; 7] = ["bash", "sh", "pwsh", "powershell", "python", "python3", "zsh"];

pub(super) fn check(place: Place<'_>, found: &mut Vec<Finding>) {
    let step = place.step;
    if never(step) {
        return;
    }
    shell(place, found);
    if let Some(run) = &step.run {
        for (offset, line) in (0u32..).zip(run.lines()) {
            if let Some(package) = unlocked(line) {
                let message = format!("{package} comes without a lock");
                found.push(
                    Finding::new(id::CI_UNLOCKED_INSTALL, step.run_line + offset, 0, message).showing(line.trim()),
                );
            }
        }
    }
    let Some(action) = step.action() else { return };
    let tool = TOOLS.iter().find(|(name, _)| *name == action);
    let floats = |value: &String| matches!(value.as_str(), "latest" | "*" | "") || value.contains("${{");
    // The installer of cosign has a fixed version of its own.
    let by_default = action != "sigstore/cosign-installer";
    if let Some((_, input)) = tool.filter(|(_, input)| step.with.get(*input).map_or(by_default, floats)) {
        let message = format!("{action} installs what is newest; {input} does not name a version");
        found.push(Finding::new(id::CI_UNLOCKED_INSTALL, step.line, 0, message));
    }
    if action == "actions/setup-python" && step.with.contains_key("pip-install") {
        found.push(Finding::new(id::CI_UNLOCKED_INSTALL, step.line, 0, "pip-install installs without a lock"));
    }
}

/// A step that can never run.
fn never(step: &Step) -> bool {
    let Some((text, _)) = &step.condition else { return false };
    let bare = expression::whole(text).unwrap_or(text);
    expression::parse(bare).and_then(|read| read.truth(&|_| None)) == Some(false)
}

fn shell(place: Place<'_>, found: &mut Vec<Finding>) {
    let Some(shell) = place
        .step
        .run
        .as_ref()
        .and(place.step.shell.as_ref().or(place.job.shell.as_ref()).or(place.workflow.shell.as_ref()))
    else {
        return;
    };
    let program = shell.text.split_whitespace().next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    if !shell.text.contains("${{") && !SHELLS.contains(&name.trim_end_matches(".exe").to_lowercase().as_str()) {
        let message = format!("step {} runs in '{}'", place.step.label, shell.text);
        found.push(Finding::new(id::CI_ODD_SHELL, shell.line, 0, message));
    }
}

/// The package that a line installs by name, past any lock file.
fn unlocked(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().take(40).collect();
    for (at, pair) in words.windows(2).enumerate() {
        let installs = matches!(pair, ["gem", "install" | "i"] | ["npm", "install" | "i" | "add"]);
        // `echo npm install x` installs nothing.
        if !installs || words[..at].iter().any(|word| matches!(*word, "echo" | "#")) {
            continue;
        }
        let mut rest = words[at + 2..].iter().take_while(|word| !matches!(**word, "&&" | "||" | ";" | "|" | "#"));
        if words[at + 2..].contains(&"--help") {
            return None;
        }
        return rest.find(|word| is_package(word)).copied();
    }
    None
}

/// Neither an option nor something of this repository.
fn is_package(word: &str) -> bool {
    !word.starts_with(['-', '.', '/', '$', '>', '"', '\'']) && !word.ends_with(".gem") && !word.ends_with(".tgz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_by_name() {
        for line in [
            "gem install rake",
            "gem install --no-document rake",
            "gem i rake",
            "npm install oxlint@1.55.0",
            "sudo npm i -g lodash && x",
            "npm add lodash",
        ] {
            assert!(unlocked(line).is_some(), "{line}");
        }
    }

    #[test]
    fn locked_or_own() {
        for line in [
            "bundle install",
            "gem install --help",
            "gem install ./own.gem",
            "npm ci",
            "npm install",
            "npm install --no-fund",
            "npm install && npm test",
            "echo npm install x",
            "npm i",
        ] {
            assert_eq!(unlocked(line), None, "{line}");
        }
    }
}
