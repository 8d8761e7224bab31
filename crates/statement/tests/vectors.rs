//! Recomputes `testdata/vectors/statement/*.json`; `UPDATE_VECTORS=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use standstill_statement::canonical::{self, Limits};
use standstill_statement::*;
use std::path::PathBuf;

// The samples of the unit tests; they need `name`, `hash` and `blob` of the module around them.
#[path = "../src/samples/coordination.rs"]
mod coordination;

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/vectors/statement"))
}

/// Compares with the stored file, or stores it.
fn stored(file: &str, vectors: &Value) {
    let path = directory().join(file);
    let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(directory()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} differs; if the format was meant to change, run with UPDATE_VECTORS=1", path.display());
}

fn hash(text: &str) -> Hash32 {
    Hash32::of(text.as_bytes())
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn blob(text: &str) -> BlobRef {
    BlobRef::of(text.as_bytes())
}

fn head() -> LogHead {
    LogHead { origin: "logs.example/north".to_owned(), size: 12, root: hash("root") }
}

fn working_bodies() -> Vec<(&'static str, Body)> {
    let fleet =
        FleetDeclaration { revision: 0, from_window: 0, groups: 1024, root: hash("fleet root"), blob: blob("fleet") };
    let report = |mode, runs: &[&str], sources: &[&str]| Report {
        window: 3,
        revision: 1,
        mode,
        fleet: hash("fleet"),
        groups: 1024,
        root: hash("report root"),
        seal: blob("seal"),
        runs: runs.iter().map(|run| name(run)).collect(),
        sources: sources.iter().map(ToString::to_string).collect(),
    };
    let run = RunDeclaration {
        run: name("beta"),
        parents: vec![name("alpha")],
        class: Class::Posttraining,
        planned_petaops: 250_000_000,
        parameters: 70_000_000_000,
        active_parameters: 12_000_000_000,
        dataset_tokens: u64::MAX,
        from_window: 4,
    };
    vec![
        ("fleet", Body::Fleet(fleet)),
        ("report, sealed", Body::Report(report(Mode::Sealed, &["alpha", "beta"], &["dcgm-counters", "slurm"]))),
        ("report, open, no lists", Body::Report(report(Mode::Open, &[], &[]))),
        ("run", Body::Run(run)),
    ]
}

fn gate_bodies() -> Vec<(&'static str, Body)> {
    let allowed = GateDecision {
        gate: name("slurm-1"),
        party: name("north"),
        point: GatePoint::Start,
        verdict: GateVerdict::Allow,
        coverage: Coverage::Covered,
        clauses: vec![name("in-force")],
        phase: name("slowed.2"),
        terms: hash("gate terms"),
        situation: Some(hash("situation")),
        as_of_unix_seconds: 1_793_491_000,
        job: hash("job"),
        earlier: Some(hash("earlier")),
        expires_unix_seconds: 1_793_500_000,
    };
    let refused = GateDecision {
        point: GatePoint::Submit,
        verdict: GateVerdict::Deny,
        clauses: vec![name("cap-exceeded.train"), name("phase-unknown")],
        phase: name("unknown"),
        situation: None,
        as_of_unix_seconds: 0,
        earlier: None,
        expires_unix_seconds: 0,
        ..allowed.clone()
    };
    vec![("decision, allowed", Body::Decision(allowed)), ("decision, refused", Body::Decision(refused))]
}

fn checking_bodies() -> Vec<(&'static str, Body)> {
    let challenge = Challenge {
        party: name("north"),
        report: hash("report"),
        head: head(),
        round: 20_000_000,
        groups: vec![7, 2, 90_000, 1],
        inspector_key: hash("x25519"),
        respond_by_unix_seconds: 1_793_664_000,
    };
    let item = |group, outcome, reason: &str| FindingItem {
        group,
        outcome,
        reason: reason.to_owned(),
        power_reading: group == 7,
    };
    let items = vec![
        item(7, Outcome::Match, ""),
        item(2, Outcome::Mismatch, "commitment"),
        item(90_000, Outcome::NotOpened, "deadline"),
        item(1, Outcome::Flagged, "power-profile"),
    ];
    let alarm = Alarm {
        origin: "logs.example/south".to_owned(),
        size: 12,
        first: hash("one root"),
        second: hash("another root"),
        evidence: blob("evidence"),
    };
    let opened = vec![
        ResponseItem { group: 7, opening: blob("opening 7") },
        ResponseItem { group: 2, opening: blob("opening 2") },
    ];
    let succession = Succession {
        predecessor: "logs.example/north+1+A".to_owned(),
        agreement: hash("earlier agreement"),
        size: 12,
        root: hash("earlier root"),
        last: hash("freeze"),
    };
    vec![
        ("challenge", Body::Challenge(challenge)),
        ("response", Body::Response(Response { challenge: hash("challenge"), items: opened })),
        ("finding", Body::Finding(Finding { party: name("north"), challenge: hash("challenge"), items })),
        ("heartbeat", Body::Heartbeat(Heartbeat { window: 3 })),
        ("alarm", Body::Alarm(alarm)),
        ("freeze", Body::Freeze(Freeze { reason: "the disk is lost".to_owned(), successor: None })),
        ("rotation", Body::Rotation(Rotation { add: None, retire: None })),
        ("succession", Body::Succession(succession)),
    ]
}

fn coordination_bodies() -> Vec<(&'static str, Body)> {
    Kind::ALL.into_iter().skip(11).map(Kind::name).zip(coordination::bodies()).collect()
}

/// One chain: each statement names the one before.
#[test]
fn envelopes() {
    let seed = [1u8; 32];
    let key = SigningKey::from_seed(seed);
    let mut previous = None;
    let mut vectors = Vec::new();
    let bodies = [working_bodies(), checking_bodies(), coordination_bodies(), gate_bodies()].concat();
    for ((what, body), sequence) in bodies.into_iter().zip(0u64..) {
        let heads = if sequence % 2 == 0 { Vec::new() } else { vec![head()] };
        let issued_unix_seconds = 1_793_491_200 + sequence;
        // A succession is the first entry of another log.
        let first = matches!(body, Body::Succession(_));
        let header = Header {
            agreement: hash("agreement"),
            issuer: name("auditor"),
            sequence: if first { 0 } else { sequence },
            previous: previous.filter(|_| !first),
            issued_unix_seconds,
            heads,
        };
        let body = match body {
            Body::Rotation(rotation) => {
                let add = Some(AddedKey::prove(&SigningKey::from_seed([2; 32]), &header));
                Body::Rotation(Rotation { add, ..rotation })
            }
            other => other,
        };
        let statement = Statement { header, body };
        let bytes = statement.sign(&key).unwrap();
        let signed = verify(&bytes, &[key.public()]).unwrap();
        vectors.push(json!({
            "name": what,
            "statement": statement,
            "subject": statement.subject(),
            "content_type": statement.kind().content_type(),
            "payload_hex": hex::encode(statement.payload().unwrap()),
            "envelope_hex": hex::encode(&bytes),
            "hash": signed.hash,
        }));
        previous = Some(signed.hash);
    }
    let offer = coordination::offer();
    let sealed = json!({
        "about": "The seal of a commitment: agreement, issuer, salt and offer give the hash.",
        "agreement": hash("agreement"),
        "issuer": name("auditor"),
        "salt": hash("salt"),
        "offer": offer,
        "seal": offer.seal(&hash("agreement"), &name("auditor"), &hash("salt")).unwrap(),
    });
    stored("seals.json", &sealed);
    let file = json!({
        "about": "Statements of every kind, chained (the succession begins another log), with their envelopes. The rotation adds the key of seed 02…02. Ed25519 is deterministic, so the bytes must be equal.",
        "seed_hex": hex::encode(seed),
        "public_key": key.public(),
        "key_id_hex": hex::encode(key.public().key_id()),
        "statements": vectors,
    });
    stored("envelopes.json", &file);
}

/// Damage of a valid envelope and what must be said about it.
#[test]
fn refused_envelopes() {
    let key = SigningKey::from_seed([1; 32]);
    let header = Header {
        agreement: hash("agreement"),
        issuer: name("north"),
        sequence: 0,
        previous: None,
        issued_unix_seconds: 1_793_491_200,
        heads: Vec::new(),
    };
    let statement = Statement { header, body: Body::Heartbeat(Heartbeat { window: 3 }) };
    let (good, length) = (statement.sign(&key).unwrap(), statement.payload().unwrap().len());
    let replace = |from: &str, to: &str| {
        let text = hex::encode(&good);
        assert_eq!(text.matches(from).count(), 1, "{from}");
        hex::decode(text.replace(from, to)).unwrap()
    };
    let stretched = hex::encode(replace("6677696e646f7703", "6677696e646f771803"));
    let stretched =
        hex::decode(stretched.replace(&format!("a058{length:02x}"), &format!("a058{:02x}", length + 1))).unwrap();
    let last = |change: fn(&mut u8)| {
        let mut bytes = good.clone();
        bytes.last_mut().map(change);
        bytes
    };
    let cases = [
        ("last bit of the signature flipped", last(|byte| *byte ^= 1)),
        ("S above the group order", last(|byte| *byte |= 0xf0)),
        ("truncated", good[..good.len() - 1].to_vec()),
        ("a byte too many", [good.as_slice(), &[0]].concat()),
        ("tag removed", good[1..].to_vec()),
        ("tag 98 (COSE_Sign)", [&[0xd8, 98], &good[1..]].concat()),
        ("algorithm ES256", replace("a4012703", "a4012603")),
        ("window written in two bytes", stretched),
        ("other window", replace("6677696e646f7703", "6677696e646f7704")),
    ];
    let vectors: Vec<Value> = cases
        .iter()
        .map(|(what, bytes)| {
            let error = verify(bytes, &[key.public()]).unwrap_err();
            json!({"name": what, "envelope_hex": hex::encode(bytes), "reference_message": error.to_string()})
        })
        .collect();
    let file = json!({
        "about": "Envelopes that a verifier must refuse. The messages are those of this implementation and bind nobody.",
        "public_key": key.public(),
        "good_hex": hex::encode(&good),
        "refused": vectors,
    });
    stored("refused.json", &file);
}

#[derive(Serialize, Deserialize)]
struct Wide(#[serde(with = "canonical::wide")] u128);

const ACCEPTED: &[&str] = &[
    "00",
    "17",
    "1818",
    "18ff",
    "190100",
    "1a00010000",
    "1b0000000100000000",
    "1bffffffffffffffff",
    "20",
    "3bffffffffffffffff",
    "40",
    "4401020304",
    "60",
    "63e6b0b4",
    "80",
    "83010203",
    "a0",
    "a2617a0162616102",
    "a201020304",
    "f4",
    "f5",
    "f6",
];

const REFUSED: &[&str] = &[
    "1817",
    "1900ff",
    "1a0000ffff",
    "1b00000000ffffffff",
    "5801ff",
    "9fff",
    "bfff",
    "5f4101ff",
    "7f6161ff",
    "1c",
    "c100",
    "c249010000000000000000",
    "f90000",
    "fb3ff199999999999a",
    "f7",
    "e0",
    "f8ff",
    "a2616201616102",
    "a262616101617a02",
    "a2616101616102",
    "a1416101",
    "61ff",
    "63eda080",
    "",
    "18",
    "8201",
    "9bffffffffffffffff",
    "0000",
];

#[test]
fn canonical_cbor() {
    let accepted: Vec<Value> = ACCEPTED
        .iter()
        .map(|text| {
            canonical::check(&hex::decode(text).unwrap(), Limits::DEFAULT).unwrap();
            json!(text)
        })
        .collect();
    let refused: Vec<Value> = REFUSED
        .iter()
        .map(|text| {
            let error = canonical::check(&hex::decode(text).unwrap(), Limits::DEFAULT).unwrap_err();
            json!({"hex": text, "reference_message": error.to_string()})
        })
        .collect();
    let wide: Vec<Value> = [0, 1, 255, 256, u128::from(u64::MAX) + 1, u128::MAX]
        .into_iter()
        .map(|value| json!({"value": value.to_string(), "hex": hex::encode(canonical::to_vec(&Wide(value)).unwrap())}))
        .collect();
    stored("canonical.json", &json!({"accepted_hex": accepted, "refused": refused, "wide_integers": wide}));
}
