#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn the_builtin_table_holds_exactly_the_known_rules() {
    let table = RuleTable::builtin().unwrap();
    assert_eq!(table.iter().count(), id::ALL.len());
    for rule in table.iter() {
        assert!(!rule.title.is_empty() && !rule.action.is_empty() && !rule.source.is_empty(), "{}", rule.id);
    }
}

#[test]
fn a_missing_rule_is_refused() {
    let cut = RULES_TOML.replacen("id = \"tag-smuggling\"", "id = \"tag-stray\"", 1);
    assert!(RuleTable::parse("t", &cut).unwrap_err().to_string().contains("twice"));
    let start = RULES_TOML.find("[[rule]]\nid = \"tag-smuggling\"").unwrap();
    let end = RULES_TOML[start + 5..].find("[[rule]]").unwrap() + start + 5;
    let cut = format!("{}{}", &RULES_TOML[..start], &RULES_TOML[end..]);
    assert!(RuleTable::parse("t", &cut).unwrap_err().to_string().contains("'tag-smuggling' is missing"));
}

#[test]
fn the_hash_follows_the_table() {
    let table = RuleTable::builtin().unwrap();
    let quiet = RULES_TOML.replacen("severity = \"block\"", "severity = \"note\"", 1);
    assert_ne!(RuleTable::parse("t", &quiet).unwrap().hash(), table.hash());
}

#[test]
fn approvals_turn_a_gate_finding_into_a_note() {
    let table = RuleTable::builtin().unwrap();
    let mut findings = vec![Finding::new(id::CI_JOB_REMOVED, 1, 1, "x"), Finding::new(id::TAG_SMUGGLING, 1, 1, "x")];
    table.weigh(&mut findings, 1);
    assert_eq!(findings[0].severity, Severity::Block);
    table.weigh(&mut findings, 2);
    assert_eq!((findings[0].severity, findings[1].severity), (Severity::Note, Severity::Block));
    assert!(findings[0].exempt.is_some());
}
