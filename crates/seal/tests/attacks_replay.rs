//! Attacks that reuse honest bytes somewhere else, cut them, or let the prover choose.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use standstill_seal::{FleetRef, SealError, WindowContext, read_verified_fleet, verify_fleet};
use standstill_statement::body::Mode;
use standstill_statement::{Hash32, canonical};
use world::forger::{decode, encode, failing};
use world::*;

/// A name and a change of the context.
type Change = (&'static str, fn(&mut WindowContext));

/// Every proof of the report fails when any part of its context is another.
#[test]
fn replay_to_another_context() {
    let changes: [Change; 7] = [
        ("window", |context| {
            context.window = 4;
            context.window_start_unix_seconds += DAY;
            context.window_end_unix_seconds += DAY;
        }),
        ("revision", |context| context.revision = 1),
        ("fleet statement", |context| context.fleet_statement = Hash32::of(b"another")),
        ("rulebook", |context| context.rulebook = name("epoch")),
        ("previous statement", |context| context.previous_statement = None),
        ("bounds of the window", |context| {
            context.window_start_unix_seconds += 1;
            context.window_end_unix_seconds += 1;
        }),
        ("runs", |_| {}),
    ];
    for (what, change) in changes {
        let mut other = context(3, Mode::Sealed);
        change(&mut other);
        let mut reference = report(honest());
        if what == "runs" {
            reference.runs = vec![name("run-a"), name("run-b"), name("run-d")];
        }
        let failing = failing(&other, &reference, &honest().blob);
        assert_eq!(failing, ["range", "conservation", "physical-bound", "runs"], "{what}");
    }
}

#[test]
fn replay_in_the_other_mode() {
    let verdict = verify(&context(3, Mode::Open), &report(honest()), &honest().blob);
    for check in ["range", "conservation", "physical-bound", "runs", "open-totals"] {
        assert!(fails(&verdict, check), "{check}");
    }
    assert!(fails(&verify(&context(3, Mode::Sealed), &report(honest_open()), &honest_open().blob), "layout"));
}

#[test]
fn replay_to_another_party_or_agreement() {
    // The fleet is bound to party and agreement, and so the report is too.
    let sealed = sealed_fleet();
    let declared = FleetRef { root: sealed.root, groups: sealed.groups };
    let mut south = fleet_context();
    south.party = name("south");
    let mut treaty = fleet_context();
    treaty.agreement = Hash32::of(b"another agreement");
    for other in [south, treaty] {
        let refused = verify_fleet(&other, declared, &sealed.blob, table());
        assert!(matches!(refused, Err(SealError::FleetProof { .. })));
        // Even with a fleet of its own that has the same records, the copied report does not verify.
        let copied = read_verified_fleet(&other, declared, &sealed.blob, table()).unwrap();
        let mut context = context(3, Mode::Sealed);
        context.party = other.party.clone();
        context.agreement = other.agreement;
        let verdict = standstill_seal::verify_window(
            &context,
            &copied,
            &[],
            &standstill_seal::History::new(),
            &report(honest()),
            &honest().blob,
        );
        for check in ["range", "conservation", "physical-bound", "runs"] {
            assert!(fails(&verdict, check), "{check}");
        }
        assert!(
            fails(&verify(&context, &report(honest()), &honest().blob), "layout"),
            "fleet of north, report of another"
        );
    }
}

#[test]
fn fleet_of_another_revision_or_window() {
    let sealed = sealed_fleet();
    let declared = FleetRef { root: sealed.root, groups: sealed.groups };
    let change: [fn(&mut standstill_seal::FleetContext); 3] =
        [|fleet| fleet.revision = 1, |fleet| fleet.from_window = 1, |fleet| fleet.window_seconds = 3600];
    for change in change {
        let mut other = fleet_context();
        change(&mut other);
        assert!(matches!(verify_fleet(&other, declared, &sealed.blob, table()), Err(SealError::FleetProof { .. })));
    }
    let wrong = FleetRef { root: Hash32::of(b"x"), ..declared };
    assert!(matches!(verify_fleet(&fleet_context(), wrong, &sealed.blob, table()), Err(SealError::FleetRoot { .. })));
    for groups in [0, 5, 1 << 20, u32::MAX] {
        // Refused by length before anything is made for so many groups.
        let other = FleetRef { groups, ..declared };
        let refused = verify_fleet(&fleet_context(), other, &sealed.blob, table());
        assert!(matches!(refused, Err(SealError::FleetBlob { .. })), "{groups}");
    }
    let fewer = FleetRef { groups: 3, ..declared };
    assert!(matches!(verify_fleet(&fleet_context(), fewer, &sealed.blob, table()), Err(SealError::FleetBlob { .. })));
}

#[test]
fn transplanted_proofs() {
    let other =
        seal(&context(4, Mode::Sealed), &inputs(20_000, 4_000, 10), &[], &standstill_seal::PrivateHistory::new());
    let context = context(3, Mode::Sealed);
    let donor = decode(&other);
    let mut blob = decode(honest());
    blob.range = donor.range;
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["range"]);
    let mut blob = decode(honest());
    blob.conservation = donor.conservation;
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["conservation"]);
    // Proofs of one statement under another within the same report.
    let mut blob = decode(honest());
    blob.bound = blob.range.clone();
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["physical-bound"]);
    let mut blob = decode(honest());
    let (first, second) = blob.runs_sum.0.split_at(576);
    blob.runs_sum.0 = [second, first].concat();
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["runs"]);
    // The two runs' commitments and proofs exchanged.
    let mut blob = decode(honest());
    let (first, rest) = blob.runs.0.split_at(608);
    let (second, third) = rest.split_at(608);
    blob.runs.0 = [second, first, third].concat();
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["runs"]);
}

