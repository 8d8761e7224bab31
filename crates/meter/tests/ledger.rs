//! From rows to a window ledger that the ledger's own check accepts.
#![allow(clippy::unwrap_used)] // helpers outside #[test] functions

mod made_rows;

use made_rows::{ALL, ENERGY, GAUGES, Row, START_MS, metered};
use standstill_ledger::{
    AlarmKind, ChipTable, Custody, CustodyChange, Device, Evidence, Fleet, WindowLedger, WindowSpec,
};
use standstill_meter::sample::MISSING;
use standstill_meter::{FinishOptions, JobFacts, JobMap, MeterError, Partials, UpperRule};
use standstill_statement::{Class, Name, NumericFormat};

const H100_PEAK: u128 = 1_979_000_000_000_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn fleet(devices: usize) -> Fleet {
    let device = |index| Device {
        key: made_rows::device_name(index),
        model: name("h100-sxm5"),
        site: name("oslo"),
        area: name("row-1"),
        domain: name("pod-1"),
        custody: Vec::new(),
    };
    Fleet::new((0..devices).map(device).collect()).unwrap()
}

fn spec(hours: u64) -> WindowSpec {
    WindowSpec { index: 0, start_ms: START_MS, length_ms: hours * 3_600_000, slot_ms: 3_600_000 }
}

fn jobs() -> JobMap {
    let mut jobs = JobMap::new();
    jobs.insert("7", JobFacts { run: Some(name("big-run")), ..JobFacts::of_class(Class::Pretraining) });
    jobs.insert("8", JobFacts::of_class(Class::Inference));
    jobs
}

fn finish(partials: &Partials, fleet: &Fleet, jobs: &JobMap) -> WindowLedger {
    partials.finish(fleet, &ChipTable::builtin().unwrap(), &spec(2), jobs, FinishOptions::default()).unwrap()
}

/// Two hours of one device, a row every 10 s, the closing one included.
fn two_hours() -> Vec<Row> {
    (0..=720).map(|step| Row::at(step * 10)).collect()
}

fn alarms(ledger: &WindowLedger) -> Vec<AlarmKind> {
    ledger.alarms.iter().map(|alarm| alarm.kind).collect()
}

#[test]
fn a_full_window_has_nothing_unaccounted() {
    let ledger = finish(&metered(&two_hours(), GAUGES, &[100]), &fleet(1), &jobs());
    assert!(ledger.alarms.is_empty(), "{:?}", ledger.alarms);
    let entry = &ledger.devices[0].slots[0][0];
    assert_eq!(
        (entry.class, entry.milliseconds, entry.energy_millijoules),
        (Class::Pretraining, 3_600_000, 1_800_000_000)
    );
    let figure = entry.operations;
    assert_eq!(figure.evidence, Evidence::HardwareCounters);
    assert_eq!(figure.upper_ops, H100_PEAK * 3_600, "the upper bound is chip time at the highest dense peak");
    assert_eq!(figure.best_ops, 989_400_000_000_000 * 1_800, "half active at the 16-bit peak");
}

#[test]
fn activity_lowers_the_upper_bound_only_when_the_agreement_accepts_it() {
    let partials = metered(&two_hours(), GAUGES, &[100]);
    let table = ChipTable::builtin().unwrap();
    let options = FinishOptions { upper: UpperRule::ActiveTime };
    let ledger = partials.finish(&fleet(1), &table, &spec(2), &jobs(), options).unwrap();
    assert_eq!(ledger.devices[0].slots[0][0].operations.upper_ops, H100_PEAK * 1_800);
    let mut formats = jobs();
    formats.jobs.get_mut("7").unwrap().format = Some(NumericFormat::Bf16);
    let ledger = finish(&partials, &fleet(1), &formats);
    assert_eq!(ledger.devices[0].slots[0][0].operations.upper_ops, 989_400_000_000_000 * 3_600);
}

