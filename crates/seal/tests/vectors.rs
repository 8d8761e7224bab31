//! Vectors for a second implementer: `testdata/vectors/seal/*.json`, recomputed here. `UPDATE_VECTORS=1` writes them.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use serde_json::{Value, json};
use standstill_seal::commitment::{PointBytes, blind, blinding_generator, commit};
use standstill_seal::keys::{GroupKey, PeriodId};
use standstill_seal::leaf::{devices_root, leaf_root, runs_digest};
use standstill_seal::range::{LANE, SLACK, Sequence, transcript};
use standstill_seal::{
    GroupInput, History, ModelConstants, PrivateHistory, Quantity, ReportRef, Rule, Term, Total, open_group,
    seal_window, verify_window,
};
use standstill_statement::body::Mode;
use standstill_statement::{Class, Hash32};
use std::path::PathBuf;
use world::*;

fn check(file: &str, found: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/seal").join(file);
    let text = format!("{}\n", serde_json::to_string_pretty(found).unwrap());
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "{file} differs: the format changed, or the vectors are stale (UPDATE_VECTORS=1 writes them)"
    );
}

fn small_leaf(index: usize) -> standstill_seal::LeafValues {
    leaf(0, index, 20_000, 4_000, 10)
}

#[test]
fn key_schedule() {
    let (agreement, party) = (Hash32::of(b"agreement"), name("north"));
    let fleet = PeriodId::fleet(agreement, &party, 2, 0);
    let window = PeriodId::window(agreement, &party, 3, 0);
    let key = master().period(agreement, &party, window);
    let group = key.group(2);
    check(
        "keys.json",
        &json!({
            "master": hex::encode([7u8; 32]), "agreement": agreement, "party": party, "window": 3, "from_window": 2, "revision": 0, "group": 2,
            "period_id_fleet": fleet.0, "period_id_window": window.0,
            "group_key": hex::encode(group.as_bytes()),
            "group_key_fleet": hex::encode(master().period(agreement, &party, fleet).group(2).as_bytes()),
            "salt_5": hex::encode(group.salt(5)),
            "blinding_lane_0_value_1000": hex::encode(group.blinding(0, 1000).to_bytes()),
            "blinding_lane_255_value_4": hex::encode(group.blinding(255, 4).to_bytes()),
            "run_blinding_run_a_value_57000": hex::encode(key.run_blinding(&name("run-a"), 57_000).to_bytes()),
        }),
    );
}

#[test]
fn leaves_and_roots() {
    let period = PeriodId::window(Hash32::of(b"agreement"), &name("north"), 3, 0);
    let key = GroupKey::from_bytes([9; 32]);
    let values = small_leaf(1);
    let encoded = values.encode(period, 0, 1, &key.salt(1));
    assert_eq!(encoded.len(), 271);
    let leaves = [small_leaf(0), small_leaf(1)];
    let devices: Vec<Hash32> = leaves.iter().map(|leaf| leaf.device).collect();
    check(
        "leaf.json",
        &json!({
            "group_key": hex::encode([9u8; 32]), "period_id": period.0, "group": 0, "index": 1,
            "leaf": serde_json::to_value(&values).unwrap(), "first_leaf": serde_json::to_value(&leaves[0]).unwrap(),
            "runs_digest": runs_digest(&values.run_petaops), "encoded": hex::encode(&encoded),
            "leaf_hash": hex::encode(standstill_tlog::merkle::leaf_hash(&encoded)),
            "leaf_root_capacity_3": leaf_root(&key, period, 0, 3, &leaves),
            "leaf_root_empty_capacity_0": leaf_root(&key, period, 0, 0, &[]),
            "devices_root_capacity_3": devices_root(&key, period, 0, 3, &devices),
        }),
    );
}

#[test]
fn commitments_and_constants() {
    let vector = |value: u64, blinding: u64| {
        let point = PointBytes::of(&commit(&Scalar::from(value), &Scalar::from(blinding)));
        json!({ "value": value, "blinding": blinding, "commitment": point })
    };
    let models: Vec<Value> = ["h100-sxm5", "a100-sxm4", "b200", "t4"]
        .iter()
        .filter_map(|model| table().get(&name(model)))
        .map(|model| {
            let constants = ModelConstants::of(model, DAY).unwrap();
            let (p, q, peak) = (constants.p, constants.q, constants.peak_teraops);
            json!({ "peak_ops_per_second": model.highest_peak_ops_per_second(), "window_seconds": DAY, "p": p, "q": q, "peak_teraops": peak })
        })
        .collect();
    check(
        "commitments.json",
        &json!({
            "G": PointBytes::of(&RISTRETTO_BASEPOINT_POINT), "H": PointBytes::of(blinding_generator()),
            "commitments": [vector(0, 1), vector(1, 0), vector(1, 1), vector(4_294_967_295, 12_345)], "constants": models,
        }),
    );
}

