//! Each invariant: one ledger that keeps it, one that breaks it alone.

use super::*;
use crate::alarm::AlarmKind;
use crate::chips::{ChipModel, ChipTable};
use crate::error::LedgerError;
use crate::fleet::Fleet;
use crate::interval::Evidence;
use crate::lineage::Lineage;
use standstill_statement::RunDeclaration;

const HOUR_MS: u32 = 3_600_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn table() -> ChipTable {
    ChipTable::builtin().unwrap()
}

fn h100(table: &ChipTable) -> &ChipModel {
    table.get(&name("h100-sxm5")).unwrap()
}

fn fleet() -> Fleet {
    let csv = "key,model,site,area,domain,custody\nGPU-a,h100-sxm5,s,a1,d1,\nGPU-b,h100-sxm5,s,a1,d1,5:broken\n";
    Fleet::parse_csv(csv).unwrap()
}

fn training(chip: &ChipModel, milliseconds: u32) -> SlotEntry {
    SlotEntry {
        class: Class::Pretraining,
        run: Some(name("r1")),
        format: None,
        milliseconds,
        active_milliseconds: milliseconds,
        operations: chip.allocation(None, u64::from(milliseconds)),
        energy_millijoules: u64::from(milliseconds) * 500,
    }
}

/// Two devices, two slots of an hour: training with a short gap, then idle; and one idle device.
fn ledger() -> WindowLedger {
    let table = table();
    let chip = h100(&table);
    let spec = WindowSpec { index: 3, start_ms: 1_700_000_000_000, length_ms: 7_200_000, slot_ms: 3_600_000 };
    let busy = vec![training(chip, HOUR_MS - 1000), SlotEntry::unaccounted(chip, 1000, 0)];
    let row = |device: &str, slots| DeviceWindow {
        device: device.to_owned(),
        slots,
        counter_start_millijoules: Some(1_000_000),
        counter_end_millijoules: Some(9_000_000_000),
        evidence_hash: Hash32::of(b"evidence"),
    };
    let idle = || vec![SlotEntry::still(Class::Idle, HOUR_MS, 252_000_000)];
    let alarm = Alarm {
        kind: AlarmKind::Gap,
        device: "GPU-a".to_owned(),
        first_ms: spec.start_ms,
        last_ms: spec.start_ms + 1000,
        count: 1,
        lost_milliseconds: 1000,
        detail: String::new(),
    };
    let devices = vec![row("GPU-a", vec![busy, idle()]), row("GPU-b", vec![idle(), idle()])];
    WindowLedger { spec, devices, alarms: vec![alarm] }
}

fn errors(ledger: &WindowLedger) -> Vec<LedgerError> {
    ledger.check(&fleet(), &table()).expect_err("this ledger breaks an invariant")
}

/// Breaks one thing and expects exactly one kind of error.
fn broken(change: impl FnOnce(&mut WindowLedger), expected: impl Fn(&LedgerError) -> bool) {
    let mut ledger = ledger();
    change(&mut ledger);
    let errors = errors(&ledger);
    assert!(errors.iter().all(expected), "{errors:?}");
}

#[test]
fn a_tiled_ledger_passes() {
    assert_eq!(ledger().check(&fleet(), &table()), Ok(()));
}

#[test]
fn a_missing_device_is_refused() {
    broken(|l| drop(l.devices.pop()), |e| matches!(e, LedgerError::DeviceMissing { device, .. } if device == "GPU-b"));
}

#[test]
fn a_device_twice_is_refused() {
    broken(|l| l.devices.push(l.devices[1].clone()), |e| matches!(e, LedgerError::DeviceRepeated { .. }));
    broken(|l| l.devices.swap(0, 1), |e| matches!(e, LedgerError::DeviceRepeated { .. }));
}

#[test]
fn an_unregistered_device_is_refused() {
    broken(
        |l| {
            let mut row = l.devices[1].clone();
            row.device = "GPU-c".to_owned();
            l.devices.push(row);
        },
        |e| matches!(e, LedgerError::DeviceUnknown { device, .. } if device == "GPU-c"),
    );
}

#[test]
fn a_missing_slot_is_refused() {
    broken(|l| drop(l.devices[1].slots.pop()), |e| matches!(e, LedgerError::SlotCount { found: 1, expected: 2, .. }));
}

#[test]
fn a_millisecond_too_few_or_too_many_is_refused() {
    let short = |l: &mut WindowLedger| l.devices[1].slots[0][0].milliseconds -= 1;
    broken(short, |e| matches!(e, LedgerError::SlotSum { found_ms: 3_599_999, .. }));
    let long = |l: &mut WindowLedger| l.devices[1].slots[0][0].milliseconds += 1;
    broken(long, |e| matches!(e, LedgerError::SlotSum { found_ms: 3_600_001, .. }));
    broken(|l| l.devices[1].slots[0].clear(), |e| matches!(e, LedgerError::SlotSum { found_ms: 0, .. }));
}

