//! Group records: the fixed-width bytes over which the roots of a fleet declaration and of a report are built.

use crate::commitment::PointBytes;
use crate::fleet::PublicGroup;
use crate::parameters::{MAX_GROUP_DEVICES, PUBLISHED_LANES};
use standstill_statement::{Hash32, Name};
use standstill_tlog::merkle;

/// Bytes of a group record in a fleet blob.
pub const FLEET_RECORD_BYTES: usize = 262;
/// Bytes of a group record in a report blob.
pub const WINDOW_RECORD_BYTES: usize = 36 + 32 * PUBLISHED_LANES;

/// One group in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowRecord {
    /// Root over the group's leaves.
    pub leaf_root: Hash32,
    /// One commitment per published lane.
    pub lanes: [PointBytes; PUBLISHED_LANES],
}

/// RFC 6962 root over records of `width` bytes each.
#[must_use]
pub fn records_root(records: &[u8], width: usize) -> Hash32 {
    let leaves: Vec<merkle::Hash> = records.chunks(width.max(1)).map(merkle::leaf_hash).collect();
    Hash32(merkle::root(&leaves))
}

impl WindowRecord {
    /// Appends the record of group `group`.
    pub fn encode(&self, group: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&group.to_be_bytes());
        out.extend_from_slice(self.leaf_root.as_bytes());
        for lane in &self.lanes {
            out.extend_from_slice(lane.as_bytes());
        }
    }

    /// Reads the record of group `group`; `None` when the length or the number differs.
    #[must_use]
    pub fn decode(group: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != WINDOW_RECORD_BYTES || bytes.get(..4)? != group.to_be_bytes() {
            return None;
        }
        let mut words = bytes.get(4..)?.chunks_exact(32).filter_map(|word| <[u8; 32]>::try_from(word).ok()).map(Hash32);
        let leaf_root = words.next()?;
        let lanes: Vec<PointBytes> = words.map(PointBytes).collect();
        Some(Self { leaf_root, lanes: lanes.try_into().ok()? })
    }

    /// The records of a blob, in order; `None` when there are not exactly `groups` of them, numbered from 0.
    #[must_use]
    pub fn decode_all(groups: u32, bytes: &[u8]) -> Option<Vec<Self>> {
        if bytes.len() != usize::try_from(groups).ok()?.checked_mul(WINDOW_RECORD_BYTES)? {
            return None;
        }
        (0..groups)
            .zip(bytes.chunks_exact(WINDOW_RECORD_BYTES))
            .map(|(group, record)| Self::decode(group, record))
            .collect()
    }
}

/// Appends a fleet record: number, capacity, three names padded with zero bytes, device root, count commitment.
pub fn encode_fleet(group: u32, record: &PublicGroup, out: &mut Vec<u8>) {
    out.extend_from_slice(&group.to_be_bytes());
    out.extend_from_slice(&record.capacity_devices.to_be_bytes());
    for name in [&record.site, &record.area, &record.model] {
        let mut field = [0u8; Name::MAX_BYTES];
        field[..name.as_str().len()].copy_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(&field);
    }
    out.extend_from_slice(record.devices_root.as_bytes());
    out.extend_from_slice(record.count.as_bytes());
}

fn name(field: &[u8]) -> Option<Name> {
    let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, padding) = field.split_at(length);
    if padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    Name::new(std::str::from_utf8(text).ok()?).ok()
}

fn decode_fleet(group: u32, bytes: &[u8]) -> Option<PublicGroup> {
    if bytes.get(..4)? != group.to_be_bytes() {
        return None;
    }
    let capacity_devices = u16::from_be_bytes(bytes.get(4..6)?.try_into().ok()?);
    let word = |from: usize| bytes.get(from..from + 32).and_then(|word| word.try_into().ok()).map(Hash32);
    let record = PublicGroup {
        site: name(bytes.get(6..70)?)?,
        area: name(bytes.get(70..134)?)?,
        model: name(bytes.get(134..198)?)?,
        capacity_devices,
        devices_root: word(198)?,
        count: PointBytes(word(230)?),
    };
    (capacity_devices <= MAX_GROUP_DEVICES).then_some(record)
}

/// The records of a fleet blob, in order; `None` when there are not exactly `groups` well-formed ones, numbered from 0.
#[must_use]
pub fn decode_fleet_all(groups: u32, bytes: &[u8]) -> Option<Vec<PublicGroup>> {
    if bytes.len() != usize::try_from(groups).ok()?.checked_mul(FLEET_RECORD_BYTES)? {
        return None;
    }
    (0..groups).zip(bytes.chunks_exact(FLEET_RECORD_BYTES)).map(|(group, record)| decode_fleet(group, record)).collect()
}
