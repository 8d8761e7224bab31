//! Traps of real telemetry that need more than one part of the meter. The whole list, with the test of each, is `docs/sources/traps.md`.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use real_data::{data, finish, fleet, table, window};
use standstill_ledger::{ChipModel, OpsInterval};
use standstill_meter::adapter::dcgm_series::Quantity;
use standstill_meter::adapter::requests::{Tokens, declared_operations};
use standstill_meter::source::{Metered, SourceKind, SourceOptions, open};
use standstill_meter::{JobFacts, JobMap, UpperRule};
use standstill_statement::{Class, Name, NumericFormat};

/// Meters scrapes given as (seconds after 1,000,000,000, text) in an hour that begins at 999,997,200.
fn metered(scrapes: &[(i64, String)], period_ms: u64) -> Metered {
    let folder = tempfile::tempdir().expect("folder");
    for (second, text) in scrapes {
        std::fs::write(folder.path().join(format!("{}.prom", 1_000_000_000 + second)), text).expect("file");
    }
    let (_, grid) = window(1_000_000_000_000, 1);
    let options = SourceOptions { period_ms, ..SourceOptions::new(grid) };
    open(SourceKind::PrometheusText, &[folder.path().to_path_buf()], &options).expect("metered")
}

fn tensor(value: &str) -> String {
    format!("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{{UUID=\"GPU-1\",hpc_job=\"7\"}} {value}\n")
}

fn job(class: Class) -> JobMap {
    let mut jobs = JobMap::new();
    jobs.insert("7", JobFacts { run: Some(Name::new("run").expect("name")), ..JobFacts::of_class(class) });
    jobs
}

fn operations(metered: &Metered, upper: UpperRule) -> OpsInterval {
    let (spec, _) = window(1_000_000_000_000, 1);
    let ledger = finish(metered, &fleet("h100-sxm5", ["GPU-1"]), &spec, &job(Class::Pretraining), upper);
    ledger.totals().class(Class::Pretraining).operations
}

fn h100() -> &'static ChipModel {
    table().by_alias("NVIDIA H100 80GB HBM3").expect("chip")
}

#[test]
fn help_that_says_percent_does_not_change_a_ratio() {
    let text = format!(
        "# HELP DCGM_FI_PROF_PIPE_TENSOR_ACTIVE Ratio of cycles the tensor (HMMA) pipe is active (in %).\n{}",
        tensor("0.5")
    );
    let metered = metered(&[(0, text.clone()), (30, text)], 30_000);
    let expected = h100().counters(None, 30_000 * 500_000).best_ops;
    assert_eq!(operations(&metered, UpperRule::ActiveTime).best_ops, expected);
}

#[test]
fn the_last_reading_is_billed_for_nothing() {
    // SQL's LEAST(NULL, 30) bills the last sample for 30 s although nothing follows it.
    let metered = metered(&[(0, tensor("1")), (10, tensor("1"))], 10_000);
    let covered: u32 =
        metered.partials.devices().flat_map(|(_, u)| u).flat_map(|(_, u)| &u.cells).map(|(_, s)| s.covered_ms).sum();
    assert_eq!(covered, 10_000);
}

#[test]
fn polling_faster_than_the_exporter_adds_nothing() {
    let slow: Vec<_> = (0..5).map(|i| (i * 30, tensor("0.25"))).collect();
    let fast: Vec<_> = (0..13).map(|i| (i * 10, tensor("0.25"))).collect();
    let (slow, fast) = (metered(&slow, 30_000), metered(&fast, 30_000));
    assert_eq!(
        operations(&slow, UpperRule::ActiveTime),
        operations(&fast, UpperRule::ActiveTime),
        "time is integrated, samples are not counted"
    );
}

#[test]
fn a_blank_while_a_profiler_holds_the_counters_is_not_zero() {
    let scrapes = [(0, tensor("0.5")), (30, tensor("NaN")), (60, tensor("0.5"))];
    let with_blank = operations(&metered(&scrapes, 30_000), UpperRule::ActiveTime);
    let zero = operations(
        &metered(&[(0, tensor("0.5")), (30, tensor("0")), (60, tensor("0.5"))], 30_000),
        UpperRule::ActiveTime,
    );
    assert!(with_blank.upper_ops > zero.upper_ops, "a blank is bounded by the peak, a zero by nothing");
}

#[test]
fn rates_percentages_and_byte_gauges_are_not_used_as_activity() {
    for name in [
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_PROF_NVLINK_TX_BYTES",
        "DCGM_FI_PROF_PCIE_RX_BYTES",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    ] {
        assert_eq!(Quantity::of_metric(name), None, "{name}");
    }
}

#[test]
fn low_precision_beats_a_bf16_bound() {
    // Llama-3.1-405B on GB300 in MLPerf v5.1 runs at 3,335e12 a second and chip: 133 % of the dense bf16 peak.
    let chip = table().by_alias("NVIDIA GB300").expect("chip");
    let real = 3_335_000_000_000_000;
    assert!(chip.peak(NumericFormat::Bf16).expect("bf16") < real);
    assert!(chip.allocation(None, 1000).contains(real.into()));
}

#[test]
fn dense_peaks_not_sparse_ones() {
    assert_eq!(h100().peak(NumericFormat::Bf16).map(|peak| peak / 1_000_000_000_000), Some(989));
    assert_eq!(
        h100().peak(NumericFormat::Fp8).map(|peak| peak / 1_000_000_000_000),
        Some(1979),
        "1,979e12 is the fp8 figure, not bf16"
    );
}

#[test]
fn a_mixture_of_experts_counts_active_parameters() {
    let tokens = Tokens { requests: 1, input: 1_000, repeated: 0, output: 0 };
    let (active, all) = (declared_operations(&tokens, 37_000_000_000), declared_operations(&tokens, 671_000_000_000));
    assert!(all.best_ops > active.best_ops * 18, "DeepSeek-V3: 18 times too high with all parameters");
}

#[derive(serde::Deserialize)]
struct Published {
    model: String,
    flop_published: Option<f64>,
    hw_upper_flop: Option<f64>,
    is_finetune: String,
}

#[test]
fn a_finetune_is_not_charged_with_its_base_model() {
    let Some(path) = data("epoch/estimator_check.csv") else { return };
    let rows = csv::Reader::from_path(path)
        .expect("table")
        .deserialize()
        .map(|row| row.expect("row"))
        .collect::<Vec<Published>>();
    let over = |tuned: &str| {
        rows.iter()
            .filter(|row| row.is_finetune == tuned)
            .filter(|row| row.flop_published.zip(row.hw_upper_flop).is_some_and(|(flop, upper)| flop > upper))
            .map(|row| row.model.as_str())
            .collect::<Vec<_>>()
    };
    let (tuned, plain) = (over("True"), over("False"));
    println!(
        "{} fine-tunes publish more than their own chip-hours could do (base model included); {} other rows do: {plain:?}",
        tuned.len(),
        plain.len()
    );
    assert!(tuned.contains(&"FinGPT-13B"), "the lineage adds the base model; the run's own interval must not");
    assert!(tuned.len() * 3 > rows.iter().filter(|row| row.is_finetune == "True").count());
}
