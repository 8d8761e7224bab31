//! `standstill gate slurm-start`: what `PrologSlurmctld` runs. A submit gate never sees jobs that were queued before; this one sees every job
//! at the moment of its start, with what it was really given.
//!
//! Slurm requeues a batch job whose hook fails and tries it again about two minutes later.

use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use standstill_gate::journal::{COMMENT_PREFIX, id_in_comment};
use standstill_gate::slurm::{Answer, HookConfig, Request, queue};
use std::path::Path;
use std::process::Command;

pub(super) fn run(config: &Path, job: Option<u32>, squeue: &Path, scontrol: &Path) -> CliResult {
    let hook = match folder::read_text(config) {
        Ok(text) => HookConfig::from_toml(&text).map_err(|error| CliError::about(config.display(), error))?,
        // Without a configuration nothing is open and everything is asked.
        Err(error) => {
            eprintln!("standstill: {error}; going by the defaults");
            HookConfig::default()
        }
    };
    let given = std::env::var("SLURM_JOB_ID").ok().and_then(|id| id.parse().ok());
    let id = job.or(given).ok_or_else(|| CliError::usage("there is no SLURM_JOB_ID; give --job"))?;
    let request = described(squeue, id)?;
    match hook.ask(&request) {
        Answer::Pass => Ok(Exit::Ok),
        Answer::Allow(decision) => {
            note(scontrol, id, &request, &decision);
            Ok(Exit::Ok)
        }
        Answer::Deny(sentence) => {
            eprintln!("standstill: job {id}: {sentence}");
            Ok(Exit::Violated)
        }
    }
}

/// The job as Slurm lists it. A job that cannot be read does not start.
fn described(squeue: &Path, id: u32) -> CliResult<Request> {
    let output = Command::new(squeue).args(queue::arguments(Some(id))).env("LC_ALL", "C").output();
    let output = output.map_err(|error| CliError::file("run", squeue, &error))?;
    // A column that this release of squeue does not know is left out with a complaint, and the others would be read in its place.
    if !output.status.success() || !output.stderr.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CliError::unreadable(format!("{} about job {id}: {}", squeue.display(), said.trim())));
    }
    let jobs = queue::parse(&output.stdout).map_err(|error| CliError::about(squeue.display(), error))?;
    let mut mine = jobs.into_iter().filter(|job| job.job_id == Some(id));
    mine.next().ok_or_else(|| CliError::unreadable(format!("{} does not know job {id}", squeue.display())))
}

/// Notes the decision in the job, unless one is noted. A note that fails shows in the reconciliation; it is no reason to stop the job.
fn note(scontrol: &Path, id: u32, request: &Request, decision: &str) {
    let present = request.admin_comment.as_deref().unwrap_or_default();
    if id_in_comment(present).is_some() {
        return;
    }
    let gap = if present.is_empty() { "" } else { " " };
    let comment = format!("AdminComment={present}{gap}{COMMENT_PREFIX}{decision}");
    let done = Command::new(scontrol).args(["update", &format!("JobId={id}"), &comment]).output();
    match done {
        Ok(output) if output.status.success() => {}
        Ok(output) => eprintln!("standstill: job {id}: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => eprintln!("standstill: job {id}: cannot run {}: {error}", scontrol.display()),
    }
}
