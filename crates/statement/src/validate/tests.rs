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
fn rotation_and_succession_fields() {
    assert_eq!(refused(9, |s| body!(Rotation, s).retire = None), None);
    assert_eq!(refused(9, |s| body!(Rotation, s).add = None), None);
    let nothing = |s: &mut Statement| *body!(Rotation, s) = crate::Rotation { add: None, retire: None };
    assert_eq!(refused(9, nothing), Some("body.rotation.add"));
    let same = |s: &mut Statement| body!(Rotation, s).retire = body!(Rotation, s).add.as_ref().map(|added| added.key);
    assert_eq!(refused(9, same), Some("body.rotation.retire"));
    let possession = Some("body.rotation.add.possession");
    let forged = |s: &mut Statement| body!(Rotation, s).add.as_mut().unwrap().possession.0[5] ^= 1;
    assert_eq!(refused(9, forged), possession);
    assert_eq!(refused(9, |s| s.header.sequence = 8), possession, "moved to another place");
    assert_eq!(refused(9, |s| s.header.agreement = Hash32::default()), possession, "moved to another agreement");
    assert_eq!(refused(9, |s| s.header.issuer = name("south")), possession, "moved to another issuer");
    assert_eq!(refused(9, |s| s.header.previous = Some(Hash32::default())), possession, "moved to another history");

    assert_eq!(refused(10, |s| body!(Succession, s).size = 0), Some("body.succession.size"));
    assert_eq!(refused(10, |s| body!(Succession, s).predecessor = "a b".into()), Some("body.succession.predecessor"));
    let late = |s: &mut Statement| {
        s.header.sequence = 1;
        s.header.previous = Some(Hash32::default());
    };
    assert_eq!(refused(10, late), Some("header.sequence"));
}

#[test]
fn joining_fields() {
    use crate::Formula;
    let condition = Some("body.opening.offer.condition");
    let with = |formula: Formula| refused(13, |s| body!(Opening, s).offer.condition = Some(formula));
    assert_eq!(with(Formula::Includes(vec![name("b"), name("a")])), condition);
    assert_eq!(with(Formula::Includes(Vec::new())), condition);
    assert_eq!(with(Formula::All(Vec::new())), condition);
    assert_eq!(with(Formula::ShareMillionths(1_000_001)), condition);
    assert_eq!(with(Formula::ShareMillionths(1_000_000)), None);
    assert_eq!(with(Formula::Any(vec![Formula::AtLeast(1); 256])), condition);
    assert_eq!(with(Formula::Any(vec![Formula::AtLeast(1); 255])), None);
    let nested = |depth: usize| (1..depth).fold(Formula::AtLeast(0), |inner, _| Formula::All(vec![inner]));
    assert_eq!(with(nested(MAX_FORMULA_DEPTH)), None);
    assert_eq!(with(nested(MAX_FORMULA_DEPTH + 1)), condition);
    assert_eq!(refused(13, |s| body!(Opening, s).offer.condition = None), None);
    assert_eq!(refused(13, |s| body!(Opening, s).beacon_round = 0), Some("body.opening.beacon_round"));
    let late = |s: &mut Statement| body!(Opening, s).offer.valid_until_unix_seconds = u64::MAX;
    assert_eq!(refused(13, late), Some("body.opening.offer.valid_until_unix_seconds"));
}

