//! Which class a path belongs to, and whether it is generated. Classes are data; a repository may bring its own table.

use super::ChangesError;
use crate::scan::PathClass;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The scanner's table: one list of sensitive paths for both.
const SCAN_PATHS: &str = include_str!("../../data/scan-paths.toml");
const GENERATED: &str = include_str!("../../data/changes-generated.toml");
/// Domain of the hash of a table.
const DOMAIN: &[u8] = b"standstill/1/changes-classes\0";
/// Most globs in one table.
const MAX_GLOBS: usize = 10_000;
/// Longest table, in bytes.
const MAX_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
struct Classes {
    class: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: PathClass,
    globs: Vec<String>,
}

#[derive(Deserialize)]
struct Generated {
    version: u32,
    generated: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    version: u32,
    #[serde(default)]
    class: Vec<OwnEntry>,
    generated: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnEntry {
    name: PathClass,
    globs: Vec<String>,
}

/// The table in force.
#[derive(Debug)]
pub struct ClassTable {
    classes: Vec<(PathClass, GlobSet)>,
    generated: GlobSet,
    hash: [u8; 32],
}

fn set(name: &str, globs: &[String]) -> Result<GlobSet, ChangesError> {
    if globs.len() > MAX_GLOBS {
        return Err(ChangesError::table(name, format!("more than {MAX_GLOBS} globs")));
    }
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let built = GlobBuilder::new(glob).literal_separator(true).case_insensitive(true).build();
        builder.add(built.map_err(|error| ChangesError::table(name, error))?);
    }
    builder.build().map_err(|error| ChangesError::table(name, error))
}

impl ClassTable {
    /// The built-in table.
    ///
    /// # Errors
    /// Never for the shipped tables; a test reads them.
    pub fn builtin() -> Result<Self, ChangesError> {
        let classes: Classes =
            toml::from_str(SCAN_PATHS).map_err(|error| ChangesError::table("scan-paths.toml", error))?;
        let classes = classes.class.iter().map(|entry| (entry.name, entry.globs.as_slice()));
        Self::build("scan-paths.toml", classes, &Self::builtin_generated()?, &[SCAN_PATHS, GENERATED])
    }

    fn builtin_generated() -> Result<Vec<String>, ChangesError> {
        let name = "changes-generated.toml";
        let file: Generated = toml::from_str(GENERATED).map_err(|error| ChangesError::table(name, error))?;
        if file.version == 1 { Ok(file.generated) } else { Err(ChangesError::table(name, "unknown version")) }
    }

    /// Reads a repository's own table. Without `generated` the built-in list of generated files stays in force.
    ///
    /// # Errors
    /// [`ChangesError::Table`] with the reason.
    pub fn parse(name: &str, text: &str) -> Result<Self, ChangesError> {
        if text.len() > MAX_BYTES {
            return Err(ChangesError::table(name, format!("longer than {MAX_BYTES} bytes")));
        }
        let own: Own = toml::from_str(text).map_err(|error| ChangesError::table(name, error))?;
        if own.version != 1 {
            return Err(ChangesError::table(name, "this program reads version 1 of class tables; write 'version = 1'"));
        }
        if own.class.is_empty() {
            return Err(ChangesError::table(name, "no [[class]]; give each class a name and globs"));
        }
        let generated = match &own.generated {
            Some(globs) => globs.clone(),
            None => Self::builtin_generated()?,
        };
        let classes = own.class.iter().map(|entry| (entry.name, entry.globs.as_slice()));
        Self::build(name, classes, &generated, &[text, if own.generated.is_some() { "" } else { GENERATED }])
    }

    fn build<'a>(
        name: &str,
        classes: impl Iterator<Item = (PathClass, &'a [String])>,
        generated: &[String],
        texts: &[&str],
    ) -> Result<Self, ChangesError> {
        let mut hasher = Sha256::new_with_prefix(DOMAIN);
        for text in texts {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let classes =
            classes.map(|(class, globs)| Ok((class, set(name, globs)?))).collect::<Result<_, ChangesError>>()?;
        Ok(Self { classes, generated: set(name, generated)?, hash: hasher.finalize().into() })
    }

    /// Hash of the table's text, for the method.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Class of a path, and whether it is generated. The first class that matches decides.
    #[must_use]
    pub fn of(&self, path: &str) -> (PathClass, bool) {
        let class =
            self.classes.iter().find(|(_, globs)| globs.is_match(path)).map_or(PathClass::Other, |(class, _)| *class);
        (class, self.generated.is_match(path))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_agrees_with_the_scanner() {
        let (table, scan) = (ClassTable::builtin().unwrap(), crate::scan::PathTable::builtin().unwrap());
        for path in
            [".github/workflows/ci.yml", "a/train/x.py", "src/monitor/m.rs", "CODEOWNERS", "evals/x.py", "src/lib.rs"]
        {
            assert_eq!(table.of(path).0, scan.class(path).0, "{path}");
        }
        assert_eq!(table.of("sub/Cargo.lock"), (PathClass::Other, true));
    }

    #[test]
    fn an_own_table_replaces_classes_and_may_keep_generated_files() {
        let text = "version = 1\n[[class]]\nname = \"training\"\nglobs = [\"src/**\"]\n";
        let own = ClassTable::parse("own.toml", text).unwrap();
        assert_eq!((own.of("src/a.rs").0, own.of("train/a.py").0), (PathClass::Training, PathClass::Other));
        assert!(own.of("Cargo.lock").1 && own.hash() != ClassTable::builtin().unwrap().hash());
        let none = ClassTable::parse("own.toml", &format!("generated = []\n{text}")).unwrap();
        assert!(!none.of("Cargo.lock").1);
        for bad in [
            "version = 1",
            "version = 2\n[[class]]\nname=\"training\"\nglobs=[]",
            "x = 1",
            "version=1\n[[class]]\nname=\"ci\"\nglobs=[\"{\"]",
        ] {
            assert!(ClassTable::parse("own.toml", bad).unwrap_err().to_string().starts_with("own.toml"), "{bad}");
        }
    }
}
