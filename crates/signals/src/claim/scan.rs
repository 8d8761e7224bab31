//! Claims about a scan.

use super::pack::{FileVersions, pack, unpack};
use super::reading::scan_reading;
use super::{
    ClaimError, Fault, MAX_PARTS, Part, Prepared, Subject, differs, manifest_bytes, parts, prepared, read_manifest,
};
use crate::scan::output::Collected;
use crate::scan::rules::{PATHS_TOML, PHRASES_TOML, RULES_TOML};
use crate::scan::{AllowList, FileChange, PathTable, Report, RuleTable, ScanError, Scanner};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use standstill_statement::{Signal, SignalKind};

/// Format of the manifest.
const FORMAT: &str = "standstill/scan-inputs/1";
/// Version of the engine's behaviour: the same tables and files give the same report. Any change of a finding raises it; a test pins a report.
pub const ENGINE: u32 = 2;
/// Domain of method hashes.
const METHOD_DOMAIN: &[u8] = b"standstill/1/scan-method\0";

/// The tables in force, as text: together with [`ENGINE`] every choice that moves the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tables {
    /// Rules (TOML).
    pub rules: String,
    /// Paths (TOML).
    pub paths: String,
    /// Phrases (TOML).
    pub phrases: String,
    /// Allow-list (TOML).
    pub allow: Option<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            rules: RULES_TOML.to_owned(),
            paths: PATHS_TOML.to_owned(),
            phrases: PHRASES_TOML.to_owned(),
            allow: None,
        }
    }
}

impl Tables {
    /// The scanner with these tables.
    ///
    /// # Errors
    /// [`ScanError::Table`] for a table that is refused.
    pub fn scanner(&self) -> Result<Scanner, ScanError> {
        let allow = self.allow.as_ref().map(|text| AllowList::parse("the allow-list", text)).transpose()?;
        Scanner::with_phrases(
            RuleTable::parse("the rules", &self.rules)?,
            PathTable::parse("the paths", &self.paths)?,
            &self.phrases,
            allow.unwrap_or_default(),
        )
    }
}

/// SHA-256 over domain, engine version (u32, big-endian) and, for each table, u64 length and bytes; a missing allow-list has the length 2⁶⁴−1 and
/// no bytes. The allow-list is inside because it moves the result: terms that pin a method pin it too.
#[must_use]
pub fn method_hash(tables: &Tables) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(METHOD_DOMAIN);
    hash.update(ENGINE.to_be_bytes());
    for text in [Some(&tables.rules), Some(&tables.paths), Some(&tables.phrases), tables.allow.as_ref()] {
        hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
        hash.update(text.map(String::as_bytes).unwrap_or_default());
    }
    hash.finalize().into()
}

/// First input of a scan claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScanManifest {
    /// Name and version of this format.
    pub format: String,
    /// [`ENGINE`].
    pub engine: u32,
    /// What was scanned, in the issuer's words.
    pub subject: String,
    /// True for the two versions of a change, false for files as they stand.
    pub change: bool,
    /// Tables in force.
    pub tables: Tables,
    /// What could not be read, in the issuer's words.
    pub not_read: Vec<String>,
}

/// The report on packed files.
///
/// # Errors
/// A table that is refused.
pub fn report(manifest: &ScanManifest, files: &[FileVersions]) -> Result<Report, ScanError> {
    let scanner = manifest.tables.scanner()?;
    let mut collected =
        Collected { files: files.len() as u64, not_read: manifest.not_read.clone(), ..Collected::default() };
    for file in files {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        collected.bytes += length(&file.old) + length(&file.new);
    }
    if manifest.change {
        let changes: Vec<FileChange<'_>> = files
            .iter()
            .map(|file| FileChange { path: &file.path, old: file.old.as_deref(), new: file.new.as_deref() })
            .collect();
        // Approvals are a claim that nobody can compute again, so that a signed scan counts none.
        collected.findings = scanner.scan_change(&changes, 0);
    } else {
        collected.findings = files
            .iter()
            .filter_map(|file| Some(scanner.scan_file(&file.path, file.new.as_deref()?)))
            .flatten()
            .collect();
    }
    Ok(Report::new(&manifest.subject, &scanner, collected))
}

fn report_bytes(report: &Report) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(report).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Scans files and makes the claim. Gives the report too.
///
/// # Errors
/// A table that is refused, files that do not fit into one statement, or a metric that no scan gives.
pub fn scan(
    subject: &Subject,
    what: &str,
    change: bool,
    tables: Tables,
    mut files: Vec<FileVersions>,
    not_read: Vec<String>,
) -> Result<(Prepared, Report), ClaimError> {
    let refuse = |why: String| ClaimError::Refused(why);
    let stream = pack(&mut files).map_err(refuse)?;
    let manifest =
        ScanManifest { format: FORMAT.to_owned(), engine: ENGINE, subject: what.to_owned(), change, tables, not_read };
    let report = report(&manifest, &files).map_err(|error| refuse(error.to_string()))?;
    let Some(reading) = scan_reading(&report, subject.metric.as_str()) else {
        return Err(refuse(format!(
            "no scan gives the metric '{}'; write scan_block, scan_high or scan_warn",
            subject.metric
        )));
    };
    let mut blobs = vec![manifest_bytes(&manifest)?];
    blobs.extend(parts(&stream));
    if blobs.len() > MAX_PARTS + 1 {
        return Err(ClaimError::TooLarge { found: blobs.len() - 1 });
    }
    let result = report_bytes(&report).map_err(refuse)?;
    let claim = prepared(SignalKind::Scan, subject, reading, method_hash(&manifest.tables), blobs, result);
    Ok((claim, report))
}

pub(super) fn check(signal: &Signal, inputs: &[Vec<u8>], result: &[u8]) -> Result<(), Fault> {
    let manifest: ScanManifest = read_manifest(inputs)?;
    if manifest.format != FORMAT || manifest.engine != ENGINE {
        return Err(Fault::Unknown(format!(
            "its inputs are in the format '{}' for engine {}; this program has '{FORMAT}' and engine {ENGINE}",
            manifest.format.chars().take(60).collect::<String>(),
            manifest.engine
        )));
    }
    let hash = method_hash(&manifest.tables);
    if hash != signal.method.0 {
        return differs(
            Part::Method,
            format!(
                "the tables in the inputs have the hash {}, the statement says {}",
                hex::encode(hash),
                signal.method
            ),
        );
    }
    let files = unpack(&inputs[1..].concat()).or_else(|why| differs(Part::Inputs, why))?;
    let report = report(&manifest, &files).or_else(|error| differs(Part::Inputs, error))?;
    let bytes = report_bytes(&report).or_else(|error| differs(Part::Result, error))?;
    if bytes != result {
        let line =
            bytes.split(|byte| *byte == b'\n').zip(result.split(|byte| *byte == b'\n')).position(|(a, b)| a != b);
        let line = line.map_or_else(|| "in their length".to_owned(), |line| format!("from line {} on", line + 1));
        return differs(Part::Result, format!("the inputs give another report; they differ {line}"));
    }
    match scan_reading(&report, signal.metric.as_str()) {
        None => Err(Fault::Unknown(format!("no scan gives the metric '{}'", signal.metric))),
        Some(reading) if reading == signal.reading => Ok(()),
        Some(reading) => {
            differs(Part::Reading, format!("the result says {reading:?}, the statement {:?}", signal.reading))
        }
    }
}
