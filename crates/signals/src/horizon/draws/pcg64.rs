//! NumPy's `default_rng(seed)`: `SeedSequence` (O'Neill's seed_seq design) into PCG64 XSL-RR 128/64 with a stream, as in
//! `numpy/random/bit_generator.pyx` and `src/pcg64/pcg64.h`.
//!
//! `Generator.choice(n, n)` draws bounded 32-bit numbers by Lemire's method (2019, "Fast Random Integer Generation in an Interval"),
//! two per 64-bit output, low half first; a half that is left over waits for the next bounded draw. `Generator.random` takes a whole
//! output and leaves the waiting half where it is.

use super::Draws;

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// `numpy.random.default_rng(seed)`.
#[derive(Clone, Debug)]
pub(crate) struct NumpyDraws {
    state: u128,
    increment: u128,
    half: Option<u32>,
}

/// The pool of a `SeedSequence` without spawn key.
fn seed_pool(seed: u64) -> [u32; 4] {
    let mut constant = 0x43b0_d7e5u32;
    let mut hash = |value: u32| {
        let mut value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    // Words of the seed, low first; a pool of four words holds any 64-bit seed.
    let words = [low_word(seed), low_word(seed >> 32), 0, 0];
    let mut pool = words.map(&mut hash);
    for source in 0..4 {
        for target in 0..4 {
            if source != target {
                let mixed =
                    pool[target].wrapping_mul(0xca01_f9dd).wrapping_sub(hash(pool[source]).wrapping_mul(0x4973_f715));
                pool[target] = mixed ^ (mixed >> 16);
            }
        }
    }
    pool
}

#[allow(clippy::cast_possible_truncation, reason = "the low 32 bits are what is wanted")]
fn low_word(value: u64) -> u32 {
    value as u32
}

/// `SeedSequence.generate_state(4, uint64)`.
fn seed_state(seed: u64) -> [u64; 4] {
    let pool = seed_pool(seed);
    let mut constant = 0x8b51_f9ddu32;
    let mut word = |at: usize| {
        let mut value = pool[at % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        value = value.wrapping_mul(constant);
        u64::from(value ^ (value >> 16))
    };
    std::array::from_fn(|at| {
        let low = word(2 * at);
        low | (word(2 * at + 1) << 32)
    })
}

impl NumpyDraws {
    /// The generator of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let words = seed_state(seed);
        let wide = |at: usize| (u128::from(words[at]) << 64) | u128::from(words[at + 1]);
        let mut draws = Self { state: 0, increment: (wide(2) << 1) | 1, half: None };
        draws.step();
        draws.state = draws.state.wrapping_add(wide(0));
        draws.step();
        draws
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    /// The next 64 bits.
    #[allow(clippy::cast_possible_truncation, reason = "XSL-RR folds 128 bits into 64")]
    fn next(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_half(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.next();
        self.half = Some(low_word(both >> 32));
        low_word(both)
    }

    /// `Generator.random()`: 53 bits as a number from 0 to 1.
    pub(crate) fn random(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}

impl Draws for NumpyDraws {
    fn choice(&mut self, below: u32) -> u32 {
        if below <= 1 {
            return 0;
        }
        let mut product = u64::from(self.next_half()) * u64::from(below);
        if low_word(product) < below {
            let threshold = below.wrapping_neg() % below;
            while low_word(product) < threshold {
                product = u64::from(self.next_half()) * u64::from(below);
            }
        }
        low_word(product >> 32)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ u·n < n, as NumPy's astype(int64)")]
    fn position(&mut self, below: u32) -> u32 {
        (self.random() * f64::from(below)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by NumPy 2.4.6: `default_rng(42)` and `default_rng(1041)`, then a seed above 32 bits.
    #[test]
    fn outputs_are_numpys() {
        let mut draws = NumpyDraws::new(42);
        assert_eq!([draws.next(), draws.next(), draws.next()], RAW_42);
        let mut draws = NumpyDraws::new(1041);
        assert_eq!([draws.next(), draws.next(), draws.next()], RAW_1041);
        let mut draws = NumpyDraws::new(0x1234_5678_9abc);
        assert_eq!([draws.next(), draws.next(), draws.next()], RAW_WIDE);
    }

    /// `choice(7, 5)`, `random(2)`, `choice(36, 4)`, `choice(1, 3)`, `choice(3, 3)` from one generator: the odd half-word waits.
    #[test]
    fn choices_and_uniforms_interleave_as_numpys() {
        let mut draws = NumpyDraws::new(42);
        let mut take = |n: u32, count: usize| (0..count).map(|_| draws.choice(n)).collect::<Vec<_>>();
        assert_eq!(take(7, 5), CHOICE_7);
        let uniforms = [draws.random(), draws.random()];
        assert_eq!(uniforms, RANDOM_2);
        let mut take = |n: u32, count: usize| (0..count).map(|_| draws.choice(n)).collect::<Vec<_>>();
        assert_eq!(take(36, 4), CHOICE_36);
        assert_eq!(take(1, 3), [0, 0, 0]);
        assert_eq!(take(3, 3), CHOICE_3);
    }

    const RAW_42: [u64; 3] = [14276969152011380360, 8095878257575067585, 15838336090824644132];
    const RAW_1041: [u64; 3] = [16628917053705983126, 7408653063244490349, 16304250461187028317];
    const RAW_WIDE: [u64; 3] = [5560536584365313057, 567177041424504063, 17227490938125656063];
    const CHOICE_7: [u32; 5] = [0, 5, 4, 3, 3];
    const RANDOM_2: [f64; 2] = [0.6973680290593639, 0.09417734788764953];
    const CHOICE_36: [u32; 4] = [30, 18, 35, 26];
    const CHOICE_3: [u32; 3] = [2, 2, 2];
}
