//! The scanner against attack samples that other people published. The samples are not in this repository: `STANDSTILL_CORPORA` names a folder that
//! holds them, and the tables under `tests/corpora` say what is expected. The format is described in docs/signals/scan.md, "Trials".
#![allow(clippy::unwrap_used, clippy::panic)]

use standstill_signals::scan::{Finding, Scanner, Severity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What one line of a table expects.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// One of these rules finds something, on this line if one is named.
    Found,
    /// None of these rules finds anything.
    Absent,
    /// Nothing as heavy as this is found.
    Calm,
    /// An attack that is not found. The test fails when it is, so that the tables stay true.
    Missed,
}

#[derive(Debug)]
struct Expectation {
    verdict: Verdict,
    file: String,
    scanned_as: String,
    what: String,
    place: String,
}

fn read_table(path: &Path) -> Vec<Expectation> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let place = format!("{}:{}", path.display(), number + 1);
            let fields: Vec<&str> = line.split('\t').collect();
            let [verdict, file, scanned_as, what] = fields[..] else { panic!("{place}: four fields, split by tabs") };
            let verdict = match verdict {
                "found" => Verdict::Found,
                "absent" => Verdict::Absent,
                "calm" => Verdict::Calm,
                "missed" => Verdict::Missed,
                other => panic!("{place}: found, absent, calm or missed; not '{other}'"),
            };
            let scanned_as = if scanned_as == "-" { file } else { scanned_as };
            Expectation { verdict, file: file.into(), scanned_as: scanned_as.into(), what: what.into(), place }
        })
        .collect()
}

/// True when a finding is one of `rule|rule:line`.
fn is_one_of(finding: &Finding, what: &str) -> bool {
    what.split('|').any(|rule| match rule.split_once(':') {
        Some((rule, line)) => finding.rule == rule && line.parse() == Ok(finding.line),
        None => finding.rule == rule,
    })
}

fn holds(expectation: &Expectation, findings: &[Finding]) -> bool {
    let any = |what: &str| findings.iter().any(|finding| is_one_of(finding, what));
    match expectation.verdict {
        Verdict::Found => any(&expectation.what),
        Verdict::Absent | Verdict::Missed => !any(&expectation.what),
        Verdict::Calm => {
            let severity = match expectation.what.as_str() {
                "block" => Severity::Block,
                "high" => Severity::High,
                "warn" => Severity::Warn,
                other => panic!("{}: block, high or warn; not '{other}'", expectation.place),
            };
            findings.iter().all(|finding| finding.severity < severity)
        }
    }
}

/// Checks one corpus; says how much of it holds.
fn corpus(name: &str, folder: &Path, table: &Path, scanner: &Scanner) -> Vec<String> {
    let mut failures = Vec::new();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let expectations = read_table(table);
    assert!(!expectations.is_empty(), "{}: it expects nothing", table.display());
    for expectation in &expectations {
        let kind = match expectation.verdict {
            Verdict::Found => "found",
            Verdict::Absent | Verdict::Calm => "clean",
            Verdict::Missed => "missed as stated",
        };
        let count = counts.entry(kind).or_default();
        count.1 += 1;
        let Ok(bytes) = std::fs::read(folder.join(&expectation.file)) else {
            failures.push(format!("{}: {} cannot be read", expectation.place, expectation.file));
            continue;
        };
        let findings = scanner.scan_file(&expectation.scanned_as, &bytes);
        if holds(expectation, &findings) {
            count.0 += 1;
        } else {
            let told: Vec<String> =
                findings.iter().map(|found| format!("{}:{} {:?}", found.rule, found.line, found.severity)).collect();
            failures.push(format!(
                "{}: {:?} {} in {}; got {}",
                expectation.place,
                expectation.verdict,
                expectation.what,
                expectation.file,
                told.join(", ")
            ));
        }
    }
    let parts: Vec<String> = counts.iter().map(|(kind, (held, all))| format!("{kind} {held} of {all}")).collect();
    println!("{name}: {}", parts.join(", "));
    failures
}

#[test]
fn published_samples_are_found() {
    let Some(root) = std::env::var_os("STANDSTILL_CORPORA").map(PathBuf::from) else {
        println!("skipped: STANDSTILL_CORPORA names no folder");
        return;
    };
    let scanner = Scanner::builtin().unwrap();
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora");
    let mut failures = Vec::new();
    let mut known: Vec<PathBuf> = std::fs::read_dir(&tables).unwrap().map(|entry| entry.unwrap().path()).collect();
    known.sort();
    for table in known {
        let name = table.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = root.join(&name);
        if folder.is_dir() {
            failures.extend(corpus(&name, &folder, &table, &scanner));
        } else {
            println!("skipped: {} is not there", folder.display());
        }
    }
    // Own corpora bring their own table.
    for entry in std::fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path();
        let table = folder.join("expected.tsv");
        if table.is_file() {
            failures.extend(corpus(&folder.display().to_string(), &folder, &table, &scanner));
        }
    }
    assert!(failures.is_empty(), "{} expectations fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_table_can_be_read_and_names_known_rules() {
    let rules = Scanner::builtin().unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora")).unwrap() {
        for expectation in read_table(&entry.unwrap().path()) {
            if expectation.verdict == Verdict::Calm {
                continue;
            }
            for rule in expectation.what.split('|') {
                let rule = rule.split(':').next().unwrap();
                assert!(rules.rules().get(rule).is_some(), "{}: {rule}", expectation.place);
            }
        }
    }
}
