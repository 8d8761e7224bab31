//! A deterministic generator of lab telemetry: the same seed gives the same bytes, on every machine and on every run.
//!
//! Nothing here is real. Job mix, durations, activity and power follow statistics of published traces ([`fitted`] says which
//! figure comes from where, `docs/formats/ledger.md` section "Generator" repeats it); rows of those traces are not copied. All
//! arithmetic is integer, so no platform's floating-point library decides a byte.
//!
//! Per lab and day [`World::write_day`] writes what a lab would export (telemetry, Slurm accounting, prolog mapping), what an
//! outsider could measure (an area power meter), and what really happened (truth). An evader ([`Cheat`]) changes the first, can
//! not change the second, and leaves the third for tests.

mod cheat;
mod civil;
mod day;
mod error;
pub mod fitted;
mod jobs;
mod random;
mod spec;
mod world;
mod write;

pub use cheat::Cheat;
pub use error::SimError;
pub use jobs::{Job, JobState};
pub use spec::{Evasion, LabSpec, Level, WorldSpec};
pub use world::{DayFiles, Lab, World};
