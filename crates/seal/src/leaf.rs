//! One device in one window: the values that are hashed into a leaf and added up in the lanes of its group.

use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Hash32, Name};

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
    /// Operations per declared run, sorted by name; they add up to the petaops of the classes that change weights.
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
