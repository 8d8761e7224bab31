use super::*;
use proptest::prelude::*;

#[test]
fn an_empty_file_is_metrs_method() {
    assert_eq!(Plan::parse("").unwrap().method, Method::default());
    assert_eq!(
        Plan::parse("[method]\nlambda = 0.00001\n").unwrap().method.hash().unwrap(),
        Method::default().hash().unwrap()
    );
}

/// The hash is part of agreements: changing the canonical form changes every one of them, so it is pinned here.
#[test]
fn the_hash_of_metrs_method_is_pinned() {
    let method = Method::default();
    assert!(String::from_utf8(method.canonical().unwrap()).unwrap().starts_with("{\"name\":\"METR since 2026-03-05\",\"suite\":\"METR-Horizon-v1.1\",\"task-list\":null,\"weights\":\"inverse-sqrt-family\",\"score\":\"binarized\",\"lambda\":0.00001,"));
    assert_eq!(hex::encode(method.hash().unwrap()), "03e5e96ce57187cb34ff28cc02df9a55607545b512360a3ea52c36de19168496");
}

#[test]
fn every_field_moves_the_hash() {
    let base = Method::default().hash().unwrap();
    let mut seen = std::collections::BTreeSet::from([base]);
    for text in [
        "name = \"x\"",
        "suite = \"x\"",
        "task-list = \"0000000000000000000000000000000000000000000000000000000000000000\"",
        "weights = \"equal-task\"",
        "score = \"continuous\"",
        "score = { at-least = 0.5 }",
        "lambda = 0.1",
        "percents = [50]",
        "percents = [80, 50]",
        "cheating = \"fail\"",
        "cheating = \"drop\"",
        "cheating = \"success\"",
        "cheating-must-agree = false",
        "usage-limit = \"fail\"",
        "scaffold = \"x\"",
        "minutes = \"measured\"",
        "dates = \"x\"",
        "dates-sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
        "month = \"calendar\"",
        "frontier.after = \"2023-01-01\"",
        "frontier.before = \"2023-01-01\"",
        "frontier.exclude = []",
        "frontier.stitch = [\"gpt2\"]",
        "frontier.cap-minutes = 960",
        "frontier.floor-minutes = 0.01",
        "bootstrap.seed = 43",
        "bootstrap.resamples = 2000",
        "bootstrap.interval-percent = 90",
        "bootstrap = { generator = \"beacon\", beacon = \"quicknet\", resamples = 20000 }",
        "bootstrap = { generator = \"beacon\", beacon = \"other\", resamples = 20000 }",
        "enough.families = 11",
        "enough.tasks = 21",
        "enough.task-share = 0.5",
        "enough.runs-per-task = 2",
        "enough.frontier-agents = 4",
        "enough.support-tasks = 2",
        "enough.valid-resamples = 0.8",
        "enough.without-any-family = true",
        "index.score-column = \"x\"",
        "index.date-column = \"x\"",
        "index.name-column = \"x\"",
        "index.records = \"file-order\"",
        "index.after = \"2023-01-01\"",
        "index.before = \"2023-01-01\"",
        "index.break-day = \"2024-04-01\"",
        "index.trim = 0.2",
        "index.simulations = 999",
    ] {
        let plan = Plan::parse(&format!("[method]\n{text}\n")).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(seen.insert(plan.method.hash().unwrap()), "{text} does not move the hash");
    }
}

#[test]
fn a_method_survives_its_own_toml() {
    let text = "[method]\nscore = { at-least = 0.75 }\nfrontier.after = \"2023-01-01\"\n[[trigger]]\nname = \"month\"\nkind = \"horizon-at-least\"\npercent = 50\nmonths = 1\nconfidence = 0.9\n[[trigger]]\nname = \"fast\"\nkind = \"doubling-at-most\"\ndays = 91.3\n";
    let plan = Plan::parse(text).unwrap();
    assert_eq!(Plan::parse(&plan.to_toml().unwrap()).unwrap(), plan);
    let hash = plan.method.hash().unwrap();
    assert_ne!(plan.triggers[0].hash(&hash).unwrap(), plan.triggers[1].hash(&hash).unwrap());
    assert_ne!(
        plan.triggers[0].hash(&hash).unwrap(),
        plan.triggers[0].hash(&Method::default().hash().unwrap()).unwrap()
    );
}

#[test]
fn what_has_no_meaning_is_refused_with_the_field() {
    for (text, why) in [
        ("[method]\nlamda = 1", "lamda"),
        ("[method]\nlambda = 0", "lambda is 0"),
        ("[method]\nlambda = nan", "lambda is NaN"),
        ("[method]\npercents = [50, 50]", "twice"),
        ("[method]\npercents = [100]", "percents must be"),
        ("[method]\ntask-list = \"xyz\"", "task-list must be 64"),
        ("[method]\nfrontier.after = \"2023-02-30\"", "2023-02-30"),
        ("[method]\nbootstrap.generator = \"beacon\"", "needs bootstrap.beacon"),
        ("[method]\nbootstrap = { generator = \"beacon\", beacon = \"quicknet\" }", "at least 20000"),
        ("[method]\nbootstrap.beacon = \"quicknet\"", "no meaning"),
        (
            "[[trigger]]\nname = \"a\"\nkind = \"horizon-at-least\"\npercent = 60\nmonths = 1\nconfidence = 0.9",
            "trigger 'a': percent",
        ),
        (
            "[[trigger]]\nname = \"a\"\nkind = \"horizon-at-least\"\npercent = 50\nconfidence = 0.9",
            "either months or minutes",
        ),
        ("[[trigger]]\nname = \"a\"\nkind = \"doubling-at-most\"\ndays = -1", "days must be above 0"),
        (
            "[[trigger]]\nname = \"a\"\nkind = \"doubling-at-most\"\ndays = 1\n[[trigger]]\nname = \"a\"\nkind = \"doubling-at-most\"\ndays = 2",
            "two triggers",
        ),
    ] {
        let error = Plan::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        let _ = Plan::parse(&text);
    }
}
