//! The smoke: every target over mutations of its seeds, deterministic, a few seconds each. `FUZZ_ITERATIONS` multiplies the number of
//! mutations (in percent: 100 is the default), `FUZZ_SEED` starts elsewhere, `FUZZ_CORPUS=1` writes the seeds to `corpus/<target>/`.

use crate::mutate::{Random, mutate};
use crate::{TARGETS, Target};
use std::panic::catch_unwind;
use std::time::{Duration, Instant};

/// Longest that one small input may take; the seeds are a few kilobytes.
const LONGEST: Duration = Duration::from_secs(5);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs one input; a panic or an endless computation is reported with the input.
fn run(target: &Target, input: &[u8]) -> bool {
    let start = Instant::now();
    let accepted = catch_unwind(|| (target.run)(input));
    let took = start.elapsed();
    assert!(accepted.is_ok(), "{} panics on {}", target.name, hex(input));
    assert!(took < LONGEST, "{} takes {took:?} on {}", target.name, hex(input));
    accepted.unwrap_or(false)
}

fn smoke(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("every test has a target");
    let seeds = (target.seeds)();
    if std::env::var_os("FUZZ_CORPUS").is_some() {
        write_corpus(name, &seeds);
    }
    let accepted = seeds.iter().filter(|seed| run(target, seed)).count();
    assert!(accepted > 0, "{name}: none of {} seeds is accepted any more; make new ones", seeds.len());
    let iterations = u64::from(target.iterations) * number("FUZZ_ITERATIONS", 100) / 100;
    let mut random = Random::new(number("FUZZ_SEED", 1));
    let mut changed_accepted = 0;
    for _ in 0..iterations {
        let (a, b) = (random.below(seeds.len()), random.below(seeds.len()));
        let changed = mutate(&seeds[a], &seeds[b], &mut random);
        changed_accepted += u64::from(run(target, &changed) && changed != seeds[a]);
    }
    println!(
        "{name}: {accepted} of {} seeds accepted, {changed_accepted} of {iterations} mutations accepted",
        seeds.len()
    );
}

fn write_corpus(name: &str, seeds: &[Vec<u8>]) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    std::fs::create_dir_all(&folder).expect("corpus folder");
    for (index, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{index}")), seed).expect("corpus file");
    }
}

/// Inputs that once broke a target stay fixed: `regressions/<target>/`.
fn regressions(name: &str) {
    let target =
        TARGETS.iter().find(|target| target.name == name).expect("a folder of regressions is named after its target");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(name);
    for file in std::fs::read_dir(folder).expect("a folder") {
        // Nothing here may be accepted either: each is a broken file.
        let accepted = run(target, &std::fs::read(file.expect("a file").path()).expect("a small file"));
        assert!(!accepted, "{name} accepts a broken file");
    }
}

#[test]
fn regressions_meter_parquet() {
    regressions("meter_parquet");
}

macro_rules! smoke_tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })*

        #[test]
        fn every_target_has_a_test_and_a_libfuzzer_file() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), tested);
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("manifest");
            for name in tested {
                assert!(folder.join(format!("fuzz_targets/{name}.rs")).exists(), "fuzz_targets/{name}.rs is missing");
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in Cargo.toml");
            }
        }
    };
}

smoke_tests! {
    statement_envelope statement_body statement_key_file agreement_terms agreement_runtime tlog_note tlog_policy tlog_keys tlog_tiles tlog_certificate tlog_proof tlog_request
    tlog_fork_evidence tlog_subtree_request tlog_mirror tlog_receipt ledger_window ledger_fleet ledger_rulebook meter_prometheus_text meter_range_json meter_remote_write
    meter_sacct_parsable meter_sacct_json meter_slurm_words meter_power_logs meter_requests meter_jobs meter_partials meter_csv meter_parquet
    seal_blobs seal_proofs seal_openings audit_beacon audit_opening verify_bundle gate_slurm gate_kubernetes gate_job gate_told
    signals_horizon signals_method signals_scan_file signals_archive signals_scan_change signals_scan_tables signals_claims
    changes_commit changes_attestations changes_table changes_files
}
