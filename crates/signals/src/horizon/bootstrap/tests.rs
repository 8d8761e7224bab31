//! The invariants of METR's own tests of its bootstrap, on this one.

use super::*;
use crate::horizon::fit::{fit, observations};
use crate::horizon::method::{Method, Treatment};
use crate::horizon::suite::tests::results;

/// `families` families of `tasks` tasks, each run `runs` times by two agents that sometimes succeed.
fn suite(families: usize, tasks: usize, runs: usize) -> Suite {
    let names: Vec<(String, String)> =
        (0..families).flat_map(|f| (0..tasks).map(move |t| (format!("f{f:02}/t{t:02}"), format!("f{f:02}")))).collect();
    let mut rows = Vec::new();
    for (at, (task, family)) in names.iter().enumerate() {
        for agent in ["A", "B"] {
            for run in 0..runs {
                let success = u8::from((at * 7 + run * 3 + usize::from(agent == "B")) % 5 < 2 || at == 0);
                rows.push((task.as_str(), family.as_str(), 1.0 + at as f64, agent, success));
            }
        }
    }
    let results = results(&rows);
    Suite::build(&results, &Method::default(), Treatment::AsScored).unwrap()
}

fn fits(suite: &Suite) -> Vec<Fit> {
    (0..suite.agents.len()).map(|agent| fit(&observations(suite, agent), 1e-5)).collect()
}

fn times(suite: &Suite, rounds: u64) -> Vec<Vec<u32>> {
    let mut room = Room::new(&Plan::new(suite, &fits(suite), 1e-5));
    (0..rounds)
        .map(|seed| {
            room.draw_tasks(suite, &mut NumpyDraws::new(seed));
            room.times.clone()
        })
        .collect()
}

#[test]
fn a_task_is_drawn_once_on_average_and_missing_in_1_of_e() {
    // One family: the tasks are a plain bootstrap.
    let suite = suite(1, 50, 1);
    let drawn = times(&suite, 2_000);
    let (mut copies, mut missing) = (0u64, 0u64);
    for round in &drawn {
        assert_eq!(round.iter().sum::<u32>(), 50, "the number of tasks is kept");
        copies += u64::from(round[7]);
        missing += u64::from(round[7] == 0);
    }
    assert!((copies as f64 / 2_000.0 - 1.0).abs() < 0.1, "{copies}");
    let expected = 0.98f64.powi(50);
    assert!((missing as f64 / 2_000.0 - expected).abs() < 0.04, "{missing}");
}

#[test]
fn a_family_drawn_twice_draws_its_tasks_twice() {
    let suite = suite(20, 4, 1);
    for round in times(&suite, 200) {
        for family in &suite.families {
            let copies: u32 = family.tasks.iter().map(|&task| round[task]).sum();
            assert_eq!(copies % 4, 0, "each copy of a family has as many tasks as the family");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let suite = suite(12, 3, 4);
    let fits = fits(&suite);
    for source in [Source::Numpy { seed: 42 }, Source::Beacon { key: [5; 32] }] {
        let one = resample(&suite, &fits, 1e-5, source, 101, 1, &|_| {});
        for threads in [2, 3, 16] {
            assert_eq!(resample(&suite, &fits, 1e-5, source, 101, threads, &|_| {}), one);
        }
        assert_eq!(one.len(), 101);
    }
}

#[test]
fn every_resample_is_reported_once() {
    let suite = suite(3, 2, 2);
    let done = std::sync::atomic::AtomicU64::new(0);
    let fits = fits(&suite);
    let progress = |n: u64| {
        done.fetch_add(n, Ordering::Relaxed);
    };
    let _ = resample(&suite, &fits, 1e-5, Source::Numpy { seed: 1 }, 50, 2, &progress);
    assert_eq!(done.load(Ordering::Relaxed), 50);
}

/// The bits are a shortcut: with them taken away the draws are the same.
#[test]
fn bits_and_outcomes_agree() {
    let suite = suite(6, 3, 5);
    for cell in &suite.cells {
        let fast = PlanCell::new(cell);
        let slow = PlanCell { bits: None, ..PlanCell::new(cell) };
        for count in [5, 10, 60, 65, 70] {
            let drawn = [&fast, &slow].map(|cell| cell.draw(count, &mut NumpyDraws::new(9)));
            assert_eq!(
                (drawn[0].sum, drawn[0].failure, drawn[0].success),
                (drawn[1].sum, drawn[1].failure, drawn[1].success)
            );
        }
    }
}

#[test]
fn an_agent_whose_drawn_runs_all_fail_has_no_value() {
    let rows: Vec<(String, u8)> = (0..30).map(|at| (format!("f{at:02}/t"), u8::from(at == 0))).collect();
    let rows: Vec<(&str, &str, f64, &str, u8)> =
        rows.iter().map(|(task, success)| (task.as_str(), &task[..3], 2.0, "A", *success)).collect();
    let suite = Suite::build(&results(&rows), &Method::default(), Treatment::AsScored).unwrap();
    let drawn = resample(&suite, &fits(&suite), 1e-5, Source::Numpy { seed: 42 }, 1_000, 2, &|_| {});
    let missing = drawn.horizons(0, 50).filter(|value| value.is_nan()).count();
    // The one success is left out with probability (29/30)^30 = 0.362.
    assert!((missing as f64 / 1_000.0 - 0.362).abs() < 0.05, "{missing}");
}
