//! Opening one group to an inspector, and checking what was opened.

use crate::context::WindowContext;
use crate::error::{OpeningError, SealError};
use crate::fleet::{PublicFleet, PublicGroup};
use crate::keys::MasterSecret;
use crate::leaf::{GroupInput, LeafValues};
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Hash32};

/// Longest encoded opening, bytes.
pub const MAX_OPENING_BYTES: usize = 4 << 20;

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
        Ok(standstill_statement::canonical::to_vec(self)?)
    }

    /// Reads canonical CBOR of at most [`MAX_OPENING_BYTES`].
    ///
    /// # Errors
    /// [`OpeningError::Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpeningError> {
        let limits = standstill_statement::canonical::Limits::with_max_bytes(MAX_OPENING_BYTES);
        standstill_statement::canonical::from_slice_limited(bytes, limits)
            .map_err(|error| OpeningError::Unreadable(error.to_string()))
    }
}

/// Opens one group.
///
/// # Errors
/// [`SealError::Input`] when the group does not exist.
pub fn open_group(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    input: &GroupInput,
) -> Result<Opening, SealError> {
    let _ = (master, context, fleet, input);
    Err(SealError::Secret("under construction"))
}

/// Checks an opening of `group` against the fleet and the verified report's blob.
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
    let _ = (context, fleet, report_blob, group, opening);
    Err(OpeningError::WrongGroup(group))
}
