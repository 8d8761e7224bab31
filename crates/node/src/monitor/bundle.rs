//! A bundle from what the monitor holds (`docs/formats/bundle.md`).

use super::watch::Watch;
use crate::error::NodeError;
use std::fs;
use std::path::{Path, PathBuf};

/// What goes into a bundle.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Exact text of the terms.
    pub terms: &'a str,
    /// Agreement id.
    pub agreement: String,
    /// Logs.
    pub watches: &'a [Watch],
    /// Folder of blobs.
    pub blobs: PathBuf,
    /// Folder of beacon rounds.
    pub beacon: Option<&'a Path>,
}

/// Writes a bundle, whole or not at all: made beside its place, then moved there. An older bundle in its place goes.
///
/// # Errors
/// [`NodeError::Io`] when a file cannot be written, or the place holds something that is no bundle.
pub fn write(sources: &Sources<'_>, out: &Path) -> Result<(), NodeError> {
    if out.exists() && !out.join("bundle.json").exists() {
        let place = out.display().to_string();
        let source = std::io::Error::other("it exists and is not a bundle; choose another folder");
        return Err(NodeError::Io { action: "write a bundle to", place, source });
    }
    let staging = beside(out, "new");
    let _ = fs::remove_dir_all(&staging);
    let written = fill(sources, &staging);
    if written.is_err() {
        let _ = fs::remove_dir_all(&staging);
        return written;
    }
    let old = beside(out, "old");
    let _ = fs::remove_dir_all(&old);
    if out.exists() {
        fs::rename(out, &old).map_err(NodeError::io("move away", out.display()))?;
    }
    fs::rename(&staging, out).map_err(NodeError::io("move a bundle to", out.display()))?;
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{suffix}"));
    out.with_file_name(name)
}

fn fill(sources: &Sources<'_>, out: &Path) -> Result<(), NodeError> {
    fs::create_dir_all(out).map_err(NodeError::io("make folder", out.display()))?;
    let card = serde_json::json!({ "format": "standstill-bundle/1", "agreement": sources.agreement });
    put(&out.join("bundle.json"), format!("{card}\n").as_bytes())?;
    put(&out.join("agreement.toml"), sources.terms.as_bytes())?;
    for watch in sources.watches {
        log(watch, out)?;
    }
    if sources.blobs.is_dir() {
        copy_files(&sources.blobs, &out.join("blobs"), &|name| name.len() == 64)?;
    }
    if let Some(beacon) = sources.beacon.filter(|beacon| beacon.is_dir()) {
        copy_files(beacon, &out.join("beacon"), &|name| name.ends_with(".json"))?;
    }
    Ok(())
}

/// A log's copy. Where a second history was kept whole, its entries are the ones that show the fork: the first history's heads are signed too.
fn log(watch: &Watch, out: &Path) -> Result<(), NodeError> {
    let (from, to) = (watch.copy().directory(), out.join("logs").join(watch.issuer.as_str()));
    let fork = from.join("fork");
    if from.join("checkpoint").exists() {
        copy_files(&from.join("checkpoints"), &to.join("checkpoints"), &|_| true)?;
        let entries = if fork.join("checkpoint").exists() { &fork } else { from };
        copy(&entries.join("checkpoint"), &to.join("checkpoint"))?;
        if entries.join("tile/entries").is_dir() {
            copy_tree(&entries.join("tile/entries"), &to.join("tile/entries"))?;
        }
    }
    let alarms = from.join("alarms");
    if alarms.is_dir() {
        // Only what proves something by itself: stale views and withheld entries are for the operator.
        let issuer = watch.issuer.as_str();
        let names = names(&alarms)?.into_iter().filter(|name| name.starts_with("fork-") && name.ends_with(".note"));
        for name in names {
            copy(&alarms.join(&name), &out.join("alarms").join(format!("{issuer}-{name}")))?;
        }
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>, NodeError> {
    let listing = fs::read_dir(folder).map_err(NodeError::io("list", folder.display()))?;
    Ok(listing.filter_map(|item| item.ok()?.file_name().into_string().ok()).collect())
}

fn copy_files(from: &Path, to: &Path, keep: &dyn Fn(&str) -> bool) -> Result<(), NodeError> {
    for name in names(from)?.into_iter().filter(|name| keep(name)) {
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), NodeError> {
    for name in names(from)? {
        if from.join(&name).is_dir() {
            copy_tree(&from.join(&name), &to.join(&name))?;
        } else {
            copy(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), NodeError> {
    make_parent(to)?;
    fs::copy(from, to).map(|_| ()).map_err(NodeError::io("copy", from.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    make_parent(path)?;
    fs::write(path, bytes).map_err(NodeError::io("write", path.display()))
}

fn make_parent(path: &Path) -> Result<(), NodeError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(NodeError::io("make folder", parent.display()))
}
