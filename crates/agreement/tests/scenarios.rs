//! Each file of `scenarios/` parses, checks, comes back from its plain form, and binds what its purpose says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::{Agreement, Bound, Limit, Phase, Reference};
use standstill_statement::{Class, Name};

const FLOP_DAY: u128 = 3_420_000_000_000_000_000_000_000;

#[track_caller]
fn scenario(name: &str) -> Agreement {
    let path = format!("{}/../../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let agreement = Agreement::parse(&text).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| format!("{name}: {problem}\n")).collect::<String>())
    });
    let again = Agreement::parse(&agreement.to_toml()).unwrap();
    assert_eq!(again, agreement, "{name}: the plain form says the same");
    agreement
}

fn limit<'a>(agreement: &'a Agreement, id: &str) -> &'a Limit {
    agreement.limits.iter().find(|limit| limit.id.as_str() == id).unwrap()
}

fn allows(agreement: &Agreement, id: &str, phase: Phase, total: u128, reference: &Reference) -> bool {
    limit(agreement, id).bound_in(phase).allows(total, reference)
}

const NOTHING: Reference = Reference { baseline_total: 0, baseline_windows: 0, capacity_chip_seconds: 0 };

#[test]
fn every_file_is_here() {
    let folder = format!("{}/../../scenarios", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut named: Vec<String> = Agreement::scenarios().iter().map(|(name, _)| format!("{name}.toml")).collect();
    named.sort();
    assert_eq!(files, named);
    for (name, _) in Agreement::scenarios() {
        scenario(name);
    }
}

#[test]
fn a_full_pause_stops_all_training_and_nothing_else() {
    let terms = scenario("full-pause");
    assert!(allows(&terms, "train", Phase::Normal, FLOP_DAY, &NOTHING));
    assert!(allows(&terms, "train", Phase::Paused, 0, &NOTHING));
    assert!(!allows(&terms, "train", Phase::Paused, 1_000_000_000_000_000, &NOTHING));
    assert!(allows(&terms, "train", Phase::Slowed, 500 * 10u128.pow(21), &NOTHING), "resumption allows some");
    let bound: Vec<Class> = terms.limits.iter().flat_map(|limit| limit.classes.clone()).collect();
    for free in [Class::Inference, Class::Evaluation, Class::Other, Class::Idle] {
        assert!(!bound.contains(&free), "{free} goes on");
    }
    // Unaccounted time is charged at peak, so that dark chips cannot train on.
    assert!(limit(&terms, "train").charge_unaccounted);
    let trigger = &terms.conduct().unwrap().triggers[0];
    assert_eq!((trigger.phase, trigger.raise.readings().len()), (Phase::Paused, 2));
}

#[test]
fn halving_is_against_each_partys_own_mean() {
    let terms = scenario("halve-baseline");
    assert_eq!((terms.phase(29), terms.phase(30)), (Phase::Normal, Phase::Slowed));
    assert!(terms.conduct().is_none(), "a date, no trigger");
    let reference = Reference { baseline_total: 30 * FLOP_DAY, baseline_windows: 30, capacity_chip_seconds: 0 };
    assert!(allows(&terms, "train", Phase::Slowed, FLOP_DAY / 2, &reference));
    assert!(!allows(&terms, "train", Phase::Slowed, FLOP_DAY / 2 + 1, &reference));
    assert!(allows(&terms, "train", Phase::Normal, 10 * FLOP_DAY, &reference));
    let smaller = Reference { baseline_total: 15 * FLOP_DAY, ..reference };
    assert!(!allows(&terms, "train", Phase::Slowed, FLOP_DAY / 2, &smaller), "half of less is less");
}

#[test]
fn an_rl_pause_leaves_pretraining_alone() {
    let terms = scenario("rl-only-pause");
    assert!(!allows(&terms, "rl", Phase::Paused, 1_000_000_000_000_000, &NOTHING));
    let windows = terms.limits.iter().filter(|limit| limit.id.as_str() != "run");
    assert!(windows.clone().all(|limit| !limit.classes.contains(&Class::Pretraining)), "only the cap per run binds it");
    assert!(!allows(&terms, "experiments", Phase::Paused, 2 * 10u128.pow(21), &NOTHING), "no room to move into");
    assert!(!allows(&terms, "run", Phase::Paused, 2 * 10u128.pow(24), &NOTHING));
    assert_eq!(terms.conduct().unwrap().triggers[0].phase, Phase::Paused);
}

#[test]
fn a_cap_per_run_adds_up_over_the_lineage() {
    let terms = scenario("per-run-cap");
    let run = limit(&terms, "run");
    assert_eq!(run.per.name(), "lineage");
    for phase in [Phase::Normal, Phase::Slowed, Phase::Paused] {
        assert_eq!(run.bound_in(phase), &Bound::AtMost(10u128.pow(24)));
    }
    assert!(run.bound_in(Phase::Slowed3) == &Bound::AtMost(0), "a phase that the terms do not name allows nothing");
}

#[test]
fn a_gate_names_its_certificates() {
    let terms = scenario("capability-gate");
    let [gate] = terms.coordination.gates.as_slice() else { panic!() };
    assert!(gate.covers(Class::Posttraining, 10u128.pow(23)));
    assert!(!gate.covers(Class::Posttraining, 10u128.pow(23) - 1) && !gate.covers(Class::Inference, u128::MAX));
    let needs: Vec<(&str, u32)> = gate.certificates.iter().map(|needed| (needed.id.as_str(), needed.signers)).collect();
    assert_eq!(needs, [("alignment-y", 2), ("safety-case-z", 1)]);
    assert_eq!(gate.when.as_ref().unwrap().to_string(), "horizon_p50 at least 8h at confidence 9/10 by 2 evaluators");
}

#[test]
fn the_dark_share_is_bounded_and_slows_when_it_grows() {
    let terms = scenario("unaccounted-share");
    let capacity = Reference { capacity_chip_seconds: 100_000 * 86_400, ..NOTHING };
    assert!(allows(&terms, "dark", Phase::Normal, 100 * 86_400, &capacity));
    assert!(!allows(&terms, "dark", Phase::Normal, 100 * 86_400 + 1, &capacity));
    let trigger = &terms.conduct().unwrap().triggers[0];
    assert_eq!(trigger.raise.readings()[0].threshold, 10_000, "one hundredth in millionths");
    assert_eq!(trigger.lift.when.as_ref().unwrap().readings()[0].threshold, 1_000, "one thousandth lifts");
    assert_eq!((trigger.phase, trigger.hold_seconds), (Phase::Slowed, 48 * 3_600));
}

#[test]
fn resumption_is_in_ascending_steps() {
    let terms = scenario("staged-resumption");
    let conduct = terms.conduct().unwrap();
    let steps: Vec<Phase> = conduct.resumption.iter().map(|step| step.phase).collect();
    assert_eq!(steps, [Phase::Slowed2, Phase::Slowed]);
    let reference = Reference { baseline_total: 14 * FLOP_DAY, baseline_windows: 14, capacity_chip_seconds: 0 };
    let most = |phase| {
        [0, FLOP_DAY / 4, FLOP_DAY / 2, FLOP_DAY]
            .into_iter()
            .filter(|total| allows(&terms, "train", phase, *total, &reference))
            .max()
            .unwrap()
    };
    assert_eq!(
        [Phase::Paused, Phase::Slowed2, Phase::Slowed, Phase::Normal].map(most),
        [0, FLOP_DAY / 4, FLOP_DAY / 2, FLOP_DAY]
    );
    // 'max' speaks about the levels that the file names.
    assert_eq!(limit(&terms, "run").bound_in(Phase::Slowed2), &Bound::AtMost(10u128.pow(24)));
    let implied = terms.implications();
    let activation = implied.activation.unwrap();
    assert_eq!(activation.smallest, Some((3, 1)));
    let indispensable: Vec<&str> = activation.indispensable.iter().map(Name::as_str).collect();
    assert_eq!(indispensable, ["east", "north", "south"], "west waits for three others");
    assert_eq!((implied.resumption_seconds, implied.fork_tolerance, implied.outage_tolerance), (14 * 86_400, 2, 2));
}
