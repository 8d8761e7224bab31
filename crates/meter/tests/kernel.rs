//! The streaming kernel against a slow meter written from the rules, and the algebra of partial results.
#![allow(clippy::unwrap_used)] // helpers outside #[test] functions

mod made_rows;

use made_rows::{ALL, ENERGY, GAUGES, GRID, Row, START_MS, found, metered, slow_meter};
use proptest::prelude::*;
use standstill_meter::sample::{MISSING, MISSING_COUNTER};
use standstill_meter::{Grid, MeterError, Partials, SourceContract};

/// Rows of up to three devices over some hours: mostly even steps, some gaps and repeats, jobs that change, blanks, rising counters.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let step = prop_oneof![12 => Just(10_000i64), 2 => 1..=30_000i64, 1 => 30_001..5_000_000i64];
    let value = prop_oneof![8 => 0..=1_000_000u32, 1 => Just(0u32), 1 => Just(MISSING)];
    let one = (step, value.clone(), value, 0..3_000_000u32, 0..40u8, 0..1_000_000u64, 0..1_000u64);
    let device = proptest::collection::vec(one, 1..400);
    proptest::collection::vec(device, 1..4).prop_map(|devices| {
        let mut rows = Vec::new();
        for (device, steps) in devices.into_iter().enumerate() {
            let (mut time_ms, mut job, mut energy, mut elapsed, mut active) = (START_MS - 5_000, 1u32, 0, 0, 0);
            for (step, tensor, dram, power, change, joules, cycles) in steps {
                time_ms += step;
                job += u32::from(change == 0);
                // The counter agrees with the gauge up to noise, as a counter in the right unit does.
                let drawn = u64::from(power) * step.unsigned_abs() / 1_000;
                (energy, elapsed, active) = (energy + drawn + joules % (drawn + 1), elapsed + 1_000, active + cycles);
                let job = if job.is_multiple_of(5) { String::new() } else { format!("job-{job}") };
                rows.push(Row { device, time_ms, job, tensor, dram, power, energy, active, elapsed });
            }
        }
        rows
    })
}

/// The same rows by time instead of by device.
fn by_time(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.time_ms);
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_agrees_with_the_slow_meter(rows in rows(), lengths in proptest::collection::vec(1..300usize, 1..6)) {
        let partials = metered(&rows, GAUGES, &lengths);
        prop_assert_eq!(found(&partials), slow_meter(&rows));
        prop_assert_eq!(partials.tally().rows, rows.len() as u64);
    }

    #[test]
    fn batching_and_row_order_across_devices_change_no_bit(rows in rows(), lengths in proptest::collection::vec(1..300usize, 1..6)) {
        let whole = metered(&rows, ALL, &[rows.len()]).encode();
        prop_assert_eq!(&metered(&rows, ALL, &lengths).encode(), &whole);
        prop_assert_eq!(&metered(&by_time(&rows), ALL, &lengths).encode(), &whole);
    }

    #[test]
    fn shards_merge_to_the_bits_of_one_run(rows in rows(), ways in 1..5usize, order in any::<u64>()) {
        let whole = metered(&rows, ALL, &[777]);
        // A row goes to a shard by its device and slot, as (area, day) shards do.
        let shard_of = |row: &Row| (row.device * 7 + usize::try_from(GRID.slot_of(row.time_ms) + 1).unwrap()) % ways;
        let shards = (0..ways).map(|shard| rows.iter().filter(|row| shard_of(row) == shard).cloned().collect::<Vec<_>>());
        let mut shards: Vec<Partials> = shards.map(|rows| metered(&rows, ALL, &[501])).collect();
        // Any order, and any bracketing: fold from a rotated list, pairing neighbours first when the seed says so.
        let turn = usize::try_from(order % ways as u64).unwrap();
        shards.rotate_left(turn);
        if order.is_multiple_of(2) && shards.len() > 2 {
            let last = shards.pop().unwrap();
            shards.last_mut().unwrap().merge(last).unwrap();
        }
        let merged = shards.into_iter().reduce(|mut a, b| { a.merge(b).unwrap(); a }).unwrap();
        prop_assert_eq!(merged.encode(), whole.encode());
        prop_assert_eq!(merged.hash(), whole.hash());
    }

    #[test]
    fn the_encoding_is_canonical_and_closed(rows in rows(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let bytes = metered(&rows, ALL, &[100]).encode();
        let again = Partials::decode(&bytes, "x").unwrap();
        prop_assert_eq!(again.encode(), bytes.clone());
        let mut broken = bytes.clone();
        broken[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(Partials::decode(&broken, "x").is_err());
        prop_assert!(Partials::decode(&bytes[..at.index(bytes.len())], "x").is_err());
    }

    #[test]
    fn decoding_anything_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Partials::decode(&bytes, "x").is_err());
    }
}

fn steps(seconds: impl IntoIterator<Item = i64>) -> Vec<Row> {
    seconds.into_iter().map(Row::at).collect()
}

fn covered(partials: &Partials) -> u128 {
    partials.rollup(|_| ()).unwrap().values().map(|sums| sums.covered_ms).sum()
}

#[test]
fn a_gap_is_neither_zero_nor_billed_at_the_last_value() {
    let partials = metered(&steps([0, 10, 20, 200, 210]), GAUGES, &[5]);
    assert_eq!(covered(&partials), 30_000);
    assert_eq!(found(&partials).values().next().unwrap().tensor_micro_ms, 500_000 * 30_000);
}

