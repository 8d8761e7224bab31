//! Lock files: Cargo, uv, Poetry, npm, Yarn 1, pnpm, Go, pip with hashes.

use super::super::flatten::Settings;
use super::super::paths::{extension, file_name};
use std::collections::BTreeMap;

/// Most packages of one lock file.
const MAX_PACKAGES: usize = 100_000;
/// Longest lock file, in bytes.
const MAX_BYTES: usize = 32 << 20;

/// One locked package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Address or registry; empty for packages of the project itself.
    pub source: String,
    /// Hashes of its archives with their algorithm where the format says it.
    pub hashes: Vec<String>,
    /// Comes from a git repository.
    pub git: bool,
    /// Runs a script at install.
    pub script: bool,
    /// Line, from 1; 0 where it is not known.
    pub line: u32,
}

/// True for lock files that [`read`] knows.
#[must_use]
pub(super) fn is_lock(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    matches!(
        name.as_str(),
        "cargo.lock"
            | "uv.lock"
            | "poetry.lock"
            | "package-lock.json"
            | "npm-shrinkwrap.json"
            | "yarn.lock"
            | "pnpm-lock.yaml"
            | "go.sum"
    ) || (name.starts_with("requirements") && extension(path).as_deref() == Some("txt"))
}

/// Reads a lock file.
///
/// # Errors
/// The reader's words.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<Package>, String> {
    if bytes.len() > MAX_BYTES {
        return Err("longer than 32 MiB".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let packages = match file_name(path).to_ascii_lowercase().as_str() {
        "cargo.lock" | "uv.lock" | "poetry.lock" => toml_lock(text)?,
        "package-lock.json" | "npm-shrinkwrap.json" => npm(text)?,
        "yarn.lock" => yarn(text),
        "pnpm-lock.yaml" => pnpm(path, bytes)?,
        "go.sum" => go(text),
        _ => pip(text),
    };
    if packages.len() > MAX_PACKAGES { Err(format!("more than {MAX_PACKAGES} packages")) } else { Ok(packages) }
}

fn toml_lock(text: &str) -> Result<Vec<Package>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let packages = table.get("package").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(packages.iter().filter_map(toml_package).collect())
}

fn toml_package(value: &toml::Value) -> Option<Package> {
    let text = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let mut package = Package {
        name: text(value.get("name"))?,
        version: text(value.get("version")).unwrap_or_default(),
        ..Package::default()
    };
    match value.get("source") {
        Some(toml::Value::String(source)) => {
            package.git = source.starts_with("git+");
            source.split_once('+').map_or(source.as_str(), |(_, rest)| rest).clone_into(&mut package.source);
        }
        Some(source) => {
            package.git =
                source.get("git").is_some() || source.get("type").and_then(toml::Value::as_str) == Some("git");
            package.source =
                ["registry", "git", "url"].iter().find_map(|key| text(source.get(key))).unwrap_or_default();
        }
        None => {}
    }
    package.hashes.extend(text(value.get("checksum")));
    let archives = [value.get("sdist")]
        .into_iter()
        .flatten()
        .chain(["wheels", "files"].iter().filter_map(|key| value.get(key)?.as_array()).flatten());
    for archive in archives {
        package.hashes.extend(text(archive.get("hash")));
        if let Some(url) = text(archive.get("url")).filter(|url| url.contains("://")) {
            package.source = url;
        }
    }
    Some(package)
}

fn npm(text: &str) -> Result<Vec<Package>, String> {
    let root: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let text_of = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let mut out = Vec::new();
    for key in ["packages", "dependencies"] {
        for (path, value) in root.get(key).and_then(serde_json::Value::as_object).into_iter().flatten() {
            if path.is_empty() || (key == "dependencies" && root.get("packages").is_some()) {
                continue;
            }
            let source = text_of(value, "resolved");
            let integrity = text_of(value, "integrity");
            out.push(Package {
                name: path.rsplit("node_modules/").next().unwrap_or(path).to_owned(),
                version: text_of(value, "version"),
                git: source.starts_with("git"),
                source,
                hashes: integrity.split_whitespace().map(str::to_owned).collect(),
                script: value.get("hasInstallScript").and_then(serde_json::Value::as_bool).unwrap_or(false),
                line: 0,
            });
        }
    }
    Ok(out)
}

