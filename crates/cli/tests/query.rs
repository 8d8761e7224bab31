//! `standstill meter query`, in a build with the query engine and in one without.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::Path;
use std::process::{Command, Output};

fn query(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standstill"));
    command.args(["meter", "query"]).args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn expect_error(arguments: &[&str], folder: &Path, exit: i32, message: &str) {
    let output = query(arguments, folder);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {shown}");
    assert!(shown.contains(message), "{arguments:?}: '{message}' is not in: {shown}");
    assert!(output.stdout.is_empty() && !shown.contains("panicked"), "{shown}");
}

#[test]
fn the_command_is_in_the_help_of_every_build() {
    let help = Command::new(env!("CARGO_BIN_EXE_standstill")).args(["meter", "--help"]).output().unwrap();
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(text.contains("query") && text.contains("--features query"), "{text}");
}

#[cfg(not(feature = "query"))]
#[test]
fn a_build_without_the_engine_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let message = "standstill: this build has no query engine; build with --features query";
    expect_error(&["SELECT 1"], folder.path(), 2, message);
}

#[cfg(feature = "query")]
#[test]
fn questions_are_answered_in_three_forms_and_refused_with_the_right_code() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rows: String = (0..7).map(|row| format!("GPU-a,{},0.5,600\n", 1_780_272_000_000i64 + row * 10_000)).collect();
    std::fs::write(at.join("day.csv"), format!("uuid,time_ms,tensor_active,power\n{rows}")).unwrap();
    std::fs::write(at.join("fleet.csv"), "key,model,site,area,domain\nGPU-b,h100-sxm,s,a,d\n").unwrap();
    let sacct = "JobIDRaw|Start|End|AllocTRES|NodeList\n1|1780272000|1780273000|gres/gpu=8|n[1-2]\n";
    std::fs::write(at.join("sacct.txt"), sacct).unwrap();

    let sum = "SELECT metered(reading)['power_microjoules'] AS uj, metered(reading)['rows'] AS n FROM day";
    let csv = query(&[sum, "day.csv", "--period-seconds", "10", "--csv"], at);
    assert_eq!(String::from_utf8_lossy(&csv.stdout), "uj,n\n36000000000,7\n");
    let json = query(&[sum, "day.csv", "--json"], at);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["rows"][0], serde_json::json!({ "uj": "36000000000", "n": 7 }));
    let limited = query(&["SELECT time_ms FROM day ORDER BY time_ms", "day.csv", "--rows", "1"], at);
    assert_eq!(String::from_utf8_lossy(&limited.stdout), "      time_ms\n-------------\n1780272000000\n");
    assert!(String::from_utf8_lossy(&limited.stderr).contains("only the first 1 rows"));

    let unknown = "SELECT DISTINCT uuid FROM day LEFT ANTI JOIN fleet ON uuid = device";
    let found = query(&[unknown, "day.csv", "--fleet", "fleet.csv", "--csv"], at);
    assert_eq!(String::from_utf8_lossy(&found.stdout), "uuid\nGPU-a\n");
    let jobs = query(&["SELECT job, node, accelerators FROM jobs ORDER BY node", "--jobs", "sacct.txt", "--csv"], at);
    assert_eq!(String::from_utf8_lossy(&jobs.stdout), "job,node,accelerators\n1,n1,8\n1,n2,8\n");

    std::fs::write(at.join("node.csv"), "node,t_ms,watts\nn1,1780272000000,5000\nn1,1780272010000,5000\n").unwrap();
    let node = "SELECT metered(reading)['power_microjoules'] AS uj FROM node";
    expect_error(&[node, "node.csv"], at, 2, "choose a power contract");
    let power = query(&[node, "node.csv", "--node-power", "--csv"], at);
    assert_eq!(String::from_utf8_lossy(&power.stdout), "uj\n50000000000\n");

    expect_error(&["DROP TABLE day", "day.csv"], at, 2, "the question is refused");
    expect_error(&["SELECT nothing FROM day", "day.csv"], at, 2, "nothing");
    expect_error(&["SELECT 1", "night.csv"], at, 4, "night");
    expect_error(&["SELECT 1", "--slot-seconds", "0"], at, 2, "--slot-seconds is out of range");
    if cfg!(not(feature = "ballista")) {
        expect_error(&["SELECT 1", "--scheduler", "df://host:50050"], at, 2, "build with --features ballista");
    }
}
