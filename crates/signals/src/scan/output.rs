//! A scan as a report: counts, findings, what was not read; for people and as JSON.

use super::engine::Scanner;
use super::finding::{Finding, Severity};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Name and version of the JSON format.
pub const FORMAT: &str = "standstill-scan/1";

/// Result of a scan.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: &'static str,
    /// What was scanned, as the caller names it.
    pub subject: String,
    /// SHA-256 over the tables of rules and phrases in force, in hexadecimal.
    pub rules_sha256: String,
    /// SHA-256 of the table of paths in force.
    pub paths_sha256: String,
    /// SHA-256 of the allow-list, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_sha256: Option<String>,
    /// Files that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Findings by weight, after exemptions.
    pub counts: BTreeMap<&'static str, u64>,
    /// Findings in order of path, place and rule.
    pub findings: Vec<Finding>,
    /// Files and objects that could not be read, with the reason. The scan is incomplete when there are any.
    pub not_read: Vec<String>,
    /// Entries of the allow-list that allowed nothing.
    pub unused_allow: Vec<String>,
}

/// What a walk collected.
#[derive(Debug, Default)]
pub struct Collected {
    /// Findings in any order.
    pub findings: Vec<Finding>,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What could not be read.
    pub not_read: Vec<String>,
}

impl Collected {
    /// Joins two parts.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.not_read.extend(other.not_read);
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

impl Report {
    /// Sorts, applies the allow-list and counts.
    #[must_use]
    pub fn new(subject: impl Into<String>, scanner: &Scanner, mut collected: Collected) -> Self {
        let unused_allow = scanner.allow().apply(&mut collected.findings);
        let mut findings = collected.findings;
        for finding in &mut findings {
            let (class, tier) = scanner.paths().class(&finding.path);
            (finding.class, finding.tier) = (class.name(), tier);
        }
        findings.sort_by(|a, b| (a.key(), &a.commit, &a.shown).cmp(&(b.key(), &b.commit, &b.shown)));
        collected.not_read.sort();
        let counts = Severity::ALL
            .iter()
            .rev()
            .map(|severity| {
                (severity.name(), findings.iter().filter(|finding| finding.severity == *severity).count() as u64)
            })
            .collect();
        Self {
            format: FORMAT,
            subject: subject.into(),
            rules_sha256: hex::encode(scanner.rules().hash()),
            paths_sha256: hex::encode(scanner.paths().hash()),
            allow_sha256: scanner.allow().hash().map(hex::encode),
            files: collected.files,
            bytes: collected.bytes,
            counts,
            findings,
            not_read: collected.not_read,
            unused_allow,
        }
    }

    /// Number of findings of a weight or a heavier one.
    #[must_use]
    pub fn count_from(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity >= severity).count() as u64
    }

    /// Number of findings of a weight.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.get(severity.name()).copied().unwrap_or(0)
    }

    /// Text for people. `from`: lightest findings to list.
    #[must_use]
    pub fn to_text(&self, scanner: &Scanner, from: Severity) -> String {
        let mut out = String::new();
        for finding in self.findings.iter().filter(|finding| finding.severity >= from || finding.exempt.is_some()) {
            out.push_str(&one(finding, scanner));
        }
        let counts = Severity::ALL
            .iter()
            .rev()
            .map(|severity| format!("{} {}", self.count(*severity), severity.name()))
            .collect::<Vec<_>>()
            .join(", ");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}: {} files, {} bytes: {counts}", self.subject, self.files, self.bytes);
        for unused in &self.unused_allow {
            let _ = writeln!(out, "the allow-list has an entry that allows nothing: {unused}");
        }
        for reason in self.not_read.iter().take(20) {
            let _ = writeln!(out, "not read: {reason}");
        }
        if !self.not_read.is_empty() {
            let _ = writeln!(out, "incomplete: {} could not be read", self.not_read.len());
        }
        if let Some(first) = self.findings.iter().find(|finding| finding.severity >= from && finding.exempt.is_none()) {
            out.push_str(&how_to_allow(first));
        }
        let _ = writeln!(out, "A scan finds known forms of attack. It cannot show that code is harmless.");
        out
    }
}

/// The entry of an allow-list that would accept a finding.
fn how_to_allow(finding: &Finding) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    format!(
        "To accept a finding, write it into a file and give that with --allow; the reason is reported with the finding. For the first one:\n    version = 1\n    [[allow]]\n    rule = {}\n    path = {}\n    reason = \"why this is fine, in ten characters or more\"\n",
        quoted(finding.rule),
        quoted(&globset::escape(&finding.path)),
    )
}

fn one(finding: &Finding, scanner: &Scanner) -> String {
    let mut place = super::hidden::escape(&finding.path);
    if finding.line > 0 {
        let _ = write!(place, ":{}", finding.line);
        if finding.column > 0 {
            let _ = write!(place, ":{}", finding.column);
        }
    }
    if let Some(commit) = &finding.commit {
        let gap = if place.is_empty() { "" } else { " " };
        let _ = write!(place, "{gap}commit {}", super::opaque::short(commit));
    }
    let tier = if finding.tier < super::paths::OTHER_TIER {
        format!(" ({}, tier {})", finding.class, finding.tier)
    } else {
        String::new()
    };
    let mut out =
        format!("{place}: {} [{}]{tier} {}\n", finding.severity, finding.rule, super::hidden::escape(&finding.message));
    if let Some(shown) = &finding.shown {
        let _ = writeln!(out, "    {shown}");
    }
    if let Some(rule) = scanner.rules().get(finding.rule)
        && finding.severity >= Severity::High
    {
        let _ = writeln!(out, "    {}. {}", rule.title, rule.action);
    }
    if let Some(exempt) = &finding.exempt {
        let _ = writeln!(out, "    {exempt}");
    }
    out
}
