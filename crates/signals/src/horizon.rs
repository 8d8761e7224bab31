//! The capability horizon, after METR: how long the tasks are that a model completes at a given rate, how fast the frontier of that
//! length grows, and whether a trigger on it has fired.
//!
//! | module | question it answers |
//! |---|---|
//! | [`results`] | what was run, and does the file contradict itself? |
//! | [`published`] | when was which model released, and what did the evaluator publish? |
//! | [`method`] | which choices move the result? (all of them, with one hash) |
//! | [`suite`] | which runs count, and how much? |
//! | [`mod@fit`] | where is the optimum, and is that proved? |
//! | [`bootstrap`], [`draws`], [`quantile`] | how uncertain is it? |
//! | [`mod@frontier`], [`evaluation`] | who leads, how fast does that double, and does one family decide it? |
//! | [`mod@index`] | how fast does a linear index grow, and did the slope break? |
//! | [`outcome`] | fired, not fired, or indeterminate and why? |
//! | [`mod@record`] | what can everybody compute again? |
//! | [`plot`] | what does it look like? (SVG) |
//!
//! Source: METR, "Measuring AI Ability to Complete Long Tasks" (2025) and its published analysis code. The book's page
//! `docs/signals/horizon.md` states the algorithm, the tolerances and what cannot be told.

pub mod bootstrap;
pub mod date;
pub mod draws;
pub mod error;
pub mod evaluation;
pub mod figure;
pub mod fit;
pub mod frontier;
pub mod index;
pub mod method;
pub mod outcome;
pub mod plot;
pub mod published;
pub mod quantile;
pub mod record;
pub mod results;
pub mod suite;
mod suspicion;
mod yaml;

pub use error::HorizonError;
pub use method::{Method, Plan};
pub use outcome::Outcome;
pub use record::{Input, Inputs, Record, Role, recompute};
