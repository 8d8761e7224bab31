//! What people see when something is wrong: one sentence, the next step, the right exit code, and nothing changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::Path;
use std::process::{Command, Output};

fn standstill(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standstill"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).output().unwrap()
}

#[track_caller]
fn expect(arguments: &[&str], folder: &Path, exit: i32, message: &str) {
    let output = standstill(arguments, folder);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {shown}");
    assert!(shown.contains(message), "{arguments:?}: '{message}' is not in: {shown}");
    assert!(!shown.contains("panicked"), "{shown}");
}

#[test]
fn usage_errors_exit_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    expect(&["fly"], at, 2, "unrecognized subcommand");
    expect(&["demo", "--cheat", "bribery"], at, 2, "possible values");
    expect(&["key", "new", "--kind", "log", "--out", "a.key"], at, 2, "Add --name");
    expect(&["lab", "init", "x", "--party", "Not A Name"], at, 2, "is not a name");
    expect(&["audit", "bound", "--groups", "10", "--opened", "11"], at, 2, "");
    expect(
        &["meter", "run", "a", "--source", "guess", "--fleet", "f.csv", "--start", "0", "--out", "l"],
        at,
        2,
        "write one of dcgm-parquet",
    );
    assert!(!at.join("a.key").exists(), "a refused command left a file");
}

/// An error of the meter names an option, and that option helps.
#[test]
fn a_table_with_other_names_and_units_is_read_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rows = (0..5).map(|row| format!("GPU-1,{},40.0,350000\n", 1_780_272_000_000i64 + row * 10_000));
    let rows: String = rows.collect();
    std::fs::write(at.join("a.csv"), format!("uuid,timestamp,busy,milliwatts\n{rows}")).unwrap();
    std::fs::write(at.join("fleet.csv"), "key,model,site,area,domain,custody\nGPU-1,h100-sxm5,s,a,d,\n").unwrap();
    let mut arguments: Vec<&str> = "meter run a.csv --fleet fleet.csv --start 1780272000 --out l".split(' ').collect();
    arguments.extend(["--source", "dcgm-csv", "--period-seconds", "10", "--column", "tensor-active=busy"]);
    expect(&arguments, at, 4, "say --activity-unit percent");
    arguments.extend(["--activity-unit", "percent", "--column", "power=milliwatts"]);
    expect(&arguments, at, 4, "say --power-unit milliwatt");
    arguments.extend(["--power-unit", "milliwatt"]);
    expect(&arguments, at, 0, "");
    expect(&[&arguments[..], &["--column", "heat=busy"]].concat(), at, 2, "one of the meanings device, time");
    let fixed =
        ["meter", "run", "a.csv", "--source", "sacct-parsable", "--fleet", "fleet.csv", "--start", "0", "--out", "k"];
    expect(&[&fixed[..], &["--energy-unit", "joule"]].concat(), at, 2, "names and units of sacct-parsable are fixed");
}

#[test]
fn unreadable_input_exits_with_four_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    expect(&["verify", "nowhere"], at, 4, "nowhere");
    std::fs::write(at.join("terms.toml"), "[agreement]\ntitel = \"x\"\n").unwrap();
    expect(&["agreement", "check", "terms.toml"], at, 4, "terms.toml");
    std::fs::write(at.join("fleet.csv"), "key,model\nGPU-1,h100-sxm5\n").unwrap();
    expect(&["fleet", "check", "fleet.csv"], at, 4, "fleet.csv");
    std::fs::write(at.join("round.json"), "{}").unwrap();
    expect(&["audit", "beacon", "round.json"], at, 4, "round.json");
    std::fs::write(at.join("x.ledger"), [0u8; 64]).unwrap();
    expect(&["show", "x.ledger"], at, 4, "x.ledger");
    std::fs::write(at.join("x.cose"), [0xd2u8; 64]).unwrap();
    expect(&["show", "x.cose"], at, 4, "");
}

#[test]
fn keys_are_never_overwritten_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for kind in ["statement", "seal", "inspector"] {
        let file = format!("{kind}.key");
        let output = standstill(&["key", "new", "--kind", kind, "--out", &file], at);
        assert!(output.status.success());
        let secret = std::fs::read_to_string(at.join(&file)).unwrap();
        let secret =
            secret.lines().rfind(|line| !line.starts_with('#')).unwrap().rsplit([' ', ':']).next().unwrap().to_owned();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(secret.len() > 20 && !shown.contains(&secret), "{kind} key is shown");
        expect(&["key", "new", "--kind", kind, "--out", &file], at, 2, "never overwritten");
        assert!(std::fs::read_to_string(at.join(&file)).unwrap().contains(&secret), "{kind} key changed");
    }
}

#[test]
fn help_names_every_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let output = standstill(&["--help"], folder.path());
    // The help is wrapped to the terminal's width.
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in
        ["0 verified", "1 violated", "2 usage", "3 cannot conclude", "4 unreadable", "5 network", "6 fork", "70 bug"]
    {
        assert!(text.contains(part), "{part} is not in --help");
    }
}

#[test]
fn man_pages_and_completions_are_written() {
    let folder = tempfile::tempdir().unwrap();
    assert!(standstill(&["man", "pages"], folder.path()).status.success());
    assert!(
        folder.path().join("pages/standstill.1").exists() && folder.path().join("pages/standstill-verify.1").exists()
    );
    assert!(!standstill(&["completions", "bash"], folder.path()).stdout.is_empty());
}
