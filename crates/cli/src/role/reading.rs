//! Reading what roles have published: terms, log entries, blobs.

use crate::exit::{CliError, CliResult};
use crate::folder;
use standstill_agreement::Agreement;
use standstill_statement::{BlobRef, Body, FleetDeclaration, Hash32, LogHead, Report, RunDeclaration, Statement};
use standstill_tlog::note::VerifierKey;
use standstill_tlog::reader;
use std::path::Path;

/// Largest blob that is read, in bytes.
pub const MAX_BLOB_BYTES: u64 = 1 << 30;

/// One statement of a log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Index in the log.
    pub index: u64,
    /// SHA-256 of the envelope.
    pub hash: Hash32,
    /// What it says.
    pub statement: Statement,
}

/// Parses terms; every problem becomes one line of the message.
///
/// # Errors
/// When the terms are refused.
pub fn parse_agreement(what: &str, text: &str) -> CliResult<Agreement> {
    Agreement::parse(text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        CliError::unreadable(format!("{what} is refused:\n{}", lines.join("\n")))
    })
}

/// Reads and parses a terms file.
///
/// # Errors
/// When the file cannot be read or the terms are refused.
pub fn agreement_file(path: &Path) -> CliResult<Agreement> {
    parse_agreement(&path.display().to_string(), &folder::read_text(path)?)
}

/// Reads a log and decodes its statements. The tree is checked against the signed checkpoint; statement signatures are the verifier's task.
///
/// # Errors
/// When the log is damaged or an entry is not a statement.
pub fn entries(log: &Path, key: &VerifierKey) -> CliResult<Vec<Entry>> {
    let contents = reader::read_log(log, key, &reader::Limits::default())
        .map_err(|error| CliError::about(log.display(), error))?;
    let decode = |(index, bytes): (usize, &Vec<u8>)| {
        let statement = standstill_statement::decode_unverified(bytes)
            .map_err(|error| CliError::about(format!("{} entry {index}", log.display()), error))?;
        Ok(Entry { index: index as u64, hash: Hash32::of(bytes), statement })
    };
    contents.entries.iter().enumerate().map(decode).collect()
}

/// Reads a blob of a role's folder and checks that it is the one meant.
///
/// # Errors
/// When it is missing, too large or not the bytes meant.
pub fn blob(home: &Path, blob: &BlobRef) -> CliResult<Vec<u8>> {
    let path = home.join("blobs").join(blob.sha256.to_string());
    let bytes = folder::read(&path, MAX_BLOB_BYTES)?;
    if blob.matches(&bytes) {
        return Ok(bytes);
    }
    Err(CliError::unreadable(format!(
        "{} is damaged: its hash is not its name. Restore it from a copy",
        path.display()
    )))
}

/// The fleet declaration in force in a window: the last one whose first window is not after it.
#[must_use]
pub fn fleet_in_force(entries: &[Entry], window: u64) -> Option<(&Entry, &FleetDeclaration)> {
    let mut fleets = entries.iter().filter_map(|entry| match &entry.statement.body {
        Body::Fleet(fleet) if fleet.from_window <= window => Some((entry, fleet)),
        _ => None,
    });
    fleets.next_back()
}

/// Run declarations in log order.
#[must_use]
pub fn runs(entries: &[Entry]) -> Vec<RunDeclaration> {
    let run = |entry: &Entry| match &entry.statement.body {
        Body::Run(run) => Some(run.clone()),
        _ => None,
    };
    entries.iter().filter_map(run).collect()
}

/// Reports in log order.
#[must_use]
pub fn reports(entries: &[Entry]) -> Vec<(&Entry, &Report)> {
    let reports = entries.iter().filter_map(|entry| match &entry.statement.body {
        Body::Report(report) => Some((entry, report)),
        _ => None,
    });
    reports.collect()
}

/// The first published head with a quorum of cosignatures that covers an entry, with its quorum time (seconds since 1970).
///
/// # Errors
/// When checkpoints cannot be read; `Ok(None)` when no quorum has cosigned one yet.
pub fn first_witnessed_head(
    log: &Path,
    key: &VerifierKey,
    agreement: &Agreement,
    index: u64,
) -> CliResult<Option<(LogHead, u64)>> {
    let policy = standstill_tlog::policy::Policy::parse(&agreement.witnesses).map_err(CliError::unreadable)?;
    let checkpoints = reader::read_history(log, key, &reader::Limits::default())
        .map_err(|error| CliError::about(log.display(), error))?;
    for signed in checkpoints {
        let head = signed.checkpoint();
        if head.size <= index {
            continue;
        }
        if let Some(time) = policy.quorum_time(signed.note()) {
            let head = LogHead { origin: head.origin.clone(), size: head.size, root: Hash32(head.root) };
            return Ok(Some((head, time)));
        }
    }
    Ok(None)
}
