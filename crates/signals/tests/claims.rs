//! Signed signals and what a forger does to them: each test says which part of the check catches it, or openly that none does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test says where")]

use sha2::{Digest, Sha256};
use standstill_signals::claim::{self, Fault, FileVersions, Part, Prepared, Subject, Tables};
use standstill_signals::horizon::draws::BeaconRound;
use standstill_signals::horizon::{Input, Inputs, Plan, Role, recompute};
use standstill_statement::{BlobRef, Decimal, Hash32, Measured, Name, Reading, Signal};

const DATES: &str = "date:\n  M0: 2023-01-10\n  M1: 2023-09-01\n  M2: 2024-05-20\n  M3: 2025-02-01\n";
const PLAN: &str = "[method]\nbootstrap.resamples = 200\n";

/// Four agents on 36 tasks in 12 families, from a minute to 55 hours, four runs each; the later the agent, the longer its tasks.
fn runs() -> String {
    let mut out = String::new();
    for agent in 0..4u32 {
        for task in 0..36u32 {
            for run in 0..4u32 {
                let hard =
                    f64::from(task) / 3.0 - f64::from(2 * agent + 1) + f64::from((task * 5 + run * 7) % 9) / 2.0 - 2.0;
                let minutes = 2f64.powf(f64::from(task) / 3.0);
                out.push_str(&format!(
                    "{{\"run_id\":\"{agent}-{task}-{run}\",\"task_id\":\"f{:02}/t{task:02}\",\"task_family\":\"f{:02}\",\"alias\":\"M{agent}\",\"human_minutes\":{minutes},\"score_binarized\":{}}}\n",
                    task % 12,
                    task % 12,
                    u8::from(hard < 0.0)
                ));
            }
        }
    }
    out
}

fn subject(metric: &str) -> Subject {
    Subject { metric: Name::new(metric).unwrap(), party: None }
}

fn horizon_of(runs: &str, dates: &str, plan: &str, metric: &str) -> Prepared {
    let file = |role, name: &str, text: &str| Input { role, name: name.to_owned(), bytes: text.as_bytes().to_vec() };
    let inputs = Inputs {
        files: vec![file(Role::Runs, "runs.jsonl", runs), file(Role::Dates, "dates.yaml", dates)],
        beacon: None,
    };
    let plan = Plan::parse(plan).unwrap();
    let record = recompute(&inputs, &plan, 1, &|_| {}).unwrap();
    claim::horizon(&subject(metric), &[], &inputs, &plan, None, &record).unwrap()
}

fn honest() -> Prepared {
    horizon_of(&runs(), DATES, PLAN, "horizon_p50")
}

fn no_beacon(_: &str) -> Result<BeaconRound, String> {
    Err("no beacon here".to_owned())
}

fn check(claim: &Prepared) -> Result<(), Fault> {
    claim::check(&claim.signal, &claim.inputs, &claim.result, &no_beacon, 2)
}

#[track_caller]
fn caught(claim: &Prepared, part: Part) -> String {
    match check(claim) {
        Err(Fault::Differs(found, why)) if found == part => why,
        other => panic!("{other:?}"),
    }
}

/// The forger names the forged blobs in a statement that is otherwise as before.
fn renamed(mut claim: Prepared) -> Prepared {
    claim.signal.inputs = claim.inputs.iter().map(|bytes| BlobRef::of(bytes)).collect();
    claim.signal.result = BlobRef::of(&claim.result);
    claim
}

fn with_inputs(of: Prepared, from: Prepared) -> Prepared {
    renamed(Prepared { inputs: from.inputs, ..of })
}

fn value(signal: &Signal) -> Measured {
    match &signal.reading {
        Reading::Value(value) => *value,
        Reading::Indeterminate(why) => panic!("{why}"),
    }
}