#[test]
fn silence_is_unaccounted_at_peak() {
    let rows: Vec<Row> = two_hours()
        .into_iter()
        .filter(|row| !(START_MS + 1_000_000..START_MS + 1_600_000).contains(&row.time_ms))
        .collect();
    let ledger = finish(&metered(&rows, GAUGES, &[100]), &fleet(2), &jobs());
    let lost = &ledger.devices[0].slots[0][1];
    assert_eq!(
        (lost.class, lost.milliseconds, lost.operations.upper_ops),
        (Class::Unaccounted, 610_000, H100_PEAK * 610)
    );
    // The second device never spoke.
    assert_eq!(
        (ledger.devices[1].slots[1][0].class, ledger.devices[1].slots[1][0].milliseconds),
        (Class::Unaccounted, 3_600_000)
    );
    assert_eq!(alarms(&ledger), [AlarmKind::Gap, AlarmKind::Gap]);
}

#[test]
fn unknown_devices_and_jobs_are_alarms_not_dropped_rows() {
    let mut rows = two_hours();
    rows.iter_mut().for_each(|row| row.job = "1234".into());
    rows.extend(two_hours().into_iter().map(|row| Row { device: 5, ..row }));
    let ledger = finish(&metered(&rows, GAUGES, &[100]), &fleet(1), &jobs());
    assert_eq!(alarms(&ledger), [AlarmKind::UnknownDevice, AlarmKind::UnknownJob]);
    assert_eq!((ledger.alarms[0].device.as_str(), ledger.alarms[0].count), ("GPU-5", 720));
    assert!(ledger.devices[0].slots.iter().flatten().all(|entry| entry.class == Class::Unaccounted));
}

#[test]
fn activity_without_a_job_is_not_idle() {
    let quiet: Vec<Row> = two_hours().into_iter().map(Row::idle).collect();
    let ledger = finish(&metered(&quiet, GAUGES, &[100]), &fleet(1), &jobs());
    assert_eq!((ledger.devices[0].slots[0][0].class, ledger.devices[0].slots[0].len()), (Class::Idle, 1));
    let busy: Vec<Row> = two_hours().into_iter().map(|row| row.job("")).collect();
    let ledger = finish(&metered(&busy, GAUGES, &[100]), &fleet(1), &jobs());
    assert_eq!(ledger.devices[0].slots[0][0].class, Class::Unaccounted);
}

#[test]
fn blanked_counters_and_a_dropped_label_do_not_buy_idle_time() {
    let class_at = |power: u32| {
        let blind = |row: Row| Row { tensor: MISSING, dram: MISSING, power, ..row.job("") };
        let rows: Vec<Row> = two_hours().into_iter().map(blind).collect();
        finish(&metered(&rows, GAUGES, &[100]), &fleet(1), &jobs()).devices[0].slots[0][0].class
    };
    assert_eq!(class_at(MISSING), Class::Unaccounted);
    assert_eq!(class_at(400_000), Class::Unaccounted);
    // At the idle power of the chip table nothing runs.
    let idle_watts = ChipTable::builtin().unwrap().get(&name("h100-sxm5")).unwrap().idle_watts;
    if let Some(watts) = idle_watts {
        assert_eq!(class_at(watts * 1_000), Class::Idle);
    }
}

#[test]
fn a_device_out_of_service_is_down_and_its_activity_unaccounted() {
    let mut device = fleet(1).devices()[0].clone();
    device.custody = vec![CustodyChange { from_window: 0, state: Custody::Broken }];
    let fleet = Fleet::new(vec![device]).unwrap();
    let silent = Partials::new(standstill_meter::SourceContract::dcgm(10_000), made_rows::GRID);
    assert_eq!(finish(&silent, &fleet, &jobs()).devices[0].slots[0][0].class, Class::Down);
    let ledger = finish(&metered(&two_hours(), GAUGES, &[100]), &fleet, &jobs());
    assert_eq!(ledger.devices[0].slots[0][0].class, Class::Unaccounted);
}

#[test]
fn energy_adds_up_to_the_counter_at_the_borders() {
    // Rows off the border, from 5 s before the window to 5 s after it: the stretch over the end belongs to the next window.
    let rows = (0..=721).map(|step| {
        let mut row = Row::at(step * 10).energy(u64::try_from(step).unwrap() * 5_000_000);
        row.time_ms -= 5_000;
        row
    });
    let rows: Vec<Row> = rows.collect();
    let ledger = finish(&metered(&rows, ENERGY, &[100]), &fleet(1), &jobs());
    let device = &ledger.devices[0];
    assert_eq!((device.counter_start_millijoules, device.counter_end_millijoules), (Some(0), Some(720 * 5_000_000)));
    let spent: u64 = device.slots.iter().flatten().map(|entry| entry.energy_millijoules).sum();
    assert_eq!(spent, 720 * 5_000_000);
}

