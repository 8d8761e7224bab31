//! Real Slurm accounting: every export of one small cluster tells the same story, and NREL's published jobs.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use real_data::{data, finish, fleet, window};
use standstill_meter::adapter::civil_time::UtcOffset;
use standstill_meter::adapter::fault::TextLimits;
use standstill_meter::adapter::sacct::{
    Accounting, ParsableOptions, Placement, SreportTotal, parse_eagle, parse_json, parse_parsable, parse_sreport,
};
use standstill_meter::source::{SourceKind, SourceOptions, open};
use standstill_meter::{UpperRule, adapter::sacct};
use standstill_statement::Class;

/// By hand from the fixture: 16x12 + 16x8 + 4x16 + 1x5 + 4 array tasks of 2x4 GPU-seconds.
const GPU_SECONDS: u128 = 192 + 128 + 64 + 5 + 32;

fn parsable(name: &str) -> Option<Accounting> {
    let bytes = std::fs::read(data(&format!("slurm/fixture_22.05/{name}"))?).expect("export");
    Some(parse_parsable(&bytes, &ParsableOptions::default()).unwrap_or_else(|fault| panic!("{name}: {fault}")))
}

#[test]
fn four_exports_of_one_cluster_agree() {
    let (Some(steps), Some(all), Some(epoch)) =
        (parsable("sacct_P.txt"), parsable("sacct_X_P_ALL.txt"), parsable("sacct_epoch.txt"))
    else {
        return;
    };
    let bytes = std::fs::read(data("slurm/fixture_22.05/sacct.json").expect("beside")).expect("export");
    let json = parse_json(&bytes, &TextLimits::default()).expect("json");
    for accounting in [&steps, &all, &epoch, &json] {
        assert_eq!(accounting.accelerator_ms(0), GPU_SECONDS * 1000);
        assert_eq!((accounting.jobs.len(), accounting.notes.never_started), (10, 1));
    }
    assert_eq!((steps.notes.steps, all.notes.steps, json.notes.steps), (10, 0, 10));
    let times = |a: &Accounting| {
        a.jobs.iter().map(|j| (j.id.clone(), j.start_ms, j.end_ms, j.accelerators.clone())).collect::<Vec<_>>()
    };
    assert_eq!(times(&steps), times(&epoch), "calendar text in UTC and epochs");
    assert_eq!(times(&all), times(&json));
}

#[test]
fn classes_come_from_the_submit_line_here() {
    let Some(accounting) = parsable("sacct_P.txt") else { return };
    let map = accounting.job_map().expect("map");
    assert_eq!(map.get("1").expect("declared").class, Class::Pretraining);
    assert_eq!(map.get("1").expect("declared").run.as_ref().map(ToString::to_string).as_deref(), Some("r1"));
    assert_eq!(map.get("2").expect("declared").class, Class::Posttraining, "rl changes weights");
    assert_eq!(map.get("3").expect("declared").class, Class::Inference);
    assert_eq!(map.get("4"), None, "undeclared: unaccounted, not guessed from its name");
    assert_eq!(accounting.notes.undeclared, 5);
    let bytes = std::fs::read(data("slurm/fixture_22.05/sacct.json").expect("beside")).expect("export");
    let json = parse_json(&bytes, &TextLimits::default()).expect("json");
    assert!(
        json.job_map().expect("map").jobs.is_empty(),
        "the 22.05 JSON has no submit line and its comments are empty"
    );
}

#[test]
fn array_tasks_have_two_names() {
    let Some(accounting) = parsable("sacct_P.txt") else { return };
    let task = accounting.jobs.iter().find(|job| job.shown_id == "6_2").expect("task");
    assert_eq!((task.id.as_str(), task.accelerators.count, task.nodes.as_slice()), ("10", 2, &["n2".to_owned()][..]));
}

