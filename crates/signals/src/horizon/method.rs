//! Every choice that moves the result, as one value with one hash.
//!
//! The same public runs give doubling times from 85 to 222 days, depending on the choices below. An agreement that says "doubling
//! under three months" without them says nothing that two people would evaluate alike, so a trigger names the [`Method::hash`].
//!
//! People write a method as TOML and may leave out what equals METR's practice since 2026-03-05; the hash covers all fields, with
//! defaults filled in. Canonical bytes: compact JSON with the fields in the order of the declarations below.

mod trigger;

pub use trigger::{Plan, Trigger, TriggerKind};

use super::date::Day;
use super::error::HorizonError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const METHOD_DOMAIN: &[u8] = b"standstill/1/horizon-method\0";

/// Fewest resamples of a method that draws from a beacon. At 1,000 the upper end of an interval moves by about 5 % with the seed.
pub const MIN_BEACON_RESAMPLES: u32 = 20_000;
/// Most resamples.
pub const MAX_RESAMPLES: u32 = 1_000_000;
/// Most entries of a list in a method.
const MAX_LIST: usize = 256;

/// How much a run counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// METR: 1/(runs of this agent on this task) × 1/√(tasks of the family that this agent ran), scaled to sum 1 per agent.
    #[default]
    InverseSqrtFamily,
    /// 1/(runs of this agent on this task), scaled to sum 1: every task counts alike, large families count more.
    EqualTask,
}

/// What counts as success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The published column `score_binarized`.
    #[default]
    Binarized,
    /// The continuous score as a share of a success.
    Continuous,
    /// Success when the continuous score is at least this value.
    AtLeast(f64),
}

/// How a class of runs is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// As the score says.
    #[default]
    AsScored,
    /// As a failure.
    Fail,
    /// Left out; the weights are computed without it.
    Drop,
    /// As a success.
    Success,
}

/// Which tasks' lengths are good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MinutesPolicy {
    /// All tasks.
    #[default]
    All,
    /// Only tasks whose length was measured: `human_source` other than `estimate`.
    Measured,
}

/// Length of "one month" of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Month {
    /// 167 hours of work (10,020 minutes): METR's convention.
    #[default]
    Work,
    /// 730 hours by the clock (43,800 minutes), 4.4 times as much.
    Calendar,
}

impl Month {
    /// Minutes of one month.
    #[must_use]
    pub fn minutes(self) -> f64 {
        match self {
            Self::Work => 10_020.0,
            Self::Calendar => 43_800.0,
        }
    }
}

/// The rule that picks the frontier and the trend through it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Frontier {
    /// First day of the window. The window is applied before the running maximum, so that a window restarts the maximum.
    pub after: Option<Day>,
    /// First day after the window.
    pub before: Option<Day>,
    /// Aliases that never count as frontier.
    pub exclude: Vec<String>,
    /// Aliases that may come from an older suite when the newest does not have them.
    pub stitch: Vec<String>,
    /// Horizons above this many minutes count as this many in the trend.
    pub cap_minutes: Option<f64>,
    /// Horizons below this many minutes count as this many in the trend, and resamples below it are left out.
    pub floor_minutes: f64,
}

impl Default for Frontier {
    fn default() -> Self {
        Self {
            after: None,
            before: None,
            exclude: vec!["human".to_owned()],
            stitch: Vec::new(),
            cap_minutes: None,
            floor_minutes: 1e-3,
        }
    }
}

/// Where the randomness of the resamples comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// NumPy's `default_rng(seed + i)` for resample `i`, bit for bit: METR's own draws.
    #[default]
    Numpy,
    /// ChaCha12 keyed from a public beacon's round that nobody knew when the method was fixed.
    Beacon,
}

/// The hierarchical bootstrap: families, then tasks inside each drawn family, then runs inside each task and agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Bootstrap {
    /// Source of randomness.
    pub generator: Generator,
    /// Seed of the first resample, for NumPy's generator.
    pub seed: u64,
    /// Name of the beacon, for the beacon's.
    pub beacon: Option<String>,
    /// Number of resamples; 0 for none.
    pub resamples: u32,
    /// Width of intervals in percent, by percentiles with linear interpolation, missing values left out.
    pub interval_percent: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { generator: Generator::Numpy, seed: 42, beacon: None, resamples: 1_000, interval_percent: 95.0 }
    }
}