#[test]
fn an_honest_horizon_holds() {
    for metric in ["horizon_p50", "horizon_p80", "horizon_doubling"] {
        let claim = horizon_of(&runs(), DATES, PLAN, metric);
        check(&claim).unwrap();
        assert!(value(&claim.signal).interval.is_some(), "{metric}: {:?}", claim.signal.reading);
    }
    // The longest horizon is M3's, in seconds.
    let record: serde_json::Value = serde_json::from_slice(&honest().result).unwrap();
    let minutes = record["agents"][3]["horizons"][0]["minutes"].as_f64().unwrap();
    let estimate = value(&honest().signal).estimate;
    let seconds = estimate.digits as f64 * 10f64.powi(i32::from(estimate.power));
    assert!((seconds - minutes * 60.0).abs() < 1e-6 * seconds, "{seconds} {minutes}");
}

#[test]
fn dropped_runs() {
    let kept = runs()
        .lines()
        .filter(|line| !line.contains("\"alias\":\"M3\"") || line.contains("score_binarized\":0"))
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let forged = with_inputs(honest(), horizon_of(&kept, DATES, PLAN, "horizon_p50"));
    assert!(caught(&forged, Part::Result).contains("'inputs'"));
}

/// Nothing shows runs that were left out before everything was computed: not this check. `horizon_forgeries.rs` says what may.
#[test]
fn dropped_runs_with_everything_computed_anew_are_not_caught() {
    let kept: String = runs().lines().filter(|line| !line.contains("\"3-2-")).map(|line| format!("{line}\n")).collect();
    let forged = horizon_of(&kept, DATES, PLAN, "horizon_p50");
    assert_ne!(forged.result, honest().result);
    check(&forged).unwrap();
}

#[test]
fn relabelled_lengths() {
    let longer = runs().replace("\"human_minutes\":1,", "\"human_minutes\":3,");
    let forged = with_inputs(honest(), horizon_of(&longer, DATES, PLAN, "horizon_p50"));
    caught(&forged, Part::Result);
    // One row of a task alone: the inputs give no result at all.
    let mut forged = honest();
    let text = String::from_utf8(forged.inputs[1].clone()).unwrap();
    forged.inputs[1] = text.replacen("\"human_minutes\":1,", "\"human_minutes\":2,", 1).into_bytes();
    assert!(caught(&renamed(forged), Part::Result).contains("human_minutes"));
}

#[test]
fn relabelled_agents() {
    let forged = with_inputs(
        honest(),
        horizon_of(&runs().replace("\"alias\":\"M3\"", "\"alias\":\"M2b\""), DATES, PLAN, "horizon_p50"),
    );
    caught(&forged, Part::Result);
}

#[test]
fn shifted_dates() {
    let later = DATES.replace("2025-02-01", "2025-12-01");
    let doubling = horizon_of(&runs(), DATES, PLAN, "horizon_doubling");
    let forged = with_inputs(doubling.clone(), horizon_of(&runs(), &later, PLAN, "horizon_doubling"));
    caught(&forged, Part::Result);
    // A method that pins the dates refuses others; without the pin nothing shows it.
    let shifted = horizon_of(&runs(), &later, PLAN, "horizon_doubling");
    check(&shifted).unwrap();
    assert_ne!(shifted.signal.reading, doubling.signal.reading);
    let pinned = format!("{PLAN}dates-sha256 = \"{}\"\n", hex::encode(Sha256::digest(DATES)));
    let pinned = horizon_of(&runs(), DATES, &pinned, "horizon_doubling");
    check(&pinned).unwrap();
    let mut forged = pinned.clone();
    forged.inputs[2] = later.into_bytes();
    assert!(caught(&renamed(forged), Part::Result).contains("pins"));
}

#[test]
fn changed_results() {
    let mut forged = honest();
    let text = String::from_utf8(forged.result.clone()).unwrap();
    let place = text.find("\"average\": ").unwrap() + "\"average\": ".len();
    forged.result = format!("{}9{}", &text[..place], &text[place..]).into_bytes();
    assert!(caught(&renamed(forged), Part::Result).contains("'agents'"));
    // Another form of the same record is another result.
    let mut forged = honest();
    forged.result.push(b'\n');
    assert!(caught(&renamed(forged), Part::Result).contains("'form'"));
    let mut forged = honest();
    forged.result = b"{}".to_vec();
    caught(&renamed(forged), Part::Result);
}

