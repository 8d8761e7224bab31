use super::*;
use crate::horizon::Outcome;

/// Run-level rows of `agents` agents on 36 tasks in 12 families, 4 runs each. Agent `k` mostly succeeds up to 2^(2k+1) minutes.
pub(crate) fn runs(agents: usize) -> String {
    let mut text = String::new();
    for agent in 0..agents {
        for task in 0..36u32 {
            let minutes = libm::exp2(f64::from(task) / 3.0);
            for run in 0..4u32 {
                let edge =
                    f64::from(task) / 3.0 - (2 * agent + 1) as f64 + f64::from((task * 5 + run * 7) % 9) / 2.0 - 2.0;
                let success = u8::from(edge < 0.0);
                text += &format!(
                    "{{\"run_id\":\"{agent}-{task}-{run}\",\"task_id\":\"f{:02}/t{task:02}\",\"task_family\":\"f{:02}\",\"alias\":\"M{agent}\",\"human_minutes\":{minutes},\"score_binarized\":{success}}}\n",
                    task % 12,
                    task % 12
                );
            }
        }
    }
    text
}

pub(crate) const DATES: &str = "date:\n  M0: 2023-01-10\n  M1: 2023-09-01\n  M2: 2024-05-20\n  M3: 2025-02-01\n";