#[test]
fn trigger_fields() {
    let reading = |estimate, interval| {
        refused(14, move |s| {
            body!(Signal, s).reading = crate::Reading::Value(crate::Measured { estimate, interval });
        })
    };
    let value = |digits, power| crate::Decimal { digits, power };
    let interval = |low, high, confidence_ppm| Some(crate::Interval { low, high, confidence_ppm });
    assert_eq!(reading(value(5, -1), None), None);
    assert_eq!(reading(value(50, -2), None), Some("body.signal.reading"), "0.5 has another form");
    assert_eq!(reading(value(0, 3), None), Some("body.signal.reading"));
    assert_eq!(reading(value(1, 31), None), Some("body.signal.reading"));
    let ends = Some("body.signal.reading.interval");
    assert_eq!(reading(value(5, -1), interval(value(1, 0), value(9, -1), 900_000)), ends);
    assert_eq!(reading(value(5, -1), interval(value(1, -1), value(1, -1), 900_000)), None);
    assert_eq!(reading(value(5, -1), interval(value(1, -1), value(9, -1), 1_000_000)), ends);
    assert_eq!(reading(value(5, -1), interval(value(1, -1), value(9, -1), 0)), ends);
    assert_eq!(refused(14, |s| body!(Signal, s).party = Some(name("north"))), Some("body.signal.party"));
    assert_eq!(refused(14, |s| body!(Signal, s).party = None), None);
    let inputs = |count| move |s: &mut Statement| body!(Signal, s).inputs = vec![crate::BlobRef::of(b"x"); count];
    assert_eq!(refused(14, inputs(MAX_INPUTS)), None);
    assert_eq!(refused(14, inputs(MAX_INPUTS + 1)), Some("body.signal.inputs"));
    assert_eq!(refused(15, |s| body!(Raise, s).evidence.clear()), Some("body.raise.evidence"));
    assert_eq!(refused(15, |s| body!(Raise, s).evidence.reverse()), Some("body.raise.evidence"));
    let many = |s: &mut Statement| {
        let mut hashes: Vec<Hash32> = (0..65u8).map(|byte| Hash32::of(&[byte])).collect();
        hashes.sort();
        body!(Raise, s).evidence = hashes;
    };
    assert_eq!(refused(15, many), Some("body.raise.evidence"));
    assert_eq!(refused(16, |s| body!(Lift, s).evidence = vec![Hash32::default(); 2]), Some("body.lift.evidence"));
}

#[test]
fn case_fields() {
    assert_eq!(refused(19, |s| body!(Question, s).party = name("north")), Some("body.question.party"));
    assert_eq!(refused(19, |s| body!(Question, s).text.clear()), Some("body.question.text"));
    assert_eq!(refused(20, |s| body!(Answer, s).text = "two\nlines".into()), Some("body.answer.text"));
    assert_eq!(refused(20, |s| body!(Answer, s).evidence.clear()), None);
    assert_eq!(refused(21, |s| body!(Dispute, s).respondent = name("north")), Some("body.dispute.respondent"));
    assert_eq!(refused(21, |s| body!(Dispute, s).evidence.clear()), Some("body.dispute.evidence"));
    assert_eq!(refused(21, |s| body!(Dispute, s).text = "x".repeat(2_001)), Some("body.dispute.text"));
    assert_eq!(refused(22, |s| body!(Ruling, s).text.clear()), Some("body.ruling.text"));
    assert_eq!(refused(23, |s| body!(Inspection, s).party = name("north")), Some("body.inspection.party"));
    assert_eq!(refused(23, |s| body!(Inspection, s).text.clear()), Some("body.inspection.text"));
    assert_eq!(refused(24, |s| body!(Objection, s).text.clear()), Some("body.objection.text"));
    assert_eq!(refused(26, |s| body!(Withdrawal, s).reason.clear()), Some("body.withdrawal.reason"));
    assert_eq!(refused(27, |s| body!(Suspension, s).reason = "\u{1b}[2J".into()), Some("body.suspension.reason"));
    assert_eq!(refused(28, |s| body!(Clarification, s).text.clear()), Some("body.clarification.text"));
}

/// The longest lists and texts of every kind fit into a statement.
#[test]
fn the_largest_coordination_statements_fit_the_size_limit() {
    use crate::Formula;
    let key = crate::samples::key();
    let hashes = |count: usize| {
        let mut hashes: Vec<Hash32> = (0..count).map(|index| Hash32::of(&index.to_be_bytes())).collect();
        hashes.sort();
        hashes
    };
    let mut all = statements();
    let s = &mut all[14];
    body!(Signal, s).inputs = vec![crate::BlobRef::of(b"x"); MAX_INPUTS];
    let s = &mut all[21];
    body!(Dispute, s).evidence = hashes(MAX_EVIDENCE);
    body!(Dispute, s).text = "x".repeat(MAX_TEXT_BYTES);
    let parties = (0..254).map(|index| name(&format!("{index:0>64}"))).collect();
    let s = &mut all[13];
    body!(Opening, s).offer.condition = Some(Formula::All(vec![Formula::Includes(parties)]));
    for index in [13, 14, 21] {
        assert!(all[index].sign(&key).is_ok(), "{:?}", all[index].sign(&key).err());
    }
}

