//! What the `.gitattributes` of the head's tree say about comparing files, for methods that ask for it.
//!
//! Git itself reads the attributes of the working tree, the index and the person's settings, so that two clones can give different counts. The
//! head's tree is the same for everybody; it is what `git --attr-source=HEAD` reads. Of all attributes only `diff` moves a count: unset (also by the
//! macro `binary`) the file has no lines, set it has lines whatever its bytes are. The name of a driver changes nothing here; that a driver
//! calls files binary stands in a configuration, and configurations are not read.

use super::objects::Reader;
use super::{ChangesError, tree};
use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::Kind;
use gix_attributes::glob::pattern::Case;
use gix_attributes::search::{MetadataCollection, Outcome};
use gix_attributes::{Search, StateRef};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Name of the files.
const FILE: &[u8] = b".gitattributes";
/// Largest file of attributes that is read, in bytes; as in git.
const MAX_FILE_BYTES: usize = 100 << 20;
/// Most files of attributes.
const MAX_FILES: usize = 10_000;

/// How a file is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Compare {
    /// By what its bytes are.
    #[default]
    ByContent,
    /// As text in any case.
    Text,
    /// Not by lines.
    Binary,
}

/// The attributes of a tree.
#[derive(Default)]
pub(super) struct Attributes {
    search: Option<(Search, MetadataCollection)>,
    hash: Sha256,
}

impl Attributes {
    /// Reads all files of attributes of a commit's tree.
    ///
    /// # Errors
    /// Damaged objects; more files than are read.
    pub(super) fn of_head(reader: &Reader<'_>, head: ObjectId) -> Result<Self, ChangesError> {
        let Some(object) = reader.commit(&head)? else { return Ok(Self::default()) };
        let parsed =
            crate::changes::commit::parse(&object).map_err(|error| reader.wrong(format!("commit {head}: {error}")))?;
        let root = ObjectId::try_from(parsed.tree.as_slice()).map_err(|error| reader.wrong(error))?;
        let mut files = tree::named(reader, root, FILE)?;
        if files.len() > MAX_FILES {
            return Err(reader.wrong(format!("the head has more than {MAX_FILES} files of attributes")));
        }
        // The files of outer folders first: inner ones go before them.
        files.sort_by_key(|(path, _)| (path.iter().filter(|byte| **byte == b'/').count(), path.clone()));
        let mut out = Self::default();
        for (path, id) in files {
            let Some(bytes) = reader.find(&id, Kind::Blob)? else {
                return Err(reader.wrong(format!("the head's {} is missing", String::from_utf8_lossy(&path))));
            };
            if bytes.len() > MAX_FILE_BYTES {
                continue;
            }
            out.hash.update((path.len() as u64).to_be_bytes());
            out.hash.update(&path);
            out.hash.update(id.as_bytes());
            out.add(&path, &bytes).map_err(|error| reader.wrong(error))?;
        }
        Ok(out)
    }

    fn add(&mut self, path: &[u8], bytes: &[u8]) -> Result<(), String> {
        let (search, collection) = match &mut self.search {
            Some(search) => search,
            none => {
                let mut collection = MetadataCollection::default();
                let search = Search::new_globals(Vec::<PathBuf>::new(), &mut Vec::new(), &mut collection)
                    .map_err(|error| error.to_string())?;
                none.insert((search, collection))
            }
        };
        // Folders whose names the system cannot write have no attributes.
        let Ok(source) = gix::path::from_byte_slice(path) else { return Ok(()) };
        // Only the top folder's file may define macros.
        let is_top = path == FILE;
        search
            .add_patterns_buffer(bytes, source.to_owned(), Some(Path::new("")), collection, is_top)
            .map_err(|error| error.to_string())
    }

    /// Identifies what was read, for caches.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// How a path is compared.
    pub(super) fn of(&self, path: &[u8]) -> Compare {
        let Some((search, collection)) = &self.search else { return Compare::ByContent };
        let mut outcome = Outcome::default();
        outcome.initialize_with_selection(collection, ["diff"]);
        search.pattern_matching_relative_path(<&BStr>::from(path), Case::Sensitive, Some(false), &mut outcome);
        let state = outcome.iter_selected().next().map(|found| match found.assignment.state {
            StateRef::Set => Compare::Text,
            StateRef::Unset => Compare::Binary,
            StateRef::Value(_) | StateRef::Unspecified => Compare::ByContent,
        });
        state.unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_of_the_innermost_folder_counts() {
        let mut attributes = Attributes::default();
        assert_eq!(attributes.of(b"a"), Compare::ByContent);
        attributes
            .add(FILE, b"[attr]opaque -diff\n*.bin binary\n*.lock -diff\nCargo.lock diff\n*.py diff=python\n/top/* opaque\n*.q -diff\nkeep.q !diff\n")
            .unwrap();
        attributes.add(b"sub/.gitattributes", b"[attr]mine -diff\n*.lock diff\n/x.y -diff\n*.z mine\n").unwrap();
        for (path, wanted) in [
            ("a.bin", Compare::Binary),
            ("deep/a.bin", Compare::Binary),
            ("a.lock", Compare::Binary),
            ("deep/Cargo.lock", Compare::Text),
            ("a.py", Compare::ByContent),
            ("top/a", Compare::Binary),
            ("deep/top/a", Compare::ByContent),
            ("a.q", Compare::Binary),
            ("keep.q", Compare::ByContent),
            ("sub/a.lock", Compare::Text),
            ("sub/x.y", Compare::Binary),
            ("sub/deep/x.y", Compare::ByContent),
            ("a.z", Compare::ByContent),
            // A macro in an inner folder is none.
            ("sub/a.z", Compare::ByContent),
        ] {
            assert_eq!(attributes.of(path.as_bytes()), wanted, "{path}");
        }
    }
}
