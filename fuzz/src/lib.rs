//! One function per parser of foreign bytes in the workspace, for libFuzzer (`fuzz_targets/`) and for the deterministic smoke that
//! `cargo test -p standstill-fuzz` runs on stable.
//!
//! Each function takes bytes, must not panic or take memory out of proportion, and says whether the parser accepted them. Where a
//! parser promises more (one encoding per value, a forged bundle accuses nobody), the function asserts it.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod audit;
pub mod bundle;
pub mod changes;
pub mod gate;
pub mod ledger;
pub mod meter;
pub mod mutate;
pub mod seal;
pub mod seeds;
pub mod signals;
#[cfg(test)]
mod smoke;
pub mod statement;
pub mod tlog;

/// One parser: its name, its function, and valid inputs from the project's own encoders.
pub struct Target {
    /// Name; also that of the libFuzzer target.
    pub name: &'static str,
    /// The parser; gives whether it accepted the bytes.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to start from; at least one is accepted.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutations that the smoke tries by default: fewer where one run is dear.
    pub iterations: u32,
}

/// Every parser of the workspace.
pub const TARGETS: &[Target] = &[
    Target { name: "statement_envelope", run: statement::envelope, seeds: seeds::statements, iterations: 20_000 },
    Target { name: "statement_body", run: statement::body, seeds: seeds::statement_bodies, iterations: 20_000 },
    Target {
        name: "statement_key_file",
        run: statement::key_file,
        seeds: seeds::statement_key_files,
        iterations: 20_000,
    },
    Target { name: "agreement_terms", run: agreement::terms, seeds: seeds::agreements, iterations: 1_500 },
    Target { name: "agreement_runtime", run: agreement::runtime, seeds: agreement::runtime_seeds, iterations: 400 },
    Target { name: "tlog_note", run: tlog::note, seeds: seeds::notes, iterations: 20_000 },
    Target { name: "tlog_policy", run: tlog::policy, seeds: seeds::policies, iterations: 20_000 },
    Target { name: "tlog_keys", run: tlog::keys, seeds: seeds::log_keys, iterations: 20_000 },
    Target { name: "tlog_tiles", run: tlog::tiles, seeds: seeds::bundles_of_entries, iterations: 50_000 },
    Target { name: "tlog_certificate", run: tlog::certificate, seeds: seeds::certificates, iterations: 20_000 },
    Target { name: "tlog_proof", run: tlog::proof, seeds: seeds::log_proofs, iterations: 20_000 },
    Target { name: "tlog_request", run: tlog::request, seeds: seeds::witness_requests, iterations: 20_000 },
    Target { name: "tlog_fork_evidence", run: tlog::fork_evidence, seeds: seeds::fork_evidence, iterations: 10_000 },
    Target {
        name: "tlog_subtree_request",
        run: tlog::subtree_request,
        seeds: seeds::subtree_requests,
        iterations: 20_000,
    },
    Target { name: "tlog_mirror", run: tlog::mirror, seeds: seeds::mirror_uploads, iterations: 20_000 },
    Target { name: "tlog_receipt", run: tlog::receipt, seeds: seeds::receipts, iterations: 20_000 },
    Target { name: "ledger_window", run: ledger::window, seeds: seeds::ledgers, iterations: 20_000 },
    Target { name: "ledger_fleet", run: ledger::fleet, seeds: seeds::fleets, iterations: 10_000 },
    Target { name: "ledger_rulebook", run: ledger::rulebook, seeds: seeds::rulebooks, iterations: 5_000 },
    Target { name: "meter_prometheus_text", run: meter::prometheus_text, seeds: seeds::scrapes, iterations: 30_000 },
    Target { name: "meter_range_json", run: meter::range_json, seeds: seeds::range_answers, iterations: 30_000 },
    Target { name: "meter_remote_write", run: meter::remote_write, seeds: seeds::remote_writes, iterations: 30_000 },
    Target { name: "meter_sacct_parsable", run: meter::sacct_parsable, seeds: seeds::sacct_tables, iterations: 20_000 },
    Target { name: "meter_sacct_json", run: meter::sacct_json, seeds: seeds::sacct_json, iterations: 20_000 },
    Target { name: "meter_slurm_words", run: meter::slurm_words, seeds: seeds::slurm_words, iterations: 30_000 },
    Target { name: "meter_power_logs", run: meter::power_logs, seeds: seeds::power_logs, iterations: 20_000 },
    Target { name: "meter_requests", run: meter::requests, seeds: seeds::request_traces, iterations: 20_000 },
    Target { name: "meter_jobs", run: meter::jobs, seeds: seeds::job_files, iterations: 5_000 },
    Target { name: "meter_partials", run: meter::partials, seeds: seeds::partial_sums, iterations: 20_000 },
    Target { name: "meter_csv", run: meter::csv, seeds: seeds::sample_tables, iterations: 3_000 },
    Target { name: "meter_parquet", run: meter::parquet, seeds: seeds::parquet_files, iterations: 3_000 },
    Target { name: "seal_blobs", run: seal::blobs, seeds: seeds::seal_blobs, iterations: 10_000 },
    Target { name: "seal_proofs", run: seal::proofs, seeds: seeds::seal_proofs, iterations: 300 },
    Target { name: "seal_openings", run: seal::openings, seeds: seeds::seal_openings, iterations: 20_000 },
    Target { name: "audit_beacon", run: audit::beacon, seeds: seeds::beacon_rounds, iterations: 1_500 },
    Target { name: "audit_opening", run: audit::opening, seeds: seeds::sealed_openings, iterations: 3_000 },
    Target { name: "verify_bundle", run: bundle::verify, seeds: bundle::seeds, iterations: 60 },
    Target { name: "gate_slurm", run: gate::slurm, seeds: gate::slurm_seeds, iterations: 30_000 },
    Target { name: "gate_kubernetes", run: gate::kubernetes, seeds: gate::kubernetes_seeds, iterations: 20_000 },
    Target { name: "gate_job", run: gate::job, seeds: gate::job_seeds, iterations: 20_000 },
    Target { name: "gate_told", run: gate::told, seeds: gate::told_seeds, iterations: 20_000 },
    Target { name: "signals_horizon", run: signals::horizon, seeds: signals::horizon_seeds, iterations: 600 },
    Target { name: "signals_method", run: signals::method, seeds: signals::method_seeds, iterations: 5_000 },
    Target { name: "signals_scan_file", run: signals::scan_file, seeds: signals::scan_file_seeds, iterations: 20_000 },
    Target { name: "signals_archive", run: signals::archive, seeds: signals::archive_seeds, iterations: 20_000 },
    Target {
        name: "signals_scan_change",
        run: signals::scan_change,
        seeds: signals::scan_change_seeds,
        iterations: 10_000,
    },
    Target {
        name: "signals_scan_tables",
        run: signals::scan_tables,
        seeds: signals::scan_table_seeds,
        iterations: 300,
    },
    Target { name: "signals_claims", run: signals::claims, seeds: signals::claim_seeds, iterations: 300 },
    Target {
        name: "changes_commit",
        run: changes::changes_commit,
        seeds: changes::changes_commit_seeds,
        iterations: 20_000,
    },
    Target {
        name: "changes_attestations",
        run: changes::changes_attestations,
        seeds: changes::changes_attestation_seeds,
        iterations: 20_000,
    },
    Target {
        name: "changes_table",
        run: changes::changes_table,
        seeds: changes::changes_table_seeds,
        iterations: 20_000,
    },
    Target {
        name: "changes_files",
        run: changes::changes_files,
        seeds: changes::changes_file_seeds,
        iterations: 2_000,
    },
];
