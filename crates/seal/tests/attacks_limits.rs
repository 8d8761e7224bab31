//! Attacks on limits: over by one, hidden in gaps, in runs, in earlier windows.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use standstill_agreement::{
    Agreement, Audit, Baseline, Beacon, Bound, Fill, Limit, Measure, Per, Phase, PhaseStep, Scope, WindowTerms,
};
use standstill_ledger::Lineage;
use standstill_seal::blob::WindowBlob;
use standstill_seal::{
    GroupInput, History, Outcome, PrivateHistory, Quantity, ReportRef, Rule, SealError, SealedWindow, WindowVerdict,
    rules_for, verify_window,
};
use standstill_statement::body::{Mode, RunDeclaration};
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;
use world::forger::{Forger, encode};
use world::*;

const TRAINING: [Class; 2] = [Class::Pretraining, Class::Posttraining];

fn limit(id: &str, measure: Measure, classes: &[Class], per: Per, bound: Bound) -> Limit {
    let charge_unaccounted = measure == Measure::Flop && per != Per::Lineage;
    let bounds = BTreeMap::from([(Phase::Normal, bound)]);
    Limit { id: name(id), measure, classes: classes.to_vec(), per, charge_unaccounted, bounds }
}

fn agreement(limits: Vec<Limit>) -> Agreement {
    Agreement {
        title: "test".to_owned(),
        start_unix_seconds: START,
        term_windows: 30,
        rulebook: name("miri-treaty-2025"),
        chip_table: table().id(),
        window: WindowTerms { window_seconds: DAY, slot_seconds: 3600, report_within_seconds: 3600, grace_seconds: 0 },
        scope: Scope { register_h100e: 16, monitored_flop: 0, strict_flop: 0, exempt: Vec::new() },
        parties: Vec::new(),
        roles: Vec::new(),
        witnesses: String::new(),
        limits,
        baseline: Baseline { windows: 2 },
        phases: vec![PhaseStep { phase: Phase::Normal, from_window: 0 }],
        audit: Audit {
            beacon: Beacon {
                name: name("demo"),
                public_key: String::new(),
                genesis_unix_seconds: 0,
                period_seconds: 3,
            },
            groups_per_report: 1,
            respond_within_seconds: 3600,
            retention_days: 45,
            delay_seconds: 60,
            least_devices: Fill::NONE,
        },
        coordination: standstill_agreement::Coordination::default(),
    }
}

fn declared(run: &str, parents: &[&str]) -> RunDeclaration {
    RunDeclaration {
        run: name(run),
        parents: parents.iter().map(|parent| name(parent)).collect(),
        class: Class::Pretraining,
        planned_petaops: 0,
        parameters: 0,
        active_parameters: 0,
        dataset_tokens: 0,
        from_window: 0,
    }
}

/// run-b builds on run-a; run-c stands alone.
fn lineage() -> Lineage {
    Lineage::new(&[declared("run-a", &[]), declared("run-b", &["run-a"]), declared("run-c", &[])]).unwrap()
}

fn rules(limits: Vec<Limit>, window: u64) -> Vec<Rule> {
    rules_for(&agreement(limits), window, &lineage(), &runs()).unwrap()
}

/// A party that reports window after window.
#[derive(Default)]
struct Lab {
    public: History,
    private: PrivateHistory,
}

impl Lab {
    fn report(&mut self, window: u64, groups: &[GroupInput], rules: &[Rule]) -> (SealedWindow, WindowVerdict) {
        let context = context(window, Mode::Sealed);
        let sealed = seal(&context, groups, rules, &self.private);
        let reference = ReportRef { root: sealed.root, groups: sealed.groups, runs: runs() };
        let verdict = verify_window(&context, fleet(), rules, &self.public, &reference, &sealed.blob);
        self.public.insert(verdict.public.clone().unwrap());
        self.private.insert(sealed.private.clone());
        (sealed, verdict)
    }
}

const DEVICES: u128 = 19;
const PETAOP: u128 = 1_000_000_000_000_000;

