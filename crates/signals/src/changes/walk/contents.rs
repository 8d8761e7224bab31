//! The contents of changed files, path by path, or commit by commit where the packs make that cheaper.

use super::attributes::{Attributes, Compare};
use super::jobs::{Changed, File};
use super::lines;
use super::objects::{Reader, Repository};
use super::tree::{Side, Stop};
use super::{ChangesError, crew};
use crate::changes::ClassTable;
use crate::changes::attestation::Lines;
use crate::changes::table::Kind;
use crate::scan::PathClass;
use gix::ObjectId;
use gix::objs::Kind as ObjectKind;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory for contents, per thread, in bytes: the versions of a path on a few branches.
const CONTENT_BYTES: usize = 16 << 20;
/// The same when contents are read commit by commit: many paths at a time, as git keeps.
const MIXED_BYTES: usize = 96 << 20;
/// So many changes are looked at to see how the packs store contents.
const SAMPLE: usize = 256;
/// Fewest changes that a thread takes at once.
const FEWEST: usize = 64;
/// Parts of the work for each thread.
const PARTS: usize = 16;
/// A path whose versions have so many bytes together is work for several threads. Each one unpacks the chain from its start, which costs far less
/// than comparing versions of that size.
const HEAVY_BYTES: u64 = 32 << 20;
/// Fewest versions of such a path for one thread.
const FEWEST_HEAVY: usize = 8;

/// What is known about a changed file.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Class of its path, and whether it is generated.
    pub(super) class: (PathClass, bool),
    pub(super) added: u64,
    pub(super) deleted: u64,
    /// Where its added lines are, when somebody claims something about it.
    pub(super) ranges: Vec<Lines>,
    /// The first content that the repository does not have.
    pub(super) missing: Option<ObjectId>,
}

impl Default for Counted {
    fn default() -> Self {
        Self { class: (PathClass::Other, false), added: 0, deleted: 0, ranges: Vec::new(), missing: None }
    }
}

/// A change of a path: places of path, commit (newest first) and file.
type Step = (usize, usize, usize);

/// Counts the lines of all files.
pub(super) fn count(
    repository: &Repository,
    changed: &mut [Changed],
    paths: &[Vec<u8>],
    (classes, attributes): (&ClassTable, &Attributes),
    threads: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), ChangesError> {
    let mut steps: Vec<Step> = Vec::new();
    for (commit, changed) in changed.iter().enumerate() {
        steps.extend(changed.files.iter().enumerate().map(|(at, file)| (file.path, commit, at)));
    }
    let by_path = packs_follow_paths(repository, changed, &steps);
    if by_path {
        steps.sort_unstable();
    }
    let all: &[Changed] = changed;
    let weigh = |(_, commit, at): &Step| {
        let file = &all[*commit].files[*at];
        file.after.or(file.before).and_then(|side| repository.about_bytes(&side.id)).unwrap_or(0)
    };
    let (parts, total, done) = (parts(&steps, threads, by_path, &weigh), steps.len() as u64, AtomicUsize::new(0));
    let tools = || repository.reader(if by_path { CONTENT_BYTES } else { MIXED_BYTES });
    let counted = crew::work(threads, parts.len(), tools, |reader, at| {
        let steps = &steps[parts[at].clone()];
        let counted = one_part(reader, all, steps, paths, (classes, attributes))?;
        let sum = done.fetch_add(steps.len(), Ordering::Relaxed) + steps.len();
        progress(sum as u64, total);
        Ok(counted)
    })?;
    for ((_, commit, at), counted) in steps.into_iter().zip(counted.into_iter().flatten()) {
        changed[commit].files[at].counted = counted;
    }
    if total == 0 {
        progress(1, 1);
    }
    Ok(())
}

/// Whether the two versions of a change are mostly stored in one chain of differences. Git packs so; a pack that an import left behind has
/// chains across files, in the order of the commits, and all of a chain would be decoded again for each path.
fn packs_follow_paths(repository: &Repository, changed: &[Changed], steps: &[Step]) -> bool {
    let (mut related, mut all) = (0, 0);
    for (_, commit, at) in steps.iter().step_by(steps.len().div_ceil(SAMPLE).max(1)) {
        let file = &changed[*commit].files[*at];
        let (Some(before), Some(after)) = (file.before, file.after) else { continue };
        if let Some(is_related) = repository.are_related(&before.id, &after.id) {
            (related, all) = (related + usize::from(is_related), all + 1);
        }
    }
    related * 2 >= all
}