#[test]
fn duplicates_count_once_and_contradictions_are_told() {
    let mut rows = steps([0, 10, 10, 20]);
    let partials = metered(&rows, GAUGES, &[4]);
    assert_eq!((partials.tally().duplicates, partials.tally().conflicts, covered(&partials)), (1, 0, 20_000));
    rows[2].tensor = 1;
    let partials = metered(&rows, GAUGES, &[4]);
    assert_eq!((partials.tally().duplicates, partials.tally().conflicts, covered(&partials)), (0, 1, 20_000));
    assert_eq!(found(&partials).values().next().unwrap().tensor_micro_ms, 500_000 * 20_000);
}

#[test]
fn late_rows_are_sorted_and_much_later_ones_refused() {
    let late = metered(&steps([0, 10, 30, 20, 40]), GAUGES, &[5]);
    assert_eq!((late.tally().disordered, late.tally().refused, covered(&late)), (1, 0, 40_000));
    // The clock is set back by 500 s and runs on: what it says again is refused, and the stretch after it is not covered.
    let stepped = metered(&steps([1_000, 1_010, 510, 520, 1_015, 1_025]), GAUGES, &[6]);
    assert_eq!((stepped.tally().refused, covered(&stepped)), (2, 20_000));
}

#[test]
fn a_falling_energy_counter_is_a_reset() {
    let rows: Vec<Row> =
        [(0, 1_000), (10, 6_000_000), (20, 2_000), (30, 5_002_000)].map(|(s, e)| Row::at(s).energy(e)).into();
    let partials = metered(&rows, ENERGY, &[4]);
    assert_eq!(partials.tally().energy_resets, 1);
    let energy: u128 = partials.rollup(|_| ()).unwrap().values().map(|sums| sums.energy_millijoules).sum();
    assert_eq!(energy, 5_999_000 + 5_000_000);
}

#[test]
fn counters_are_exact_over_a_gap_and_do_not_overflow() {
    // 100 s without rows: the gauges are blind, the counter is not; whose energy it was is not known.
    let rows: Vec<Row> =
        [(0, 0), (10, 5_000_000), (110, 55_000_000)].map(|(s, e)| Row::at(s).energy(e).job(&s.to_string())).into();
    let all = metered(&rows, ENERGY, &[3]);
    let groups = all.rollup(|_| ()).unwrap();
    assert_eq!(groups[&("(gap)", 0, ())].energy_millijoules, 50_000_000);
    // A counter that wraps at 2^64 is a reset, not a huge rise.
    let rows: Vec<Row> = [(0, u64::MAX - 5), (10, 3)].map(|(s, e)| Row::at(s).energy(e)).into();
    assert_eq!(metered(&rows, ENERGY, &[2]).tally().energy_resets, 1);
}

#[test]
fn cycle_counters_bridge_a_gap_of_the_same_job_only() {
    let same: Vec<Row> = [(0, 0), (10, 5_000), (610, 305_000)].map(|(s, a)| Row::at(s).cycles(a, 2 * a)).into();
    assert_eq!(covered(&metered(&same, ALL, &[3])), 610_000);
    let mut other = same;
    other[2].job = "8".into();
    assert_eq!(covered(&metered(&other, ALL, &[3])), 10_000);
    // More active than elapsed cycles cannot be.
    let impossible: Vec<Row> = [(0, 0, 0), (10, 500, 400)].map(|(s, a, e)| Row::at(s).cycles(a, e)).into();
    assert_eq!(metered(&impossible, ALL, &[2]).tally().cycle_resets, 1);
}

#[test]
fn an_energy_counter_in_joules_is_noticed() {
    let rows: Vec<Row> = (0..200).map(|step| Row::at(step * 10).energy(u64::try_from(step).unwrap() * 5_000)).collect();
    let mut meter = standstill_meter::Meter::new("day.parquet", SourceContract::dcgm(10_000), GRID);
    let batch = made_rows::batch(&mut meter, &rows, ENERGY);
    meter.push(&batch).unwrap();
    let error = meter.finish().unwrap_err();
    assert!(matches!(error, MeterError::EnergyUnit { looks_like: "joule", .. }), "{error}");
    assert!(error.to_string().contains("--energy-unit joule"));
}

#[test]
fn shards_that_overlap_or_differ_in_rules_do_not_merge() {
    let mut one = metered(&steps([0, 10, 20]), GAUGES, &[3]);
    let error = one.clone().merge(metered(&steps([20, 30]), GAUGES, &[3])).unwrap_err();
    assert!(matches!(error, MeterError::OverlappingShards { .. }), "{error}");
    let other = Partials::new(SourceContract::dcgm(10_000), Grid { origin_ms: START_MS + 1, ..GRID });
    assert!(matches!(one.merge(other), Err(MeterError::DifferentRules { .. })));
}

#[test]
fn the_closing_row_of_a_day_may_open_the_next() {
    let day = |range: std::ops::RangeInclusive<i64>| steps(range.map(|hour| hour * 10));
    let whole = metered(&day(0..=720), GAUGES, &[100]);
    let mut first = metered(&day(0..=360), GAUGES, &[100]);
    first.merge(metered(&day(360..=720), GAUGES, &[100])).unwrap();
    assert_eq!(first.encode(), whole.encode());
}

#[test]
fn a_blank_is_not_a_zero() {
    let mut rows = steps([0, 10, 20]);
    rows[1].tensor = MISSING;
    rows[1].energy = MISSING_COUNTER;
    let partials = metered(&rows, GAUGES, &[3]);
    let (_, units) = partials.devices().next().unwrap();
    let sums = units[0].1.cells[0].1;
    assert_eq!((sums.covered_ms, sums.tensor_ms, sums.tensor_micro_ms), (20_000, 10_000, 5_000_000_000));
    assert_eq!(partials.tally().blanks, 1);
}
