//! Writing.

use super::MAGIC;
use crate::Partials;
use crate::contract::{ActivityUnit, EnergyUnit, PowerUnit, SourceContract};
use crate::unit::{CyclePoint, EnergyPoint, GAP_JOB, Reading, Sums, Unit};
use std::collections::BTreeSet;

/// Everything but the closing hash.
pub(super) fn body(partials: &Partials) -> Vec<u8> {
    let devices: Vec<Device<'_>> =
        partials.devices.iter().map(|(device, units)| (device.as_str(), units.as_slice())).collect();
    write(partials, &devices)
}

/// The same for one device and some of its units; a device without units is left out.
pub(super) fn restricted(partials: &Partials, device: &str, units: &[(i64, Unit)]) -> Vec<u8> {
    let devices = [(device, units)];
    write(partials, if units.is_empty() { &[] } else { &devices })
}

type Device<'a> = (&'a str, &'a [(i64, Unit)]);

fn write(partials: &Partials, devices: &[Device<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4_096 + devices.len() * 256);
    out.extend_from_slice(MAGIC);
    contract(&mut out, &partials.contract);
    signed(&mut out, partials.grid.origin_ms);
    number(&mut out, partials.grid.slot_ms);
    let labels = jobs(&mut out, partials, devices);
    number(&mut out, devices.len() as u64);
    for (device, units) in devices {
        text(&mut out, device);
        number(&mut out, units.len() as u64);
        for (slot, one) in *units {
            signed(&mut out, *slot);
            unit(&mut out, one, partials.grid.start_of(*slot), &labels);
        }
    }
    out
}

/// Writes the names of the jobs in use, sorted, and returns the number that each index is written as: 0 is the gap, then the names.
fn jobs(out: &mut Vec<u8>, partials: &Partials, devices: &[Device<'_>]) -> Labels {
    let mut used = BTreeSet::new();
    for (_, one) in devices.iter().flat_map(|(_, units)| *units) {
        let counters = one.energy.iter().flat_map(|(a, b)| [a.job, b.job]);
        let cycles = one.cycles.iter().flat_map(|points| [points.0.job, points.1.job]);
        let all = [one.first.job, one.last.job].into_iter().chain(counters).chain(cycles);
        used.extend(all.chain(one.cells.iter().map(|cell| cell.0)));
    }
    used.remove(&GAP_JOB);
    let mut sorted: Vec<(&str, u32)> = used.iter().map(|&job| (partials.jobs.name(job), job)).collect();
    sorted.sort_unstable();
    number(out, sorted.len() as u64);
    let mut labels = Labels::new();
    for (position, (name, job)) in sorted.into_iter().enumerate() {
        text(out, name);
        labels.push((job, position as u64 + 1));
    }
    labels.sort_unstable();
    labels
}

/// Number that each job index is written as, sorted by index.
type Labels = Vec<(u32, u64)>;

fn label(labels: &Labels, job: u32) -> u64 {
    labels.binary_search_by_key(&job, |known| known.0).map_or(0, |at| labels[at].1)
}

fn unit(out: &mut Vec<u8>, one: &Unit, start_ms: i64, labels: &Labels) {
    let flags = u8::from(one.energy.is_some()) | u8::from(one.cycles.is_some()) << 1 | u8::from(one.broken) << 2;
    out.push(flags);
    reading(out, &one.first, start_ms, labels);
    reading(out, &one.last, start_ms, labels);
    if let Some((first, last)) = &one.energy {
        energy(out, first, start_ms, labels);
        energy(out, last, start_ms, labels);
    }
    if let Some(points) = &one.cycles {
        cycles(out, &points.0, start_ms, labels);
        cycles(out, &points.1, start_ms, labels);
    }
    let tally = &one.tally;
    let counts = [tally.rows, tally.duplicates, tally.conflicts, tally.disordered, tally.refused];
    counts.iter().for_each(|&count| number(out, count.into()));
    [tally.energy_resets, tally.cycle_resets, tally.blanks].iter().for_each(|&count| number(out, count.into()));
    let mut cells: Vec<(u64, &Sums)> = one.cells.iter().map(|(job, sums)| (label(labels, *job), sums)).collect();
    cells.sort_unstable_by_key(|cell| cell.0);
    number(out, cells.len() as u64);
    for (job, sums) in cells {
        number(out, job);
        self::sums(out, sums);
    }
}

fn sums(out: &mut Vec<u8>, sums: &Sums) {
    let times = [sums.covered_ms, sums.active_ms, sums.tensor_ms, sums.dram_ms, sums.power_ms, sums.energy_ms];
    times.iter().for_each(|&ms| number(out, ms.into()));
    [sums.cycles_ms, sums.reset_ms].iter().for_each(|&ms| number(out, ms.into()));
    let integrals = [sums.tensor_micro_ms, sums.dram_micro_ms, sums.power_microjoules, sums.energy_millijoules];
    integrals.iter().for_each(|&value| number(out, value));
    number(out, sums.cycles_active);
    number(out, sums.cycles_elapsed);
}

fn reading(out: &mut Vec<u8>, reading: &Reading, start_ms: i64, labels: &Labels) {
    signed(out, reading.time_ms.wrapping_sub(start_ms));
    number(out, label(labels, reading.job));
    // A missing reading is 0, a value v is v + 1.
    [reading.tensor, reading.dram, reading.power].iter().for_each(|&value| number(out, value.wrapping_add(1).into()));
}

fn energy(out: &mut Vec<u8>, point: &EnergyPoint, start_ms: i64, labels: &Labels) {
    signed(out, point.time_ms.wrapping_sub(start_ms));
    number(out, label(labels, point.job));
    number(out, point.millijoules);
}

fn cycles(out: &mut Vec<u8>, point: &CyclePoint, start_ms: i64, labels: &Labels) {
    signed(out, point.time_ms.wrapping_sub(start_ms));
    number(out, label(labels, point.job));
    number(out, point.active);
    number(out, point.elapsed);
}

fn contract(out: &mut Vec<u8>, contract: &SourceContract) {
    text(out, &contract.name);
    let numbers = [contract.period_ms, contract.max_gap_ms, contract.max_bridge_ms, contract.max_disorder_ms];
    numbers.iter().for_each(|&value| number(out, value));
    number(out, contract.max_watts);
    out.push(u8::from(contract.activity_unit == ActivityUnit::Percent));
    out.push(u8::from(contract.power_unit == PowerUnit::Milliwatt));
    out.push(u8::from(contract.energy_unit == EnergyUnit::Joule));
    out.push(u8::from(contract.silence_is_idle));
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Zigzag: 0, -1, 1, -2, … become 0, 1, 2, 3, …
fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// LEB128 in its shortest form.
#[allow(clippy::cast_possible_truncation)]
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
