//! The scanner: which rules see which file.

use super::agent;
use super::allow::AllowList;
use super::dependency;
use super::finding::Finding;
use super::gate;
use super::hidden;
use super::opaque;
use super::paths::{Kind, PathClass, PathTable};
use super::phrase::Phrases;
use super::rules::{PHRASES_TOML, RuleTable, id};
use super::strength;
use super::text::{as_utf8, is_binary};
use super::workflow;
use super::{MAX_FILE_BYTES, ScanError};
use std::collections::BTreeMap;

/// One changed file of a change. `None` stands for a version that does not exist.
#[derive(Clone, Debug)]
pub struct FileChange<'a> {
    /// Path from the root.
    pub path: &'a str,
    /// Bytes before.
    pub old: Option<&'a [u8]>,
    /// Bytes after.
    pub new: Option<&'a [u8]>,
}

/// Tables in force, ready to scan. Shared between threads.
#[derive(Debug)]
pub struct Scanner {
    rules: RuleTable,
    paths: PathTable,
    phrases: Phrases,
    allow: AllowList,
}

/// What the rest of a change says about one of its files.
#[derive(Clone, Copy, Debug, Default)]
struct Around {
    code_changed: bool,
    generator: bool,
}

impl Scanner {
    /// A scanner with the built-in tables.
    ///
    /// # Errors
    /// Never for the shipped tables; a test reads them.
    pub fn builtin() -> Result<Self, ScanError> {
        Self::new(RuleTable::builtin()?, PathTable::builtin()?, AllowList::default())
    }

    /// A scanner with own tables of rules and paths, and an allow-list.
    ///
    /// # Errors
    /// Never for the shipped phrases; a test reads them.
    pub fn new(rules: RuleTable, paths: PathTable, allow: AllowList) -> Result<Self, ScanError> {
        Self::with_phrases(rules, paths, PHRASES_TOML, allow)
    }

    /// As [`Scanner::new`], with a table of phrases as text.
    ///
    /// # Errors
    /// [`ScanError::Table`] with the reason.
    pub fn with_phrases(
        rules: RuleTable,
        paths: PathTable,
        phrases: &str,
        allow: AllowList,
    ) -> Result<Self, ScanError> {
        Ok(Self { rules, paths, phrases: Phrases::parse("scan-phrases.toml", phrases)?, allow })
    }

    /// The rules in force.
    #[must_use]
    pub const fn rules(&self) -> &RuleTable {
        &self.rules
    }

    /// The paths in force.
    #[must_use]
    pub const fn paths(&self) -> &PathTable {
        &self.paths
    }

    /// The allow-list in force.
    #[must_use]
    pub const fn allow(&self) -> &AllowList {
        &self.allow
    }

    /// Findings of one file as it stands, weighed but not yet compared with the allow-list.
    #[must_use]
    pub fn scan_file(&self, path: &str, bytes: &[u8]) -> Vec<Finding> {
        let mut found = self.raw(path, bytes);
        self.finish(path, &mut found, 0);
        found
    }

    fn finish(&self, path: &str, found: &mut [Finding], human_approvals: u32) {
        for finding in found.iter_mut().filter(|finding| finding.path.is_empty()) {
            path.clone_into(&mut finding.path);
        }
        self.rules.weigh(found, human_approvals);
    }

