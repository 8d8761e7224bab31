//! A world: labs, their fleets, runs and jobs, and their files day by day.

use crate::cheat::Cheat;
use crate::day::{DayInput, DeviceDay};
use crate::error::SimError;
use crate::fitted;
use crate::jobs::{Job, Role, plan};
use crate::random::Stream;
use crate::spec::{LabSpec, WorldSpec};
use crate::write;
use standstill_ledger::interval::peak_ops;
use standstill_ledger::{ChipModel, ChipTable, Device, Fleet};
use standstill_statement::{Class, Name, RunDeclaration};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const DAY_MS: u64 = 86_400_000;
const NODE: u32 = 8;

/// Paths of one lab's files of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFiles {
    /// Wide telemetry export, Parquet.
    pub telemetry: PathBuf,
    /// Slurm accounting, `sacct -P`.
    pub accounting: PathBuf,
    /// Job id to device keys, as a prolog would record it, JSON.
    pub mapping: PathBuf,
    /// Independent area power meters, CSV.
    pub power: PathBuf,
    /// What really happened, CSV. For tests; no lab would publish it.
    pub truth: PathBuf,
}

/// One lab of a world.
pub struct Lab {
    /// Its specification.
    pub spec: LabSpec,
    pub(crate) chip: ChipModel,
    /// All accelerators in order of installation; a ghost is here but not in the fleet.
    pub(crate) devices: Vec<Device>,
    /// Jobs as they were, by id.
    pub(crate) jobs: Vec<Job>,
    /// Jobs of every device, by start.
    own: Vec<Vec<usize>>,
    /// Exported counters at the start of days, microjoules per device; filled as days are written.
    counters: Mutex<BTreeMap<u32, Vec<u128>>>,
}

/// A deterministic world.
pub struct World {
    seed: u64,
    spec: WorldSpec,
    labs: Vec<Lab>,
}

impl World {
    /// Draws fleets and jobs of all labs. Days are drawn when they are written.
    ///
    /// # Errors
    /// [`SimError::Spec`] for a specification out of range or a chip model that the built-in table does not have.
    pub fn new(seed: u64, spec: &WorldSpec) -> Result<Self, SimError> {
        spec.check()?;
        let refuse = |what: String| SimError::Spec { lab: "-".to_owned(), what };
        let table = ChipTable::builtin().map_err(|error| refuse(error.to_string()))?;
        let lab = |lab: &LabSpec| {
            let chip = table.get(&lab.model).cloned();
            let chip = chip.ok_or_else(|| refuse(format!("chip model '{}' is not in the chip table", lab.model)))?;
            Lab::new(seed, spec, lab, chip)
        };
        Ok(Self { seed, spec: spec.clone(), labs: spec.labs.iter().map(lab).collect::<Result<_, _>>()? })
    }

