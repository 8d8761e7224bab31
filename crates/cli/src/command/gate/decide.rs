//! `standstill gate decide`: one job, one answer.

use crate::args::GateKnowledge;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::PublicHalf;
use crate::secret_file;
use standstill_gate::journal::{Journal, Owner, Pending, decision_id, recount};
use standstill_gate::kubernetes::review::{MAX_REVIEW_BYTES, Subject};
use standstill_gate::kubernetes::{Review, answer};
use standstill_gate::slurm::Request;
use standstill_gate::{Decision, Gate, Job, Terms};
use standstill_statement::{Name, SigningKey};
use standstill_tlog::note::NoteSigner;
use std::path::Path;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Job,
    Review,
    Slurm,
}

pub(super) fn run(
    known: &GateKnowledge,
    home: Option<&Path>,
    form: Form,
    cluster: &str,
    path: &Path,
    json: bool,
) -> CliResult {
    let (mut gate, now) = super::gate(known)?;
    let cluster = Name::new(cluster).map_err(CliError::usage)?;
    let bytes = super::input(path, MAX_REVIEW_BYTES as u64)?;
    let refuse = |error| CliError::about(path.display(), error);
    let (job, uid) = match form {
        Form::Job => (Job::from_json(&bytes).map_err(refuse)?, None),
        Form::Slurm => (Request::from_line(bytes.trim_ascii_end()).map_err(refuse)?.job(gate.terms(), &cluster), None),
        Form::Review => {
            let review = Review::from_json(&bytes).map_err(refuse)?;
            match review.subject(gate.terms(), &cluster) {
                Subject::Job(job) => (*job, Some(review.request.uid)),
                Subject::Unchanged => {
                    println!("{}", answer(&review.request.uid, None));
                    return Ok(Exit::Ok);
                }
            }
        }
    };
    let mut journal = home.map(|home| open(home, gate.terms())).transpose()?;
    if let Some((_, recorded)) = &journal {
        recount(&mut gate, recorded);
    }
    let decision = gate.decide(&job, now);
    let id = match &mut journal {
        Some((journal, _)) => record(journal, &gate, &job, &decision)?,
        None => String::new(),
    };
    print(&job, &decision, &id, uid.as_deref(), json);
    Ok(if decision.allows() { Exit::Ok } else { Exit::Violated })
}

fn open(home: &Path, terms: &Terms) -> CliResult<(Journal, Vec<standstill_gate::journal::Recorded>)> {
    let public = PublicHalf::read(home)?;
    let key = SigningKey::from_file_text(&secret_file::read(&home.join("keys/statement.key"))?);
    let key = key.map_err(|error| CliError::about("keys/statement.key", error))?;
    let signer = NoteSigner::from_file_text(&secret_file::read(&home.join("keys/log.key"))?);
    let signer = signer.map_err(|error| CliError::about("keys/log.key", error))?;
    let owner = Owner { issuer: public.id.clone(), gate: public.id, agreement: terms.agreement };
    Journal::open(home, owner, key, &signer).map_err(|error| CliError::about(home.display(), error))
}

fn record(journal: &mut Journal, gate: &Gate, job: &Job, decision: &Decision) -> CliResult<String> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(CliError::unreadable)?;
    let pending = Pending { job: job.clone(), decision: decision.clone(), nonce, earlier: None };
    let hashes = journal.record(gate, &[pending]).map_err(CliError::unreadable)?;
    journal.publish().map_err(CliError::unreadable)?;
    Ok(hashes.first().map(decision_id).unwrap_or_default())
}

fn print(job: &Job, decision: &Decision, id: &str, uid: Option<&str>, json: bool) {
    if let Some(uid) = uid.filter(|_| json) {
        println!("{:#}", answer(uid, Some((decision, id))));
        return;
    }
    if json {
        let value = serde_json::json!({
            "verdict": decision.verdict,
            "coverage": decision.coverage,
            "clauses": decision.clauses,
            "phase": standstill_gate::phase::phase_name(decision.phase),
            "sentence": decision.sentence,
            "expires_unix_seconds": decision.expires_unix_seconds,
            "accelerators": job.accelerators,
            "petaops": (decision.petaops != u64::MAX).then_some(decision.petaops),
            "chip_seconds": (decision.chip_seconds != u64::MAX).then_some(decision.chip_seconds),
            "decision": (!id.is_empty()).then_some(id),
        });
        println!("{value:#}");
        return;
    }
    println!("{}: {}", decision.verdict.name(), decision.sentence);
    let clauses: Vec<&str> = decision.clauses.iter().map(Name::as_str).collect();
    println!("clauses   {}", clauses.join(", "));
    println!("coverage  {}", decision.coverage.name());
    let size = job.accelerators.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    println!("size      {size} accelerators");
    if decision.allows() {
        println!("until     {}", standstill_statement::time::utc(decision.expires_unix_seconds));
    }
    if !id.is_empty() {
        println!("decision  {id}");
    }
}
