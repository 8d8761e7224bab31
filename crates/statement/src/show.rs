//! Statements in words: every field with its unit, one line each, hashes short where the full one is not needed to find something.

use crate::body::{
    Alarm, Body, Challenge, Finding, FleetDeclaration, Freeze, Header, Heartbeat, LogHead, Mode, Outcome, Report,
    Response, Rotation, RunDeclaration, Succession,
};
use crate::envelope::Signed;
use crate::gate::{GateDecision, GateVerdict};
use crate::ids::{BlobRef, Hash32, Name};
use crate::keys::PublicKey;
use crate::statement::Statement;
use crate::time;
use std::fmt::Write as _;

mod coordination;

/// Width of the label column.
const LABEL: usize = 14;
/// Longest list that is shown item by item.
const SHOWN: usize = 20;

/// Lays a statement out for people. Nothing in it is verified; see [`signed`].
#[must_use]
pub fn text(statement: &Statement) -> String {
    let mut page = Page::default();
    page.title(&format!("{} by {}", title(&statement.body), statement.header.issuer));
    match &statement.body {
        Body::Fleet(fleet) => fleet_lines(&mut page, fleet),
        Body::Report(report) => report_lines(&mut page, report),
        Body::Run(run) => run_lines(&mut page, run),
        Body::Challenge(challenge) => challenge_lines(&mut page, challenge),
        Body::Response(response) => response_lines(&mut page, response),
        Body::Finding(finding) => finding_lines(&mut page, finding),
        Body::Heartbeat(Heartbeat { window }) => page.line("window", &window.to_string()),
        Body::Alarm(alarm) => alarm_lines(&mut page, alarm),
        Body::Freeze(freeze) => freeze_lines(&mut page, freeze),
        Body::Rotation(rotation) => rotation_lines(&mut page, rotation),
        Body::Succession(succession) => succession_lines(&mut page, succession),
        Body::Decision(decision) => decision_lines(&mut page, decision),
        other => coordination::lines(&mut page, other),
    }
    page.gap();
    header_lines(&mut page, &statement.header);
    page.out
}

/// As [`text`], with what the signature says: full hash, signing key, size.
#[must_use]
pub fn signed(signed: &Signed) -> String {
    let mut page = Page { out: text(&signed.statement) };
    page.gap();
    page.line("statement", &signed.hash.to_string());
    page.line("signed with", &format!("{} (signature valid)", signed.key));
    page.line("size", &format!("{} bytes", grouped(signed.bytes_len as u64)));
    page.out
}

#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    fn title(&mut self, text: &str) {
        // Writing to a string cannot fail.
        _ = writeln!(self.out, "{text}\n{}", "-".repeat(text.chars().count()));
    }

    fn line(&mut self, label: &str, value: &str) {
        _ = writeln!(self.out, "{label:LABEL$}  {value}");
    }

    fn gap(&mut self) {
        self.out.push('\n');
    }

    /// A list with one item a line; the rest is counted.
    fn list(&mut self, label: &str, items: &[String]) {
        if items.is_empty() {
            return self.line(label, "none");
        }
        for (index, item) in items.iter().take(SHOWN).enumerate() {
            self.line(if index == 0 { label } else { "" }, item);
        }
        if items.len() > SHOWN {
            self.line("", &format!("and {} more", items.len() - SHOWN));
        }
    }
}

const fn title(body: &Body) -> &'static str {
    match body {
        Body::Fleet(_) => "Fleet declaration",
        Body::Report(_) => "Report",
        Body::Run(_) => "Run declaration",
        Body::Challenge(_) => "Challenge",
        Body::Response(_) => "Response",
        Body::Finding(_) => "Finding",
        Body::Heartbeat(_) => "Heartbeat",
        Body::Alarm(_) => "Alarm",
        Body::Freeze(_) => "Freeze",
        Body::Rotation(_) => "Key rotation",
        Body::Succession(_) => "Succession",
        Body::Ratification(_) => "Ratification",
        Body::Commitment(_) => "Sealed commitment",
        Body::Opening(_) => "Opened commitment",
        Body::Signal(_) => "Signal",
        Body::Raise(_) => "Trigger raised",
        Body::Lift(_) => "Lift request",
        Body::Vote(_) => "Vote",
        Body::Acknowledgement(_) => "Acknowledgement",
        Body::Question(_) => "Question",
        Body::Answer(_) => "Answer",
        Body::Dispute(_) => "Discrepancy case",
        Body::Ruling(_) => "Ruling",
        Body::Inspection(_) => "Inspection request",
        Body::Objection(_) => "Objection",
        Body::Conclusion(_) => "Inspection result",
        Body::Withdrawal(_) => "Withdrawal",
        Body::Suspension(_) => "Suspension",
        Body::Clarification(_) => "Clarification",
        Body::Decision(_) => "Gate decision",
    }
}