/// Stretches of work: whole paths, but for very long and very heavy ones; or one stretch of history for each thread, which keeps its caches warm.
fn parts(steps: &[Step], threads: usize, by_path: bool, weigh: &dyn Fn(&Step) -> u64) -> Vec<Range<usize>> {
    if !by_path {
        let threads = threads.min(steps.len().div_ceil(FEWEST)).max(1);
        let size = steps.len().div_ceil(threads).max(FEWEST);
        return (0..steps.len()).step_by(size).map(|from| from..steps.len().min(from + size)).collect();
    }
    let size = (steps.len() / (threads * PARTS)).max(FEWEST);
    let mut out = Vec::new();
    let (mut start, mut path_start) = (0, 0);
    for at in 1..=steps.len() {
        let ends_path = steps.get(at).is_none_or(|next| next.0 != steps[at - 1].0);
        let heavy = if ends_path { shares(&steps[path_start..at], threads, weigh) } else { 1 };
        if ends_path {
            if heavy > 1 && start <= path_start {
                out.extend((start < path_start).then_some(start..path_start));
                let share = (at - path_start).div_ceil(heavy);
                out.extend((path_start..at).step_by(share).map(|from| from..at.min(from + share)));
                start = at;
            }
            path_start = at;
        }
        if start == at {
            continue;
        }
        if (ends_path && at - start >= size) || at - start >= 4 * size || at == steps.len() {
            out.push(start..at);
            start = at;
        }
    }
    out
}

/// Among how many threads a path's versions are shared out.
fn shares(steps: &[Step], threads: usize, weigh: &dyn Fn(&Step) -> u64) -> usize {
    let most = threads.min(steps.len() / FEWEST_HEAVY);
    match steps.first() {
        Some(first) if most > 1 && weigh(first).saturating_mul(steps.len() as u64) >= HEAVY_BYTES => most,
        _ => 1,
    }
}

fn one_part(
    reader: &Reader<'_>,
    changed: &[Changed],
    steps: &[Step],
    paths: &[Vec<u8>],
    (classes, attributes): (&ClassTable, &Attributes),
) -> Result<Vec<Counted>, ChangesError> {
    let mut class = None;
    let mut out = Vec::with_capacity(steps.len());
    for (path, commit, at) in steps {
        let (class, how) = match class {
            Some((known, class)) if known == *path => class,
            _ => {
                let found = (classes.of(&String::from_utf8_lossy(&paths[*path])), attributes.of(&paths[*path]));
                class = Some((*path, found));
                found
            }
        };
        let mut counted = Counted { class, ..Counted::default() };
        let file = &changed[*commit].files[*at];
        // Only the mode changed, as git's numstat sees it: nothing.
        let is_same = file.before.map(|side| side.id) == file.after.map(|side| side.id);
        if !file.moved && !is_same {
            match compare(reader, file, how, &mut counted) {
                Ok(()) => {}
                Err(Stop::Missing(id, _)) => counted.missing = Some(id),
                Err(Stop::Error(error)) => return Err(error),
            }
        }
        out.push(counted);
    }
    Ok(out)
}

fn compare(reader: &Reader<'_>, file: &File, how: Compare, counted: &mut Counted) -> Result<(), Stop> {
    let (old, new) = (content(reader, file.before)?, content(reader, file.after)?);
    // Attributes are about files; links and submodules are what their content is.
    let is_binary = |side: Option<Side>, bytes: &[u8]| match how {
        Compare::ByContent => lines::is_binary(bytes),
        _ if side.is_none_or(|side| side.is_link || side.is_submodule) => lines::is_binary(bytes),
        Compare::Text => false,
        Compare::Binary => true,
    };
    if is_binary(file.before, &old) || is_binary(file.after, &new) {
        return Ok(());
    }
    if file.claimed {
        counted.ranges = lines::added(&old, &new);
    }
    (counted.added, counted.deleted) = lines::changed(&old, &new);
    Ok(())
}

/// The content of one side; nothing for an absent file.
fn content(reader: &Reader<'_>, side: Option<Side>) -> Result<Rc<Vec<u8>>, Stop> {
    let Some(side) = side.filter(|side| side.is_submodule || !side.id.is_empty_blob()) else {
        return Ok(Rc::default());
    };
    if side.is_submodule {
        return Ok(Rc::new(format!("Subproject commit {}\n", side.id).into_bytes()));
    }
    reader.find(&side.id, ObjectKind::Blob)?.ok_or(Stop::Missing(side.id, Kind::Blob))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_paths_are_shared_out_and_light_ones_kept_whole() {
        let steps: Vec<Step> = [(0, 5), (1, 20), (2, 60), (3, 10)]
            .into_iter()
            .flat_map(|(path, versions)| (0..versions).map(move |commit| (path, commit, 0)))
            .collect();
        let weigh = |(path, _, _): &Step| if *path == 2 { 8 << 20 } else { 1_000 };
        assert_eq!(parts(&steps, 2, true, &weigh), [0..25, 25..55, 55..85, 85..95]);
        assert_eq!(parts(&steps, 1, true, &weigh), [0..85, 85..95], "one thread has nobody to share with");
        assert_eq!(parts(&steps, 2, true, &|_| 1_000), [0..85, 85..95]);
        for threads in 1..9 {
            for by_path in [true, false] {
                let parts = parts(&steps, threads, by_path, &weigh);
                assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, steps.len()));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty()));
            }
        }
    }
}
