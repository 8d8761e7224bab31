//! Which report and which fleet stand, when a bundle was thinned, something was corrected, or the figures rest on a word only.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use standstill_agreement::{Agreement, Fill};
use standstill_ledger::ChipTable;
use standstill_seal::{FleetContext, GroupRegistration, MasterSecret, seal_fleet};
use standstill_statement::{
    BlobRef, Body, Class, FleetDeclaration, Hash32, Heartbeat, Mode, Name, RunDeclaration, SigningKey,
    decode_unverified,
};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_verify::bench::world::{Plan, START_UNIX_SECONDS, Scribe, Usage, WINDOW_SECONDS, World};
use standstill_verify::verdict::{Check, ReportStatus};
use standstill_verify::{
    Bundle, EvidenceLevel, Forgetful, Limits, MemorySource, Options, Outcome, Verdict, judge, render,
};

const PLAN: Plan =
    Plan { parties: 1, windows: 2, baseline_windows: 1, groups: 1, devices: 2, drawn: 1, mode: Mode::Open };
/// Long after the last grace period.
const LATE: u64 = START_UNIX_SECONDS + 9 * WINDOW_SECONDS;
const HOUR: u64 = 3_600;

fn world(plan: Plan) -> World {
    let mut world = World::new(plan).unwrap();
    world.declare_all().unwrap();
    world
}

fn judged(files: MemorySource) -> Verdict {
    let bundle = Bundle::from_source(Box::new(files), Limits::default()).unwrap();
    judge(&bundle, &Options::default(), &Forgetful)
}

fn finished(mut world: World) -> Verdict {
    world.finish().unwrap();
    judged(world.bundle().unwrap())
}

#[track_caller]
fn check<'a>(verdict: &'a Verdict, name: &str) -> &'a Check {
    let (issuer, id) = name.split_once('/').unwrap();
    let found = verdict.checks().find(|(of, check)| of.as_str() == issuer && check.id == id);
    found.unwrap_or_else(|| panic!("no check {name}")).1
}

#[track_caller]
fn assert_comes_out(verdict: &Verdict, name: &str, outcome: Outcome, words: &str) {
    let check = check(verdict, name);
    assert_eq!(check.outcome, outcome, "{name}: {}", check.reason);
    assert!(check.reason.contains(words), "{name}: {}", check.reason);
}

/// End of a window and so many hours.
fn after(window: u64, hours: u64) -> u64 {
    START_UNIX_SECONDS + (window + 1) * WINDOW_SECONDS + hours * HOUR
}

/// A fleet declaration of one group, sealed under another secret: only its public side matters here.
fn declare(world: &mut World, revision: u32, from_window: u64, devices: u16, unix_seconds: u64) {
    let agreement = world.agreement.id();
    let party = world.labs[0].scribe.name.clone();
    let least_devices = Fill { numerator: 9, denominator: 10 };
    let context =
        FleetContext { agreement, party, revision, from_window, window_seconds: WINDOW_SECONDS, least_devices };
    let group = GroupRegistration {
        group: 0,
        site: Name::new("site-a").unwrap(),
        area: Name::new("rack-0").unwrap(),
        model: Name::new("h100-sxm5").unwrap(),
        capacity_devices: devices,
        devices: (0..devices).map(|place| Hash32::of(&place.to_be_bytes())).collect(),
    };
    let master = MasterSecret::from_bytes([77; 32]);
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let sealed = seal_fleet(&master, &context, &[group], &ChipTable::builtin().unwrap(), &mut rng).unwrap();
    let blob = BlobRef::of(&sealed.blob);
    world.files.files.insert(format!("blobs/{}", blob.sha256), sealed.blob);
    let body = FleetDeclaration { revision, from_window, groups: sealed.groups, root: sealed.root, blob };
    let witnesses = world.witnesses.clone();
    let scribe = &mut world.labs[0].scribe;
    scribe.say(agreement, Body::Fleet(body), unix_seconds).unwrap();
    scribe.publish(&witnesses, unix_seconds).unwrap();
}

/// Says the last report again with other sources, in the place of the first.
fn rest_on(world: &mut World, sources: &[&str], unix_seconds: u64) {
    let (agreement, witnesses) = (world.agreement.id(), world.witnesses.clone());
    let scribe = &mut world.labs[0].scribe;
    let bytes = scribe.entries.pop().unwrap();
    scribe.notes.pop().unwrap();
    let Body::Report(mut report) = decode_unverified(&bytes).unwrap().body else { panic!("no report") };
    report.sources = sources.iter().map(|source| (*source).to_owned()).collect();
    scribe.say(agreement, Body::Report(report), unix_seconds).unwrap();
    scribe.publish(&witnesses, unix_seconds).unwrap();
}

