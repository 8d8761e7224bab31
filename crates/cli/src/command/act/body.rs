//! From a verb of `standstill act` to the statement that it makes.

use crate::args::{ActVerb, Choose, Conclude, Matter, RulingWord};
use crate::exit::{CliError, CliResult};
use crate::folder;
use standstill_statement::{self as statement, Body, Decimal, Hash32, Interval, Measured, Name, Reading, SignalKind};
use std::path::Path;

/// Largest file that goes with a statement, in bytes.
const MAX_ATTACHMENT_BYTES: u64 = 64 << 20;

/// A statement that a verb asks for, and the files that it names. Nothing is stored before the statement is known to be let through: what is
/// in a role's folder of blobs goes into the next bundle and is public.
pub(super) struct Draft {
    pub(super) body: Body,
    pub(super) files: Vec<Vec<u8>>,
}

/// Reads what a verb asks for.
pub(super) fn draft(verb: &ActVerb) -> CliResult<Draft> {
    let mut files = Vec::new();
    let body = body(verb, &mut files)?;
    Ok(Draft { body, files })
}

fn body(verb: &ActVerb, files: &mut Vec<Vec<u8>>) -> CliResult<Body> {
    Ok(match verb {
        ActVerb::Measure { .. } => measure(verb, files)?,
        ActVerb::Raise { trigger, evidence, .. } => {
            Body::Raise(statement::TriggerRaise { trigger: name(trigger)?, evidence: hashes(evidence)? })
        }
        ActVerb::Lift { trigger, raise, evidence, .. } => Body::Lift(statement::LiftRequest {
            trigger: name(trigger)?,
            raise: hash(raise)?,
            evidence: hashes(evidence)?,
        }),
        ActVerb::Vote { matter, choice, subject, epoch, .. } => Body::Vote(statement::Vote {
            matter: match matter {
                Matter::Lift => statement::Matter::Lift,
                Matter::Violation => statement::Matter::Violation,
                Matter::Expulsion => statement::Matter::Expulsion,
                Matter::Renewal => statement::Matter::Renewal,
            },
            subject: hash(subject)?,
            epoch: *epoch,
            choice: if *choice == Choose::Yes { statement::Choice::Yes } else { statement::Choice::No },
        }),
        ActVerb::Acknowledge { phase, cause, .. } => {
            Body::Acknowledgement(statement::Acknowledgement { phase: name(phase)?, cause: hash(cause)? })
        }
        ActVerb::Withdraw { reason, .. } => Body::Withdrawal(statement::Withdrawal { reason: reason.clone() }),
        ActVerb::Suspend { reason, .. } => {
            Body::Suspension(statement::Suspension { suspended: true, reason: reason.clone() })
        }
        ActVerb::Resume { reason, .. } => {
            Body::Suspension(statement::Suspension { suspended: false, reason: reason.clone() })
        }
        other => case_body(other, files)?,
    })
}

/// Questions, cases and inspections.
fn case_body(verb: &ActVerb, files: &mut Vec<Vec<u8>>) -> CliResult<Body> {
    Ok(match verb {
        ActVerb::Question { party, case, text, .. } => {
            Body::Question(statement::Question { party: name(party)?, case: optional(case)?, text: text.clone() })
        }
        ActVerb::Answer { to, text, evidence, attachment, .. } => Body::Answer(statement::Answer {
            question: hash(to)?,
            text: text.clone(),
            evidence: hashes(evidence)?,
            attachment: attach(files, attachment.as_deref())?,
        }),
        ActVerb::Clarify { subject, text, attachment, .. } => Body::Clarification(statement::Clarification {
            subject: hash(subject)?,
            text: text.clone(),
            attachment: attach(files, attachment.as_deref())?,
        }),
        ActVerb::Dispute { respondent, reason, evidence, text, .. } => Body::Dispute(statement::Dispute {
            respondent: name(respondent)?,
            reason: name(reason)?,
            evidence: hashes(evidence)?,
            text: text.clone(),
        }),
        ActVerb::Rule { outcome, case, text, .. } => {
            let outcome = match outcome {
                RulingWord::Reviewed => statement::RulingOutcome::Reviewed,
                RulingWord::Dismissed => statement::RulingOutcome::Dismissed,
                RulingWord::Clarified => statement::RulingOutcome::Clarified,
                RulingWord::Cleared => statement::RulingOutcome::Cleared,
                RulingWord::Violation => statement::RulingOutcome::Violation,
            };
            Body::Ruling(statement::Ruling { case: hash(case)?, outcome, text: text.clone() })
        }
        ActVerb::Inspect { party, case, text, .. } => Body::Inspection(statement::InspectionRequest {
            party: name(party)?,
            case: optional(case)?,
            text: text.clone(),
        }),
        ActVerb::Object { request, text, .. } => {
            Body::Objection(statement::Objection { request: hash(request)?, text: text.clone() })
        }
        ActVerb::Conclude { outcome, request, report, .. } => {
            let outcome = match outcome {
                Conclude::NoIndication => statement::Inspected::NoIndication,
                Conclude::Inconclusive => statement::Inspected::Inconclusive,
                Conclude::Refused => statement::Inspected::Refused,
                Conclude::Indication => statement::Inspected::Indication,
            };
            let report = file(files, report)?;
            Body::Conclusion(statement::Conclusion { request: hash(request)?, outcome, report })
        }
        _ => return Err(CliError::bug("a verb without a statement")),
    })
}