#[test]
fn limit_exceeded_by_one() {
    // Training petaops of the window, without unaccounted time.
    let petaops = DEVICES * 4_000;
    let rules_at = |petaops: u128| {
        rules(vec![limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::AtMost(petaops * PETAOP))], 3)
    };
    let groups = inputs(20_000, 4_000, 0);
    let mut lab = Lab::default();
    let (exact, verdict) = lab.report(3, &groups, &rules_at(petaops));
    assert!(all_pass(&verdict) && exact.over.is_empty());
    let (over, verdict) = lab.report(3, &groups, &rules_at(petaops - 1));
    assert_eq!(over.over[0].rule, "train");
    assert!(matches!(outcome(&verdict, "rule:train"), Outcome::Absent(_)));
    assert!(verdict.public.is_some(), "an account over a limit is still an account");

    // The proof that was made for the limit one higher, and no other bytes either, do not help.
    let context = context(3, Mode::Sealed);
    let mut blob = WindowBlob::decode(&over.blob, 4, 3, 1).unwrap();
    let donor = WindowBlob::decode(&exact.blob, 4, 3, 1).unwrap();
    blob.rules = donor.rules;
    let verdict =
        verify_window(&context, fleet(), &rules_at(petaops - 1), &History::new(), &report(&over), &encode(&blob));
    assert!(fails(&verdict, "rule:train"));
    let verdict = verify_window(&context, fleet(), &rules_at(petaops), &History::new(), &report(&over), &encode(&blob));
    assert!(all_pass(&verdict), "the same records under the limit that the proof was made for");
}

#[test]
fn a_removed_limit_proof_is_absent_not_passed() {
    let rules = rules(vec![limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::AtMost(1 << 90))], 3);
    let (sealed, verdict) = Lab::default().report(3, &inputs(20_000, 4_000, 0), &rules);
    assert!(all_pass(&verdict));
    let mut blob = WindowBlob::decode(&sealed.blob, 4, 3, 1).unwrap();
    blob.rules.clear();
    let verdict =
        verify_window(&context(3, Mode::Sealed), fleet(), &rules, &History::new(), &report(&sealed), &encode(&blob));
    assert!(matches!(outcome(&verdict, "rule:train"), Outcome::Absent(_)));
}

#[test]
fn unaccounted_time_does_not_hide_training() {
    // All training moved into a gap: no petaops remain, but the gap is charged at the models' peak, which is more.
    let bound = Bound::AtMost(DEVICES * 4_000 * PETAOP);
    let rules = rules(vec![limit("train", Measure::Flop, &TRAINING, Per::Window, bound)], 3);
    let (_, verdict) = Lab::default().report(3, &inputs(20_000, 4_000, 0), &rules);
    assert!(all_pass(&verdict));
    let (sealed, verdict) = Lab::default().report(3, &inputs(0, 0, 20_000), &rules);
    assert_eq!(sealed.over.len(), 1);
    assert!(matches!(outcome(&verdict, "rule:train"), Outcome::Absent(_)));
}

#[test]
fn dark_time_as_a_fraction_of_capacity() {
    // 0.1 % of capacity: 86.4 s per device. The fleet's committed count decides, not the registered capacity of 32.
    let bound = Bound::OfCapacity { numerator: 1, denominator: 1000 };
    let rules = rules(vec![limit("dark", Measure::ChipSeconds, &[Class::Unaccounted], Per::Window, bound)], 3);
    let (_, verdict) = Lab::default().report(3, &inputs(20_000, 4_000, 86), &rules);
    assert!(all_pass(&verdict));
    let (sealed, _) = Lab::default().report(3, &inputs(20_000, 4_000, 87), &rules);
    assert_eq!(sealed.over.len(), 1);
}

#[test]
fn half_of_the_baseline() {
    let limits = || {
        vec![limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::OfBaseline { numerator: 1, denominator: 2 })]
    };
    let mut lab = Lab::default();
    lab.report(0, &inputs(20_000, 4_000, 0), &[]);
    lab.report(1, &inputs(20_000, 2_000, 0), &[]);
    // The mean of the baseline is 3,000 per device, so 1,500 is allowed.
    let (_, verdict) = lab.report(2, &inputs(20_000, 1_500, 0), &rules(limits(), 2));
    assert!(all_pass(&verdict), "{:?}", verdict.checks);
    let (sealed, verdict) = lab.report(3, &inputs(20_000, 1_501, 0), &rules(limits(), 3));
    assert_eq!(sealed.over.len(), 1);
    assert!(matches!(outcome(&verdict, "rule:train"), Outcome::Absent(_)));
}

