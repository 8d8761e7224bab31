//! Earlier windows: what later limits add up. The public side holds commitments, the lab's side their openings.

use crate::commitment::PointBytes;
use crate::parameters::Total;
use curve25519_dalek::Scalar;
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name};
use std::collections::BTreeMap;

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
    /// Reporting party.
    #[must_use]
    pub const fn party(&self) -> &Name {
        &self.party
    }
    /// Context hash: identifies the report's records and everything it is bound to.
    #[must_use]
    pub const fn context(&self) -> Hash32 {
        self.context
    }
    /// Totals in clear, when the mode is open and they agree with the commitments.
    #[must_use]
    pub const fn opened(&self) -> Option<&OpenedTotals> {
        self.opened.as_ref()
    }
    /// Runs with a commitment, sorted.
    pub fn runs(&self) -> impl Iterator<Item = &Name> {
        self.runs.iter().map(|(run, _)| run)
    }
}

/// Earlier verified windows of one party under one agreement.
#[derive(Clone, Debug, Default)]
pub struct History {
    windows: BTreeMap<u64, PublicWindow>,
}

impl History {
    /// No windows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a verified window; a later revision replaces an earlier one.
    pub fn insert(&mut self, window: PublicWindow) {
        self.windows.insert(window.window, window);
    }
    /// The window of that index.
    #[must_use]
    pub fn get(&self, window: u64) -> Option<&PublicWindow> {
        self.windows.get(&window)
    }
}

/// Openings of one window's totals: secret, kept by the lab. Wiped when dropped.
#[derive(Clone)]
pub struct PrivateWindow {
    pub(crate) window: u64,
    pub(crate) totals: Vec<(u64, Scalar)>,
    pub(crate) runs: BTreeMap<Name, (u64, Scalar)>,
}

impl PrivateWindow {
    /// Window index.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
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
    /// Adds a window; a later revision replaces an earlier one.
    pub fn insert(&mut self, window: PrivateWindow) {
        self.windows.insert(window.window, window);
    }
    /// The window of that index.
    #[must_use]
    pub fn get(&self, window: u64) -> Option<&PrivateWindow> {
        self.windows.get(&window)
    }
}
