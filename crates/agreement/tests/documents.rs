//! The pages about agreements name what exists: every rule, every test, every field.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(path: &str) -> String {
    std::fs::read_to_string(repository().join("docs").join(path)).unwrap()
}

/// Variants of an enum in a source file.
fn variants(source: &str, head: &str) -> Vec<String> {
    let body = source.split_once(head).unwrap().1.split_once("\n}").unwrap().0;
    let names = body.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
    names.filter(|name| name.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[test]
fn the_run_time_page_has_every_rule() {
    let rules = variants(include_str!("../src/runtime/transition.rs"), "pub enum Rule {");
    assert!(rules.len() > 40, "{rules:?}");
    let page = page("formats/runtime.md");
    for rule in rules.iter().map(|rule| kebab(rule)) {
        assert!(page.contains(&format!("`{rule}`")), "docs/formats/runtime.md has no rule `{rule}`");
    }
}

#[test]
fn the_agreement_page_has_every_problem() {
    let rules = variants(include_str!("../src/problem.rs"), "pub enum Rule {");
    assert!(rules.len() > 35, "{rules:?}");
    let page = page("formats/agreement.md");
    for rule in rules {
        assert!(page.contains(&format!("`{rule}`")), "docs/formats/agreement.md has no rule `{rule}`");
    }
}

/// Every test in the table of evasions exists.
#[test]
fn evasions_are_tested() {
    let page = page("formats/runtime.md");
    let table = page.split_once("## 9. Evasions").unwrap().1.split_once("\n## ").unwrap().0;
    let mut sources = String::new();
    for file in ["evasions", "cases", "life", "order", "settled"] {
        sources +=
            &std::fs::read_to_string(repository().join(format!("crates/agreement/tests/runtime/{file}.rs"))).unwrap();
    }
    sources += include_str!("verifiers.rs");
    let fuzz = std::fs::read_to_string(repository().join("fuzz/src/lib.rs")).unwrap();
    let mut tests = 0;
    for row in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| evasion")) {
        let named = row.trim_end_matches('|').rsplit_once('|').unwrap().1;
        for test in named.split('`').skip(1).step_by(2) {
            tests += 1;
            let found = sources.contains(&format!("fn {test}(")) || fuzz.contains(&format!("\"{test}\""));
            assert!(found, "{test} is in the table of evasions and nowhere else");
        }
    }
    assert!(tests >= 20, "{tests}");
}

/// Every key of the canonical form of the scenarios is on the page.
#[test]
fn the_agreement_page_has_every_key() {
    let page = page("formats/agreement.md");
    for (name, text) in standstill_agreement::Agreement::scenarios() {
        let terms = standstill_agreement::Agreement::parse(text).unwrap();
        let json: serde_json::Value = serde_json::from_str(&terms.canonical_json()).unwrap();
        let mut keys = Vec::new();
        collect(&json, &mut keys);
        for key in keys {
            assert!(page.contains(&key), "{name}: docs/formats/agreement.md does not name '{key}'");
        }
    }
}

fn collect(json: &serde_json::Value, keys: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                keys.push(key.clone());
                collect(value, keys);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}
