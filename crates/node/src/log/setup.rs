//! Everything that a log needs to run, already read and checked.

use crate::clock::{Clock, SystemClock};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name, PublicKey};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::note::{NoteSigner, VerifierKey};
use standstill_tlog::policy::Policy;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// A witness that is asked to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAddress {
    /// Name, for messages.
    pub name: String,
    /// Its key; the policy says what it counts for.
    pub key: VerifierKey,
    /// Submission prefix: `<url>/add-checkpoint` takes checkpoints, `<url>/<origin hash>/checkpoint` shows the last one cosigned.
    pub url: String,
    /// Whether it is a mirror (C2SP tlog-mirror), which cosigns only what it holds: the log uploads its entries there.
    pub mirror: bool,
}

/// What must be known before the first checkpoint after a start is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartCheck {
    /// So many witnesses have said what they last cosigned that no quorum is among the silent ones. A restored older copy of the log
    /// cannot pass. Statements are taken while it waits.
    #[default]
    Witnesses,
    /// Nothing. For logs whose head cell is kept apart from all backups.
    None,
}

/// Intervals and limits. All have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Least time between two checkpoints, in milliseconds.
    pub checkpoint_milliseconds: u64,
    /// How long a batch collects statements after its first, in milliseconds; up to four times as long while dozens arrive each time.
    pub batch_milliseconds: u64,
    /// Most statements in one batch.
    pub batch_entries: usize,
    /// Most bytes in one batch, beyond which no further statement is added.
    pub batch_bytes: usize,
    /// How long a statement that is ahead of its turn is held, in milliseconds.
    pub hold_milliseconds: u64,
    /// Most submissions in flight; further ones get status 503.
    pub in_flight: usize,
    /// Most open connections; further ones wait.
    pub connections: usize,
    /// Longest time for a request's headers, in seconds.
    pub header_seconds: u64,
    /// Longest time for a request's body, in seconds.
    pub body_seconds: u64,
    /// Largest blob, in bytes.
    pub blob_bytes: u64,
    /// Most blob uploads at a time.
    pub uploads: usize,
    /// After this long, witnesses are asked to cosign an unchanged checkpoint again, in seconds.
    pub refresh_seconds: u64,
    /// Longest wait for a witness's answer, in milliseconds.
    pub witness_milliseconds: u64,
    /// A checkpoint without a quorum for so long makes the state `not_cosigned`, in seconds.
    pub patience_seconds: u64,
    /// How far the clock may stand before the last signature, in seconds.
    pub clock_tolerance_seconds: u64,
    /// What must be known before the first signature after a start.
    pub start_check: StartCheck,
    /// Memory for tiles that are asked for often, in bytes.
    pub tile_cache_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            checkpoint_milliseconds: 1000,
            batch_milliseconds: 5,
            batch_entries: 4096,
            batch_bytes: 8 * 1024 * 1024,
            hold_milliseconds: 500,
            in_flight: 4096,
            connections: 4096,
            header_seconds: 15,
            body_seconds: 600,
            blob_bytes: 1 << 30,
            uploads: 8,
            refresh_seconds: 300,
            witness_milliseconds: 5000,
            patience_seconds: 10,
            clock_tolerance_seconds: 5,
            start_check: StartCheck::Witnesses,
            tile_cache_bytes: 64 * 1024 * 1024,
        }
    }
}

/// A log, ready to start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Key of the log; its name is the origin.
    pub signer: NoteSigner,
    /// A second, post-quantum key of the same name (ML-DSA-44), which signs every checkpoint too.
    pub second_signer: Option<NoteSigner>,
    /// Agreement under which statements are made.
    pub agreement: Hash32,
    /// The party; the only issuer of this log.
    pub issuer: Name,
    /// Keys that sign its statements when the log begins; rotations in the log change them.
    pub statement_keys: Vec<PublicKey>,
    /// Which witnesses count, and how many are enough.
    pub policy: Policy,
    /// The policy that takes its place, during a change of witnesses: until then, a checkpoint is public only with both quorums.
    pub next_policy: Option<Policy>,
    /// Where the witnesses are. Those that the policy does not name are not asked.
    pub witnesses: Vec<WitnessAddress>,
    /// Where the log lives.
    pub store: Arc<dyn Store>,
    /// Where unfinished uploads lie.
    pub upload_directory: PathBuf,
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// Signed checkpoints of this log that others hold; it refuses to start unless it extends them.
    pub seen: Vec<Vec<u8>>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Intervals and limits.
    pub tuning: Tuning,
}

impl Setup {
    /// The system's clock, for configurations.
    #[must_use]
    pub fn system_clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    /// Keys whose lines in a checkpoint are this log's own.
    pub(super) fn log_keys(&self) -> Vec<VerifierKey> {
        std::iter::once(&self.signer).chain(&self.second_signer).map(|signer| signer.verifier().clone()).collect()
    }

    /// Signs a checkpoint with all keys of the log.
    pub(super) fn sign(&self, checkpoint: &Checkpoint, time_unix_seconds: u64) -> Result<SignedCheckpoint, TlogError> {
        let signed = checkpoint.sign(&self.signer)?;
        match &self.second_signer {
            Some(second) => signed.sign_also(second, time_unix_seconds),
            None => Ok(signed),
        }
    }

    /// Identity of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.signer.verifier().name()
    }
}
