//! The operation interval against training runs whose true operations are known.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

mod data;

use standstill_ledger::interval::peak_ops;
use standstill_ledger::{ChipTable, OpsInterval};
use standstill_statement::{Name, NumericFormat};

struct Row {
    chip: String,
    chips: u64,
    milliseconds: u64,
    ops: u128,
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (chip, chips, seconds, ops) = (at("sys_accelerator_model_name"), at("chips"), at("dur_s"), at("flop_alg"));
    let read = |record: csv::StringRecord| Row {
        chip: record[chip].to_owned(),
        chips: record[chips].parse().unwrap(),
        milliseconds: (record[seconds].parse::<f64>().unwrap() * 1000.0).round() as u64,
        ops: record[ops].parse::<f64>().unwrap() as u128,
    };
    reader.records().map(|record| read(record.unwrap())).collect()
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[test]
fn every_mlperf_run_lies_in_its_interval() {
    let Some(bytes) = data::read("telemetry/mlperf_compute/llm_runs.csv") else { return };
    let table = ChipTable::builtin().unwrap();
    let rows = rows(&bytes);
    assert!(rows.len() > 1000, "only {} rows", rows.len());
    let (mut of_upper, mut of_best, mut above_16_bit) = (Vec::new(), Vec::new(), 0);
    for row in &rows {
        let chip = table.by_alias(&row.chip).unwrap_or_else(|| panic!("'{}' is not in the chip table", row.chip));
        let interval = chip.allocation(None, row.milliseconds * row.chips);
        assert!(interval.contains(row.ops), "{}: {} not in {interval:?}", row.chip, row.ops);
        of_upper.push(row.ops as f64 / interval.upper_ops as f64);
        of_best.push(interval.best_ops as f64 / row.ops as f64);
        let sixteen = peak_ops(chip.reference_peak_ops_per_second(), row.milliseconds * row.chips);
        above_16_bit += usize::from(row.ops > sixteen);
    }
    of_upper.sort_by(f64::total_cmp);
    of_best.sort_by(f64::total_cmp);
    let three = |sorted: &[f64]| [0.05, 0.5, 0.95].map(|share| percentile(sorted, share));
    println!("{} runs inside [0, chip time x highest dense peak]", rows.len());
    println!(
        "true / upper bound:   p5 {:.3}, median {:.3}, p95 {:.3}",
        three(&of_upper)[0],
        three(&of_upper)[1],
        three(&of_upper)[2]
    );
    println!(
        "best estimate / true: p5 {:.3}, median {:.3}, p95 {:.3}",
        three(&of_best)[0],
        three(&of_best)[1],
        three(&of_best)[2]
    );
    println!("{above_16_bit} runs exceed the dense 16-bit peak: a table of 16-bit peaks would call them impossible");
    assert!((0.15..0.22).contains(&three(&of_upper)[1]));
    assert!(
        (1..=13).contains(&above_16_bit),
        "13 of all 2,223 published runs, GB200 and GB300 in fp4, exceed the 16-bit peak"
    );
}

fn hours(chip: &str, chip_hours: u64) -> (OpsInterval, u128, u128) {
    let table = ChipTable::builtin().unwrap();
    let chip = table.get(&Name::new(chip).unwrap()).unwrap();
    let milliseconds = chip_hours * 3_600_000;
    let bf16 = peak_ops(chip.peak(NumericFormat::Bf16).unwrap(), milliseconds);
    let fp8 = peak_ops(chip.peak(NumericFormat::Fp8).unwrap(), milliseconds);
    (chip.allocation(None, milliseconds), bf16, fp8)
}

/// Llama 3.1 405B: 30.84 million H100-hours, 15.6e12 tokens, bf16; 6ND = 3.79e25, 0.345 of the dense bf16 peak.
#[test]
fn llama_405b_lies_in_its_interval() {
    let true_ops = 6 * 405_000_000_000u128 * 15_600_000_000_000;
    let (interval, bf16, _) = hours("h100-sxm5", 30_840_000);
    assert!(interval.contains(true_ops));
    assert_eq!(true_ops * 1000 / bf16, 345);
    // With evidence of bf16 the upper bound halves and still holds.
    let table = ChipTable::builtin().unwrap();
    let narrowed = table.by_alias("H100").unwrap().allocation(Some(NumericFormat::Bf16), 30_840_000 * 3_600_000);
    assert!(narrowed.contains(true_ops) && narrowed.upper_ops * 2 <= interval.upper_ops + 2);
}

/// DeepSeek-V3: 2.788 million H800-hours, 14.8e12 tokens, 37e9 active of 671e9 parameters, fp8.
#[test]
fn deepseek_v3_lies_in_its_interval_by_active_parameters_only() {
    let active = 6 * 37_000_000_000u128 * 14_800_000_000_000;
    let total = 6 * 671_000_000_000u128 * 14_800_000_000_000;
    let (interval, bf16, fp8) = hours("h800-sxm", 2_788_000);
    assert!(interval.contains(active));
    assert_eq!((active * 1000 / bf16, active * 1000 / fp8), (330, 165));
    assert!(!interval.contains(total), "all 671e9 parameters would need three times the chips");
    assert_eq!(total / active, 18);
}

/// GPT-3 on 512 H100 (MLPerf v4.0, whole-node power): 3,412 s, 1,207,959,552 tokens, fp8: 1.268e21 operations.
#[test]
fn gpt3_in_fp8_exceeds_seven_tenths_of_the_16_bit_peak() {
    let table = ChipTable::builtin().unwrap();
    let chip = table.by_alias("NVIDIA H100-SXM5-80GB").unwrap();
    let true_ops = 6 * 175_000_000_000u128 * 1_207_959_552;
    let interval = chip.allocation(None, 3_412_000 * 512);
    assert!(interval.contains(true_ops));
    assert_eq!(true_ops * 100 / peak_ops(chip.reference_peak_ops_per_second(), 3_412_000 * 512), 73);
}

/// Energy as evidence: 415 kWh at 0.41 to 1.0e12 operations per joule contain the truth and are narrower than chip time alone.
#[test]
fn gpt3_energy_narrows_the_interval() {
    let table = ChipTable::builtin().unwrap();
    let true_ops = 6 * 175_000_000_000u128 * 1_207_959_552;
    let by_time = table.by_alias("H100").unwrap().allocation(None, 3_412_000 * 512);
    let by_energy = OpsInterval::energy(415 * 3_600_000_000, [410_000_000_000, 600_000_000_000, 1_000_000_000_000]);
    let both = by_time.intersect(by_energy).unwrap();
    assert!(both.contains(true_ops));
    assert!(both.upper_ops < by_time.upper_ops && both.lower_ops > 0);
}
