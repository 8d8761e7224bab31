//! The `standstill` command as a library: arguments, roles with their folders, bundles, the demonstration.
//!
//! This is the only crate here that reads the clock and the system's randomness; everything below it takes both as arguments.

pub mod args;
pub mod bundle;
mod clock;
mod command;
pub mod demo;
pub mod exit;
mod folder;
mod network;
pub mod progress;
mod proof_memory;
mod random;
mod rehearsal;
pub mod role;
mod secret_file;
mod table_columns;

use clap::Parser;
use exit::Exit;
use std::process::ExitCode;

/// Entry point of the `standstill` binary.
#[must_use]
pub fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = std::panic::catch_unwind(|| command::run(cli.command));
    match outcome {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            eprintln!("standstill: {error}");
            error.exit.into()
        }
        Err(_) => {
            eprintln!(
                "standstill: this is a defect of standstill. Please report it with the command line and the lines above."
            );
            Exit::Bug.into()
        }
    }
}
