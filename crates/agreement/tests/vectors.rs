//! Recomputes `testdata/vectors/agreement/*.json`; `UPDATE_VECTORS=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

use serde_json::{Value, json};
use standstill_agreement::{Agreement, Bound, Limit, RoleKind, Template};
use standstill_statement::{Hash32, Name, SigningKey};
use standstill_tlog::note::{KeyType, VerifierKey};
use std::path::PathBuf;

/// Compares with the stored file, or stores it.
fn stored(file: &str, vectors: &Value) {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/vectors/agreement"));
    let path = directory.join(file);
    let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(directory).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} differs; if the format was meant to change, run with UPDATE_VECTORS=1", path.display());
}

fn key(seed: u8) -> standstill_statement::PublicKey {
    SigningKey::from_seed([seed; 32]).public()
}

fn vkey(name: &str, kind: KeyType, seed: u8) -> Option<String> {
    Some(VerifierKey::new(name, kind, &key(seed).0).unwrap().to_string())
}

fn file() -> String {
    let name = |text: &str| Name::new(text).unwrap();
    let log = |id: &str, seed| vkey(&format!("logs.example/{id}"), KeyType::Ed25519, seed);
    let witness =
        |seed: u8| (name(&format!("w{seed}")), vkey(&format!("w{seed}.example"), KeyType::CosignatureV1, seed));
    Agreement::template(&Template {
        title: "Vector: \"quotes\" \\ and ünïcode".to_owned(),
        start_unix_seconds: 1_793_491_200,
        term_windows: 90,
        parties: vec![(name("south"), log("south", 3), Some(key(4))), (name("north"), log("north", 1), Some(key(2)))],
        roles: vec![(RoleKind::Auditor, name("auditor"), log("auditor", 5), Some(key(6)))],
        witnesses: (11..=13).map(witness).collect(),
    })
}

/// The agreement with a chip table of its own, so that the vectors outlive new chips.
fn agreement() -> Agreement {
    Agreement { chip_table: Hash32::of(b"chip table of the vectors"), ..Agreement::parse(&file()).unwrap() }
}

#[test]
fn canonical_form_and_id() {
    let agreement = agreement();
    let builtin = Agreement::parse(&file()).unwrap();
    let text = file().replace(&builtin.chip_table.to_string(), &agreement.chip_table.to_string());
    let plain = agreement.to_toml();
    let vectors = json!({
        "about": "Two files with one meaning, their canonical JSON (RFC 8785) and the agreement id over it.",
        "files_toml": [text, plain],
        "canonical_json": agreement.canonical_json(),
        "id": agreement.id(),
    });
    assert_eq!(Agreement::parse(&builtin.to_toml()).unwrap().id(), builtin.id());
    stored("id.json", &vectors);
}

#[test]
fn windows_phases_and_deadlines() {
    let agreement = agreement();
    let windows: Vec<Value> = [0, 1, 29, 30, 89]
        .into_iter()
        .map(|window| {
            let (start, end) = agreement.window_bounds(window);
            json!({
                "window": window,
                "start_unix_seconds": start,
                "end_unix_seconds": end,
                "report_deadline_unix_seconds": agreement.report_deadline(window),
                "grace_deadline_unix_seconds": agreement.grace_deadline(window),
                "phase": agreement.phase_at(window),
                "bounds": agreement.limits.iter().map(|limit| bound(&agreement, limit, window)).collect::<Value>(),
            })
        })
        .collect();
    stored(
        "windows.json",
        &json!({"about": "What holds in windows of the agreement of id.json.", "id": agreement.id(), "windows": windows}),
    );
}

fn bound(agreement: &Agreement, limit: &Limit, window: u64) -> Value {
    let fraction = |of: &str, numerator: u64, denominator: u64| json!({"of": of, "numerator": numerator, "denominator": denominator});
    let bound = match *agreement.bound_at(limit, window) {
        Bound::Unlimited => json!("none"),
        Bound::AtMost(amount) => json!({"at_most": amount.to_string()}),
        Bound::OfBaseline { numerator, denominator } => fraction("baseline", numerator, denominator),
        Bound::OfCapacity { numerator, denominator } => fraction("capacity", numerator, denominator),
    };
    json!({"limit": limit.id, "bound": bound})
}

/// Spellings of amounts and what they mean, each as the `max` of a limit on operations or on chip-seconds.
#[test]
fn amounts() {
    let with = |max: &str| file().replace("max = 1e24", &format!("max = {max}"));
    let accepted =
        ["0", "1e15", "1E+15", "\"1.5e24\"", "1_000_000_000_000_000", "12345.6789e20", "\"none\"", "1e33", "1000e30"];
    let refused =
        ["-1", "1.5", "1e14", "1e34", "1e-1", "inf", "nan", "0x10", "\"1e\"", "\"50 % of baseline\"", "true", "\"\""];
    let accepted: Vec<Value> = accepted
        .into_iter()
        .map(|text| {
            let agreement = Agreement::parse(&with(text)).unwrap();
            let limit = agreement.limits.iter().find(|limit| limit.id.as_str() == "run").unwrap();
            json!({"toml": text, "meaning": bound(&agreement, limit, 0)["bound"]})
        })
        .collect();
    for text in refused {
        assert!(Agreement::parse(&with(text)).is_err(), "{text}");
    }
    stored(
        "amounts.json",
        &json!({"about": "The value of max in a limit on operations.", "accepted": accepted, "refused": refused}),
    );
}
