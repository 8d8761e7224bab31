//! The log role: authenticated submission, group commit, checkpoints, cosignatures.
//!
//! One thread, the *sequencer*, gives out indices: it takes verified statements from a bounded queue, stages a batch of them in the
//! [`crate::store::Store`] with one sync, and only then answers. Once in every interval it writes tiles, signs a checkpoint, swaps the
//! head cell and hands the checkpoint to the witnesses' tasks. Signatures are verified before the queue, on all cores.
//!
//! What is promised: an index that was given out survives any crash; no two signed checkpoints contradict each other; `GET /checkpoint`
//! shows only what a quorum of the policy has cosigned.

pub mod bench;
mod blobs;
mod cache;
mod chain;
mod condition;
mod config;
mod cosign;
mod http;
mod intake;
mod quorum;
mod recovery;
mod running;
mod sequencer;
mod setup;
mod tiles;

pub use blobs::{UPLOAD_DOMAIN, upload_authorization};
pub use condition::{Health, State};
pub use config::{Config, StoreConfig, WitnessConfig};
pub use intake::Added;
pub use running::{RunningLog, start};
pub use setup::{Setup, StartCheck, Tuning, WitnessAddress};

/// Why a request is refused: the status on the wire and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub message: String,
    /// For statements out of order: the sequence number that this log takes next.
    pub expected_sequence: Option<u64>,
}

impl Refusal {
    /// A refusal with this status and sentence.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), expected_sequence: None }
    }
}
