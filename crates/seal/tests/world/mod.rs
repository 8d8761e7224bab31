//! A small honest party: four groups of two chip models, one of them padding, three declared runs.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use standstill_agreement::Fill;
use standstill_ledger::ChipTable;
use standstill_seal::{
    FleetContext, FleetRef, GroupInput, GroupRegistration, History, LeafValues, MasterSecret, Outcome, PrivateHistory,
    PublicFleet, ReportRef, Rule, SealedFleet, SealedWindow, WindowContext, WindowVerdict, seal_fleet, seal_window,
    verify_fleet, verify_window,
};
use standstill_statement::body::Mode;
use standstill_statement::{Hash32, Name};
use std::sync::OnceLock;

pub const DAY: u64 = 86_400;
pub const START: u64 = 1_793_491_200;

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn table() -> &'static ChipTable {
    static TABLE: OnceLock<ChipTable> = OnceLock::new();
    TABLE.get_or_init(|| ChipTable::builtin().unwrap())
}

pub fn master() -> MasterSecret {
    MasterSecret::from_bytes([7; 32])
}

pub fn device(group: u32, index: usize) -> Hash32 {
    Hash32::of(format!("device {group}/{index}").as_bytes())
}

pub fn registrations() -> Vec<GroupRegistration> {
    let group = |group: u32, model: &str, devices: usize| GroupRegistration {
        group,
        site: name("site-1"),
        area: name(&format!("rack-{group}")),
        model: name(model),
        capacity_devices: 8,
        devices: (0..devices).map(|index| device(group, index)).collect(),
    };
    let mut groups = vec![group(0, "h100-sxm5", 8), group(1, "h100-sxm5", 7), group(2, "a100-sxm4", 4)];
    groups.push(GroupRegistration::padding(3, &groups[0]));
    groups
}

pub fn fleet_context() -> FleetContext {
    FleetContext {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        revision: 0,
        from_window: 0,
        window_seconds: DAY,
        least_devices: Fill { numerator: 1, denominator: 4 },
    }
}

pub fn sealed_fleet() -> &'static SealedFleet {
    static SEALED: OnceLock<SealedFleet> = OnceLock::new();
    SEALED.get_or_init(|| seal_fleet(&master(), &fleet_context(), &registrations(), table(), &mut rng(1)).unwrap())
}

pub fn fleet() -> &'static PublicFleet {
    static FLEET: OnceLock<PublicFleet> = OnceLock::new();
    FLEET.get_or_init(|| {
        let sealed = sealed_fleet();
        let declared = FleetRef { root: sealed.root, groups: sealed.groups };
        verify_fleet(&fleet_context(), declared, &sealed.blob, table()).unwrap()
    })
}

pub fn context(window: u64, mode: Mode) -> WindowContext {
    WindowContext {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        window,
        window_start_unix_seconds: START + window * DAY,
        window_end_unix_seconds: START + (window + 1) * DAY,
        revision: 0,
        mode,
        fleet_statement: Hash32::of(b"fleet statement"),
        fleet_root: fleet().root(),
        chip_table: table().id(),
        rulebook: name("miri-treaty-2025"),
        previous_statement: Some(Hash32::of(b"previous")),
    }
}

/// Training for `training` s with `petaops`, unaccounted for `unaccounted` s, idle for the rest.
pub fn leaf(group: u32, index: usize, training: u32, petaops: u32, unaccounted: u32) -> LeafValues {
    let mut class_seconds = [0; 9];
    class_seconds[0] = training;
    class_seconds[3] = 1000;
    class_seconds[6] = DAY as u32 - training - unaccounted - 1000;
    class_seconds[8] = unaccounted;
    LeafValues {
        device: device(group, index),
        counter_start_millijoules: Some(1_000_000),
        counter_end_millijoules: Some(1_000_000 + 40_000_000_000),
        class_seconds,
        petaops: [petaops, 0, 3, 5, 0, 0],
        energy_kilojoules: 40_000,
        run_petaops: if petaops == 0 {
            Vec::new()
        } else {
            vec![(name("run-a"), petaops - petaops / 4), (name("run-b"), petaops / 4)]
        },
        evidence_root: Hash32::of(b"evidence"),
    }
    .with_experiment_time()
}

trait ExperimentTime {
    fn with_experiment_time(self) -> Self;
}

impl ExperimentTime for LeafValues {
    fn with_experiment_time(mut self) -> Self {
        self.class_seconds[2] = 100;
        self.class_seconds[6] -= 100;
        self
    }
}

/// The account of a window in which every device trains for `training` s.
pub fn inputs(training: u32, petaops: u32, unaccounted: u32) -> Vec<GroupInput> {
    registrations()
        .iter()
        .map(|group| GroupInput {
            group: group.group,
            leaves: (0..group.devices.len())
                .map(|index| leaf(group.group, index, training, petaops, unaccounted))
                .collect(),
        })
        .collect()
}

pub fn runs() -> Vec<Name> {
    vec![name("run-a"), name("run-b"), name("run-c")]
}

pub fn seal(context: &WindowContext, groups: &[GroupInput], rules: &[Rule], history: &PrivateHistory) -> SealedWindow {
    seal_window(&master(), context, fleet(), groups, &runs(), rules, history, &mut rng(2)).unwrap()
}

/// An honest window without rules, sealed once per test binary: mode sealed, window 3.
pub fn honest() -> &'static SealedWindow {
    static SEALED: OnceLock<SealedWindow> = OnceLock::new();
    SEALED.get_or_init(|| seal(&context(3, Mode::Sealed), &inputs(20_000, 4_000, 10), &[], &PrivateHistory::new()))
}

/// The same in mode open.
pub fn honest_open() -> &'static SealedWindow {
    static SEALED: OnceLock<SealedWindow> = OnceLock::new();
    SEALED.get_or_init(|| seal(&context(3, Mode::Open), &inputs(20_000, 4_000, 10), &[], &PrivateHistory::new()))
}

pub fn report(sealed: &SealedWindow) -> ReportRef {
    ReportRef { root: sealed.root, groups: sealed.groups, runs: runs() }
}

pub fn verify(context: &WindowContext, report: &ReportRef, blob: &[u8]) -> WindowVerdict {
    verify_window(context, fleet(), &[], &History::new(), report, blob)
}

pub fn outcome<'v>(verdict: &'v WindowVerdict, id: &str) -> &'v Outcome {
    &verdict.checks.iter().find(|check| check.id.to_string() == id).unwrap().outcome
}

pub fn all_pass(verdict: &WindowVerdict) -> bool {
    verdict.checks.iter().all(|check| check.outcome == Outcome::Pass)
}

pub fn fails(verdict: &WindowVerdict, id: &str) -> bool {
    matches!(outcome(verdict, id), Outcome::Fail(_))
}

pub mod forger;
