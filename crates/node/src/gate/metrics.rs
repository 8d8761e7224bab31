//! Counters of a gate, as Prometheus text and for `/health`.

use super::desk::Told;
use standstill_gate::Held;
use standstill_gate::phase::phase_name;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper edges of the latency histogram, in microseconds.
const EDGES: [u64; 8] = [100, 250, 500, 1_000, 2_500, 5_000, 25_000, 100_000];

#[derive(Debug, Default)]
struct Counts {
    answers: BTreeMap<(&'static str, &'static str), u64>,
    latency: [u64; EDGES.len() + 1],
    latency_microseconds: u64,
    overruns: u64,
    unreadable: u64,
    journal_size: u64,
    journal_failed: bool,
    phase: String,
    as_of_unix_seconds: u64,
    source_failures: u64,
    source_problem: Option<String>,
    submitted: u64,
}

/// What a gate has done, and how it stands.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<Counts>,
}

/// How a gate stands, for `/health`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Phase, or `unknown`.
    pub phase: String,
    /// Time of the situation, in seconds since the Unix epoch; 0 without one.
    pub as_of_unix_seconds: u64,
    /// For how much longer covered work can start under it, in seconds.
    pub holds_seconds: u64,
    /// Decisions in the journal.
    pub decisions: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opened(&self, size: u64, held: Option<&Held>) {
        self.lock().journal_size = size;
        self.learned(held);
    }

    pub(super) fn learned(&self, held: Option<&Held>) {
        let mut counts = self.lock();
        counts.phase = phase_name(held.map(|held| held.situation().phase)).to_string();
        counts.as_of_unix_seconds = held.map_or(0, |held| held.situation().as_of_unix_seconds);
    }

    pub(super) fn told(&self, told: &Told, took: Duration) {
        let mut counts = self.lock();
        let key = told
            .decision
            .as_ref()
            .map_or(("pass", "uncovered"), |decision| (decision.verdict.name(), decision.coverage.name()));
        *counts.answers.entry(key).or_default() += 1;
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let slot = EDGES.iter().position(|edge| microseconds <= *edge).unwrap_or(EDGES.len());
        counts.latency[slot] += 1;
        counts.latency_microseconds = counts.latency_microseconds.saturating_add(microseconds);
    }

    pub(super) fn overrun(&self) {
        self.lock().overruns += 1;
    }

    pub(super) fn unreadable(&self) {
        self.lock().unreadable += 1;
    }

    pub(super) fn size(&self, size: u64) {
        self.lock().journal_size = size;
    }

    pub(super) fn journal_failed(&self) {
        self.lock().journal_failed = true;
    }

    pub(super) fn source(&self, result: &Result<(), String>) {
        let mut counts = self.lock();
        counts.source_failures += u64::from(result.is_err());
        counts.source_problem = result.as_ref().err().cloned();
    }

    pub(super) fn submitted(&self, total: u64) {
        self.lock().submitted = total;
    }

    /// How the gate stands.
    #[must_use]
    pub fn health(&self, hold_seconds: u64, now_unix_seconds: u64) -> Health {
        let counts = self.lock();
        let end = counts.as_of_unix_seconds.saturating_add(hold_seconds);
        let known = counts.as_of_unix_seconds > 0;
        let holds_seconds = if known { end.saturating_sub(now_unix_seconds) } else { 0 };
        let mut problems = Vec::new();
        if counts.journal_failed {
            problems.push(
                "decisions cannot be recorded; covered work is refused. Look at the disk and start the gate anew"
                    .to_owned(),
            );
        }
        if let Some(problem) = &counts.source_problem {
            problems.push(format!("no newer situation: {problem}"));
        }
        if holds_seconds == 0 {
            problems.push("no situation that is young enough; covered work is refused".to_owned());
        }
        Health {
            phase: counts.phase.clone(),
            as_of_unix_seconds: counts.as_of_unix_seconds,
            holds_seconds,
            decisions: counts.journal_size,
            problems,
        }
    }

    /// Prometheus text.
    #[must_use]
    pub fn text(&self) -> String {
        let counts = self.lock();
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            // Writing to a string cannot fail.
            _ = writeln!(out, "# HELP standstill_gate_{name} {help}\n# TYPE standstill_gate_{name} {kind}");
            for (labels, value) in lines {
                _ = writeln!(out, "standstill_gate_{name}{labels} {value}");
            }
        };
        let one = |value: u64| vec![(String::new(), value)];
        let answers: Vec<_> = counts
            .answers
            .iter()
            .map(|((verdict, coverage), count)| (format!("{{verdict=\"{verdict}\",coverage=\"{coverage}\"}}"), *count))
            .collect();
        family("answers_total", "counter", "Answers to schedulers.", &answers);
        let mut sum = 0;
        let mut buckets: Vec<_> = EDGES
            .iter()
            .zip(counts.latency)
            .map(|(edge, count)| {
                sum += count;
                (format!("_bucket{{le=\"0.{edge:06}\"}}"), sum)
            })
            .collect();
        let total: u64 = counts.latency.iter().sum();
        buckets.push(("_bucket{le=\"+Inf\"}".to_owned(), total));
        buckets.push(("_count".to_owned(), total));
        family("answer_seconds", "histogram", "Time from question to durable answer.", &buckets);
        let micros = counts.latency_microseconds;
        _ = writeln!(out, "standstill_gate_answer_seconds_sum {}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            _ = writeln!(out, "# HELP standstill_gate_{name} {help}\n# TYPE standstill_gate_{name} {kind}");
            for (labels, value) in lines {
                _ = writeln!(out, "standstill_gate_{name}{labels} {value}");
            }
        };
        family("overruns_total", "counter", "Questions refused because too many waited.", &one(counts.overruns));
        family("unreadable_total", "counter", "Questions that could not be read.", &one(counts.unreadable));
        family("journal_decisions", "gauge", "Decisions in the journal.", &one(counts.journal_size));
        family(
            "journal_failed",
            "gauge",
            "1 when decisions cannot be recorded.",
            &one(u64::from(counts.journal_failed)),
        );
        family(
            "situation_unix_seconds",
            "gauge",
            "Time of the situation that is gone by.",
            &one(counts.as_of_unix_seconds),
        );
        family(
            "situation_failures_total",
            "counter",
            "Looks for a newer situation that failed.",
            &one(counts.source_failures),
        );
        family("submitted_decisions", "gauge", "Decisions that the log has taken.", &one(counts.submitted));
        family("phase", "gauge", "The phase, as a label.", &[(format!("{{phase=\"{}\"}}", counts.phase), 1)]);
        out
    }
}
