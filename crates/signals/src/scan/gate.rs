//! Files that hold gates, compared with their earlier version: code owners, branch rules, hooks, lint levels, thresholds, signatures.

use super::finding::Finding;
use super::flatten::{Entry, Settings};
use super::paths::{extension, file_name};
use super::rules::id;

/// Words of strictness, strictest first. A lint that moves down the list was lowered.
const LEVELS: [(&str, u8); 14] = [
    ("forbid", 5),
    ("deny", 4),
    ("error", 4),
    ("2", 4),
    ("block", 4),
    ("warn", 2),
    ("warning", 2),
    ("1", 2),
    ("note", 1),
    ("info", 1),
    ("allow", 0),
    ("off", 0),
    ("none", 0),
    ("0", 0),
];

/// Keys whose number may only rise.
const FLOORS: [&str; 17] = [
    "fail_under",
    "fail-under",
    "target",
    "threshold",
    "branches",
    "functions",
    "lines",
    "statements",
    "required_approving_review_count",
    "required_reviewers",
    "minimum_coverage",
    "minimum_score",
    "min_score",
    "mincoverage",
    "confidence-threshold",
    "required_approvals",
    "quorum",
];

/// Keys whose number may only fall.
const CEILINGS: [&str; 6] = [
    "max-complexity",
    "max_complexity",
    "too-many-lines-threshold",
    "cognitive-complexity-threshold",
    "max-warnings",
    "timeout_minutes",
];

/// Switches that protect when true.
const SWITCHES: [&str; 38] = [
    "strict",
    "enforce_admins",
    "require_code_owner_reviews",
    "dismiss_stale_reviews",
    "required_signatures",
    "required_linear_history",
    "require_last_push_approval",
    "required_conversation_resolution",
    "require_signed_commits",
    "noImplicitAny",
    "strictNullChecks",
    "noImplicitReturns",
    "noUncheckedIndexedAccess",
    "disallow_untyped_defs",
    "disallow_any_generics",
    "check_untyped_defs",
    "warn_unused_ignores",
    "no_implicit_optional",
    "strict_optional",
    "require_ci_to_pass",
    "noFallthroughCasesInSwitch",
    "alwaysStrict",
    "strictFunctionTypes",
    "branch",
    "show_missing",
    "xfail_strict",
    "gpgsign",
    "gpgSign",
    "commit.gpgsign",
    "tag.gpgsign",
    "commits_signed",
    "enabled",
    "active",
    "fail_ci_if_error",
    "if_ci_failed",
    "allow_merge_commit_only_reviewed",
    "strict_required_status_checks_policy",
    "require-hashes",
];

/// Switches that protect when false.
const NEGATIVE_SWITCHES: [&str; 11] = [
    "allow_force_pushes",
    "allow_deletions",
    "ignore_errors",
    "ignore_missing_imports",
    "informational",
    "continue-on-error",
    "allow_failure",
    "skipLibCheck",
    "allowJs",
    "skip",
    "bypass",
];

/// Lists whose items demand something; losing one weakens.
const DEMANDS: [&str; 16] = [
    "contexts",
    "checks",
    "required_status_checks",
    "select",
    "extend-select",
    "deny",
    "enable",
    "enable-all",
    "rules",
    "users",
    "teams",
    "bypass_pull_request_allowances_not",
    "conditions",
    "linters",
    "plugins",
    "reviewers",
];

/// Lists whose items excuse something; a new one weakens.
const EXCUSES: [&str; 20] = [
    "ignore",
    "extend-ignore",
    "per-file-ignores",
    "exclude",
    "omit",
    "exclude_lines",
    "skips",
    "disable",
    "disabled",
    "exceptions",
    "bypass_actors",
    "bypass_pull_request_allowances",
    "allow",
    "paths-ignore",
    "coveragePathIgnorePatterns",
    "exclude_also",
    "known-third-party-unchecked",
    "skip-tree",
    "unmaintained-ok",
    "allow-git",
];