#[test]
fn unaccounted_time_does_not_raise_the_baseline() {
    let limits =
        vec![limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::OfBaseline { numerator: 1, denominator: 1 })];
    let mut lab = Lab::default();
    lab.report(0, &inputs(0, 0, 80_000), &[]);
    lab.report(1, &inputs(0, 0, 80_000), &[]);
    let (sealed, _) = lab.report(2, &inputs(20_000, 1, 0), &rules(limits, 2));
    assert_eq!(sealed.over.len(), 1);
}

#[test]
fn baseline_of_an_unverified_window() {
    // The lab proves against a window that it never published; nobody can follow.
    let limits =
        vec![limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::OfBaseline { numerator: 1, denominator: 2 })];
    let rules = rules(limits, 2);
    let mut lab = Lab::default();
    lab.report(0, &inputs(20_000, 4_000, 0), &[]);
    lab.report(1, &inputs(20_000, 4_000, 0), &[]);
    let context = context(2, Mode::Sealed);
    let sealed = seal(&context, &inputs(20_000, 1_000, 0), &rules, &lab.private);
    assert!(sealed.over.is_empty());
    let mut known = History::new();
    known.insert(lab.public.get(0).unwrap().clone());
    let verdict = verify_window(&context, fleet(), &rules, &known, &report(&sealed), &sealed.blob);
    assert!(matches!(outcome(&verdict, "rule:train"), Outcome::Absent(reason) if reason.contains("window 1")));
    // Another report of window 1 than the one that was proved against: the proof is about other commitments.
    let mut other = Lab::default();
    other.report(1, &inputs(20_000, 3_999, 0), &[]);
    known.insert(other.public.get(1).unwrap().clone());
    let verdict = verify_window(&context, fleet(), &rules, &known, &report(&sealed), &sealed.blob);
    assert!(fails(&verdict, "rule:train"));
}

#[test]
fn lineage_cap_over_three_windows() {
    // run-b builds on run-a, so both count for it: 4,000 per device and window, 12,000 over three windows.
    let cap = DEVICES * 12_000 - 1;
    let limits = || vec![limit("run", Measure::Flop, &TRAINING, Per::Lineage, Bound::AtMost(cap * PETAOP))];
    let groups = inputs(20_000, 4_000, 0);
    let mut lab = Lab::default();
    for window in 0..2 {
        let (_, verdict) = lab.report(window, &groups, &rules(limits(), window));
        assert!(all_pass(&verdict), "window {window}: {:?}", verdict.checks);
    }
    let (sealed, verdict) = lab.report(2, &groups, &rules(limits(), 2));
    assert_eq!(sealed.over.iter().map(|over| over.rule.as_str()).collect::<Vec<_>>(), ["run/run-b"]);
    assert_eq!(*outcome(&verdict, "rule:run/run-a"), Outcome::Pass);
    assert_eq!(*outcome(&verdict, "rule:run/run-c"), Outcome::Pass);
    assert!(matches!(outcome(&verdict, "rule:run/run-b"), Outcome::Absent(_)));
}

#[test]
fn term_total_needs_every_window() {
    let limits = || vec![limit("all", Measure::Flop, &TRAINING, Per::Term, Bound::AtMost(DEVICES * 8_000 * PETAOP))];
    let groups = inputs(20_000, 4_000, 0);
    let mut lab = Lab::default();
    lab.report(0, &groups, &rules(limits(), 0));
    let (_, verdict) = lab.report(1, &groups, &rules(limits(), 1));
    assert!(all_pass(&verdict));
    let mut late = Lab::default();
    let (sealed, verdict) = late.report(1, &groups, &rules(limits(), 1));
    assert!(sealed.over[0].reason.contains("window 0"));
    assert!(matches!(outcome(&verdict, "rule:all"), Outcome::Absent(reason) if reason.contains("window 0")));
}

