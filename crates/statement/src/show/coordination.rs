//! The statements by which an agreement runs, in words.

use super::{Page, blob, names};
use crate::body::{
    Answer, Body, CommitmentOpening, Decimal, Dispute, Formula, Inspected, Matter, Question, Reading, RulingOutcome,
    Signal, SignalKind, TriggerRaise, Vote,
};
use crate::body::{Choice, Conclusion};
use crate::ids::{BlobRef, Hash32};
use crate::time;

/// Longest piece of a text on one line, in characters.
const TEXT_WIDTH: usize = 90;

pub(super) fn lines(page: &mut Page, body: &Body) {
    match body {
        Body::Ratification(it) => page.line("witnesses", &format!("policy {}", it.witnesses)),
        Body::Commitment(it) => {
            page.line("entry round", &it.entry_round.to_string());
            page.line("seal", &it.seal.to_string());
        }
        Body::Opening(opening) => opening_lines(page, opening),
        Body::Signal(signal) => signal_lines(page, signal),
        Body::Raise(TriggerRaise { trigger, evidence }) => {
            page.line("trigger", trigger.as_str());
            hashes(page, "evidence", evidence);
        }
        Body::Lift(lift) => {
            page.line("trigger", lift.trigger.as_str());
            page.line("raised by", &lift.raise.to_string());
            hashes(page, "evidence", &lift.evidence);
        }
        Body::Vote(vote) => vote_lines(page, vote),
        Body::Acknowledgement(it) => {
            page.line("phase", it.phase.as_str());
            page.line("because of", &it.cause.to_string());
        }
        Body::Question(question) => question_lines(page, question),
        Body::Answer(answer) => answer_lines(page, answer),
        Body::Dispute(dispute) => dispute_lines(page, dispute),
        Body::Ruling(ruling) => {
            page.line("case", &ruling.case.to_string());
            page.line("outcome", ruling_words(ruling.outcome));
            text(page, "why", &ruling.text);
        }
        Body::Inspection(inspection) => {
            page.line("party", inspection.party.as_str());
            case(page, inspection.case.as_ref());
            text(page, "what", &inspection.text);
        }
        Body::Objection(objection) => {
            page.line("against", &format!("inspection {}", objection.request));
            text(page, "why", &objection.text);
        }
        Body::Conclusion(conclusion) => conclusion_lines(page, conclusion),
        Body::Withdrawal(withdrawal) => text(page, "why", &withdrawal.reason),
        Body::Suspension(suspension) => {
            let words = if suspension.suspended { "no longer keeps the agreement" } else { "keeps it again" };
            page.line("declares", words);
            text(page, "why", &suspension.reason);
        }
        Body::Clarification(it) => {
            page.line("about", &it.subject.to_string());
            text(page, "explains", &it.text);
            attachment(page, it.attachment.as_ref());
        }
        // The other kinds have lines of their own in the parent module.
        _ => {}
    }
}

fn hashes(page: &mut Page, label: &str, items: &[Hash32]) {
    page.list(label, &items.iter().map(ToString::to_string).collect::<Vec<_>>());
}

fn case(page: &mut Page, case: Option<&Hash32>) {
    page.line("case", &case.map_or_else(|| "none".to_owned(), ToString::to_string));
}

fn attachment(page: &mut Page, file: Option<&BlobRef>) {
    page.line("attachment", &file.map_or_else(|| "none".to_owned(), blob));
}

/// A text broken at spaces; a word that is longer than a line is cut.
fn text(page: &mut Page, label: &str, text: &str) {
    let mut pieces: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        for chunk in word.chars().collect::<Vec<_>>().chunks(TEXT_WIDTH).map(|chunk| chunk.iter().collect::<String>()) {
            let last = pieces.last().map_or(0, |line| line.chars().count());
            match pieces.last_mut() {
                Some(line) if last == 0 => line.push_str(&chunk),
                Some(line) if last + 1 + chunk.chars().count() <= TEXT_WIDTH => {
                    line.push(' ');
                    line.push_str(&chunk);
                }
                _ => pieces.push(chunk),
            }
        }
    }
    page.list(label, &pieces);
}

/// A condition in words: `(at least 3) and (with south)`.
fn formula(part: &Formula) -> String {
    let join = |parts: &[Formula], word: &str| {
        parts.iter().map(|part| format!("({})", formula(part))).collect::<Vec<_>>().join(word)
    };
    match part {
        Formula::AtLeast(count) => format!("at least {count} others"),
        Formula::Includes(parties) => format!("with {}", names(parties)),
        Formula::ShareMillionths(share) => {
            format!("others hold at least {}.{:04} % of listed compute", share / 10_000, share % 10_000)
        }
        Formula::All(parts) => join(parts, " and "),
        Formula::Any(parts) => join(parts, " or "),
    }
}

