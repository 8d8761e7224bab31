//! Transparency logs on plain files: one log per party, cosigned by witnesses, readable by anyone.

pub mod checkpoint;
pub mod cosignature;
mod durable;
mod error;
pub mod file_log;
pub mod fsck;
mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod reader;
pub mod tile;
pub mod witness;

pub use error::TlogError;
