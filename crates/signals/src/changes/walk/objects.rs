//! The object store of a repository, opened so that nothing outside it plays a part.

use crate::changes::ChangesError;
use gix::objs::{Find, Kind};
use gix::{ObjectId, oid};
use std::path::{Path, PathBuf};

/// Memory for decoded delta bases, per thread, in bytes.
const PACK_CACHE_BYTES: usize = 96 << 20;
/// Memory for decoded objects, per thread, in bytes.
const OBJECT_CACHE_BYTES: usize = 96 << 20;
/// Largest object that is decoded, in bytes.
const ALLOC_LIMIT: &str = "gitoxide.objects.allocLimit=2147483648";
/// Longest chain of tags that is followed.
const MAX_TAGS: usize = 16;

/// A repository for all threads.
pub(super) struct Repository {
    shared: gix::ThreadSafeRepository,
    path: PathBuf,
}

/// A reader of one thread.
pub(super) struct Reader {
    repository: gix::Repository,
    path: PathBuf,
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
        Ok(Self { shared, path: path.to_owned() })
    }

    pub(super) fn reader(&self) -> Reader {
        let mut repository = self.shared.to_thread_local();
        repository.objects.refresh_never();
        repository
            .objects
            .set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
        repository.object_cache_size(OBJECT_CACHE_BYTES);
        Reader { repository, path: self.path.clone() }
    }
}

impl Reader {
    pub(super) fn wrong(&self, reason: impl std::fmt::Display) -> ChangesError {
        ChangesError::Repository { path: self.path.display().to_string(), reason: reason.to_string() }
    }

    /// The bytes of an object of a kind; `None` when the repository does not have it.
    pub(super) fn find<'a>(
        &self,
        id: &oid,
        kind: Kind,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Option<&'a [u8]>, ChangesError> {
        match self.repository.objects.try_find(id, buffer) {
            Ok(Some(data)) if data.kind == kind => Ok(Some(data.data)),
            Ok(Some(data)) => Err(self.wrong(format!("object {id} is a {}, a {kind} was expected", data.kind))),
            Ok(None) => Ok(None),
            Err(error) => Err(self.wrong(format!("object {id} is damaged: {error}; run 'git fsck' there"))),
        }
    }

    /// The bytes of a commit, checked against its id.
    pub(super) fn commit<'a>(&self, id: &oid, buffer: &'a mut Vec<u8>) -> Result<Option<&'a [u8]>, ChangesError> {
        let Some(bytes) = self.find(id, Kind::Commit, buffer)? else { return Ok(None) };
        let hash = gix::objs::compute_hash(id.kind(), Kind::Commit, bytes).map_err(|error| self.wrong(error))?;
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

    fn peel(&self, mut id: ObjectId, name: &str) -> Result<ObjectId, ChangesError> {
        let mut buffer = Vec::new();
        for _ in 0..MAX_TAGS {
            let found = self.repository.objects.try_find(&id, &mut buffer).map_err(|error| self.wrong(error))?;
            let Some(data) = found else { return Err(self.wrong(format!("'{name}' is {id}, which is missing"))) };
            match data.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let line = data.data.split(|byte| *byte == b'\n').next().unwrap_or(b"");
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
