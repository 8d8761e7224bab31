use super::*;
use crate::Grid;
use crate::adapter::sacct::Placement;

fn options() -> SourceOptions {
    SourceOptions::new(Grid { origin_ms: 0, slot_ms: 3_600_000 })
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("file");
    }
    folder
}

#[test]
fn names_round_trip() {
    for kind in SourceKind::ALL {
        assert_eq!(SourceKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(SourceKind::from_name("csv"), None);
}

#[test]
fn a_folder_of_scrapes_is_a_source() {
    let scrape = |energy: u64| {
        format!(
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{UUID=\"GPU-1\"}} {energy}\nDCGM_FI_PROF_PIPE_TENSOR_ACTIVE{{UUID=\"GPU-1\"}} 0.5\n"
        )
    };
    let (a, b) = (scrape(1_000), scrape(7_000));
    let folder = folder(&[("1000000000.prom", &a), ("1000000030.prom", &b), (".hidden", "junk")]);
    let metered = open(SourceKind::PrometheusText, &[folder.path().to_path_buf()], &options()).expect("metered");
    let (device, units) = metered.partials.devices().next().expect("one device");
    let sums = units[0].1.cells[0].1;
    assert_eq!((device, sums.covered_ms, sums.energy_millijoules), ("GPU-1", 30_000, 6_000));
    assert_eq!(sums.tensor_micro_ms, 30_000 * 500_000);
}

#[test]
fn a_scrape_without_a_time_is_refused_by_name() {
    let folder = folder(&[("metrics.prom", "DCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-1\"} 5\n")]);
    let error = open(SourceKind::PrometheusText, &[folder.path().to_path_buf()], &options()).expect_err("no time");
    assert!(error.to_string().contains("metrics.prom, line 1"), "{error}");
}

#[test]
fn accounting_alone_tiles_the_devices() {
    let text =
        "JobIDRaw|Start|End|AllocTRES|NodeList|Comment\n1|1000|2000|gres/gpu:h100=8,gres/gpu=8|n1|class=inference\n";
    let folder = folder(&[("sacct.txt", text)]);
    let placement = Placement::new((0..8).map(|i| ("n1", format!("n1/{i}"))));
    let options = SourceOptions { placement, range_ms: Some((0, 3_600_000)), ..options() };
    assert_eq!(nodes(SourceKind::SacctParsable, &[folder.path().to_path_buf()], &options).expect("nodes"), ["n1"]);
    let metered = open(SourceKind::SacctParsable, &[folder.path().to_path_buf()], &options).expect("metered");
    let covered: u64 = metered
        .partials
        .devices()
        .flat_map(|(_, u)| u)
        .flat_map(|(_, u)| &u.cells)
        .filter(|(job, _)| *job != 0)
        .map(|(_, s)| u64::from(s.covered_ms))
        .sum();
    assert_eq!(covered, 8 * 1_000_000);
    assert!(metered.jobs.get("1").is_some());
    let none = SourceOptions { placement: Placement::default(), ..options };
    assert!(open(SourceKind::SacctParsable, &[folder.path().to_path_buf()], &none).is_err());
    assert!(accounting(SourceKind::DcgmCsv, &[folder.path().to_path_buf()], &none).is_err());
}

#[test]
fn node_power_is_divided_and_conserved() {
    let text = "node,t_ms,watts\nn1,0,1000.001\nn1,10000,1000.001\nn1,20000,1000.001\n";
    let folder = folder(&[("power.csv", text)]);
    let placement = Placement::new((0..3).map(|i| ("n1", format!("n1/{i}"))));
    let options = SourceOptions { placement, period_ms: 10_000, job: Some("r".to_owned()), ..options() };
    let metered = open(SourceKind::PowerCsv, &[folder.path().to_path_buf()], &options).expect("metered");
    let cells: Vec<_> = metered.partials.devices().flat_map(|(_, u)| u).flat_map(|(_, u)| &u.cells).collect();
    let total: u64 = cells.iter().map(|(_, sums)| sums.power_microjoules).sum();
    assert_eq!(total, 1_000_001 * 20_000, "every microjoule of the node is charged, once");
    assert!(cells.iter().all(|(job, _)| metered.partials.jobs().name(*job) == "r"));
}

#[test]
fn two_runs_in_one_table_are_not_mixed() {
    let text = "run_id,node,t_ms,watts\na,n1,0,5\nb,n1,0,9\n";
    let folder = folder(&[("power.csv", text)]);
    let options = SourceOptions { placement: Placement::new([("n1", "n1/0")]), ..options() };
    let error = open(SourceKind::PowerCsv, &[folder.path().to_path_buf()], &options).expect_err("two runs");
    assert!(error.to_string().contains("--run"), "{error}");
    let one = SourceOptions { run: Some("b".to_owned()), ..options };
    assert!(open(SourceKind::PowerCsv, &[folder.path().to_path_buf()], &one).is_ok());
}

#[test]
fn request_traces_say_what_they_cannot_support() {
    let folder = folder(&[("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,4808,10\n")]);
    let metered = open(SourceKind::RequestsAzure, &[folder.path().to_path_buf()], &options()).expect("metered");
    assert_eq!(metered.partials.devices().count(), 0);
    assert!(metered.notes.remarks.iter().any(|r| r.contains("token reconciliation only")));
}
