//! The object store of a repository, opened so that nothing outside it plays a part.

use super::packs::{Decoder, Kept, Object, Packs};
use crate::changes::ChangesError;
use gix::objs::{Find, Kind};
use gix::{ObjectId, oid};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Memory for objects that are not in packs, per thread, in bytes.
const LOOSE_BYTES: usize = 16 << 20;
/// Largest object that is decoded, in bytes; as [`super::packs::MAX_OBJECT_BYTES`].
const ALLOC_LIMIT: &str = "gitoxide.objects.allocLimit=2147483648";
/// Longest chain of tags that is followed.
const MAX_TAGS: usize = 16;

/// A repository for all threads.
pub(super) struct Repository {
    shared: gix::ThreadSafeRepository,
    packs: Packs,
    path: PathBuf,
}

/// A reader of one thread.
pub(super) struct Reader<'a> {
    repository: gix::Repository,
    packs: &'a Packs,
    path: &'a Path,
    decoder: RefCell<Decoder>,
    loose: RefCell<Kept<ObjectId>>,
}

impl Repository {
    pub(super) fn open(path: &Path) -> Result<Self, ChangesError> {
        let wrong = |error: &dyn std::fmt::Display| ChangesError::Repository {
            path: path.display().to_string(),
            reason: format!("not a git repository that can be read: {error}"),
        };
        let options = gix::open::Options::isolated()
            .config_overrides(["core.useReplaceRefs=false", ALLOC_LIMIT])
            .with(gix::sec::Trust::Full);
        let shared = options.open(path).map_err(|error| wrong(&error))?;
        let mut folders = vec![shared.objects.path().to_owned()];
        folders.extend(shared.objects.alternate_db_paths().map_err(|error| wrong(&error))?);
        let packs = Packs::open(&folders, shared.objects.object_hash());
        Ok(Self { shared, packs, path: path.to_owned() })
    }

    /// Whether a pack stores two objects in one chain of differences; `None` when one of them is not in a pack.
    pub(super) fn are_related(&self, a: &oid, b: &oid) -> Option<bool> {
        Some(self.packs.root(a)? == self.packs.root(b)?)
    }

    /// About how many bytes an object has; `None` when it is not in a pack.
    pub(super) fn about_bytes(&self, id: &oid) -> Option<u64> {
        self.packs.about_bytes(id)
    }

    /// A reader that keeps so many bytes of objects from packs.
    pub(super) fn reader(&self, most_bytes: usize) -> Reader<'_> {
        let mut repository = self.shared.to_thread_local();
        repository.objects.refresh_never();
        Reader {
            repository,
            packs: &self.packs,
            path: &self.path,
            decoder: RefCell::new(Decoder::new(most_bytes)),
            loose: RefCell::new(Kept::new(LOOSE_BYTES)),
        }
    }
}

