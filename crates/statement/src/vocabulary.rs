//! The closed lists of the field: what a chip did, and in which numeric format.
//!
//! The order of the variants is part of every format that counts by class or by numeric format (DESIGN.md section 2,
//! `docs/formats/ledger.md`); a new variant is a new format version.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a registered accelerator did during a stretch of time. Closed list; exactly one class holds at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Training of a model from its first step.
    Pretraining,
    /// Anything else that changes weights: fine-tuning, reinforcement learning, distillation into a student.
    Posttraining,
    /// Short research jobs that may change weights but are declared as exploratory.
    Experiment,
    /// Serving.
    Inference,
    /// Measuring a model.
    Evaluation,
    /// Accelerator work that is none of the above (simulation, data processing).
    Other,
    /// Powered and in service, running no work. No operations are possible in this class.
    Idle,
    /// In service for no work: broken, draining, powered off, in transit. No operations are possible.
    Down,
    /// Not known. Gaps, counter resets, clock steps and unexplained samples end here; a limit charges them at peak.
    Unaccounted,
}

impl Class {
    /// Number of classes; the length of every per-class array.
    pub const COUNT: usize = 9;

    /// All classes in wire order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Pretraining,
        Self::Posttraining,
        Self::Experiment,
        Self::Inference,
        Self::Evaluation,
        Self::Other,
        Self::Idle,
        Self::Down,
        Self::Unaccounted,
    ];

    /// Number of leading classes that can have operations: the first six of [`Class::ALL`].
    pub const WORKING: usize = 6;

    /// Position in [`Class::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// True when a chip in this class can execute operations.
    #[must_use]
    pub const fn can_operate(self) -> bool {
        (self as usize) < Self::WORKING
    }

    /// True when the class changes weights by definition, so that its operations need a declared run.
    #[must_use]
    pub const fn changes_weights(self) -> bool {
        matches!(self, Self::Pretraining | Self::Posttraining)
    }

    /// The lower-case word used in files and statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pretraining => "pretraining",
            Self::Posttraining => "posttraining",
            Self::Experiment => "experiment",
            Self::Inference => "inference",
            Self::Evaluation => "evaluation",
            Self::Other => "other",
            Self::Idle => "idle",
            Self::Down => "down",
            Self::Unaccounted => "unaccounted",
        }
    }

    /// The class of that name, or `None` when the word is not in the closed list.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Numeric format in which operations were executed. The order is fixed by DESIGN.md section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumericFormat {
    /// IEEE 754 binary64.
    Fp64,
    /// IEEE 754 binary32.
    Fp32,
    /// NVIDIA TensorFloat-32.
    Tf32,
    /// bfloat16.
    Bf16,
    /// IEEE 754 binary16.
    Fp16,
    /// Any 8-bit floating-point format.
    Fp8,
    /// Any 4-bit floating-point format.
    Fp4,
    /// 8-bit integers.
    Int8,
}

impl NumericFormat {
    /// Number of formats.
    pub const COUNT: usize = 8;

    /// All formats in wire order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Fp64, Self::Fp32, Self::Tf32, Self::Bf16, Self::Fp16, Self::Fp8, Self::Fp4, Self::Int8];

    /// Position in [`NumericFormat::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The lower-case word used in files and statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp64 => "fp64",
            Self::Fp32 => "fp32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
            Self::Fp4 => "fp4",
            Self::Int8 => "int8",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for NumericFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
