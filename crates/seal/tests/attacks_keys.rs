//! Attacks on blindings: no two commitments may share one, whatever is repeated or restored.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use standstill_seal::PrivateHistory;
use standstill_seal::keys::PeriodId;
use standstill_seal::record::WindowRecord;
use standstill_statement::Hash32;
use standstill_statement::body::Mode;
use std::collections::BTreeSet;
use world::forger::decode;
use world::*;

fn records(sealed: &standstill_seal::SealedWindow) -> Vec<WindowRecord> {
    WindowRecord::decode_all(sealed.groups, &decode(sealed).records.0).unwrap()
}

#[test]
fn every_part_of_the_schedule_changes_the_blinding() {
    let agreement = Hash32::of(b"a");
    let other_agreement = Hash32::of(b"b");
    let periods = [
        (agreement, "north", PeriodId::window(agreement, &name("north"), 1, 0)),
        (agreement, "north", PeriodId::window(agreement, &name("north"), 2, 0)),
        (agreement, "north", PeriodId::window(agreement, &name("north"), 1, 1)),
        (agreement, "north", PeriodId::fleet(agreement, &name("north"), 0, 0)),
        (agreement, "north", PeriodId::fleet(agreement, &name("north"), 1, 0)),
        (agreement, "north", PeriodId::fleet(agreement, &name("north"), 0, 1)),
        (agreement, "south", PeriodId::window(agreement, &name("south"), 1, 0)),
        (other_agreement, "north", PeriodId::window(other_agreement, &name("north"), 1, 0)),
    ];
    let mut seen = BTreeSet::new();
    for (agreement, party, period) in periods {
        let key = master().period(agreement, &name(party), period);
        for group in [0, 1] {
            for lane in [0, 1] {
                for value in [0, 1] {
                    assert!(seen.insert(key.group(group).blinding(lane, value).to_bytes()));
                }
                assert!(seen.insert(key.group(group).salt(u16::from(lane))));
            }
        }
        assert!(seen.insert(key.run_blinding(&name("run-a"), 0).to_bytes()));
        assert!(seen.insert(key.run_blinding(&name("run-a"), 1).to_bytes()));
    }
    assert_eq!(seen.len(), 8 * (2 * 2 * 3 + 2));
}

#[test]
fn reused_blinding_same_value_in_another_window() {
    let other = seal(&context(4, Mode::Sealed), &inputs(20_000, 4_000, 10), &[], &PrivateHistory::new());
    let all: BTreeSet<_> = records(honest())
        .into_iter()
        .chain(records(&other))
        .flat_map(|record| record.lanes)
        .map(|lane| lane.0)
        .collect();
    assert_eq!(all.len(), 2 * 4 * 16, "equal values never show as equal commitments");
}

#[test]
fn reused_blinding_other_value_in_the_same_slot() {
    // A restored backup seals the same window and revision again with one value changed by 1. With a reused blinding the two
    // commitments would differ by exactly G and tell the change.
    let mut changed = inputs(20_000, 4_000, 10);
    changed[0].leaves[0].energy_kilojoules += 1;
    let again = seal(&context(3, Mode::Sealed), &changed, &[], &PrivateHistory::new());
    let (before, after) = (&records(honest())[0], &records(&again)[0]);
    let difference = after.lanes[15].point().unwrap() - before.lanes[15].point().unwrap();
    assert_ne!(difference, RISTRETTO_BASEPOINT_POINT);
    assert_eq!(before.lanes[..15], after.lanes[..15], "what did not change is the same commitment, and says so");
}

#[test]
fn schnorr_nonces_do_not_repeat_under_a_stuck_generator() {
    // The same generator state with two secrets: announcements must differ, else the secrets follow from two responses.
    let prove = |secret: u64| {
        let point = standstill_seal::commitment::blind(&Scalar::from(secret));
        let transcript = standstill_seal::range::transcript(Hash32::of(b"context"), "conservation");
        standstill_seal::schnorr::prove(transcript, &point, &Scalar::from(secret), &mut rng(9))
    };
    assert_ne!(prove(5)[..32], prove(6)[..32]);
    assert_eq!(prove(5), prove(5));
}

#[test]
fn secret_file_round_trip_and_refusals() {
    let text = master().to_file_text();
    let again = standstill_seal::MasterSecret::from_file_text(&text).unwrap();
    assert_eq!(again.to_file_text().as_str(), text.as_str());
    for bad in [
        "",
        "# only a comment\n",
        "standstill-seal-secret-1:00\n",
        "secret:00",
        &format!("{}{}", text.as_str(), text.as_str()),
    ] {
        let error = standstill_seal::MasterSecret::from_file_text(bad).err().unwrap().to_string();
        assert!(!error.contains("0707"), "an error never repeats the secret");
    }
}