    /// The specification.
    #[must_use]
    pub const fn spec(&self) -> &WorldSpec {
        &self.spec
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// The labs.
    #[must_use]
    pub fn labs(&self) -> &[Lab] {
        &self.labs
    }

    /// Writes all files of one lab and day into `dir` (created if missing). Days may be written in any order and by several
    /// threads; the bytes are the same. Memory: one device-day, one row group, and one day of area power.
    ///
    /// # Errors
    /// [`SimError`] for a lab or day that does not exist or a file that cannot be written.
    pub fn write_day(&self, dir: &Path, lab: usize, day: u32) -> Result<DayFiles, SimError> {
        let found = self.labs.get(lab).filter(|_| day < self.spec.days);
        let found = found.ok_or(SimError::Outside { lab, day })?;
        write::day(self, found, day, dir)
    }

    /// Exported counters of a lab's devices at the start of a day, microjoules. Earlier days are drawn again if they were not
    /// written yet.
    pub(crate) fn counters(&self, lab: &Lab, day: u32) -> Vec<u128> {
        let latest = lab
            .counters
            .lock()
            .ok()
            .and_then(|memo| memo.range(..=day).next_back().map(|(day, counters)| (*day, counters.clone())));
        let (mut at, mut counters) = latest.unwrap_or_else(|| (0, self.first_counters(lab)));
        while at < day {
            for (device, counter) in counters.iter_mut().enumerate() {
                *counter = self.device_day(lab, device, at, *counter).1;
            }
            at += 1;
            self.remember(lab, at, counters.clone());
        }
        counters
    }

    pub(crate) fn remember(&self, lab: &Lab, day: u32, counters: Vec<u128>) {
        if let Ok(mut memo) = lab.counters.lock() {
            memo.insert(day, counters);
        }
    }

    /// Devices have been up for up to 90 days.
    fn first_counters(&self, lab: &Lab) -> Vec<u128> {
        let mut random = Stream::new(self.seed, &format!("counters/{}", lab.spec.id));
        let joules = |random: &mut Stream| u128::from(random.below(u32::MAX / 2)) + 100_000_000;
        lab.devices.iter().map(|_| joules(&mut random) * 1_000_000).collect()
    }

    /// A device's day with its exported counter, and the counter at its end.
    pub(crate) fn device_day(&self, lab: &Lab, device: usize, day: u32, counter: u128) -> (DeviceDay, u128) {
        let day_ms = u64::from(day) * DAY_MS;
        let idle_milliwatts = lab.idle_milliwatts();
        let start_ms = self.spec.start_unix_seconds * 1000 + day_ms;
        let input = DayInput {
            seed: self.seed,
            lab: lab.spec.id.as_str(),
            device: u32::try_from(device).unwrap_or(u32::MAX),
            day,
            day_ms,
            day_unix_ms: start_ms.cast_signed(),
            period_ms: self.spec.period_ms,
            tdp_milliwatts: lab.chip.tdp_watts * 1000,
            idle_milliwatts,
            jobs: &lab.jobs,
            own: lab.on_day(device, day_ms),
        };
        let mut drawn = DeviceDay::draw(&input);
        if let Some(cheat) = lab.spec.cheat(day) {
            cheat.apply(&mut drawn, &lab.jobs, idle_milliwatts);
        }
        let mut random = Stream::new(self.seed, &format!("reset/{}/{device}/{day}", lab.spec.id));
        let steps = u32::try_from(drawn.samples.len()).unwrap_or(u32::MAX);
        let reset = random.below(10_000) < fitted::RESET_PER_TEN_THOUSAND;
        let reset = reset.then(|| random.between(1, steps.saturating_sub(2)) as usize);
        let end = drawn.count(counter, reset);
        (drawn, end)
    }
}

impl Lab {
    fn new(seed: u64, world: &WorldSpec, spec: &LabSpec, chip: ChipModel) -> Result<Self, SimError> {
        let refuse = |what: String| SimError::Spec { lab: spec.id.to_string(), what };
        let devices = devices(seed, spec).map_err(|error| refuse(error.to_string()))?;
        let jobs = plan(seed, world, spec);
        let mut own = vec![Vec::new(); devices.len()];
        for (index, job) in jobs.iter().enumerate() {
            for device in job.first_device..job.first_device + job.devices {
                own[device as usize].push(index);
            }
        }
        Ok(Self { spec: spec.clone(), chip, devices, jobs, own, counters: Mutex::new(BTreeMap::new()) })
    }

    /// Jobs of a device that touch the day, with the one that ends at its first instant.
    fn on_day(&self, device: usize, day_ms: u64) -> &[usize] {
        let own = &self.own[device];
        let from = own.partition_point(|job| self.jobs[*job].end_ms < day_ms);
        let to = own.partition_point(|job| self.jobs[*job].start_ms < day_ms + DAY_MS);
        &own[from.min(to)..to]
    }

    /// Power of a device without work, milliwatts.
    #[must_use]
    pub fn idle_milliwatts(&self) -> u32 {
        match self.chip.idle_watts {
            Some(watts) => watts * 1000,
            None => self.chip.tdp_watts * fitted::IDLE_PER_MILLE_OF_TDP,
        }
    }

