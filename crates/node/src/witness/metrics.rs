//! Counters of a witness, as Prometheus text.

use super::record::Record;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// Answers by status.
#[derive(Debug, Default)]
pub struct Metrics {
    answers: Mutex<BTreeMap<u16, u64>>,
}

impl Metrics {
    pub(crate) fn count(&self, status: u16) {
        if let Ok(mut answers) = self.answers.lock() {
            *answers.entry(status).or_default() += 1;
        }
    }

    pub(crate) fn text(&self, logs: usize, record: &Record) -> String {
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            // Writing to a string cannot fail.
            _ = writeln!(out, "# HELP standstill_witness_{name} {help}\n# TYPE standstill_witness_{name} {kind}");
            for (labels, value) in lines {
                _ = writeln!(out, "standstill_witness_{name}{labels} {value}");
            }
        };
        let answers = self.answers.lock().map(|answers| answers.clone()).unwrap_or_default();
        let by_status: Vec<_> =
            answers.iter().map(|(status, count)| (format!("{{status=\"{status}\"}}"), *count)).collect();
        family("requests_total", "counter", "add-checkpoint requests by answer.", &by_status);
        let counters = record.counters();
        let one = |value: u64| vec![(String::new(), value)];
        family(
            "commits_total",
            "counter",
            "Durable commits; each serves all requests that waited.",
            &one(counters.groups.load(Ordering::Relaxed)),
        );
        family("decided_total", "counter", "Requests decided on.", &one(counters.decided.load(Ordering::Relaxed)));
        family(
            "commit_failures_total",
            "counter",
            "Commits that failed; after one nothing is signed.",
            &one(counters.failed.load(Ordering::Relaxed)),
        );
        family("logs", "gauge", "Logs configured.", &one(logs as u64));
        family("alarms", "gauge", "Contradictions on record.", &one(record.alarms().list().len() as u64));
        let heads = record.heads();
        let label = |origin: &str| format!("{{origin=\"{}\"}}", origin.replace('\\', "\\\\").replace('"', "\\\""));
        let sizes: Vec<_> = heads.iter().map(|(origin, head)| (label(origin), head.recorded.size)).collect();
        let times: Vec<_> =
            heads.iter().map(|(origin, head)| (label(origin), head.recorded.time_unix_seconds)).collect();
        family("size", "gauge", "Size last cosigned.", &sizes);
        family("cosigned_unix_seconds", "gauge", "Time of the last cosignature.", &times);
        out
    }
}
