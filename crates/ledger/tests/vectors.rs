//! Test vectors for a second implementation: `testdata/vectors/ledger/*.json`. Regenerate with `UPDATE_VECTORS=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use standstill_ledger::fleet::key_hash;
use standstill_ledger::units::apportion;
use standstill_ledger::{
    Alarm, AlarmKind, ChipTable, DeviceUnits, DeviceWindow, Evidence, Fleet, OperationRecord, OpsInterval, Rulebook,
    SlotEntry, WindowLedger, WindowSpec,
};
use standstill_statement::{Class, Hash32, Name, NumericFormat};
use std::path::PathBuf;

fn check(file: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/ledger").join(file);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "{file}: set UPDATE_VECTORS=1 if the format changed on purpose"
    );
}

fn interval(ops: &OpsInterval) -> Value {
    let text = |ops: u128| ops.to_string();
    json!({"lower_ops": text(ops.lower_ops), "best_ops": text(ops.best_ops), "upper_ops": text(ops.upper_ops), "evidence": ops.evidence.name()})
}

fn ledger() -> (WindowLedger, ChipTable, Fleet) {
    let table = ChipTable::builtin().unwrap();
    let chip = table.by_alias("h100-sxm5").unwrap();
    let fleet = Fleet::parse_csv("key,model,site,area,domain,custody\nGPU-a,h100-sxm5,north,row-1,pod-1,\nGPU-b,h100-sxm5,north,row-1,pod-1,0:broken\n").unwrap();
    let training = SlotEntry {
        run: Some(Name::new("pre-1").unwrap()),
        format: Some(NumericFormat::Bf16),
        active_milliseconds: 1_548_000,
        operations: chip.counters(Some(NumericFormat::Bf16), 430_000 * 3_599_000),
        ..SlotEntry::still(Class::Pretraining, 3_599_000, 2_300_000_000)
    };
    let row = |device: &str, slots, end| DeviceWindow {
        device: device.to_owned(),
        slots,
        counter_start_millijoules: Some(5),
        counter_end_millijoules: end,
        evidence_hash: Hash32::of(device.as_bytes()),
    };
    let busy = vec![training, SlotEntry::unaccounted(chip, 1000, 0)];
    let down = vec![SlotEntry::still(Class::Down, 3_600_000, 0)];
    let ledger = WindowLedger {
        spec: WindowSpec { index: 3, start_ms: 1_767_225_600_000, length_ms: 3_600_000, slot_ms: 3_600_000 },
        devices: vec![row("GPU-a", vec![busy], Some(2_400_000_000)), row("GPU-b", vec![down], None)],
        alarms: vec![Alarm {
            kind: AlarmKind::Gap,
            device: "GPU-a".to_owned(),
            first_ms: 1_767_229_199_000,
            last_ms: 1_767_229_200_000,
            count: 1,
            lost_milliseconds: 1000,
            detail: "no reading".to_owned(),
        }],
    };
    (ledger, table, fleet)
}

#[test]
fn window_ledger() {
    let (ledger, table, fleet) = ledger();
    assert_eq!(ledger.check(&fleet, &table), Ok(()));
    let chip = table.by_alias("h100-sxm5").unwrap();
    let units = DeviceUnits::of(&ledger.devices[0], &ledger.spec, chip);
    let totals = ledger.totals();
    let rulebooks: Vec<Value> = Rulebook::builtin_names()
        .iter()
        .map(|id| json!({"rulebook": id, "total": interval(&Rulebook::builtin(id).unwrap().apply(&totals.record))}))
        .collect();
    check(
        "window.json",
        &json!({
            "note": "one window of one slot; device GPU-a trains in bf16 at 43 % tensor activity for 3,599 s, then 1 s unaccounted; GPU-b is broken",
            "fleet_csv": fleet.to_csv(),
            "row_0_cbor": hex::encode(ledger.devices[0].encode().unwrap()),
            "ledger_bytes": hex::encode(ledger.encode().unwrap()),
            "ledger_hash": ledger.hash().unwrap().to_string(),
            "units_of_row_0": {"seconds": units.seconds, "petaops": units.petaops, "kilojoules": units.kilojoules,
                "runs": units.runs.iter().map(|((class, run), petaops)| json!([class.name(), run.as_str(), petaops])).collect::<Vec<_>>()},
            "pretraining": interval(&totals.class(Class::Pretraining).operations),
            "unaccounted": interval(&totals.class(Class::Unaccounted).operations),
            "rulebooks": rulebooks,
        }),
    );
}