fn alarm_lines(page: &mut Page, alarm: &Alarm) {
    page.line("log", &format!("{} shows two histories", alarm.origin));
    page.line("size", &format!("{} entries", grouped(alarm.size)));
    page.line("first root", &alarm.first.to_string());
    page.line("second root", &alarm.second.to_string());
    page.line("evidence", &blob(&alarm.evidence));
}

fn freeze_lines(page: &mut Page, freeze: &Freeze) {
    page.line("log", "ends with this entry");
    page.line("reason", &freeze.reason);
    page.line("successor", freeze.successor.as_deref().unwrap_or("none"));
}

fn rotation_lines(page: &mut Page, rotation: &Rotation) {
    let key = |key: &PublicKey| format!("{key}, key id {}", hex::encode(key.key_id()));
    page.line("adds", &rotation.add.as_ref().map_or_else(|| "no key".to_owned(), |added| key(&added.key)));
    page.line("retires", &rotation.retire.as_ref().map_or_else(|| "no key".to_owned(), key));
    page.line("from", "the next statement on");
}

fn succession_lines(page: &mut Page, succession: &Succession) {
    page.line("log", "goes on for a frozen one");
    page.line("predecessor", &succession.predecessor);
    page.line("its agreement", &succession.agreement.to_string());
    page.line("its end", &format!("{} entries, root {}", grouped(succession.size), succession.root));
    page.line("its last", &format!("statement {}", succession.last));
}

fn decision_lines(page: &mut Page, decision: &GateDecision) {
    page.line("gate", &format!("{}, for {}", decision.gate, decision.party));
    let verdict = match decision.verdict {
        GateVerdict::Allow => format!("allowed until {}", time::utc(decision.expires_unix_seconds)),
        GateVerdict::Deny => "REFUSED".to_owned(),
    };
    page.line("answer", &format!("{verdict}, asked at {}", decision.point.name()));
    page.line("coverage", decision.coverage.name());
    page.list("clauses", &decision.clauses.iter().map(ToString::to_string).collect::<Vec<_>>());
    let known = match decision.situation {
        Some(situation) => format!("as of {}, situation {}", time::utc(decision.as_of_unix_seconds), situation.short()),
        None => "no situation known".to_owned(),
    };
    page.line("phase", &format!("{} ({known})", decision.phase));
    page.line("gate terms", &decision.terms.to_string());
    page.line("job", &format!("committed to by {}", decision.job));
    let earlier = decision.earlier.map_or_else(|| "none".to_owned(), |hash| hash.to_string());
    page.line("takes place of", &earlier);
}

fn header_lines(page: &mut Page, header: &Header) {
    page.line("agreement", &header.agreement.to_string());
    page.line("issuer", header.issuer.as_str());
    let previous =
        header.previous.map_or_else(|| "first in the log".to_owned(), |hash| format!("after {}", hash.short()));
    page.line("sequence", &format!("{} ({previous})", header.sequence));
    page.line("issued", &format!("{} (the issuer's own claim)", time::utc(header.issued_unix_seconds)));
    page.list("heads seen", &header.heads.iter().map(head).collect::<Vec<_>>());
}

fn head(head: &LogHead) -> String {
    format!("{}: {} entries, root {}", head.origin, grouped(head.size), head.root.short())
}

fn blob(blob: &BlobRef) -> String {
    format!("{} bytes, blob {}", grouped(blob.length_bytes), blob.sha256)
}

fn names(names: &[Name]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ") }
}

fn fleet_lines(page: &mut Page, fleet: &FleetDeclaration) {
    page.line("valid from", &format!("window {}", fleet.from_window));
    page.line("revision", &fleet.revision.to_string());
    page.line("groups", &format!("{} (padding included)", grouped(u64::from(fleet.groups))));
    page.line("fleet root", &fleet.root.to_string());
    page.line("records", &blob(&fleet.blob));
}

