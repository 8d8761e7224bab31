//! `standstill bundle`.

use crate::args::BundleArgs;
use crate::bundle::{Sources, collect};
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use standstill_audit::Round;
use std::path::Path;

pub(super) fn run(args: &BundleArgs) -> CliResult {
    let rounds = args.rounds.iter().map(|path| read_round(path)).collect::<CliResult<Vec<_>>>()?;
    let sources = Sources { agreement: args.agreement.clone(), homes: args.from.clone(), rounds, forks: Vec::new() };
    let collected = collect(&sources, &args.out)?;
    println!(
        "Collected {} logs, {} blobs, {} beacon rounds and {} pieces of evidence of forks into {}.",
        collected.logs,
        collected.blobs,
        collected.rounds,
        collected.forks,
        args.out.display()
    );
    println!("Check it anywhere, offline: standstill verify {}", args.out.display());
    Ok(Exit::Ok)
}

/// Reads a beacon round file.
pub(super) fn read_round(path: &Path) -> CliResult<Round> {
    Round::parse_json(&folder::read(path, 64 << 10)?).map_err(|error| CliError::about(path.display(), error))
}
