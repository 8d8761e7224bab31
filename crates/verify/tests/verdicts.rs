//! Whole verdicts over small worlds: honest ones, guilty ones, and honest ones whose bundle somebody damaged on the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use standstill_statement::{Mode, Outcome as Found};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_verify::bench::world::{Plan, START_UNIX_SECONDS, Usage, WINDOW_SECONDS, World};
use standstill_verify::verdict::{AuditStatus, Check, ReportStatus};
use standstill_verify::{
    Bundle, EvidenceLevel, Forgetful, InMemory, Limits, MemorySource, Options, Outcome, Verdict, VerifyError, explain,
    judge, render,
};
use std::sync::OnceLock;

const PLAN: Plan =
    Plan { parties: 1, windows: 2, baseline_windows: 1, groups: 1, devices: 2, drawn: 1, mode: Mode::Open };

/// One honest world for all tests that only touch its files.
fn honest() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::honest(PLAN).unwrap())
}

/// Proofs of the honest world, checked once for all tests.
fn memory() -> &'static InMemory {
    static MEMORY: OnceLock<InMemory> = OnceLock::new();
    MEMORY.get_or_init(InMemory::default)
}

fn open(files: MemorySource) -> Result<Bundle, VerifyError> {
    Bundle::from_source(Box::new(files), Limits::default())
}

fn judged(files: MemorySource) -> Verdict {
    judge(&open(files).unwrap(), &Options::default(), memory())
}

#[track_caller]
fn check<'a>(verdict: &'a Verdict, name: &str) -> &'a Check {
    let (issuer, id) = name.split_once('/').unwrap();
    let found = verdict.checks().find(|(of, check)| of.as_str() == issuer && check.id == id);
    found.unwrap_or_else(|| panic!("no check {name}")).1
}

#[track_caller]
fn assert_violated(verdict: &Verdict, name: &str, words: &str) {
    let check = check(verdict, name);
    assert_eq!(check.outcome, Outcome::Violated, "{name}: {}", check.reason);
    assert!(check.reason.contains(words), "{name}: {}", check.reason);
}

/// Rule 2 of the crate: whatever is done to the files, an honest party is not accused.
#[track_caller]
fn assert_nobody_accused(verdict: &Verdict) {
    for (issuer, check) in verdict.checks() {
        assert!(
            check.outcome >= Outcome::CannotConclude,
            "{issuer}/{} is {:?}: {}",
            check.id,
            check.outcome,
            check.reason
        );
    }
}

#[test]
fn an_honest_world_is_verified_with_the_same_bytes_every_time() {
    let files = honest().bundle().unwrap();
    let verdict = judged(files.clone());
    assert_eq!(verdict.exit_code(), 0, "{}", render::text(&verdict));
    // The split over runs, on which the limit per lineage rests, is the party's word.
    assert_eq!(verdict.evidence, EvidenceLevel::Assumed);
    assert!(verdict.missing.is_empty() && verdict.ignored.is_empty());
    let fresh = judge(&open(files.clone()).unwrap(), &Options::default(), &Forgetful);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let single = one.install(|| judged(files));
    for other in [fresh, single] {
        assert_eq!(render::json(&other), render::json(&verdict));
        assert_eq!(render::html(&other), render::html(&verdict));
        assert_eq!(render::text(&other), render::text(&verdict));
    }
}

#[test]
fn two_b_is_shown_and_never_decides() {
    let verdict = judged(honest().bundle().unwrap());
    let outside = check(&verdict, "north/outside-evidence");
    assert_eq!((outside.outcome, outside.evidence), (Outcome::CannotConclude, EvidenceLevel::NoEvidence));
    assert!(verdict.sentence.contains("Undeclared chips cannot be seen"));
    assert_eq!(verdict.outcome, Outcome::Verified);
}

