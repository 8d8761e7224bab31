use super::batches::RowRules;
use super::*;
use crate::adapter::dcgm_series::Instance;
use crate::sample::MISSING;
use crate::{Batch, Dictionary};

const RULES: RowRules = RowRules { max_gap_ms: 90_000, drop_stale: false };

fn whole(device: &str, workload: Option<&str>) -> Identity {
    Identity { device: device.into(), workload: workload.map(str::to_owned), ..Identity::default() }
}

fn slice(device: &str, id: &str, slices: Option<u32>, workload: Option<&str>) -> Identity {
    Identity { instance: Some(Instance { id: id.into(), slices }), ..whole(device, workload) }
}

fn rows(collector: Collector, rules: &RowRules) -> (Batch, Dictionary, Notes) {
    let (mut devices, mut jobs) = (Dictionary::devices(), Dictionary::jobs());
    let (mut batches, notes) = collector.into_batches("test", rules, &mut devices, &mut jobs).expect("rows");
    (batches.pop().unwrap_or_default(), jobs, notes)
}

#[test]
fn time_slicing_splits_and_does_not_double() {
    let mut collector = Collector::new();
    for (time, energy) in [(0, "1000"), (30_000, "4000")] {
        for pod in ["ml/a", "ml/b", "ml/c"] {
            let series = collector.series(whole("GPU-1", Some(pod))).expect("series");
            collector.push_text(series, Quantity::TensorActive, time, "0.6", 1).expect("push");
            collector.push_text(series, Quantity::Energy, time, energy, 1).expect("push");
        }
    }
    let (batch, jobs, notes) = rows(collector, &RULES);
    assert_eq!(batch.time_ms, [0, 10_000, 20_000, 30_000]);
    let names: Vec<&str> = batch.job.as_ref().expect("jobs").iter().map(|j| jobs.name(*j)).collect();
    assert_eq!(names[1..], ["ml/a", "ml/b", "ml/c"]);
    assert_eq!(batch.energy_millijoules.as_deref(), Some(&[1000, 2000, 3000, 4000][..]));
    assert_eq!(batch.tensor_active.as_deref(), Some(&[600_000; 4][..]));
    assert_eq!(notes.shared, 2);
}

#[test]
fn a_gap_is_not_divided() {
    let mut collector = Collector::new();
    for time in [0, 600_000] {
        for pod in ["ml/a", "ml/b"] {
            let series = collector.series(whole("GPU-1", Some(pod))).expect("series");
            collector.push_text(series, Quantity::TensorActive, time, "0.6", 1).expect("push");
        }
    }
    assert_eq!(rows(collector, &RULES).0.time_ms, [0, 600_000]);
}

#[test]
fn instances_are_weighted_by_their_slices() {
    let mut collector = Collector::new();
    for time in [0, 70_000] {
        for (id, slices, tensor) in [("1", 3, "0.7"), ("2", 2, "0.35")] {
            let series = collector.series(slice("GPU-1", id, Some(slices), Some(&format!("ml/{id}")))).expect("series");
            collector.push_text(series, Quantity::TensorActive, time, tensor, 1).expect("push");
            collector.push_text(series, Quantity::Energy, time, "500", 1).expect("push");
        }
    }
    let (batch, jobs, notes) = rows(collector, &RULES);
    assert_eq!(batch.time_ms, [0, 30_000, 50_000, 70_000]);
    // The first row has no stretch to divide: 3/7 of 0.7 and 2/7 of 0.35 of the device.
    assert_eq!(batch.tensor_active.as_deref(), Some(&[400_000, 700_000, 350_000, 0][..]));
    assert_eq!(jobs.name(batch.job.as_ref().expect("jobs")[3]), "", "unused slices belong to no job");
    assert_eq!(notes.instances, 2);
    assert_eq!(batch.energy_millijoules.expect("energy")[3], 500, "device energy is counted once, not per instance");
}

