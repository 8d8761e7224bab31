//! Real node power: energy totals against integrals computed by hand, and the runs whose operations are known.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use std::collections::BTreeMap;

use real_data::{data, finish, fleet, percentile, window};
use standstill_ledger::Evidence;
use standstill_meter::adapter::civil_time::UtcOffset;
use standstill_meter::adapter::fault::TextLimits;
use standstill_meter::adapter::power::{
    NodeReading, NodeSeries, PowerRule, energy_millijoules, mllog_marks, parse_mllog, parse_spl, read_parquet,
};
use standstill_meter::adapter::sacct::Placement;
use standstill_meter::energy_evidence::{EnergyVerdict, check_claim};
use standstill_meter::source::{SourceKind, SourceOptions, open};
use standstill_meter::{JobFacts, JobMap, UpperRule};
use standstill_statement::{Class, Name};

const GAP_MS: u64 = 10_000;

fn raw(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(data(&format!("mlperf_power/raw/{name}"))?).expect("log"))
}

fn energy(series: &NodeSeries) -> u128 {
    energy_millijoules(series, PowerRule::Trapezoid, i64::MIN, i64::MAX, GAP_MS)
}

#[test]
fn raw_logs_match_integrals_by_hand() {
    let limits = TextLimits::default();
    // Sums of (w1 + w2) x dt / 2 over the readings, computed outside this program, in millijoules.
    for (name, readings, millijoules) in [
        ("smc_gpt3_run2_node_1.txt", 1702, 23_520_591_679),
        ("lenovo_b200_lora_result_0_node_0.txt", 624, 6_293_056_500),
    ] {
        let Some(bytes) = raw(name) else { return };
        let series = parse_mllog(&bytes, "", &limits).expect("log");
        assert_eq!((series.readings.len(), energy(&series), series.blanks), (readings, millijoules, 0), "{name}");
    }
    let bytes = raw("nvidia_h200_llama2-70b_server_spl.txt").expect("beside");
    let series = parse_spl(&bytes, "sut", UtcOffset::UTC, &limits).expect("log");
    assert_eq!(series.readings.len(), 3056);
    assert!(energy(&series).abs_diff(17_122_618_890) < 10, "{}", energy(&series));
}

#[test]
fn alternating_current_is_not_converted_twice() {
    let Some(bytes) = raw("lenovo_b200_lora_result_0_node_0.txt") else { return };
    let series = parse_mllog(&bytes, "", &TextLimits::default()).expect("log");
    assert_eq!(series.node, "node_0");
    assert_eq!(series.readings[0], NodeReading { time_ms: 1_745_519_751_000, milliwatts: 8_244_000 });
}

#[test]
fn the_result_log_marks_the_run() {
    let Some(bytes) = raw("smc_gpt3_run2_mllog.txt") else { return };
    let marks = mllog_marks(&bytes, &TextLimits::default()).expect("log");
    assert_eq!((marks.start_ms, marks.stop_ms), (Some(1_715_960_307_022), Some(1_715_963_719_692)));
}

#[derive(serde::Deserialize)]
struct Run {
    run_id: String,
    benchmark: String,
    chip: String,
    gpus_per_node: u64,
    nodes: u64,
    run_start_ms: Option<f64>,
    run_stop_ms: Option<f64>,
    last_epoch_num: Option<f64>,
    last_samples_count: Option<f64>,
    label_class: String,
}

impl Run {
    /// Operations of the model: 6 x 175e9 a token for GPT-3; 4 x 69.98e9 x 8192 a sample for low-rank fine-tuning of Llama 2 70B.
    fn known_ops(&self) -> Option<u128> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers in the table")]
        let whole = |value: Option<f64>| value.map(|v| v as u128);
        match self.benchmark.as_str() {
            "gpt3" => Some(1_050_000_000_000 * whole(self.last_epoch_num)?),
            "llama2_70b_lora" => Some(279_920_000_000 * 8192 * whole(self.last_samples_count)?),
            _ => None,
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "milliseconds in the table")]
    fn span(&self) -> Option<(i64, i64)> {
        Some((self.run_start_ms? as i64, self.run_stop_ms? as i64))
    }
}

