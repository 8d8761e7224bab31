//! Everything a verifier needs, as files (`docs/formats/bundle.md`). What is secret or private never leaves a role's folder.

use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::issuer::PublicHalf;
use crate::role::{reading, witnesses};
use standstill_audit::Round;
use std::path::{Path, PathBuf};

/// What to collect.
#[derive(Debug, Default)]
pub struct Sources {
    /// Terms file.
    pub agreement: PathBuf,
    /// Folders of labs, auditors and witnesses.
    pub homes: Vec<PathBuf>,
    /// Beacon rounds.
    pub rounds: Vec<Round>,
    /// Further evidence of forks (two notes, as a witness writes them).
    pub forks: Vec<Vec<u8>>,
}

/// What was collected.
#[derive(Debug, Default)]
pub struct Collected {
    /// Logs copied.
    pub logs: usize,
    /// Blobs copied.
    pub blobs: usize,
    /// Beacon rounds.
    pub rounds: usize,
    /// Pieces of evidence of forks.
    pub forks: usize,
}

/// Collects a bundle into a new folder.
///
/// # Errors
/// When the folder exists, the terms are refused, or something cannot be copied; a half-made bundle is removed.
pub fn collect(sources: &Sources, out: &Path) -> CliResult<Collected> {
    if out.exists() {
        return Err(CliError::usage(format!("{} exists already; choose another folder for the bundle", out.display())));
    }
    let terms = folder::read_text(&sources.agreement)?;
    let agreement = reading::parse_agreement(&sources.agreement.display().to_string(), &terms)?;
    // Collected beside its place and moved there when whole, so that nobody mistakes half a bundle for one with things missing.
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    folder::make(parent)?;
    let staging = tempfile::Builder::new()
        .prefix(".bundle-")
        .tempdir_in(parent)
        .map_err(|error| CliError::file("make folder in", parent, &error))?;
    let collected = fill(sources, &agreement.id().to_string(), &terms, staging.path())?;
    let staged = staging.keep();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A bundle is public; temporary folders are not.
        std::fs::set_permissions(&staged, std::fs::Permissions::from_mode(0o755))
            .map_err(|error| CliError::file("open up", &staged, &error))?;
    }
    std::fs::rename(&staged, out).map_err(|error| CliError::file("move the bundle to", out, &error))?;
    Ok(collected)
}

fn fill(sources: &Sources, id: &str, terms: &str, out: &Path) -> CliResult<Collected> {
    let mut collected = Collected::default();
    folder::write(&out.join("agreement.toml"), terms.as_bytes())?;
    let card = serde_json::json!({ "format": "standstill-bundle/1", "agreement": id });
    folder::write(&out.join("bundle.json"), format!("{card}\n").as_bytes())?;
    for home in &sources.homes {
        let public = PublicHalf::read(home)?;
        if public.role == "witness" {
            collected.forks += witnesses::copy_evidence(home, &out.join("alarms"))?;
            continue;
        }
        copy_log(&home.join("log"), &out.join("logs").join(public.id.as_str()))?;
        collected.logs += 1;
        let count = std::cell::Cell::new(0);
        folder::copy_tree(&home.join("blobs"), &out.join("blobs"), &|path| {
            let named =
                path.to_str().is_some_and(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
            count.set(count.get() + usize::from(named));
            named
        })?;
        collected.blobs += count.get();
    }
    for round in &sources.rounds {
        folder::write(&out.join("beacon").join(format!("{}.json", round.round)), round.to_json().as_bytes())?;
        collected.rounds += 1;
    }
    for (number, fork) in sources.forks.iter().enumerate() {
        folder::write(&out.join("alarms").join(format!("shown-{number}.note")), fork)?;
        collected.forks += 1;
    }
    Ok(collected)
}

/// The public part of a log's folder: checkpoints and tiles.
fn copy_log(from: &Path, to: &Path) -> CliResult<()> {
    folder::copy_tree(from, to, &|path| {
        let first = path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        matches!(first.as_deref(), Some("checkpoint" | "checkpoints" | "tile"))
    })
}