    fn raw(&self, path: &str, bytes: &[u8]) -> Vec<Finding> {
        let bytes = &bytes[..bytes.len().min(MAX_FILE_BYTES)];
        let text = as_utf8(bytes);
        let bytes: &[u8] = &text;
        let mut found = Vec::new();
        let kind = self.paths.kind(path, bytes);
        if is_binary(bytes) {
            if !self.paths.promises_code(path) && kind != Kind::Agent {
                return found;
            }
            if kind == Kind::Code && looks_like_text(bytes) {
                found.push(Finding::new(id::BINARY_SOURCE, 0, 0, "NUL bytes in a source file"));
            }
        }
        found.extend(hidden::scan(path, bytes, kind));
        if kind == Kind::Data && self.paths.is_test(path) {
            // Tables of test cases hold every control there is; nobody executes or obeys them.
            for finding in found.iter_mut().filter(|finding| finding.rule == id::BIDI_UNTERMINATED) {
                finding.rule = id::BIDI_TEST_DATA;
            }
        }
        if kind == Kind::Agent {
            found.extend(agent::instructions(bytes, &self.phrases, &found));
        } else {
            found.extend(self.phrases.findings(bytes));
        }
        if self.paths.is_agent_settings(path) {
            found.extend(agent::settings(path, bytes));
        }
        if workflow::is_workflow(path) || workflow::is_action(path) {
            match workflow::read(bytes) {
                Ok(workflow) => found.extend(workflow::check(&workflow)),
                // An action in another language has no steps to check.
                Err(error) if workflow::is_workflow(path) => {
                    found.push(Finding::new(id::CI_UNREADABLE, error.line, 0, error.reason))
                }
                Err(_) => {}
            }
        } else {
            found.extend(workflow::other(path, bytes));
        }
        found
    }

    /// Findings of a change: what is new in each file, and what the change weakens. `human_approvals` counts people other than the author.
    #[must_use]
    pub fn scan_change(&self, files: &[FileChange<'_>], human_approvals: u32) -> Vec<Finding> {
        let code = |file: &FileChange<'_>| {
            !self.paths.is_test(file.path) && self.paths.kind(file.path, file.new.unwrap_or_default()) == Kind::Code
        };
        let around = Around {
            code_changed: files.iter().any(code),
            generator: files.iter().any(|file| file.new.is_some() && opaque::is_generator(file.path)),
        };
        let mut out = Vec::new();
        for file in files {
            let mut found = self.change(file, around);
            self.finish(file.path, &mut found, human_approvals);
            out.extend(found);
        }
        out
    }

    fn change(&self, file: &FileChange<'_>, around: Around) -> Vec<Finding> {
        let FileChange { path, old, new } = *file;
        if old == new {
            return Vec::new();
        }
        let mut found = new.map(|new| self.raw(path, new)).unwrap_or_default();
        if let Some(old) = old.filter(|_| !found.is_empty()) {
            subtract(&mut found, self.raw(path, old));
        }
        if self.paths.is_agent_instruction(path) || self.paths.is_agent_settings(path) {
            let what = if new.is_some() { "changed" } else { "removed" };
            found.push(Finding::new(id::AGENT_CHANGED, 0, 0, format!("{what}; a person reviews it")));
        }
        self.gates(file, &mut found);
        if self.paths.is_test(path) {
            match (old, new) {
                (Some(old), _) => found.extend(strength::compare(path, old, new, around.code_changed)),
                (None, Some(new)) => found.extend(opaque::added(&self.paths, path, new, around.generator)),
                (None, None) => {}
            }
        }
        if dependency::concerns(path) {
            found.extend(dependency::compare(path, old, new));
        }
        if let (Some(old), Some(new)) = (old, new) {
            if self.paths.is_build(path) {
                found.extend(opaque::probes(old, new));
            }
            if self.paths.kind(path, new) == Kind::Code {
                found.extend(gate::source_levels(old, new));
            }
        }
        found
    }

