//! Transparency logs on plain files: one log per party, cosigned by witnesses, readable by anyone.
//!
//! | module | document |
//! |---|---|
//! | [`merkle`] | RFC 9162 section 2.1; subtrees of draft-ietf-plants-merkle-tree-certs |
//! | [`note`] | C2SP signed-note v1.0.0, types 0x01, 0x04 and 0x06 |
//! | [`checkpoint`], [`cosignature`] | C2SP tlog-checkpoint v1.0.0, tlog-cosignature (Ed25519 and ML-DSA-44) |
//! | [`tile`], [`reader`], [`fsck`] | C2SP tlog-tiles, without pruning |
//! | [`policy`], [`proof`] | C2SP tlog-policy, tlog-proof |
//! | [`mirror`] | C2SP tlog-mirror, the wire formats |
//! | [`receipt`] | RFC 9942, COSE receipts |
//! | [`certificate`] | ours: published by a deadline, absent by a deadline |
//! | [`file_log`], [`witness`] | the writer, and the rules of C2SP tlog-witness; no HTTP |
//!
//! No clock, no network, no async. Randomness is used to make keys and to mark write-ahead files, never in verification. Left out:
//! pruning. `docs/formats/tlog.md` has the bytes.

pub mod certificate;
pub mod checkpoint;
pub mod cosignature;
pub mod durable;
mod error;
pub mod file_log;
pub mod fsck;
mod key;
pub mod merkle;
pub mod mirror;
mod mldsa;
pub mod note;
pub mod policy;
pub mod proof;
pub mod reader;
pub mod receipt;
pub mod tile;
pub mod witness;

pub use error::TlogError;
