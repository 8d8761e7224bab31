use super::*;
use proptest::prelude::*;

fn seed_of(number: u64) -> Hash32 {
    Hash32::of(&number.to_be_bytes())
}

fn standard_seed() -> Hash32 {
    seed(&Hash32([1; 32]), &Hash32([2; 32]), &Randomness { round: 9, bytes: [4; 32] })
}

#[test]
fn every_input_moves_the_seed() {
    let randomness = Randomness { round: 9, bytes: [4; 32] };
    let (agreement, report) = (Hash32([1; 32]), Hash32([2; 32]));
    let seeds = [
        standard_seed(),
        seed(&Hash32([9; 32]), &report, &randomness),
        seed(&agreement, &Hash32([9; 32]), &randomness),
        seed(&report, &agreement, &randomness),
        seed(&agreement, &report, &Randomness { round: 10, ..randomness }),
        seed(&agreement, &report, &Randomness { bytes: [9; 32], ..randomness }),
    ];
    for (index, left) in seeds.iter().enumerate() {
        assert!(seeds[index + 1..].iter().all(|right| left != right), "input {index} does not count");
    }
}

#[test]
fn zero_weight_is_never_drawn_and_all_others_are() {
    let weights = [0, 5, 0, 1, 1_000_000, 0];
    let mut drawn = draw(&standard_seed(), &weights, 100).unwrap();
    drawn.sort_unstable();
    assert_eq!(drawn, [1, 3, 4]);
    assert!(draw(&standard_seed(), &[0, 0], 1).is_err());
    assert!(draw(&standard_seed(), &[], 1).is_err());
    assert_eq!(draw(&standard_seed(), &[1], 0).unwrap(), Vec::<u32>::new());
    assert!(draw(&standard_seed(), &vec![1; MAX_GROUPS + 1], 1).is_err());
}

#[test]
fn weights_at_the_limit_do_not_overflow() {
    let drawn = draw(&standard_seed(), &[u64::MAX; 1000], 1000).unwrap();
    assert_eq!(drawn.len(), 1000);
    assert!(weight(u32::MAX, u64::MAX).is_err());
    assert_eq!(weight(128, 15_000_000_000_000_000).unwrap(), 1_920_000_000_000_000_000);
}

/// Pearson's statistic of first draws against the weights; 6 degrees of freedom, 0.1 % critical value 22.46.
#[test]
fn first_draws_follow_the_weights() {
    let weights = [1u64, 2, 3, 4, 10, 30, 50];
    let trials = 20_000u64;
    let mut seen = [0u64; 7];
    for trial in 0..trials {
        seen[draw(&seed_of(trial), &weights, 1).unwrap()[0] as usize] += 1;
    }
    assert!(chi_square(&seen, &weights, trials) < 22.46, "{seen:?}");
}

/// Equal weights without replacement: each group is in the sample equally often, and each position holds each group equally often.
#[test]
fn equal_weights_are_drawn_evenly_at_every_position() {
    let weights = [7u64; 8];
    let trials = 8_000u64;
    let mut seen = [[0u64; 8]; 3];
    for trial in 0..trials {
        for (position, group) in draw(&seed_of(trial), &weights, 3).unwrap().into_iter().enumerate() {
            seen[position][group as usize] += 1;
        }
    }
    for position in seen {
        // 7 degrees of freedom, 0.1 % critical value 24.32.
        assert!(chi_square(&position, &weights, trials) < 24.32, "{position:?}");
    }
}

/// A draw that took words modulo the total without rejection would favour small results when the total is not far below 2^128.
#[test]
fn rejection_keeps_every_residue_equally_likely() {
    let bound = (u128::MAX / 3) * 2;
    let (mut low, trials) = (0u32, 4_000u32);
    for trial in 0..trials {
        low += u32::from(uniform_below(&seed_of(u64::from(trial)), 0, bound).unwrap() < bound / 2);
    }
    // Without rejection the low half would get three quarters of the draws.
    assert!((1_850..2_150).contains(&low), "{low}");
}

#[allow(clippy::cast_precision_loss)]
fn chi_square(seen: &[u64], weights: &[u64], trials: u64) -> f64 {
    let total: u64 = weights.iter().sum();
    let expected = |weight: u64| trials as f64 * weight as f64 / total as f64;
    seen.iter().zip(weights).map(|(seen, weight)| (*seen as f64 - expected(*weight)).powi(2) / expected(*weight)).sum()
}

/// The obvious way, against which the tree is checked.
fn draw_slowly(seed: &Hash32, weights: &[u64], count: usize) -> Vec<u32> {
    let mut rest: Vec<u128> = weights.iter().map(|weight| u128::from(*weight)).collect();
    let mut drawn = Vec::new();
    for index in 0..count {
        let mut point = uniform_below(seed, u32::try_from(index).unwrap(), rest.iter().sum()).unwrap();
        let group = rest
            .iter()
            .position(|weight| {
                if point < *weight {
                    true
                } else {
                    point -= weight;
                    false
                }
            })
            .unwrap();
        rest[group] = 0;
        drawn.push(u32::try_from(group).unwrap());
    }
    drawn
}

proptest! {
    #[test]
    fn the_tree_draws_what_a_plain_walk_draws(
        number in any::<u64>(), weights in proptest::collection::vec(prop_oneof![Just(0u64), 1u64..9, any::<u64>()], 1..70), count in 0u32..80,
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let drawn = draw(&seed_of(number), &weights, count).unwrap();
        let drawable = weights.iter().filter(|weight| **weight > 0).count();
        prop_assert_eq!(drawn.len(), (count as usize).min(drawable));
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), drawn.len());
        prop_assert_eq!(draw_slowly(&seed_of(number), &weights, drawn.len()), drawn);
    }

    #[test]
    fn a_longer_draw_begins_with_the_shorter_one(number in any::<u64>(), groups in 1usize..60, count in 0u32..60) {
        let weights = vec![3; groups];
        let short = draw(&seed_of(number), &weights, count).unwrap();
        let long = draw(&seed_of(number), &weights, count + 5).unwrap();
        prop_assert!(long.starts_with(&short));
    }
}
