//! The optional sections as a plain file.

use super::{Conduct, Coordination, Gate, Predicate, Reading, Trigger};
use crate::amount::duration;
use crate::template::{line, list, quoted, toml_time};
use crate::terms::RoleKind;
use standstill_statement::Name;

/// Lines of `[agreement]`.
pub(crate) fn head(coordination: &Coordination, out: &mut String) {
    if let Some(basis) = coordination.legal_basis {
        line(out, &format!("legal_basis = \"{}\"", basis.name()));
    }
    if let Some(conduct) = &coordination.conduct {
        line(
            out,
            &format!("renew = \"{}\"\nvalid_until = {}", conduct.renew, toml_time(conduct.valid_until_unix_seconds)),
        );
    }
}

/// Lines of `[[party]]`.
pub(crate) fn party(coordination: &Coordination, id: &Name, out: &mut String) {
    let Some(conduct) = &coordination.conduct else { return };
    if let Some(pledge) = conduct.pledges.get(id) {
        // A party without a condition is always in, and has no line for it.
        if !pledge.condition.is_always() {
            line(out, &format!("condition = {}", pledge.condition.to_toml()));
        }
        if !pledge.stay.is_always() {
            line(out, &format!("stay = {}", pledge.stay.to_toml()));
        }
        let (grace, withdraw) = (duration(pledge.grace_seconds), duration(pledge.withdraw_seconds));
        line(out, &format!("grace = \"{grace}\"\nwithdraw = \"{withdraw}\""));
    }
    if let Some(weight) = conduct.shares.weights.get(id) {
        line(out, &format!("weight = {weight}"));
    }
}

/// Line of `[witnesses]`.
pub(crate) fn witnesses(coordination: &Coordination, out: &mut String) {
    if let Some(corrupt) = coordination.corrupt_witnesses {
        line(out, &format!("corrupt = {corrupt}"));
    }
}

/// Line of `[audit]`.
pub(crate) fn audit(coordination: &Coordination, out: &mut String) {
    let Some(detect) = &coordination.detect else { return };
    line(
        out,
        &format!(
            "detect = {{ flop = \"{}\", probability = \"{}\", within = \"{}\", site_flop_per_day = \"{}\", sensitivity = \"{}\" }}",
            detect.flop,
            detect.probability,
            duration(detect.within_seconds),
            detect.site_flop_per_day,
            detect.sensitivity
        ),
    );
}

/// All other sections.
pub(crate) fn sections(coordination: &Coordination, out: &mut String) {
    if let Some(terms) = &coordination.accountancy {
        let alarms = terms.false_alarms_per_year_millionths;
        line(
            out,
            &format!("\n[accountancy]\nfalse_alarms_per_year = {}.{:06}", alarms / 1_000_000, alarms % 1_000_000),
        );
    }
    for gate in &coordination.gates {
        gate_lines(gate, out);
    }
    if let Some(conduct) = &coordination.conduct {
        conduct_lines(conduct, out);
    }
}

fn gate_lines(gate: &Gate, out: &mut String) {
    line(out, &format!("\n[[gate]]\nid = \"{}\"\nbefore = [{}]", gate.id, list(&gate.classes)));
    line(out, &format!("from_flop = \"{}\"", gate.from_flop));
    if let Some(when) = &gate.when {
        line(out, &format!("when = {}", predicate(when)));
    }
    for certificate in &gate.certificates {
        let (id, by, signers) = (&certificate.id, certificate.by.name(), certificate.signers);
        line(out, &format!("[[gate.certificate]]\nid = \"{id}\"\nby = \"{by}\"\nsigners = {signers}"));
        if let Some(method) = certificate.method {
            line(out, &format!("method = \"{method}\""));
        }
        line(out, &format!("valid = \"{}\"", duration(certificate.valid_seconds)));
    }
}

