//! Real request traces: token totals, and what they can and cannot explain.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use real_data::{data, table};
use standstill_meter::adapter::requests::{declared_operations, unexplained};
use standstill_meter::source::{SourceKind, SourceOptions, open};
use standstill_meter::{Grid, Partials, SourceContract};

const GRID: Grid = Grid { origin_ms: 1_700_092_800_000, slot_ms: 3_600_000 };

#[test]
fn azure_tokens_add_up() {
    let Some(path) = data("azure/AzureLLMInferenceTrace_code.csv") else { return };
    let metered = open(SourceKind::RequestsAzure, &[path], &SourceOptions::new(GRID)).expect("trace");
    let sum =
        |of: fn(&standstill_meter::adapter::requests::Tokens) -> u128| metered.tokens.values().map(of).sum::<u128>();
    assert_eq!((sum(|t| t.requests.into()), sum(|t| t.input), sum(|t| t.output)), (8819, 18_059_974, 245_896));
    assert_eq!(metered.tokens.len(), 2, "18:17 to 19:14");
    assert_eq!(metered.partials.devices().count(), 0, "a trace names no device");
}

#[test]
fn mooncake_tokens_add_up() {
    let Some(path) = data("mooncake/conversation_trace.jsonl.gz") else { return };
    let options = SourceOptions { trace_start_ms: GRID.origin_ms, ..SourceOptions::new(GRID) };
    let metered = open(SourceKind::RequestsMooncake, &[path], &options).expect("trace");
    let tokens = metered.tokens[&0];
    assert_eq!((tokens.requests, tokens.input, tokens.output), (12_031, 144_793_823, 4_122_048));
    println!("Mooncake: {} of {} prompt tokens may come from a cache", tokens.repeated, tokens.input);
    assert!(tokens.repeated > 0 && tokens.repeated < tokens.input);
}

#[test]
fn served_tokens_do_not_explain_a_busy_hour() {
    let Some(path) = data("azure/AzureLLMInferenceTrace_code.csv") else { return };
    let metered = open(SourceKind::RequestsAzure, &[path], &SourceOptions::new(GRID)).expect("trace");
    let served = metered.tokens.values().map(|tokens| declared_operations(tokens, 70_000_000_000)).sum();
    let table = table();
    let h100 = table.by_alias("NVIDIA H100 80GB HBM3").expect("chip");
    // Eight accelerators half busy for an hour against one hour of this service with a 70e9 model.
    let busy = h100.counters(None, 8 * 3_600_000 * 500_000);
    let (contradiction, question) = unexplained(&busy, &served);
    println!(
        "served {:.2e} operations, metered best {:.2e}: {:.0} % unexplained",
        served.best_ops as f64,
        busy.best_ops as f64,
        100.0 * question as f64 / busy.best_ops as f64
    );
    assert!(contradiction == 0 && question * 10 > busy.best_ops * 7);
    let empty = Partials::new(SourceContract::dcgm(1), GRID);
    assert_eq!(empty.devices().count(), 0);
}
