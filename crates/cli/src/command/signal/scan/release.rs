//! A release archive against the tree of a commit. What differs is also scanned, as a change from the tree to the archive.

use super::git::{Blobs, Git};
use super::{MAX_CHANGE_BYTES, refuse};
use crate::exit::{CliError, CliResult};
use crate::folder;
use standstill_signals::scan::archive::{self, About, Entry, Kind, Limits};
use standstill_signals::scan::output::Collected;
use standstill_signals::scan::release::{Item, compare, hard_link, other_commit, top_folder, trailing};
use standstill_signals::scan::{FileChange, Report, Scanner};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Longest archive that is read, in bytes.
const MAX_ARCHIVE_BYTES: u64 = 1 << 30;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    standstill_statement::Hash32::of(bytes).0
}

/// The archive's side.
struct Archive {
    items: BTreeMap<String, Item>,
    /// Hard links, each with what it names.
    links: Vec<(String, String)>,
    /// The folder that all names begin with.
    top: String,
    about: About,
}

/// The tree's side.
struct Tree {
    items: BTreeMap<String, Item>,
    /// Objects by path.
    ids: BTreeMap<String, String>,
    submodules: Vec<String>,
}

pub(super) fn scan(
    scanner: &Scanner,
    path: &Path,
    commit: Option<&str>,
    (archive_path, approvals): (&Path, u32),
) -> CliResult<Report> {
    let git = Git::open(path)?;
    let name = commit.unwrap_or("HEAD");
    if name.contains("..") {
        return Err(CliError::usage(format!("a release is compared with one commit; '{name}' is a range")));
    }
    let commit = git.commit(name)?;
    let bytes = folder::read(archive_path, MAX_ARCHIVE_BYTES)?;
    let mut collected = Collected { bytes: bytes.len() as u64, ..Collected::default() };
    let archive = read(archive_path, &bytes)?;
    let mut blobs = git.blobs()?;
    let tree = tree(&git, &commit, &mut blobs, &mut collected)?;
    collected.files = archive.items.len() as u64;
    let mut found = compare(scanner.paths(), &archive.items, &tree.items);
    found.retain(|finding| !tree.holds(&finding.path));
    found.extend(archive.links.iter().map(|(path, to)| hard_link(path, to)));
    found.extend((archive.about.trailing_bytes > 0).then(|| trailing(archive.about.trailing_bytes)));
    found.extend(archive.about.comment.as_deref().and_then(|comment| other_commit(comment, &commit)));
    // What is only missing is not scanned: a release leaves tests and settings out, which as a change would remove them.
    let differing: BTreeSet<String> =
        found.iter().map(|finding| finding.path.clone()).filter(|path| archive.items.contains_key(path)).collect();
    scanner.rules().weigh(&mut found, approvals);
    collected.findings.extend(found);
    let new = contents(archive_path, &bytes, &archive.top, &differing, &mut collected)?;
    let mut old: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for path in new.keys() {
        if let Some(id) = tree.ids.get(path)
            && let Some(bytes) = blobs.get(id)?
        {
            old.insert(path, bytes);
        }
    }
    let changes: Vec<FileChange<'_>> = new
        .iter()
        .map(|(path, new)| FileChange { path, old: old.get(path.as_str()).map(Vec::as_slice), new: Some(new) })
        .collect();
    collected.findings.extend(scanner.scan_change(&changes, approvals));
    collected.not_read.sort();
    let subject = format!(
        "{} (SHA-256 {}) against {} {}",
        archive_path.display(),
        hex::encode(sha256(&bytes)),
        path.display(),
        commit.get(..10).unwrap_or(&commit)
    );
    Ok(Report::new(subject, scanner, collected))
}

fn wrong(path: &Path, error: &archive::Refused) -> CliError {
    refuse(standstill_signals::scan::ScanError::Read {
        path: path.display().to_string(),
        reason: format!("the archive is refused: {error}"),
    })
}

/// First reading: sums only, so that no more than one file is in memory.
fn read(path: &Path, bytes: &[u8]) -> CliResult<Archive> {
    let (mut items, mut links) = (BTreeMap::new(), Vec::new());
    let about = archive::read(bytes, &Limits::RELEASE, &mut |Entry { path, kind, bytes }| {
        let item = |is_executable, is_link| Item { sha256: sha256(&bytes), is_executable, is_link };
        match kind {
            Kind::File { executable } => drop(items.insert(path, item(executable, false))),
            Kind::Link => drop(items.insert(path, item(false, true))),
            Kind::HardLink { to } => links.push((path, to)),
        }
    })
    .map_err(|error| wrong(path, &error))?;
    // What a hard link names has come before it.
    for (path, to) in &links {
        if let Some(item) = items.get(to).cloned() {
            items.insert(path.clone(), item);
        }
    }
    let top = top_folder(items.keys().map(String::as_str)).to_owned();
    let below = |path: String| path.strip_prefix(&top).map(str::to_owned).unwrap_or(path);
    Ok(Archive {
        items: items.into_iter().map(|(path, item)| (below(path), item)).collect(),
        links: links.into_iter().map(|(path, to)| (below(path), below(to))).collect(),
        top,
        about,
    })
}

/// Second reading: the contents of what differs.
fn contents(
    path: &Path,
    bytes: &[u8],
    top: &str,
    wanted: &BTreeSet<String>,
    collected: &mut Collected,
) -> CliResult<BTreeMap<String, Vec<u8>>> {
    let mut out = BTreeMap::new();
    let mut total = 0u64;
    if wanted.is_empty() {
        return Ok(out);
    }
    archive::read(bytes, &Limits::RELEASE, &mut |entry| {
        let below = entry.path.strip_prefix(top).unwrap_or(&entry.path);
        if !wanted.contains(below) || !matches!(entry.kind, Kind::File { .. }) {
            return;
        }
        total += entry.bytes.len() as u64;
        if total > MAX_CHANGE_BYTES {
            collected.not_read.push(format!("{below}: what differs has more than {MAX_CHANGE_BYTES} bytes"));
        } else {
            out.insert(below.to_owned(), entry.bytes);
        }
    })
    .map_err(|error| wrong(path, &error))?;
    Ok(out)
}

fn tree(git: &Git, commit: &str, blobs: &mut Blobs, collected: &mut Collected) -> CliResult<Tree> {
    let mut tree = Tree { items: BTreeMap::new(), ids: BTreeMap::new(), submodules: Vec::new() };
    for leaf in git.tree(commit)? {
        if leaf.mode == "160000" {
            collected.not_read.push(format!("{}: a submodule; its files are not compared", leaf.path));
            tree.submodules.push(format!("{}/", leaf.path));
            continue;
        }
        let Some(bytes) = blobs.get(&leaf.id)? else {
            collected.not_read.push(format!("{}: object {} is missing from the repository", leaf.path, leaf.id));
            tree.submodules.push(leaf.path);
            continue;
        };
        let (is_executable, is_link) = (leaf.mode == "100755", leaf.mode == "120000");
        tree.items.insert(leaf.path.clone(), Item { sha256: sha256(&bytes), is_executable, is_link });
        tree.ids.insert(leaf.path, leaf.id);
    }
    Ok(tree)
}

impl Tree {
    /// Whether a path lies in what the tree names and the repository does not have.
    fn holds(&self, path: &str) -> bool {
        self.submodules.iter().any(|folder| path == folder || (folder.ends_with('/') && path.starts_with(folder)))
    }
}
