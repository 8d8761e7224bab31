use super::*;
use crate::horizon::results::Results;

pub(crate) fn results(rows: &[(&str, &str, f64, &str, u8)]) -> Results {
    let mut text = String::new();
    for (number, (task, family, minutes, agent, success)) in rows.iter().enumerate() {
        text += &format!(
            "{{\"run_id\":\"r{number}\",\"task_id\":\"{task}\",\"task_family\":\"{family}\",\"alias\":\"{agent}\",\"human_minutes\":{minutes},\"score_binarized\":{success}}}\n"
        );
    }
    let mut results = Results::default();
    results.read_runs("runs.jsonl", text.as_bytes()).unwrap();
    results
}

fn small() -> Results {
    results(&[
        ("f/a", "f", 4.0, "B", 1),
        ("f/a", "f", 4.0, "B", 0),
        ("f/b", "f", 8.0, "B", 1),
        ("g/c", "g", 16.0, "B", 0),
        ("g/c", "g", 16.0, "A", 1),
    ])
}

fn build(results: &Results, method: &Method) -> Suite {
    Suite::build(results, method, method.cheating).unwrap()
}

#[test]
fn weights_follow_runs_and_families_and_sum_to_one() {
    let suite = build(&small(), &Method::default());
    assert_eq!(suite.agents, ["A", "B"]);
    let weights: Vec<f64> = suite.cells_of(1).map(|cell| cell.weight).collect();
    let root = 1.0 / 2f64.sqrt();
    let sum = 2.0 * root + 1.0;
    for (weight, expected) in weights.iter().zip([root / sum / 2.0, root / sum, 1.0 / sum]) {
        assert!((weight - expected).abs() < 1e-16, "{weights:?}");
    }
    let equal = build(&small(), &Method { weights: Weights::EqualTask, ..Method::default() });
    let total: f64 = equal.cells_of(1).map(|cell| cell.weight * cell.runs()).sum();
    assert!((total - 1.0).abs() < 1e-15);
    assert!((equal.cells_of(1).next().unwrap().weight - 1.0 / 6.0).abs() < 1e-16);
}

#[test]
fn leaving_out_a_family_weighs_the_rest_anew() {
    let suite = build(&small(), &Method::default()).without_family(1, Weights::InverseSqrtFamily);
    assert_eq!(suite.cells.len(), 2);
    let total: f64 = suite.cells_of(1).map(|cell| cell.weight * cell.runs()).sum();
    assert!((total - 1.0).abs() < 1e-15);
}

#[test]
fn flagged_and_limited_runs_follow_the_method() {
    let row = |id: u32, extra: &str| {
        format!(
            "{{\"run_id\":{id},\"task_id\":\"f/a\",\"task_family\":\"f\",\"alias\":\"A\",\"human_minutes\":4,\"score_binarized\":1{extra}}}\n"
        )
    };
    let text = row(1, ",\"cheating\":true") + &row(2, ",\"fatal_error_from\":\"usageLimits\"") + &row(3, "");
    let mut results = Results::default();
    results.read_runs("x", text.as_bytes()).unwrap();
    let outcomes = |cheating, usage_limit| {
        let method = Method { usage_limit, ..Method::default() };
        Suite::build(&results, &method, cheating).unwrap().cells[0].outcomes.clone()
    };
    assert_eq!(outcomes(Treatment::AsScored, Treatment::AsScored), [1.0, 1.0, 1.0]);
    assert_eq!(outcomes(Treatment::Fail, Treatment::AsScored), [0.0, 1.0, 1.0]);
    assert_eq!(outcomes(Treatment::Drop, Treatment::Fail), [0.0, 1.0]);
    assert_eq!(outcomes(Treatment::Success, Treatment::Drop), [1.0, 1.0]);
}

#[test]
fn what_the_method_needs_and_the_runs_lack_is_an_error() {
    for method in [
        Method { score: Score::Continuous, ..Method::default() },
        Method { minutes: MinutesPolicy::Measured, ..Method::default() },
        Method { scaffold: Some("react".to_owned()), ..Method::default() },
    ] {
        assert!(Suite::build(&small(), &method, method.cheating).is_err(), "{method:?}");
    }
}
