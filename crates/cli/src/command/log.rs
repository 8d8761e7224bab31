//! `standstill log`.

use crate::args::LogCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::reading;
use standstill_statement::time::utc;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::VerifierKey;
use standstill_tlog::proof::LogProof;
use standstill_tlog::{fsck, reader};
use std::path::Path;

pub(super) fn run(command: &LogCommand) -> CliResult {
    match command {
        LogCommand::Show { dir, vkey, json } => show(dir, &key(vkey)?, *json),
        LogCommand::Fsck { log, vkey, agreement } => check(log, &key(vkey)?, agreement.as_deref()),
        LogCommand::Prove { dir, vkey, index } => prove(dir, &key(vkey)?, *index),
        LogCommand::Network(command) => super::log_network::run(command),
    }
}

fn key(vkey: &str) -> CliResult<VerifierKey> {
    VerifierKey::parse(vkey).map_err(|error| CliError::usage(format!("--vkey: {error}")))
}

fn show(dir: &Path, key: &VerifierKey, json: bool) -> CliResult {
    let entries = reading::entries(dir, key)?;
    if json {
        let list: Vec<_> = entries
            .iter()
            .map(|entry| serde_json::json!({ "index": entry.index, "statement": entry.hash, "header": entry.statement.header, "body": entry.statement.body }))
            .collect();
        println!("{:#}", serde_json::Value::from(list));
        return Ok(Exit::Ok);
    }
    for entry in &entries {
        let header = &entry.statement.header;
        println!(
            "#{:<5} {}  {:10} {}",
            entry.index,
            utc(header.issued_unix_seconds),
            entry.statement.kind(),
            entry.hash.short()
        );
    }
    println!("{} statements. Print one with: standstill show '{}#0'", entries.len(), dir.display());
    Ok(Exit::Ok)
}

fn check(log: &str, key: &VerifierKey, agreement: Option<&Path>) -> CliResult {
    let served = log.starts_with("http://") || log.starts_with("https://");
    let (report, signed) =
        if served { super::log_network::fsck_served(log, key)? } else { fsck_folder(Path::new(log), key)? };
    let mut problems = report.problems;
    let mut cosigned = String::new();
    if let Some(agreement) = agreement {
        let (found, quorums) = super::log_network::check_cosignatures(&signed, agreement)?;
        cosigned = format!(", {quorums} of them with a full quorum of witnesses");
        problems.extend(found);
    }
    for problem in &problems {
        println!("{problem}");
    }
    println!(
        "{} entries, {} hash tiles, {} checkpoints{cosigned}: {} problems.",
        report.entries,
        report.hash_tiles,
        report.checkpoints,
        problems.len()
    );
    Ok(if problems.is_empty() { Exit::Ok } else { Exit::Unreadable })
}

/// The report, and every checkpoint that it rests on.
fn fsck_folder(dir: &Path, key: &VerifierKey) -> CliResult<(fsck::FsckReport, Vec<SignedCheckpoint>)> {
    let (limits, about) = (reader::Limits::default(), |error| CliError::about(dir.display(), error));
    let report = fsck::fsck(dir, key, &limits).map_err(about)?;
    Ok((report, reader::read_history(dir, key, &limits).map_err(about)?))
}

fn prove(dir: &Path, key: &VerifierKey, index: u64) -> CliResult {
    let contents = reader::read_log(dir, key, &reader::Limits::default())
        .map_err(|error| CliError::about(dir.display(), error))?;
    let size = contents.entries.len() as u64;
    if index >= size {
        return Err(CliError::usage(format!(
            "the log has {size} entries; the last index is {}",
            size.saturating_sub(1)
        )));
    }
    let path = contents.tree().inclusion_proof(index, size).map_err(CliError::bug)?;
    print!("{}", LogProof { extra: None, index, path, checkpoint: contents.checkpoint.note().clone() });
    Ok(Exit::Ok)
}
