//! The published JSON Schema describes the verdict. A small checker for the keywords that the schema uses; an unknown keyword fails,
//! so that nothing in the schema goes unchecked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use standstill_verify::CheckKind;
use std::path::PathBuf;

fn schema() -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/verdict.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The verdict that the vectors publish.
fn verdict() -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/verify/verdict.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fine = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                check(root, target, value, place)?;
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|option| check(root, option, value, place).is_ok()),
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "type" => type_fits(rule, value),
            "minimum" => value.as_u64().is_none_or(|number| number >= rule.as_u64().unwrap()),
            "maximum" => value.as_u64().is_none_or(|number| number <= rule.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| pattern_fits(rule.as_str().unwrap(), text)),
            "required" => value
                .as_object()
                .is_none_or(|map| rule.as_array().unwrap().iter().all(|key| map.contains_key(key.as_str().unwrap()))),
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                value.as_object().is_none_or(|map| map.keys().all(|key| known.contains_key(key)))
            }
            "properties" => {
                for (key, inner) in rule.as_object().unwrap() {
                    if let Some(found) = value.get(key) {
                        check(root, inner, found, &format!("{place}.{key}"))?;
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{place}[{index}]"))?;
                }
                true
            }
            other => panic!("the schema uses '{other}', which this checker does not know"),
        };
        if !fine {
            return Err(format!("{place}: {keyword} {rule} does not hold for {value}"));
        }
    }
    Ok(())
}

fn type_fits(rule: &Value, value: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    };
    rule.as_str().map_or_else(|| rule.as_array().unwrap().iter().any(|name| one(name.as_str().unwrap())), one)
}

fn pattern_fits(pattern: &str, text: &str) -> bool {
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let name = |text: &str| {
        text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)) && !text.is_empty()
    };
    match pattern {
        "^[0-9a-f]{64}$" => hex(text),
        "^([0-9a-f]{64})?$" => text.is_empty() || hex(text),
        "^[0-9]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
        "^[a-z0-9][a-z0-9._-]{0,63}$" => name(text) && text.len() <= 64,
        "^[a-z0-9][a-z0-9._-]*$" => name(text),
        other => panic!("the schema uses pattern {other}, which this checker does not know"),
    }
}

#[test]
fn the_published_verdict_fits_the_schema_and_a_changed_one_does_not() {
    let (schema, verdict) = (schema(), verdict());
    check(&schema, &schema, &verdict, "verdict").unwrap();
    for (pointer, wrong) in
        [("/outcome", "fine"), ("/parties/0/checks/0/kind", "vibes"), ("/terms/agreement", "ABC"), ("/format", "other")]
    {
        let mut changed = verdict.clone();
        *changed.pointer_mut(pointer).unwrap() = Value::from(wrong);
        assert!(check(&schema, &schema, &changed, "verdict").is_err(), "{pointer}");
    }
    let mut more = verdict;
    more["surprise"] = Value::from(1);
    assert!(check(&schema, &schema, &more, "verdict").is_err());
}

#[test]
fn the_schema_lists_every_check() {
    let listed = schema()["$defs"]["kind"]["enum"].clone();
    let kinds: Vec<Value> = CheckKind::ALL.iter().map(|kind| Value::from(kind.id())).collect();
    assert_eq!(listed, Value::from(kinds));
}

#[test]
fn a_verdict_with_a_run_time_fits_the_schema() {
    use standstill_statement::{Hash32, Name};
    use standstill_verify::verdict::{OpenCase, PartyPhase, RunTime, Verdict};
    let name = |text: &str| Name::new(text).unwrap();
    let party = PartyPhase {
        party: name("north"),
        phase: "paused".to_owned(),
        since_unix_seconds: 5,
        bound: true,
        verified: true,
    };
    let case = |due_unix_seconds| OpenCase {
        case: Hash32::of(b"case"),
        accuser: name("auditor"),
        respondent: name("north"),
        stage: "voting".to_owned(),
        due_unix_seconds,
    };
    let runtime = RunTime {
        phase: "paused".to_owned(),
        phase_since_unix_seconds: 5,
        timeline: Hash32::of(b"timeline"),
        transitions: 7,
        settled_until_unix_seconds: 6,
        unsettled: vec!["a log".to_owned()],
        parties: vec![party],
        cases: vec![case(None), case(Some(9))],
        missing: Vec::new(),
        at_fault: vec![name("south")],
    };
    let mut verdict: Verdict = serde_json::from_value(verdict()).unwrap();
    assert!(verdict.runtime.is_none(), "a verdict on terms with a schedule only does not have the field");
    verdict.runtime = Some(runtime);
    let value = serde_json::to_value(&verdict).unwrap();
    check(&schema(), &schema(), &value, "verdict").unwrap();
    let mut wrong = value;
    wrong["runtime"]["timeline"] = Value::from("short");
    assert!(check(&schema(), &schema(), &wrong, "verdict").is_err());
    let (text, page) = (standstill_verify::render::text(&verdict), standstill_verify::render::html(&verdict));
    for shown in [&text, &page] {
        assert!(shown.contains(&Hash32::of(b"timeline").to_string()) && shown.contains("voting"), "{shown}");
    }
}
