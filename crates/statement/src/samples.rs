//! One statement of each kind, for tests.

use crate::{
    AddedKey, Alarm, BlobRef, Body, Challenge, Class, Coverage, Finding, FindingItem, FleetDeclaration, Freeze,
    GateDecision, GatePoint, GateVerdict, Hash32, Header, Heartbeat, LogHead, Mode, Name, Outcome, PublicKey, Report,
    Response, ResponseItem, Rotation, RunDeclaration, SigningKey, Statement, Succession,
};

pub(crate) mod coordination;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn hash(text: &str) -> Hash32 {
    Hash32::of(text.as_bytes())
}

fn head() -> LogHead {
    LogHead { origin: "logs.example/north".to_owned(), size: 12, root: hash("root") }
}

fn blob(text: &str) -> BlobRef {
    BlobRef::of(text.as_bytes())
}

fn report() -> Report {
    Report {
        window: 3,
        revision: 1,
        mode: Mode::Sealed,
        fleet: hash("fleet"),
        groups: 1024,
        root: hash("report root"),
        seal: blob("seal"),
        runs: vec![name("alpha"), name("beta")],
        sources: vec!["dcgm-counters".to_owned(), "slurm".to_owned()],
    }
}

fn run() -> RunDeclaration {
    RunDeclaration {
        run: name("beta"),
        parents: vec![name("alpha")],
        class: Class::Posttraining,
        planned_petaops: 250_000_000,
        parameters: 70_000_000_000,
        active_parameters: 12_000_000_000,
        dataset_tokens: 0,
        from_window: 4,
    }
}

fn finding() -> Finding {
    let item = |group, outcome, reason: &str| FindingItem {
        group,
        outcome,
        reason: reason.to_owned(),
        power_reading: group == 7,
    };
    let items = vec![
        item(7, Outcome::Match, ""),
        item(2, Outcome::Mismatch, "commitment"),
        item(9, Outcome::NotOpened, "deadline"),
        item(1, Outcome::Flagged, "power-profile"),
    ];
    Finding { party: name("north"), challenge: hash("challenge"), items }
}

fn decision() -> GateDecision {
    GateDecision {
        gate: name("slurm-1"),
        party: name("north"),
        point: GatePoint::Submit,
        verdict: GateVerdict::Allow,
        coverage: Coverage::Covered,
        clauses: vec![name("in-force")],
        phase: name("slowed.2"),
        terms: hash("gate terms"),
        situation: Some(hash("situation")),
        as_of_unix_seconds: 1_793_491_000,
        job: hash("job"),
        earlier: None,
        expires_unix_seconds: 1_793_500_000,
    }
}

pub(crate) fn bodies() -> Vec<Body> {
    let mut bodies = vec![
        Body::Fleet(FleetDeclaration {
            revision: 0,
            from_window: 0,
            groups: 1024,
            root: hash("fleet root"),
            blob: blob("fleet"),
        }),
        Body::Report(report()),
        Body::Run(run()),
        Body::Challenge(Challenge {
            party: name("north"),
            report: hash("report"),
            head: head(),
            round: 20_000_000,
            groups: vec![7, 2, 9, 1],
            inspector_key: hash("x25519"),
            respond_by_unix_seconds: 1_793_664_000,
        }),
        Body::Response(Response {
            challenge: hash("challenge"),
            items: vec![
                ResponseItem { group: 7, opening: blob("opening 7") },
                ResponseItem { group: 2, opening: blob("opening 2") },
            ],
        }),
        Body::Finding(finding()),
        Body::Heartbeat(Heartbeat { window: 3 }),
        Body::Alarm(Alarm {
            origin: "logs.example/south".to_owned(),
            size: 12,
            first: hash("one"),
            second: hash("other"),
            evidence: blob("evidence"),
        }),
        Body::Freeze(Freeze {
            reason: "the disk is lost".to_owned(),
            successor: Some("logs.example/north-2+1+A".to_owned()),
        }),
        rotation(9, &SigningKey::from_seed([2; 32]), Some(key().public())),
        Body::Succession(Succession {
            predecessor: "logs.example/north+1+A".to_owned(),
            agreement: hash("agreement"),
            size: 12,
            root: hash("root"),
            last: hash("freeze"),
        }),
    ];
    bodies.extend(coordination::bodies());
    bodies.push(Body::Decision(decision()));
    bodies
}

/// A rotation as the statement with this sequence.
pub(crate) fn rotation(sequence: u64, add: &SigningKey, retire: Option<PublicKey>) -> Body {
    let header = statement(Body::Heartbeat(Heartbeat { window: 0 }), sequence).header;
    Body::Rotation(Rotation { add: Some(AddedKey::prove(add, &header)), retire })
}

/// Sequence 0 has no predecessor; the others name a fixed one.
pub(crate) fn statement(body: Body, sequence: u64) -> Statement {
    let issuer = if matches!(body, Body::Challenge(_) | Body::Finding(_)) { "auditor" } else { "north" };
    let header = Header {
        agreement: hash("agreement"),
        issuer: name(issuer),
        sequence,
        previous: (sequence > 0).then(|| hash("previous")),
        issued_unix_seconds: 1_793_491_200 + sequence,
        heads: vec![head(), LogHead { origin: "logs.example/south".to_owned(), size: 1, root: hash("south") }],
    };
    Statement { header, body }
}

pub(crate) fn statements() -> Vec<Statement> {
    let sequence = |body: &Body, place| if matches!(body, Body::Succession(_)) { 0 } else { place };
    bodies()
        .into_iter()
        .zip(0..)
        .map(|(body, place)| (sequence(&body, place), body))
        .map(|(at, body)| statement(body, at))
        .collect()
}
