//! Figures that METR and others published, computed again from their data. The data is not part of this repository: it is read from
//! `../shared/data` beside the repository, or from the folder named by STANDSTILL_DATA.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test says where")]

mod shared_data;

use shared_data::data;
use standstill_signals::horizon::fit::{Fit, certify, fit, observations};
use standstill_signals::horizon::frontier::{Point, doubling_days, frontier, trend};
use standstill_signals::horizon::index::{IndexFile, read_index, records, slope, slope_break};
use standstill_signals::horizon::method::{Frontier, IndexMethod, Method, Records, Treatment, Weights};
use standstill_signals::horizon::published::{read_dates, read_published, stitch};
use standstill_signals::horizon::results::Results;
use standstill_signals::horizon::suite::Suite;

const RUNS: &str = "metr/all_runs_2025-01-28_b9a402ff.jsonl";

fn early() -> Option<Results> {
    let mut results = Results::default();
    assert_eq!(results.read_runs(RUNS, &data(RUNS)?).unwrap(), 7_063);
    Some(results)
}

fn suite(results: &Results, method: &Method) -> Suite {
    Suite::build(results, method, Treatment::AsScored).unwrap()
}

fn close(found: f64, expected: f64, relative: f64) -> bool {
    (found - expected).abs() <= relative * expected.abs()
}

#[test]
fn the_early_file_has_the_published_shape() {
    let Some(results) = early() else { return };
    let suite = suite(&results, &Method::default());
    assert_eq!((suite.agents.len(), suite.tasks.len(), suite.families.len(), suite.runs()), (11, 83, 36, 7_063));
    // The file gives Claude 3.5 Sonnet's two versions one model name, so that the remark has a real case that is no forgery.
    let remarks = results.split_aliases();
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].text.starts_with("model 'c3-5s' appears under the aliases Claude 3.5 Sonnet"), "{remarks:?}");
}

#[test]
fn weights_equal_the_published_column() {
    let Some(results) = early() else { return };
    let suite = suite(&results, &Method::default());
    let mut worst = 0.0f64;
    for run in &results.runs {
        let (task, agent) = (&results.tasks[run.task].id, &results.agents[run.agent]);
        let agent = suite.agents.iter().position(|alias| alias == agent).unwrap();
        let cell = suite.cells_of(agent).find(|cell| suite.tasks[cell.task].id == *task).unwrap();
        worst = worst.max((cell.weight - run.stored_weight.unwrap()).abs());
    }
    println!("largest difference of a weight: {worst:.2e}");
    assert!(worst <= 1e-9, "{worst}");
}

#[test]
fn fits_equal_the_expected_optimum_and_are_proved() {
    let Some(expected) = data("metr/expected_early_runs_fits.csv") else { return };
    let Some(results) = early() else { return };
    let mut reader = csv::Reader::from_reader(expected.as_slice());
    let header = reader.headers().unwrap().clone();
    let (mut fitted, mut worst, mut radius) = (0, 0.0f64, 0.0f64);
    for row in reader.records().map(Result::unwrap) {
        let get = |name: &str| row[header.iter().position(|title| title == name).unwrap()].parse::<f64>();
        for (lambda, suffix) in [(0.1, "0.1"), (1e-5, "1e-05")] {
            let suite = suite(&results, &Method { lambda, ..Method::default() });
            let agent = suite.agents.iter().position(|alias| *alias == row[0]).unwrap();
            let found = fit(&observations(&suite, agent), lambda);
            let Ok(slope) = get(&format!("b_{suffix}")) else {
                assert_eq!((&row[0], found), ("davinci-002", Fit::AllFailed));
                continue;
            };
            let line = found.line().unwrap();
            for (mine, theirs, tolerance) in [
                (line.slope, slope, 1e-9),
                (line.intercept, get(&format!("a_{suffix}")).unwrap(), 1e-9),
                (found.horizon_minutes(50), get(&format!("p50_{suffix}")).unwrap(), 1e-8),
                (found.horizon_minutes(80), get(&format!("p80_{suffix}")).unwrap(), 1e-8),
            ] {
                assert!(close(mine, theirs, tolerance), "{} λ={lambda}: {mine} against {theirs}", &row[0]);
                worst = worst.max((mine / theirs - 1.0).abs());
            }
            let certificate = certify(&suite, agent, Weights::InverseSqrtFamily, lambda, line).expect("a proved box");
            radius = radius.max(certificate.relative(line));
            assert!(certificate.relative(line) < 1e-9, "{}: {certificate:?}", &row[0]);
            fitted += 1;
        }
    }
    println!("{fitted} fits; largest relative difference {worst:.2e}; largest proved relative radius {radius:.2e}");
    assert_eq!(fitted, 20);
}

