//! `standstill signal scan`.

mod facts;
mod git;
mod ledger;
mod origin;
mod release;

use super::sign;
use crate::args::{ScanArgs, Weight};
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use git::{Changed, Git};
use ledger::Ledger;
use standstill_signals::claim::{self, FileVersions, Tables};
use standstill_signals::scan::output::Collected;
use standstill_signals::scan::sarif::to_sarif;
use standstill_signals::scan::walk::{WalkOptions, read_folder, scan_folder};
use standstill_signals::scan::{
    AllowList, FileChange, MAX_FILE_BYTES, PathTable, Report, RuleTable, ScanError, Scanner, Severity, history,
};
use std::path::Path;

/// Most bytes of file versions that one change may have.
const MAX_CHANGE_BYTES: u64 = 1 << 30;

pub(super) fn run(args: &ScanArgs) -> CliResult {
    let scanner = scanner(args)?;
    if args.rules {
        print_rules(&scanner, args.json)?;
        return Ok(Exit::Ok);
    }
    let Some(path) = &args.path else {
        return Err(CliError::usage("say what to scan: standstill signal scan PATH [RANGE]"));
    };
    if args.sign.sign.is_some() {
        return signed(args, path);
    }
    let report = match (&args.release, &args.range) {
        (Some(archive), commit) => release::scan(&scanner, path, commit.as_deref(), (archive, args.approvals))?,
        (None, Some(range)) => scan_range(&scanner, path, range, args)?,
        (None, None) => scan_path(&scanner, path, args)?,
    };
    write(args, &scanner, &report)?;
    Ok(exit(&report, severity(args.fail_on)))
}

const fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Note => Severity::Note,
        Weight::Warn => Severity::Warn,
        Weight::High => Severity::High,
        Weight::Block => Severity::Block,
    }
}

fn exit(report: &Report, fail_on: Severity) -> Exit {
    if report.count_from(fail_on) > 0 {
        Exit::Violated
    } else if report.not_read.is_empty() {
        Exit::Ok
    } else {
        Exit::CannotConclude
    }
}

fn refuse(error: ScanError) -> CliError {
    CliError::unreadable(error)
}

fn scanner(args: &ScanArgs) -> CliResult<Scanner> {
    let paths = match &args.paths {
        Some(path) => PathTable::parse(&path.display().to_string(), &folder::read_text(path)?).map_err(refuse)?,
        None => PathTable::builtin().map_err(CliError::bug)?,
    };
    let allow = match &args.allow {
        Some(path) => AllowList::parse(&path.display().to_string(), &folder::read_text(path)?).map_err(refuse)?,
        None => AllowList::default(),
    };
    Scanner::new(RuleTable::builtin().map_err(CliError::bug)?, paths, allow).map_err(CliError::bug)
}

fn print_rules(scanner: &Scanner, json: bool) -> CliResult<()> {
    let rules: Vec<_> = scanner.rules().iter().collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&rules).map_err(CliError::bug)?);
        return Ok(());
    }
    println!("{} rules, tables SHA-256 {}", rules.len(), hex::encode(scanner.rules().hash()));
    for rule in rules {
        let humans = if rule.humans > 0 { format!("; a note with {} approvals", rule.humans) } else { String::new() };
        println!("{:5} {} ({}{humans})", rule.severity.name(), rule.id, rule.class);
        println!("      {}. {}", rule.title, rule.action);
        println!("      Source: {}", rule.source);
    }
    Ok(())
}

fn scan_path(scanner: &Scanner, path: &Path, args: &ScanArgs) -> CliResult<Report> {
    let progress = Progress::start("Scanning", 0, "files");
    let options = WalkOptions { threads: args.threads, all: args.all };
    let collected = scan_folder(scanner, path, options, &|done| progress.at(done)).map_err(refuse)?;
    drop(progress);
    Ok(Report::new(path.display().to_string(), scanner, collected))
}

fn scan_range(scanner: &Scanner, path: &Path, text: &str, args: &ScanArgs) -> CliResult<Report> {
    let git = Git::open(path)?;
    let range = git.range(text)?;
    let mut blobs = git.blobs()?;
    let mut collected = Collected::default();
    let changed = git.changes(range.from.as_deref(), &range.to)?;
    let found = scan_change(scanner, &mut blobs, &changed, args.approvals, &mut collected)?;
    collected.findings.extend(found);
    let commits = git.commits(&range)?;
    let known = (&git, &range, commits.as_slice());
    let mut ledger = Ledger::read(args.ledger.as_deref(), args.runs.as_deref(), known, &mut collected)?;
    let mut lost: Vec<_> = ledger.lost.take().into_iter().collect();
    scanner.rules().weigh(&mut lost, 0);
    collected.findings.extend(lost);
    let progress = Progress::start("Reading commits", commits.len() as u64, "commits");
    let mut all = Vec::with_capacity(commits.len());
    for commit in &commits {
        let mut facts = facts::of(scanner.paths(), commit, &commits, &mut blobs)?;
        ledger.add(&mut facts);
        all.push(facts);
        if args.commits {
            let found = scan_change(scanner, &mut blobs, &commit.changed, args.approvals, &mut collected)?;
            collected.findings.extend(found.into_iter().map(|mut finding| {
                finding.commit = Some(commit.id.clone());
                finding
            }));
        }
        progress.advance(1);
    }
    drop(progress);
    origin::add(&git, &range, &commits, (&ledger, &mut blobs), &mut all, &mut collected)?;
    for (finding, approvals) in history::check(&all, scanner.paths()) {
        let mut finding = [finding];
        scanner.rules().weigh(&mut finding, approvals.max(args.approvals));
        collected.findings.extend(finding);
    }
    collected.not_read.sort();
    collected.not_read.dedup();
    let from = range.from.as_deref().map_or("nothing", |id| id.get(..10).unwrap_or(id));
    let to = range.to.get(..10).unwrap_or(&range.to);
    let subject = format!("{} {from}..{to} ({} commits)", path.display(), commits.len());
    Ok(Report::new(subject, scanner, collected))
}

