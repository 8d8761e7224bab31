//! What a gate goes by, derived from public statements: phase, bounds, declared runs.
//!
//! What the running window has used so far is not public: those figures are 0 here, and the gate counts what it lets pass itself. A bound
//! that follows from sealed totals is not public either: it is 0, so that work under it does not start until the party's own node says more.

use crate::exit::{CliError, CliResult};
use standstill_agreement::{Agreement, Bound, Limit, Measure, Per};
use standstill_gate::situation::{Cap, Measure as Counted, Run, Situation};
use standstill_statement::{Body, Name, RunDeclaration};
use standstill_verify::runtime::{Replayed, facts};
use standstill_verify::verdict::WindowRow;
use standstill_verify::{Bundle, Verdict};
use std::collections::BTreeMap;

/// Operations in one unit of a report.
const PETA: u128 = 1_000_000_000_000_000;

/// The situation of a party at the end of a replay; `verdict` is that of the same bundle.
///
/// # Errors
/// When the party is not one of the agreement, or its runs are not in order.
pub(crate) fn of(bundle: &Bundle, verdict: &Verdict, replayed: &Replayed, party: &Name) -> CliResult<Situation> {
    let own = replayed.status.parties.iter().find(|status| status.party == *party);
    let own = own.ok_or_else(|| CliError::usage(format!("'{party}' is not a party of this agreement")))?;
    let terms = bundle.agreement();
    let now = replayed.timeline.as_of_unix_seconds;
    let in_force = replayed.timeline.bounds_at(party, now);
    let rows = verdict.parties.iter().find(|other| other.party == *party).map_or(&[][..], |party| &party.windows);
    let caps = terms.limits.iter().filter(|limit| limit.per != Per::Lineage).map(|limit| Cap {
        id: limit.id.clone(),
        measure: if limit.measure == Measure::Flop { Counted::Petaops } else { Counted::ChipSeconds },
        classes: limit.classes.clone(),
        allowed: allowed(terms, limit, limit.bound_in(in_force), rows),
        used: 0,
    });
    let situation = Situation {
        agreement: terms.id(),
        party: party.clone(),
        phase: phase(&own.phase),
        phase_since_unix_seconds: own.since_unix_seconds,
        window: terms.window_of(now).unwrap_or(0),
        as_of_unix_seconds: now,
        caps: caps.collect(),
        runs: runs(bundle, terms, party),
    };
    situation.check().map_err(CliError::bug)?;
    Ok(situation)
}

/// The gate's word for a phase of the run-time.
fn phase(word: &str) -> standstill_gate::Phase {
    use standstill_gate::Phase;
    let number = |stem: &str| word.strip_prefix(stem).and_then(|number| number.parse().ok());
    match word {
        "open" => Phase::Open,
        // Before duties begin nothing is held back, and after leaving nothing is any more.
        "armed" | "notice" => Phase::Armed,
        "active" => Phase::Active,
        "slowed" => Phase::Slowed { level: 1 },
        "paused" => Phase::Paused,
        "suspended" => Phase::Suspended,
        "withdrawn" | "ended" => Phase::Ended,
        _ => {
            let slowed = number("slowed-").map(|level| Phase::Slowed { level });
            let step = number("resuming-").or_else(|| number("releasing-")).map(|step| Phase::Resuming { step });
            slowed.or(step).unwrap_or(Phase::Draft)
        }
    }
}

/// What a bound allows; `None` for no bound, 0 when what it refers to is not public.
fn allowed(terms: &Agreement, limit: &Limit, bound: &Bound, rows: &[WindowRow]) -> Option<u64> {
    let unit = if limit.measure == Measure::Flop { PETA } else { 1 };
    let of = |total: u128, numerator: u64, denominator: u64| {
        total.saturating_mul(u128::from(numerator)) / u128::from(denominator.max(1))
    };
    let amount = match bound {
        Bound::Unlimited => return None,
        Bound::AtMost(amount) => amount / unit,
        Bound::OfBaseline { numerator, denominator } => {
            let amounts = rows.iter().filter(|row| row.window < terms.baseline.windows).map(|row| {
                let own = row.limits.iter().find(|other| other.id == limit.id)?;
                own.amount.as_deref()?.parse::<u128>().ok()
            });
            let amounts: Option<Vec<u128>> = amounts.collect();
            let known = amounts.filter(|amounts| amounts.len() as u64 == terms.baseline.windows);
            let mean =
                known.map_or(0, |amounts| amounts.iter().sum::<u128>() / u128::from(terms.baseline.windows.max(1)));
            of(mean, *numerator, *denominator)
        }
        Bound::OfCapacity { numerator, denominator } => {
            let capacity = rows.iter().rev().find_map(|row| row.seconds.as_ref());
            let capacity = capacity.map_or(0, |seconds| seconds.iter().copied().map(u128::from).sum());
            of(capacity, *numerator, *denominator)
        }
    };
    Some(u64::try_from(amount).unwrap_or(u64::MAX))
}

/// Declared runs with the plans of their ancestors, which bound what the lineage has used.
fn runs(bundle: &Bundle, terms: &Agreement, party: &Name) -> Vec<Run> {
    let mut declared: BTreeMap<Name, RunDeclaration> = BTreeMap::new();
    for fact in facts(bundle).statements {
        if let (Body::Run(run), true) = (fact.body, fact.issuer == *party) {
            declared.entry(run.run.clone()).or_insert(run);
        }
    }
    let lineage = terms.limits.iter().find(|limit| limit.per == Per::Lineage);
    let cap = lineage.and_then(|limit| match limit.bound_in(standstill_agreement::Phase::Normal) {
        Bound::AtMost(amount) => u64::try_from(amount / PETA).ok(),
        _ => None,
    });
    let one = |run: &RunDeclaration| Run {
        run: run.run.clone(),
        class: run.class,
        from_window: run.from_window,
        ended: false,
        planned_petaops: run.planned_petaops,
        used_petaops: 0,
        lineage_petaops: run
            .parents
            .iter()
            .filter_map(|parent| declared.get(parent))
            .map(|parent| parent.planned_petaops)
            .sum(),
        lineage_allowed_petaops: cap,
        certificates_missing: Vec::new(),
    };
    declared.values().map(one).collect()
}