impl Reader<'_> {
    pub(super) fn wrong(&self, reason: impl std::fmt::Display) -> ChangesError {
        ChangesError::Repository { path: self.path.display().to_string(), reason: reason.to_string() }
    }

    /// The bytes of an object of a kind; `None` when the repository does not have it.
    pub(super) fn find(&self, id: &oid, kind: Kind) -> Result<Option<Rc<Vec<u8>>>, ChangesError> {
        match self.object(id)? {
            Some(object) if object.kind == kind => Ok(Some(object.bytes)),
            Some(object) => Err(self.wrong(format!("object {id} is a {}, a {kind} was expected", object.kind))),
            None => Ok(None),
        }
    }

    fn object(&self, id: &oid) -> Result<Option<Object>, ChangesError> {
        let damaged = |error: &dyn std::fmt::Display| {
            self.wrong(format!("object {id} is damaged: {error}; run 'git fsck' there"))
        };
        if let Some(found) = self.decoder.borrow_mut().find(self.packs, id).map_err(|error| damaged(&error))? {
            return Ok(Some(found));
        }
        let mut loose = self.loose.borrow_mut();
        if let Some(found) = loose.get(id.to_owned()) {
            return Ok(Some(found));
        }
        let mut bytes = Vec::new();
        let found = self.repository.objects.try_find(id, &mut bytes).map_err(|error| damaged(&error))?;
        let Some(kind) = found.map(|data| data.kind) else { return Ok(None) };
        let object = Object { kind, bytes: Rc::new(bytes) };
        loose.put(id.to_owned(), &object);
        Ok(Some(object))
    }

    /// The bytes of a commit, checked against its id.
    pub(super) fn commit(&self, id: &oid) -> Result<Option<Rc<Vec<u8>>>, ChangesError> {
        let Some(bytes) = self.find(id, Kind::Commit)? else { return Ok(None) };
        let hash = gix::objs::compute_hash(id.kind(), Kind::Commit, &bytes).map_err(|error| self.wrong(error))?;
        if hash.as_bytes() == id.as_bytes() {
            Ok(Some(bytes))
        } else {
            Err(self.wrong(format!("commit {id} hashes to {hash}: the object was forged or damaged")))
        }
    }

    /// The commit of a name: an id, `HEAD`, a full reference, a branch or a tag.
    pub(super) fn head(&self, name: Option<&str>) -> Result<ObjectId, ChangesError> {
        let name = name.unwrap_or("HEAD");
        if let Ok(id) = ObjectId::from_hex(name.as_bytes()) {
            return self.peel(id, name);
        }
        match self.reference(name)? {
            Some(id) => self.peel(id, name),
            None => {
                Err(self.wrong(format!("there is no commit, branch or tag '{name}'; an empty repository has none")))
            }
        }
    }

    /// What a reference points at, symbolic ones followed; `None` when there is none.
    pub(super) fn reference(&self, name: &str) -> Result<Option<ObjectId>, ChangesError> {
        if name == "HEAD" {
            return Ok(self.repository.head_id().ok().map(gix::Id::detach));
        }
        let found = self.repository.try_find_reference(name).map_err(|error| self.wrong(error))?;
        let Some(mut reference) = found else { return Ok(None) };
        let id = reference.follow_to_object().map_err(|error| self.wrong(format!("reference {name}: {error}")))?;
        Ok(Some(id.detach()))
    }

    /// The full name of the branch that a name of the head stands for; `None` for ids, tags and a head that is no branch.
    pub(super) fn branch(&self, name: Option<&str>) -> Result<Option<String>, ChangesError> {
        let name = name.unwrap_or("HEAD");
        if name == "HEAD" {
            let found = self.repository.head_name().map_err(|error| self.wrong(error))?;
            return Ok(found.map(|name| name.as_bstr().to_string()));
        }
        let found = self.repository.try_find_reference(name).map_err(|error| self.wrong(error))?;
        let full = found.map(|reference| reference.name().as_bstr().to_string());
        Ok(full.filter(|name| name.starts_with("refs/heads/")))
    }

    fn peel(&self, mut id: ObjectId, name: &str) -> Result<ObjectId, ChangesError> {
        for _ in 0..MAX_TAGS {
            let found = self.object(&id)?;
            let Some(object) = found else { return Err(self.wrong(format!("'{name}' is {id}, which is missing"))) };
            match object.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let line = object.bytes.split(|byte| *byte == b'\n').next().unwrap_or(b"");
                    let target = line.strip_prefix(b"object ").and_then(|hex| ObjectId::from_hex(hex).ok());
                    id = target.ok_or_else(|| self.wrong(format!("tag {id} names no object")))?;
                }
                kind => return Err(self.wrong(format!("'{name}' is a {kind}, not a commit"))),
            }
        }
        Err(self.wrong(format!("'{name}' is a tag of too many tags")))
    }

    /// Commits at which a shallow clone ends.
    pub(super) fn shallow(&self) -> Result<Vec<ObjectId>, ChangesError> {
        let commits = self.repository.shallow_commits().map_err(|error| self.wrong(error))?;
        Ok(commits.map(|commits| commits.iter().copied().collect()).unwrap_or_default())
    }

    /// Length of ids in bytes.
    pub(super) fn id_bytes(&self) -> usize {
        self.repository.object_hash().len_in_bytes()
    }
}
