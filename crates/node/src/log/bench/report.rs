//! The table.

use super::BenchOptions;
use super::load::Timing;
use std::fmt;
use std::time::Duration;

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The bar that it is held against, if there is one.
    pub bar: Option<&'static str>,
}

/// All measurements of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchReport {
    /// The conditions, in words.
    pub conditions: String,
    /// The lines, in order.
    pub rows: Vec<Row>,
    /// Processor time, in microseconds, that the check of a statement takes, as measured in this run.
    check_microseconds: f64,
}

/// Figures measured elsewhere, for comparison.
const ELSEWHERE: &str = "measured elsewhere, not in this run: Tessera v1.0.4 on POSIX files, entries not verified, 2 cores: 9,132 appends/s, \
                         ack p50 107 ms, p99 199 ms, 44 us processor time per append";

impl BenchReport {
    pub(super) fn new(options: &BenchOptions, statement_bytes: usize) -> Self {
        let conditions = format!(
            "{} signed heartbeat statements of {statement_bytes} bytes (the smallest kind; a bare 200-byte entry would carry no signature, issuer or \
             chain), POST /add over {} kept HTTP/1.1 connections, one request under way on each; server and generator each on {} threads of one \
             machine; every statement verified strictly, every acknowledgement after a sync",
            options.statements, options.connections, options.threads
        );
        Self { conditions, rows: Vec::new(), check_microseconds: 0.0 }
    }

    fn row(&mut self, what: &str, value: f64, unit: &'static str, bar: Option<&'static str>) {
        self.rows.push(Row { what: what.to_owned(), value, unit, bar });
    }

    /// How fast one core checks statements; a limit, and what a log that does not check them saves.
    pub(super) fn checks(&mut self, per_second: f64, check_microseconds: f64) {
        self.check_microseconds = check_microseconds;
        self.limit("statements verified (one core)", per_second);
        self.row("limit: processor time to verify a statement", check_microseconds, "us", None);
    }

    pub(super) fn limit(&mut self, what: &str, per_second: f64) {
        self.row(&format!("limit: {what}"), per_second, "/s", None);
    }

    pub(super) fn appends(&mut self, timing: &Timing, used: Duration) {
        self.row("verified durable appends", timing.per_second(), "/s", Some(">= 10,000"));
        self.row("acknowledgement, half of them within", timing.percentile_milliseconds(500), "ms", None);
        self.row("acknowledgement, 99 % within", timing.percentile_milliseconds(990), "ms", Some("<= 250"));
        let each = microseconds(used, timing.count);
        self.row("server's processor time per append", each, "us", None);
        let rest = (each - self.check_microseconds).max(0.0);
        self.row("of it, beside the check of the statement", rest, "us", Some("<= 22"));
    }

    pub(super) fn witness(&mut self, timing: &Timing) {
        let what = format!("witness: add-checkpoint, {} logs side by side", super::witness::LOGS);
        self.row(&what, timing.per_second(), "/s", Some(">= 1,000"));
        self.row("witness: answer, 99 % within", timing.percentile_milliseconds(990), "ms", None);
    }

    pub(super) fn reads(&mut self, timing: &Timing, used: Duration) {
        self.row("tile reads of 8 KiB", timing.per_second(), "/s", Some(">= 30,000"));
        self.row("server's processor time per tile read", microseconds(used, timing.count), "us", None);
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn microseconds(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / (count.max(1) as f64)
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.conditions)?;
        let width = self.rows.iter().map(|row| row.what.len()).max().unwrap_or(0);
        for row in &self.rows {
            let digits = if row.value < 1000.0 { 1 } else { 0 };
            write!(f, "{:width$}  {:>12.digits$} {:<3}", row.what, row.value, row.unit)?;
            writeln!(f, "{}", row.bar.map_or_else(String::new, |bar| format!(" bar {bar}")))?;
        }
        writeln!(f, "\n{ELSEWHERE}")
    }
}
