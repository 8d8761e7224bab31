//! Sealed accounts of compute: what is committed, what is proved, what is opened.
//!
//! Implements "construction G" as written out in `docs/formats/seal.md`: hashed leaves per device, one Pedersen commitment on
//! Ristretto255 per group and lane, Bulletproofs+ range proofs for every lane, Schnorr proofs of conservation, one 64-bit proof
//! per limit. Everything a verifier needs comes from the agreement, the fleet declaration and the chip table; no field of a proof
//! chooses a parameter.
//!
//! Left out on purpose: no files, no clock, no signatures (the statement envelope signs), no randomness but the generator that
//! the prover passes in. What is *not* proved here is that a reading is true or that no undeclared chip exists.
//!
//! Lab side: [`seal_fleet`], [`seal_window`], [`open_group`]. Anyone: [`verify_fleet`], [`verify_window`]. Inspector:
//! [`check_opening`].

mod account;
pub mod bench;
pub mod blob;
pub mod commitment;
mod context;
mod error;
mod fleet;
mod history;
pub mod keys;
pub mod leaf;
mod opening;
pub mod parameters;
mod prove;
pub mod range;
pub mod record;
mod rule;
pub mod schnorr;
mod statement;
mod sums;
mod verdict;
mod verify;

pub use context::{FleetContext, WindowContext};
pub use error::{FleetProof, OpeningError, SealError};
pub use fleet::{
    FleetRef, GroupRegistration, PublicFleet, PublicGroup, SealedFleet, fleet_memory_key, read_verified_fleet,
    seal_fleet, verify_fleet,
};
pub use history::{History, OpenedTotals, PrivateHistory, PrivateWindow, PublicWindow};
pub use keys::MasterSecret;
pub use leaf::{GroupInput, LeafValues};
pub use opening::{MAX_OPENING_BYTES, OpenedGroup, Opening, check_opening, clashes, open_group};
pub use parameters::{MAX_GROUP_DEVICES, ModelConstants, PUBLISHED_LANES, Total};
pub use prove::{OverLimit, SealedWindow, private_window, seal_window};
pub use range::{Deferred, all_hold};
pub use rule::{Quantity, Rule, Term, rules_for};
/// Share of capacity that must be devices, a term of the agreement that a [`FleetContext`] carries.
pub use standstill_agreement::Fill;
pub use verdict::{Check, CheckId, Outcome, ReportRef, WindowVerdict};
pub use verify::{memory_key, verify_window, verify_window_later};