fn runs() -> Option<Vec<Run>> {
    let mut reader = csv::Reader::from_path(data("mlperf_power/runs.csv")?).expect("runs");
    Some(reader.deserialize().map(|row| row.expect("row")).collect())
}

/// All series of the table, by run and node.
fn all_series() -> Option<BTreeMap<String, BTreeMap<String, NodeSeries>>> {
    let mut all: BTreeMap<String, BTreeMap<String, NodeSeries>> = BTreeMap::new();
    read_parquet(&data("mlperf_power/samples.parquet")?, |row| {
        let run = match all.get_mut(row.run) {
            Some(run) => run,
            None => all.entry(row.run.to_owned()).or_default(),
        };
        let series = match run.get_mut(row.node) {
            Some(series) => series,
            None => run
                .entry(row.node.to_owned())
                .or_insert(NodeSeries { node: row.node.to_owned(), ..NodeSeries::default() }),
        };
        series.readings.extend(row.milliwatts.map(|milliwatts| NodeReading { time_ms: row.time_ms, milliwatts }));
    })
    .expect("table");
    Some(all)
}

#[test]
fn invalid_readings_of_the_real_table_are_gaps() {
    let Some(path) = data("mlperf_power/samples.parquet") else { return };
    let (mut rows, mut blanks) = (0_u32, 0_u32);
    read_parquet(&path, |row| {
        rows += 1;
        blanks += u32::from(row.milliwatts.is_none());
    })
    .expect("table");
    // 3,385 readings of -1 W and two of -2 W: the analyser had no valid value.
    assert_eq!((rows, blanks), (431_697, 3_387));
}

#[test]
fn the_table_equals_the_raw_log() {
    let (Some(all), Some(bytes)) = (all_series(), raw("smc_gpt3_run2_node_1.txt")) else { return };
    let log = parse_mllog(&bytes, "node_1", &TextLimits::default()).expect("log");
    let run = all.iter().find(|(id, _)| id.ends_with("gpt3|result_5848-240517221859825376616_2")).expect("run").1;
    assert_eq!(run["node_1"].readings, log.readings);
}

#[test]
fn gpt3_replicates_agree_to_half_a_thousandth() {
    let Some(all) = all_series() else { return };
    let totals: Vec<u128> =
        all.iter().filter(|(id, _)| id.contains("|gpt3|")).map(|(_, nodes)| nodes.values().map(energy).sum()).collect();
    println!("GPT-3 on 64 nodes: {totals:?} mJ ({} replicates present)", totals.len());
    assert!(
        totals.len() >= 2 && all.iter().filter(|(id, _)| id.contains("|gpt3|")).all(|(_, nodes)| nodes.len() == 64)
    );
    let (low, high) = (totals.iter().min().expect("runs"), totals.iter().max().expect("runs"));
    assert!((high - low) * 2000 <= *high, "within 0.05 %");
    // By hand: 415.2552 and 415.2682 kWh.
    assert!(totals.iter().all(|total| (1_494_800_000_000..1_495_200_000_000).contains(total)));
}

