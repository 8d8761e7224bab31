//! The witness role (C2SP tlog-witness): cosigns a checkpoint only when it extends everything cosigned before.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file, and the settings made from it |
//! | [`record`] | what is remembered, in one SQLite file; check and persist are one transaction, one fsync for all requests that wait |
//! | [`service`] | one request from bytes to cosignature lines, without sockets |
//! | [`http`] | the routes |
//!
//! Beyond the specification: timestamps never decrease per origin; every cosigned checkpoint is kept as evidence, and so are the last
//! ones that the log signed and that were refused; two checkpoints of one log that contradict each other become an alarm, with both
//! notes, that anyone can fetch; a witness that meets a cosignature of its own which its record does not know stops signing for good.

pub mod alarm;
pub mod config;
pub mod error;
pub mod http;
pub mod metrics;
pub mod record;
pub mod service;

pub use config::{Config, LogConfig, Settings, StatementConfig, WatchedLog};
pub use error::WitnessError;
pub use http::{router, serve};
pub use service::{Answer, WitnessService};