#[test]
fn hashes_and_groups() {
    let table = ChipTable::builtin().unwrap();
    let rulebooks: Vec<Value> = Rulebook::builtin_names()
        .iter()
        .map(|id| json!([id, Rulebook::builtin(id).unwrap().hash.to_string()]))
        .collect();
    let mut csv = String::from("key,model,site,area,domain\n");
    for device in 0..10 {
        csv += &format!(
            "GPU-{device},{},s,a{},d{}\n",
            if device == 9 { "l4" } else { "h100-sxm5" },
            device / 7,
            device % 2
        );
    }
    let fleet = Fleet::parse_csv(&csv).unwrap();
    let groups: Vec<Value> = fleet
        .groups(4)
        .iter()
        .map(|group| {
            let keys: Vec<_> = group.device_indices.iter().map(|i| fleet.devices()[*i as usize].key.clone()).collect();
            json!({"index": group.index, "area": group.area.as_str(), "model": group.model.as_str(), "devices": keys})
        })
        .collect();
    check(
        "hashes.json",
        &json!({
            "chip_table": {"version": table.version(), "id": table.id().to_string()},
            "rulebooks": rulebooks,
            "key_hash": [{"key": "GPU-a", "hash": key_hash("GPU-a").to_string()}],
            "groups": {"fleet_csv": csv, "max": 4, "groups": groups},
        }),
    );
}

#[test]
fn arithmetic() {
    let table = ChipTable::builtin().unwrap();
    let chip = |id: &str| table.by_alias(id).unwrap();
    let cases: Vec<Value> = [
        (10u64, vec![333u128, 333, 334]),
        (1, vec![1, 1]),
        (86_400, vec![43_200_499, 43_199_501]),
        (5, vec![0, 0]),
        (7, vec![1 << 100, 1 << 100, 1 << 99]),
    ]
    .iter()
    .map(|(total, weights)| {
        let text: Vec<String> = weights.iter().map(u128::to_string).collect();
        json!({"total": total, "weights": text, "shares": apportion(*total, weights)})
    })
    .collect();
    let equivalents = ["h100-sxm5", "h20", "gb300", "tpu-v6e"]
        .map(|id| json!([id, chip(id).h100e_16_millionths(), chip(id).h100e_8_millionths()]));
    let mut record = OperationRecord::default();
    record.add(Class::Pretraining, Some(NumericFormat::Fp32), OpsInterval::exact(101, Evidence::HardwareCounters));
    record.add(Class::Experiment, None, OpsInterval::unaccounted(1000, 1500));
    check(
        "arithmetic.json",
        &json!({
            "apportion": cases,
            "allocation_h100_1ms": interval(&chip("h100-sxm5").allocation(None, 1)),
            "allocation_h100_bf16_1ms": interval(&chip("h100-sxm5").allocation(Some(NumericFormat::Bf16), 1)),
            "counters_gb300_333333_micro_x_7ms": interval(&chip("gb300").counters(None, 333_333 * 7)),
            "unaccounted_t4_999ms": interval(&chip("t4").unaccounted(999)),
            "energy_1001mj_at_3_5_7_per_joule": interval(&OpsInterval::energy(1001, [3, 5, 7])),
            "treaty_total_of_101_fp32_and_1500_unknown": interval(&Rulebook::builtin("miri-treaty-2025").unwrap().apply(&record)),
            "h100e_millionths": equivalents,
        }),
    );
}
