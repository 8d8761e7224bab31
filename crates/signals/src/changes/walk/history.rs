//! All commits that the head reaches, read once each, from the cache where it has them.

use super::cache::Rows;
use super::jobs::{Done, Job};
use super::objects::Reader;
use super::stores::Stores;
use crate::changes::crowd::{Crowd, name_hash};
use crate::changes::identity::Identities;
use crate::changes::table::{Kind, Mark, Missing, Row};
use crate::changes::{ChangesError, commit, evidence};
use gix::ObjectId;
use std::collections::{HashMap, HashSet};

/// A commit.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its row; persons are places in the crowd.
    pub(super) row: Row,
    /// Its tree.
    pub(super) tree: ObjectId,
    /// Hashes of the display names of author and committer.
    pub(super) names: [u64; 2],
    /// State of the attestations about its lines.
    pub(super) fingerprint: String,
    /// The row came from the cache.
    pub(super) cached: bool,
    /// The row is final and may be stored.
    pub(super) counted: bool,
}

impl Entry {
    pub(super) fn mark(&mut self, mark: Mark) {
        if let Err(place) = self.row.marks.binary_search(&mark) {
            self.row.marks.insert(place, mark);
        }
    }
}

/// The history.
pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    pub(super) missing: Vec<Missing>,
    pub(super) shallow: Vec<String>,
    places: HashMap<ObjectId, usize>,
    absent: HashSet<String>,
}

fn parents(row: &Row) -> impl Iterator<Item = ObjectId> {
    row.parents.iter().filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok())
}

impl History {
    pub(super) fn collect(
        reader: &Reader<'_>,
        head: ObjectId,
        identities: &Identities,
        crowd: &mut Crowd,
        mut cached: Rows,
        stores: &Stores,
    ) -> Result<Self, ChangesError> {
        let cut: HashSet<ObjectId> = reader.shallow()?.into_iter().collect();
        let mut out = Self {
            entries: Vec::with_capacity(cached.len()),
            missing: Vec::new(),
            shallow: Vec::new(),
            places: HashMap::with_capacity(cached.len()),
            absent: HashSet::new(),
        };
        let mut seen: HashSet<ObjectId> = HashSet::from([head]);
        // Commits to read, each with the child that needs it.
        let mut open = vec![(head, String::new())];
        while let Some((id, child)) = open.pop() {
            let hex = id.to_string();
            let fingerprint = stores.fingerprint(&hex);
            let known = cached.remove(&hex).filter(|entry| entry.fingerprint == fingerprint);
            let entry = match known {
                Some(entry) => entry,
                None => match reader.commit(&id)? {
                    Some(object) => read(reader, identities, crowd, &hex, &object, fingerprint)?,
                    None if child.is_empty() => return Err(reader.wrong(format!("the head {id} is missing"))),
                    None => {
                        out.missing.push(Missing { id: hex.clone(), kind: Kind::Commit, needed_by: child });
                        out.absent.insert(hex);
                        continue;
                    }
                },
            };
            if cut.contains(&id) {
                out.shallow.extend(entry.row.parents.iter().cloned());
                out.absent.extend(entry.row.parents.iter().cloned());
            } else {
                for parent in parents(&entry.row) {
                    if seen.insert(parent) {
                        open.push((parent, hex.clone()));
                    }
                }
            }
            out.places.insert(id, out.entries.len());
            out.entries.push(entry);
        }
        // A parent that a shallow clone cuts off on one side may have been reached on another.
        let reached: HashSet<String> = out.places.keys().map(ToString::to_string).collect();
        out.shallow.retain(|id| !reached.contains(id));
        out.absent.retain(|id| !reached.contains(id));
        Ok(out)
    }

    /// The commits whose lines are to be counted, newest first, so that neighbours share files.
    pub(super) fn jobs(&mut self, wanted: impl Fn(&Row) -> bool) -> Vec<Job> {
        let mut jobs = Vec::new();
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if entry.counted || !wanted(&entry.row) {
                continue;
            }
            let (first, after) = (parents(&entry.row).next(), entry.tree);
            let (date, id) = (entry.row.committed, entry.row.id.clone());
            let before = match first {
                None => None,
                Some(parent) => match self.places.get(&parent) {
                    Some(at) => Some(self.entries[*at].tree),
                    None => {
                        self.entries[place].mark(Mark::Incomplete);
                        continue;
                    }
                },
            };
            jobs.push((date, Job { place, id, before, after }));
        }
        jobs.sort_by(|a, b| (b.0, &b.1.id).cmp(&(a.0, &a.1.id)));
        jobs.into_iter().map(|(_, job)| job).collect()
    }

    /// Puts counted lines into their rows.
    pub(super) fn apply(&mut self, done: Vec<Done>) {
        for done in done {
            let Some(entry) = self.entries.get_mut(done.place) else { continue };
            if done.missing.is_empty() {
                entry.row.cells = done.cells;
                entry.row.rejected = done.rejected;
                entry.row.sources.extend(done.sources);
                entry.row.sources.sort_unstable();
                entry.row.sources.dedup();
                for mark in done.marks {
                    entry.mark(mark);
                }
                entry.counted = true;
            } else {
                entry.mark(Mark::Incomplete);
                self.missing.extend(done.missing);
            }
        }
    }
}

fn read(
    reader: &Reader<'_>,
    identities: &Identities,
    crowd: &mut Crowd,
    id: &str,
    object: &[u8],
    fingerprint: String,
) -> Result<Entry, ChangesError> {
    let parsed = commit::parse(object).map_err(|error| reader.wrong(format!("commit {id}: {error}")))?;
    let tree =
        ObjectId::try_from(parsed.tree.as_slice()).map_err(|error| reader.wrong(format!("commit {id}: {error}")))?;
    let row = evidence::row(identities, crowd, id, &parsed, object);
    let names = [name_hash(&parsed.author.name), name_hash(&parsed.committer.name)];
    Ok(Entry { row, tree, names, fingerprint, cached: false, counted: false })
}