fn opening_lines(page: &mut Page, opening: &CommitmentOpening) {
    page.line("opens", &opening.commitment.to_string());
    let condition = opening.offer.condition.as_ref().map_or_else(|| "as in the terms".to_owned(), formula);
    text(page, "joins if", &condition);
    page.line("valid until", &time::utc(opening.offer.valid_until_unix_seconds));
    page.line("salt", &opening.salt.to_string());
    page.line("beacon round", &opening.beacon_round.to_string());
    page.line("randomness", &opening.randomness.to_string());
}

fn signal_lines(page: &mut Page, signal: &Signal) {
    let kind = match signal.kind {
        SignalKind::Horizon => "capability horizon",
        SignalKind::Changes => "changes led by AI systems",
        SignalKind::Scan => "scan for self-modification",
        SignalKind::Evaluation => "evaluation",
        SignalKind::Other => "other",
    };
    page.line("kind", kind);
    page.line("metric", signal.metric.as_str());
    page.line("about", signal.party.as_ref().map_or("public data", |party| party.as_str()));
    match &signal.reading {
        Reading::Value(measured) => {
            page.line("estimate", &decimal(measured.estimate));
            if let Some(interval) = &measured.interval {
                let ppm = interval.confidence_ppm;
                let (low, high) = (decimal(interval.low), decimal(interval.high));
                page.line("interval", &format!("{low} to {high} at {}.{:04} %", ppm / 10_000, ppm % 10_000));
            }
        }
        Reading::Indeterminate(reason) => page.line("reading", &format!("INDETERMINATE ({reason})")),
    }
    page.line("method", &signal.method.to_string());
    page.list("inputs", &signal.inputs.iter().map(blob).collect::<Vec<_>>());
    page.line("result", &blob(&signal.result));
}

/// In plain digits where that is short, otherwise with a power of ten.
fn decimal(value: Decimal) -> String {
    let digits = value.digits.to_string();
    match value.power {
        0 => digits,
        power @ 1..=6 => format!("{digits}{}", "0".repeat(usize::from(power.unsigned_abs()))),
        power @ -6..=-1 => {
            let places = usize::from(power.unsigned_abs());
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            format!("{whole}.{fraction}")
        }
        power => format!("{digits}e{power}"),
    }
}

fn vote_lines(page: &mut Page, vote: &Vote) {
    let matter = match vote.matter {
        Matter::Lift => "lifting a trigger",
        Matter::Violation => "finding a violation",
        Matter::Expulsion => "expelling a party",
        Matter::Renewal => "renewing the term",
    };
    page.line("on", matter);
    page.line("subject", &vote.subject.to_string());
    page.line("epoch", &vote.epoch.to_string());
    page.line("choice", if vote.choice == Choice::Yes { "YES" } else { "NO" });
}

fn question_lines(page: &mut Page, question: &Question) {
    page.line("to", question.party.as_str());
    case(page, question.case.as_ref());
    text(page, "asks", &question.text);
}

fn answer_lines(page: &mut Page, answer: &Answer) {
    page.line("answers", &answer.question.to_string());
    text(page, "says", &answer.text);
    hashes(page, "evidence", &answer.evidence);
    attachment(page, answer.attachment.as_ref());
}

fn dispute_lines(page: &mut Page, dispute: &Dispute) {
    page.line("respondent", dispute.respondent.as_str());
    page.line("reason", dispute.reason.as_str());
    hashes(page, "evidence", &dispute.evidence);
    text(page, "says", &dispute.text);
}

const fn ruling_words(outcome: RulingOutcome) -> &'static str {
    match outcome {
        RulingOutcome::Reviewed => "reviewed: the case has merit",
        RulingOutcome::Dismissed => "dismissed: the case has no merit",
        RulingOutcome::Clarified => "clarified: the answer explains it",
        RulingOutcome::Cleared => "cleared: nothing was found",
        RulingOutcome::Violation => "VIOLATION, once the votes agree",
    }
}

fn conclusion_lines(page: &mut Page, conclusion: &Conclusion) {
    page.line("inspection", &conclusion.request.to_string());
    let outcome = match conclusion.outcome {
        Inspected::NoIndication => "no indication of a breach at what was shown",
        Inspected::Inconclusive => "inconclusive",
        Inspected::Refused => "ACCESS REFUSED or not given in time",
        Inspected::Indication => "INDICATION of a breach",
    };
    page.line("outcome", outcome);
    page.line("report", &blob(&conclusion.report));
}
