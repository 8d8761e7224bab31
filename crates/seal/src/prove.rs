//! The lab's side: from leaves to a sealed report.

use crate::context::WindowContext;
use crate::error::SealError;
use crate::fleet::PublicFleet;
use crate::history::{PrivateHistory, PrivateWindow};
use crate::keys::MasterSecret;
use crate::leaf::GroupInput;
use crate::rule::Rule;
use rand_core::CryptoRng;
use standstill_statement::{Hash32, Name};

/// A rule that the account does not satisfy, or that cannot be decided; the report then carries no proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Id of the rule.
    pub rule: String,
    /// Why, for the lab only.
    pub reason: String,
}

/// A sealed report.
pub struct SealedWindow {
    /// Bytes of the blob.
    pub blob: Vec<u8>,
    /// Root over the group records.
    pub root: Hash32,
    /// Number of group records.
    pub groups: u32,
    /// Rules without a proof; empty for an account within its limits.
    pub over: Vec<OverLimit>,
    /// Openings of the totals: secret; later windows need it.
    pub private: PrivateWindow,
}

/// Seals a window. `groups` holds every group of the fleet in order; `runs` are the names in the report, sorted.
/// An account over a limit is still sealed: that rule's proof is absent and listed in [`SealedWindow::over`].
///
/// # Errors
/// [`SealError::Input`] or [`SealError::BeyondPeak`] when the account contradicts itself.
#[expect(
    clippy::too_many_arguments,
    reason = "every input is a public parameter of the statement or a secret of the prover"
)]
pub fn seal_window<R: CryptoRng>(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
    rules: &[Rule],
    history: &PrivateHistory,
    rng: &mut R,
) -> Result<SealedWindow, SealError> {
    let _ = (master, context, fleet, groups, runs, rules, history, rng);
    Err(SealError::Secret("under construction"))
}
