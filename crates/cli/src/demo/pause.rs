//! A pause among rivals, from sealed offers to open gates: four labs with logs of their own, five witnesses, two auditors, two evaluators, a
//! board and an inspector, as processes of this machine.
//!
//! Real: keys, statements, logs, witnesses, cosignatures, seals, proofs, draws, openings, findings, gates, the absence certificate, the bundle and
//! what follows from it. Not real: the telemetry (made by `standstill-sim`), the runs that the evaluators measure, the beacon (one key holder), the time (a file that
//! all processes read, so that ten days pass in a minute), and the motives of the roles, which follow a script.

mod gates;
mod live;
mod measured;
mod proof;
mod script;
mod simulated;
mod source;
mod terms;

use crate::exit::{CliError, CliResult, Exit};
use crate::progress::Progress;
use live::Live;
use measured::Measurements;
use script::{Script, Weather};
use std::path::Path;
use std::time::Instant;

/// Most witnesses that may be away: five, of which four make a quorum.
pub(crate) const MOST_DOWN: usize = 1;

/// Plays the whole story into `out`, and checks what a stranger gets from the bundle.
pub(crate) fn play(out: &Path, seed: Option<u64>, down: usize) -> CliResult {
    refuse_too_many(down)?;
    let out = std::path::absolute(out).map_err(|error| CliError::file("find", out, &error))?;
    let measured = Measurements::new()?;
    let mut live = Live::set_up(&out, seed.unwrap_or(1), down, &measured)?;
    let start = crate::demo::world::START_UNIX_SECONDS;
    let end = Script { theatre: &mut live, weather: Weather::new(seed), start, measured: &measured }.play()?;
    proof::check(&mut live, &end)?;
    Ok(Exit::Ok)
}

/// Plays seeds without processes.
pub(crate) fn simulate(seeds: u64, first: u64, down: usize) -> CliResult {
    refuse_too_many(down)?;
    let (started, progress) = (Instant::now(), Progress::start("Playing", seeds, "seeds"));
    let measured = Measurements::new()?;
    let (mut transitions, mut statements) = (0, 0);
    let mut distinct = std::collections::BTreeSet::new();
    for seed in first..first.saturating_add(seeds) {
        let played = simulated::play(seed, down, &measured)
            .map_err(|error| CliError { message: format!("seed {seed}: {}", error.message), ..error })?;
        transitions += played.transitions;
        statements += played.statements;
        distinct.insert(played.timeline);
        progress.advance(1);
    }
    drop(progress);
    println!(
        "{seeds} seeds, {statements} statements, {transitions} transitions, {} different timelines, in {:.1} s. In each: one timeline for every observer, nothing decided was undone, and the story came out.",
        distinct.len(),
        started.elapsed().as_secs_f32()
    );
    Ok(Exit::Ok)
}

fn refuse_too_many(down: usize) -> CliResult<()> {
    if down <= MOST_DOWN {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "with {down} of 5 witnesses down there is no quorum of 4, so nothing would become public; write at most {MOST_DOWN}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_seeds_with_and_without_a_witness_down() {
        for down in 0..=MOST_DOWN {
            simulate(10, 1, down).unwrap();
        }
        assert!(simulate(1, 1, 2).is_err(), "without a quorum nothing becomes public");
    }
}
