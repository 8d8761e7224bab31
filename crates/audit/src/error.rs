//! What can be wrong with an audit's inputs.

use standstill_statement::Hash32;

/// An audit step could not be carried out, or its input is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The beacon's public key is not a usable point of G2.
    #[error("beacon '{beacon}': its public key {why}; copy the 96-byte key from the beacon's chain information")]
    BeaconKey {
        /// Name of the beacon.
        beacon: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The beacon's times make no sense.
    #[error("beacon '{beacon}': {why}; correct it in the agreement's audit section")]
    BeaconTime {
        /// Name of the beacon.
        beacon: String,
        /// What is wrong.
        why: &'static str,
    },
    /// An agreement gives a well-known beacon's name to another key.
    #[error(
        "'{beacon}' is the name of a public beacon, but the key or the times are not that beacon's; use its real parameters or another name"
    )]
    BeaconName {
        /// The name that was claimed.
        beacon: String,
    },
    /// A beacon round's signature is not valid.
    #[error("beacon '{beacon}', round {round}: {why}; fetch the round again from the beacon")]
    Round {
        /// Name of the beacon.
        beacon: String,
        /// Round number.
        round: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A round file could not be read.
    #[error("beacon round file: {why}; it must be {{\"round\": number, \"signature\": \"96 hexadecimal digits\"}}")]
    RoundFile {
        /// What is wrong.
        why: String,
    },
    /// The draw was asked for something impossible.
    #[error("draw: {why}")]
    Draw {
        /// What is wrong, and what to do.
        why: String,
    },
    /// The challenge does not follow from the report that counts, the beacon and the agreement.
    #[error("challenge of report {}: {why}", report.short())]
    Challenge {
        /// Statement hash of the report.
        report: Hash32,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A key file or key text could not be read.
    #[error("inspector key: {why}")]
    Key {
        /// What is wrong.
        why: &'static str,
    },
    /// An encrypted opening could not be made or read.
    #[error("opening of group {group} under challenge {}: {why}", challenge.short())]
    Confide {
        /// Statement hash of the challenge.
        challenge: Hash32,
        /// Group number.
        group: u32,
        /// What is wrong.
        why: &'static str,
    },
    /// A probability or a count is outside its range.
    #[error("sampling bound: {why}")]
    Bound {
        /// What is wrong.
        why: &'static str,
    },
}
