//! Every training run whose operations are known: the metered interval contains them, and its width is said.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use std::collections::BTreeMap;

use real_data::{HOUR_MS, data, finish, fleet, percentile, table, window};
use standstill_meter::adapter::sacct::{Placement, allocation_batch};
use standstill_meter::source::Metered;
use standstill_meter::{Assignment, Assignments, JobFacts, JobMap, Meter, SourceContract, UpperRule};
use standstill_statement::{Class, Name};

#[derive(serde::Deserialize)]
struct Row {
    benchmark: String,
    sys_accelerator_model_name: String,
    chips: f64,
    dur_s: f64,
    flop_alg: f64,
    source: String,
}

/// Chip names of this table that are written unlike any vendor tool writes them.
fn alias(name: &str) -> &str {
    match name {
        "TPU-v5p" => "tpu-v5p-slice",
        "AMD Instinct MI325X 256GB HBM3e" => "AMD Instinct MI325X 256GB HBM3E",
        other => other,
    }
}

/// Meters one accelerator of the run from its allocation alone; every accelerator of a run did the same time.
fn allocation_of_one(model: &str, milliseconds: u64) -> standstill_ledger::OpsInterval {
    let (spec, grid) = window(0, milliseconds.div_ceil(HOUR_MS));
    let end_ms = i64::try_from(milliseconds).expect("hours");
    let mut assignments = Assignments::new();
    assignments.insert("n/0", Assignment { start_ms: 0, end_ms, job: "run".to_owned() });
    let mut meter = Meter::new("known answers", SourceContract::allocation(), grid);
    let placement = Placement::new([("n", "n/0")]);
    let batch = allocation_batch(&assignments, &placement, (0, spec.end_ms()), &mut meter.devices, &mut meter.jobs)
        .expect("rows");
    meter.push(&batch).expect("push");
    let metered = Metered {
        partials: meter.finish().expect("partials"),
        notes: Default::default(),
        jobs: JobMap::new(),
        assignments,
        tokens: BTreeMap::new(),
        models: BTreeMap::new(),
    };
    let mut jobs = JobMap::new();
    jobs.insert(
        "run",
        JobFacts { run: Some(Name::new("run").expect("name")), ..JobFacts::of_class(Class::Pretraining) },
    );
    let ledger = finish(&metered, &fleet(model, ["n/0"]), &spec, &jobs, UpperRule::ChipTime);
    let totals = ledger.totals();
    assert_eq!(totals.class(Class::Pretraining).milliseconds, u128::from(milliseconds));
    totals.class(Class::Pretraining).operations
}

#[test]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "published figures are decimals"
)]
fn the_interval_contains_the_truth_on_every_row() {
    let Some(path) = data("mlperf_compute/llm_runs.csv") else { return };
    let (table, mut ratios, mut over_bf16) = (table(), BTreeMap::<String, Vec<f64>>::new(), 0);
    let mut reader = csv::Reader::from_path(path).expect("table");
    for row in reader.deserialize::<Row>() {
        let row = row.expect("row");
        let chip = table.by_alias(alias(&row.sys_accelerator_model_name));
        let chip = chip.unwrap_or_else(|| panic!("{} is not in the chip table", row.sys_accelerator_model_name));
        let milliseconds = (row.dur_s * 1000.0).round() as u64;
        let figure = allocation_of_one(chip.id.as_str(), milliseconds).scaled(row.chips as u64, 1);
        let known = row.flop_alg as u128;
        assert!(figure.contains(known), "{}: {known} outside {figure:?}", row.source);
        let bf16 = chip.reference_peak_ops_per_second() as f64 * row.chips * row.dur_s;
        over_bf16 += u32::from(row.flop_alg > bf16);
        ratios.entry(row.benchmark).or_default().push(row.flop_alg / figure.upper_ops as f64);
    }
    let mut all: Vec<f64> = ratios.values().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    for (benchmark, list) in &mut ratios {
        list.sort_by(f64::total_cmp);
        println!(
            "{benchmark}: {} rows, known/upper p5 {:.3}, median {:.3}, p95 {:.3}",
            list.len(),
            percentile(list, 0.05),
            percentile(list, 0.5),
            percentile(list, 0.95)
        );
    }
    println!(
        "all: {} rows, known/upper p5 {:.3}, median {:.3}, p95 {:.3}, highest {:.3}; {over_bf16} rows beat the bf16 peak",
        all.len(),
        percentile(&all, 0.05),
        percentile(&all, 0.5),
        percentile(&all, 0.95),
        all[all.len() - 1]
    );
    assert!(all.len() > 1000 && over_bf16 > 0, "a bf16 table would be wrong on {over_bf16} rows");
}

#[derive(serde::Deserialize)]
struct Cluster {
    id: String,
    complete_gpu_time: Option<f64>,
    cancel_gpu_time: Option<f64>,
    fail_gpu_time: Option<f64>,
    complete_rate_gpu_time: Option<f64>,
}

/// The Acme clusters publish accelerator-seconds by outcome: allocation at peak, whole-cluster, no class, no device. That is all they support.
#[test]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "published figures are decimals")]
fn acme_supports_allocation_at_peak_only() {
    let Some(path) = data("acme/cluster_summary.csv") else { return };
    let table = table();
    let a100 = table.by_alias("NVIDIA A100-SXM4-80GB").expect("a100");
    for cluster in csv::Reader::from_path(path).expect("table").deserialize::<Cluster>().map(|row| row.expect("row")) {
        let (Some(done), Some(cancelled), Some(failed), Some(share)) =
            (cluster.complete_gpu_time, cluster.cancel_gpu_time, cluster.fail_gpu_time, cluster.complete_rate_gpu_time)
        else {
            println!("{}: no accelerator time published, so nothing is said", cluster.id);
            continue;
        };
        let seconds = done + cancelled + failed;
        assert!((done / seconds - share).abs() < 0.001, "{}", cluster.id);
        if cluster.id == "Kalos" {
            let figure = a100.allocation(None, (seconds * 1000.0) as u64);
            println!(
                "Kalos: {seconds:.3e} A100-seconds, at most {:.2e} operations, no lower bound",
                figure.upper_ops as f64
            );
            assert_eq!(figure.lower_ops, 0);
        }
    }
    let jobs = csv::Reader::from_path(data("acme/converted_kalos_trace.csv").expect("beside"))
        .expect("jobs")
        .records()
        .count();
    // The job list was converted for a simulator: iteration times are made up, so it carries no duration that could be metered.
    assert_eq!(jobs, 319);
}
