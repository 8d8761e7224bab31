//! The pause among rivals, live, with a witness down and with delayed, repeated and reordered messages; then what a stranger, a thief of
//! files and the roles' own commands get from what it left.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(arguments: &[&str], at: &Path) -> Output {
    let cache = at.join("cache");
    let mut command = Command::new(env!("CARGO_BIN_EXE_standstill"));
    command.args(arguments).current_dir(at).env("XDG_CACHE_HOME", cache).output().unwrap()
}

#[track_caller]
fn expect(arguments: &[&str], at: &Path, exit: i32) -> String {
    let output = run(arguments, at);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "standstill {}\n{text}\n{error}", arguments.join(" "));
    text + &error
}

fn json(arguments: &[&str], at: &Path, exit: i32) -> Value {
    let output = run(arguments, at);
    assert_eq!(output.status.code(), Some(exit), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Hashes differ in every run, because keys do; everything else is fixed by the seed.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| {
        matches!(word.len(), 8 | 64)
            && word.bytes().all(|b| b.is_ascii_hexdigit())
            && word.bytes().any(|b| b.is_ascii_lowercase() || word.len() == 64 || b.is_ascii_digit())
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        out.push_str(if is_hash(&word) { "#" } else { &word });
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// Compares with a file; `STANDSTILL_BLESS=1` writes it.
#[track_caller]
fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = without_hashes(text);
    if std::env::var_os("STANDSTILL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn outcomes(verdict: &Value) -> Vec<(String, String)> {
    let party =
        |party: &Value| (party["party"].as_str().unwrap().to_owned(), party["outcome"].as_str().unwrap().to_owned());
    verdict["parties"].as_array().unwrap().iter().map(party).collect()
}

#[test]
fn a_pause_from_sealed_offers_to_open_gates() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let story = expect(&["demo", "pause", "--out", "out", "--seed", "7", "--witnesses-down", "1"], at, 0);
    for part in [
        "4 of 4 are bound",
        "training is paused",
        "the agreement is PAUSED",
        "byte for byte",
        "full quorum still said so",
    ] {
        assert!(story.contains(part), "'{part}' in\n{story}");
    }
    status_and_timeline(at);
    other_names(at);
    thinned(at);
    acting(at);
}

fn status_and_timeline(at: &Path) {
    let status = |time: &str| expect(&["agreement", "status", "out/bundle", "--at", time], at, 0);
    golden("pause-status-armed.txt", &status("2026-11-02T02:00:00Z"));
    golden("pause-status-paused.txt", &status("2026-11-05T22:00:00Z"));
    golden("pause-status-end.txt", &expect(&["agreement", "status", "out/bundle"], at, 0));
    golden("pause-timeline.txt", &expect(&["agreement", "timeline", "out/bundle"], at, 0));
    // What an earlier look calls decided is the beginning of what a later one shows.
    let late = json(&["agreement", "timeline", "out/bundle", "--json"], at, 0);
    let early = json(&["agreement", "timeline", "out/bundle", "--json", "--at", "2026-11-06T22:00:00Z"], at, 0);
    let (early, late) = (early["transitions"].as_array().unwrap(), late["transitions"].as_array().unwrap());
    assert!(early.len() > 30 && late.len() > early.len() && late.starts_with(early));
    assert!(late.iter().all(|transition| transition["decided"] == true));
    let verdict = json(&["verify", "out/bundle", "--json"], at, 1);
    let shown = json(&["agreement", "status", "out/bundle", "--json"], at, 0);
    assert_eq!(verdict["runtime"]["timeline"], shown["timeline"]);
    assert_eq!(verdict["runtime"]["phase"], "active");
}

/// The order and the names of files, and repetitions among them, change no byte.
fn other_names(at: &Path) {
    copy(&at.join("out/bundle"), &at.join("renamed"));
    for log in std::fs::read_dir(at.join("renamed/logs")).unwrap().map(Result::unwrap) {
        let folder = log.path().join("checkpoints");
        for file in std::fs::read_dir(&folder).unwrap().map(Result::unwrap).collect::<Vec<_>>() {
            let name = file.file_name().into_string().unwrap();
            let turned: String = name.chars().rev().collect();
            std::fs::copy(file.path(), folder.join(format!("seen-twice-{turned}"))).unwrap();
            std::fs::rename(file.path(), folder.join(format!("z-{turned}"))).unwrap();
        }
    }
    for arguments in [["verify", "--json"], ["agreement", "timeline"]] {
        let of = |bundle: &'static str| run(&[arguments[0], arguments[1], bundle], at).stdout;
        assert_eq!(of("out/bundle"), of("renamed"), "{arguments:?}");
    }
}

/// Whoever leaves logs out of a bundle can make less be concluded; nobody more is accused.
fn thinned(at: &Path) {
    let whole = outcomes(&json(&["verify", "out/bundle", "--json"], at, 1));
    for (place, gone) in ["north", "east", "evaluator-1", "board", "auditor-2"].iter().enumerate() {
        let name = format!("thinned-{place}");
        copy(&at.join("out/bundle"), &at.join(&name));
        std::fs::remove_dir_all(at.join(&name).join("logs").join(gone)).unwrap();
        let output = run(&["verify", &name, "--json"], at);
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        for ((party, before), (_, after)) in whole.iter().zip(outcomes(&verdict)) {
            assert!(after != "violated" || before == "violated", "{party} is accused because {gone} is not there");
        }
    }
}

fn acting(at: &Path) {
    // At the end of the play; a later statement would be after the end of the term.
    let bundle = ["--bundle", "out/bundle", "--issued", "1794427200"];
    let say = |words: &[&str], exit| expect(&[&["act"], words, &bundle].concat(), at, exit);
    let refused = say(&["raise", "out/roles/board", "rsi", "--evidence", &"11".repeat(32)], 2);
    assert!(refused.contains("do not let its issuer raise"), "{refused}");
    let refused = say(&["rule", "out/roles/north", "cleared", "--case", &"11".repeat(32), "--text", "no"], 2);
    assert!(refused.contains("only adjudicators rule"), "{refused}");
    let refused = say(&["vote", "out/roles/east", "lift", "yes", "--subject", &"11".repeat(32)], 2);
    assert!(refused.contains("no such raise is in force"), "{refused}");
    let asked =
        say(&["question", "out/roles/auditor", "--party", "north", "--text", "What is in hall 3?", "--json"], 0);
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((asked["issuer"].as_str(), asked["kind"].as_str()), (Some("auditor"), Some("question")));
    // The question is in the auditor's own log only; a bundle without it does not know it.
    let hash = asked["statement"].as_str().unwrap();
    let refused = say(&["answer", "out/roles/north", "--to", hash, "--text", "Nothing."], 2);
    assert!(refused.contains("answers no question"), "{refused}");
    let notice = expect(&["act", "withdraw", "out/roles/east", "--reason", "Costs"], at, 0);
    assert!(notice.contains("standstill log submit"), "{notice}");
    expect(&["act", "vote", "out/roles/east", "lift", "yes", "--subject", "abc"], at, 2);
    let waits = expect(&["act", "open", "out/roles/north", "--entry-round", "0"], at, 0);
    assert!(waits.contains("2026-11-02 00:00:0"), "{waits}");
}

#[test]
fn two_hundred_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let told = expect(&["demo", "pause", "--simulate", "--seeds", "200"], folder.path(), 0);
    assert!(told.starts_with("200 seeds"), "{told}");
    let refused = expect(&["demo", "pause", "--simulate", "--witnesses-down", "2"], folder.path(), 2);
    assert!(refused.contains("no quorum of 4"), "{refused}");
}
