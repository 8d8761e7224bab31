//! One device in one window: the values that are hashed into a leaf and added up in the lanes of its group.

use crate::keys::{GroupKey, PeriodId};
use crate::parameters::{ENERGY_LANE, PETAOPS_LANE, PUBLISHED_LANES};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use standstill_ledger::{ChipModel, DeviceUnits, DeviceWindow, WindowSpec, fleet::key_hash};
use standstill_statement::{Class, Hash32, Name};
use standstill_tlog::merkle;
use std::collections::BTreeMap;

/// Bytes of a device leaf before hashing.
pub const LEAF_BYTES: usize = 271;
/// Bytes of a fleet's device leaf before hashing.
pub const DEVICE_LEAF_BYTES: usize = 127;
/// Bytes of a padding leaf before hashing.
pub const PAD_BYTES: usize = 92;

/// One device in one window, in whole units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafValues {
    /// Device key hash (`standstill_ledger::fleet::key_hash`).
    pub device: Hash32,
    /// Energy counter at the start of the window, millijoules; `None` when the device has no counter.
    pub counter_start_millijoules: Option<u64>,
    /// Energy counter at the end of the window, which is the start of the next.
    pub counter_end_millijoules: Option<u64>,
    /// Seconds per class in the order of [`Class::ALL`]; they add up to the window.
    pub class_seconds: [u32; Class::COUNT],
    /// Operations per working class, units of 1e15.
    pub petaops: [u32; Class::WORKING],
    /// Energy in kilojoules, rounded up.
    pub energy_kilojoules: u32,
    /// Operations per declared run, sorted by name: all petaops of the classes that change weights, and those of `experiment` that
    /// belong to a declared run.
    pub run_petaops: Vec<(Name, u32)>,
    /// Hash over the evidence from which the figures were made.
    pub evidence_root: Hash32,
}

/// The leaves of one group, in the order of the group's registered devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupInput {
    /// Group number.
    pub group: u32,
    /// One leaf per registered device, in the order of registration.
    pub leaves: Vec<LeafValues>,
}

impl LeafValues {
    /// The leaf of a device's row in the ledger, by the rounding rules of [`DeviceUnits::of`]. Figures beyond 32 bits saturate,
    /// and sealing then refuses them.
    #[must_use]
    pub fn of(row: &DeviceWindow, spec: &WindowSpec, chip: &ChipModel) -> Self {
        let units = DeviceUnits::of(row, spec, chip);
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let mut runs: BTreeMap<Name, u64> = BTreeMap::new();
        for ((class, run), petaops) in units.runs {
            if class.changes_weights() || class == Class::Experiment {
                *runs.entry(run).or_default() += petaops;
            }
        }
        Self {
            device: key_hash(&row.device),
            counter_start_millijoules: row.counter_start_millijoules,
            counter_end_millijoules: row.counter_end_millijoules,
            class_seconds: units.seconds,
            petaops: units.petaops.map(narrow),
            energy_kilojoules: narrow(units.kilojoules),
            run_petaops: runs.into_iter().map(|(run, petaops)| (run, narrow(petaops))).collect(),
            evidence_root: row.evidence_hash,
        }
    }

    /// Values in the order of the published lanes.
    #[must_use]
    pub fn lanes(&self) -> [u32; PUBLISHED_LANES] {
        let mut lanes = [0; PUBLISHED_LANES];
        lanes[..Class::COUNT].copy_from_slice(&self.class_seconds);
        lanes[PETAOPS_LANE..PETAOPS_LANE + Class::WORKING].copy_from_slice(&self.petaops);
        lanes[ENERGY_LANE] = self.energy_kilojoules;
        lanes
    }

    /// Operations of the classes that change weights, units of 1e15.
    #[must_use]
    pub fn training_petaops(&self) -> u64 {
        let lanes = Class::ALL.into_iter().take(Class::WORKING).zip(&self.petaops);
        lanes.filter(|(class, _)| class.changes_weights()).map(|(_, petaops)| u64::from(*petaops)).sum()
    }

