//! Checks of the record that every issuer has: one history, witnessed, valid statements.

use super::tally::Tally;
use crate::check::{CheckKind, EvidenceLevel};
use crate::record::IssuerLog;
use crate::render::words;
use crate::verdict::{Basis, Check};

/// The three record checks.
pub(crate) fn all(log: &IssuerLog) -> Vec<Check> {
    vec![consistent(log), witnessed(log), statements(log, false)]
}

/// The same for an issuer from whom nothing was due: its log may be empty.
pub(crate) fn of_idle(log: &IssuerLog) -> Vec<Check> {
    vec![consistent(log), witnessed(log), statements(log, true)]
}

fn consistent(log: &IssuerLog) -> Check {
    let mut tally = Tally::new(CheckKind::LogConsistent);
    for fork in &log.forks {
        tally.fork(fork.sentence.clone());
    }
    if let Some(damage) = &log.damage {
        tally.gap(damage.clone(), Vec::new());
    }
    for question in &log.open_questions {
        tally.gap(question.clone(), Vec::new());
    }
    log.heads.iter().filter(|_| log.damage.is_none()).for_each(|_| tally.holds(None));
    let heads = words::counted(log.heads.len() as u64, "signed head");
    let size = log.heads.last().map_or(0, |head| head.size);
    let holds = format!("{heads}, all on one tree of {}", entries_counted(size));
    tally.check(EvidenceLevel::Verified, Basis::PublicRecord, holds)
}

/// `1 entry`, `14 entries`.
pub(crate) fn entries_counted(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{} entries", words::grouped(u128::from(count))) }
}

fn witnessed(log: &IssuerLog) -> Check {
    let mut tally = Tally::new(CheckKind::LogWitnessed);
    let latest = log.heads.last();
    let mut holds = String::new();
    match latest.and_then(|head| head.first_unix_seconds) {
        Some(time) => {
            tally.holds(None);
            holds = format!("the latest head was cosigned by a quorum by {}", words::moment(time));
        }
        None if latest.is_some() => {
            tally.gap("the latest head does not carry a quorum of valid cosignatures; ask the witnesses", Vec::new())
        }
        None => tally.gap("there is no signed head", Vec::new()),
    }
    tally.check(EvidenceLevel::Verified, Basis::PublicRecord, holds)
}

fn statements(log: &IssuerLog, idle: bool) -> Check {
    let mut tally = Tally::new(CheckKind::Statements);
    for fault in &log.breaches {
        tally.breach(fault.words.clone(), fault.entries.clone());
    }
    for fault in &log.foreign {
        tally.gap(fault.words.clone(), fault.entries.clone());
    }
    if log.damage.is_some() {
        tally.gap("the entries cannot be read", Vec::new());
    } else if !idle && log.entries.is_empty() && log.breaches.is_empty() && log.foreign.is_empty() {
        tally.gap(
            "the log holds no statement under these terms, so nothing shows that its owner accepted them",
            Vec::new(),
        );
    }
    for entry in &log.entries {
        tally.holds(Some(log.reference(entry)));
    }
    let holds =
        format!("{}, each signed by a key in force, in one unbroken chain", entries_counted(log.entries.len() as u64));
    tally.check_even_if_empty(EvidenceLevel::Verified, Basis::PublicRecord, holds)
}
