//! Lineage, the 6·N·D cross-check and rulebooks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use proptest::prelude::*;
use standstill_ledger::lineage::{CrossCheck, LineageError, MAX_RUNS, Plausibility, plans_too_little};
use standstill_ledger::rulebook::RulebookError;
use standstill_ledger::{Evidence, Lineage, OperationRecord, OpsInterval, Rulebook};
use standstill_statement::{Class, Name, NumericFormat, RunDeclaration};
use std::collections::BTreeMap;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn run(id: &str, parents: &[&str]) -> RunDeclaration {
    RunDeclaration {
        run: name(id),
        parents: parents.iter().map(|parent| name(parent)).collect(),
        class: Class::Pretraining,
        planned_petaops: 1,
        parameters: 0,
        active_parameters: 0,
        dataset_tokens: 0,
        from_window: 0,
    }
}

fn names(set: impl IntoIterator<Item = Name>) -> String {
    set.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_resumed_and_merged_line_adds_up_once() {
    // a -> b -> d, a -> c -> d: the diamond counts a once.
    let lineage =
        Lineage::new(&[run("a", &[]), run("b", &["a"]), run("c", &["a"]), run("d", &["b", "c"]), run("x", &[])])
            .unwrap();
    assert_eq!(names(lineage.ancestors(&name("d"))), "a b c");
    assert_eq!(names(lineage.closure(&name("d"))), "a b c d");
    assert_eq!(names(lineage.closure(&name("unknown"))), "");
    assert_eq!(names(lineage.joins().into_iter().map(|run| run.run.clone())), "d");
    assert_eq!(names(lineage.tips().into_iter().map(|run| run.run.clone())), "d x");
    assert_eq!(lineage.families().into_iter().map(names).collect::<Vec<_>>(), ["a b c d", "x"]);
    let own = ["a", "b", "c", "d"].map(|id| (name(id), OpsInterval::exact(10, Evidence::HardwareCounters)));
    assert_eq!(lineage.cumulative(&name("d"), &BTreeMap::from(own)).upper_ops, 40);
}

#[test]
fn impossible_declarations_are_refused() {
    let refuse = |runs: &[RunDeclaration]| Lineage::new(runs).unwrap_err();
    assert_eq!(refuse(&[run("a", &[]), run("a", &[])]), LineageError::Repeated(name("a")));
    assert!(matches!(refuse(&[run("a", &["b"])]), LineageError::UnknownParent { .. }));
    assert!(matches!(refuse(&[run("a", &["b"]), run("b", &[])]), LineageError::DeclaredLate { .. }));
    assert_eq!(refuse(&[run("a", &["a"])]), LineageError::Cycle(name("a")));
    assert_eq!(
        refuse(&[run("z", &["a"]), run("a", &["c"]), run("b", &["a"]), run("c", &["b"])]),
        LineageError::Cycle(name("a"))
    );
    let served = RunDeclaration { class: Class::Inference, ..run("a", &[]) };
    assert!(matches!(refuse(&[served]), LineageError::ClassNotAllowed { .. }));
    let active = RunDeclaration { parameters: 10, active_parameters: 11, ..run("a", &[]) };
    assert!(matches!(refuse(&[active]), LineageError::ActiveParameters(_)));
}

#[test]
fn a_long_chain_does_not_overflow_the_stack() {
    let lineage = Lineage::new(&chain(50_000)).unwrap();
    assert_eq!(lineage.ancestors(&name("r49999")).len(), 49_999);
    assert_eq!(lineage.members(&name("r49999")).last().unwrap().run, name("r49999"));
}

/// r1 builds on r0, r2 on r1, and so on.
fn chain(length: usize) -> Vec<RunDeclaration> {
    let link = |index: usize| match index.checked_sub(1) {
        Some(parent) => run(&format!("r{index}"), &[&format!("r{parent}")]),
        None => run("r0", &[]),
    };
    (0..length).map(link).collect()
}

/// A search that starts again at every run would need minutes here.
#[test]
fn a_circle_behind_a_long_chain_is_found() {
    let mut runs = chain(50_000);
    runs.extend([run("x", &["r49999", "y"]), run("y", &["x"])]);
    assert_eq!(Lineage::new(&runs).unwrap_err(), LineageError::Cycle(name("x")));
    // The other way round: everything descends from the circle and is left over with it.
    let mut runs = vec![run("x", &["y"]), run("y", &["x"])];
    runs.extend(chain(50_000));
    runs[2].parents.push(name("y"));
    assert_eq!(Lineage::new(&runs).unwrap_err(), LineageError::Cycle(name("x")));
}

#[test]
fn as_many_runs_as_allowed_and_one_more() {
    let mut runs = chain(MAX_RUNS);
    let lineage = Lineage::new(&runs).unwrap();
    assert_eq!(lineage.closure(&name(&format!("r{}", MAX_RUNS - 1))).len(), MAX_RUNS);
    runs.push(run("one-more", &[]));
    assert_eq!(Lineage::new(&runs).unwrap_err(), LineageError::TooMany);
}

proptest! {
    #[test]
    fn random_graphs_end_in_a_dag_or_an_error(edges in prop::collection::vec((0usize..12, 0usize..12), 0..30)) {
        let runs: Vec<_> = (0..12).map(|id| {
            let parents: Vec<String> = edges.iter().filter(|(child, _)| *child == id).map(|(_, parent)| format!("r{parent}")).collect();
            run(&format!("r{id}"), &parents.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        match Lineage::new(&runs) {
            Ok(lineage) => for run in &runs {
                prop_assert!(!lineage.ancestors(&run.run).contains(&run.run));
            },
            Err(error) => prop_assert!(edges.iter().any(|(child, parent)| parent >= child), "{error}"),
        }
    }
}

#[test]
fn deepseek_v3_is_judged_by_active_parameters() {
    let declared = RunDeclaration {
        parameters: 671_000_000_000,
        active_parameters: 37_000_000_000,
        dataset_tokens: 14_800_000_000_000,
        ..run("v3", &[])
    };
    // 2.788 million H800-hours at 989e12 and 1979e12.
    let seconds = 2_788_000 * 3600u128;
    let metered = OpsInterval {
        lower_ops: 0,
        best_ops: 0,
        upper_ops: seconds * 1_979_000_000_000_000,
        evidence: Evidence::AllocationAtPeak,
    };
    let capacity = seconds * 989_000_000_000_000;
    let check = CrossCheck::of(&declared, &metered, capacity);
    assert_eq!((check.plausibility, check.utilisation_millionths), (Plausibility::Consistent, Some(330_996)));
    let dense = RunDeclaration { active_parameters: 671_000_000_000, ..declared.clone() };
    assert_eq!(CrossCheck::of(&dense, &metered, capacity).plausibility, Plausibility::ExceedsMetered);
    let small = RunDeclaration { dataset_tokens: 1_000_000_000_000, ..declared.clone() };
    assert_eq!(CrossCheck::of(&small, &metered, capacity).plausibility, Plausibility::LowUtilisation);
    let fast = RunDeclaration { dataset_tokens: 40_000_000_000_000, ..declared.clone() };
    assert_eq!(CrossCheck::of(&fast, &metered, capacity).plausibility, Plausibility::HighUtilisation);
    // The declaration against itself: 3.2856e24 operations.
    let planned = |planned_petaops| RunDeclaration { planned_petaops, ..declared.clone() };
    assert!(plans_too_little(&planned(3_285_599_999)) && !plans_too_little(&planned(3_285_600_000)));
    assert!(!plans_too_little(&RunDeclaration { parameters: 0, active_parameters: 0, ..planned(0) }));
    let silent = RunDeclaration { dataset_tokens: 0, ..declared.clone() };
    assert_eq!(CrossCheck::of(&silent, &metered, capacity).plausibility, Plausibility::NotDeclared);
    let counted = OpsInterval { lower_ops: metered.upper_ops, ..metered };
    assert_eq!(CrossCheck::of(&declared, &counted, capacity).plausibility, Plausibility::BelowMetered);
}

fn record() -> OperationRecord {
    let mut record = OperationRecord::default();
    let interval = |upper_ops| OpsInterval {
        lower_ops: 0,
        best_ops: upper_ops / 2,
        upper_ops,
        evidence: Evidence::AllocationAtPeak,
    };
    record.add(Class::Pretraining, None, interval(1000));
    record.add(Class::Pretraining, Some(NumericFormat::Fp32), interval(100));
    record.add(Class::Posttraining, Some(NumericFormat::Fp8), interval(10));
    record.add(Class::Experiment, Some(NumericFormat::Fp64), interval(3));
    record.add(Class::Inference, None, interval(100_000));
    record.add(Class::Unaccounted, None, OpsInterval { best_ops: 7, ..interval(7) });
    record
}

#[test]
fn one_record_has_several_legal_totals() {
    let total = |id: &str| Rulebook::builtin(id).unwrap().apply(&record()).upper_ops;
    assert_eq!(total("eu-gpai-2025"), 1000 + 100 + 10 + 3 + 7);
    assert_eq!(total("sb53-2025"), 1000 + 100 + 10 + 3 + 7);
    assert_eq!(total("epoch"), 1000 + 100 + 10 + 7, "experiments are not counted");
    assert_eq!(
        total("miri-treaty-2025"),
        1000 + 200 + 10 + 12 + 7,
        "wide formats weigh bits / 16, narrow ones never less than 1"
    );
}

#[test]
fn unaccounted_charges_enter_the_upper_bound_only() {
    let mut record = OperationRecord::default();
    record.add(Class::Unaccounted, None, OpsInterval::unaccounted(1_000, 1_000));
    for id in Rulebook::builtin_names() {
        let total = Rulebook::builtin(id).unwrap().apply(&record);
        assert_eq!((total.lower_ops, total.upper_ops, total.evidence), (0, 1000, Evidence::None), "{id}");
    }
}

#[test]
fn shipped_rulebooks_carry_the_published_thresholds() {
    let threshold = |id: &str, name: &str| Rulebook::builtin(id).unwrap().threshold(name).unwrap().ops;
    assert_eq!(threshold("eu-gpai-2025", "gpai"), 10u128.pow(23));
    assert_eq!(threshold("eu-gpai-2025", "systemic-risk"), 10u128.pow(25));
    assert_eq!(threshold("sb53-2025", "frontier-model"), 10u128.pow(26));
    assert_eq!(threshold("miri-treaty-2025", "monitored"), 10u128.pow(22));
    assert_eq!(threshold("miri-treaty-2025", "strict-posttraining"), 10u128.pow(23));
    assert_eq!(threshold("miri-treaty-2025", "strict"), 10u128.pow(24));
    for id in Rulebook::builtin_names() {
        let rulebook = Rulebook::builtin(id).unwrap();
        assert_eq!(rulebook.id.as_str(), id);
        assert!(!rulebook.citations.is_empty());
    }
    assert!(matches!(Rulebook::builtin("folklore"), Err(RulebookError::Unknown(_))));
}

const BOOK: &str = r#"
id = "b"
title = "B"
citations = ["c"]
counts = ["pretraining", "unaccounted"]
ancestors = "all"
weight_unknown = [1, 1]
[weights]
fp32 = [2, 1]
[[threshold]]
name = "t"
ops = "1.5e3"
meaning = "m"
"#;

#[test]
fn bad_rulebooks_are_refused() {
    assert_eq!(Rulebook::parse(BOOK).unwrap().threshold("t").unwrap().ops, 1500);
    for (from, to) in [
        (", \"unaccounted\"", ""),
        ("[\"c\"]", "[]"),
        ("[2, 1]", "[2, 0]"),
        ("[2, 1]", "[0, 1]"),
        ("\"all\"", "\"some\""),
        ("1.5e3", "1.5555e3"),
        ("1.5e3", "-1"),
        ("1.5e3", "1e99"),
        ("fp32", "fp33"),
        ("title", "titel"),
    ] {
        assert!(BOOK.contains(from));
        assert!(Rulebook::parse(&BOOK.replace(from, to)).is_err(), "{from} -> {to}");
    }
}

proptest! {
    #[test]
    fn rulebooks_add_over_records(cells in prop::collection::vec((0usize..9, 0usize..9, 0u64..1_000_000_000_000), 0..40), cut in 0usize..40) {
        let fill = |cells: &[(usize, usize, u64)]| {
            let mut record = OperationRecord::default();
            for &(class, format, ops) in cells {
                let interval = OpsInterval { lower_ops: 0, best_ops: u128::from(ops / 3), upper_ops: u128::from(ops), evidence: Evidence::HardwareCounters };
                record.add(Class::ALL[class], NumericFormat::ALL.get(format).copied(), interval);
            }
            record
        };
        let (left, right) = cells.split_at(cut.min(cells.len()));
        let mut merged = fill(left);
        merged.merge(&fill(right));
        for id in Rulebook::builtin_names() {
            let rulebook = Rulebook::builtin(id).unwrap();
            let total = rulebook.apply(&merged);
            prop_assert!(total.is_ordered());
            prop_assert_eq!(total.upper_ops, rulebook.apply(&fill(&cells)).upper_ops);
            prop_assert_eq!(total.upper_ops, rulebook.apply(&fill(left)).upper_ops + rulebook.apply(&fill(right)).upper_ops);
        }
    }
}
