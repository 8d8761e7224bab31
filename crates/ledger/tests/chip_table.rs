//! The shipped chip table against an independent list, and the rules that refuse a bad row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

mod data;

use standstill_ledger::chips::ChipError;
use standstill_ledger::{ChipModel, ChipTable, Rulebook};
use standstill_statement::{Name, NumericFormat};
use std::collections::BTreeMap;
use std::io::Read as _;

#[test]
fn every_required_model_is_there() {
    let table = ChipTable::builtin().unwrap();
    let ids = "a100-sxm4 h100-sxm5 h100-pcie h200-sxm h800-sxm h20 b200 gb200 b300 gb300 mi300x mi325x mi355x tpu-v5e tpu-v5p tpu-v6e \
               tpu-v7-ironwood trainium2 trainium3 ascend-910b ascend-910c gaudi-2 gaudi-3 l4 l40s t4";
    for id in ids.split_whitespace() {
        let chip = table.get(&Name::new(id).unwrap()).unwrap_or_else(|| panic!("{id}"));
        for (cell, source) in &chip.sources {
            assert!(table.source(source).is_some(), "{id}.{cell}");
        }
    }
}

#[test]
fn names_from_real_scrapes_and_results_are_known() {
    let table = ChipTable::builtin().unwrap();
    let id = |alias: &str| table.by_alias(alias).map(|chip| chip.id.to_string());
    assert_eq!(id("NVIDIA H100 80GB HBM3").as_deref(), Some("h100-sxm5"));
    assert_eq!(id("Tesla T4").as_deref(), Some("t4"));
    assert_eq!(id(" nvidia l40s ").as_deref(), Some("l40s"));
    assert_eq!(id("h100").as_deref(), Some("h100-sxm5"));
    assert_eq!(id("NVIDIA Blackwell Ultra GPU (GB300)").as_deref(), Some("gb300"));
    assert_eq!(id("GRID A100-10C"), None, "a slice of a device is not a device");
    assert!(table.get(&Name::new("h100").unwrap()).is_none(), "an alias is not an id");
}

#[test]
fn h100_equivalents_name_their_width() {
    let table = ChipTable::builtin().unwrap();
    let of = |id: &str| {
        let chip = table.get(&Name::new(id).unwrap()).unwrap();
        (chip.h100e_16_millionths(), chip.h100e_8_millionths())
    };
    assert_eq!(of("h100-sxm5"), (1_000_000, 1_000_000));
    assert_eq!(of("h20"), (149_585, 149_570));
    assert_eq!(of("tpu-v6e"), (927_835, 927_741), "the 8-bit figure takes int8, which is twice fp8 on Trillium");
    assert_eq!(of("v100-sxm2"), (126_339, 63_163), "no 8-bit format: the 16-bit peak counts");
}

/// Dense 16-bit tensor peak and TDP within 1 % of Epoch AI's list; every larger difference has a note.
#[test]
fn figures_agree_with_epoch() {
    let Some(bytes) = data::read("telemetry/epoch/ml_hardware.csv.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |start: &str| header.iter().position(|column| column.starts_with(start)).unwrap();
    let (tensor, half, tdp) = (at("Tensor-FP16/BF16"), at("FP16 (half"), at("TDP"));
    let rows: BTreeMap<String, csv::StringRecord> =
        reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row)).collect();
    let table = ChipTable::builtin().unwrap();
    let mut compared = 0;
    for chip in table.chips() {
        let Some(epoch) = &chip.epoch_name else { continue };
        let row = rows.get(epoch).unwrap_or_else(|| panic!("{}: '{epoch}' is not in the list", chip.id));
        let listed = |column: usize| row[column].parse::<f64>().ok();
        compare(chip, "16-bit peak", chip.reference_peak_ops_per_second() as f64, listed(tensor).or(listed(half)));
        compare(chip, "TDP", f64::from(chip.tdp_watts), listed(tdp));
        compared += 1;
    }
    println!("{compared} of {} rows compared", table.chips().len());
    assert!(compared >= 30);
}

fn compare(chip: &ChipModel, what: &str, ours: f64, theirs: Option<f64>) {
    let Some(theirs) = theirs else {
        println!("{}: Epoch has no {what}", chip.id);
        return;
    };
    if (ours / theirs - 1.0).abs() > 0.01 {
        println!("{}: {what} {ours:e} against {theirs:e}: {:?}", chip.id, chip.notes);
        assert!(!chip.notes.is_empty(), "{}: {what} differs without a note", chip.id);
    }
}

const ROW: &str = r#"
version = "test"
[sources]
s = { title = "sheet" }
[[chip]]
id = "x1"
dense = true
aliases = ["X One"]
memory_bytes = { value = 1, source = "s" }
tdp_watts = { value = 700, source = "s" }
[chip.peak]
bf16 = { value = 1000, source = "s" }
fp8 = { value = 2000, source = "s" }
"#;

fn refused(from: &str, to: &str, expected: &str) {
    assert!(ROW.contains(from));
    let error = ChipTable::parse(&ROW.replace(from, to)).expect_err(to).to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn bad_rows_are_refused() {
    assert!(ChipTable::parse(ROW).is_ok());
    refused("value = 2000", "value = 4000", "not about twice");
    refused("value = 2000", "value = 1000", "not about twice");
    refused("dense = true", "dense = false", "dense peaks");
    refused("value = 2000, source = \"s\"", "value = 2000, source = \"t\"", "not in [sources]");
    refused("bf16 =", "int4 =", "not a numeric format");
    refused("bf16 =", "fp64 =", "no dense 16-bit peak");
    refused("[\"X One\"]", "[\"X One\", \"x one\"]", "used twice");
    refused("tdp_watts", "tdp_watt", "line ");
    let idle = "tdp_watts = { value = 700, source = \"s\" }\nidle_watts = { value = 701, source = \"s\" }";
    refused("tdp_watts = { value = 700, source = \"s\" }", idle, "idle power");
}

#[test]
fn a_note_admits_an_unusual_ratio() {
    let noted = ROW.replace("value = 2000", "value = 3750").replace("[chip.peak]", "notes = [\"mxfp8\"]\n[chip.peak]");
    assert!(ChipTable::parse(&noted).is_ok());
}

#[test]
fn the_id_changes_with_any_byte() {
    let (one, two) = (ChipTable::parse(ROW).unwrap(), ChipTable::parse(&ROW.replace("= 700", "= 701")).unwrap());
    assert_ne!(one.id(), two.id());
}

#[test]
fn an_oversized_table_is_refused() {
    assert!(matches!(ChipTable::parse(&"#".repeat(2 << 20)), Err(ChipError::Layout { .. })));
}

/// The reading that operations without format evidence weigh 1 in the treaty's count holds on every chip of the table.
#[test]
fn no_wide_format_outweighs_the_highest_peak() {
    let treaty = Rulebook::builtin("miri-treaty-2025").unwrap();
    for chip in ChipTable::builtin().unwrap().chips() {
        for format in NumericFormat::ALL {
            let weight = treaty.weights[format.index()];
            let weighted = chip.peak(format).unwrap_or(0) * weight.numerator / weight.denominator;
            let unknown = chip.highest_peak_ops_per_second() * treaty.weight_unknown.numerator;
            println!("{} {format} {weighted} {unknown}", chip.id);
            assert!(weighted <= unknown, "{} in {format}: {weighted} > {unknown}", chip.id);
        }
    }
}
