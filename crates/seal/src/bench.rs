//! What sealing and checking cost, against the floor of the range proofs alone. CPU time of the whole process, never wall time.

use crate::context::{FleetContext, WindowContext};
use crate::error::SealError;
use crate::fleet::{FleetRef, GroupRegistration, PublicFleet, seal_fleet, verify_fleet};
use crate::history::{History, PrivateHistory};
use crate::keys::MasterSecret;
use crate::leaf::{GroupInput, LeafValues};
use crate::parameters::Total;
use crate::parameters::{DERIVED_LANES, MAX_GROUP_DEVICES, PUBLISHED_LANES};
use crate::prove::{SealedWindow, prove_lanes_only, seal_window};
use crate::rule::{Quantity, Rule, Term};
use crate::verdict::{Outcome, ReportRef};
use crate::verify::verify_window;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use standstill_agreement::Fill;
use standstill_ledger::ChipTable;
use standstill_statement::body::Mode;
use standstill_statement::{Class, Hash32, IdError, Name};
use std::fmt;

/// Ticks per second of `/proc/self/stat`; fixed in the Linux user interface.
const TICKS_PER_SECOND: u64 = 100;
const DAY_SECONDS: u64 = 86_400;

/// What one run measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealCost {
    /// Devices sealed.
    pub devices: u32,
    /// Groups sealed.
    pub groups: u32,
    /// Lanes with a range proof: 22 per group.
    pub lanes: u64,
    /// The floor: the range proofs of all lanes, commitments given. Milliseconds of CPU.
    pub range_proofs_cpu_ms: u64,
    /// The whole seal: input checks, leaves, commitments, roots, all proofs, encoding. Milliseconds of CPU.
    pub seal_cpu_ms: u64,
    /// Everything that anybody checks of a report. Milliseconds of CPU.
    pub verify_cpu_ms: u64,
    /// Sealing the fleet, once per change of the fleet. Milliseconds of CPU.
    pub fleet_seal_cpu_ms: u64,
    /// Checking the fleet. Milliseconds of CPU.
    pub fleet_verify_cpu_ms: u64,
    /// Bytes of the report's blob.
    pub report_bytes: u64,
    /// Bytes of the fleet's blob.
    pub fleet_bytes: u64,
}

/// The measurement could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BenchError {
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A name is not allowed; a bug.
    #[error(transparent)]
    Name(#[from] IdError),
    /// The chip table is broken; a bug.
    #[error("chip table: {0}")]
    Chips(String),
    /// The sealed report does not verify; a bug.
    #[error("the sealed report does not verify: {0}")]
    Verify(String),
    /// No CPU times on this system.
    #[error("/proc/self/stat cannot be read, so CPU time is not known; run on Linux")]
    Clock,
}

/// CPU time of this process and its threads, milliseconds.
///
/// # Errors
/// [`BenchError::Clock`] on systems without `/proc`.
pub fn process_cpu_ms() -> Result<u64, BenchError> {
    let text = std::fs::read_to_string("/proc/self/stat").map_err(|_| BenchError::Clock)?;
    // The second field is the program's name in brackets and may hold spaces; utime and stime are the 14th and 15th.
    let rest = text.rsplit(')').next().ok_or(BenchError::Clock)?;
    let ticks: Vec<u64> = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { Ok(ticks.iter().sum::<u64>() * 1000 / TICKS_PER_SECOND) } else { Err(BenchError::Clock) }
}

fn timed<T>(work: impl FnOnce() -> Result<T, SealError>) -> Result<(T, u64), BenchError> {
    let before = process_cpu_ms()?;
    let result = work()?;
    Ok((result, process_cpu_ms()?.saturating_sub(before)))
}

struct Case {
    master: MasterSecret,
    context: WindowContext,
    fleet: PublicFleet,
    inputs: Vec<GroupInput>,
    runs: Vec<Name>,
    rules: Vec<Rule>,
}

/// Seals and verifies one window of `devices` devices in groups of `group_size` (1 to 128), and the range proofs alone in the same run.
///
/// # Errors
/// [`BenchError`]; the report must verify for a figure to be given.
pub fn run(devices: u32, group_size: u16) -> Result<SealCost, BenchError> {
    let group_size = group_size.clamp(1, MAX_GROUP_DEVICES);
    let table = ChipTable::builtin().map_err(|error| BenchError::Chips(error.to_string()))?;
    let registrations = registrations(devices.max(1), group_size)?;
    let declared = FleetContext {
        agreement: Hash32::of(b"bench"),
        party: Name::new("bench")?,
        revision: 0,
        from_window: 0,
        window_seconds: DAY_SECONDS,
        least_devices: Fill { numerator: 1, denominator: 2 },
    };
    let master = MasterSecret::from_bytes([1; 32]);
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    // Generators and tables are made once per process and are not part of any figure.
    seal_fleet(&master, &declared, registrations.get(..1).unwrap_or(&[]), &table, &mut rng)?;
    let (sealed, fleet_seal_cpu_ms) = timed(|| seal_fleet(&master, &declared, &registrations, &table, &mut rng))?;
    let reference = FleetRef { root: sealed.root, groups: sealed.groups };
    let (fleet, fleet_verify_cpu_ms) = timed(|| verify_fleet(&declared, reference, &sealed.blob, &table))?;
    let case = case(master, fleet, &registrations)?;
    let (window, seal_cpu_ms) = timed(|| case.seal(&mut rng))?;
    let ((), range_proofs_cpu_ms) = timed(|| {
        // Commitments are made in here too, and measured apart to be taken off.
        prove_lanes_only(&case.master, &case.context, &case.fleet, &case.inputs, &case.runs, &mut rng)
    })?;
    let (_, commit_cpu_ms) =
        timed(|| crate::prove::commit_only(&case.master, &case.context, &case.fleet, &case.inputs, &case.runs))?;
    let verify_cpu_ms = case.verify(&window)?;
    Ok(SealCost {
        devices,
        groups: sealed.groups,
        lanes: u64::from(sealed.groups) * (PUBLISHED_LANES + DERIVED_LANES) as u64,
        range_proofs_cpu_ms: range_proofs_cpu_ms.saturating_sub(commit_cpu_ms),
        seal_cpu_ms,
        verify_cpu_ms,
        fleet_seal_cpu_ms,
        fleet_verify_cpu_ms,
        report_bytes: window.blob.len() as u64,
        fleet_bytes: sealed.blob.len() as u64,
    })
}

