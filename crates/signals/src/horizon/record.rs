//! The result as a record that anybody can compute again: inputs by SHA-256, the method and its hash, and every published figure.
//!
//! [`recompute`] takes the inputs' bytes and a plan and gives the record; its bytes are the same on every machine, for any number of
//! threads. All arithmetic is IEEE 754 addition, subtraction, multiplication, division and square root in one fixed order, with the
//! `libm` crate's exp, log and trigonometric functions compiled from the same source everywhere; figures are rounded to nine
//! significant digits ([`super::figure`]). A target that keeps extra precision in registers (32-bit x86 without SSE2) is not supported.

mod assemble;

pub use assemble::recompute;

use super::date::Day;
use super::draws::BeaconRound;
use super::error::HorizonError;
use super::figure::Figure;
use super::method::Plan;
use super::outcome::{Judged, Outcome};
use super::results::Remark;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Format of the record; changes with any change of meaning.
pub const FORMAT: &str = "standstill/horizon-record/1";

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Run-level results.
    Runs,
    /// Per-task results.
    Tasks,
    /// Published horizons, newest suite first.
    Published,
    /// Release dates.
    Dates,
    /// A linear index.
    Index,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What it is.
    pub role: Role,
    /// Name in errors and in the record; a file name without folder.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Everything that a record is computed from, beside the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Files, in the order in which they are read.
    pub files: Vec<Input>,
    /// Round of the beacon, for a method that draws from one. The caller has verified it.
    pub beacon: Option<BeaconRound>,
}

/// An input as the record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InputDigest {
    /// What it is.
    pub role: Role,
    /// File name.
    pub name: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length_bytes: u64,
}

impl Input {
    /// Hash and length.
    #[must_use]
    pub fn digest(&self) -> InputDigest {
        InputDigest {
            role: self.role,
            name: self.name.clone(),
            sha256: hex::encode(Sha256::digest(&self.bytes)),
            length_bytes: self.bytes.len() as u64,
        }
    }
}

/// A horizon with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HorizonFigure {
    /// Success rate in percent.
    pub percent: u32,
    /// Point estimate in minutes.
    pub minutes: Figure,
    /// Lower end of the interval in minutes.
    pub low: Figure,
    /// Upper end of the interval in minutes.
    pub high: Figure,
    /// Monte-Carlo standard error of the lower end.
    pub low_error: Figure,
    /// Monte-Carlo standard error of the upper end.
    pub high_error: Figure,
    /// Resamples that gave a value.
    pub valid_resamples: u64,
}

/// Success in a range of task lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bin {
    /// Shortest length in minutes, included.
    pub from_minutes: Figure,
    /// Longest length in minutes, excluded.
    pub to_minutes: Figure,
    /// Tasks.
    pub tasks: u64,
    /// Weighted success rate.
    pub rate: Figure,
}

/// An agent's horizon without one family, at its lowest and highest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeaveOneOutRange {
    /// Lowest value.
    pub low: Figure,
    /// Family that was left out for it.
    pub low_without: String,
    /// Highest value.
    pub high: Figure,
    /// Family that was left out for it.
    pub high_without: String,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentFigures {
    /// Alias.
    pub agent: String,
    /// Release day, when known.
    pub released: Option<Day>,
    /// Runs that count.
    pub runs: u64,
    /// Tasks that it ran.
    pub tasks: u64,
    /// Families that it ran.
    pub families: u64,
    /// Longest task that it ran, in minutes.
    pub longest_minutes: Figure,
    /// Weighted success rate.
    pub average: Figure,
    /// Intercept of the fit; none when all runs ended alike.
    pub intercept: Figure,
    /// Slope per doubling of the length.
    pub slope: Figure,
    /// Proved relative distance of the fit from the exact optimum; none when no proof was found.
    pub certified_within: Figure,
    /// Horizons, in the order of the method.
    pub horizons: Vec<HorizonFigure>,
    /// Success by length.
    pub bins: Vec<Bin>,
    /// Range of the first horizon when one family is left out.
    pub without_one_family: Option<LeaveOneOutRange>,
}

/// A point of the frontier plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PointFigure {
    /// Alias.
    pub agent: String,
    /// Release day.
    pub released: Day,
    /// Horizon in minutes.
    pub minutes: Figure,
    /// Whether it is on the frontier.
    pub frontier: bool,
}

/// A doubling time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DoublingFigure {
    /// Which window.
    pub window: String,
    /// First day of the window.
    pub after: Option<Day>,
    /// First day after the window.
    pub before: Option<Day>,
    /// Agents on the frontier.
    pub agents: u64,
    /// Days in which the horizon doubles; none when it does not rise.
    pub days: Figure,
    /// Lower end of the interval in days.
    pub low: Figure,
    /// Upper end of the interval in days.
    pub high: Figure,
    /// Monte-Carlo standard error of the lower end.
    pub low_error: Figure,
    /// Monte-Carlo standard error of the upper end.
    pub high_error: Figure,
    /// Resamples that gave a rising trend.
    pub valid_resamples: u64,
    /// Share of the variance that the trend explains.
    pub r_squared: Figure,
}

