//! What a gate is told once: thresholds, exempt work, chip peaks, places. It comes from the agreement and from the site, and its hash is in
//! every decision.

use crate::error::GateError;
use crate::job::Job;
use crate::situation::hash;
use serde::{Deserialize, Serialize};
use standstill_statement::{Class, Hash32, Name};

const DOMAIN: &[u8] = b"standstill/1/gate-terms\0";
/// Longest terms file, in bytes.
pub const MAX_TERMS_BYTES: usize = 1 << 20;
/// Most entries of a list.
const MAX_ENTRIES: usize = 1024;

/// The fixed part of what a gate goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The agreement.
    pub agreement: Hash32,
    /// The party for whose machines the gate decides.
    pub party: Name,
    /// How long the last known situation counts after the node was lost, in seconds.
    pub hold_seconds: u64,
    /// How long an allowed job may wait for its start, in seconds.
    #[serde(default = "default_decision_seconds")]
    pub decision_seconds: u64,
    /// How far the situation may lie in the future of this machine's clock, in seconds.
    #[serde(default = "default_clock_seconds")]
    pub clock_tolerance_seconds: u64,
    /// Classes that do not start while paused. A class that is left out still needs a declared run then.
    #[serde(default = "default_stopped")]
    pub stop_when_paused: Vec<Class>,
    /// Whether covered work may start while the party is suspended. Say yes only when the agreement frees a suspended party.
    #[serde(default)]
    pub suspended_may_start: bool,
    /// From which size on a job is covered.
    #[serde(default)]
    pub cover: Cover,
    /// Peak rates; a model that is not listed counts with the highest.
    #[serde(default, rename = "chip")]
    pub chips: Vec<Chip>,
    /// Work that goes on in every phase.
    #[serde(default, rename = "exempt")]
    pub exemptions: Vec<Exemption>,
    /// Generic resources (Slurm) and extended resources (Kubernetes) that are no accelerators: `nic`, `rdma/hca`. Any other counts as one,
    /// or makes a job's size unknown, because it may be an accelerator under another name.
    #[serde(default)]
    pub harmless_resources: Vec<String>,
    /// Partitions (Slurm).
    #[serde(default, rename = "place")]
    pub places: Vec<Place>,
}

const fn default_decision_seconds() -> u64 {
    7 * 86_400
}

const fn default_clock_seconds() -> u64 {
    300
}

fn default_stopped() -> Vec<Class> {
    Class::ALL.into_iter().filter(|class| class.can_operate()).collect()
}

/// From which size on a job is covered; any one of these is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Accelerators, at least 1; the default covers every job that has one.
    #[serde(default = "one")]
    pub accelerators: u64,
    /// Operations at peak for the whole time limit, in units of 1e15; `null` for no such threshold.
    #[serde(default)]
    pub petaops: Option<u64>,
    /// Small jobs of one account and user within this time count together, in seconds, so that splitting does not help.
    #[serde(default = "day")]
    pub together_seconds: u64,
}

const fn one() -> u64 {
    1
}

const fn day() -> u64 {
    86_400
}

impl Default for Cover {
    fn default() -> Self {
        Self { accelerators: 1, petaops: None, together_seconds: 86_400 }
    }
}

/// Peak rate of a chip model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Model as the scheduler calls it, lower case.
    pub model: String,
    /// Dense peak in the lowest precision that the site allows, in units of 1e9 operations a second.
    pub gigaops_per_second: u64,
}

/// Why work is exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Work on safety.
    Safety,
    /// Serving.
    Inference,
    /// Measuring models.
    Evaluation,
    /// Saving state and shutting down.
    WindDown,
}

/// Work that goes on in every phase. Listed by who may do it, as the scheduler has authenticated them, never by a job's label alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// Its name; a job claims it by this.
    pub id: Name,
    /// Why.
    pub purpose: Purpose,
    /// Accounts (Slurm) or namespaces (Kubernetes); none means any, but then there must be users.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Users; none means any, but then there must be accounts.
    #[serde(default)]
    pub users: Vec<String>,
    /// Places; none means any.
    #[serde(default)]
    pub places: Vec<String>,
    /// Most accelerators of one job.
    pub accelerators: u64,
    /// Most accelerators of all jobs under it within `cover.together_seconds`.
    pub accelerators_together: u64,
    /// Longest job, in seconds; `null` for no limit, as serving needs.
    #[serde(default)]
    pub seconds: Option<u64>,
    /// Takes jobs that claim no exemption, and jobs whose size cannot be told: for the cluster's own services (network, device plugins),
    /// which carry no labels. Name the controllers' users then, not a namespace alone.
    #[serde(default)]
    pub system: bool,
}

