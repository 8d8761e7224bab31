//! Rulebooks: how a law or treaty turns one raw record of operations into its own total. Data files with citations, one raw
//! record and several legal totals (DESIGN.md section 7).

mod parse;

use crate::interval::OpsInterval;
use standstill_statement::{Class, Hash32, Name, NumericFormat};

/// A rulebook is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulebookError {
    /// Not TOML of the layout.
    #[error("rulebook, line {line}: {what}")]
    Layout {
        /// Line, from 1; 0 when the whole file is meant.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A name that no shipped rulebook has.
    #[error("rulebook '{0}' is not known; use one of eu-gpai-2025, sb53-2025, miri-treaty-2025, epoch")]
    Unknown(String),
}

/// Operations by class and evidenced format; the last column is "no format evidence".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    cells: [[OpsInterval; NumericFormat::COUNT + 1]; Class::COUNT],
}

impl Default for OperationRecord {
    fn default() -> Self {
        Self { cells: [[OpsInterval::EMPTY; NumericFormat::COUNT + 1]; Class::COUNT] }
    }
}

impl OperationRecord {
    /// Adds operations.
    pub fn add(&mut self, class: Class, format: Option<NumericFormat>, operations: OpsInterval) {
        let cell = &mut self.cells[class.index()][column(format)];
        *cell = cell.plus(operations);
    }

    /// Operations of one class in one format.
    #[must_use]
    pub const fn get(&self, class: Class, format: Option<NumericFormat>) -> OpsInterval {
        self.cells[class.index()][column(format)]
    }

    /// Adds another record (another device, window or party).
    pub fn merge(&mut self, other: &Self) {
        for (row, other) in self.cells.iter_mut().zip(&other.cells) {
            for (cell, other) in row.iter_mut().zip(other) {
                *cell = cell.plus(*other);
            }
        }
    }
}

const fn column(format: Option<NumericFormat>) -> usize {
    match format {
        Some(format) => format.index(),
        None => NumericFormat::COUNT,
    }
}

/// Which ancestors' operations a rulebook adds to a run's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestors {
    /// All of them: merged and initialising weights, and data generators.
    All,
    /// None: only the run itself.
    None,
}

/// How operations count in one numeric format: `numerator / denominator` per operation executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Numerator; at least 1.
    pub numerator: u64,
    /// Denominator; at least 1.
    pub denominator: u64,
}

/// A named amount of operations in a rulebook's own units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Name within the rulebook, for example `systemic-risk`.
    pub name: Name,
    /// Operations.
    pub ops: u128,
    /// What follows from reaching it, with its citation.
    pub meaning: String,
}

/// A rulebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Name in agreements.
    pub id: Name,
    /// Title, for people.
    pub title: String,
    /// Citations, in order of weight.
    pub citations: Vec<String>,
    /// Whether each class counts, in the order of [`Class::ALL`].
    pub counts_class: [bool; Class::COUNT],
    /// Weight per format in the order of [`NumericFormat::ALL`].
    pub weights: [Weight; NumericFormat::COUNT],
    /// Weight of operations without format evidence: at least the largest of `weights` that the operations could have.
    pub weight_unknown: Weight,
    /// Which ancestors count.
    pub ancestors: Ancestors,
    /// Named thresholds.
    pub thresholds: Vec<Threshold>,
    /// Where the rulebook's text leaves room, and which reading is taken.
    pub readings: Vec<String>,
    /// SHA-256("standstill/1/rulebook\0" ‖ exact bytes of the file).
    pub hash: Hash32,
}

const BUILTIN: [(&str, &str); 4] = [
    ("eu-gpai-2025", include_str!("../data/rulebooks/eu-gpai-2025.toml")),
    ("sb53-2025", include_str!("../data/rulebooks/sb53-2025.toml")),
    ("miri-treaty-2025", include_str!("../data/rulebooks/miri-treaty-2025.toml")),
    ("epoch", include_str!("../data/rulebooks/epoch.toml")),
];

impl Rulebook {
    /// Names of the shipped rulebooks.
    #[must_use]
    pub fn builtin_names() -> [&'static str; 4] {
        BUILTIN.map(|(name, _)| name)
    }

    /// A shipped rulebook.
    ///
    /// # Errors
    /// [`RulebookError::Unknown`] for another name.
    pub fn builtin(name: &str) -> Result<Self, RulebookError> {
        let found = BUILTIN.iter().find(|(id, _)| *id == name);
        let (_, text) = found.ok_or_else(|| RulebookError::Unknown(name.chars().take(80).collect()))?;
        Self::parse(text)
    }

    /// Reads a rulebook file.
    ///
    /// # Errors
    /// [`RulebookError::Layout`] with the line.
    pub fn parse(text: &str) -> Result<Self, RulebookError> {
        parse::rulebook(text)
    }

    /// The rulebook's total of a raw record. Integer arithmetic; each bound is rounded outwards.
    ///
    /// Unaccounted operations count when any class does: nothing shows that they are of a class that does not count, so their
    /// charge enters the upper bound (and the best estimate), never the lower one.
    #[must_use]
    pub fn apply(&self, record: &OperationRecord) -> OpsInterval {
        Class::ALL
            .into_iter()
            .filter(|class| self.counts_class[class.index()])
            .map(|class| self.class(record, class))
            .sum()
    }

    fn class(&self, record: &OperationRecord, class: Class) -> OpsInterval {
        let known = NumericFormat::ALL.into_iter().map(|format| (Some(format), self.weights[format.index()]));
        known
            .chain([(None, self.weight_unknown)])
            .map(|(format, weight)| self.cell(record.get(class, format), format, weight))
            .sum()
    }

    /// Without format evidence the weight may be anything from 1 (the format used) to the largest; only the upper bound takes it.
    fn cell(&self, cell: OpsInterval, format: Option<NumericFormat>, weight: Weight) -> OpsInterval {
        let scaled = cell.scaled(weight.numerator, weight.denominator);
        match format {
            Some(_) => scaled,
            None => OpsInterval { upper_ops: scaled.upper_ops, ..cell },
        }
    }

    /// The threshold of that name.
    #[must_use]
    pub fn threshold(&self, name: &str) -> Option<&Threshold> {
        self.thresholds.iter().find(|threshold| threshold.name.as_str() == name)
    }
}
