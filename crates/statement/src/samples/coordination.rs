//! One statement of each kind by which an agreement runs.

use super::{blob, hash, name};
use crate::{
    Acknowledgement, Answer, Body, Choice, Clarification, Commitment, CommitmentOpening, CommitmentSeal, Conclusion,
    Decimal, Dispute, Formula, Hash32, Inspected, InspectionRequest, Interval, LiftRequest, Matter, Measured,
    Objection, Question, Ratification, Reading, Ruling, RulingOutcome, Signal, SignalKind, Suspension, TriggerRaise,
    Vote, Withdrawal,
};

fn sorted(texts: &[&str]) -> Vec<Hash32> {
    let mut hashes: Vec<Hash32> = texts.iter().map(|text| hash(text)).collect();
    hashes.sort();
    hashes
}

pub(crate) fn offer() -> Commitment {
    let share =
        Formula::Any(vec![Formula::ShareMillionths(600_000), Formula::Includes(vec![name("east"), name("south")])]);
    Commitment {
        condition: Some(Formula::All(vec![Formula::AtLeast(2), share])),
        valid_until_unix_seconds: 1_825_027_200,
    }
}

fn joining() -> Vec<Body> {
    let opening = CommitmentOpening {
        commitment: hash("seal statement"),
        offer: offer(),
        salt: hash("salt"),
        beacon_round: 33_562_612,
        randomness: hash("randomness"),
    };
    vec![
        Body::Ratification(Ratification { witnesses: hash("policy") }),
        Body::Commitment(CommitmentSeal { entry_round: 0, seal: hash("seal") }),
        Body::Opening(opening),
    ]
}

fn triggering() -> Vec<Body> {
    let signal = Signal {
        kind: SignalKind::Horizon,
        metric: name("horizon_p50"),
        party: Some(name("south")),
        reading: Reading::Value(Measured {
            estimate: Decimal::new(601_200, 0),
            interval: Some(Interval {
                low: Decimal::new(400_000, 0),
                high: Decimal::new(9_500_005, -1),
                confidence_ppm: 900_000,
            }),
        }),
        method: hash("method"),
        inputs: vec![blob("runs")],
        result: blob("result"),
    };
    vec![
        Body::Signal(signal),
        Body::Raise(TriggerRaise { trigger: name("rsi"), evidence: sorted(&["one", "two"]) }),
        Body::Lift(LiftRequest { trigger: name("rsi"), raise: hash("raise"), evidence: Vec::new() }),
        Body::Vote(Vote { matter: Matter::Lift, subject: hash("raise"), epoch: 3, choice: Choice::Yes }),
        Body::Acknowledgement(Acknowledgement { phase: name("paused"), cause: hash("raise") }),
    ]
}

fn disputing() -> Vec<Body> {
    vec![
        Body::Question(Question {
            party: name("south"),
            case: Some(hash("case")),
            text: "Which jobs ran on pod 7?".to_owned(),
        }),
        Body::Answer(Answer {
            question: hash("question"),
            text: "A burn-in test; see the run list.".to_owned(),
            evidence: sorted(&["report"]),
            attachment: Some(blob("run list")),
        }),
        Body::Dispute(Dispute {
            respondent: name("south"),
            reason: name("balance-alarm"),
            evidence: sorted(&["report", "finding"]),
            text: "Reported use is 4 % below metered power.".to_owned(),
        }),
        Body::Ruling(Ruling {
            case: hash("case"),
            outcome: RulingOutcome::Reviewed,
            text: "The figures differ by more than the stated error.".to_owned(),
        }),
        Body::Inspection(InspectionRequest {
            party: name("south"),
            case: Some(hash("case")),
            text: "Power meters of hall 2".to_owned(),
        }),
        Body::Objection(Objection { request: hash("inspection"), text: "The meters were read last week.".to_owned() }),
        Body::Conclusion(Conclusion {
            request: hash("inspection"),
            outcome: Inspected::NoIndication,
            report: blob("inspection report"),
        }),
    ]
}

fn leaving() -> Vec<Body> {
    vec![
        Body::Withdrawal(Withdrawal { reason: "A change of law.".to_owned() }),
        Body::Suspension(Suspension { suspended: true, reason: "A change of government.".to_owned() }),
        Body::Clarification(Clarification {
            subject: hash("report"),
            text: "One rack was counted twice.".to_owned(),
            attachment: None,
        }),
    ]
}

pub(crate) fn bodies() -> Vec<Body> {
    [joining(), triggering(), disputing(), leaving()].concat()
}
