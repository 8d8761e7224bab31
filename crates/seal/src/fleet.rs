//! The sealed fleet: which groups exist, where, of which model and capacity, with a commitment to the number of devices in each.

use crate::blob::{Bytes, FleetBlob};
use crate::commitment::{PointBytes, commit, small_multiple};
use crate::context::FleetContext;
use crate::error::{FleetProof, SealError};
use crate::keys::MasterSecret;
use crate::leaf::devices_root;
use crate::parameters::{COUNT_LANE, MAX_GROUP_DEVICES, MAX_GROUPS, ModelConstants, VERSION};
use crate::range::{Encoded, LANE, SLACK, Sequence};
use crate::record::{FLEET_RECORD_BYTES, decode_fleet_all, encode_fleet, records_root};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::{RistrettoPoint, Scalar};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use standstill_agreement::Fill;
use standstill_ledger::ChipTable;
use standstill_statement::{Hash32, Name};
use std::collections::BTreeMap;

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

impl GroupRegistration {
    /// A padding group: registered where `like` is and with its capacity, but without devices. Nobody can tell it from a group in use.
    #[must_use]
    pub fn padding(group: u32, like: &Self) -> Self {
        Self { group, devices: Vec::new(), ..like.clone() }
    }
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
    counts: Vec<RistrettoPoint>,
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

    /// Count commitments, decoded.
    pub(crate) fn counts(&self) -> &[RistrettoPoint] {
        &self.counts
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
    let total = check_registrations(context, groups, table)?;
    let period = context.period();
    let key = master.period(context.agreement, &context.party, period);
    let mut records = Vec::with_capacity(groups.len() * FLEET_RECORD_BYTES);
    let (mut counts, mut rests, mut count_openings, mut rest_openings) = (vec![], vec![], vec![], vec![]);
    for group in groups {
        let key = key.group(group.group);
        let count = group.devices.len() as u64;
        let blinding = key.blinding(COUNT_LANE, count);
        let point = commit(&Scalar::from(count), &blinding);
        let root = devices_root(&key, period, group.group, group.capacity_devices, &group.devices);
        encode_fleet(group.group, &public_group(group, root, PointBytes::of(&point)), &mut records);
        counts.push((point, PointBytes::of(&point)));
        count_openings.push((count, blinding));
        rests.push(rest(group.capacity_devices, &point));
        rest_openings.push((u64::from(group.capacity_devices) - count, -blinding));
    }
    counts.append(&mut rests);
    count_openings.append(&mut rest_openings);
    let root = records_root(&records, FLEET_RECORD_BYTES);
    let hash = context.hash(table.id(), total, root)?;
    let range = sequence(hash).prove(&counts, &count_openings, rng)?;
    let opening = fill_opening(context.least_devices, groups, &count_openings[..groups.len()])?;
    let points = counts[..groups.len()].iter().map(|(point, _)| *point);
    let point = fill_point(context.least_devices, points, groups.iter().map(|group| group.capacity_devices));
    let fill = fill_sequence(hash).prove(&[point], &[opening], rng)?;
    let blob = FleetBlob { version: VERSION, records: Bytes(records), range: Bytes(range), fill: Bytes(fill) };
    Ok(SealedFleet { blob: standstill_statement::canonical::to_vec(&blob)?, root, groups: total })
}

fn public_group(group: &GroupRegistration, devices_root: Hash32, count: PointBytes) -> PublicGroup {
    PublicGroup {
        site: group.site.clone(),
        area: group.area.clone(),
        model: group.model.clone(),
        capacity_devices: group.capacity_devices,
        devices_root,
        count,
    }
}

const fn sequence(context: Hash32) -> Sequence<'static> {
    Sequence { shape: LANE, context, statement: "fleet-count", about: &[] }
}

/// One 64-bit proof: with the agreed share `n/d`, `d·Σ count − n·Σ capacity ≥ 0`.
const fn fill_sequence(context: Hash32) -> Sequence<'static> {
    Sequence { shape: SLACK, context, statement: "fleet-fill", about: &[] }
}

/// Commitment to `d·Σ count − n·Σ capacity`, derived from the commitments to the counts.
fn fill_point(
    share: Fill,
    counts: impl Iterator<Item = RistrettoPoint>,
    capacities: impl Iterator<Item = u16>,
) -> Encoded {
    let count: RistrettoPoint = counts.sum();
    let capacity: u64 = capacities.map(u64::from).sum();
    let wanted = Scalar::from(u128::from(share.numerator) * u128::from(capacity));
    let point = Scalar::from(share.denominator) * count - wanted * RISTRETTO_BASEPOINT_POINT;
    (point, PointBytes::of(&point))
}

fn fill_opening(
    share: Fill,
    groups: &[GroupRegistration],
    counts: &[(u64, Scalar)],
) -> Result<(u64, Scalar), SealError> {
    let capacity: u64 = groups.iter().map(|group| u64::from(group.capacity_devices)).sum();
    let (count, blinding) =
        counts.iter().fold((0u64, Scalar::ZERO), |(count, sum), (value, blinding)| (count + value, sum + blinding));
    let have = u128::from(share.denominator) * u128::from(count);
    let slack = have.checked_sub(u128::from(share.numerator) * u128::from(capacity));
    let slack = slack.and_then(|slack| u64::try_from(slack).ok()).ok_or_else(|| SealError::Input {
        place: "fleet".to_owned(),
        problem: format!(
            "{count} devices in a registered capacity of {capacity}, and the agreement wants at least {}/{}; register less empty capacity",
            share.numerator, share.denominator
        ),
    })?;
    Ok((slack, Scalar::from(share.denominator) * blinding))
}