#[test]
fn a_bundle_thinned_before_a_correction_verifies_nothing() {
    let mut world = world(PLAN);
    world.report(0, 0, Usage::FULL).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    // The auditor's log carries the as-of time past the grace period; the party's log ends before it.
    let witnesses = world.witnesses.clone();
    world.auditor.publish(&witnesses, LATE).unwrap();
    let thinned = judged(world.bundle().unwrap());
    let dark = Usage { unaccounted_seconds: 1_000, ..Usage::SLOWED };
    world.report_at(0, 1, 1, dark, &["base"], after(1, 20)).unwrap();
    let whole = finished(world);
    assert_comes_out(&whole, "north/limit-dark", Outcome::Violated, "window 1");
    assert_eq!(thinned.exit_code(), 3, "{}", render::text(&thinned));
    for name in ["ranges", "limit-dark", "fleet", "reports-in-time", "runs-declared", "conservation"] {
        assert_comes_out(&thinned, &format!("north/{name}"), Outcome::CannotConclude, "a correction may be missing");
    }
    assert_eq!(thinned.parties[0].windows[1].report, ReportStatus::Unknown);
    assert!(thinned.parties[0].windows[1].entry.is_some());
}

#[test]
fn a_proof_about_a_report_that_was_corrected_afterwards_accuses_nobody() {
    let mut world = world(PLAN);
    world.report(0, 0, Usage::FULL).unwrap();
    world.report_at(0, 1, 0, Usage::SLOWED, &["base"], after(1, 1)).unwrap();
    let corrected = Usage { training_petaops: 23_000, ..Usage::FULL };
    world.report_at(0, 0, 1, corrected, &["base"], after(0, 30)).unwrap();
    let witnesses = world.witnesses.clone();
    world.labs[0].scribe.publish(&witnesses, LATE).unwrap();
    world.auditor.publish(&witnesses, LATE).unwrap();
    let open = judged(world.bundle().unwrap());
    for limit in ["north/limit-train", "north/limit-run"] {
        let words = "the earlier report was corrected afterwards; publish this one again";
        assert_comes_out(&open, limit, Outcome::CannotConclude, words);
    }
    assert_eq!(open.exit_code(), 3, "{}", render::text(&open));
    let train = open.parties[0].windows[1].limits.iter().find(|limit| limit.id.as_str() == "train").unwrap();
    assert_eq!(train.holds, None);
    world.report_at(0, 1, 1, Usage::SLOWED, &["base"], after(0, 31)).unwrap();
    let again = finished(world);
    for limit in ["north/limit-train", "north/limit-run"] {
        assert_comes_out(&again, limit, Outcome::Verified, "2 reports under the limit");
    }
}

#[test]
fn a_limit_that_was_exceeded_is_not_excused_by_an_earlier_correction() {
    let mut world = world(PLAN);
    world.report(0, 0, Usage::FULL).unwrap();
    world.report_at(0, 0, 1, Usage::FULL, &["base"], after(0, 2)).unwrap();
    world.report(0, 1, Usage::FULL).unwrap();
    assert_comes_out(&finished(world), "north/limit-train", Outcome::Violated, "window 1");
}

#[test]
fn a_higher_fleet_revision_of_unknown_time_leaves_the_window_open() {
    let mut world = world(PLAN);
    declare(&mut world, 1, 1, 2, START_UNIX_SECONDS + 1_000);
    world.report(0, 0, Usage::FULL).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    world.finish().unwrap();
    let mut files = world.bundle().unwrap();
    assert_comes_out(
        &judged(files.clone()),
        "north/fleet",
        Outcome::Violated,
        "not use the fleet declaration in force",
    );
    files.files.remove("logs/north/checkpoints/3").unwrap();
    let thinned = judged(files);
    assert_comes_out(
        &thinned,
        "north/fleet",
        Outcome::CannotConclude,
        "whether fleet declaration 1 (entry 2) was public",
    );
}

#[test]
fn two_fleets_under_one_revision_are_a_breach() {
    let mut world = world(PLAN);
    declare(&mut world, 0, 0, 2, START_UNIX_SECONDS - 1_000);
    let verdict = finished(world);
    assert_comes_out(
        &verdict,
        "north/fleet",
        Outcome::Violated,
        "entries 0 and 2 declare the fleet under one revision",
    );
}

#[test]
fn capacity_that_leaves_is_named_and_a_larger_fleet_is_not() {
    for (devices, evidence) in [(1, EvidenceLevel::Assumed), (3, EvidenceLevel::Verified)] {
        let mut world = world(PLAN);
        declare(&mut world, 1, 2, devices, START_UNIX_SECONDS + 1_000);
        world.report(0, 0, Usage::FULL).unwrap();
        world.report(0, 1, Usage::SLOWED).unwrap();
        let verdict = finished(world);
        let fleet = check(&verdict, "north/fleet");
        assert_eq!((fleet.outcome, fleet.evidence), (Outcome::Verified, evidence), "{}", fleet.reason);
        assert_eq!(fleet.reason.contains("(50.0 %) from window 2 on"), devices == 1, "{}", fleet.reason);
    }
}