fn measure(verb: &ActVerb, files: &mut Vec<Vec<u8>>) -> CliResult<Body> {
    let ActVerb::Measure { metric, value, interval, confidence_ppm, method, party, result, .. } = verb else {
        return Err(CliError::bug("not a measurement"));
    };
    let reading = match value.strip_prefix("indeterminate:") {
        Some(reason) => Reading::Indeterminate(name(reason)?),
        None => {
            let interval = interval.as_deref().map(|text| between(text, *confidence_ppm)).transpose()?;
            Reading::Value(Measured { estimate: decimal(value)?, interval })
        }
    };
    Ok(Body::Signal(statement::Signal {
        kind: stated(metric),
        metric: name(metric)?,
        party: party.as_deref().map(name).transpose()?,
        reading,
        method: hash(method)?,
        inputs: Vec::new(),
        result: file(files, result)?,
    }))
}

/// The closed list of `docs/formats/agreement.md`; any other metric is an evaluation of that name. A figure that is only stated names no inputs,
/// so it must not say that it is a horizon or a ledger: `verify` would compute those again and find that they do not follow.
fn stated(metric: &str) -> SignalKind {
    match metric {
        word if word.starts_with("horizon_") => SignalKind::Other,
        "ai_led_share" | "ai_authored_share" | "rd_speedup" | "run_flop" | "unaccounted_share" | "incidents" => {
            SignalKind::Other
        }
        _ => SignalKind::Evaluation,
    }
}

fn between(text: &str, confidence_ppm: u32) -> CliResult<Interval> {
    let refuse = || CliError::usage(format!("--interval {text}: write LOW..HIGH, the lower end first"));
    let (low, high) = text.split_once("..").ok_or_else(refuse)?;
    Ok(Interval { low: decimal(low)?, high: decimal(high)?, confidence_ppm })
}

/// A plain decimal number, exactly: `0.5`, `604800`.
fn decimal(text: &str) -> CliResult<Decimal> {
    let refuse = || CliError::usage(format!("'{text}' is not a decimal number, for example 604800 or 0.5"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || fraction.len() > 18 {
        return Err(refuse());
    }
    let digits: u64 = format!("{whole}{fraction}").parse().map_err(|_| refuse())?;
    let power = i8::try_from(fraction.len()).map_err(|_| refuse())?;
    Ok(Decimal::new(digits, -power))
}

pub(super) fn formula(text: &str) -> CliResult<statement::Formula> {
    serde_json::from_str(text).map_err(|error| {
        CliError::usage(format!(
            "--condition: {error}; write for example {{\"all\":[{{\"at_least\":2}},{{\"includes\":[\"south\"]}}]}}"
        ))
    })
}

pub(super) fn name(text: &str) -> CliResult<Name> {
    Name::new(text).map_err(CliError::usage)
}

fn hash(text: &str) -> CliResult<Hash32> {
    text.parse().map_err(|_| {
        CliError::usage(format!(
            "'{text}' is not a statement hash: 64 hexadecimal digits, as `agreement timeline` prints them"
        ))
    })
}

fn optional(text: &Option<String>) -> CliResult<Option<Hash32>> {
    text.as_deref().map(hash).transpose()
}

/// Sorted, each once, as statements carry them.
fn hashes(texts: &[String]) -> CliResult<Vec<Hash32>> {
    let mut hashes = texts.iter().map(|text| hash(text)).collect::<CliResult<Vec<_>>>()?;
    hashes.sort();
    hashes.dedup();
    Ok(hashes)
}

fn attach(files: &mut Vec<Vec<u8>>, path: Option<&Path>) -> CliResult<Option<statement::BlobRef>> {
    path.map(|path| file(files, path)).transpose()
}

fn file(files: &mut Vec<Vec<u8>>, path: &Path) -> CliResult<statement::BlobRef> {
    let bytes = folder::read(path, MAX_ATTACHMENT_BYTES)?;
    let blob = statement::BlobRef::of(&bytes);
    files.push(bytes);
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        assert_eq!(decimal("0.5").unwrap(), Decimal::new(5, -1));
        assert_eq!(decimal("604800").unwrap(), Decimal::new(6048, 2));
        for bad in ["", ".5", "-1", "1e3", "half", "0.1234567890123456789"] {
            assert!(decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_stated_figure_never_claims_to_follow_from_inputs() {
        for metric in ["horizon_p50", "horizon_doubling", "ai_led_share", "ai_authored_share", "incidents"] {
            assert_eq!(stated(metric), SignalKind::Other, "{metric}");
        }
        assert_eq!(stated("bio_uplift"), SignalKind::Evaluation);
    }

    #[test]
    fn evidence_is_sorted_and_named_once() {
        let (a, b) = ("11".repeat(32), "22".repeat(32));
        assert_eq!(hashes(&[b.clone(), a.clone(), b.clone()]).unwrap(), vec![hash(&a).unwrap(), hash(&b).unwrap()]);
        assert!(hash("abcd").is_err());
    }
}
