//! The check of a party's fleet declarations: proved, cosigned before use, one per revision, and the one in force used.

use super::account::{FleetFacts, InForce, Refusal, ReportFacts};
use super::party::Case;
use super::tally::Tally;
use crate::check::{CheckKind, EvidenceLevel};
use crate::record::ByDeadline;
use crate::render::words;
use crate::verdict::{Basis, Check};
use std::collections::BTreeMap;

/// The check `fleet`.
pub(crate) fn check(case: &Case<'_>, basis: Basis) -> Check {
    let mut tally = Tally::new(CheckKind::Fleet);
    for fleet in &case.account.fleets {
        let entry = || vec![case.log.reference(fleet.entry)];
        match &fleet.proved {
            Ok(_) => tally.rests_on(case.log.reference(fleet.entry)),
            Err(Refusal::Breach(why)) => {
                tally.breach(format!("declaration {}: {why}", fleet.declaration.revision), entry())
            }
            Err(Refusal::Gap(why)) => tally.gap(format!("declaration {}: {why}", fleet.declaration.revision), entry()),
        }
    }
    doubled(case, &mut tally);
    for (window, facts) in case.settled(&mut tally) {
        fleet_of_report(case, &mut tally, window, facts);
    }
    let declarations = words::counted(case.account.fleets.len() as u64, "declaration");
    let words = format!(
        "{declarations} proved and cosigned before use; {} rest on them",
        words::counted(tally.examined(), "report")
    );
    let falls = falls(&case.account.fleets);
    if falls.is_empty() {
        return tally.check(EvidenceLevel::Verified, basis, words);
    }
    tally.check(EvidenceLevel::Assumed, basis, format!("{words}; {}", falls.join("; ")))
}

/// Two declarations with one revision leave open which of them holds.
fn doubled(case: &Case<'_>, tally: &mut Tally) {
    let mut first: BTreeMap<u32, &FleetFacts<'_>> = BTreeMap::new();
    for fleet in &case.account.fleets {
        let earlier = *first.entry(fleet.declaration.revision).or_insert(fleet);
        if earlier.entry.index != fleet.entry.index {
            let words = format!(
                "entries {} and {} declare the fleet under one revision number",
                earlier.entry.index, fleet.entry.index
            );
            tally.breach(words, vec![case.log.reference(earlier.entry), case.log.reference(fleet.entry)]);
        }
    }
}

/// Each fall of registered capacity from one declaration to the next, in words: nothing in a log says where the chips went.
fn falls(fleets: &[FleetFacts<'_>]) -> Vec<String> {
    let mut known: Vec<(u32, u64, u128)> = fleets.iter().filter_map(capacity).collect();
    known.sort_unstable();
    let falling = known.windows(2).filter(|pair| pair[1].2 < pair[0].2);
    falling
        .map(|pair| {
            let ((_, _, before), (_, from_window, after)) = (pair[0], pair[1]);
            let lost = before - after;
            let tenths = lost.saturating_mul(1_000) / before.max(1);
            format!(
                "registered capacity falls by {} teraops per second at peak ({}.{} %) from window {from_window} on, and nothing says \
                 where the chips went",
                words::grouped(lost),
                tenths / 10,
                tenths % 10
            )
        })
        .collect()
}

/// Revision, first window and capacity in 1e12 operations per second, summed over groups; `None` when it is not proved.
fn capacity(fleet: &FleetFacts<'_>) -> Option<(u32, u64, u128)> {
    let proved = fleet.proved.as_ref().ok()?;
    let groups = proved.groups().iter().zip(proved.constants());
    let sum = groups.map(|(group, model)| u128::from(group.capacity_devices) * u128::from(model.peak_teraops)).sum();
    Some((fleet.declaration.revision, fleet.declaration.from_window, sum))
}

fn fleet_of_report(case: &Case<'_>, tally: &mut Tally, window: u64, facts: &ReportFacts<'_>) {
    let start = case.bundle.agreement.window_bounds(window).0;
    let report = case.log.reference(facts.entry);
    let Some(used) = case.account.fleets.iter().find(|fleet| fleet.entry.signed.hash == facts.report.fleet) else {
        return tally.breach(
            format!("window {window}: the report names a fleet declaration that is not in the log"),
            vec![report],
        );
    };
    let both = vec![report.clone(), case.log.reference(used.entry)];
    match case.log.public_by(used.entry.index, start) {
        ByDeadline::No => {
            return tally.breach(format!("window {window}: its fleet was declared after the window had begun"), both);
        }
        ByDeadline::Unknown => {
            return tally.gap(
                format!("window {window}: no cosigned head shows that its fleet was declared before the window began"),
                both,
            );
        }
        ByDeadline::Yes => {}
    }
    match case.account.fleet_in_force(case.log, window, start) {
        InForce::Known(Some(fleet)) if fleet.entry.index == used.entry.index => tally.holds(Some(report)),
        InForce::Known(_) => {
            tally.breach(format!("window {window}: the report does not use the fleet declaration in force"), both);
        }
        InForce::Unknown(fleet) => {
            let words = format!(
                "window {window}: no cosigned head shows whether fleet declaration {} (entry {}) was public before the window began",
                fleet.declaration.revision, fleet.entry.index
            );
            tally.gap(words, vec![report, case.log.reference(fleet.entry)]);
        }
    }
}
