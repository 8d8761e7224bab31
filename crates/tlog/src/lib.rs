//! Transparency logs on plain files: one log per party, cosigned by witnesses, readable by anyone.

mod error;
pub mod merkle;

pub use error::TlogError;
