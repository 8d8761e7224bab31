//! The optional sections in the canonical JSON. A section that is absent adds no key, so older agreements keep their ids.

use super::{Certificate, Conduct, Coordination, Detect, Gate, Pledge, Predicate, Reading, Trigger};
use crate::canonical::{Json, classes, list, map, text};
use crate::condition::Condition;
use crate::fraction::Fraction;
use standstill_statement::Name;
use std::collections::BTreeMap;

type Fields = BTreeMap<&'static str, Json>;

fn fraction(value: Fraction) -> Json {
    map([("denominator", text(value.denominator())), ("numerator", text(value.numerator()))])
}

fn fields<const N: usize>(fields: [(&'static str, Json); N]) -> Fields {
    fields.into_iter().collect()
}

fn optional(target: &mut Fields, key: &'static str, value: Option<Json>) {
    target.extend(value.map(|value| (key, value)));
}

/// Adds the keys of the agreement itself.
pub(crate) fn terms(coordination: &Coordination, target: &mut Fields) {
    optional(target, "legal_basis", coordination.legal_basis.map(|basis| text(basis.name())));
    optional(target, "corrupt_witnesses", coordination.corrupt_witnesses.map(text));
    let alarms = coordination.accountancy.map(|terms| terms.false_alarms_per_year_millionths);
    let accountancy = alarms.map(|millionths| map([("false_alarms_per_year_millionths", text(millionths))]));
    optional(target, "accountancy", accountancy);
    if !coordination.gates.is_empty() {
        target.insert("gates", list(&coordination.gates, gate));
    }
    if let Some(conduct) = &coordination.conduct {
        target.insert("conduct", conduct_terms(conduct));
    }
}

/// Adds the keys of a party.
pub(crate) fn party(coordination: &Coordination, id: &Name, target: &mut Fields) {
    let Some(conduct) = &coordination.conduct else { return };
    if let Some(Pledge { condition, stay, grace_seconds, withdraw_seconds }) = conduct.pledges.get(id) {
        target.extend(fields([
            ("condition", condition_terms(condition)),
            ("grace_seconds", text(grace_seconds)),
            ("stay", condition_terms(stay)),
            ("withdraw_seconds", text(withdraw_seconds)),
        ]));
    }
    optional(target, "weight", conduct.shares.weights.get(id).map(text));
}

/// `detect` of the audit.
pub(crate) fn detect(detect: &Detect) -> Json {
    map([
        ("flop", text(detect.flop)),
        ("probability", fraction(detect.probability)),
        ("sensitivity", fraction(detect.sensitivity)),
        ("site_flop_per_day", text(detect.site_flop_per_day)),
        ("within_seconds", text(detect.within_seconds)),
    ])
}

pub(crate) fn condition_terms(condition: &Condition) -> Json {
    match condition {
        Condition::AtLeast(count) => map([("at_least", text(count))]),
        Condition::Includes(names) => {
            let names: Vec<Name> = names.iter().cloned().collect();
            map([("includes", list(&names, |name| text(name)))])
        }
        Condition::Share(share) => map([("share", fraction(*share))]),
        Condition::All(parts) => map([("all", list(parts, condition_terms))]),
        Condition::Any(parts) => map([("any", list(parts, condition_terms))]),
    }
}

fn conduct_terms(conduct: &Conduct) -> Json {
    let mut target = fields([
        ("clocks", clocks(conduct)),
        ("inspection", inspection(conduct)),
        ("renew", fraction(conduct.renew)),
        (
            "resumption",
            list(&conduct.resumption, |step| {
                map([("hold_seconds", text(step.hold_seconds)), ("phase", text(step.phase))])
            }),
        ),
        ("triggers", list(&conduct.triggers, trigger)),
        ("valid_until_unix_seconds", text(conduct.valid_until_unix_seconds)),
        ("votes", votes(conduct)),
    ]);
    if conduct.shares.total > 0 {
        let shares = &conduct.shares;
        target.insert("shares", map([("source", text(&shares.source)), ("total", text(shares.total))]));
    }
    Json::Map(target)
}

fn clocks(conduct: &Conduct) -> Json {
    let clocks = &conduct.clocks;
    map([
        ("adjudication_seconds", text(clocks.adjudication_seconds)),
        ("clarification_seconds", text(clocks.clarification_seconds)),
        ("finding_seconds", text(clocks.finding_seconds)),
        ("freeze_on_outage_seconds", text(clocks.freeze_on_outage_seconds)),
        ("notice_seconds", text(clocks.notice_seconds)),
        ("winding_down_seconds", text(clocks.winding_down_seconds)),
    ])
}

fn inspection(conduct: &Conduct) -> Json {
    let inspection = &conduct.inspection;
    map([
        ("access_seconds", text(inspection.access_seconds)),
        ("block", fraction(inspection.block)),
        ("block_within_seconds", text(inspection.block_within_seconds)),
        ("quota_per_party_per_year", text(inspection.quota_per_party_per_year)),
    ])
}

fn votes(conduct: &Conduct) -> Json {
    let votes = &conduct.votes;
    map([
        ("expel", fraction(votes.expel)),
        ("faulty", text(votes.faulty)),
        ("finding", fraction(votes.finding)),
        ("resume", fraction(votes.resume)),
        ("within_seconds", text(votes.within_seconds)),
    ])
}

fn trigger(trigger: &Trigger) -> Json {
    let mut lift = fields([("after_seconds", text(trigger.lift.after_seconds)), ("vote", fraction(trigger.lift.vote))]);
    optional(&mut lift, "when", trigger.lift.when.as_ref().map(predicate));
    map([
        ("adjudicate", text(&trigger.adjudicate)),
        ("expires_seconds", text(trigger.expires_seconds)),
        ("hold_seconds", text(trigger.hold_seconds)),
        ("id", text(&trigger.id)),
        ("lift", Json::Map(lift)),
        ("phase", text(trigger.phase)),
        ("raise", predicate(&trigger.raise)),
        ("who_may_raise", list(&trigger.who_may_raise, |raiser| text(raiser.word()))),
    ])
}

pub(crate) fn predicate(value: &Predicate) -> Json {
    match value {
        Predicate::Reading(value) => reading(value),
        Predicate::All(parts) => map([("all", list(parts, predicate))]),
        Predicate::Any(parts) => map([("any", list(parts, predicate))]),
    }
}

fn reading(reading: &Reading) -> Json {
    let mut target = fields([
        ("compare", text(reading.compare.name())),
        ("quorum", text(reading.quorum)),
        ("signal", text(&reading.signal)),
        ("signers", text(reading.signers.map_or("party", crate::terms::RoleKind::name))),
        ("threshold", text(reading.threshold)),
    ]);
    optional(&mut target, "confidence", reading.confidence.map(fraction));
    optional(&mut target, "method", reading.method.map(text));
    Json::Map(target)
}

fn gate(gate: &Gate) -> Json {
    let mut target = fields([
        ("before", classes(&gate.classes)),
        ("certificates", list(&gate.certificates, certificate)),
        ("from_flop", text(gate.from_flop)),
        ("id", text(&gate.id)),
    ]);
    optional(&mut target, "when", gate.when.as_ref().map(predicate));
    Json::Map(target)
}

fn certificate(certificate: &Certificate) -> Json {
    let mut target = fields([
        ("by", text(certificate.by.name())),
        ("id", text(&certificate.id)),
        ("signers", text(certificate.signers)),
        ("valid_seconds", text(certificate.valid_seconds)),
    ]);
    optional(&mut target, "method", certificate.method.map(text));
    Json::Map(target)
}
