//! What can go wrong while sealing, reading or opening.

use crate::parameters::{MAX_RULE_TERMS, MAX_TERMS};
use standstill_statement::{CanonicalError, Class, Hash32, Name};

/// A proof of a fleet declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetProof {
    /// Every count lies between zero and the group's capacity.
    Counts,
    /// Devices are at least the agreed share of capacity.
    Fill,
}

impl std::fmt::Display for FleetProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Counts => "the range proofs of the device counts do not verify",
            Self::Fill => "it is not shown that devices are at least the agreed share of the registered capacity",
        })
    }
}

/// Sealing failed, or a sealed fleet is not acceptable. Reasons why a report does not verify are in [`crate::Check`] instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The input of the sealing party contradicts itself.
    #[error("{place}: {problem}; correct the ledger and seal again")]
    Input {
        /// Group and device, or the field.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A class has more operations than its chips can do in its time.
    #[error(
        "group {group}: class '{class}' has more operations than its seconds allow at the model's peak; check the class times and the chip model"
    )]
    BeyondPeak {
        /// Group number.
        group: u32,
        /// Class.
        class: Class,
    },
    /// The model is not in the chip table.
    #[error(
        "group {group}: chip model '{model}' is not in the agreement's chip table; add it there or correct the fleet"
    )]
    UnknownModel {
        /// Group number.
        group: u32,
        /// Model named.
        model: Name,
    },
    /// No 32-bit lane can hold the product of peak and window.
    #[error("chip model '{model}' at {window_seconds} s per window does not fit 32-bit lanes; use a shorter window")]
    WindowTooLong {
        /// Model.
        model: Name,
        /// Window length.
        window_seconds: u64,
    },
    /// The blob of a fleet declaration cannot be read.
    #[error("fleet blob of party '{party}': {problem}; ask the party for the file with the declared hash")]
    FleetBlob {
        /// Party.
        party: Name,
        /// What is wrong.
        problem: String,
    },
    /// The fleet's records are not those that the statement names.
    #[error(
        "fleet of party '{party}': the root over the records is {found}, and the declaration says {declared}; the declaration and its blob do not belong together"
    )]
    FleetRoot {
        /// Party.
        party: Name,
        /// Root in the statement.
        declared: Hash32,
        /// Root over the blob.
        found: Hash32,
    },
    /// A proof of the fleet does not verify.
    #[error("fleet of party '{party}': {what}; do not rely on this declaration")]
    FleetProof {
        /// Party.
        party: Name,
        /// Which proof.
        what: FleetProof,
    },
    /// A limit has a form that cannot be proved.
    #[error("limit '{limit}': {problem}")]
    Limit {
        /// Limit of the agreement.
        limit: Name,
        /// What is not supported, and what to write instead.
        problem: String,
    },
    /// The rules of a report are too large to be checked by everybody.
    #[error(
        "limit '{limit}'{}: its rule has {terms} terms on top of {before} of the report's other rules, and at most {MAX_RULE_TERMS} in one rule and {MAX_TERMS} in a report are checked; name fewer runs in one report, declare fewer and larger runs, or agree on fewer windows",
        for_run(.run.as_ref())
    )]
    TooManyTerms {
        /// Limit of the agreement.
        limit: Name,
        /// The run, for a limit per lineage.
        run: Option<Name>,
        /// Terms of its rule: pairs of window and quantity.
        terms: u64,
        /// Terms of the rules before it.
        before: u64,
    },
    /// A secret file is not acceptable. The text is never repeated here.
    #[error("seal secret: {0}")]
    Secret(&'static str),
    /// A value has no canonical encoding, or bytes are not the canonical encoding of a value.
    #[error("encoding: {0}")]
    Encoding(#[from] CanonicalError),
    /// The prover of range proofs refused its own input.
    #[error("range proof: {0}; this is a bug, please report it")]
    Range(String),
}

fn for_run(run: Option<&Name>) -> String {
    run.map_or_else(String::new, |run| format!(", run '{run}' and what it builds on"))
}

/// Why an opening does not agree with what was committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// Not the canonical encoding of an opening.
    #[error("the opening cannot be read: {0}; ask the party to send it again")]
    Unreadable(String),
    /// The opening is of another party, window, revision or agreement.
    #[error("the opening belongs to another account ({found}), and {wanted} was asked for")]
    WrongPeriod {
        /// Period id that was asked for.
        wanted: Hash32,
        /// Period id in the opening.
        found: Hash32,
    },
    /// The group does not exist, or is not the one drawn.
    #[error("the opening is of group {0}, which was not asked for or does not exist")]
    WrongGroup(u32),
    /// More leaves than the registered capacity.
    #[error("group {group}: {leaves} devices are opened and {capacity} is the registered capacity")]
    Capacity {
        /// Group number.
        group: u32,
        /// Leaves in the opening.
        leaves: usize,
        /// Registered capacity.
        capacity: u16,
    },
    /// One device stands twice in the group.
    #[error("group {group}: device {device} stands in two leaves; one chip cannot answer for two")]
    DeviceTwice {
        /// Group number.
        group: u32,
        /// Device key hash.
        device: Hash32,
    },
    /// The devices are not those of the fleet declaration.
    #[error("group {group}: the devices are not those that the fleet declaration commits to")]
    FleetDevices {
        /// Group number.
        group: u32,
    },
    /// The number of devices is not the one that the fleet declaration commits to.
    #[error("group {group}: the number of devices is not the one that the fleet declaration commits to")]
    FleetCount {
        /// Group number.
        group: u32,
    },
    /// The leaves are not those of the report.
    #[error(
        "group {group}: the leaves do not give the leaf root of the report; a value, a salt or a device was changed"
    )]
    LeafRoot {
        /// Group number.
        group: u32,
    },
    /// The sum of the leaves is not what was committed.
    #[error("group {group}: the leaves add up to {sum} in lane {lane}, which is not the committed value")]
    Commitment {
        /// Group number.
        group: u32,
        /// Lane number.
        lane: usize,
        /// Sum over the leaves.
        sum: u64,
    },
    /// The report blob does not belong to the report.
    #[error("the report's blob cannot be used: {0}")]
    Report(String),
}
