//! Rules of the optional sections. Each looks only at what could be read, so that one typing error does not hide the other problems.

pub(crate) mod audits;
mod pledges;
mod triggers;

use super::{Certificate, Gate};
use crate::amount::duration;
use crate::fraction::Fraction;
use crate::parse::Draft;
use crate::problem::Rule;
use crate::read::Report;
use crate::terms::{Bound, Phase, RoleKind};
use standstill_statement::Name;
use std::collections::BTreeMap;

/// Longest time for which commitments may wait for others.
const LONGEST_ARMED: u64 = 366 * 86_400;

/// Checks everything that spans more than one field.
pub(crate) fn check(draft: &Draft, report: &mut Report) {
    rulebooks(draft, report);
    corrupt_witnesses(draft, report);
    gates(draft, report);
    audits::check(draft, report);
    if !draft.coordination.conducts {
        return;
    }
    head(draft, report);
    votes(draft, report);
    inspection(draft, report);
    severity(draft, report);
    pledges::check(draft, report);
    triggers::check(draft, report);
}

/// Roles of a kind.
fn roles_of(draft: &Draft, kind: RoleKind) -> u32 {
    u32::try_from(draft.roles.iter().filter(|role| role.value.0.kind == kind).count()).unwrap_or(u32::MAX)
}

/// Length of the whole agreement in seconds.
fn term_seconds(draft: &Draft) -> Option<u64> {
    draft.term_windows?.checked_mul(draft.window?.window_seconds)
}

fn rulebooks(draft: &Draft, report: &mut Report) {
    for (path, named) in std::mem::take(&mut report.repeated_rulebooks) {
        let Some(rulebook) = draft.rulebook.as_ref().filter(|rulebook| rulebook.as_str() != named) else { continue };
        let shown: String = named.chars().filter(|c| !c.is_control()).take(60).collect();
        let problem = format!("'{path}' is '{shown}', and agreement.rulebook is '{rulebook}': one limit, two totals");
        let remedy = "remove it; every limit of an agreement is counted by agreement.rulebook";
        report.at(&path, Rule::TwoRulebooks, problem, remedy);
    }
}

fn corrupt_witnesses(draft: &Draft, report: &mut Report) {
    let (Some(policy), Some(corrupt)) = (&draft.witnesses, draft.coordination.corrupt_witnesses) else { return };
    // A quorum that is not safe at all is reported where the policy is.
    if policy.quorum.shared == 0 || policy.quorum.shared > corrupt as usize {
        return;
    }
    let shared = policy.quorum.shared;
    let problem = format!(
        "two quorums of {} may share only {shared} {}, and {corrupt} corrupt ones could show two histories",
        policy.quorum.words,
        if shared == 1 { "witness" } else { "witnesses" },
    );
    let remedy = format!("let more witnesses cosign (2k - n > f), or write corrupt = {}", shared - 1);
    report.at("witnesses.corrupt", Rule::UnsafeQuorum, problem, remedy);
}

fn head(draft: &Draft, report: &mut Report) {
    let own = &draft.coordination;
    for (field, example) in [("valid_until", "2026-12-01T00:00:00Z"), ("renew", "\"2/3\"")] {
        if !report.has(&format!("agreement.{field}")) {
            let problem = format!("'agreement.{field}' is missing");
            report.at("agreement", Rule::MissingField, problem, format!("add, for example, {field} = {example}"));
        }
    }
    if let Some(renew) = own.renew {
        majority("agreement.renew", renew, "renew the agreement", report);
    }
    let (Some(until), Some(start), Some(term), Some(clocks)) =
        (own.valid_until_unix_seconds, draft.start_unix_seconds, term_seconds(draft), own.clocks)
    else {
        return;
    };
    let before_duty = clocks.notice_seconds.saturating_add(clocks.winding_down_seconds);
    if until.saturating_add(before_duty) >= start.saturating_add(term) {
        let problem = format!(
            "commitments wait until so late that {} of notice and winding down end after the agreement",
            duration(before_duty)
        );
        report.at("agreement.valid_until", Rule::BadExpiry, problem, "let them lapse earlier, or choose a longer term");
    } else if until.saturating_sub(start) > LONGEST_ARMED {
        let problem = "commitments wait for more than a year after the start";
        let remedy = "let them lapse earlier; nobody should be bound by a stale signature";
        report.at("agreement.valid_until", Rule::BadExpiry, problem, remedy);
    }
    if clocks.freeze_on_outage_seconds >= term {
        let problem = format!(
            "an outage may stop the clocks for {}, which is the whole term",
            duration(clocks.freeze_on_outage_seconds)
        );
        report.at("clock.freeze_on_outage", Rule::BadExpiry, problem, "write a shorter length, for example \"14d\"");
    }
}