#[test]
fn figures_in_clear_are_shown_with_their_limits() {
    let verdict = judged(honest().bundle().unwrap());
    let rows = &verdict.parties[0].windows;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].seconds.as_ref().unwrap().iter().sum::<u64>(), 2 * WINDOW_SECONDS);
    let train = rows[1].limits.iter().find(|limit| limit.id.as_str() == "train").unwrap();
    // Two devices at 10,000 petaops, against half of the baseline's two at 24,000.
    assert_eq!(
        (train.amount.as_deref(), train.bound.as_deref(), train.holds),
        (Some("20000"), Some("24000"), Some(true))
    );
    assert_eq!(rows[0].report, ReportStatus::OnTime);
    assert_eq!(rows[0].audit, AuditStatus::Clean);
}

#[test]
fn explain_leads_from_a_check_to_its_entries() {
    let verdict = judged(honest().bundle().unwrap());
    let text = explain(&verdict, "north/limit-train");
    assert!(text.contains("50 % of the baseline") && text.contains("under these tree heads"), "{text}");
    assert!(explain(&verdict, "nobody/\u{1b}[31m").contains("north/conservation"));
}

#[test]
fn the_page_is_small_and_asks_for_nothing_from_outside() {
    let page = render::html(&judged(honest().bundle().unwrap()));
    assert!(page.len() < 150_000);
    for outside in ["<script", "http://", "https://", "url(", "<img", "<link", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn each_cheat_is_named_with_its_entries() {
    let mut world = World::new(Plan { windows: 4, ..PLAN }).unwrap();
    world.declare_all().unwrap();
    world.report(0, 0, Usage::FULL).unwrap();
    world.report(0, 1, Usage::FULL).unwrap();
    world.audit(0, 0, |_| Some((Found::Mismatch, "power-surplus"))).unwrap();
    let dark = Usage { unaccounted_seconds: 1_000, ..Usage::SLOWED };
    let late = world.agreement.report_deadline(2) + 60;
    world.report_at(0, 2, 0, dark, &["base"], late).unwrap();
    world.audit(0, 1, |_| Some((Found::NotOpened, "no-response"))).unwrap();
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    assert_eq!(verdict.exit_code(), 1);
    assert_violated(&verdict, "north/audit-findings", "more energy than the group accounts for (power-surplus)");
    assert_violated(&verdict, "north/audits-answered", "window 1: group 0 was not opened");
    assert_violated(&verdict, "north/limit-train", "window 1: the report carries no proof of at most 50 %");
    assert_violated(&verdict, "north/limit-dark", "window 2");
    assert_violated(&verdict, "north/reports-in-time", "window 3: no report by");
    assert_eq!(check(&verdict, "north/audit-findings").entries.len(), 6);
    assert_eq!(check(&verdict, "north/conservation").outcome, Outcome::Verified);
    assert_eq!(check(&verdict, "north/audits-made").outcome, Outcome::CannotConclude);
    let rows = &verdict.parties[0].windows;
    assert_eq!((rows[2].report, rows[3].report), (ReportStatus::Late, ReportStatus::Missing));
    assert_eq!((rows[1].audit, rows[2].audit), (AuditStatus::Failed, AuditStatus::NotMade));
    assert!(verdict.sentence.starts_with("north violated the terms"), "{}", verdict.sentence);
}

#[test]
fn forged_proofs_late_fleets_and_undeclared_runs_are_violations() {
    let mut world = World::new(Plan { mode: Mode::Sealed, ..PLAN }).unwrap();
    // A head of one heartbeat, cosigned after the start, is what proves that the fleet was not there before.
    let (agreement, witnesses) = (world.agreement.id(), world.witnesses.clone());
    let hello = standstill_statement::Body::Heartbeat(standstill_statement::Heartbeat { window: 0 });
    world.labs[0].scribe.say(agreement, hello, START_UNIX_SECONDS + 5).unwrap();
    world.labs[0].scribe.publish(&witnesses, START_UNIX_SECONDS + 5).unwrap();
    world.declare_fleet(0, START_UNIX_SECONDS + 10).unwrap();
    world.declare_run(0, "base", &[], START_UNIX_SECONDS + 10).unwrap();
    world.spoil = Some(|blob| {
        let middle = blob.len() / 2;
        blob[middle] ^= 1;
    });
    world.report(0, 0, Usage::FULL).unwrap();
    let too_soon = START_UNIX_SECONDS + WINDOW_SECONDS + 7_200;
    world.report_at(0, 1, 0, Usage::SLOWED, &["base"], too_soon).unwrap();
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    assert_violated(&verdict, "north/reports-in-time", "window 1: the report was public before the window was over");
    assert_violated(&verdict, "north/fleet", "declared after the window had begun");
    assert_violated(&verdict, "north/runs-declared", "declared after the start of window 0");
    let forged = verdict
        .checks()
        .any(|(_, check)| check.outcome == Outcome::Violated && check.reason.contains("does not verify"));
    assert!(forged, "{}", render::text(&verdict));
}

#[test]
fn a_flag_is_a_question_and_a_draw_of_ones_own_is_a_breach_by_the_auditor() {
    let mut world = World::new(Plan { windows: 2, groups: 3, ..PLAN }).unwrap();
    world.declare_all().unwrap();
    world.report(0, 0, Usage::FULL).unwrap();
    world.audit(0, 0, |_| Some((Found::Flagged, "class-profile"))).unwrap();
    let drawn = world.draw_unix_seconds(0);
    let mut chosen = world.draw(0, 0).unwrap();
    chosen.groups[0] = (chosen.groups[0] + 1) % 3;
    let agreement = world.agreement.id();
    world.auditor.say(agreement, standstill_statement::Body::Challenge(chosen), drawn + 5_000).unwrap();
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    let flag = check(&verdict, "north/tripwire");
    assert_eq!((flag.outcome, flag.evidence), (Outcome::CannotConclude, EvidenceLevel::DetectedOnly));
    assert_violated(&verdict, "auditor/draws-honest", "the beacon drew");
}

#[test]
fn a_fork_is_seen_in_an_alarm_and_among_the_checkpoints() {
    let lab = &honest().labs[0].scribe;
    let head = lab.head();
    let lie = lab.note(&Checkpoint::new(&head.origin, head.size, [7; 32]), &[], 0).unwrap();
    let mut alarm = lab.latest.clone();
    alarm.extend_from_slice(b"---\n");
    alarm.extend_from_slice(&lie);
    for (path, bytes) in [("alarms/1.note", alarm), ("logs/north/checkpoints/x", lie)] {
        let mut files = honest().bundle().unwrap();
        files.files.insert(path.to_owned(), bytes);
        let verdict = judged(files);
        assert_eq!(verdict.exit_code(), 6, "{path}");
        assert_eq!(verdict.forks.len(), 1);
        assert!(verdict.sentence.starts_with("north signed two histories"), "{}", verdict.sentence);
    }
}

#[test]
fn a_fork_at_an_older_size_is_seen_too() {
    let lab = &honest().labs[0].scribe;
    let mut files = honest().bundle().unwrap();
    let lie = lab.note(&Checkpoint::new(&lab.head().origin, 1, [7; 32]), &[], 0).unwrap();
    files.files.insert("logs/north/checkpoints/old".to_owned(), lie);
    // Size 1 is published by the honest log as well, so this is a pair of one size; without it, the tree itself contradicts.
    assert_eq!(judged(files.clone()).exit_code(), 6);
    files.files.remove("logs/north/checkpoints/1");
    assert_eq!(judged(files).exit_code(), 6);
}

#[test]
fn altered_terms_accuse_nobody() {
    for (from, to) in [("50% of baseline", "1% of baseline"), ("max = 1e24", "max = 1e15"), ("12h", "11h")] {
        let mut files = honest().bundle().unwrap();
        files.files.insert("agreement.toml".to_owned(), honest().terms.replace(from, to).into_bytes());
        let verdict = judged(files);
        assert_eq!(verdict.exit_code(), 3, "{from}: {}", verdict.sentence);
        assert_nobody_accused(&verdict);
        assert!(check(&verdict, "north/statements").reason.contains("not under these terms"));
    }
}

#[test]
fn leaving_out_any_file_accuses_nobody() {
    let whole = honest().bundle().unwrap();
    for path in whole.files.keys() {
        let mut files = whole.clone();
        files.files.remove(path);
        match open(files) {
            Ok(bundle) => assert_nobody_accused(&judge(&bundle, &Options::default(), memory())),
            Err(error) => assert!(path == "agreement.toml", "{path}: {error}"),
        }
    }
}

#[test]
fn damage_to_any_file_accuses_nobody() {
    let whole = honest().bundle().unwrap();
    for (place, (path, bytes)) in whole.files.iter().enumerate() {
        for cut in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let mut files = whole.clone();
            let mut damaged = bytes.clone();
            if place % 2 == 0 {
                damaged.truncate(cut)
            } else {
                damaged[cut] ^= 0x20
            }
            files.files.insert(path.clone(), damaged);
            if let Ok(bundle) = open(files) {
                assert_nobody_accused(&judge(&bundle, &Options::default(), memory()));
            }
        }
    }
}

#[test]
fn swapped_blobs_and_logs_accuse_nobody() {
    let whole = honest().bundle().unwrap();
    let blobs: Vec<&String> = whole.files.keys().filter(|path| path.starts_with("blobs/")).collect();
    let mut files = whole.clone();
    files.files.insert(blobs[0].clone(), whole.files[blobs[1]].clone());
    let verdict = judged(files);
    assert_nobody_accused(&verdict);
    let mut files = whole.clone();
    files.files.insert("logs/north/checkpoint".to_owned(), whole.files["logs/auditor/checkpoint"].clone());
    assert_nobody_accused(&judged(files));
}

#[test]
fn a_later_as_of_time_without_later_heads_proves_no_silence() {
    let mut world = World::new(PLAN).unwrap();
    world.declare_all().unwrap();
    let bundle = open(world.bundle().unwrap()).unwrap();
    let much_later = Options { as_of_unix_seconds: Some(START_UNIX_SECONDS + 90 * WINDOW_SECONDS) };
    let verdict = judge(&bundle, &much_later, &Forgetful);
    assert_nobody_accused(&verdict);
    assert!(check(&verdict, "north/reports-in-time").reason.contains("no cosigned head"));
    world.finish().unwrap();
    let verdict = judge(&open(world.bundle().unwrap()).unwrap(), &much_later, &Forgetful);
    assert_violated(&verdict, "north/reports-in-time", "window 0: no report by");
}

#[test]
fn a_party_whose_log_never_spoke_under_these_terms_is_not_accused_of_silence() {
    let mut world = World::new(PLAN).unwrap();
    world.finish().unwrap();
    let verdict = judged(world.bundle().unwrap());
    assert_eq!(verdict.exit_code(), 3);
    assert_nobody_accused(&verdict);
}

#[test]
fn too_many_statements_and_oversized_files_are_refused_in_bounded_memory() {
    let mut files = honest().bundle().unwrap();
    let lab = &honest().labs[0].scribe;
    let huge = lab.note(&Checkpoint::new(&lab.head().origin, 1_000_000, [7; 32]), &[], 0).unwrap();
    files.files.insert("logs/north/checkpoint".to_owned(), huge);
    let verdict = judged(files.clone());
    assert!(
        check(&verdict, "north/log-consistent").reason.contains("at most 100000"),
        "{}",
        check(&verdict, "north/log-consistent").reason
    );
    assert_nobody_accused(&verdict);
    files.files.insert("agreement.toml".to_owned(), vec![b'#'; 2 << 20]);
    assert!(matches!(open(files), Err(VerifyError::TooLarge { .. })));
}

#[test]
fn foreign_text_is_escaped() {
    let mut files = honest().bundle().unwrap();
    files.files.insert("alarms/<script>alert(1).note".to_owned(), b"x".to_vec());
    let page = render::html(&judged(files));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
}

#[cfg(unix)]
#[test]
fn links_in_a_bundle_are_never_followed() {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in &honest().bundle().unwrap().files {
        let full = folder.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, bytes).unwrap();
    }
    let verdict = judge(&Bundle::open(folder.path(), Limits::default()).unwrap(), &Options::default(), memory());
    assert_eq!(verdict.exit_code(), 0);
    assert_eq!(render::json(&verdict), render::json(&judged(honest().bundle().unwrap())));
    std::fs::remove_file(folder.path().join("agreement.toml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("agreement.toml")).unwrap();
    let refused = Bundle::open(folder.path(), Limits::default()).err().unwrap();
    assert!(matches!(refused, VerifyError::NotPlain { .. }), "{refused}");
}

/// Writes pages for looking at: `STANDSTILL_PAGES=/some/folder cargo test -p standstill-verify pages -- --ignored`.
#[test]
#[ignore = "writes pages to look at: STANDSTILL_PAGES=/some/folder cargo test -p standstill-verify --test verdicts pages -- --ignored"]
fn pages() {
    let Ok(folder) = std::env::var("STANDSTILL_PAGES") else { return };
    let mut world = World::new(Plan { parties: 3, windows: 14, baseline_windows: 5, groups: 2, ..PLAN }).unwrap();
    world.declare_all().unwrap();
    for window in 0..14 {
        for lab in 0..3 {
            world.plan.mode = if lab == 1 { Mode::Sealed } else { Mode::Open };
            let cheats = lab == 2 && window > 8;
            if cheats && window == 13 {
                continue;
            }
            let usage = if cheats && window == 11 { Usage::FULL } else { world.usage(window) };
            world.report(lab, window, usage).unwrap();
        }
        if let Some(before) = window.checked_sub(1) {
            for lab in 0..3 {
                let found = |_| (lab == 2 && before == 10).then_some((Found::Mismatch, "busy-idle"));
                world.audit(lab, before, found).unwrap();
            }
        }
    }
    for lab in 0..2 {
        world.audit(lab, 13, |_| None).unwrap();
    }
    world.finish().unwrap();
    let verdict = judge(&open(world.bundle().unwrap()).unwrap(), &Options::default(), &Forgetful);
    let page = render::html(&verdict);
    eprintln!("{} bytes", page.len());
    std::fs::write(format!("{folder}/verdict.html"), page).unwrap();
    std::fs::write(format!("{folder}/verdict.json"), render::json(&verdict)).unwrap();
    std::fs::write(format!("{folder}/verdict.txt"), render::text(&verdict)).unwrap();
}

/// Vectors for a second implementation: the honest bundle, and what follows from it and from changed copies of it.
#[test]
fn vectors() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/verify");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let files = honest().bundle().unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let hexed: std::collections::BTreeMap<&String, String> =
            files.files.iter().map(|(path, bytes)| (path, hex::encode(bytes))).collect();
        std::fs::write(folder.join("bundle.json"), serde_json::to_string_pretty(&hexed).unwrap() + "\n").unwrap();
        std::fs::write(folder.join("verdict.json"), render::json(&judged(files))).unwrap();
    }
    let text = std::fs::read_to_string(folder.join("bundle.json")).unwrap();
    let hexed: std::collections::BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    let files = hexed.into_iter().map(|(path, bytes)| (path, hex::decode(bytes).unwrap())).collect();
    let expected = std::fs::read_to_string(folder.join("verdict.json")).unwrap();
    assert_eq!(render::json(&judged(MemorySource { files })), expected);
}

/// `STANDSTILL_BENCH=10,90,2 cargo test --release -p standstill-verify bench -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: STANDSTILL_BENCH=10,90,2 cargo test --release -p standstill-verify --test verdicts bench -- --ignored --nocapture"]
fn bench() {
    let plan = std::env::var("STANDSTILL_BENCH").unwrap_or_else(|_| "2,4,1".to_owned());
    let numbers: Vec<u32> = plan.split(',').map(|number| number.parse().unwrap()).collect();
    let plan = standstill_verify::bench::BenchPlan {
        parties: u8::try_from(numbers[0]).unwrap(),
        days: u64::from(numbers[1]),
        groups: numbers[2],
    };
    let result = standstill_verify::bench::run(&plan, &mut |step| eprintln!("{step}")).unwrap();
    eprintln!("{}", serde_json::to_string_pretty(&result).unwrap());
}
