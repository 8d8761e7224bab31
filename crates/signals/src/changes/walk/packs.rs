//! Objects in packs. A pack stores most objects as differences to another one, in chains; a walk asks for many objects of one chain. So every
//! object on the way to the one asked for is kept, for a while, and handed out without a copy.
//!
//! What cannot be read here, as a difference to an object outside its pack, is left to the general reader.

use super::delta;
use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::pack::data::entry::Header;
use gix::odb::pack::{data, index};
use gix::oid;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;
use std::rc::Rc;

/// Longest chain of differences; git makes none above 4,095.
const MAX_CHAIN: usize = 4_096;
/// Largest object that is decoded, in bytes.
pub(super) const MAX_OBJECT_BYTES: u64 = 2 << 30;

/// An object that was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) bytes: Rc<Vec<u8>>,
}

/// The packs of a repository, for all threads.
pub(super) struct Packs(Vec<Pack>);

struct Pack {
    index: index::File,
    data: data::File,
}

impl Packs {
    /// Opens the packs in these folders of objects. A pack that cannot be opened is left to the general reader, which says why.
    pub(super) fn open(folders: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let listings = folders.iter().filter_map(|folder| std::fs::read_dir(folder.join("pack")).ok());
        let mut paths: Vec<PathBuf> = listings.flatten().filter_map(|item| Some(item.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "idx"));
        paths.sort();
        let open = |path: PathBuf| {
            let data = data::File::at(path.with_extension("pack"), hash).ok()?;
            Some(Pack { index: index::File::at(path, hash).ok()?, data })
        };
        Self(paths.into_iter().filter_map(open).collect())
    }
}

impl Packs {
    /// The object without base at the end of an object's chain: its pack and its place there. `None` when no pack has the object, or its
    /// chain leaves the pack or is damaged.
    pub(super) fn root(&self, id: &oid) -> Option<(usize, u64)> {
        let found = |(place, pack): (usize, &Pack)| Some((place, pack.index.lookup(id)?));
        let (place, at) = self.0.iter().enumerate().find_map(found)?;
        let pack = &self.0[place];
        let mut offset = pack.index.pack_offset_at_index(at);
        for _ in 0..MAX_CHAIN {
            let entry = pack.data.entry(offset).ok()?;
            offset = match &entry.header {
                Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(*base_distance)?,
                Header::RefDelta { base_id } => pack.base(base_id)?,
                _ => return Some((place, offset)),
            };
        }
        None
    }
}

impl Packs {
    /// Length of the object at the end of an object's chain, in bytes: about that of the object itself, without unpacking anything.
    pub(super) fn about_bytes(&self, id: &oid) -> Option<u64> {
        let (place, offset) = self.root(id)?;
        self.0.get(place)?.data.entry(offset).ok().map(|entry| entry.decompressed_size)
    }
}

impl Pack {
    fn base(&self, id: &ObjectId) -> Option<u64> {
        self.index.lookup(id).map(|at| self.index.pack_offset_at_index(at))
    }
}

/// Larger objects are not kept, in bytes.
const MAX_KEPT_BYTES: usize = 256 << 20;

/// Objects read lately, up to a number of bytes. When half of it is new, what was not asked for since is dropped. Two large objects stay in any
/// case: the two versions of a change, of which one is the other's base.
pub(super) struct Kept<K> {
    young: HashMap<K, Object>,
    old: HashMap<K, Object>,
    young_bytes: usize,
    most_bytes: usize,
}

