//! SARIF 2.1.0 (OASIS), the subset that code hosts read.

use super::engine::Scanner;
use super::finding::{Finding, Severity};
use super::output::Report;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warn => "warning",
        Severity::High | Severity::Block => "error",
    }
}

/// A path as a relative URI (RFC 3986).
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    hash.update(b"standstill scan finding v1\0");
    for part in [
        finding.rule,
        &finding.path,
        &finding.message,
        finding.shown.as_deref().unwrap_or_default(),
        finding.commit.as_deref().unwrap_or_default(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

fn result(finding: &Finding, index: usize) -> Value {
    let mut text = finding.message.clone();
    if let Some(shown) = &finding.shown {
        text.push('\n');
        text.push_str(shown);
    }
    let mut out = json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": text },
        "partialFingerprints": { "standstill/v1": fingerprint(finding) },
        "properties": { "severity": finding.severity.name() },
    });
    if !finding.path.is_empty() {
        let mut place = json!({ "artifactLocation": { "uri": uri(&finding.path), "uriBaseId": "%SRCROOT%" } });
        if finding.line > 0 {
            place["region"] = json!({ "startLine": finding.line });
            if finding.column > 0 {
                place["region"]["startColumn"] = finding.column.into();
            }
        }
        out["locations"] = json!([{ "physicalLocation": place }]);
    }
    if let Some(commit) = &finding.commit {
        out["properties"]["commit"] = commit.clone().into();
    }
    if let Some(reason) = &finding.exempt {
        out["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": reason }]);
    }
    out
}

/// A report as a SARIF log.
#[must_use]
pub fn to_sarif(report: &Report, scanner: &Scanner, version: &str) -> Value {
    let rules: Vec<&super::Rule> = scanner.rules().iter().collect();
    let described: Vec<Value> = rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.title },
                "help": { "text": format!("{} Source: {}.", rule.action, rule.source) },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": { "class": rule.class, "severity": rule.severity.name(), "tags": ["security", rule.class] },
            })
        })
        .collect();
    let index = |finding: &Finding| rules.iter().position(|rule| rule.id == finding.rule).unwrap_or(0);
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, index(finding))).collect();
    let notifications: Vec<Value> =
        report.not_read.iter().map(|reason| json!({ "level": "error", "message": { "text": reason } })).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "standstill", "version": version, "rules": described } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": report.not_read.is_empty(), "toolExecutionNotifications": notifications }],
            "results": results,
            "properties": { "rulesSha256": report.rules_sha256, "pathsSha256": report.paths_sha256 },
        }],
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::output::Collected;
    use super::*;

    #[test]
    fn the_log_has_the_required_shape() {
        let scanner = Scanner::builtin().unwrap();
        let mut findings = scanner.scan_file("a b/ü.py", "x = '\u{202e}'\n".as_bytes());
        findings[0].exempt = Some("allowed: sample".to_owned());
        let report = Report::new(
            "t",
            &scanner,
            Collected { findings, files: 1, bytes: 9, not_read: vec!["x: gone".to_owned()] },
        );
        let log = to_sarif(&report, &scanner, "0.1.0");
        // SARIF 2.1.0, sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.28, 3.35: the required properties and their types.
        assert_eq!(log["version"], "2.1.0");
        assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string() && driver["rules"].as_array().unwrap().len() > 90);
        let result = &run["results"][0];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].as_str().unwrap().contains("RIGHT-TO-LEFT OVERRIDE"));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%BC.py");
        assert_eq!(
            (place["region"]["startLine"].as_u64(), place["region"]["startColumn"].as_u64()),
            (Some(1), Some(6))
        );
        assert_eq!(result["suppressions"][0]["kind"], "external");
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
        for rule in driver["rules"].as_array().unwrap() {
            assert!(rule["shortDescription"]["text"].is_string() && rule["help"]["text"].is_string());
        }
    }
}
