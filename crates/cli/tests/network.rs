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
    let vkey = key_of(at, "roles-elsewhere/north");
    let checked = ["log", "fsck", "roles-elsewhere/north/log", "--agreement", "out/agreement.toml", "--vkey", &vkey];
    expect(&checked, at, 0, "with a full quorum of witnesses: 0 problems");
}

/// The log key in a role's folder.
fn key_of(at: &Path, role: &str) -> String {
    let public = std::fs::read_to_string(at.join(role).join("public.toml")).unwrap();
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
        let listen = address(index);
        let init = ["node", "init", "--role", "witness", "--home", witness, "--agreement", "terms.toml", "--listen"];
        expect(&[&init[..], &[&listen]].concat(), at, 0, "");
        arguments.extend(["--role".into(), "witness".into(), "--config".into(), format!("{witness}/witness.toml")]);
    }
    expect(&["node", "init", "--role", "log", "--home", "north", "--listen", &address(3)], at, 0, "");
    let mut config = std::fs::read_to_string(at.join("north/log.toml")).unwrap();
    for (index, witness) in ["w1", "w2", "w3"].iter().enumerate() {
        let vkey = key_of(at, witness);
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
    let vkey = key_of(at, "north");
    let fsck = run(&["log", "fsck", &url, "--vkey", &vkey, "--agreement", "terms.toml"], at);
    let stranger = run(&["log", "fsck", &url, "--vkey", &key_of(at, "auditor")], at);
    expect(&["log", "rotate", "north"], at, 0, "is retired by statement");
    let rotated = run(&["log", "submit", "north", "--url", &url], at);
    expect(&["lab", "heartbeat", "north", "--window", "5"], at, 0, "");
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
    assert!(fsck.0 == 0 && fsck.1.contains("1 of them with a full quorum of witnesses: 0 problems"), "{fsck:?}");
    assert!(stranger.0 == 4 && stranger.1.contains(&url), "{stranger:?}");
    assert!(rotated.0 == 0 && rotated.1.contains("1 new statements, 2 in all"), "{rotated:?}");
    assert!(frozen.0 == 0 && frozen.1.contains("2 new statements, 4 in all"), "{frozen:?}");
    assert!(refused.0 == 5 && refused.1.contains("frozen"), "{refused:?}");
    assert!(terminated.success() && ended.success(), "the node did not end in order: {ended}");
}

#[test]
fn a_log_goes_on_for_a_frozen_one_only_where_that_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    prepared(at);
    expect(&["lab", "heartbeat", "north", "--window", "0"], at, 0, "");
    // The same party with another log, under terms that name it.
    expect(&["lab", "init", "north-2", "--party", "north"], at, 0, "");
    let from = ["north-2", "auditor", "w1", "w2", "w3"].map(|role| ["--from", role]).concat();
    expect(&[&["agreement", "new", "--out", "terms-2.toml"][..], &from].concat(), at, 0, "");
    expect(&["lab", "join", "north-2", "--agreement", "terms-2.toml"], at, 0, "");
    let succeed = ["log", "succeed", "north-2", "--predecessor", "north"];
    expect(&succeed, at, 2, "is not frozen");
    let vkey = key_of(at, "north-2");
    std::fs::create_dir(at.join("kept")).unwrap();
    for role in ["north", "north-2"] {
        let copied = Command::new("cp").args(["-a", role, "kept"]).current_dir(at).status().unwrap();
        assert!(copied.success());
    }
    let freeze = ["log", "freeze", "--reason", "moved", "--for-ever"];
    expect(&[&freeze[..], &["north", "--successor", &vkey]].concat(), at, 0, "ends with statement");
    expect(&succeed, at, 0, "which ended at 2 entries");
    expect(&[&succeed[..], &["--check"]].concat(), at, 0, "goes on exactly where its predecessor ended");
    expect(&succeed, at, 2, "in its first entry only");
    // Frozen for another successor; and a successor that says another end than the log's.
    let kept = at.join("kept");
    expect(&[&freeze[..], &["north"]].concat(), &kept, 0, "ends with statement");
    expect(&succeed, &kept, 4, "names no successor");
    std::fs::remove_dir_all(kept.join("north")).unwrap();
    std::fs::rename(at.join("north"), kept.join("north")).unwrap();
    expect(&["lab", "heartbeat", "north-2", "--window", "0"], &kept, 0, "");
    expect(&[&succeed[..], &["--check"]].concat(), &kept, 4, "names no predecessor");
}