/// Compares the two versions of a gate file; `None` stands for a version that does not exist.
#[must_use]
pub fn compare(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<Finding> {
    let Some(old) = old else { return Vec::new() };
    let Some(new) = new else { return vec![Finding::new(id::GATE_REMOVED, 0, 0, "removed")] };
    let name = file_name(path).to_ascii_lowercase();
    match name.as_str() {
        "codeowners" => return owners(old, new),
        ".gitattributes" => return attributes(old, new),
        "allowed_signers" | ".gitsigners" => return signers(old, new),
        ".pre-commit-config.yaml" | ".pre-commit-config.yml" => return hooks(path, old, new),
        _ => {}
    }
    if path.contains(".husky/") || matches!(extension(path).as_deref(), Some("js" | "ts" | "mjs" | "cjs" | "rb")) {
        return lines(old, new);
    }
    match (Settings::read(path, old), Settings::read(path, new)) {
        (Ok(old), Ok(new)) => settings(&old, &new),
        (Ok(_), Err(reason)) => vec![Finding::new(id::GATE_REMOVED, 0, 0, format!("can no longer be read: {reason}"))],
        (Err(_), _) => Vec::new(),
    }
}

/// Code owners: every owner of a pattern must stay; a new pattern with nobody behind it takes the owners away.
fn owners(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let read = |bytes: &[u8]| -> Vec<(u32, String, Vec<String>)> {
        (1u32..)
            .zip(String::from_utf8_lossy(bytes).lines())
            .filter_map(|(number, line)| {
                let line = line.split('#').next()?.trim();
                let mut words = line.split_whitespace().map(str::to_owned);
                Some((number, words.next()?, words.collect()))
            })
            .collect()
    };
    let (old, new) = (read(old), read(new));
    let mut found = Vec::new();
    for (_, pattern, owners) in &old {
        match new.iter().rev().find(|(_, other, _)| other == pattern) {
            None => found.push(Finding::new(id::GATE_OWNERS, 0, 0, format!("{pattern} has no entry any more"))),
            Some((line, _, now)) => {
                let gone: Vec<&str> = owners.iter().filter(|owner| !now.contains(owner)).map(String::as_str).collect();
                let added = now.iter().any(|owner| !owners.contains(owner));
                if now.is_empty() && !owners.is_empty() {
                    found.push(Finding::new(id::GATE_OWNERS, *line, 0, format!("{pattern} has no owner any more")));
                } else if !gone.is_empty() && !added {
                    // A replaced owner is a handover; a shorter list is fewer eyes, or another set of people.
                    found.push(Finding::new(
                        id::GATE_EXCEPTION,
                        *line,
                        0,
                        format!("{pattern} lost {}", gone.join(", ")),
                    ));
                }
            }
        }
    }
    for (line, pattern, now) in &new {
        if now.is_empty() && !old.iter().any(|(_, other, _)| other == pattern) {
            found.push(Finding::new(id::GATE_OWNERS, *line, 0, format!("{pattern} is taken out of its owners' hands")));
        }
    }
    found
}

/// `.gitattributes`: marking code as binary, generated or vendored hides its changes from reviews.
fn attributes(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let old = String::from_utf8_lossy(old).into_owned();
    let hides = |line: &str| {
        ["-diff", " binary", "linguist-generated", "linguist-vendored", "-text -diff"]
            .iter()
            .any(|mark| line.contains(mark))
    };
    (1u32..)
        .zip(String::from_utf8_lossy(new).lines())
        .filter(|(_, line)| hides(line) && !line.contains("=false") && !old.lines().any(|before| before == *line))
        .map(|(number, line)| {
            Finding::new(id::GATE_EXCEPTION, number, 0, "changes of these files are hidden from reviews")
                .showing(line.trim())
        })
        .collect()
}

/// Allowed signers: a lost line shuts somebody out, a new one lets somebody in.
fn signers(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let old = String::from_utf8_lossy(old).into_owned();
    (1u32..)
        .zip(String::from_utf8_lossy(new).lines())
        .filter(|(_, line)| {
            !line.trim().is_empty() && !line.starts_with('#') && !old.lines().any(|before| before == *line)
        })
        .map(|(number, line)| {
            Finding::new(id::GATE_SIGNATURE, number, 0, "a new key may sign")
                .showing(line.split_whitespace().next().unwrap_or_default())
        })
        .collect()
}

/// Hooks of pre-commit by their id.
fn hooks(path: &str, old: &[u8], new: &[u8]) -> Vec<Finding> {
    let (Ok(old), Ok(new)) = (Settings::read(path, old), Settings::read(path, new)) else {
        return vec![Finding::new(id::GATE_HOOK, 0, 0, "the hooks can no longer be read")];
    };
    let ids = |settings: &Settings| -> Vec<String> {
        settings
            .0
            .iter()
            .filter(|entry| entry.path == "repos/[]/hooks/[]/id")
            .map(|entry| entry.value.clone())
            .collect()
    };
    let now = ids(&new);
    let mut found: Vec<Finding> = ids(&old)
        .into_iter()
        .filter(|hook| !now.contains(hook))
        .map(|hook| Finding::new(id::GATE_HOOK, 0, 0, format!("hook {hook} was removed")))
        .collect();
    let manual = |settings: &Settings| {
        settings.0.iter().filter(|entry| entry.path.ends_with("stages/[]") && entry.value == "manual").count()
    };
    if manual(&new) > manual(&old) {
        found.push(Finding::new(id::GATE_HOOK, 0, 0, "a hook now runs by hand only"));
    }
    found.extend(settings(&old, &new).into_iter().filter(|finding| finding.rule == id::GATE_EXCEPTION));
    found
}

/// Gate files that are programs: lost lines that check, new words that switch off.
fn lines(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let (old, new) = (String::from_utf8_lossy(old).into_owned(), String::from_utf8_lossy(new).into_owned());
    let mut found = Vec::new();
    let level = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let value: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        Some((key.trim().trim_matches(['"', '\'']).to_owned(), strictness(&value)?))
    };
    for (number, line) in (1u32..).zip(new.lines()) {
        let Some((key, now)) = level(line) else { continue };
        if old.lines().filter_map(level).any(|(other, then)| other == key && then > now) {
            found.push(Finding::new(id::GATE_LINT, number, 0, format!("{key} was lowered")).showing(line.trim()));
        }
    }
    let checks = |line: &&str| {
        ["lint", "test", "check", "verify"].iter().any(|word| line.contains(word))
            && !line.trim_start().starts_with(['#', '/'])
    };
    for line in old.lines().filter(checks) {
        if !new.lines().any(|other| other.trim() == line.trim()) && level(line).is_none() {
            found.push(Finding::new(id::GATE_HOOK, 0, 0, "a line that checks was removed").showing(line.trim()));
        }
    }
    found
}

