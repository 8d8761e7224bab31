//! Named random streams from one seed. Integers only.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random integers.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    /// The stream of that name: independent of every other name, whatever order streams are used in.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"standstill/1/sim\0");
        hash.update(seed.to_be_bytes());
        hash.update(name.as_bytes());
        Self(ChaCha20Rng::from_seed(hash.finalize().into()))
    }

    /// Uniform in `0..bound`; 0 for a bound of 0. Multiply-shift; the bias is below 2^-32 for the small bounds used here.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32).unwrap_or(0)
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// About normal, in thousandths of a standard deviation: four 16-bit uniforms (Irwin-Hall), mean 0, range within ±3,464.
    pub(crate) fn normal_millis(&mut self) -> i64 {
        let word = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| word >> (16 * part) & 0xffff).sum();
        // The sum has mean 131,070 and standard deviation 65,536·sqrt(4/12) = 37,837.
        (sum.cast_signed() - 131_070) * 1000 / 37_837
    }

    /// Value at a uniformly drawn point of a quantile table (thousandths, value), linear between its points.
    pub(crate) fn quantile(&mut self, table: &[(u32, u64)], low: u32, high: u32) -> u64 {
        let draw = self.between(low, high);
        for pair in table.windows(2) {
            let ((from, at), (to, next)) = (pair[0], pair[1]);
            if (from..=to).contains(&draw) && to > from {
                return at + (next - at) * u64::from(draw - from) / u64::from(to - from);
            }
        }
        table.last().map_or(0, |(_, value)| *value)
    }

    /// Index drawn by weight; 0 when all weights are 0.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut draw = self.below(weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            if draw < weight {
                return index;
            }
            draw -= weight;
        }
        0
    }

    /// `bytes` random bytes in hexadecimal.
    pub(crate) fn hex(&mut self, bytes: usize) -> String {
        let mut out = vec![0; bytes];
        self.0.fill_bytes(&mut out);
        hex::encode(out)
    }
}
