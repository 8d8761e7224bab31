//! Which groups the beacon names: a weighted draw without replacement.
//!
//! Weights are *registered* capacity, never anything the party reports about the window: a group that reports zero must be as
//! likely to be drawn as before. Every step is integer arithmetic on SHA-256 output, so that all verifiers get the same groups.

use crate::AuditError;
use crate::beacon::Randomness;
use sha2::{Digest, Sha256};
use standstill_ledger::ChipTable;
use standstill_seal::{PublicFleet, PublicGroup};
use standstill_statement::Hash32;

/// Most groups that one report can have; also the limit of the seal.
pub const MAX_GROUPS: usize = 1 << 20;

/// Attempts per draw before the draw gives up. One attempt fails with probability below 2^-40, so that this is never reached;
/// it makes the loop bounded by construction.
const MAX_ATTEMPTS: u32 = 64;

const SEED_DOMAIN: &[u8] = b"standstill/1/audit-seed\0";
const DRAW_DOMAIN: &[u8] = b"standstill/1/audit-draw\0";

/// Seed of one report's draw:
/// `SHA-256("standstill/1/audit-seed\0" ‖ agreement ‖ report ‖ u64 round ‖ randomness)`, integers big-endian.
///
/// `report` is the statement hash of the report that counts for its window. The terms fix the round, and the report had to be
/// public before the round existed. Heads, cosignatures and times stay out: which of them are shown is the party's choice, and it
/// can make that choice after it has seen the randomness.
#[must_use]
pub fn seed(agreement: &Hash32, report: &Hash32, randomness: &Randomness) -> Hash32 {
    let mut hash = Sha256::new();
    hash.update(SEED_DOMAIN);
    hash.update(agreement.0);
    hash.update(report.0);
    hash.update(randomness.round.to_be_bytes());
    hash.update(randomness.bytes);
    Hash32(hash.finalize().into())
}

/// Weight of a group: registered devices × peak operations per second of their chip model.
///
/// # Errors
/// [`AuditError::Draw`] when the product exceeds `u64`, which no real chip reaches with 128 devices.
pub fn weight(registered_devices: u32, peak_ops_per_second: u64) -> Result<u64, AuditError> {
    u64::from(registered_devices).checked_mul(peak_ops_per_second).ok_or_else(|| AuditError::Draw {
        why: "devices times peak operations exceed 64 bits; check the chip table".to_owned(),
    })
}

/// Weights of all groups of a verified fleet: public capacity × highest dense peak of the model. Padding groups have capacity and
/// are drawn like any other; how many devices a group really has is hidden and plays no part.
///
/// # Errors
/// [`AuditError::Draw`] when a model is not in the chip table.
pub fn fleet_weights(fleet: &PublicFleet, table: &ChipTable) -> Result<Vec<u64>, AuditError> {
    let weigh = |group: &PublicGroup| {
        let unknown =
            || AuditError::Draw { why: format!("chip model '{}' is not in the agreement's chip table", group.model) };
        let model = table.get(&group.model).ok_or_else(unknown)?;
        weight(u32::from(group.capacity_devices), model.highest_peak_ops_per_second())
    };
    fleet.groups().iter().map(weigh).collect()
}

/// Draws `count` different groups; group `i` has weight `weights[i]`, and a group of weight 0 is never drawn. When fewer groups
/// have a weight, all of them are drawn. The result is in the order of the draw.
///
/// # Errors
/// [`AuditError::Draw`] when there are more than [`MAX_GROUPS`] groups or none with a weight.
pub fn draw(seed: &Hash32, weights: &[u64], count: u32) -> Result<Vec<u32>, AuditError> {
    if weights.len() > MAX_GROUPS {
        return Err(AuditError::Draw { why: format!("{} groups are more than {MAX_GROUPS}", weights.len()) });
    }
    let mut pool = Pool::new(weights);
    let drawable = weights.iter().filter(|weight| **weight > 0).count();
    if drawable == 0 {
        return Err(AuditError::Draw {
            why: "no group has registered capacity; check the fleet declaration".to_owned(),
        });
    }
    let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(drawable);
    let mut drawn = Vec::with_capacity(wanted);
    for index in 0..u32::try_from(wanted).unwrap_or(u32::MAX) {
        let point = uniform_below(seed, index, pool.total)?;
        let group = pool.take(point);
        drawn.push(
            u32::try_from(group).map_err(|_| AuditError::Draw { why: "group number exceeds 32 bits".to_owned() })?,
        );
    }
    Ok(drawn)
}

/// A number below `bound`, each exactly equally likely: 128-bit words from
/// `SHA-256("standstill/1/audit-draw\0" ‖ seed ‖ u32 draw ‖ u32 attempt)` (first 16 bytes, big-endian); a word below
/// `2^128 mod bound` is rejected, because keeping it would favour small results.
fn uniform_below(seed: &Hash32, draw: u32, bound: u128) -> Result<u128, AuditError> {
    // 2^128 mod bound, without a 129-bit number.
    let rejected_below = bound.wrapping_neg() % bound;
    for attempt in 0..MAX_ATTEMPTS {
        let word = word(seed, draw, attempt);
        if word >= rejected_below {
            return Ok(word % bound);
        }
    }
    Err(AuditError::Draw { why: format!("draw {draw} found no number in {MAX_ATTEMPTS} attempts") })
}

fn word(seed: &Hash32, draw: u32, attempt: u32) -> u128 {
    let mut hash = Sha256::new();
    hash.update(DRAW_DOMAIN);
    hash.update(seed.0);
    hash.update(draw.to_be_bytes());
    hash.update(attempt.to_be_bytes());
    let digest = hash.finalize();
    digest.iter().take(16).fold(0, |word, byte| (word << 8) | u128::from(*byte))
}

/// Weights of the groups not yet drawn, as a Fenwick tree: drawing and removing cost log₂(groups) steps each.
struct Pool {
    /// `tree[i]` (1-based) is the sum of the `i & -i` weights that end at group `i - 1`.
    tree: Vec<u128>,
    weights: Vec<u64>,
    total: u128,
}

impl Pool {
    fn new(weights: &[u64]) -> Self {
        let mut tree = vec![0u128; weights.len() + 1];
        for (index, weight) in weights.iter().enumerate() {
            let node = index + 1;
            tree[node] += u128::from(*weight);
            let parent = node + lowest_bit(node);
            if parent < tree.len() {
                tree[parent] += tree[node];
            }
        }
        let total = weights.iter().map(|weight| u128::from(*weight)).sum();
        Self { tree, weights: weights.to_vec(), total }
    }

    /// Removes and returns the group in whose stretch of the number line `point` lies (groups laid end to end in order, each as
    /// long as its weight). `point` is below the total.
    fn take(&mut self, point: u128) -> usize {
        let mut rest = point;
        let mut position = 0;
        let mut step = self.tree.len().next_power_of_two() / 2;
        while step > 0 {
            let next = position + step;
            if next < self.tree.len() && self.tree[next] <= rest {
                rest -= self.tree[next];
                position = next;
            }
            step /= 2;
        }
        self.remove(position);
        position
    }

    fn remove(&mut self, group: usize) {
        let weight = u128::from(std::mem::take(&mut self.weights[group]));
        self.total -= weight;
        let mut node = group + 1;
        while node < self.tree.len() {
            self.tree[node] -= weight;
            node += lowest_bit(node);
        }
    }
}

const fn lowest_bit(node: usize) -> usize {
    node & node.wrapping_neg()
}

#[cfg(test)]
mod tests;
