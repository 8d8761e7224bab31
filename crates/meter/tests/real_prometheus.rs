//! Real dcgm-exporter scrapes and real Prometheus bodies, from bytes to a checked ledger.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use std::collections::BTreeMap;

use real_data::{data, finish, fleet, window};
use standstill_ledger::AlarmKind;
use standstill_meter::adapter::fault::TextLimits;
use standstill_meter::adapter::prometheus_text;
use standstill_meter::adapter::range_api;
use standstill_meter::adapter::remote_write::{self, Body};
use standstill_meter::adapter::rows::Collector;
use standstill_meter::source::{SourceKind, SourceOptions, open};
use standstill_meter::{JobMap, UpperRule};
use standstill_statement::Class;

const L40S: &str = "GPU-5b4e07f6-3a86-4340-039d-25f2a83cdc43";

fn scrape(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(data(&format!("dcgm_scrapes/{name}"))?).expect("scrape"))
}

#[test]
fn every_unedited_scrape_parses() {
    for (name, samples) in [
        ("v1.35_kops_tests_TestObservability_AcceleratorMetrics_ViaDCGM_output.prom", 23),
        ("v1.35_upcloud_accelerator-metrics.prom", 23),
        ("v1.36_vks_accelerator_metrics.prom", 11),
    ] {
        let Some(bytes) = scrape(name) else { return };
        let parsed =
            prometheus_text::parse(&bytes, &TextLimits::default()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(parsed.samples.len(), samples, "{name}");
    }
}

#[test]
fn a_scrape_pasted_twice_counts_once() {
    let Some(bytes) = scrape("v1.35_kops_tests_TestObservability_AcceleratorMetrics_ViaDCGM_output.prom") else {
        return;
    };
    let parsed = prometheus_text::parse(&bytes, &TextLimits::default()).expect("scrape");
    assert_eq!((parsed.samples.len(), parsed.duplicates, parsed.repeated_headers), (23, 23, 46));
}

#[test]
fn a_scrape_shortened_by_hand_is_refused_with_its_line() {
    let Some(bytes) = scrape("v1.35_viettel-ai-platform_accelerator_metrics.prom") else { return };
    let fault = prometheus_text::parse(&bytes, &TextLimits::default()).expect_err("elided labels");
    assert_eq!((fault.line, fault.column), (3, 31), "{fault}");
    assert!(fault.to_string().contains("..."), "{fault}");
}

#[test]
fn a_virtual_gpu_without_counters_supports_nothing() {
    let Some(bytes) = scrape("v1.36_vks_accelerator_metrics.prom") else { return };
    let mut collector = Collector::new();
    assert_eq!(prometheus_text::collect(&bytes, Some(0), &TextLimits::default(), &mut collector), Ok(0));
    assert_eq!(collector.notes.unused, 11, "no energy, power or activity on this vGPU: its time stays unaccounted");
}

#[test]
fn two_real_scrapes_make_a_ledger() {
    let Some(bytes) = scrape("v1.35_upcloud_accelerator-metrics.prom") else { return };
    let later = String::from_utf8(bytes.clone()).expect("text").replace("5551899580", "5552969580");
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("1795196400.prom"), &bytes).expect("first");
    std::fs::write(folder.path().join("1795196430.prom"), later).expect("second");
    let (spec, grid) = window(1_795_196_400_000, 1);
    let metered =
        open(SourceKind::PrometheusText, &[folder.path().to_path_buf()], &SourceOptions::new(grid)).expect("metered");
    assert_eq!(metered.models.get(L40S).map(String::as_str), Some("NVIDIA L40S"));
    let model = real_data::table().by_alias("NVIDIA L40S").expect("alias").id.to_string();
    let ledger = finish(&metered, &fleet(&model, [L40S]), &spec, &JobMap::new(), UpperRule::ChipTime);
    let totals = ledger.totals();
    // 30 s seen (memory 0.013 % busy without any job: nobody accounts for that), the rest of the hour a gap.
    assert_eq!(totals.class(Class::Unaccounted).milliseconds, 3_600_000);
    assert!(ledger.alarms.iter().any(|alarm| alarm.kind == AlarmKind::Gap));
    let device = &ledger.devices[0];
    assert_eq!(
        (device.counter_start_millijoules, device.counter_end_millijoules),
        (Some(5_551_899_580), Some(5_552_969_580))
    );
}

