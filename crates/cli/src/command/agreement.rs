//! `standstill agreement`.

mod json;
mod run_time;

use crate::args::AgreementCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::PublicHalf;
use crate::role::reading;
use crate::{clock, folder};
use serde_json::json;
use standstill_agreement::{Agreement, Change, Direction, RoleKind, Template};
use standstill_statement::{Name, PublicKey};
use std::path::{Path, PathBuf};

const DAY_SECONDS: u64 = 86_400;

pub(super) fn run(command: AgreementCommand) -> CliResult {
    match command {
        AgreementCommand::New { template, from, title, start, windows, out, json } => {
            let start = start.unwrap_or_else(|| (clock::now_unix_seconds() / DAY_SECONDS + 1) * DAY_SECONDS);
            let keys = keys(&from, title, start, windows)?;
            let text = match template {
                Some(name) => Agreement::scenario(&name, &keys).map_err(CliError::usage)?,
                None => Agreement::template(&with_marks(keys)?),
            };
            new(&text, out.as_deref(), json)
        }
        AgreementCommand::Check { file, json } => check(&file, json),
        AgreementCommand::Show { file, canonical, json } => show(&file, canonical, json),
        AgreementCommand::Diff { old, new, json } => diff(&old, &new, json),
        AgreementCommand::Status { bundle, at, json } => run_time::status(&bundle, at.as_deref(), json),
        AgreementCommand::Timeline { bundle, at, json } => run_time::timeline(&bundle, at.as_deref(), json),
        AgreementCommand::Situation { bundle, party, at } => run_time::situation(&bundle, &party, at.as_deref()),
        AgreementCommand::Id { file, json } => {
            let agreement = reading::agreement_file(&file)?;
            let id = agreement.id();
            if json {
                println!("{:#}", json!({ "id": id, "title": agreement.title }));
            } else {
                println!("{id}");
            }
            Ok(Exit::Ok)
        }
    }
}

fn new(text: &str, out: Option<&Path>, json: bool) -> CliResult {
    if let Some(path) = out {
        folder::write_new(path, text.as_bytes())?;
    }
    if json {
        let problems = Agreement::parse(text).err().unwrap_or_default();
        println!("{:#}", json!({ "file": out, "text": text, "to_fill_in": json::problems(&problems) }));
        return Ok(Exit::Ok);
    }
    match out {
        None => print!("{text}"),
        Some(path) => {
            println!("Wrote {}. Edit it, then run: standstill agreement check {}", path.display(), path.display());
        }
    }
    Ok(Exit::Ok)
}

/// The keys of the folders, and no other names.
fn keys(from: &[PathBuf], title: String, start_unix_seconds: u64, term_windows: u64) -> CliResult<Template> {
    let mut template = Template {
        title,
        start_unix_seconds,
        term_windows,
        parties: Vec::new(),
        roles: Vec::new(),
        witnesses: Vec::new(),
    };
    for home in from {
        let public = PublicHalf::read(home)?;
        let key = public.statement_key.as_deref().map(str::parse::<PublicKey>).transpose();
        let key = key.map_err(|error| CliError::about(home.join("public.toml").display(), error))?;
        match public.role.as_str() {
            "party" => template.parties.push((public.id, Some(public.vkey), key)),
            word if RoleKind::from_name(word).is_some() => {
                let kind = RoleKind::from_name(word).unwrap_or(RoleKind::Auditor);
                template.roles.push((kind, public.id, Some(public.vkey), key));
            }
            "witness" => template.witnesses.push((public.id, Some(public.vkey))),
            other => {
                return Err(CliError::unreadable(format!(
                    "{}: unknown role '{other}'",
                    home.join("public.toml").display()
                )));
            }
        }
    }
    Ok(template)
}

/// Marks to fill in, so that the file shows what is still missing.
fn with_marks(mut template: Template) -> CliResult<Template> {
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    if template.parties.is_empty() {
        template.parties = vec![(name("north")?, None, None), (name("south")?, None, None)];
    }
    if template.roles.is_empty() {
        template.roles = vec![(RoleKind::Auditor, name("auditor")?, None, None)];
    }
    if template.witnesses.is_empty() {
        template.witnesses = vec![(name("w1")?, None), (name("w2")?, None), (name("w3")?, None)];
    }
    Ok(template)
}

fn check(file: &Path, json: bool) -> CliResult {
    let result = Agreement::parse(&folder::read_text(file)?);
    if json {
        println!("{:#}", json::check(&result));
        return Ok(if result.is_ok() { Exit::Ok } else { Exit::Unreadable });
    }
    match result {
        Ok(agreement) => {
            println!("The terms can be judged by. Agreement id: {}\n\nThey imply:\n", agreement.id());
            print!("{}", agreement.implications());
            Ok(Exit::Ok)
        }
        Err(problems) => {
            for problem in &problems {
                println!("{}: {problem}", file.display());
            }
            let count = problems.len();
            Err(CliError::unreadable(format!(
                "{count} {} to correct in {}",
                if count == 1 { "problem" } else { "problems" },
                file.display()
            )))
        }
    }
}

fn show(file: &Path, canonical: bool, json: bool) -> CliResult {
    let agreement = reading::agreement_file(file)?;
    if canonical {
        println!("{}", agreement.canonical_json());
    } else if json {
        let terms: serde_json::Value = serde_json::from_str(&agreement.canonical_json()).map_err(CliError::bug)?;
        let implied = json::implications(&agreement);
        println!("{:#}", json!({ "id": agreement.id(), "terms": terms, "implications": implied }));
    } else {
        print!("{}", agreement.show());
    }
    Ok(Exit::Ok)
}

fn diff(old: &Path, new: &Path, json: bool) -> CliResult {
    let (before, after) = (reading::agreement_file(old)?, reading::agreement_file(new)?);
    let changes = before.diff(&after);
    if json {
        let changes: Vec<_> = changes.iter().map(json::change).collect();
        println!("{:#}", json!({ "old_id": before.id(), "new_id": after.id(), "changes": changes }));
        return Ok(Exit::Ok);
    }
    if changes.is_empty() {
        println!("The two say the same. Agreement id: {}", after.id());
        return Ok(Exit::Ok);
    }
    for change in &changes {
        println!("{change}");
    }
    println!("\n{}. {} -> {}", count(&changes), before.id().short(), after.id().short());
    println!("A signature on the earlier terms is none on the later ones: their ids differ.");
    Ok(Exit::Ok)
}

fn count(changes: &[Change]) -> String {
    let of = |direction| changes.iter().filter(|change| change.direction == direction).count();
    let (tighter, looser, open) = (of(Direction::Tighter), of(Direction::Looser), of(Direction::Open));
    format!("{} changes: {tighter} tighter, {looser} looser, {open} neither or open", changes.len())
}
