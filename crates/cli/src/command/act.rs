//! `standstill act`: statements by which an agreement runs.

use crate::args::{ActArgs, ActVerb, Choose, Conclude, Matter, RoleOf, RulingWord};
use crate::exit::{CliError, CliResult, Exit};
use crate::role::Issuer;
use crate::role::acting::entry_round_of;
use crate::{clock, folder, network};
use serde_json::json;
use standstill_agreement::runtime::{Fact, replay};
use standstill_node::client::{Http, HttpLimits};
use standstill_statement::time::utc;
use standstill_statement::{self as statement, Body, Decimal, Hash32, Interval, Measured, Name, Reading, SignalKind};
use standstill_verify::{Bundle, Limits, runtime};
use std::path::Path;
use std::time::Duration;

/// Largest file that goes with a statement, in bytes.
const MAX_ATTACHMENT_BYTES: u64 = 64 << 20;
/// Longest wait for the witnesses with `--url`.
const WAIT: Duration = Duration::from_secs(60);

pub(super) fn run(args: &ActArgs) -> CliResult {
    let now = args.issued.unwrap_or_else(clock::now_unix_seconds);
    match &args.verb {
        ActVerb::Init { dir, id, kind } => init(dir, id, *kind),
        ActVerb::Join { dir, agreement } => {
            Issuer::join(dir, &folder::read_text(agreement)?)?;
            println!("{} is bound to {}.", dir.display(), agreement.display());
            Ok(Exit::Ok)
        }
        ActVerb::Ratify { dir } => act(args, dir, |issuer| issuer.ratify(now)),
        ActVerb::Seal { dir, entry_round, valid_until, condition } => {
            let condition = condition.as_deref().map(formula).transpose()?;
            let valid_until_unix_seconds = super::log_network::moment(valid_until)?;
            let offer = statement::Commitment { condition, valid_until_unix_seconds };
            act(args, dir, |issuer| issuer.seal_offer(*entry_round, &offer, now))
        }
        ActVerb::Open { dir, entry_round, beacon: None } => wanted_round(dir, *entry_round),
        ActVerb::Open { dir, entry_round, beacon: Some(path) } => {
            let round = super::bundle::read_round(path)?;
            act(args, dir, |issuer| issuer.open_offer(*entry_round, &round, now))
        }
        verb => {
            let dir = folder_of(verb);
            act(args, dir, |issuer| {
                let body = body(verb, issuer)?;
                tried(args, issuer, &body, now)?;
                issuer.state(body, now, Vec::new())
            })
        }
    }
}

fn init(dir: &Path, id: &str, kind: RoleOf) -> CliResult {
    let word = match kind {
        RoleOf::Inspector => "inspector",
        RoleOf::Evaluator => "evaluator",
        RoleOf::Adjudicator => "adjudicator",
    };
    let public = Issuer::create(dir, word, &name(id)?)?;
    println!(
        "The {word} '{}' is set up in {}. Back up {}/keys, and show them to nobody.",
        public.id,
        dir.display(),
        dir.display()
    );
    println!(
        "Give the others {}/public.toml. When the terms are agreed: standstill act join {} --agreement FILE",
        dir.display(),
        dir.display()
    );
    Ok(Exit::Ok)
}

fn wanted_round(dir: &Path, entry_round: u32) -> CliResult {
    let issuer = Issuer::open(dir)?;
    let round = entry_round_of(&issuer.agreement, entry_round)?;
    println!(
        "Entry round {entry_round} is closed by round {} of beacon '{}', out at {}. Openings count until {}.",
        round.beacon_round,
        issuer.agreement.audit.beacon.name,
        utc(round.beacon_unix_seconds),
        utc(round.opened_by_unix_seconds)
    );
    println!("Fetch it, then: standstill act open {} --entry-round {entry_round} --beacon FILE", dir.display());
    Ok(Exit::Ok)
}

