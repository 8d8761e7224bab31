//! The monitor role: follows every log of an agreement, from several sides, and believes none of them.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file |
//! | [`watch`] | one log: its copy, the views of mirrors and witnesses, what is missing |
//! | [`condition`] | what is wrong now, and what was once proved |
//! | [`index`] | which party said what about which window; derived from the copies, at any time again |
//! | [`bundle`] | a folder that `standstill verify` reads |
//! | `agreement` | how the agreement runs, from that folder |
//! | [`service`] | rounds, and the pages for the operator |
//!
//! A monitor holds no secret. Anybody can run one, and two of them that disagree have found something.

mod agreement;
pub mod bundle;
pub mod condition;
pub mod config;
pub mod index;
pub mod service;
pub mod watch;

pub use condition::{Condition, Finding, FindingKind};
pub use config::{Config, LogSource, WitnessSource};
pub use index::{Index, Line};
pub use service::{Monitor, RunningMonitor, start};
