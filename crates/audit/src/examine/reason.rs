//! The closed list of reason codes of a finding.

use standstill_statement::Outcome;
use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $code:literal, $outcome:ident;)*) => {
        /// Why a group is not a plain match. The order is the order of weight: a finding names the first that applies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code in statements.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The outcome that the reason leads to.
            #[must_use]
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)* }
            }
        }
    };
}

reasons! {
    /// No answer was published by the deadline.
    NoResponse => "no-response", NotOpened;
    /// An answer was published, but after the deadline.
    LateResponse => "late-response", NotOpened;
    /// The answer leaves this drawn group out.
    GroupNotOpened => "group-not-opened", NotOpened;
    /// The blob is missing, does not decrypt, or is no well-formed opening.
    Unreadable => "unreadable", NotOpened;
    /// The opening is of another party, window, revision or group than the challenge asks for.
    WrongOpening => "wrong-opening", Mismatch;
    /// The opening does not reproduce the committed record: a value, a leaf, a salt or the key was changed, added or left out.
    Commitment => "commitment", Mismatch;
    /// The devices are not those of the fleet declaration: one is missing, extra, twice, or another one.
    FleetDevices => "fleet-devices", Mismatch;
    /// The seconds of a device do not add up to the window.
    ClassTime => "class-time", Mismatch;
    /// A device reports more operations than its peak allows in the time.
    Capacity => "capacity", Mismatch;
    /// The energy counter does not continue the previous window's, or the next window's does not continue it.
    CounterGap => "counter-gap", Mismatch;
    /// The counter runs backwards or is missing at one end, and no time of the window is unaccounted.
    CounterReset => "counter-reset", Mismatch;
    /// The energy of a device is not the difference of its counters.
    EnergyCounter => "energy-counter", Mismatch;
    /// More energy than the chip's design power allows in the time.
    EnergyAboveDesign => "energy-above-design", Mismatch;
    /// More energy than idle and down time can use, on a device that reports little or no work.
    BusyIdle => "busy-idle", Mismatch;
    /// A device in service used less energy than an idle chip does.
    EnergyBelowIdle => "energy-below-idle", Mismatch;
    /// Weight-changing classes with the energy of full work and next to no operations.
    EnergyUnexplained => "energy-unexplained", Mismatch;
    /// The same evidence stands behind two windows, or behind two devices.
    ReplayedTelemetry => "replayed-telemetry", Mismatch;
    /// The independent meter saw more energy than the group accounts for: chips that are not in the books.
    PowerSurplus => "power-surplus", Mismatch;
    /// The independent meter saw less energy than the group reports.
    PowerDeficit => "power-deficit", Mismatch;
    /// The profile is unusual for the declared class. A tripwire for a closer look, never a violation.
    ClassProfile => "class-profile", Flagged;
    /// A device in service has neither energy nor counters (accounting alone, say): nothing physical to hold its figures against.
    NoEnergy => "no-energy", Flagged;
}

impl Reason {
    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