    /// Workflows, gate files and oversight code.
    fn gates(&self, file: &FileChange<'_>, found: &mut Vec<Finding>) {
        let FileChange { path, old, new } = *file;
        if workflow::is_workflow(path) || workflow::is_action(path) {
            found.extend(workflows(path, old, new));
        }
        match self.paths.class(path).0 {
            PathClass::Gates => found.extend(gate::compare(path, old, new)),
            PathClass::Oversight => match (old, new) {
                (Some(_), None) => found.push(Finding::new(id::OVERSIGHT_REMOVED, 0, 0, "removed")),
                (Some(old), Some(new)) => {
                    found.push(Finding::new(id::OVERSIGHT_CHANGED, 0, 0, "changed"));
                    found.extend(switched_off(old, new));
                    found.extend(
                        gate::compare(path, Some(old), Some(new))
                            .into_iter()
                            .filter(|finding| finding.rule == id::GATE_THRESHOLD),
                    );
                }
                _ => {}
            },
            PathClass::Ci if path.ends_with(".gitlab-ci.yml") => {
                found.extend(
                    gate::compare(path, old, new)
                        .into_iter()
                        .map(|finding| Finding { rule: id::CI_FAILURE_IGNORED, ..finding }),
                );
            }
            _ => {}
        }
        // Settings of linters and coverage inside a manifest.
        if matches!(super::paths::file_name(path), "pyproject.toml" | "Cargo.toml" | "package.json")
            && old.is_some()
            && new.is_some()
        {
            let kept = [id::GATE_LINT, id::GATE_THRESHOLD, id::GATE_EXCEPTION];
            let tool = |finding: &Finding| {
                ["tool/", "lints/", "workspace/lints/", "jest/", "eslintConfig/", "nyc/", "c8/"]
                    .iter()
                    .any(|part| finding.message.starts_with(part))
            };
            found.extend(
                gate::compare(path, old, new)
                    .into_iter()
                    .filter(|finding| kept.contains(&finding.rule) && tool(finding)),
            );
        }
    }
}

/// A mostly readable file: source with NUL bytes slipped in, not an image with a misleading name.
fn looks_like_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(8_000)];
    let odd = head.iter().filter(|byte| **byte < 0x09 || (0x0e..0x20).contains(*byte)).count();
    // The cut at 8,000 bytes may fall inside a character; only bytes that are wrong in themselves count.
    let utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    odd * 10 <= head.len() && utf8
}

fn workflows(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<Finding> {
    let Some(old) = old else { return Vec::new() };
    let Some(new) = new else { return vec![Finding::new(id::CI_REMOVED, 0, 0, "the workflow was removed")] };
    let Ok(before) = workflow::read(old) else { return Vec::new() };
    match workflow::read(new) {
        Ok(after) => workflow::compare(&before, &after),
        Err(error) if workflow::is_workflow(path) => {
            vec![Finding::new(id::CI_BECAME_UNREADABLE, error.line, 0, error.reason)]
        }
        Err(_) => Vec::new(),
    }
}

/// Oversight code that now returns at once, approves everything, or lost most of its lines.
fn switched_off(old: &[u8], new: &[u8]) -> Vec<Finding> {
    const MARKS: [&str; 12] = [
        "return True",
        "return true",
        "return Ok(())",
        "return None",
        "pass",
        "return;",
        "return 1.0",
        "ENABLED = False",
        "enabled = false",
        "enabled: false",
        "DISABLE",
        "if False:",
    ];
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let code = |text: &str| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '/', '*']))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (before, after) = (code(&old), code(&new));
    let mut found = Vec::new();
    if before.len() >= 10 && after.len() * 2 < before.len() {
        found.push(Finding::new(
            id::OVERSIGHT_REMOVED,
            0,
            0,
            format!("{} lines of code became {}", before.len(), after.len()),
        ));
    }
    let count = |lines: &[String], mark: &str| lines.iter().filter(|line| line.starts_with(mark)).count();
    for mark in MARKS {
        if count(&after, mark) > count(&before, mark) && after.len() < before.len() {
            let number = (1u32..)
                .zip(new.lines())
                .find(|(_, line)| line.trim().starts_with(mark))
                .map_or(0, |(number, _)| number);
            found.push(Finding::new(id::OVERSIGHT_REMOVED, number, 0, format!("a new '{mark}' stands where code was")));
        }
    }
    found
}

/// Takes away what the old version had already.
fn subtract(found: &mut Vec<Finding>, old: Vec<Finding>) {
    let mut had: BTreeMap<(&'static str, String, Option<String>), usize> = BTreeMap::new();
    for finding in old {
        *had.entry((finding.rule, finding.message, finding.shown)).or_default() += 1;
    }
    found.retain(|finding| match had.get_mut(&(finding.rule, finding.message.clone(), finding.shown.clone())) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests;
