use super::*;
use crate::samples::{name, statements};
use crate::{Hash32, Mode};

/// Changes one of the sample statements and gives the field that is refused.
fn refused(kind: usize, change: impl FnOnce(&mut Statement)) -> Option<&'static str> {
    let mut statement = statements().remove(kind);
    assert_eq!(statement.validate(), Ok(()));
    change(&mut statement);
    match statement.validate() {
        Err(StatementError::Field { field, .. }) => Some(field),
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    }
}

macro_rules! body {
    ($kind:ident, $statement:ident) => {
        match &mut $statement.body {
            Body::$kind(body) => body,
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn header_fields() {
    assert_eq!(refused(0, |s| s.header.previous = Some(Hash32::default())), Some("header.previous"));
    assert_eq!(refused(1, |s| s.header.previous = None), Some("header.previous"));
    assert_eq!(refused(0, |s| s.header.issued_unix_seconds = u64::MAX), Some("header.issued_unix_seconds"));
    assert_eq!(refused(0, |s| s.header.heads.reverse()), Some("header.heads"));
    assert_eq!(refused(0, |s| s.header.heads[0].size = 0), Some("header.heads"));
    for origin in ["", "a b", "a+b", "ö", "a\nb", &"x".repeat(256)] {
        assert_eq!(refused(0, |s| s.header.heads[0].origin = origin.to_owned()), Some("header.heads"), "{origin}");
    }
    let double = |s: &mut Statement| s.header.heads[1] = s.header.heads[0].clone();
    assert_eq!(refused(0, double), Some("header.heads"));
    let many = |s: &mut Statement| {
        let head = s.header.heads[0].clone();
        s.header.heads = (0..65).map(|i| LogHead { origin: format!("l{i:03}"), ..head.clone() }).collect();
    };
    assert_eq!(refused(0, many), Some("header.heads"));
    assert_eq!(refused(0, |s| s.header.heads.clear()), None);
}

#[test]
fn fleet_and_report_fields() {
    assert_eq!(refused(0, |s| body!(Fleet, s).groups = 0), Some("body.fleet.groups"));
    assert_eq!(refused(0, |s| body!(Fleet, s).groups = MAX_GROUPS + 1), Some("body.fleet.groups"));
    assert_eq!(refused(0, |s| body!(Fleet, s).groups = MAX_GROUPS), None);
    assert_eq!(refused(1, |s| body!(Report, s).groups = 0), Some("body.report.groups"));
    assert_eq!(refused(1, |s| body!(Report, s).runs.reverse()), Some("body.report.runs"));
    assert_eq!(refused(1, |s| body!(Report, s).runs = vec![name("a"), name("a")]), Some("body.report.runs"));
    let many = |s: &mut Statement| body!(Report, s).runs = (0..257).map(|i| name(&format!("r{i:03}"))).collect();
    assert_eq!(refused(1, many), Some("body.report.runs"));
    assert_eq!(refused(1, |s| body!(Report, s).sources.reverse()), Some("body.report.sources"));
    assert_eq!(refused(1, |s| body!(Report, s).sources[0] = "DCGM counters".into()), Some("body.report.sources"));
    assert_eq!(refused(1, |s| body!(Report, s).mode = Mode::Open), None);
}

#[test]
fn run_fields_() {
    assert_eq!(refused(2, |s| body!(Run, s).class = Class::Inference), Some("body.run.class"));
    assert_eq!(refused(2, |s| body!(Run, s).class = Class::Experiment), None);
    assert_eq!(refused(2, |s| body!(Run, s).parents = vec![name("beta")]), Some("body.run.parents"));
    assert_eq!(refused(2, |s| body!(Run, s).parents = vec![name("b"), name("a")]), Some("body.run.parents"));
    assert_eq!(refused(2, |s| body!(Run, s).active_parameters = u64::MAX), Some("body.run.active_parameters"));
}

#[test]
fn challenge_response_and_finding_fields() {
    let groups = Some("body.challenge.groups");
    assert_eq!(refused(3, |s| body!(Challenge, s).groups.clear()), groups);
    assert_eq!(refused(3, |s| body!(Challenge, s).groups.push(7)), groups);
    assert_eq!(refused(3, |s| body!(Challenge, s).groups.push(MAX_GROUPS)), groups);
    assert_eq!(refused(3, |s| body!(Challenge, s).groups = (0..401).collect()), groups);
    assert_eq!(refused(3, |s| body!(Challenge, s).party = name("auditor")), Some("body.challenge.party"));
    assert_eq!(refused(3, |s| body!(Challenge, s).round = 0), Some("body.challenge.round"));
    assert_eq!(refused(3, |s| body!(Challenge, s).head.size = 0), Some("body.challenge.head"));
    let late = |s: &mut Statement| body!(Challenge, s).respond_by_unix_seconds = u64::MAX;
    assert_eq!(refused(3, late), Some("body.challenge.respond_by_unix_seconds"));
    assert_eq!(refused(4, |s| body!(Response, s).items[1].group = 7), Some("body.response.items"));
    assert_eq!(refused(4, |s| body!(Response, s).items.clear()), None);
    assert_eq!(refused(5, |s| body!(Finding, s).items.clear()), Some("body.finding.items"));
    assert_eq!(refused(5, |s| body!(Finding, s).party = name("auditor")), Some("body.finding.party"));
    assert_eq!(refused(5, |s| body!(Finding, s).items[0].reason = "x".into()), Some("body.finding.items.reason"));
    assert_eq!(refused(5, |s| body!(Finding, s).items[1].reason.clear()), Some("body.finding.items.reason"));
    assert_eq!(
        refused(5, |s| body!(Finding, s).items[1].reason = "Not A Code".into()),
        Some("body.finding.items.reason")
    );
}

/// Responses and findings on the largest challenge fit into a statement.
#[test]
fn the_largest_lists_fit_the_size_limit() {
    let key = crate::samples::key();
    let [response, finding] = [4, 5].map(|kind| statements().remove(kind));
    let groups = || MAX_GROUPS - u32::try_from(MAX_ITEMS).unwrap()..MAX_GROUPS;
    let mut response = response;
    let item = body!(Response, response).items[0].clone();
    body!(Response, response).items = groups().map(|group| crate::ResponseItem { group, ..item.clone() }).collect();
    let mut finding = finding;
    let item = crate::FindingItem { reason: "r".repeat(32), ..body!(Finding, finding).items[1].clone() };
    body!(Finding, finding).items = groups().map(|group| crate::FindingItem { group, ..item.clone() }).collect();
    for statement in [response, finding] {
        assert!(statement.sign(&key).is_ok(), "{:?}", statement.sign(&key).err());
    }
}

#[test]
fn alarm_fields_() {
    let blank = |origin: &str| refused(7, |s| body!(Alarm, s).origin = origin.to_owned());
    assert_eq!(blank(""), Some("body.alarm.origin"));
    assert_eq!(blank("a b"), Some("body.alarm.origin"));
    assert_eq!(refused(7, |s| body!(Alarm, s).second = body!(Alarm, s).first), Some("body.alarm.second"));
    assert_eq!(refused(7, |s| body!(Alarm, s).size = 0), None);
}

#[test]
fn freeze_fields_() {
    let reason = |text: &str| refused(8, |s| body!(Freeze, s).reason = text.to_owned());
    assert_eq!(reason(""), Some("body.freeze.reason"));
    assert_eq!(reason("two\nlines"), Some("body.freeze.reason"));
    assert_eq!(reason(&"x".repeat(501)), Some("body.freeze.reason"));
    assert_eq!(reason("a disk was lost"), None);
    assert_eq!(refused(8, |s| body!(Freeze, s).successor = Some("a b".into())), Some("body.freeze.successor"));
    assert_eq!(refused(8, |s| body!(Freeze, s).successor = None), None);
}

#[test]
fn decision_fields() {
    use crate::GateVerdict;
    let clauses = Some("body.decision.clauses");
    assert_eq!(refused(9, |s| body!(Decision, s).clauses.clear()), clauses);
    assert_eq!(refused(9, |s| body!(Decision, s).clauses = vec![name("b"), name("a")]), clauses);
    assert_eq!(refused(9, |s| body!(Decision, s).clauses = vec![name("a"), name("a")]), clauses);
    let many = |s: &mut Statement| body!(Decision, s).clauses = (0..33).map(|i| name(&format!("c{i:02}"))).collect();
    assert_eq!(refused(9, many), clauses);
    let expires = Some("body.decision.expires_unix_seconds");
    assert_eq!(refused(9, |s| body!(Decision, s).verdict = GateVerdict::Deny), expires);
    assert_eq!(refused(9, |s| body!(Decision, s).expires_unix_seconds = 1), expires);
    assert_eq!(refused(9, |s| body!(Decision, s).expires_unix_seconds = u64::MAX), expires);
    assert_eq!(refused(9, |s| body!(Decision, s).situation = None), Some("body.decision.as_of_unix_seconds"));
    let refusal = |s: &mut Statement| {
        (body!(Decision, s).verdict, body!(Decision, s).expires_unix_seconds) = (GateVerdict::Deny, 0);
    };
    assert_eq!(refused(9, refusal), None);
}
