//! The ledger of changes: how much of a repository AI systems wrote, who looked at it, and what it went into.
//!
//! | module | question it answers |
//! |---|---|
//! | [`method`], [`classes`], [`identity`] | which choices move the result? (all of them, with one hash) |
//! | [`commit`], [`trailer`], [`signature`], [`attestation`] | what do a commit and the records about it say? |
//! | [`evidence`], [`crowd`] | who acted, and which sources attribute the change to AI? |
//! | [`table`] | one row per commit: ids, dates, pseudonyms, counts |
//! | [`weigh`], [`tally`] | how much is AI's, at least and at most? |
//! | [`review`], [`engineer`], [`chain`] | who reviewed, could they, how much code per engineer, which runs used it? |
//! | [`mod@record`], [`compare`] | what can everybody compute again, and what only from the repository? |
//! | `walk` | the rows of a git repository (feature `git`) |
//!
//! No source of attribution can be trusted alone: trailers are optional, notes are mutable and often lie outside the diff. The result is
//! therefore a lower and an upper bound, with an unattributed class between them. The book's page `docs/signals/changes.md` states formats, rules
//! and limits. All modules but `walk` are pure: bytes in, record out.

pub mod attestation;
pub mod chain;
pub mod classes;
pub mod commit;
pub mod compare;
#[cfg(feature = "git")]
pub mod crowd;
pub mod engineer;
pub mod error;
#[cfg(feature = "git")]
pub mod evidence;
#[cfg(feature = "git")]
pub mod identity;
pub mod method;
pub mod month;
pub mod nature;
pub mod record;
pub mod review;
pub mod signature;
pub mod table;
pub mod tally;
pub mod trailer;
#[cfg(feature = "git")]
pub mod walk;
pub mod weigh;

pub use classes::ClassTable;
pub use error::ChangesError;
#[cfg(feature = "git")]
pub use identity::Identities;
pub use method::Method;
pub use record::{Inputs, Record, recheck, recompute};
pub use table::Table;