#[test]
fn runs_that_do_not_add_up() {
    let mut forger = Forger::new(&context(3, Mode::Sealed), &inputs(20_000, 4_000, 10));
    forger.runs[0].1 -= 1;
    assert_eq!(forger.failing(), ["runs"], "an operation of training that belongs to no run");
    forger.runs[0].1 += 1 + i128::from(19 * 3u8);
    assert!(forger.failing().is_empty(), "experiments may be booked on runs");
    forger.runs[0].1 += 1;
    assert_eq!(forger.failing(), ["runs"], "more than the classes have");
}

#[test]
fn a_negative_run_pays_for_another() {
    // Two runs whose sum is right: -1,000 on one keeps the other's lineage below its cap.
    let mut forger = Forger::new(&context(3, Mode::Sealed), &inputs(20_000, 4_000, 10));
    let moved = forger.runs[2].1 + 1_000;
    forger.runs[2].1 -= moved;
    forger.runs[1].1 += moved;
    assert_eq!(forger.failing(), ["runs"]);
}

#[test]
fn limits_that_cannot_be_proved_are_refused() {
    let lineage_fraction =
        limit("run", Measure::Flop, &TRAINING, Per::Lineage, Bound::OfCapacity { numerator: 1, denominator: 2 });
    assert!(rules_for(&agreement(vec![lineage_fraction]), 0, &lineage(), &runs()).is_err());
    let mut no_baseline = agreement(vec![limit(
        "t",
        Measure::Flop,
        &TRAINING,
        Per::Window,
        Bound::OfBaseline { numerator: 1, denominator: 2 },
    )]);
    no_baseline.baseline = Baseline { windows: 0 };
    assert!(rules_for(&no_baseline, 0, &lineage(), &runs()).is_err());
    let unlimited = agreement(vec![limit("t", Measure::Flop, &TRAINING, Per::Window, Bound::Unlimited)]);
    assert_eq!(rules_for(&unlimited, 0, &lineage(), &runs()).unwrap(), []);
}

/// A chain of 999 runs, and six runs that build on its end: closures of 1,000.
fn long_lineage() -> Lineage {
    let id = |index: usize| format!("r{index}");
    let mut runs = vec![declared("r0", &[])];
    runs.extend((1..999).map(|index| declared(&id(index), &[&id(index - 1)])));
    runs.extend((0..6).map(|tip| declared(&format!("tip-{tip}"), &["r998"])));
    Lineage::new(&runs).unwrap()
}