/// A statement of one agreement is not a statement of another: the id is inside what is signed.
#[test]
fn a_vote_cannot_be_replayed_under_another_agreement() {
    let key = crate::samples::key();
    let vote = statements().remove(17);
    let bytes = vote.sign(&key).unwrap();
    let signed = crate::verify(&bytes, &[key.public()]).unwrap();
    assert_eq!(signed.statement.header.agreement, vote.header.agreement);
    // The same vote with another agreement in header and subject has other bytes, and this signature does not cover them.
    let mut other = vote;
    other.header.agreement = Hash32::of(b"version 2 of the terms");
    let foreign = other.sign(&key).unwrap();
    let signature = bytes.len() - 64;
    assert_eq!(bytes.len(), foreign.len());
    let spliced = [&foreign[..signature], &bytes[signature..]].concat();
    assert!(matches!(crate::verify(&spliced, &[key.public()]), Err(StatementError::Signature { .. })));
}

/// A seal names its agreement and its issuer, and hides nothing behind a second opening.
#[test]
fn seals_bind_everything() {
    let offer = crate::samples::coordination::offer();
    let [agreement, other, salt] = ["agreement", "other", "salt"].map(|text| Hash32::of(text.as_bytes()));
    let seal = |offer: &crate::Commitment, agreement, issuer: &str, salt| {
        offer.seal(&agreement, &name(issuer), &salt).unwrap()
    };
    let base = seal(&offer, agreement, "north", salt);
    assert_eq!(base, seal(&offer, agreement, "north", salt));
    let changed = crate::Commitment { valid_until_unix_seconds: 1, ..offer.clone() };
    for different in [
        seal(&offer, other, "north", salt),
        seal(&offer, agreement, "south", salt),
        seal(&offer, agreement, "north", other),
        seal(&changed, agreement, "north", salt),
    ] {
        assert_ne!(base, different);
    }
}

#[test]
fn decimals_compare_exactly() {
    use crate::Decimal;
    use std::cmp::Ordering::{Equal, Greater, Less};
    assert_eq!(Decimal::new(500, -3), Decimal { digits: 5, power: -1 });
    assert_eq!(Decimal::millionths(500_000), Decimal { digits: 5, power: -1 });
    assert_eq!(Decimal::new(0, 7), Decimal { digits: 0, power: 0 });
    assert_eq!(Decimal::new(5, -1).compare(500_000, -6), Equal);
    assert_eq!(Decimal::new(4_999_999, -7).compare(500_000, -6), Less);
    assert_eq!(Decimal::new(5_000_001, -7).compare(500_000, -6), Greater);
    assert_eq!(Decimal::new(1, 24).compare(10u128.pow(24), 0), Equal);
    assert_eq!(Decimal::new(u64::MAX, 30).compare(u128::MAX, 0), Greater);
    assert_eq!(Decimal::new(1, -18).compare(u128::MAX, 30), Less);
    assert_eq!(Decimal::new(0, 0).compare(0, -6), Equal);
}

#[test]
fn decision_fields() {
    use crate::GateVerdict;
    let clauses = Some("body.decision.clauses");
    assert_eq!(refused(29, |s| body!(Decision, s).clauses.clear()), clauses);
    assert_eq!(refused(29, |s| body!(Decision, s).clauses = vec![name("b"), name("a")]), clauses);
    assert_eq!(refused(29, |s| body!(Decision, s).clauses = vec![name("a"), name("a")]), clauses);
    let many = |s: &mut Statement| body!(Decision, s).clauses = (0..33).map(|i| name(&format!("c{i:02}"))).collect();
    assert_eq!(refused(29, many), clauses);
    let expires = Some("body.decision.expires_unix_seconds");
    assert_eq!(refused(29, |s| body!(Decision, s).verdict = GateVerdict::Deny), expires);
    assert_eq!(refused(29, |s| body!(Decision, s).expires_unix_seconds = 1), expires);
    assert_eq!(refused(29, |s| body!(Decision, s).expires_unix_seconds = u64::MAX), expires);
    assert_eq!(refused(29, |s| body!(Decision, s).situation = None), Some("body.decision.as_of_unix_seconds"));
    let refusal = |s: &mut Statement| {
        (body!(Decision, s).verdict, body!(Decision, s).expires_unix_seconds) = (GateVerdict::Deny, 0);
    };
    assert_eq!(refused(29, refusal), None);
}
