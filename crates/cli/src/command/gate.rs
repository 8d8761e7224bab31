//! `standstill gate`.

mod decide;
mod reconcile;
mod slurm_start;
mod wind_down;

use crate::args::{GateCommand, GateKnowledge};
use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::Issuer;
use crate::{clock, folder};
use standstill_gate::clause::{CLAUSES, Effect};
use standstill_gate::{Gate, Held, Situation, Terms};
use standstill_statement::Name;
use std::io::Read as _;
use std::path::Path;

pub(super) fn run(command: GateCommand) -> CliResult {
    match command {
        GateCommand::Init { home, id } => init(&home, &id),
        GateCommand::Decide { known, home, review, slurm, cluster, job, json } => {
            let form = if review {
                decide::Form::Review
            } else if slurm {
                decide::Form::Slurm
            } else {
                decide::Form::Job
            };
            decide::run(&known, home.as_deref(), form, &cluster, &job, json)
        }
        GateCommand::SlurmStart { config, job, squeue, scontrol } => slurm_start::run(&config, job, &squeue, &scontrol),
        GateCommand::Reconcile { print_command: true, .. } => {
            println!("{}", standstill_gate::slurm::accounting::COMMAND);
            Ok(Exit::Ok)
        }
        GateCommand::Reconcile { terms, journals, accounting, clock_seconds, end_seconds, json, .. } => {
            let accounting = accounting.ok_or_else(|| CliError::usage("name the accounting file with --accounting"))?;
            let tolerance = standstill_gate::reconcile::Tolerance { clock_seconds, end_seconds };
            reconcile::run(&terms, &journals, &accounting, tolerance, json)
        }
        GateCommand::WindDown { print_command: true, .. } => {
            println!("squeue {}", standstill_gate::slurm::queue::arguments(None).join(" "));
            Ok(Exit::Ok)
        }
        GateCommand::WindDown { known, orders, jobs, run, json, .. } => {
            wind_down::run(&known, orders.as_deref(), jobs.as_deref(), run, json)
        }
        GateCommand::Clauses { json, cedar } => {
            clauses(json, cedar);
            Ok(Exit::Ok)
        }
    }
}

fn init(home: &Path, id: &str) -> CliResult {
    let id = Name::new(id).map_err(CliError::usage)?;
    let public = Issuer::create(home, "gate", &id)?;
    println!("Made {}. The agreement names '{id}' with", home.display());
    println!("  log            {}", public.vkey);
    println!("  statement key  {}", public.statement_key.unwrap_or_default());
    println!("Then write a configuration: standstill node init --role gate --home {}", home.display());
    Ok(Exit::Ok)
}

fn clauses(json: bool, cedar: bool) {
    if cedar {
        print!("{}", include_str!("../../../gate/policies/gate.cedar"));
        return;
    }
    let effect = |effect| if effect == Effect::Permit { "permit" } else { "refuse" };
    if json {
        let list: Vec<_> = CLAUSES
            .iter()
            .map(|clause| {
                serde_json::json!({ "id": clause.id, "effect": effect(clause.effect), "cites": clause.cites, "sentence": clause.sentence })
            })
            .collect();
        println!("{:#}", serde_json::json!({ "clauses": list }));
        return;
    }
    for clause in CLAUSES {
        println!("{:20} {:7} {} [{}]", clause.id, effect(clause.effect), clause.sentence, clause.cites);
    }
}

fn terms(path: &Path) -> CliResult<Terms> {
    Terms::from_toml(&folder::read_text(path)?).map_err(|error| CliError::about(path.display(), error))
}

/// A gate that knows what the files say, and the time to decide at.
fn gate(known: &GateKnowledge) -> CliResult<(Gate, u64)> {
    let mut gate = Gate::new(terms(&known.terms)?).map_err(CliError::unreadable)?;
    if let Some(path) = &known.situation {
        let bytes = folder::read(path, standstill_gate::situation::MAX_SITUATION_BYTES as u64)?;
        let held = Situation::from_json(&bytes).and_then(Held::new);
        let learned = held.and_then(|held| gate.learn(held));
        learned.map_err(|error| CliError::about(path.display(), error))?;
    }
    Ok((gate, known.now.unwrap_or_else(clock::now_unix_seconds)))
}

/// Reads a file, or standard input for `-`.
fn input(path: &Path, limit: u64) -> CliResult<Vec<u8>> {
    if path != Path::new("-") {
        return folder::read(path, limit);
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| CliError::file("read", Path::new("standard input"), &error))?;
    if bytes.len() as u64 > limit {
        return Err(CliError::unreadable(format!("standard input has more than {limit} bytes")));
    }
    Ok(bytes)
}
