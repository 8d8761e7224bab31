//! May this job start? The answer of a gate in front of a scheduler, as a pure function of its terms, the agreement's situation, what it
//! has let pass since, one job and the time.
//!
//! | module | what |
//! |---|---|
//! | [`terms`] | thresholds, exempt work, chip peaks, places: told once |
//! | [`situation`] | phase, caps used so far, declared runs: told again and again |
//! | [`job`] | a job as every scheduler can describe it |
//! | [`facts`] | integers to yes-and-no facts |
//! | [`clause`] | the clauses, and what they cite |
//! | [`decide`] | the decision |
//! | [`allowed`] | what was let pass and the situation does not count yet |
//! | [`journal`] | signed decisions, durable before they are answered |
//! | [`slurm`] | Slurm's requests, its job records and its accounting |
//! | [`kubernetes`] | admission reviews |
//! | [`reconcile`] | accounting against decisions |
//! | [`winddown`] | notices to running jobs |
//!
//! The rules of design: a positive permit decides; new covered work fails closed; listed exempt work fails open; all arithmetic is in
//! integers; a description that cannot be read is covered. No clock and no network: callers pass the time and the bytes.

pub mod allowed;
#[cfg(feature = "cedar")]
pub mod cedar;
pub mod clause;
pub mod decide;
mod error;
pub mod facts;
pub mod job;
pub mod journal;
pub mod kubernetes;
pub mod phase;
pub mod reconcile;
pub mod situation;
pub mod slurm;
pub mod terms;
pub mod winddown;

pub use decide::{Decision, Gate};
pub use error::GateError;
pub use job::{Job, Scheduler};
pub use phase::Phase;
pub use situation::{Cap, Held, Measure, Run, Situation};
pub use terms::Terms;

/// At most 200 characters without control characters, for messages that repeat foreign text.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Without control characters, for messages of a gate that a person reads.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(2000).collect()
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
