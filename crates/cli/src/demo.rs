//! The demonstration: three labs, three witnesses, one auditor and a beacon of its own, for some days, from telemetry to verdict.
//!
//! Everything is real but the telemetry (made by `standstill-sim`), the clock (days pass in seconds) and the beacon (same scheme as drand's
//! quicknet, one key holder). The roles use the same code and the same folders as the commands of each role.

pub(crate) mod audit_day;
pub(crate) mod cast;
mod day;
mod fork;
pub(crate) mod network;
pub(crate) mod pause;
pub(crate) mod world;

use crate::bundle::{Sources, collect};
use crate::exit::{CliError, CliResult};
use crate::progress::Progress;
use cast::Cast;
use standstill_sim::World;
use standstill_statement::Mode;
use std::path::{Path, PathBuf};

pub use world::{BASELINE_DAYS, CHEATER, Plot};

/// What the demonstration made.
#[derive(Clone, Debug)]
pub struct Played {
    /// Bundle folder.
    pub bundle: PathBuf,
    /// Folders of all roles, secrets included: a sceptic may act as any of them.
    pub roles: PathBuf,
    /// Reports published.
    pub reports: usize,
    /// Groups opened to the auditor.
    pub opened: usize,
    /// Rows of telemetry metered.
    pub rows: u64,
}

/// Plays the whole story into `out`.
///
/// # Errors
/// When a file cannot be written, or a part refuses what another part made (a defect).
pub fn play(plot: &Plot, out: &Path, progress: &Progress) -> CliResult<Played> {
    let world = World::new(plot.seed, &world::spec(plot)?).map_err(CliError::bug)?;
    // The second lab publishes proofs only, the others totals in clear: both modes are seen side by side.
    let mode = |index: usize| if index == 1 { Mode::Sealed } else { Mode::Open };
    let parties: Vec<_> =
        world.labs().iter().enumerate().map(|(index, lab)| (lab.spec.id.clone(), mode(index))).collect();
    let mut cast = Cast::assemble(&parties, out, &|public| world::agreement(plot, public))?;
    progress.say("Declaring fleets and runs");
    for (index, lab) in world.labs().iter().enumerate() {
        cast.declare(index, &lab.fleet().map_err(CliError::bug)?, lab.runs())?;
    }
    let mut played = Played { bundle: out.join("bundle"), roles: out.join("roles"), reports: 0, opened: 0, rows: 0 };
    for window in 0..plot.days {
        progress.say(&format!("Day {}", window + 1));
        day::play(&mut cast, &world, window, &mut played)?;
        progress.advance(1);
    }
    progress.say("Collecting the bundle");
    let forks = if plot.fork { fork::show_two_histories(&mut cast)? } else { Vec::new() };
    cast.last_word()?;
    let sources = Sources { agreement: cast.terms_path(), homes: cast.homes(), rounds: cast.rounds.clone(), forks };
    collect(&sources, &played.bundle)?;
    Ok(played)
}
