//! The gate role: answers schedulers, in front of whom no covered job starts without a signed decision.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file |
//! | [`desk`] | one thread that decides, signs and records; everything else asks it |
//! | [`follow`] | where the agreement's situation comes from, and what happens when it stops coming |
//! | [`socket`] | Slurm's plugin and start hook, over a Unix socket |
//! | [`webhook`] | Kubernetes admission reviews over HTTPS; health and metrics |
//! | [`service`] | all of it together |
//!
//! The gate loses its node: it goes by the last known situation for the time that its terms state, then refuses covered work. It loses its
//! disk: it refuses covered work at once, because a decision that is not recorded must not be acted on. Exempt work goes on in both cases.

pub mod config;
pub mod desk;
pub mod follow;
pub mod metrics;
pub mod service;
pub mod socket;
#[cfg(feature = "tls")]
pub mod tls;
pub mod webhook;

pub use config::Config;
pub use service::{RunningGate, start};
