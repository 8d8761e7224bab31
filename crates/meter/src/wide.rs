//! Loops compiled a second time for wider vector registers, chosen at run time.
//!
//! The default build targets the oldest x86-64; its 128-bit registers would halve the speed of the column loops. All of them are integer
//! sums or single IEEE 754 operations, so the width changes no bit of any result.

/// Runs `work` with the widest instructions at hand. What `work` calls must be `#[inline(always)]` to profit.
#[inline]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::widest;

    #[test]
    fn gives_what_the_plain_loop_gives() {
        let values: Vec<u32> = (0..1_000u32).map(|value| value.wrapping_mul(2_654_435_761)).collect();
        let sum = |values: &[u32]| values.iter().fold(0u64, |sum, &value| sum + u64::from(value));
        assert_eq!(widest(|| sum(&values)), sum(&values));
    }
}
