//! What a path says: class and tier of the code, kind of the text.

use super::ScanError;
use super::rules::PATHS_TOML;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Tier of paths that no class matches.
pub const OTHER_TIER: u8 = 3;

/// Most globs in one list.
const MAX_GLOBS: usize = 2_000;

/// What a part of a repository is for. Closed list; the order is part of the record format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathClass {
    /// Code, data lists and configuration that make weights.
    Training,
    /// What measures models.
    Evaluation,
    /// Monitors, scorers, sandboxes, permissions, rewards, the ledger itself.
    Oversight,
    /// Rules that a change must pass.
    Gates,
    /// Workflows that run the gates.
    Ci,
    /// Everything else.
    Other,
}

impl PathClass {
    /// All classes in order.
    pub const ALL: [Self; 6] = [Self::Training, Self::Evaluation, Self::Oversight, Self::Gates, Self::Ci, Self::Other];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Evaluation => "evaluation",
            Self::Oversight => "oversight",
            Self::Gates => "gates",
            Self::Ci => "ci",
            Self::Other => "other",
        }
    }

    /// Position in [`PathClass::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// How strictly hidden text is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Source code: identifiers count.
    Code,
    /// Structured data and configuration: strings in any language are ordinary.
    Data,
    /// Text for people.
    Prose,
    /// Instructions that a coding agent obeys: judged like code, also in its prose.
    Agent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    class: Vec<ClassEntry>,
    kind: KindEntry,
    agent: AgentEntry,
    tests: TestEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassEntry {
    name: PathClass,
    tier: u8,
    globs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindEntry {
    code: BTreeSet<String>,
    code_names: BTreeSet<String>,
    prose: BTreeSet<String>,
    data: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    instructions: Vec<String>,
    settings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestEntry {
    globs: Vec<String>,
    build: Vec<String>,
    opaque: BTreeSet<String>,
    suspicious: Vec<String>,
}

/// The table of paths in force.
#[derive(Debug)]
pub struct PathTable {
    classes: Vec<(PathClass, u8, GlobSet)>,
    kinds: KindEntry,
    instructions: GlobSet,
    settings: GlobSet,
    tests: GlobSet,
    build: GlobSet,
    opaque: BTreeSet<String>,
    suspicious: Vec<String>,
    hash: [u8; 32],
}

impl std::fmt::Debug for KindEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} code, {} prose, {} data endings", self.code.len(), self.prose.len(), self.data.len())
    }
}

fn set(name: &str, globs: &[String]) -> Result<GlobSet, ScanError> {
    if globs.len() > MAX_GLOBS {
        return Err(ScanError::table(name, format!("more than {MAX_GLOBS} globs in one list")));
    }
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let built = GlobBuilder::new(glob).literal_separator(true).case_insensitive(true).build();
        builder.add(built.map_err(|error| ScanError::table(name, error))?);
    }
    builder.build().map_err(|error| ScanError::table(name, error))
}

/// The ending of a file name in lower case, without the dot.
#[must_use]
pub fn extension(path: &str) -> Option<String> {
    let name = file_name(path);
    name.rfind('.').filter(|dot| dot + 1 < name.len()).map(|dot| name[dot + 1..].to_ascii_lowercase())
}

