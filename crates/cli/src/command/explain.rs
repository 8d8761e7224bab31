//! `standstill explain`.

use crate::args::ExplainArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::proof_memory::FolderMemory;
use standstill_verify::{Forgetful, ProofMemory, explain};

pub(super) fn run(args: &ExplainArgs) -> CliResult {
    let memory = FolderMemory::user();
    let memory: &dyn ProofMemory = memory.as_ref().map_or(&Forgetful, |memory| memory);
    let verdict = super::verify::verdict_of(&args.bundle, args.as_of, memory)?;
    let known = verdict.checks().any(|(owner, check)| format!("{owner}/{}", check.id) == args.check);
    let text = explain(&verdict, &args.check);
    if !known {
        return Err(CliError::usage(text.trim_end()));
    }
    print!("{text}");
    Ok(Exit::Ok)
}