    /// The bytes that are hashed as a leaf (`docs/formats/seal.md`, "Leaf"): fixed width, so that no two leaves share an encoding.
    #[must_use]
    pub fn encode(&self, period: PeriodId, group: u32, index: u16, salt: &[u8; 32]) -> Vec<u8> {
        let mut out = Vec::with_capacity(LEAF_BYTES);
        out.extend_from_slice(b"standstill/1/seal-leaf\0");
        place(&mut out, period, group, index);
        out.extend_from_slice(self.device.as_bytes());
        for counter in [self.counter_start_millijoules, self.counter_end_millijoules] {
            out.push(u8::from(counter.is_some()));
            out.extend_from_slice(&counter.unwrap_or(0).to_be_bytes());
        }
        for value in self.lanes() {
            out.extend_from_slice(&value.to_be_bytes());
        }
        out.extend_from_slice(runs_digest(&self.run_petaops).as_bytes());
        out.extend_from_slice(self.evidence_root.as_bytes());
        out.extend_from_slice(salt);
        out
    }
}

fn place(out: &mut Vec<u8>, period: PeriodId, group: u32, index: u16) {
    out.extend_from_slice(period.0.as_bytes());
    out.extend_from_slice(&group.to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
}

/// SHA-256(domain ‖ u16 count ‖ per run: u8 length ‖ name ‖ u32 petaops).
#[must_use]
pub fn runs_digest(runs: &[(Name, u32)]) -> Hash32 {
    let mut digest = Sha256::new().chain_update(b"standstill/1/seal-leaf-runs\0");
    digest.update(u16::try_from(runs.len()).unwrap_or(u16::MAX).to_be_bytes());
    for (run, petaops) in runs {
        digest.update([u8::try_from(run.as_str().len()).unwrap_or(u8::MAX)]);
        digest.update(run.as_str());
        digest.update(petaops.to_be_bytes());
    }
    Hash32(digest.finalize().into())
}

fn pad(period: PeriodId, group: u32, index: u16, salt: &[u8; 32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PAD_BYTES);
    out.extend_from_slice(b"standstill/1/seal-pad\0");
    place(&mut out, period, group, index);
    out.extend_from_slice(salt);
    out
}

/// RFC 6962 root over exactly `max(capacity, 1)` leaves: the given encodings, then salted padding. The number of devices does not
/// show in the shape of the tree.
fn padded_root(
    key: &GroupKey,
    period: PeriodId,
    group: u32,
    capacity: u16,
    encode: impl Fn(u16, &[u8; 32]) -> Option<Vec<u8>>,
) -> Hash32 {
    let leaves: Vec<merkle::Hash> = (0..capacity.max(1))
        .map(|index| {
            let salt = key.salt(index);
            merkle::leaf_hash(&encode(index, &salt).unwrap_or_else(|| pad(period, group, index, &salt)))
        })
        .collect();
    Hash32(merkle::root(&leaves))
}

/// Root over a group's leaves in a report.
#[must_use]
pub fn leaf_root(key: &GroupKey, period: PeriodId, group: u32, capacity: u16, leaves: &[LeafValues]) -> Hash32 {
    padded_root(key, period, group, capacity, |index, salt| {
        leaves.get(usize::from(index)).map(|leaf| leaf.encode(period, group, index, salt))
    })
}

/// Root over a group's devices in a fleet declaration.
#[must_use]
pub fn devices_root(key: &GroupKey, period: PeriodId, group: u32, capacity: u16, devices: &[Hash32]) -> Hash32 {
    padded_root(key, period, group, capacity, |index, salt| {
        let device = devices.get(usize::from(index))?;
        let mut out = Vec::with_capacity(DEVICE_LEAF_BYTES);
        out.extend_from_slice(b"standstill/1/seal-device\0");
        place(&mut out, period, group, index);
        out.extend_from_slice(device.as_bytes());
        out.extend_from_slice(salt);
        Some(out)
    })
}

/// Sums over leaves in lane order. 128 values of 32 bits stay far below 2^64.
#[must_use]
pub fn lane_sums(leaves: &[LeafValues]) -> [u64; PUBLISHED_LANES] {
    let mut sums = [0u64; PUBLISHED_LANES];
    for leaf in leaves {
        for (sum, value) in sums.iter_mut().zip(leaf.lanes()) {
            *sum += u64::from(value);
        }
    }
    sums
}
