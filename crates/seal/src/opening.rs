//! Opening one group to an inspector, and checking what was opened.

use crate::account::fits;
use crate::blob::WindowBlob;
use crate::commitment::{PointBytes, commit};
use crate::context::WindowContext;
use crate::error::{OpeningError, SealError};
use crate::fleet::{PublicFleet, PublicGroup};
use crate::keys::{GroupKey, MasterSecret};
use crate::leaf::{GroupInput, LeafValues, devices_root, lane_sums, leaf_root};
use crate::parameters::{COUNT_LANE, ENERGY_LANE, MAX_RULES, MAX_RUNS, PETAOPS_LANE};
use crate::record::{WINDOW_RECORD_BYTES, WindowRecord};
use curve25519_dalek::Scalar;
use serde::{Deserialize, Serialize};
use standstill_statement::canonical::{self, Limits};
use standstill_statement::{Class, Hash32};
use std::collections::{BTreeMap, BTreeSet};

/// Longest encoded opening, bytes.
pub const MAX_OPENING_BYTES: usize = 4 << 20;
/// 128 leaves with 256 runs each, and their fields.
const LIMITS: Limits = Limits { max_bytes: MAX_OPENING_BYTES, max_depth: 6, max_items: 200_000 };

/// Everything that binds one group's figures to the fleet and the report. Confidential: for the inspector only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Period id of the report.
    pub period: Hash32,
    /// Group number.
    pub group: u32,
    /// Key of the group in the fleet declaration.
    pub fleet_key: Hash32,
    /// Key of the group in the report.
    pub window_key: Hash32,
    /// Leaves in the order of the registered devices.
    pub leaves: Vec<LeafValues>,
}

/// A group whose opening agrees with fleet and report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedGroup {
    /// Group number.
    pub group: u32,
    /// The group's registration.
    pub registration: PublicGroup,
    /// Leaves in the order of the registered devices.
    pub leaves: Vec<LeafValues>,
    /// Seconds per class over all leaves.
    pub class_seconds: [u64; Class::COUNT],
    /// Operations per working class over all leaves, units of 1e15.
    pub petaops: [u64; Class::WORKING],
    /// Energy over all leaves, kilojoules.
    pub energy_kilojoules: u64,
}

impl Opening {
    /// Canonical CBOR.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SealError> {
        Ok(canonical::to_vec(self)?)
    }

    /// Reads canonical CBOR of at most [`MAX_OPENING_BYTES`].
    ///
    /// # Errors
    /// [`OpeningError::Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpeningError> {
        canonical::from_slice_limited(bytes, LIMITS).map_err(|error| OpeningError::Unreadable(error.to_string()))
    }
}

/// Opens one group: its two keys and its leaves. No other group's key follows from them.
///
/// # Errors
/// [`SealError::Input`] when fleet and context do not belong together or the group does not exist.
pub fn open_group(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    input: &GroupInput,
) -> Result<Opening, SealError> {
    let refuse =
        |problem: &str| SealError::Input { place: format!("group {}", input.group), problem: problem.to_owned() };
    fits(context, fleet).map_err(refuse)?;
    registration(fleet, input.group).ok_or_else(|| refuse("the fleet has no such group"))?;
    let declared = fleet.context();
    let fleet_key = master.period(declared.agreement, &declared.party, declared.period()).group(input.group);
    let window_key = master.period(context.agreement, &context.party, context.period()).group(input.group);
    Ok(Opening {
        period: context.period().0,
        group: input.group,
        fleet_key: Hash32(*fleet_key.as_bytes()),
        window_key: Hash32(*window_key.as_bytes()),
        leaves: input.leaves.clone(),
    })
}

fn registration(fleet: &PublicFleet, group: u32) -> Option<&PublicGroup> {
    fleet.groups().get(usize::try_from(group).ok()?)
}

