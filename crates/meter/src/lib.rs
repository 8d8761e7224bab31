//! Telemetry to chip-time ledger: adapters, one streaming pass in integer arithmetic, mergeable partial sums, best-evidence intervals.
//!
//! The statement that a metered window makes, its rules and its byte formats are in `docs/formats/meter.md`.

pub mod accumulator;
pub mod adapter;
pub mod bench;
pub mod contract;
pub mod encoding;
pub mod energy_evidence;
pub mod engine;
pub mod error;
pub mod finish;
pub mod jobs;
mod order;
pub mod partials;
#[cfg(feature = "query")]
pub mod query;
pub mod sample;
pub mod seam;
pub mod source;
pub mod stream;
pub mod unit;
mod wide;

pub use accumulator::Piece;
pub use contract::{ActivityUnit, EnergyUnit, Grid, PowerUnit, SourceContract};
pub use error::MeterError;
pub use finish::{FinishOptions, UpperRule};
pub use jobs::{Assignment, Assignments, JobFacts, JobMap};
pub use partials::Partials;
pub use sample::{Batch, Dictionary};
pub use stream::Meter;
