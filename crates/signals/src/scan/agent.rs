//! Files that coding agents obey: instructions, skills, settings, tool servers.

use super::finding::Finding;
use super::flatten::{Entry, Settings};
use super::hidden;
use super::phrase::{self, Phrases};
use super::rules::id;

/// Words that command; two of them in a comment that no page shows are an instruction.
const COMMANDS: [&str; 24] = [
    "always",
    "never",
    "must",
    "do not",
    "don't",
    "ignore",
    "run ",
    "execute",
    "fetch",
    "download",
    "insert",
    "append",
    "include",
    "add ",
    "send",
    "approve",
    "you are",
    "you should",
    "make sure",
    "ensure",
    "skip",
    "disable",
    "without",
    "instead",
];

/// Ways to keep text off a rendered page.
const INVISIBLE_STYLE: [&str; 6] =
    ["display:none", "display: none", "font-size:0", "font-size: 0", "visibility:hidden", "opacity:0"];

/// Longest stretch of a comment that is looked at, in bytes.
const MAX_COMMENT_BYTES: usize = 16 << 10;
/// Longest unbroken run of base64 letters that is ordinary.
const MAX_BASE64: usize = 160;

/// Findings in a file of instructions. `hidden` are the findings of hidden text in it.
#[must_use]
pub fn instructions(bytes: &[u8], phrases: &Phrases, hidden: &[Finding]) -> Vec<Finding> {
    let mut found = Vec::new();
    for finding in hidden {
        if hides_text(finding.rule) {
            let message = format!("hidden text in a file that agents obey ({})", finding.rule);
            let mut copy = Finding::new(id::AGENT_HIDDEN, finding.line, finding.column, message);
            copy.shown.clone_from(&finding.shown);
            found.push(copy);
        }
    }
    for mark in phrases.marks(bytes) {
        let (rule, message) = match mark.group {
            "concealment" => (id::AGENT_CONCEALMENT, "an agent is told to hide something"),
            "override" => (id::AGENT_OVERRIDE, "an agent is told to set aside its instructions"),
            "network" | "secret" => {
                (id::AGENT_NETWORK, "an agent is told to fetch and run, to read secrets or to send something out")
            }
            _ => continue,
        };
        found.push(phrase::finding(rule, bytes, &mark, message.to_owned()));
    }
    comments(bytes, &mut found);
    base64(bytes, &mut found);
    found
}

fn hides_text(rule: &str) -> bool {
    [
        id::BIDI_UNTERMINATED,
        id::BIDI_REORDER,
        id::BIDI_CLOSED,
        id::INVISIBLE_TEXT,
        id::INVISIBLE_IDENTIFIER,
        id::TAG_SMUGGLING,
        id::TAG_STRAY,
        id::VARIATION_PAYLOAD,
        id::VARIATION_BASE,
        id::TERMINAL_CONTROL,
    ]
    .contains(&rule)
}

fn line_of(bytes: &[u8], at: usize) -> u32 {
    u32::try_from(super::text::count_lines(&bytes[..at]) + 1).unwrap_or(u32::MAX)
}

/// Text that a rendered page leaves out: HTML comments, link comments, invisible styles.
fn comments(bytes: &[u8], found: &mut Vec<Finding>) {
    for (open, close) in [(&b"<!--"[..], &b"-->"[..]), (b"[//]: #", b"\n"), (b"[comment]:", b"\n")] {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&bytes[from..], open).map(|at| from + at) {
            let start = at + open.len();
            let end = memchr::memmem::find(&bytes[start..], close).map_or(bytes.len(), |length| start + length);
            let text = String::from_utf8_lossy(&bytes[start..end.min(start + MAX_COMMENT_BYTES)]);
            let lower = text.to_lowercase();
            if COMMANDS.iter().filter(|word| lower.contains(**word)).count() >= 2 {
                let shown = hidden::escape(&text.split_whitespace().collect::<Vec<_>>().join(" "));
                found.push(
                    Finding::new(id::AGENT_COMMENT, line_of(bytes, at), 1, "a comment that no page shows gives orders")
                        .showing(shown),
                );
            }
            from = end;
        }
    }
    let lower = bytes.to_ascii_lowercase();
    for style in INVISIBLE_STYLE {
        if let Some(at) = memchr::memmem::find(&lower, style.as_bytes()) {
            found.push(Finding::new(
                id::AGENT_COMMENT,
                line_of(bytes, at),
                1,
                format!("the style '{style}' hides text from readers"),
            ));
        }
    }
}

/// A long base64 run is text that no reviewer reads.
fn base64(bytes: &[u8], found: &mut Vec<Finding>) {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate().chain(std::iter::once((bytes.len(), &b' '))) {
        if letter(byte) {
            continue;
        }
        if at - start > MAX_BASE64 {
            let message = format!("{} letters without a space: encoded text that a reviewer cannot read", at - start);
            found.push(Finding::new(id::AGENT_NETWORK, line_of(bytes, start), 1, message));
        }
        start = at + 1;
    }
}

