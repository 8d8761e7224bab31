//! `standstill verify`.

use crate::args::VerifyArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use crate::proof_memory::FolderMemory;
use standstill_verify::{Bundle, Forgetful, Limits, Options, ProofMemory, Verdict, judge, render};
use std::path::Path;

pub(super) fn run(args: &VerifyArgs) -> CliResult {
    if let Some(threads) = args.threads {
        rayon_threads(threads)?;
    }
    let memory: Box<dyn ProofMemory> = if args.no_cache {
        Box::new(Forgetful)
    } else if let Some(folder) = &args.cache {
        Box::new(FolderMemory::new(folder))
    } else {
        FolderMemory::user().map_or_else(|| Box::new(Forgetful) as Box<dyn ProofMemory>, |memory| Box::new(memory))
    };
    let verdict = verdict_of(&args.bundle, args.as_of, memory.as_ref())?;
    if let Some(path) = &args.html {
        folder::write(path, render::html(&verdict).as_bytes())?;
        eprintln!("Wrote the report to {}.", path.display());
    }
    if args.json {
        print!("{}", render::json(&verdict));
    } else if args.quiet {
        println!("{}", verdict.sentence);
    } else {
        print!("{}", render::text(&verdict));
    }
    exit_of(&verdict)
}

/// Opens a bundle and judges it.
pub(crate) fn verdict_of(folder: &Path, as_of: Option<u64>, memory: &dyn ProofMemory) -> CliResult<Verdict> {
    let progress = Progress::start("Checking", 0, "");
    let bundle = Bundle::open(folder, Limits::default()).map_err(|error| CliError::about(folder.display(), error))?;
    progress.say("Checking signatures, logs and proofs");
    Ok(judge(&bundle, &Options { as_of_unix_seconds: as_of }, memory))
}

/// As [`verdict_of`], at the latest witnessed time.
pub(crate) fn judge_bundle(folder: &Path, memory: &dyn ProofMemory) -> CliResult<Verdict> {
    verdict_of(folder, None, memory)
}

/// The exit code of a verdict.
pub(crate) fn exit_of(verdict: &Verdict) -> CliResult {
    match verdict.exit_code() {
        0 => Ok(Exit::Ok),
        1 => Ok(Exit::Violated),
        3 => Ok(Exit::CannotConclude),
        4 => Ok(Exit::Unreadable),
        6 => Ok(Exit::Fork),
        other => Err(CliError::bug(format!("a verdict has the unknown exit code {other}"))),
    }
}

fn rayon_threads(threads: usize) -> CliResult<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(CliError::usage)
}
