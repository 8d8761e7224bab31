//! The optional sections in plain words.

use super::{Conduct, Coordination, Gate, Raiser, Trigger};
use crate::amount::{duration, scientific};
use crate::show::{item, names};
use standstill_statement::{Class, time};

/// Adds the paragraphs about gates and about how the agreement runs itself.
pub(crate) fn show(coordination: &Coordination, out: &mut String) {
    if !coordination.gates.is_empty() {
        out.push_str("\nWhat needs certificates\n");
        coordination.gates.iter().for_each(|gate| gate_words(gate, out));
    }
    let Some(conduct) = &coordination.conduct else { return };
    out.push_str("\nWho binds itself when\n");
    for (party, pledge) in &conduct.pledges {
        item(out, party.as_str(), &format!("enters: {}; stays: {}", pledge.condition, pledge.stay));
    }
    if conduct.shares.total > 0 {
        let shares = &conduct.shares;
        let weights = shares.weights.iter().map(|(party, weight)| format!("{party} {weight}"));
        item(out, "shares of", &format!("{}: {} in all; {}", shares.source, shares.total, names(weights)));
    }
    item(
        out,
        "until",
        &format!("{}; then commitments that activated nothing lapse", time::utc(conduct.valid_until_unix_seconds)),
    );
    out.push_str("\nWhat slows, and what lifts it\n");
    if conduct.triggers.is_empty() {
        item(out, "triggers", "none; phases follow the schedule");
    }
    conduct.triggers.iter().for_each(|trigger| trigger_words(trigger, out));
    if !conduct.resumption.is_empty() {
        let steps = conduct.resumption.iter().map(|step| format!("{} for {}", step.phase, duration(step.hold_seconds)));
        item(out, "way back", &names(steps));
    }
    out.push_str("\nHow disputes go\n");
    dispute_words(conduct, out);
}

fn gate_words(gate: &Gate, out: &mut String) {
    let classes = names(gate.classes.iter().map(|class: &Class| class.name().to_owned()));
    let size = if gate.from_flop > 0 {
        format!(" of runs from {} FLOP on", scientific(gate.from_flop))
    } else {
        String::new()
    };
    let when = gate.when.as_ref().map_or_else(String::new, |when| format!(", for models with {when}"));
    let needs = gate.certificates.iter().map(|needed| {
        format!(
            "'{}' by {} {}(s), valid {}",
            needed.id,
            needed.signers,
            needed.by.name(),
            duration(needed.valid_seconds)
        )
    });
    item(out, gate.id.as_str(), &format!("{classes}{size}{when}: {}", names(needs)));
}

fn trigger_words(trigger: &Trigger, out: &mut String) {
    let hold =
        if trigger.hold_seconds > 0 { format!(" for {}", duration(trigger.hold_seconds)) } else { String::new() };
    let raisers = names(trigger.who_may_raise.iter().map(Raiser::word));
    let when = trigger.lift.when.as_ref().map_or_else(String::new, |when| format!(" and {when}"));
    let text = format!(
        "{} when {}{hold}; raised by {raisers}; lifted by {} of the bound after {}{when}; lapses after {}; disputes: {}",
        trigger.phase,
        trigger.raise,
        trigger.lift.vote,
        duration(trigger.lift.after_seconds),
        duration(trigger.expires_seconds),
        trigger.adjudicate,
    );
    item(out, trigger.id.as_str(), &text);
}

fn dispute_words(conduct: &Conduct, out: &mut String) {
    let (clocks, votes, inspection) = (&conduct.clocks, &conduct.votes, &conduct.inspection);
    item(
        out,
        "clocks",
        &format!(
            "notice {}, winding down {}, clarification {}, finding {}, adjudication {}; an outage stops them for at most {}",
            duration(clocks.notice_seconds),
            duration(clocks.winding_down_seconds),
            duration(clocks.clarification_seconds),
            duration(clocks.finding_seconds),
            duration(clocks.adjudication_seconds),
            duration(clocks.freeze_on_outage_seconds),
        ),
    );
    item(
        out,
        "votes",
        &format!(
            "violation {}, expulsion {}, resumption {}, renewal {}, counted for {}; the accused never votes",
            votes.finding,
            votes.expel,
            votes.resume,
            conduct.renew,
            duration(votes.within_seconds)
        ),
    );
    item(
        out,
        "inspections",
        &format!(
            "go ahead unless {} of the others object within {}; access within {}; {} a year for each party",
            inspection.block,
            duration(inspection.block_within_seconds),
            duration(inspection.access_seconds),
            inspection.quota_per_party_per_year
        ),
    );
    let leaving = conduct.pledges.iter().map(|(party, pledge)| {
        format!(
            "{party} {} after notice, or {} after 'stay' fails",
            duration(pledge.withdraw_seconds),
            duration(pledge.grace_seconds)
        )
    });
    item(out, "leaving", &names(leaving));
}
