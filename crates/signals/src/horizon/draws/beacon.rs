//! Draws that nobody could choose: ChaCha12 keyed from a round of a public beacon.
//!
//! Key of resample streams: `SHA-256("standstill/1/horizon-resample\0" ‖ method hash ‖ u64 length of name ‖ name ‖ u64 round ‖
//! randomness)`, integers big-endian. Resample `i` is stream `i` of that key, from its first block. The data is left out on purpose: with it
//! in the key, a publisher who knows the randomness could try spaces in a file until the interval pleases. Whether the randomness is
//! the round's is checked where beacons are known (`standstill-audit`), before it is used here.

use super::Draws;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const RESAMPLE_DOMAIN: &[u8] = b"standstill/1/horizon-resample\0";
const SIMULATION_DOMAIN: &[u8] = b"standstill/1/horizon-simulation\0";

/// A verified round of a public beacon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeaconRound {
    /// Name of the beacon.
    pub beacon: String,
    /// Round number.
    pub round: u64,
    /// Randomness of the round, 64 lower-case hexadecimal digits.
    pub randomness: String,
}

/// Key of the streams of resamples, as in the module's documentation. `None` when the randomness is not 32 bytes of hexadecimal.
#[must_use]
pub fn beacon_key(method: &[u8; 32], round: &BeaconRound) -> Option<[u8; 32]> {
    let mut randomness = [0u8; 32];
    hex::decode_to_slice(&round.randomness, &mut randomness).ok()?;
    let mut hash = Sha256::new();
    hash.update(RESAMPLE_DOMAIN);
    hash.update(method);
    hash.update((round.beacon.len() as u64).to_be_bytes());
    hash.update(round.beacon.as_bytes());
    hash.update(round.round.to_be_bytes());
    hash.update(randomness);
    Some(hash.finalize().into())
}

/// The generator of one resample.
#[derive(Clone, Debug)]
pub(crate) struct BeaconDraws(ChaCha12Rng);

impl BeaconDraws {
    pub(crate) fn new(key: [u8; 32], resample: u64) -> Self {
        let mut rng = ChaCha12Rng::from_seed(key);
        rng.set_stream(resample);
        Self(rng)
    }

    /// Draws for a simulation that rests on the method alone, without a beacon: nothing can be gained by choosing them, because they
    /// decide only how exactly a p-value is known.
    pub(crate) fn for_simulation(method: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(SIMULATION_DOMAIN);
        hash.update(method);
        Self(ChaCha12Rng::from_seed(hash.finalize().into()))
    }

    /// A number above 0 and at most 1, with 53 bits.
    pub(crate) fn positive(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Two independent standard normal numbers (Box and Muller 1958).
    pub(crate) fn normals(&mut self) -> [f64; 2] {
        let radius = (-2.0 * libm::log(self.positive())).sqrt();
        let angle = 2.0 * std::f64::consts::PI * self.positive();
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    }
}

impl Draws for BeaconDraws {
    fn choice(&mut self, below: u32) -> u32 {
        if below <= 1 {
            return 0;
        }
        // Lemire 2019, with 32-bit words.
        let threshold = below.wrapping_neg() % below;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(below);
            let (low, high) = (product & 0xffff_ffff, product >> 32);
            if low >= u64::from(threshold) {
                return u32::try_from(high).unwrap_or(0);
            }
        }
    }

    fn position(&mut self, below: u32) -> u32 {
        self.choice(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> BeaconRound {
        BeaconRound { beacon: "quicknet".to_owned(), round: 7, randomness: "ab".repeat(32) }
    }

    #[test]
    fn the_key_depends_on_method_beacon_round_and_randomness() {
        let base = beacon_key(&[1; 32], &round()).unwrap();
        assert_eq!(hex::encode(base), "b960b964065f162e7da91749379ce689c51aca53d25a1a897b69f63958b9d5dd");
        for other in [
            BeaconRound { beacon: "quicknes".to_owned(), ..round() },
            BeaconRound { round: 8, ..round() },
            BeaconRound { randomness: "ac".repeat(32), ..round() },
        ] {
            assert_ne!(beacon_key(&[1; 32], &other).unwrap(), base);
        }
        assert_ne!(beacon_key(&[2; 32], &round()).unwrap(), base);
        assert!(beacon_key(&[1; 32], &BeaconRound { randomness: "ab".to_owned(), ..round() }).is_none());
    }

    #[test]
    fn choices_are_even_and_streams_differ() {
        let mut counts = [0u32; 7];
        let mut draws = BeaconDraws::new([3; 32], 0);
        for _ in 0..70_000 {
            counts[draws.choice(7) as usize] += 1;
        }
        // Six standard deviations of a binomial with p = 1/7.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 556), "{counts:?}");
        let mut other = BeaconDraws::new([3; 32], 1);
        let mut again = BeaconDraws::new([3; 32], 1);
        let first: Vec<u32> = (0..20).map(|_| draws.choice(1000)).collect();
        let second: Vec<u32> = (0..20).map(|_| other.choice(1000)).collect();
        let third: Vec<u32> = (0..20).map(|_| again.choice(1000)).collect();
        assert!(first != second && second == third);
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut draws = BeaconDraws::for_simulation(&[0; 32]);
        let sample: Vec<f64> = (0..20_000).flat_map(|_| draws.normals()).collect();
        let mean = sample.iter().sum::<f64>() / 40_000.0;
        let variance = sample.iter().map(|value| value * value).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