#[test]
fn rules_that_would_exhaust_a_verifier_are_refused_by_size() {
    let agreement = agreement(vec![limit("run", Measure::Flop, &TRAINING, Per::Lineage, Bound::AtMost(PETAOP))]);
    let lineage = long_lineage();
    let tips: Vec<Name> = (0..6).map(|tip| name(&format!("tip-{tip}"))).collect();
    // 1,000 runs in 200 windows: exactly the most terms of a rule; five times that: exactly the most of a report.
    let rules = rules_for(&agreement, 199, &lineage, &tips[..5]).unwrap();
    assert!(rules.iter().all(|rule| rule.terms.len() == 200_000));
    let error = rules_for(&agreement, 199, &lineage, &tips).unwrap_err();
    let limit = name("run");
    assert_eq!(error, SealError::TooManyTerms { limit, run: Some(name("tip-5")), terms: 200_000, before: 1_000_000 });
    let error = rules_for(&agreement, 200, &lineage, &tips[..1]).unwrap_err().to_string();
    for part in ["limit 'run', run 'tip-0'", "201000 terms", "200000 in one rule", "1000000 in a report", "fewer runs"]
    {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn windows_beyond_any_term_are_refused_at_once() {
    let baseline = Bound::OfBaseline { numerator: 1, denominator: 2 };
    for (per, bound) in [
        (Per::Term, Bound::AtMost(1)),
        (Per::Term, Bound::OfCapacity { numerator: 1, denominator: 2 }),
        (Per::Term, baseline),
        (Per::Lineage, Bound::AtMost(1)),
    ] {
        let agreement = agreement(vec![limit("l", Measure::Flop, &TRAINING, per, bound)]);
        let refused = rules_for(&agreement, u64::MAX, &lineage(), &runs());
        assert!(matches!(refused, Err(SealError::TooManyTerms { .. })), "{per:?}");
    }
    let mut long = agreement(vec![limit("l", Measure::Flop, &TRAINING, Per::Window, baseline)]);
    // Two classes per baseline window; in the window itself unaccounted time besides.
    long.baseline = Baseline { windows: 99_998 };
    assert_eq!(rules_for(&long, 200_000, &lineage(), &[]).unwrap()[0].terms.len(), 199_999);
    assert_eq!(rules_for(&long, 0, &lineage(), &[]).unwrap()[0].terms.len(), 199_997);
    long.baseline = Baseline { windows: 99_999 };
    assert!(rules_for(&long, 200_000, &lineage(), &[]).is_err());
}

#[test]
fn runs_count_from_their_declared_first_window() {
    let late = RunDeclaration { from_window: 5, ..declared("run-b", &["run-a"]) };
    let lineage = Lineage::new(&[declared("run-a", &[]), late]).unwrap();
    let agreement = agreement(vec![limit("run", Measure::Flop, &TRAINING, Per::Lineage, Bound::AtMost(PETAOP))]);
    let rules = rules_for(&agreement, 7, &lineage, &[name("run-b"), name("unknown")]).unwrap();
    let windows = |rule: &Rule, run: &str| -> Vec<u64> {
        let of_run = rule.terms.iter().filter(|term| term.quantity == Quantity::Run(name(run)));
        of_run.map(|term| term.window).collect()
    };
    assert_eq!(windows(&rules[0], "run-a"), (0..=7).collect::<Vec<_>>());
    assert_eq!(windows(&rules[0], "run-b"), [5, 6, 7]);
    assert_eq!(windows(&rules[1], "unknown"), (0..=7).collect::<Vec<_>>(), "never declared, and still counted");
}

/// The example of the format page, "Numeric range".
#[test]
fn a_million_chips_stay_within_64_bits() {
    let bound = Bound::OfBaseline { numerator: 3333, denominator: 10_000 };
    let mut agreement = agreement(vec![limit("train", Measure::Flop, &TRAINING, Per::Window, bound)]);
    agreement.baseline = Baseline { windows: 30 };
    let rules = rules_for(&agreement, 30, &lineage(), &[]).unwrap();
    let baseline: Vec<i64> = rules[0].terms.iter().filter(|t| t.window < 30).map(|t| t.coefficient).collect();
    assert!(baseline.len() == 60 && baseline.iter().all(|coefficient| *coefficient == 1111), "in lowest terms");
    // 1,000,000 chips at 15 petaops per second, all day, in training only.
    let petaops_per_window = 1_000_000 * 15 * u128::from(DAY);
    let slack = 30 * petaops_per_window * 1111;
    assert_eq!(slack, 43_195_680_000_000_000);
    assert!(slack * 427 < 1 << 64 && slack * 428 > 1 << 64);
}

#[test]
fn a_rule_is_the_inequality_that_the_agreement_says() {
    let rules = rules(
        vec![
            limit(
                "dark",
                Measure::ChipSeconds,
                &[Class::Unaccounted],
                Per::Window,
                Bound::OfCapacity { numerator: 2, denominator: 2000 },
            ),
            limit("train", Measure::Flop, &TRAINING, Per::Window, Bound::AtMost(5 * PETAOP + 999_999_999_999)),
        ],
        7,
    );
    let show = |rule: &Rule| {
        let terms: Vec<String> =
            rule.terms.iter().map(|t| format!("{}*{:?}@{}", t.coefficient, t.quantity, t.window)).collect();
        format!("{} + {}", rule.constant, terms.join(" + "))
    };
    assert_eq!(
        show(&rules[0]),
        "0 + -5*Total(Seconds(Unaccounted))@7 + 432*Total(Devices)@7",
        "86,400 s / 1000, in lowest terms"
    );
    assert_eq!(
        show(&rules[1]),
        "5000 + -1000*Total(Petaops(Pretraining))@7 + -1000*Total(Petaops(Posttraining))@7 + -1*Total(UnaccountedTeraops)@7"
    );
    let ids: Vec<Name> = rules.iter().map(|rule| rule.limit.clone()).collect();
    assert_eq!(ids, [name("dark"), name("train")]);
}
