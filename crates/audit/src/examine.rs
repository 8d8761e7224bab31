//! An opened group against everything that is known from elsewhere.
//!
//! The commitment says only that the party cannot change its figures any more. Whether they were true when they were committed is
//! judged here, from physics (peak rate, design power, idle power), from continuity (counters of neighbouring windows), from
//! uniqueness (no evidence twice), and from a meter that the party does not run. What the figures cannot decide is not decided:
//! the profile of a class is a tripwire and no verdict.

use standstill_statement::{FindingItem, Hash32, Outcome};

mod account;
mod device;
mod group;
mod open;
mod reason;
pub use account::{ChipLimits, DeviceAccount, GroupAccount, PowerReading, Tolerances};
pub use open::{Ask, open};
pub use reason::Reason;

/// What an inspector found in one group. `item` is public and says as little as possible; `details` name devices and figures and
/// are for the inspector and the party only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// The line of the finding: the weightiest reason, or a match.
    pub item: FindingItem,
    /// Every observation, the weightiest first.
    pub details: Vec<Observation>,
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// What kind.
    pub reason: Reason,
    /// Position of the device in the opening, when one device is concerned.
    pub device: Option<usize>,
    /// One sentence with the figures.
    pub text: String,
}

/// What the inspector knows besides the opening.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Length of the window, in seconds.
    pub window_seconds: u32,
    /// Key hashes of the devices of this group, when the inspector has them from elsewhere (an inventory visit, an earlier opening).
    /// `None` leaves the check to the seal, which ties the devices to the fleet declaration's commitment in every opening.
    pub registered: Option<&'a [Hash32]>,
    /// Limits of the group's chip model.
    pub chip: ChipLimits,
    /// Other openings of this party that the inspector holds, of this window or others, in any order. The neighbours show whether counters
    /// continue, all of them whether evidence was used twice.
    pub others: &'a [GroupAccount],
    /// An independent reading of the group's power feed over the window, if there is one.
    pub power: Option<PowerReading>,
    /// Tolerances of the agreement.
    pub tolerances: Tolerances,
}

/// Examines one opening that already reproduces its commitment.
///
/// All checks run, whatever earlier ones found. Arithmetic is in integers; a check with a tolerance fails only beyond it.
#[must_use]
pub fn examine(account: &GroupAccount, case: &Case<'_>) -> Examination {
    let mut details = group::devices(account, case);
    for (position, device) in account.devices.iter().enumerate() {
        details.extend(device::observe(position, device, case));
    }
    details.extend(group::continuity(account, case));
    details.extend(group::replay(account, case));
    details.extend(group::power(account, case));
    details.extend(group::profile(account, case));
    details.sort();
    let power_reading = case.power.is_some();
    let item = match details.first() {
        None => FindingItem { group: account.group, outcome: Outcome::Match, reason: String::new(), power_reading },
        Some(first) => FindingItem { power_reading, ..finding(account.group, first.reason) },
    };
    Examination { item, details }
}

/// The finding for a group whose opening never reached the examination: none came, it came late, or it does not reproduce its
/// commitment.
#[must_use]
pub fn finding(group: u32, reason: Reason) -> FindingItem {
    FindingItem { group, outcome: reason.outcome(), reason: reason.code().to_owned(), power_reading: false }
}

#[cfg(test)]
mod tests;
