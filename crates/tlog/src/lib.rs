//! Transparency logs on plain files: one log per party, cosigned by witnesses, readable by anyone.

pub mod checkpoint;
pub mod cosignature;
mod error;
mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;

pub use error::TlogError;
