//! Whole units for the seal, and the arithmetic of intervals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use proptest::prelude::*;
use standstill_ledger::interval::peak_ops;
use standstill_ledger::units::{OPS_PER_PETAOP, apportion};
use standstill_ledger::{ChipTable, DeviceUnits, DeviceWindow, Evidence, OpsInterval, SlotEntry, WindowSpec};
use standstill_statement::{Class, Hash32, Name};

const HOUR_MS: u32 = 3_600_000;

#[test]
fn largest_remainders_get_the_rest() {
    assert_eq!(apportion(10, &[333, 333, 334]), [3, 3, 4]);
    assert_eq!(apportion(1, &[1, 1]), [1, 0], "a tie goes to the lower index");
    assert_eq!(apportion(3, &[1999, 1001, 0]), [2, 1, 0]);
    assert_eq!(apportion(5, &[0, 0]), [0, 0]);
    assert_eq!(apportion(0, &[7]), [0]);
}

proptest! {
    #[test]
    fn apportionment_is_exact_and_fair(total in any::<u64>(), weights in prop::collection::vec(any::<u128>().prop_map(|w| w >> 8), 1..12)) {
        let shares = apportion(total, &weights);
        let sum: u128 = shares.iter().map(|share| u128::from(*share)).sum();
        prop_assert!(sum == u128::from(total) || weights.iter().all(|weight| *weight == 0));
    }

    #[test]
    fn shares_are_within_one_of_the_quota(total in 0u64..100_000, weights in prop::collection::vec(0u64..90_000_000, 1..10)) {
        let sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        prop_assume!(sum > 0);
        let wide: Vec<u128> = weights.iter().map(|w| u128::from(*w)).collect();
        for (share, weight) in apportion(total, &wide).into_iter().zip(wide) {
            let quota = weight * u128::from(total) / sum;
            prop_assert!(u128::from(share) == quota || u128::from(share) == quota + 1);
        }
    }
}

fn spec() -> WindowSpec {
    WindowSpec { index: 0, start_ms: 0, length_ms: 86_400_000, slot_ms: u64::from(HOUR_MS) }
}

/// A day whose slots are cut at the given milliseconds, classes in turn, every working stretch at the full peak.
fn day(model: &str, cuts: &[(u8, u32)]) -> (DeviceWindow, standstill_ledger::ChipModel) {
    let table = ChipTable::builtin().unwrap();
    let chip = table.get(&Name::new(model).unwrap()).unwrap().clone();
    let slots = (0..24).map(|slot| {
        let (class, cut) = cuts[slot % cuts.len()];
        let class = Class::ALL[usize::from(class)];
        let entry = |class: Class, milliseconds: u32| match class {
            Class::Idle | Class::Down => SlotEntry::still(class, milliseconds, 1),
            Class::Unaccounted => SlotEntry::unaccounted(&chip, milliseconds, 1),
            _ => SlotEntry {
                run: Some(Name::new(&format!("r{}", slot % 3)).unwrap()),
                active_milliseconds: milliseconds,
                operations: chip.allocation(None, u64::from(milliseconds)),
                ..SlotEntry::still(class, milliseconds, 1)
            },
        };
        [entry(class, cut), entry(Class::Idle, HOUR_MS - cut)].into_iter().filter(|e| e.milliseconds > 0).collect()
    });
    let row = DeviceWindow {
        device: "GPU-1".to_owned(),
        slots: slots.collect(),
        counter_start_millijoules: None,
        counter_end_millijoules: None,
        evidence_hash: Hash32::default(),
    };
    (row, chip)
}

proptest! {
    #[test]
    fn whole_units_keep_conservation_and_the_physical_bound(
        cuts in prop::collection::vec((0u8..9, 1u32..HOUR_MS), 1..24),
        model in prop::sample::select(vec!["t4", "h100-sxm5", "gb300", "l4", "h20", "b200"]),
    ) {
        let (row, chip) = day(model, &cuts);
        let units = DeviceUnits::of(&row, &spec(), &chip);
        prop_assert_eq!(units.seconds.iter().map(|s| u64::from(*s)).sum::<u64>(), 86_400);
        let peak = u128::from(chip.highest_peak_ops_per_second());
        for class in 0..Class::WORKING {
            let (seconds, petaops) = (u128::from(units.seconds[class]), u128::from(units.petaops[class]));
            prop_assert!(peak * seconds >= petaops * OPS_PER_PETAOP);
            let exact: u128 = row.slots.iter().flatten().filter(|e| e.class as usize == class).map(|e| e.operations.upper_ops).sum();
            // Never more than one second and one petaop below what was metered.
            prop_assert!((petaops + 1) * OPS_PER_PETAOP + peak >= exact);
            let runs: u64 = units.runs.iter().filter(|((c, _), _)| *c as usize == class).map(|(_, share)| share).sum();
            prop_assert_eq!(u128::from(runs), petaops, "every working stretch here has a run");
        }
    }
}

