//! Terms as a map from path to value.

use super::{Affected, Direction, Leaf, Weight};
use crate::amount::{duration, percent, scientific};
use crate::condition::Condition;
use crate::coordination::{Conduct, Gate, Predicate, Raiser, Trigger};
use crate::fraction::Fraction;
use crate::template::bound_text;
use crate::terms::{Agreement, Limit};
use standstill_statement::{Name, PublicKey, time};
use std::collections::{BTreeMap, BTreeSet};

use Direction::{Looser, Open, Tighter};

/// All values.
pub(super) fn of(terms: &Agreement) -> BTreeMap<String, Leaf> {
    let mut out = Leaves { found: BTreeMap::new(), affects: Affected::Everybody };
    head(terms, &mut out);
    holders(terms, &mut out);
    terms.limits.iter().for_each(|limit| limit_leaves(limit, &mut out));
    for step in &terms.phases {
        out.put(format!("phase.from-{}", step.from_window), step.phase.to_string(), Weight::None);
    }
    audit(terms, &mut out);
    terms.coordination.gates.iter().for_each(|gate| gate_leaves(gate, &mut out));
    if let Some(conduct) = terms.conduct() {
        conduct_leaves(conduct, &mut out);
    }
    out.found
}

/// A name as a part of a path: in quotes when it has dots, so that no two paths are the same.
fn quoted(id: &Name) -> String {
    if id.as_str().contains('.') { format!("\"{id}\"") } else { id.to_string() }
}

struct Leaves {
    found: BTreeMap<String, Leaf>,
    affects: Affected,
}

impl Leaves {
    fn put(&mut self, path: impl Into<String>, text: impl Into<String>, weight: Weight) {
        self.found.insert(path.into(), Leaf { text: text.into(), affects: self.affects.clone(), weight });
    }

    fn entry(&mut self, path: &str, direction: Direction) {
        self.put(path, "(there)", Weight::Entry(direction));
    }

    fn words(&mut self, path: impl Into<String>, text: impl ToString) {
        self.put(path, text.to_string(), Weight::None);
    }

    fn number(&mut self, path: impl Into<String>, value: impl Into<u128>, larger: Direction) {
        let value = value.into();
        self.put(path, scientific(value), Weight::Number(value, larger));
    }

    fn length(&mut self, path: impl Into<String>, seconds: u64, longer: Direction) {
        self.put(path, duration(seconds), Weight::Number(u128::from(seconds), longer));
    }

    fn share(&mut self, path: impl Into<String>, share: Fraction, larger: Direction) {
        self.put(path, share.to_string(), Weight::Share(share, larger));
    }

    fn set<T: ToString>(&mut self, path: impl Into<String>, items: impl IntoIterator<Item = T>, superset: Direction) {
        let items: BTreeSet<String> = items.into_iter().map(|item| item.to_string()).collect();
        let text = items.iter().cloned().collect::<Vec<_>>().join(", ");
        self.put(path, if text.is_empty() { "none".to_owned() } else { text }, Weight::Set(items, superset));
    }

    fn condition(&mut self, path: String, condition: &Condition) {
        // A condition that holds more often binds in more cases.
        self.put(path, condition.to_string(), Weight::Condition(condition.clone(), Tighter));
    }

    fn predicate(&mut self, path: String, predicate: &Predicate, easier: Direction) {
        self.put(path, predicate.to_string(), Weight::Predicate(predicate.clone(), easier));
    }
}

fn head(terms: &Agreement, out: &mut Leaves) {
    let (window, scope, own) = (&terms.window, &terms.scope, &terms.coordination);
    out.words("agreement.title", &terms.title);
    out.words("agreement.start", time::utc(terms.start_unix_seconds));
    out.number("agreement.term_windows", terms.term_windows, Tighter);
    out.words("agreement.rulebook", &terms.rulebook);
    out.words("agreement.chip_table", terms.chip_table.short());
    if let Some(basis) = own.legal_basis {
        out.words("agreement.legal_basis", basis.name());
    }
    out.length("window.length", window.window_seconds, Open);
    out.length("window.slot", window.slot_seconds, Open);
    out.length("window.report_within", window.report_within_seconds, Looser);
    out.length("window.grace", window.grace_seconds, Looser);
    out.number("scope.register_h100e", scope.register_h100e, Looser);
    out.number("scope.monitored_flop", scope.monitored_flop, Looser);
    out.number("scope.strict_flop", scope.strict_flop, Looser);
    out.set("scope.exempt", &scope.exempt, Looser);
    out.number("baseline.windows", terms.baseline.windows, Open);
    if let Some(accountancy) = own.accountancy {
        // Fewer false alarms allowed means later detection.
        let alarms = accountancy.false_alarms_per_year_millionths;
        let text = percent(alarms, 100_000_000);
        out.put(
            "accountancy.false_alarms_per_year",
            text.trim_end_matches('%'),
            Weight::Number(u128::from(alarms), Tighter),
        );
    }
}