/// Commitment to capacity less count, derived from the commitment to the count.
fn rest(capacity: u16, count: &RistrettoPoint) -> Encoded {
    let point = small_multiple(&RISTRETTO_BASEPOINT_POINT, u64::from(capacity)) - count;
    (point, PointBytes::of(&point))
}

fn check_registrations(
    context: &FleetContext,
    groups: &[GroupRegistration],
    table: &ChipTable,
) -> Result<u32, SealError> {
    let refuse = |place: String, problem: &str| Err(SealError::Input { place, problem: problem.to_owned() });
    let total = u32::try_from(groups.len()).ok().filter(|total| (1..=MAX_GROUPS).contains(total));
    let Some(total) = total else { return refuse("fleet".to_owned(), "a fleet has 1 to 1,048,576 groups") };
    let mut seen: BTreeMap<Hash32, u32> = BTreeMap::new();
    for (index, group) in (0..total).zip(groups) {
        let place = || format!("group {index}");
        if group.group != index {
            return refuse(place(), "groups are not numbered from 0 without gaps");
        }
        if group.capacity_devices > MAX_GROUP_DEVICES || group.devices.len() > usize::from(group.capacity_devices) {
            return refuse(place(), "a group has at most 128 devices, and not more than its capacity");
        }
        ModelConstants::find(table, index, &group.model, context.window_seconds)?;
        for device in &group.devices {
            if let Some(other) = seen.insert(*device, index) {
                return refuse(format!("groups {other} and {index}"), "one device is registered twice");
            }
        }
    }
    Ok(total)
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
    let (fleet, proofs) = read(context, declared, blob, table)?;
    let counts = fleet.counts.iter().zip(&fleet.groups).map(|(point, group)| (*point, group.count));
    let rests = fleet.counts.iter().zip(&fleet.groups).map(|(point, group)| rest(group.capacity_devices, point));
    let commitments: Vec<Encoded> = counts.chain(rests).collect();
    let hash = context.hash(table.id(), declared.groups, declared.root)?;
    let refuse = |what| move |_| SealError::FleetProof { party: context.party.clone(), what };
    sequence(hash).verify(&commitments, &proofs.range).map_err(refuse(FleetProof::Counts))?;
    let capacities = fleet.groups.iter().map(|group| group.capacity_devices);
    let fill = fill_point(context.least_devices, fleet.counts.iter().copied(), capacities);
    fill_sequence(hash).verify(&[fill], &proofs.fill).map_err(refuse(FleetProof::Fill))?;
    Ok(fleet)
}

/// As [`verify_fleet`] without the range proofs: only for a blob whose verification is remembered by its hash and context.
///
/// # Errors
/// As [`verify_fleet`], but for [`SealError::FleetProof`].
pub fn read_verified_fleet(
    context: &FleetContext,
    declared: FleetRef,
    blob: &[u8],
    table: &ChipTable,
) -> Result<PublicFleet, SealError> {
    read(context, declared, blob, table).map(|(fleet, _)| fleet)
}

/// A key for remembering that [`verify_fleet`] accepted: a hash over everything that it depends on. `blob_sha256` is the hash of the exact
/// blob bytes.
///
/// # Errors
/// [`SealError::Encoding`], never for values of these types.
pub fn fleet_memory_key(
    context: &FleetContext,
    declared: FleetRef,
    chip_table: Hash32,
    blob_sha256: Hash32,
) -> Result<Hash32, SealError> {
    let context = context.hash(chip_table, declared.groups, declared.root)?;
    let digest = Sha256::new().chain_update(b"standstill/1/fleet-memory\0").chain_update(blob_sha256.as_bytes());
    Ok(Hash32(digest.chain_update(context.as_bytes()).finalize().into()))
}

struct FleetProofs {
    range: Vec<u8>,
    fill: Vec<u8>,
}

fn read(
    context: &FleetContext,
    declared: FleetRef,
    blob: &[u8],
    table: &ChipTable,
) -> Result<(PublicFleet, FleetProofs), SealError> {
    let refuse = |problem: String| SealError::FleetBlob { party: context.party.clone(), problem };
    if !(1..=MAX_GROUPS).contains(&declared.groups) {
        return Err(refuse("a fleet has 1 to 1,048,576 groups".to_owned()));
    }
    let blob = FleetBlob::decode(blob, declared.groups).map_err(|error| refuse(error.to_string()))?;
    if blob.version != VERSION {
        return Err(refuse(format!("version {} is not known here; version {VERSION} is", blob.version)));
    }
    let groups = decode_fleet_all(declared.groups, &blob.records.0)
        .ok_or_else(|| refuse(format!("there are not exactly {} well-formed group records", declared.groups)))?;
    let root = records_root(&blob.records.0, FLEET_RECORD_BYTES);
    if root != declared.root {
        return Err(SealError::FleetRoot { party: context.party.clone(), declared: declared.root, found: root });
    }
    let counts: Option<Vec<RistrettoPoint>> = groups.iter().map(|group| group.count.commitment()).collect();
    let counts = counts.ok_or_else(|| refuse("a count commitment is not a point, or is the identity".to_owned()))?;
    let find =
        |(index, group): (u32, &PublicGroup)| ModelConstants::find(table, index, &group.model, context.window_seconds);
    let constants = (0..declared.groups).zip(&groups).map(find).collect::<Result<Vec<_>, _>>()?;
    let fleet = PublicFleet { context: context.clone(), chip_table: table.id(), root, groups, constants, counts };
    Ok((fleet, FleetProofs { range: blob.range.0, fill: blob.fill.0 }))
}
