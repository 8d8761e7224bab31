//! The vectors in `testdata/vectors/audit`, recomputed. With `UPDATE_VECTORS=1` in the environment the files are written anew,
//! except for `quicknet.json`, which holds published data.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, outside #[test] functions")]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use standstill_audit::bound::{self, PartsPerMillion};
use standstill_audit::confide::{self, InspectorKey, Purpose};
use standstill_audit::{Beacon, DemoBeacon, Round, beacon, draw};
use standstill_statement::Hash32;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/audit").join(name)
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(file(name)).expect("the vector file is in the repository");
    serde_json::from_str(&text).expect("vector files are JSON")
}

/// Compares with the file, or writes it.
fn settle(name: &str, computed: &Value) {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(computed).expect("JSON") + "\n";
        std::fs::write(file(name), text).expect("the vector file can be written");
    }
    assert_eq!(
        &read(name),
        computed,
        "{name} differs; if that is meant, run with UPDATE_VECTORS=1 and explain it in the commit"
    );
}

#[test]
fn quicknet_rounds() {
    let vectors = read("quicknet.json");
    let number = |field: &str| vectors[field].as_u64().unwrap();
    let text = |field: &str| vectors[field].as_str().unwrap().to_owned();
    let period = u32::try_from(number("period_seconds")).unwrap();
    let quicknet = Beacon::new("quicknet", &text("public_key"), number("genesis_unix_seconds"), period).unwrap();
    assert_eq!(quicknet, Beacon::quicknet().unwrap());
    assert_eq!(text("chain_hash"), beacon::QUICKNET_CHAIN_HASH);
    for vector in vectors["rounds"].as_array().unwrap() {
        let file = json!({"round": vector["round"], "signature": vector["signature"]}).to_string();
        let randomness = quicknet.verify(&Round::parse_json(file.as_bytes()).unwrap()).unwrap();
        if let Some(published) = vector["randomness"].as_str() {
            assert_eq!(randomness.hash().to_string(), published);
        }
    }
}

#[test]
fn demo_beacon() {
    let seed = [7; 32];
    let demo = DemoBeacon::from_seed(&seed).unwrap();
    let verifier = demo.beacon(1_700_000_000, 30).unwrap();
    let rounds: Vec<Value> = [1, 2, 3_333_335].map(|number| round(&demo, &verifier, number)).to_vec();
    let computed = json!({
        "name": verifier.name(), "seed": hex::encode(seed), "public_key": hex::encode(verifier.public_key_bytes()),
        "genesis_unix_seconds": 1_700_000_000, "period_seconds": 30, "rounds": rounds,
        "first_round_after": [[1_699_999_999, 0, 1], [1_700_000_000, 0, 2], [1_800_000_000, 60, 3_333_337]],
    });
    for case in computed["first_round_after"].as_array().unwrap() {
        let number = |index: usize| case[index].as_u64().unwrap();
        assert_eq!(verifier.first_round_after(number(0), number(1)), Some(number(2)));
    }
    settle("demo-beacon.json", &computed);
}

fn round(demo: &DemoBeacon, verifier: &Beacon, number: u64) -> Value {
    let round = demo.sign(number).unwrap();
    let randomness = verifier.verify(&round).unwrap().hash();
    let time = verifier.time_of_round(number).unwrap();
    json!({"round": number, "time_unix_seconds": time, "signature": hex::encode(round.signature), "randomness": randomness.to_string()})
}

#[test]
fn draws() {
    let demo = DemoBeacon::from_seed(&[7; 32]).unwrap();
    let randomness = demo.beacon(1_700_000_000, 30).unwrap().verify(&demo.sign(3_333_337).unwrap()).unwrap();
    let (agreement, report) = (Hash32([1; 32]), Hash32([2; 32]));
    let seed = draw::seed(&agreement, &report, &randomness);
    let peak = 1_979_000_000_000_000u64;
    let mixed: Vec<u64> = (0..24).map(|group| peak * [72, 64, 8, 0][group % 4]).collect();
    let lists = [(vec![1u64; 8], 3), (mixed.clone(), 6), (mixed, 100), (vec![u64::MAX; 5], 5)];
    let cases: Vec<Value> = lists
        .iter()
        .map(|(weights, count)| {
            let groups = draw::draw(&seed, weights, *count).unwrap();
            // Weights as text: they pass 2^53, which many JSON readers round.
            let weights: Vec<String> = weights.iter().map(u64::to_string).collect();
            json!({"weights": weights, "count": count, "groups": groups})
        })
        .collect();
    let inputs = json!({
        "agreement": agreement.to_string(), "report": report.to_string(), "round": randomness.round, "randomness": randomness.hash().to_string(),
    });
    settle("draw.json", &json!({"inputs": inputs, "seed": seed.to_string(), "draws": cases}));
}

#[test]
fn bounds() {
    let share = |parts| PartsPerMillion::new(parts).unwrap();
    let confidences = [PartsPerMillion::CONFIDENCE_95, PartsPerMillion::CONFIDENCE_99];
    let mut needed = Vec::new();
    for (groups, hidden) in
        [(1_400, 10_000), (1_400, 50_000), (1_400, 100_000), (14_000, 1_000), (14_000, 10_000), (14_000, 50_000)]
    {
        let bad = bound::bad_groups(groups, share(hidden));
        let sizes = confidences.map(|confidence| bound::groups_needed(groups, bad, confidence).unwrap());
        needed.push(json!({"groups": groups, "hidden_ppm": hidden, "bad": bad, "at_95": sizes[0], "at_99": sizes[1]}));
    }
    let clean: Vec<Value> = [(256, 1), (256, 20), (256, 64), (1_400, 20), (14_000, 600)]
        .map(|(groups, drawn)| {
            let left = bound::undetected_groups(groups, drawn, confidences[0]).unwrap();
            let share = bound::undetected_share(drawn, confidences[0]).unwrap().parts();
            json!({"groups": groups, "drawn": drawn, "undetected_groups": left, "undetected_share_ppm": share})
        })
        .to_vec();
    settle("bound.json", &json!({"groups_needed": needed, "clean_audit_95": clean}));
}

#[test]
fn openings() {
    let key = InspectorKey::from_seed(&[9; 32]);
    let purpose = Purpose { agreement: Hash32([1; 32]), challenge: Hash32([2; 32]), group: 7 };
    let opening = b"an opening";
    let public = key.public().unwrap();
    let bytes = confide::encrypt(&public, &purpose, opening, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let computed = json!({
        "inspector_secret": hex::encode([9; 32]), "inspector_key": public.to_string(), "info": hex::encode(purpose.info()),
        "agreement": purpose.agreement.to_string(), "challenge": purpose.challenge.to_string(), "group": purpose.group,
        "opening": hex::encode(opening), "ciphertext_sha256": Hash32::of(&bytes).to_string(), "ciphertext": hex::encode(bytes),
    });
    settle("opening.json", &computed);
}
