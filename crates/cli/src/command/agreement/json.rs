//! What `standstill agreement … --json` prints. Amounts that may exceed 2^53 are texts of digits.

use serde_json::{Value, json};
use standstill_agreement::{Affected, Agreement, Change, TermsError};

pub(super) fn problems(problems: &[TermsError]) -> Value {
    let one = |problem: &TermsError| {
        json!({
            "line": problem.line,
            "rule": problem.rule.to_string(),
            "problem": problem.problem,
            "remedy": problem.remedy,
        })
    };
    problems.iter().map(one).collect()
}

pub(super) fn check(result: &Result<Agreement, Vec<TermsError>>) -> Value {
    match result {
        Ok(agreement) => json!({
            "valid": true,
            "id": agreement.id().to_string(),
            "problems": [],
            "implications": implications(agreement),
        }),
        Err(found) => json!({ "valid": false, "problems": problems(found) }),
    }
}

pub(super) fn implications(agreement: &Agreement) -> Value {
    let implied = agreement.implications();
    let steps: Vec<Value> =
        implied.breach_to_finding.iter().map(|(step, seconds)| json!({ "step": step, "seconds": seconds })).collect();
    let activation = implied.activation.as_ref().map(|activation| {
        json!({
            "smallest_group": activation.smallest.map(|(parties, groups)| json!({ "parties": parties, "groups": groups })),
            "indispensable": activation.indispensable,
            "notice_seconds": activation.notice_seconds,
            "in_force_seconds": activation.in_force_seconds,
            "valid_until_unix_seconds": activation.valid_until_unix_seconds,
        })
    });
    let triggers: Vec<Value> = implied
        .triggers
        .iter()
        .map(|trigger| {
            json!({
                "id": trigger.id,
                "phase": trigger.phase.name(),
                "shortest_seconds": trigger.shortest_seconds,
                "longest_seconds": trigger.longest_seconds,
            })
        })
        .collect();
    json!({
        "draws_per_report": implied.audits_per_day.count,
        "draws_per_day": implied.audits_per_day.to_string(),
        "needed_draws_per_report": implied.needed_per_report,
        "corrupt_witnesses_tolerated": implied.fork_tolerance,
        "silent_witnesses_tolerated": implied.outage_tolerance,
        "breach_to_decision": steps,
        "worst_seconds": implied.worst_seconds(),
        "longest_freeze_seconds": implied.longest_freeze_seconds,
        "activation": activation,
        "triggers": triggers,
        "resumption_seconds": implied.resumption_seconds,
    })
}

pub(super) fn change(change: &Change) -> Value {
    let affects = match &change.affects {
        Affected::Everybody => json!({ "kind": "all-parties" }),
        Affected::One(name) => json!({ "kind": "one", "id": name }),
        Affected::Witnesses => json!({ "kind": "witnesses" }),
    };
    json!({
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "affects": affects,
        "direction": change.direction.name(),
    })
}
