//! Field rules of the statements by which an agreement runs.

use super::{Problem, ascending, at_most, other_party, refuse};
use crate::body::{
    Answer, Body, Clarification, CommitmentOpening, Decimal, Dispute, Formula, InspectionRequest, LiftRequest,
    Measured, Question, Reading, Signal, TriggerRaise,
};
use crate::ids::{Hash32, Name};
use crate::time;

/// Most statement hashes that one statement offers as evidence.
pub const MAX_EVIDENCE: usize = 64;
/// Most input files of a measurement.
pub const MAX_INPUTS: usize = 64;
/// Longest text for people, in bytes.
pub const MAX_TEXT_BYTES: usize = 2_000;
/// Deepest nesting of a condition; a bare `at_least` has depth 1.
pub const MAX_FORMULA_DEPTH: usize = 4;
/// Most parts of a condition, names of parties counted.
pub const MAX_FORMULA_NODES: usize = 256;

const MILLION: u32 = 1_000_000;

/// Checks one of the kinds of this module; other kinds have no rule here.
pub(super) fn fields(body: &Body, issuer: &Name) -> Result<(), Problem> {
    match body {
        Body::Opening(opening) => opening_fields(opening),
        Body::Signal(signal) => signal_fields(signal, issuer),
        Body::Raise(raise) => raise_fields(raise),
        Body::Lift(lift) => lift_fields(lift),
        Body::Question(question) => question_fields(question, issuer),
        Body::Answer(answer) => answer_fields(answer),
        Body::Dispute(dispute) => dispute_fields(dispute, issuer),
        Body::Ruling(ruling) => text("body.ruling.text", &ruling.text),
        Body::Inspection(inspection) => inspection_fields(inspection, issuer),
        Body::Objection(objection) => text("body.objection.text", &objection.text),
        Body::Withdrawal(withdrawal) => text("body.withdrawal.reason", &withdrawal.reason),
        Body::Suspension(suspension) => text("body.suspension.reason", &suspension.reason),
        Body::Clarification(clarification) => clarification_fields(clarification),
        _ => Ok(()),
    }
}

/// One line for people. Control characters could rewrite what a terminal shows.
fn text(field: &'static str, text: &str) -> Result<(), Problem> {
    if (1..=MAX_TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    refuse(field, format!("must have 1 to {MAX_TEXT_BYTES} bytes without control characters"))
}

fn evidence(field: &'static str, hashes: &[Hash32]) -> Result<(), Problem> {
    at_most(field, hashes.len(), MAX_EVIDENCE)?;
    ascending(field, "sorted, each statement once", hashes.iter())
}

fn some_evidence(field: &'static str, hashes: &[Hash32]) -> Result<(), Problem> {
    if hashes.is_empty() {
        return refuse(field, "must name at least one statement; a claim without evidence is refused");
    }
    evidence(field, hashes)
}

fn opening_fields(opening: &CommitmentOpening) -> Result<(), Problem> {
    if opening.beacon_round == 0 {
        return refuse("body.opening.beacon_round", "beacon rounds count from 1");
    }
    if opening.offer.valid_until_unix_seconds > time::MAX_UNIX_SECONDS {
        return refuse("body.opening.offer.valid_until_unix_seconds", "is after the year 9999");
    }
    opening.offer.condition.as_ref().map_or(Ok(()), |condition| {
        let mut nodes = 0;
        formula(condition, 1, &mut nodes)
    })
}

fn formula(part: &Formula, depth: usize, nodes: &mut usize) -> Result<(), Problem> {
    const FIELD: &str = "body.opening.offer.condition";
    *nodes += 1;
    if depth > MAX_FORMULA_DEPTH {
        return refuse(FIELD, format!("is nested deeper than {MAX_FORMULA_DEPTH} levels"));
    }
    match part {
        Formula::AtLeast(_) => {}
        Formula::Includes(parties) => {
            *nodes += parties.len();
            if parties.is_empty() {
                return refuse(FIELD, "'includes' must name at least one party");
            }
            ascending(FIELD, "sorted, each party once", parties.iter())?;
        }
        Formula::ShareMillionths(share) if *share > MILLION => {
            return refuse(FIELD, "a share must be at most 1000000 millionths");
        }
        Formula::ShareMillionths(_) => {}
        Formula::All(parts) | Formula::Any(parts) => {
            if parts.is_empty() {
                return refuse(FIELD, "'all' and 'any' must have at least one part");
            }
            parts.iter().try_for_each(|part| formula(part, depth + 1, nodes))?;
        }
    }
    if *nodes > MAX_FORMULA_NODES {
        return refuse(FIELD, format!("has more than {MAX_FORMULA_NODES} parts"));
    }
    Ok(())
}

fn signal_fields(signal: &Signal, issuer: &Name) -> Result<(), Problem> {
    if let Reading::Value(measured) = &signal.reading {
        measured_fields(measured)?;
    }
    if let Some(party) = &signal.party {
        other_party("body.signal.party", party, issuer)?;
    }
    at_most("body.signal.inputs", signal.inputs.len(), MAX_INPUTS)
}

fn measured_fields(measured: &Measured) -> Result<(), Problem> {
    decimal(measured.estimate)?;
    let Some(interval) = &measured.interval else { return Ok(()) };
    decimal(interval.low)?;
    decimal(interval.high)?;
    if interval.low.compare(u128::from(interval.high.digits), interval.high.power).is_gt() {
        return refuse("body.signal.reading.interval", "its low end is above its high end");
    }
    if interval.confidence_ppm == 0 || interval.confidence_ppm >= MILLION {
        return refuse("body.signal.reading.interval", "confidence_ppm must be 1 to 999999; nothing is certain");
    }
    Ok(())
}

fn decimal(value: Decimal) -> Result<(), Problem> {
    if (-18..=30).contains(&value.power) && value == Decimal::new(value.digits, value.power) {
        return Ok(());
    }
    refuse("body.signal.reading", "digits must not end in 0 (zero is 0 with power 0), power must be -18 to 30")
}

fn raise_fields(raise: &TriggerRaise) -> Result<(), Problem> {
    some_evidence("body.raise.evidence", &raise.evidence)
}

fn lift_fields(lift: &LiftRequest) -> Result<(), Problem> {
    evidence("body.lift.evidence", &lift.evidence)
}

fn question_fields(question: &Question, issuer: &Name) -> Result<(), Problem> {
    other_party("body.question.party", &question.party, issuer)?;
    text("body.question.text", &question.text)
}

fn answer_fields(answer: &Answer) -> Result<(), Problem> {
    text("body.answer.text", &answer.text)?;
    evidence("body.answer.evidence", &answer.evidence)
}

fn dispute_fields(dispute: &Dispute, issuer: &Name) -> Result<(), Problem> {
    other_party("body.dispute.respondent", &dispute.respondent, issuer)?;
    some_evidence("body.dispute.evidence", &dispute.evidence)?;
    text("body.dispute.text", &dispute.text)
}

fn inspection_fields(inspection: &InspectionRequest, issuer: &Name) -> Result<(), Problem> {
    other_party("body.inspection.party", &inspection.party, issuer)?;
    text("body.inspection.text", &inspection.text)
}

fn clarification_fields(clarification: &Clarification) -> Result<(), Problem> {
    text("body.clarification.text", &clarification.text)
}
