//! Random draws: NumPy's generator bit for bit, and ChaCha keyed from a public beacon.

mod beacon;
mod pcg64;

pub(crate) use beacon::BeaconDraws;
pub use beacon::{BeaconRound, beacon_key};
pub(crate) use pcg64::NumpyDraws;

/// What the bootstrap needs from a generator.
pub(crate) trait Draws {
    /// A number from 0 to `below` − 1, each equally likely; nothing is consumed for 1.
    fn choice(&mut self, below: u32) -> u32;

    /// A position in a pool of `below` entries, as the run level draws it.
    fn position(&mut self, below: u32) -> u32;
}
