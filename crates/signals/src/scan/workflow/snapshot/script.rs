//! Expressions that are pasted into scripts and into the prompts of models.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self, fences};
use super::super::stranger::{Place, TOO_MUCH, Writer};
use std::collections::BTreeSet;

/// Inputs that many actions run as a script.
const SCRIPTS: [&str; 8] =
    ["script", "run", "cmd", "command", "commands", "inlineScript", "on_retry_command", "new_command_on_retry"];
/// Inputs that one action runs.
const OWN_SCRIPTS: [(&str, &str); 4] = [
    ("addnab/docker-run-action", "options"),
    ("cardinalby/js-eval-action", "expression"),
    ("azure/cli", "inlinescript"),
    ("crazy-max/ghaction-setup-docker", "args"),
];
/// Actions that hand text to a model, in lower case, and whether the model can act (run commands, write files).
const MODELS: [(&str, bool); 10] = [
    ("anthropics/claude-code-action", true),
    ("anthropics/claude-code-base-action", true),
    ("openai/codex-action", true),
    ("google-github-actions/run-gemini-cli", true),
    ("google-gemini/gemini-cli-action", true),
    ("google-github-actions/run-gemini-code", true),
    ("aider-ai/aider-action", true),
    ("warpdotdev/oz-agent-action", true),
    ("actions/ai-inference", false),
    ("pydantic/ollama-action", false),
];

fn line_of(text: &str, at: usize, first: u32) -> u32 {
    first + u32::try_from(text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0)
}

/// Looks at one script.
fn script(place: Place<'_>, what: &str, text: &str, first: u32, found: &mut Vec<Finding>) {
    let strangers = place.workflow.runs_for_strangers();
    let mut told: BTreeSet<(&str, String)> = BTreeSet::new();
    let (mut line, mut counted) = (first, 0);
    for fence in fences(text) {
        line = line_of(&text[counted..], fence.at - counted, line);
        counted = fence.at;
        let Some(read) = expression::parse(fence.inside) else { continue };
        let (writer, context) = place.writer(&read);
        let rule = match writer {
            Writer::Stranger => id::CI_TEMPLATE_INJECTION,
            Writer::Caller => id::CI_SCRIPT_VALUE,
            Writer::Unknown if strangers => id::CI_SCRIPT_VALUE,
            Writer::Unknown | Writer::Fixed => id::CI_SCRIPT_EXPRESSION,
        };
        let shown = fence.inside.split_whitespace().collect::<Vec<_>>().join(" ");
        if context == TOO_MUCH {
            found.push(Finding::new(rule, line, 0, format!("{what} holds {TOO_MUCH}, from {shown} on")));
            return;
        }
        // Once for each expression of a script, and for each line that strangers can fill.
        if rule != id::CI_TEMPLATE_INJECTION && told.contains(&(rule, shown.clone())) {
            continue;
        }
        let whose = match writer {
            Writer::Stranger if !shown.to_lowercase().contains(&context) => format!(" (through {context})"),
            _ => String::new(),
        };
        found.push(Finding::new(rule, line, 0, format!("{what} holds {shown}{whose}")));
        told.insert((rule, shown));
    }
}

pub(super) fn check(place: Place<'_>, found: &mut Vec<Finding>) {
    let step = place.step;
    if let Some(run) = &step.run {
        script(place, "the script", run, step.run_line, found);
        environment(place, run, found);
        downloads(step.run_line, run, found);
    }
    let Some(action) = step.action() else { return };
    for (key, text) in &step.with {
        let own = OWN_SCRIPTS.iter().any(|(name, input)| *name == action && key.eq_ignore_ascii_case(input));
        if own || SCRIPTS.contains(&key.as_str()) {
            let first = step.with_lines.get(key).copied().unwrap_or(step.line);
            script(place, key, text, first, found);
        }
    }
    model(place, &action, found);
}

/// A model that strangers can start, or whose prompt they write.
fn model(place: Place<'_>, action: &str, found: &mut Vec<Finding>) {
    let Some((_, acts)) = MODELS.iter().find(|(name, _)| *name == action) else { return };
    let step = place.step;
    if place.workflow.runs_for_strangers() {
        let message = format!("{action} runs on events that strangers can cause");
        found.push(Finding::new(id::CI_MODEL_STRANGERS, step.line, 0, message));
    }
    for (key, text) in step.with.iter().filter(|_| *acts) {
        let filled = fences(text).into_iter().find(|fence| {
            expression::parse(fence.inside).is_some_and(|read| place.writer(&read).0 == Writer::Stranger)
        });
        if let Some(fence) = filled {
            let first = step.with_lines.get(key).copied().unwrap_or(step.line);
            let message = format!("{key} holds {}", fence.inside.trim());
            found.push(Finding::new(id::CI_MODEL_PROMPT, line_of(text, fence.at, first), 0, message));
        }
    }
}