#[test]
fn truncated_blob() {
    let context = context(3, Mode::Sealed);
    let whole = &honest().blob;
    for length in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
        assert!(failing(&context, &report(honest()), &whole[..length]).contains(&"layout".to_owned()));
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(failing(&context, &report(honest()), &longer).contains(&"layout".to_owned()));
    for cut in [1, 32, 896] {
        let mut blob = decode(honest());
        blob.range.0.truncate(blob.range.0.len() - cut);
        assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["range"]);
    }
    let mut blob = decode(honest());
    blob.range.0.extend_from_slice(&[0; 896]);
    assert!(!failing(&context, &report(honest()), &encode(&blob)).is_empty());
}

#[test]
fn a_parameter_chosen_by_the_prover() {
    // More rounds in an aggregate (128 values of 16 bits have the same size), another number of values, an extension byte.
    let context = context(3, Mode::Sealed);
    let mut blob = decode(honest());
    blob.range.0.insert(0, 2);
    assert_eq!(failing(&context, &report(honest()), &encode(&blob)), ["range"]);
    let mut blob = decode(honest());
    blob.version = 2;
    assert!(failing(&context, &report(honest()), &encode(&blob)).contains(&"layout".to_owned()));
    let mut fewer = report(honest());
    fewer.groups = 3;
    assert!(failing(&context, &fewer, &honest().blob).contains(&"layout".to_owned()));
}

#[test]
fn unknown_field() {
    #[derive(serde::Serialize)]
    struct Wider<'a> {
        #[serde(flatten)]
        blob: &'a standstill_seal::blob::WindowBlob,
        bits: u32,
    }
    let blob = decode(honest());
    let wider = canonical::to_vec(&Wider { blob: &blob, bits: 64 }).unwrap();
    let verdict = verify(&context(3, Mode::Sealed), &report(honest()), &wider);
    assert!(fails(&verdict, "layout"));
}

#[test]
fn a_proof_for_a_rule_that_is_not_asked_for() {
    let mut blob = decode(honest());
    blob.rules.insert("free-pass".to_owned(), standstill_seal::blob::Bytes(vec![0; 576]));
    assert!(failing(&context(3, Mode::Sealed), &report(honest()), &encode(&blob)).contains(&"layout".to_owned()));
}

#[test]
fn no_bytes_make_the_verifier_panic() {
    let context = context(3, Mode::Sealed);
    let whole = honest().blob.clone();
    for position in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x55;
        assert!(!failing(&context, &report(honest()), &bytes).is_empty(), "byte {position}");
    }
}

#[test]
fn put_off_proofs_fail_when_one_of_many_reports_is_wrong() {
    // Range proofs of many reports are checked together: one bad one among good ones fails them all, and then each by itself is judged.
    let context = context(3, Mode::Sealed);
    let later = |blob: &[u8]| {
        let none = standstill_seal::History::new();
        standstill_seal::verify_window_later(&context, fleet(), &[], &none, &report(honest()), blob)
    };
    let (verdict, good) = later(&honest().blob);
    assert!(all_pass(&verdict) && good.len() > 2);
    assert_eq!(verdict, verify(&context, &report(honest()), &honest().blob));
    assert!(standstill_seal::all_hold(&vec![good.clone(); 3]));
    for field in 0..3 {
        let mut blob = decode(honest());
        let bytes = [&mut blob.range, &mut blob.bound, &mut blob.runs_sum].into_iter().nth(field).unwrap();
        // The exact length, so that only the check that was put off can tell.
        let half = bytes.0.len() / 2;
        bytes.0.rotate_left(half);
        let bytes = encode(&blob);
        let (verdict, bad) = later(&bytes);
        assert!(all_pass(&verdict), "put off, not checked");
        assert!(!standstill_seal::all_hold(&[good.clone(), bad, good.clone()]));
        assert!(!all_pass(&verify(&context, &report(honest()), &bytes)));
    }
}
