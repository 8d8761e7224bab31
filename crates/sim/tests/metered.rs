//! A generated day through the real meter: what was metered against what really happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use standstill_ledger::{AlarmKind, ChipTable, Lineage, Totals, WindowLedger, WindowSpec};
use standstill_meter::source::{self, SourceKind, SourceOptions};
use standstill_meter::{FinishOptions, Grid};
use standstill_sim::{Cheat, Evasion, LabSpec, Level, World, WorldSpec};
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;
use std::path::Path;

const START: u64 = 1_767_225_600;
const DAY_MS: u64 = 86_400_000;

fn world(evasion: Option<Evasion>) -> World {
    let lab = LabSpec {
        id: Name::new("north").unwrap(),
        model: Name::new("h100-sxm5").unwrap(),
        devices: 64,
        areas: 2,
        training: vec![Level { from_day: 1, per_mille: 250 }],
        evasion,
    };
    World::new(11, &WorldSpec { start_unix_seconds: START, days: 2, period_ms: 60_000, labs: vec![lab] }).unwrap()
}

/// The ledger of one day, and true milliseconds per class.
fn metered(world: &World, day: u32) -> (WindowLedger, BTreeMap<Class, u128>) {
    let dir = tempfile::tempdir().unwrap();
    let files = world.write_day(dir.path(), 0, day).unwrap();
    let origin_ms = (START * 1000).cast_signed();
    let grid = Grid { origin_ms, slot_ms: 3_600_000 };
    let options = SourceOptions { period_ms: 60_000, threads: 1, ..SourceOptions::new(grid) };
    let accounting = source::accounting(SourceKind::SacctParsable, &[files.accounting], &options).unwrap();
    let telemetry = source::open(SourceKind::DcgmParquet, &[files.telemetry], &options).unwrap();
    let spec = WindowSpec {
        index: u64::from(day),
        start_ms: origin_ms.saturating_add_unsigned(u64::from(day) * DAY_MS),
        length_ms: DAY_MS,
        slot_ms: 3_600_000,
    };
    let (fleet, table) = (world.labs()[0].fleet().unwrap(), ChipTable::builtin().unwrap());
    let jobs = accounting.job_map().unwrap();
    let ledger = telemetry.partials.finish(&fleet, &table, &spec, &jobs, FinishOptions::default()).unwrap();
    assert_eq!(ledger.check(&fleet, &table), Ok(()));
    (ledger, truth(&files.truth))
}

fn truth(path: &Path) -> BTreeMap<Class, u128> {
    let mut sums = BTreeMap::new();
    for record in csv::Reader::from_path(path).unwrap().records().map(Result::unwrap) {
        *sums.entry(Class::from_name(&record[2]).unwrap()).or_default() += record[4].parse::<u128>().unwrap();
    }
    sums
}

fn milliseconds(totals: &Totals, class: Class) -> u128 {
    totals.class(class).milliseconds
}

#[test]
fn an_honest_day_is_metered_to_the_truth_less_its_gaps() {
    let world = world(None);
    for day in 0..2 {
        let (ledger, truth) = metered(&world, day);
        assert_eq!(ledger.check_runs(&Lineage::new(&world.labs()[0].runs()).unwrap()), Ok(()));
        let totals = ledger.totals();
        let lost = milliseconds(&totals, Class::Unaccounted);
        println!("day {day}: unaccounted {lost} ms of {}, {} alarms", totals.milliseconds(), ledger.alarms.len());
        assert!(lost * 1000 < totals.milliseconds(), "gaps are below 0.1 %: {lost}");
        let mut missing = 0;
        for class in Class::ALL.into_iter().filter(|class| *class != Class::Unaccounted) {
            let (found, real) = (milliseconds(&totals, class), truth.get(&class).copied().unwrap_or(0));
            println!("  {class}: metered {found}, true {real}");
            assert!(found <= real, "{class}: metered {found} ms of {real} ms");
            missing += real - found;
        }
        assert_eq!(missing, lost, "whatever is not metered is unaccounted, and nothing else");
        assert!(
            ledger.alarms.iter().all(|a| matches!(a.kind, AlarmKind::Gap | AlarmKind::CounterReset)),
            "{:?}",
            ledger.alarms
        );
    }
}

#[test]
fn a_dropped_tail_becomes_unaccounted() {
    let (ledger, truth) = metered(&world(Some(Evasion { cheat: Cheat::TailDrop, from_day: 1 })), 1);
    let totals = ledger.totals();
    let lost = milliseconds(&totals, Class::Unaccounted);
    // 24 devices of the pool of 32 rest under the level of a quarter; six hours each.
    assert!(lost >= 24 * 6 * 3_600_000 * 99 / 100, "{lost}");
    assert!(milliseconds(&totals, Class::Pretraining) < truth[&Class::Pretraining]);
}

#[test]
fn relabelled_training_looks_like_inference_to_the_ledger() {
    let (ledger, truth) = metered(&world(Some(Evasion { cheat: Cheat::Relabel, from_day: 1 })), 1);
    let totals = ledger.totals();
    assert!(
        milliseconds(&totals, Class::Inference) > truth[&Class::Inference],
        "the ledger alone cannot see it; audits can"
    );
}
