//! `standstill rehearse`.

use super::show::ledger_text;
use crate::args::RehearseArgs;
use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::progress::Progress;
use crate::rehearsal::{self, Request};
use standstill_statement::{Class, Mode, Name};
use standstill_verify::{Forgetful, render};

const MARK: &str = ".standstill-rehearsal";

pub(super) fn run(args: &RehearseArgs) -> CliResult {
    folder::prepare_output(&args.out, args.force, MARK)?;
    let class = match &args.class {
        None => Class::Pretraining,
        Some(word) => Class::from_name(word).ok_or_else(|| {
            CliError::usage(format!("--class {word}: write one of {}", Class::ALL.map(Class::name).join(", ")))
        })?,
    };
    let request = Request {
        kind: super::meter::kind(&args.source)?,
        input: args.input.clone(),
        chip: args.chip.clone(),
        per_node: args.per_node.unwrap_or(8),
        class,
        run: args.run.as_deref().map(Name::new).transpose().map_err(CliError::usage)?,
        select: args.select.clone(),
        period_seconds: args.period_seconds,
        table: args.table.clone(),
        trace_start_unix_seconds: args.trace_start,
        jobs: args.jobs.clone(),
        mode: if args.open { Mode::Open } else { Mode::Sealed },
    };
    let progress = Progress::start("Metering", 0, "");
    let rehearsed = rehearsal::play(&request, &args.out, &progress)?;
    drop(progress);
    let verdict = super::verify::verdict_of(&rehearsed.bundle, None, &Forgetful)?;
    let report = args.out.join("report.html");
    folder::write(&report, render::html(&verdict).as_bytes())?;
    if args.json {
        print!("{}", render::json(&verdict));
        return super::verify::exit_of(&verdict);
    }
    print!("{}", ledger_text(&rehearsed.ledger, false));
    for remark in &rehearsed.remarks {
        println!("  note: {remark}");
    }
    println!("\n{}", render::text(&verdict).trim_end());
    println!(
        "\n{} rows metered. The terms, witnesses, auditor and beacon are the rehearsal's own; every registered device was taken from the telemetry.",
        rehearsed.rows
    );
    println!("Read the report:  {}", report.display());
    println!("Check it again:   standstill verify {}", rehearsed.bundle.display());
    super::verify::exit_of(&verdict)
}
