//! `standstill agreement status | timeline | situation`: how an agreement ran, from a bundle, offline.

use crate::command::log_network::moment;
use crate::exit::{CliError, CliResult, Exit};
use crate::proof_memory::FolderMemory;
use crate::role::situation;
use serde_json::json;
use standstill_agreement::runtime::{Cause, Status, Timeline};
use standstill_statement::Name;
use standstill_statement::time::utc;
use standstill_verify::runtime::{self, Replayed};
use standstill_verify::{Bundle, Forgetful, Limits, Options, ProofMemory, judge};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn status(folder: &Path, at: Option<&str>, json: bool) -> CliResult {
    let (bundle, replayed) = replayed(folder, at)?;
    if json {
        println!("{:#}", json!(replayed.status));
    } else {
        print!("{}", status_text(&bundle.agreement().title, &replayed.status));
    }
    Ok(Exit::Ok)
}

pub(super) fn timeline(folder: &Path, at: Option<&str>, json: bool) -> CliResult {
    let (_, replayed) = replayed(folder, at)?;
    let timeline = &replayed.timeline;
    if json {
        let value = json!(timeline.view());
        println!("{value:#}");
    } else {
        print!("{}", timeline_text(timeline));
    }
    Ok(Exit::Ok)
}

pub(super) fn situation(folder: &Path, party: &str, at: Option<&str>) -> CliResult {
    let party = Name::new(party).map_err(CliError::usage)?;
    let (bundle, replayed) = replayed(folder, at)?;
    if bundle.agreement().party(&party).is_none() {
        return Err(CliError::usage(format!("'{party}' is not a party of this agreement")));
    }
    let as_of = Some(replayed.timeline.as_of_unix_seconds);
    let memory = FolderMemory::user();
    let memory: &dyn ProofMemory = memory.as_ref().map_or(&Forgetful, |memory| memory);
    let verdict = judge(&bundle, &Options { as_of_unix_seconds: as_of }, memory);
    let situation = situation::of(&bundle, &verdict, &replayed, &party)?;
    println!("{:#}", json!(situation));
    Ok(Exit::Ok)
}

fn replayed(folder: &Path, at: Option<&str>) -> CliResult<(Bundle, Replayed)> {
    let at = at.map(moment).transpose()?;
    let bundle = Bundle::open(folder, Limits::default()).map_err(|error| CliError::about(folder.display(), error))?;
    let replayed = runtime::replay(&bundle, at);
    let replayed = replayed.ok_or_else(|| {
        CliError::usage(format!(
            "the terms in {} only follow a schedule, so nothing happens by statements. See: standstill agreement show {}/agreement.toml",
            folder.display(),
            folder.display()
        ))
    })?;
    Ok((bundle, replayed))
}

/// One screen.
fn status_text(title: &str, status: &Status) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", text.chars().filter(|c| !c.is_control()).collect::<String>());
    };
    line(title.to_owned());
    line(format!("agreement {}…, as of {}", status.agreement.short(), utc(status.as_of_unix_seconds)));
    line(format!(
        "phase     {}{}; clocks {}; term ends {}",
        status.phase,
        since(status.phase_since_unix_seconds),
        status.clock,
        utc(status.ends_unix_seconds)
    ));
    line(settled(status.settled_until_unix_seconds, &status.unsettled));
    line(format!("timeline  {} ({} transitions)", status.timeline, status.transitions));
    line(String::new());
    line("party            phase          bounds     bound  verified  acknowledged".to_owned());
    for party in &status.parties {
        let acknowledged = party.acknowledged.as_ref().map_or("-", Name::as_str);
        line(format!(
            "{:16} {:14} {:10} {:6} {:9} {acknowledged}",
            party.party.as_str(),
            party.phase,
            party.bounds,
            yes(party.bound),
            yes(party.verified)
        ));
    }
    for trigger in status.triggers.iter().filter(|trigger| trigger.state != "quiet") {
        let raise = trigger.raise.map_or_else(String::new, |raise| format!(", raise {raise}"));
        let epoch = trigger.epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
        let asked: Vec<&str> = trigger.lift_asked_by.iter().map(Name::as_str).collect();
        let asked = if asked.is_empty() { String::new() } else { format!("; {} asks to lift it", asked.join(", ")) };
        line(format!("trigger {}: {}{raise}{epoch}{asked}", trigger.trigger, trigger.state));
    }
    for case in &status.cases {
        let epoch = case.expulsion_epoch.map_or_else(String::new, |epoch| format!(", expulsion epoch {epoch}"));
        line(format!("case {}: {} against {}, {}{epoch}", case.case, case.accuser, case.respondent, case.stage));
    }
    for inspection in &status.inspections {
        let (given, needed) = (inspection.objections.len(), inspection.objections_needed);
        let objections = match inspection.stage {
            "objecting" => format!(", {given} of {needed} objections that would stop it"),
            _ => String::new(),
        };
        let (request, by, party) = (inspection.request, &inspection.requester, &inspection.party);
        line(format!("inspection {request}: {by} of {party}, {}{objections}", inspection.stage));
    }
    for question in &status.questions {
        let late = if question.due_unix_seconds.is_none() { ", not answered in time" } else { "" };
        line(format!("question {}: {} to {}{late}", question.question, question.by, question.party));
    }
    line(String::new());
    line(if status.due.is_empty() { "Nothing is due.".to_owned() } else { "Due".to_owned() });
    for due in status.due.iter().take(20) {
        line(format!("  {}  {}: {}", utc(due.by_unix_seconds), due.who, due.what));
    }
    line(if status.missing.is_empty() { "Nothing is missing.".to_owned() } else { "Missing".to_owned() });
    for missing in &status.missing {
        line(format!("  {missing}"));
    }
    for name in &status.at_fault {
        line(format!("{name} broke a rule for statements; see the timeline."));
    }
    out
}

fn timeline_text(timeline: &Timeline) -> String {
    let mut out = String::new();
    for transition in &timeline.transitions {
        let mark = if transition.decided { " " } else { "?" };
        let _ = writeln!(
            out,
            "{}{mark} {}: {} -> {} ({})",
            utc(transition.at_unix_seconds),
            transition.subject,
            transition.from,
            transition.to,
            transition.rule.words()
        );
        for cause in &transition.causes {
            let _ = writeln!(out, "                        by {}", cause_text(cause));
        }
    }
    for ignored in &timeline.ignored {
        let fault = if ignored.fault { ", a fault" } else { "" };
        let _ = writeln!(
            out,
            "{}  no effect{fault}: {} {}: {}",
            utc(ignored.at_unix_seconds),
            ignored.kind,
            cause_text(&ignored.statement),
            ignored.reason
        );
    }
    let _ = writeln!(out, "{}", settled(timeline.settled_until_unix_seconds, &timeline.unsettled));
    let _ = writeln!(out, "timeline  {} ({} transitions)", timeline.hash(), timeline.transitions.len());
    out
}

fn cause_text(cause: &Cause) -> String {
    format!("{} entry {} ({})", cause.issuer, cause.index, cause.statement)
}

fn settled(until: u64, unsettled: &[String]) -> String {
    if until == 0 {
        return format!(
            "settled   nothing yet{}",
            unsettled.first().map_or_else(String::new, |why| format!(": {why}"))
        );
    }
    let why = unsettled.first().map_or_else(String::new, |why| format!("; then: {why}"));
    format!("settled   until {}{why}", utc(until))
}

fn since(unix_seconds: u64) -> String {
    if unix_seconds == 0 { String::new() } else { format!(" since {}", utc(unix_seconds)) }
}

const fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
