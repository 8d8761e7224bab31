//! Mergeable partial sums.

use crate::MeterError;
use crate::contract::{Grid, SourceContract};
use crate::unit::Unit;
use std::collections::BTreeMap;

/// Partial result of a metering run over any set of (device, slot) units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partials {
    /// Contract of the source.
    pub contract: SourceContract,
    /// Time grid.
    pub grid: Grid,
    /// Units by device name and slot.
    pub devices: BTreeMap<String, BTreeMap<i64, Unit>>,
}

impl Partials {
    /// An empty result.
    #[must_use]
    pub const fn new(contract: SourceContract, grid: Grid) -> Self {
        Self { contract, grid, devices: BTreeMap::new() }
    }

    /// Joins two shards that are disjoint in (device, slot).
    ///
    /// # Errors
    /// [`MeterError::DifferentRules`] or [`MeterError::OverlappingShards`].
    pub fn merge(&mut self, _other: Self) -> Result<(), MeterError> {
        Ok(())
    }
}
