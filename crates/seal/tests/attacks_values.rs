//! Attacks on values: each test names one and shows the check that stops it, and that nothing else would have.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use curve25519_dalek::Scalar;
use standstill_statement::Hash32;
use standstill_statement::body::Mode;
use world::forger::{Forger, decode, encode, failing};
use world::*;

const IDLE: usize = 6;
const PRETRAINING: usize = 0;
const PRETRAINING_PETAOPS: usize = 9;
const ENERGY: usize = 15;

fn forger() -> Forger {
    Forger::new(&context(3, Mode::Sealed), &inputs(20_000, 4_000, 10))
}

#[test]
fn the_forger_with_honest_values_is_a_second_prover() {
    assert!(forger().failing().is_empty());
    let (_, report) = forger().forge();
    assert_eq!(report.root, honest().root);
}

#[test]
fn negative_value_in_a_lane() {
    // Time is conserved, so only the range proof stands between this and negative training time.
    let mut forger = forger();
    let training = forger.values[0][PRETRAINING];
    forger.values[0][PRETRAINING] = -60;
    forger.values[0][IDLE] += training + 60;
    // The petaops go as well, else the physical bound would see it.
    let petaops = std::mem::take(&mut forger.values[0][PRETRAINING_PETAOPS]);
    forger.runs[0].1 -= petaops;
    let failing = forger.failing();
    assert!(failing.contains(&"range".to_owned()) && !failing.contains(&"conservation".to_owned()), "{failing:?}");
}

#[test]
fn negative_sibling_hides_in_the_total() {
    // The attack that the verifier of a well-known sum tree accepts: an honest 100 beside a sibling of -60, and a total of 40.
    let mut forger = forger();
    forger.values[0][ENERGY] = 100;
    forger.values[1][ENERGY] = -60;
    assert_eq!(forger.failing(), ["range"]);
}

#[test]
fn value_wrapped_around_2_to_the_32() {
    let mut forger = forger();
    forger.values[2][ENERGY] = 1 << 32;
    assert_eq!(forger.failing(), ["range"]);
    forger.values[2][ENERGY] = (1 << 32) - 1;
    assert!(forger.failing().is_empty(), "the largest value of a lane is allowed");
}

#[test]
fn value_wrapped_around_the_group_order() {
    // l - 60 is -60: the commitment cannot tell, the range proof does.
    let minus_sixty = -Scalar::from(60u64);
    let mut forger = forger();
    let blinding = forger.blindings[1][ENERGY];
    forger.points.insert((1, ENERGY), standstill_seal::commitment::commit(&minus_sixty, &blinding));
    assert_eq!(forger.failing(), ["range"]);
}

#[test]
fn seconds_moved_from_one_group_to_another() {
    // The fleet's total is right. Conservation holds per group, by the random weights.
    let mut forger = forger();
    forger.values[0][IDLE] += 1;
    forger.values[1][IDLE] -= 1;
    assert_eq!(forger.failing(), ["conservation"]);
}

#[test]
fn one_second_missing() {
    let mut forger = forger();
    forger.values[2][IDLE] -= 1;
    assert_eq!(forger.failing(), ["conservation"]);
}

#[test]
fn seconds_in_the_padding_group() {
    let mut forger = forger();
    forger.values[3][IDLE] += i128::from(DAY);
    assert_eq!(forger.failing(), ["conservation"]);
}

#[test]
fn more_operations_than_the_peak_allows() {
    let mut forger = forger();
    let constants = fleet().constants()[0];
    let seconds = forger.values[0][3];
    let most = seconds * i128::from(constants.p) / i128::from(constants.q);
    forger.values[0][12] = most;
    assert!(forger.failing().is_empty());
    forger.values[0][12] = most + 1;
    assert_eq!(forger.failing(), ["physical-bound"]);
}

#[test]
fn operations_of_a_fast_group_booked_on_a_slow_one() {
    // The total fits the fleet's total peak; the group's own model decides.
    let mut forger = forger();
    let moved = forger.values[0][PRETRAINING_PETAOPS];
    forger.values[0][PRETRAINING_PETAOPS] = 0;
    forger.values[2][PRETRAINING_PETAOPS] += moved * 4;
    forger.runs[0].1 += moved * 3;
    assert_eq!(forger.failing(), ["physical-bound"]);
}

#[test]
fn max_instead_of_sum_as_parent() {
    // The Maxwell sum tree let a parent be the larger child. Here no sum is supplied: a total in clear that is the largest group's
    // does not open the sum of the commitments.
    let sealed = honest_open();
    let mut blob = decode(sealed);
    let largest = Forger::new(&context(3, Mode::Open), &inputs(20_000, 4_000, 10)).values[0][PRETRAINING] as u64;
    let totals = blob.totals.as_mut().unwrap();
    totals.0[..8].copy_from_slice(&largest.to_be_bytes());
    assert_eq!(fails_of_open(&encode(&blob)), ["open-totals"]);
}