#[test]
fn a_full_day_of_training_is_whole_in_every_unit() {
    let (row, chip) = day("h100-sxm5", &[(0, HOUR_MS)]);
    let units = DeviceUnits::of(&row, &spec(), &chip);
    assert_eq!(units.seconds, [86_400, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(units.petaops[0], 1979 * 864 / 10, "floor of 170,985.6: peak times whole seconds bounds it");
    let shares: Vec<_> =
        ["r0", "r1", "r2"].map(|run| units.runs[&(Class::Pretraining, Name::new(run).unwrap())]).to_vec();
    assert_eq!(shares.iter().sum::<u64>(), units.petaops[0]);
    assert_eq!(units.kilojoules, 1, "24 mJ, rounded up");
    assert_eq!(units.runs.len(), 3);
}

fn interval() -> impl Strategy<Value = OpsInterval> {
    let evidence = prop::sample::select(vec![
        Evidence::HardwareCounters,
        Evidence::EnergyPerOperation,
        Evidence::AllocationAtPeak,
        Evidence::None,
    ]);
    (any::<[u64; 3]>(), evidence).prop_map(|(mut bounds, evidence)| {
        bounds.sort_unstable();
        let [lower_ops, best_ops, upper_ops] = bounds.map(u128::from);
        OpsInterval { lower_ops, best_ops, upper_ops, evidence }
    })
}

proptest! {
    #[test]
    fn sums_contain_sums(a in interval(), b in interval(), c in interval()) {
        let sum = a.plus(b);
        prop_assert!(sum.is_ordered() && sum.contains(a.best_ops + b.best_ops));
        prop_assert_eq!(sum, b.plus(a));
        prop_assert_eq!(sum.plus(c), a.plus(b.plus(c)));
        prop_assert_eq!(a.plus(OpsInterval::EMPTY), a);
    }

    #[test]
    fn intersections_keep_the_truth(a in interval(), b in interval(), truth in any::<u64>()) {
        let truth = u128::from(truth);
        match a.intersect(b) {
            Some(both) => {
                prop_assert!(both.is_ordered());
                prop_assert_eq!(both.contains(truth), a.contains(truth) && b.contains(truth));
            }
            None => prop_assert!(!(a.contains(truth) && b.contains(truth))),
        }
    }

    #[test]
    fn scaling_and_capping_widen_only_outwards(a in interval(), n in 1u64..100, d in 1u64..100, cap in any::<u64>()) {
        let scaled = a.scaled(n, d);
        prop_assert!(scaled.is_ordered());
        prop_assert!(scaled.upper_ops * u128::from(d) >= a.upper_ops * u128::from(n));
        prop_assert!(scaled.lower_ops * u128::from(d) <= a.lower_ops * u128::from(n));
        prop_assert!(a.capped(u128::from(cap)).is_ordered());
    }

    #[test]
    fn counters_never_exceed_the_peak(peak in 1u64..20_000_000_000_000_000, reference in 0u64..3_000_000_000_000_000, ms in 0u32..HOUR_MS, share in 0u64..=1_000_000) {
        let interval = OpsInterval::counters(peak, reference, u128::from(share) * u128::from(ms));
        prop_assert!(interval.is_ordered());
        let active_ms = (share * u64::from(ms)).div_ceil(1_000_000);
        prop_assert!(interval.upper_ops <= peak_ops(peak, active_ms));
    }
}

#[test]
fn declared_operations_do_not_lower_the_ceiling() {
    let declared = OpsInterval::declared(6 * 1000, 50, 1_000_000);
    assert_eq!((declared.lower_ops, declared.best_ops, declared.upper_ops), (300_000, 300_000, 1_000_000));
    assert_eq!(OpsInterval::declared(u128::MAX, 2, 10).best_ops, 10);
}

#[test]
fn disagreeing_evidence_is_not_averaged() {
    let low = OpsInterval { lower_ops: 0, best_ops: 1, upper_ops: 2, evidence: Evidence::HardwareCounters };
    let high = OpsInterval { lower_ops: 3, best_ops: 4, upper_ops: 5, evidence: Evidence::EnergyPerOperation };
    assert_eq!(low.intersect(high), None);
}