/// More than half: otherwise a vote for something and a vote against it can both pass.
fn majority(path: &str, share: Fraction, purpose: &str, report: &mut Report) {
    if share <= Fraction::HALF {
        let problem = format!("{share} is enough to {purpose}, so two contradicting votes can both pass");
        report.at(path, Rule::BadVote, problem, "write more than 1/2, for example \"2/3\"");
    }
}

fn votes(draft: &Draft, report: &mut Report) {
    let Some(votes) = draft.coordination.votes else { return };
    majority("vote.finding", votes.finding, "declare a violation", report);
    majority("vote.expel", votes.expel, "expel a party", report);
    if !draft.parties_known {
        return;
    }
    let parties = draft.parties.len() as u64;
    if parties == 1 {
        let problem = "there is one party, so the only voter on a violation would be the accused, who never votes";
        let remedy = "add a second [[party]], or leave out the sections by which an agreement runs itself";
        report.at("vote.finding", Rule::AccusedOnly, problem, remedy);
        return;
    }
    let (needed, faulty) = (votes.resume.of(parties), u64::from(votes.faulty));
    if parties > 0 && 2 * needed <= parties + faulty {
        let enough = Fraction::new((parties + faulty) / 2 + 1, parties.max(1));
        let remedy = match enough {
            Some(enough) => format!("write at least resume = \"{enough}\": more than (parties + faulty) / 2"),
            None => "lower 'faulty': no vote of these parties withstands so many".to_owned(),
        };
        let twice = match faulty {
            0 => String::new(),
            faulty => format!(" when {faulty} of them vote twice"),
        };
        let problem = format!(
            "{needed} of {parties} votes begin resumption, so two contradicting decisions can both pass{twice}"
        );
        report.at("vote.resume", Rule::BadVote, problem, remedy);
    }
}

fn inspection(draft: &Draft, report: &mut Report) {
    let Some(inspection) = draft.coordination.inspection else { return };
    if inspection.block <= Fraction::HALF {
        let problem = format!("{} of the others can stop every inspection", inspection.block);
        report.at("inspection.block", Rule::BadVote, problem, "write more than 1/2, for example \"3/4\"");
    }
    if inspection.block_within_seconds >= inspection.access_seconds {
        let problem = format!(
            "objections are counted for {}, and access is due after {}",
            duration(inspection.block_within_seconds),
            duration(inspection.access_seconds)
        );
        report.at("inspection.block_within", Rule::BadVote, problem, "end the objections before access is due");
    }
    let inspectors = roles_of(draft, RoleKind::Inspector) + roles_of(draft, RoleKind::Auditor);
    if inspectors == 0 && draft.roles_known {
        let problem = "there is nobody to inspect";
        report.at("inspection", Rule::UnknownRole, problem, "add a [[role]] of kind \"inspector\" or \"auditor\"");
    }
}

/// In a severer phase no limit allows more: otherwise a trigger would be an invitation.
fn severity(draft: &Draft, report: &mut Report) {
    let named = draft.named_phases();
    for limit in &draft.limits {
        let bounds: Vec<(Phase, Bound)> = limit
            .value
            .bounds
            .iter()
            .filter(|(phase, _)| named.contains(phase))
            .map(|(phase, bound)| (*phase, *bound))
            .collect();
        for pair in bounds.windows(2) {
            let [(mild, first), (severe, second)] = pair else { continue };
            if looser(second, first) {
                let problem = format!("limit '{}' allows more in phase '{severe}' than in '{mild}'", limit.value.id);
                let path = format!("{}.phase.{severe}", limit.path);
                report.at(
                    &path,
                    Rule::LooserWhenSeverer,
                    problem,
                    format!("write a bound that is at most that of '{mild}'"),
                );
            }
        }
    }
}

