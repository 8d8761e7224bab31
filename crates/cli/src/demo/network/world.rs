//! The small world of the network demonstration, and its terms: two days of baseline, two slowed.

use crate::demo::cast::PublicCast;
use crate::demo::world::{self, Plot, START_UNIX_SECONDS};
use crate::exit::{CliError, CliResult};
use standstill_agreement::{Agreement, Baseline, Phase, PhaseStep};
use standstill_sim::{LabSpec, Level, WorldSpec};
use standstill_statement::Name;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Windows of the term.
pub(super) const DAYS: u64 = 4;

/// Windows before the slowdown.
const BASELINE: u64 = 2;

/// Cosignatures that make a quorum; with five witnesses, up to two liars split nothing, and one may be away.
pub(super) const QUORUM: usize = 4;

/// Three small labs.
pub(super) fn spec() -> CliResult<WorldSpec> {
    let lab = |id: &str, model: &str| {
        Ok::<_, CliError>(LabSpec {
            id: Name::new(id).map_err(CliError::bug)?,
            model: Name::new(model).map_err(CliError::bug)?,
            devices: 32,
            areas: 2,
            training: vec![Level { from_day: u32::try_from(BASELINE).map_err(CliError::bug)?, per_mille: 250 }],
            evasion: None,
        })
    };
    Ok(WorldSpec {
        start_unix_seconds: START_UNIX_SECONDS,
        days: u32::try_from(DAYS).map_err(CliError::bug)?,
        period_ms: 60_000,
        labs: vec![lab("north", "h100-sxm5")?, lab("east", "h200-sxm")?, lab("south", "b200")?],
    })
}

/// The terms of the other demonstration, with these windows and with witnesses that have addresses.
pub(super) fn terms(public: &PublicCast, witnesses: &[SocketAddr]) -> CliResult<Agreement> {
    let plot = Plot { cheat: None, fork: false, days: DAYS, seed: 1, groups_per_report: 1 };
    let mut terms = world::agreement(&plot, public)?;
    "Demonstration on the network: three labs halve their training".clone_into(&mut terms.title);
    terms.baseline = Baseline { windows: BASELINE };
    terms.phases = vec![
        PhaseStep { phase: Phase::Normal, from_window: 0 },
        PhaseStep { phase: Phase::Slowed, from_window: BASELINE },
    ];
    terms.witnesses = policy(public, witnesses);
    Ok(terms)
}

fn policy(public: &PublicCast, addresses: &[SocketAddr]) -> String {
    let mut text = String::new();
    for (witness, address) in public.witnesses.iter().zip(addresses) {
        let _ = writeln!(text, "witness {} {} http://{address}", witness.id, witness.vkey);
    }
    let members: Vec<&str> = public.witnesses.iter().map(|witness| witness.id.as_str()).collect();
    let _ = writeln!(text, "group witnesses {QUORUM} {}\nquorum witnesses", members.join(" "));
    text
}
