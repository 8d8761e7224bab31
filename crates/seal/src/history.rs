//! Earlier windows: what later limits add up. The public side holds commitments, the lab's side their openings.

use crate::blob::Bytes;
use crate::commitment::{PointBytes, canonical_scalar};
use crate::error::SealError;
use crate::parameters::Total;
use crate::sums::{Opened, Sums};
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name, canonical};
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// Totals in clear, checked against the commitments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedTotals {
    /// One value per entry of [`Total::ALL`].
    pub totals: Vec<u64>,
    /// Operations per run, units of 1e15, in the order of the report's runs.
    pub runs: Vec<u64>,
}

impl OpenedTotals {
    /// One total; 0 for operations of a class that has none.
    #[must_use]
    pub fn get(&self, total: Total) -> u64 {
        total.index().and_then(|index| self.totals.get(index).copied()).unwrap_or(0)
    }
}

/// A verified window: sums of commitments. Only [`crate::verify_window`] makes one; the serialised form is for a private memory of
/// earlier verifications and must be kept where nobody else can write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicWindow {
    pub(crate) agreement: Hash32,
    pub(crate) party: Name,
    pub(crate) window: u64,
    pub(crate) context: Hash32,
    pub(crate) totals: Vec<PointBytes>,
    pub(crate) runs: Vec<(Name, PointBytes)>,
    pub(crate) opened: Option<OpenedTotals>,
}

impl PublicWindow {
    /// Window index.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// Agreement id.
    #[must_use]
    pub const fn agreement(&self) -> Hash32 {
        self.agreement
    }

    /// Reporting party.
    #[must_use]
    pub const fn party(&self) -> &Name {
        &self.party
    }

    /// Context hash: identifies the report's records and everything that they are bound to.
    #[must_use]
    pub const fn context(&self) -> Hash32 {
        self.context
    }

    /// Sums of commitments in the order of [`Total::ALL`].
    #[must_use]
    pub fn totals(&self) -> &[PointBytes] {
        &self.totals
    }

    /// Totals in clear, when the mode is open and they agree with the commitments.
    #[must_use]
    pub const fn opened(&self) -> Option<&OpenedTotals> {
        self.opened.as_ref()
    }

    /// Runs with their commitments, sorted by name.
    #[must_use]
    pub fn runs(&self) -> &[(Name, PointBytes)] {
        &self.runs
    }

    /// SHA-256 over the sums: identifies what a later rule takes from this window.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn digest(&self) -> Result<Hash32, SealError> {
        let bytes = canonical::to_vec(self)?;
        Ok(Hash32::of(&[b"standstill/1/seal-history\0", bytes.as_slice()].concat()))
    }
}

/// Earlier verified windows of one party under one agreement.
#[derive(Clone, Debug, Default)]
pub struct History {
    windows: BTreeMap<u64, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    window: PublicWindow,
    sums: Sums,
    digest: Hash32,
}

impl History {
    /// No windows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a verified window; a later call for the same index replaces the earlier one. A window from a damaged memory, whose
    /// points do not decode, is left out, so that rules which need it are reported as not shown.
    pub fn insert(&mut self, window: PublicWindow) {
        let sums = Sums::decode(&window.totals, &window.runs);
        if let (Some(sums), Ok(digest)) = (sums, window.digest()) {
            self.windows.insert(window.window, Entry { window, sums, digest });
        }
    }

    /// The window of that index.
    #[must_use]
    pub fn get(&self, window: u64) -> Option<&PublicWindow> {
        self.windows.get(&window).map(|entry| &entry.window)
    }

    /// The sums of a window of this party under this agreement.
    pub(crate) fn sums(&self, agreement: Hash32, party: &Name, window: u64) -> Option<(&Sums, Hash32)> {
        let entry = self.windows.get(&window)?;
        (entry.window.agreement == agreement && entry.window.party == *party).then_some((&entry.sums, entry.digest))
    }
}

