//! What world to generate.

use crate::cheat::Cheat;
use crate::error::SimError;
use standstill_statement::Name;

/// From a day on, so much of the training pool trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// First day, from 0.
    pub from_day: u32,
    /// Share of the pretraining pool that may train, in thousandths (rounded down to whole nodes).
    pub per_mille: u32,
}

/// How and from when on a lab cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evasion {
    /// How.
    pub cheat: Cheat,
    /// First day with the evasion.
    pub from_day: u32,
}

/// One lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabSpec {
    /// Name, used in file names and node names.
    pub id: Name,
    /// Chip model: an id of the built-in chip table.
    pub model: Name,
    /// Accelerators; a multiple of 8 (whole nodes), 32 to 65,536.
    pub devices: u32,
    /// Balance areas; devices are spread over them in whole nodes.
    pub areas: u32,
    /// How much of the training pool trains, in order of days; empty means all of it always.
    pub training: Vec<Level>,
    /// Evasion, if the lab cheats.
    pub evasion: Option<Evasion>,
}

/// The world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldSpec {
    /// Start of day 0, Unix seconds; a multiple of 60.
    pub start_unix_seconds: u64,
    /// Days.
    pub days: u32,
    /// Sampling period, milliseconds: a divisor of 3,600,000 of at least 1,000.
    pub period_ms: u32,
    /// Labs.
    pub labs: Vec<LabSpec>,
}

impl WorldSpec {
    /// Three labs of 256 H100, 128 H200 and 64 B200 for 14 days of 60 s samples; training slows to a quarter from day 7.
    ///
    /// # Errors
    /// Never with these names; the signature follows [`Name::new`].
    pub fn three_labs(start_unix_seconds: u64) -> Result<Self, standstill_statement::IdError> {
        let lab = |id: &str, model: &str, devices, areas| {
            Ok(LabSpec {
                id: Name::new(id)?,
                model: Name::new(model)?,
                devices,
                areas,
                training: vec![Level { from_day: 7, per_mille: 250 }],
                evasion: None,
            })
        };
        let labs =
            vec![lab("north", "h100-sxm5", 256, 4)?, lab("east", "h200-sxm", 128, 2)?, lab("south", "b200", 64, 2)?];
        Ok(Self { start_unix_seconds, days: 14, period_ms: 60_000, labs })
    }

    /// Checks ranges.
    ///
    /// # Errors
    /// [`SimError::Spec`].
    pub(crate) fn check(&self) -> Result<(), SimError> {
        let refuse = |lab: &str, what: &str| Err(SimError::Spec { lab: lab.to_owned(), what: what.to_owned() });
        if self.period_ms < 1000 || 3_600_000 % self.period_ms != 0 || self.days == 0 || self.days > 3660 {
            return refuse("-", "period must divide an hour and be at least 1,000 ms; 1 to 3,660 days");
        }
        if !self.start_unix_seconds.is_multiple_of(60) || self.start_unix_seconds > 1 << 40 {
            return refuse("-", "start must be a whole minute");
        }
        for lab in &self.labs {
            if lab.devices % 8 != 0 || !(32..=65_536).contains(&lab.devices) {
                return refuse(lab.id.as_str(), "devices must be a multiple of 8 from 32 to 65,536");
            }
            if lab.areas == 0 || lab.areas > lab.devices / 8 {
                return refuse(lab.id.as_str(), "areas must be 1 to the number of nodes");
            }
            if lab.training.windows(2).any(|pair| pair[0].from_day >= pair[1].from_day) {
                return refuse(lab.id.as_str(), "training levels must be in order of days");
            }
            if lab.training.iter().any(|level| level.per_mille > 1000) {
                return refuse(lab.id.as_str(), "a training level is above 1,000 per mille");
            }
        }
        Ok(())
    }
}

impl LabSpec {
    /// Share of the training pool allowed on a day, thousandths.
    #[must_use]
    pub fn level(&self, day: u32) -> u32 {
        self.training.iter().rfind(|level| level.from_day <= day).map_or(1000, |level| level.per_mille)
    }

    /// The evasion in force on a day.
    #[must_use]
    pub fn cheat(&self, day: u32) -> Option<Cheat> {
        self.evasion.filter(|evasion| evasion.from_day <= day).map(|evasion| evasion.cheat)
    }
}