fn yarn(text: &str) -> Vec<Package> {
    let mut out: Vec<Package> = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if !line.starts_with([' ', '#']) && trimmed.ends_with(':') {
            let first = trimmed.trim_matches([':', '"']).split(',').next().unwrap_or_default().trim_matches('"');
            let name = first.get(1..).and_then(|rest| rest.find('@')).map_or(first, |at| &first[..=at]);
            out.push(Package { name: name.to_owned(), line: number, ..Package::default() });
        } else if let Some(package) = out.last_mut() {
            let value = |key: &str| trimmed.strip_prefix(key).map(|rest| rest.trim_matches([' ', '"', ':']).to_owned());
            if let Some(version) = value("version ") {
                package.version = version;
            } else if let Some(source) = value("resolved ") {
                package.git = source.starts_with("git");
                package.hashes.extend(source.split_once('#').filter(|_| !package.git).map(|(_, hash)| hash.to_owned()));
                package.source = source;
            } else if let Some(integrity) = value("integrity ") {
                package.hashes = vec![integrity];
            }
        }
    }
    out
}

fn pnpm(path: &str, bytes: &[u8]) -> Result<Vec<Package>, String> {
    let settings = Settings::read(path, bytes)?;
    let mut out: BTreeMap<String, Package> = BTreeMap::new();
    for entry in &settings.0 {
        let Some(rest) = entry.path.strip_prefix("packages/") else { continue };
        let Some(at) = rest.find("/resolution/").or_else(|| rest.find("/requiresBuild")) else { continue };
        let id = rest[..at].trim_start_matches('/');
        let (name, version) =
            id.get(1..).and_then(|tail| tail.rfind('@')).map_or((id, ""), |at| (&id[..=at], &id[at + 2..]));
        let package = out.entry(id.to_owned()).or_insert_with(|| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            line: entry.line,
            ..Package::default()
        });
        match rest[at..].rsplit('/').next() {
            Some("integrity") => package.hashes.push(entry.value.clone()),
            Some("tarball") => package.source.clone_from(&entry.value),
            Some("repo") => {
                package.git = true;
                package.source.clone_from(&entry.value);
            }
            Some("requiresBuild") => package.script = true,
            _ => {}
        }
    }
    Ok(out.into_values().collect())
}

fn go(text: &str) -> Vec<Package> {
    (1u32..)
        .zip(text.lines())
        .filter_map(|(line, text)| {
            let mut words = text.split_whitespace();
            let (name, version, hash) = (words.next()?, words.next()?, words.next()?);
            Some(Package {
                name: name.to_owned(),
                version: version.to_owned(),
                hashes: vec![hash.to_owned()],
                line,
                ..Package::default()
            })
        })
        .collect()
}

fn pip(text: &str) -> Vec<Package> {
    let joined = text.replace("\\\n", " ");
    let mut out = Vec::new();
    for line in joined.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(address) =
            ["--index-url", "--extra-index-url", "-i ", "--find-links"].iter().find_map(|flag| line.strip_prefix(flag))
        {
            out.push(Package {
                name: "(index)".to_owned(),
                source: address.trim_matches(['=', ' ']).to_owned(),
                ..Package::default()
            });
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(first) = words.next().filter(|first| !first.starts_with('-')) else { continue };
        let git = line.contains("git+");
        let address = line.split(['@', ' ']).find(|part| part.contains("://")).unwrap_or_default();
        let (name, version) = first.split_once("==").unwrap_or((first, ""));
        out.push(Package {
            name: name.split(['[', ';', '<', '>', '~', '!']).next().unwrap_or(name).to_ascii_lowercase(),
            version: version.split(';').next().unwrap_or_default().to_owned(),
            source: address.to_owned(),
            git,
            hashes: line
                .split_whitespace()
                .filter_map(|word| word.strip_prefix("--hash="))
                .map(str::to_owned)
                .collect(),
            ..Package::default()
        });
    }
    out
}
