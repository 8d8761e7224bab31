//! Rulebooks in terms: an amount may be the name of a threshold of the agreement's rulebook, and means that number.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::{Agreement, Phase, Reference};
use standstill_ledger::Rulebook;

const NOTHING: Reference = Reference { baseline_total: 0, baseline_windows: 0, capacity_chip_seconds: 0 };

fn scenario(name: &str) -> &'static str {
    Agreement::scenarios().iter().find(|(known, _)| *known == name).unwrap().1
}

#[track_caller]
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

#[track_caller]
fn parse(text: &str) -> Agreement {
    Agreement::parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Written by name or by number, the terms have one id.
#[test]
fn a_name_means_its_number() {
    let text = scenario("staged-resumption");
    let named = changed(
        text,
        &[
            ("max = 1e24 ", "max = \"strict\" "),
            ("strict_flop = 1e24", "strict_flop = \"strict\""),
            ("monitored_flop = 1e22", "monitored_flop = \"monitored\""),
        ],
    );
    assert_eq!(parse(&named).id(), parse(text).id());
    let gate = scenario("capability-gate");
    let named = changed(gate, &[("from_flop = 1e23", "from_flop = \"strict-posttraining\"")]);
    assert_eq!(parse(&named).id(), parse(gate).id());
    let problems = Agreement::parse(&changed(text, &[("max = 1e24 ", "max = \"systemic-risk\" ")])).unwrap_err();
    assert!(problems[0].problem.contains("max"), "a threshold of another rulebook is none here: {problems:?}");
}

/// A trigger and a cap per run at the line that each text draws.
#[test]
fn every_rulebook_serves_in_terms() {
    for id in Rulebook::builtin_names() {
        for threshold in Rulebook::builtin(id).unwrap().thresholds {
            let name = threshold.name.as_str();
            let text = changed(
                scenario("staged-resumption"),
                &[
                    ("rulebook = \"miri-treaty-2025\"", &format!("rulebook = \"{id}\"")),
                    ("max = 1e24 ", &format!("max = \"{name}\" ")),
                    (
                        "{ signal = \"ai_led_share\", ge = 0.5,",
                        &format!(
                            "{{ signal = \"run_flop\", ge = \"{name}\", auditors = 1 }},\n  {{ signal = \"ai_led_share\", ge = 0.5,"
                        ),
                    ),
                ],
            );
            let terms = parse(&text);
            let run = terms.limits.iter().find(|limit| limit.id.as_str() == "run").unwrap();
            assert!(run.bound_in(Phase::Normal).allows(threshold.ops, &NOTHING), "{id} {name}");
            assert!(!run.bound_in(Phase::Normal).allows(threshold.ops + 1, &NOTHING), "{id} {name}");
            let readings = terms.conduct().unwrap().triggers[1].raise.readings();
            assert!(readings.iter().any(|reading| reading.threshold == threshold.ops), "{id} {name}: {readings:?}");
        }
    }
}