#[test]
fn entries_that_wrap_32_bits_are_refused() {
    // 2^32 ms more than the slot: a 32-bit sum would accept it.
    let wrap = |l: &mut WindowLedger| {
        let half = SlotEntry::still(Class::Down, 1 << 31, 0);
        l.devices[1].slots[0].extend([half.clone(), half]);
    };
    broken(wrap, |e| matches!(e, LedgerError::SlotSum { .. } | LedgerError::EntryOrder { .. }));
}

#[test]
fn empty_repeated_or_unsorted_entries_are_refused() {
    let order = |e: &LedgerError| matches!(e, LedgerError::EntryOrder { .. });
    broken(|l| l.devices[0].slots[0].swap(0, 1), order);
    broken(|l| l.devices[1].slots[0].push(SlotEntry::still(Class::Down, 0, 0)), order);
    let split = |l: &mut WindowLedger| {
        l.devices[1].slots[0] = vec![SlotEntry::still(Class::Idle, HOUR_MS / 2, 0); 2];
    };
    broken(split, order);
}

#[test]
fn more_active_time_than_time_is_refused() {
    let more = |l: &mut WindowLedger| l.devices[0].slots[0][0].active_milliseconds = HOUR_MS;
    broken(more, |e| matches!(e, LedgerError::ActiveTime { .. }));
}

#[test]
fn an_interval_out_of_order_is_refused() {
    let swap = |l: &mut WindowLedger| l.devices[0].slots[0][0].operations.lower_ops = u128::MAX;
    broken(swap, |e| matches!(e, LedgerError::IntervalOrder { .. }));
}

#[test]
fn one_operation_above_the_peak_is_refused() {
    broken(
        |l| l.devices[0].slots[0][0].operations.upper_ops += 1,
        |e| matches!(e, LedgerError::AbovePeak { found, most, .. } if *found == most + 1),
    );
    // Evidence of bf16 halves what an H100 can have done.
    let narrow = |l: &mut WindowLedger| l.devices[0].slots[0][0].format = Some(NumericFormat::Bf16);
    broken(narrow, |e| matches!(e, LedgerError::AbovePeak { .. }));
    // A chip with less active time can have done less.
    let less = |l: &mut WindowLedger| l.devices[0].slots[0][0].active_milliseconds /= 2;
    broken(less, |e| matches!(e, LedgerError::AbovePeak { .. }));
}

#[test]
fn a_format_that_the_chip_does_not_have_is_refused() {
    let odd = |l: &mut WindowLedger| l.devices[0].slots[0][0].format = Some(NumericFormat::Fp4);
    broken(odd, |e| matches!(e, LedgerError::FormatUnknown { format: "fp4", .. }));
}

#[test]
fn operations_while_idle_or_down_are_refused() {
    for class in [Class::Idle, Class::Down] {
        let still = |e: &LedgerError| matches!(e, LedgerError::OperationsWhileStill { .. });
        broken(
            |l| {
                l.devices[0].slots[1][0].class = class;
                l.devices[0].slots[1][0].operations = OpsInterval { upper_ops: 1, ..OpsInterval::ZERO };
            },
            still,
        );
        broken(|l| l.devices[0].slots[1][0].active_milliseconds = 1, still);
    }
}

#[test]
fn weight_changing_time_without_a_run_is_refused() {
    for class in [Class::Pretraining, Class::Posttraining] {
        let nameless = |l: &mut WindowLedger| {
            l.devices[0].slots[0][0].class = class;
            l.devices[0].slots[0][0].run = None;
        };
        broken(nameless, |e| matches!(e, LedgerError::RunMissing { .. }));
    }
}

#[test]
fn a_run_while_nothing_runs_is_refused() {
    let named = |l: &mut WindowLedger| l.devices[0].slots[1][0].run = Some(name("r1"));
    broken(named, |e| matches!(e, LedgerError::RunNotAllowed { .. }));
}

#[test]
fn unaccounted_time_is_charged_at_peak() {
    let charge = |e: &LedgerError| matches!(e, LedgerError::UnaccountedCharge { .. });
    broken(
        |l| {
            l.devices[0].slots[0][1].operations.upper_ops -= 1;
            l.devices[0].slots[0][1].operations.best_ops = 0;
        },
        charge,
    );
    broken(|l| l.devices[0].slots[0][1].operations.evidence = Evidence::HardwareCounters, charge);
    broken(|l| l.devices[0].slots[0][1].format = Some(NumericFormat::Bf16), charge);
}

#[test]
fn a_broken_device_cannot_work() {
    let later = |l: &mut WindowLedger| l.spec.index = 5;
    broken(later, |e| matches!(e, LedgerError::NotInService { state: "broken", .. }));
    let mut down = ledger();
    down.spec.index = 5;
    down.devices[1].slots = vec![vec![SlotEntry::still(Class::Down, HOUR_MS, 0)]; 2];
    assert_eq!(down.check(&fleet(), &table()), Ok(()));
}

#[test]
fn a_falling_counter_needs_a_reset_alarm() {
    let fall = |l: &mut WindowLedger| l.devices[0].counter_end_millijoules = Some(5);
    broken(fall, |e| matches!(e, LedgerError::Counter { .. }));
    let mut ledger = ledger();
    fall(&mut ledger);
    ledger.alarms[0].kind = AlarmKind::CounterReset;
    assert_eq!(ledger.check(&fleet(), &table()), Ok(()));
}

