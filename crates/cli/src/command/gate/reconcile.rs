//! `standstill gate reconcile`: who went around the gate.

use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::PublicHalf;
use standstill_gate::Terms;
use standstill_gate::journal::{Owner, Recorded, read};
use standstill_gate::reconcile::{Reconciliation, Tolerance, reconcile};
use standstill_gate::slurm::{accounting, parse_accounting};
use standstill_statement::PublicKey;
use std::path::{Path, PathBuf};

pub(super) fn run(terms: &Path, journals: &[PathBuf], path: &Path, tolerance: Tolerance, json: bool) -> CliResult {
    let terms = super::terms(terms)?;
    let bytes = super::input(path, accounting::MAX_ACCOUNTING_BYTES as u64)?;
    let text = String::from_utf8_lossy(&bytes);
    let accounted =
        parse_accounting(&text, &terms.harmless_resources).map_err(|error| CliError::about(path.display(), error))?;
    let mut decisions = Vec::new();
    for home in journals {
        decisions.extend(journal(home, &terms)?);
    }
    let result = reconcile(&terms, &accounted, &decisions, tolerance);
    if json {
        println!("{:#}", serde_json::json!({ "violated": result.violated(), "reconciliation": result }));
    } else {
        print(&result);
    }
    Ok(if result.violated() { Exit::Violated } else { Exit::Ok })
}

fn journal(home: &Path, terms: &Terms) -> CliResult<Vec<Recorded>> {
    let public = PublicHalf::read(home)?;
    let about = |error: &dyn std::fmt::Display| CliError::about(home.join("public.toml").display(), error);
    let vkey = public.vkey.parse().map_err(|error: standstill_tlog::TlogError| about(&error))?;
    let key =
        public.statement_key.as_deref().unwrap_or_default().parse::<PublicKey>().map_err(|error| about(&error))?;
    let owner = Owner { issuer: public.id.clone(), gate: public.id, agreement: terms.agreement };
    read(home, &owner, &vkey, &[key]).map_err(|error| CliError::about(home.display(), error))
}

fn print(result: &Reconciliation) {
    println!(
        "{} covered allocations, {} with a decision that fits; {} without accelerators; {} never started; {} decisions.",
        result.covered, result.matched, result.uncovered, result.never_started, result.decisions
    );
    for finding in &result.findings {
        let mark = if finding.kind.is_violation() { "NOT ALLOWED" } else { "note" };
        let kind = serde_json::json!(finding.kind);
        let kind = kind.as_str().unwrap_or_default();
        let job = if finding.job.is_empty() { String::new() } else { format!(" job {}", finding.job) };
        let decision =
            if finding.decision.is_empty() { String::new() } else { format!(" decision {}", finding.decision) };
        println!("{mark}: {kind}:{job}{decision}: {}", finding.sentence);
    }
    let sentence = if result.violated() {
        "At least one job ran that no gate let pass."
    } else {
        "Every covered job in this accounting rests on a decision that let it pass."
    };
    println!("{sentence}");
}
