//! What is signed: vocabulary, deterministic CBOR, the `COSE_Sign1` envelope, keys, and every statement kind.
//!
//! Implements RFC 8949 section 4.2.1 (core deterministic encoding), RFC 9052 (`COSE_Sign1`), the header profile of RFC 9943
//! (SCITT signed statements) and RFC 8032 with strict verification only. The byte layout is `docs/formats/statement.md`.
//! Left out on purpose: no files, no clock, no logs, no receipts.
//!
//! ```
//! use standstill_statement::{Body, Hash32, Header, Heartbeat, Name, SigningKey, Statement, verify};
//! let key = SigningKey::from_seed([7; 32]);
//! let header = Header {
//!     agreement: Hash32::of(b"terms"),
//!     issuer: Name::new("north")?,
//!     sequence: 0,
//!     previous: None,
//!     issued_unix_seconds: 1_793_491_200,
//!     heads: Vec::new(),
//! };
//! let bytes = Statement { header, body: Body::Heartbeat(Heartbeat { window: 0 }) }.sign(&key)?;
//! let signed = verify(&bytes, &[key.public()])?;
//! assert_eq!(signed.hash, Hash32::of(&bytes));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
pub mod body;
pub mod canonical;
pub mod chain;
mod envelope;
mod error;
pub mod gate;
pub mod ids;
pub mod keyring;
mod keys;
#[cfg(test)]
mod samples;
pub mod show;
mod statement;
pub mod time;
mod validate;
pub mod vocabulary;

pub use body::*;
pub use canonical::CanonicalError;
pub use chain::ChainError;
pub use envelope::{MAX_STATEMENT_BYTES, Signed, decode_unverified, verify};
pub use error::StatementError;
pub use gate::{Coverage, GateDecision, GatePoint, GateVerdict};
pub use ids::{BlobRef, Hash32, IdError, Name};
pub use keyring::Keyring;
pub use keys::{PublicKey, Signature, SigningKey};
pub use statement::{Kind, Statement};
pub use validate::{
    MAX_EVIDENCE, MAX_FORMULA_DEPTH, MAX_FORMULA_NODES, MAX_GROUPS, MAX_HEADS, MAX_INPUTS, MAX_ITEMS, MAX_PARENTS,
    MAX_RUNS, MAX_SOURCES, MAX_TEXT_BYTES,
};
pub use vocabulary::{Class, NumericFormat};