/// A record that names another program is no proof of a forgery, and no proof of the result either.
#[test]
fn a_result_of_another_version_cannot_be_told() {
    let mut forged = honest();
    let text = String::from_utf8(forged.result.clone()).unwrap().replacen(
        "standstill-signals 0.1.0",
        "standstill-signals 9.9.9",
        1,
    );
    forged.result = text.clone().into_bytes();
    check(&renamed(forged.clone())).unwrap();
    forged.result = text.replacen("\"average\": ", "\"average\": 9", 1).into_bytes();
    assert!(matches!(check(&renamed(forged)), Err(Fault::Unknown(_))));
}

#[test]
fn changed_readings() {
    let mut forged = honest();
    let estimate = value(&forged.signal).estimate;
    forged.signal.reading =
        Reading::Value(Measured { estimate: Decimal::new(estimate.digits + 1, estimate.power), interval: None });
    caught(&forged, Part::Reading);
    forged.signal.reading = Reading::Indeterminate(Name::new("too-few-data").unwrap());
    caught(&forged, Part::Reading);
    // The right figure under another metric's name.
    let mut forged = honest();
    forged.signal.metric = Name::new("horizon_p80").unwrap();
    caught(&forged, Part::Reading);
    forged.signal.metric = Name::new("rd_speedup").unwrap();
    assert!(matches!(check(&forged), Err(Fault::Unknown(_))));
}

#[test]
fn changed_methods() {
    let other = horizon_of(&runs(), DATES, "[method]\nlambda = 0.1\nbootstrap.resamples = 200\n", "horizon_p50");
    let mut forged = other.clone();
    forged.signal.method = honest().signal.method;
    caught(&forged, Part::Method);
    forged.signal.method = Hash32([0; 32]);
    caught(&forged, Part::Method);
    check(&other).unwrap();
}

#[test]
fn manifests_that_do_not_fit() {
    let mut forged = honest();
    forged.inputs.pop();
    caught(&renamed(forged), Part::Inputs);
    let mut forged = honest();
    forged.inputs.push(vec![1]);
    caught(&renamed(forged), Part::Inputs);
    let mut forged = honest();
    forged.inputs[0] = b"[]".to_vec();
    caught(&renamed(forged), Part::Inputs);
    let mut forged = honest();
    forged.inputs.clear();
    caught(&renamed(forged), Part::Inputs);
    let mut forged = honest();
    forged.signal.party = Some(Name::new("north").unwrap());
    caught(&forged, Part::Inputs);
}

/// A horizon beyond the longest task is no figure.
#[test]
fn a_saturated_suite_gives_no_value() {
    let easy = runs().replace("\"score_binarized\":0", "\"score_binarized\":1");
    let claim = horizon_of(&easy, DATES, PLAN, "horizon_p50");
    assert_eq!(claim.signal.reading, Reading::Indeterminate(Name::new("outside-task-support").unwrap()));
    check(&claim).unwrap();
}

fn file(path: &str, new: &str) -> FileVersions {
    FileVersions { path: path.to_owned(), old: None, new: Some(new.as_bytes().to_vec()) }
}

fn tree() -> Vec<FileVersions> {
    vec![file("src/main.py", "x = '\u{202e}'\n"), file("src/a.rs", "fn a() {}\n"), file("CLAUDE.md", "Be kind.\n")]
}

fn scan_of(files: Vec<FileVersions>, tables: Tables) -> Prepared {
    claim::scan(&subject("scan_block"), "a tree", false, tables, files, Vec::new()).unwrap().0
}

