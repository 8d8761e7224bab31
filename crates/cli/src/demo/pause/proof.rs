//! The bundle, and what a stranger gets from a copy of it in another place.

use super::live::Live;
use super::script::{LIAR, LIE_WINDOW, SILENT};
use crate::bundle::{Sources, collect};
use crate::exit::{CliError, CliResult};
use crate::folder;
use standstill_verify::runtime::Replayed;
use standstill_verify::{Forgetful, Outcome, Verdict, render};
use std::path::Path;

/// Collects the bundle, has two fresh processes judge it and a copy, and compares every byte of what they say.
pub(super) fn check(live: &mut Live, end: &Replayed) -> CliResult<()> {
    let bundle = live.out.join("bundle");
    let sources = Sources {
        agreement: live.out.join("agreement.toml"),
        homes: live.homes(),
        rounds: live.cast.rounds.clone(),
        forks: Vec::new(),
    };
    collect(&sources, &bundle)?;
    live.stage.borrow_mut().clear();
    let elsewhere = live.out.join("elsewhere/a copy of the bundle");
    folder::copy_tree(&bundle, &elsewhere, &|_| true)?;
    let hash = end.timeline.hash().to_string();
    let (timeline, verdict) =
        (twice(live, "timeline", &bundle, &elsewhere)?, twice(live, "verify", &bundle, &elsewhere)?);
    if !timeline.contains(&hash) || !verdict.contains(&hash) {
        return Err(CliError::bug("the bundle gives another timeline than the play"));
    }
    folder::write(&live.out.join("timeline.json"), timeline.as_bytes())?;
    folder::write(&live.out.join("verdict.json"), verdict.as_bytes())?;
    let judged = crate::command::verdict_of(&bundle, &Forgetful)?;
    folder::write(&live.out.join("report.html"), render::html(&judged).as_bytes())?;
    expected(&judged)?;
    super::script::Theatre::tell(
        live,
        &format!(
            "The bundle is copied elsewhere. Fresh processes get the same timeline ({} transitions, {}…) and the same verdict from both, byte for byte.",
            end.timeline.transitions.len(),
            hash.get(..8).unwrap_or_default()
        ),
    );
    println!();
    for party in &judged.parties {
        println!("    {}", party.sentence);
    }
    after(live, &bundle);
    Ok(())
}

/// What a command says about the bundle and about its copy; the two must be equal.
fn twice(live: &Live, what: &str, bundle: &Path, copy: &Path) -> CliResult<String> {
    let say = |folder: &Path| -> CliResult<String> {
        let folder = folder.display().to_string();
        match what {
            "timeline" => live.expect(&["agreement", "timeline", &folder, "--json"], 0),
            _ => live.expect(&["verify", &folder, "--json", "--no-cache"], i32::from(Outcome::Violated.exit_code())),
        }
    };
    let (first, second) = (say(bundle)?, say(copy)?);
    if first == second {
        return Ok(first);
    }
    Err(CliError::bug(format!("`{what}` says something else about a copy of the bundle")))
}

/// The demonstration fails when the verdict is not what happened.
fn expected(verdict: &Verdict) -> CliResult<()> {
    let wanted = [
        ("north", Outcome::Verified),
        ("east", Outcome::Verified),
        (LIAR, Outcome::Violated),
        (SILENT, Outcome::Violated),
    ];
    for (name, wanted) in wanted {
        let found = verdict.parties.iter().find(|party| party.party.as_str() == name);
        let outcome = found.map(|party| party.outcome);
        if outcome != Some(wanted) {
            let why = found.map(|party| party.sentence.clone()).unwrap_or_default();
            return Err(CliError::bug(format!(
                "the verdict on {name} is {outcome:?}, and {wanted:?} is what happened: {why}"
            )));
        }
    }
    // What the evaluators signed must follow from their runs, and the auditors must have drawn what they had to.
    if let Some(role) = verdict.roles.iter().find(|role| role.outcome != Outcome::Verified) {
        return Err(CliError::bug(format!("the verdict on {} is {:?}: {}", role.role, role.outcome, role.sentence)));
    }
    let found = verdict.parties.iter().find(|party| party.party.as_str() == LIAR);
    let failed = |kind: &str| {
        found.is_some_and(|party| {
            party.checks.iter().any(|check| check.id == kind && check.outcome == Outcome::Violated)
        })
    };
    if !failed("audit-findings") || !failed("limit-train") {
        return Err(CliError::bug(format!("{LIAR} was not found out in window {LIE_WINDOW} and after")));
    }
    Ok(())
}

fn after(live: &Live, bundle: &Path) {
    let (out, bundle) = (live.out.display(), bundle.display());
    println!(
        "\nPlayed in {:.0} s: {} reports, {} decisions of gates. The telemetry and the evaluated runs are made up, the beacon is the demonstration's own, time was compressed, and the roles follow a script; the rest is real.\n",
        live.started.elapsed().as_secs_f32(),
        live.reports,
        live.decisions
    );
    println!("Check it again (exit code 1, violated):  standstill verify {bundle}");
    println!("One screen about the end:                standstill agreement status {bundle}");
    println!("About the fourth day:                    standstill agreement status {bundle} --at 2026-11-04T12:00:00Z");
    println!("Every transition and who caused it:      standstill agreement timeline {bundle}");
    println!("Why {LIAR} was found out:                 standstill explain {bundle} {LIAR}/audit-findings");
    println!(
        "{SILENT}'s silence, offline:                 standstill log certificate {out}/{SILENT}-silent.certificate --agreement {out}/agreement.toml --party {SILENT}"
    );
    println!("What a gate went by:                     ls {out}/gates/north");
    println!("What each process said:                  ls {out}/logs");
    println!("Read the report:                         {out}/report.html");
}