pub(crate) fn input(role: Role, name: &str, text: &str) -> Input {
    Input { role, name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

pub(crate) fn inputs(agents: usize) -> Inputs {
    let files = vec![input(Role::Runs, "runs.jsonl", &runs(agents)), input(Role::Dates, "dates.yaml", DATES)];
    Inputs { files, beacon: None }
}

pub(crate) fn plan(text: &str) -> Plan {
    Plan::parse(text).unwrap()
}

pub(crate) fn compute(inputs: &Inputs, plan: &Plan) -> Record {
    recompute(inputs, plan, 1, &|_| {}).unwrap()
}

pub(crate) fn early_like() -> Record {
    compute(
        &inputs(4),
        &plan(
            "[method]\nbootstrap.resamples = 200\n[[trigger]]\nname = \"day\"\nkind = \"horizon-at-least\"\npercent = 50\nminutes = 480\nconfidence = 0.9\n[[trigger]]\nname = \"fast\"\nkind = \"doubling-at-most\"\ndays = 91.3\n",
        ),
    )
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_survive_reading() {
    let plan = plan("[method]\nbootstrap.resamples = 130\n");
    let bytes: Vec<Vec<u8>> =
        [1, 2, 5].map(|threads| recompute(&inputs(4), &plan, threads, &|_| {}).unwrap().to_bytes().unwrap()).to_vec();
    assert!(bytes.iter().all(|other| *other == bytes[0]));
    let record = Record::parse(&bytes[0]).unwrap();
    assert_eq!(record.to_bytes().unwrap(), bytes[0]);
    assert_eq!(record.difference(&record), None);
    let mut other = record.clone();
    other.agents[0].slope = Figure::new(-9.0);
    assert_eq!(record.difference(&other), Some("agents"));
    other.computed_by = "standstill-signals 99".to_owned();
    assert!(Record::parse(b"{}").is_err());
}

/// Pinned on x86-64 with glibc; any machine must give the same hash, or the arithmetic is not what the module promises.
#[test]
fn the_bytes_are_pinned() {
    let record = early_like();
    let bytes = record.to_bytes().unwrap();
    assert_eq!(
        hex::encode(Sha256::digest(&bytes)),
        "122713ac5f63f2c7fba74407f8c00d2ae39837b6e059ee25ef2e868edc830536",
        "{}",
        String::from_utf8_lossy(&bytes)
    );
}

#[test]
fn figures_follow_from_the_runs() {
    let record = early_like();
    let suite = record.suite.as_ref().unwrap();
    assert_eq!((suite.runs, suite.tasks, suite.families), (576, 36, 12));
    let horizons: Vec<f64> = record.agents.iter().map(|agent| agent.horizons[0].minutes.value()).collect();
    assert!(horizons.windows(2).all(|pair| pair[1] > 2.0 * pair[0]), "{horizons:?}");
    for agent in &record.agents {
        assert!(agent.certified_within.value() < 1e-9, "{agent:?}");
        let first = &agent.horizons[0];
        assert!(first.low.value() < first.minutes.value() && first.minutes.value() < first.high.value());
        let range = agent.without_one_family.as_ref().unwrap();
        assert!(range.low.value() <= first.minutes.value() && first.minutes.value() <= range.high.value());
    }
    let growth = record.growth.as_ref().unwrap();
    assert_eq!(growth.points.iter().filter(|point| point.frontier).count(), 4);
    assert!(growth.doubling.days.value() > 50.0 && growth.doubling.low.value() < growth.doubling.days.value());
}

#[test]
fn a_method_that_draws_from_a_beacon_needs_its_round() {
    let plan = plan("[method]\nbootstrap = { generator = \"beacon\", beacon = \"quicknet\", resamples = 20000 }\n");
    let mut inputs = inputs(2);
    let error = recompute(&inputs, &plan, 1, &|_| {}).unwrap_err().to_string();
    assert!(error.contains("draws from beacon 'quicknet'"), "{error}");
    let round = |randomness: &str| {
        Some(BeaconRound { beacon: "quicknet".to_owned(), round: 5, randomness: randomness.to_owned() })
    };
    inputs.beacon = round("zz");
    assert!(recompute(&inputs, &plan, 1, &|_| {}).is_err());
    inputs.beacon = round(&"11".repeat(32));
    let one = compute(&inputs, &plan);
    inputs.beacon = round(&"22".repeat(32));
    let two = compute(&inputs, &plan);
    assert_ne!(one.agents[0].horizons[0].low, two.agents[0].horizons[0].low);
    assert_eq!(one.agents[0].horizons[0].minutes, two.agents[0].horizons[0].minutes);
}

#[test]
fn pinned_inputs_must_be_the_pinned_ones() {
    let dates = hex::encode(Sha256::digest(DATES.as_bytes()));
    let pinned = |dates: &str| plan(&format!("[method]\ndates-sha256 = \"{dates}\"\nbootstrap.resamples = 0\n"));
    assert!(recompute(&inputs(2), &pinned(&dates), 1, &|_| {}).is_ok());
    let error = recompute(&inputs(2), &pinned(&"0".repeat(64)), 1, &|_| {}).unwrap_err().to_string();
    assert!(error.starts_with("dates.yaml has SHA-256"), "{error}");
}

#[test]
fn nothing_to_compute_from_is_an_error() {
    let error = recompute(&Inputs::default(), &Plan::default(), 1, &|_| {}).unwrap_err().to_string();
    assert!(error.contains("there are no results"), "{error}");
    let twice = Inputs { files: vec![input(Role::Dates, "a", DATES), input(Role::Dates, "b", DATES)], beacon: None };
    assert!(recompute(&twice, &Plan::default(), 1, &|_| {}).unwrap_err().to_string().contains("b: a second file"));
}

#[test]
fn fired_goes_before_indeterminate_goes_before_not_fired() {
    let mut record = early_like();
    let set = |record: &mut Record, outcomes: [Outcome; 2]| {
        for (trigger, outcome) in record.triggers.iter_mut().zip(outcomes) {
            trigger.judged.outcome = outcome;
        }
        record.outcome()
    };
    assert_eq!(set(&mut record, [Outcome::NotFired, Outcome::NotFired]), Outcome::NotFired);
    assert_eq!(set(&mut record, [Outcome::NotFired, Outcome::Indeterminate]), Outcome::Indeterminate);
    assert_eq!(set(&mut record, [Outcome::Fired, Outcome::Indeterminate]), Outcome::Fired);
}