#[test]
fn entries_cannot_use_more_energy_than_the_counter() {
    let more = |l: &mut WindowLedger| l.devices[1].slots[0][0].energy_millijoules = 9_000_000_000;
    broken(more, |e| matches!(e, LedgerError::Counter { .. }));
}

#[test]
fn windows_that_slots_do_not_tile_are_refused() {
    let spec = |e: &LedgerError| matches!(e, LedgerError::Spec { .. });
    for (length_ms, slot_ms) in
        [(7_200_000, 0), (0, 3_600_000), (7_200_001, 3_600_000), (7_200_500, 500), (1 << 50, 1 << 40)]
    {
        broken(|l| (l.spec.length_ms, l.spec.slot_ms) = (length_ms, slot_ms), spec);
    }
    broken(|l| l.spec.start_ms = i64::MAX, spec);
}

#[test]
fn alarms_are_sorted_data() {
    broken(|l| l.alarms.push(l.alarms[0].clone()), |e| matches!(e, LedgerError::Spec { .. }));
    broken(|l| l.alarms[0].count = 0, |e| matches!(e, LedgerError::Spec { .. }));
}

#[test]
fn a_model_outside_the_table_is_refused() {
    let fleet = Fleet::parse_csv("key,model,site,area,domain\nGPU-a,h9000,s,a,d\n").unwrap();
    let errors = ledger().check(&fleet, &table()).unwrap_err();
    assert!(matches!(&errors[..], [LedgerError::ModelUnknown { .. }]));
}

#[test]
fn runs_must_be_declared_for_the_window_and_class() {
    let declared = |class, from_window| {
        let run = RunDeclaration {
            run: name("r1"),
            parents: vec![],
            class,
            planned_petaops: 1,
            parameters: 0,
            active_parameters: 0,
            dataset_tokens: 0,
            from_window,
        };
        Lineage::new(&[run]).unwrap()
    };
    let ledger = ledger();
    assert_eq!(ledger.check_runs(&declared(Class::Pretraining, 3)), Ok(()));
    for lineage in [Lineage::default(), declared(Class::Pretraining, 4), declared(Class::Posttraining, 0)] {
        let errors = ledger.check_runs(&lineage).unwrap_err();
        assert!(matches!(&errors[..], [LedgerError::RunUndeclared { .. }]), "{errors:?}");
    }
}

#[test]
fn a_hostile_ledger_gives_bounded_complaints() {
    let mut ledger = ledger();
    let bad = vec![SlotEntry::still(Class::Down, 0, 0); 256];
    ledger.devices[0].slots = vec![bad; 2];
    ledger.devices = vec![ledger.devices[0].clone(); 5000];
    assert!(errors(&ledger).len() <= 1000);
}

#[test]
fn totals_add_up_to_devices_times_window() {
    let totals = ledger().totals();
    assert_eq!(totals.milliseconds(), 2 * 7_200_000);
    assert_eq!(totals.class(Class::Unaccounted).milliseconds, 1000);
    assert_eq!(totals.class(Class::Unaccounted).operations.upper_ops, 1_979_000_000_000_000);
    assert_eq!(totals.runs[&name("r1")].milliseconds, 3_599_000);
    assert_eq!(totals.record.get(Class::Pretraining, None).upper_ops, 1_979_000_000_000 * 3_599_000);
}

#[test]
fn encoding_round_trips_and_is_hashed() {
    let ledger = ledger();
    let bytes = ledger.encode().unwrap();
    assert_eq!(WindowLedger::decode(&bytes).unwrap(), ledger);
    let mut other = ledger.clone();
    other.devices[0].slots[0][0].energy_millijoules += 1;
    assert_ne!(other.hash().unwrap(), ledger.hash().unwrap());
}

#[test]
fn every_truncation_and_many_changes_are_refused_or_canonical() {
    let bytes = ledger().encode().unwrap();
    for length in 0..bytes.len() {
        assert!(WindowLedger::decode(&bytes[..length]).is_err(), "{length}");
    }
    for position in 0..bytes.len() {
        for flip in [1u8, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[position] ^= flip;
            if let Ok(ledger) = WindowLedger::decode(&changed) {
                assert_eq!(ledger.encode().unwrap(), changed, "two encodings of one ledger at byte {position}");
            }
        }
    }
    assert!(WindowLedger::decode(&[bytes.clone(), vec![0]].concat()).is_err());
}

#[test]
fn announced_counts_do_not_allocate() {
    let mut bytes = b"standstill-ledger/1\n".to_vec();
    let ledger = WindowLedger { devices: vec![], alarms: vec![], ..ledger() };
    let header = ledger.encode().unwrap()[20..].to_vec();
    bytes.extend(&header);
    assert!(WindowLedger::decode(&bytes).is_ok());
    // The same header, with a record length of 4 GiB.
    bytes[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(WindowLedger::decode(&bytes), Err(LedgerError::Encoding { offset: 20, .. })));
}
