//! `standstill agreement`.

use crate::args::AgreementCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::PublicHalf;
use crate::role::reading;
use crate::{clock, folder};
use standstill_agreement::{Agreement, RoleKind, Template};
use standstill_statement::{Name, PublicKey};
use std::path::{Path, PathBuf};

const DAY_SECONDS: u64 = 86_400;

pub(super) fn run(command: AgreementCommand) -> CliResult {
    match command {
        AgreementCommand::New { from, title, start, windows, out } => {
            let start = start.unwrap_or_else(|| (clock::now_unix_seconds() / DAY_SECONDS + 1) * DAY_SECONDS);
            let text = Agreement::template(&template(&from, title, start, windows)?);
            match out {
                None => print!("{text}"),
                Some(path) => {
                    folder::write_new(&path, text.as_bytes())?;
                    println!(
                        "Wrote {}. Edit it, then run: standstill agreement check {}",
                        path.display(),
                        path.display()
                    );
                }
            }
            Ok(Exit::Ok)
        }
        AgreementCommand::Check { file, json } => check(&file, json),
        AgreementCommand::Show { file, canonical } => {
            let agreement = reading::agreement_file(&file)?;
            if canonical {
                println!("{}", agreement.canonical_json())
            } else {
                print!("{}", agreement.show())
            }
            Ok(Exit::Ok)
        }
    }
}

fn template(from: &[PathBuf], title: String, start_unix_seconds: u64, term_windows: u64) -> CliResult<Template> {
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
            "auditor" => template.roles.push((RoleKind::Auditor, public.id, Some(public.vkey), key)),
            "witness" => template.witnesses.push((public.id, Some(public.vkey))),
            other => {
                return Err(CliError::unreadable(format!(
                    "{}: unknown role '{other}'",
                    home.join("public.toml").display()
                )));
            }
        }
    }
    // Marks to fill in, so that the file shows what is still missing.
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
        let value = match &result {
            Ok(agreement) => serde_json::json!({ "valid": true, "id": agreement.id().to_string(), "problems": [] }),
            Err(problems) => {
                let problems: Vec<_> = problems
                    .iter()
                    .map(|problem| serde_json::json!({ "line": problem.line, "problem": problem.problem, "remedy": problem.remedy }))
                    .collect();
                serde_json::json!({ "valid": false, "problems": problems })
            }
        };
        println!("{value:#}");
        return Ok(if result.is_ok() { Exit::Ok } else { Exit::Unreadable });
    }
    match result {
        Ok(agreement) => {
            println!("The terms can be judged by. Agreement id: {}", agreement.id());
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
