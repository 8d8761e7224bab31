//! Repeatable choices for the torture tests, without a dependency.

/// xorshift64 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