/// Checks an opening of `group` against the fleet and the report. `report_blob` must be the blob that the statement names by its
/// hash, and whose verification passed.
///
/// # Errors
/// The first [`OpeningError`].
pub fn check_opening(
    context: &WindowContext,
    fleet: &PublicFleet,
    report_blob: &[u8],
    group: u32,
    opening: &Opening,
) -> Result<OpenedGroup, OpeningError> {
    fits(context, fleet).map_err(|problem| OpeningError::Report(problem.to_owned()))?;
    let wanted = context.period().0;
    if opening.period != wanted {
        return Err(OpeningError::WrongPeriod { wanted, found: opening.period });
    }
    let registration = registration(fleet, group).filter(|_| opening.group == group);
    let registration = registration.ok_or(OpeningError::WrongGroup(opening.group))?;
    let record = record(fleet, report_blob, group)?;
    check_devices(fleet, registration, opening)?;
    let key = GroupKey::from_bytes(opening.window_key.0);
    if leaf_root(&key, context.period(), group, registration.capacity_devices, &opening.leaves) != record.leaf_root {
        return Err(OpeningError::LeafRoot { group });
    }
    let sums = lane_sums(&opening.leaves);
    for (lane, (sum, committed)) in sums.into_iter().zip(&record.lanes).enumerate() {
        let blinding = key.blinding(u8::try_from(lane).unwrap_or(u8::MAX), sum);
        if PointBytes::of(&commit(&Scalar::from(sum), &blinding)) != *committed {
            return Err(OpeningError::Commitment { group, lane, sum });
        }
    }
    Ok(OpenedGroup {
        group,
        registration: registration.clone(),
        leaves: opening.leaves.clone(),
        class_seconds: std::array::from_fn(|class| sums[class]),
        petaops: std::array::from_fn(|class| sums[PETAOPS_LANE + class]),
        energy_kilojoules: sums[ENERGY_LANE],
    })
}

/// The devices are exactly the declared ones, each once.
fn check_devices(fleet: &PublicFleet, registration: &PublicGroup, opening: &Opening) -> Result<(), OpeningError> {
    let group = opening.group;
    let (leaves, capacity) = (opening.leaves.len(), registration.capacity_devices);
    if leaves > usize::from(capacity) {
        return Err(OpeningError::Capacity { group, leaves, capacity });
    }
    let mut seen = BTreeSet::new();
    for leaf in &opening.leaves {
        if !seen.insert(leaf.device) {
            return Err(OpeningError::DeviceTwice { group, device: leaf.device });
        }
    }
    let key = GroupKey::from_bytes(opening.fleet_key.0);
    let count = leaves as u64;
    if PointBytes::of(&commit(&Scalar::from(count), &key.blinding(COUNT_LANE, count))) != registration.count {
        return Err(OpeningError::FleetCount { group });
    }
    let devices: Vec<Hash32> = opening.leaves.iter().map(|leaf| leaf.device).collect();
    if devices_root(&key, fleet.context().period(), group, capacity, &devices) != registration.devices_root {
        return Err(OpeningError::FleetDevices { group });
    }
    Ok(())
}

fn record(fleet: &PublicFleet, report_blob: &[u8], group: u32) -> Result<WindowRecord, OpeningError> {
    let groups = u32::try_from(fleet.groups().len()).unwrap_or(u32::MAX);
    let blob = WindowBlob::decode(report_blob, groups, MAX_RUNS, MAX_RULES);
    let blob = blob.map_err(|error| OpeningError::Report(error.to_string()))?;
    let index = usize::try_from(group).ok();
    let record = index.and_then(|index| blob.records.0.chunks_exact(WINDOW_RECORD_BYTES).nth(index));
    record
        .and_then(|bytes| WindowRecord::decode(group, bytes))
        .ok_or_else(|| OpeningError::Report(format!("it has no record of group {group}")))
}

/// Devices that stand in two opened groups of one window: one chip that answers for two.
#[must_use]
pub fn clashes(groups: &[OpenedGroup]) -> Vec<(Hash32, u32, u32)> {
    let mut seen: BTreeMap<Hash32, u32> = BTreeMap::new();
    let mut clashes = Vec::new();
    for group in groups {
        for leaf in &group.leaves {
            match seen.get(&leaf.device) {
                Some(other) if *other != group.group => clashes.push((leaf.device, *other, group.group)),
                _ => {
                    seen.insert(leaf.device, group.group);
                }
            }
        }
    }
    clashes
}