/// Findings in settings of agents, editors and tool servers.
#[must_use]
pub fn settings(path: &str, bytes: &[u8]) -> Vec<Finding> {
    let settings = match Settings::read(path, bytes) {
        Ok(settings) => settings,
        Err(reason) => {
            return vec![Finding::new(id::AGENT_TRUST, 0, 0, format!("settings could not be read: {reason}"))];
        }
    };
    let mut found: Vec<Finding> = settings.0.iter().filter_map(setting).collect();
    servers(&settings, &mut found);
    found
}

fn setting(entry: &Entry) -> Option<Finding> {
    let path = entry.path.as_str();
    let last = path.rsplit('/').next().unwrap_or(path);
    let (rule, message) = if (path.starts_with("hooks/") && last == "command")
        || (last == "runOn" && entry.value == "folderOpen")
        || path == "initializeCommand"
        || path.starts_with("initializeCommand/")
        || (path == "statusLine/command")
    {
        (id::AGENT_HOOK, "a command that runs by itself")
    } else if last.ends_with("_BASE_URL")
        || last.ends_with("_API_URL")
        || last.eq_ignore_ascii_case("https_proxy")
        || last.eq_ignore_ascii_case("http_proxy")
    {
        (id::AGENT_ENDPOINT, "the model's address is redirected")
    } else if matches!(last, "apiKeyHelper" | "awsAuthRefresh" | "awsCredentialExport" | "otelHeadersHelper") {
        (id::AGENT_HOOK, "a command that hands out credentials")
    } else if trusts(path, last, &entry.value) {
        (id::AGENT_TRUST, "approval is given in advance")
    } else {
        return None;
    };
    let shown = hidden::escape(&format!("{path} = {}", entry.value));
    Some(Finding::new(rule, entry.line, 0, message).showing(shown))
}

fn trusts(path: &str, last: &str, value: &str) -> bool {
    let yes = value.eq_ignore_ascii_case("true");
    match last {
        "enableAllProjectMcpServers"
        | "chat.tools.autoApprove"
        | "chat.tools.global.autoApprove"
        | "autoApproveAll"
        | "trustAll"
        | "trust" => yes,
        "defaultMode" => value == "bypassPermissions",
        "approval_policy" => value == "never",
        "sandbox_mode" => value == "danger-full-access",
        "[]" if path == "permissions/allow/[]" => matches!(value, "*" | "Bash" | "Bash(*)" | "Bash(:*)" | "Bash(**)"),
        _ => false,
    }
}

/// Tool servers: what is started, and from where.
fn servers(settings: &Settings, found: &mut Vec<Finding>) {
    let mut names: Vec<&str> = Vec::new();
    for entry in &settings.0 {
        let Some(at) = entry.path.rfind("ervers/") else { continue };
        let rest = &entry.path[at + 7..];
        let name = &entry.path[..at + 7 + rest.find('/').unwrap_or(rest.len())];
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let of = |key: &str| {
            let path = format!("{name}/{key}");
            settings.0.iter().filter(move |entry| entry.path == path)
        };
        let command = of("command").map(|entry| entry.value.as_str()).next().unwrap_or_default();
        let line = of("command").chain(of("url")).map(|entry| entry.line).next().unwrap_or(0);
        let arguments: Vec<&str> = of("args/[]").map(|entry| entry.value.as_str()).collect();
        let whole = format!("{command} {}", arguments.join(" "));
        let shown = hidden::escape(&whole);
        let program = command.rsplit(['/', '\\']).next().unwrap_or(command);
        if matches!(program, "sh" | "bash" | "zsh" | "cmd" | "powershell" | "pwsh")
            && ["curl", "wget", "http", "base64", "nc "].iter().any(|word| whole.contains(word))
        {
            found.push(
                Finding::new(id::AGENT_HOOK, line, 0, "a tool server is a shell that fetches something").showing(shown),
            );
        } else if fetches_unpinned(program, &arguments) {
            found.push(
                Finding::new(id::AGENT_MCP_FETCH, line, 0, "a tool server is fetched at every start without a version")
                    .showing(shown),
            );
        } else if let Some(url) = of("url").find(|entry| {
            entry.value.starts_with("http://")
                && !entry.value.contains("localhost")
                && !entry.value.contains("127.0.0.1")
        }) {
            found.push(
                Finding::new(id::AGENT_MCP_FETCH, url.line, 0, "a tool server over a plain address")
                    .showing(url.value.clone()),
            );
        }
    }
}

fn fetches_unpinned(program: &str, arguments: &[&str]) -> bool {
    let package = arguments
        .iter()
        .find(|argument| !argument.starts_with('-') && !matches!(**argument, "run" | "dlx" | "exec" | "x"));
    let version = |package: &str| package.get(1..).and_then(|rest| rest.find('@').map(|at| rest[at + 1..].to_owned()));
    match program {
        "npx" | "bunx" | "pnpx" => {
            package.is_some_and(|package| version(package).is_none_or(|version| version == "latest"))
        }
        "uvx" | "pipx" => package.is_some_and(|package| {
            !package.contains("==") && version(package).is_none_or(|version| version == "latest")
        }),
        "docker" | "podman" => arguments.last().is_some_and(|image| image.contains('/') && !image.contains("@sha256:")),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
