//! Mergeable partial sums.

use crate::MeterError;
use crate::contract::{Grid, SourceContract};
use crate::sample::Dictionary;
use crate::unit::{GAP_JOB, Tally, Unit};
use std::collections::BTreeMap;

/// Partial result of a metering run over any set of (device, slot) units.
///
/// Two results are the same when their [encodings](Partials::encode) are: the order in which jobs were met does not count.
#[derive(Clone, Debug)]
pub struct Partials {
    pub(crate) contract: SourceContract,
    pub(crate) grid: Grid,
    pub(crate) jobs: Dictionary,
    pub(crate) devices: BTreeMap<String, Vec<(i64, Unit)>>,
}

impl Partials {
    /// An empty result.
    #[must_use]
    pub fn new(contract: SourceContract, grid: Grid) -> Self {
        Self { contract, grid, jobs: Dictionary::jobs(), devices: BTreeMap::new() }
    }

    /// Contract of the source.
    #[must_use]
    pub const fn contract(&self) -> &SourceContract {
        &self.contract
    }

    /// Time grid of the units.
    #[must_use]
    pub const fn grid(&self) -> Grid {
        self.grid
    }

    /// Units of each device by ascending slot; cells name jobs by index into [`Partials::jobs`].
    pub fn devices(&self) -> impl Iterator<Item = (&str, &[(i64, Unit)])> {
        self.devices.iter().map(|(device, units)| (device.as_str(), units.as_slice()))
    }

    /// Job names by index.
    #[must_use]
    pub const fn jobs(&self) -> &Dictionary {
        &self.jobs
    }

    /// Row counts over all units.
    #[must_use]
    pub fn tally(&self) -> Totals {
        let mut totals = Totals::default();
        self.devices.values().flatten().for_each(|(_, unit)| totals.add(&unit.tally));
        totals
    }

    /// Joins another shard. Shards must be disjoint in (device, slot); a unit that both hold in equal form is one unit, and a unit of a
    /// single row that the other's unit starts with (the closing row of a day that also opens the next) is part of it. The operation is
    /// associative and commutative, and the result has the same bits as one run over all the rows.
    ///
    /// # Errors
    /// [`MeterError::DifferentRules`] or [`MeterError::OverlappingShards`]; then `self` is spoilt and must be dropped.
    pub fn merge(&mut self, other: Self) -> Result<(), MeterError> {
        self.same_rules(&other)?;
        let labels = relabelling(&mut self.jobs, &other.jobs)?;
        for (device, units) in other.devices {
            let own = self.devices.entry(device.clone()).or_default();
            for (slot, mut unit) in units {
                relabel(&mut unit, &labels);
                match own.binary_search_by_key(&slot, |known| known.0) {
                    Err(at) => own.insert(at, (slot, unit)),
                    Ok(at) if own[at].1 == unit || opens_with(&own[at].1, &unit) => {}
                    Ok(at) if opens_with(&unit, &own[at].1) => own[at].1 = unit,
                    Ok(_) => {
                        let slot_start_ms = self.grid.start_of(slot);
                        return Err(MeterError::OverlappingShards { device, slot_start_ms });
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn same_rules(&self, other: &Self) -> Result<(), MeterError> {
        if self.contract != other.contract {
            return Err(MeterError::DifferentRules { what: "source contract" });
        }
        if self.grid != other.grid {
            return Err(MeterError::DifferentRules { what: "time grid (origin and slot length)" });
        }
        Ok(())
    }

    /// Compares the energy counter with the power gauge, device by device, over the cells that have both.
    ///
    /// # Errors
    /// [`MeterError::EnergyUnit`] when they differ by a factor over 500 for ten minutes, which only a wrong unit explains.
    pub fn check_energy_unit(&self, place: &str) -> Result<(), MeterError> {
        for (device, units) in &self.devices {
            let (mut counter, mut gauge, mut time_ms) = (0u128, 0u128, 0u64);
            for (job, sums) in units.iter().flat_map(|(_, unit)| &unit.cells) {
                let comparable =
                    *job != GAP_JOB && sums.power_ms > 0 && sums.energy_ms.abs_diff(sums.power_ms) <= sums.power_ms / 4;
                if comparable {
                    counter += u128::from(sums.energy_millijoules);
                    gauge += u128::from(sums.power_microjoules / 1_000);
                    time_ms += u64::from(sums.power_ms);
                }
            }
            // A few readings of a slow sensor may disagree by chance; ten minutes may not.
            let looks_like = match (counter, gauge) {
                _ if time_ms < 600_000 => continue,
                (1.., 10_000..) if counter * 500 < gauge => "joule",
                (10_000.., 1..) if gauge * 500 < counter => "millijoule",
                _ => continue,
            };
            return Err(MeterError::EnergyUnit {
                place: format!("{place}, device {device}"),
                counter_millijoules: counter,
                gauge_millijoules: gauge,
                looks_like,
            });
        }
        Ok(())
    }
}

/// Row counts of a whole result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows read.
    pub rows: u64,
    /// Rows that repeat an earlier one.
    pub duplicates: u64,
    /// Rows that contradict an earlier one of the same time.
    pub conflicts: u64,
    /// Rows that were sorted.
    pub disordered: u64,
    /// Rows that came too late.
    pub refused: u64,
    /// Energy counters that fell.
    pub energy_resets: u64,
    /// Cycle counters that fell.
    pub cycle_resets: u64,
    /// Rows without an activity although the column exists.
    pub blanks: u64,
}

impl Totals {
    fn add(&mut self, tally: &Tally) {
        let counts = [
            (&mut self.rows, tally.rows),
            (&mut self.duplicates, tally.duplicates),
            (&mut self.conflicts, tally.conflicts),
            (&mut self.disordered, tally.disordered),
            (&mut self.refused, tally.refused),
            (&mut self.energy_resets, tally.energy_resets),
            (&mut self.cycle_resets, tally.cycle_resets),
            (&mut self.blanks, tally.blanks),
        ];
        counts.into_iter().for_each(|(mine, theirs)| *mine += u64::from(theirs));
    }
}

/// True when `unit` starts with the one row that `single` consists of.
fn opens_with(unit: &Unit, single: &Unit) -> bool {
    let energy = single.energy.is_none_or(|own| unit.energy.is_some_and(|other| other.0 == own.0));
    let cycles = single.cycles.as_ref().is_none_or(|own| unit.cycles.as_ref().is_some_and(|other| other.0 == own.0));
    single.tally.rows == 1 && !single.broken && unit.first == single.first && energy && cycles
}

/// Index in `jobs` of each job of `other`.
pub(crate) fn relabelling(jobs: &mut Dictionary, other: &Dictionary) -> Result<Vec<u32>, MeterError> {
    other.names().map(|name| jobs.intern(name)).collect()
}

/// Renames the jobs of a unit and puts its cells back in order.
pub(crate) fn relabel(unit: &mut Unit, labels: &[u32]) {
    let label = |job: &mut u32| {
        if *job != GAP_JOB {
            *job = labels.get(*job as usize).copied().unwrap_or(GAP_JOB);
        }
    };
    label(&mut unit.first.job);
    label(&mut unit.last.job);
    if let Some((first, last)) = &mut unit.energy {
        label(&mut first.job);
        label(&mut last.job);
    }
    if let Some(points) = &mut unit.cycles {
        label(&mut points.0.job);
        label(&mut points.1.job);
    }
    unit.cells.iter_mut().for_each(|cell| label(&mut cell.0));
    unit.cells.sort_unstable_by_key(|cell| cell.0);
}