fn strictness(word: &str) -> Option<u8> {
    let word = word.trim().to_ascii_lowercase();
    LEVELS.iter().find(|(name, _)| *name == word).map(|(_, level)| *level)
}

fn number(text: &str) -> Option<f64> {
    text.trim().trim_end_matches('%').parse().ok().filter(|value: &f64| value.is_finite())
}

/// The key under which a list or scalar stands.
fn key_of(path: &str) -> &str {
    path.trim_end_matches("/[]").rsplit('/').next().unwrap_or(path)
}

/// Settings of any syntax: numbers, switches, levels, demands, excuses.
fn settings(old: &Settings, new: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    let (then, now) = (old.by_path(), new.by_path());
    for (path, entries) in &then {
        let key = key_of(path);
        let list = path.ends_with("[]");
        match now.get(path) {
            Some(after) if !list => scalar(path, key, entries, after, &mut found),
            None if !list => lost(path, key, &entries[0].value, &mut found),
            after => {
                let kept =
                    |entry: &&&Entry| after.is_some_and(|after| after.iter().any(|other| other.value == entry.value));
                for entry in entries.iter().filter(|entry| DEMANDS.contains(&key) && !kept(entry)) {
                    found.push(Finding::new(demand_rule(path), 0, 0, format!("{path} lost '{}'", entry.value)));
                }
            }
        }
    }
    for (path, entries) in &now {
        let excuse = path.split('/').any(|part| EXCUSES.contains(&part)) && !demand_list(path);
        if !excuse {
            continue;
        }
        for entry in entries {
            let had = then.get(path).is_some_and(|before| before.iter().any(|other| other.value == entry.value));
            if !had {
                found.push(Finding::new(
                    id::GATE_EXCEPTION,
                    entry.line,
                    0,
                    format!("{path} excuses '{}'", entry.value),
                ));
            }
        }
    }
    found
}

/// `deny.toml` names lists of licences and sources `allow`, and bans `deny`; a list of bans demands.
fn demand_list(path: &str) -> bool {
    DEMANDS.contains(&key_of(path))
}

fn demand_rule(path: &str) -> &'static str {
    if ["contexts", "checks", "required_status_checks", "reviewers", "users", "teams"].contains(&key_of(path)) {
        id::GATE_BRANCH_RULE
    } else {
        id::GATE_LINT
    }
}

fn switch_rule(path: &str, key: &str) -> &'static str {
    let lower = path.to_ascii_lowercase();
    if key.to_ascii_lowercase().contains("sign") {
        id::GATE_SIGNATURE
    } else if ["protection", "branches", "ruleset", "enforce", "required", "review", "force_push", "deletions"]
        .iter()
        .any(|word| lower.contains(word))
    {
        id::GATE_BRANCH_RULE
    } else {
        id::GATE_LINT
    }
}