/// Whether `this` certainly allows more than `that`; bounds of different kinds are not compared, except with none and nothing.
pub(crate) fn looser(this: &Bound, that: &Bound) -> bool {
    let above = |a: u64, b: u64, c: u64, d: u64| u128::from(a) * u128::from(d) > u128::from(c) * u128::from(b);
    match (*this, *that) {
        (Bound::Unlimited, other) => other != Bound::Unlimited,
        (_, Bound::Unlimited) => false,
        (Bound::AtMost(this), Bound::AtMost(that)) => this > that,
        (Bound::OfBaseline { numerator, denominator }, Bound::OfBaseline { numerator: n, denominator: d })
        | (Bound::OfCapacity { numerator, denominator }, Bound::OfCapacity { numerator: n, denominator: d }) => {
            above(numerator, denominator, n, d)
        }
        (Bound::OfBaseline { numerator, .. } | Bound::OfCapacity { numerator, .. }, Bound::AtMost(0)) => numerator > 0,
        _ => false,
    }
}

fn gates(draft: &Draft, report: &mut Report) {
    let mut seen: BTreeMap<&Name, &str> = BTreeMap::new();
    for gate in &draft.coordination.gates {
        if let Some(other) = seen.insert(&gate.value.id, &gate.path) {
            let problem = format!("[{}] and [{other}] are both called '{}'", gate.path, gate.value.id);
            report.at(&format!("{}.id", gate.path), Rule::DuplicateId, problem, "give each gate a name of its own");
        }
        gate_fits(&gate.path, &gate.value, draft, report);
    }
}

fn gate_fits(path: &str, gate: &Gate, draft: &Draft, report: &mut Report) {
    let before = format!("{path}.before");
    if gate.classes.is_empty() {
        let problem = format!("gate '{}' stands before nothing", gate.id);
        report.at(&before, Rule::BadGate, problem, "name at least one class of jobs");
    }
    for class in gate.classes.iter().filter(|class| !class.can_operate()) {
        let problem = format!("gate '{}' stands before '{class}', which no job is", gate.id);
        report.at(&before, Rule::BadGate, problem, "remove the class");
    }
    if gate.certificates.is_empty() {
        let problem = format!("gate '{}' asks for no certificate", gate.id);
        let remedy = "add [[gate.certificate]] with id, by, signers and valid below it";
        report.at(path, Rule::BadGate, problem, remedy);
    }
    for (index, certificate) in gate.certificates.iter().enumerate() {
        certificate_fits(path, gate, certificate, draft, report);
        if gate.certificates[..index].iter().any(|other| other.id == certificate.id) {
            let problem = format!("gate '{}' asks for the certificate '{}' twice", gate.id, certificate.id);
            report.at(path, Rule::DuplicateId, problem, "give each certificate a name of its own");
        }
    }
    if let Some(when) = &gate.when {
        triggers::readings_fit(&format!("{path}.when"), &format!("gate '{}'", gate.id), when, draft, report);
    }
}

fn certificate_fits(path: &str, gate: &Gate, certificate: &Certificate, draft: &Draft, report: &mut Report) {
    let (there, kind) = (roles_of(draft, certificate.by), certificate.by.name());
    if certificate.signers > there && draft.roles_known {
        let problem = format!(
            "gate '{}' needs {} signers of kind '{kind}' for '{}', and the agreement has {there}",
            gate.id, certificate.signers, certificate.id
        );
        report.at(
            &format!("{path}.certificate"),
            Rule::UnknownRole,
            problem,
            format!("add a [[role]] of kind \"{kind}\", or ask for fewer"),
        );
    }
}
