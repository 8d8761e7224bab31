//! One module per command. Each takes its arguments and gives an exit code; results go to standard output, the rest to standard error.

mod act;
mod agreement;
mod audit;
mod bench;
mod bundle;
mod demo;
mod explain;
mod fleet;
mod gate;
mod key;
mod lab;
mod log;
mod log_network;
mod meter;
mod node;
mod query;
mod rehearse;
mod show;
mod signal;
mod tables;
mod verify;
mod witness;

pub(crate) use verify::judge_bundle as verdict_of;

use crate::args::{Cli, Command};
use crate::exit::{CliError, CliResult, Exit};
use clap::CommandFactory;
use std::path::Path;

/// Runs a command.
///
/// # Errors
/// What went wrong, with its exit code.
pub(crate) fn run(command: Command) -> CliResult {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Key(command) => key::run(command),
        Command::Act(args) => act::run(&args),
        Command::Agreement(command) => agreement::run(command),
        Command::Fleet(command) => fleet::run(&command),
        Command::Meter(command) => meter::run(command),
        Command::Lab(command) => lab::run(command),
        Command::Log(command) => log::run(&command),
        Command::Node(args) => node::run(&args),
        Command::Gate(command) => gate::run(command),
        Command::Witness(command) => witness::run(&command),
        Command::Audit(command) => audit::run(command),
        Command::Signal(command) => signal::run(command),
        Command::Bundle(args) => bundle::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Chips { json } => tables::chips(json),
        Command::Rulebooks { json } => tables::rulebooks(json),
        Command::Man { dir } => man(&dir),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "standstill", &mut std::io::stdout());
            Ok(Exit::Ok)
        }
    }
}

fn man(dir: &Path) -> CliResult {
    crate::folder::make(dir)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(|error| CliError::file("write man pages to", dir, &error))?;
    println!("Wrote man pages to {}. Read one with: man -l {}/standstill.1", dir.display(), dir.display());
    Ok(Exit::Ok)
}