impl Exemption {
    /// Whether a job is of this kind, before totals are looked at.
    #[must_use]
    pub fn fits(&self, job: &Job) -> bool {
        let listed = |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
        let short = match (self.seconds, job.seconds) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(most), Some(seconds)) => seconds <= most,
        };
        let claimed = job.exempt.as_ref() == Some(&self.id) || (self.system && job.exempt.is_none());
        let sized = job.accelerators.map_or(self.system, |count| count <= self.accelerators);
        claimed
            && listed(&self.accounts, &job.account)
            && listed(&self.users, &job.user)
            && listed(&self.places, &job.place)
            && sized
            && (self.system || job.unreadable.is_empty())
            && short
            // A job cannot be exempt and train: a run or a class that changes weights is not shut-down work.
            && job.run.is_none()
            && !job.class.is_some_and(Class::changes_weights)
    }
}

/// A partition and what a job in it can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Most accelerators on one of its nodes.
    pub accelerators_per_node: u64,
    /// Nodes in it.
    pub nodes: u64,
    /// Whether a job sees only the accelerators that it was given (`ConstrainDevices=yes`). Without it a job that asks for none reaches all
    /// of its nodes' accelerators, so it counts with all of them.
    #[serde(default)]
    pub constrained: bool,
    /// Longest job that it takes, in seconds (Slurm's `MaxTime`); `null` for no limit. A job that asks for no time gets at most this.
    #[serde(default)]
    pub longest_seconds: Option<u64>,
}

impl Terms {
    /// Reads terms from TOML.
    ///
    /// # Errors
    /// [`GateError::Terms`] with the line, or the rule that is broken.
    pub fn from_toml(text: &str) -> Result<Self, GateError> {
        if text.len() > MAX_TERMS_BYTES {
            return Err(GateError::Terms(format!("the file has {} bytes, at most {MAX_TERMS_BYTES}", text.len())));
        }
        let terms: Self = toml::from_str(text).map_err(|error| GateError::Terms(error.to_string()))?;
        terms.check()?;
        Ok(terms)
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// [`GateError::Terms`] with the first rule that is broken.
    pub fn check(&self) -> Result<(), GateError> {
        let refuse = |problem: String| Err(GateError::Terms(problem));
        if self.cover.accelerators == 0 {
            return refuse("cover.accelerators must be at least 1".to_owned());
        }
        if self.decision_seconds == 0 {
            return refuse("decision_seconds must be at least 1".to_owned());
        }
        if [self.chips.len(), self.exemptions.len(), self.places.len()].iter().any(|count| *count > MAX_ENTRIES) {
            return refuse(format!("a list has more than {MAX_ENTRIES} entries"));
        }
        for (index, exemption) in self.exemptions.iter().enumerate() {
            if exemption.accounts.is_empty() && exemption.users.is_empty() {
                return refuse(format!(
                    "exemption '{}' names neither accounts nor users, so any job could claim it; name who may",
                    exemption.id
                ));
            }
            if exemption.system && exemption.users.is_empty() {
                return refuse(format!(
                    "exemption '{}' is for the cluster's own services and names no users, so whoever may write to its namespace could use it",
                    exemption.id
                ));
            }
            if self.exemptions.iter().skip(index + 1).any(|other| other.id == exemption.id) {
                return refuse(format!("exemption '{}' is there twice", exemption.id));
            }
        }
        if let Some(place) = self.places.iter().find(|place| place.nodes == 0) {
            return refuse(format!("place '{}' has no nodes", place.name));
        }
        Ok(())
    }

    /// SHA-256(`standstill/1/gate-terms\0` ‖ deterministic CBOR).
    ///
    /// # Errors
    /// [`GateError::Encoding`]; none of these types gives that.
    pub fn hash(&self) -> Result<Hash32, GateError> {
        hash(DOMAIN, self)
    }

    /// The place of that name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.name == name)
    }

    /// The highest peak that a job's accelerators can have, in units of 1e9 operations a second.
    #[must_use]
    pub fn peak_gigaops_per_second(&self, models: &[String]) -> u64 {
        let of =
            |model: &String| self.chips.iter().find(|chip| chip.model == *model).map(|chip| chip.gigaops_per_second);
        let highest = self.chips.iter().map(|chip| chip.gigaops_per_second).max().unwrap_or(UNKNOWN_GIGAOPS);
        if models.is_empty() {
            return highest;
        }
        models.iter().map(|model| of(model).unwrap_or(highest)).max().unwrap_or(highest)
    }
}

/// Peak of a chip of which nothing is known: 2e16 operations a second, above every accelerator in the chip table of 2026.
pub const UNKNOWN_GIGAOPS: u64 = 20_000_000;