fn fails_of_open(blob: &[u8]) -> Vec<String> {
    let verdict = verify(&context(3, Mode::Open), &report(honest_open()), blob);
    assert!(
        verdict.public.is_some_and(|public| public.opened().is_none()),
        "the account stands, its totals in clear do not"
    );
    verdict.checks.iter().filter(|c| c.outcome != standstill_seal::Outcome::Pass).map(|c| c.id.to_string()).collect()
}

#[test]
fn changed_value_under_an_unchanged_commitment() {
    let mut blob = decode(honest_open());
    let totals = blob.totals.as_mut().unwrap();
    totals.0[15 * 40 + 7] ^= 1;
    assert_eq!(fails_of_open(&encode(&blob)), ["open-totals"]);
}

#[test]
fn changed_run_in_clear() {
    let mut blob = decode(honest_open());
    let totals = blob.totals.as_mut().unwrap();
    totals.0[19 * 40 + 7] ^= 1;
    assert_eq!(fails_of_open(&encode(&blob)), ["open-totals"]);
}

#[test]
fn removed_proofs() {
    // The same verifier accepted a proof without any range proof. Here every length follows from public numbers.
    let context = context(3, Mode::Sealed);
    let whole = decode(honest());
    let without = |change: &dyn Fn(&mut standstill_seal::blob::WindowBlob)| {
        let mut blob = whole.clone();
        change(&mut blob);
        failing(&context, &report(honest()), &encode(&blob))
    };
    assert_eq!(without(&|blob| blob.range.0.clear()), ["range"]);
    assert_eq!(without(&|blob| blob.bound.0.clear()), ["physical-bound"]);
    assert!(without(&|blob| blob.conservation.0.clear()).contains(&"layout".to_owned()));
    assert!(without(&|blob| blob.runs.0.clear()).contains(&"layout".to_owned()));
    assert!(without(&|blob| blob.runs_sum.0.clear()).contains(&"layout".to_owned()));
    assert!(without(&|blob| blob.records.0.clear()).contains(&"layout".to_owned()));
    let mut open = decode(honest_open());
    open.totals = None;
    let verdict = verify(&world::context(3, Mode::Open), &report(honest_open()), &encode(&open));
    assert!(fails(&verdict, "open-totals"));
}

#[test]
fn identity_and_bad_points() {
    let context = context(3, Mode::Sealed);
    let not_a_point = [0xff; 32];
    let identity = [0; 32];
    for bytes in [identity, not_a_point] {
        let mut blob = decode(honest());
        blob.records.0[36..68].copy_from_slice(&bytes);
        let mut reference = report(honest());
        reference.root = standstill_seal::record::records_root(&blob.records.0, 548);
        assert!(failing(&context, &reference, &encode(&blob)).contains(&"layout".to_owned()));
        let mut blob = decode(honest());
        blob.runs.0[..32].copy_from_slice(&bytes);
        assert!(failing(&context, &report(honest()), &encode(&blob)).contains(&"layout".to_owned()));
        let mut blob = decode(honest());
        blob.conservation.0[..32].copy_from_slice(&bytes);
        assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["conservation"]);
        // Announcement `A` of the first range proof: bytes 32 to 64 after the scalar `d1`.
        let mut blob = decode(honest());
        blob.range.0[32..64].copy_from_slice(&bytes);
        assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["range"]);
    }
}

/// The same scalar with the group order added: another encoding of the same number.
fn plus_order(bytes: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, order) in bytes.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
}

#[test]
fn scalars_that_are_not_canonical() {
    let context = context(3, Mode::Sealed);
    let mut blob = decode(honest());
    plus_order(&mut blob.conservation.0[32..]);
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["conservation"]);
    let mut blob = decode(honest());
    plus_order(&mut blob.range.0[..32]);
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["range"]);
    let mut blob = decode(honest_open());
    plus_order(&mut blob.totals.as_mut().unwrap().0[8..40]);
    assert_eq!(fails_of_open(&encode(&blob)), ["open-totals"]);
}

#[test]
fn rogue_commitment_built_from_a_rivals() {
    // C = X - C_rival would cancel the rival in an industry total. Nobody knows its opening, so no range proof exists.
    let rival = standstill_seal::commitment::commit(&Scalar::from(77u64), &Scalar::from(99u64));
    let mut forger = forger();
    let own = forger.point(1, ENERGY);
    forger.points.insert((1, ENERGY), own - rival);
    assert_eq!(forger.failing(), ["range"]);
}

#[test]
fn copied_commitment_of_another_group() {
    // Group 1 republishes the energy commitment of group 0, blinding unknown to its own key schedule. Its proof is for its own.
    let mut forger = forger();
    let copied = forger.point(0, ENERGY);
    forger.points.insert((1, ENERGY), copied);
    forger.values[1][ENERGY] = 5;
    assert_eq!(forger.failing(), ["range"]);
}

#[test]
fn changed_record_under_an_unchanged_root() {
    let mut blob = decode(honest());
    blob.records.0[10] ^= 1;
    assert!(failing(&context(3, Mode::Sealed), &report(honest()), &encode(&blob)).contains(&"layout".to_owned()));
    let mut reference = report(honest());
    reference.root = Hash32::of(b"another root");
    assert!(failing(&context(3, Mode::Sealed), &reference, &honest().blob).contains(&"layout".to_owned()));
}
