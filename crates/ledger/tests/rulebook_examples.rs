//! Published totals of real training runs under each rulebook, and which of its lines they cross.
//!
//! Sources were read as noted: *read* means that the text was open when the row was written, *known* that the figure is quoted from the
//! publication without it at hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_ledger::{Evidence, OperationRecord, OpsInterval, Rulebook};
use standstill_statement::{Class, NumericFormat};

const BOOKS: [&str; 4] = ["eu-gpai-2025", "sb53-2025", "miri-treaty-2025", "epoch"];

struct Example {
    model: &'static str,
    parameters: u128,
    tokens: u128,
    format: NumericFormat,
    /// Published total, in 1e21 operations.
    published_e21: u128,
    source: &'static str,
    /// Lines that are crossed, by rulebook in the order of [`BOOKS`].
    crossed: [&'static [&'static str]; 4],
}

const EXAMPLES: [Example; 5] = [
    Example {
        model: "GPT-3 175B",
        parameters: 174_600_000_000,
        tokens: 300_000_000_000,
        format: NumericFormat::Fp16,
        published_e21: 314,
        source: "Brown et al. 2020, arXiv:2005.14165, table D.1: 174,600M parameters, 300B tokens, 6 operations each, 3.14E+23 (known)",
        crossed: [&["gpai"], &[], &["monitored", "strict-posttraining"], &["large-scale"]],
    },
    Example {
        model: "Llama 3.1 405B",
        parameters: 405_000_000_000,
        tokens: 15_600_000_000_000,
        format: NumericFormat::Bf16,
        published_e21: 38_000,
        source: "Llama Team 2024, arXiv:2407.21783: 3.8e25 operations (known), 15.6T tokens (read in two reviews of it)",
        crossed: [&["gpai", "systemic-risk"], &[], &["monitored", "strict-posttraining", "strict"], &["large-scale"]],
    },
    Example {
        model: "Llama 3 70B",
        parameters: 70_000_000_000,
        tokens: 15_000_000_000_000,
        format: NumericFormat::Bf16,
        published_e21: 6_300,
        source: "Epoch AI, models database, note on the model: 6 x 15T x 70B = 6.3e24 (read in a copy of the database)",
        crossed: [&["gpai"], &[], &["monitored", "strict-posttraining", "strict"], &["large-scale"]],
    },
    Example {
        model: "Llama 3.1 8B",
        parameters: 8_000_000_000,
        tokens: 15_000_000_000_000,
        format: NumericFormat::Bf16,
        published_e21: 720,
        source: "Epoch AI, models database, note on the model: 6 x 15T x 8B = 7.2e23 (read in a copy of the database)",
        crossed: [&["gpai"], &[], &["monitored", "strict-posttraining"], &["large-scale"]],
    },
    Example {
        model: "DeepSeek-V3",
        parameters: 37_000_000_000,
        tokens: 14_800_000_000_000,
        format: NumericFormat::Fp8,
        published_e21: 3_290,
        source: "DeepSeek-AI 2024, arXiv:2412.19437: 37B active parameters, 14.8T tokens (known); 6ND follows",
        crossed: [&["gpai"], &[], &["monitored", "strict-posttraining", "strict"], &["large-scale"]],
    },
];

fn run(class: Class, format: NumericFormat, operations: u128) -> OperationRecord {
    let mut record = OperationRecord::default();
    record.add(class, Some(format), OpsInterval::exact(operations, Evidence::AllocationAtPeak));
    record
}

fn crossed(book: &Rulebook, record: &OperationRecord) -> Vec<String> {
    let total = book.apply(record).upper_ops;
    // Every one of the four texts says "greater than", so a total that equals the line has not crossed it.
    let over = book.thresholds.iter().filter(|threshold| total > threshold.ops);
    over.map(|threshold| threshold.name.to_string()).collect()
}

#[test]
fn published_totals_come_out_and_cross_the_lines_that_they_cross() {
    for example in &EXAMPLES {
        let operations = 6 * example.parameters * example.tokens;
        let published = example.published_e21 * 10u128.pow(21);
        assert!(operations.abs_diff(published) * 100 <= published, "{}: {}", example.model, example.source);
        let record = run(Class::Pretraining, example.format, operations);
        for (book, expected) in BOOKS.iter().zip(example.crossed) {
            let rulebook = Rulebook::builtin(book).unwrap();
            assert_eq!(rulebook.apply(&record).upper_ops, operations, "{}: narrow formats weigh 1", example.model);
            assert_eq!(crossed(&rulebook, &record), expected, "{} under {book}", example.model);
        }
    }
}