#[test]
fn whole_node_power_of_512_chips_becomes_a_checked_ledger() {
    let (Some(table), Some(all)) = (data("mlperf_power/samples.parquet"), runs()) else { return };
    for run in all.iter().filter(|run| run.benchmark == "gpt3") {
        let keys: Vec<String> = (1..=64).flat_map(|n| (0..8).map(move |i| format!("node_{n}/{i}"))).collect();
        let span = run.span().expect("marks");
        let (spec, grid) = window(span.0, 2);
        let options = SourceOptions {
            placement: Placement::of_keys(keys.iter().map(String::as_str)),
            period_ms: 2_000,
            run: Some(run.run_id.clone()),
            job: Some("gpt3".to_owned()),
            range_ms: Some((span.0, span.1 + 2_000)),
            ..SourceOptions::new(grid)
        };
        let metered = open(SourceKind::PowerParquet, std::slice::from_ref(&table), &options).expect("metered");
        let mut jobs = JobMap::new();
        jobs.insert(
            "gpt3",
            JobFacts { run: Some(Name::new("gpt3-175b").expect("name")), ..JobFacts::of_class(Class::Pretraining) },
        );
        let fleet = fleet("h100-sxm5", keys.iter().map(String::as_str));
        let known = run.known_ops().expect("known");
        for upper in [UpperRule::ChipTime, UpperRule::ActiveTime] {
            let ledger = finish(&metered, &fleet, &spec, &jobs, upper);
            let totals = ledger.totals();
            let training = totals.class(Class::Pretraining);
            let energy: u128 = totals.classes.iter().map(|class| class.energy_millijoules).sum();
            println!(
                "{upper:?}: known {known:.3e}, interval {:.3e} .. {:.3e} .. {:.3e} ({}), {} kWh",
                training.operations.lower_ops as f64,
                training.operations.best_ops as f64,
                training.operations.upper_ops as f64,
                training.operations.evidence,
                energy / 3_600_000_000,
                known = known as f64,
            );
            assert!(training.operations.contains(known));
            assert_eq!(training.operations.evidence, Evidence::EnergyPerOperation);
            assert!(
                (1_494_800_000_000..1_495_200_000_000).contains(&energy),
                "{energy}: the node's energy is charged once"
            );
        }
    }
}

#[test]
fn every_run_with_power_and_known_operations_is_contained() {
    let (Some(all), Some(runs), table) = (all_series(), runs(), real_data::table()) else { return };
    let mut rates: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut widths: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in &runs {
        let (Some(known), Some((start, stop))) = (run.known_ops(), run.span()) else { continue };
        let chip =
            table.by_alias(run.chip.trim_end_matches(" 80GB")).or_else(|| table.by_alias(&run.chip)).expect("chip");
        let nodes = &all[&run.run_id];
        let energy: u128 =
            nodes.values().map(|s| energy_millijoules(s, PowerRule::Trapezoid, start, stop, GAP_MS)).sum();
        let chip_ms = run.gpus_per_node * run.nodes * (stop - start).unsigned_abs();
        let physical = chip.allocation(None, chip_ms);
        let class = if run.benchmark == "gpt3" { Class::Pretraining } else { Class::Posttraining };
        let figure = standstill_meter::energy_evidence::from_energy(chip, class, energy, chip_ms).unwrap_or(physical);
        assert!(figure.contains(known), "{}: {known} outside {figure:?}", run.run_id);
        let key = format!("{} x{} {}", chip.id, run.nodes * run.gpus_per_node, figure.evidence);
        rates.entry(key.clone()).or_default().push(known as f64 / (energy as f64 / 1000.0) / 1e12);
        widths.entry(key).or_default().push(figure.upper_ops as f64 / known as f64);
        let verdict = check_claim(chip, known, energy);
        assert_ne!(verdict, EnergyVerdict::NotCovered, "{}", run.run_id);
    }
    for (key, list) in &mut rates {
        list.sort_by(f64::total_cmp);
        let wide = widths.get_mut(key).expect("same keys");
        wide.sort_by(f64::total_cmp);
        println!(
            "{key}: {} runs, {:.3}..{:.3}..{:.3} Tops/J, upper/known {:.2}..{:.2}..{:.2}",
            list.len(),
            list[0],
            percentile(list, 0.5),
            list[list.len() - 1],
            wide[0],
            percentile(wide, 0.5),
            wide[wide.len() - 1]
        );
    }
    let present = runs.iter().filter(|run| run.known_ops().is_some()).count();
    assert_eq!(rates.values().map(Vec::len).sum::<usize>(), present);
}

#[test]
fn every_power_run_has_readings_and_energy() {
    let (Some(all), Some(runs)) = (all_series(), runs()) else { return };
    for run in &runs {
        let nodes = all.get(&run.run_id).unwrap_or_else(|| panic!("{} has no readings", run.run_id));
        assert_eq!(nodes.len() as u64, run.nodes, "{}", run.run_id);
        assert!(nodes.values().map(energy).sum::<u128>() > 0);
        assert!(matches!(run.label_class.as_str(), "training" | "inference"));
    }
}