fn report_lines(page: &mut Page, report: &Report) {
    page.line("window", &report.window.to_string());
    let first = if report.revision == 0 { " (first)" } else { " (corrects an earlier report)" };
    page.line("revision", &format!("{}{first}", report.revision));
    page.line(
        "mode",
        match report.mode {
            Mode::Open => "open: totals in clear",
            Mode::Sealed => "sealed: proofs only",
        },
    );
    page.line("fleet", &format!("declaration {}", report.fleet.short()));
    page.line("groups", &grouped(u64::from(report.groups)));
    page.line("report root", &report.root.to_string());
    page.line("seal", &blob(&report.seal));
    page.line("runs", &names(&report.runs));
    let sources = report.sources.join(", ");
    page.line("sources", if sources.is_empty() { "none" } else { &sources });
}

fn run_lines(page: &mut Page, run: &RunDeclaration) {
    page.line("run", run.run.as_str());
    page.line("class", run.class.name());
    page.line("builds on", &names(&run.parents));
    page.line("planned", &operations(run.planned_petaops));
    page.line("parameters", &said(run.parameters, "parameters"));
    page.line("active", &said(run.active_parameters, "parameters per token"));
    page.line("data", &said(run.dataset_tokens, "tokens"));
    page.line("starts", &format!("window {} or later", run.from_window));
}

fn challenge_lines(page: &mut Page, challenge: &Challenge) {
    page.line("party", challenge.party.as_str());
    page.line("report", &challenge.report.to_string());
    page.line("drawn from", &head(&challenge.head));
    page.line("beacon round", &challenge.round.to_string());
    let drawn: Vec<String> = challenge.groups.iter().map(ToString::to_string).collect();
    let rows: Vec<String> = drawn.chunks(16).map(|row| row.join(", ")).collect();
    page.line("drawn", &format!("{} groups", drawn.len()));
    page.list("groups", &rows);
    page.line("answer by", &time::utc(challenge.respond_by_unix_seconds));
    page.line("encrypt to", &format!("X25519 key {}", challenge.inspector_key));
}

fn response_lines(page: &mut Page, response: &Response) {
    page.line("challenge", &response.challenge.to_string());
    page.line("opened", &format!("{} groups", response.items.len()));
    let items = response.items.iter().map(|item| format!("group {}: {}", item.group, blob(&item.opening)));
    page.list("openings", &items.collect::<Vec<_>>());
}

fn finding_lines(page: &mut Page, finding: &Finding) {
    page.line("party", finding.party.as_str());
    page.line("challenge", &finding.challenge.to_string());
    let count = |outcome: Outcome| finding.items.iter().filter(|item| item.outcome == outcome).count();
    let [good, bad, closed, flagged] =
        [Outcome::Match, Outcome::Mismatch, Outcome::NotOpened, Outcome::Flagged].map(count);
    page.line("outcome", &format!("{good} match, {bad} mismatch, {closed} not opened, {flagged} flagged"));
    let items = finding.items.iter().map(|item| {
        let reason = if item.reason.is_empty() { String::new() } else { format!(" ({})", item.reason) };
        let power = if item.power_reading { ", with a power reading" } else { "" };
        format!("group {}: {}{reason}{power}", item.group, outcome(item.outcome))
    });
    page.list("groups", &items.collect::<Vec<_>>());
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Match => "match",
        Outcome::Mismatch => "MISMATCH",
        Outcome::NotOpened => "NOT OPENED",
        Outcome::Flagged => "flagged",
    }
}

fn said(value: u64, unit: &str) -> String {
    if value == 0 { "not said".to_owned() } else { format!("{} {unit}", grouped(value)) }
}

/// Petaops as operations in powers of ten.
fn operations(petaops: u64) -> String {
    let digits = petaops.to_string();
    let mantissa = digits.trim_end_matches('0');
    if petaops == 0 {
        return "0 operations".to_owned();
    }
    let exponent = digits.len() + 14;
    let point = if mantissa.len() > 1 { "." } else { "" };
    format!("{}{point}{}e{exponent} operations", &mantissa[..1], &mantissa[1..])
}

/// Digits in groups of three.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The full hash of a statement's bytes, for callers that show an envelope which they could not verify.
#[must_use]
pub fn hash_line(bytes: &[u8]) -> String {
    format!("{:LABEL$}  {}\n", "statement", Hash32::of(bytes))
}

#[cfg(test)]
mod tests;