fn holder(path: &str, id: &Name, log: &str, keys: &[PublicKey], out: &mut Leaves) {
    out.affects = Affected::One(id.clone());
    out.entry(path, Open);
    out.words(format!("{path}.log"), log);
    out.set(format!("{path}.statement_keys"), keys, Open);
}

fn holders(terms: &Agreement, out: &mut Leaves) {
    let conduct = terms.conduct();
    for party in &terms.parties {
        let path = format!("party.{}", quoted(&party.id));
        holder(&path, &party.id, &party.log, &party.statement_keys, out);
        let Some(conduct) = conduct else { continue };
        if let Some(pledge) = conduct.pledges.get(&party.id) {
            out.condition(format!("{path}.condition"), &pledge.condition);
            out.condition(format!("{path}.stay"), &pledge.stay);
            out.length(format!("{path}.grace"), pledge.grace_seconds, Tighter);
            out.length(format!("{path}.withdraw"), pledge.withdraw_seconds, Tighter);
        }
        if let Some(weight) = conduct.shares.weights.get(&party.id) {
            out.number(format!("{path}.weight"), *weight, Open);
        }
    }
    for role in &terms.roles {
        let path = format!("role.{}", quoted(&role.id));
        holder(&path, &role.id, &role.log, &role.statement_keys, out);
        out.words(format!("{path}.kind"), role.kind.name());
    }
    out.affects = Affected::Witnesses;
    for line in terms.witnesses.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let path = if word == "quorum" { "witnesses.quorum".to_owned() } else { format!("witnesses.{word}.{name}") };
        out.words(path, if word == "quorum" { name } else { rest });
    }
    if let Some(corrupt) = terms.coordination.corrupt_witnesses {
        out.number("witnesses.corrupt", corrupt, Tighter);
    }
    out.affects = Affected::Everybody;
}

fn limit_leaves(limit: &Limit, out: &mut Leaves) {
    let path = format!("limit.{}", quoted(&limit.id));
    out.entry(&path, Tighter);
    out.words(format!("{path}.measure"), limit.measure.name());
    out.set(format!("{path}.class"), &limit.classes, Tighter);
    out.words(format!("{path}.per"), limit.per.name());
    let charge = u128::from(limit.charge_unaccounted);
    out.put(
        format!("{path}.charge_unaccounted"),
        limit.charge_unaccounted.to_string(),
        Weight::Number(charge, Tighter),
    );
    for (phase, bound) in &limit.bounds {
        out.put(format!("{path}.phase.{phase}"), bound_text(bound), Weight::Bound(*bound));
    }
}

fn audit(terms: &Agreement, out: &mut Leaves) {
    let audit = &terms.audit;
    let beacon = &audit.beacon;
    out.words(
        "audit.beacon",
        format!(
            "{} {}… from {} every {} s",
            beacon.name,
            beacon.public_key.get(..16).unwrap_or_default(),
            beacon.genesis_unix_seconds,
            beacon.period_seconds
        ),
    );
    out.number("audit.groups_per_report", audit.groups_per_report, Tighter);
    out.length("audit.respond_within", audit.respond_within_seconds, Looser);
    out.number("audit.retention_days", audit.retention_days, Tighter);
    out.length("audit.delay", audit.delay_seconds, Open);
    let fill = Fraction::new(audit.least_devices.numerator, audit.least_devices.denominator).unwrap_or(Fraction::ZERO);
    out.share("audit.least_devices", fill, Tighter);
    if let Some(detect) = &terms.coordination.detect {
        out.entry("audit.detect", Tighter);
        out.number("audit.detect.flop", detect.flop, Looser);
        out.share("audit.detect.probability", detect.probability, Tighter);
        out.length("audit.detect.within", detect.within_seconds, Looser);
        out.number("audit.detect.site_flop_per_day", detect.site_flop_per_day, Tighter);
        out.share("audit.detect.sensitivity", detect.sensitivity, Open);
    }
}

