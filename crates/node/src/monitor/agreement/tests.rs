#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use super::*;
use serde_json::Value;
use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_statement::{Body, Dispute, Name};

/// Four labs join, one is silent, one accuses another.
fn known() -> Known {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let terms = Agreement::parse(text).unwrap();
    let parties = terms.party_names();
    let mut world = World::new(&terms).unwrap();
    let offers: Vec<_> = parties.iter().map(|party| (party.clone(), None)).collect();
    world.join(0, &offers);
    world.reports(&parties[1..], 1..12);
    let reason = Name::new("balance-alarm").unwrap();
    let dispute = Dispute { respondent: parties[1].clone(), reason, evidence: Vec::new(), text: "x".to_owned() };
    let at = world.at(8, 0);
    world.say(&parties[2], at, Body::Dispute(dispute));
    // One that has no effect, so that every list has an entry.
    world.say(&parties[2], at + HOUR, Body::Withdrawal(standstill_statement::Withdrawal { reason: "x".to_owned() }));
    world.say(&parties[2], at + DAY, Body::Withdrawal(standstill_statement::Withdrawal { reason: "x".to_owned() }));
    let latest_unix_seconds = world.at(12, 0);
    let facts = world.facts();
    Known { terms: terms.clone(), facts, latest_unix_seconds }
}

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// Checks a value against a schema, as far as the document uses schemas: every field is described, and every described field is there.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = target.strip_prefix("#/components/schemas/").unwrap();
        return fits(document, &document["components"]["schemas"][name], value, place);
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let nothing = choices.iter().any(|choice| choice["type"] == "null");
        return if value.is_null() { assert!(nothing, "{place}") } else { fits(document, &choices[0], value, place) };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        other => panic!("{place}: no type in the schema: {other}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{place} is {value}, and the document says {kinds:?}");
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        assert!(allowed.contains(value), "{place} is {value}, which the document does not list");
    }
    if let Value::Array(list) = value {
        list.iter().for_each(|entry| fits(document, &schema["items"], entry, place));
    }
    if let Value::Object(fields) = value {
        let known = schema["properties"].as_object().unwrap();
        for required in schema["required"].as_array().unwrap() {
            assert!(fields.contains_key(required.as_str().unwrap()), "{place} lacks {required}");
        }
        for (name, field) in fields {
            let schema = known.get(name).unwrap_or_else(|| panic!("{place}.{name} is not in the document"));
            fits(document, schema, field, &format!("{place}.{name}"));
        }
    }
}

async fn serve(shelf: Shelf) -> (crate::serve::Server, String) {
    let address = "127.0.0.1:0".parse().unwrap();
    let server = crate::serve::Server::start(address, router(shelf), crate::serve::Limits::default()).await.unwrap();
    let base = format!("http://{}", server.address());
    (server, base)
}

async fn get(base: &str, path: &str) -> (u16, Value) {
    crate::tls::prepare();
    let answer = reqwest::get(format!("{base}{path}")).await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn answers_are_those_of_the_replay_and_as_described() {
    let known = known();
    let machine = Machine::new(&known.terms).unwrap();
    let timeline = replay_with(&machine, &known.facts, known.latest_unix_seconds);
    let expected =
        [serde_json::to_value(timeline.status(&machine)).unwrap(), serde_json::to_value(timeline.view()).unwrap()];
    let (earlier, whole) = (known.latest_unix_seconds - 6 * DAY, timeline.transitions.len());
    let shelf = Shelf::default();
    shelf.put(known);
    let (_server, base) = serve(shelf).await;
    let document = document();
    let pages = [("/agreement/status", "Status"), ("/agreement/timeline", "Timeline")];
    for ((path, schema), expected) in pages.into_iter().zip(expected) {
        let (status, value) = get(&base, path).await;
        assert_eq!((status, &value), (200, &expected), "{path}");
        fits(&document, &serde_json::json!({ "$ref": format!("#/components/schemas/{schema}") }), &value, schema);
    }
    let (_, value) = get(&base, "/agreement/status").await;
    for list in ["parties", "triggers", "cases", "due", "missing"] {
        assert!(!value[list].as_array().unwrap().is_empty(), "{list} is empty, so it was not compared");
    }
    let (_, value) = get(&base, &format!("/agreement/timeline?at={earlier}")).await;
    assert!(value["transitions"].as_array().unwrap().len() < whole && value["as_of_unix_seconds"] == earlier);
    let (_, value) = get(&base, "/agreement/timeline").await;
    assert!(!value["ignored"].as_array().unwrap().is_empty());
    assert_eq!(get(&base, "/agreement/status?at=soon").await.0, 400);
    assert_eq!(get(&base, "/openapi.json").await.1, document);
}

#[tokio::test]
async fn without_a_bundle_or_a_course_of_its_own_it_says_so() {
    let (_server, base) = serve(Shelf::default()).await;
    let (status, value) = get(&base, "/agreement/status").await;
    assert_eq!(status, 503);
    fits(&document(), &serde_json::json!({ "$ref": "#/components/schemas/Error" }), &value, "Error");
    let mut known = known();
    known.terms.coordination.conduct = None;
    let shelf = Shelf::default();
    shelf.put(known);
    let (_server, base) = serve(shelf).await;
    assert_eq!(get(&base, "/agreement/timeline").await.0, 404);
}
