//! The server side: log, witness and mirror roles over HTTP, their stores, and the client and monitor that read them.
//!
//! The rules are in `standstill-tlog` and are pure; this crate gives them sockets, files and a clock.

pub mod client;
pub mod clock;
mod error;
#[cfg(unix)]
pub mod gate;
pub mod log;
pub mod mirror;
pub mod monitor;
pub mod serve;
pub mod store;
mod terms;
pub mod tls;
pub mod witness;

pub use error::NodeError;
