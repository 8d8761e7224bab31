//! The sealed fleet: which groups exist, where, of which model and capacity, with a commitment to the number of devices in each.

use crate::commitment::PointBytes;
use crate::context::FleetContext;
use crate::error::SealError;
use crate::keys::MasterSecret;
use crate::parameters::ModelConstants;
use rand_core::CryptoRng;
use standstill_ledger::ChipTable;
use standstill_statement::{Hash32, Name};

/// One group as the party registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRegistration {
    /// Group number, from 0 without gaps.
    pub group: u32,
    /// Site.
    pub site: Name,
    /// Balance area.
    pub area: Name,
    /// Chip model, an id of the chip table.
    pub model: Name,
    /// Public upper bound on the number of devices, at most 128; what draws are weighted with. May exceed the number of devices,
    /// up to a group without any, so that the exact size stays hidden.
    pub capacity_devices: u16,
    /// Device key hashes, in the order of the leaves.
    pub devices: Vec<Hash32>,
}

/// A sealed fleet, ready to be declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFleet {
    /// Bytes of the blob.
    pub blob: Vec<u8>,
    /// Root over the group records.
    pub root: Hash32,
    /// Number of group records.
    pub groups: u32,
}

/// What the fleet declaration says about its blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetRef {
    /// Root over the group records.
    pub root: Hash32,
    /// Number of group records.
    pub groups: u32,
}

/// One group as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicGroup {
    /// Site.
    pub site: Name,
    /// Balance area.
    pub area: Name,
    /// Chip model.
    pub model: Name,
    /// Registered capacity: an upper bound on the number of devices, and the weight in draws.
    pub capacity_devices: u16,
    /// Root over the salted device leaves.
    pub devices_root: Hash32,
    /// Commitment to the number of devices.
    pub count: PointBytes,
}

/// A fleet whose proofs were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFleet {
    context: FleetContext,
    chip_table: Hash32,
    root: Hash32,
    groups: Vec<PublicGroup>,
    constants: Vec<ModelConstants>,
}

impl PublicFleet {
    /// The declaration's context.
    #[must_use]
    pub const fn context(&self) -> &FleetContext {
        &self.context
    }
    /// Id of the chip table that the constants were taken from.
    #[must_use]
    pub const fn chip_table(&self) -> Hash32 {
        self.chip_table
    }
    /// Constants of each group's chip model, by group number.
    #[must_use]
    pub fn constants(&self) -> &[ModelConstants] {
        &self.constants
    }
    /// Root over the group records.
    #[must_use]
    pub const fn root(&self) -> Hash32 {
        self.root
    }
    /// The groups, by number.
    #[must_use]
    pub fn groups(&self) -> &[PublicGroup] {
        &self.groups
    }
    /// Registered capacity per group: the weights of a draw.
    #[must_use]
    pub fn capacities(&self) -> Vec<u64> {
        self.groups.iter().map(|group| u64::from(group.capacity_devices)).collect()
    }
}

/// Seals a fleet. `rng` must be a cryptographic generator seeded from the system.
///
/// # Errors
/// [`SealError::Input`] naming the group, or [`SealError::UnknownModel`].
pub fn seal_fleet<R: CryptoRng>(
    master: &MasterSecret,
    context: &FleetContext,
    groups: &[GroupRegistration],
    table: &ChipTable,
    rng: &mut R,
) -> Result<SealedFleet, SealError> {
    let _ = (master, context, groups, table, rng);
    Err(SealError::Secret("under construction"))
}

/// Reads and verifies a fleet blob against its declaration.
///
/// # Errors
/// [`SealError::FleetBlob`], [`SealError::FleetRoot`], [`SealError::FleetProof`], [`SealError::UnknownModel`].
pub fn verify_fleet(
    context: &FleetContext,
    declared: FleetRef,
    blob: &[u8],
    table: &ChipTable,
) -> Result<PublicFleet, SealError> {
    let _ = (context, declared, blob, table);
    Err(SealError::Secret("under construction"))
}