/// Scans packed files, so that anybody can do it again, and signs the result. Facts of commits are left out: they rest on a repository that a
/// verifier does not have.
fn signed(args: &ScanArgs, path: &Path) -> CliResult {
    let text = |path: &Option<std::path::PathBuf>| path.as_deref().map(folder::read_text).transpose();
    let built_in = Tables::default();
    let tables = Tables { paths: text(&args.paths)?.unwrap_or(built_in.paths), allow: text(&args.allow)?, ..built_in };
    let name = path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name = name.unwrap_or_else(|| path.display().to_string());
    let mut collected = Collected::default();
    let (what, files) = match &args.range {
        None => {
            let options = WalkOptions { threads: args.threads, all: args.all };
            let (files, not_read) = read_folder(path, options, MAX_CHANGE_BYTES).map_err(refuse)?;
            collected.not_read = not_read;
            let file = |(path, bytes)| FileVersions { path, old: None, new: Some(bytes) };
            (name, files.into_iter().map(file).collect())
        }
        Some(text) => {
            let git = Git::open(path)?;
            let range = git.range(text)?;
            let changed = git.changes(range.from.as_deref(), &range.to)?;
            let what = format!("{name} {}..{}", range.from.as_deref().unwrap_or("nothing"), range.to);
            (what, versions(&mut git.blobs()?, &changed, &mut collected)?)
        }
    };
    let subject = sign::subject(&args.sign)?;
    let (claim, report) = claim::scan(&subject, &what, args.range.is_some(), tables.clone(), files, collected.not_read)
        .map_err(CliError::usage)?;
    write(args, &tables.scanner().map_err(CliError::bug)?, &report)?;
    sign::publish(&args.sign, &claim)?;
    Ok(exit(&report, severity(args.fail_on)))
}

/// Findings of one change. What cannot be read is entered in `collected`.
fn scan_change(
    scanner: &Scanner,
    blobs: &mut git::Blobs,
    changed: &[Changed],
    approvals: u32,
    collected: &mut Collected,
) -> CliResult<Vec<standstill_signals::scan::Finding>> {
    let files = versions(blobs, changed, collected)?;
    collected.files += files.len() as u64;
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    collected.bytes += files.iter().map(|file| length(&file.old) + length(&file.new)).sum::<u64>();
    let files: Vec<FileChange<'_>> = files
        .iter()
        .map(|file| FileChange { path: &file.path, old: file.old.as_deref(), new: file.new.as_deref() })
        .collect();
    Ok(scanner.scan_change(&files, approvals))
}

/// Both versions of each changed file. What cannot be read is entered in `collected`.
fn versions(blobs: &mut git::Blobs, changed: &[Changed], collected: &mut Collected) -> CliResult<Vec<FileVersions>> {
    let mut versions = Vec::with_capacity(changed.len());
    let mut total = 0u64;
    for file in changed {
        if file.submodule {
            collected.not_read.push(format!("{}: a submodule; scan its own repository", file.path));
            continue;
        }
        let mut version = |id: &Option<String>| -> CliResult<Option<Vec<u8>>> {
            let Some(id) = id else { return Ok(None) };
            let bytes = blobs.get(id)?;
            match &bytes {
                None => collected.not_read.push(format!("{}: object {id} is missing from the repository", file.path)),
                Some(bytes) => {
                    total += bytes.len() as u64;
                    if bytes.len() > MAX_FILE_BYTES {
                        collected.not_read.push(format!("{}: only its first {MAX_FILE_BYTES} bytes", file.path));
                    }
                }
            }
            Ok(bytes)
        };
        let (old, new) = (version(&file.old)?, version(&file.new)?);
        if old.is_some() || new.is_some() {
            versions.push(FileVersions { path: file.path.clone(), old, new });
        }
        if total > MAX_CHANGE_BYTES {
            return Err(CliError::unreadable(format!(
                "the change has more than {MAX_CHANGE_BYTES} bytes; scan a shorter range"
            )));
        }
    }
    Ok(versions)
}

fn write(args: &ScanArgs, scanner: &Scanner, report: &Report) -> CliResult<()> {
    if let Some(path) = &args.sarif {
        let log = to_sarif(report, scanner, env!("CARGO_PKG_VERSION"));
        let mut text = serde_json::to_string_pretty(&log).map_err(CliError::bug)?;
        text.push('\n');
        folder::write(path, text.as_bytes())?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(report).map_err(CliError::bug)?);
    } else {
        print!("{}", report.to_text(scanner, severity(args.from)));
        if let Some(path) = &args.sarif {
            println!("SARIF: {}", path.display());
        }
    }
    Ok(())
}
