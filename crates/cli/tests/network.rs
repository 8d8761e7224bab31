//! The whole system as processes: logs, witnesses (one lies), a monitor, kill -9, a fork, a silence, and what can be proved afterwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::Path;
use std::process::{Command, Output};

fn standstill(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standstill"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).output().unwrap()
}

/// Exit code, and everything printed.
fn run(arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = standstill(arguments, folder);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), shown)
}

#[track_caller]
fn expect(arguments: &[&str], folder: &Path, exit: i32, part: &str) -> String {
    let (code, shown) = run(arguments, folder);
    assert_eq!(code, exit, "{arguments:?}: {shown}");
    assert!(shown.contains(part), "{arguments:?}: '{part}' is not in: {shown}");
    assert!(!shown.contains("panicked"), "{shown}");
    shown
}

#[test]
fn four_logs_five_witnesses_one_liar_a_fork_and_a_silence() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let story = expect(&["demo", "network", "--out", "out"], at, 0, "1 of 4 cosignatures: no quorum");
    for part in [
        "killed (-9)",
        "holds the statement at the same index",
        "had not published a statement with kind=report window=3",
    ] {
        assert!(story.contains(part), "'{part}' is not in: {story}");
    }
    // Judged again from the files alone, with everything else gone.
    std::fs::rename(at.join("out/roles"), at.join("roles-elsewhere")).unwrap();
    let json = standstill(&["verify", "out/bundle", "--json", "--no-cache"], at);
    assert_eq!(json.status.code(), Some(6));
    let verdict: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let outcome = |party: &str| {
        let parties = verdict["parties"].as_array().unwrap();
        parties.iter().find(|found| found["party"] == party).unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!([outcome("north"), outcome("east"), outcome("south")], ["verified", "violated", "fork_seen"]);
    assert!(!verdict["forks"].as_array().unwrap().is_empty());
    let certificate =
        ["log", "certificate", "out/east-silent.certificate", "--agreement", "out/agreement.toml", "--party"];
    expect(&[&certificate[..], &["east"]].concat(), at, 0, "Proved");
    expect(&[&certificate[..], &["north"]].concat(), at, 4, "");
    damaged_certificates_prove_nothing(at);
    let vkey = verdict_key(at, "north");
    let checked = ["log", "fsck", "roles-elsewhere/north/log", "--agreement", "out/agreement.toml", "--vkey", &vkey];
    expect(&checked, at, 0, "with a full quorum of witnesses: 0 problems");
}

