//! Inference request traces: when a request arrived, how many tokens it read and wrote.
//!
//! A request log names no device and no model, so it supports one thing: **token reconciliation**. Tokens times the declared operations per
//! token (2 x active parameters, each for reading and writing) is what the serving fleet had to do; counters or energy beyond it are work that
//! the serving does not explain. It never lowers an upper bound: the log is the operator's own.
//!
//! Left out on purpose: attention over the context (it grows with length and depends on the architecture, so the figure is a lower estimate)
//! and prefix caching (which makes it an upper estimate of the reading part). Both are named with the figure.

mod azure;
mod mooncake;

pub use azure::parse as parse_azure;
pub use mooncake::parse as parse_mooncake;

use std::collections::BTreeMap;

use crate::contract::Grid;
use standstill_ledger::{Evidence, OpsInterval};

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Arrival, Unix milliseconds.
    pub time_ms: i64,
    /// Tokens read (prompt).
    pub read_tokens: u64,
    /// Tokens written.
    pub written_tokens: u64,
    /// Tokens of the prompt that earlier requests of this log had already brought, by its block hashes; 0 when the log has none.
    pub repeated_tokens: u64,
}

/// Tokens of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Requests that arrived.
    pub requests: u64,
    /// Tokens read.
    pub input: u128,
    /// Part of them that a prefix cache may have served.
    pub repeated: u128,
    /// Tokens written.
    pub output: u128,
}

/// Tokens by slot of the grid, by arrival. Work near a slot's end runs into the next slot: compare whole windows, not single slots.
#[must_use]
pub fn tokens_by_slot(requests: &[Request], grid: &Grid) -> BTreeMap<i64, Tokens> {
    let mut slots: BTreeMap<i64, Tokens> = BTreeMap::new();
    for request in requests {
        let slot = slots.entry(grid.slot_of(request.time_ms)).or_default();
        slot.requests += 1;
        slot.input += u128::from(request.read_tokens);
        slot.repeated += u128::from(request.repeated_tokens);
        slot.output += u128::from(request.written_tokens);
    }
    slots
}

/// Operations that serving these tokens takes, for a model with `active_parameters` (for a mixture of experts: those used per token, not
/// all of them, or the figure is many times too high).
///
/// Lower: repeated tokens came from a cache. Best and upper: every token was computed. Evidence is the declaration.
#[must_use]
pub fn declared_operations(tokens: &Tokens, active_parameters: u64) -> OpsInterval {
    let per_token = 2 * u128::from(active_parameters);
    let ops = |count: u128| count.saturating_mul(per_token);
    let all = ops(tokens.input.saturating_add(tokens.output));
    OpsInterval {
        lower_ops: ops((tokens.input - tokens.repeated.min(tokens.input)).saturating_add(tokens.output)),
        best_ops: all,
        upper_ops: all,
        evidence: Evidence::DeclaredModelOperations,
    }
}

/// Metered operations that the served tokens do not explain: the metered lower bound above the declared upper one, and the metered best
/// estimate above it. The first is a contradiction, the second a question.
#[must_use]
pub fn unexplained(metered: &OpsInterval, served: &OpsInterval) -> (u128, u128) {
    (metered.lower_ops.saturating_sub(served.upper_ops), metered.best_ops.saturating_sub(served.upper_ops))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_reconciled() {
        let request = |time_ms, read_tokens| Request { time_ms, read_tokens, written_tokens: 10, repeated_tokens: 40 };
        let slots = tokens_by_slot(
            &[request(0, 100), request(3_599_999, 50), request(3_600_000, 60)],
            &Grid { origin_ms: 0, slot_ms: 3_600_000 },
        );
        assert_eq!(slots[&0], Tokens { requests: 2, input: 150, repeated: 80, output: 20 });
        let served = declared_operations(&slots[&0], 37_000_000_000);
        assert_eq!(served.upper_ops, 170 * 74_000_000_000);
        assert_eq!(served.lower_ops, 90 * 74_000_000_000);
        let metered = OpsInterval::counters(1_979_000_000_000_000, 989_000_000_000_000, 1_000_000_000);
        assert!(unexplained(&metered, &served).1 > 0 && unexplained(&metered, &served).0 == 0);
    }
}
