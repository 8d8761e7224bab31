//! Dependencies before and after: hosts, hashes, git sources, code that runs at install or build time, replaced indexes.

mod lock;

pub use lock::{Package, read as read_lock};

use super::finding::Finding;
use super::flatten::Settings;
use super::paths::{extension, file_name};
use super::rules::id;
use std::collections::{BTreeMap, BTreeSet};

/// True for files whose change can swap what is installed.
#[must_use]
pub fn concerns(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    lock::is_lock(path)
        || matches!(
            name.as_str(),
            "cargo.toml"
                | "package.json"
                | "pyproject.toml"
                | "setup.py"
                | "setup.cfg"
                | "build.rs"
                | ".npmrc"
                | ".yarnrc"
                | ".yarnrc.yml"
                | "pip.conf"
                | ".pypirc"
                | "go.mod"
                | "go.work"
                | "gemfile"
                | "binding.gyp"
                | "uv.toml"
        )
        || path.ends_with(".cargo/config.toml")
        || path.ends_with(".cargo/config")
}

/// Compares two versions of a manifest or lock file.
#[must_use]
pub fn compare(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<Finding> {
    let Some(new) = new else { return Vec::new() };
    let name = file_name(path).to_ascii_lowercase();
    let mut found = Vec::new();
    if lock::is_lock(path) {
        if let Some(old) = old {
            locks(path, old, new, &mut found);
        }
        return found;
    }
    match name.as_str() {
        "build.rs" if old.is_none() => {
            found.push(Finding::new(id::DEPENDENCY_SCRIPT, 1, 0, "a new build script runs at every build"))
        }
        "setup.py" => lines(
            old,
            new,
            &["cmdclass", "subprocess", "os.system(", "urllib", "exec("],
            id::DEPENDENCY_SCRIPT,
            "code that runs at install time",
            &mut found,
        ),
        "binding.gyp" if old.is_none() => {
            found.push(Finding::new(id::DEPENDENCY_SCRIPT, 1, 0, "node-gyp runs at install"))
        }
        ".npmrc" | ".yarnrc" | ".yarnrc.yml" | "pip.conf" | ".pypirc" | "uv.toml" => {
            lines(
                old,
                new,
                &[
                    "registry",
                    "index-url",
                    "index_url",
                    "extra-index",
                    "npmRegistryServer",
                    "find-links",
                    "trusted-host",
                    "strict-ssl",
                    "url =",
                ],
                id::DEPENDENCY_REDIRECT,
                "a package index is named",
                &mut found,
            );
        }
        "go.mod" | "go.work" => {
            lines(old, new, &["replace ", "=>"], id::DEPENDENCY_REDIRECT, "a module is replaced", &mut found)
        }
        "gemfile" => {
            lines(old, new, &["git:", "source "], id::DEPENDENCY_GIT, "a gem comes from elsewhere", &mut found)
        }
        "build.rs" => {}
        _ => manifest(path, old, new, &mut found),
    }
    found
}

/// New lines with one of the words.
fn lines(old: Option<&[u8]>, new: &[u8], words: &[&str], rule: &'static str, message: &str, found: &mut Vec<Finding>) {
    let old = String::from_utf8_lossy(old.unwrap_or_default()).into_owned();
    for (number, line) in (1u32..).zip(String::from_utf8_lossy(new).lines()) {
        let line = line.trim();
        let new_line = words.iter().any(|word| line.contains(word))
            && !line.starts_with(['#', '/'])
            && !old.lines().any(|before| before.trim() == line);
        if new_line {
            found.push(Finding::new(rule, number, 0, message).showing(super::hidden::escape(line)));
        }
    }
}

/// Cargo.toml, package.json, pyproject.toml, .cargo/config.toml and the like.
fn manifest(path: &str, old: Option<&[u8]>, new: &[u8], found: &mut Vec<Finding>) {
    let Ok(new) = Settings::read(if extension(path).is_some() { path } else { "config.toml" }, new) else { return };
    let old = old
        .and_then(|old| Settings::read(if extension(path).is_some() { path } else { "config.toml" }, old).ok())
        .unwrap_or_default();
    let before: BTreeSet<(&str, &str)> =
        old.0.iter().map(|entry| (entry.path.as_str(), entry.value.as_str())).collect();
    for entry in &new.0 {
        if before.contains(&(entry.path.as_str(), entry.value.as_str())) {
            continue;
        }
        if let Some((rule, message)) = judge(&entry.path, &entry.value) {
            let shown = super::hidden::escape(&format!("{} = {}", entry.path, entry.value));
            found.push(Finding::new(rule, entry.line, 0, message).showing(shown));
        }
    }
}

fn judge(path: &str, value: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = path.split('/').collect();
    let last = *parts.last()?;
    let in_dependencies = parts.iter().any(|part| {
        part.to_lowercase().contains("dependencies")
            || *part == "sources"
            || *part == "patch"
            || *part == "overrides"
            || *part == "resolutions"
    });
    if matches!(
        path,
        "scripts/preinstall" | "scripts/install" | "scripts/postinstall" | "scripts/prepare" | "scripts/prepublish"
    ) {
        return Some((id::DEPENDENCY_SCRIPT, "a script that runs at install"));
    }
    if path == "build-system/backend-path/[]"
        || path == "package/build"
        || path == "build/rustc-wrapper"
        || last == "runner"
    {
        return Some((id::DEPENDENCY_SCRIPT, "code that runs at build time"));
    }
    if in_dependencies && (last == "git" || last == "url" || from_address(value)) {
        return Some((id::DEPENDENCY_GIT, "a dependency comes from a repository or an address"));
    }
    if parts[0] == "patch" || parts[0] == "replace" {
        return Some((id::DEPENDENCY_REDIRECT, "a dependency is replaced"));
    }
    let source = matches!(parts[0], "source" | "registries")
        || path.starts_with("tool/uv/index")
        || path.starts_with("tool/poetry/source")
        || path.starts_with("tool/pdm/source");
    (source && matches!(last, "url" | "registry" | "replace-with" | "index" | "local-registry" | "directory"))
        .then_some((id::DEPENDENCY_REDIRECT, "a package index is named"))
}

fn from_address(value: &str) -> bool {
    ["git+", "git://", "git@", "github:", "gitlab:", "http://", "https://", "file:"]
        .iter()
        .any(|start| value.starts_with(start))
        || value.contains(" @ git+")
        || value.contains(" @ http")
}

/// Host of an address; empty for what has none.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or(host)
}