fn verdict_key(at: &Path, party: &str) -> String {
    let public = std::fs::read_to_string(at.join("roles-elsewhere").join(party).join("public.toml")).unwrap();
    let line = public.lines().find(|line| line.starts_with("vkey")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

/// Cut anywhere, or one byte changed: never accepted, never a crash.
fn damaged_certificates_prove_nothing(at: &Path) {
    let good = std::fs::read(at.join("out/east-silent.certificate")).unwrap();
    let step = good.len() / 12 + 1;
    for place in (30..good.len()).step_by(step) {
        let mut changed = good.clone();
        changed[place] ^= 1;
        for bytes in [changed, good[..place].to_vec()] {
            std::fs::write(at.join("bad.certificate"), bytes).unwrap();
            let (code, shown) = run(
                &["log", "certificate", "bad.certificate", "--agreement", "out/agreement.toml", "--party", "east"],
                at,
            );
            assert!(code == 3 || code == 4 || code == 2, "byte {place}: {code} {shown}");
            assert!(!shown.contains("Proved") && !shown.contains("panicked"), "byte {place}: {shown}");
        }
    }
}

/// A lab, a witness and terms in folders, without anything running.
fn prepared(at: &Path) {
    expect(&["lab", "init", "north", "--party", "north"], at, 0, "");
    expect(&["audit", "init", "auditor", "--name", "auditor"], at, 0, "");
    for witness in ["w1", "w2", "w3"] {
        expect(&["witness", "init", witness, "--name", witness], at, 0, "");
    }
    let from = [
        "agreement",
        "new",
        "--from",
        "north",
        "--from",
        "auditor",
        "--from",
        "w1",
        "--from",
        "w2",
        "--from",
        "w3",
        "--out",
        "terms.toml",
    ];
    expect(&from, at, 0, "");
    expect(&["lab", "join", "north", "--agreement", "terms.toml"], at, 0, "");
}

#[test]
fn nodes_and_network_logs_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    prepared(at);
    expect(&["node"], at, 2, "--role");
    expect(
        &["node", "--role", "log", "--role", "witness", "--config", "a.toml"],
        at,
        2,
        "give each --role its own --config",
    );
    expect(&["node", "--role", "log", "--config", "nowhere.toml"], at, 4, "nowhere.toml");
    expect(
        &["node", "init", "--role", "log", "--home", "w1", "--agreement", "terms.toml"],
        at,
        2,
        "a log belongs to a party",
    );
    expect(&["node", "init", "--role", "witness", "--home", "north"], at, 2, "no witness's folder");
    expect(
        &["node", "init", "--role", "log", "--home", "north", "--listen", "127.0.0.1:1"],
        at,
        0,
        "standstill node --role log",
    );
    expect(&["node", "init", "--role", "log", "--home", "north"], at, 2, "exists already");
    let remote = ["--agreement", "terms.toml", "--party", "north"];
    expect(&[&["log", "fetch"], &remote[..]].concat(), at, 2, "--url");
    expect(&[&["log", "fetch", "--url", "http://127.0.0.1:9"], &remote[..]].concat(), at, 5, "does not answer");
    expect(
        &[&["log", "tail", "--once", "--url", "http://127.0.0.1:9"], &remote[..]].concat(),
        at,
        5,
        "does not answer",
    );
    expect(
        &["log", "fetch", "--agreement", "terms.toml", "--party", "nobody", "--url", "http://127.0.0.1:9"],
        at,
        2,
        "does not name",
    );
    let absence = [&["log", "absence", "--out", "a.certificate"], &remote[..]].concat();
    expect(&[&absence[..], &["--by", "tomorrow"]].concat(), at, 2, "is not a time");
    expect(&[&absence[..], &["--by", "1", "--question", "window=5"]].concat(), at, 2, "kind=");
    expect(&[&absence[..], &["--by", "1"]].concat(), at, 2, "gives no addresses");
    expect(&["log", "submit", "north", "--url", "http://127.0.0.1:9"], at, 5, "does not answer");
    assert!(!at.join("a.certificate").exists(), "a refused command left a file");
}

/// Log and witnesses started from what `node init` writes, by one process of several roles; a statement goes in, and everybody sees it.
#[test]
fn one_process_takes_several_roles() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    prepared(at);
    let ports: Vec<u16> = {
        let held: Vec<_> = (0..4).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
    };
    let address = |index: usize| format!("127.0.0.1:{}", ports[index]);
    let mut arguments = vec!["node".to_owned()];
    for (index, witness) in ["w1", "w2", "w3"].iter().enumerate() {
        expect(
            &[
                "node",
                "init",
                "--role",
                "witness",
                "--home",
                witness,
                "--agreement",
                "terms.toml",
                "--listen",
                &address(index),
            ],
            at,
            0,
            "",
        );
        arguments.extend(["--role".into(), "witness".into(), "--config".into(), format!("{witness}/witness.toml")]);
    }
    expect(&["node", "init", "--role", "log", "--home", "north", "--listen", &address(3)], at, 0, "");
    let mut config = std::fs::read_to_string(at.join("north/log.toml")).unwrap();
    for (index, witness) in ["w1", "w2", "w3"].iter().enumerate() {
        let public = std::fs::read_to_string(at.join(witness).join("public.toml")).unwrap();
        let vkey = public.lines().find(|line| line.starts_with("vkey")).unwrap().split('"').nth(1).unwrap().to_owned();
        config +=
            &format!("\n[[witness]]\nname = \"{witness}\"\nvkey = \"{vkey}\"\nurl = \"http://{}\"\n", address(index));
    }
    std::fs::write(at.join("north/log.toml"), config).unwrap();
    arguments.extend(["--role".into(), "log".into(), "--config".into(), "north/log.toml".into()]);
    let mut node = Command::new(env!("CARGO_BIN_EXE_standstill"));
    let mut node = node
        .args(&arguments)
        .current_dir(at)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://{}", address(3));
    expect(&["lab", "heartbeat", "north", "--window", "0"], at, 0, "");
    let submitted = run(&["log", "submit", "north", "--url", &url], at);
    let again = run(&["log", "submit", "north", "--url", &url, "--json"], at);
    let tail =
        run(&["log", "tail", "--once", "--json", "--agreement", "terms.toml", "--party", "north", "--url", &url], at);
    let fetched = run(&["log", "fetch", "--agreement", "terms.toml", "--party", "north", "--url", &url], at);
    expect(&["log", "freeze", "north", "--reason", "moved"], at, 2, "--for-ever");
    expect(&["log", "freeze", "north", "--reason", "moved", "--for-ever"], at, 0, "ends with statement");
    let frozen = run(&["log", "submit", "north", "--url", &url], at);
    expect(&["lab", "heartbeat", "north", "--window", "1"], at, 0, "");
    let refused = run(&["log", "submit", "north", "--url", &url], at);
    let terminated = Command::new("kill").args(["-TERM", &node.id().to_string()]).status().unwrap();
    let ended = node.wait().unwrap();
    assert!(submitted.0 == 0 && submitted.1.contains("1 new statements, 1 in all; public since"), "{submitted:?}");
    assert!(again.0 == 0 && again.1.contains("\"new\":0"), "{again:?}");
    assert!(tail.0 == 0 && tail.1.contains("\"heartbeat\""), "{tail:?}");
    assert!(fetched.0 == 0 && fetched.1.contains("A full quorum had cosigned"), "{fetched:?}");
    assert!(frozen.0 == 0 && frozen.1.contains("1 new statements, 2 in all"), "{frozen:?}");
    assert!(refused.0 == 5 && refused.1.contains("frozen"), "{refused:?}");
    assert!(terminated.success() && ended.success(), "the node did not end in order: {ended}");
}