/// Makes a statement, publishes it when asked, and says what is next.
fn act(args: &ActArgs, dir: &Path, make: impl FnOnce(&mut Issuer) -> CliResult<Hash32>) -> CliResult {
    let mut issuer = Issuer::open(dir)?;
    if args.url.is_some() {
        // Shows that the statement was not public before, so that its place among others' statements is settled.
        let http = Http::new(HttpLimits::default()).map_err(network::client_error)?;
        network::runtime()?.block_on(network::refresh(&mut issuer, &http))?;
    }
    let hash = make(&mut issuer)?;
    let made = issuer.entries().last().map(|entry| (entry.index, entry.statement.body.kind().name()));
    let (index, kind) = made.ok_or_else(|| CliError::bug("a statement was made and is not there"))?;
    let (id, vkey) = (issuer.id.clone(), issuer.log_key().to_string());
    drop(issuer);
    let public = args.url.as_deref().map(|url| publish(dir, url)).transpose()?.flatten();
    if args.json {
        println!(
            "{:#}",
            json!({ "issuer": id, "index": index, "kind": kind, "statement": hash, "public_unix_seconds": public })
        );
        return Ok(Exit::Ok);
    }
    println!("{id}: {kind} (entry {index})\nstatement {hash}");
    match public {
        Some(time) => println!("A quorum of witnesses had cosigned it by {}.", utc(time)),
        None => println!(
            "It counts from the moment that a quorum has cosigned it. Next: standstill log submit {} --url URL, or each witness: standstill witness cosign DIR --log {}/log --vkey '{vkey}'",
            dir.display(),
            dir.display()
        ),
    }
    Ok(Exit::Ok)
}

fn publish(dir: &Path, url: &str) -> CliResult<Option<u64>> {
    let publisher = network::Publisher::open(dir, url)?;
    let submitted = network::runtime()?.block_on(publisher.publish(WAIT))?;
    super::log_network::keep_cosignatures(dir, &submitted)?;
    Ok(submitted.quorum_time)
}

/// Replays the bundle with the statement added, and refuses one that would have no effect.
fn tried(args: &ActArgs, issuer: &Issuer, body: &Body, now: u64) -> CliResult<()> {
    let Some(path) = &args.bundle else { return Ok(()) };
    let bundle = Bundle::open(path, Limits::default()).map_err(|error| CliError::about(path.display(), error))?;
    if bundle.agreement().id() != issuer.agreement_id {
        return Err(CliError::usage(format!("{} is of another agreement", path.display())));
    }
    let mut facts = runtime::facts(&bundle);
    let last = facts.statements.iter().map(|fact| fact.published_unix_seconds).max().unwrap_or(0);
    let at = now.max(last);
    let here = Hash32::of(b"the statement that is tried");
    let index = issuer.entries().len() as u64;
    facts.statements.push(Fact {
        agreement: issuer.agreement_id,
        issuer: issuer.id.clone(),
        index,
        statement: here,
        published_unix_seconds: at,
        not_before_unix_seconds: at,
        body: body.clone(),
    });
    let timeline =
        replay(&issuer.agreement, &facts, at).ok_or_else(|| CliError::usage("these terms only follow a schedule"))?;
    match timeline.ignored.iter().find(|ignored| ignored.statement.statement == here) {
        Some(ignored) => Err(CliError::usage(format!("it would have no effect: {}", ignored.reason))),
        None => Ok(()),
    }
}

fn folder_of(verb: &ActVerb) -> &Path {
    match verb {
        ActVerb::Init { dir, .. }
        | ActVerb::Join { dir, .. }
        | ActVerb::Ratify { dir }
        | ActVerb::Seal { dir, .. }
        | ActVerb::Open { dir, .. }
        | ActVerb::Measure { dir, .. }
        | ActVerb::Raise { dir, .. }
        | ActVerb::Lift { dir, .. }
        | ActVerb::Vote { dir, .. }
        | ActVerb::Acknowledge { dir, .. }
        | ActVerb::Question { dir, .. }
        | ActVerb::Answer { dir, .. }
        | ActVerb::Clarify { dir, .. }
        | ActVerb::Dispute { dir, .. }
        | ActVerb::Rule { dir, .. }
        | ActVerb::Inspect { dir, .. }
        | ActVerb::Object { dir, .. }
        | ActVerb::Conclude { dir, .. }
        | ActVerb::Withdraw { dir, .. }
        | ActVerb::Suspend { dir, .. }
        | ActVerb::Resume { dir, .. } => dir,
    }
}