/// The last part of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl PathTable {
    /// The built-in table.
    ///
    /// # Errors
    /// Never for the shipped table; a test reads it.
    pub fn builtin() -> Result<Self, ScanError> {
        Self::parse("scan-paths.toml", PATHS_TOML)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`ScanError::Table`] with the reason.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScanError> {
        let file: File = toml::from_str(text).map_err(|error| ScanError::table(name, error))?;
        if file.version != 1 {
            return Err(ScanError::table(name, "this program reads version 1 of path tables"));
        }
        let mut classes = Vec::new();
        for entry in &file.class {
            classes.push((entry.name, entry.tier, set(name, &entry.globs)?));
        }
        Ok(Self {
            classes,
            instructions: set(name, &file.agent.instructions)?,
            settings: set(name, &file.agent.settings)?,
            tests: set(name, &file.tests.globs)?,
            build: set(name, &file.tests.build)?,
            opaque: file.tests.opaque,
            suspicious: file.tests.suspicious,
            kinds: file.kind,
            hash: standstill_statement::Hash32::of(text.as_bytes()).0,
        })
    }

    /// SHA-256 of the table's bytes.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Class and tier of a path. Tier 0 is what oversees the rest, 1 is what makes and measures models, 3 is everything else.
    #[must_use]
    pub fn class(&self, path: &str) -> (PathClass, u8) {
        self.classes
            .iter()
            .find(|(_, _, globs)| globs.is_match(path))
            .map_or((PathClass::Other, OTHER_TIER), |(class, tier, _)| (*class, *tier))
    }

    /// Kind of text, from the name and the first bytes.
    #[must_use]
    pub fn kind(&self, path: &str, bytes: &[u8]) -> Kind {
        if self.is_agent_instruction(path) {
            return Kind::Agent;
        }
        let name = file_name(path).to_ascii_lowercase();
        if self.kinds.code_names.contains(&name) {
            return Kind::Code;
        }
        match extension(path) {
            Some(end) if self.kinds.data.contains(&end) => Kind::Data,
            Some(end) if self.kinds.code.contains(&end) => Kind::Code,
            Some(end) if self.kinds.prose.contains(&end) => Kind::Prose,
            _ if bytes.starts_with(b"#!") || bytes.starts_with(b"<?php") => Kind::Code,
            _ => Kind::Prose,
        }
    }

    /// True when the ending alone promises text.
    #[must_use]
    pub fn promises_code(&self, path: &str) -> bool {
        extension(path).is_some_and(|end| self.kinds.code.contains(&end))
    }

    /// True for files that coding agents obey.
    #[must_use]
    pub fn is_agent_instruction(&self, path: &str) -> bool {
        self.instructions.is_match(path)
    }

    /// True for settings of coding agents and editors.
    #[must_use]
    pub fn is_agent_settings(&self, path: &str) -> bool {
        self.settings.is_match(path)
    }

    /// True for tests and their data.
    #[must_use]
    pub fn is_test(&self, path: &str) -> bool {
        self.tests.is_match(path)
    }

    /// True for scripts that decide what a build does.
    #[must_use]
    pub fn is_build(&self, path: &str) -> bool {
        self.build.is_match(path)
    }

    /// True when the ending says that nobody can read the file.
    #[must_use]
    pub fn has_opaque_ending(&self, path: &str) -> bool {
        extension(path).is_some_and(|end| self.opaque.contains(&end))
    }

    /// True when the name calls the file broken.
    #[must_use]
    pub fn calls_itself_broken(&self, path: &str) -> bool {
        let name = file_name(path).to_ascii_lowercase();
        self.suspicious.iter().any(|word| name.contains(word.as_str()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_classes_and_tiers() {
        let table = PathTable::builtin().unwrap();
        for (path, class, tier) in [
            (".github/workflows/ci.yml", PathClass::Ci, 0),
            ("src/agent/monitor.py", PathClass::Oversight, 0),
            ("CODEOWNERS", PathClass::Gates, 0),
            ("open_instruct/grpo_fast.py", PathClass::Training, 1),
            ("src/evals/math.py", PathClass::Evaluation, 1),
            ("src/main.rs", PathClass::Other, 3),
            ("vendor/x/.github/workflows/ci.yml", PathClass::Other, 3),
        ] {
            assert_eq!(table.class(path), (class, tier), "{path}");
        }
    }

    #[test]
    fn kinds_follow_names() {
        let table = PathTable::builtin().unwrap();
        assert_eq!(table.kind("a/b.rs", b""), Kind::Code);
        assert_eq!(table.kind("a/package.json", b""), Kind::Data);
        assert_eq!(table.kind("a/README.md", b""), Kind::Prose);
        assert_eq!(table.kind("a/CLAUDE.md", b""), Kind::Agent);
        assert_eq!(table.kind("a/run", b"#!/bin/sh"), Kind::Code);
        assert_eq!(table.kind("Makefile", b""), Kind::Code);
    }

    #[test]
    fn a_bad_glob_is_refused_with_the_file() {
        let bad = PATHS_TOML.replacen("**/CODEOWNERS", "**/{CODEOWNERS", 1);
        assert!(PathTable::parse("mine.toml", &bad).unwrap_err().to_string().starts_with("mine.toml"));
    }
}