#[test]
fn gpt_5_4_has_the_published_horizons() {
    let Some(bytes) = data("metr/task_results_1_1_GPT-5.4.yaml") else { return };
    let mut results = Results::default();
    assert_eq!(results.read_tasks("GPT-5.4", &bytes).unwrap(), 1_371);
    for (lambda, p50, p80) in [(1e-5, 341.741_031, 53.877_255), (0.1, 380.357, 45.740)] {
        let suite = suite(&results, &Method { lambda, ..Method::default() });
        assert_eq!((suite.tasks.len(), suite.families.len()), (228, 79));
        let found = fit(&observations(&suite, 0), lambda);
        println!("λ={lambda}: {found:?}, p50 {:.6}, p80 {:.6}", found.horizon_minutes(50), found.horizon_minutes(80));
        assert!(close(found.horizon_minutes(50), p50, 2e-6) && close(found.horizon_minutes(80), p80, 1.2e-5));
        let line = found.line().unwrap();
        assert!(certify(&suite, 0, Weights::InverseSqrtFamily, lambda, line).unwrap().relative(line) < 1e-9);
        if lambda < 0.1 {
            // METR's site, fitted by scikit-learn to a tolerance: within 2e-4; printed coefficients within 0.001.
            assert!(
                close(found.horizon_minutes(50), 341.735_276, 2e-4)
                    && close(found.horizon_minutes(80), 53.877_851, 2e-4)
            );
            assert!((line.slope + 0.520).abs() <= 0.001 && (line.intercept - 4.378).abs() <= 0.001);
        }
    }
}

fn rule(after: Option<&str>, before: Option<&str>) -> Frontier {
    let day = |text: &str| text.parse().unwrap();
    Frontier { after: after.map(day), before: before.map(day), ..Frontier::default() }
}

/// Doubling time in days to three decimals, and the number of agents on the frontier.
fn doubling(points: &[Point], after: Option<&str>, before: Option<&str>) -> (String, usize) {
    let rule = rule(after, before);
    let line = frontier(points, &rule);
    (format!("{:.3}", doubling_days(&trend(&line, &rule).unwrap())), line.len())
}

#[test]
fn doubling_times_of_th_1_0() {
    let Some(bytes) = data("metr/benchmark_results_1_0_2026-01-30.yaml") else { return };
    let points = read_published("1.0", &bytes).unwrap().points;
    for (after, before, days, agents) in [
        (None, Some("2025-03-01"), "212.176", 11),
        (None, None, "195.823", 17),
        (Some("2023-01-01"), None, "165.251", 14),
        (Some("2024-01-01"), None, "122.524", 15),
        (Some("2024-01-01"), Some("2025-03-01"), "108.868", 9),
    ] {
        assert_eq!(doubling(&points, after, before), (days.to_owned(), agents), "{after:?} {before:?}");
    }
}

#[test]
fn doubling_times_of_th_1_1() {
    for (file, stitched, from_2023, from_2024) in [
        ("metr/benchmark_results_1_1_2026-01-30.yaml", "196.475", "130.801", Some("94.136")),
        ("metr/benchmark_results_1_1_2026-02.yaml", "188.657", "128.120", None),
    ] {
        let Some(bytes) = data(file) else { return };
        let published = read_published(file, &bytes).unwrap();
        let points = &published.points;
        assert_eq!(doubling(points, None, None).0, stitched);
        assert_eq!(doubling(points, Some("2023-01-01"), None).0, from_2023);
        if let Some(days) = from_2024 {
            assert_eq!(doubling(points, Some("2024-01-01"), None).0, days);
        }
        assert_eq!(doubling(points, Some("2024-01-01"), Some("2025-03-01")).0, "88.585");
        assert_eq!(doubling(points, Some("2024-01-01"), Some("2025-05-01")).0, "84.802");
        assert_eq!(doubling(points, Some("2019-01-01"), Some("2025-03-01")).0, "221.555");
        // The file states its own two figures.
        for (window, days) in &published.stated {
            let after = (window == "from_2023_on").then_some("2023-01-01");
            assert_eq!(doubling(points, after, None).0.parse::<f64>().unwrap(), *days, "{window}");
        }
    }
}