/// Openings of one window's totals: secret, kept by the lab, needed for limits of later windows.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateWindow {
    pub(crate) window: u64,
    pub(crate) totals: [Opened; Total::COUNT],
    pub(crate) runs: BTreeMap<Name, Opened>,
}

impl Drop for PrivateWindow {
    fn drop(&mut self) {
        self.totals.zeroize();
        self.runs.values_mut().for_each(Zeroize::zeroize);
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateFields {
    window: u64,
    totals: Bytes,
    runs: Vec<(Name, Bytes)>,
}

/// Bytes of a secret opening: value (16, big-endian), blinding (32).
const OPENED: usize = 48;

fn write_opened(opened: &Opened) -> [u8; OPENED] {
    let mut out = [0; OPENED];
    out[..16].copy_from_slice(&opened.value.to_be_bytes());
    out[16..].copy_from_slice(opened.blinding.as_bytes());
    out
}

fn read_opened(bytes: &[u8]) -> Option<Opened> {
    let (value, blinding) = bytes.split_at_checked(16)?;
    let value = u128::from_be_bytes(value.try_into().ok()?);
    Some(Opened { value, blinding: canonical_scalar(blinding.try_into().ok()?)? })
}

impl PrivateWindow {
    /// Window index.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// One total in clear. For the lab's own eyes; 0 for operations of a class that has none.
    #[must_use]
    pub fn total(&self, total: Total) -> u128 {
        total.index().map_or(0, |index| self.totals[index].value)
    }

    /// Operations of a run, units of 1e15; 0 for a run that the report does not name.
    #[must_use]
    pub fn run(&self, run: &Name) -> u128 {
        self.runs.get(run).map_or(0, |opened| opened.value)
    }

    /// Canonical CBOR, for a file that only the lab can read.
    ///
    /// # Errors
    /// [`SealError::Encoding`], never for values of these types.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let mut fields = PrivateFields {
            window: self.window,
            totals: Bytes(self.totals.iter().flat_map(write_opened).collect()),
            runs: self.runs.iter().map(|(run, opened)| (run.clone(), Bytes(write_opened(opened).to_vec()))).collect(),
        };
        let bytes = canonical::to_vec(&fields).map(Zeroizing::new);
        fields.totals.0.zeroize();
        fields.runs.iter_mut().for_each(|(_, bytes)| bytes.0.zeroize());
        Ok(bytes?)
    }

    /// Reads [`PrivateWindow::to_bytes`].
    ///
    /// # Errors
    /// [`SealError::Encoding`] or [`SealError::Secret`] for a damaged file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let fields: PrivateFields = canonical::from_slice_limited(bytes, canonical::Limits::with_max_bytes(1 << 20))?;
        let damaged = SealError::Secret("a file of earlier totals is damaged; seal that window again to get it back");
        let totals: Option<Vec<Opened>> = fields.totals.0.chunks(OPENED).map(read_opened).collect();
        let totals = totals.and_then(|totals| totals.try_into().ok()).ok_or(damaged.clone())?;
        let runs =
            fields.runs.iter().map(|(run, bytes)| Some((run.clone(), read_opened(&bytes.0)?))).collect::<Option<_>>();
        Ok(Self { window: fields.window, totals, runs: runs.ok_or(damaged)? })
    }
}

/// Openings of earlier windows, kept by the lab.
#[derive(Clone, Default)]
pub struct PrivateHistory {
    windows: BTreeMap<u64, PrivateWindow>,
}

impl PrivateHistory {
    /// No windows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a window; a later call for the same index replaces the earlier one.
    pub fn insert(&mut self, window: PrivateWindow) {
        self.windows.insert(window.window, window);
    }

    /// The window of that index.
    #[must_use]
    pub fn get(&self, window: u64) -> Option<&PrivateWindow> {
        self.windows.get(&window)
    }
}
