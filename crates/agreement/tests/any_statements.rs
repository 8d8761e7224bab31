//! The fuzz target of the run-time, over its seeds and mutations of them: any sequence of statements replays without a panic, in any order.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "shared with the fuzz crate, where everything is used"
)]

#[path = "../../../fuzz/src/agreement.rs"]
mod agreement;
#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;

#[test]
fn any_statements_replay() {
    let seeds = agreement::runtime_seeds();
    let accepted = seeds.iter().filter(|seed| agreement::runtime(seed)).count();
    assert!(accepted == seeds.len(), "{accepted} of {} seeds do something", seeds.len());
    let mut random = mutate::Random::new(1);
    for _ in 0..200 {
        let (a, b) = (random.below(seeds.len()), random.below(seeds.len()));
        agreement::runtime(&mutate::mutate(&seeds[a], &seeds[b], &mut random));
    }
}
