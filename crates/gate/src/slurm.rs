//! Slurm: what its plugin and its start hook tell the gate, and what its accounting says afterwards.
//!
//! Sizes are upper bounds. At submission Slurm does not know yet where a job will run, so the larger of all readings counts; at the start
//! the allocation is known, and the gate is asked again with it.

pub mod accounting;
pub mod hook;
pub mod queue;
pub mod request;
pub mod resources;

pub use accounting::{Accounted, parse as parse_accounting};
pub use hook::{Answer, HookConfig};
pub use request::Request;
