//! Counting the lines of many commits on many threads.
//!
//! In two passes. The first compares trees, commit by commit, and finds which files changed. The second reads contents, mostly path by path: the
//! older version of one change is the newer version of the next one, and packs store the versions of a path as differences to each other. So
//! each content is decoded once, from the one before, while it is in the processor's cache; and threads that work on different paths share nothing.

use super::attributes::Attributes;
use super::claimed::{Checked, Claimed};
use super::contents::{self, Counted};
use super::objects::{Reader, Repository};
use super::stores::Stores;
use super::tree::{self, Change, Side, Stop};
use super::{ChangesError, Options, crew};
use crate::changes::attestation::Rejection;
use crate::changes::method::Renames;
use crate::changes::table::{Cell, Kind, Mark, Missing, Source};
use crate::scan::PathClass;
use gix::ObjectId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Commits in both passes at once; bounds the memory for lists of files.
const BATCH: usize = 32_768;
/// Fewest commits for a thread.
const FEWEST: usize = 64;
/// Memory for folders, per thread, in bytes: neighbours in the history share most of them.
pub(super) const TREE_BYTES: usize = 48 << 20;
/// Stretches of history for each thread in the first pass. A stretch begins with cold caches; more of them even the load out.
const STRETCHES: usize = 2;

/// A commit whose lines are to be counted.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) place: usize,
    pub(super) id: String,
    pub(super) before: Option<ObjectId>,
    pub(super) after: ObjectId,
}

/// A commit whose lines were counted, or what it lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) place: usize,
    pub(super) cells: Vec<Cell>,
    pub(super) rejected: Vec<(Rejection, u64)>,
    pub(super) sources: Vec<Source>,
    pub(super) marks: Vec<Mark>,
    pub(super) missing: Vec<Missing>,
}

/// A changed file of a commit.
#[derive(Debug)]
pub(super) struct File {
    /// Place in the list of paths.
    pub(super) path: usize,
    pub(super) before: Option<Side>,
    pub(super) after: Option<Side>,
    /// It only moved: no line counts.
    pub(super) moved: bool,
    /// Somebody claims something about its lines.
    pub(super) claimed: bool,
    pub(super) counted: Counted,
}

/// The changed files of a commit.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) files: Vec<File>,
    claims: Claimed,
    missing: Option<(ObjectId, Kind)>,
}

/// Runs all jobs.
pub(super) fn run(
    repository: &Repository,
    jobs: &[Job],
    (stores, attributes): (&Stores, &Attributes),
    options: &Options<'_>,
) -> Result<Vec<Done>, ChangesError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let asked = if options.threads == 0 { cores } else { options.threads };
    let threads = asked.clamp(1, jobs.len().div_ceil(FEWEST).max(1));
    let mut out = Vec::with_capacity(jobs.len());
    for batch in jobs.chunks(BATCH) {
        let (mut changed, paths) = changed(repository, batch, stores, options, threads)?;
        let progress = |part: u64, of: u64| {
            let done = out.len() as u64 + batch.len() as u64 * part / of.max(1);
            (options.progress)(done, jobs.len() as u64);
        };
        contents::count(repository, &mut changed, &paths, (options.classes, attributes), asked, &progress)?;
        out.extend(batch.iter().zip(changed).map(|(job, changed)| finish(job, changed, &paths)));
    }
    Ok(out)
}

