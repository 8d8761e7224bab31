//! An opened group against everything that is known from elsewhere.

use standstill_statement::{FindingItem, Outcome};

mod reason;
pub use reason::Reason;

/// What an inspector found in one group. `item` is public and says as little as possible; `details` are for the inspector and the
/// party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// The line of the finding.
    pub item: FindingItem,
    /// Every observation, in the order of [`Reason`], with figures.
    pub details: Vec<Observation>,
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What kind.
    pub reason: Reason,
    /// Position of the device in the group, when one device is concerned.
    pub device: Option<u32>,
    /// One sentence with the figures.
    pub text: String,
}

/// The finding for a group without an opening, or with one that could not be read.
#[must_use]
pub fn without_opening(group: u32, reason: Reason) -> FindingItem {
    FindingItem { group, outcome: Outcome::NotOpened, reason: reason.code().to_owned(), power_reading: false }
}

/// Placeholder until the seal's opening type lands.
pub fn examine() {}