/// The three oldest models of the 1.1 files come from suite 1.0. Taken out and stitched from the 1.0 file, they give the same trend.
#[test]
fn stitching_from_the_older_suite_gives_the_published_trend() {
    let (Some(newer), Some(older)) =
        (data("metr/benchmark_results_1_1_2026-01-30.yaml"), data("metr/benchmark_results_1_0_2026-01-30.yaml"))
    else {
        return;
    };
    let old = ["gpt2", "davinci_002", "gpt_3_5_turbo_instruct"].map(str::to_owned);
    let mut newer = read_published("1.1", &newer).unwrap();
    newer.points.retain(|point| !old.contains(&point.agent));
    let suites = [newer, read_published("1.0", &older).unwrap()];
    assert_eq!(doubling(&stitch(&suites, &[]), None, None).0, "130.801");
    assert_eq!(doubling(&stitch(&suites, &old), None, None).0, "196.475");
}

#[test]
fn release_dates_cover_the_early_agents() {
    let Some(bytes) = data("metr/release_dates_2026-03-05.yaml") else { return };
    let dates = read_dates("dates", &bytes).unwrap();
    assert_eq!(dates.len(), 75);
    assert_eq!(dates["GPT-4 0314"].to_string(), "2023-03-14");
}

fn eci() -> Option<IndexFile> {
    let file = "capability/epoch_capabilities_index.csv";
    Some(read_index(file, &data(file)?, &IndexMethod::default()).unwrap())
}

#[test]
fn the_eci_frontier_has_the_published_slope() {
    let Some(mut index) = eci() else { return };
    assert_eq!((index.scored.len(), index.scored.len() + index.undated), (277, 282));
    // From 2024-04: 15.16 points a year, by the best model of each day.
    let late = IndexMethod { after: Some("2024-04-01".parse().unwrap()), ..IndexMethod::default() };
    assert_eq!(format!("{:.2}", slope(&records(&index, &late)).unwrap().slope * 365.25), "15.16");
    // From 2023 the published figure has 17 records. It comes from an unstable sort, which put o3 before o4-mini on 2025-04-16 and
    // kept the four LLaMA models of 2023-02-24 in rising order. In the order of the file there are 18.
    let in_file_order = IndexMethod { records: Records::FileOrder, ..IndexMethod::default() };
    assert_eq!(records(&index, &in_file_order).len(), 18);
    let day = "2025-04-16".parse().unwrap();
    let (o4, o3): (Vec<usize>, Vec<usize>) = (0..index.scored.len())
        .filter(|&at| index.scored[at].day == day && (index.scored[at].score > 144.9))
        .partition(|&at| index.scored[at].name.starts_with("o4-mini"));
    index.scored.swap(o4[0], o3[0]);
    let found = records(&index, &in_file_order);
    let trend = slope(&found).unwrap();
    assert_eq!(
        (found.len(), format!("{:.5}", trend.slope), format!("{:.2}", trend.slope * 365.25)),
        (17, "0.04926".to_owned(), "17.99".to_owned())
    );
    assert_eq!(
        (format!("{:.3}", trend.r_squared), format!("{:.4}", trend.slope_error)),
        ("0.880".to_owned(), "0.0047".to_owned())
    );
}

#[test]
fn the_eci_slope_break_is_computed() {
    let Some(index) = eci() else { return };
    for break_day in [None, Some("2024-04-01".parse().unwrap())] {
        let method = IndexMethod { break_day, after: Some("2023-01-01".parse().unwrap()), ..IndexMethod::default() };
        let found = slope_break(&records(&index, &method), &method, &[0; 32]);
        println!("{break_day:?}: {found:?}");
        assert!(found.is_some_and(|found| (0.0..=1.0).contains(&found.p_value)));
    }
}
