//! What a seal is about. The hash of the context opens every transcript, so a proof made for one party, window, revision,
//! agreement, fleet or record list verifies for no other.

use crate::error::SealError;
use crate::keys::PeriodId;
use crate::parameters::{MAX_GROUP_DEVICES, PETAOP, PUBLISHED_LANES, VERSION};
use serde::Serialize;
use sha2::{Digest, Sha256};
use standstill_agreement::Fill;
use standstill_statement::body::Mode;
use standstill_statement::{Hash32, Name, canonical};

/// Domain prefix of the context hash.
pub(crate) const CONTEXT_DOMAIN: &[u8] = b"standstill/1/seal-context\0";

/// A fleet declaration, as its statement and the agreement fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetContext {
    /// Agreement id.
    pub agreement: Hash32,
    /// Declaring party.
    pub party: Name,
    /// Revision in the statement.
    pub revision: u32,
    /// First window for which the declaration holds.
    pub from_window: u64,
    /// Window length of the agreement, seconds.
    pub window_seconds: u64,
    /// Least share of the registered capacity that the agreement wants to be devices.
    pub least_devices: Fill,
}

/// A report, as its statement, the fleet declaration and the agreement fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowContext {
    /// Agreement id.
    pub agreement: Hash32,
    /// Reporting party.
    pub party: Name,
    /// Window index.
    pub window: u64,
    /// First second of the window.
    pub window_start_unix_seconds: u64,
    /// First second after the window.
    pub window_end_unix_seconds: u64,
    /// Revision of the report.
    pub revision: u32,
    /// Whether totals are in clear.
    pub mode: Mode,
    /// Statement hash of the fleet declaration.
    pub fleet_statement: Hash32,
    /// Root over the fleet's group records.
    pub fleet_root: Hash32,
    /// Id of the agreement's chip table.
    pub chip_table: Hash32,
    /// The agreement's rulebook.
    pub rulebook: Name,
    /// The issuer's previous statement (header field `previous`).
    pub previous_statement: Option<Hash32>,
}

#[derive(Serialize)]
struct FleetFields<'a> {
    format: &'static str,
    version: u32,
    agreement: Hash32,
    party: &'a Name,
    revision: u32,
    from_window: u64,
    window_seconds: u64,
    least_devices: [u64; 2],
    chip_table: Hash32,
    groups: u32,
    root: Hash32,
    group_devices: u16,
}

#[derive(Serialize)]
struct WindowFields<'a> {
    format: &'static str,
    version: u32,
    agreement: Hash32,
    party: &'a Name,
    window: u64,
    start: u64,
    end: u64,
    revision: u32,
    mode: Mode,
    fleet_statement: Hash32,
    fleet_root: Hash32,
    chip_table: Hash32,
    rulebook: &'a Name,
    previous: Option<Hash32>,
    lanes: usize,
    operations_per_unit: u64,
    group_devices: u16,
    groups: u32,
    root: Hash32,
    runs: &'a [Name],
}

fn hash(bytes: &[u8]) -> Hash32 {
    Hash32(Sha256::new().chain_update(CONTEXT_DOMAIN).chain_update(bytes).finalize().into())
}

impl FleetContext {
    /// SHA-256(domain ‖ canonical CBOR of every parameter, with the chip table, the number of records and the root over them).
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn hash(&self, chip_table: Hash32, groups: u32, root: Hash32) -> Result<Hash32, SealError> {
        Ok(hash(&self.encode(chip_table, groups, root)?))
    }

    /// The canonical CBOR that is hashed.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn encode(&self, chip_table: Hash32, groups: u32, root: Hash32) -> Result<Vec<u8>, SealError> {
        Ok(canonical::to_vec(&FleetFields {
            format: "fleet",
            version: VERSION,
            agreement: self.agreement,
            party: &self.party,
            revision: self.revision,
            from_window: self.from_window,
            window_seconds: self.window_seconds,
            least_devices: [self.least_devices.numerator, self.least_devices.denominator],
            chip_table,
            groups,
            root,
            group_devices: MAX_GROUP_DEVICES,
        })?)
    }

    /// Identity of the fleet's key-schedule period.
    #[must_use]
    pub fn period(&self) -> PeriodId {
        PeriodId::fleet(self.agreement, &self.party, self.from_window, self.revision)
    }
}

impl WindowContext {
    /// Length of the window in seconds; 0 when the bounds are in the wrong order.
    #[must_use]
    pub const fn window_seconds(&self) -> u64 {
        self.window_end_unix_seconds.saturating_sub(self.window_start_unix_seconds)
    }

    /// SHA-256(domain ‖ canonical CBOR of every parameter, with the number of records, the root over them and the run names).
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn hash(&self, groups: u32, root: Hash32, runs: &[Name]) -> Result<Hash32, SealError> {
        Ok(hash(&self.encode(groups, root, runs)?))
    }

    /// The canonical CBOR that is hashed.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn encode(&self, groups: u32, root: Hash32, runs: &[Name]) -> Result<Vec<u8>, SealError> {
        Ok(canonical::to_vec(&WindowFields {
            format: "window",
            version: VERSION,
            agreement: self.agreement,
            party: &self.party,
            window: self.window,
            start: self.window_start_unix_seconds,
            end: self.window_end_unix_seconds,
            revision: self.revision,
            mode: self.mode,
            fleet_statement: self.fleet_statement,
            fleet_root: self.fleet_root,
            chip_table: self.chip_table,
            rulebook: &self.rulebook,
            previous: self.previous_statement,
            lanes: PUBLISHED_LANES,
            operations_per_unit: PETAOP,
            group_devices: MAX_GROUP_DEVICES,
            groups,
            root,
            runs,
        })?)
    }

    /// Identity of the report's key-schedule period.
    #[must_use]
    pub fn period(&self) -> PeriodId {
        PeriodId::window(self.agreement, &self.party, self.window, self.revision)
    }
}
