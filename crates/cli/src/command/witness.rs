//! `standstill witness`.

use crate::args::WitnessCommand;
use crate::clock;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::role::witnesses;
use standstill_statement::Name;
use standstill_tlog::TlogError;
use standstill_tlog::note::VerifierKey;
use std::path::Path;

pub(super) fn run(command: &WitnessCommand) -> CliResult {
    match command {
        WitnessCommand::Init { dir, name } => {
            let public = witnesses::create(dir, &Name::new(name).map_err(CliError::usage)?)?;
            println!(
                "Witness '{}' is set up in {}. Give others {}/public.toml; its key is\n{}",
                public.id,
                dir.display(),
                dir.display(),
                public.vkey
            );
            Ok(Exit::Ok)
        }
        WitnessCommand::Cosign { dir, log, vkey } => cosign(dir, log, vkey),
    }
}

fn cosign(dir: &Path, log: &Path, vkey: &str) -> CliResult {
    let key = VerifierKey::parse(vkey).map_err(|error| CliError::usage(format!("--vkey: {error}")))?;
    let mut witness = witnesses::open(dir)?;
    match witnesses::ask_folder(&mut witness, log, &key, clock::now_unix_seconds()) {
        Ok(size) => {
            println!("{} cosigned {} at size {size}.", witness.verifier().name(), key.name());
            Ok(Exit::Ok)
        }
        Err(TlogError::Fork(evidence)) => {
            let path = dir.join("fork.note");
            folder::write(&path, &evidence.to_bytes())?;
            let message = format!(
                "{} has shown two histories: both signed checkpoints are in {}. Publish them: put this witness's folder into the bundle (--from {})",
                evidence.origin(),
                path.display(),
                dir.display()
            );
            Err(CliError { message, exit: Exit::Fork })
        }
        Err(error) => Err(CliError::about(log.display(), error)),
    }
}