fn conduct_lines(conduct: &Conduct, out: &mut String) {
    if conduct.shares.total > 0 {
        let shares = &conduct.shares;
        line(out, &format!("\n[shares]\ntotal = {}\nsource = {}", shares.total, quoted(&shares.source)));
    }
    let clocks = &conduct.clocks;
    line(out, "\n[clock]");
    for (name, seconds) in [
        ("notice", clocks.notice_seconds),
        ("winding_down", clocks.winding_down_seconds),
        ("clarification", clocks.clarification_seconds),
        ("finding", clocks.finding_seconds),
        ("adjudication", clocks.adjudication_seconds),
        ("freeze_on_outage", clocks.freeze_on_outage_seconds),
        // Every party has its own values written out; these are required defaults that nobody uses.
        ("grace", conduct.pledges.values().map(|pledge| pledge.grace_seconds).max().unwrap_or(1)),
        ("withdraw", conduct.pledges.values().map(|pledge| pledge.withdraw_seconds).max().unwrap_or(1)),
    ] {
        line(out, &format!("{name} = \"{}\"", duration(seconds)));
    }
    let votes = &conduct.votes;
    line(
        out,
        &format!(
            "\n[vote]\nfinding = \"{}\"\nexpel = \"{}\"\nresume = \"{}\"",
            votes.finding, votes.expel, votes.resume
        ),
    );
    line(out, &format!("within = \"{}\"\nfaulty = {}", duration(votes.within_seconds), votes.faulty));
    let inspection = &conduct.inspection;
    line(out, &format!("\n[inspection]\nblock = \"{}\"", inspection.block));
    line(out, &format!("block_within = \"{}\"", duration(inspection.block_within_seconds)));
    line(out, &format!("access = \"{}\"", duration(inspection.access_seconds)));
    line(out, &format!("quota_per_party_per_year = {}", inspection.quota_per_party_per_year));
    for step in &conduct.resumption {
        line(out, &format!("\n[[resumption]]\nphase = \"{}\"\nhold = \"{}\"", step.phase, duration(step.hold_seconds)));
    }
    for trigger in &conduct.triggers {
        trigger_lines(trigger, out);
    }
}

fn trigger_lines(trigger: &Trigger, out: &mut String) {
    // Names may have dots, which TOML would read as levels.
    line(out, &format!("\n[trigger.\"{}\"]\nraise = {}", trigger.id, predicate(&trigger.raise)));
    line(out, &format!("hold = \"{}\"\nfor = \"{}\"", duration(trigger.hold_seconds), trigger.phase));
    let raisers: Vec<String> = trigger.who_may_raise.iter().map(super::Raiser::word).collect();
    line(out, &format!("who_may_raise = [{}]", list(&raisers)));
    let when = trigger.lift.when.as_ref().map_or_else(String::new, |when| format!(", when = {}", predicate(when)));
    let lift = &trigger.lift;
    line(out, &format!("lift = {{ vote = \"{}\", after = \"{}\"{when} }}", lift.vote, duration(lift.after_seconds)));
    line(out, &format!("adjudicate = \"{}\"\nexpires = \"{}\"", trigger.adjudicate, duration(trigger.expires_seconds)));
}

/// A predicate as a value of a terms file.
pub(crate) fn predicate(value: &Predicate) -> String {
    let list = |parts: &[Predicate]| parts.iter().map(predicate).collect::<Vec<_>>().join(", ");
    match value {
        Predicate::Reading(value) => reading(value),
        Predicate::All(parts) => format!("{{ all = [{}] }}", list(parts)),
        Predicate::Any(parts) => format!("{{ any = [{}] }}", list(parts)),
    }
}

fn reading(reading: &Reading) -> String {
    let signers = reading.signers.map_or("parties", |kind| match kind {
        RoleKind::Auditor => "auditors",
        RoleKind::Inspector => "inspectors",
        RoleKind::Evaluator => "evaluators",
        RoleKind::Adjudicator => "adjudicators",
    });
    let mut text = format!(
        "{{ signal = \"{}\", {} = {}, {signers} = {}",
        reading.signal,
        reading.compare.name(),
        reading.threshold_text(),
        reading.quorum
    );
    if let Some(method) = reading.method {
        text += &format!(", method = \"{method}\"");
    }
    if let Some(confidence) = reading.confidence {
        text += &format!(", confidence = \"{confidence}\"");
    }
    text + " }"
}
