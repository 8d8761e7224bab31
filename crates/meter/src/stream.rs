//! The streaming pass.

use crate::contract::{Grid, SourceContract};
use crate::{Batch, Dictionary, MeterError, Partials};

/// Meters one stream of batches.
#[derive(Debug)]
pub struct Meter {
    contract: SourceContract,
    grid: Grid,
    place: String,
    /// Devices of the stream; an adapter interns here and writes the indices into its batches.
    pub devices: Dictionary,
    /// Jobs of the stream.
    pub jobs: Dictionary,
}

impl Meter {
    /// A meter for one stream; `place` names the source in errors.
    #[must_use]
    pub fn new(place: impl Into<String>, contract: SourceContract, grid: Grid) -> Self {
        Self { contract, grid, place: place.into(), devices: Dictionary::devices(), jobs: Dictionary::jobs() }
    }

    /// Meters a batch.
    ///
    /// # Errors
    /// [`MeterError::Batch`] for an inconsistent batch.
    pub fn push(&mut self, batch: &Batch) -> Result<(), MeterError> {
        batch.check(&self.place, self.devices.len(), self.jobs.len())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`MeterError::EnergyUnit`] when the energy counter and the power gauge disagree by a factor of 1,000.
    pub fn finish(self) -> Result<Partials, MeterError> {
        Ok(Partials::new(self.contract, self.grid))
    }
}
