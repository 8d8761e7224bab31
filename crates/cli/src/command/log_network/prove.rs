//! Certificates about time: made over the network, checked offline.

use super::{Reached, client_error, named};
use crate::args::NetworkLog;
use crate::exit::{CliError, CliResult, Exit};
use crate::{folder, network};
use standstill_node::client::Question;
use standstill_node::client::certify::{self, Absence};
use standstill_node::client::refresh::{refresh, witnesses_of};
use standstill_statement::time::utc;
use standstill_tlog::certificate::{AbsenceCertificate, PublishedCertificate};
use standstill_tlog::reader::Limits;
use std::path::Path;

/// Longest certificate that is read, in bytes.
const MAX_CERTIFICATE_BYTES: u64 = 1 << 30;

pub(super) fn absence(log: &NetworkLog, by: u64, question: Option<&str>, out: &Path) -> CliResult {
    let absence = match question {
        Some(text) => Absence::Answer(Question::parse(text).map_err(client_error)?),
        None => Absence::Beyond,
    };
    refuse_existing(out)?;
    let mut reached = Reached::open(log)?.updated(log.url.as_deref())?;
    let known = certify::absent(&reached.copy, &reached.policy, &reached.speaker, &absence, by);
    let (certificate, shown) = match known {
        Ok(found) => found,
        Err(_) => {
            ask_again(&mut reached)?;
            certify::absent(&reached.copy, &reached.policy, &reached.speaker, &absence, by).map_err(client_error)?
        }
    };
    folder::write_new(out, &certificate.to_bytes().map_err(CliError::unreadable)?)?;
    println!(
        "{} had not published {} by {}: its log held {} statements, and a full quorum still said so at {}.",
        reached.name,
        question.map_or_else(|| "anything more".to_owned(), |question| format!("a statement with {question}")),
        utc(by),
        shown.size,
        utc(shown.since_unix_seconds)
    );
    println!("The certificate is in {}. Check it anywhere: {}", out.display(), check_command(out, log));
    Ok(Exit::Ok)
}

/// Hands the last checkpoint to the witnesses, and says what they answered.
fn ask_again(reached: &mut Reached) -> CliResult<()> {
    let witnesses = witnesses_of(&reached.policy);
    if witnesses.is_empty() {
        return Err(CliError::usage(
            "the witness policy in the terms gives no addresses, so nobody can be asked to cosign again; ask the log's operator for a newer checkpoint",
        ));
    }
    let asked =
        network::runtime()?.block_on(refresh(&reached.http, &mut reached.copy, &witnesses)).map_err(client_error)?;
    eprintln!("{} of {} witnesses cosigned the last checkpoint again.", asked.cosigned.len(), witnesses.len());
    for (name, why) in &asked.refused {
        eprintln!("witness {name}: {why}");
    }
    if let Some(ahead) = asked.ahead.first() {
        let message = format!(
            "the log of {} has published {} statements, and this copy holds {}: fetch the log first (--url)",
            reached.name,
            ahead.checkpoint().size,
            reached.copy.size()
        );
        return Err(CliError { message, exit: Exit::CannotConclude });
    }
    Ok(())
}

pub(super) fn published(log: &NetworkLog, by: u64, index: u64, out: &Path) -> CliResult {
    refuse_existing(out)?;
    let reached = Reached::open(log)?.updated(log.url.as_deref())?;
    let (certificate, shown) = certify::published(&reached.copy, &reached.policy, index, by).map_err(client_error)?;
    folder::write_new(out, &certificate.to_bytes())?;
    println!(
        "{}'s statement {index} was public by {}: a full quorum had cosigned it then.",
        reached.name,
        utc(shown.by_unix_seconds)
    );
    println!("The certificate is in {}. Check it anywhere: {}", out.display(), check_command(out, log));
    Ok(Exit::Ok)
}

fn check_command(out: &Path, log: &NetworkLog) -> String {
    format!(
        "standstill log certificate {} --agreement {} --party {}",
        out.display(),
        log.agreement.display(),
        log.party
    )
}

fn refuse_existing(out: &Path) -> CliResult<()> {
    if out.exists() {
        Err(CliError::usage(format!("{} exists already; choose another file", out.display())))
    } else {
        Ok(())
    }
}

pub(super) fn certificate(file: &Path, agreement: &Path, party: &str, json: bool) -> CliResult {
    let bytes = folder::read(file, MAX_CERTIFICATE_BYTES)?;
    let (name, key, speaker, policy, _) = named(agreement, party)?;
    let bad = |error: standstill_tlog::TlogError| match error {
        standstill_tlog::TlogError::NotProved { .. } | standstill_tlog::TlogError::Proof(_) => {
            CliError { message: format!("{}: {error}", file.display()), exit: Exit::CannotConclude }
        }
        other => CliError::about(file.display(), other),
    };
    let (value, sentence) = if bytes.starts_with(b"standstill/1/absence\n") {
        let certificate = AbsenceCertificate::parse(&bytes, &Limits::default()).map_err(bad)?;
        let shown = certify::check_absent(&certificate, &key, &policy, &speaker).map_err(client_error)?;
        let (by, question) = (certificate.deadline_unix_seconds, certificate.question());
        let what = question
            .map_or_else(|| "nothing of what it names".to_owned(), |question| format!("no statement with {question}"));
        let sentence = format!(
            "Proved: by {}, {name} had published {what}; {} statements, witnessed at {}.",
            utc(by),
            shown.size,
            utc(shown.since_unix_seconds)
        );
        let value = serde_json::json!({
            "kind": "absent", "party": name, "deadline_unix_seconds": by, "question": question, "size": shown.size,
            "since_unix_seconds": shown.since_unix_seconds, "liars_tolerated": tolerated(&policy),
        });
        (value, sentence)
    } else {
        let certificate = PublishedCertificate::parse(&bytes).map_err(bad)?;
        let shown = certificate.verify(&key, &policy).map_err(bad)?;
        let by = certificate.deadline_unix_seconds;
        let sentence = format!(
            "Proved: statement {} of {name} was public by {}, before {}.",
            shown.index,
            utc(shown.by_unix_seconds),
            utc(by)
        );
        let value = serde_json::json!({
            "kind": "published", "party": name, "deadline_unix_seconds": by, "index": shown.index, "size": shown.size,
            "by_unix_seconds": shown.by_unix_seconds, "liars_tolerated": tolerated(&policy),
        });
        (value, sentence)
    };
    if json {
        println!("{value}");
    } else {
        println!("{sentence}");
        println!(
            "Its opposite can be proved only when more than {} of the {} witnesses lie.",
            tolerated(&policy),
            policy.witnesses().len()
        );
    }
    Ok(Exit::Ok)
}

/// Lying witnesses under which the two kinds of certificates exclude each other.
fn tolerated(policy: &standstill_tlog::policy::Policy) -> usize {
    policy.faults_to_split().saturating_sub(1)
}
