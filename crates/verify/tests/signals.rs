//! Signals in a bundle: computed again from their blobs, or openly not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use standstill_signals::changes;
use standstill_signals::claim::{self, FileVersions, Prepared, Subject, Tables};
use standstill_signals::horizon::{Input, Inputs, Plan as HorizonPlan, Role, recompute};
use standstill_statement::{BlobRef, Body, Decimal, Measured, Mode, Name, Reading};
use standstill_verify::bench::world::{Plan, START_UNIX_SECONDS, WINDOW_SECONDS, World};
use standstill_verify::verdict::Check;
use standstill_verify::{
    Bundle, CheckKind, Forgetful, InMemory, Limits, Options, Outcome, ProofMemory, Verdict, judge, render,
};

const PLAN: Plan =
    Plan { parties: 1, windows: 2, baseline_windows: 1, groups: 1, devices: 2, drawn: 1, mode: Mode::Open };
const LATE: u64 = START_UNIX_SECONDS + 9 * WINDOW_SECONDS;

fn runs() -> String {
    let mut out = String::new();
    for agent in 0..3u32 {
        for task in 0..24u32 {
            for run in 0..2u32 {
                let hard =
                    f64::from(task) / 2.0 - f64::from(3 * agent + 2) + f64::from((task * 5 + run * 7) % 9) / 2.0 - 2.0;
                out.push_str(&format!(
                    "{{\"run_id\":\"{agent}-{task}-{run}\",\"task_id\":\"f{}/t{task}\",\"task_family\":\"f{}\",\"alias\":\"M{agent}\",\"human_minutes\":{},\"score_binarized\":{}}}\n",
                    task % 12,
                    task % 12,
                    2f64.powf(f64::from(task) / 2.0),
                    u8::from(hard < 0.0)
                ));
            }
        }
    }
    out
}

fn subject(metric: &str) -> Subject {
    Subject { metric: Name::new(metric).unwrap(), party: None }
}

fn horizon() -> Prepared {
    let file = Input { role: Role::Runs, name: "runs.jsonl".to_owned(), bytes: runs().into_bytes() };
    let inputs = Inputs { files: vec![file], beacon: None };
    let plan = HorizonPlan::parse("[method]\nbootstrap.resamples = 50\n").unwrap();
    let record = recompute(&inputs, &plan, 1, &|_| {}).unwrap();
    claim::horizon(&subject("horizon_p50"), &[], &inputs, &plan, None, &record).unwrap()
}

fn scan() -> Prepared {
    let file = FileVersions { path: "a.py".to_owned(), old: None, new: Some("x = '\u{202e}'\n".into()) };
    claim::scan(&subject("scan_block"), "a file", false, Tables::default(), vec![file], Vec::new()).unwrap().0
}

/// A ledger of two commits, the second by an AI system.
fn ledger() -> Prepared {
    let method = changes::Method::default();
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let table = format!(
        "{{\"format\":\"standstill/changes-table/2\",\"method-hash\":\"{}\",\"head\":\"{two}\",\"persons\":[{{\"id\":\"aa\",\"nature\":\"person\"}},{{\"id\":\"claude\",\"nature\":\"ai\"}}],\"rows\":2}}\n\
         {{\"id\":\"{one}\",\"parents\":[],\"authored\":1,\"committed\":1,\"author\":0,\"committer\":0,\"cells\":[{{\"class\":\"training\",\"files\":1,\"added\":9,\"deleted\":0}}]}}\n\
         {{\"id\":\"{two}\",\"parents\":[\"{one}\"],\"authored\":2,\"committed\":2,\"author\":1,\"committer\":0,\"sources\":[\"author\"],\"cells\":[{{\"class\":\"training\",\"files\":1,\"added\":3,\"deleted\":0}}]}}\n",
        hex::encode(method.hash().unwrap()),
    )
    .into_bytes();
    let record = changes::recompute(&changes::Inputs { method, table: table.clone(), runs: None }).unwrap();
    claim::changes(&subject("ai_authored_share"), &table, None, &record).unwrap()
}

/// An honest world in whose last days the auditor signs the claims.
fn world(claims: &[Prepared]) -> World {
    let mut world = World::honest(PLAN).unwrap();
    let (agreement, witnesses) = (world.agreement.id(), world.witnesses.clone());
    for claim in claims {
        for blob in claim.inputs.iter().chain([&claim.result]) {
            world.files.files.insert(format!("blobs/{}", BlobRef::of(blob).sha256), blob.clone());
        }
        world.auditor.say(agreement, Body::Signal(claim.signal.clone()), LATE).unwrap();
    }
    world.auditor.publish(&witnesses, LATE).unwrap();
    world
}

