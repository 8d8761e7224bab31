//! From a bundle of public files to a verdict, offline, with the same bytes on every machine and every run.
//!
//! [`Bundle::open`] reads a folder (`docs/formats/bundle.md`), [`judge`] derives a [`Verdict`] (`docs/formats/verdict.md`), [`render`]
//! shows it, [`explain`] leads from a check back to the log entries. There is no clock, no network and no randomness here: time is what
//! witnesses have cosigned. Proofs are checked on all cores; the result does not depend on how many there are.
//!
//! Three rules decide every doubtful case:
//! 1. Missing or damaged data never counts as compliance: it moves a check to [`Outcome::CannotConclude`].
//! 2. Nobody is accused by omission: a check is [`Outcome::Violated`] only when signed, witnessed bytes in the bundle prove it, so a
//!    bundle that somebody thinned out or altered can hide guilt but never invent it.
//! 3. The verdict of a whole is that of its weakest part.

pub mod bench;
pub mod bundle;
pub mod check;
mod error;
mod explain;
mod judge;
pub mod memory;
mod record;
pub mod render;
pub mod runtime;
pub mod source;
pub mod verdict;

pub use bundle::Bundle;
pub use check::{CheckKind, EvidenceLevel, Outcome, SubGoal};
pub use error::VerifyError;
pub use explain::explain;
pub use judge::{Options, judge};
pub use memory::{Forgetful, InMemory, ProofMemory};
pub use source::{BundleSource, FolderSource, Limits, MemorySource};
pub use verdict::Verdict;