fn locks(path: &str, old: &[u8], new: &[u8], found: &mut Vec<Finding>) {
    let (old, new) = match (lock::read(path, old), lock::read(path, new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Ok(_), Err(_)) => {
            found.push(Finding::new(id::DEPENDENCY_HASH, 0, 0, "the lock file can no longer be read"));
            return;
        }
        // It could not be read before either: the change that broke it was told.
        (Err(_), _) => return,
    };
    let hosts: BTreeSet<&str> = old.iter().map(|package| host(&package.source)).collect();
    let mut before: BTreeMap<(&str, &str), Vec<&Package>> = BTreeMap::new();
    for package in &old {
        before.entry((&package.name, &package.version)).or_default().push(package);
    }
    let names: BTreeMap<&str, bool> = old.iter().map(|package| (package.name.as_str(), package.git)).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for package in &new {
        let place = format!("{} {}", package.name, package.version);
        let new_host = host(&package.source);
        if !old.is_empty() && !new_host.is_empty() && !hosts.contains(new_host) && told.insert(new_host) {
            found.push(Finding::new(
                id::DEPENDENCY_HOST,
                package.line,
                0,
                format!("{place} comes from {new_host}, which was not used before"),
            ));
        }
        if package.git && names.get(package.name.as_str()) != Some(&true) {
            found.push(Finding::new(
                id::DEPENDENCY_GIT,
                package.line,
                0,
                format!("{place} comes from {}", package.source),
            ));
        }
        let same = before.get(&(package.name.as_str(), package.version.as_str())).map_or(&[][..], Vec::as_slice);
        if same.is_empty() || same.contains(&package) {
            if package.script && !old.iter().any(|other| other.name == package.name && other.script) {
                found.push(Finding::new(
                    id::DEPENDENCY_SCRIPT,
                    package.line,
                    0,
                    format!("{place} runs a script at install"),
                ));
            }
            continue;
        }
        let had: BTreeSet<&String> = same.iter().flat_map(|package| &package.hashes).collect();
        let has: BTreeSet<&String> = package.hashes.iter().collect();
        if !had.is_empty() && has.is_empty() {
            found.push(Finding::new(id::DEPENDENCY_HASH, package.line, 0, format!("{place} lost its hash")));
        } else if !had.is_empty()
            && had.is_disjoint(&has)
            && same.iter().any(|other| algorithm(&other.hashes) == algorithm(&package.hashes))
        {
            let shown = format!(
                "{} became {}",
                had.iter().next().map_or("", |hash| hash.as_str()),
                has.iter().next().map_or("", |hash| hash.as_str())
            );
            found.push(
                Finding::new(
                    id::DEPENDENCY_SWAPPED,
                    package.line,
                    0,
                    format!("{place}: another hash for the same version"),
                )
                .showing(shown),
            );
        }
    }
}

/// What kind of hash it is, by its label and length: a lock file that moves from SHA-1 to SHA-512 swaps nothing.
fn algorithm(hashes: &[String]) -> Option<(&str, usize)> {
    hashes.first().map(|hash| (hash.split_once(['-', ':']).map_or("", |(name, _)| name), hash.len()))
}

#[cfg(test)]
mod tests;