#[test]
fn a_run_that_plans_less_than_its_own_tokens_take_is_asked_about() {
    for (planned_petaops, evidence) in [(5_999_999, EvidenceLevel::Assumed), (6_000_000, EvidenceLevel::Verified)] {
        let mut world = world(PLAN);
        let run = RunDeclaration {
            run: Name::new("vast").unwrap(),
            parents: Vec::new(),
            class: Class::Pretraining,
            planned_petaops,
            parameters: 1_000_000_000,
            active_parameters: 1_000_000_000,
            dataset_tokens: 1_000_000_000_000,
            from_window: 0,
        };
        world.declare(0, START_UNIX_SECONDS - 500, run).unwrap();
        world.report(0, 0, Usage::FULL).unwrap();
        world.report(0, 1, Usage::SLOWED).unwrap();
        let verdict = finished(world);
        let runs = check(&verdict, "north/runs-declared");
        assert_eq!((runs.outcome, runs.evidence), (Outcome::Verified, evidence), "{}", runs.reason);
        assert_eq!(runs.reason.contains("take 6,000,000"), planned_petaops < 6_000_000, "{}", runs.reason);
    }
}

#[test]
fn a_baseline_of_other_telemetry_and_the_split_over_runs_are_the_partys_word() {
    let mut world = world(PLAN);
    world.report(0, 0, Usage::FULL).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    world.finish().unwrap();
    let equal = judged(world.bundle().unwrap());
    let train = check(&equal, "north/limit-train");
    assert_eq!((train.outcome, train.evidence), (Outcome::Verified, EvidenceLevel::Verified));
    let run = check(&equal, "north/limit-run");
    assert_eq!((run.outcome, run.evidence), (Outcome::Verified, EvidenceLevel::Assumed));
    assert!(run.reason.contains("is the party's word"), "{}", run.reason);
    // What `finish` cosigned again is said anew below.
    rest_on(&mut world, &["power-only"], after(1, 1));
    let other = finished(world);
    let train = check(&other, "north/limit-train");
    assert_eq!((train.outcome, train.evidence), (Outcome::Verified, EvidenceLevel::Assumed), "{}", train.reason);
    assert!(train.reason.contains("window 0 of it rests on dcgm-counters, window 1 on power-only"), "{}", train.reason);
}

#[test]
fn an_idle_second_auditor_leaves_nothing_open() {
    let mut world = World::new(PLAN).unwrap();
    let mut second = world.auditor.clone();
    second.name = Name::new("second").unwrap();
    second.signer = NoteSigner::from_seed("logs.example/second", KeyType::Ed25519, &[150; 32]).unwrap();
    let key = SigningKey::from_seed([151; 32]).public();
    let role = format!(
        "[[role]]\nkind = \"auditor\"\nid = \"second\"\nlog = \"{}\"\nstatement_keys = [\"{key}\"]\n[witnesses]\n",
        second.signer.verifier()
    );
    world.terms = world.terms.replace("[witnesses]\n", &role);
    world.agreement = Agreement::parse(&world.terms).unwrap();
    world.declare_all().unwrap();
    world.report(0, 0, Usage::FULL).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    world.finish().unwrap();
    let witnesses = world.witnesses.clone();
    let with = |world: &World, second: &Scribe| {
        let mut files = world.bundle().unwrap();
        files.files.insert("logs/second/checkpoint".to_owned(), second.latest.clone());
        judged(files)
    };
    second.publish(&witnesses, LATE).unwrap();
    let owing = with(&world, &second);
    for auditor in ["auditor", "second"] {
        assert_comes_out(&owing, &format!("{auditor}/draws-honest"), Outcome::CannotConclude, "draws were due");
    }
    for window in 0..2 {
        world.audit(0, window, |_| None).unwrap();
    }
    world.finish().unwrap();
    let idle = with(&world, &second);
    assert_comes_out(&idle, "second/draws-honest", Outcome::Verified, "none was due");
    assert_eq!(idle.exit_code(), 0, "{}", render::text(&idle));
    // Shown empty before the start only: what it said later may have been left out.
    second.publish(&witnesses, START_UNIX_SECONDS - HOUR).unwrap();
    assert_comes_out(&with(&world, &second), "second/statements", Outcome::CannotConclude, "no statement");
}

#[test]
fn a_party_may_change_its_key_and_the_old_one_no_longer_speaks_for_it() {
    let mut world = world(PLAN);
    let id = world.agreement.id();
    let time = START_UNIX_SECONDS + 1_000;
    world.report(0, 0, Usage::FULL).unwrap();
    let old = world.labs[0].scribe.clone();
    world.labs[0].scribe.rotate(77, id, time).unwrap();
    world.report(0, 1, Usage::SLOWED).unwrap();
    let mut stolen = old;
    stolen.entries.clone_from(&world.labs[0].scribe.entries);
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    assert_comes_out(&verdict, "north/statements", Outcome::Verified, "5 entries");
    assert_comes_out(&verdict, "north/reports-in-time", Outcome::Verified, "2 reports");

    // Whoever holds the retired key and the log's key can still append; everybody sees what it is.
    stolen.say(id, Body::Heartbeat(Heartbeat { window: 1 }), time).unwrap();
    world.labs[0].scribe.entries = stolen.entries;
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    assert_comes_out(&verdict, "north/statements", Outcome::Violated, "retired");
}
