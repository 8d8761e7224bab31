//! Which files differ between two trees, by reading both side by side and going down only where ids differ.

use super::objects::Reader;
use crate::changes::ChangesError;
use crate::changes::table::Kind;
use gix::ObjectId;
use gix::objs::Kind as ObjectKind;
use std::rc::Rc;

/// Deepest folder.
const MAX_DEPTH: usize = 1_000;
/// Most folders that one comparison reads. A few small trees that name each other many times stand for any number of folders.
const MAX_FOLDERS: u32 = 1_000_000;
/// Most files that differ between two trees.
const MAX_FILES: usize = 10_000_000;

/// One side of a changed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) id: ObjectId,
    /// The entry is a submodule: its content is one line that names a commit.
    pub(super) is_submodule: bool,
    /// The entry is a symbolic link; attributes are about files only.
    pub(super) is_link: bool,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: Vec<u8>,
    pub(super) before: Option<Side>,
    pub(super) after: Option<Side>,
}

/// What stops a diff: an absent object, or an error.
#[derive(Debug)]
pub(super) enum Stop {
    Missing(ObjectId, Kind),
    Error(ChangesError),
}

impl From<ChangesError> for Stop {
    fn from(error: ChangesError) -> Self {
        Self::Error(error)
    }
}

/// An entry of a tree.
#[derive(Clone, Copy)]
struct Item<'a> {
    mode: u32,
    name: &'a [u8],
    id: &'a [u8],
}

const FOLDER: u32 = 0o040_000;
const SUBMODULE: u32 = 0o160_000;
const LINK: u32 = 0o120_000;
const KINDS: u32 = 0o170_000;

/// The next entry: octal mode, space, name, zero byte, raw id. `Err` for bytes that are none.
fn next<'a>(bytes: &mut &'a [u8], id_bytes: usize) -> Result<Option<Item<'a>>, ()> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut mode = 0u32;
    let mut at = 0;
    while let Some(digit @ b'0'..=b'7') = bytes.get(at) {
        mode = (mode << 3) | u32::from(digit - b'0');
        at += 1;
        if at > 7 {
            return Err(());
        }
    }
    if at == 0 || bytes.get(at) != Some(&b' ') {
        return Err(());
    }
    let rest = &bytes[at + 1..];
    let end = memchr::memchr(0, rest).ok_or(())?;
    let id = rest.get(end + 1..end + 1 + id_bytes).ok_or(())?;
    *bytes = &rest[end + 1 + id_bytes..];
    Ok(Some(Item { mode, name: &rest[..end], id }))
}

/// Git's order of tree entries: as if folders ended with a slash (`base_name_compare`).
fn order(a: &Item<'_>, b: &Item<'_>) -> std::cmp::Ordering {
    let common = a.name.len().min(b.name.len());
    let end = |item: &Item<'_>| match item.name.get(common) {
        Some(byte) => *byte,
        None if item.mode & KINDS == FOLDER => b'/',
        None => 0,
    };
    a.name[..common].cmp(&b.name[..common]).then_with(|| end(a).cmp(&end(b)))
}

/// All files that differ, in git's order.
pub(super) fn changes(
    reader: &Reader<'_>,
    before: Option<ObjectId>,
    after: Option<ObjectId>,
    out: &mut Vec<Change>,
) -> Result<(), Stop> {
    Comparison { reader, out, folders: 0 }.level((before, after), &mut Vec::new(), 0)
}

/// The entries of a folder; none for an absent one.
fn load(reader: &Reader<'_>, id: Option<ObjectId>) -> Result<Rc<Vec<u8>>, Stop> {
    match id.filter(|id| !id.is_empty_tree()) {
        None => Ok(Rc::default()),
        Some(id) => reader.find(&id, ObjectKind::Tree)?.ok_or(Stop::Missing(id, Kind::Tree)),
    }
}

/// Refuses trees that are nested or multiplied beyond what is read.
fn check(reader: &Reader<'_>, depth: usize, folders: u32) -> Result<(), ChangesError> {
    if depth > MAX_DEPTH {
        return Err(reader.wrong(format!("folders are nested more than {MAX_DEPTH} deep")));
    }
    if folders > MAX_FOLDERS {
        return Err(reader.wrong(format!("one commit has more than {MAX_FOLDERS} folders to read")));
    }
    Ok(())
}

