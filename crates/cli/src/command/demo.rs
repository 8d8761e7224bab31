//! `standstill demo`.

use crate::args::{Cheat, DemoArgs, DemoCommand};
use crate::demo::{self, BASELINE_DAYS, CHEATER, Played, Plot};
use crate::exit::{CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use standstill_verify::{Forgetful, Verdict, render};
use std::time::Instant;

/// File that marks a folder as made by the demonstration.
const MARK: &str = ".standstill-demo";

pub(super) fn run(args: &DemoArgs) -> CliResult {
    match &args.command {
        Some(DemoCommand::Network { out, force }) => {
            folder::prepare_output(out, *force, MARK)?;
            return demo::network::play(out);
        }
        Some(DemoCommand::Pause { seed, witnesses_down, simulate: true, seeds, .. }) => {
            return demo::pause::simulate(*seeds, seed.unwrap_or(1), *witnesses_down);
        }
        Some(DemoCommand::Pause { out, force, seed, witnesses_down, .. }) => {
            folder::prepare_output(out, *force, MARK)?;
            return demo::pause::play(out, *seed, *witnesses_down);
        }
        Some(DemoCommand::Liar { key, listen, clock }) => return demo::network::liar::run(key, *listen, clock),
        None => {}
    }
    let started = Instant::now();
    folder::prepare_output(&args.out, args.force, MARK)?;
    let plot = Plot {
        cheat: telemetry_cheat(args.cheat),
        fork: args.cheat == Cheat::Fork,
        days: args.days,
        seed: args.seed,
        groups_per_report: 1,
    };
    let progress = Progress::start("Setting up", args.days, "days");
    eprintln!("Three labs, three witnesses and an auditor live through {} days. {}", args.days, story(args.cheat));
    let played = demo::play(&plot, &args.out, &progress)?;
    drop(progress);
    let verdict = super::verify::verdict_of(&played.bundle, None, &Forgetful)?;
    let report = args.out.join("report.html");
    folder::write(&report, render::html(&verdict).as_bytes())?;
    if args.json {
        print!("{}", render::json(&verdict));
    } else {
        print!("{}", render::text(&verdict));
        after(args, &played, &verdict, started.elapsed().as_secs());
    }
    // The demonstration itself succeeded, whatever its verdict: exit codes of verdicts belong to `verify`.
    Ok(Exit::Ok)
}

fn telemetry_cheat(cheat: Cheat) -> Option<standstill_sim::Cheat> {
    match cheat {
        Cheat::TailDrop => Some(standstill_sim::Cheat::TailDrop),
        Cheat::Relabel => Some(standstill_sim::Cheat::Relabel),
        Cheat::GhostChip => Some(standstill_sim::Cheat::GhostChip),
        Cheat::SplitRun => Some(standstill_sim::Cheat::SplitRun),
        Cheat::UnderReport => Some(standstill_sim::Cheat::UnderReport),
        Cheat::ReplayedTelemetry => Some(standstill_sim::Cheat::ReplayedTelemetry),
        Cheat::Fork | Cheat::None => None,
    }
}

fn story(cheat: Cheat) -> String {
    let what = match cheat {
        Cheat::TailDrop => "trains more than agreed from 18:00 on and drops those rows from its telemetry",
        Cheat::Relabel => "trains more than agreed and declares it as inference",
        Cheat::GhostChip => "trains more than agreed on chips that it neither registers nor meters",
        Cheat::SplitRun => "trains more than agreed under a new run name each day",
        Cheat::UnderReport => "trains more than agreed and reports two fifths of the activity and of the energy",
        Cheat::Fork => "signs two histories of its log",
        Cheat::ReplayedTelemetry => "trains more than agreed and exports a quiet hour again and again instead",
        Cheat::None => return "Nobody cheats.".to_owned(),
    };
    format!("From day {} on training is to be halved; {CHEATER} {what}.", BASELINE_DAYS + 1)
}

fn after(args: &DemoArgs, played: &Played, verdict: &Verdict, seconds: u64) {
    let (out, bundle) = (args.out.display(), played.bundle.display());
    let check = verdict.parties.iter().find(|party| party.party.as_str() == CHEATER).and_then(|party| {
        let worst = party.checks.iter().find(|check| check.outcome == standstill_verify::Outcome::Violated);
        worst.or_else(|| party.checks.first()).map(|check| check.id.clone())
    });
    println!(
        "\n{} reports, {} groups opened to the auditor, {} rows of telemetry metered, in {seconds} s.",
        played.reports, played.opened, played.rows
    );
    println!(
        "The telemetry is generated and the beacon is the demonstration's own; everything else is what real labs would run.\n"
    );
    println!("Read the report:     {out}/report.html");
    println!("Check it again:      standstill verify {bundle}");
    if let Some(check) = check {
        println!("Ask why:             standstill explain {bundle} {CHEATER}/{check}");
    }
    println!(
        "Break it by hand:    printf 'x' | dd of=\"$(ls -S {bundle}/blobs/* | head -1)\" bs=1 seek=1000 conv=notrunc"
    );
    println!("                     standstill verify {bundle}");
    println!(
        "(standstill is {}.)",
        std::env::current_exe()
            .map_or_else(|_| "target/release/standstill".to_owned(), |path| path.display().to_string())
    );
}