#[test]
fn transcripts_and_proofs() {
    let context = Hash32::of(b"context");
    let mut conservation = transcript(context, "conservation");
    conservation.append_u64(b"groups", 2);
    let weights: Vec<String> = (0..2)
        .map(|_| {
            let mut weight = [0; 16];
            conservation.challenge_bytes(b"weight", &mut weight);
            hex::encode(weight)
        })
        .collect();
    let secret = Scalar::from(123_456_789u64);
    let schnorr = standstill_seal::schnorr::prove(conservation, &blind(&secret), &secret, &mut rng(11));
    let prove = |shape, statement, about: &[u8], openings: &[(u64, Scalar)]| {
        let points: Vec<_> = openings
            .iter()
            .map(|(value, blinding)| {
                let point = commit(&Scalar::from(*value), blinding);
                (point, PointBytes::of(&point))
            })
            .collect();
        let sequence = Sequence { shape, context, statement, about };
        let proof = sequence.prove(&points, openings, &mut rng(12)).unwrap();
        assert_eq!(sequence.verify(&points, &proof), Ok(()));
        let commitments: Vec<PointBytes> = points.iter().map(|(_, bytes)| *bytes).collect();
        json!({ "statement": statement, "about": hex::encode(about), "commitments": commitments, "proof": hex::encode(proof) })
    };
    let openings: Vec<(u64, Scalar)> = (0..3u64).map(|index| (index * 1000, Scalar::from(index + 5))).collect();
    check(
        "proofs.json",
        &json!({
            "context": context, "weights": weights, "schnorr_secret": hex::encode(secret.to_bytes()),
            "schnorr_point": PointBytes::of(&blind(&secret)), "schnorr_proof": hex::encode(schnorr),
            "run_range": prove(SLACK, "run", b"run-a", &[(57_000, Scalar::from(3u64))]),
            "lanes_range_with_filler": prove(LANE, "lanes", b"", &openings),
        }),
    );
}

#[test]
fn fleet_report_and_opening() {
    let context = context(3, Mode::Open);
    let rule = Rule {
        id: "train".to_owned(),
        limit: name("train"),
        run: None,
        constant: 100_000_000,
        terms: vec![Term {
            window: 3,
            quantity: Quantity::Total(Total::Petaops(Class::Pretraining)),
            coefficient: -1000,
        }],
    };
    let rules = [rule.clone()];
    let groups = inputs(20_000, 4_000, 10);
    let sealed =
        seal_window(&master(), &context, fleet(), &groups, &runs(), &rules, &PrivateHistory::new(), &mut rng(2))
            .unwrap();
    let report = ReportRef { root: sealed.root, groups: sealed.groups, runs: runs() };
    let verdict = verify_window(&context, fleet(), &rules, &History::new(), &report, &sealed.blob);
    assert!(all_pass(&verdict));
    let declared = fleet_context();
    let input: &GroupInput = &groups[2];
    let opening = open_group(&master(), &context, fleet(), input).unwrap();
    let hash = |bytes: &[u8]| Hash32::of(bytes);
    check(
        "report.json",
        &json!({
            "fleet_context_cbor": hex::encode(declared.encode(table().id(), 4, fleet().root()).unwrap()),
            "fleet_context_hash": declared.hash(table().id(), 4, fleet().root()).unwrap(),
            "fleet_root": fleet().root(), "fleet_blob": hex::encode(&sealed_fleet().blob),
            "window_context_cbor": hex::encode(context.encode(4, sealed.root, &runs()).unwrap()),
            "window_context_hash": context.hash(4, sealed.root, &runs()).unwrap(),
            "rule": serde_json::to_value(&rule).unwrap(), "rule_digest": rule.digest().unwrap(),
            "report_root": sealed.root, "report_blob": hex::encode(&sealed.blob), "report_blob_sha256": hash(&sealed.blob),
            "opening_of_group_2": hex::encode(opening.to_bytes().unwrap()),
            "verdict": serde_json::to_value(&verdict).unwrap(),
        }),
    );
}