/// Readings of tensor activity by time, in millionths, from any Prometheus path.
fn tensor(collector: Collector) -> BTreeMap<i64, u32> {
    use standstill_meter::adapter::rows::batches::RowRules;
    let (mut devices, mut jobs) = Default::default();
    let rules = RowRules { max_gap_ms: 60_000, drop_stale: false };
    let (batches, _) = collector.into_batches("test", &rules, &mut devices, &mut jobs).expect("rows");
    let rows = |b: &standstill_meter::Batch| {
        b.time_ms.iter().copied().zip(b.tensor_active.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    batches.iter().flat_map(rows).filter(|(_, value)| *value != u32::MAX).collect()
}

#[test]
fn real_write_bodies_decode_and_agree_with_remote_read() {
    let Some(folder) = data("prometheus_fixtures") else { return };
    let limits = TextLimits::default();
    let file = |name: &str| std::fs::read(folder.join(name)).expect("fixture");
    let mut written = Collector::new();
    for index in 0..6 {
        let used = remote_write::collect(&file(&format!("body0{index}.snappy")), Body::WriteRequest, &mut written)
            .expect("body");
        assert!(used >= 4, "energy, power, tensor and memory in every body");
    }
    let mut read = Collector::new();
    assert_eq!(remote_write::collect(&file("remote_read_response.snappy"), Body::ReadResponse, &mut read), Ok(12));
    let (written, read) = (tensor(written), tensor(read));
    assert_eq!(read.len(), 12);
    let shared: Vec<_> = written.iter().filter(|(time, _)| read.contains_key(*time)).collect();
    println!("remote write {} readings, remote read {}, {} in both", written.len(), read.len(), shared.len());
    assert!(shared.iter().all(|(time, value)| read[*time] == **value), "same bits by both paths");
    // The range answer shows the same values at times of its own (the step), which is why it is the weaker source.
    let mut range = Collector::new();
    range_api::collect(&file("query_range.json"), &limits, &mut range).expect("range");
    let range = tensor(range);
    assert!(range.values().all(|value| read.values().chain(written.values()).any(|known| known == value)));
    assert!(range.keys().all(|time| !read.contains_key(time)), "resampled times are not the readings' times");
}

#[test]
fn a_request_is_no_response() {
    let Some(folder) = data("prometheus_fixtures") else { return };
    let request = std::fs::read(folder.join("remote_read_request.snappy")).expect("fixture");
    assert!(remote_write::parse(&request, Body::WriteRequest).is_err());
    let body = std::fs::read(folder.join("body00.snappy")).expect("fixture");
    assert!(remote_write::parse(&body, Body::ReadResponse).is_err());
    for cut in (0..body.len()).step_by(7) {
        assert!(remote_write::parse(&body[..cut], Body::WriteRequest).is_err(), "cut at {cut}");
    }
}

#[test]
fn bodies_and_answers_make_ledgers() {
    let Some(folder) = data("prometheus_fixtures") else { return };
    let (spec, grid) = window(1_795_198_179_000, 1);
    let options = SourceOptions { period_ms: 10_000, ..SourceOptions::new(grid) };
    let model = real_data::table().by_alias("NVIDIA L40S").expect("alias").id.to_string();
    let bodies: Vec<_> = (0..6).map(|i| folder.join(format!("body0{i}.snappy"))).collect();
    for (kind, files) in [
        (SourceKind::PrometheusRemoteWrite, bodies),
        (SourceKind::PrometheusRemoteWrite, vec![folder.join("remote_read_response.snappy")]),
        (SourceKind::PrometheusRange, vec![folder.join("query_range_all.json")]),
        (SourceKind::PrometheusRange, vec![folder.join("query_range.json")]),
    ] {
        let metered = open(kind, &files, &options).expect("metered");
        let ledger = finish(&metered, &fleet(&model, [L40S]), &spec, &JobMap::new(), UpperRule::ChipTime);
        let covered: u64 = metered
            .partials
            .devices()
            .flat_map(|(_, u)| u)
            .flat_map(|(_, u)| &u.cells)
            .map(|(_, s)| u64::from(s.covered_ms))
            .sum();
        println!(
            "{} {}: {covered} ms covered, {} stale rows, {:?}",
            kind.name(),
            files.len(),
            metered.notes.stale,
            metered.notes.remarks
        );
        assert!((20_000..=120_000).contains(&covered));
        // Activity without a declared job is nobody's: unaccounted, at the peak.
        assert_eq!(ledger.totals().class(Class::Idle).milliseconds, 0);
    }
}
