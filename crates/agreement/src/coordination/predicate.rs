//! Predicates over signed evidence: what raises a trigger, what lifts it, before what a gate stands.

use crate::fraction::Fraction;
use crate::terms::RoleKind;
use standstill_statement::{Hash32, Name};
use std::fmt;

/// Deepest nesting of `all` and `any`.
pub(crate) const MAX_DEPTH: usize = 4;
/// Most readings in one predicate.
pub(crate) const MAX_READINGS: usize = 16;

/// A monotone formula over readings: no negation, so that more evidence never takes a raised trigger back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Predicate {
    /// One reading.
    Reading(Reading),
    /// Each part holds; at least one part.
    All(Vec<Predicate>),
    /// Some part holds; at least one part.
    Any(Vec<Predicate>),
}

/// A signal on one side of a threshold, signed by enough different signers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading {
    /// What is measured.
    pub signal: Signal,
    /// On which side.
    pub compare: Compare,
    /// The threshold, in the least step of the signal's [`Unit`].
    pub threshold: u128,
    /// Kind of role that signs; `None` for parties, of which the accused never counts.
    pub signers: Option<RoleKind>,
    /// Different signers that are needed, at least 1.
    pub quorum: u32,
    /// Hash of the method; readings by another method do not count. Always there for signals that depend on one.
    pub method: Option<Hash32>,
    /// The interval of this confidence must lie on the side asked for; `None` when the best estimate decides.
    pub confidence: Option<Fraction>,
}

/// Side of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compare {
    /// The signal is at least the threshold.
    AtLeast,
    /// The signal is at most the threshold.
    AtMost,
}

impl Compare {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtLeast => "ge",
            Self::AtMost => "le",
        }
    }

    /// Whether a value, in the unit of the signal, is on this side.
    #[must_use]
    pub const fn holds(self, value: u128, threshold: u128) -> bool {
        match self {
            Self::AtLeast => value >= threshold,
            Self::AtMost => value <= threshold,
        }
    }
}

/// What is measured. A closed list, and evaluations by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Length of tasks that the best model completes half of the time.
    HorizonP50,
    /// The same at 80 % of the time.
    HorizonP80,
    /// Time in which the horizon doubles.
    HorizonDoubling,
    /// Share of AI research and development that AI systems lead.
    AiLedShare,
    /// Share of merged changes that AI systems wrote.
    AiAuthoredShare,
    /// Speed of AI research and development, as a multiple of that without AI systems.
    RdSpeedup,
    /// Operations of a declared run with its ancestors, from the ledger.
    RunFlop,
    /// Share of a party's registered time that is unaccounted in a window, from the ledger.
    UnaccountedShare,
    /// Reported incidents since the last lift.
    Incidents,
    /// Score of a named evaluation, as a share of its full score.
    Evaluation(Name),
}

/// In what a signal counts. Values and thresholds are whole numbers of the least step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Millionths of the whole, at most 1,000,000.
    Share,
    /// Millionths of a plain multiple.
    Ratio,
    /// Seconds.
    Seconds,
    /// Operations.
    Operations,
    /// Things.
    Count,
}

impl Signal {
    /// The closed list; evaluations have names of their own.
    pub const CLOSED: [Self; 9] = [
        Self::HorizonP50,
        Self::HorizonP80,
        Self::HorizonDoubling,
        Self::AiLedShare,
        Self::AiAuthoredShare,
        Self::RdSpeedup,
        Self::RunFlop,
        Self::UnaccountedShare,
        Self::Incidents,
    ];

    const fn closed_name(&self) -> &'static str {
        match self {
            Self::HorizonP50 => "horizon_p50",
            Self::HorizonP80 => "horizon_p80",
            Self::HorizonDoubling => "horizon_doubling",
            Self::AiLedShare => "ai_led_share",
            Self::AiAuthoredShare => "ai_authored_share",
            Self::RdSpeedup => "rd_speedup",
            Self::RunFlop => "run_flop",
            Self::UnaccountedShare => "unaccounted_share",
            Self::Incidents => "incidents",
            Self::Evaluation(_) => "eval:<name>",
        }
    }

    /// The signal of that name, for example `horizon_p50` or `eval:swe-long`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(evaluation) = name.strip_prefix("eval:") {
            return Name::new(evaluation).ok().map(Self::Evaluation);
        }
        Self::CLOSED.into_iter().find(|signal| signal.closed_name() == name)
    }

    /// Names of the closed list.
    pub(crate) fn closed_names() -> [&'static str; 9] {
        [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|index: usize| Self::CLOSED[index].closed_name())
    }

    /// In what it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        match self {
            Self::HorizonP50 | Self::HorizonP80 | Self::HorizonDoubling => Unit::Seconds,
            Self::AiLedShare | Self::AiAuthoredShare | Self::UnaccountedShare | Self::Evaluation(_) => Unit::Share,
            Self::RdSpeedup => Unit::Ratio,
            Self::RunFlop => Unit::Operations,
            Self::Incidents => Unit::Count,
        }
    }

    /// True when the figure means nothing without the method by which it was measured.
    #[must_use]
    pub const fn needs_method(&self) -> bool {
        !matches!(self, Self::RunFlop | Self::UnaccountedShare | Self::Incidents)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evaluation(name) => write!(f, "eval:{name}"),
            other => f.write_str(other.closed_name()),
        }
    }
}

impl Predicate {
    /// All readings, from left to right.
    #[must_use]
    pub fn readings(&self) -> Vec<&Reading> {
        match self {
            Self::Reading(reading) => vec![reading],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::readings).collect(),
        }
    }

    /// Lists in one order and without repetition.
    pub(crate) fn normalise(&mut self) {
        if let Self::All(parts) | Self::Any(parts) = self {
            parts.iter_mut().for_each(Self::normalise);
            parts.sort();
            parts.dedup();
        }
    }
}

impl Reading {
    /// The threshold as a file spells it, with its quotation marks where it has some.
    #[must_use]
    pub fn threshold_text(&self) -> String {
        threshold_text(self.signal.unit(), self.threshold)
    }
}

pub(crate) fn threshold_text(unit: Unit, value: u128) -> String {
    match unit {
        Unit::Share | Unit::Ratio => {
            let decimals = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
            let short = decimals.trim_end_matches('0');
            short.strip_suffix('.').map_or_else(|| short.to_owned(), |whole| format!("{whole}.0"))
        }
        Unit::Seconds => format!("\"{}\"", crate::amount::duration(u64::try_from(value).unwrap_or(u64::MAX))),
        Unit::Operations => format!("\"{}\"", crate::amount::scientific(value)),
        Unit::Count => value.to_string(),
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    Self::Reading(reading) => reading.to_string(),
                    other => format!("({other})"),
                })
                .collect();
            parts.join(word)
        };
        match self {
            Self::Reading(reading) => reading.fmt(f),
            Self::All(parts) => f.write_str(&join(parts, " and ")),
            Self::Any(parts) => f.write_str(&join(parts, " or ")),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.compare {
            Compare::AtLeast => "at least",
            Compare::AtMost => "at most",
        };
        write!(f, "{} {side} {}", self.signal, self.threshold_text().trim_matches('"'))?;
        if let Some(confidence) = self.confidence {
            write!(f, " at confidence {confidence}")?;
        }
        let kind = self.signers.map_or("party", RoleKind::name);
        write!(f, " by {} {kind}{}", self.quorum, if self.quorum == 1 { "" } else { "s" })
    }
}
