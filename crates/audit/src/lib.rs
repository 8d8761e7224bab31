//! Audits by lot: a report is logged first, a public beacon speaks afterwards, and the groups that it names are opened to an
//! inspector. Nobody can know the draw in time to prepare for it, and anybody can recompute it.
//!
//! | module | question it answers |
//! |---|---|
//! | [`beacon`] | is this the randomness of that round? (drand, offline, against a pinned key) |
//! | [`draw`] | which groups did the beacon name? |
//! | [`challenge`] | does this challenge ask exactly what the beacon says, and was it answered in time? |
//! | [`confide`] | how does an opening reach the inspector and nobody else? (RFC 9180) |
//! | [`mod@examine`] | does the opening agree with commitment, fleet, capacity, counters and outside evidence? |
//! | [`bound`] | what does a clean audit show, and how many groups must be drawn? |
//!
//! The bytes are specified in `docs/formats/audit.md`. There is no clock, no network and no hidden randomness in this crate: times
//! are arguments, and encryption takes the caller's generator.

pub mod beacon;
pub mod bound;
pub mod challenge;
pub mod confide;
pub mod draw;
pub mod error;
pub mod examine;
mod fixed;

pub use beacon::{Beacon, DemoBeacon, Round};
pub use error::AuditError;
pub use examine::{Case, Examination, GroupAccount, Reason, examine};
