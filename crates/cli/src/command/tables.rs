//! `standstill chips` and `standstill rulebooks`.

use crate::exit::{CliError, CliResult, Exit};
use standstill_ledger::{ChipTable, Rulebook};
use standstill_statement::{Class, NumericFormat};

pub(super) fn chips(json: bool) -> CliResult {
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    if json {
        let rows: Vec<_> = table.chips().iter().map(|model| {
            let peaks: serde_json::Map<String, serde_json::Value> = NumericFormat::ALL.into_iter()
                .filter_map(|format| Some((format.name().to_owned(), model.peak(format)?.into())))
                .collect();
            serde_json::json!({
                "id": model.id, "aliases": model.aliases, "peak_ops_per_second_dense": peaks, "memory_bytes": model.memory_bytes,
                "tdp_watts": model.tdp_watts, "idle_watts": model.idle_watts, "sources": model.sources, "notes": model.notes,
                "h100e_16bit_millionths": model.h100e_16_millionths(), "h100e_8bit_millionths": model.h100e_8_millionths(),
            })
        }).collect();
        println!("{:#}", serde_json::json!({ "id": table.id(), "models": rows }));
        return Ok(Exit::Ok);
    }
    println!("Chip table {}. Dense peaks in 1e12 operations per second; sources and notes: --json", table.id());
    println!(
        "{:16} {:>8} {:>8} {:>8} {:>8} {:>6} {:>7} {:>7}",
        "chip", "bf16", "fp8", "fp4", "int8", "TDP W", "GB", "H100e16"
    );
    for model in table.chips() {
        let peak =
            |format| model.peak(format).map_or_else(|| "-".to_owned(), |ops| (ops / 1_000_000_000_000).to_string());
        println!(
            "{:16} {:>8} {:>8} {:>8} {:>8} {:>6} {:>7} {:>3}.{:03}",
            model.id.as_str(),
            peak(NumericFormat::Bf16),
            peak(NumericFormat::Fp8),
            peak(NumericFormat::Fp4),
            peak(NumericFormat::Int8),
            model.tdp_watts,
            model.memory_bytes / 1_000_000_000,
            model.h100e_16_millionths() / 1_000_000,
            model.h100e_16_millionths() % 1_000_000 / 1000
        );
    }
    Ok(Exit::Ok)
}

pub(super) fn rulebooks(json: bool) -> CliResult {
    let books = Rulebook::builtin_names()
        .into_iter()
        .map(Rulebook::builtin)
        .collect::<Result<Vec<_>, _>>()
        .map_err(CliError::bug)?;
    if json {
        let list: Vec<_> = books.iter().map(|book| {
            let classes: Vec<&str> = Class::ALL.into_iter().filter(|class| book.counts_class[class.index()]).map(Class::name).collect();
            let thresholds: Vec<_> = book.thresholds.iter()
                .map(|threshold| serde_json::json!({ "name": threshold.name, "ops": threshold.ops.to_string(), "meaning": threshold.meaning }))
                .collect();
            serde_json::json!({
                "id": book.id, "title": book.title, "hash": book.hash, "citations": book.citations, "counts": classes, "thresholds": thresholds,
                "readings": book.readings,
            })
        }).collect();
        println!("{:#}", serde_json::Value::from(list));
        return Ok(Exit::Ok);
    }
    for book in &books {
        let classes: Vec<&str> =
            Class::ALL.into_iter().filter(|class| book.counts_class[class.index()]).map(Class::name).collect();
        println!("{}: {}\n  counts: {}", book.id, book.title, classes.join(", "));
        for threshold in &book.thresholds {
            println!("  {}: {} operations. {}", threshold.name, threshold.ops, threshold.meaning);
        }
        for citation in &book.citations {
            println!("  source: {citation}");
        }
        println!();
    }
    Ok(Exit::Ok)
}