fn scalar(path: &str, key: &str, old: &[&Entry], new: &[&Entry], found: &mut Vec<Finding>) {
    let (Some(old), Some(new)) = (old.last(), new.last()) else { return };
    if old.value == new.value {
        return;
    }
    let mut push = |rule, what: &str| {
        found.push(Finding::new(rule, new.line, 0, format!("{path}: {} became {} ({what})", old.value, new.value)))
    };
    if let (Some(then), Some(now)) = (number(&old.value), number(&new.value)) {
        if FLOORS.contains(&key) && now < then {
            let rule = if key.contains("review") || key.contains("approv") {
                id::GATE_BRANCH_RULE
            } else {
                id::GATE_THRESHOLD
            };
            return push(rule, "lower");
        }
        if CEILINGS.contains(&key) && now > then {
            return push(id::GATE_THRESHOLD, "higher");
        }
    }
    let (yes, no) = (old.value.eq_ignore_ascii_case("true"), old.value.eq_ignore_ascii_case("false"));
    let now_yes = new.value.eq_ignore_ascii_case("true");
    if yes && SWITCHES.contains(&key) {
        return push(switch_rule(path, key), "switched off");
    }
    if no && now_yes && NEGATIVE_SWITCHES.contains(&key) {
        return push(switch_rule(path, key), "switched on");
    }
    if let (Some(then), Some(now)) = (strictness(&old.value), strictness(&new.value))
        && now < then
        && (number(&old.value).is_none() || path.contains("rules/"))
    {
        push(id::GATE_LINT, "less strict");
    }
}

/// A setting that is gone.
fn lost(path: &str, key: &str, value: &str, found: &mut Vec<Finding>) {
    let rule = if FLOORS.contains(&key) && number(value).is_some() {
        if key.contains("review") || key.contains("approv") { id::GATE_BRANCH_RULE } else { id::GATE_THRESHOLD }
    } else if SWITCHES.contains(&key) && value.eq_ignore_ascii_case("true") {
        switch_rule(path, key)
    } else if number(value).is_none() && strictness(value).is_some_and(|level| level >= 4) {
        id::GATE_LINT
    } else {
        return;
    };
    found.push(Finding::new(rule, 0, 0, format!("{path} = {value} is gone")));
}

/// Lint attributes and suppressions in source code: `#![deny]` that became `#![allow]`, new file-wide suppressions.
#[must_use]
pub fn source_levels(old: &[u8], new: &[u8]) -> Vec<Finding> {
    const STRICT: [&str; 4] = ["#![forbid(", "#![deny(", "'use strict'", "\"use strict\""];
    const LOOSE: [&str; 8] = [
        "# mypy: ignore-errors",
        "# type: ignore-errors",
        "# ruff: noqa",
        "# flake8: noqa",
        "/* eslint-disable */",
        "// @ts-nocheck",
        "# pylint: skip-file",
        "#![allow(warnings)]",
    ];
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let starts = |text: &str, mark: &str| text.lines().any(|line| line.trim_start().starts_with(mark));
    let mut found = Vec::new();
    for line in old.lines().map(str::trim).filter(|line| STRICT.iter().any(|mark| line.starts_with(mark))) {
        let lints = |line: &str| -> Vec<String> {
            line.split_once('(')
                .map(|(_, rest)| {
                    rest.split([',', ')'])
                        .map(|lint| lint.trim().to_owned())
                        .filter(|lint| !lint.is_empty() && lint != "]")
                        .collect()
                })
                .unwrap_or_default()
        };
        let kept: Vec<String> = new
            .lines()
            .map(str::trim)
            .filter(|other| STRICT.iter().any(|mark| other.starts_with(mark)))
            .flat_map(lints)
            .collect();
        for lint in lints(line).into_iter().filter(|lint| !kept.contains(lint)) {
            found.push(Finding::new(id::GATE_LINT, 0, 0, format!("the file no longer refuses '{lint}'")).showing(line));
        }
    }
    for mark in LOOSE {
        if starts(&new, mark) && !starts(&old, mark) {
            found.push(Finding::new(id::GATE_LINT, 0, 0, format!("'{mark}' switches checks off for the whole file")));
        }
    }
    found
}

#[cfg(test)]
mod tests;