fn gate_leaves(gate: &Gate, out: &mut Leaves) {
    let path = format!("gate.{}", quoted(&gate.id));
    out.entry(&path, Tighter);
    out.set(format!("{path}.before"), &gate.classes, Tighter);
    out.number(format!("{path}.from_flop"), gate.from_flop, Looser);
    match &gate.when {
        Some(when) => out.predicate(format!("{path}.when"), when, Tighter),
        None => out.words(format!("{path}.when"), "always"),
    }
    for certificate in &gate.certificates {
        let path = format!("{path}.certificate.{}", quoted(&certificate.id));
        out.entry(&path, Tighter);
        out.words(format!("{path}.by"), certificate.by.name());
        out.number(format!("{path}.signers"), certificate.signers, Tighter);
        out.words(
            format!("{path}.method"),
            certificate.method.map_or_else(|| "any".to_owned(), |method| method.to_string()),
        );
        out.length(format!("{path}.valid"), certificate.valid_seconds, Looser);
    }
}

fn conduct_leaves(conduct: &Conduct, out: &mut Leaves) {
    out.words("agreement.valid_until", time::utc(conduct.valid_until_unix_seconds));
    out.share("agreement.renew", conduct.renew, Open);
    if conduct.shares.total > 0 {
        out.number("shares.total", conduct.shares.total, Open);
        out.words("shares.source", &conduct.shares.source);
    }
    let clocks = &conduct.clocks;
    out.length("clock.notice", clocks.notice_seconds, Looser);
    out.length("clock.winding_down", clocks.winding_down_seconds, Looser);
    out.length("clock.clarification", clocks.clarification_seconds, Looser);
    out.length("clock.finding", clocks.finding_seconds, Looser);
    out.length("clock.adjudication", clocks.adjudication_seconds, Looser);
    out.length("clock.freeze_on_outage", clocks.freeze_on_outage_seconds, Looser);
    let votes = &conduct.votes;
    out.share("vote.finding", votes.finding, Looser);
    out.share("vote.expel", votes.expel, Looser);
    out.share("vote.resume", votes.resume, Tighter);
    out.length("vote.within", votes.within_seconds, Open);
    out.number("vote.faulty", votes.faulty, Open);
    let inspection = &conduct.inspection;
    out.share("inspection.block", inspection.block, Tighter);
    out.length("inspection.block_within", inspection.block_within_seconds, Looser);
    out.length("inspection.access", inspection.access_seconds, Looser);
    out.number("inspection.quota_per_party_per_year", inspection.quota_per_party_per_year, Tighter);
    for step in &conduct.resumption {
        let path = format!("resumption.{}", step.phase);
        out.entry(&path, Tighter);
        out.length(format!("{path}.hold"), step.hold_seconds, Tighter);
    }
    conduct.triggers.iter().for_each(|trigger| trigger_leaves(trigger, out));
}

fn trigger_leaves(trigger: &Trigger, out: &mut Leaves) {
    let path = format!("trigger.{}", quoted(&trigger.id));
    out.entry(&path, Tighter);
    out.predicate(format!("{path}.raise"), &trigger.raise, Tighter);
    out.length(format!("{path}.hold"), trigger.hold_seconds, Looser);
    out.put(format!("{path}.for"), trigger.phase.to_string(), Weight::Number(trigger.phase as u128, Tighter));
    out.set(format!("{path}.who_may_raise"), trigger.who_may_raise.iter().map(Raiser::word), Tighter);
    out.share(format!("{path}.lift.vote"), trigger.lift.vote, Tighter);
    out.length(format!("{path}.lift.after"), trigger.lift.after_seconds, Tighter);
    match &trigger.lift.when {
        Some(when) => out.predicate(format!("{path}.lift.when"), when, Looser),
        None => out.words(format!("{path}.lift.when"), "no evidence asked for"),
    }
    out.words(format!("{path}.adjudicate"), &trigger.adjudicate);
    out.length(format!("{path}.expires"), trigger.expires_seconds, Tighter);
}
