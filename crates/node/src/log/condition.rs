//! What state the log is in, for `/health`, `/metrics` and refusals.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// State of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The newest signed checkpoint is cosigned by a quorum, or has not waited long for it.
    Cosigned,
    /// Entries are taken and signed, but the quorum is missing: nothing newer counts as published.
    NotCosigned,
    /// The last entry ends this log; it is served for ever and takes nothing more.
    Frozen,
    /// The log must not sign. The reasons say why and what to do.
    Refusing,
}

/// Answer of `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// State.
    pub state: State,
    /// Durable entries, signed or not.
    pub size: u64,
    /// Size of the newest signed checkpoint.
    pub signed_size: u64,
    /// Size of the newest checkpoint with a quorum; absent before the first.
    pub cosigned_size: Option<u64>,
    /// What is wrong and what to do; empty when all is well.
    pub reasons: Vec<String>,
}

/// Facts that decide the state.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Why nothing may be signed until an operator acts and restarts.
    pub(super) refusing: Option<String>,
    /// Why signing waits for now; clears by itself.
    pub(super) waiting: Option<String>,
    /// Why the last write failed; clears by itself.
    pub(super) storage: Option<String>,
    /// The last entry ends the log.
    pub(super) frozen: bool,
    /// Since when (Unix seconds) the newest signed checkpoint has had no quorum.
    pub(super) uncosigned_since: Option<u64>,
    /// Last refusal or silence of each witness, by name.
    pub(super) witnesses: std::collections::BTreeMap<String, String>,
}

/// Shared facts and counters.
#[derive(Debug, Default)]
pub(super) struct Condition {
    facts: Mutex<Facts>,
    /// Counters.
    pub(super) metrics: Metrics,
}

impl Condition {
    /// The facts, to read or change.
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forbids signing until restart. The first reason stays.
    pub(super) fn refuse(&self, reason: String) {
        tracing::error!(reason, "this log refuses to sign");
        self.facts().refusing.get_or_insert(reason);
    }

    /// Why nothing may be signed.
    pub(super) fn refusal(&self) -> Option<String> {
        self.facts().refusing.clone()
    }

    /// The whole answer.
    pub(super) fn health(
        &self,
        size: u64,
        signed_size: u64,
        cosigned_size: Option<u64>,
        now: u64,
        patience: u64,
    ) -> Health {
        let facts = self.facts();
        let overdue = facts.uncosigned_since.is_some_and(|since| now.saturating_sub(since) >= patience);
        let state = if facts.refusing.is_some() {
            State::Refusing
        } else if overdue || (cosigned_size.is_none() && facts.waiting.is_some()) {
            State::NotCosigned
        } else if facts.frozen {
            State::Frozen
        } else {
            State::Cosigned
        };
        let mut reasons: Vec<String> =
            facts.refusing.iter().chain(&facts.waiting).chain(&facts.storage).cloned().collect();
        if overdue {
            let missing = signed_size.saturating_sub(cosigned_size.unwrap_or(0));
            reasons.push(format!("the newest {missing} entries are signed but not cosigned by the quorum; the witnesses are asked again until they answer"));
            reasons.extend(facts.witnesses.iter().map(|(name, problem)| format!("witness {name}: {problem}")));
        }
        Health { state, size, signed_size, cosigned_size, reasons }
    }
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $field:ident: $kind:literal $name:literal,)*) => {
        /// Counters and gauges.
        #[derive(Debug, Default)]
        pub(super) struct Metrics {
            $($(#[doc = $doc])* pub(super) $field: AtomicU64,)*
        }

        impl Metrics {
            /// Prometheus text format.
            pub(super) fn text(&self) -> String {
                let mut out = String::new();
                $(
                    let help = concat!($($doc),*).trim();
                    let _ = writeln!(out, "# HELP {} {help}\n# TYPE {} {}", $name, $name, $kind);
                    let _ = writeln!(out, "{} {}", $name, self.$field.load(Ordering::Relaxed));
                )*
                out
            }
        }
    };
}

metrics! {
    /// Statements that got an index and are durable.
    appended: "counter" "standstill_log_appended_total",
    /// Submissions that were in the log already.
    duplicates: "counter" "standstill_log_duplicates_total",
    /// Submissions refused.
    refused: "counter" "standstill_log_refused_total",
    /// Submissions refused because too many were in flight.
    overloaded: "counter" "standstill_log_overloaded_total",
    /// Batches written, each with one sync.
    batches: "counter" "standstill_log_batches_total",
    /// Microseconds spent making batches durable.
    stage_microseconds: "counter" "standstill_log_stage_microseconds_total",
    /// Checkpoints signed.
    signed: "counter" "standstill_log_checkpoints_signed_total",
    /// Checkpoints that reached the quorum.
    cosigned: "counter" "standstill_log_checkpoints_cosigned_total",
    /// Microseconds from signing a checkpoint to its quorum, the latest.
    cosign_microseconds: "gauge" "standstill_log_last_cosign_microseconds",
    /// Cosignatures taken from witnesses.
    cosignatures: "counter" "standstill_log_cosignatures_total",
    /// Requests to witnesses that failed.
    witness_failures: "counter" "standstill_log_witness_failures_total",
    /// Durable entries.
    size: "gauge" "standstill_log_size",
    /// Size of the newest signed checkpoint.
    signed_size: "gauge" "standstill_log_signed_size",
    /// Size of the newest checkpoint with a quorum.
    cosigned_size: "gauge" "standstill_log_cosigned_size",
    /// Blobs taken.
    blobs: "counter" "standstill_log_blobs_total",
    /// 1 while the log refuses to sign.
    refusing: "gauge" "standstill_log_refusing",
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Sets a gauge.
pub(super) fn set(gauge: &AtomicU64, value: u64) {
    gauge.store(value, Ordering::Relaxed);
}