/// The changed files of each commit, and all paths.
fn changed(
    repository: &Repository,
    jobs: &[Job],
    stores: &Stores,
    options: &Options<'_>,
    threads: usize,
) -> Result<(Vec<Changed>, Vec<Vec<u8>>), ChangesError> {
    let size = jobs.len().div_ceil(if threads == 1 { 1 } else { threads * STRETCHES }).max(1);
    let stretches: Vec<&[Job]> = jobs.chunks(size).collect();
    let tools = || repository.reader(TREE_BYTES);
    let found = crew::work(threads, stretches.len(), tools, |reader, at| {
        stretches[at].iter().map(|job| differences(reader, stores, job)).collect::<Result<Vec<_>, _>>()
    })?;
    let mut paths: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut out = Vec::with_capacity(jobs.len());
    for (changes, claims, missing) in found.into_iter().flatten() {
        let moved = moved(&changes, options.method.renames);
        let file = |(at, change): (usize, Change)| {
            let claimed = !claims.is_empty() && claims.names(&String::from_utf8_lossy(&change.path));
            let next = paths.len();
            let path = *paths.entry(change.path).or_insert(next);
            let (before, after) = (change.before, change.after);
            File { path, before, after, moved: moved.contains(&at), claimed, counted: Counted::default() }
        };
        let files = changes.into_iter().enumerate().map(file).collect();
        out.push(Changed { files, claims, missing });
    }
    let mut names = vec![Vec::new(); paths.len()];
    for (path, place) in paths {
        names[place] = path;
    }
    Ok((out, names))
}

/// What a commit changes, what is claimed about it, and the first folder that is missing.
type Differences = (Vec<Change>, Claimed, Option<(ObjectId, Kind)>);

fn differences(reader: &Reader<'_>, stores: &Stores, job: &Job) -> Result<Differences, ChangesError> {
    let mut changes = Vec::new();
    match tree::changes(reader, job.before, Some(job.after), &mut changes) {
        Ok(()) => Ok((changes, stores.claims(reader, &job.id)?, None)),
        Err(Stop::Missing(id, kind)) => Ok((Vec::new(), Claimed::default(), Some((id, kind)))),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// The figures of a commit from those of its files.
fn finish(job: &Job, changed: Changed, paths: &[Vec<u8>]) -> Done {
    let Changed { files, claims, missing } = changed;
    let absent = missing.or_else(|| files.iter().find_map(|file| file.counted.missing.map(|id| (id, Kind::Blob))));
    if let Some((id, kind)) = absent {
        let missing = vec![Missing { id: id.to_string(), kind, needed_by: job.id.clone() }];
        return Done { place: job.place, missing, ..Done::default() };
    }
    let mut cells: BTreeMap<(PathClass, bool), Cell> = BTreeMap::new();
    let mut checked = Checked::default();
    for file in &files {
        let (class, generated) = file.counted.class;
        let cell = cells.entry((class, generated)).or_insert(Cell {
            class,
            generated,
            files: 0,
            added: 0,
            deleted: 0,
            ai: 0,
            person: 0,
        });
        cell.files += 1;
        cell.added += file.counted.added;
        cell.deleted += file.counted.deleted;
        if file.claimed {
            let inside = checked.file(&claims, &String::from_utf8_lossy(&paths[file.path]), &file.counted.ranges);
            cell.ai += inside.ai;
            cell.person += inside.human;
        }
    }
    let mut marks = Vec::new();
    if claims.human_under_agent() > 0 {
        marks.push(Mark::PersonUnderAgent);
    }
    if claims.unreadable {
        marks.push(Mark::Unreadable);
    }
    let (rejected, sources) = checked.finish(&claims);
    Done { place: job.place, cells: cells.into_values().collect(), rejected, sources, marks, missing: Vec::new() }
}

/// Places of removed and added files that are one file that moved unchanged.
fn moved(changes: &[Change], renames: Renames) -> HashSet<usize> {
    let mut out = HashSet::new();
    if renames == Renames::None {
        return out;
    }
    let mut gone: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let (Some(before), None) = (change.before, change.after) {
            gone.entry(before.id).or_default().push(at);
        }
    }
    for (at, change) in changes.iter().enumerate() {
        if let (None, Some(after)) = (change.before, change.after)
            && !after.id.is_empty_blob()
            && let Some(from) = gone.get_mut(&after.id).and_then(Vec::pop)
        {
            out.extend([at, from]);
        }
    }
    out
}