/// When there is too little data for a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Enough {
    /// Fewest families that an agent must have run.
    pub families: u32,
    /// Fewest tasks that an agent must have run.
    pub tasks: u32,
    /// Smallest share of the suite's tasks that an agent must have run.
    pub task_share: f64,
    /// Fewest runs of an agent on each task that it ran.
    pub runs_per_task: u32,
    /// Fewest agents on the frontier for a doubling time.
    pub frontier_agents: u32,
    /// Fewest tasks at least as long as a trigger's target.
    pub support_tasks: u32,
    /// Smallest share of resamples that must give a value.
    pub valid_resamples: f64,
    /// A trigger must come out alike when any one family is left out.
    pub without_any_family: bool,
}

impl Default for Enough {
    fn default() -> Self {
        Self {
            families: 10,
            tasks: 20,
            task_share: 0.0,
            runs_per_task: 1,
            frontier_agents: 3,
            support_tasks: 1,
            valid_resamples: 0.9,
            without_any_family: false,
        }
    }
}

/// The linear index: frontier slope per year and a test for a break in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct IndexMethod {
    /// Column of the score.
    pub score_column: String,
    /// Column of the release date.
    pub date_column: String,
    /// Column of the model's name.
    pub name_column: String,
    /// Whether a day gives one record (its best model), or every row that beats all rows before it in the order of the file.
    pub records: Records,
    /// First day of the window.
    pub after: Option<Day>,
    /// First day after the window.
    pub before: Option<Day>,
    /// Day of the supposed break, fixed in advance; without it the break is searched for.
    pub break_day: Option<Day>,
    /// Share of records that is kept on either side of a searched break (Andrews 1993 takes 0.15).
    pub trim: f64,
    /// Simulations for the p-value of a searched break.
    pub simulations: u32,
}

impl Default for IndexMethod {
    fn default() -> Self {
        Self {
            score_column: "ECI Score".to_owned(),
            date_column: "Release date".to_owned(),
            name_column: "Model version".to_owned(),
            records: Records::BestOfDay,
            after: None,
            before: None,
            break_day: None,
            trim: 0.15,
            simulations: 9_999,
        }
    }
}

/// What sets a record of a linear index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Records {
    /// The best model of a day, when it is above all earlier days. Independent of the order of rows.
    #[default]
    BestOfDay,
    /// Every row above all rows before it, sorted by day and inside a day in the order of the file.
    FileOrder,
}

/// Everything that moves a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Method {
    /// Name of the method, for people.
    pub name: String,
    /// Suite of tasks, as its publisher names and versions it.
    pub suite: String,
    /// Task-list hash that the results must have, 64 hexadecimal digits.
    pub task_list: Option<String>,
    /// Weights of runs.
    pub weights: Weights,
    /// What counts as success.
    pub score: Score,
    /// Shrinkage λ of the slope; the weights sum to one, so that 0.1 is strong.
    pub lambda: f64,
    /// Success rates of the horizons in percent, the one of the frontier first.
    pub percents: Vec<u32>,
    /// Runs flagged as cheating.
    pub cheating: Treatment,
    /// Whether a trigger must come out alike under every treatment of flagged runs.
    pub cheating_must_agree: bool,
    /// Runs that ended at a usage limit.
    pub usage_limit: Treatment,
    /// Elicitation: only runs of this scaffold count.
    pub scaffold: Option<String>,
    /// Which lengths are good enough.
    pub minutes: MinutesPolicy,
    /// Where release dates come from.
    pub dates: String,
    /// SHA-256 that the file of release dates must have, 64 hexadecimal digits.
    pub dates_sha256: Option<String>,
    /// Length of a month.
    pub month: Month,
    /// Frontier and trend.
    pub frontier: Frontier,
    /// Resampling.
    pub bootstrap: Bootstrap,
    /// When there is too little data.
    pub enough: Enough,
    /// Linear index.
    pub index: IndexMethod,
}

impl Default for Method {
    fn default() -> Self {
        Self {
            name: "METR since 2026-03-05".to_owned(),
            suite: "METR-Horizon-v1.1".to_owned(),
            task_list: None,
            weights: Weights::InverseSqrtFamily,
            score: Score::Binarized,
            lambda: 1e-5,
            percents: vec![50, 80],
            cheating: Treatment::AsScored,
            cheating_must_agree: true,
            usage_limit: Treatment::AsScored,
            scaffold: None,
            minutes: MinutesPolicy::All,
            dates: "METR release_dates.yaml".to_owned(),
            dates_sha256: None,
            month: Month::Work,
            frontier: Frontier::default(),
            bootstrap: Bootstrap::default(),
            enough: Enough::default(),
            index: IndexMethod::default(),
        }
    }
}

