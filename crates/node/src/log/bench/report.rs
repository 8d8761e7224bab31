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
    /// Appends a second and processor time per append, in microseconds, of the other log.
    peer: Option<(f64, f64)>,
}

/// What the figures beside each other mean.
const REMARK: &str = "the check's time is measured in this run on one thread that does nothing else, so its data stay in the caches; whatever it takes longer inside the server counts as time beside it";

impl BenchReport {
    pub(super) fn new(options: &BenchOptions, statement_bytes: usize) -> Self {
        let conditions = format!(
            "{} signed heartbeat statements of {statement_bytes} bytes (the smallest kind; a bare 200-byte entry would carry no signature, issuer or \
             chain), POST /add over {} kept HTTP/1.1 connections, one request under way on each; server and generator each on {} threads of one \
             machine; every statement verified strictly, every acknowledgement after a sync",
            options.statements, options.connections, options.threads
        );
        Self { conditions, rows: Vec::new(), check_microseconds: 0.0, peer: None }
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

    /// The other log.
    pub(super) fn peer(&mut self, timing: &Timing, used: Duration) {
        let each = microseconds(used, timing.count);
        self.row("other log: durable appends, not verified", timing.per_second(), "/s", None);
        self.row("other log: acknowledgement, 99 % within", timing.percentile_milliseconds(990), "ms", None);
        self.row("other log: processor time per append", each, "us", None);
        self.peer = Some((timing.per_second(), each));
    }

    pub(super) fn appends(&mut self, timing: &Timing, used: Duration) {
        self.row("verified durable appends", timing.per_second(), "/s", Some(">= 10,000"));
        self.row("acknowledgement, half of them within", timing.percentile_milliseconds(500), "ms", None);
        self.row("acknowledgement, 99 % within", timing.percentile_milliseconds(990), "ms", Some("<= 250"));
        let each = microseconds(used, timing.count);
        self.row("server's processor time per append", each, "us", None);
        let rest = (each - self.check_microseconds).max(0.0);
        self.row("of it, beside the check of the statement", rest, "us", Some("<= 22"));
        if let Some((per_second, peer)) = self.peer {
            self.row("time beside the check, of the other log's", rest / peer.max(1e-9), "x", Some("<= 0.5"));
            self.row("whole time, of the other log's", each / peer.max(1e-9), "x", None);
            self.row("appends, of the other log's", timing.per_second() / per_second.max(1e-9), "x", None);
        }
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
            let digits = match row.value {
                ..10.0 => 2,
                ..1000.0 => 1,
                _ => 0,
            };
            write!(f, "{:width$}  {:>12.digits$} {:<3}", row.what, row.value, row.unit)?;
            writeln!(f, "{}", row.bar.map_or_else(String::new, |bar| format!(" bar {bar}")))?;
        }
        writeln!(f, "\n{REMARK}")
    }
}
