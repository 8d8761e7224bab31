//! What the two evaluators measure: capability horizons of systems that do not exist, computed from made-up runs by the method that the terms
//! name, so that `verify` computes each signed figure again.

use crate::exit::{CliError, CliResult};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use standstill_signals::claim::{self, Prepared, Subject};
use standstill_signals::horizon::{Input, Inputs, Plan, Role, recompute};
use standstill_statement::{Decimal, Hash32, Interval, Measured, Name, Reading};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The evaluators.
pub(super) const EVALUATORS: [&str; 2] = ["evaluator-1", "evaluator-2"];
/// Horizons of the systems that there are at each measurement, in hours: the first by far over 40 and under 167, the second by far over both.
const SYSTEMS: [&[u32]; 2] = [&[2, 12, 76], &[2, 12, 76, 420]];
/// Few resamples, because the play only needs the trigger to be clear.
const METHOD: &str = "[method]\nname = \"demonstration\"\nsuite = \"made up\"\n[method.bootstrap]\nresamples = 200\ninterval-percent = 90.0\n";
/// Task lengths double from one minute to 91 days.
const LENGTHS: u32 = 18;
const TASKS_OF_A_LENGTH: u32 = 4;
const RUNS_OF_A_TASK: u32 = 6;
/// Most hours that are told; the longest made-up task has 2,185.
const LONGEST_HOURS: u64 = 100_000;

/// All measurements of the play.
#[derive(Debug)]
pub(super) struct Measurements(BTreeMap<(&'static str, usize), Prepared>);

impl Measurements {
    /// Makes up the runs and computes each figure.
    pub(super) fn new() -> CliResult<Self> {
        let mut all = BTreeMap::new();
        for (place, evaluator) in EVALUATORS.into_iter().enumerate() {
            for (step, systems) in SYSTEMS.iter().enumerate() {
                let seed = 10 * (step as u64) + place as u64;
                all.insert((evaluator, step), claim(&runs(seed, systems))?);
            }
        }
        Ok(Self(all))
    }

    /// What an evaluator signs at a step.
    pub(super) fn of(&self, evaluator: &str, step: usize) -> CliResult<&Prepared> {
        let found = self.0.iter().find(|((name, at), _)| *name == evaluator && *at == step);
        found.map(|(_, claim)| claim).ok_or_else(|| CliError::bug("nothing was measured"))
    }

    /// Every blob that an evaluator's statements name.
    pub(super) fn blobs(&self, evaluator: &str) -> impl Iterator<Item = &Vec<u8>> {
        let own = self.0.iter().filter(move |((name, _), _)| *name == evaluator);
        own.flat_map(|(_, claim)| claim.inputs.iter().chain([&claim.result]))
    }

    /// For people: "60 hours (90 %: 45 to 80)" of each evaluator.
    pub(super) fn words(&self, step: usize) -> CliResult<String> {
        let mut words = Vec::new();
        for evaluator in EVALUATORS {
            let Reading::Value(Measured { estimate, interval: Some(Interval { low, high, .. }) }) =
                &self.of(evaluator, step)?.signal.reading
            else {
                return Err(CliError::bug("the made-up runs give no horizon"));
            };
            words.push(format!("{} hours (90 %: {} to {})", hours(*estimate), hours(*low), hours(*high)));
        }
        Ok(words.join(" and "))
    }
}

/// Hash of the method, for the terms.
pub(super) fn method() -> CliResult<Hash32> {
    Ok(Hash32(plan()?.method.hash().map_err(CliError::bug)?))
}

fn plan() -> CliResult<Plan> {
    Plan::parse(METHOD).map_err(CliError::bug)
}

/// Whole hours, for people only.
fn hours(seconds: Decimal) -> u64 {
    (0..LONGEST_HOURS).take_while(|hours: &u64| seconds.compare(u128::from(*hours) * 3_600 + 1_800, 0).is_ge()).count()
        as u64
}

fn claim(runs: &str) -> CliResult<Prepared> {
    let file = Input { role: Role::Runs, name: "runs.jsonl".to_owned(), bytes: runs.as_bytes().to_vec() };
    let inputs = Inputs { files: vec![file], beacon: None };
    let plan = plan()?;
    let record = recompute(&inputs, &plan, 1, &|_| {}).map_err(CliError::bug)?;
    let subject = Subject { metric: Name::new("horizon_p50").map_err(CliError::bug)?, party: None };
    claim::horizon(&subject, &[], &inputs, &plan, None, &record).map_err(CliError::bug)
}

/// Runs of made-up systems: each fails the more often, the longer the task is beside its horizon.
fn runs(seed: u64, systems: &[u32]) -> String {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut out = String::new();
    for (system, hours) in systems.iter().enumerate() {
        for task in 0..LENGTHS * TASKS_OF_A_LENGTH {
            let minutes = 1_u64 << (task / TASKS_OF_A_LENGTH);
            for run in 0..RUNS_OF_A_TASK {
                // Odds of success are the ratio of horizon to length.
                let horizon = u64::from(*hours) * 60;
                let success = u8::from(random.next_u64() % (horizon + minutes) < horizon);
                let family = task % 24;
                let _ = writeln!(
                    out,
                    "{{\"run_id\":\"{system}-{task}-{run}\",\"task_id\":\"f{family}/t{task}\",\"task_family\":\"f{family}\",\"alias\":\"made up {system}\",\"human_minutes\":{minutes},\"score_binarized\":{success}}}"
                );
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_triggers_are_clear_and_every_figure_follows() {
        let all = Measurements::new().unwrap();
        for (step, (least, most)) in [(40, 167), (167, u64::MAX)].into_iter().enumerate() {
            for evaluator in EVALUATORS {
                let claim = all.of(evaluator, step).unwrap();
                let Reading::Value(Measured { interval: Some(interval), .. }) = &claim.signal.reading else {
                    panic!("{:?}", claim.signal.reading)
                };
                assert!(hours(interval.low) > least, "{}", all.words(step).unwrap());
                assert!(most == u64::MAX || hours(interval.high) < most, "{}", all.words(step).unwrap());
                let beacon = |_: &str| Err("there is none".to_owned());
                claim::check(&claim.signal, &claim.inputs, &claim.result, &beacon, 1).unwrap();
                assert_eq!(claim.signal.method, method().unwrap());
            }
        }
        assert_ne!(all.of(EVALUATORS[0], 0).unwrap().signal.result, all.of(EVALUATORS[1], 0).unwrap().signal.result);
    }
}