#[test]
fn a_reset_costs_its_stretch_and_raises_an_alarm() {
    let energy = |step: i64| u64::try_from(if step < 300 { step } else { step - 300 }).unwrap() * 5_000_000;
    let rows: Vec<Row> = (0..=720).map(|step| Row::at(step * 10).energy(energy(step))).collect();
    let ledger = finish(&metered(&rows, ENERGY, &[100]), &fleet(1), &jobs());
    assert_eq!(alarms(&ledger), [AlarmKind::CounterReset]);
    assert_eq!(ledger.alarms[0].lost_milliseconds, 10_000);
    let lost: u32 =
        ledger.devices[0].slots[0].iter().filter(|e| e.class == Class::Unaccounted).map(|e| e.milliseconds).sum();
    assert_eq!(lost, 10_000);
}

#[test]
fn best_evidence_comes_in_its_fixed_order() {
    let mut declared = jobs();
    let facts = declared.jobs.get_mut("7").unwrap();
    (facts.operations, facts.operations_exponent) = (Some(36), 17);
    // Counters beat the declaration.
    let ledger = finish(&metered(&two_hours(), GAUGES, &[100]), &fleet(1), &declared);
    assert_eq!(ledger.devices[0].slots[0][0].operations.evidence, Evidence::HardwareCounters);
    // Without activity the declaration, shared by time, is the best estimate.
    let blind: Vec<Row> =
        two_hours().into_iter().map(|row| Row { tensor: MISSING, dram: MISSING, power: MISSING, ..row }).collect();
    let partials = metered(&blind, GAUGES, &[100]);
    let figure = finish(&partials, &fleet(1), &declared).devices[0].slots[0][0].operations;
    assert_eq!((figure.evidence, figure.best_ops), (Evidence::DeclaredModelOperations, 1_800_000_000_000_000_000));
    // Without either, allocation at peak.
    let figure = finish(&partials, &fleet(1), &jobs()).devices[0].slots[0][0].operations;
    assert_eq!(
        (figure.evidence, figure.lower_ops, figure.upper_ops),
        (Evidence::AllocationAtPeak, 0, H100_PEAK * 3_600)
    );
}

#[test]
fn cycle_counters_come_before_the_gauge() {
    let rows: Vec<Row> = (0..=720u32)
        .map(|step| Row::at((step * 10).into()).cycles(u64::from(step) * 9, u64::from(step) * 10))
        .collect();
    let figure = finish(&metered(&rows, ALL, &[100]), &fleet(1), &jobs()).devices[0].slots[0][0].operations;
    assert_eq!(figure.best_ops, 989_400_000_000_000 * 3_240);
}

#[test]
fn the_window_must_lie_on_the_grid() {
    let partials = metered(&two_hours(), GAUGES, &[100]);
    let off = WindowSpec { start_ms: START_MS + 1, ..spec(2) };
    let error = partials
        .finish(&fleet(1), &ChipTable::builtin().unwrap(), &off, &jobs(), FinishOptions::default())
        .unwrap_err();
    assert!(matches!(error, MeterError::DifferentRules { .. }), "{error}");
}

#[test]
fn the_evidence_hash_moves_with_any_reading() {
    let rows = two_hours();
    let mut changed = rows.clone();
    changed[5].tensor += 1;
    let hash = |rows: &[Row]| finish(&metered(rows, GAUGES, &[100]), &fleet(1), &jobs()).devices[0].evidence_hash;
    assert_ne!(hash(&rows), hash(&changed));
    // Other devices do not move it.
    let mut more = rows.clone();
    more.extend(rows.iter().map(|row| Row { device: 3, job: "aa".into(), ..row.clone() }));
    assert_eq!(hash(&rows), hash(&more));
}