/// Epoch's hardware estimates of the same two models, from chip-hours and an assumed utilisation: within the range that the chip-hours
/// allow, and above 6ND. Notes as above: 1.46M H100-hours at 0.40 = 2.08e24; 6.4M at 0.43 = 9.808e24.
#[test]
fn hardware_estimates_lie_in_the_interval_of_the_chip_hours() {
    let table = standstill_ledger::ChipTable::builtin().unwrap();
    let h100 = table.by_alias("H100").unwrap();
    for (hours, estimate_e21, by_tokens_e21) in [(1_460_000u64, 2_080u128, 720u128), (6_400_000, 9_808, 6_300)] {
        let interval = h100.allocation(Some(NumericFormat::Bf16), hours * 3_600_000);
        assert!(interval.contains(estimate_e21 * 10u128.pow(21)), "{hours} hours: {interval:?}");
        assert!(interval.contains(by_tokens_e21 * 10u128.pow(21)), "{hours} hours: {interval:?}");
    }
}

/// SB 53, Business and Professions Code section 22757.11 (definition of "frontier model", read at the California Department of Technology):
/// more than 10^26 integer or floating-point operations, the original run together with later fine-tuning, reinforcement learning and other
/// material modifications.
#[test]
fn sb53_counts_integers_and_all_stages_and_means_more_than() {
    let book = Rulebook::builtin("sb53-2025").unwrap();
    let line = 10u128.pow(26);
    let mut record = run(Class::Pretraining, NumericFormat::Bf16, line * 6 / 10);
    record.merge(&run(Class::Posttraining, NumericFormat::Fp8, line * 3 / 10));
    record.merge(&run(Class::Posttraining, NumericFormat::Int8, line / 10));
    assert!(crossed(&book, &record).is_empty(), "exactly 10^26 is not more than 10^26");
    record.merge(&run(Class::Posttraining, NumericFormat::Int8, 1));
    assert_eq!(crossed(&book, &record), ["frontier-model"]);
}

/// Barnett and Scher, "Considerations for setting the FLOP thresholds", 18 November 2025 (read): the strict line lies a little below
/// DeepSeek-R1 (about 4e24) and gpt-oss-120B (about 5e24); runs from 1e22 to 1e24 are monitored.
#[test]
fn miri_lines_lie_where_their_authors_place_them() {
    let book = Rulebook::builtin("miri-treaty-2025").unwrap();
    for about_e24 in [4u128, 5] {
        let record = run(Class::Pretraining, NumericFormat::Fp8, about_e24 * 10u128.pow(24));
        assert_eq!(crossed(&book, &record).last().map(String::as_str), Some("strict"));
    }
    for (operations, expected) in [(10u128.pow(22), None), (10u128.pow(22) + 1, Some("monitored"))] {
        let record = run(Class::Pretraining, NumericFormat::Bf16, operations);
        assert_eq!(crossed(&book, &record).last().map(String::as_str), expected);
    }
}

/// Total Processing Performance (15 CFR part 774, ECCN 3A090, known): 2 x MacTOPS x bit length. The A100's 312 tera-operations a second in
/// 16 bits and 624 in 8 bits are 4,992 both ways. The treaty's reading of "FP16-equivalent" weighs wide formats so, and narrow ones not less.
#[test]
fn tpp_gives_the_weights_of_wide_formats() {
    let tpp = |tera_operations: u128, bits: u128| 2 * (tera_operations / 2) * bits;
    assert_eq!((tpp(312, 16), tpp(624, 8)), (4_992, 4_992));
    let book = Rulebook::builtin("miri-treaty-2025").unwrap();
    for (format, bits) in
        [(NumericFormat::Fp64, 64), (NumericFormat::Fp32, 32), (NumericFormat::Bf16, 16), (NumericFormat::Fp8, 8)]
    {
        let total = book.apply(&run(Class::Pretraining, format, 1_000)).upper_ops;
        assert_eq!(total, 1_000 * u128::max(1, bits / 16), "{format:?}");
    }
}

/// The EU's lines are "greater than" too (Regulation 2024/1689, Art. 51(2), known; read in summaries), whatever the format.
#[test]
fn eu_counts_every_format_alike() {
    let book = Rulebook::builtin("eu-gpai-2025").unwrap();
    for format in NumericFormat::ALL {
        let record = run(Class::Pretraining, format, 10u128.pow(25));
        assert_eq!(crossed(&book, &record), ["gpai"], "{format:?}");
    }
}
