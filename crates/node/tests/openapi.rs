//! The checked-in OpenAPI documents have exactly the routes and methods of the servers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use serde_json::Value;
use std::collections::BTreeSet;

/// `METHOD /path` of every `.route(…)` in these sources.
fn served(sources: &[&str]) -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for source in sources {
        for call in source.split(".route(\"").skip(1) {
            let (path, rest) = call.split_once("\", ").unwrap();
            let handlers = rest.lines().next().unwrap();
            for method in ["get", "post", "put", "delete", "patch"] {
                let called = handlers.match_indices(&format!("{method}(")).any(|(at, _)| {
                    !handlers[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
                });
                if called {
                    // The servers' way to write a rest of a path.
                    routes.insert(format!("{} {}", method.to_uppercase(), path.replace("{*", "{")));
                }
            }
        }
    }
    routes
}

fn documented(text: &str) -> (Value, BTreeSet<String>) {
    let document: Value = serde_json::from_str(text).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string() && operation["responses"].is_object(), "{method} {path}");
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    (document, routes)
}

#[test]
fn the_monitor() {
    let sources = [include_str!("../src/monitor/service.rs"), include_str!("../src/monitor/agreement.rs")];
    let (document, routes) = documented(include_str!("../../../docs/api/monitor.openapi.json"));
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(served(&sources), routes);
    assert!(routes.contains("GET /agreement/status") && routes.len() == 7, "{routes:?}");
}

#[test]
fn the_log() {
    let (document, routes) = documented(include_str!("../../../docs/api/log.openapi.json"));
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(served(&[include_str!("../src/log/http.rs")]), routes);
    assert!(routes.contains("POST /add") && routes.contains("PUT /blob/{sha256}"), "{routes:?}");
}

/// Every reference leads to a schema, and every schema is used.
#[test]
fn references_hold() {
    let (document, _) = documented(include_str!("../../../docs/api/monitor.openapi.json"));
    let text = document.to_string();
    let used: BTreeSet<&str> =
        text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let known: BTreeSet<&str> =
        document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(used, known);
}
