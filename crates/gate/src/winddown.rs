//! Notices to jobs that run when a phase begins in which they could not start: what to tell whom, and until when.

use crate::decide::Gate;
use crate::error::GateError;
use crate::job::Job;
use serde::{Deserialize, Serialize};
use standstill_statement::GateVerdict;

/// Most commands for one job.
const MAX_COMMANDS: usize = 16;

/// How running jobs are told. In arguments `{job}` stands for the job id, `{deadline}` for the time in UTC, `{seconds}` for the time left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// From the beginning of the phase until a job must have ended, in seconds.
    pub deadline_seconds: u64,
    /// Commands at once, each as a list of a program and its arguments; nothing goes through a shell.
    #[serde(default = "notify")]
    pub notify: Vec<Vec<String>>,
    /// Commands at the deadline.
    #[serde(default = "end")]
    pub end: Vec<Vec<String>>,
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A message to the job's own output, then a signal that a training loop can take as "save your state".
fn notify() -> Vec<Vec<String>> {
    vec![
        command(&[
            "scontrol",
            "notify",
            "{job}",
            "The agreement is slowing down. Save your state and end by {deadline}.",
        ]),
        command(&["scancel", "--batch", "--signal=USR1", "{job}"]),
    ]
}

fn end() -> Vec<Vec<String>> {
    vec![command(&["scancel", "{job}"])]
}

impl Default for Orders {
    fn default() -> Self {
        Self { deadline_seconds: 7 * 86_400, notify: notify(), end: end() }
    }
}

impl Orders {
    /// Checks that there are commands, and not too many.
    ///
    /// # Errors
    /// [`GateError::Terms`].
    pub fn check(&self) -> Result<(), GateError> {
        for commands in [&self.notify, &self.end] {
            if commands.len() > MAX_COMMANDS || commands.iter().any(Vec::is_empty) {
                return Err(GateError::Terms(format!(
                    "wind-down needs 0 to {MAX_COMMANDS} commands, none of them empty"
                )));
            }
        }
        Ok(())
    }
}

/// A job that is to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Job id.
    pub job: String,
    /// Why it could not start now.
    pub sentence: String,
    /// It must have ended by then, in seconds since the Unix epoch.
    pub deadline_unix_seconds: u64,
    /// Commands to run now: notices before the deadline, ends from it on.
    pub commands: Vec<Vec<String>>,
}

/// Which of the running jobs are to be told, and how. A job is told when it could not start now for a reason that lies in the agreement;
/// exempt and uncovered jobs never are.
#[must_use]
pub fn notices(gate: &Gate, orders: &Orders, running: &[Job], now_unix_seconds: u64) -> Vec<Notice> {
    let since = gate.held().map_or(now_unix_seconds, |held| held.situation().phase_since_unix_seconds);
    let deadline = since.saturating_add(orders.deadline_seconds);
    let left = deadline.saturating_sub(now_unix_seconds);
    let commands = if left > 0 { &orders.notify } else { &orders.end };
    let told = running.iter().filter_map(|job| {
        let decision = gate.decide(job, now_unix_seconds);
        (decision.verdict == GateVerdict::Deny
            && decision.clauses.iter().any(|clause| STOPS.contains(&clause.as_str())))
        .then_some((job, decision))
    });
    told.map(|(job, decision)| Notice {
        job: job.reference.clone(),
        sentence: decision.sentence,
        deadline_unix_seconds: deadline,
        commands: commands.iter().map(|command| fill(command, &job.reference, deadline, left)).collect(),
    })
    .collect()
}

/// Clauses that end running work; others, such as a run that is over its plan, are for the party to settle.
const STOPS: [&str; 3] = ["paused", "paused-undeclared", "suspended"];

fn fill(command: &[String], job: &str, deadline: u64, left: u64) -> Vec<String> {
    let deadline = standstill_statement::time::utc(deadline);
    let put = |word: &String| {
        word.replace("{job}", job).replace("{deadline}", &deadline).replace("{seconds}", &left.to_string())
    };
    command.iter().map(put).collect()
}