#[test]
fn an_honest_scan_holds() {
    let claim = scan_of(tree(), Tables::default());
    check(&claim).unwrap();
    assert_eq!(value(&claim.signal).estimate, Decimal::new(1, 0));
    let mut change = tree();
    change[0].old = change[0].new.clone();
    let (claim, _) =
        claim::scan(&subject("scan_block"), "a change", true, Tables::default(), change, Vec::new()).unwrap();
    check(&claim).unwrap();
    assert_eq!(value(&claim.signal).estimate, Decimal::new(0, 0), "it was there before");
    let unread = vec!["secret.py: permission denied".to_owned()];
    let (claim, _) =
        claim::scan(&subject("scan_block"), "half", false, Tables::default(), vec![file("a.rs", "")], unread).unwrap();
    assert_eq!(claim.signal.reading, Reading::Indeterminate(Name::new("incomplete").unwrap()));
    check(&claim).unwrap();
}

#[test]
fn files_left_out_or_moved() {
    let honest = scan_of(tree(), Tables::default());
    let less = scan_of(tree().split_off(1), Tables::default());
    caught(&with_inputs(honest.clone(), less.clone()), Part::Result);
    let mut moved = tree();
    moved[0].path = "src/main.bin".to_owned();
    caught(&with_inputs(honest, scan_of(moved, Tables::default())), Part::Result);
    // With everything computed anew nothing shows that a file is missing: no tree of the repository is in the statement.
    check(&less).unwrap();
}

#[test]
fn findings_taken_out_of_a_report() {
    let mut forged = scan_of(tree(), Tables::default());
    forged.result = scan_of(tree().split_off(1), Tables::default()).result;
    caught(&renamed(forged), Part::Result);
    let mut forged = scan_of(tree(), Tables::default());
    forged.signal.reading = Reading::Value(Measured { estimate: Decimal::new(0, 0), interval: None });
    caught(&forged, Part::Reading);
}

#[test]
fn quieter_tables() {
    let honest = scan_of(tree(), Tables::default());
    let allow = "version = 1\n[[allow]]\nrule = \"hidden-bidi-unterminated\"\npath = \"src/main.py\"\nreason = \"trust me, it is fine\"\n";
    let allowed = scan_of(tree(), Tables { allow: Some(allow.to_owned()), ..Tables::default() });
    assert_eq!(value(&allowed.signal).estimate, Decimal::new(0, 0));
    check(&allowed).unwrap();
    let mut forged = allowed.clone();
    forged.signal.method = honest.signal.method;
    caught(&forged, Part::Method);
    let quiet = Tables::default();
    let quiet = Tables { rules: quiet.rules.replacen("severity = \"block\"", "severity = \"note\"", 1), ..quiet };
    let mut forged = scan_of(tree(), quiet);
    forged.signal.method = honest.signal.method;
    caught(&forged, Part::Method);
}

#[test]
fn streams_and_engines_that_do_not_fit() {
    let mut forged = scan_of(tree(), Tables::default());
    forged.inputs[1].truncate(60);
    caught(&renamed(forged), Part::Inputs);
    let mut forged = scan_of(tree(), Tables::default());
    let text = String::from_utf8(forged.inputs[0].clone()).unwrap();
    forged.inputs[0] = text.replacen(&format!("\"engine\":{}", claim::ENGINE), "\"engine\":999", 1).into_bytes();
    assert!(matches!(check(&renamed(forged)), Err(Fault::Unknown(_))));
}

/// A change of any finding is a new engine: raise `claim::ENGINE`, then pin the new report here.
#[test]
fn the_engine_is_pinned() {
    let mut files = tree();
    files.push(file(".github/workflows/ci.yml", "on: pull_request_target\njobs:\n  a:\n    runs-on: self-hosted\n    steps:\n      - uses: actions/checkout@v4\n"));
    files.push(file("docs/a.md", "p\u{430}ypal \u{e0041}\u{e0042}\u{e0043}\n"));
    let claim = scan_of(files, Tables::default());
    let method = claim.signal.method;
    assert_eq!(
        (claim::ENGINE, hex::encode(Sha256::digest(&claim.result)).as_str(), hex::encode(method.0).as_str()),
        (
            2,
            "72d44400d0d12375cf54393753863e4b9ac966eba56e83233caca535d7a8162f",
            "b709140c54fc6478aa352dcd15ba5196313d427c1725e8989fb417a7a583c425"
        )
    );
}
