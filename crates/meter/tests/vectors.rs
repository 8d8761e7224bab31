//! Test vectors for a second implementer: rows in, sums and canonical bytes out (`testdata/vectors/meter/`).
//! `UPDATE_VECTORS=1 cargo test -p standstill-meter --test vectors` writes them anew.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // helpers outside #[test] functions

mod made_rows;

use made_rows::{ALL, Columns, ENERGY, GAUGES, Row, metered};
use serde_json::{Value, json};
use standstill_meter::sample::{MISSING, MISSING_COUNTER};
use std::path::Path;

fn cases() -> Vec<(&'static str, Columns, Vec<Row>)> {
    let every_ten = |until: i64| (0..=until).map(|step| Row::at(step * 10));
    let over_a_border = (355..=365).map(|step| Row::at(step * 10 + 3));
    let gap = [0, 10, 20, 200, 210].map(Row::at);
    let mut duplicates: Vec<Row> = [0, 10, 10, 20, 20].map(Row::at).into();
    duplicates[4].tensor = 7;
    let late = [0, 10, 30, 20, 40, 2_000, 100, 2_010].map(Row::at);
    let energy = [(0, 1_000), (10, 6_000), (20, 2_000), (30, 7_000), (130, 57_000)].map(|(s, e)| Row::at(s).energy(e));
    let seam = [(3_585, 100), (3_595, 200), (3_605, 400), (3_615, 500)].map(|(s, e)| Row::at(s).energy(e));
    let cycles =
        [(0, 0), (10, 5_000), (610, 305_000), (620, 310_000)].map(|(s, a)| Row::at(s).cycles(a, 2 * a).energy(1));
    let mut blanks: Vec<Row> = every_ten(4).collect();
    (blanks[2].tensor, blanks[3].dram, blanks[3].energy) = (MISSING, MISSING, MISSING_COUNTER);
    let jobs = (0..8).map(|step| Row {
        device: usize::from(step >= 4),
        ..Row::at(step % 4 * 10).job(["b", "", "a", "a"][step as usize % 4])
    });
    vec![
        ("even", GAUGES, every_ten(5).collect()),
        ("slot-border", GAUGES, over_a_border.collect()),
        ("gap", GAUGES, gap.into()),
        ("duplicates-and-conflict", GAUGES, duplicates),
        ("late-and-refused", GAUGES, late.into()),
        ("energy-reset-and-gap", ENERGY, energy.into()),
        ("energy-over-a-border", ENERGY, seam.into()),
        ("cycles-bridge", ALL, cycles.into()),
        ("blanks", ENERGY, blanks),
        ("jobs-and-devices", GAUGES, jobs.collect()),
    ]
}

fn row(row: &Row) -> Value {
    let narrow = |value: u32| if value == MISSING { Value::Null } else { json!(value) };
    let wide = |value: u64| if value == MISSING_COUNTER { Value::Null } else { json!(value) };
    json!({
        "device": made_rows::device_name(row.device), "time_ms": row.time_ms, "job": row.job,
        "tensor": narrow(row.tensor), "dram": narrow(row.dram), "power_milliwatts": narrow(row.power),
        "energy_millijoules": wide(row.energy), "cycles_active": wide(row.active), "cycles_elapsed": wide(row.elapsed),
    })
}

fn vectors() -> Value {
    let one = |(name, columns, rows): (&str, Columns, Vec<Row>)| {
        let partials = metered(&rows, columns, &[rows.len()]);
        let groups = partials.rollup(str::to_owned).unwrap();
        let sums = groups.iter().map(|((job, slot, device), sums)| {
            json!({
                "device": device, "slot": slot, "job": job, "covered_ms": sums.covered_ms as u64,
                "tensor_micro_ms": sums.tensor_micro_ms as u64, "dram_micro_ms": sums.dram_micro_ms as u64,
                "power_microjoules": sums.power_microjoules as u64, "energy_millijoules": sums.energy_millijoules as u64,
            })
        });
        let columns = json!({"energy": columns.energy, "cycles": columns.cycles});
        json!({
            "name": name, "columns": columns, "rows": rows.iter().map(row).collect::<Vec<_>>(), "sums": sums.collect::<Vec<_>>(),
            "encoding_hex": hex::encode(partials.encode()), "hash": partials.hash().to_string(),
        })
    };
    let cases: Vec<Value> = cases().into_iter().map(one).collect();
    json!({ "contract": "dcgm, 10 s", "origin_ms": made_rows::START_MS, "slot_ms": 3_600_000, "cases": cases })
}

#[test]
fn the_published_vectors_are_what_the_meter_computes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/meter/partials.json");
    let now = serde_json::to_string_pretty(&vectors()).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), now, "run with UPDATE_VECTORS=1 after a change of format");
}
