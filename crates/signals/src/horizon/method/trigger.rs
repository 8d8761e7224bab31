//! Triggers, and the file that holds a method with its triggers.

use super::super::date::Day;
use super::super::error::HorizonError;
use super::Method;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const TRIGGER_DOMAIN: &[u8] = b"standstill/1/horizon-trigger\0";
/// Most triggers in one file.
const MAX_TRIGGERS: usize = 64;
/// Largest method file, in bytes.
const MAX_PLAN_BYTES: usize = 1 << 20;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum TriggerKind {
    /// A model completes tasks of the target length at the given success rate.
    HorizonAtLeast {
        /// Success rate in percent; one of the method's.
        percent: u32,
        /// Target in months of the method's kind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        months: Option<f64>,
        /// Target in minutes, instead of months.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minutes: Option<f64>,
        /// Alias that is watched; without it, the best of the frontier.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// Share of resamples that must reach the target.
        confidence: f64,
    },
    /// The horizon doubles at least this fast.
    DoublingAtMost {
        /// Target in days.
        days: f64,
        /// Share of resamples that must be as fast; without it, the point estimate decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
    },
    /// The slope of a linear index broke upwards.
    SlopeBreak {
        /// Largest p-value at which the break counts.
        significance: f64,
        /// Smallest slope after the break, as a multiple of the slope before it.
        factor: f64,
    },
}

/// A named trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Name, for people and for the agreement.
    pub name: String,
    /// Day from which on it is watched; kept for the record, it moves no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// What is watched.
    #[serde(flatten)]
    pub kind: TriggerKind,
}

impl Trigger {
    /// `SHA-256("standstill/1/horizon-trigger\0" ‖ method hash ‖ canonical JSON)`: what an agreement's clause points at.
    ///
    /// # Errors
    /// Never for a trigger that passed [`Plan::check`].
    pub fn hash(&self, method: &[u8; 32]) -> Result<[u8; 32], HorizonError> {
        let bytes = serde_json::to_vec(self).map_err(|error| HorizonError::Method(error.to_string()))?;
        let mut hash = Sha256::new();
        hash.update(TRIGGER_DOMAIN);
        hash.update(method);
        hash.update(bytes);
        Ok(hash.finalize().into())
    }

    /// Refuses what has no meaning under a method.
    ///
    /// # Errors
    /// [`HorizonError::Method`] with the trigger's name.
    pub fn check(&self, method: &Method) -> Result<(), HorizonError> {
        let refuse = |why: &str| Err(HorizonError::Method(format!("trigger '{}': {why}", self.name)));
        if self.name.is_empty() || self.name.len() > 128 || self.name.chars().any(char::is_control) {
            return refuse("the name must be 1 to 128 visible characters");
        }
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        match &self.kind {
            TriggerKind::HorizonAtLeast { percent, months, minutes, confidence, .. } => {
                if !method.percents.contains(percent) {
                    return refuse("percent is not one of the method's percents");
                }
                match (months, minutes) {
                    (Some(value), None) | (None, Some(value)) if positive(*value) => {}
                    _ => return refuse("write either months or minutes, above 0"),
                }
                if !share(*confidence) {
                    return refuse("confidence must be above 0 and at most 1");
                }
            }
            TriggerKind::DoublingAtMost { days, confidence } => {
                if !positive(*days) || confidence.is_some_and(|value| !share(value)) {
                    return refuse("days must be above 0, and confidence above 0 and at most 1");
                }
            }
            TriggerKind::SlopeBreak { significance, factor } => {
                if !(*significance > 0.0 && *significance < 1.0 && positive(*factor)) {
                    return refuse("significance must be between 0 and 1, and factor above 0");
                }
            }
        }
        Ok(())
    }
}

/// A method with its triggers: what one TOML file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// The method.
    pub method: Method,
    /// Triggers on it.
    #[serde(rename = "trigger", skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

impl Plan {
    /// Reads a method file.
    ///
    /// # Errors
    /// [`HorizonError::Method`] with line and remedy.
    pub fn parse(text: &str) -> Result<Self, HorizonError> {
        if text.len() > MAX_PLAN_BYTES {
            return Err(HorizonError::Method(format!("the file exceeds {MAX_PLAN_BYTES} bytes")));
        }
        let plan: Self =
            toml::from_str(text).map_err(|error| HorizonError::Method(error.to_string().trim_end().to_owned()))?;
        plan.check()?;
        Ok(plan)
    }

    /// The plan as TOML, with all defaults written out.
    ///
    /// # Errors
    /// Never for a plan that passed [`Plan::check`].
    pub fn to_toml(&self) -> Result<String, HorizonError> {
        toml::to_string(self).map_err(|error| HorizonError::Method(error.to_string()))
    }

    /// Checks method and triggers.
    ///
    /// # Errors
    /// [`HorizonError::Method`].
    pub fn check(&self) -> Result<(), HorizonError> {
        self.method.check()?;
        if self.triggers.len() > MAX_TRIGGERS {
            return Err(HorizonError::Method(format!("at most {MAX_TRIGGERS} triggers")));
        }
        for (at, trigger) in self.triggers.iter().enumerate() {
            trigger.check(&self.method)?;
            if self.triggers[..at].iter().any(|earlier| earlier.name == trigger.name) {
                return Err(HorizonError::Method(format!("two triggers are named '{}'", trigger.name)));
            }
        }
        Ok(())
    }
}