impl Case {
    fn seal(&self, rng: &mut ChaCha20Rng) -> Result<SealedWindow, SealError> {
        seal_window(
            &self.master,
            &self.context,
            &self.fleet,
            &self.inputs,
            &self.runs,
            &self.rules,
            &PrivateHistory::new(),
            rng,
        )
    }

    fn verify(&self, sealed: &SealedWindow) -> Result<u64, BenchError> {
        let report = ReportRef { root: sealed.root, groups: sealed.groups, runs: self.runs.clone() };
        let work =
            || Ok(verify_window(&self.context, &self.fleet, &self.rules, &History::new(), &report, &sealed.blob));
        let (verdict, cpu_ms) = timed(work)?;
        let failed = verdict.checks.iter().find(|check| check.outcome != Outcome::Pass);
        failed.map_or(Ok(cpu_ms), |check| Err(BenchError::Verify(check.id.to_string())))
    }
}

fn registrations(devices: u32, group_size: u16) -> Result<Vec<GroupRegistration>, BenchError> {
    let (site, model) = (Name::new("site-1")?, Name::new("h100-sxm5")?);
    let groups = devices.div_ceil(u32::from(group_size));
    let group = |group: u32| {
        let members = (group * u32::from(group_size)..devices).take(usize::from(group_size));
        let devices = members.map(|device| Hash32::of(&device.to_be_bytes())).collect();
        let area = Name::new(&format!("rack-{group}"))?;
        Ok(GroupRegistration {
            group,
            site: site.clone(),
            area,
            model: model.clone(),
            capacity_devices: group_size,
            devices,
        })
    };
    (0..groups).map(group).collect()
}

fn case(master: MasterSecret, fleet: PublicFleet, registrations: &[GroupRegistration]) -> Result<Case, BenchError> {
    let run = Name::new("run-a")?;
    let leaf = |device: &Hash32| {
        let spread = u32::from(device.as_bytes()[0]);
        let mut class_seconds = [0; Class::COUNT];
        class_seconds[0] = 40_000 + spread;
        class_seconds[3] = 30_000;
        class_seconds[6] = 86_400 - 70_000 - spread;
        LeafValues {
            device: *device,
            counter_start_millijoules: Some(u64::from(spread)),
            counter_end_millijoules: Some(u64::from(spread) + 50_000_000_000),
            class_seconds,
            petaops: [16_000 + spread, 0, 0, 9_000, 0, 0],
            energy_kilojoules: 50_000 + spread,
            run_petaops: vec![(run.clone(), 16_000 + spread)],
            evidence_root: *device,
        }
    };
    let input =
        |group: &GroupRegistration| GroupInput { group: group.group, leaves: group.devices.iter().map(leaf).collect() };
    let declared = fleet.context().clone();
    let context = WindowContext {
        agreement: declared.agreement,
        party: declared.party,
        window: 0,
        window_start_unix_seconds: 0,
        window_end_unix_seconds: DAY_SECONDS,
        revision: 0,
        mode: Mode::Sealed,
        fleet_statement: Hash32::default(),
        fleet_root: fleet.root(),
        chip_table: fleet.chip_table(),
        rulebook: Name::new("epoch")?,
        previous_statement: None,
    };
    let term = Term { window: 0, quantity: Quantity::Total(Total::Petaops(Class::Pretraining)), coefficient: -1000 };
    let limit = Name::new("train")?;
    let rules = vec![Rule { id: "train".to_owned(), limit, run: None, constant: 1 << 60, terms: vec![term] }];
    Ok(Case {
        master,
        context,
        fleet,
        inputs: registrations.iter().map(input).collect(),
        runs: vec![run.clone()],
        rules,
    })
}

impl fmt::Display for SealCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_lane = |cpu_ms: u64| cpu_ms as f64 / self.lanes.max(1) as f64;
        let ratio = self.seal_cpu_ms as f64 / self.range_proofs_cpu_ms.max(1) as f64;
        writeln!(f, "{} devices in {} groups, {} lanes with a range proof", self.devices, self.groups, self.lanes)?;
        writeln!(
            f,
            "range proofs alone  {:>9} ms CPU   {:.3} ms per lane (the floor)",
            self.range_proofs_cpu_ms,
            per_lane(self.range_proofs_cpu_ms)
        )?;
        writeln!(f, "whole seal          {:>9} ms CPU   {ratio:.3} x the floor", self.seal_cpu_ms)?;
        writeln!(
            f,
            "public verification {:>9} ms CPU   {:.4} ms per lane",
            self.verify_cpu_ms,
            per_lane(self.verify_cpu_ms)
        )?;
        writeln!(
            f,
            "fleet               {:>9} ms CPU to seal, {} ms to verify",
            self.fleet_seal_cpu_ms, self.fleet_verify_cpu_ms
        )?;
        write!(f, "sizes               report {} bytes, fleet {} bytes", self.report_bytes, self.fleet_bytes)
    }
}

#[cfg(test)]
mod tests;