impl Method {
    /// Canonical bytes: compact JSON, fields in declaration order, numbers in their shortest form.
    ///
    /// # Errors
    /// Never for a method that passed [`Method::check`].
    pub fn canonical(&self) -> Result<Vec<u8>, HorizonError> {
        serde_json::to_vec(self).map_err(|error| HorizonError::Method(error.to_string()))
    }

    /// `SHA-256("standstill/1/horizon-method\0" ‖ canonical bytes)`.
    ///
    /// # Errors
    /// As [`Method::canonical`].
    pub fn hash(&self) -> Result<[u8; 32], HorizonError> {
        let mut hash = Sha256::new();
        hash.update(METHOD_DOMAIN);
        hash.update(self.canonical()?);
        Ok(hash.finalize().into())
    }

    /// Refuses what has no meaning.
    ///
    /// # Errors
    /// [`HorizonError::Method`] with the field and what to write.
    pub fn check(&self) -> Result<(), HorizonError> {
        let refuse = |why: String| Err(HorizonError::Method(why));
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !(self.lambda.is_finite() && self.lambda > 0.0 && self.lambda <= 1e3) {
            return refuse(format!("lambda is {}; write a number above 0, for example 0.00001", self.lambda));
        }
        if self.percents.is_empty() || self.percents.len() > 8 || self.percents.iter().any(|q| !(1..=99).contains(q)) {
            return refuse("percents must be 1 to 8 whole numbers from 1 to 99, for example [50, 80]".to_owned());
        }
        let mut sorted = self.percents.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != self.percents.len() {
            return refuse("percents names one value twice".to_owned());
        }
        if let Score::AtLeast(value) = self.score
            && !value.is_finite()
        {
            return refuse("score.at-least must be a finite number".to_owned());
        }
        for (name, value) in [("task-list", &self.task_list), ("dates-sha256", &self.dates_sha256)] {
            if value
                .as_ref()
                .is_some_and(|hex| hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
            {
                return refuse(format!("{name} must be 64 lower-case hexadecimal digits"));
            }
        }
        let frontier = &self.frontier;
        if frontier.exclude.len() > MAX_LIST || frontier.stitch.len() > MAX_LIST {
            return refuse(format!("frontier.exclude and frontier.stitch take at most {MAX_LIST} aliases"));
        }
        if !(frontier.floor_minutes > 0.0 && frontier.floor_minutes.is_finite()) {
            return refuse("frontier.floor-minutes must be above 0".to_owned());
        }
        if frontier.cap_minutes.is_some_and(|cap| !(cap.is_finite() && cap > frontier.floor_minutes)) {
            return refuse("frontier.cap-minutes must be above frontier.floor-minutes".to_owned());
        }
        if !share(self.enough.task_share) || !share(self.enough.valid_resamples) {
            return refuse("enough.task-share and enough.valid-resamples are shares from 0 to 1".to_owned());
        }
        if !(self.index.trim > 0.0 && self.index.trim < 0.5) || self.index.simulations > 1_000_000 {
            return refuse("index.trim must be above 0 and under 0.5, index.simulations at most 1000000".to_owned());
        }
        self.check_bootstrap()
    }

    fn check_bootstrap(&self) -> Result<(), HorizonError> {
        let bootstrap = &self.bootstrap;
        let refuse = |why: String| Err(HorizonError::Method(why));
        if bootstrap.resamples > MAX_RESAMPLES {
            return refuse(format!("bootstrap.resamples is at most {MAX_RESAMPLES}"));
        }
        if !(bootstrap.interval_percent > 0.0 && bootstrap.interval_percent < 100.0) {
            return refuse("bootstrap.interval-percent must be between 0 and 100".to_owned());
        }
        match bootstrap.generator {
            Generator::Numpy if bootstrap.beacon.is_some() => refuse(
                "bootstrap.beacon has no meaning with generator = \"numpy\"; remove it or write generator = \"beacon\""
                    .to_owned(),
            ),
            Generator::Beacon if bootstrap.beacon.is_none() => {
                refuse("bootstrap.generator = \"beacon\" needs bootstrap.beacon, for example \"quicknet\"".to_owned())
            }
            Generator::Beacon if bootstrap.resamples != 0 && bootstrap.resamples < MIN_BEACON_RESAMPLES => {
                refuse(format!(
                    "bootstrap.resamples is {}; a beacon's draw takes at least {MIN_BEACON_RESAMPLES}",
                    bootstrap.resamples
                ))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