impl<K: Hash + Eq + Copy> Kept<K> {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_bytes: 0, most_bytes }
    }

    pub(super) fn get(&mut self, key: K) -> Option<Object> {
        if let Some(found) = self.young.get(&key) {
            return Some(found.clone());
        }
        let found = self.old.remove(&key)?;
        self.put(key, &found);
        Some(found)
    }

    pub(super) fn put(&mut self, key: K, object: &Object) {
        if object.bytes.len() > MAX_KEPT_BYTES {
            return;
        }
        // Small objects cost more than their bytes.
        self.young_bytes += object.bytes.len() + 128;
        self.young.insert(key, object.clone());
        if self.young_bytes > self.most_bytes / 2 && self.young.len() > 1 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

/// What one thread reads packs with.
pub(super) struct Decoder {
    inflate: gix::zlib::Inflate,
    difference: Vec<u8>,
    kept: Kept<(usize, u64)>,
    last: usize,
}

impl Decoder {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { inflate: gix::zlib::Inflate::default(), difference: Vec::new(), kept: Kept::new(most_bytes), last: 0 }
    }

    /// An object; `None` when no pack has it, or only the general reader can read it.
    pub(super) fn find(&mut self, packs: &Packs, id: &oid) -> Result<Option<Object>, String> {
        let count = packs.0.len();
        // The pack of the last object first: neighbours share packs.
        for place in (0..count).map(|step| (self.last + step) % count) {
            let index = &packs.0[place].index;
            if let Some(at) = index.lookup(id) {
                self.last = place;
                return self.object(&packs.0[place], place, index.pack_offset_at_index(at));
            }
        }
        Ok(None)
    }

    fn object(&mut self, pack: &Pack, place: usize, offset: u64) -> Result<Option<Object>, String> {
        let mut chain: Vec<(u64, data::Entry)> = Vec::new();
        let mut at = offset;
        let mut object = loop {
            if let Some(found) = self.kept.get((place, at)) {
                break found;
            }
            let entry = pack.data.entry(at).map_err(|error| error.to_string())?;
            let base = match (&entry.header, entry.header.as_kind()) {
                (_, Some(kind)) => {
                    let mut bytes = Vec::new();
                    self.inflate(pack, &entry, &mut bytes)?;
                    let object = Object { kind, bytes: Rc::new(bytes) };
                    self.kept.put((place, at), &object);
                    break object;
                }
                (Header::OfsDelta { base_distance }, _) => entry.checked_base_pack_offset(*base_distance),
                (Header::RefDelta { base_id }, _) => match pack.base(base_id) {
                    Some(base) => Some(base),
                    None => return Ok(None),
                },
                _ => None,
            };
            let base = base.ok_or("a difference names a place before the pack")?;
            chain.push((at, entry));
            if chain.len() > MAX_CHAIN {
                return Err(format!("a chain of more than {MAX_CHAIN} differences"));
            }
            at = base;
        };
        while let Some((at, entry)) = chain.pop() {
            let mut difference = std::mem::take(&mut self.difference);
            self.inflate(pack, &entry, &mut difference)?;
            let bytes = delta::apply(&object.bytes, &difference).ok_or("a difference does not fit its base")?;
            self.difference = difference;
            object = Object { kind: object.kind, bytes: Rc::new(bytes) };
            self.kept.put((place, at), &object);
        }
        Ok(Some(object))
    }

    fn inflate(&mut self, pack: &Pack, entry: &data::Entry, out: &mut Vec<u8>) -> Result<(), String> {
        let too_large = || format!("it has more than {MAX_OBJECT_BYTES} bytes");
        let size = Some(entry.decompressed_size).filter(|size| *size <= MAX_OBJECT_BYTES).ok_or_else(too_large)?;
        let size = usize::try_from(size).map_err(|_| too_large())?;
        out.clear();
        out.resize(size, 0);
        pack.data.decompress_entry(entry, &mut self.inflate, out).map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays() {
        let object = |size: usize| Object { kind: Kind::Blob, bytes: Rc::new(vec![0; size]) };
        let mut kept = Kept::new(4_000);
        for key in 0..20 {
            kept.put(key, &object(500));
            assert!(kept.get(0).is_some() && kept.get(key).is_some());
        }
        assert!(kept.get(3).is_none());
        for key in 100..120 {
            kept.put(key, &object(100_000));
            assert!(key == 100 || kept.get(key - 1).is_some(), "a version and its base");
            assert!(kept.young.len() + kept.old.len() <= 8, "large objects do not add up");
        }
    }
}
