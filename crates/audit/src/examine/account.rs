//! The figures of an opened group, and the limits that they are held against.

use standstill_ledger::ChipModel;
use standstill_seal::{LeafValues, OpenedGroup};
use standstill_statement::{Class, Hash32};

/// One device in one window, as a leaf of the seal opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAccount {
    /// Hash of the device key, as in the fleet declaration.
    pub device: Hash32,
    /// Energy counter at the start of the window, in millijoules; `None` when the source has no counter or it was lost.
    pub counter_start_millijoules: Option<u64>,
    /// Energy counter at the end of the window.
    pub counter_end_millijoules: Option<u64>,
    /// Seconds by class, in the order of [`Class::ALL`].
    pub seconds: [u32; Class::COUNT],
    /// Operations by working class, in units of 10^15, each rounded up.
    pub petaops: [u32; Class::WORKING],
    /// Energy of the window in kilojoules, rounded up.
    pub energy_kilojoules: u32,
    /// Hash of the evidence that the figures were computed from.
    pub evidence: Hash32,
}

impl DeviceAccount {
    /// Seconds in a class.
    #[must_use]
    pub const fn seconds_in(&self, class: Class) -> u64 {
        self.seconds[class.index()] as u64
    }

    /// Seconds over all classes.
    #[must_use]
    pub fn total_seconds(&self) -> u64 {
        self.seconds.iter().map(|seconds| u64::from(*seconds)).sum()
    }

    /// Operations over all classes, in units of 10^15.
    #[must_use]
    pub fn total_petaops(&self) -> u64 {
        self.petaops.iter().map(|petaops| u64::from(*petaops)).sum()
    }

    /// True when the source metered no energy at all: no counters and no kilojoule. Missing evidence, not evidence of rest.
    pub(super) fn is_unmetered(&self) -> bool {
        self.energy_kilojoules == 0
            && self.counter_start_millijoules.is_none()
            && self.counter_end_millijoules.is_none()
    }

    /// True when the device was off all the time and nothing was measured, so that equal evidence proves nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.energy_kilojoules == 0 && self.total_petaops() == 0
    }
}

/// An opened group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAccount {
    /// Group number.
    pub group: u32,
    /// Window index.
    pub window: u64,
    /// Devices in the order of the leaves.
    pub devices: Vec<DeviceAccount>,
}

impl From<&LeafValues> for DeviceAccount {
    fn from(leaf: &LeafValues) -> Self {
        Self {
            device: leaf.device,
            counter_start_millijoules: leaf.counter_start_millijoules,
            counter_end_millijoules: leaf.counter_end_millijoules,
            seconds: leaf.class_seconds,
            petaops: leaf.petaops,
            energy_kilojoules: leaf.energy_kilojoules,
            evidence: leaf.evidence_root,
        }
    }
}

impl GroupAccount {
    /// The account of a group that the seal has found to reproduce its commitments, in window `window`.
    #[must_use]
    pub fn of(opened: &OpenedGroup, window: u64) -> Self {
        Self { group: opened.group, window, devices: opened.leaves.iter().map(DeviceAccount::from).collect() }
    }
}

/// Physical limits of a chip model, from the agreement's chip table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipLimits {
    /// Highest dense peak over all numeric formats, in operations per second.
    pub peak_ops_per_second: u64,
    /// Dense 16-bit peak, the rate that power is compared with, in operations per second.
    pub sixteen_bit_ops_per_second: u64,
    /// Design power in watts.
    pub design_watts: u32,
    /// Least power of a powered chip without work, in watts, before tolerance.
    pub idle_least_watts: u32,
    /// Most power of a chip without work, in watts, before tolerance.
    pub idle_most_watts: u32,
}

impl ChipLimits {
    /// Limits of a row of the chip table. Few vendors state idle power: where the table has none, a tenth to a fifth of design power
    /// is assumed, which with the default tolerances allows 4 % to 30 %.
    #[must_use]
    pub fn of(model: &ChipModel) -> Self {
        let design_watts = model.tdp_watts;
        Self {
            peak_ops_per_second: model.highest_peak_ops_per_second(),
            sixteen_bit_ops_per_second: model.reference_peak_ops_per_second(),
            design_watts,
            idle_least_watts: model.idle_watts.unwrap_or(design_watts / 10),
            idle_most_watts: model.idle_watts.unwrap_or(design_watts / 5),
        }
    }
}

/// Energy of the group's power feed over the window, from a meter that the party does not control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerReading {
    /// Energy read, in kilojoules.
    pub energy_kilojoules: u64,
    /// Energy that hosts, fans and switches on the feed use whatever the accelerators do, in kilojoules.
    pub base_kilojoules: u64,
    /// Losses and cooling on the feed that grow with the accelerators' energy, per mille of it.
    pub overhead_per_mille: u16,
    /// Uncertainty of reading, base and overhead together, per mille of the expected reading.
    pub tolerance_per_mille: u16,
}

/// Tolerances of the examination, per mille. They belong in the agreement; the default is documented with its reasons in
/// `docs/formats/audit.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerances {
    /// Energy against the difference of the counters.
    pub counter_per_mille: u16,
    /// How far average power may exceed design power.
    pub design_per_mille: u16,
    /// How far idle power may exceed the table's.
    pub idle_above_per_mille: u16,
    /// How far power in service may fall below the table's idle power.
    pub idle_below_per_mille: u16,
    /// Least share of the 16-bit peak that training must report for each second of full power.
    pub least_rate_per_mille: u16,
    /// Share of the 16-bit peak from which serving looks like training.
    pub profile_rate_per_mille: u16,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self {
            counter_per_mille: 10,
            design_per_mille: 100,
            idle_above_per_mille: 500,
            idle_below_per_mille: 600,
            least_rate_per_mille: 50,
            profile_rate_per_mille: 350,
        }
    }
}

/// `value` raised by `per_mille`, rounded up.
pub(super) fn raised(value: u128, per_mille: u16) -> u128 {
    (value * (1_000 + u128::from(per_mille))).div_ceil(1_000)
}

/// `value` lowered by `per_mille`, rounded down.
pub(super) fn lowered(value: u128, per_mille: u16) -> u128 {
    value * 1_000u128.saturating_sub(u128::from(per_mille)) / 1_000
}