/// All files of a name in a tree, links and submodules left out. Folders that the repository lacks are passed over.
pub(super) fn named(
    reader: &Reader<'_>,
    root: ObjectId,
    name: &[u8],
) -> Result<Vec<(Vec<u8>, ObjectId)>, ChangesError> {
    let mut out = Vec::new();
    let mut open = vec![(Vec::new(), root, 0)];
    let mut folders = 0;
    while let Some((folder, id, depth)) = open.pop() {
        folders += 1;
        check(reader, depth, folders)?;
        let Some(bytes) = (if id.is_empty_tree() { None } else { reader.find(&id, ObjectKind::Tree)? }) else {
            continue;
        };
        let mut rest = bytes.as_slice();
        let damaged = || reader.wrong(format!("tree {id} is damaged; run 'git fsck' there"));
        while let Some(item) = next(&mut rest, reader.id_bytes()).map_err(|()| damaged())? {
            let kind = item.mode & KINDS;
            let is_file = kind != FOLDER && kind != SUBMODULE && kind != LINK && item.name == name;
            if !is_file && kind != FOLDER {
                continue;
            }
            let found = ObjectId::try_from(item.id).map_err(|error| reader.wrong(error))?;
            let path: Vec<u8> = [folder.as_slice(), item.name].concat();
            if is_file {
                out.push((path, found));
            } else {
                open.push(([path.as_slice(), b"/"].concat(), found, depth + 1));
            }
        }
    }
    Ok(out)
}

/// A comparison of two trees.
struct Comparison<'a> {
    reader: &'a Reader<'a>,
    out: &'a mut Vec<Change>,
    folders: u32,
}

impl Comparison<'_> {
    fn level(
        &mut self,
        (before, after): (Option<ObjectId>, Option<ObjectId>),
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Stop> {
        if before == after {
            return Ok(());
        }
        let reader = self.reader;
        self.folders += 1;
        check(reader, depth, self.folders)?;
        let (old, new) = (load(reader, before)?, load(reader, after)?);
        let damaged = |id: Option<ObjectId>| {
            Stop::from(reader.wrong(format!(
                "tree {} is damaged; run 'git fsck' there",
                id.map(|id| id.to_string()).unwrap_or_default()
            )))
        };
        let id_bytes = reader.id_bytes();
        let (mut old_rest, mut new_rest) = (old.as_slice(), new.as_slice());
        let mut a = next(&mut old_rest, id_bytes).map_err(|()| damaged(before))?;
        let mut b = next(&mut new_rest, id_bytes).map_err(|()| damaged(after))?;
        while a.is_some() || b.is_some() {
            let which = match (&a, &b) {
                (Some(a), Some(b)) => order(a, b),
                (Some(_), None) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            let left = if which.is_le() { a } else { None };
            let right = if which.is_ge() { b } else { None };
            self.pair(left, right, path, depth)?;
            if which.is_le() {
                a = next(&mut old_rest, id_bytes).map_err(|()| damaged(before))?;
            }
            if which.is_ge() {
                b = next(&mut new_rest, id_bytes).map_err(|()| damaged(after))?;
            }
        }
        Ok(())
    }

    fn pair(&mut self, a: Option<Item<'_>>, b: Option<Item<'_>>, path: &mut Vec<u8>, depth: usize) -> Result<(), Stop> {
        if let (Some(a), Some(b)) = (a, b)
            && a.id == b.id
            && (a.mode & KINDS == FOLDER) == (b.mode & KINDS == FOLDER)
        {
            return Ok(());
        }
        let Some(name) = a.or(b).map(|item| item.name) else { return Ok(()) };
        let length = path.len();
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let folder = |item: Option<Item<'_>>| {
            item.filter(|item| item.mode & KINDS == FOLDER).and_then(|item| ObjectId::try_from(item.id).ok())
        };
        let file = |item: Option<Item<'_>>| {
            let item = item.filter(|item| item.mode & KINDS != FOLDER)?;
            let kind = item.mode & KINDS;
            Some(Side { id: ObjectId::try_from(item.id).ok()?, is_submodule: kind == SUBMODULE, is_link: kind == LINK })
        };
        let (before, after) = (file(a), file(b));
        if before.is_some() || after.is_some() {
            if self.out.len() >= MAX_FILES {
                return Err(self.reader.wrong(format!("a commit changes more than {MAX_FILES} files")).into());
            }
            self.out.push(Change { path: path.clone(), before, after });
        }
        let (old, new) = (folder(a), folder(b));
        if old.is_some() || new.is_some() {
            self.level((old, new), path, depth + 1)?;
        }
        path.truncate(length);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folders_sort_as_if_they_ended_with_a_slash() {
        let item = |mode, name: &'static str| Item { mode, name: name.as_bytes(), id: &[] };
        assert!(order(&item(FOLDER, "a"), &item(0o100_644, "a.b")).is_gt());
        assert!(order(&item(0o100_644, "a"), &item(0o100_644, "a.b")).is_lt());
        assert!(order(&item(0o100_644, "a"), &item(FOLDER, "a")).is_lt());
        assert!(order(&item(FOLDER, "a"), &item(FOLDER, "a")).is_eq());
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some(_)) = next(&mut rest, 20) {}
        }
    }
}