#[test]
fn sreport_equals_the_sum_or_says_nothing() {
    let Some(path) = data("slurm/fixture_22.05/sreport_gpu.txt") else { return };
    let total = parse_sreport(&std::fs::read(path).expect("report"), &TextLimits::default()).expect("report");
    // The real report was made before the hourly roll-up: it supports no statement. A rolled-up one must equal the sum of -X rows.
    assert_eq!(total, SreportTotal::NothingReported);
    let rolled = format!(
        "Usage reported in TRES Minutes\nCluster|Account|Login|Proper Name|TRES Name|Used\nloop|root|||gres/gpu|{0}\nloop|a|root|root|gres/gpu|{0}\n",
        GPU_SECONDS / 60
    );
    let SreportTotal::Minutes { total, rows } =
        parse_sreport(rolled.as_bytes(), &TextLimits::default()).expect("report")
    else {
        panic!("rows");
    };
    assert!((u128::from(total) * 60).abs_diff(GPU_SECONDS) <= u128::from(rows) * 60);
}

#[test]
fn accounting_alone_becomes_a_checked_ledger() {
    let Some(path) = data("slurm/fixture_22.05/sacct_P.txt") else { return };
    let keys: Vec<String> = (1..=2).flat_map(|n| (0..8).map(move |i| format!("n{n}/{i}"))).collect();
    let (spec, grid) = window(1_795_199_353_000, 1);
    let range_ms = Some((spec.start_ms, spec.end_ms()));
    let placement = Placement::of_keys(keys.iter().map(String::as_str));
    let options = SourceOptions { placement, range_ms, ..SourceOptions::new(grid) };
    let metered = open(SourceKind::SacctParsable, &[path], &options).expect("metered");
    let ledger = finish(
        &metered,
        &fleet("h100-sxm5", keys.iter().map(String::as_str)),
        &spec,
        &metered.jobs,
        UpperRule::ChipTime,
    );
    let totals = ledger.totals();
    assert_eq!(totals.class(Class::Pretraining).milliseconds, 192_000);
    assert_eq!(totals.class(Class::Posttraining).milliseconds, 0, "job 2 trains without naming a run: unaccounted");
    assert_eq!(totals.class(Class::Inference).milliseconds, 64_000);
    assert_eq!(totals.class(Class::Unaccounted).milliseconds, (128 + 5 + 32) * 1000);
    assert_eq!(totals.class(Class::Idle).milliseconds, 16 * 3_600_000 - GPU_SECONDS * 1000);
    let training = &totals.class(Class::Pretraining).operations;
    assert_eq!((training.lower_ops, training.upper_ops), (0, 192 * 1_979_000_000_000_000), "allocation at peak");
}

#[test]
fn nothing_metered_means_every_job_is_without_telemetry() {
    let Some(accounting) = parsable("sacct_P.txt") else { return };
    let (_, grid) = window(0, 1);
    let empty = standstill_meter::Partials::new(standstill_meter::SourceContract::dcgm(10_000), grid);
    let found = sacct::reconcile(&accounting, &empty, 0, 10_000);
    assert_eq!(found.jobs_without_telemetry.values().sum::<u128>(), GPU_SECONDS * 1000);
    assert!(!found.jobs_without_telemetry.contains_key("5"), "the job without accelerators is not missing");
}

#[test]
fn real_eagle_jobs_support_allocation_only() {
    let Some(path) = data("slurm/nrel_sample_eagle_data.csv") else { return };
    // Eagle's clock was local (Mountain Time): the lab has to say so.
    let offset = UtcOffset::parse("-07:00").expect("offset");
    let accounting = parse_eagle(&std::fs::read(path).expect("list"), offset, &TextLimits::default()).expect("jobs");
    assert_eq!(accounting.jobs.len(), 1000);
    let held: Vec<_> = accounting.jobs.iter().filter(|job| job.accelerators.count > 0).collect();
    assert_eq!(held.len(), 4);
    println!(
        "Eagle: {} accelerator-seconds requested by {} of 1000 jobs",
        accounting.accelerator_ms(0) / 1000,
        held.len()
    );
    assert!(accounting.job_map().expect("map").jobs.is_empty(), "no class: all of it is unaccounted");
}