    /// True when a device is left out of fleet and telemetry by a ghost-chip lab: the nodes that ought to rest.
    pub(crate) fn is_ghost(&self, device: usize) -> bool {
        let Some(evasion) = self.spec.evasion.filter(|evasion| evasion.cheat == Cheat::GhostChip) else { return false };
        let nodes = (self.spec.devices / NODE * fitted::POOLS_PER_MILLE[0] / 1000).max(1);
        let allowed = nodes * self.spec.level(evasion.from_day) / 1000 * NODE;
        (allowed..nodes * NODE).contains(&u32::try_from(device).unwrap_or(u32::MAX))
    }

    /// Registered devices.
    ///
    /// # Errors
    /// Never for a generated lab; the signature follows [`Fleet::new`].
    pub fn fleet(&self) -> Result<Fleet, SimError> {
        let kept = self.devices.iter().enumerate().filter(|(index, _)| !self.is_ghost(*index));
        Fleet::new(kept.map(|(_, device)| device.clone()).collect())
            .map_err(|error| SimError::Spec { lab: self.spec.id.to_string(), what: error.to_string() })
    }

    /// Jobs as the lab declares them: an honest lab's own, an evader's after its lie. Maintenance stops are reservations, not jobs.
    #[must_use]
    pub fn declared_jobs(&self) -> Vec<Job> {
        let declare = |job: &Job| match (job.role, self.spec.evasion) {
            (Role::Excess, Some(evasion)) => evasion.cheat.declared(job),
            _ => Some(job.clone()),
        };
        self.jobs.iter().filter(|job| job.class.can_operate()).filter_map(declare).collect()
    }

    /// Maintenance stops: reservations of whole nodes, during which the devices are powered and run no job, so that they meter as
    /// `idle`. (`down` is what custody says of a device, never what a job says of itself.)
    #[must_use]
    pub fn maintenance(&self) -> Vec<Job> {
        self.jobs.iter().filter(|job| job.class == Class::Down).cloned().collect()
    }

    /// Declarations of the runs that appear in [`Lab::declared_jobs`], parents first. Planned operations are chip time at the
    /// highest dense peak, rounded up to a whole 1e18.
    #[must_use]
    pub fn runs(&self) -> Vec<RunDeclaration> {
        let mut runs: BTreeMap<Name, (Class, u128, u64)> = BTreeMap::new();
        for job in self.declared_jobs() {
            let Some(run) = job.run else { continue };
            let milliseconds = (job.end_ms - job.start_ms) * u64::from(job.devices);
            let ops = peak_ops(self.chip.highest_peak_ops_per_second(), milliseconds);
            let entry = runs.entry(run).or_insert((job.class, 0, job.start_ms / DAY_MS));
            entry.1 += ops;
            entry.2 = entry.2.min(job.start_ms / DAY_MS);
        }
        let base = Name::new("pre-1").ok();
        let mut declared: Vec<RunDeclaration> = runs
            .into_iter()
            .map(|(run, (class, ops, from_window))| RunDeclaration {
                parents: base.iter().filter(|_| class == Class::Posttraining).cloned().collect(),
                run,
                class,
                planned_petaops: u64::try_from(ops.div_ceil(1_000_000_000_000_000_000)).unwrap_or(u64::MAX / 1000)
                    * 1000,
                parameters: 0,
                active_parameters: 0,
                dataset_tokens: 0,
                from_window,
            })
            .collect();
        declared.sort_by_key(|run| (!run.parents.is_empty(), run.run.clone()));
        declared
    }
}

/// Devices in order of installation: nodes of eight, spread over the areas in equal blocks.
fn devices(seed: u64, spec: &LabSpec) -> Result<Vec<Device>, standstill_statement::IdError> {
    let mut random = Stream::new(seed, &format!("devices/{}", spec.id));
    let nodes = spec.devices / NODE;
    let device = |index: u32| {
        let area = index / NODE * spec.areas / nodes + 1;
        let hex = random.hex(16);
        Ok(Device {
            key: format!("GPU-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]),
            model: spec.model.clone(),
            site: spec.id.clone(),
            area: Name::new(&format!("{}-row-{area}", spec.id))?,
            domain: Name::new(&format!("{}-fabric", spec.id))?,
            custody: Vec::new(),
        })
    };
    (0..spec.devices).map(device).collect()
}
