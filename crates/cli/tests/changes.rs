//! `standstill signal changes` from a repository to a published record and back, with the exit code of each outcome.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::Path;
use std::process::{Command, Output};

fn standstill(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standstill"))
        .args(["signal", "changes"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn expect(arguments: &[&str], folder: &Path, exit: i32, words: &[&str]) -> String {
    let output = standstill(arguments, folder);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {shown}");
    for word in words {
        assert!(shown.contains(word), "{arguments:?}: '{word}' is not in: {shown}");
    }
    shown
}

fn git(folder: &Path, arguments: &[&str], date: &str) {
    let identity = [
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_DATE", date),
        ("GIT_COMMITTER_DATE", date),
    ];
    assert!(Command::new("git").args(arguments).current_dir(folder).envs(identity).status().unwrap().success());
}

fn commit(folder: &Path, file: &str, text: &str, message: &str, date: &str) {
    std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
    std::fs::write(folder.join(file), text).unwrap();
    git(folder, &["add", "-A"], date);
    git(folder, &["commit", "-q", "-m", message], date);
}

#[test]
fn from_a_repository_to_a_record_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let repo = at.join("repo");
    std::fs::create_dir(&repo).unwrap();
    git(&repo, &["init", "-q", "-b", "main"], "@0 +0000");
    commit(&repo, "train/a.py", "1\n2\n3\n", "Start", "1735700000 +0000");
    commit(
        &repo,
        "train/a.py",
        "1\n2\n3\n4\n",
        "More\n\nCo-authored-by: Claude <noreply@anthropic.com>",
        "1738400000 +0000",
    );

    let base = ["repo", "--cache", "cache", "--table", "t.jsonl", "--record", "r.json"];
    expect(
        &base,
        at,
        0,
        &["2025-01", "2025-02", "AI wrote 25.0 to 100.0 % of the added lines", "no salt", "trailer 1"],
    );
    let (table, record) = (std::fs::read(at.join("t.jsonl")).unwrap(), std::fs::read(at.join("r.json")).unwrap());
    let json = standstill(&["repo", "--cache", "cache", "--threads", "3", "--json"], at);
    assert_eq!(json.stdout, record, "--json, --record, cache and threads agree");
    std::fs::write(at.join("ids.toml"), "version = 1\nsalt = \"s\"\n").unwrap();
    let salted = expect(&["repo", "--identities", "ids.toml", "--table", "t2.jsonl"], at, 0, &[]);
    assert!(!salted.contains("no salt"));

    expect(&["--recompute", "r.json", "--table", "t.jsonl"], at, 0, &["AI wrote 25.0 to 100.0 %"]);
    let text = String::from_utf8(record).unwrap();
    std::fs::write(at.join("forged.json"), text.replacen("\"low-millionths\": 250000", "\"low-millionths\": 0", 1))
        .unwrap();
    expect(&["--recompute", "forged.json", "--table", "t.jsonl"], at, 1, &["DIFFERS", "'metrics'"]);
    expect(&["--recompute", "r.json", "--table", "t2.jsonl"], at, 1, &["not the one that the record names"]);

    commit(&repo, "b.rs", "x\n", "Later", "1740900000 +0000");
    expect(&["repo", "--against", "t.jsonl"], at, 0, &["is in the history, unchanged"]);
    let forged = String::from_utf8(table).unwrap().replacen("\"sources\":[\"trailer\"],", "", 1);
    std::fs::write(at.join("forged.jsonl"), forged).unwrap();
    expect(&["repo", "--against", "forged.jsonl"], at, 1, &["attribution differ from the repository"]);
    git(&repo, &["reset", "-q", "--hard", "HEAD~2"], "@0 +0000");
    expect(&["repo", "--against", "t.jsonl"], at, 1, &["history was rewritten"]);
}

#[test]
fn each_trouble_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    expect(&[], at, 2, &["required"]);
    expect(&["nowhere"], at, 4, &["nowhere: not a git repository"]);
    expect(&["nowhere", "--since", "2025"], at, 2, &["write YYYY-MM"]);
    expect(&["nowhere", "--since", "2025-02", "--until", "2025-01"], at, 2, &["'since' lies after 'until'"]);
    std::fs::write(at.join("bad.toml"), "version = 1\nnonsense = 1\n").unwrap();
    for option in ["--method", "--identities", "--classes", "--marks"] {
        expect(&["nowhere", option, "bad.toml"], at, 4, &[".toml"]);
    }
    let printed = expect(&["--print-method"], at, 0, &["# method hash", "unattributed = \"ai\""]);
    std::fs::write(at.join("again.toml"), &printed).unwrap();
    assert_eq!(expect(&["--print-method", "--method", "again.toml"], at, 0, &[]), printed);

    let repo = at.join("repo");
    std::fs::create_dir(&repo).unwrap();
    git(&repo, &["init", "-q", "-b", "main"], "@0 +0000");
    expect(&["repo"], at, 4, &["no commit, branch or tag 'HEAD'"]);
    commit(&repo, "a", "1\n", "One", "1735700000 +0000");
    commit(&repo, "a", "2\n", "Two", "1735800000 +0000");
    let url = format!("file://{}", repo.display());
    git(at, &["clone", "-q", "--depth", "1", &url, "shallow"], "@0 +0000");
    expect(&["shallow"], at, 3, &["SHALLOW: the history ends at", "CANNOT SAY"]);
    expect(&["repo", "--head", "v9"], at, 4, &["'v9'"]);
}