#[test]
fn the_whole_device_beats_its_instances() {
    let mut collector = Collector::new();
    let device = collector.series(whole("GPU-1", None)).expect("series");
    let part = collector.series(slice("GPU-1", "1", Some(7), None)).expect("series");
    collector.push_text(device, Quantity::TensorActive, 0, "0.5", 1).expect("push");
    collector.push_text(part, Quantity::TensorActive, 0, "0.9", 1).expect("push");
    assert_eq!(rows(collector, &RULES).0.tensor_active.as_deref(), Some(&[500_000][..]));
}

#[test]
fn an_instance_without_profile_is_refused() {
    let mut collector = Collector::new();
    let series = collector.series(slice("GPU-1", "1", None, None)).expect("series");
    collector.push_text(series, Quantity::TensorActive, 0, "0.5", 1).expect("push");
    let error = collector
        .into_batches("scrape", &RULES, &mut Dictionary::devices(), &mut Dictionary::jobs())
        .expect_err("no weight");
    assert!(error.to_string().contains("GPU_I_PROFILE"), "{error}");
}

#[test]
fn duplicates_count_and_conflicts_refuse() {
    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", None)).expect("series");
    for _ in 0..3 {
        collector.push_text(series, Quantity::Power, 5, "300", 1).expect("push");
    }
    assert_eq!(rows(collector, &RULES).2.duplicates, 2);

    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", None)).expect("series");
    collector.push_text(series, Quantity::Power, 5, "300", 1).expect("push");
    collector.push_text(series, Quantity::Power, 5, "301", 1).expect("push");
    assert!(collector.into_batches("t", &RULES, &mut Dictionary::devices(), &mut Dictionary::jobs()).is_err());
}

#[test]
fn units_are_checked() {
    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", None)).expect("series");
    let percent = collector.push_text(series, Quantity::TensorActive, 0, "63.5", 4).expect_err("percent");
    assert!(percent.to_string().contains("percent"), "{percent}");
    assert!(collector.push_text(series, Quantity::Power, 0, "350000", 4).is_err(), "milliwatts");
    assert!(collector.push_text(series, Quantity::Energy, 0, "-1", 4).is_err());
    collector.push_text(series, Quantity::Power, 0, "NaN", 4).expect("blank");
    assert_eq!(collector.notes.blanks, 1);
}

#[test]
fn blanks_stay_missing() {
    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", None)).expect("series");
    collector.push_text(series, Quantity::TensorActive, 0, "NaN", 1).expect("push");
    collector.push_text(series, Quantity::Power, 0, "100", 1).expect("push");
    collector.push_text(series, Quantity::TensorActive, 10, "0", 1).expect("push");
    let (batch, ..) = rows(collector, &RULES);
    assert_eq!(batch.tensor_active.as_deref(), Some(&[MISSING, 0][..]));
    assert_eq!(batch.power_milliwatts.as_deref(), Some(&[100_000, MISSING][..]));
}

#[test]
fn a_blank_still_names_its_workload() {
    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", Some("7"))).expect("series");
    collector.push_text(series, Quantity::TensorActive, 0, "0.5", 1).expect("push");
    collector.push_text(series, Quantity::TensorActive, 10, "NaN", 1).expect("push");
    let (batch, jobs, _) = rows(collector, &RULES);
    assert_eq!(batch.job.expect("jobs").iter().map(|j| jobs.name(*j)).collect::<Vec<_>>(), ["7", "7"]);
}

#[test]
fn resampled_repeats_are_dropped_when_asked() {
    let rules = RowRules { drop_stale: true, ..RULES };
    let mut collector = Collector::new();
    let series = collector.series(whole("GPU-1", None)).expect("series");
    for (time, value) in
        [(0, "0.605638"), (10, "0.605638"), (20, "0.605638"), (30, "0"), (40, "0"), (50, "1"), (60, "1")]
    {
        collector.push_text(series, Quantity::TensorActive, time, value, 1).expect("push");
    }
    let (batch, _, notes) = rows(collector, &rules);
    assert_eq!(batch.time_ms, [0, 30, 40, 50, 60]);
    assert_eq!(notes.stale, 2);
}
