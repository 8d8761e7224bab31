//! The webhook configuration that is shipped, against the ways in which such configurations fail open. Read as text: it is short, each webhook has
//! the same form, and a YAML reader would be a dependency for this alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

const MANIFEST: &str = include_str!("../../../dist/kubernetes/manifests/webhook.yaml");

/// The text without comments, cut into webhooks by name.
fn webhooks() -> Vec<(String, String)> {
    let text: Vec<&str> = MANIFEST.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let text = text.join("\n");
    let parts = text.split("  - name: ").skip(1);
    parts
        .map(|part| {
            let (name, rest) = part.split_once('\n').unwrap();
            (name.trim().to_owned(), rest.to_owned())
        })
        .collect()
}

fn field<'a>(hook: &'a str, name: &str) -> &'a str {
    let found: Vec<&str> = hook.lines().filter_map(|line| line.trim().strip_prefix(&format!("{name}: "))).collect();
    assert_eq!(found.len(), 1, "{name} in {hook}");
    found[0]
}

#[test]
fn the_webhook_fails_closed() {
    let hooks = webhooks();
    assert_eq!(hooks.len(), 3);
    for (name, hook) in &hooks {
        let listed = name.starts_with("listed.");
        assert_eq!(field(hook, "failurePolicy"), if listed { "Ignore" } else { "Fail" }, "{name}");
        assert_eq!(field(hook, "matchPolicy"), "Equivalent", "{name}");
        assert_eq!(field(hook, "timeoutSeconds"), "2", "{name}");
        assert_eq!(field(hook, "sideEffects"), "NoneOnDryRun", "{name}");
        assert!(!hook.contains("objectSelector") && !hook.contains("matchConditions"), "{name}");
        // By the name, which the API server sets itself; only listed namespaces are Ignored.
        let operator = if listed { "operator: In," } else { "operator: NotIn," };
        assert!(hook.contains("key: kubernetes.io/metadata.name, ") && hook.contains(operator), "{name}");
        for rule in hook.lines().filter(|line| line.contains("apiGroups")) {
            assert!(rule.contains("apiVersions: [\"*\"]") && rule.contains("scope: Namespaced"), "{rule}");
            assert!(rule.contains("\"UPDATE\""), "{rule}");
        }
    }
    let all = |wanted: &dyn Fn(&str) -> bool| -> String {
        hooks.iter().filter(|(name, _)| wanted(name)).map(|(_, hook)| hook.as_str()).collect()
    };
    let (closed, listed) = (all(&|name| !name.starts_with("listed.")), all(&|name| name.starts_with("listed.")));
    for kind in [
        "\"pods\"",
        "pods/ephemeralcontainers",
        "pods/resize",
        "replicationcontrollers",
        "\"jobs\"",
        "cronjobs",
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "jobset.x-k8s.io",
        "jobsets",
        "rayjobs",
        "rayclusters",
        "rayservices",
        "kubeflow.org",
        "kueue.x-k8s.io",
        "workloads",
    ] {
        assert!(closed.contains(kind) && listed.contains(kind), "{kind} is asked about");
    }
    // What one list leaves out the other takes in, but for the gate's own namespace.
    let names = |text: &str| -> Vec<String> {
        let list = text.split_once("values: [").unwrap().1.split_once(']').unwrap().0;
        list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
    };
    let (mut left_out, taken_in) = (names(&closed), names(&listed));
    left_out.retain(|name| name != "standstill-gate");
    assert_eq!(left_out, taken_in);
}