fn body(verb: &ActVerb, issuer: &Issuer) -> CliResult<Body> {
    Ok(match verb {
        ActVerb::Measure { .. } => measure(verb, issuer)?,
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
        other => case_body(other, issuer)?,
    })
}

/// Questions, cases and inspections.
fn case_body(verb: &ActVerb, issuer: &Issuer) -> CliResult<Body> {
    Ok(match verb {
        ActVerb::Question { party, case, text, .. } => {
            Body::Question(statement::Question { party: name(party)?, case: optional(case)?, text: text.clone() })
        }
        ActVerb::Answer { to, text, evidence, attachment, .. } => Body::Answer(statement::Answer {
            question: hash(to)?,
            text: text.clone(),
            evidence: hashes(evidence)?,
            attachment: attach(issuer, attachment.as_deref())?,
        }),
        ActVerb::Clarify { subject, text, attachment, .. } => Body::Clarification(statement::Clarification {
            subject: hash(subject)?,
            text: text.clone(),
            attachment: attach(issuer, attachment.as_deref())?,
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
            let report = issuer.put_blob(&folder::read(report, MAX_ATTACHMENT_BYTES)?)?;
            Body::Conclusion(statement::Conclusion { request: hash(request)?, outcome, report })
        }
        _ => return Err(CliError::bug("a verb without a statement")),
    })
}

fn measure(verb: &ActVerb, issuer: &Issuer) -> CliResult<Body> {
    let ActVerb::Measure { metric, value, interval, confidence_ppm, method, party, result, .. } = verb else {
        return Err(CliError::bug("not a measurement"));
    };
    // The closed list of `docs/formats/agreement.md`; any other metric is an evaluation of that name.
    let kind = match metric.as_str() {
        word if word.starts_with("horizon_") => SignalKind::Horizon,
        "ai_led_share" | "ai_authored_share" | "rd_speedup" => SignalKind::Changes,
        "run_flop" | "unaccounted_share" | "incidents" => SignalKind::Other,
        _ => SignalKind::Evaluation,
    };
    let reading = match value.strip_prefix("indeterminate:") {
        Some(reason) => Reading::Indeterminate(name(reason)?),
        None => {
            let interval = interval.as_deref().map(|text| between(text, *confidence_ppm)).transpose()?;
            Reading::Value(Measured { estimate: decimal(value)?, interval })
        }
    };
    Ok(Body::Signal(statement::Signal {
        kind,
        metric: name(metric)?,
        party: party.as_deref().map(name).transpose()?,
        reading,
        method: hash(method)?,
        inputs: Vec::new(),
        result: issuer.put_blob(&folder::read(result, MAX_ATTACHMENT_BYTES)?)?,
    }))
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

fn formula(text: &str) -> CliResult<statement::Formula> {
    serde_json::from_str(text).map_err(|error| {
        CliError::usage(format!(
            "--condition: {error}; write for example {{\"all\":[{{\"at_least\":2}},{{\"includes\":[\"south\"]}}]}}"
        ))
    })
}

fn name(text: &str) -> CliResult<Name> {
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

fn attach(issuer: &Issuer, path: Option<&Path>) -> CliResult<Option<statement::BlobRef>> {
    path.map(|path| issuer.put_blob(&folder::read(path, MAX_ATTACHMENT_BYTES)?)).transpose()
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
    fn evidence_is_sorted_and_named_once() {
        let (a, b) = ("11".repeat(32), "22".repeat(32));
        assert_eq!(hashes(&[b.clone(), a.clone(), b.clone()]).unwrap(), vec![hash(&a).unwrap(), hash(&b).unwrap()]);
        assert!(hash("abcd").is_err());
    }
}
