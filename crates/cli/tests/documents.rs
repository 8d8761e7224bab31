//! The examples in the book are run: every ```bash block of a page, in order, in one empty folder, with `standstill` on the path.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn blocks(page: &str) -> String {
    let mut script = String::from("set -euo pipefail\n");
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.trim_end()) {
            (false, "```bash") => inside = true,
            (true, "```") => inside = false,
            (true, line) => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn run_page(page: &str) {
    let path = repository().join("docs").join(page);
    let script = blocks(&std::fs::read_to_string(&path).unwrap());
    assert!(script.lines().count() > 1, "{page} has no example");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(repository().join("testdata/examples/fleet.csv"), folder.path().join("fleet.csv")).unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_standstill")).parent().unwrap().to_owned();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let output =
        Command::new("bash").arg("-c").arg(&script).current_dir(folder.path()).env("PATH", path).output().unwrap();
    let shown = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{page}:\n{script}\n{shown}");
}

#[test]
fn lab_operator() {
    run_page("roles/lab-operator.md");
}

#[test]
fn auditor() {
    run_page("roles/auditor.md");
}

#[test]
fn witness() {
    run_page("roles/witness.md");
}

#[test]
fn monitor() {
    run_page("roles/monitor.md");
}

#[test]
fn signed_signals() {
    run_page("signals/statement.md");
}

#[test]
fn gate_operator() {
    run_page("roles/gate-operator.md");
}

#[test]
fn policy() {
    run_page("roles/policy.md");
}

/// Links between pages lead somewhere, and every page is in the summary.
#[test]
fn the_book_hangs_together() {
    let docs = repository().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut pages = Vec::new();
    let mut folders = vec![docs.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    for page in pages.iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        let relative = page.strip_prefix(&docs).unwrap().display().to_string();
        assert!(summary.contains(&format!("({relative})")), "{relative} is not in SUMMARY.md");
    }
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            assert!(page.parent().unwrap().join(target).exists(), "{}: dead link {target}", page.display());
        }
    }
}
