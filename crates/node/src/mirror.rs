//! The mirror role (C2SP tlog-mirror): a copy of other logs that cosigns only what it holds, blobs included.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file, and the settings made from it |
//! | [`copy`] | one log's files and tree: bundles, hash tiles, blobs, the mirror checkpoint |
//! | [`service`] | pending checkpoints, uploads, the commit, without sockets |
//! | [`body`] | an upload as it streams in, plain or gzip |
//! | [`pull`], [`push`] | fetching from a log; uploading to a mirror |
//! | [`http`] | the routes |
//!
//! What a mirror's cosignature says beyond a witness's: every entry below the size, and every blob that those entries name, is on this
//! mirror's disk and served from it. Pending checkpoints are kept in a record as a witness keeps its own, without keys: nothing is
//! signed there.

pub mod body;
pub mod config;
pub mod copy;
mod error;
pub mod http;
pub mod pull;
pub mod push;
pub mod service;

pub use config::{Config, MirroredLog, Settings};
pub use error::MirrorError;
pub use http::{router, serve};
pub use service::MirrorService;