fn judged(world: &World, memory: &dyn ProofMemory) -> Verdict {
    let bundle = Bundle::from_source(Box::new(world.bundle().unwrap()), Limits::default()).unwrap();
    judge(&bundle, &Options::default(), memory)
}

fn recomputed(verdict: &Verdict) -> Option<&Check> {
    verdict.checks().map(|(_, check)| check).find(|check| check.kind == CheckKind::SignalsRecomputed)
}

#[test]
fn honest_signals_are_computed_again() {
    let verdict = judged(&world(&[horizon(), scan(), ledger()]), &Forgetful);
    let check = recomputed(&verdict).unwrap();
    assert_eq!(check.outcome, Outcome::Verified, "{}", check.reason);
    assert_eq!((check.examined, check.failed, check.entries.len()), (3, 0, 3));
    assert_eq!(verdict.outcome, Outcome::Verified, "{}", verdict.sentence);
    assert!(render::text(&verdict).contains("signals-recomputed"));
}

#[test]
fn signals_of_other_kinds_are_told() {
    let mut other = scan();
    other.signal.kind = standstill_statement::SignalKind::Other;
    let verdict = judged(&world(&[scan(), other]), &Forgetful);
    let check = recomputed(&verdict).unwrap();
    assert_eq!((check.outcome, check.examined), (Outcome::Verified, 1));
    assert!(check.reason.contains("1 signal of other kinds not computed again"), "{}", check.reason);
}

#[test]
fn a_log_without_signals_has_no_such_check() {
    assert!(recomputed(&judged(&world(&[]), &Forgetful)).is_none());
}

#[test]
fn a_signal_that_does_not_follow_is_a_violation() {
    let mut forged = horizon();
    let Reading::Value(value) = forged.signal.reading.clone() else { panic!("{:?}", forged.signal.reading) };
    let lower = Decimal::new(value.estimate.digits / 2, value.estimate.power);
    forged.signal.reading = Reading::Value(Measured { estimate: lower, interval: None });
    let verdict = judged(&world(&[scan(), forged]), &Forgetful);
    let check = recomputed(&verdict).unwrap();
    assert_eq!((check.outcome, check.entries.len()), (Outcome::Violated, 1), "{}", check.reason);
    assert!(check.reason.contains("reading differs"), "{}", check.reason);
    assert_eq!(verdict.outcome, Outcome::Violated);
}

#[test]
fn a_changed_result_is_a_violation() {
    let mut forged = scan();
    forged.result = String::from_utf8(forged.result).unwrap().replacen("\"block\": 1", "\"block\": 0", 1).into_bytes();
    forged.signal.result = BlobRef::of(&forged.result);
    let verdict = judged(&world(&[forged]), &Forgetful);
    assert!(recomputed(&verdict).unwrap().reason.contains("result differs"));
}

#[test]
fn a_ledger_with_another_share_is_a_violation() {
    let mut forged = ledger();
    let Reading::Value(value) = &mut forged.signal.reading else { panic!("no value") };
    assert!(value.estimate.compare(250_000, -6).is_eq(), "{:?}", value.estimate);
    value.estimate = Decimal::millionths(100_000);
    let verdict = judged(&world(&[forged]), &Forgetful);
    let check = recomputed(&verdict).unwrap();
    assert_eq!(check.outcome, Outcome::Violated);
    assert!(check.reason.contains("reading differs"), "{}", check.reason);
}

#[test]
fn absent_blobs_cannot_conclude_and_are_listed() {
    let claims = [horizon(), scan()];
    let mut world = world(&claims);
    let gone = BlobRef::of(&claims[0].inputs[1]).sha256;
    world.files.files.remove(&format!("blobs/{gone}")).unwrap();
    let verdict = judged(&world, &Forgetful);
    let check = recomputed(&verdict).unwrap();
    assert_eq!(check.outcome, Outcome::CannotConclude, "{}", check.reason);
    assert!(check.reason.contains(&gone.short()), "{}", check.reason);
    let missing = verdict.missing.iter().find(|missing| missing.what.starts_with("signals-recomputed")).unwrap();
    assert_eq!(missing.issuer, world.auditor.name);
}

/// What is remembered saves the work, never the evidence.
#[test]
fn memory_does_not_stand_for_blobs() {
    let claim = scan();
    let memory = InMemory::default();
    let mut world = world(std::slice::from_ref(&claim));
    let first = judged(&world, &memory);
    let remembered = memory.len();
    let second = judged(&world, &memory);
    assert_eq!((first, memory.len()), (second, remembered));
    world.files.files.remove(&format!("blobs/{}", BlobRef::of(&claim.inputs[1]).sha256)).unwrap();
    assert_eq!(recomputed(&judged(&world, &memory)).unwrap().outcome, Outcome::CannotConclude);
}