/// Writes the environment of later steps with something that is not in the file.
fn environment(place: Place<'_>, run: &str, found: &mut Vec<Finding>) {
    if !place.workflow.runs_for_strangers() && !place.workflow.composite {
        return;
    }
    let writes = (0u32..).zip(run.lines()).find(|(_, line)| {
        let named = line.contains("GITHUB_ENV") || line.contains("GITHUB_PATH");
        let writes = [">", "tee ", "Out-File", "Add-Content"].iter().any(|mark| line.contains(mark));
        named && writes && !is_fixed(line)
    });
    if let Some((offset, line)) = writes {
        let message = "writes the environment of later steps";
        found.push(Finding::new(id::CI_ENVIRONMENT_FILE, step_line(place, offset), 0, message).showing(line.trim()));
    }
}

fn step_line(place: Place<'_>, offset: u32) -> u32 {
    place.step.run_line + offset
}

/// A line that prints fixed text into the file.
fn is_fixed(line: &str) -> bool {
    let prints = ["echo ", "printf ", "Write-Output "].iter().any(|command| line.trim_start().starts_with(command));
    let mut rest = line.to_owned();
    for file in ["GITHUB_ENV", "GITHUB_PATH"] {
        for form in [format!("${{{file}}}"), format!("$env:{file}"), format!("${file}"), format!("%{file}%")] {
            rest = rest.replace(&form, "");
        }
    }
    prints && !rest.contains(['$', '`', '%'])
}

/// Programs from the network that are run unseen.
pub(in super::super) fn downloads(first: u32, run: &str, found: &mut Vec<Finding>) {
    const PIPES: [&str; 12] = [
        "| sh",
        "| bash",
        "| sudo",
        "|sh",
        "|bash",
        "| python",
        "bash <(",
        "sh <(",
        "bash -c \"$(",
        "sh -c \"$(",
        "| iex",
        "iex (",
    ];
    const FETCHES: [&str; 5] = ["curl ", "wget ", "Invoke-WebRequest", "DownloadString", "iwr "];
    // A hash or a signature that is checked in the same script.
    let checked = ["sha256sum", "sha512sum", "shasum", "cosign verify", "gpg --verify", "minisign"]
        .iter()
        .any(|tool| run.contains(tool));
    let mut saved: Vec<&str> = Vec::new();
    for (offset, line) in (0u32..).zip(run.lines()) {
        let fetches = FETCHES.iter().any(|mark| line.contains(mark));
        let piped = fetches && PIPES.iter().any(|pipe| line.contains(pipe));
        let later = !fetches && !checked && saved.iter().any(|file| runs(line, file));
        if piped || later {
            found.push(
                Finding::new(id::CI_PIPED_DOWNLOAD, first + offset, 0, "runs a download unseen").showing(line.trim()),
            );
            saved.clear();
        } else if fetches {
            saved.extend(saved_as(line));
        }
    }
}

/// Name of the file that a line downloads: what `-o` says, else the end of the address.
fn saved_as(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let said = words
        .windows(2)
        .find(|pair| matches!(pair[0], "-o" | "--output" | "-O" | "-OutFile") && !pair[1].contains("://"));
    let address = || words.iter().find(|word| word.contains("://"));
    let file = said.map(|pair| pair[1]).or_else(|| address().copied())?;
    let name = file.trim_matches(['"', '\'', ')', ';']).rsplit('/').next()?;
    (name.len() > 1 && !name.contains(['$', '{', '?'])).then_some(name)
}

/// A line that runs a file: by its name as a program, or handed to a shell.
fn runs(line: &str, file: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let name = word.trim_matches(['"', '\'', ';']);
        let after = |shells: &[&str]| at > 0 && shells.contains(&words[at - 1]);
        let starts = at == 0 || after(&["&&", "||", ";", "then", "sudo", "do"]);
        let shell = after(&["sh", "bash", "python", "python3", "source", "."]);
        name.rsplit('/').next() == Some(file) && ((starts && name.contains('/')) || shell)
    })
}
