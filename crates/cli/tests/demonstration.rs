//! The demonstration's cheats, each judged by its bundle alone: what is caught is caught by the named check, what is not is said.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use standstill_cli::demo::{self, CHEATER, Plot};
use standstill_cli::progress::Progress;
use standstill_sim::Cheat;
use standstill_verify::{Bundle, Forgetful, Limits, Options, Outcome, Verdict, judge, render};

/// Seven days: five of baseline, two slowed.
fn play(cheat: Option<Cheat>, fork: bool) -> (Verdict, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    // Two draws a report: all of the cheater's groups, so that no test depends on luck.
    let plot = Plot { cheat, fork, days: 7, seed: 1, groups_per_report: 2 };
    let played = demo::play(&plot, folder.path(), &Progress::start("", 0, "")).unwrap();
    let bundle = Bundle::open(&played.bundle, Limits::default()).unwrap();
    (judge(&bundle, &Options::default(), &Forgetful), folder)
}

#[track_caller]
fn outcome(verdict: &Verdict, party: &str) -> Outcome {
    verdict.parties.iter().find(|candidate| candidate.party.as_str() == party).unwrap().outcome
}

#[track_caller]
fn caught_by(verdict: &Verdict, checks: &[&str]) {
    for honest in ["north", "east"] {
        assert_eq!(outcome(verdict, honest), Outcome::Verified, "{honest} is honest:\n{}", render::text(verdict));
    }
    assert_eq!(outcome(verdict, CHEATER), Outcome::Violated, "{}", render::text(verdict));
    let party = verdict.parties.iter().find(|party| party.party.as_str() == CHEATER).unwrap();
    let failed: Vec<&str> =
        party.checks.iter().filter(|check| check.outcome == Outcome::Violated).map(|check| check.id.as_str()).collect();
    for check in checks {
        assert!(failed.contains(check), "{check} did not fail:\n{}", render::text(verdict));
    }
    assert!(
        party.checks.iter().filter(|check| check.outcome == Outcome::Violated).all(|check| !check.entries.is_empty())
    );
    assert_eq!(verdict.exit_code(), 1);
}

#[test]
fn nobody_cheats_and_the_bundle_gives_the_same_bytes_again() {
    let (verdict, folder) = play(None, false);
    assert_eq!(verdict.exit_code(), 0, "{}", render::text(&verdict));
    let again = Bundle::open(&folder.path().join("bundle"), Limits::default()).unwrap();
    let again = judge(&again, &Options::default(), &Forgetful);
    assert_eq!(render::json(&verdict), render::json(&again));
    assert_eq!(render::html(&verdict), render::html(&again));
}

#[test]
fn tail_drop_is_caught_by_conservation_of_time() {
    caught_by(&play(Some(Cheat::TailDrop), false).0, &["limit-dark", "limit-train"]);
}

#[test]
fn ghost_chip_is_caught_by_the_auditors_meter() {
    caught_by(&play(Some(Cheat::GhostChip), false).0, &["audit-findings"]);
}

#[test]
fn split_run_is_caught_by_the_operators_total() {
    caught_by(&play(Some(Cheat::SplitRun), false).0, &["limit-train"]);
}

#[test]
fn under_report_is_caught_by_the_auditors_meter() {
    caught_by(&play(Some(Cheat::UnderReport), false).0, &["audit-findings"]);
}

#[test]
fn replayed_telemetry_is_caught_by_the_auditors_meter() {
    caught_by(&play(Some(Cheat::ReplayedTelemetry), false).0, &["audit-findings"]);
}

/// Published as a miss: nothing in the figures separates relabelled training from serving; at most a tripwire says "look closer".
#[test]
fn relabel_is_not_proved() {
    let (verdict, _folder) = play(Some(Cheat::Relabel), false);
    assert_ne!(outcome(&verdict, CHEATER), Outcome::Violated, "{}", render::text(&verdict));
}

#[test]
fn fork_is_proved_by_two_signatures() {
    let (verdict, _folder) = play(None, true);
    assert_eq!(verdict.exit_code(), 6, "{}", render::text(&verdict));
}
