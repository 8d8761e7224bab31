//! The verdict of the whole.

use super::account::judged_windows;
use super::limits;
use crate::bundle::Bundle;
use crate::check::{EvidenceLevel, Outcome};
use crate::record::Record;
use crate::render::words;
use crate::verdict::{Check, FORMAT, Missing, PartyVerdict, PhaseSpan, RoleVerdict, RunTime, Terms, Verdict};
use standstill_agreement::RoleKind;
use standstill_statement::Name;

/// Most ignored files that are named.
const MAX_IGNORED: usize = 100;

/// Puts the parts together.
pub(super) fn verdict(
    bundle: &Bundle,
    record: Record,
    as_of: u64,
    chosen: bool,
    runtime: Option<RunTime>,
    parties: Vec<PartyVerdict>,
    roles: Vec<RoleVerdict>,
) -> Verdict {
    let outcomes =
        parties.iter().map(|party| party.outcome).chain(roles.iter().filter(counts).map(|role| role.outcome));
    let outcome = outcomes.min().unwrap_or(Outcome::CannotConclude);
    let evidence = parties.iter().map(|party| party.evidence).min().unwrap_or(EvidenceLevel::NoEvidence);
    let terms = terms(bundle, as_of);
    let mut ignored = record.ignored;
    ignored.truncate(MAX_IGNORED);
    Verdict {
        format: FORMAT.to_owned(),
        outcome,
        evidence,
        sentence: sentence(outcome, evidence, &terms, &parties, &roles),
        as_of_unix_seconds: as_of,
        as_of_source: if chosen {
            "chosen by the caller".to_owned()
        } else {
            "latest witnessed time in the bundle".to_owned()
        },
        missing: missing(&parties, &roles),
        assumptions: assumptions(bundle, &parties),
        cannot_see: cannot_see(),
        forks: record.logs.into_iter().flat_map(|log| log.forks).collect(),
        ignored,
        terms,
        runtime,
        parties,
        roles,
    }
}

/// An auditor is part of every verdict; the other roles have no duty in this format version, and only a breach of theirs counts.
fn counts(role: &&RoleVerdict) -> bool {
    role.kind == RoleKind::Auditor.name() || role.outcome < Outcome::CannotConclude
}

fn terms(bundle: &Bundle, as_of: u64) -> Terms {
    let agreement = &bundle.agreement;
    let ends = agreement.phases.iter().skip(1).map(|step| step.from_window).chain([agreement.term_windows]);
    let spans = agreement.phases.iter().zip(ends).map(|(step, until_window)| PhaseSpan {
        phase: step.phase.name().to_owned(),
        from_window: step.from_window,
        until_window,
    });
    Terms {
        agreement: bundle.agreement_id,
        title: agreement.title.clone(),
        start_unix_seconds: agreement.start_unix_seconds,
        window_seconds: agreement.window.window_seconds,
        term_windows: agreement.term_windows,
        judged_windows: judged_windows(agreement, as_of),
        phases: spans.collect(),
        limits: limits::terms(agreement),
    }
}

fn sentence(
    outcome: Outcome,
    evidence: EvidenceLevel,
    terms: &Terms,
    parties: &[PartyVerdict],
    roles: &[RoleVerdict],
) -> String {
    let names = |wanted: Outcome| -> Vec<String> {
        let parties = parties.iter().filter(|party| party.outcome == wanted).map(|party| party.party.to_string());
        let roles = roles.iter().filter(counts).filter(|role| role.outcome == wanted).map(|role| role.role.to_string());
        parties.chain(roles).collect()
    };
    let chips = "Undeclared chips cannot be seen from here.";
    let others = |except: Outcome| -> String {
        let fine = names(Outcome::Verified);
        if except == Outcome::Verified || fine.is_empty() {
            String::new()
        } else {
            format!(" {} verified.", words::and(&fine))
        }
    };
    match outcome {
        Outcome::ForkSeen => {
            format!("{} signed two histories of one log; both are kept as proof.", words::and(&names(outcome)))
        }
        Outcome::Violated => format!(
            "{} violated the terms; the entries named prove it.{} {chips}",
            words::and(&names(outcome)),
            others(outcome)
        ),
        Outcome::CannotConclude => format!(
            "Nothing can be concluded for {}; see what is missing.{} {chips}",
            words::and(&names(outcome)),
            others(outcome)
        ),
        Outcome::Verified => {
            let weak = if evidence == EvidenceLevel::Verified { "" } else { ", partly on the parties' word" };
            let count = words::counted(parties.len() as u64, "party").replace("partys", "parties");
            format!(
                "All {count} kept the terms on their declared chips in {}{weak}. {chips}",
                words::counted(terms.judged_windows, "window")
            )
        }
    }
}

fn missing(parties: &[PartyVerdict], roles: &[RoleVerdict]) -> Vec<Missing> {
    let open = |issuer: &Name, checks: &[Check]| -> Vec<Missing> {
        let open = checks.iter().filter(|check| {
            check.outcome == Outcome::CannotConclude && check.sub_goal != crate::SubGoal::UndeclaredChips
        });
        open.map(|check| Missing { issuer: issuer.clone(), what: format!("{}: {}", check.id, check.reason) }).collect()
    };
    let parties = parties.iter().flat_map(|party| open(&party.party, &party.checks));
    parties.chain(roles.iter().filter(counts).flat_map(|role| open(&role.role, &role.checks))).collect()
}

fn assumptions(bundle: &Bundle, parties: &[PartyVerdict]) -> Vec<String> {
    let mut list = vec![
        "Witnesses: fewer of them are dishonest than the policy in the terms tolerates; their cosignatures are the only clock.".to_owned(),
        "Cryptography: SHA-256, Ed25519, discrete logarithms in Ristretto255, BLS12-381.".to_owned(),
        "Findings: the auditor and inspectors report what they saw; their signed word is taken.".to_owned(),
        "Telemetry: a figure is what the party's instruments said; audits and independent readings test it by sample.".to_owned(),
        "Draws: an opened group that is wrong is recognised as wrong; each bound assumes it.".to_owned(),
    ];
    let name = bundle.agreement.audit.beacon.name.as_str();
    if name != "quicknet" {
        list.push(format!("Beacon: '{name}' is not the public drand network; whoever runs it could choose the draws."));
    }
    for party in parties.iter().filter(|party| !party.sources.is_empty()) {
        list.push(format!("{}'s figures rest on: {}.", party.party, words::and(&party.sources)));
    }
    list
}

fn cannot_see() -> Vec<String> {
    vec![
        "Undeclared chips (2B): a bundle speaks about registered chips only.".to_owned(),
        "Purpose: what work was for, or what a model learned, is not in these figures.".to_owned(),
        "Tampered sensors: proofs bind a party to what its telemetry said, not to what happened.".to_owned(),
        "Short bursts: a draw catches what lasts; what happens once may be missed.".to_owned(),
    ]
}
