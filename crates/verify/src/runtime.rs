//! How the agreement of a bundle ran: from cosigned logs to the facts of `standstill_agreement::runtime`, and from those to a timeline.
//!
//! `standstill verify`, `agreement status`, `agreement timeline` and the gate's situation all go through [`replay`], so they cannot differ.
//! Only verified statements count, each with the earliest time at which a quorum had cosigned a head that covers it and the latest at
//! which one still cosigned a head without it. A statement that no quorum has cosigned is not a fact. Who handed the bundle over, in
//! which order and how often, plays no part.

use crate::bundle::Bundle;
use crate::record::{IssuerLog, Record};
use crate::verdict::{ForkProof, OpenCase, PartyPhase, RunTime};
use standstill_agreement::Agreement;
use standstill_agreement::runtime::{Fact, Facts, Machine, Status, Timeline, replay_with};
use standstill_audit::{Beacon, Round};
use standstill_statement::{Body, Hash32};
use standstill_tlog::checkpoint::SignedCheckpoint;
use std::collections::BTreeSet;

/// A replayed agreement.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Every transition with its causes.
    pub timeline: Timeline,
    /// The state at its end.
    pub status: Status,
}

/// Replays the agreement of a bundle up to a moment; by default the latest at which a quorum cosigned anything. `None` when the terms only
/// follow a schedule.
#[must_use]
pub fn replay(bundle: &Bundle, as_of_unix_seconds: Option<u64>) -> Option<Replayed> {
    let record = Record::read(bundle);
    let as_of = as_of_unix_seconds.or_else(|| record.latest_quorum_time());
    of(bundle, &record, as_of.unwrap_or(bundle.agreement.start_unix_seconds))
}

/// The facts of a bundle.
#[must_use]
pub fn facts(bundle: &Bundle) -> Facts {
    gather(bundle, &Record::read(bundle))
}

/// The facts of a bundle, and the latest time at which a quorum cosigned anything (Unix seconds; the start of the agreement when none did).
#[must_use]
pub fn facts_and_time(bundle: &Bundle) -> (Facts, u64) {
    let record = Record::read(bundle);
    let latest = record.latest_quorum_time().unwrap_or(bundle.agreement.start_unix_seconds);
    (gather(bundle, &record), latest)
}

pub(crate) fn of(bundle: &Bundle, record: &Record, as_of: u64) -> Option<Replayed> {
    let machine = Machine::new(&bundle.agreement)?;
    let timeline = replay_with(&machine, &gather(bundle, record), as_of);
    Some(Replayed { status: timeline.status(&machine), timeline })
}

fn gather(bundle: &Bundle, record: &Record) -> Facts {
    let mut facts = Facts::default();
    for log in &record.logs {
        take(bundle, log, &mut facts);
    }
    let rounds: BTreeSet<u64> = facts.statements.iter().filter_map(|fact| named_round(&fact.body)).collect();
    if let Ok(beacon) = beacon(&bundle.agreement) {
        facts.beacon =
            rounds.into_iter().filter_map(|round| Some((round, randomness(bundle, &beacon, round)?))).collect();
    }
    facts
}

fn take(bundle: &Bundle, log: &IssuerLog, facts: &mut Facts) {
    for entry in &log.entries {
        // What no quorum has cosigned did not happen as far as anybody can show.
        let Some(published) = log.published(entry.index) else { continue };
        facts.statements.push(Fact {
            agreement: bundle.agreement_id,
            issuer: log.issuer.clone(),
            index: entry.index,
            statement: entry.signed.hash,
            published_unix_seconds: published,
            not_before_unix_seconds: log.not_before(entry.index),
            body: entry.signed.statement.body.clone(),
        });
    }
    if let Some(until) = log.shown_until() {
        facts.shown_until.insert(log.issuer.clone(), until);
    }
    let cosigned_size = |note: &str| {
        let key = bundle.agreement.issuer(&log.issuer).and_then(|(vkey, _)| vkey.parse().ok())?;
        let signed = SignedCheckpoint::parse(note.as_bytes(), &key).ok()?;
        bundle.policy.evaluate(signed.note()).ok()?.quorum_time?;
        Some(signed.checkpoint().size)
    };
    // Two heads that contradict each other differ, at the latest, in the last entry that both cover. One that no quorum has cosigned is a
    // fault and takes nothing back: else its issuer could undo its own votes at any later time by signing one more head.
    let from = |fork: &ForkProof| {
        let sizes = (cosigned_size(&fork.first), cosigned_size(&fork.second));
        if let (Some(first), Some(second)) = sizes { first.min(second).saturating_sub(1) } else { u64::MAX }
    };
    if let Some(smallest) = log.forks.iter().map(from).min() {
        facts.forked_from.insert(log.issuer.clone(), smallest);
    }
}

const fn named_round(body: &Body) -> Option<u64> {
    match body {
        Body::Opening(opening) => Some(opening.beacon_round),
        _ => None,
    }
}

/// The beacon of the terms.
pub(crate) fn beacon(terms: &Agreement) -> Result<Beacon, String> {
    let terms = &terms.audit.beacon;
    let period = u32::try_from(terms.period_seconds).map_err(|_| "the beacon's period is out of range".to_owned())?;
    Beacon::new(terms.name.as_str(), &terms.public_key, terms.genesis_unix_seconds, period)
        .map_err(|error| error.to_string())
}

fn randomness(bundle: &Bundle, beacon: &Beacon, round: u64) -> Option<Hash32> {
    let bytes = bundle.source.read(&format!("beacon/{round}.json"), bundle.limits.note_bytes).ok()??;
    let read = Round::parse_json(&bytes).ok().filter(|read| read.round == round)?;
    beacon.verify(&read).ok().map(|randomness| Hash32(randomness.bytes))
}

/// What a verdict says about it.
pub(crate) fn summary(replayed: &Replayed) -> RunTime {
    let status = &replayed.status;
    let party = |party: &standstill_agreement::runtime::PartyStatus| PartyPhase {
        party: party.party.clone(),
        phase: party.phase.clone(),
        since_unix_seconds: party.since_unix_seconds,
        bound: party.bound,
        verified: party.verified,
    };
    let case = |case: &standstill_agreement::runtime::CaseStatus| OpenCase {
        case: case.case,
        accuser: case.accuser.clone(),
        respondent: case.respondent.clone(),
        stage: case.stage.to_owned(),
        due_unix_seconds: case.due_unix_seconds,
    };
    RunTime {
        phase: status.phase.clone(),
        phase_since_unix_seconds: status.phase_since_unix_seconds,
        timeline: status.timeline,
        transitions: status.transitions,
        settled_until_unix_seconds: status.settled_until_unix_seconds,
        unsettled: status.unsettled.clone(),
        parties: status.parties.iter().map(party).collect(),
        cases: status.cases.iter().map(case).collect(),
        missing: status.missing.clone(),
        at_fault: status.at_fault.clone(),
    }
}