/// Growth of the frontier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrowthFigures {
    /// All points, by release day.
    pub points: Vec<PointFigure>,
    /// Doubling time in the method's window.
    pub doubling: DoublingFigure,
    /// Doubling times in other windows, to show what the choice does. No trigger rests on them.
    pub other_windows: Vec<DoublingFigure>,
    /// Range of the doubling time when one family is left out.
    pub without_one_family: Option<LeaveOneOutRange>,
    /// Doubling times that the published files state, by file and window, as printed there.
    pub stated: Vec<(String, String, Figure)>,
    /// Trend: logarithm (base 2) of the minutes on the first frontier day.
    pub trend_log2_at_first: Figure,
}

/// A linear index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IndexFigures {
    /// Scored models with a release day.
    pub models: u64,
    /// Scored models without one.
    pub undated: u64,
    /// Records: name, day, score.
    pub records: Vec<(String, Day, Figure)>,
    /// Points per year of 365.25 days.
    pub points_per_year: Figure,
    /// Standard error of it, under independent errors.
    pub standard_error: Figure,
    /// Share of the variance that the line explains.
    pub r_squared: Figure,
    /// Test for a break in the slope.
    pub slope_break: Option<BreakFigures>,
}

/// A break in the slope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BreakFigures {
    /// `chow` for a day fixed in advance, `andrews-sup-f` for a searched one.
    pub test: String,
    /// First day of the later part.
    pub day: Day,
    /// F statistic.
    pub f: Figure,
    /// Its p-value.
    pub p_value: Figure,
    /// Points per year before.
    pub before_per_year: Figure,
    /// Points per year from the day on.
    pub after_per_year: Figure,
}

/// A trigger with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TriggerFigures {
    /// Name.
    pub name: String,
    /// Hash of method and trigger, hexadecimal.
    pub trigger_hash: String,
    /// Outcome and what it rests on.
    pub judged: Judged,
}

/// What the results contain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SuiteFigures {
    /// Hash of the list of tasks with family and length, hexadecimal.
    pub task_list: String,
    /// Runs that were read.
    pub runs_read: u64,
    /// Runs that count under the method.
    pub runs: u64,
    /// Runs flagged as cheating.
    pub runs_flagged: u64,
    /// Runs that ended at a usage limit.
    pub runs_at_usage_limit: u64,
    /// Tasks.
    pub tasks: u64,
    /// Families.
    pub families: u64,
    /// Longest task in minutes.
    pub longest_minutes: Figure,
    /// Tasks whose length is an estimate; none when the files do not say.
    pub estimated_lengths: Option<u64>,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the software that computed it; a verifier with another version compares the rest.
    pub computed_by: String,
    /// Method hash, hexadecimal.
    pub method_hash: String,
    /// Method and triggers in full.
    pub plan: Plan,
    /// Inputs in the order in which they were read.
    pub inputs: Vec<InputDigest>,
    /// Round of the beacon.
    pub beacon: Option<BeaconRound>,
    /// What the results contain; none without runs.
    pub suite: Option<SuiteFigures>,
    /// Agents, by alias.
    pub agents: Vec<AgentFigures>,
    /// Growth of the frontier; none without release dates.
    pub growth: Option<GrowthFigures>,
    /// Linear index; none without one.
    pub index: Option<IndexFigures>,
    /// Triggers in the order of the plan.
    pub triggers: Vec<TriggerFigures>,
    /// What a reader has to know.
    pub remarks: Vec<Remark>,
}

impl Record {
    /// The bytes of the record: JSON with two spaces of indentation, fields in declaration order, one line feed at the end.
    ///
    /// # Errors
    /// Never for a record that [`recompute`] gave.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HorizonError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| HorizonError::Missing(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Bytes that are not a record of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self, HorizonError> {
        let wrong = |why: String| HorizonError::Missing(format!("not a horizon record: {why}"));
        let record: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if record.format != FORMAT {
            return Err(wrong(format!("its format is '{}', this version reads '{FORMAT}'", record.format)));
        }
        Ok(record)
    }

    /// The outcome of all triggers together: fired if any fired, else indeterminate if any is, else not fired.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let has = |wanted| self.triggers.iter().any(|trigger| trigger.judged.outcome == wanted);
        if has(Outcome::Fired) {
            Outcome::Fired
        } else if has(Outcome::Indeterminate) {
            Outcome::Indeterminate
        } else {
            Outcome::NotFired
        }
    }

    /// The first difference to another record that matters, as the name of the part; `None` when they agree. The software's version
    /// is not compared.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        // Figures that are "no value" differ from themselves as numbers, so that the texts are compared.
        fn same<T: Serialize>(a: &T, b: &T) -> bool {
            matches!((serde_json::to_vec(a), serde_json::to_vec(b)), (Ok(a), Ok(b)) if a == b)
        }
        [
            ("format", same(&self.format, &other.format)),
            ("method", same(&self.method_hash, &other.method_hash) && same(&self.plan, &other.plan)),
            ("inputs", same(&self.inputs, &other.inputs)),
            ("beacon", same(&self.beacon, &other.beacon)),
            ("suite", same(&self.suite, &other.suite)),
            ("agents", same(&self.agents, &other.agents)),
            ("growth", same(&self.growth, &other.growth)),
            ("index", same(&self.index, &other.index)),
            ("triggers", same(&self.triggers, &other.triggers)),
            ("remarks", same(&self.remarks, &other.remarks)),
        ]
        .into_iter()
        .find_map(|(name, same)| (!same).then_some(name))
    }
}

#[cfg(test)]
pub(crate) mod tests;
